"""Bases in which weights are independent, and the search for the best by evidence."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from .evidence import Regions
from .moments import Rows, Spectrum, gather
from .priors import (
    electrode_covariance,
    frequency_covariance,
    lag_covariance,
    square_root,
)

__all__ = ["CHOICES", "Basis", "Priors"]

logger = logging.getLogger(__name__)

#: Values that the evidence chooses from; the search begins at those below.
CHOICES: dict[str, tuple[float, ...]] = {
    "electrode_length": (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0),
    "frequency_length": (0.25, 0.35, 0.5, 0.7, 1.0, 1.4),
    "lag_length": (0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0),
    "lag_peak": (3.0, 4.0, 5.0, 6.0, 8.0, np.inf),
    "rho": tuple(k / 20 for k in range(20)),
}
_BEGIN = {
    "electrode_length": 0.5,
    "frequency_length": 0.35,
    "lag_length": 3.0,
    "lag_peak": 5.0,
    "rho": 0.5,
}
#: Products of eigenvalues of the three priors below this share are left out, and so
#: are those beyond this number.
_TOLERANCE, _MOST = 0.01, 800
#: Largest number of windows for the search over priors, in evenly spread stretches.
_N_SEARCHED = 2000
#: Largest number of features that represent all priors of the search.
_MOST_SEARCHED = 3000
#: Steps of EM before the search, and for each candidate.
_STEPS = (50, 10)


class Basis:
    """Features whose weights are independent and of unit variance under a prior.

    Parameters
    ----------
    covariances : sequence of ndarray
        Prior over electrodes, over features, and over lags.
    """

    def __init__(self, covariances: Sequence[np.ndarray]):
        self.roots = [square_root(c, _TOLERANCE) for c in covariances]
        sizes = [(root**2).sum(axis=0) for root in self.roots]
        share = np.einsum("i,j,k->ijk", *sizes).ravel()
        order = np.argsort(-share, kind="stable")[:_MOST]
        self.kept = np.sort(order[share[order] >= _TOLERANCE * share.max()])

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """From (n, n_electrodes, n_features, n_lags) to (n, size)."""
        return _along_axes(X, self.roots)[:, self.kept]

    def within(self, spaces: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Compute the same for features in other bases of the three axes, (n, size)."""
        shape = [space.shape[1] for space in spaces]
        roots = [s.T @ root for s, root in zip(spaces, self.roots, strict=True)]
        return _along_axes(rows.reshape(len(rows), *shape), roots)[:, self.kept]

    def back(self, weights: np.ndarray) -> np.ndarray:
        """From (size, n_rois) to weights of the features, regions first."""
        shape = [root.shape[1] for root in self.roots]
        whole = np.zeros((math.prod(shape), weights.shape[1]))
        whole[self.kept] = weights
        whole = whole.T.reshape(-1, *shape)
        return np.einsum("rijk,ei,fj,lk->refl", whole, *self.roots, optimize=True)


def _along_axes(X: np.ndarray, roots: Sequence[np.ndarray]) -> np.ndarray:
    """Multiply each axis of the features by a matrix, one after the other."""
    electrodes, frequencies, lags = (root.astype(X.dtype) for root in roots)
    Z = np.moveaxis(X @ lags, 2, 3) @ frequencies
    Z = np.moveaxis(Z, 1, 3) @ electrodes  # (n, lags, frequencies, electrodes)
    return np.transpose(Z, (0, 3, 2, 1)).reshape(len(X), -1)


