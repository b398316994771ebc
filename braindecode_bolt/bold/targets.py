"""From the series of each region to targets."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.signal import butter, filtfilt

from ..recording import MarkerError, Recording, check_bold
from .parts import keep_volumes, split_volumes
from .scaling import constant_columns

__all__ = [
    "LOW_PASS",
    "prepare_bold",
    "prepare_bold_as_published",
    "prepare_series",
    "prepare_series_as_published",
    "repetition_time",
]

logger = logging.getLogger(__name__)

#: Edge of the published low-pass filter in Hz.
LOW_PASS = 0.15
_ORDER = 5
# The published computation: the percentile that becomes 1, and what keeps it from 0.
_PERCENTILE = 95
_EPSILON = 1e-8


def prepare_bold(
    recording: Recording,
    low_pass: float | None = LOW_PASS,
    parts: Sequence[tuple[int, int] | slice] | None = None,
) -> Recording:
    """Low-pass filter and centre the BOLD of a recording.

    A Butterworth filter of the fifth order, forward and backward, then the
    mean of each region is taken off (paper, section 3.2). Both use the whole
    recording: safe where whole recordings change sides between training and
    testing, a leak where they are cut in time; there, give the `parts`. The
    scale is learned with the model, on the training recordings only
    (:class:`~braindecode_bolt.bold.BOLDScaler`).

    Parameters
    ----------
    recording : Recording
        It is not changed. Simulated BOLD without noise, where the recording
        carries it, is prepared in the same way.
    low_pass : float | None
        Edge of the filter in Hz. None leaves the spectrum as it is, and so
        does a repetition time too long to hold such frequencies.
    parts : sequence of (first, stop) | sequence of slice | None
        Ranges of volumes, counted from 0 as recorded, the stop not included.
        Each is filtered and centred by itself, so that nothing passes from one
        to another. Volumes in none of them are left out: their markers lose
        the BOLD, and no window is made of them. By default the whole recording
        is one part.

    Returns
    -------
    Recording
        Shares the EEG with `recording`. Volumes keep their numbers.

    Raises
    ------
    MarkerError
        If there is no BOLD, or the volumes of a part are not evenly spaced.
    ValueError
        If values are not finite, a region is constant within a part, there are
        too few volumes for the filter, or parts overlap or hold no volume.

    Examples
    --------
    >>> from braindecode_bolt import prepare_bold
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recording = SimulatedEEGfMRI(n_subjects=1, duration=120.0).load()[0]
    >>> len(prepare_bold(recording).bold)
    57
    >>> prepare_bold(recording, parts=[(0, 25), (35, 57)]).bold.index[[0, 24, 25, -1]]
    Index([0, 24, 35, 56], dtype='int64', name='volume')
    """
    tables = _carried_tables(recording)
    if parts is None:
        pieces = {recording.name: np.arange(len(tables["bold"]))}
    else:
        pieces = split_volumes(tables["bold"].index, parts, recording.name)
    edge, tr = _edge_of(recording, low_pass)
    prepared = []
    for what, rows in pieces.items():
        if edge is not None:
            _check_spacing(recording, rows, tr, what)
        _check_series(tables["bold"].iloc[rows], what)
        prepared.append(
            {k: _prepare(table.iloc[rows], edge, tr, what) for k, table in tables.items()}
        )
    kept = keep_volumes(recording, np.concatenate(list(pieces.values())))
    return kept.with_tables(
        {kind: pd.concat([piece[kind] for piece in prepared]) for kind in tables}
    )


def prepare_bold_as_published(recording: Recording) -> Recording:
    """Prepare the BOLD of a recording as the NeuroBOLT publication did.

    The whole scan is low-pass filtered at 0.15 Hz, centred, and divided by the
    95th percentile of the absolute value (plus 1e-8) of each region. Use it to
    compare with published numbers only: where a scan is cut in time, the
    filter, the mean and the scale carry its test part into training. Where
    whole recordings change sides, the scale still holds what is only known
    after the recording. :func:`prepare_bold` with
    :class:`~braindecode_bolt.bold.BOLDScaler` avoids both.

    Parameters
    ----------
    recording : Recording
        It is not changed. Simulated BOLD without noise, where the recording
        carries it, is divided by the scale of the BOLD.

    Returns
    -------
    Recording
        Shares the EEG with `recording`.

    Raises
    ------
    MarkerError
        If there is no BOLD, or the volumes are not evenly spaced.
    ValueError
        If values are not finite, a region is constant, or there are too few
        volumes for the filter.
    """
    prepared = prepare_bold(recording)
    scale = _published_scale(prepared.bold)
    tables = _carried_tables(prepared)
    return prepared.with_tables({kind: table / scale for kind, table in tables.items()})


def prepare_series(
    series: pd.DataFrame | pd.Series | ArrayLike,
    tr: float,
    low_pass: float | None = LOW_PASS,
) -> pd.DataFrame | pd.Series | np.ndarray:
    """Low-pass filter and centre region series that have no EEG beside them.

    What :func:`prepare_bold` does to a recording.

    Parameters
    ----------
    series : DataFrame | Series | array-like, shape (n_volumes, n_rois) or (n_volumes,)
        One run without gaps, a row per volume.
    tr : float
        Repetition time in seconds.
    low_pass : float | None
        Edge of the filter in Hz; None for no filter.

    Returns
    -------
    DataFrame | Series | ndarray
        Of the kind, the shape and the labels of `series`, float64.

    Raises
    ------
    ValueError
        If values are not finite, a region is constant, there are too few
        volumes for the filter, or `tr` is not a time in seconds.
    """
    if not (np.isfinite(tr) and tr > 0):
        raise ValueError(f"tr must be a repetition time in seconds, got {tr!r}.")
    table = pd.DataFrame(series)
    what = "The series"
    _check_series(table, what)
    prepared = _prepare(table, _edge(low_pass, tr, what), tr, what)
    if isinstance(series, pd.Series):
        return prepared.iloc[:, 0].rename(series.name)
    if isinstance(series, pd.DataFrame):
        return prepared
    return prepared.to_numpy().reshape(np.shape(series))


def prepare_series_as_published(
    series: pd.DataFrame | pd.Series | ArrayLike, tr: float
) -> pd.DataFrame | pd.Series | np.ndarray:
    """Prepare region series of a whole scan as the NeuroBOLT publication did.

    What :func:`prepare_bold_as_published` does to a recording.

    Parameters
    ----------
    series : DataFrame | Series | array-like, shape (n_volumes, n_rois) or (n_volumes,)
        The whole scan, a row per volume.
    tr : float
        Repetition time in seconds.

    Returns
    -------
    DataFrame | Series | ndarray
        Of the kind, the shape and the labels of `series`, float64.

    Raises
    ------
    ValueError
        As :func:`prepare_series`.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.bold import prepare_series_as_published
    >>> series = np.random.default_rng(0).standard_normal((200, 3))
    >>> targets = prepare_series_as_published(series, tr=2.1)
    >>> np.percentile(np.abs(targets), 95, axis=0).round(6)
    array([1., 1., 1.])
    """
    prepared = prepare_series(series, tr)
    return prepared / _published_scale(prepared)


def repetition_time(recording: Recording) -> float:
    """Measure the time between volumes.

    Parameters
    ----------
    recording : Recording
        With at least two volumes.

    Returns
    -------
    float
        Time between volume markers, in seconds.

    Raises
    ------
    MarkerError
        If there are fewer than two volumes.
    """
    tr = recording.repetition_time
    if np.isnan(tr):
        raise MarkerError(
            f"{recording.name} has {len(recording.volume_annotations())} volumes; at least "
            "2 are needed to know the repetition time."
        )
    return tr


def _carried_tables(recording: Recording) -> dict[str, pd.DataFrame]:
    tables = recording.tables()
    if "bold" not in tables:
        raise MarkerError(
            f"{recording.name} carries no BOLD. Use attach_bold to write it into the "
            "volume markers."
        )
    return tables


def _published_scale(prepared: pd.DataFrame | pd.Series | np.ndarray) -> np.ndarray:
    return np.percentile(np.abs(prepared), _PERCENTILE, axis=0) + _EPSILON


def _edge_of(
    recording: Recording, low_pass: float | None
) -> tuple[float | None, float | None]:
    # Without a filter, a single volume will do.
    tr = None if low_pass is None else repetition_time(recording)
    return _edge(low_pass, tr, recording.name), tr


def _edge(low_pass: float | None, tr: float | None, what: str) -> float | None:
    """Edge of the filter, None where there is nothing to filter."""
    if low_pass is None:
        return None
    if not low_pass > 0:
        raise ValueError(f"low_pass must be a frequency above 0 Hz, got {low_pass!r}.")
    if low_pass < 0.5 / tr:
        return low_pass
    logger.info(
        "%s: no low-pass at %g Hz, a repetition time of %g s holds nothing above %.3g Hz",
        what,
        low_pass,
        tr,
        0.5 / tr,
    )
    return None


def _prepare(
    table: pd.DataFrame, edge: float | None, tr: float | None, what: str
) -> pd.DataFrame:
    # Float32 stays what it is up to the filter: filtfilt extends the series in
    # their own precision, and the published values were made so.
    dtypes = {*table.dtypes}
    values = table.to_numpy(np.float32 if dtypes == {np.dtype("float32")} else float)
    if edge is not None:
        b, a = butter(_ORDER, edge, fs=1 / tr)
        shortest = 3 * max(len(a), len(b)) + 1
        if len(values) < shortest:
            raise ValueError(
                f"{what} has {len(values)} volumes; the low-pass filter needs at least "
                f"{shortest}. Use low_pass=None for so short a run."
            )
        values = filtfilt(b, a, values, axis=0)
    values = values.astype(float)
    centred = values - values.mean(axis=0)
    return pd.DataFrame(centred, index=table.index, columns=table.columns)


def _check_series(table: pd.DataFrame, what: str) -> None:
    check_bold(table, what)
    constant = table.columns[constant_columns(table.to_numpy(float))]
    if len(constant):
        raise ValueError(
            f"{what}: {len(constant)} of {table.shape[1]} regions are constant over "
            f"{len(table)} volumes: {', '.join(map(str, constant[:8]))}. Leave such "
            "regions out of all recordings."
        )


def _check_spacing(recording: Recording, rows: np.ndarray, tr: float, what: str) -> None:
    positions = recording.volume_annotations()[rows]
    onsets = recording.raw.annotations.onset[positions]
    uneven = np.flatnonzero(np.abs(np.diff(onsets) - tr) > 0.1 * tr)
    if len(uneven):
        first = uneven[0]
        volume = recording.raw.annotations.extras[positions[first]]["volume"]
        raise MarkerError(
            f"{what}: volumes are not evenly spaced; {len(uneven)} intervals differ from "
            f"{tr:g} s, the first after volume {volume} "
            f"({onsets[first + 1] - onsets[first]:g} s). Filtering needs series without "
            "gaps: give the stretches between the gaps as parts, or use low_pass=None."
        )
