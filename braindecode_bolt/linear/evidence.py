"""Evidence of a linear model of several regions with autocorrelated noise.

The model: in a stretch of consecutive volumes ``y_t = level + W' z_t + e_t``. The
features ``z`` are such that the weights of a region have unit prior variance; weights
have the covariance ``B`` between regions, the noise has ``S`` between regions and,
over time, the spectrum of a first-order autoregression with coefficient ``rho``. The
level of each stretch is free.

Stretches are taken into the frequency domain by a cosine transform, in which such
noise is (nearly) independent. The zero frequency, which holds the level, is left out,
and so are frequencies at which low-pass filtered BOLD has no power: there the model
would otherwise be told that EEG has no effect. Sums over windows are taken once
(:class:`Moments`); trying other priors or another ``rho`` then costs matrices of the
size of the features only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import dct
from scipy.linalg import cholesky, eigh, solve_triangular

__all__ = ["Moments", "Regions", "Spectrum", "band_edge", "find_stretches"]

#: Eigenvalues below this share of the largest say nothing about the weights.
_NOTHING = 1e-9
#: Share of a region's variance that is added to its noise, so that the covariance of
#: regions that are sums of others can be inverted.
_FLOOR = 1e-6
#: EM stops when a step raises the log evidence by less than this for each value.
_SETTLED = 1e-6


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
        consecutive volumes in the order they stand.

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
    share : float
        Share of the power that may lie above. Default 0.001.

    Returns
    -------
    float
        In cycles per volume, at most 0.5: near the edge of the filter where BOLD was
        low-pass filtered, near 0.5 where it was not.
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


@dataclass(frozen=True)
class Moments:
    """Sums over windows that the evidence needs, of features and BOLD side by side.

    Attributes
    ----------
    squares, cosines : ndarray, shape (n_columns, n_columns)
        Products of columns (features, then regions), summed over frequencies; and
        the same weighted with the cosine of the angle per volume.
    cosine : ndarray, shape (n_frequencies,)
        This cosine at all frequencies of all stretches.
    n_rois : int
        Columns that are regions.
    """

    squares: np.ndarray
    cosines: np.ndarray
    cosine: np.ndarray
    n_rois: int

    @classmethod
    def of(
        cls,
        features: Callable[[np.ndarray], np.ndarray],
        targets: np.ndarray,
        stretches: Sequence[np.ndarray],
        edge: float = 0.5,
    ) -> Moments:
        """Sum over windows.

        Parameters
        ----------
        features : callable
            Gives the features of some rows, (n_rows, n_features).
        targets : ndarray, shape (n_windows, n_rois)
            BOLD.
        stretches : sequence of ndarray
            Rows of consecutive volumes, see :func:`find_stretches`.
        edge : float
            Highest frequency that is looked at, in cycles per volume.

        Returns
        -------
        Moments

        Raises
        ------
        ValueError
            If no stretch has two volumes.
        """
        squares = cosines = 0.0
        angles = []
        for rows in stretches:
            kept = _frequencies(len(rows)) <= edge
            if not kept.any():
                continue
            both = (features(rows), targets[rows].astype(np.float32))
            block = np.hstack([_to_frequencies(columns)[kept] for columns in both])
            cosine = np.cos(2 * np.pi * _frequencies(len(rows))[kept])
            squares = squares + (block.T @ block).astype(float)
            weighted = block * cosine[:, None].astype(block.dtype)
            cosines = cosines + (block.T @ weighted).astype(float)
            angles.append(cosine)
        if not angles:
            raise ValueError(
                f"None of the {len(stretches)} stretches of windows has two consecutive "
                "volumes. Give windows in the order of time."
            )
        return cls(squares, cosines, np.concatenate(angles), targets.shape[1])

    def through(self, transform: Callable[[np.ndarray], np.ndarray]) -> Moments:
        """Replace the features by linear functions of them.

        Parameters
        ----------
        transform : callable
            From (n, n_features) to (n, n_new).

        Returns
        -------
        Moments
        """

        def moved(rows: np.ndarray) -> np.ndarray:
            n = self.n_rois
            return np.hstack([transform(rows[:, :-n]), rows[:, -n:]])

        squares, cosines = (moved(moved(m).T) for m in (self.squares, self.cosines))
        return replace(self, squares=squares, cosines=cosines)

    def noise_spectrum(self, rho: float) -> np.ndarray:
        """Power of autoregressive noise of unit variance at the frequencies."""
        return (1 - rho**2) / (1 + rho**2 - 2 * rho * self.cosine)


@dataclass(frozen=True)
class Spectrum:
    """Features in the directions in which windows differ, and BOLD along them.

    Attributes
    ----------
    values : ndarray, shape (rank,)
        Variance of the signal along each direction, for weights of unit variance; the
        mean over degrees of freedom is 1.
    vectors : ndarray, shape (n_features, rank)
        Directions in the space of features.
    scale : float
        What features were divided by so that it is 1.
    projected : ndarray, shape (rank, n_rois)
        BOLD along them.
    rest : ndarray, shape (n_rois, n_rois)
        Squares of the BOLD that no weights can explain.
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

    @classmethod
    def of(cls, moments: Moments, rho: float) -> Spectrum:
        """Make noise white and decompose the features.

        Parameters
        ----------
        moments : Moments
            Of features of unit prior.
        rho : float
            Autocorrelation of the noise of neighbouring volumes, from 0 to below 1.

        Returns
        -------
        Spectrum
        """
        white = (1 + rho**2) * moments.squares - 2 * rho * moments.cosines
        white = (white + white.T) / (2 * (1 - rho**2))
        log_jacobian = -0.5 * np.log(moments.noise_spectrum(rho)).sum()
        n, dof = len(white) - moments.n_rois, len(moments.cosine)
        values, vectors = eigh(white[:n, :n], check_finite=False)
        kept = values > _NOTHING * max(values[-1], 0)
        kept[: max(0, n - dof)] = False  # More features than data.
        values, vectors = values[kept], vectors[:, kept]
        projected = vectors.T @ white[:n, n:] / np.sqrt(values)[:, None]
        rest = white[n:, n:] - projected.T @ projected
        scale = np.sqrt(values.sum() / dof) if len(values) else 1.0
        return cls(
            values / scale**2,
            vectors,
            float(scale),
            projected,
            rest,
            dof,
            float(log_jacobian),
        )


