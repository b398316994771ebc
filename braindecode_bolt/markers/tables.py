"""Volumes in a table beside the EEG, and which of two sources is used."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from .annotations import (
    MarkerError,
    count_descriptions,
    marker_descriptions,
    recording_file,
    with_annotations,
)
from .grid import Axis
from .joints import is_joint
from .options import MarkerOptions
from .sources import Found, read_positions

__all__ = ["VolumeTable", "choose_source", "read_volume_table"]

logger = logging.getLogger(__name__)

#: What volume markers from a table are called in annotations.
FROM_TABLE = "R128"
# Columns of events.tsv that can say what an event is, the first that does counts.
_COLUMNS = ("trial_type", "stim_type", "value", "type", "event_type", "description", "name")


@dataclass(frozen=True)
class VolumeTable:
    """Volumes as a table gives them.

    Attributes
    ----------
    name : str
        The file.
    onsets : ndarray of float
        Seconds from the first sample of the EEG.
    spelled : tuple of str
        How the events are called; empty where every row is a volume.
    """

    name: str
    onsets: np.ndarray
    spelled: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether every row is a volume, and not an event among others."""
        return not self.spelled


def read_volume_table(
    file: str | Path, marker: str | int | Sequence[str] | None = None
) -> VolumeTable | None:
    """Read when the volumes were, according to a table.

    Parameters
    ----------
    file : str | Path
        Values separated by commas (``.csv``) or tabs, with the column ``onset``: of
        the volumes (``..._volumes.tsv``), or of events of all kinds
        (``..._events.tsv``), of which those that name the marker count.
    marker : str | int | sequence of str | None
        What volumes are called among events; by default the usual descriptions.

    Returns
    -------
    VolumeTable | None
        None where events name no volume.

    Raises
    ------
    MarkerError
        If there are no numbers in ``onset``, or the volumes of ``..._volumes.tsv`` are
        not in the order of time: rows of BOLD would then be paired with the wrong
        volumes.
    """
    file = Path(file)
    events = file.name.split(".")[0].endswith("_events")
    separator = "," if file.suffix.lower() == ".csv" else "\t"
    try:
        table = pd.read_csv(
            file, sep=separator, dtype=str, na_values=["n/a"], encoding="utf-8-sig"
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise MarkerError(f"{file.name} is not a table: {error}") from error
    spelled: tuple[str, ...] = ()
    if events:
        rows, spelled = _rows_of(table, str(marker) if _is_code(marker) else marker)
        if not spelled:
            return None
        table = table[rows]
    onsets = _numbers(table, file.name)
    if events:
        return VolumeTable(file.name, np.sort(onsets), spelled)
    wrong = np.flatnonzero(np.diff(onsets) <= 0)
    if len(wrong):
        row = wrong[0]
        raise MarkerError(
            f"{file.name}: the onsets must ascend, since row k is the volume of row k of "
            f"the BOLD; volume {row + 1} is at {onsets[row + 1]:g} s, volume {row} at "
            f"{onsets[row]:g} s ({len(wrong)} such places)."
        )
    return VolumeTable(file.name, onsets)


def _is_code(marker: object) -> bool:
    return isinstance(marker, int | np.integer)


def _rows_of(
    table: pd.DataFrame, marker: str | Sequence[str] | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Find the rows of events that name the marker, in the first column that does."""
    columns = {str(column).strip().lower(): column for column in table}
    for name in _COLUMNS:
        if name in columns:
            texts = table[columns[name]].fillna("").astype(str)
            described = marker_descriptions(texts, marker)
            if described:
                return texts.isin(described).to_numpy(), tuple(described)
    return np.zeros(len(table), dtype=bool), ()


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    columns = {str(column).strip().lower(): column for column in table}
    if "onset" not in columns:
        raise MarkerError(
            f"{name} needs a column 'onset' of seconds from the first sample of the EEG, "
            f"found {', '.join(map(str, table.columns))}."
        )
    written = table[columns["onset"]]
    onsets = pd.to_numeric(written, errors="coerce").to_numpy(float)
    bad = np.flatnonzero(~np.isfinite(onsets))
    if len(bad):
        raise MarkerError(
            f"{name}: the onset of {len(bad)} volumes is no number of seconds, the first "
            f"in row {table.index[bad[0]] + 2} ({written.iloc[bad[0]]!r})."
        )
    if not len(onsets):
        raise MarkerError(f"{name} has no rows; expected one per volume.")
    return onsets


def choose_source(
    raw: mne.io.BaseRaw, axis: Axis, table: VolumeTable | None, options: MarkerOptions
) -> str:
    """Choose the source of volume markers if there are two.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG with the annotations of its file.
    axis : Axis
        Its samples.
    table : VolumeTable | None
        Volumes from the table beside the EEG file.
    options : MarkerOptions
        ``markers_from`` decides.

    Returns
    -------
    {"eeg", "table"}

    Raises
    ------
    MarkerError
        If the two give different times and ``markers_from`` is not given, or the one
        that it names has no markers.
    """
    if table is None and options.markers_from == "table":
        raise MarkerError(
            f"{axis.name}: markers_from='table', but no table beside it gives the volumes "
            "(..._volumes.tsv, or rows of ..._events.tsv that name the marker)."
        )
    if table is None or options.markers_from == "eeg":
        return "eeg"
    if options.markers_from == "table":
        return "table"
    interval = None if options.tr is None else options.tr * options.volumes_per_marker
    try:
        found = read_positions(
            raw, axis, options.marker, options.stim_channel, interval, options.n_slices
        )
    except MarkerError:
        return "table"
    ours, theirs = _once(found.positions, axis), _once(table.onsets * axis.sfreq, axis)
    if len(ours) == len(theirs) and np.abs(ours - theirs).max() <= axis.tolerance:
        return "table" if table.exact else "eeg"
    raise axis.error(_disagreement(ours, theirs, axis, found, table))


def _once(positions: np.ndarray, axis: Axis) -> np.ndarray:
    positions = np.sort(positions)
    return positions[np.append(True, np.diff(positions) > axis.tolerance)]


def _disagreement(
    ours: np.ndarray, theirs: np.ndarray, axis: Axis, found: Found, table: VolumeTable
) -> str:
    offset = (theirs[0] - ours[0]) / axis.sfreq
    where = (
        f"in the table the first is {abs(offset):.3f} s "
        f"{'later' if offset > 0 else 'earlier'}"
        if abs(theirs[0] - ours[0]) > axis.tolerance
        else "they begin at the same time but do not stay together"
    )
    return (
        f"two sources give the volumes at different times: {table.name} {len(theirs)} from "
        f"{theirs[0] / axis.sfreq:.3f} s to {theirs[-1] / axis.sfreq:.3f} s, the EEG file "
        f"({found.source}) {len(ours)} from {ours[0] / axis.sfreq:.3f} s to "
        f"{ours[-1] / axis.sfreq:.3f} s; {where}. Expected seconds from the first sample "
        "of the EEG in both. Choose one: markers_from='eeg' or "
        "markers_from='table'."
    )


def markers_of(
    raw: mne.io.BaseRaw,
    file_annotations: mne.Annotations | None,
    marker: str | int | Sequence[str] | None,
) -> mne.io.BaseRaw:
    """Give a recording the joints and volume markers of its file.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        With annotations from elsewhere, ``events.tsv`` for example.
    file_annotations : mne.Annotations | None
        Those of the file. None where `raw` has them.
    marker : str | int | sequence of str | None
        What volumes are called.

    Returns
    -------
    mne.io.BaseRaw
    """
    if file_annotations is None:
        return raw
    wanted = str(marker) if _is_code(marker) else marker
    theirs = raw.annotations
    replaced = marker_descriptions(theirs.description, wanted)
    own = file_annotations.description
    ours = marker_descriptions(own, wanted)
    kept = np.flatnonzero([text not in replaced for text in theirs.description])
    added = np.flatnonzero([text in ours or is_joint(text) for text in own])
    logger.debug(
        "%s: %d annotations from the file (%s)",
        recording_file(raw),
        len(added),
        count_descriptions(own[added]),
    )
    joined = file_annotations[added]
    merged = theirs[kept]
    merged.append(joined.onset, joined.duration, joined.description, extras=joined.extras)
    return with_annotations(raw, merged)
