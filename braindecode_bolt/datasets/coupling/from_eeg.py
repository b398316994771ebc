"""What drives BOLD, measured in real EEG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import mne
import numpy as np
from scipy.ndimage import find_objects, label
from scipy.signal import butter, fftconvolve, hilbert, sosfiltfilt
from scipy.special import expit

from ...eeg.channels import ChannelNameError
from ...markers import stretches
from .bold import standardise
from .kinds import OWN, Coupling
from .responses import RATE, VIGILANCE_SECONDS
from .rhythms import ALPHA_RANGE, EVENT_BANDS, PAIRS, Person, bands_of, places_of

#: Phenomena that BOLD follows slowly, with their time constants in seconds.
MEMORY = {"vigilance": VIGILANCE_SECONDS}

# Nothing is measured in shorter parts of a recording, in seconds.
_SHORTEST = 1.0
#: Electrodes near a place that are averaged.
_N_NEAREST = 3
#: Length in seconds of the Hann windows in which locking and frequency are measured, and
#: events counted.
_LOCKING_SECONDS = 2.0
_EVENT_SECONDS = 1.0
#: A burst exceeds the median amplitude by this factor, for this many cycles.
_BURST_FACTOR = 1.5
_BURST_CYCLES = 2
#: Bands whose ratio measures vigilance.
_VIGILANCE_BANDS = ((7.0, 13.0), (1.0, 7.0))


@dataclass(frozen=True)
class Site:
    """EEG of the electrodes near each place, in parts between joints.

    Attributes
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    parts : sequence of (start, stop)
        Samples of the parts.
    nearest : mapping of str to list of str
        Electrodes near the place of each rhythm.
    bands : mapping of str to (low, high)
        Frequency band of each rhythm in Hz.
    """

    raw: mne.io.BaseRaw
    parts: Sequence[tuple[int, int]]
    nearest: Mapping[str, list[str]]
    bands: Mapping[str, tuple[float, float]]

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return self.raw.info["sfreq"]

    def filtered(self, picks: object, band: tuple[float, float]) -> list[np.ndarray | None]:
        """Band-pass filter each part by itself; None in place of one that is too short."""
        sos = butter(3, band, btype="bandpass", fs=self.sfreq, output="sos")
        return [
            sosfiltfilt(sos, self.raw.get_data(picks, start, stop))
            if (stop - start - 1) / self.sfreq >= _SHORTEST
            else None
            for start, stop in self.parts
        ]

    def analytic(self, picks: object, band: tuple[float, float]) -> list[np.ndarray | None]:
        """Analytic signals of :meth:`filtered`."""
        return [None if x is None else hilbert(x) for x in self.filtered(picks, band)]

    def at_rate(self, series: Sequence[np.ndarray | None]) -> list[np.ndarray]:
        """Sample a series of each part at ``RATE``; NaN in a part that is too short."""
        pieces = []
        for (start, stop), values in zip(self.parts, series, strict=True):
            times = np.arange(stop - start) / self.sfreq
            at = np.arange(int(times[-1] * RATE) + 1) / RATE
            whole = values is not None
            pieces.append(
                np.interp(at, times, values) if whole else np.full(len(at), np.nan)
            )
        return pieces

    def smooth(self, series: np.ndarray, seconds: float) -> np.ndarray:
        """Mean in Hann windows around each sample, along the last axis."""
        window = np.hanning(round(seconds * self.sfreq) + 2)[1:-1]
        window = window.reshape((1,) * (series.ndim - 1) + (-1,))
        weight = fftconvolve(
            np.ones((1,) * (series.ndim - 1) + series.shape[-1:]), window, "same", axes=-1
        )
        return fftconvolve(series, window, "same", axes=-1) / weight


def drivers_of(
    raw: mne.io.BaseRaw, coupling: Coupling, person: Person
) -> dict[str, list[tuple[float, np.ndarray]]]:
    """Measure what drives BOLD in a recording.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG whose electrodes have positions.
    coupling : Coupling
        The kind of coupling.
    person : Person
        Whose EEG it is.

    Returns
    -------
    dict of str to list of (start, drivers)
        For each phenomenon and part of the recording between joints, the time of the
        part's first sample in seconds, and an array of shape (n_drivers, n_samples)
        at ``RATE``, of zero mean and unit variance over all parts.

    Raises
    ------
    ChannelNameError
        If no electrode has a known position.
    ValueError
        If the sampling rate is too low.
    """
    if coupling.measure is not None:
        return {OWN: _measured_by(raw, coupling.measure)}
    site = Site(raw, stretches(raw), _nearest(raw, coupling, person), bands_of(coupling))
    highest = 2 * max(high for pair in PAIRS.values() for _, high in pair)
    if site.sfreq <= highest:
        raise ValueError(
            f"EEG needs more than {highest:g} Hz to be coupled to BOLD, got {site.sfreq:g}."
        )
    found = {}
    for phenomenon in coupling.phenomena:
        rows = _MEASURES[phenomenon](site)
        series = np.stack([np.concatenate(pieces) for pieces in rows])
        if phenomenon == "band-power" and not coupling.perturbed:
            series = np.log(series)
        unknown = np.isnan(series)
        series[unknown] = np.broadcast_to(
            np.nanmean(series, axis=1, keepdims=True), series.shape
        )[unknown]
        series = _finish(series, phenomenon)
        ends = np.cumsum([len(piece) for piece in rows[0]])[:-1]
        starts = [start / site.sfreq for start, _ in site.parts]
        divided = np.split(series, ends, axis=1)
        found[phenomenon] = list(zip(starts, divided, strict=True))
    return found


def _measured_by(
    raw: mne.io.BaseRaw, measure: Callable[[mne.io.BaseRaw], object]
) -> list[tuple[float, np.ndarray]]:
    """Drivers that a function of the user measures, in parts between joints."""
    site = Site(raw, stretches(raw), {}, {})
    series = np.atleast_2d(np.asarray(measure(raw.copy()), dtype=float))
    if series.ndim != 2 or series.shape[1] != len(raw.times):
        raise ValueError(
            f"The coupling must give a number for each of {len(raw.times)} samples of the "
            f"EEG, or a row of them for each region; it gave an array of shape "
            f"{series.shape}."
        )
    if not np.isfinite(series).all():
        raise ValueError("The coupling gave values that are not finite.")
    smooth = [site.smooth(series[:, a:b], _EVENT_SECONDS) for a, b in site.parts]
    rows = [site.at_rate([part[row] for part in smooth]) for row in range(len(series))]
    ends = np.cumsum([len(piece) for piece in rows[0]])[:-1]
    drivers = _unit(np.stack([np.concatenate(pieces) for pieces in rows]))
    starts = [start / site.sfreq for start, _ in site.parts]
    return list(zip(starts, np.split(drivers, ends, axis=1), strict=True))


def _finish(series: np.ndarray, phenomenon: str) -> np.ndarray:
    """Bring drivers to zero mean and unit variance, over all parts."""
    if phenomenon != "bursts":
        # An artifact must not become the only event of the run.
        series = np.clip(_unit(series), -3, 3)
    if phenomenon == "vigilance":
        # Awake or drowsy, with little in between.
        series = expit(2 * _unit(series))
    return _unit(series)


def _unit(series: np.ndarray) -> np.ndarray:
    """Standardise rows that change; others are zero."""
    changes = series.std(axis=1) > 0
    unit = np.zeros_like(series)
    unit[changes] = standardise(series[changes])
    return unit


def _nearest(
    raw: mne.io.BaseRaw, coupling: Coupling, person: Person
) -> dict[str, list[str]]:
    positions = raw.get_montage()
    places = {} if positions is None else positions.get_positions()["ch_pos"]
    known = {ch: xyz for ch, xyz in places.items() if np.isfinite(xyz).all()}
    if not known:
        raise ChannelNameError(
            "No electrode has a position. Use prepare_eeg, which sets those of the 10-05 "
            "system."
        )
    nearest = {}
    for rhythm, place in places_of(coupling, person).items():
        distance = {ch: np.linalg.norm(xyz - place) for ch, xyz in known.items()}
        nearest[rhythm] = sorted(distance, key=distance.get)[:_N_NEAREST]
    return nearest


def _amplitudes(site: Site) -> list[list[np.ndarray]]:
    """Amplitude of each rhythm near its place."""
    low_pass = butter(2, 1.0, fs=site.sfreq, output="sos")

    def smoothed(signal: np.ndarray | None) -> np.ndarray | None:
        if signal is None:
            return None
        envelope = np.abs(signal).mean(axis=0)
        # Down to about 1 Hz before the rate falls to RATE.
        return np.maximum(sosfiltfilt(low_pass, envelope), 1e-3 * np.median(envelope))

    return [
        site.at_rate([smoothed(x) for x in site.analytic(site.nearest[rhythm], band)])
        for rhythm, band in site.bands.items()
    ]


def _bursts(site: Site) -> list[list[np.ndarray]]:
    """Bursts per second near each place, whatever their amplitude and duration."""
    rows = []
    for rhythm, band in EVENT_BANDS.items():
        signals = site.analytic(site.nearest[rhythm], band)
        envelopes = [None if x is None else np.abs(x).mean(axis=0) for x in signals]
        whole = [envelope for envelope in envelopes if envelope is not None]
        level = _BURST_FACTOR * np.median(np.concatenate(whole)) if whole else 0.0
        shortest = _BURST_CYCLES * site.sfreq / np.mean(band)
        counted = [
            None if x is None else site.smooth(_events(x, level, shortest), _EVENT_SECONDS)
            for x in envelopes
        ]
        rows.append(site.at_rate(counted))
    return rows


def _events(envelope: np.ndarray, level: float, shortest: float) -> np.ndarray:
    """One at the peak of each event, else zero."""
    events = np.zeros(len(envelope))
    for (span,) in find_objects(label(envelope > level)[0]):
        if span.stop - span.start >= shortest:
            events[span.start + np.argmax(envelope[span])] = 1.0
    return events


def _locking(site: Site) -> list[list[np.ndarray]]:
    """Length of the mean vector of fast amplitude at slow phase, by the amplitude."""

    def locked(slow: np.ndarray | None, fast: np.ndarray | None) -> np.ndarray | None:
        if slow is None or fast is None:
            return None
        amplitude = np.abs(fast)
        vector = site.smooth(amplitude * slow / np.abs(slow), _LOCKING_SECONDS)
        size = np.sqrt(site.smooth(amplitude**2, _LOCKING_SECONDS))
        return (np.abs(vector) / size).mean(axis=0)

    rows = []
    for rhythm, bands in PAIRS.items():
        slow, fast = (site.analytic(site.nearest[rhythm], band) for band in bands)
        rows.append(site.at_rate([locked(*pair) for pair in zip(slow, fast, strict=True)]))
    return rows


def _alpha_frequency(site: Site) -> list[list[np.ndarray]]:
    """Mean momentary frequency of occipital alpha, weighted by its power."""

    def frequency(signal: np.ndarray | None) -> np.ndarray | None:
        if signal is None:
            return None
        turn = (signal[:, 1:] * signal[:, :-1].conj()).sum(axis=0)
        angle = np.angle(site.smooth(turn, _LOCKING_SECONDS))
        return np.append(angle, angle[-1]) * site.sfreq / (2 * np.pi)

    signals = site.analytic(site.nearest["alpha"], ALPHA_RANGE)
    return [site.at_rate([frequency(signal) for signal in signals])]


def _vigilance(site: Site) -> list[list[np.ndarray]]:
    """Log ratio of alpha and slower activity, over all electrodes."""

    def log_power(signal: np.ndarray | None) -> np.ndarray | None:
        if signal is None:
            return None
        return np.log(site.smooth((signal**2).mean(axis=0), _LOCKING_SECONDS))

    alpha, slow = (
        [log_power(signal) for signal in site.filtered("eeg", band)]
        for band in _VIGILANCE_BANDS
    )
    ratio = [None if a is None else a - s for a, s in zip(alpha, slow, strict=True)]
    return [site.at_rate(ratio)]


_MEASURES: dict[str, Callable[[Site], list[list[np.ndarray]]]] = {
    "band-power": _amplitudes,
    "bursts": _bursts,
    "cross-frequency": _locking,
    "alpha-frequency": _alpha_frequency,
    "vigilance": _vigilance,
}
