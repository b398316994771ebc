"""A recording: EEG whose volume markers carry the BOLD of each volume."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import mne
import numpy as np
import pandas as pd

from ._series import plain_name
from .markers.annotations import (
    MarkerError,
    find_markers,
    matches_marker,
    onset_samples,
    recording_file,
    with_annotations,
)

__all__ = ["Recording", "attach_bold"]

logger = logging.getLogger(__name__)

#: What the extras of a volume's annotation hold besides its index: the BOLD
#: of each region and, where the data were simulated, what it would be without
#: noise, from the whole haemodynamic response and from the part of it that
#: lies in the window.
TABLES = ("bold", "noiseless", "noiseless_window")


@dataclass(frozen=True, repr=False)
class Recording:
    """One run of simultaneous EEG and fMRI.

    The BOLD of a volume lives in the ``extras`` of the volume's annotation, so
    that it survives what MNE and braindecode do to a Raw object: saving,
    cropping, resampling, concatenating.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG, in volts, with one annotation per volume
        (:func:`attach_bold` puts the BOLD there).
    subject : str
        Who was recorded.
    session : str | None
        The session, where there are several.
    run : str | None
        The run, where there are several.
    task : str | None
        What was done (``"rest"``).
    site : str | None
        Where it was recorded, in studies of several sites. Not part of `name`
        and `entities`, since BIDS file names do not have it.

    Attributes
    ----------
    bold : pandas.DataFrame, shape (n_volumes, n_rois)
        BOLD per volume and region, indexed by volume (counted from 0 as
        recorded).
    """

    raw: mne.io.BaseRaw
    subject: str
    session: str | None = None
    run: str | None = None
    task: str | None = None
    site: str | None = None

    @property
    def name(self) -> str:
        """The recording's name in BIDS entities, ``sub-01_run-2``."""
        short = {"subject": "sub", "session": "ses"}
        return "_".join(f"{short.get(k, k)}-{v}" for k, v in self.entities.items())

    @property
    def entities(self) -> dict[str, str]:
        """Subject, session, task and run, as far as they are known."""
        named = {
            "subject": self.subject,
            "session": self.session,
            "task": self.task,
            "run": self.run,
        }
        return {key: value for key, value in named.items() if value}

    @property
    def bold(self) -> pd.DataFrame:
        """BOLD per volume (rows) and region (columns)."""
        return self.table("bold")

    @property
    def ceiling(self) -> pd.DataFrame:
        """Best R that any model can reach, per region, where it is known.

        Columns ``full`` and ``window``: Pearson R of the recorded BOLD with
        the BOLD before noise was added, made from the whole haemodynamic
        response and from its part inside the window. Empty for real data.
        After :func:`~braindecode_bolt.prepare_bold` all have gone through the
        same filter.
        """
        bold = self.bold
        noiseless = {"full": "noiseless", "window": "noiseless_window"}
        tables = {name: self.table(kind) for name, kind in noiseless.items()}
        return pd.DataFrame({n: bold.corrwith(t) for n, t in tables.items() if t.shape[1]})

    def table(self, kind: str, marker: str | None = None) -> pd.DataFrame:
        """Read one of the tables that the volume markers carry.

        Parameters
        ----------
        kind : {"bold", "noiseless", "noiseless_window"}
            The BOLD itself or, where it was simulated, the BOLD before noise
            was added, from the whole response and from its part inside the
            window.
        marker : str | None
            Only annotations of this description. By default all that carry
            BOLD.

        Returns
        -------
        pandas.DataFrame, shape (n_volumes, n_rois)
            Indexed by volume. Without columns where the recording holds no
            such table.
        """
        prefix = f"{kind}:"
        volumes, rows = [], []
        for index in self.volume_annotations(marker):
            extras = self.raw.annotations.extras[index]
            volumes.append(extras["volume"])
            rows.append(
                {k[len(prefix) :]: v for k, v in extras.items() if k.startswith(prefix)}
            )
        return pd.DataFrame(rows, index=pd.Index(volumes, name="volume"), dtype=float)

    def volume_annotations(self, marker: str | None = None) -> np.ndarray:
        """Positions of the volumes' annotations in ``raw.annotations``.

        Parameters
        ----------
        marker : str | None
            Only annotations of this description. By default all that carry
            BOLD.

        Returns
        -------
        ndarray of int, shape (n_volumes,)
        """
        annotations = self.raw.annotations
        found = [
            index
            for index, (description, extras) in enumerate(
                zip(annotations.description, annotations.extras, strict=True)
            )
            if extras
            and "volume" in extras
            and (marker is None or matches_marker(description, marker))
        ]
        return np.array(found, dtype=int)

    def marker_samples(self, marker: str | None = None) -> np.ndarray:
        """Sample of each volume marker, counted from the first of the data.

        Parameters
        ----------
        marker : str | None
            Only annotations of this description. By default all that carry
            BOLD.

        Returns
        -------
        ndarray of int, shape (n_volumes,)
        """
        index = self.volume_annotations(marker)
        return onset_samples(self.raw, self.raw.annotations.onset[index])

    def with_tables(self, tables: Mapping[str, pd.DataFrame]) -> Recording:
        """Put other values into the volume markers, leaving this one as it is.

        Parameters
        ----------
        tables : mapping of str to pandas.DataFrame
            New tables by kind, rows as in :attr:`bold`.

        Returns
        -------
        Recording
            Shares the EEG data with this one.
        """
        positions = self.volume_annotations()
        volumes = [self.raw.annotations.extras[i]["volume"] for i in positions]
        return replace(self, raw=_carry(self.raw, positions, volumes, tables))

    def __repr__(self) -> str:  # noqa: D105
        bold = self.bold
        return (
            f"<Recording {self.name}: {len(self.raw.ch_names)} channels, "
            f"{self.raw.times[-1]:.0f} s at {self.raw.info['sfreq']:g} Hz, "
            f"{bold.shape[0]} volumes x {bold.shape[1]} regions>"
        )


