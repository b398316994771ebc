"""From amplitudes of EEG rhythms to BOLD: the coupling that simulations use."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import mne
import numpy as np
import pandas as pd
from nilearn.glm.first_level import (
    glover_dispersion_derivative,
    glover_hrf,
    glover_time_derivative,
)
from scipy.signal import fftconvolve, lfilter

from .._series import plain_name
from ..markers.annotations import marker_descriptions, replace_markers
from ..recording import attach_bold

#: Rhythms and their frequency bands in Hz.
BANDS = {"theta": (4.0, 7.5), "alpha": (8.0, 12.5), "beta": (15.0, 28.0)}

#: How strongly each region follows each rhythm (theta, alpha, beta), and how
#: its haemodynamic response departs from Glover's (delay, dispersion).
#: Thalamus up and occipital cortex down with alpha is what simultaneous
#: recordings show; the rest only makes the regions differ.
COUPLING = {
    "Cuneus": ((0.0, -1.0, 0.3), (0.2, 0.0)),
    "Heschl's gyrus": ((0.5, -0.6, -0.6), (-0.3, 0.1)),
    "Middle frontal gyrus anterior": ((0.9, 0.0, -0.4), (0.4, -0.1)),
    "Precuneus anterior": ((-0.5, -0.8, 0.3), (0.0, 0.2)),
    "Putamen": ((0.3, 0.3, -0.9), (-0.2, -0.1)),
    "Thalamus": ((0.3, 0.9, 0.3), (-0.4, 0.0)),
    "global signal clean": ((-0.4, -0.9, 0.2), (0.1, 0.1)),
}
ROIS = tuple(COUPLING)

# Where each rhythm comes from: a dipole in the head (metres, MNE's head frame,
# radial), and its largest amplitude on the scalp in volts.
SOURCES = {
    "theta": ((0.0, 0.055, 0.075), 7e-6),
    "alpha": ((0.0, -0.065, 0.055), 12e-6),
    "beta": ((0.035, 0.0, 0.085), 6e-6),
}

#: What volume markers are called.
MARKER = "R128"
#: Rate in Hz at which amplitudes are described and convolved.
RATE = 10.0
#: Length of the haemodynamic response in seconds.
HRF_SECONDS = 32.0
#: Time constant of the noise in seconds.
_NOISE_SECONDS = 3.0


def hrf_kernel(roi: str) -> np.ndarray:
    """Haemodynamic response of a region, sampled at ``RATE``.

    Parameters
    ----------
    roi : str
        Region. A name that is not among ``COUPLING`` gets its own shape,
        always the same for the same name.

    Returns
    -------
    ndarray, shape (320,)
        Unit sum.
    """
    delay, dispersion = _parameters(roi)[1]
    shape = {"t_r": 1 / RATE, "oversampling": 1, "time_length": HRF_SECONDS}
    kernel = (
        glover_hrf(**shape)
        + delay * glover_time_derivative(**shape)
        + dispersion * glover_dispersion_derivative(**shape)
    )
    return kernel / kernel.sum()


def _parameters(roi: str) -> tuple[Sequence[float], Sequence[float]]:
    roi = plain_name(roi)
    if roi in COUPLING:
        return COUPLING[roi]
    rng = np.random.default_rng(zlib.crc32(roi.encode()))
    weights = rng.standard_normal(len(BANDS))
    return weights / np.linalg.norm(weights), rng.uniform(-0.3, 0.3, 2)


def couple(
    stretches: Sequence[tuple[float, np.ndarray]],
    volume_times: np.ndarray,
    rois: Sequence[str],
    snr: float,
    noise: np.ndarray,
    window_seconds: float,
) -> dict[str, pd.DataFrame]:
    """Turn rhythm amplitudes into BOLD.

    Parameters
    ----------
    stretches : sequence of (start, amplitudes)
        For each part of the recording between joints, the time of its first sample in
        seconds, and the amplitude of each rhythm, an array of shape (n_bands,
        n_samples), sampled at ``RATE``, of zero mean and unit variance over all parts.
        What came before a part is taken as the mean.
    volume_times : ndarray, shape (n_volumes,)
        Time of each volume in seconds.
    rois : sequence of str
        Regions.
    snr : float
        Variance of the coupled BOLD over that of the noise.
    noise : ndarray, shape (n_volumes, n_rois)
        Noise of unit variance.
    window_seconds : float
        How far back the truncated response reaches.

    Returns
    -------
    dict of str to pandas.DataFrame, shape (n_volumes, n_rois)
        ``bold`` (unit variance on average), ``noiseless`` and
        ``noiseless_window`` in the same units.
    """
    full = np.empty((len(volume_times), len(rois)))
    cut = np.empty_like(full)
    n_window = round(window_seconds * RATE)
    starts = [start for start, _ in stretches]
    part = np.searchsorted(starts, volume_times + 1e-6, side="right") - 1
    for column, roi in enumerate(rois):
        kernel, weights = hrf_kernel(roi), np.asarray(_parameters(roi)[0])
        for target, response in ((full, kernel), (cut, kernel[:n_window])):
            for number, (start, amplitudes) in enumerate(stretches):
                drive = weights @ amplitudes
                followed = fftconvolve(drive, response)[: len(drive)]
                inside = part == number
                times = start + np.arange(len(drive)) / RATE
                target[inside, column] = np.interp(volume_times[inside], times, followed)
    mean, scale = full.mean(axis=0), full.std(axis=0)
    share = 1.0 if np.isinf(snr) else snr / (1 + snr)
    signal = np.sqrt(share) * (full - mean) / scale
    tables = {
        "bold": signal + np.sqrt(1 - share) * noise,
        "noiseless": signal,
        # Without a coupling there is still a ceiling, of about zero.
        "noiseless_window": np.sqrt(share) * (cut - mean) / scale,
    }
    if share == 0:
        tables["noiseless"] = (full - mean) / scale
        tables["noiseless_window"] = (cut - mean) / scale
    index = pd.RangeIndex(len(volume_times), name="volume")
    return {k: pd.DataFrame(v, index, list(rois)) for k, v in tables.items()}


def autocorrelated_noise(
    n_volumes: int, n_rois: int, tr: float, rng: np.random.Generator
) -> np.ndarray:
    """First-order autoregressive noise of unit variance and a fixed time constant.

    Parameters
    ----------
    n_volumes, n_rois : int
        Its shape.
    tr : float
        Repetition time in seconds.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (n_volumes, n_rois)
    """
    memory = np.exp(-tr / _NOISE_SECONDS)
    burn_in = int(10 * _NOISE_SECONDS / tr) + 1
    white = rng.standard_normal((n_volumes + burn_in, n_rois))
    noise = lfilter([np.sqrt(1 - memory**2)], [1, -memory], white, axis=0)
    return noise[burn_in:]


def check_simulation(rois: Sequence[str], tr: float, snr: float) -> None:
    """Raise if a simulation cannot be made with these arguments.

    Parameters
    ----------
    rois : sequence of str
        Regions.
    tr : float
        Repetition time in seconds.
    snr : float
        Variance ratio of signal and noise.

    Raises
    ------
    ValueError
        If there are no regions or two of one name, or a number is out of range.
    """
    if not rois or len(set(map(plain_name, rois))) != len(rois):
        raise ValueError(f"rois must be different region names, got {list(rois)}.")
    if not tr > 0:
        raise ValueError(f"tr must be positive, got {tr}.")
    if not snr >= 0:
        raise ValueError(f"snr must be zero or more, got {snr}.")


def mark_volumes(
    raw: mne.io.BaseRaw, volume_times: np.ndarray, tables: dict[str, pd.DataFrame]
) -> mne.io.BaseRaw:
    """Replace the volume markers of a recording by ones that carry simulated BOLD.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG. It is not changed.
    volume_times : ndarray, shape (n_volumes,)
        Seconds from the first sample.
    tables : dict of str to pandas.DataFrame
        What :func:`couple` gives.

    Returns
    -------
    mne.io.BaseRaw
        A copy.
    """
    old = marker_descriptions(raw.annotations.description, MARKER)
    raw = replace_markers(raw, list(old), volume_times, MARKER)
    return attach_bold(raw, marker=MARKER, **tables)


def standardise(series: np.ndarray) -> np.ndarray:
    """Subtract the mean and divide by the standard deviation, along the last axis."""
    centred = series - series.mean(axis=-1, keepdims=True)
    return centred / centred.std(axis=-1, keepdims=True)
