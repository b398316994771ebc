"""Spans of EEG to leave out, as BAD annotations."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import mne
import numpy as np

from ...markers.annotations import with_annotations
from ...recording import Recording
from ..units import MICROVOLTS
from .reading import channel_groups, good_electrodes

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
    muscle: float | None = None,
    muscle_band: tuple[float, float] = (110.0, 140.0),
) -> Recording:
    """Mark jumps, flat spans and muscle activity as BAD annotations, through MNE.

    :func:`~braindecode_bolt.create_bold_windows` leaves out every window that
    touches such a span, so that a span of a few milliseconds costs all volumes of
    the following 16 s: the defaults find only what is certainly no EEG. Jumps and
    flat spans are those of :func:`mne.preprocessing.annotate_amplitude`, muscle
    activity is that of :func:`mne.preprocessing.annotate_muscle_zscore`. The
    seconds marked are logged.

    Parameters
    ----------
    recording : Recording
        Prepared or as read. It is not changed. Channels already marked as bad
        and channels that are no scalp EEG are not looked at.
    peak : float | None
        Smallest difference between consecutive samples, in microvolts, that is a
        jump (``BAD_peak``). What it means depends on the sampling rate: at 200 Hz,
        quiet real EEG stays below 150, blinks and muscles reach 250, rarely 400.
        None: jumps are not looked for.
    flat : float | None
        Largest difference between consecutive samples, in microvolts, of a flat
        span (``BAD_flat``). None: flat spans are not looked for.
    flat_seconds : float
        Shortest flat span in seconds. With 0.1, nothing was found in real EEG but
        what files were filled up with; MNE's own 0.005 finds the resolution of
        the amplifier.
    bad_percent : float
        A channel that spends more than this share of the recording in jumps, or
        in flat spans, is marked as bad itself, and its spans are not.
    muscle : float | None
        Z-score from which muscle activity is marked (``BAD_muscle``); MNE
        suggests 4. By default it is not looked for: it takes several copies of
        the data in memory.
    muscle_band : tuple of float
        Frequencies of muscle activity in Hz. MNE's default needs a sampling rate
        above 280 Hz, that is a recording which is not prepared yet.

    Returns
    -------
    Recording
        A copy. BOLD stays in the volume markers.

    Raises
    ------
    ValueError
        If an argument is out of range, or `muscle_band` lies above what the
        sampling rate holds.
    ChannelNameError
        If there is no good EEG channel.
    """
    raw = recording.raw
    _check(raw, peak, flat, flat_seconds, bad_percent, muscle, muscle_band)
    channels = good_electrodes(raw, recording.name)
    spans: dict[str, np.ndarray] = {}
    bads: list[str] = []
    if peak is not None:
        spans["BAD_peak"] = _amplitude(
            raw, channels, bads, bad_percent, _SHORTEST_JUMP, peak=peak / MICROVOLTS
        )
    if flat is not None:
        spans["BAD_flat"] = _amplitude(
            raw, channels, bads, bad_percent, flat_seconds, flat=flat / MICROVOLTS
        )
    good = [channel for channel in channels if channel not in bads]
    if muscle is not None and good:
        found, _ = mne.preprocessing.annotate_muscle_zscore(
            raw.copy().pick(good, verbose="error").load_data(verbose="error"),
            threshold=muscle,
            ch_type="eeg",
            filter_freq=muscle_band,
            verbose="error",
        )
        spans["BAD_muscle"] = _mask(raw, found)
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
    # MNE takes several copies of what it looks at: all channels at once need not be.
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
            "%s: %d channels are marked as bad instead of their spans: %s",
            recording.name,
            len(bads),
            ", ".join(bads),
        )


def _check(
    raw: mne.io.BaseRaw,
    peak: float | None,
    flat: float | None,
    flat_seconds: float,
    bad_percent: float,
    muscle: float | None,
    muscle_band: tuple[float, float],
) -> None:
    for name, value in (("peak", peak), ("flat", flat), ("muscle", muscle)):
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be positive or None, got {value}.")
    sfreq = raw.info["sfreq"]
    if not 0 < flat_seconds < raw.n_times / sfreq:
        raise ValueError(
            f"flat_seconds must lie between 0 and the {raw.n_times / sfreq:.1f} s of the "
            f"recording, got {flat_seconds}."
        )
    if not 0 <= bad_percent <= 100:
        raise ValueError(f"bad_percent must be between 0 and 100, got {bad_percent}.")
    low, high = muscle_band
    if muscle is not None and not 0 < low < high < sfreq / 2:
        raise ValueError(
            f"Muscle activity between {low:g} and {high:g} Hz cannot be found at a "
            f"sampling rate of {sfreq:g} Hz. Mark it before prepare_eeg, or give another "
            "muscle_band."
        )