def attach_bold(
    raw: mne.io.BaseRaw,
    bold: pd.DataFrame,
    marker: str | None = None,
    volumes: Sequence[int] | None = None,
    **tables: pd.DataFrame,
) -> mne.io.BaseRaw:
    """Write each volume's BOLD into the annotation that marks the volume.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG with one annotation per volume. It is not changed.
    bold : pandas.DataFrame, shape (n_volumes, n_rois)
        BOLD, a row per volume in the order of acquisition, a column per region.
    marker : str | None
        Description of the volume markers. By default the usual ones are tried:
        ``R128``, ``R149``, ``volume``; a stimulus type in front
        (``Response/R128``) and white space (``V  1``) do not matter. Markers that
        are written twice or missing: see :func:`find_volume_markers`.
    volumes : sequence of int | None
        Volume of each row, counted from 0 at the first marker, where some have
        no BOLD (scrubbed, or not in the steady state). Their markers carry none
        and get no window. By default there is a row for every marker.
    **tables : pandas.DataFrame
        Further tables of the same shape, ``noiseless`` and
        ``noiseless_window``, where the BOLD was simulated.

    Returns
    -------
    mne.io.BaseRaw
        Shares the data with `raw`.

    Raises
    ------
    MarkerError
        If there are no such markers, or fewer or more than rows in `bold`.
    ValueError
        If `bold` has values that are not finite, no column, or two columns of
        one name.
    """
    check_bold(bold, "The BOLD table")
    found = find_markers(raw, marker)
    if volumes is not None:
        volumes = _check_volumes(volumes, len(bold), len(found), recording_file(raw))
        found = found[volumes]
    elif len(found) != len(bold):
        described = raw.annotations.description[found[0]]
        raise MarkerError(
            f"{recording_file(raw)} has {len(found)} volume markers ({described!r}) but "
            f"{len(bold)} rows of BOLD; expected one marker per row. Remove the rows of "
            "volumes without a marker (dummy scans), or the stray markers."
        )
    for kind, table in tables.items():
        if kind not in TABLES or table.shape != bold.shape:
            raise ValueError(
                f"The table {kind!r} has the shape {table.shape}; expected one of "
                f"{', '.join(TABLES[1:])}, of the shape of bold, {bold.shape}."
            )
        if [*map(plain_name, table.columns)] != [*map(plain_name, bold.columns)]:
            raise ValueError(f"The table {kind!r} has other regions than bold.")
    tables = {kind: table.set_axis(bold.columns, axis=1) for kind, table in tables.items()}
    volumes = range(len(bold)) if volumes is None else volumes
    return _carry(raw, found, volumes, {"bold": bold, **tables})


def _check_volumes(
    volumes: Sequence[int], n_rows: int, n_markers: int, name: str
) -> np.ndarray:
    numbers = np.asarray(volumes)
    integers = numbers.ndim == 1 and numbers.dtype.kind in "iu"
    if not integers or len(numbers) != n_rows or (np.diff(numbers) <= 0).any():
        raise ValueError(
            f"volumes must be {n_rows} ascending integers, one per row of BOLD, got "
            f"{np.array2string(numbers, threshold=6)}."
        )
    if numbers[0] < 0 or numbers[-1] >= n_markers:
        raise MarkerError(
            f"{name} has {n_markers} volume markers, but there is BOLD for the volumes "
            f"{numbers[0]} to {numbers[-1]}; expected 0 to {n_markers - 1} at most."
        )
    if n_rows < n_markers:
        without = n_markers - n_rows
        logger.info("%s: %d of %d volumes have no BOLD", name, without, n_markers)
    return numbers


