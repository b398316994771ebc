"""Preparing EEG: channels, units, sampling rate, high-pass and reference."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np

from ..markers import stretches
from ..markers.annotations import with_annotations
from ..markers.joints import mark_edges
from ..recording import Recording
from .artifacts import residual_gradient
from .artifacts.reading import signals
from .cache import cached_raw, identity_of
from .selection import choose_channels, choose_kept, common_channels, find_reference
from .units import MICROVOLTS

__all__ = ["MICROVOLTS", "SFREQ", "check_signal", "common_channels", "prepare_eeg"]

logger = logging.getLogger(__name__)

#: Sampling rate of the published preparation, in Hz: LaBraM's patches are one
#: second of it.
SFREQ = 200.0
#: Median absolute amplitude, in microvolts, that EEG can have.
PLAUSIBLE_MICROVOLTS = (1e-2, 1e4)
# So many samples of a file (32 MiB as float64) are read at once. Of longer ones, one
# channel after the other is read and resampled: half of the memory for 26 channels of
# 20 minutes at 250 Hz, a tenth at 5 kHz, for up to half as much time again.
_AT_ONCE = 2**22


def prepare_eeg(
    recording: Recording,
    sfreq: float = SFREQ,
    channels: Sequence[str] | None = None,
    high_pass: float | None = None,
    reference: str | Sequence[str] | None = None,
    cache_dir: str | Path | None = None,
) -> Recording:
    """Bring the EEG of a recording into the form that the windows are cut from.

    Channel names get the spelling of MNE's montages; what is not scalp EEG (by
    type, or by a name such as ``ECG``, ``CWL1`` or ``A2-A1``) is left out and
    logged; positions of the 10-05 system are added where the file has none;
    the signal is resampled, volume markers staying where they are in time; then
    it is high-pass filtered and referenced anew, if so wished.

    Gradient and pulse artifacts must have been removed before. Where
    :func:`~braindecode_bolt.eeg.artifacts.residual_gradient` finds gradient artifacts
    in the result, a warning is logged with the figure.

    Parameters
    ----------
    recording : Recording
        A recording as read. It is not changed.
    sfreq : float
        Sampling rate of the result in Hz. Default 200, as published.
    channels : sequence of str | None
        Channels to keep, in this order, in any spelling. By default all
        electrodes, in the order of the file.
    high_pass : float | None
        Edge of a high-pass in Hz, by default none. The published inter-subject
        runs had 0.5 Hz, after resampling as here. It is MNE's default: a
        zero-phase FIR filter with a Hamming window (:meth:`mne.io.Raw.filter`);
        from `high_pass` on nothing is attenuated, at half of it 6 dB are (up to 2
        Hz; above, the transition is 2 Hz wide, or a quarter of `high_pass`). At
        0.5 Hz it is 6.6 s long. Nothing is filtered or resampled across a joint of
        the recording (:func:`~braindecode_bolt.markers.joint_samples`).
    reference : str | sequence of str | None
        ``"average"`` of the channels kept, or one or several electrodes, in any
        spelling, whose mean is subtracted (:meth:`mne.io.Raw.set_eeg_reference`).
        By default the reference of the recording stays. Electrodes named here
        need not be among `channels`: they are read, prepared alike and left out
        of the result. A single one would be flat, so it is left out where
        `channels` does not name it. Channels marked as bad are not part of the
        average and keep their reference, as MNE does it. The electrode that the
        recording was referenced to counts only where the file has it.
    cache_dir : str | Path | None
        Folder to keep the result in, and to take it from where it has been
        prepared before (same file, channels, arguments and versions). The EEG
        then stays on disk, as float32 microvolts, and so do the windows that
        are cut from it. By default it is prepared anew, in memory.

    Returns
    -------
    Recording
        With a new Raw object, in volts, of EEG channels only.

    Raises
    ------
    ChannelNameError
        If a channel that MNE takes for EEG has a name that is no electrode of
        the 10-05 system, if two channels have the same name after
        normalisation, or if one of `channels` or `reference` is missing.
    ValueError
        If the data hold values that are not finite, a channel is flat, or the
        amplitudes cannot be EEG in volts; if the recording, or every part of it
        between joints, is shorter than the filter; if re-referencing would leave
        a channel flat.
    """
    name = recording.name
    _check_rates(sfreq, high_pass)
    # MNE's filters know joints that are marked in its own way.
    recording = replace(recording, raw=mark_edges(recording.raw))
    wanted = choose_channels(recording.raw, name, channels)
    referenced = find_reference(recording.raw, name, reference)
    kept = choose_kept(wanted, referenced, name, channels)

    def prepare() -> mne.io.BaseRaw:
        raw = _read(recording.raw, wanted | referenced)
        _check_recording(raw, name)
        raw = _resample(raw, sfreq)
        if high_pass is not None:
            _high_pass(raw, name, high_pass)
        if reference is not None:
            _set_reference(raw, name, kept, list(referenced.values()))
        return raw if raw.ch_names == kept else raw.pick(kept, verbose="error")

    if cache_dir is None:
        raw = prepare()
    else:
        key = {
            "source": identity_of(recording.raw),
            "channels": list((wanted | referenced).items()),
            "kept": kept,
            "sfreq": sfreq,
            "high_pass": high_pass,
            "reference": "average" if reference == "average" else list(referenced),
        }
        raw = cached_raw(cache_dir, name, key, prepare)
        _place_annotations(recording.raw, raw)
    prepared = replace(recording, raw=raw)
    residual_gradient(prepared)
    return prepared


def _resampled(parts: Sequence[tuple[int, int]], ratio: float) -> np.ndarray:
    """Bounds of the parts of a recording after resampling, each by itself as MNE does."""
    lengths = [max(1, round(ratio * (stop - start))) for start, stop in parts]
    return np.cumsum([0, *lengths])


def _place_annotations(source: mne.io.BaseRaw, raw: mne.io.BaseRaw) -> None:
    """Put the annotations of a recording into the resampled one, in the same places."""
    annotations = source.annotations
    sfreq, rate = source.info["sfreq"], raw.info["sfreq"]
    parts = stretches(source)
    old = np.array([start for start, _ in parts]) / sfreq
    new = _resampled(parts, rate / sfreq)[:-1] / rate

    def moved(seconds: np.ndarray) -> np.ndarray:
        # Onsets are sums of seconds: one at a joint must not fall before it.
        part = np.maximum(np.searchsorted(old, seconds + 1e-6, side="right") - 1, 0)
        return new[part] + (seconds - old[part])

    onset = annotations.onset - source.first_time
    begin = moved(onset)
    raw.set_annotations(mne.Annotations([], [], [], orig_time=raw.info["meas_date"]))
    # Not by set_annotations, which drops what a new rate puts behind the last sample.
    raw.annotations.append(
        begin + raw.first_time,
        np.maximum(0.0, moved(onset + annotations.duration) - begin),
        annotations.description,
        ch_names=annotations.ch_names,
        extras=annotations.extras,
    )


def _check_rates(sfreq: float, high_pass: float | None) -> None:
    if not 0 < sfreq < np.inf:
        raise ValueError(f"sfreq must be a positive number of Hz, got {sfreq}.")
    if high_pass is not None and not 0 < high_pass < sfreq / 2:
        raise ValueError(
            f"high_pass must lie between 0 and half of the sampling rate, "
            f"{sfreq / 2:g} Hz, got {high_pass}; None for no filter."
        )


def _read(raw: mne.io.BaseRaw, wanted: dict[str, str]) -> mne.io.BaseRaw:
    """Copy some channels, under their standard names, in this order.

    What is still on disk stays there if it is large.
    """
    if raw.preload:
        # Raw.copy would copy the channels that are not wanted, too.
        picked = with_annotations(raw, raw.annotations, share=True)
    else:
        picked = raw.copy()
        if raw.proj:
            # Projections mix channels: MNE needs all of them.
            picked.load_data(verbose="error")
    picked.pick(list(wanted), verbose="error")
    if not picked.preload and len(wanted) * picked.n_times <= _AT_ONCE:
        picked.load_data(verbose="error")
    picked.rename_channels(wanted, verbose="error")
    picked.set_channel_types(dict.fromkeys(picked.ch_names, "eeg"), verbose="error")
    places = [ch["loc"][:3] for ch in picked.info["chs"]]
    if not any(np.isfinite(place).all() and place.any() for place in places):
        picked.set_montage(
            "colin27_1005", match_case=False, on_missing="ignore", verbose="error"
        )
    return picked


def _resample(raw: mne.io.BaseRaw, sfreq: float) -> mne.io.BaseRaw:
    """Resample each part between joints by itself, and load the result."""
    if raw.info["sfreq"] == sfreq:
        return raw.load_data(verbose="error")
    parts = stretches(raw)
    # Both by Fourier transform, MNE's default. Its polyphase method is four times as
    # fast for round lengths, 60 times as slow for others, and lies up to half a
    # sample beside it in time.
    if len(parts) == 1:
        onsets = raw.annotations.onset - raw.first_time
        raw.resample(sfreq, verbose="error")
        # MNE rounds first_samp to the new rate, which can move the markers by half a
        # sample against the data.
        raw.annotations.onset = onsets + raw.first_time
        return raw.load_data(verbose="error")
    ratio = sfreq / raw.info["sfreq"]
    bounds = _resampled(parts, ratio)
    data = np.empty((len(raw.ch_names), bounds[-1]))
    for row, (_, signal) in zip(data, signals(raw, raw.ch_names), strict=True):
        for (start, stop), begin, end in zip(parts, bounds[:-1], bounds[1:], strict=True):
            row[begin:end] = mne.filter.resample(
                signal[start:stop], sfreq, raw.info["sfreq"], npad="auto"
            )
    info = raw.info.copy()
    low_pass = info["lowpass"] or np.inf
    with info._unlock():
        info["sfreq"], info["lowpass"] = float(sfreq), min(low_pass, sfreq / 2)
    resampled = mne.io.RawArray(data, info, round(raw.first_samp * ratio), verbose="error")
    _place_annotations(raw, resampled)
    return resampled


def _high_pass(raw: mne.io.BaseRaw, name: str, high_pass: float) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "filter_length", RuntimeWarning)
        try:
            raw.filter(high_pass, None, verbose="warning")
        except RuntimeWarning as warning:
            sfreq = raw.info["sfreq"]
            length = len(mne.filter.create_filter(None, sfreq, high_pass, None, verbose=0))
            raise ValueError(
                f"{name}: the high-pass at {high_pass:g} Hz is {length / sfreq:.1f} s "
                f"long, longer than the recording of {raw.n_times / sfreq:.1f} s or than "
                "every part of it between joints. Choose a higher "
                "edge, or None."
            ) from warning


def _set_reference(
    raw: mne.io.BaseRaw, name: str, kept: list[str], referenced: list[str]
) -> None:
    bads = raw.info["bads"]
    if not referenced and len(set(kept) - set(bads)) < 2:
        raise ValueError(
            f"{name}: an average reference needs at least 2 good channels, there are "
            f"{len(set(kept) - set(bads))}."
        )
    raw.set_eeg_reference(referenced or "average", verbose="error")
    used = ", ".join(referenced) or f"the average of {len(set(kept) - set(bads))} channels"
    logger.info("%s: referenced to %s", name, used)
    old = [channel for channel in kept if channel in bads]
    if old:
        logger.warning(
            "%s: %s, marked as bad, keeps the reference of the recording",
            name,
            ", ".join(old),
        )


def _check_recording(raw: mne.io.BaseRaw, name: str) -> None:
    medians = []
    for channel, signal in signals(raw, raw.ch_names):
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
