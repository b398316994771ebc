"""Linear models of BOLD on lagged band power, as scikit-learn regressors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from .._inputs import as_groups, as_input, as_targets
from ..splits import window_groups
from .band_power import BandPower
from .penalties import GroupedRidge, GroupedSparseGroupLasso

__all__ = ["AlphaHRF", "LaggedBandPower", "MeanBOLD", "RidgeFingerprint"]


class _LinearBOLD(RegressorMixin, BaseEstimator):
    """Targets in and out in the form they were given."""

    def _targets(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        source = as_input(X)
        targets, self.y_ndim_ = as_targets(y, source)
        if not np.isfinite(targets).all():
            raise ValueError(
                f"y has {np.sum(~np.isfinite(targets))} values that are not finite. Leave "
                "such windows out."
            )
        return source, targets

    def _in_shape(self, predicted: np.ndarray) -> np.ndarray:
        predicted = predicted.reshape(len(predicted), -1)
        return predicted[:, 0] if self.y_ndim_ == 1 else predicted


class _LaggedPowerRegressor(_LinearBOLD):
    """A regression of BOLD on the features of a BandPower."""

    def fit(self, X: Any, y: Any, groups: Any = None) -> _LaggedPowerRegressor:
        """Choose the penalties and fit the weights.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts.
        y : array-like, shape (n_windows,) or (n_windows, n_rois)
            BOLD.
        groups : array-like, shape (n_windows,) | None
            What must not be torn apart when penalties are chosen. By default read
            from `X`: subjects, else recordings, else stretches of the recording.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `X` and `y` do not fit together, or an argument is out of range.
        """
        source, targets = self._targets(X, y)
        groups = as_groups(groups, source)
        groups = window_groups(source.data) if groups is None else groups
        power = self._band_power().fit(source.data)
        self.pipeline_ = Pipeline(
            [
                ("power", power),
                ("scaler", StandardScaler()),
                ("regression", self._regression(power)),
            ]
        )
        scaler, regression = self.pipeline_[1], self.pipeline_[2]
        features = scaler.fit_transform(power.transform(source.data))
        regression.fit(features, targets, groups)
        shape = (len(power.ch_names_), len(power.bands_), len(power.lags_))
        self.coef_ = regression.coef_.reshape(-1, *shape)
        self.penalty_ = regression.penalty_
        self.ch_names_, self.lags_ = list(power.ch_names_), power.lags_
        self.band_names_ = list(power.bands_)
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
        return self._in_shape(self.pipeline_.predict(as_input(X).data))

    def weights(self, roi_names: Sequence[str] | None = None) -> pd.DataFrame:
        """Give the weights by name.

        Parameters
        ----------
        roi_names : sequence of str | None
            Names of the regions. By default they are counted.

        Returns
        -------
        pandas.DataFrame, shape (n_chans * n_bands * n_lags, n_rois)
            Weights of the standardised features; rows by ``channel``, ``band`` and
            ``lag`` (seconds before the volume).

        Raises
        ------
        ValueError
            If there are not as many names as regions.
        """
        check_is_fitted(self)
        n_rois = len(self.coef_)
        names = list(range(n_rois)) if roi_names is None else list(roi_names)
        if len(names) != n_rois:
            raise ValueError(f"The model has {n_rois} regions, got {len(names)} names.")
        index = pd.MultiIndex.from_product(
            [self.ch_names_, self.band_names_, self.lags_], names=["channel", "band", "lag"]
        )
        return pd.DataFrame(self.coef_.reshape(n_rois, -1).T, index, names)

    def _band_power(self) -> BandPower:
        raise NotImplementedError

    def _regression(self, power: BandPower) -> GroupedRidge | GroupedSparseGroupLasso:
        return GroupedRidge(self.alphas)


class LaggedBandPower(_LaggedPowerRegressor):
    """Penalised regression of BOLD on lagged log band power.

    The linear baseline of EEG-to-fMRI prediction: the power of each channel in the
    classical bands, at each lag before the volume. The weights over lags are a
    haemodynamic response of its own for each channel, band and region. The penalty
    is chosen for each region by cross-validation over subjects, or over recordings,
    or over stretches of a single recording.

    Parameters
    ----------
    penalty : {"ridge", "sparse_group_lasso"}
        Small weights throughout (default), or few channels and bands and, within
        them, few lags (after Mehta et al. 2025; the lags of a channel and band are
        a group).
    bands, segment_seconds, step_seconds, n_lags, standardise, sfreq
        As in :class:`BandPower`. By default delta to gamma, and segments of 2 s
        side by side.
    alphas : sequence of float | None
        Penalties of the ridge to choose from. By default 19 from 0.1 to 1e8.
    l1_ratio : float
        Share of the lasso in the sparse group lasso. Default 0.5.
    n_penalties : int
        Penalties of the sparse group lasso to choose from. Default 10.

    Attributes
    ----------
    pipeline_ : sklearn.pipeline.Pipeline
        Band power, standardisation and regression, fitted.
    coef_ : ndarray, shape (n_rois, n_chans, n_bands, n_lags)
        Weights of the standardised features; :meth:`weights` gives them by name.
    ch_names_, band_names_ : list of str
        Names of its axes.
    lags_ : ndarray, shape (n_lags,)
        Seconds before the volume, falling.
    penalty_ : ndarray, shape (n_rois,)
        The chosen penalties.

    References
    ----------
    Mehta, et al. (2025). arXiv:2504.10752.

    Simon, N., Friedman, J., Hastie, T., & Tibshirani, R. (2013). A Sparse-Group
    Lasso. Journal of Computational and Graphical Statistics 22, 231-245.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.linear import LaggedBandPower
    >>> windows = create_bold_windows(SimulatedEEGfMRI(3, duration=90.0).load())
    >>> model = LaggedBandPower().fit(windows.X, windows.y)
    >>> model.weights(windows.roi_names).loc[("O1", "alpha"), "Thalamus"].shape
    (8,)
    """

    def __init__(
        self,
        penalty: str = "ridge",
        bands: Mapping[str, tuple[float, float]] | int | None = None,
        segment_seconds: float = 2.0,
        step_seconds: float | None = None,
        n_lags: int | None = None,
        standardise: str | None = None,
        sfreq: float | None = None,
        alphas: Sequence[float] | None = None,
        l1_ratio: float = 0.5,
        n_penalties: int = 10,
    ):
        self.penalty = penalty
        self.bands = bands
        self.segment_seconds = segment_seconds
        self.step_seconds = step_seconds
        self.n_lags = n_lags
        self.standardise = standardise
        self.sfreq = sfreq
        self.alphas = alphas
        self.l1_ratio = l1_ratio
        self.n_penalties = n_penalties

    def _band_power(self) -> BandPower:
        if self.penalty not in ("ridge", "sparse_group_lasso"):
            raise ValueError(
                f'penalty must be "ridge" or "sparse_group_lasso", got {self.penalty!r}.'
            )
        return BandPower(
            self.bands,
            self.segment_seconds,
            self.step_seconds,
            self.n_lags,
            self.standardise,
            self.sfreq,
        )

    def _regression(self, power: BandPower) -> GroupedRidge | GroupedSparseGroupLasso:
        if self.penalty == "ridge":
            return super()._regression(power)
        return GroupedSparseGroupLasso(len(power.lags_), self.l1_ratio, self.n_penalties)


class RidgeFingerprint(_LaggedPowerRegressor):
    """Ridge regression on the EEG finger-print of Meir-Hasson et al. (2014).

    Time-frequency power in bands of equal spectral energy, four times a second, at
    48 lags from 0 to 12 s. **Changed**: all channels at once (the original picks
    one), so that all regions are predicted by one fit; the penalty is chosen for each
    region across subjects. **Unknown**: the length of the segments; 2 s here, which
    tells frequencies 0.5 Hz apart. A lag counts from the end of a segment, so that
    its centre lies another second back.

    A feature for each channel, band and lag: 26 channels make 12,480, and 16,000
    windows of them take 800 MB.

    Parameters
    ----------
    n_bands : int
        Bands of equal energy. Default 10.
    n_lags : int
        Lags, a quarter of a second apart. Default 48.
    segment_seconds : float
        Length of a segment in seconds. Default 2.
    standardise : {"recording", None}
        As in :class:`BandPower`. Default ``"recording"``, as published.
    sfreq : float | None
        Sampling rate in Hz. By default that of the windows, or 200 for plain
        arrays.
    alphas : sequence of float | None
        Penalties to choose from. By default 19 from 0.1 to 1e8.

    Attributes
    ----------
    pipeline_, coef_, ch_names_, band_names_, lags_, penalty_
        As in :class:`LaggedBandPower`.

    References
    ----------
    Meir-Hasson, Y., Kinreich, S., Podlipsky, I., Hendler, T., & Intrator, N.
    (2014). An EEG Finger-Print of fMRI deep regional activation. NeuroImage
    102, 128-141.
    """

    def __init__(
        self,
        n_bands: int = 10,
        n_lags: int = 48,
        segment_seconds: float = 2.0,
        standardise: str | None = "recording",
        sfreq: float | None = None,
        alphas: Sequence[float] | None = None,
    ):
        self.n_bands = n_bands
        self.n_lags = n_lags
        self.segment_seconds = segment_seconds
        self.standardise = standardise
        self.sfreq = sfreq
        self.alphas = alphas

    def _band_power(self) -> BandPower:
        return BandPower(
            self.n_bands,
            self.segment_seconds,
            0.25,
            self.n_lags,
            self.standardise,
            self.sfreq,
        )


class AlphaHRF(_LinearBOLD):
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

    Raises
    ------
    ValueError
        In a fit, if a channel is not there, or the window is too short.

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
        """
        from nilearn.glm.first_level import glover_hrf

        source, targets = self._targets(X, y)
        self.power_ = BandPower(
            {"alpha": tuple(self.band)},
            self.segment_seconds,
            standardise=self.standardise,
            sfreq=self.sfreq,
        ).fit(source.data)
        self.channels_ = self._choose(self.power_.ch_names_, source.ch_names is not None)
        step, seconds = 0.1, 32.0
        response = glover_hrf(step, oversampling=1, time_length=seconds)
        at_lags = np.interp(self.power_.lags_, np.arange(len(response)) * step, response)
        self.hrf_ = at_lags / at_lags.sum()
        regression = LinearRegression().fit(self._driven(source.data), targets)
        self.coef_, self.intercept_ = regression.coef_[:, 0], regression.intercept_
        return self

    def _choose(self, names: list[str], named: bool) -> list[str]:
        if self.channels is None:
            posterior = [n for n in names if n.upper().startswith(("O", "P"))]
            return posterior if named and posterior else list(names)
        missing = [name for name in self.channels if name not in names]
        if missing or not len(self.channels):
            raise ValueError(
                f"channels must name some of {', '.join(names)}; there is no "
                f"{', '.join(missing) or 'name'}."
            )
        return list(self.channels)

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
        driven = self._driven(as_input(X).data)
        return self._in_shape(driven * self.coef_ + self.intercept_)


class MeanBOLD(_LinearBOLD):
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
            EEG, not looked at.
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
        n_windows = len(as_input(X).data)
        return self._in_shape(np.repeat(self.mean_[None], n_windows, axis=0))
