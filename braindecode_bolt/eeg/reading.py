"""Reading channels one after the other, without holding all of them in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import mne
import numpy as np

from .channels import ChannelNameError, channel_kind

# Number of samples read from a file at a time (64 MiB as float64).
_SAMPLES = 2**23


def good_electrodes(raw: mne.io.BaseRaw, name: str) -> list[str]:
    """List the scalp electrodes that are not marked as bad.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG, with names as in its file.
    name : str
        The recording's name, for the message.

    Returns
    -------
    list of str
        Also electrodes whose names are outside the 10-05 system.

    Raises
    ------
    ChannelNameError
        If there is none.
    """
    found = [
        channel
        for channel, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
        if kind == "eeg"
        and channel not in raw.info["bads"]
        and channel_kind(channel) in ("eeg", "unknown")
    ]
    if not found:
        raise ChannelNameError(
            f"{name} has no good EEG channel among {', '.join(raw.ch_names[:12])}; marked "
            f"as bad: {', '.join(raw.info['bads']) or 'none'}."
        )
    return found


def channel_groups(raw: mne.io.BaseRaw, channels: Sequence[str]) -> list[list[str]]:
    """Divide channels into groups that are read at a time.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    channels : sequence of str
        Names.

    Returns
    -------
    list of list of str
        One by one if the data are in memory; else as many as fit into 64 MiB, since
        the file is read once for every group.
    """
    size = 1 if raw.preload else max(1, _SAMPLES // raw.n_times)
    return [list(channels[i : i + size]) for i in range(0, len(channels), size)]


def signals(
    raw: mne.io.BaseRaw,
    channels: Sequence[str],
    name: str,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[tuple[str, np.ndarray]]:
    """Read channels one after the other.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    channels : sequence of str
        Names.
    name : str
        The recording's name, for the message.
    start, stop : int
        Samples to read. By default all.

    Yields
    ------
    str
        The channel's name.
    ndarray, shape (n_samples,)
        Its signal in volts, a copy.

    Raises
    ------
    ValueError
        If a channel holds values that are not finite.
    """
    for group in channel_groups(raw, channels):
        for channel, signal in zip(group, raw.get_data(group, start, stop), strict=True):
            if not np.isfinite(signal).all():
                raise ValueError(
                    f"{name}: channel {channel} holds NaN or infinite values. Interpolate "
                    "the span, or leave the channel out (or mark it as bad)."
                )
            yield channel, signal
