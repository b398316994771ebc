"""Linear models of BOLD on lagged band power, as scikit-learn regressors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..splits import window_groups
from ..windows.inputs import as_groups
from ._base import LinearBOLD
from ._windows import as_windows
from .band_power import BandPower
from .penalties import GroupedRidge, GroupedSparseGroupLasso
from .standardising import PowerStatistics

__all__ = ["LaggedBandPower", "RidgeFingerprint", "SparseBandPower"]


class _LaggedPowerRegressor(LinearBOLD):
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
            Label of each window; windows of one label stay together when penalties are
            chosen. By default read from `X`: subjects, else recordings, else blocks of
            the recording.

        Returns
        -------
        _LaggedPowerRegressor
            Itself.

        Raises
        ------
        TypeError
            If `y` or an argument is not of the right type.
        ValueError
            If `X` and `y` differ in length, the EEG is not plausible in microvolts, a
            channel is flat or a region constant, or an argument is out of range.
        """
        source, targets = self._targets(X, y)
        groups = as_groups(groups, source)
        groups = window_groups(source.data) if groups is None else groups
        power = self._band_power().fit(X)
        scaler, regression = StandardScaler(), self._regression(power)
        self.pipeline_ = Pipeline(
            [("power", power), ("scaler", scaler), ("regression", regression)]
        )
        features = scaler.fit_transform(power.transform(X))
        regression.fit(features, targets, groups)
        shape = (len(power.ch_names_), len(power.bands_), len(power.lags_))
        self.coef_ = regression.coef_.reshape(-1, *shape)
        self.penalty_ = regression.penalty_
        self.ch_names_, self.lags_ = list(power.ch_names_), power.lags_
        self.band_names_ = list(power.bands_)
        return self

    def predict(self, X: Any, calibration: Any = None) -> np.ndarray:
        """Predict BOLD.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts.
        calibration : PowerStatistics | windows | None
            Statistics of the recording that `X` is from (:meth:`statistics`), or windows
            to compute them from, for models with ``standardise="recording"``. By default
            each recording in `X` is standardised separately.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_rois)
            In the units of the BOLD of the fit, with as many dimensions.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the windows have another length, sampling rate or lag than those of the fit,
            lack one of their channels, or hold values that are not finite; if there is a
            single window of a recording and no `calibration`; or if a model that does not
            standardise is given one.
        TypeError
            If `X` is no windows.

        Warns
        -----
        UserWarning
            If the windows cannot be EEG in microvolts.
        """
        check_is_fitted(self)
        as_windows(X).warn_of_input()
        power, scaler, regression = (step for _, step in self.pipeline_.steps)
        features = scaler.transform(power.transform(X, calibration))
        return self._in_shape(regression.predict(features))

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
        return self.pipeline_["power"].statistics(X)

    def weights(self, roi_names: Sequence[str] | None = None) -> pd.DataFrame:
        """Give the weights by name.

        Parameters
        ----------
        roi_names : sequence of str | None
            Names of the regions. By default they are numbered.

        Returns
        -------
        pandas.DataFrame, shape (n_chans * n_bands * n_lags, n_rois)
            Weights of the standardised features, in units of the BOLD; rows by
            ``channel``, ``band`` and ``lag`` (seconds before the volume).

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If there are not as many names as regions.
        """
        check_is_fitted(self)
        n_rois = len(self.coef_)
        names = list(range(n_rois)) if roi_names is None else list(roi_names)
        if len(names) != n_rois:
            raise ValueError(f"The model has {n_rois} regions, got {len(names)} names.")
        levels = [self.ch_names_, self.band_names_, self.lags_]
        codes = np.indices([len(level) for level in levels]).reshape(3, -1)
        # pandas takes levels in our order as sorted, and finds rows without warnings.
        index = pd.MultiIndex(levels, codes, names=["channel", "band", "lag"])
        return pd.DataFrame(self.coef_.reshape(n_rois, -1).T, index, names)

    def _band_power(self) -> BandPower:
        names = ("bands", "segment_seconds", "step_seconds", "n_lags", "standardise")
        settings = {name: getattr(self, name) for name in (*names, "sfreq")}
        return BandPower(**settings)

    @abstractmethod
    def _regression(self, power: BandPower) -> GroupedRidge | GroupedSparseGroupLasso:
        """Make the regression of BOLD on the features."""


