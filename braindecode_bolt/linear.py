"""Linear models of BOLD: what a network has to be better than."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ._inputs import as_input, as_targets
from .splits import window_groups

__all__ = ["BandPower", "BandPowerRidge"]

#: The classical bands of the EEG in Hz.
BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 45.0),
}


class BandPower(TransformerMixin, BaseEstimator):
    """Log power of each channel in frequency bands, along the window.

    The window is cut into segments; features of different segments are the
    band power at different lags before the volume, so that a linear model of
    them includes a haemodynamic response of its own for each channel and band.

    Parameters
    ----------
    bands : mapping of str to (float, float) | None
        Bands in Hz. By default delta to gamma (1 to 45 Hz).
    segment_seconds : float
        Length of a segment in seconds. Default 2. What is left of the window
        at its beginning is not used.
    sfreq : float | None
        Sampling rate in Hz. By default that of the windows, or 200 for plain
        arrays.

    Attributes
    ----------
    feature_names_out_ : ndarray of str, shape (n_features,)
        ``channel:band:lag``, with the lag of a segment's centre in seconds.
    """

    def __init__(
        self,
        bands: Mapping[str, tuple[float, float]] | None = None,
        segment_seconds: float = 2.0,
        sfreq: float | None = None,
    ):
        self.bands = bands
        self.segment_seconds = segment_seconds
        self.sfreq = sfreq

    def fit(self, X: Any, y: Any = None) -> BandPower:
        """Read the shape of the windows.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts.
        y : None
            Not used.

        Returns
        -------
        BandPower
            Itself.

        Raises
        ------
        ValueError
            If a segment is longer than the window or too short for a band.
        """
        source = as_input(X)
        n_chans, n_times = source.data.shape[1:]
        sfreq = self.sfreq
        if sfreq is None:
            sfreq = 200.0 if source.info is None else float(source.info["sfreq"])
        self.n_segment_ = round(self.segment_seconds * sfreq)
        self.n_segments_ = n_times // self.n_segment_ if self.n_segment_ else 0
        self.shape_ = (n_chans, n_times)
        if not self.n_segments_:
            raise ValueError(
                f"A segment of {self.segment_seconds:g} s does not fit a window of "
                f"{n_times / sfreq:g} s."
            )
        frequency = np.fft.rfftfreq(self.n_segment_, 1 / sfreq)
        bands = BANDS if self.bands is None else self.bands
        masks = [(low <= frequency) & (frequency < high) for low, high in bands.values()]
        empty = [name for name, mask in zip(bands, masks, strict=True) if not mask.any()]
        if empty:
            raise ValueError(
                f"No frequency of a {self.segment_seconds:g} s segment at {sfreq:g} Hz "
                f"lies in {', '.join(empty)}. Use longer segments or other bands."
            )
        self.weights_ = np.stack([mask / mask.sum() for mask in masks]).astype(np.float32)
        names = source.ch_names or [f"ch{index}" for index in range(n_chans)]
        length = self.n_segment_ / sfreq
        lags = (np.arange(self.n_segments_)[::-1] + 0.5) * length
        self.feature_names_out_ = np.array(
            [f"{ch}:{band}:{lag:g}" for ch in names for band in bands for lag in lags]
        )
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Compute the features.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts.

        Returns
        -------
        ndarray, shape (n_windows, n_chans * n_bands * n_segments)
            Log of squared microvolts, float32.
        """
        check_is_fitted(self)
        windows = as_input(X).data
        if tuple(windows.shape[1:]) != self.shape_:
            raise ValueError(
                f"Fitted on windows of {self.shape_} channels and samples, got "
                f"{tuple(windows.shape[1:])}."
            )
        features = np.empty((len(windows), len(self.feature_names_out_)), np.float32)
        for row in range(len(windows)):
            features[row] = self._window_features(np.asarray(windows[row]))
        return features

    def _window_features(self, window: np.ndarray) -> np.ndarray:
        used = self.n_segments_ * self.n_segment_
        segments = window[:, -used:].reshape(len(window), self.n_segments_, -1)
        power = np.abs(np.fft.rfft(segments)).astype(np.float32) ** 2
        banded = np.einsum("csf,bf->cbs", power, self.weights_)
        # A silent segment must not become minus infinity.
        return np.log(np.maximum(banded, 1e-6)).ravel()

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the features.

        Parameters
        ----------
        input_features : None
            Not used.

        Returns
        -------
        ndarray of str, shape (n_features,)
        """
        check_is_fitted(self)
        return self.feature_names_out_


class BandPowerRidge(RegressorMixin, BaseEstimator):
    """Ridge regression of BOLD on lagged log band power.

    The linear baseline of EEG-to-fMRI prediction (after the EEG finger-print of
    Meir-Hasson et al. 2014, with classical bands). The penalty is chosen by
    cross-validation over subjects, or over recordings, or over stretches of a
    single recording.

    Parameters
    ----------
    bands, segment_seconds, sfreq
        As in :class:`BandPower`.
    alphas : sequence of float | None
        Penalties to choose from. By default 13 from 1 to 1e6.

    Attributes
    ----------
    pipeline_ : sklearn.pipeline.Pipeline
        Band power, standardisation and ridge regression, fitted.
    alpha_ : float
        The chosen penalty.
    coef_ : ndarray, shape (n_rois, n_chans, n_bands, n_segments)
        Weights of the standardised features; the last axis goes forward in
        time.

    References
    ----------
    Meir-Hasson, Y., Kinreich, S., Podlipsky, I., Hendler, T., & Intrator, N.
    (2014). An EEG Finger-Print of fMRI deep regional activation. NeuroImage
    102, 128-141.
    """

    def __init__(
        self,
        bands: Mapping[str, tuple[float, float]] | None = None,
        segment_seconds: float = 2.0,
        sfreq: float | None = None,
        alphas: Sequence[float] | None = None,
    ):
        self.bands = bands
        self.segment_seconds = segment_seconds
        self.sfreq = sfreq
        self.alphas = alphas

    def fit(self, X: Any, y: Any, groups: Any = None) -> BandPowerRidge:
        """Choose the penalty and fit the weights.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts.
        y : array-like, shape (n_windows,) or (n_windows, n_rois)
            BOLD.
        groups : array-like, shape (n_windows,) | None
            What must not be torn apart when the penalty is chosen. By default
            read from `X`.

        Returns
        -------
        BandPowerRidge
            Itself.
        """
        source = as_input(X)
        targets, self.y_ndim_ = as_targets(y, source)
        groups = window_groups(source.data) if groups is None else np.asarray(groups)
        n_groups = len(np.unique(groups))
        alphas = np.logspace(0, 6, 13) if self.alphas is None else self.alphas
        power = BandPower(self.bands, self.segment_seconds, self.sfreq)
        features = power.fit_transform(source.data)
        splits = list(GroupKFold(min(n_groups, 5)).split(features, targets, groups))
        ridge = RidgeCV(alphas, cv=splits, scoring="neg_mean_squared_error")
        self.pipeline_ = make_pipeline(power, StandardScaler(), ridge)
        scaler, ridge = self.pipeline_.steps[1][1], self.pipeline_.steps[2][1]
        ridge.fit(scaler.fit_transform(features), targets)
        self.alpha_ = float(ridge.alpha_)
        n_bands = len(power.weights_)
        self.coef_ = ridge.coef_.reshape(targets.shape[1], -1, n_bands, power.n_segments_)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict BOLD.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_rois)
        """
        check_is_fitted(self)
        predicted = self.pipeline_.predict(as_input(X).data)
        predicted = predicted.reshape(len(predicted), -1)
        return predicted[:, 0] if self.y_ndim_ == 1 else predicted
