"""Linear read-out that is smooth over electrodes, frequencies and lags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from .._text import counted
from .._threads import few_threads
from .evidence import Regions
from .moments import Spectrum, band_edge, find_stretches, gather
from .prior_search import CHOICES, Priors

__all__ = ["SmoothReadout"]

#: Largest number of EM steps.
_N_STEPS = 500


@dataclass(frozen=True)
class ReadoutPrior:
    """Priors of a fitted read-out.

    Attributes
    ----------
    roots : list of ndarray
        Square roots of the prior covariances over electrodes, features and lags, each
        with a row per entry and a column per eigenvector.
    kept : ndarray of int
        Which of the products of their columns are used, counted in this order.
    scale : float
        Features in this basis are divided by it.
    ratio : ndarray, shape (n_rois,)
        Variance of the weights of each independent combination of regions, its noise
        having variance 1.
    combine : ndarray, shape (n_rois, n_rois)
        ``y @ combine`` are these combinations of the BOLD.
    rho : float
        Autocorrelation of the noise.
    edge : float
        Highest frequency that is used, in cycles per volume.
    """

    roots: list[np.ndarray]
    kept: np.ndarray
    scale: float
    ratio: np.ndarray
    combine: np.ndarray
    rho: float
    edge: float


class SmoothReadout(RegressorMixin, BaseEstimator):
    """Predict BOLD of several regions from features of electrodes, with smooth weights.

    A Gaussian process in the form of a Bayesian linear model: the prior covariance of
    the weights is the product of one over electrodes, one over frequencies and one over
    lags (:mod:`braindecode_bolt.linear.priors`) and of one between regions. Noise is
    autocorrelated in time and correlated between regions. Length scales, the
    autocorrelation and both covariances between regions are chosen by evidence (the
    likelihood of the training BOLD with the weights integrated out); there is no
    cross-validation. The features can be any that electrodes have at several lags:
    log band power (:class:`BandPowerGP`), or the tokens of a network.

    Parameters
    ----------
    lags : array-like, shape (n_lags,) | None
        Seconds before the volume. None: weights of different lags are independent.
    positions : array-like, shape (n_electrodes, 3) | None
        Electrodes on the unit sphere (:func:`electrode_positions`); NaN for those whose
        weights are independent of others. None: all are.
    frequencies : array-like, shape (n_features,) | None
        Centre of each band in Hz, NaN for features whose weights are independent of
        others. None: all are.
    electrode_length : float | None
        Length scale on the unit sphere. None (default for this and all below): chosen
        by evidence.
    frequency_length : float | None
        Length scale in octaves.
    lag_length : float | None
        Length scale in seconds.
    lag_peak : float | None
        Lag at which weights are expected to be largest, in seconds; infinity: the
        same at all lags.
    rho : float | None
        Correlation of the noise of neighbouring volumes, from 0 to below 1.

    Attributes
    ----------
    coef_ : ndarray, shape (n_rois, n_electrodes, n_features, n_lags)
        Posterior mean of the weights.
    intercept_ : ndarray, shape (n_rois,)
        Prediction for features that are all zero, in units of the BOLD.
    chosen_ : dict of str to float
        The length scales, peak and rho.
    signal_covariance_, noise_covariance_ : ndarray, shape (n_rois, n_rois)
        Covariance between regions of the signal that features explain, on average over
        windows, and of the noise.
    evidence_ : float
        Log evidence of the training BOLD in nats; larger is better. Comparable between
        models of the same BOLD, whatever their features.
    band_edge_ : float
        Highest frequency of the BOLD that was used, in cycles per volume.

    Notes
    -----
    Priors are chosen on 2000 windows at most; the weights are learned from all. Each
    prior is represented by its leading eigenvectors, so that time and memory grow with
    the number of windows only linearly.

    References
    ----------
    .. [1] Rasmussen, C. E., & Williams, C. K. I. (2006). Gaussian Processes for Machine
       Learning. MIT Press. Chapters 2 and 5: the weight-space view, and the evidence.
    .. [2] Bonilla, E. V., Chai, K. M. A., & Williams, C. K. I. (2007). Multi-task Gaussian
       process prediction. NeurIPS 2007. Covariances between outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.linear import SmoothReadout
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 3, 2, 8))
    >>> y = X[:, 0, 1, 2:5].sum(axis=1) + rng.standard_normal(200)
    >>> model = SmoothReadout(lags=np.arange(8.0)[::-1]).fit(X, y)
    >>> mean, std = model.predict(X[:5], return_std=True)
    >>> mean.shape, std.shape, model.coef_.shape
    ((5,), (5,), (1, 3, 2, 8))
    """

    def __init__(
        self,
        lags: Any = None,
        positions: Any = None,
        frequencies: Any = None,
        electrode_length: float | None = None,
        frequency_length: float | None = None,
        lag_length: float | None = None,
        lag_peak: float | None = None,
        rho: float | None = None,
    ):
        self.lags = lags
        self.positions = positions
        self.frequencies = frequencies
        self.electrode_length = electrode_length
        self.frequency_length = frequency_length
        self.lag_length = lag_length
        self.lag_peak = lag_peak
        self.rho = rho

    def fit(
        self, X: Any, y: Any, recordings: Any = None, volumes: Any = None
    ) -> SmoothReadout:
        """Choose the priors by evidence and learn the weights.

        Parameters
        ----------
        X : array-like, shape (n_windows, n_electrodes, n_features, n_lags)
            Features, of comparable size, since they have the same prior.
        y : array-like, shape (n_windows,) or (n_windows, n_rois)
            BOLD.
        recordings : array-like, shape (n_windows,) | None
            Recording of each window. None: all are of one.
        volumes : array-like of int, shape (n_windows,) | None
            Number of each volume in its recording; noise begins anew after a gap.
            None: windows of a recording are consecutive volumes, in order.

        Returns
        -------
        SmoothReadout
            Itself.

        Raises
        ------
        ValueError
            If shapes do not fit together, values are not finite, a region is constant, no
            stretch has two consecutive volumes, or an argument is out of range.
        """
        X = np.asarray(X, np.float32)
        targets = np.asarray(y, float)
        self.y_ndim_ = targets.ndim
        targets = targets.reshape(len(targets), -1)
        recordings = np.zeros(len(X), int) if recordings is None else np.asarray(recordings)
        self._check(X, targets, recordings)
        # Matrices are no larger than the basis and the windows of the search.
        with few_threads():
            return self._fit(X, targets, recordings, volumes)

    def _fit(
        self, X: np.ndarray, targets: np.ndarray, recordings: np.ndarray, volumes: Any
    ) -> SmoothReadout:
        centre, spread = targets.mean(axis=0), targets.std(axis=0)
        scaled = (targets - centre) / spread
        stretches = find_stretches(recordings, volumes)
        self.band_edge_ = band_edge(scaled, stretches)
        priors = Priors(X.shape[1:], **self._axes(X.shape[1:]))
        given = {name: getattr(self, name) for name in CHOICES}
        self.chosen_ = priors.choose(X, scaled, stretches, self.band_edge_, given)
        self._basis = priors.basis(self.chosen_)
        gathered = gather(
            lambda rows: self._basis(X[rows]), scaled, stretches, self.band_edge_
        )
        spectrum = gathered.spectrum(self.chosen_["rho"])
        regions = Regions.start(spectrum)
        regions, self.evidence_ = regions.learn(spectrum, _N_STEPS)
        # In units of the BOLD; the level of a region is as free as before.
        self.evidence_ -= spectrum.dof * float(np.log(spread).sum())
        weights = regions.weights(spectrum) * spread
        self.coef_ = self._basis.back(weights).astype(np.float32)
        self._centre = self._mean_features(X)
        self.intercept_ = centre - self._centre @ weights
        self.signal_covariance_ = regions.signal * spread[:, None] * spread
        self._keep_posterior(spectrum, regions, spread)
        self.noise_covariance_ = self._noise(X, targets, stretches)
        return self

    def _check(self, X: np.ndarray, y: np.ndarray, recordings: np.ndarray) -> None:
        if X.ndim != 4:
            raise ValueError(
                "X must be of shape (n_windows, n_electrodes, n_features, n_lags), got "
                f"{X.shape}."
            )
        if not len(X) == len(y) == len(recordings):
            raise ValueError(
                f"X has {len(X)} windows, y {len(y)} rows, and there are "
                f"{len(recordings)} labels of recordings."
            )
        for name, values in (("X", X), ("y", y)):
            if not np.isfinite(values).all():
                raise ValueError(
                    f"{name} has "
                    f"{counted(np.sum(~np.isfinite(values)), 'non-finite value')}. "
                    "Leave such windows out."
                )
        constant = np.flatnonzero(np.ptp(y, axis=0) == 0)
        if len(constant):
            raise ValueError(
                f"y is constant in column {', '.join(map(str, constant))}: there is "
                "nothing to learn. Leave the region out."
            )
        for name in ("electrode_length", "frequency_length", "lag_length", "lag_peak"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, got {value!r}.")
        if self.rho is not None and not 0 <= self.rho < 1:
            raise ValueError(f"rho must be from 0 to below 1, got {self.rho!r}.")

    def _axes(self, shape: tuple[int, ...]) -> dict[str, np.ndarray | None]:
        axes: dict[str, np.ndarray | None] = {}
        for size, name, width in zip(
            shape, ("positions", "frequencies", "lags"), ((3,), (), ()), strict=True
        ):
            given = getattr(self, name)
            axes[name] = None if given is None else np.asarray(given, float)
            if given is not None and axes[name].shape != (size, *width):
                raise ValueError(
                    f"{name} must be of shape {(size, *width)} for features of shape "
                    f"{shape}, got {axes[name].shape}."
                )
        return axes

    def _mean_features(self, X: np.ndarray) -> np.ndarray:
        mean = X.mean(axis=0, dtype=np.float64, keepdims=True)
        return self._basis(mean)[0]

    def _noise(
        self, X: np.ndarray, y: np.ndarray, stretches: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Covariance of the BOLD that the weights do not explain, with levels and drifts.

        The residual BOLD, and what the weights may explain of it beyond their mean. The
        autoregression is not used, since slow drifts exceed it.
        """
        left = np.zeros((y.shape[1], y.shape[1]))
        for rows in stretches:
            residual = y[rows] - self._mean(X[rows])
            unsure = self._uncertainty(X[rows]).sum(axis=0)
            left += residual.T @ residual + (self._back.T * unsure) @ self._back
        return left / len(y)

    def _keep_posterior(
        self, spectrum: Spectrum, regions: Regions, spread: np.ndarray
    ) -> None:
        ratio, _, back = regions.diagonal()
        # Information from the windows reduces the prior variance of a direction.
        self._prior_scale = 1 / spectrum.scale
        self._vectors = spectrum.vectors
        self._ratio = ratio
        self._shrunk = ratio * (1 - 1 / (1 + spectrum.values[:, None] * ratio))
        self._back = back * spread

    def prior(self) -> ReadoutPrior:
        """Give the priors that were chosen, in a form for other implementations.

        Returns
        -------
        ReadoutPrior
            With ``roots``, ``kept``, ``scale``, ``ratio``, ``combine``, ``rho`` and
            ``edge``, for :class:`~braindecode_bolt.training.Evidence`.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        """
        check_is_fitted(self)
        return ReadoutPrior(
            [root.copy() for root in self._basis.roots],
            self._basis.kept.copy(),
            1 / self._prior_scale,
            self._ratio.copy(),
            np.linalg.inv(self._back),
            self.chosen_["rho"],
            self.band_edge_,
        )

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict BOLD.

        Parameters
        ----------
        X : array-like, shape (n_windows, n_electrodes, n_features, n_lags)
            Features.
        return_std : bool, default False
            Whether to return the standard deviation of the BOLD (not only of its mean),
            too.

        Returns
        -------
        mean : ndarray, shape (n_windows,) or (n_windows, n_rois)
            Predicted BOLD, in the units and with as many dimensions as that of the fit.
        std : ndarray, shape (n_windows,) or (n_windows, n_rois)
            Only with `return_std`: from the uncertainty of the weights and the noise; in
            the same units.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the features have another shape than those of the fit.
        """
        X = self._features(X)
        mean = self._mean(X)
        if not return_std:
            return self._in_shape(mean)
        signal = self._uncertainty(X) @ self._back**2
        std = np.sqrt(signal + np.diag(self.noise_covariance_))
        return self._in_shape(mean), self._in_shape(std)

    def region_covariance(self, X: Any) -> np.ndarray:
        """Covariance of the predictions between regions, for each window.

        Parameters
        ----------
        X : array-like, shape (n_windows, n_electrodes, n_features, n_lags)
            Features.

        Returns
        -------
        ndarray, shape (n_windows, n_rois, n_rois)
            In squared units of the BOLD. Its diagonal is the square of the standard
            deviations of :meth:`predict`.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the features have another shape than those of the fit.
        """
        variance = self._uncertainty(self._features(X))
        signal = np.einsum("nk,kr,ks->nrs", variance, self._back, self._back, optimize=True)
        return signal + self.noise_covariance_

    def _features(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = np.asarray(X, np.float32)
        if X.ndim != 4 or X.shape[1:] != self.coef_.shape[1:]:
            raise ValueError(
                f"Fitted on features of shape {self.coef_.shape[1:]}, got {X.shape[1:]}."
            )
        return X

    def _mean(self, X: np.ndarray) -> np.ndarray:
        flat = self.coef_.reshape(len(self.coef_), -1)
        return X.reshape(len(X), -1) @ flat.T + self.intercept_

    def _uncertainty(self, X: np.ndarray) -> np.ndarray:
        """Variance of the signal of each combination of regions, (n_windows, n_rois)."""
        Z = (self._basis(X) - self._centre) * self._prior_scale
        along = (Z @ self._vectors) ** 2
        prior = (Z**2).sum(axis=1, keepdims=True) * self._ratio
        return np.maximum(prior - along @ self._shrunk, 0.0)

    def _in_shape(self, values: np.ndarray) -> np.ndarray:
        return values[:, 0] if self.y_ndim_ == 1 else values
