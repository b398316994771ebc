"""Simulated EEG-fMRI with a known coupling, whole or on top of real EEG."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import mne
import numpy as np
import pandas as pd
from scipy.signal import butter, hilbert, resample_poly, sosfiltfilt

from ..channels import ChannelNameError, normalize_channel_name
from ..eeg import SFREQ
from ..recording import Recording, attach_bold, onset_samples
from ._coupling import (
    BANDS,
    HRF_SECONDS,
    RATE,
    ROIS,
    autocorrelated_noise,
    check_simulation,
    couple,
)

__all__ = ["SimulatedEEGfMRI", "simulate_bold"]

logger = logging.getLogger(__name__)

_MARKER = "R128"
#: Electrodes of the simulated cap.
CH_NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")

# Where each rhythm comes from: a dipole in the head (metres, MNE's head frame,
# radial), and its largest amplitude on the scalp in volts.
_SOURCES = {
    "theta": ((0.0, 0.055, 0.075), 7e-6),
    "alpha": ((0.0, -0.065, 0.055), 12e-6),
    "beta": ((0.035, 0.0, 0.085), 6e-6),
}
_HEAD_CENTRE = (0.0, 0.0, 0.04)
_HEAD_RADIUS = 0.095
_N_BACKGROUND = 40
_BACKGROUND = 6e-6
_SENSOR_NOISE = 1e-6


class SimulatedEEGfMRI:
    """Simulated simultaneous EEG-fMRI of several people, with a known ceiling.

    Theta, alpha and beta sources wax and wane; MNE's sphere model carries them
    to the scalp together with 1/f background activity from all over the head.
    The BOLD of each region is a weighted sum of the three amplitudes through
    the region's own haemodynamic response, plus autocorrelated noise. People
    differ in where the sources lie and how strong they are.

    Parameters
    ----------
    n_subjects : int
        Number of people. Default 6.
    duration : float
        Length of a run in seconds. Default 300.
    tr : float
        Repetition time in seconds. Default 2.1.
    ch_names : sequence of str | None
        Electrodes of the 10-05 system. By default ten of the 10-20 system.
    rois : sequence of str | None
        Regions. By default the seven of the paper; any other name gets weights
        and a haemodynamic response of its own, always the same.
    snr : float
        Variance of the coupled BOLD over that of the noise. Default 0.7; 0 is
        no coupling at all.
    random_state : int
        Seed. Default 0.
    n_runs : int
        Runs per person. Default 1.
    window_seconds : float
        Window for which the second ceiling is stated. Default 16.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recording = SimulatedEEGfMRI(n_subjects=1, duration=60.0).load()[0]
    >>> recording.bold.shape
    (28, 7)
    >>> recording.ceiling.columns.tolist()
    ['full', 'window']
    """

    def __init__(
        self,
        n_subjects: int = 6,
        duration: float = 300.0,
        tr: float = 2.1,
        ch_names: Sequence[str] | None = None,
        rois: Sequence[str] | None = None,
        snr: float = 0.7,
        random_state: int = 0,
        n_runs: int = 1,
        window_seconds: float = 16.0,
    ):
        self.n_subjects = n_subjects
        self.duration = duration
        self.tr = tr
        self.ch_names = ch_names
        self.rois = rois
        self.snr = snr
        self.random_state = random_state
        self.n_runs = n_runs
        self.window_seconds = window_seconds

    def load(self) -> list[Recording]:
        """Simulate the recordings.

        Returns
        -------
        list of Recording
            One per person and run, at 200 Hz, with volume markers (``R128``)
            that carry the BOLD, and the BOLD without noise.

        Raises
        ------
        ValueError
            If an argument is out of range.
        ChannelNameError
            If an electrode has no position in the 10-05 system.
        """
        rois = list(ROIS if self.rois is None else self.rois)
        check_simulation(rois, self.tr, self.snr)
        if self.n_subjects < 1 or self.n_runs < 1 or self.duration < 2 * self.tr:
            raise ValueError(
                "n_subjects and n_runs must be at least 1 and duration at least two "
                f"repetition times, got {self.n_subjects}, {self.n_runs} and "
                f"{self.duration}."
            )
        info = _make_info(CH_NAMES if self.ch_names is None else self.ch_names)
        seeds = np.random.SeedSequence(self.random_state).spawn(self.n_subjects)
        width = len(str(self.n_subjects))
        recordings = []
        for number, seed in enumerate(seeds, start=1):
            rng = np.random.default_rng(seed)
            gains = _head(info, rng)
            for run in range(1, self.n_runs + 1):
                raw = self._simulate(info, gains, rois, rng)
                recordings.append(
                    Recording(
                        raw,
                        subject=f"{number:0{max(width, 2)}d}",
                        run=str(run) if self.n_runs > 1 else None,
                        task="simulated",
                    )
                )
        return recordings

    def _simulate(
        self,
        info: mne.Info,
        gains: tuple[np.ndarray, np.ndarray],
        rois: list[str],
        rng: np.random.Generator,
    ) -> mne.io.BaseRaw:
        # The haemodynamic response of the first volumes began before the run.
        before = HRF_SECONDS
        n_slow = round((before + self.duration) * RATE)
        slow = _slow_fluctuation((len(BANDS), n_slow), rng)
        n_times = round(self.duration * SFREQ)
        times = np.arange(n_times) / SFREQ
        slow_times = np.arange(n_slow) / RATE - before
        amplitudes = np.exp(0.6 * slow)
        sources = np.stack(
            [
                np.interp(times, slow_times, amplitude) * _rhythm(n_times, band, rng)
                for amplitude, band in zip(amplitudes, BANDS.values(), strict=True)
            ]
        )
        source_gains, background_gains = gains
        background = _one_over_f((background_gains.shape[1], n_times), rng)
        data = source_gains @ sources + background_gains @ background
        data += _SENSOR_NOISE * rng.standard_normal(data.shape)
        volume_times = np.arange(self.tr, self.duration, self.tr)
        tables = couple(
            _standardise(amplitudes),
            -before,
            volume_times,
            rois,
            self.snr,
            autocorrelated_noise(len(volume_times), len(rois), self.tr, rng),
            self.window_seconds,
        )
        raw = mne.io.RawArray(data, info.copy(), verbose="error")
        return _mark(raw, volume_times, tables)


def simulate_bold(
    raw: mne.io.BaseRaw,
    tr: float = 2.1,
    rois: Sequence[str] | None = None,
    snr: float = 0.7,
    noise: pd.DataFrame | None = None,
    window_seconds: float = 16.0,
    random_state: int | np.random.Generator = 0,
) -> mne.io.BaseRaw:
    """Give a real EEG recording a BOLD signal that follows its rhythms.

    The amplitudes of theta (frontal), alpha (occipital) and beta (central
    electrodes) in the recording go through the same coupling as in
    :class:`SimulatedEEGfMRI`. The result is paired data with a known ceiling.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG with standard channel names (:func:`~braindecode_bolt.prepare_eeg`).
        It is not changed.
    tr : float
        Repetition time in seconds. Default 2.1. Volumes are marked from the
        first sample on.
    rois : sequence of str | None
        Regions. By default the seven of the paper.
    snr : float
        Variance of the coupled BOLD over that of the noise. Default 0.7.
    noise : pandas.DataFrame, shape (at least n_volumes, at least n_rois) | None
        Real BOLD of another brain, sampled every `tr`, to serve as noise. A
        stretch of it is drawn; columns are matched by name, or else drawn. By
        default the noise is a first-order autoregressive process.
    window_seconds : float
        Window for which the second ceiling is stated. Default 16.
    random_state : int | numpy.random.Generator
        Seed.

    Returns
    -------
    mne.io.BaseRaw
        Shares the data with `raw`; has volume markers (``R128``) that carry
        the BOLD, and the BOLD without noise.

    Raises
    ------
    ValueError
        If the recording or `noise` is too short, or an argument is out of
        range.
    ChannelNameError
        If no electrode has a known position.
    """
    rois = list(ROIS if rois is None else rois)
    check_simulation(rois, tr, snr)
    rng = np.random.default_rng(random_state)
    volume_times = np.arange(0.0, raw.times[-1], tr)
    if len(volume_times) < 2:
        raise ValueError(
            f"The recording lasts {raw.times[-1]:.1f} s; at least two volumes of {tr:g} s "
            "are needed."
        )
    if noise is None:
        drawn = autocorrelated_noise(len(volume_times), len(rois), tr, rng)
    else:
        drawn = _draw_noise(noise, len(volume_times), rois, rng)
    amplitudes = _standardise(np.log(_band_amplitudes(raw)))
    # An artifact must not become the only event of the run.
    amplitudes = _standardise(np.clip(amplitudes, -3, 3))
    tables = couple(amplitudes, 0.0, volume_times, rois, snr, drawn, window_seconds)
    return _mark(raw, volume_times, tables)


def _mark(
    raw: mne.io.BaseRaw, volume_times: np.ndarray, tables: dict[str, pd.DataFrame]
) -> mne.io.BaseRaw:
    """Add volume markers that carry the tables."""
    raw = raw.copy()
    old = raw.annotations
    # Markers stand on samples, as an amplifier writes them.
    samples = onset_samples(raw, volume_times + raw.first_time)
    markers = mne.Annotations(
        samples / raw.info["sfreq"] + raw.first_time,
        0.0,
        [_MARKER] * len(samples),
        orig_time=old.orig_time,
    )
    if old.orig_time is None:
        markers.onset -= raw.first_time
        old = old.copy()
        old.onset -= raw.first_time
    keep = [i for i, text in enumerate(old.description) if text != _MARKER]
    raw.set_annotations(old[keep] + markers)
    return attach_bold(raw, marker=_MARKER, **tables)


def _make_info(ch_names: Sequence[str]) -> mne.Info:
    names = [normalize_channel_name(name) for name in ch_names]
    info = mne.create_info(names, SFREQ, "eeg")
    montage = mne.channels.make_standard_montage("colin27_1005")
    missing = [name for name in names if name not in montage.ch_names]
    if missing:
        raise ChannelNameError(
            f"No position is known for {', '.join(missing)}; the simulation needs "
            "electrodes of the 10-05 system."
        )
    return info.set_montage(montage)


def _head(info: mne.Info, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw a person: gains from the rhythms and the background to the scalp."""
    n_sources = len(_SOURCES)
    places = np.array([place for place, _ in _SOURCES.values()])
    places = places + 0.005 * rng.standard_normal(places.shape)
    directions = rng.standard_normal((_N_BACKGROUND, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    depth = rng.uniform(0.3, 0.8, (_N_BACKGROUND, 1)) * _HEAD_RADIUS
    places = np.concatenate([places, np.array(_HEAD_CENTRE) + depth * directions])
    orientations = places - np.array(_HEAD_CENTRE)
    orientations += 0.02 * rng.standard_normal(orientations.shape)
    orientations /= np.linalg.norm(orientations, axis=1, keepdims=True)
    gains = _forward(info, places, orientations)
    strength = np.array([scalp for _, scalp in _SOURCES.values()])
    strength = strength * np.exp(0.2 * rng.standard_normal(n_sources))
    rhythms = gains[:, :n_sources] / np.abs(gains[:, :n_sources]).max(axis=0) * strength
    background = gains[:, n_sources:]
    background *= _BACKGROUND / np.sqrt((background**2).sum(axis=1).mean())
    return rhythms, background


def _forward(
    info: mne.Info, places: np.ndarray, orientations: np.ndarray
) -> np.ndarray:
    """Potentials at the electrodes for unit dipoles, by MNE's sphere model."""
    sphere = mne.make_sphere_model(
        r0=_HEAD_CENTRE, head_radius=_HEAD_RADIUS, verbose="error"
    )
    dipoles = mne.Dipole(
        np.arange(len(places)) / SFREQ,
        places,
        np.full(len(places), 1e-8),
        orientations,
        np.full(len(places), 100.0),
    )
    forward, _ = mne.make_forward_dipole(dipoles, sphere, info, verbose="error")
    return forward["sol"]["data"]


def _slow_fluctuation(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Gaussian fluctuations between 0.008 and 0.08 Hz, of unit variance."""
    pad = round(60 * RATE)
    white = rng.standard_normal((shape[0], shape[1] + 2 * pad))
    sos = butter(2, (0.008, 0.08), btype="bandpass", fs=RATE, output="sos")
    return _standardise(sosfiltfilt(sos, white)[:, pad:-pad])


def _rhythm(
    n_times: int, band: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Gaussian noise in a band, of unit variance."""
    sos = butter(3, band, btype="bandpass", fs=SFREQ, output="sos")
    return _standardise(sosfiltfilt(sos, rng.standard_normal(n_times)))


def _one_over_f(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with frequency, of unit variance, flat below 0.5 Hz."""
    frequency = np.fft.rfftfreq(shape[1], 1 / SFREQ)
    spectrum = np.fft.rfft(rng.standard_normal(shape))
    shaped = spectrum / np.sqrt(np.maximum(frequency, 0.5))
    return _standardise(np.fft.irfft(shaped, shape[1]))


def _standardise(series: np.ndarray) -> np.ndarray:
    centred = series - series.mean(axis=-1, keepdims=True)
    return centred / centred.std(axis=-1, keepdims=True)


def _band_amplitudes(raw: mne.io.BaseRaw) -> np.ndarray:
    """Amplitude of each rhythm near its site, shape (n_bands, n_samples) at RATE."""
    sfreq = raw.info["sfreq"]
    positions = raw.get_montage()
    places = {} if positions is None else positions.get_positions()["ch_pos"]
    known = {ch: xyz for ch, xyz in places.items() if np.isfinite(xyz).all()}
    if not known:
        raise ChannelNameError(
            "No electrode has a position. Use prepare_eeg, which sets those of the 10-05 "
            "system."
        )
    n_samples = int(raw.times[-1] * RATE) + 1
    at = np.arange(n_samples) / RATE
    amplitudes = []
    for band, (place, _) in _SOURCES.items():
        distance = {ch: np.linalg.norm(xyz - np.array(place)) for ch, xyz in known.items()}
        nearest = sorted(distance, key=distance.get)[:3]
        sos = butter(3, BANDS[band], btype="bandpass", fs=sfreq, output="sos")
        signal = sosfiltfilt(sos, raw.get_data(nearest))
        envelope = np.abs(hilbert(signal)).mean(axis=0)
        # Down to about 1 Hz before the rate falls to RATE.
        smooth = sosfiltfilt(butter(2, 1.0, fs=sfreq, output="sos"), envelope)
        smooth = np.maximum(smooth, 1e-3 * np.median(envelope))
        amplitudes.append(np.interp(at, raw.times, smooth))
    return np.stack(amplitudes)


def _draw_noise(
    noise: pd.DataFrame, n_volumes: int, rois: list[str], rng: np.random.Generator
) -> np.ndarray:
    if len(noise) < n_volumes or noise.shape[1] < len(rois):
        raise ValueError(
            f"The BOLD given as noise has {noise.shape[0]} volumes x {noise.shape[1]} "
            f"regions; at least {n_volumes} x {len(rois)} are needed."
        )
    if set(rois) <= set(noise.columns):
        chosen = noise[rois]
    else:
        columns = rng.choice(noise.shape[1], len(rois), replace=False)
        chosen = noise.iloc[:, columns]
    first = rng.integers(len(noise) - n_volumes + 1)
    series = chosen.to_numpy(dtype=float)[first : first + n_volumes]
    if not np.isfinite(series).all() or (series.std(axis=0) == 0).any():
        raise ValueError("The BOLD given as noise is constant or not finite in a region.")
    return _standardise(series.T).T
