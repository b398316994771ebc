"""Where volume markers are written, and which of two sources is used.

In annotations or stimulus channels of the EEG, or in a table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from .._text import counted
from .annotations import (
    MarkerError,
    candidates,
    count_descriptions,
    find_markers,
    marker_descriptions,
    with_annotations,
)
from .grid import Axis
from .joints import is_joint
from .options import MarkerOptions
from .series import is_regular

__all__ = ["choose_source", "markers_of", "read_positions", "read_volume_table"]

#: What markers from a stimulus channel are called in annotations.
FROM_CHANNEL = "volume"
#: What those from a table are called.
FROM_TABLE = "R128"
# Columns of events.tsv that can say what an event is, the first that does counts.
_COLUMNS = ("trial_type", "stim_type", "value", "type", "event_type", "description", "name")


@dataclass(frozen=True)
class Found:
    """Two markers or more, as they were found."""

    #: In samples from the first of the data, ascending.
    positions: np.ndarray
    #: What they are called in annotations.
    marker: str
    #: Where they were found, for the report.
    source: str
    #: Descriptions of the annotations that they were read from.
    spelled: tuple[str, ...] = ()


def read_positions(raw: mne.io.BaseRaw, axis: Axis, options: MarkerOptions) -> Found:
    """Read the positions of markers; MarkerError if there are fewer than two."""
    marker, channel = options.marker, options.stim_channel
    is_code = isinstance(marker, int | np.integer)
    has_stim = len(mne.pick_types(raw.info, meg=False, stim=True)) > 0
    if channel is not None and marker is not None and not is_code:
        raise ValueError(
            f"Markers in the channel {channel!r} have integer codes, got marker={marker!r}."
        )
    if channel is not None or (is_code and has_stim):
        return _from_channels(raw, axis, options)
    # EEGLAB's events can have numbers for names, which are texts in annotations.
    if is_code or (marker is None and has_stim):
        if not marker_descriptions(raw.annotations.description, marker):
            return _from_channels(raw, axis, options)
    return _from_annotations(raw, axis, marker)


def _from_annotations(
    raw: mne.io.BaseRaw, axis: Axis, marker: str | int | Sequence[str] | None
) -> Found:
    index = find_markers(raw, marker)
    described = marker_descriptions(raw.annotations.description, marker)
    spelled = tuple(described)
    seconds = raw.annotations.onset[index] - raw.first_time
    # Onsets are sums of seconds; what is a whole sample must come out as one.
    positions = np.round(seconds * axis.sfreq, 6)
    if len(positions) < 2:
        raise axis.error(
            f"only one marker {spelled[0]!r}, at {axis.at(positions[0])}; expected one per "
            "volume. It has annotations "
            f"{count_descriptions(raw.annotations.description)}. Name the marker."
        )
    if len(spelled) == 1:
        name = spelled[0]
    else:
        # With several spellings, the marker that was looked for.
        name = described[spelled[0]] if marker is None else candidates(marker)[0]
    more = f" and {len(spelled) - 3} more" if len(spelled) > 3 else ""
    source = f"annotations {', '.join(map(repr, spelled[:3]))}{more}"
    return Found(positions, name, source, spelled)


def _from_channels(raw: mne.io.BaseRaw, axis: Axis, options: MarkerOptions) -> Found:
    trains = _trains(raw, axis, options.stim_channel)
    listed = ", ".join(f"{c} in {name!r} ({len(p)})" for (name, c), p in trains.items())
    listed = f"codes (and numbers): {listed or 'none'}."
    wanted = options.marker
    chosen = {k: p for k, p in trains.items() if wanted is None or k[1] == wanted}
    if not chosen:
        of_code = "" if wanted is None else f" of code {wanted}"
        raise axis.error(
            f"no events{of_code} in the stimulus channels; {listed} Annotations: "
            f"{count_descriptions(raw.annotations.description)}."
        )
    if len(chosen) > 1:
        chosen = {k: p for k, p in chosen.items() if is_regular(p, axis, options)}
    # Some systems write each event into its own channel and a common one.
    different = {tuple(p): key for key, p in reversed(chosen.items())}
    if len(different) != 1:
        at = "" if options.tr is None else f" at tr={options.tr:g} s"
        raise axis.error(
            f"{len(different) or 'none'} of the codes in the stimulus channels are "
            f"regular{at}; {listed} Give marker=<code>, tr, and stim_channel if several "
            "channels have that code. For codes that share a channel bit by bit, use "
            "mne.find_events with a mask."
        )
    ((positions, (name, code)),) = different.items()
    if len(positions) < 2:
        raise axis.error(
            f"only one event of code {code} in {name!r}, at {axis.at(positions[0])}; "
            f"expected one per volume; {listed}"
        )
    source = f"code {code} in the channel {name!r}"
    return Found(np.array(positions), FROM_CHANNEL, source)


def _trains(
    raw: mne.io.BaseRaw, axis: Axis, stim_channel: str | None
) -> dict[tuple[str, int], np.ndarray]:
    """Read the positions of each code in each stimulus channel."""
    channels = [raw.ch_names[i] for i in mne.pick_types(raw.info, meg=False, stim=True)]
    if stim_channel is not None and stim_channel not in raw.ch_names:
        raise axis.error(
            f"there is no channel {stim_channel!r}; stimulus channels: "
            f"{', '.join(channels) or 'none'}."
        )
    if stim_channel is None and not channels:
        raise axis.error(
            "there are no stimulus channels. Set the type of the channel that holds the "
            "events (Raw.set_channel_types), or name the annotations."
        )
    trains = {}
    for name in channels if stim_channel is None else [stim_channel]:
        # A pulse may last one sample only.
        events = mne.find_events(raw, name, shortest_event=1, verbose="error")
        for code in np.unique(events[:, 2]):
            samples = events[events[:, 2] == code, 0] - raw.first_samp
            trains[name, int(code)] = samples.astype(float)
    return trains


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
        wrong = np.flatnonzero(np.diff(onsets) <= 0)
        if len(wrong):
            row = wrong[0]
            raise MarkerError(
                f"{file.name}: the onsets must ascend, since row k is the volume of row k "
                f"of the BOLD; volume {row + 1} is at {onsets[row + 1]:g} s, volume {row} "
                f"at {onsets[row]:g} s ({len(wrong)} such places)."
            )
        return VolumeTable(file.name, onsets)
    for name in _COLUMNS:
        texts = columns.get(name, pd.Series(dtype=str)).fillna("")
        described = marker_descriptions(texts, marker)
        if described:
            columns = {key: each[texts.isin(described)] for key, each in columns.items()}
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
            f"{name}: the onset of {counted(len(bad), 'volume')} is no number of seconds, "
            f"the first in row {written.index[bad[0]] + 2} ({written.iloc[bad[0]]!r})."
        )
    if not len(onsets):
        raise MarkerError(f"{name} has no rows; expected one per volume.")
    return onsets


def choose_source(
    raw: mne.io.BaseRaw, axis: Axis, table: VolumeTable | None, options: MarkerOptions
) -> VolumeTable | None:
    """Give the table if its volumes are used, None if the markers of the EEG are.

    Raises MarkerError if the two give different times and `markers_from` is not given, or
    the one that it names has no markers.
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
    ours, theirs = ours / axis.sfreq, theirs / axis.sfreq
    offset = theirs[0] - ours[0]
    where = "they begin at the same time but do not stay together"
    if abs(offset) * axis.sfreq > axis.tolerance:
        direction = "later" if offset > 0 else "earlier"
        where = f"in the table the first is {abs(offset):.3f} s {direction}"
    raise axis.error(
        f"two sources give the volumes at different times: {table.name} {len(theirs)} from "
        f"{theirs[0]:.3f} s to {theirs[-1]:.3f} s, the EEG file ({found.source}) "
        f"{len(ours)} from {ours[0]:.3f} s to {ours[-1]:.3f} s; {where}. Expected seconds "
        "from the first sample of the EEG in both. Choose one: "
        "markers_from='eeg' or markers_from='table'."
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
