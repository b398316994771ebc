"""BOLD with a known coupling on top of real EEG."""

from __future__ import annotations

from collections.abc import Sequence

import mne
import numpy as np
import pandas as pd
from scipy.signal import butter, hilbert, sosfiltfilt

from ..channels import ChannelNameError
from ._coupling import (
    BANDS,
    RATE,
    ROIS,
    SOURCES,
    autocorrelated_noise,
    check_simulation,
    couple,
    mark_volumes,
    standardise,
)

__all__ = ["simulate_bold"]


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
    amplitudes = standardise(np.log(_band_amplitudes(raw)))
    # An artifact must not become the only event of the run.
    amplitudes = standardise(np.clip(amplitudes, -3, 3))
    tables = couple(amplitudes, 0.0, volume_times, rois, snr, drawn, window_seconds)
    return mark_volumes(raw, volume_times, tables)


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
    for band, (place, _) in SOURCES.items():
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
    return standardise(series.T).T
