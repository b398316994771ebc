"""Features and BOLD in the frequency domain, where autocorrelated noise is white.

Stretches of consecutive volumes are taken into the frequency domain by a cosine
transform, in which noise with the spectrum of a first-order autoregression is (nearly)
independent. The zero frequency is left out, since the level of each stretch is free.
Frequencies at which low-pass filtered BOLD has no power are left out, too: they would
suggest that EEG has no effect.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import dct
from scipy.linalg import eigh

__all__ = [
    "Moments",
    "Rows",
    "Spectrum",
    "band_edge",
    "find_stretches",
    "gather",
    "whitening",
]

#: Eigenvalues below this share of the largest hold no information on the weights.
_NOTHING = 1e-9
#: Up to this many degrees of freedom, rows are stored instead of sums.
_MOST_ROWS = 2000


def find_stretches(
    recordings: np.ndarray, volumes: np.ndarray | None = None
) -> list[np.ndarray]:
    """Find windows of consecutive volumes.

    Parameters
    ----------
    recordings : ndarray, shape (n_windows,)
        Label of the recording of each window.
    volumes : ndarray, shape (n_windows,) | None
        Number of the volume of each window. None: windows of a recording are
        consecutive volumes in the order of the rows.

    Returns
    -------
    list of ndarray of int
        Rows of each stretch in the order of time. A gap in the volumes begins a new
        stretch.
    """
    labels = np.unique(recordings, return_inverse=True)[1]
    if volumes is None:
        order = np.argsort(labels, kind="stable")
        steps = np.ones(len(order) - 1)
    else:
        order = np.lexsort((volumes, labels))
        steps = np.diff(np.asarray(volumes)[order])
    breaks = (np.diff(labels[order]) != 0) | (steps != 1)
    return np.split(order, np.flatnonzero(breaks) + 1)


def _frequencies(n_windows: int) -> np.ndarray:
    """Frequencies of the cosine transform without zero, in cycles per volume."""
    return np.arange(1, n_windows) / (2 * n_windows)


def _to_frequencies(rows: np.ndarray) -> np.ndarray:
    return dct(rows, axis=0, norm="ortho")[1:]


def band_edge(
    targets: np.ndarray, stretches: Sequence[np.ndarray], share: float = 1e-3
) -> float:
    """Find the frequency above which BOLD has almost no power.

    Parameters
    ----------
    targets : ndarray, shape (n_windows, n_rois)
        BOLD.
    stretches : sequence of ndarray
        Rows of consecutive volumes.
    share : float, default 1e-3
        Share of the power that may lie above it.

    Returns
    -------
    float
        In cycles per volume, at most 0.5: near the edge of the filter if BOLD was low-pass
        filtered, otherwise near 0.5.
    """
    found = [
        (_frequencies(len(rows)), (_to_frequencies(targets[rows]) ** 2).sum(axis=1))
        for rows in stretches
    ]
    frequency = np.concatenate([each[0] for each in found])
    power = np.concatenate([each[1] for each in found])
    order = np.argsort(frequency, kind="stable")
    below = np.cumsum(power[order])
    if not len(below) or below[-1] <= 0:
        return 0.5
    last = np.searchsorted(below, (1 - share) * below[-1])
    return float(frequency[order][min(last, len(order) - 1)])


def noise_power(cosine: np.ndarray, rho: float) -> np.ndarray:
    """Power of autoregressive noise of unit variance.

    Parameters
    ----------
    cosine : ndarray
        Cosine of the angle per volume at each frequency.
    rho : float
        Autocorrelation of the noise of neighbouring volumes, from 0 to below 1.

    Returns
    -------
    ndarray
        Of the shape of `cosine`.
    """
    return (1 - rho**2) / (1 + rho**2 - 2 * rho * cosine)


def whitening(n_windows: int, rho: float, edge: float = 0.5) -> np.ndarray:
    """Matrix that takes a stretch into the frequency domain and makes its noise white.

    Parameters
    ----------
    n_windows : int
        Consecutive volumes of the stretch.
    rho : float
        Autocorrelation of the noise of neighbouring volumes.
    edge : float, default 0.5
        Highest frequency that is used, in cycles per volume. 0.5: all but zero.

    Returns
    -------
    ndarray, shape (n_frequencies, n_windows)
        Multiplied with the rows of a stretch.
    """
    frequency = _frequencies(n_windows)
    frequency = frequency[frequency <= edge]
    rows = _to_frequencies(np.eye(n_windows))[: len(frequency)]
    power = noise_power(np.cos(2 * np.pi * frequency), rho)
    return rows / np.sqrt(power)[:, None]


@dataclass(frozen=True)
class Spectrum:
    """Features along the directions in which windows differ, and BOLD along these.

    Attributes
    ----------
    values : ndarray, shape (rank,)
        Variance of the signal along each direction, for weights of unit variance; the
        mean over degrees of freedom is 1.
    vectors : ndarray, shape (n_features, rank)
        Directions in the space of features.
    scale : float
        Features were divided by this number, so that this mean is 1.
    projected : ndarray, shape (rank, n_rois)
        BOLD along the directions.
    rest : ndarray, shape (n_rois, n_rois)
        Sums of squares and products of the BOLD that no weights can explain.
    dof : int
        Degrees of freedom.
    log_jacobian : float
        Log determinant of the whitening of noise, for each region.
    """

    values: np.ndarray
    vectors: np.ndarray
    scale: float
    projected: np.ndarray
    rest: np.ndarray
    dof: int
    log_jacobian: float


class _Gathered(ABC):
    """Features and BOLD side by side, at the frequencies of all stretches.

    Attributes
    ----------
    cosine : ndarray, shape (dof,)
        Cosine of the angle per volume at each frequency.
    n_rois : int
        Columns that are regions, the last ones.
    """

    cosine: np.ndarray
    n_rois: int

    @abstractmethod
    def spectrum(self, rho: float) -> Spectrum:
        """Make noise white and decompose the features.

        Parameters
        ----------
        rho : float
            Autocorrelation of the noise of neighbouring volumes, from 0 to below 1.
        """

    def noise_power(self, rho: float) -> np.ndarray:
        """Power of autoregressive noise of unit variance at the frequencies."""
        return noise_power(self.cosine, rho)

    def _spectrum(
        self,
        rho: float,
        values: np.ndarray,
        vectors: np.ndarray,
        projected: np.ndarray,
        total: np.ndarray,
    ) -> Spectrum:
        dof = len(self.cosine)
        scale = np.sqrt(values.sum() / dof) if len(values) else 1.0
        return Spectrum(
            values / scale**2,
            vectors,
            float(scale),
            projected,
            total - projected.T @ projected,
            dof,
            -0.5 * float(np.log(self.noise_power(rho)).sum()),
        )


@dataclass(frozen=True)
class Rows(_Gathered):
    """Features and BOLD of few data, stored row by row.

    Attributes
    ----------
    block : ndarray, shape (dof, n_columns)
        Features, then regions.
    cosine, n_rois
        As said above.
    """

    block: np.ndarray
    cosine: np.ndarray
    n_rois: int

    def through(self, transform: Callable[[np.ndarray], np.ndarray]) -> Rows:
        """Replace the features by linear functions of them.

        Parameters
        ----------
        transform : callable
            From (dof, n_features) to (dof, n_new).

        Returns
        -------
        Rows
            With the new features.
        """
        features, targets = np.split(self.block, [-self.n_rois], axis=1)
        block = np.hstack([transform(features), targets])
        return Rows(block, self.cosine, self.n_rois)

    def spectrum(self, rho: float) -> Spectrum:  # noqa: D102
        white = self.block / np.sqrt(self.noise_power(rho))[:, None]
        features, targets = white[:, : -self.n_rois], white[:, -self.n_rois :]
        total = targets.T @ targets
        if features.shape[1] < len(features):
            squares = features.T @ features
            values, vectors = _decompose(squares)
            projected = vectors.T @ (features.T @ targets) / np.sqrt(values)[:, None]
            return self._spectrum(rho, values, vectors, projected, total)
        values, along = _decompose(features @ features.T)
        vectors = features.T @ along / np.sqrt(values)
        return self._spectrum(rho, values, vectors, along.T @ targets, total)


@dataclass(frozen=True)
class Moments(_Gathered):
    """Features and BOLD of many data, stored as sums over rows.

    Attributes
    ----------
    squares, cosines : ndarray, shape (n_columns, n_columns)
        Products of columns (features, then regions), summed over frequencies; and
        the same weighted with the cosine.
    cosine, n_rois
        As said above.
    """

    squares: np.ndarray
    cosines: np.ndarray
    cosine: np.ndarray
    n_rois: int

    def spectrum(self, rho: float) -> Spectrum:  # noqa: D102
        # One over the power of the noise is a constant and a cosine.
        white = (1 + rho**2) * self.squares - 2 * rho * self.cosines
        white = (white + white.T) / (2 * (1 - rho**2))
        n = len(white) - self.n_rois
        values, vectors = _decompose(white[:n, :n], len(self.cosine))
        projected = vectors.T @ white[:n, n:] / np.sqrt(values)[:, None]
        return self._spectrum(rho, values, vectors, projected, white[n:, n:])


def _decompose(
    squares: np.ndarray, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues and vectors that are not about zero, `most` at most."""
    values, vectors = eigh(squares, check_finite=False)
    kept = values > _NOTHING * max(values[-1], 0)
    if most is not None:
        kept[: max(0, len(values) - most)] = False
    return values[kept], vectors[:, kept]


