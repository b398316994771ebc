"""Haemodynamic responses of regions and persons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nilearn.glm.first_level import (
    glover_dispersion_derivative,
    glover_hrf,
    glover_time_derivative,
)

from ..._series import plain_name
from .kinds import Coupling
from .rhythms import Person, named_rng, parameters_of

#: Rate in Hz at which drivers are described and convolved.
RATE = 10.0
#: Length of the haemodynamic response in seconds.
HRF_SECONDS = 32.0
#: Time constant in seconds with which vigilance follows the EEG.
VIGILANCE_SECONDS = 15.0


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
    delay, dispersion = parameters_of(roi)[1]
    shape = {"t_r": 1 / RATE, "oversampling": 1, "time_length": HRF_SECONDS}
    kernel = (
        glover_hrf(**shape)
        + delay * glover_time_derivative(**shape)
        + dispersion * glover_dispersion_derivative(**shape)
    )
    return kernel / kernel.sum()


def kernels_of(
    rois: Sequence[str], coupling: Coupling, person: Person, memory: float = 0.0
) -> np.ndarray:
    """Responses of regions to the drivers of a coupling, sampled at ``RATE``.

    Parameters
    ----------
    rois : sequence of str
        Regions.
    coupling : Coupling
        The kind of coupling.
    person : Person
        Whose responses, if they are a person's own.
    memory : float
        Time constant in seconds with which the state that the region responds to
        follows the driver. Default 0.

    Returns
    -------
    ndarray, shape (n_rois, n_times)
        Of unit sum, apart from what a person's own leaves out.
    """
    kernels = np.stack(
        [_gamma_kernel(roi) if coupling.perturbed else hrf_kernel(roi) for roi in rois]
    )
    if coupling.own_responses:
        times = np.arange(kernels.shape[1]) / RATE
        own = (times - person.delay) / person.width
        kernels = np.stack([np.interp(own, times, kernel, 0.0, 0.0) for kernel in kernels])
        kernels /= person.width
    if memory:
        decay = np.exp(-np.arange(round(5 * memory * RATE)) / (memory * RATE))
        decay /= decay.sum()
        kernels = np.stack([np.convolve(kernel, decay) for kernel in kernels])
    return kernels


def _gamma_kernel(roi: str) -> np.ndarray:
    """Make a gamma function without undershoot (Boynton et al. 1996)."""
    rng = named_rng(f"perturbed response {plain_name(roi)}")
    pause, scale = rng.uniform(1.0, 3.0), rng.uniform(0.9, 1.8)
    times = np.maximum(np.arange(round(HRF_SECONDS * RATE)) / RATE - pause, 0.0)
    kernel = times**2 * np.exp(-times / scale)
    return kernel / kernel.sum()
