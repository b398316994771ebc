"""From what drives BOLD to tables of BOLD on volume markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import mne
import numpy as np
import pandas as pd
from scipy.signal import fftconvolve, lfilter

from ..._series import is_constant, plain_name
from ...markers.annotations import marker_descriptions, replace_markers
from ...recording import attach_bold
from .kinds import OWN, Coupling, described
from .responses import RATE, kernels_of
from .rhythms import Person, weights_of

#: What volume markers are called.
MARKER = "R128"
#: Time constant of the noise in seconds.
_NOISE_SECONDS = 3.0


class Component(NamedTuple):
    """One phenomenon and how regions respond to it.

    Attributes
    ----------
    stretches : sequence of (start, drivers)
        For each part of the recording between joints, the time of its first sample in
        seconds, and its drivers, an array of shape (n_drivers, n_samples), sampled at
        ``RATE``, of zero mean and unit variance over all parts. What came before a part
        is taken as the mean.
    weights : ndarray, shape (n_rois, n_drivers)
        How strongly each region follows each driver.
    kernels : ndarray, shape (n_rois, n_times)
        Responses, sampled at ``RATE``.
    """

    stretches: Sequence[tuple[float, np.ndarray]]
    weights: np.ndarray
    kernels: np.ndarray


def components_of(
    drivers: Mapping[str, Sequence[tuple[float, np.ndarray]]],
    rois: Sequence[str],
    coupling: Coupling,
    person: Person,
    memory: Mapping[str, float] | None = None,
) -> list[Component]:
    """Put drivers together with the responses of regions to them.

    Parameters
    ----------
    drivers : mapping of str to sequence of (start, drivers)
        Of each phenomenon of the coupling.
    rois : sequence of str
        Regions.
    coupling : Coupling
        The kind of coupling.
    person : Person
        Whose responses.
    memory : mapping of str to float | None
        Time constants in seconds of phenomena that follow their drivers slowly.

    Returns
    -------
    list of Component
    """
    return [
        Component(
            stretches,
            _own_weights(stretches, rois)
            if phenomenon == OWN
            else weights_of(phenomenon, rois, coupling),
            kernels_of(rois, coupling, person, (memory or {}).get(phenomenon, 0.0)),
        )
        for phenomenon, stretches in drivers.items()
    ]


def _own_weights(
    stretches: Sequence[tuple[float, np.ndarray]], rois: Sequence[str]
) -> np.ndarray:
    """All regions follow one driver, or each has its own."""
    n_drivers = len(stretches[0][1])
    if n_drivers == 1:
        return np.ones((len(rois), 1))
    if n_drivers != len(rois):
        raise ValueError(
            f"The coupling gave {n_drivers} series for {len(rois)} regions. Give one for "
            "all of them, or one for each."
        )
    return np.eye(n_drivers)


def couple(
    components: Sequence[Component],
    volume_times: np.ndarray,
    rois: Sequence[str],
    snr: float,
    noise: np.ndarray,
    window_seconds: float,
) -> dict[str, pd.DataFrame]:
    """Turn what drives BOLD into BOLD.

    Parameters
    ----------
    components : sequence of Component
        Phenomena; each has the same share in the variance of the coupled BOLD.
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

    Raises
    ------
    ValueError
        If the drivers of a region do not change.
    """
    full = np.zeros((len(volume_times), len(rois)))
    cut = np.zeros_like(full)
    n_window = round(window_seconds * RATE)
    for component in components:
        whole = _respond(component, volume_times, component.kernels)
        part = _respond(component, volume_times, component.kernels[:, :n_window])
        mean, scale = whole.mean(axis=0), whole.std(axis=0)
        constant = is_constant(whole)
        if constant.any():
            names = ", ".join(np.array(rois)[constant])
            raise ValueError(
                f"What {names} should follow does not change in this EEG. Choose another "
                "coupling, or a longer recording."
            )
        full += (whole - mean) / scale
        cut += (part - mean) / scale
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


def _respond(
    component: Component, volume_times: np.ndarray, kernels: np.ndarray
) -> np.ndarray:
    """Response of each region at each volume."""
    response = np.empty((len(volume_times), len(kernels)))
    starts = [start for start, _ in component.stretches]
    part = np.searchsorted(starts, volume_times + 1e-6, side="right") - 1
    for region, (weights, kernel) in enumerate(
        zip(component.weights, kernels, strict=True)
    ):
        for number, (start, drivers) in enumerate(component.stretches):
            drive = weights @ drivers
            followed = fftconvolve(drive, kernel)[: len(drive)]
            inside = part == number
            times = start + np.arange(len(drive)) / RATE
            response[inside, region] = np.interp(volume_times[inside], times, followed)
    return response


def draw_noise(
    n_volumes: int, n_rois: int, tr: float, coupling: Coupling, rng: np.random.Generator
) -> np.ndarray:
    """Noise of unit variance: autoregressive of first order, with a fixed time constant.

    Parameters
    ----------
    n_volumes, n_rois : int
        Its shape.
    tr : float
        Repetition time in seconds.
    coupling : Coupling
        That of the other simulator has 1/f noise (Zarahn et al. 1997) instead.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (n_volumes, n_rois)
    """
    if coupling.perturbed:
        spectrum = np.fft.rfft(rng.standard_normal((2 * n_volumes, n_rois)), axis=0)
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))[:, None]
        spectrum[0] = 0.0
        return standardise(np.fft.irfft(spectrum, 2 * n_volumes, axis=0)[:n_volumes].T).T
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
    raw: mne.io.BaseRaw,
    volume_times: np.ndarray,
    tables: dict[str, pd.DataFrame],
    coupling: Any,
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
    coupling : str | callable
        Its name or function, which the description of the recording will say.

    Returns
    -------
    mne.io.BaseRaw
        A copy.
    """
    old = marker_descriptions(raw.annotations.description, MARKER)
    raw = replace_markers(raw, list(old), volume_times, MARKER)
    raw = attach_bold(raw, marker=MARKER, **tables)
    raw.info["description"] = described(raw.info["description"], coupling)
    return raw


def standardise(series: np.ndarray) -> np.ndarray:
    """Subtract the mean and divide by the standard deviation, along the last axis."""
    centred = series - series.mean(axis=-1, keepdims=True)
    return centred / centred.std(axis=-1, keepdims=True)
