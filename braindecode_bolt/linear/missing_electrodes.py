"""Predicting the features of missing electrodes from the remaining ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.covariance import OAS

__all__ = ["ElectrodeCovariance"]


class ElectrodeCovariance:
    """Covariance of features between electrodes, for each band.

    The covariance over electrodes in some recordings, shrunk towards a prior (oracle
    approximating shrinkage in coordinates in which the prior is the identity). Bands
    are taken to be independent, and the covariance to be the same at all lags.

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
        Features of the training data.
    prior : ndarray, shape (n_electrodes, n_electrodes)
        Prior covariance over electrodes.
    """

    def __init__(self, features: np.ndarray, prior: np.ndarray):
        n_electrodes, n_bands, n_lags = features.shape[1:]
        self.mean = features.mean(axis=(0, 3), dtype=np.float64)
        self.over_electrodes = np.empty((n_bands, n_electrodes, n_electrodes))
        self.over_lags = np.empty((n_bands, n_lags, n_lags))
        root = np.linalg.cholesky(prior + 1e-3 * np.eye(n_electrodes))
        for band in range(n_bands):
            centred = features[:, :, band] - self.mean[:, band, None]
            middle = centred[..., n_lags // 2].astype(float)
            turned = np.linalg.solve(root, middle.T).T
            shrunk = OAS(assume_centered=True).fit(turned).covariance_
            self.over_electrodes[band] = root @ shrunk @ root.T
            series = centred.reshape(-1, n_lags)
            products = (series.T @ series).astype(float)
            scale = np.sqrt(np.maximum(np.diag(products), np.finfo(float).tiny))
            self.over_lags[band] = products / scale / scale[:, None]

    def complete(self, found: np.ndarray, there: Sequence[int]) -> np.ndarray:
        """Fill in the expected features of missing electrodes.

        Parameters
        ----------
        found : ndarray, shape (n_windows, n_there, n_bands, n_lags)
            Features of some electrodes.
        there : sequence of int
            Which these are.

        Returns
        -------
        ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
            Float32.
        """
        missing = self._missing(there)
        shape = (len(found), len(self.mean), *found.shape[2:])
        features = np.empty(shape, np.float32)
        features[:, there] = found
        for band, (expect, _) in enumerate(self._conditional(there, missing)):
            mean = self.mean[:, band, None]
            centred = found[:, :, band] - mean[there]
            features[:, missing, band] = expect @ centred + mean[missing]
        return features

    def expectations(self, there: Sequence[int]) -> list[np.ndarray]:
        """Give what is expected of missing electrodes, band by band.

        Parameters
        ----------
        there : sequence of int
            The electrodes that were recorded.

        Returns
        -------
        list of ndarray, shape (n_missing, n_there)
            For each band, what deviations from the mean of the recorded electrodes are
            multiplied by.
        """
        missing = self._missing(there)
        return [expect for expect, _ in self._conditional(there, missing)]

    def uncertainty(self, weights: np.ndarray, there: Sequence[int]) -> np.ndarray:
        """Covariance between regions that comes from the uncertainty of missing electrodes.

        Parameters
        ----------
        weights : ndarray, shape (n_rois, n_electrodes, n_bands, n_lags)
            Weights of the features.
        there : sequence of int
            The electrodes that were recorded.

        Returns
        -------
        ndarray, shape (n_rois, n_rois)
            In squared units of the BOLD.
        """
        missing = self._missing(there)
        total = np.zeros((len(weights), len(weights)))
        for band, (_, left) in enumerate(self._conditional(there, missing)):
            w = weights[:, missing, band].astype(float)
            spread = np.einsum("mn,snk,lk->sml", left, w, self.over_lags[band])
            total += np.einsum("rml,sml->rs", w, spread)
        return total

    def _missing(self, there: Sequence[int]) -> list[int]:
        return [i for i in range(len(self.mean)) if i not in there]

    def _conditional(
        self, there: Sequence[int], missing: Sequence[int]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each band, regression on the recorded electrodes, and residual covariance."""
        for covariance in self.over_electrodes:
            across = covariance[np.ix_(missing, there)]
            expect = np.linalg.solve(covariance[np.ix_(there, there)], across.T).T
            yield expect, covariance[np.ix_(missing, missing)] - expect @ across.T
