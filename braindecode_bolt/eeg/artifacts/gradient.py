"""Gradient artifacts in the power spectrum: lines at volume and slice harmonics."""

from __future__ import annotations

from collections.abc import Sequence

import mne
import numpy as np
from scipy.signal import welch

from ..._text import counted
from ...markers import MarkerError, find_markers, joint_samples
from ...markers.annotations import marker_descriptions
from ...markers.timing import repetition_time
from ...recording import Recording
from ..reading import good_electrodes, signals
from ..units import MICROVOLTS
from .findings import Finding

__all__ = ["SLICE_LIMITS", "VOLUME_LIMITS", "look_for_gradient"]

#: Limits of the power relative to its surroundings: median of the channels, worst
#: channel. In real EEG from outside a scanner (9 subjects, 14 recordings) and simulated
#: EEG, with markers at 10 repetition times from 0.6 to 3 s, the ratios are at most 1.09
#: and 1.17 at volume harmonics, 1.39 and 1.85 at those of the strongest slice frequency;
#: with 33 volumes only, 1.23 and 1.45, 1.83 and 2.58. A burst of 20 microvolts after each
#: volume, added to real EEG, gives 1.4 to 87 and 4.8 to 740 at volume harmonics.
VOLUME_LIMITS = (2.0, 3.0)
SLICE_LIMITS = (2.5, 5.0)

# Length of a spectrum in volumes. Residues of a correction are spread around the
# harmonics; longer spectra would resolve them into several peaks.
_SEGMENT = 16
# With fewer volumes the spectra are too noisy.
_FEWEST_VOLUMES = 2 * _SEGMENT
# With this many spectra or more, they need not overlap.
_LONG = 8
# Range of frequencies in Hz. Multiples of the mains frequency can be harmonics of 1/TR
# themselves: at 2.1 s, 50 Hz is the 105th.
_LOWEST, _HIGHEST = 1.0, 90.0
_MAINS, _MAINS_WIDTH = (50.0, 60.0), 1.0
# Noise of any amplifier, in square microvolts per Hz. It is added, so that frequencies
# that a filter has removed do not count.
_NOISE = 1e-3
# Slice frequencies that are tried have at least this many slices per volume, and this
# many harmonics, so that a single spectral line of another source does not count.
_FEWEST_SLICES = 8
_FEWEST_HARMONICS = 3


def look_for_gradient(recording: Recording, n_slices: int | None) -> dict[str, Finding]:
    """Compare the power at volume and slice harmonics with that beside them.

    Parameters
    ----------
    recording : Recording
        With volume markers, whether or not they carry BOLD.
    n_slices : int | None
        Slices per volume, if known.

    Returns
    -------
    dict of Finding
        ``volume`` and ``slice``, see
        :func:`~braindecode_bolt.eeg.artifacts.residual_gradient`.
    """
    if n_slices is not None and n_slices < 1:
        raise ValueError(f"n_slices must be at least 1, got {n_slices}.")
    raw = recording.raw
    channels = good_electrodes(raw, recording.name)
    try:
        times = _volume_times(recording)
    except MarkerError as error:
        return _not_checked(str(error))
    if not len(times):  # EEG without fMRI, or of another kind of markers.
        return _not_checked("it has no volume markers")
    tr = repetition_time(times)
    sfreq = raw.info["sfreq"]
    harmonics = _harmonics(tr, raw)
    start, stop = np.round(times[[0, -1]] * sfreq).astype(int)
    if len(times) < _FEWEST_VOLUMES or stop - start < _SEGMENT * tr * sfreq:
        return _not_checked(
            f"{counted(len(times), 'volume')} in {times[-1] - times[0]:.0f} s, at least "
            f"{_FEWEST_VOLUMES} are needed"
        )
    if len(harmonics) < 2 * _FEWEST_HARMONICS:
        return _not_checked(
            f"at a TR of {tr:g} s the EEG holds {len(harmonics)} harmonics of 1/TR only"
        )
    powers = []
    for _, signal in signals(raw, channels, recording.name, start, stop):
        powers.append(_harmonic_power(signal * MICROVOLTS, sfreq, tr, harmonics))
    at, between, around = np.array(powers).transpose(1, 0, 2)
    usable_harmonics = _away_from_mains(harmonics / tr)
    locked = (at / between)[:, usable_harmonics].mean(axis=1)
    return {
        "volume": Finding.of(locked, channels, 1 / tr, VOLUME_LIMITS),
        "slice": _slices(around, harmonics, usable_harmonics, tr, channels, n_slices),
    }


