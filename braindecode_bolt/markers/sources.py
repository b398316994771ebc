"""Where volume markers are written: annotations and stimulus channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mne
import numpy as np

from .annotations import (
    count_descriptions,
    find_markers,
    marker_descriptions,
    matches_marker,
)
from .grid import Axis
from .series import is_regular

__all__ = ["Found", "read_positions"]

#: What markers from a stimulus channel are called in annotations.
FROM_CHANNEL = "volume"


@dataclass(frozen=True)
class Found:
    """Markers as they were found.

    Attributes
    ----------
    positions : ndarray of float
        In samples from the first of the data, ascending.
    marker : str
        What they are called in annotations.
    source : str
        Where they were found, for the report.
    spelled : tuple of str
        Descriptions of the annotations that they were read from.
    """

    positions: np.ndarray
    marker: str
    source: str
    spelled: tuple[str, ...] = ()


def read_positions(
    raw: mne.io.BaseRaw,
    axis: Axis,
    marker: str | int | Sequence[str] | None,
    stim_channel: str | None,
    tr: float | None,
    n_slices: int | None,
) -> Found:
    """Read the positions of markers.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    axis : Axis
        Its samples.
    marker : str | int | sequence of str | None
        Description or descriptions, or event code.
    stim_channel : str | None
        The channel to read.
    tr, n_slices : float | None, int | None
        What tells a code that marks volumes from others.

    Returns
    -------
    Found
        Of two markers at least.

    Raises
    ------
    MarkerError
        If there are fewer.
    """
    is_code = isinstance(marker, int | np.integer)
    channels = mne.pick_types(raw.info, meg=False, stim=True)
    if is_code and stim_channel is None and not len(channels):
        # EEGLAB's events can have numbers for names, which are texts in annotations.
        if any(matches_marker(d, str(marker)) for d in set(raw.annotations.description)):
            marker, is_code = str(marker), False
    if stim_channel is not None or is_code:
        if marker is not None and not is_code:
            raise ValueError(
                f"Markers in the channel {stim_channel!r} have integer codes, got "
                f"marker={marker!r}."
            )
        return _from_channels(raw, axis, marker, stim_channel, tr, n_slices)
    descriptions = raw.annotations.description
    if marker is None and len(channels) and not marker_descriptions(descriptions):
        return _from_channels(raw, axis, None, None, tr, n_slices)
    return _from_annotations(raw, axis, marker)


def _from_annotations(
    raw: mne.io.BaseRaw, axis: Axis, marker: str | Sequence[str] | None
) -> Found:
    index = find_markers(raw, marker)
    described = marker_descriptions(raw.annotations.description, marker)
    spelled = tuple(described)
    if len(index) < 2:
        raise axis.error(
            f"only one marker {spelled[0]!r}, at {axis.at(_positions(raw, index)[0])}; "
            "expected one per volume. It has annotations "
            f"{count_descriptions(raw.annotations.description)}. Name the marker."
        )
    # With several spellings, the marker that was looked for.
    name = spelled[0] if len(spelled) == 1 else described[spelled[0]]
    if len(spelled) > 1 and not isinstance(marker, str | None):
        name = next(iter(marker))
    more = f" and {len(spelled) - 3} more" if len(spelled) > 3 else ""
    source = f"annotations {', '.join(map(repr, spelled[:3]))}{more}"
    return Found(_positions(raw, index), name, source, spelled)


def _positions(raw: mne.io.BaseRaw, index: np.ndarray) -> np.ndarray:
    onsets = raw.annotations.onset[index]
    # Onsets are sums of seconds; what is a whole sample must come out as one.
    return np.round((onsets - raw.first_time) * raw.info["sfreq"], 6)


def _from_channels(
    raw: mne.io.BaseRaw,
    axis: Axis,
    code: int | None,
    stim_channel: str | None,
    tr: float | None,
    n_slices: int | None,
) -> Found:
    trains = _trains(raw, axis, stim_channel)
    listed = ", ".join(f"{c} in {name!r} ({len(p)})" for (name, c), p in trains.items())
    listed = listed or "none"
    candidates = {key: p for key, p in trains.items() if code is None or key[1] == code}
    if not candidates:
        wanted = "" if code is None else f" of code {code}"
        raise axis.error(
            f"no events{wanted} in the stimulus channels; codes (and numbers): {listed}. "
            f"Annotations: {count_descriptions(raw.annotations.description)}."
        )
    if len(candidates) > 1:
        candidates = {
            key: p for key, p in candidates.items() if is_regular(p, axis, tr, n_slices)
        }
    # Some systems write each event into its own channel and a common one.
    different = {tuple(p): key for key, p in reversed(candidates.items())}
    if len(different) != 1:
        at = "" if tr is None else f" at tr={tr:g} s"
        raise axis.error(
            f"{len(different) or 'none'} of the codes in the stimulus channels are "
            f"regular{at}; codes (and numbers): {listed}. Give marker=<code>, tr, and "
            "stim_channel if several channels have that code. For codes that share a "
            "channel bit by bit, use mne.find_events with a mask."
        )
    ((positions, (name, code)),) = different.items()
    if len(positions) < 2:
        raise axis.error(
            f"only one event of code {code} in {name!r}, at {axis.at(positions[0])}; "
            f"expected one per volume. Codes (and numbers): {listed}."
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
