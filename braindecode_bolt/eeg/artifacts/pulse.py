"""Pulse artifacts: EEG that repeats with the heartbeat."""

from __future__ import annotations

import re

import mne
import numpy as np
from scipy.signal import butter, sosfiltfilt

from ...markers import stretches
from ...recording import Recording
from ..channels import ChannelNameError
from ..reading import good_electrodes, signals
from .findings import Finding

__all__ = ["LIMITS", "look_for_pulse"]

#: Limits of the share of the variance from 1 to 30 Hz: median of the channels, worst
#: channel. EEG from outside a scanner (7 subjects), which picks up some of the ECG, has
#: at most 0.033 and 0.15; with a pulse artifact of 10 microvolts peak to peak it has 0.02
#: to 0.19 and 0.34 to 0.72, with one of 50 microvolts 0.36 to 0.74 and 0.87 to 0.94.
LIMITS = (0.1, 0.3)

# Seconds around the R peak, and frequencies in Hz, of the pulse artifact.
_WINDOW = (-0.1, 0.6)
_BAND = (1.0, 30.0)
_FEWEST_BEATS = 60
# MNE filters the ECG with 10 s.
_SHORTEST_SECONDS = 30.0
_SURROGATES = 20
_ECG_NAME = re.compile(r"\b(ECG|EKG)")


def look_for_pulse(recording: Recording, ecg_channel: str | None) -> Finding:
    """Measure the variance that the average over heartbeats accounts for.

    Parameters
    ----------
    recording : Recording
        With an ECG channel.
    ecg_channel : str | None
        Its name; by default it is found by type or name.

    Returns
    -------
    Finding
        See :func:`~braindecode_bolt.eeg.artifacts.residual_artifacts`.
    """
    raw = recording.raw
    channels = good_electrodes(raw, recording.name)
    ecg = _find_ecg(recording, ecg_channel)
    if ecg is None:
        return Finding(note="no channel of type ECG, or with ECG in its name")
    sfreq = raw.info["sfreq"]
    if raw.n_times < _SHORTEST_SECONDS * sfreq:
        return Finding(
            note=f"{raw.n_times / sfreq:.0f} s are too short to find heartbeats in, at "
            f"least {_SHORTEST_SECONDS:g} s are needed"
        )
    events, _, _ = mne.preprocessing.find_ecg_events(raw, ch_name=ecg, verbose="error")
    beats = events[:, 0] - raw.first_samp
    parts = stretches(raw)
    intervals = np.diff(beats)
    usual = float(np.median(intervals)) if len(intervals) else np.nan
    regular = np.sum(np.abs(intervals - usual) < 0.3 * usual) / max(1, len(intervals))
    if len(beats) < _FEWEST_BEATS or regular < 0.7:
        return Finding(
            note=f"{len(beats)} heartbeats were found in {ecg}, {regular:.0%} of them "
            f"regular; at least {_FEWEST_BEATS} and 70% are needed"
        )
    rng = np.random.default_rng(0)
    moved = [
        beats + np.round(usual * rng.uniform(-0.5, 0.5, len(beats))).astype(int)
        for _ in range(_SURROGATES)
    ]
    sos = butter(2, _BAND, btype="bandpass", fs=sfreq, output="sos")
    figures = []
    for _, signal in signals(raw, channels, recording.name):
        filtered = np.zeros_like(signal)
        for start, stop in parts:
            # A shorter part holds no whole heartbeat.
            if stop - start > (_WINDOW[1] - _WINDOW[0]) * sfreq:
                filtered[start:stop] = sosfiltfilt(sos, signal[start:stop])
        chance = np.mean([_locked_share(filtered, at, sfreq, parts) for at in moved])
        figures.append(_locked_share(filtered, beats, sfreq, parts) - chance)
    return Finding.of(np.array(figures), channels, sfreq / usual, LIMITS)


def _locked_share(
    signal: np.ndarray, beats: np.ndarray, sfreq: float, parts: list[tuple[int, int]]
) -> float:
    first, last = (round(seconds * sfreq) for seconds in _WINDOW)
    whole = [
        beats[(beats + first >= start) & (beats + last <= stop)] for start, stop in parts
    ]
    beats = np.concatenate(whole)
    # 200 Hz are enough for a band up to 30 Hz.
    offsets = np.arange(first, last, max(1, int(sfreq // 200)))
    epochs = signal[beats[:, None] + offsets]
    epochs -= epochs.mean(axis=1, keepdims=True)
    return float(epochs.mean(axis=0).var() / epochs.var())


def _find_ecg(recording: Recording, ecg_channel: str | None) -> str | None:
    raw = recording.raw
    if ecg_channel is not None:
        if ecg_channel not in raw.ch_names:
            raise ChannelNameError(
                f"{recording.name} has no channel {ecg_channel}. It has "
                f"{', '.join(raw.ch_names)}."
            )
        return ecg_channel
    typed = [
        name
        for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
        if kind == "ecg"
    ]
    named = [name for name in raw.ch_names if _ECG_NAME.search(name.upper())]
    return next(iter(typed + named), None)
