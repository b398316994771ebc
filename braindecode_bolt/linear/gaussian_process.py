"""A Gaussian process on band power of all regions; parameters are chosen by evidence."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.fft import rfftfreq
from sklearn.utils.validation import check_is_fitted

from ..splits import recording_labels
from ..windows.features import FeatureWindows
from ..windows.inputs import as_groups
from ..windows.lazy import LazyWindows
from ._windows import as_windows, one_recording
from .band_power import BandPower
from .bands import BANDS, check_bands
from .lagged import _LaggedPowerRegressor
from .missing_electrodes import ElectrodeCovariance
from .priors import electrode_covariance, electrode_positions
from .readout import SmoothReadout
from .standardising import PowerStatistics

__all__ = ["BandPowerGP"]

logger = logging.getLogger(__name__)

#: The fine bands: their number and range in Hz; they have equal width in octaves.
_N_FINE, _RANGE = 13, (1.0, 45.0)
#: Approximate time from one segment to the next in seconds.
_STEP = 0.5


class BandPowerGP(_LaggedPowerRegressor):
    """Gaussian process regression of BOLD on lagged log band power.

    A linear model, as :class:`LaggedBandPower`. Its prior says that weights are similar at
    neighbouring electrodes, lags and frequencies, and follow a haemodynamic response over
    lags. Noise is autocorrelated. Regions are predicted together: the covariances of their
    signals and of their noise are learned (:class:`SmoothReadout`). All length scales, the
    autocorrelation, the covariances and the bands are chosen by evidence on the training
    data, without cross-validation. Predictions have standard deviations.

    Parameters
    ----------
    bands : {"evidence", "classical", "fine"} | mapping, default "evidence"
        ``"classical"``: delta to gamma. ``"fine"``: 13 bands of equal width in octaves
        from 1 to 45 Hz. ``"evidence"``: whichever of these two has the higher evidence. Or
        bands by name, each a pair of frequencies in Hz.
    segment_seconds : float, default 2.0
        Length of a segment whose power is computed, in seconds.
    step_seconds : float | None
        Time from one segment to the next, in seconds. By default the part of the
        repetition time that is nearest to 0.5 s, so that windows of neighbouring
        volumes share their segments; 0.5 s where there is none.
    n_lags : int | None
        Number of segments, counted from the end of the window. By default as many as
        fit.
    standardise : {"recording", None}, default "recording"
        Whether the log power of each electrode and band is brought to zero mean and
        unit variance within each recording, clipped at three standard deviations. This
        uses all windows of a recording that are predicted together (only their EEG); a
        single window or a short piece needs `calibration`, see :meth:`predict`.
    sfreq : float | None
        Sampling rate in Hz. By default that of the windows, or 200 for plain arrays.
    electrode_length : float | None
        Length scale of the weights over electrodes, on the unit sphere. None (default for
        this and all below): chosen by evidence, as in :class:`SmoothReadout`.
    frequency_length : float | None
        Length scale over bands, in octaves.
    lag_length : float | None
        Length scale over lags, in seconds.
    lag_peak : float | None
        Lag at which weights are expected to be largest, in seconds; infinity: the same at
        all lags.
    rho : float | None
        Correlation of the noise of neighbouring volumes, from 0 to below 1.

    Attributes
    ----------
    coef_ : ndarray, shape (n_rois, n_chans, n_bands, n_lags)
        Posterior mean of the weights, in units of the BOLD for standardised power;
        :meth:`weights` gives them by name.
    ch_names_, band_names_ : list of str
        Names of its axes.
    lags_ : ndarray, shape (n_lags,)
        Seconds before the volume, decreasing.
    step_seconds_ : float
        Time from one segment to the next that was used.
    readout_ : SmoothReadout
        The model of the features, with ``chosen_`` (length scales, rho),
        ``signal_covariance_`` and ``noise_covariance_`` between regions.
    evidence_ : dict of str to float
        Log evidence of each of the bands that were tried, in nats.

    Notes
    -----
    Electrodes are matched by name, and their positions are those of MNE's template; the
    weights of an electrode without a position are independent of others. If electrodes of
    the fit are missing in the windows to predict, their power is predicted from the
    remaining electrodes, by the covariance of standardised power over electrodes in the
    training data, shrunk towards the smooth prior. The predictive standard deviation grows
    accordingly.

    The EEG is not re-referenced: power depends on the reference that it has.

    References
    ----------
    .. [1] Rasmussen, C. E., & Williams, C. K. I. (2006). Gaussian Processes for Machine
       Learning. MIT Press. Chapters 2 and 5: the weight-space view, and the evidence.
    .. [2] Bonilla, E. V., Chai, K. M. A., & Williams, C. K. I. (2007). Multi-task Gaussian
       process prediction. NeurIPS 2007. Covariances between outputs.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.linear import BandPowerGP
    >>> windows = create_bold_windows(SimulatedEEGfMRI(2, duration=90.0).load())
    >>> model = BandPowerGP("classical").fit(windows.X, windows.y)
    >>> mean, std = model.predict(windows.X, return_std=True)
    >>> mean.shape == std.shape == windows.y.shape
    True
    """

    #: Electrodes of the fit may be missing where it predicts.
    SOME_ELECTRODES_DO = True

    def __init__(
        self,
        bands: str | Mapping[str, tuple[float, float]] = "evidence",
        segment_seconds: float = 2.0,
        step_seconds: float | None = None,
        n_lags: int | None = None,
        standardise: str | None = "recording",
        sfreq: float | None = None,
        electrode_length: float | None = None,
        frequency_length: float | None = None,
        lag_length: float | None = None,
        lag_peak: float | None = None,
        rho: float | None = None,
    ):
        self.bands = bands
        self.segment_seconds = segment_seconds
        self.step_seconds = step_seconds
        self.n_lags = n_lags
        self.standardise = standardise
        self.sfreq = sfreq
        self.electrode_length = electrode_length
        self.frequency_length = frequency_length
        self.lag_length = lag_length
        self.lag_peak = lag_peak
        self.rho = rho

    def fit(self, X: Any, y: Any, groups: Any = None) -> BandPowerGP:
        """Choose bands, prior and covariances by evidence, and learn the weights.

        Parameters
        ----------
        X : LazyWindows | FeatureWindows | array-like (n_windows, n_chans, n_times)
            EEG in microvolts, or band power from a table.
        y : array-like, shape (n_windows,) or (n_windows, n_rois)
            BOLD.
        groups : array-like, shape (n_windows,) | None
            Recordings of plain arrays, whose windows are in the order of time. Not used
            if `X` knows its recordings.

        Returns
        -------
        BandPowerGP
            Itself.

        Raises
        ------
        ValueError
            If `X` and `y` do not fit together, the EEG cannot be in microvolts, a
            channel is flat or a region constant, a recording has a single window, or an
            argument is out of range.
        TypeError
            If `X`, `y` or an argument is not of the right type.
        """
        source, targets = self._targets(X, y)
        if self.standardise not in ("recording", None):
            raise ValueError(
                f'standardise must be "recording" or None, got {self.standardise!r}.'
            )
        windows = source.data
        recordings = recording_labels(windows, as_groups(groups, source))
        volumes = None
        if isinstance(windows, LazyWindows) and "volume" in windows.metadata:
            volumes = windows.metadata["volume"].to_numpy()
        tried = self._bands_to_try(windows)
        every = {
            name: band for bands in tried.values() for name, band in (bands or {}).items()
        }
        self.step_seconds_ = self._step(windows)
        power = self._band_power(every).fit(X)
        features = self._log_power(power, X)
        if self.standardise:
            for rows in _by_label(recordings):
                found = PowerStatistics.of(features[rows], power.ch_names_, power.bands_)
                features[rows] = found.apply(features[rows])
        positions = None
        if power.named_:
            positions = electrode_positions(power.ch_names_)
        self.evidence_, best = {}, None
        names = list(power.bands_)
        for name, bands in tried.items():
            first = names.index(next(iter(bands or names)))
            chosen = slice(first, first + len(bands or names))
            part = features[:, :, chosen]  # A view: features can be large.
            frequencies = _centres(list(power.bands_.values())[chosen])
            readout = self._readout(power.lags_, positions, frequencies)
            readout.fit(part, targets, recordings, volumes)
            self.evidence_[name] = readout.evidence_
            if best is None or readout.evidence_ > best[0].evidence_:
                best = readout, bands, part
        self.readout_, bands, features = best
        self.power_ = self._band_power(bands).fit(X) if len(tried) > 1 else power
        self.ch_names_, self.lags_ = list(power.ch_names_), power.lags_
        self.band_names_ = list(self.power_.bands_)
        self.coef_ = self.readout_.coef_
        self._learn_electrodes(features, positions)
        return self

    def _bands_to_try(self, windows: Any) -> dict[str, Mapping | None]:
        """Bands by the name of their kind; None: those that the features have."""
        if isinstance(windows, FeatureWindows):
            given = isinstance(self.bands, Mapping)
            return {"given": dict(self.bands) if given else None}
        if isinstance(self.bands, Mapping):
            return {"given": check_bands(self.bands)}
        kinds = {"classical": dict(BANDS), "fine": self._fine_bands(windows)}
        if self.bands == "evidence":
            return kinds
        if not isinstance(self.bands, str) or self.bands not in kinds:
            raise ValueError(
                'bands must be "evidence", "classical", "fine" or a mapping, got '
                f"{self.bands!r}."
            )
        return {self.bands: kinds[self.bands]}

    def _fine_bands(self, windows: Any) -> dict[str, tuple[float, float]]:
        """Bands of equal width in octaves, those that hold a frequency of a segment."""
        sfreq = getattr(windows, "sfreq", None) or self.sfreq or 200.0
        edges = np.geomspace(*_RANGE, _N_FINE + 1)
        bands = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        try:
            n_samples = round(self.segment_seconds * sfreq)
            frequency = rfftfreq(n_samples, 1 / sfreq)
        except (TypeError, ValueError):  # BandPower raises an error with an explanation.
            frequency = edges
        return {
            f"{low:.1f}-{high:.1f}Hz": (low, high)
            for low, high in bands
            if ((low <= frequency) & (frequency < high)).any()
        }

    def _step(self, windows: Any) -> float:
        if self.step_seconds is not None:
            return self.step_seconds
        if not isinstance(windows, LazyWindows) or "volume" not in windows.metadata:
            return _STEP
        table = windows.metadata[["recording", "volume", "start"]]
        table = table.sort_values(["recording", "volume"]).diff()
        following = table["start"][(table["recording"] == 0) & (table["volume"] == 1)]
        # Of most volumes, for markers fall on samples.
        n_samples = int(following.median()) if len(following) else 0
        steps = [n_samples // k for k in range(1, n_samples + 1) if n_samples % k == 0]
        steps = np.array(steps or [0]) / windows.sfreq
        nearest = float(steps[np.argmin(np.abs(steps - _STEP))])
        return nearest if abs(nearest - _STEP) < 0.4 * _STEP else _STEP

    def _band_power(self, bands: Any = None) -> BandPower:
        return BandPower(
            bands or None,
            self.segment_seconds,
            self.step_seconds_,
            self.n_lags,
            None,
            self.sfreq,
        )

    def _readout(self, *axes: Any) -> SmoothReadout:
        lags, positions, frequencies = axes
        return SmoothReadout(
            lags,
            positions,
            frequencies,
            self.electrode_length,
            self.frequency_length,
            self.lag_length,
            self.lag_peak,
            self.rho,
        )

    @staticmethod
    def _log_power(power: BandPower, X: Any) -> np.ndarray:
        shape = (len(power.ch_names_), len(power.bands_), len(power.lags_))
        return power.transform(X).reshape(-1, *shape)

    def _learn_electrodes(self, features: np.ndarray, positions: Any) -> None:
        prior = np.eye(features.shape[1])
        if positions is not None:
            length = self.readout_.chosen_["electrode_length"]
            prior = electrode_covariance(positions, length)
        self._electrodes = ElectrodeCovariance(features, prior)

    def statistics(self, X: Any) -> PowerStatistics:
        """Compute the statistics of a recording, to predict other windows of it.

        Parameters
        ----------
        X : windows | iterable of LazyWindows
            EEG of one recording in microvolts: some minutes for calibration. Or several
            pieces of it.

        Returns
        -------
        PowerStatistics
            For the `calibration` of :meth:`predict`.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the windows are of several recordings, there is only one window, or no
            electrode of the fit is available.
        """
        check_is_fitted(self)
        found = []
        for piece in one_recording(X):
            power = self._of_present(as_windows(piece))
            found.append(self._log_power(power, piece))
        return PowerStatistics.of(np.concatenate(found), power.ch_names_, power.bands_)

    def predict(
        self, X: Any, return_std: bool = False, calibration: Any = None
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict BOLD.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts. Electrodes of the fit may be missing.
        return_std : bool, default False
            Whether to return the standard deviation of the BOLD, too: from the uncertainty
            of the weights, missing electrodes, and noise.
        calibration : PowerStatistics | windows | None
            Statistics of the recording that `X` is from (:meth:`statistics`), or
            windows to compute them from. By default each recording in `X` is standardised
            separately.

        Returns
        -------
        mean : ndarray, shape (n_windows,) or (n_windows, n_rois)
            In the units of the BOLD of the fit, with as many dimensions.
        std : ndarray, shape (n_windows,) or (n_windows, n_rois)
            Only with `return_std`; in the same units.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If no electrode of the fit is available, a recording has a single window and
            there is no `calibration`, a model that does not standardise is given one, or
            the windows have another length, sampling rate or lag than those of the fit.

        Warns
        -----
        UserWarning
            If the windows cannot be EEG in microvolts.
        """
        check_is_fitted(self)
        as_windows(X).warn_of_input()
        features, there = self._features(X, calibration)
        if not return_std:
            return self._in_shape(self.readout_.predict(features))
        mean, std = self.readout_.predict(features, return_std=True)
        unknown = self._electrodes.uncertainty(self.coef_, there)
        std = np.sqrt(std.reshape(len(std), -1) ** 2 + np.diag(unknown))
        return self._in_shape(mean), self._in_shape(std)

    def region_covariance(self, X: Any, calibration: Any = None) -> np.ndarray:
        """Covariance of the predictions between regions, for each window.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts, as in :meth:`predict`.
        calibration : PowerStatistics | windows | None
            As in :meth:`predict`.

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
            As in :meth:`predict`.
        """
        check_is_fitted(self)
        features, there = self._features(X, calibration)
        unknown = self._electrodes.uncertainty(self.coef_, there)
        return self.readout_.region_covariance(features) + unknown

    def _of_present(self, source: Any) -> BandPower:
        """Band power of those electrodes of the fit that the windows have."""
        names = source.ch_names
        if isinstance(source.data, FeatureWindows):
            names = source.data.layout.ch_names
        if not self.power_.named_ or names is None:
            return self.power_
        present = [name for name in self.ch_names_ if name in names]
        if not present:
            raise ValueError(
                f"The windows have none of the electrodes that the model was fitted on "
                f"({', '.join(self.ch_names_)}); they have {', '.join(names)}."
            )
        power = copy.copy(self.power_)
        power.ch_names_ = present
        return power

    def _features(self, X: Any, calibration: Any) -> tuple[np.ndarray, list[int]]:
        """Return standardised power of all electrodes, and which of them were recorded."""
        source = as_windows(X)
        power = self._of_present(source)
        names = (power.ch_names_, list(power.bands_))
        found = self._log_power(power, X)
        if self.standardise and calibration is None:
            for rows in _by_label(recording_labels(source.data)):
                own = PowerStatistics.of(found[rows], *names)
                found[rows] = own.apply(found[rows])
        elif self.standardise:
            if not isinstance(calibration, PowerStatistics):
                calibration = self.statistics(calibration)
            found = calibration.part(*names).apply(found)
        elif calibration is not None:
            raise ValueError(
                "calibration is not used by a model with standardise=None, which "
                "uses unchanged power."
            )
        there = [self.ch_names_.index(name) for name in power.ch_names_]
        if len(there) == len(self.ch_names_):
            return found, there
        missing = [name for name in self.ch_names_ if name not in power.ch_names_]
        logger.info(
            "Power at %s is not there and is expected from the other electrodes",
            ", ".join(missing),
        )
        return self._electrodes.complete(found, there), there


def _by_label(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _centres(bands: Sequence[tuple[float, float]]) -> np.ndarray:
    """Centre of each band on a logarithmic scale; NaN where it is not known."""
    edges = np.array(bands, float)
    # From 0 Hz on there is no such centre.
    return np.sqrt(np.where(edges[:, 0] > 0, edges[:, 0], edges[:, 1] / 4) * edges[:, 1])
