"""Volumes in a table beside the EEG, and which of two sources is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from .annotations import MarkerError, marker_descriptions, with_annotations
from .grid import Axis
from .joints import is_joint
from .options import MarkerOptions
from .sources import Found, read_positions

__all__ = ["VolumeTable", "choose_source", "read_volume_table"]

#: What volume markers from a table are called in annotations.
FROM_TABLE = "R128"
# Columns of events.tsv that can say what an event is, the first that does counts.
_COLUMNS = ("trial_type", "stim_type", "value", "type", "event_type", "description", "name")


@dataclass(frozen=True)
class VolumeTable:
    """Volumes as a table gives them."""

    #: The file.
    name: str
    #: Seconds from the first sample of the EEG.
    onsets: np.ndarray
    #: How the events are called; empty where every row is a volume.
    spelled: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether every row is a volume, and not an event among others."""
        return not self.spelled


def read_volume_table(
    file: str | Path, marker: str | int | Sequence[str] | None = None
) -> VolumeTable | None:
    """Read when the volumes were, according to a table.

    Of ``..._events.tsv`` the rows that name the marker count, in the first column that
    does; None where no row does. In others (``..._volumes.tsv``) every row is a volume.
    """
    file = Path(file)
    separator = "," if file.suffix.lower() == ".csv" else "\t"
    try:
        table = pd.read_csv(
            file, sep=separator, dtype=str, na_values=["n/a"], encoding="utf-8-sig"
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise MarkerError(f"{file.name} is not a table: {error}") from error
    columns = {str(column).strip().lower(): table[column] for column in table}
    if not file.name.split(".")[0].endswith("_events"):
        onsets = _numbers(columns, file.name)
        _check_order(onsets, file.name)
        return VolumeTable(file.name, onsets)
    for name in _COLUMNS:
        texts = columns.get(name, pd.Series(dtype=str)).fillna("")
        described = marker_descriptions(texts, marker)
        if described:
            columns = {name: each[texts.isin(described)] for name, each in columns.items()}
            onsets = np.sort(_numbers(columns, file.name))
            return VolumeTable(file.name, onsets, tuple(described))
    return None


def _numbers(columns: dict[str, pd.Series], name: str) -> np.ndarray:
    """Read the onsets."""
    if "onset" not in columns:
        raise MarkerError(
            f"{name} needs a column 'onset' of seconds from the first sample of the EEG, "
            f"found {', '.join(columns)}."
        )
    written = columns["onset"]
    onsets = pd.to_numeric(written, errors="coerce").to_numpy(float)
    bad = np.flatnonzero(~np.isfinite(onsets))
    if len(bad):
        raise MarkerError(
            f"{name}: the onset of {len(bad)} volumes is no number of seconds, the first "
            f"in row {written.index[bad[0]] + 2} ({written.iloc[bad[0]]!r})."
        )
    if not len(onsets):
        raise MarkerError(f"{name} has no rows; expected one per volume.")
    return onsets


def _check_order(onsets: np.ndarray, name: str) -> None:
    wrong = np.flatnonzero(np.diff(onsets) <= 0)
    if len(wrong):
        row = wrong[0]
        raise MarkerError(
            f"{name}: the onsets must ascend, since row k is the volume of row k of the "
            f"BOLD; volume {row + 1} is at {onsets[row + 1]:g} s, volume {row} at "
            f"{onsets[row]:g} s ({len(wrong)} such places)."
        )


def choose_source(
    raw: mne.io.BaseRaw, axis: Axis, table: VolumeTable | None, options: MarkerOptions
) -> VolumeTable | None:
    """Give the table if its volumes are used, None if the markers of the EEG are.

    Raises MarkerError if the two give other times and the options do not say which to
    believe (`markers_from`), or the one that is named has no markers.
    """
    if table is None and options.markers_from == "table":
        raise MarkerError(
            f"{axis.name}: markers_from='table', but no table beside it gives the volumes "
            "(..._volumes.tsv, or rows of ..._events.tsv that name the marker)."
        )
    if table is None or options.markers_from == "eeg":
        return None
    if options.markers_from == "table":
        return table
    try:
        found = read_positions(raw, axis, options)
    except MarkerError:
        return table
    theirs = np.sort(table.onsets * axis.sfreq)
    ours, theirs = (each[axis.once(each)] for each in (found.positions, theirs))
    if len(ours) == len(theirs) and np.abs(ours - theirs).max() <= axis.tolerance:
        return table if table.exact else None
    raise axis.error(_disagreement(ours, theirs, axis, found, table))


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
        "of the EEG in both. Say which to believe: markers_from='eeg' or "
        "markers_from='table'."
    )


def markers_of(
    raw: mne.io.BaseRaw,
    file_annotations: mne.Annotations | None,
    marker: str | int | Sequence[str] | None,
) -> mne.io.BaseRaw:
    """Give a recording the joints and volume markers of its file.

    For a recording with annotations from elsewhere, ``events.tsv`` for example; those of
    the file are None where it has them.
    """
    if file_annotations is None:
        return raw
    replaced, ours = (
        marker_descriptions(each.description, marker)
        for each in (raw.annotations, file_annotations)
    )
    kept = [text not in replaced for text in raw.annotations.description]
    added = [text in ours or is_joint(text) for text in file_annotations.description]
    merged = raw.annotations[np.flatnonzero(kept)]
    new = file_annotations[np.flatnonzero(added)]
    merged.append(new.onset, new.duration, new.description, extras=new.extras)
    return with_annotations(raw, merged)