def _not_checked(note: str) -> dict[str, Finding]:
    return {"volume": Finding(note=note), "slice": Finding(note=note)}


def _volume_times(recording: Recording) -> np.ndarray:
    """Seconds of the volume markers, counted from the first sample of the data.

    Those of the part between joints that has the most: the artifact does not keep its
    rhythm across a joint.
    """
    raw = recording.raw
    found = recording.volume_annotations()
    if not len(found) and marker_descriptions(raw.annotations.description, None):
        found = find_markers(raw)
    times = np.sort(raw.annotations.onset[found]) - raw.first_time
    samples = np.round(times * raw.info["sfreq"])
    part = np.searchsorted(joint_samples(raw), samples, side="right")
    return times[part == np.bincount(part).argmax()] if len(times) else times


def _harmonics(tr: float, raw: mne.io.BaseRaw) -> np.ndarray:
    """List the harmonics of 1/TR at which the EEG can have power."""
    if not tr > 0:
        return np.array([], dtype=int)
    nyquist = raw.info["sfreq"] / 2
    low_pass = raw.info["lowpass"] or nyquist
    top = min(_HIGHEST, 0.9 * min(low_pass, nyquist))
    return np.arange(max(1, np.ceil(_LOWEST * tr)), np.floor(top * tr) + 1, dtype=int)


def _away_from_mains(frequencies: np.ndarray) -> np.ndarray:
    away = np.ones(len(frequencies), dtype=bool)
    for mains in _MAINS:
        nearest = mains * np.maximum(1, np.round(frequencies / mains))
        away &= np.abs(frequencies - nearest) > _MAINS_WIDTH
    return away


def _harmonic_power(
    signal: np.ndarray, sfreq: float, tr: float, harmonics: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power at each harmonic of 1/TR, between it and its neighbours, and around it."""
    length = round(_SEGMENT * tr * sfreq)
    # This runs whenever EEG is prepared: no overlap in long recordings, which need no
    # further averaging, and single precision.
    overlap = length // 2 if len(signal) < _LONG * length else 0
    signal = signal.astype(np.float32)
    _, power = welch(signal, sfreq, nperseg=length, noverlap=overlap)
    power = power.astype(np.float64) + _NOISE
    at = np.round(harmonics / tr * length / sfreq).astype(int)[:, None]
    half, quarter = _SEGMENT // 2, _SEGMENT // 4
    # Without the bins that a line leaks into through the Hann window.
    beside = np.arange(3, half + 1)
    between = power[at + np.concatenate([-beside, beside])].mean(axis=1)
    around = power[at + np.arange(-quarter, quarter + 1)].mean(axis=1)
    return power[at[:, 0]], between, around


def _slices(
    around: np.ndarray,
    harmonics: np.ndarray,
    usable_harmonics: np.ndarray,
    tr: float,
    channels: Sequence[str],
    n_slices: int | None,
) -> Finding:
    """Compare the power around slice harmonics with that around their neighbours.

    All of these are harmonics of 1/TR, so that the effect of a correction on all of
    them cancels.
    """
    neighbours = (around[:, :-4] + around[:, 1:-3] + around[:, 3:-1] + around[:, 4:]) / 4
    excess = np.log(around[:, 2:-2] / neighbours)
    inner, usable = harmonics[2:-2], usable_harmonics[2:-2]
    if n_slices is None:
        most = inner[-1] // _FEWEST_HARMONICS
        candidates = range(_FEWEST_SLICES, most + 1)
        fewest = _FEWEST_HARMONICS
    else:
        candidates, fewest = [n_slices], 1
    combs = {number: usable & (inner % number == 0) for number in candidates}
    combs = {number: comb for number, comb in combs.items() if comb.sum() >= fewest}
    if not combs:
        return Finding(
            note="no slice frequency with enough harmonics between "
            f"{inner[0] / tr:.0f} and {inner[-1] / tr:.0f} Hz"
        )
    everywhere = np.median(excess, axis=0)
    # Medians over harmonics, so that the line of another source (a pump) does not count.
    number = max(
        combs, key=lambda n: np.sqrt(combs[n].sum()) * np.median(everywhere[combs[n]])
    )
    figures = np.exp(np.median(excess[:, combs[number]], axis=1))
    return Finding.of(figures, channels, number / tr, SLICE_LIMITS)
