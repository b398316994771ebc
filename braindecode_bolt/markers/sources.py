"""Where volume markers are written: annotations and stimulus channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mne
import numpy as np

from .annotations import (
    candidates,
    count_descriptions,
    find_markers,
    marker_descriptions,
)
from .grid import Axis
from .options import MarkerOptions
from .series import is_regular

__all__ = ["Found", "read_positions"]

#: What markers from a stimulus channel are called in annotations.
FROM_CHANNEL = "volume"


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
    # Some systems write each event into a channel of its own and a common one.
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
