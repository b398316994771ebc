"""Preparing EEG: channel names and types, sampling rate, units."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import mne
import numpy as np

from .channels import (
    ChannelNameError,
    channel_kind,
    check_unique,
    normalize_channel_name,
)
from .recording import Recording

__all__ = ["MICROVOLTS", "SFREQ", "check_signal", "common_channels", "prepare_eeg"]

logger = logging.getLogger(__name__)

#: Sampling rate of the published preparation, in Hz: LaBraM's patches are one
#: second of it.
SFREQ = 200.0
#: Microvolts in a volt. MNE objects hold volts, windows microvolts.
MICROVOLTS = 1e6
#: Median absolute amplitude, in microvolts, that EEG can have.
PLAUSIBLE_MICROVOLTS = (1e-2, 1e4)


def prepare_eeg(
    recording: Recording,
    sfreq: float = SFREQ,
    channels: Sequence[str] | None = None,
) -> Recording:
    """Bring the EEG of a recording into the form that the windows are cut from.

    Channel names get the spelling of MNE's montages; what is not scalp EEG (by
    type, or by a name such as ``ECG``, ``CWL1`` or ``A2-A1``) is left out and
    logged; positions of the 10-05 system are added where the file has none;
    the signal is resampled, volume markers staying where they are in time.

    Gradient and pulse artifacts must have been removed before.

    Parameters
    ----------
    recording : Recording
        A recording as read. It is not changed.
    sfreq : float
        Sampling rate of the result in Hz. Default 200, as published.
    channels : sequence of str | None
        Channels to keep, in this order, in any spelling. By default all
        electrodes, in the order of the file.

    Returns
    -------
    Recording
        With a new Raw object, in volts, of EEG channels only.

    Raises
    ------
    ChannelNameError
        If a channel that MNE takes for EEG has a name that is no electrode of
        the 10-05 system, if two channels have the same name after
        normalisation, or if one of `channels` is missing.
    ValueError
        If the data hold values that are not finite, a channel is flat, or the
        amplitudes cannot be EEG in volts.
    """
    raw = recording.raw
    wanted = _choose_channels(raw, recording.name, channels)
    onsets = raw.annotations.onset - raw.first_time
    raw = raw.copy().load_data(verbose="error").pick(list(wanted), verbose="error")
    raw.rename_channels(wanted, verbose="error")
    raw.set_channel_types(dict.fromkeys(raw.ch_names, "eeg"), verbose="error")
    _check_recording(raw, recording.name)
    if not any(
        np.isfinite(ch["loc"][:3]).all() and ch["loc"][:3].any() for ch in raw.info["chs"]
    ):
        raw.set_montage(
            "colin27_1005", match_case=False, on_missing="ignore", verbose="error"
        )
    if raw.info["sfreq"] != sfreq:
        raw.resample(sfreq, verbose="error")
        # MNE rounds first_samp to the new rate, which can move the markers by
        # half a sample against the data.
        raw.annotations.onset = onsets + raw.first_time
    return replace(recording, raw=raw)


def common_channels(recordings: Sequence[Recording]) -> list[str]:
    """List the electrodes that all recordings have.

    Parameters
    ----------
    recordings : sequence of Recording
        At least one.

    Returns
    -------
    list of str
        Normalised names in the order of the first recording.

    Raises
    ------
    ChannelNameError
        If there is none.
    """
    names = [
        [normalize_channel_name(ch) for ch in _electrodes(recording.raw)]
        for recording in recordings
    ]
    common = [name for name in names[0] if all(name in others for others in names)]
    if not common:
        raise ChannelNameError(
            f"No electrode is in all {len(recordings)} recordings; the first has "
            f"{', '.join(names[0]) or 'none'}."
        )
    return common


def _electrodes(raw: mne.io.BaseRaw) -> list[str]:
    types = raw.get_channel_types()
    return [
        ch
        for ch, kind in zip(raw.ch_names, types, strict=True)
        if kind == "eeg" and channel_kind(ch) == "eeg"
    ]


def _choose_channels(
    raw: mne.io.BaseRaw, name: str, channels: Sequence[str] | None
) -> dict[str, str]:
    """Map the channels to keep from their names in the file to the standard ones."""
    types = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    available = {ch: normalize_channel_name(ch) for ch in _electrodes(raw)}
    unknown = [
        ch for ch in raw.ch_names if types[ch] == "eeg" and channel_kind(ch) == "unknown"
    ]
    if channels is not None:
        available |= {ch: normalize_channel_name(ch) for ch in unknown}
        chosen = _select(available, channels, name)
    elif unknown:
        raise ChannelNameError(
            f"{name}: {len(unknown)} EEG channels have names outside the 10-05 system: "
            f"{', '.join(unknown[:12])}. Rename them (Raw.rename_channels), set their "
            "type if they are not EEG (Raw.set_channel_types), or name the channels to "
            "use."
        )
    else:
        chosen = available
    if not chosen:
        raise ChannelNameError(
            f"{name}: no EEG channel found among {', '.join(raw.ch_names[:12])}."
        )
    check_unique(list(chosen.values()), name)
    _log_left_out(raw, name, chosen)
    return chosen


def _select(
    available: dict[str, str], channels: Sequence[str], name: str
) -> dict[str, str]:
    by_name = {standard.upper(): ch for ch, standard in available.items()}
    chosen = {}
    missing = []
    for channel in channels:
        standard = normalize_channel_name(channel)
        if standard.upper() in by_name:
            chosen[by_name[standard.upper()]] = standard
        else:
            missing.append(channel)
    if missing:
        raise ChannelNameError(
            f"{name} has no channel {', '.join(missing)}. It has "
            f"{', '.join(available.values()) or 'no EEG channels'}."
        )
    return chosen


def _log_left_out(raw: mne.io.BaseRaw, name: str, chosen: dict[str, str]) -> None:
    left_out = [ch for ch in raw.ch_names if ch not in chosen]
    if left_out:
        logger.info(
            "%s: %d of %d channels left out: %s",
            name,
            len(left_out),
            len(raw.ch_names),
            ", ".join(left_out),
        )
    bad = [ch for ch in raw.info["bads"] if ch in chosen]
    if bad:
        logger.warning(
            "%s: %d channels marked as bad are used as they are: %s. Interpolate them "
            "(Raw.interpolate_bads) or leave them out of all recordings.",
            name,
            len(bad),
            ", ".join(bad),
        )


def _check_recording(raw: mne.io.BaseRaw, name: str) -> None:
    medians = []
    for channel, signal in zip(raw.ch_names, raw.get_data(), strict=True):
        if not np.isfinite(signal).all():
            raise ValueError(
                f"{name}: channel {channel} holds NaN or infinite values. Mark the span "
                "as BAD and interpolate it, or leave the channel out."
            )
        if np.ptp(signal) == 0:
            raise ValueError(
                f"{name}: channel {channel} is flat. Interpolate it "
                "(Raw.interpolate_bads) or leave it out of all recordings."
            )
        medians.append(np.median(np.abs(signal - signal.mean())))
    check_amplitude(float(np.median(medians)) * MICROVOLTS, name)


def check_amplitude(median_microvolts: float, what: str) -> None:
    """Raise where amplitudes cannot be EEG in the unit they are said to have.

    Parameters
    ----------
    median_microvolts : float
        Median absolute deviation from the mean, taken to be in microvolts.
    what : str
        What was measured, for the message.

    Raises
    ------
    ValueError
        If it lies outside 0.01 to 10,000 microvolts.
    """
    low, high = PLAUSIBLE_MICROVOLTS
    if low <= median_microvolts <= high:
        return
    hint = (
        "are the values in volts? Multiply by 1e6"
        if median_microvolts < low
        else "are the values in nanovolts or in raw units? Divide by the right factor"
    )
    raise ValueError(
        f"{what}: the median absolute amplitude is {median_microvolts:.3g} microvolts, "
        f"expected {low:g} to {high:g}; {hint}."
    )


def check_signal(
    windows: np.ndarray, what: str, ch_names: Sequence[str] | None = None
) -> None:
    """Raise where a sample of windows cannot be EEG in microvolts.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Some windows.
    what : str
        What they are, for the message.
    ch_names : sequence of str | None
        Names of the channels, for the message.

    Raises
    ------
    ValueError
        If there are values that are not finite, a channel that is flat in all
        windows, or amplitudes that cannot be microvolts.
    """
    finite = np.isfinite(windows)
    if not finite.all():
        raise ValueError(
            f"{what} has {np.size(windows) - finite.sum()} NaN or infinite values in a "
            f"sample of {len(windows)} windows. Leave such windows out."
        )
    flat = np.flatnonzero(np.ptp(windows, axis=-1).max(axis=0) == 0)
    if len(flat):
        names = [ch_names[i] if ch_names is not None else f"number {i}" for i in flat]
        raise ValueError(
            f"{what}: channel {', '.join(names)} is flat in a sample of "
            f"{len(windows)} windows. Interpolate it or leave it out."
        )
    # Around the mean: amplifiers without a high-pass add offsets of millivolts.
    centred = windows - windows.mean(axis=-1, keepdims=True)
    check_amplitude(float(np.median(np.abs(centred))), what)
