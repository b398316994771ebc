"""Evidence of a linear model of several regions with autocorrelated noise.

The model: in a stretch of consecutive volumes ``y_t = level + W' z_t + e_t``. The
features ``z`` are such that the weights of a region have unit prior variance; weights
have the covariance ``B`` between regions, the noise has ``S`` between regions and,
over time, the spectrum of a first-order autoregression
(:mod:`braindecode_bolt.linear.moments`). The evidence is the likelihood of the BOLD
with the weights integrated out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular

from .moments import Spectrum

__all__ = ["Regions"]

#: Share of a region's variance that is added to its noise, so that the covariance of
#: regions that are sums of others can be inverted.
_FLOOR = 1e-6
#: EM stops when a step raises the log evidence by less than this for each value.
_SETTLED = 1e-6


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
        """Assign a share of the BOLD's covariance to the signal, the rest to noise."""
        total = spectrum.rest + spectrum.projected.T @ spectrum.projected
        total = _with_floor(total / spectrum.dof, spectrum)
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
        """Do one step of expectation maximisation.

        In the combinations of :meth:`diagonal` all matrices of the E step are
        diagonal, so that for many regions a step needs only products of matrices.

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
        noise = _with_floor(back.T @ noise @ back / spectrum.dof, spectrum)
        weights = ratio * np.sqrt(spectrum.values)[:, None] / total * y
        signal = weights.T @ weights + np.diag((ratio / total).sum(axis=0))
        signal = back.T @ signal @ back / max(len(y), 1)
        return Regions((signal + signal.T) / 2, noise), float(evidence)

    def learn(self, spectrum: Spectrum, n_steps: int) -> tuple[Regions, float]:
        """Do several steps, until the evidence stops increasing.

        Parameters
        ----------
        spectrum : Spectrum
            The data.
        n_steps : int
            Largest number of steps.

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


def _with_floor(covariance: np.ndarray, spectrum: Spectrum) -> np.ndarray:
    """Add a small share of the BOLD's variance, so that no noise becomes zero.

    Of regions that depend on each other, or where features explain the BOLD exactly (a
    recording that is there twice).
    """
    power = np.diag(spectrum.rest) + (spectrum.projected**2).sum(axis=0)
    covariance = (covariance + covariance.T) / 2
    return covariance + _FLOOR * np.diag(power / spectrum.dof)
