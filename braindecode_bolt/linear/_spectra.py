"""Power spectra of segments of a signal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft
from scipy.signal import get_window

from ..windows.inputs import Input

__all__ = ["band_weights", "energy", "segment_power"]

#: Size of the segments that are transformed together, in samples of one channel.
_CHUNK = 2**22
#: Number of windows that the mean energy is taken of.
_N_SAMPLED = 100


def band_weights(
    bands: Mapping[str, tuple[float, float]], frequency: np.ndarray, n: int, sfreq: float
) -> tuple[np.ndarray, np.ndarray]:
    """Make what turns the spectrum of a segment into the power of bands.

    Parameters
    ----------
    bands : mapping of str to (float, float)
        In Hz, the upper end not included.
    frequency : ndarray, shape (n_frequencies,)
        Of the spectrum, in Hz.
    n : int
        Samples of a segment.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    taper : ndarray of float32, shape (n,)
        A Hann window.
    weights : ndarray of float32, shape (n_bands, n_frequencies)
        Of the squared spectrum; the result is the mean power spectral density in each
        band, in squared units of the signal per Hz. NaN for bands without a frequency.
    """
    taper = get_window("hann", n)
    scale = 2 / (sfreq * np.sum(taper**2))
    masks = [(low <= frequency) & (frequency < high) for low, high in bands.values()]
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.stack([mask * (scale / mask.sum()) for mask in masks])
    return taper.astype(np.float32), weights.astype(np.float32)


def segment_power(
    signal: np.ndarray, starts: np.ndarray, taper: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Compute the power in bands of segments of a signal.

    Parameters
    ----------
    signal : ndarray, shape (n_chans, n_times)
        The signal.
    starts : ndarray of int, shape (n_segments,)
        First sample of each segment.
    taper, weights : ndarray
        From :func:`band_weights`.

    Returns
    -------
    ndarray of float32, shape (n_chans, n_bands, n_segments)
    """
    n_chans = len(signal)
    power = np.empty((n_chans, len(weights), len(starts)), np.float32)
    size = max(1, _CHUNK // (n_chans * len(taper)))
    for first in range(0, len(starts), size):
        part = slice(first, first + size)
        spectra = rfft(_segments(signal, starts[part], taper))
        squares = spectra.real**2 + spectra.imag**2
        power[..., part] = np.swapaxes(squares @ weights.T, 1, 2)
    return power


def energy(
    source: Input, offsets: np.ndarray, n: int, frequencies: np.ndarray
) -> np.ndarray:
    """Compute the mean energy of segments at some frequencies.

    Parameters
    ----------
    source : Input
        Windows, of which at most 100 are read.
    offsets : ndarray of int
        First sample of each segment in a window.
    n : int
        Samples of a segment.
    frequencies : ndarray of int
        Positions in the spectrum.

    Returns
    -------
    ndarray, shape (len(frequencies),)
    """
    rows = np.unique(np.linspace(0, len(source.data) - 1, _N_SAMPLED, dtype=int))
    taper = get_window("hann", n).astype(np.float32)
    total = np.zeros(len(frequencies))
    for row in rows:
        segments = _segments(np.asarray(source.data[int(row)]), offsets, taper)
        total += (np.abs(rfft(segments)[..., frequencies]) ** 2).mean(axis=(0, 1))
    return total


def _segments(signal: np.ndarray, starts: np.ndarray, taper: np.ndarray) -> np.ndarray:
    """Cut and taper segments, (n_chans, n_segments, n_samples)."""
    segments = sliding_window_view(signal, len(taper), axis=-1)[:, starts]
    segments = segments - segments.mean(axis=-1, keepdims=True, dtype=np.float64)
    return segments.astype(np.float32) * taper
