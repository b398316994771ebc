"""What every way of cutting recordings into windows shares."""

from __future__ import annotations

from collections.abc import Sequence

import mne
import numpy as np

from ..eeg.cache import CachedRaw
from ..eeg.channels import ChannelNameError, same_names, scalp_channels
from ..eeg.units import MICROVOLTS
from ..markers.joints import is_joint
from ..recording import Recording, onset_samples
from .lazy import LazyWindows


class OfWindows:
    """What windows say of themselves, with BOLD or without."""

    X: LazyWindows

    @property
    def groups(self) -> np.ndarray:
        """Subject of each window, shape (n_windows,)."""
        return self.X.groups

    @property
    def ch_names(self) -> list[str]:
        """Names of the channels."""
        return self.X.ch_names

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return self.X.sfreq

    def __len__(self) -> int:  # noqa: D105
        return len(self.X)


def window_samples(window_seconds: float, sfreq: float) -> int:
    """Count the samples of a window; ValueError if it holds none."""
    n_times = round(window_seconds * sfreq)
    if n_times < 1:
        raise ValueError(
            f"A window of {window_seconds:g} s holds no sample at {sfreq:g} Hz."
        )
    return n_times


def scalp_picks(recording: Recording) -> np.ndarray:
    """Find the channels of scalp EEG; ChannelNameError if there are none."""
    raw = recording.raw
    picks = scalp_channels(raw.info, recording.name)
    if not len(picks):
        raise ChannelNameError(
            f"{recording.name} has no EEG channel among {', '.join(raw.ch_names[:12])}."
        )
    return picks


def check_rate(info: mne.Info, first: mne.Info, name: str, first_name: str) -> None:
    """Raise if two recordings differ in their sampling rate."""
    if info["sfreq"] != first["sfreq"]:
        raise ValueError(
            f"{name} is sampled at {info['sfreq']:g} Hz, {first_name} at "
            f"{first['sfreq']:g} Hz. Use prepare_eeg to resample them."
        )


def channel_order(
    info: mne.Info, first: mne.Info, name: str, first_name: str
) -> list[int] | None:
    """Find the channels of the first recording in another one.

    Parameters
    ----------
    info, first : mne.Info
        Channels of a recording and of the first one.
    name, first_name : str
        What they are called, for messages.

    Returns
    -------
    list of int | None
        Position of each of the first's channels; None if they are the same in the same
        order.

    Raises
    ------
    ValueError
        If the two have not the same channels.
    """
    ours, theirs = info["ch_names"], first["ch_names"]
    check_same("channels", ours, theirs, name, first_name)
    if same_names(ours, theirs):
        return None
    return [ours.index(channel) for channel in theirs]


def check_same(
    what: str, ours: Sequence[str], theirs: Sequence[str], our_name: str, name: str
) -> None:
    """Raise if two recordings differ in what all must have."""
    missing = [item for item in theirs if item not in ours]
    more = [item for item in ours if item not in theirs]
    if missing or more:
        raise ValueError(
            f"{our_name} and {name} differ in their {what}: {our_name} lacks "
            f"{', '.join(missing) or 'none'} and has {', '.join(more) or 'none'} besides. "
            f"Choose {what} that all recordings have."
        )


def touches_bad(raw: mne.io.BaseRaw, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Say which spans of samples touch an annotation that begins with BAD."""
    annotations = raw.annotations
    touched = np.zeros(len(start), dtype=bool)
    for description, onset, duration in zip(
        annotations.description, annotations.onset, annotations.duration, strict=True
    ):
        # "BAD boundary" without a duration is a joint: a place, not a span.
        joint = duration == 0 and is_joint(description)
        if description.upper().startswith("BAD") and not joint:
            first, last = onset_samples(raw, np.array([onset, onset + duration]))
            # A span without duration is bad where it stands.
            touched |= (start < max(last, first + 1)) & (stop > first)
    return touched


def signal_of(raw: mne.io.BaseRaw, picks: np.ndarray) -> np.ndarray:
    """Give the EEG in microvolts as float32; mapped from its file if it is cached."""
    if isinstance(raw, CachedRaw) and len(picks) == len(raw.ch_names):
        mapped = raw.signal
        if mapped is not None:
            return mapped
    signal = np.empty((len(picks), raw.n_times), np.float32)
    # Channel by channel: all of them as float64 take twice the memory of the result.
    # From a file in one go, since every channel costs a pass through it.
    for part in [[pick] for pick in picks] if raw.preload else [picks]:
        rows = np.flatnonzero(np.isin(picks, part))
        signal[rows] = raw.get_data(part) * MICROVOLTS
    return signal


def check_finite(signal: np.ndarray, recording: Recording) -> None:
    """Raise if a signal holds NaN or infinite values."""
    if not all(np.isfinite(channel).all() for channel in signal):
        raise ValueError(
            f"The EEG of {recording.name} holds NaN or infinite values. Mark the spans as "
            "BAD and interpolate them, or leave the channel out."
        )