class Priors:
    """Priors of the weights of features with given axes.

    Parameters
    ----------
    shape : (int, int, int)
        Number of electrodes, of features and of lags.
    positions, frequencies, lags : ndarray | None
        As in :class:`SmoothReadout`.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        positions: np.ndarray | None,
        frequencies: np.ndarray | None,
        lags: np.ndarray | None,
    ):
        self.shape = shape
        #: Function, coordinates and names of the arguments of each axis.
        self.axes = (
            (electrode_covariance, positions, ("electrode_length",)),
            (frequency_covariance, frequencies, ("frequency_length",)),
            (lag_covariance, lags, ("lag_length", "lag_peak")),
        )

    def names(self, axis: int) -> tuple[str, ...]:
        """Arguments of the prior over an axis that have an effect."""
        _, coordinates, names = self.axes[axis]
        if coordinates is None:
            return ()
        rows = coordinates.reshape(len(coordinates), -1)
        return names if np.isfinite(rows).all(axis=1).sum() > 1 else ()

    def covariance(self, axis: int, values: Mapping[str, float]) -> np.ndarray:
        """Prior covariance over an axis."""
        make, coordinates, _ = self.axes[axis]
        names = self.names(axis)
        if not names:
            return np.eye(self.shape[axis])
        return make(coordinates, *(values[name] for name in names))

    def basis(self, values: Mapping[str, float]) -> Basis:
        """Give the basis of the prior of some lengths."""
        return Basis([self.covariance(axis, values) for axis in range(3)])

    def choose(
        self,
        X: np.ndarray,
        y: np.ndarray,
        stretches: Sequence[np.ndarray],
        edge: float,
        given: Mapping[str, float | None],
    ) -> dict[str, float]:
        """Choose the arguments that are not given, so that the evidence is largest.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_electrodes, n_features, n_lags)
            Features.
        y : ndarray, shape (n_windows, n_rois)
            BOLD of zero mean and unit variance.
        stretches, edge
            As in :func:`~braindecode_bolt.linear.moments.gather`.
        given : mapping of str to float | None
            The arguments; None for those to be chosen.

        Returns
        -------
        dict of str to float
            All arguments: those given, and those chosen.
        """
        values = {
            name: _BEGIN[name] if value is None else float(value)
            for name, value in given.items()
        }
        needed = [*(name for axis in range(3) for name in self.names(axis)), "rho"]
        free = [name for name in needed if given[name] is None]
        if not free:
            return values
        spaces = self._spaces(values, free)
        gathered = gather(
            lambda rows: _along_axes(X[rows], spaces), y, _part(stretches), edge
        )
        return _Climb(self, spaces, gathered).to_the_top(values, free)

    def _spaces(self, values: dict[str, float], free: list[str]) -> list[np.ndarray]:
        """For each axis, orthonormal vectors that make up all priors to choose from."""
        roots = []
        for axis in range(3):
            names = self.names(axis)
            lists = [CHOICES[n] if n in free else (values[n],) for n in names]
            tried = (dict(zip(names, each, strict=True)) for each in product(*lists))
            found = [self.covariance(axis, each) for each in tried]
            roots.append(np.hstack([square_root(c / np.trace(c), 1e-3) for c in found]))
        decomposed = [np.linalg.svd(root, full_matrices=False)[:2] for root in roots]
        tolerance = 0.02
        while True:
            spaces = [v[:, sizes > tolerance * sizes[0]] for v, sizes in decomposed]
            if math.prod(s.shape[1] for s in spaces) <= _MOST_SEARCHED:
                return spaces
            tolerance *= 1.5


class _Climb:
    """Increase the evidence by neighbouring values, one argument after the other."""

    def __init__(self, priors: Priors, spaces: list[np.ndarray], whole: Rows):
        self.priors, self.spaces, self.whole = priors, spaces, whole
        self.spectra: dict[tuple[float, ...], Spectrum] = {}
        self._made: tuple[dict[str, float], Rows] | None = None

    def spectrum(self, values: dict[str, float]) -> Spectrum:
        key = tuple(values.values())
        if key not in self.spectra:
            prior = {name: value for name, value in values.items() if name != "rho"}
            if self._made is None or self._made[0] != prior:
                basis = self.priors.basis(values)
                made = self.whole.through(partial(basis.within, self.spaces))
                self._made = (prior, made)
            found = self._made[1].spectrum(values["rho"])
            # The directions are large and of no use to the evidence.
            self.spectra[key] = replace(found, vectors=found.vectors[:0])
        return self.spectra[key]

    def to_the_top(self, values: dict[str, float], free: list[str]) -> dict[str, float]:
        spectrum = self.spectrum(values)
        regions, _ = Regions.start(spectrum).learn(spectrum, _STEPS[0])
        moved = True
        while moved:
            moved = False
            for name, direction in product(free, (1, -1)):
                while tried := _neighbour(values, name, direction):
                    there = regions.learn(self.spectrum(tried), _STEPS[1])
                    here = regions.learn(self.spectrum(values), _STEPS[1])
                    if there[1] <= here[1]:
                        break
                    values, regions, moved = tried, there[0], True
        logger.debug("Chosen by evidence among %d priors: %s", len(self.spectra), values)
        return values


def _neighbour(
    values: dict[str, float], name: str, direction: int
) -> dict[str, float] | None:
    place = CHOICES[name].index(values[name]) + direction
    if not 0 <= place < len(CHOICES[name]):
        return None
    return {**values, name: CHOICES[name][place]}


def _part(stretches: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Choose stretches from all parts of the data until there are enough windows."""
    if sum(map(len, stretches)) <= _N_SEARCHED:
        return list(stretches)
    left, taken = _N_SEARCHED, []
    for number in np.random.default_rng(0).permutation(len(stretches)):
        taken.append(stretches[number][:left])
        left -= len(taken[-1])
        if not left:
            break
    return taken
