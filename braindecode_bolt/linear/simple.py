"""The simplest predictors of BOLD: alpha power, and the mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.utils.validation import check_is_fitted

from ..eeg.channels import normalize_channel_name
from ._base import LinearBOLD
from ._windows import as_windows
from .band_power import BandPower
from .standardising import PowerStatistics

__all__ = ["AlphaHRF", "MeanBOLD"]


class AlphaHRF(LinearBOLD):
    """Alpha power convolved with a haemodynamic response, the classical EEG-fMRI model.

    The log power of the alpha rhythm, averaged over posterior electrodes, is weighted
    over the window with Glover's haemodynamic response; the BOLD of each region is a
    multiple of the result [1]_, [2]_. One weight and an
    intercept per region are all that is learned.

    Parameters
    ----------
    band : (float, float), default (8.0, 13.0)
        Lower and upper edge of the rhythm in Hz.
    channels : sequence of str | None
        Electrodes to average over. By default those over occipital, parieto-occipital
        and parietal cortex (names that begin with O, PO or P); all channels if there
        are none, or channels have no names.
    segment_seconds : float, default 1.0
        Length of a segment whose power is computed, in seconds.
    standardise : {"recording", None}, default "recording"
        Whether log power is brought to zero mean and unit variance within each recording,
        as in :class:`BandPower`.
    sfreq : float | None
        Sampling rate in Hz. By default that of the windows, or 200 for plain arrays.

    Attributes
    ----------
    coef_ : ndarray, shape (n_rois,)
        Weight of each region, in units of the BOLD for standardised power.
    intercept_ : ndarray, shape (n_rois,)
        Prediction for mean alpha power, in units of the BOLD.
    channels_ : list of str
        The electrodes averaged over.
    hrf_ : ndarray, shape (n_lags,)
        The haemodynamic response at the lags, in the order of time; absolute values add
        up to 1.

    References
    ----------
    .. [1] Goldman, R. I., Stern, J. M., Engel, J., & Cohen, M. S. (2002). Simultaneous EEG
       and fMRI of the alpha rhythm. NeuroReport 13, 2487-2492.
    .. [2] Laufs, H., et al. (2003). EEG-correlated fMRI of human alpha activity. NeuroImage
       19, 1463-1476.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.linear import AlphaHRF
    >>> windows = create_bold_windows(SimulatedEEGfMRI(2, duration=60.0).load())
    >>> model = AlphaHRF().fit(windows.X, windows.y)
    >>> model.coef_.shape, model.predict(windows.X).shape
    ((7,), (42, 7))
    """

    def __init__(
        self,
        band: tuple[float, float] = (8.0, 13.0),
        channels: Sequence[str] | None = None,
        segment_seconds: float = 1.0,
        standardise: str | None = "recording",
        sfreq: float | None = None,
    ):
        self.band = band
        self.channels = channels
        self.segment_seconds = segment_seconds
        self.standardise = standardise
        self.sfreq = sfreq

    def fit(self, X: Any, y: Any) -> AlphaHRF:
        """Fit the weight of each region.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts.
        y : array-like, shape (n_windows,) or (n_windows, n_rois)
            BOLD.

        Returns
        -------
        AlphaHRF
            Itself.

        Raises
        ------
        ValueError
            If a channel is missing or flat, the window is too short or too long before
            its volume, the EEG is not plausible in microvolts, a region is constant, or an
            argument is out of range.
        TypeError
            If `X`, `y` or an argument is not of the right type.
        """
        from nilearn.glm.first_level import glover_hrf

        _, targets = self._targets(X, y)
        self.power_ = BandPower(
            {"alpha": self.band},
            self.segment_seconds,
            standardise=self.standardise,
            sfreq=self.sfreq,
        ).fit(X)
        self.channels_ = self._choose(self.power_.ch_names_, self.power_.named_)
        step, seconds = 0.1, 32.0
        response = glover_hrf(step, oversampling=1, time_length=seconds)
        lags = self.power_.lags_
        at_lags = np.interp(lags, np.arange(len(response)) * step, response, right=0)
        if not at_lags.any():
            raise ValueError(
                f"The windows hold EEG from {lags[0]:.3g} to {lags[-1]:.3g} s before the "
                f"volume; the haemodynamic response lasts {seconds:g} s. Use a smaller "
                "lag_seconds."
            )
        self.hrf_ = at_lags / np.abs(at_lags).sum()
        regression = LinearRegression().fit(self._alpha(X), targets)
        self.coef_, self.intercept_ = regression.coef_[:, 0], regression.intercept_
        return self

    def _choose(self, names: list[str], named: bool) -> list[str]:
        if self.channels is None:
            posterior = [n for n in names if n.upper().startswith(("O", "P"))]
            return posterior if named and posterior else list(names)
        if isinstance(self.channels, str) or not len(self.channels):
            raise ValueError(
                f'channels must be a list of names such as ["O1", "O2"], got '
                f"{self.channels!r}."
            )
        wanted = [normalize_channel_name(name) for name in self.channels]
        missing = [name for name in wanted if name not in names]
        if missing:
            raise ValueError(
                f"channels must name some of {', '.join(names)}; there is no "
                f"{', '.join(missing)}."
            )
        return wanted

    def statistics(self, X: Any) -> PowerStatistics:
        """Compute the statistics of a recording, to predict other windows of it.

        Parameters
        ----------
        X : windows | iterable of LazyWindows
            EEG of one recording in microvolts, or several pieces of it: some minutes for
            calibration.

        Returns
        -------
        PowerStatistics
            For the `calibration` of :meth:`predict`.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the windows are of several recordings, or there is only one window.
        """
        check_is_fitted(self)
        return self.power_.statistics(X)

    def _alpha(self, windows: Any, calibration: Any = None) -> np.ndarray:
        """Alpha power weighted with the haemodynamic response, (n_windows, 1)."""
        power = self.power_.transform(windows, calibration)
        power = power.reshape(len(power), len(self.power_.ch_names_), -1)
        rows = [self.power_.ch_names_.index(name) for name in self.channels_]
        return power[:, rows].mean(axis=1) @ self.hrf_[:, None]

    def predict(self, X: Any, calibration: Any = None) -> np.ndarray:
        """Predict BOLD.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts.
        calibration : PowerStatistics | windows | None
            Statistics of the recording that `X` is from (:meth:`statistics`), or windows
            to compute them from. By default each recording in `X` is standardised
            separately.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_rois)
            In the units of the BOLD of the fit, with as many dimensions.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            As in :meth:`BandPower.transform`.
        TypeError
            If `X` is no windows.

        Warns
        -----
        UserWarning
            If the windows cannot be EEG in microvolts.
        """
        check_is_fitted(self)
        as_windows(X).warn_of_input()
        return self._in_shape(self._alpha(X, calibration) * self.coef_ + self.intercept_)


class MeanBOLD(LinearBOLD):
    """Predict the mean of the training BOLD, the mean baseline.

    Its R is not defined; its mean squared error, in variances of the training BOLD, is
    about 1. Unlike scikit-learn's DummyRegressor it checks windows and targets as the
    other models do.

    Attributes
    ----------
    mean_ : ndarray, shape (n_rois,)
        In units of the BOLD.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.linear import MeanBOLD
    >>> windows = create_bold_windows(SimulatedEEGfMRI(2, duration=60.0).load())
    >>> predicted = MeanBOLD().fit(windows.X, windows.y).predict(windows.X)
    >>> bool((predicted == predicted[0]).all())
    True
    """

    #: Electrodes of the fit may be missing where it predicts.
    SOME_ELECTRODES_DO = True

    def fit(self, X: Any, y: Any) -> MeanBOLD:
        """Compute the mean of each region.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts. It is checked only.
        y : array-like, shape (n_windows,) or (n_windows, n_rois)
            BOLD.

        Returns
        -------
        MeanBOLD
            Itself.

        Raises
        ------
        ValueError
            If `X` and `y` differ in length, the EEG is not plausible in microvolts, or a
            region is constant.
        TypeError
            If `X` or `y` is not of the right type.
        """
        _, targets = self._targets(X, y)
        self.mean_ = targets.mean(axis=0, dtype=np.float64)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the mean for every window.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            Windows. Their EEG is not used.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_rois)
            In the units of the BOLD of the fit, with as many dimensions.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        """
        check_is_fitted(self)
        return self._in_shape(np.tile(self.mean_, (len(as_windows(X).data), 1)))
