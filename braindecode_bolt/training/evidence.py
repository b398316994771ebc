"""The evidence of a smooth read-out as a function of features that can be learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..linear import SmoothReadout
from ..linear.moments import whitening

__all__ = ["Evidence"]


class Evidence:
    """Log evidence of a fitted read-out's priors on other features or other BOLD.

    The same as :attr:`SmoothReadout.evidence_`, computed with torch, so that it has a
    gradient with respect to the features. Length scales, the autocorrelation of the
    noise and both covariances between regions are those of the fit. The kernel form is
    used: time grows with the cube of the number of windows, so some hundred windows at a
    time are best.

    Parameters
    ----------
    readout : SmoothReadout
        A fitted one.

    Notes
    -----
    In combinations of regions whose signals and noises are independent, the BOLD ``y`` of
    one at the frequencies of all stretches is normal with covariance ``1 + ratio * K``
    after whitening, ``K`` being the kernel of the features
    (:mod:`braindecode_bolt.linear.evidence`).
    """

    def __init__(self, readout: SmoothReadout):
        prior = readout.prior()
        self.roots = [torch.from_numpy(root).float() for root in prior.roots]
        self.kept = torch.from_numpy(prior.kept)
        self.scale, self.rho, self.edge = prior.scale, prior.rho, prior.edge
        self.ratio = torch.from_numpy(prior.ratio)
        self.combine = torch.from_numpy(prior.combine)

    def __call__(
        self, X: torch.Tensor, y: torch.Tensor, stretches: Sequence[np.ndarray]
    ) -> tuple[torch.Tensor, int]:
        """Compute the log evidence.

        Parameters
        ----------
        X : Tensor, shape (n_windows, n_electrodes, n_features, n_lags)
            Features.
        y : Tensor, shape (n_windows, n_rois)
            BOLD.
        stretches : sequence of ndarray of int
            Rows of consecutive volumes. The level of each is free.

        Returns
        -------
        log_evidence : Tensor, shape ()
        n_values : int
            Values of the BOLD that it is the evidence of.

        Raises
        ------
        ValueError
            If no stretch has two volumes.
        """
        features = self._independent(X)
        parts, targets, jacobian = [], [], 0.0
        for rows in stretches:
            matrix = torch.from_numpy(whitening(len(rows), self.rho, self.edge))
            rows = torch.as_tensor(rows, device=X.device)
            parts.append(matrix.to(features) @ features[rows])
            targets.append(matrix @ y[rows].double().cpu() @ self.combine)
            # Rows were orthonormal before they were divided.
            jacobian += float(torch.log(torch.linalg.norm(matrix, dim=1)).sum())
        if not sum(map(len, parts)):
            raise ValueError(
                "None of the stretches of windows has two consecutive volumes: there is no "
                "evidence."
            )
        # Few numbers, which need more digits than some devices have.
        white, targets = torch.cat(parts).double().cpu(), torch.cat(targets)
        kernel = white @ white.T
        ones = torch.eye(len(kernel), dtype=kernel.dtype)
        lower = torch.linalg.cholesky(ones + self.ratio[:, None, None] * kernel)
        solved = torch.linalg.solve_triangular(lower, targets.T[..., None], upper=False)
        log_det = 2 * torch.diagonal(lower, dim1=1, dim2=2).log().sum()
        n, n_rois = targets.shape
        evidence = -0.5 * (log_det + (solved**2).sum() + n * n_rois * np.log(2 * np.pi))
        evidence = evidence + n * torch.linalg.slogdet(self.combine)[1] + n_rois * jacobian
        return evidence, n * n_rois

    def _independent(self, X: torch.Tensor) -> torch.Tensor:
        """Features whose weights are independent and of one variance, (n, size)."""
        electrodes, features, lags = (root.to(X) for root in self.roots)
        Z = torch.einsum("nefl,lk->nefk", X, lags)
        Z = torch.einsum("nefk,fj->nejk", Z, features)
        Z = torch.einsum("nejk,ei->nijk", Z, electrodes).flatten(1)
        return Z[:, self.kept.to(Z.device)] / self.scale