def check_bold(bold: pd.DataFrame, what: str) -> None:
    """Raise where a BOLD table cannot be used.

    Parameters
    ----------
    bold : pandas.DataFrame, shape (n_volumes, n_rois)
        The table.
    what : str
        What it is, for the message.

    Raises
    ------
    ValueError
        If it is empty, not of real numbers, not finite in float32, has a region
        without any value, or names a region twice.
    """
    if bold.shape[0] == 0 or bold.shape[1] == 0:
        raise ValueError(f"{what} is empty: {bold.shape[0]} volumes x {bold.shape[1]}.")
    columns = pd.Index(map(plain_name, bold.columns))
    if columns.has_duplicates:
        twice = ", ".join(sorted(set(columns[columns.duplicated()])))
        raise ValueError(f"{what} names a region twice: {twice}. Rename the columns.")
    real = pd.api.types.is_any_real_numeric_dtype
    not_real = [f"{c} ({dtype})" for c, dtype in bold.dtypes.items() if not real(dtype)]
    if not_real:
        raise ValueError(
            f"{what} has columns that are not real numbers: {', '.join(not_real[:8])}. "
            "Expected one column of real numbers per region."
        )
    values = bold.to_numpy(dtype=float, na_value=np.nan)
    # Models and windows hold float32.
    bad = ~(np.abs(values) <= np.finfo(np.float32).max)
    empty = columns[np.isnan(values).all(axis=0)]
    if len(empty):
        raise ValueError(
            f"{what} has no value in {len(empty)} of {len(columns)} regions: "
            f"{', '.join(empty[:8])}{', ...' if len(empty) > 8 else ''}. Leave these "
            "regions out of all recordings (rois)."
        )
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"{what} has {bad.sum()} values that are missing or not finite, "
            f"the first in volume {bold.index[row]}, region {columns[column]!r}. Leave "
            "such volumes out: their rows, and their numbers in 'volume' (a column of a "
            "file, or volumes= of attach_bold)."
        )


def as_recordings(recordings: object) -> list[Recording] | Iterable[Recording]:
    """Accept recordings however they come.

    Parameters
    ----------
    recordings : Recording | iterable of Recording | BaseConcatDataset
        One, several, or a braindecode data set of raws whose descriptions hold
        ``subject`` and, where they are known, ``session``, ``run``, ``task`` and
        ``site``.

    Returns
    -------
    iterable of Recording

    Raises
    ------
    TypeError
        If it is none of these.
    """
    if isinstance(recordings, Recording):
        return [recordings]
    if hasattr(recordings, "datasets"):
        return [_from_braindecode(dataset) for dataset in recordings.datasets]
    if isinstance(recordings, mne.io.BaseRaw) or not isinstance(recordings, Iterable):
        raise TypeError(
            f"Expected a Recording, a list of them or a braindecode BaseConcatDataset, "
            f"got {type(recordings).__name__}. Wrap a Raw as Recording(raw, subject=...)."
        )
    return recordings


def _from_braindecode(dataset) -> Recording:
    description = dict(dataset.description if dataset.description is not None else {})
    if "subject" not in description:
        raise ValueError(
            "A braindecode data set of EEG-fMRI needs 'subject' in the description of "
            f"each recording; found {sorted(description) or 'no description'}."
        )
    entities = {
        key: str(description[key])
        for key in ("subject", "session", "run", "task", "site")
        if pd.notna(description.get(key))
    }
    return Recording(dataset.raw, **entities)


def _carry(
    raw: mne.io.BaseRaw,
    positions: Iterable[int],
    volumes: Iterable[int],
    tables: Mapping[str, pd.DataFrame],
) -> mne.io.BaseRaw:
    """Write a row of each table into the annotation of each volume."""
    annotations = raw.annotations.copy()
    kinds = tuple(f"{kind}:" for kind in TABLES)
    extras = [
        {key: value for key, value in row.items() if not key.startswith(kinds)}
        for row in annotations.extras
    ]
    # One string per region, not one per region and volume: they would take more
    # memory than the numbers.
    rows = {
        kind: ([f"{kind}:{roi}" for roi in table.columns], table.to_numpy(float).tolist())
        for kind, table in tables.items()
    }
    for row, (position, volume) in enumerate(zip(positions, volumes, strict=True)):
        # MNE takes plain Python numbers only.
        extras[position]["volume"] = int(volume)
        for keys, values in rows.values():
            extras[position] |= dict(zip(keys, values[row], strict=True))
    annotations.extras = extras
    return with_annotations(raw, annotations)
