"""The simplest predictors of BOLD: alpha power, and the mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.utils.validation import check_is_fitted

from ..eeg.channels import normalize_channel_name
from ._base import LinearBOLD
from .band_power import BandPower, as_windows

__all__ = ["AlphaHRF", "MeanBOLD"]


class AlphaHRF(LinearBOLD):
    """Alpha power through a haemodynamic response: where every EEG-fMRI paper starts.

    The log power of the alpha rhythm, averaged over posterior electrodes, is weighted
    over the window with Glover's haemodynamic response; the BOLD of each region is a
    multiple of the result (Goldman et al. 2002, Laufs et al. 2003). One weight per
    region and nothing else is learned: what a model adds to this, it has learned.

    Parameters
    ----------
    band : (float, float)
        The rhythm in Hz. Default 8 to 13.
    channels : sequence of str | None
        Electrodes to average over. By default those over occipital, parieto-occipital
        and parietal cortex (names that begin with O, PO or P); all, where there are
        none or channels have no names.
    segment_seconds : float
        Length of a segment whose power is taken, in seconds. Default 1.
    standardise : {"recording", None}
        As in :class:`BandPower`. Default ``"recording"``.
    sfreq : float | None
        Sampling rate in Hz. By default that of the windows, or 200 for plain
        arrays.

    Attributes
    ----------
    coef_ : ndarray, shape (n_rois,)
        Weight of each region.
    intercept_ : ndarray, shape (n_rois,)
        What is predicted at the mean of alpha.
    channels_ : list of str
        The electrodes averaged over.
    hrf_ : ndarray, shape (n_lags,)
        The haemodynamic response at the lags, of unit sum, forward in time.

    References
    ----------
    Goldman, R. I., Stern, J. M., Engel, J., & Cohen, M. S. (2002). Simultaneous EEG
    and fMRI of the alpha rhythm. NeuroReport 13, 2487-2492.

    Laufs, H., et al. (2003). EEG-correlated fMRI of human alpha activity. NeuroImage
    19, 1463-1476.
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

    def fit(self, X: Any, y: Any, groups: Any = None) -> AlphaHRF:
        """Fit the weight of each region.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts.
        y : array-like, shape (n_windows,) or (n_windows, n_rois)
            BOLD.
        groups : None
            Not used; nothing is chosen.

        Returns
        -------
        AlphaHRF
            Itself.

        Raises
        ------
        ValueError
            If a channel is not there or flat, the window is too short, the EEG cannot
            be in microvolts, or a region is constant.
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
        at_lags = np.interp(self.power_.lags_, np.arange(len(response)) * step, response)
        self.hrf_ = at_lags / at_lags.sum()
        regression = LinearRegression().fit(self._driven(X), targets)
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

    def _driven(self, windows: Any) -> np.ndarray:
        power = self.power_.transform(windows)
        power = power.reshape(len(power), len(self.power_.ch_names_), -1)
        rows = [self.power_.ch_names_.index(name) for name in self.channels_]
        return power[:, rows].mean(axis=1) @ self.hrf_[:, None]

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
        as_windows(X).warn_of_input()
        driven = self._driven(X)
        return self._in_shape(driven * self.coef_ + self.intercept_)


class MeanBOLD(LinearBOLD):
    """Predict the mean of the training BOLD: what any model has to be better than.

    Its R is not defined; its mean squared error, in variances of the training BOLD,
    is about 1.

    Attributes
    ----------
    mean_ : ndarray, shape (n_rois,)
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> MeanBOLD:
        """Take the mean.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG, checked and not used.
        y : array-like, shape (n_windows,) or (n_windows, n_rois)
            BOLD.
        groups : None
            Not used.

        Returns
        -------
        MeanBOLD
            Itself.
        """
        _, targets = self._targets(X, y)
        self.mean_ = targets.mean(axis=0, dtype=np.float64)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the mean for every window.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG, not looked at.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_rois)
        """
        check_is_fitted(self)
        n_windows = len(as_windows(X).data)
        return self._in_shape(np.repeat(self.mean_[None], n_windows, axis=0))
