"""Rhythms of the EEG, where they come from, and which regions follow them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..._series import plain_name
from .kinds import Coupling

#: Rhythms and their frequency bands in Hz.
BANDS = {"theta": (4.0, 7.5), "alpha": (8.0, 12.5), "beta": (15.0, 28.0)}
#: Fast activity whose amplitude is locked to slower rhythms.
GAMMA = (30.0, 45.0)
#: Events that are counted: bursts of theta and alpha, and spindles (sigma).
EVENT_BANDS = {"theta": BANDS["theta"], "alpha": BANDS["alpha"], "beta": (11.0, 16.0)}
#: The slow rhythm and the fast activity that is locked to it, at each place.
PAIRS = {
    "theta": (BANDS["theta"], GAMMA),
    "alpha": (BANDS["alpha"], GAMMA),
    "beta": (BANDS["alpha"], BANDS["beta"]),
}
#: Where the peak of alpha can move.
ALPHA_RANGE = (7.0, 14.0)

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
HEAD_CENTRE = (0.0, 0.0, 0.04)
#: How far sources lie from the centre of the head, in metres.
_DEPTH = 0.065

# The other simulator: edges of bands that no model has, and other places. Written down
# before any model was run on it.
_OTHER_BANDS = {"theta": (2.0, 5.5), "alpha": (9.5, 14.0), "beta": (18.0, 35.0)}
_OTHER_PLACES = {
    "theta": (-0.06, 0.0, 0.06),
    "alpha": (0.04, -0.045, 0.07),
    "beta": (-0.03, 0.05, 0.075),
}


@dataclass(frozen=True)
class Person:
    """What is a person's own.

    Attributes
    ----------
    delay : float
        By how many seconds haemodynamic responses are later than the region's.
    width : float
        By which factor they are wider.
    places : dict of str to ndarray, shape (3,)
        Where each rhythm comes from, in metres.
    alpha_frequency : float
        Peak frequency of alpha in Hz, in generated EEG.
    """

    delay: float
    width: float
    places: dict[str, np.ndarray]
    alpha_frequency: float


def draw_person(rng: np.random.Generator) -> Person:
    """Draw a person.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Person
        Responses are 1 s earlier to 2 s later, and narrower or wider by up to a third:
        times to peak of about 3 to 8 s, the range that Handwerker et al. (2004) found
        between persons. Places are anywhere on the upper half of the head.
    """
    delay = rng.uniform(-1.0, 2.0)
    width = np.exp(rng.uniform(-0.3, 0.3))
    places = {}
    for rhythm in SOURCES:
        height, around = rng.uniform(0.05, 1.0), rng.uniform(0, 2 * np.pi)
        across = np.sqrt(1 - height**2)
        direction = np.array([across * np.cos(around), across * np.sin(around), height])
        places[rhythm] = np.array(HEAD_CENTRE) + _DEPTH * direction
    return Person(delay, width, places, 10.0 + 0.5 * rng.standard_normal())


def bands_of(coupling: Coupling) -> dict[str, tuple[float, float]]:
    """Frequency bands in Hz of the rhythms of a coupling."""
    return _OTHER_BANDS if coupling.perturbed else BANDS


def places_of(coupling: Coupling, person: Person) -> dict[str, np.ndarray]:
    """Where the rhythms of a coupling come from, in metres."""
    if coupling.own_electrodes:
        return person.places
    if coupling.perturbed:
        return {rhythm: np.array(place) for rhythm, place in _OTHER_PLACES.items()}
    return {rhythm: np.array(place) for rhythm, (place, _) in SOURCES.items()}


def weights_of(phenomenon: str, rois: Sequence[str], coupling: Coupling) -> np.ndarray:
    """How strongly regions follow the drivers of a phenomenon.

    Parameters
    ----------
    phenomenon : str
        What drives the BOLD.
    rois : sequence of str
        Regions. A name that is not among ``COUPLING`` gets its own weights, always the
        same for the same name.
    coupling : Coupling
        The kind of coupling.

    Returns
    -------
    ndarray, shape (n_rois, n_drivers)
        Of three drivers, or of a single one, which a region follows with the sign with
        which it follows alpha.
    """
    if coupling.perturbed:
        drawn = [
            named_rng(f"perturbed {plain_name(roi)}").standard_normal(3) for roi in rois
        ]
        weights = np.array([row / np.linalg.norm(row) for row in drawn])
    else:
        weights = np.array([parameters_of(roi)[0] for roi in rois])
    if phenomenon in ("alpha-frequency", "vigilance"):
        return np.where(weights[:, 1:2] < 0, -1.0, 1.0)
    return weights


def parameters_of(roi: str) -> tuple[Sequence[float], Sequence[float]]:
    """Weights of the three rhythms, and departures of the response from Glover's."""
    roi = plain_name(roi)
    if roi in COUPLING:
        return COUPLING[roi]
    rng = named_rng(roi)
    weights = rng.standard_normal(len(BANDS))
    return weights / np.linalg.norm(weights), rng.uniform(-0.3, 0.3, 2)


def named_rng(name: str) -> np.random.Generator:
    """Source of randomness that is always the same for the same name."""
    return np.random.default_rng(zlib.crc32(name.encode()))
