"""EEG sources that contain what drives BOLD."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, hilbert, sosfiltfilt

from ...eeg.prepare import SFREQ
from .bold import standardise
from .kinds import Coupling
from .responses import HRF_SECONDS, RATE
from .rhythms import EVENT_BANDS, PAIRS, Person, bands_of

#: Frequencies in Hz of the fluctuations of amplitudes and other drivers, and of vigilance.
_SLOW = (0.008, 0.08)
_SLOWEST = (0.003, 0.02)
#: How the logarithm of theta, alpha and beta amplitude changes with vigilance.
_VIGILANCE_GAINS = np.array([[-0.4], [0.5], [-0.2]])
#: How far the peak of alpha moves, in Hz (standard deviation), and its width.
_ALPHA_MOVES = 0.8
_ALPHA_WIDTH = 0.7
#: Events per second on average, their amplitude relative to that of a rhythm without
#: events, and what is left of that rhythm between events.
_EVENT_RATE = 0.35
_EVENT_AMPLITUDE = 3.0
_BETWEEN_EVENTS = 0.5
#: Amplitude of fast activity and of the slow rhythm that is locked to beta.
_FAST = 0.5
_MU = 0.8


class Generator:
    """Generator of the three sources of a run and of what drives BOLD.

    The amplitudes of all rhythms fluctuate slowly, whether BOLD follows them or not.

    Parameters
    ----------
    coupling : Coupling
        The kind of coupling.
    person : Person
        Whose EEG it is.
    duration : float
        Length of the run in seconds.
    rng : numpy.random.Generator
        Source of randomness.

    Attributes
    ----------
    sources : ndarray, shape (3, n_times)
        At the sampling rate of prepared EEG; the rhythms have unit variance on average.
    drivers : dict of str to list of (start, drivers)
        For each phenomenon, as for :class:`~.bold.Component`. They begin before the run,
        because the response of the first volumes does.
    """

    def __init__(
        self,
        coupling: Coupling,
        person: Person,
        duration: float,
        rng: np.random.Generator,
    ):
        self._rng = rng
        self._person = person
        # The haemodynamic response of the first volumes began before the run.
        self._n_slow = round((HRF_SECONDS + duration) * RATE)
        self._n_times = round(duration * SFREQ)
        self._times = np.arange(self._n_times) / SFREQ
        drivers = {}
        bands = bands_of(coupling).values()
        logs = 0.6 * self._slow(len(bands))
        carriers = [_rhythm(self._n_times, band, rng) for band in bands]
        if "vigilance" in coupling.phenomena:
            # Awake or drowsy, with little in between.
            drivers["vigilance"] = np.tanh(2 * self._slow(1, _SLOWEST))
            logs = logs + _VIGILANCE_GAINS * standardise(drivers["vigilance"])
        amplitudes = np.exp(logs)
        drivers["band-power"] = amplitudes
        if "alpha-frequency" in coupling.phenomena:
            drivers["alpha-frequency"] = self._slow(1)
            carriers[1] = self._moving_alpha(drivers["alpha-frequency"][0])
        gains = [self._in_run(amplitude) for amplitude in amplitudes]
        sources = [gain * carrier for gain, carrier in zip(gains, carriers, strict=True)]
        if "cross-frequency" in coupling.phenomena:
            depths = 0.5 + 0.5 * np.tanh(1.5 * self._slow(len(PAIRS)))
            drivers["cross-frequency"] = depths
            self._lock(sources, carriers, gains, depths)
        if "bursts" in coupling.phenomena:
            drivers["bursts"] = np.stack(
                [
                    self._add_events(source, band)
                    for source, band in zip(sources, EVENT_BANDS.values(), strict=True)
                ]
            )
        self.sources = np.stack(sources)
        self.drivers = {
            phenomenon: [(-HRF_SECONDS, standardise(drivers[phenomenon]))]
            for phenomenon in coupling.phenomena
        }

    def _slow(self, n_rows: int, band: tuple[float, float] = _SLOW) -> np.ndarray:
        """Gaussian fluctuations of unit variance at ``RATE``."""
        pad = round(60 * RATE)
        white = self._rng.standard_normal((n_rows, self._n_slow + 2 * pad))
        sos = butter(2, band, btype="bandpass", fs=RATE, output="sos")
        return standardise(sosfiltfilt(sos, white)[:, pad:-pad])

    def _in_run(self, series: np.ndarray) -> np.ndarray:
        """Read a series at ``RATE`` at the samples of the run."""
        return np.interp(self._times, np.arange(self._n_slow) / RATE - HRF_SECONDS, series)

    def _moving_alpha(self, moves: np.ndarray) -> np.ndarray:
        """Narrow-band alpha whose peak frequency moves; its amplitude does not."""
        frequency = self._person.alpha_frequency + _ALPHA_MOVES * self._in_run(moves)
        sos = butter(3, _ALPHA_WIDTH, fs=SFREQ, output="sos")
        real, imaginary = sosfiltfilt(sos, self._rng.standard_normal((2, self._n_times)))
        turns = np.cumsum(frequency) / SFREQ
        return standardise(((real + 1j * imaginary) * np.exp(2j * np.pi * turns)).real)

    def _lock(
        self,
        sources: list[np.ndarray],
        carriers: list[np.ndarray],
        gains: list[np.ndarray],
        depths: np.ndarray,
    ) -> None:
        """Lock fast amplitude to slow phase; the power of both stays the same."""
        for place, (slow_band, fast_band) in enumerate(PAIRS.values()):
            depth = self._in_run(depths[place])
            if place < 2:
                slow = carriers[place]
                fast = _FAST * _rhythm(self._n_times, fast_band, self._rng)
            else:
                slow = _rhythm(self._n_times, slow_band, self._rng)
                fast = gains[place] * carriers[place]
                sources[place] = _MU * slow
            locked = 1 + depth * np.cos(np.angle(hilbert(slow)))
            sources[place] = sources[place] + fast * locked / np.sqrt(1 + depth**2 / 2)

    def _add_events(self, source: np.ndarray, band: tuple[float, float]) -> np.ndarray:
        """Add short events to a source in place; give their rate per second."""
        source *= _BETWEEN_EVENTS
        chance = _EVENT_RATE * np.exp(0.9 * self._slow(1)[0] - 0.4) / RATE
        begins = np.flatnonzero(self._rng.random(self._n_slow) < chance)
        events = np.zeros(self._n_slow)
        for begin in begins:
            seconds = self._rng.uniform(0.6, 1.2)
            frequency = self._rng.uniform(*band)
            amplitude = _EVENT_AMPLITUDE * np.exp(0.5 * self._rng.standard_normal())
            events[min(begin + round(seconds / 2 * RATE), self._n_slow - 1)] += 1.0
            first = round((begin / RATE - HRF_SECONDS) * SFREQ)
            shape = np.hanning(round(seconds * SFREQ))
            wave = np.sin(2 * np.pi * frequency * np.arange(len(shape)) / SFREQ)
            inside = slice(max(first, 0), max(first + len(shape), 0))
            part = (amplitude * shape * wave)[max(-first, 0) :][: len(source[inside])]
            source[inside.start : inside.start + len(part)] += part
        window = np.hanning(round(RATE) + 2)
        return np.convolve(events, window / window.sum(), "same")


def _rhythm(
    n_times: int, band: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Gaussian noise in a band, of unit variance."""
    sos = butter(3, band, btype="bandpass", fs=SFREQ, output="sos")
    return standardise(sosfiltfilt(sos, rng.standard_normal(n_times)))