@dataclass(frozen=True)
class Regions:
    """Covariance between regions of the weights and of the noise.

    Attributes
    ----------
    signal, noise : ndarray, shape (n_rois, n_rois)
        ``B`` (for the scaled features of a Spectrum) and ``S``.
    """

    signal: np.ndarray
    noise: np.ndarray

    @classmethod
    def start(cls, spectrum: Spectrum, share: float = 0.3) -> Regions:
        """Give a share of the BOLD's covariance to the signal, the rest to noise."""
        total = spectrum.rest + spectrum.projected.T @ spectrum.projected
        total = _with_floor(total / spectrum.dof)
        return cls(share * total, (1 - share) * total)

    def diagonal(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find combinations of regions whose signals and noises are independent.

        Returns
        -------
        ratio : ndarray, shape (n_rois,)
            Variance of the weights of each combination, its noise having variance 1.
        combine, back : ndarray, shape (n_rois, n_rois)
            ``y @ combine`` are the combinations, ``combine @ back`` is the identity.
        """
        lower = cholesky(self.noise, lower=True)
        half = solve_triangular(lower, self.signal, lower=True)
        ratio, turned = eigh(solve_triangular(lower, half.T, lower=True))
        combine = solve_triangular(lower, turned, lower=True, trans="T")
        return np.maximum(ratio, 0.0), combine, turned.T @ lower.T

    def step(self, spectrum: Spectrum) -> tuple[Regions, float]:
        """Go one step of expectation maximisation.

        In the combinations of :meth:`diagonal` all matrices of the E step are
        diagonal, so that a step costs no more for many regions than products of
        matrices.

        Parameters
        ----------
        spectrum : Spectrum
            The data.

        Returns
        -------
        regions : Regions
            Covariances of a higher evidence.
        evidence : float
            Log evidence of the covariances *before* the step.
        """
        ratio, combine, back = self.diagonal()
        y = spectrum.projected @ combine
        rest = combine.T @ spectrum.rest @ combine
        total = 1 + spectrum.values[:, None] * ratio
        evidence = -0.5 * (np.log(total).sum() + (y**2 / total).sum() + np.trace(rest))
        evidence += spectrum.dof * np.linalg.slogdet(combine)[1]
        evidence -= 0.5 * spectrum.dof * len(ratio) * np.log(2 * np.pi)
        evidence += len(ratio) * spectrum.log_jacobian
        shrunk = 1 - 1 / total
        noise = rest + (y / total).T @ (y / total) + np.diag(shrunk.sum(axis=0))
        noise = _with_floor(back.T @ noise @ back / spectrum.dof)
        weights = ratio * np.sqrt(spectrum.values)[:, None] / total * y
        signal = weights.T @ weights + np.diag((ratio / total).sum(axis=0))
        signal = back.T @ signal @ back / max(len(y), 1)
        return Regions((signal + signal.T) / 2, noise), float(evidence)

    def learn(self, spectrum: Spectrum, n_steps: int) -> tuple[Regions, float]:
        """Go some steps, or until the evidence rises no more.

        Parameters
        ----------
        spectrum : Spectrum
            The data.
        n_steps : int
            Steps at most.

        Returns
        -------
        regions : Regions
            The covariances.
        evidence : float
            Their log evidence.
        """
        regions, before = self, -np.inf
        for _ in range(n_steps):
            following, evidence = regions.step(spectrum)
            if evidence - before < _SETTLED * spectrum.projected.shape[1] * spectrum.dof:
                return regions, evidence
            regions, before = following, evidence
        return regions, regions.step(spectrum)[1]

    def weights(self, spectrum: Spectrum) -> np.ndarray:
        """Posterior mean of the weights, shape (n_features, n_rois)."""
        ratio, combine, back = self.diagonal()
        total = 1 + spectrum.values[:, None] * ratio
        along = np.sqrt(spectrum.values)[:, None] * ratio / total
        along = along * (spectrum.projected @ combine)
        return spectrum.vectors @ along @ back / spectrum.scale


def _with_floor(covariance: np.ndarray) -> np.ndarray:
    covariance = (covariance + covariance.T) / 2
    return covariance + _FLOOR * np.diag(np.diag(covariance))