class LaggedBandPower(_LaggedPowerRegressor):
    """Ridge regression of BOLD on lagged log band power.

    The linear baseline of EEG-to-fMRI prediction: the power of each channel in the
    classical bands, at each lag before the volume. The weights over lags are a
    separate haemodynamic response for each channel, band and region. The penalty is
    chosen for each region by cross-validation over subjects, or over recordings, or
    over blocks of a single recording.

    Parameters
    ----------
    bands : mapping of str to (float, float) | int | None
        Bands in Hz, or their number; as in :class:`BandPower`. By default delta to
        gamma.
    segment_seconds : float, default 2.0
        Length of a segment whose power is computed, in seconds.
    step_seconds : float | None
        Time from one segment to the next in seconds. By default the length of a
        segment, so that they do not overlap.
    n_lags : int | None
        Number of segments, counted from the end of the window. By default as many as
        fit.
    standardise : {"recording", None}, default None
        Whether the log power of each channel and band is brought to zero mean and unit
        variance within each recording, as in :class:`BandPower`.
    sfreq : float | None
        Sampling rate in Hz. By default that of the windows, or 200 for plain arrays.
    alphas : sequence of float | None
        Penalties to choose from. By default 19 from 0.1 to 1e8.

    Attributes
    ----------
    pipeline_ : sklearn.pipeline.Pipeline
        Band power, standardisation and regression, fitted.
    coef_ : ndarray, shape (n_rois, n_chans, n_bands, n_lags)
        Weights of the standardised features; :meth:`weights` gives them by name.
    ch_names_, band_names_ : list of str
        Names of its axes.
    lags_ : ndarray, shape (n_lags,)
        Seconds before the volume, decreasing.
    penalty_ : ndarray, shape (n_rois,)
        The chosen penalties.

    See Also
    --------
    BandPowerGP : A smooth prior instead of a single penalty; standard deviations.
    SparseBandPower : Few channels, bands and lags.
    RidgeFingerprint : The same with finer bands and lags.

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
        bands: Mapping[str, tuple[float, float]] | int | None = None,
        segment_seconds: float = 2.0,
        step_seconds: float | None = None,
        n_lags: int | None = None,
        standardise: str | None = None,
        sfreq: float | None = None,
        alphas: Sequence[float] | None = None,
    ):
        self.bands = bands
        self.segment_seconds = segment_seconds
        self.step_seconds = step_seconds
        self.n_lags = n_lags
        self.standardise = standardise
        self.sfreq = sfreq
        self.alphas = alphas

    def _regression(self, power: BandPower) -> GroupedRidge:
        return GroupedRidge(self.alphas)


class SparseBandPower(_LaggedPowerRegressor):
    """Sparse group lasso of BOLD on lagged log band power.

    Uses few channels and bands and, within them, few lags (after Mehta et al. 2025);
    the lags of a channel and band are a group. Otherwise as :class:`LaggedBandPower`.

    Parameters
    ----------
    bands : mapping of str to (float, float) | int | None
        Bands in Hz, or their number; as in :class:`BandPower`. By default delta to
        gamma.
    segment_seconds : float, default 2.0
        Length of a segment whose power is computed, in seconds.
    step_seconds : float | None
        Time from one segment to the next in seconds. By default the length of a
        segment, so that they do not overlap.
    n_lags : int | None
        Number of segments, counted from the end of the window. By default as many as
        fit.
    standardise : {"recording", None}, default None
        Whether the log power of each channel and band is brought to zero mean and unit
        variance within each recording, as in :class:`BandPower`.
    sfreq : float | None
        Sampling rate in Hz. By default that of the windows, or 200 for plain arrays.
    l1_ratio : float, default 0.5
        Share of the lasso in the penalty: 1 is the lasso, 0 the group lasso.
    n_penalties : int, default 10
        Number of penalties to choose from.

    Attributes
    ----------
    pipeline_, coef_, ch_names_, band_names_, lags_, penalty_
        As in :class:`LaggedBandPower`.

    References
    ----------
    Mehta, et al. (2025). arXiv:2504.10752. https://arxiv.org/abs/2504.10752

    Simon, N., Friedman, J., Hastie, T., & Tibshirani, R. (2013). A Sparse-Group
    Lasso. Journal of Computational and Graphical Statistics 22, 231-245.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.linear import SparseBandPower
    >>> windows = create_bold_windows(SimulatedEEGfMRI(2, duration=60.0).load())
    >>> model = SparseBandPower(n_penalties=4).fit(windows.X, windows.y)
    >>> bool((model.coef_ == 0).mean() > 0.5)
    True
    """

    def __init__(
        self,
        bands: Mapping[str, tuple[float, float]] | int | None = None,
        segment_seconds: float = 2.0,
        step_seconds: float | None = None,
        n_lags: int | None = None,
        standardise: str | None = None,
        sfreq: float | None = None,
        l1_ratio: float = 0.5,
        n_penalties: int = 10,
    ):
        self.bands = bands
        self.segment_seconds = segment_seconds
        self.step_seconds = step_seconds
        self.n_lags = n_lags
        self.standardise = standardise
        self.sfreq = sfreq
        self.l1_ratio = l1_ratio
        self.n_penalties = n_penalties

    def _regression(self, power: BandPower) -> GroupedSparseGroupLasso:
        return GroupedSparseGroupLasso(len(power.lags_), self.l1_ratio, self.n_penalties)


class RidgeFingerprint(LaggedBandPower):
    """Ridge regression on the EEG finger-print of Meir-Hasson et al. (2014).

    :class:`LaggedBandPower` on the published features: power in ten bands of equal
    spectral energy, four times a second, at 48 lags from 0 to 12 s, standardised within
    each recording. **Changed**: all channels at once (the original picks one), so that
    all regions are predicted by one fit; the penalty is chosen for each region across
    subjects. **Unknown**: the length of the segments; 2 s here, which resolves
    frequencies 0.5 Hz apart. A lag counts from the end of a segment, so its centre is
    another second earlier.

    There is a feature for each channel, band and lag: 26 channels make 12,480, and
    16,000 windows of them take 800 MB.

    Parameters
    ----------
    bands : mapping of str to (float, float) | int | None, default 10
        Bands in Hz, or their number; as in :class:`BandPower`. 10 makes as many
        bands of equal energy.
    segment_seconds : float, default 2.0
        Length of a segment whose power is computed, in seconds.
    step_seconds : float | None, default 0.25
        Time from one segment to the next in seconds.
    n_lags : int | None, default 48
        Number of segments, counted from the end of the window. None: as many as fit.
    standardise : {"recording", None}, default "recording"
        Whether the log power of each channel and band is brought to zero mean and unit
        variance within each recording, as in :class:`BandPower`.
    sfreq : float | None
        Sampling rate in Hz. By default that of the windows, or 200 for plain arrays.
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
        bands: Mapping[str, tuple[float, float]] | int | None = 10,
        segment_seconds: float = 2.0,
        step_seconds: float | None = 0.25,
        n_lags: int | None = 48,
        standardise: str | None = "recording",
        sfreq: float | None = None,
        alphas: Sequence[float] | None = None,
    ):
        super().__init__(
            bands, segment_seconds, step_seconds, n_lags, standardise, sfreq, alphas
        )
