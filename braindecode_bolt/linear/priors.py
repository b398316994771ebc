"""Prior covariances of weights that change smoothly over electrodes, bands and lags."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import mne
import numpy as np
from scipy.linalg import eigh

from ..eeg.channels import normalize_channel_name

__all__ = [
    "electrode_covariance",
    "electrode_positions",
    "frequency_covariance",
    "lag_covariance",
    "square_root",
]

#: The envelope over lags never falls below this share of its peak.
_LEAST_ENVELOPE = 1e-3


def electrode_positions(ch_names: Sequence[str]) -> np.ndarray:
    """Look electrodes up in MNE's template montage and put them on the unit sphere.

    Parameters
    ----------
    ch_names : sequence of str
        Names of the electrodes, in any usual spelling.

    Returns
    -------
    ndarray, shape (n_electrodes, 3)
        Directions from the centre of the head, of length 1, in MNE's head coordinates
        (right, front, up); NaN for names that the 10-05 system does not have.

    Examples
    --------
    >>> from braindecode_bolt.linear import electrode_positions
    >>> electrode_positions(["T8", "EEG O1-Ref", "E17"]).round(1)[:, 0]
    array([ 1. , -0.3,  nan])
    """
    known = _template()
    unknown = np.full(3, np.nan)
    return np.array(
        [known.get(normalize_channel_name(name), unknown) for name in ch_names]
    ).reshape(-1, 3)


@cache
def _template() -> dict[str, np.ndarray]:
    montage = mne.channels.make_standard_montage("colin27_1005")
    named = montage.get_positions()["ch_pos"]
    places = np.array(list(named.values()))
    # The sphere |p - c|^2 = r^2 that fits best: linear in c and r^2 - |c|^2.
    design = np.column_stack([2 * places, np.ones(len(places))])
    centre = np.linalg.lstsq(design, (places**2).sum(axis=1))[0][:3]
    places = places - centre
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    return dict(zip(named, places, strict=True))


def electrode_covariance(positions: np.ndarray, length: float) -> np.ndarray:
    """Covariance of weights over electrodes, ``exp(-d^2 / (2 length^2))``.

    Parameters
    ----------
    positions : ndarray, shape (n_electrodes, 3)
        Positions on the unit sphere. An electrode with NaN is independent of all
        others.
    length : float
        Length scale on the unit sphere; 0.5 is about the distance of neighbours in
        the 10-20 system.

    Returns
    -------
    ndarray, shape (n_electrodes, n_electrodes)
        Its diagonal is 1.
    """
    known = np.isfinite(positions).all(axis=1)
    placed = np.where(known[:, None], positions, 0.0)
    squared = ((placed[:, None] - placed[None]) ** 2).sum(axis=-1)
    covariance = np.exp(-squared / (2 * length**2))
    return np.where(known[:, None] & known[None], covariance, np.eye(len(known)))


def frequency_covariance(frequencies: np.ndarray, length: float) -> np.ndarray:
    """Covariance of weights over bands, ``exp(-d^2 / (2 length^2))``.

    Parameters
    ----------
    frequencies : ndarray, shape (n_bands,)
        Centre of each band in Hz. A band with NaN is independent of all others.
    length : float
        Length scale in octaves. 0: bands are independent.

    Returns
    -------
    ndarray, shape (n_bands, n_bands)
        Its diagonal is 1.
    """
    known = np.isfinite(frequencies)
    if length == 0:
        return np.eye(len(known))
    octaves = np.log2(np.where(known, frequencies, 1.0))
    distance = octaves[:, None] - octaves[None]
    covariance = np.exp(-(distance**2) / (2 * length**2))
    return np.where(known[:, None] & known[None], covariance, np.eye(len(known)))


def lag_covariance(lags: np.ndarray, length: float, peak: float = np.inf) -> np.ndarray:
    """Covariance of weights over lags, smooth and large where a response is large.

    ``a(s) a(t) exp(-(s - t)^2 / (2 length^2))`` with the envelope
    ``a(t) = (t / peak)^2 exp(2 (1 - t / peak))``, which has the form of a
    haemodynamic response without undershoot.

    Parameters
    ----------
    lags : ndarray, shape (n_lags,)
        Seconds before the volume.
    length : float
        Length scale in seconds.
    peak : float, default inf
        Lag at which the envelope is largest, in seconds. Infinity: the
        same at all lags.

    Returns
    -------
    ndarray, shape (n_lags, n_lags)
        Its diagonal is the square of the envelope.
    """
    distance = lags[:, None] - lags[None]
    covariance = np.exp(-(distance**2) / (2 * length**2))
    if np.isfinite(peak):
        ratio = np.maximum(lags, 0.0) / peak
        envelope = np.maximum(ratio**2 * np.exp(2 * (1 - ratio)), _LEAST_ENVELOPE)
        covariance = covariance * envelope[:, None] * envelope[None]
    return covariance


def square_root(covariance: np.ndarray, tolerance: float = 0.01) -> np.ndarray:
    """Square root of a covariance over its leading eigenvectors.

    Parameters
    ----------
    covariance : ndarray, shape (n, n)
        Symmetric, not negative.
    tolerance : float, default 0.01
        Eigenvectors below this share of the largest eigenvalue are left out.

    Returns
    -------
    ndarray, shape (n, rank)
        ``root @ root.T`` is about the covariance; largest eigenvalue first.
    """
    values, vectors = eigh(covariance)
    kept = np.flatnonzero(values > tolerance * values[-1])[::-1]
    return vectors[:, kept] * np.sqrt(values[kept])
