"""Windows from tables of EEG features per fMRI volume."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np
import pandas as pd

from .._text import counted
from ..recording import Recording
from .create import BOLDWindows
from .lazy import LazyWindows

__all__ = ["FeatureLayout", "FeatureWindows", "create_feature_windows"]

logger = logging.getLogger(__name__)

_ENTITIES = ("subject", "session", "run", "task", "site")
#: Electrode of features that belong to none.
NO_ELECTRODE = "EEG"


@dataclass(frozen=True)
class FeatureLayout:
    """Electrode and band of the columns of features.

    Attributes
    ----------
    ch_names, band_names : tuple of str
        Electrodes and bands.
    rows : ndarray of int, shape (n_electrodes, n_bands)
        Row of the feature of each electrode and band.
    bands : dict of str to (float, float)
        Frequencies in Hz of the bands, where they are known.
    """

    ch_names: tuple[str, ...]
    band_names: tuple[str, ...]
    rows: np.ndarray
    bands: dict[str, tuple[float, float]]

    @classmethod
    def of(
        cls, columns: Sequence[str], bands: Mapping[str, tuple[float, float]]
    ) -> FeatureLayout:
        """Read it from names such as ``"Oz:alpha"`` or ``"alpha"``."""
        pairs = []
        for column in columns:
            electrode, found, band = column.rpartition(":")
            pairs.append((electrode if found else NO_ELECTRODE, band))
        ch_names = tuple(dict.fromkeys(electrode for electrode, _ in pairs))
        band_names = tuple(dict.fromkeys(band for _, band in pairs))
        place = {pair: row for row, pair in enumerate(pairs)}
        missing = [
            f"{electrode}:{band}"
            for electrode in ch_names
            for band in band_names
            if (electrode, band) not in place
        ]
        if missing:
            raise ValueError(
                f"Every electrode must have the same features. There is no "
                f"{', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}. Name "
                "columns electrode:band, or band alone where there are no electrodes."
            )
        rows = np.array([[place[e, band] for band in band_names] for e in ch_names])
        return cls(ch_names, band_names, rows, dict(bands))


class FeatureWindows(LazyWindows):
    """Features of each volume and the volumes before it, an array-like as LazyWindows.

    Of shape (n_windows, n_features, n_lags), in the order of time. Made by
    :func:`create_feature_windows`.

    Parameters
    ----------
    signals : sequence of ndarray, each of shape (n_features, n_volumes)
        Features of each recording.
    metadata : pandas.DataFrame
        A row per window, as for :class:`LazyWindows`; ``start`` and ``stop`` are volumes.
    info : mne.Info
        Names of the features; the sampling rate is that of the volumes.
    baseline : None
        Nothing is subtracted from features (:class:`LazyWindows` has the default
        ``"window"``).
    lag_seconds : float | None
        Not used (default None).

    Attributes
    ----------
    layout : FeatureLayout
        Electrode and band of each feature.
    """

    layout: FeatureLayout

    def by_electrode(self) -> np.ndarray:
        """Give the features with an axis for electrodes and one for bands.

        Returns
        -------
        ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
            float32, in the units of the tables.
        """
        return np.asarray(self)[:, self.layout.rows]


def create_feature_windows(
    tables: pd.DataFrame | Iterable[pd.DataFrame],
    targets: str | Sequence[str],
    features: Sequence[str] | None = None,
    *,
    tr: float,
    n_lags: int = 8,
    bands: Mapping[str, tuple[float, float]] | None = None,
) -> BOLDWindows:
    """Make windows from tables that hold EEG features and BOLD of each volume.

    For data sets that share band power per volume instead of EEG. The result can be
    used like that of :func:`create_bold_windows`, by splitters, linear models on band
    power, :func:`~braindecode_bolt.evaluation.evaluate`, null models, the report.

    Parameters
    ----------
    tables : pandas.DataFrame | iterable of pandas.DataFrame
        A row for each volume, with the columns ``subject`` and ``volume`` and, where
        there are several, ``session``, ``run``, ``task`` and ``site``, in addition to
        features and targets. Volumes that are absent or lack a value are gaps.
    targets : str | sequence of str
        Columns to predict: the regions.
    features : sequence of str | None
        Columns to predict from, named ``"electrode:band"``, or ``"band"``
        where features belong to no electrode. By default all other columns of numbers.
    tr : float
        Repetition time in seconds.
    n_lags : int
        Number of volumes whose features a window holds: the volume itself (lag 0) and
        those before it. Default 8.
    bands : mapping of str to (float, float) | None
        Frequencies of the bands in Hz, so that models know which bands are neighbours.
        Default None.

    Returns
    -------
    BOLDWindows
        `X` is :class:`FeatureWindows`, `y` the unchanged targets. Volumes without all
        lags, or with missing values at these lags, are left out and counted in `left_out`.

    Raises
    ------
    ValueError
        If columns are missing or ambiguous, a volume occurs twice, a number is out of
        range, values are infinite, a target is constant in a recording, or no volume
        has all lags.
    TypeError
        If a feature or a target is not a number.

    See Also
    --------
    braindecode_bolt.create_bold_windows : Windows of EEG.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from braindecode_bolt.windows import create_feature_windows
    >>> values = np.random.default_rng(0).standard_normal((40, 3))
    >>> table = pd.DataFrame(values, columns=["Oz:alpha", "Pz:alpha", "Thalamus"])
    >>> table = table.assign(subject="01", volume=range(40))
    >>> windows = create_feature_windows(table, "Thalamus", tr=2.1, n_lags=5)
    >>> windows.X.shape, windows.y.shape
    ((36, 2, 5), (36, 1))
    """
    targets = [targets] if isinstance(targets, str) else list(targets)
    _check_numbers(tr, n_lags, targets)
    parts = [tables] if isinstance(tables, pd.DataFrame) else list(tables)
    if not parts:
        raise ValueError("There are no tables to make windows of.")
    table = pd.concat(parts, ignore_index=True)
    names = _feature_columns(table, targets, features)
    layout = FeatureLayout.of(names, {} if bands is None else bands)
    columns = [*names, *targets]
    _check_values(table, columns)
    signals, metadata, y, left_out = [], [], [], []
    keys = [key for key in _ENTITIES if key in table]
    groups = table.groupby(keys, sort=False, dropna=False)
    for position, (_, rows) in enumerate(groups):
        described = {
            key: _entity(rows[key].iloc[0]) if key in keys else None for key in _ENTITIES
        }
        name = Recording(None, **described).name or f"recording {position}"
        piece = _cut(rows, name, columns, len(targets), n_lags)
        signals.append(piece.signal)
        n_made = len(piece.volumes)
        metadata.append(
            pd.DataFrame(
                {
                    "recording": np.full(n_made, position),
                    **{key: [value] * n_made for key, value in described.items()},
                    "volume": piece.volumes,
                    "start": piece.start,
                    "stop": piece.start + n_lags,
                }
            )
        )
        y.append(piece.targets)
        left_out.append({"recording": name, "volumes": len(rows), **piece.counts})
    counts = pd.DataFrame(left_out)
    if not counts["windows"].sum():
        raise ValueError(
            f"No volume has features of all {n_lags} volumes up to it: of "
            f"{counts['volumes'].sum()} volumes {counts['missing_values'].sum()} lack "
            "values, and the rest have too few volumes before them. Use fewer lags."
        )
    logger.info(
        "%s of %s each, from %s; left out: %s without all lags, %d with missing values",
        counted(counts["windows"].sum(), "window"),
        counted(n_lags, "volume"),
        counted(len(counts), "recording"),
        counted(counts["no_full_window"].sum(), "volume"),
        counts["missing_values"].sum(),
    )
    info = mne.create_info(names, 1 / tr, "misc", verbose="error")
    X = FeatureWindows(signals, pd.concat(metadata, ignore_index=True), info, None)
    X.layout = layout
    return BOLDWindows(X, np.concatenate(y), targets, counts)


@dataclass(frozen=True)
class _Piece:
    """What one recording gives to the windows."""

    signal: np.ndarray
    volumes: np.ndarray
    start: np.ndarray
    targets: np.ndarray
    counts: dict[str, int]


def _cut(
    rows: pd.DataFrame, name: str, columns: list[str], n_targets: int, n_lags: int
) -> _Piece:
    volumes = rows["volume"].to_numpy()
    if len(np.unique(volumes)) < len(volumes):
        twice = rows["volume"][rows["volume"].duplicated()].iloc[0]
        raise ValueError(
            f"{name} has volume {twice} twice. If it is several recordings, tell them "
            "apart by columns session, run or task."
        )
    first = volumes.min()
    places = volumes - first
    values = np.full((places.max() + 1, len(columns)), np.nan, np.float32)
    values[places] = rows[columns].to_numpy(np.float32)
    there = np.zeros(len(values), dtype=bool)
    there[places] = True
    features, targets = values[:, :-n_targets], values[:, -n_targets:]
    constant = [
        column
        for column, series in zip(columns[-n_targets:], targets.T, strict=True)
        if len(np.unique(series[np.isfinite(series)])) < 2
    ]
    if constant:
        raise ValueError(
            f"{', '.join(constant)} is constant in {name}, or not there. Leave the target "
            "out of all recordings, or the recording out."
        )
    # Sums over the last volumes: whether all are there, and all have values.
    all_there = _all_of_last(there, n_lags)
    complete = _all_of_last(np.isfinite(features).all(axis=1), n_lags)
    complete &= np.isfinite(targets).all(axis=1)
    kept = np.flatnonzero(there & all_there & complete)
    counts = {
        "windows": len(kept),
        "no_full_window": int((there & ~all_there).sum()),
        "touches_bad": 0,
        "crosses_joint": 0,
        "missing_values": int((there & all_there & ~complete).sum()),
    }
    signal = np.ascontiguousarray(features.T)
    return _Piece(signal, kept + first, kept - n_lags + 1, targets[kept], counts)


def _all_of_last(true: np.ndarray, n: int) -> np.ndarray:
    """Whether the last `n` values up to each are all true."""
    sums = np.concatenate([np.zeros(n, int), np.cumsum(true)])
    return sums[n:] - sums[:-n] == n


def _entity(value: Hashable) -> str | None:
    return None if pd.isna(value) else str(value)


def _check_numbers(tr: float, n_lags: int, targets: list[str]) -> None:
    if not 0 < tr < np.inf:
        raise ValueError(f"tr must be a positive number of seconds, got {tr!r}.")
    if not isinstance(n_lags, (int, np.integer)) or n_lags < 1:
        raise ValueError(f"n_lags must be a whole number from 1, got {n_lags!r}.")
    if not targets or len(set(targets)) < len(targets):
        raise ValueError(f"targets must be different columns, got {targets}.")


def _feature_columns(
    table: pd.DataFrame, targets: list[str], features: Sequence[str] | None
) -> list[str]:
    described = {*_ENTITIES, "volume"}
    if features is None:
        numbers = table.select_dtypes("number").columns
        features = [c for c in numbers if c not in described and c not in targets]
    if isinstance(features, str) or not len(features):
        raise ValueError(f"features must be a list of columns, got {features!r}.")
    names = list(features)
    missing = [c for c in ("subject", "volume", *names, *targets) if c not in table]
    if missing:
        raise ValueError(
            f"The tables have no column {', '.join(missing)}; they have "
            f"{', '.join(map(str, table.columns))}."
        )
    both = sorted(set(names) & set(targets))
    if both or len(set(names)) < len(names):
        raise ValueError(
            f"Columns must be named once, as a feature or as a target; got features "
            f"{', '.join(names)} and targets {', '.join(targets)}."
        )
    return names


def _check_values(table: pd.DataFrame, columns: list[str]) -> None:
    for column in columns:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise TypeError(
                f"Column {column} must hold numbers, it holds {table[column].dtype}."
            )
    infinite = np.isinf(table[columns].to_numpy(float)).any(axis=0)
    if infinite.any():
        found = [c for c, wrong in zip(columns, infinite, strict=True) if wrong]
        raise ValueError(
            f"There are infinite values in {', '.join(found)}, as the logarithm of zero "
            "power is. Replace them by NaN to leave the volumes out."
        )
    volumes: Any = table["volume"]
    if not pd.api.types.is_integer_dtype(volumes) or (volumes < 0).any():
        raise ValueError(
            "Column volume must hold the number of each volume, counted from 0 or more."
        )