def gather(
    features: Callable[[np.ndarray], np.ndarray],
    targets: np.ndarray,
    stretches: Sequence[np.ndarray],
    edge: float = 0.5,
) -> Rows | Moments:
    """Transform features and BOLD to the frequency domain; sum them if there are many.

    Parameters
    ----------
    features : callable
        Gives the features of some rows, (n_rows, n_features).
    targets : ndarray, shape (n_windows, n_rois)
        BOLD.
    stretches : sequence of ndarray
        Rows of consecutive volumes, see :func:`find_stretches`.
    edge : float, default 0.5
        Highest frequency that is used, in cycles per volume.

    Returns
    -------
    Rows | Moments
        Rows if they are few, else sums over them.

    Raises
    ------
    ValueError
        If no stretch has two volumes.
    """
    kept = [_frequencies(len(rows)) <= edge for rows in stretches]
    dof = sum(int(each.sum()) for each in kept)
    if not dof:
        raise ValueError(
            f"None of the {len(stretches)} stretches of windows has two consecutive "
            "volumes. Give windows in the order of time, of whole recordings."
        )
    n_rois = targets.shape[1]
    blocks, angles, sums = [], [], None
    for rows, inside in zip(stretches, kept, strict=True):
        if not inside.any():
            continue
        both = (features(rows), targets[rows].astype(np.float32))
        blocks.append(np.hstack([_to_frequencies(each)[inside] for each in both]))
        angles.append(np.cos(2 * np.pi * _frequencies(len(rows))[inside]))
        if dof > _MOST_ROWS:
            block = blocks.pop()
            if sums is None:
                sums = np.zeros((2, block.shape[1], block.shape[1]))
            sums[0] += block.T @ block
            sums[1] += block.T @ (block * angles[-1][:, None].astype(block.dtype))
    cosine = np.concatenate(angles)
    if sums is None:
        return Rows(np.concatenate(blocks).astype(float), cosine, n_rois)
    return Moments(*sums, cosine, n_rois)
