"""Spans of EEG to leave out, as BAD annotations."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import mne
import numpy as np

from ..._text import counted
from ...markers import joint_samples
from ...markers.annotations import with_annotations
from ...recording import Recording, check_recording
from ..reading import channel_groups, good_electrodes
from ..units import MICROVOLTS

__all__ = ["mark_artifacts"]

logger = logging.getLogger(__name__)

# MNE's default for the shortest jump, in seconds: one sample up to 300 Hz.
_SHORTEST_JUMP = 0.005


def mark_artifacts(
    recording: Recording,
    peak: float | None = 200.0,
    flat: float | None = 0.1,
    flat_seconds: float = 0.1,
    bad_percent: float = 5.0,
) -> Recording:
    """Mark jumps and flat spans as BAD annotations, through MNE.

    :func:`~braindecode_bolt.create_bold_windows` leaves out every window that
    touches such a span. A span of a few milliseconds thus costs all volumes of the
    following 16 s, so that the defaults find only what is certainly not EEG. Jumps and
    flat spans are those of :func:`mne.preprocessing.annotate_amplitude`; the step at a
    joint of the recording is none. The seconds
    marked are logged. (Muscle activity:
    :func:`mne.preprocessing.annotate_muscle_zscore`, before
    :func:`~braindecode_bolt.prepare_eeg`.)

    Parameters
    ----------
    recording : Recording
        Prepared or as read. It is not changed. Channels already marked as bad
        and channels that are not scalp EEG are not used.
    peak : float | None
        Smallest difference between consecutive samples, in microvolts, that is a
        jump (``BAD_peak``). Default 200. It depends on the sampling rate: at 200 Hz,
        quiet real EEG stays below 150; blinks and muscles reach 250, rarely 400. None:
        jumps are not marked.
    flat : float | None
        Largest difference between consecutive samples, in microvolts, of a flat
        span (``BAD_flat``). Default 0.1. None: flat spans are not marked.
    flat_seconds : float
        Shortest flat span in seconds. With the default 0.1, only the padding of files
        was found in real EEG; MNE's default of 0.005 finds the resolution of the
        amplifier.
    bad_percent : float
        A channel with more than this percentage of the recording in jumps, or
        in flat spans, is marked as bad itself, and its spans are not. Default 5.

    Returns
    -------
    Recording
        A copy. BOLD stays in the volume markers.

    Raises
    ------
    ValueError
        If an argument is out of range.
    ChannelNameError
        If there is no good EEG channel.
    TypeError
        If `recording` is not a Recording, but a Raw object for example.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.eeg.artifacts import mark_artifacts
    >>> recording = SimulatedEEGfMRI(n_subjects=1, duration=60.0).load()[0]
    >>> recording.raw._data[0, 2000] += 1e-3  # a jump of a millivolt after 10 s
    >>> marked = mark_artifacts(recording)
    >>> [a for a in marked.raw.annotations.description if a.startswith("BAD")]
    ['BAD_peak']
    """
    raw = check_recording(recording).raw
    _check(raw, peak, flat, flat_seconds, bad_percent)
    channels = good_electrodes(raw, recording.name)
    spans: dict[str, np.ndarray] = {}
    bads: list[str] = []
    for kind, seconds, threshold in (
        ("peak", _SHORTEST_JUMP, peak),
        ("flat", flat_seconds, flat),
    ):
        if threshold is not None:
            limit = {kind: threshold / MICROVOLTS}
            mask = _amplitude(raw, channels, bads, bad_percent, seconds, **limit)
            if kind == "peak":
                # The step from one part of a recording to the next is no artifact. No
                # window crosses a joint, and those behind it need not be lost.
                mask[joint_samples(raw) - 1] = False
            spans[f"BAD_{kind}"] = mask
    _log(recording, spans, bads)
    return replace(recording, raw=_marked(raw, spans, bads))


def _amplitude(
    raw: mne.io.BaseRaw,
    channels: Sequence[str],
    bads: list[str],
    bad_percent: float,
    shortest: float,
    **threshold: float,
) -> np.ndarray:
    """Find jumps or flat spans of any channel; add channels full of them to `bads`."""
    mask = np.zeros(raw.n_times, dtype=bool)
    # MNE makes several copies of its input, so it is given some channels at a time.
    for group in channel_groups(raw, channels):
        found, bad = mne.preprocessing.annotate_amplitude(
            raw,
            bad_percent=bad_percent,
            min_duration=shortest,
            picks=group,
            verbose="error",
            **threshold,
        )
        mask |= _mask(raw, found)
        bads += [channel for channel in bad if channel not in bads]
    return mask


def _mask(raw: mne.io.BaseRaw, found: mne.Annotations) -> np.ndarray:
    """Mark the samples inside annotations that MNE made for a Raw object."""
    mask = np.zeros(raw.n_times, dtype=bool)
    # Without a date, MNE gives onsets from the first sample of the data.
    onsets = found.onset - (0.0 if found.orig_time is None else raw.first_time)
    starts = np.round(onsets * raw.info["sfreq"]).astype(int)
    stops = np.round((onsets + found.duration) * raw.info["sfreq"]).astype(int)
    for start, stop in zip(starts, stops, strict=True):
        mask[start : max(stop, start + 1)] = True
    return mask


def _marked(
    raw: mne.io.BaseRaw, spans: Mapping[str, np.ndarray], bads: Sequence[str]
) -> mne.io.BaseRaw:
    sfreq = raw.info["sfreq"]
    annotations = raw.annotations.copy()
    for kind, mask in spans.items():
        edges = np.flatnonzero(np.diff(mask, prepend=False, append=False)) / sfreq
        if len(edges):
            annotations.append(edges[::2] + raw.first_time, np.diff(edges)[::2], kind)
    marked = with_annotations(raw, annotations)
    if bads:
        marked.info["bads"] = [*raw.info["bads"], *bads]
    return marked


def _log(
    recording: Recording, spans: Mapping[str, np.ndarray], bads: Sequence[str]
) -> None:
    sfreq = recording.raw.info["sfreq"]
    listed = [
        f"{kind} {mask.sum() / sfreq:.2f} s ({mask.mean():.2%})"
        for kind, mask in spans.items()
    ]
    logger.info("%s: marked %s", recording.name, ", ".join(listed) or "nothing")
    if bads:
        logger.warning(
            "%s: %s marked as bad, instead of single spans: %s",
            recording.name,
            counted(len(bads), "channel"),
            ", ".join(bads),
        )


def _check(
    raw: mne.io.BaseRaw,
    peak: float | None,
    flat: float | None,
    flat_seconds: float,
    bad_percent: float,
) -> None:
    for name, value in (("peak", peak), ("flat", flat)):
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be positive or None, got {value}.")
    seconds = raw.n_times / raw.info["sfreq"]
    if not 0 < flat_seconds < seconds:
        raise ValueError(
            f"flat_seconds must lie between 0 and the {seconds:.1f} s of the "
            f"recording, got {flat_seconds}."
        )
    if not 0 <= bad_percent <= 100:
        raise ValueError(f"bad_percent must be between 0 and 100, got {bad_percent}.")
