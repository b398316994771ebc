"""Band power of windows at lags before the volume."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from scipy.fft import rfftfreq
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._checks import check_lag, check_number
from ..splits import recording_labels
from ..windows.features import FeatureWindows
from ..windows.inputs import Input
from ..windows.lazy import LazyWindows
from ._spectra import band_weights, energy, segment_power
from ._windows import as_windows, one_recording
from .bands import BANDS, check_bands, equal_energy
from .standardising import PowerStatistics, standardise_recordings

__all__ = ["BandPower"]


#: Range of the bands of equal energy, in Hz.
_RANGE = (1.0, 45.0)
# The log power of a silent segment must be finite.
_SILENCE = 1e-6


class BandPower(TransformerMixin, BaseEstimator):
    """Log power of each channel in frequency bands, along the window.

    The window is cut into segments, each at a lag before the volume. A linear model of
    all segments therefore includes a separate haemodynamic response for each channel
    and band. The mean of each segment is subtracted and the segment multiplied with a
    Hann window, so the baseline of the whole window has no influence. Windows of
    LazyWindows that share a segment, as those of neighbouring volumes may, share its
    spectrum; the values are those of plain arrays.

    Windows of :func:`~braindecode_bolt.windows.create_feature_windows` hold band power
    already: their features are used unchanged (of the bands that are named in
    `bands`, else all), at the lags of their volumes.

    Parameters
    ----------
    bands : mapping of str to (float, float) | int | None
        Bands in Hz, the upper end not included. A number makes as many bands of equal
        energy between 1 and 45 Hz from the training windows [1]_.
        By default delta to gamma (1 to 45 Hz).
    segment_seconds : float, default 2.0
        Length of a segment in seconds.
    step_seconds : float | None
        Time from the start of one segment to that of the next, in seconds. By default
        the length of a segment, so that they do not overlap.
    n_lags : int | None
        Number of segments, counted from the end of the window. By default as many
        as fit.
    standardise : {"recording", None}, default None
        Whether the log power of each channel and band is brought to zero mean and
        unit variance within each recording, over the windows that are transformed
        together. This removes differences between subjects (skulls, caps), and a
        single window cannot be transformed. Windows without a known recording count
        as one recording.
    sfreq : float | None
        Sampling rate in Hz. By default that of the windows, or 200 for plain
        arrays.

    Attributes
    ----------
    ch_names_ : list of str
        Channels; ``ch0``, ``ch1``, ... if they have no names.
    bands_ : dict of str to (float, float)
        Bands in Hz.
    lags_ : ndarray, shape (n_lags,)
        Seconds from the centre of each segment to the volume, decreasing: to the end of
        the window, and from there the ``lag_seconds`` of the windows.
    feature_names_out_ : ndarray of str, shape (n_features,)
        ``channel:band:lag``.

    References
    ----------
    .. [1] Meir-Hasson, Y., Kinreich, S., Podlipsky, I., Hendler, T., & Intrator, N.
       (2014). An EEG Finger-Print of fMRI deep regional activation. NeuroImage 102,
       128-141.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.linear import BandPower
    >>> power = BandPower({"alpha": (8, 13)}).fit(np.random.randn(3, 2, 3200))
    >>> power.transform(np.random.randn(3, 2, 3200)).shape, power.lags_[[0, -1]]
    ((3, 16), array([15.,  1.]))
    """

    def __init__(
        self,
        bands: Mapping[str, tuple[float, float]] | int | None = None,
        segment_seconds: float = 2.0,
        step_seconds: float | None = None,
        n_lags: int | None = None,
        standardise: str | None = None,
        sfreq: float | None = None,
    ):
        self.bands = bands
        self.segment_seconds = segment_seconds
        self.step_seconds = step_seconds
        self.n_lags = n_lags
        self.standardise = standardise
        self.sfreq = sfreq

    def fit(self, X: Any, y: Any = None) -> BandPower:
        """Read the shape of the windows, and find bands if a number of them is given.

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
            If a segment is longer than the window or too short for a band, the window
            is too short for `n_lags`, bands are not pairs of increasing frequencies,
            `sfreq` is not that of the windows, or an argument is out of range.
        TypeError
            If an argument is not a number, or `X` is no windows.
        """
        source = as_windows(X)
        n_chans, n_times = source.data.shape[1:]
        if isinstance(source.data, FeatureWindows):
            return self._fit_given(source.data)
        self.sfreq_ = sfreq = self._sfreq_of(source)
        self.lag_seconds_ = source.lag_seconds
        if self.standardise not in ("recording", None):
            raise ValueError(
                f'standardise must be "recording" or None, got {self.standardise!r}.'
            )
        self.shape_ = (n_chans, n_times)
        self._set_lags(n_times, sfreq)
        frequency = rfftfreq(self.n_segment_, 1 / sfreq)
        self.bands_ = self._find_bands(source, frequency)
        self.taper_, self.weights_ = band_weights(
            self.bands_, frequency, self.n_segment_, sfreq
        )
        empty = [
            name
            for name, weights in zip(self.bands_, self.weights_, strict=True)
            if not (weights > 0).any()
        ]
        if empty:
            raise ValueError(
                f"No frequency of a {self.segment_seconds:g} s segment at {sfreq:g} Hz "
                f"lies in {', '.join(empty)}. Use longer segments or other bands."
            )
        self.given_, self.named_ = False, source.ch_names is not None
        self.ch_names_ = source.ch_names or [f"ch{index}" for index in range(n_chans)]
        self._name_features()
        return self

    def _name_features(self) -> None:
        self.feature_names_out_ = np.array(
            [
                f"{ch}:{band}:{lag:g}"
                for ch in self.ch_names_
                for band in self.bands_
                for lag in self.lags_
            ]
        )

    def _fit_given(self, windows: FeatureWindows) -> BandPower:
        """Take features of a table for band power."""
        layout, n_most = windows.layout, windows.shape[-1]
        wanted = self.bands if isinstance(self.bands, Mapping) else layout.band_names
        missing = [name for name in wanted if name not in layout.band_names]
        if missing:
            raise ValueError(
                f"The features have no band {', '.join(missing)}; they have "
                f"{', '.join(layout.band_names)}."
            )
        n_lags = n_most if self.n_lags is None else self.n_lags
        if not isinstance(n_lags, Integral) or not 1 <= n_lags <= n_most:
            raise ValueError(
                f"n_lags must lie between 1 and {n_most}, as many volumes as a window of "
                f"features holds; got {self.n_lags}."
            )
        self.sfreq_, self.shape_ = windows.sfreq, windows.shape[1:]
        unknown = (np.nan, np.nan)
        self.bands_ = {name: layout.bands.get(name, unknown) for name in wanted}
        self.lags_ = np.arange(n_lags)[::-1] / windows.sfreq
        self.given_, self.named_ = True, True
        self.ch_names_ = list(layout.ch_names)
        self._name_features()
        return self

    def _transform_given(self, windows: FeatureWindows) -> np.ndarray:
        layout = windows.layout
        missing = [name for name in self.bands_ if name not in layout.band_names]
        missing += [name for name in self.ch_names_ if name not in layout.ch_names]
        if missing or windows.shape[-1] < len(self.lags_):
            raise ValueError(
                f"Fitted on features of {', '.join(self.ch_names_)} in "
                f"{', '.join(self.bands_)} at {len(self.lags_)} volumes, got such of "
                f"{', '.join(layout.ch_names)} in {', '.join(layout.band_names)} at "
                f"{windows.shape[-1]} volumes."
            )
        rows = [layout.ch_names.index(name) for name in self.ch_names_]
        columns = [layout.band_names.index(name) for name in self.bands_]
        power = windows.by_electrode()[:, rows][:, :, columns]
        return power[..., -len(self.lags_) :].copy()

    def _sfreq_of(self, source: Input) -> float:
        known = None if source.info is None else float(source.info["sfreq"])
        given = self.sfreq
        if given is not None:
            check_number(given, "sfreq", low=0, inclusive="neither")
        if known is not None and given is not None and not np.isclose(known, given):
            raise ValueError(
                f"The windows are sampled at {known:g} Hz, and sfreq is {given:g} Hz. "
                "Leave sfreq out, or resample the windows."
            )
        return known or given or 200.0

    def _set_lags(self, n_times: int, sfreq: float) -> None:
        step = self.segment_seconds if self.step_seconds is None else self.step_seconds
        check_number(self.segment_seconds, "segment_seconds", low=0)
        check_number(step, "step_seconds", low=0)
        self.n_segment_ = round(self.segment_seconds * sfreq)
        n_step = round(step * sfreq)
        if self.n_segment_ < 1 or n_step < 1:
            raise ValueError(
                "segment_seconds and step_seconds must hold at least one sample, got "
                f"{self.segment_seconds:g} and {step:g} s at {sfreq:g} Hz."
            )
        most = (
            (n_times - self.n_segment_) // n_step + 1 if n_times >= self.n_segment_ else 0
        )
        n_lags = most if self.n_lags is None else self.n_lags
        if most < 1:
            raise ValueError(
                f"A segment of {self.segment_seconds:g} s does not fit a window of "
                f"{n_times / sfreq:g} s."
            )
        if not isinstance(n_lags, Integral) or not 1 <= n_lags <= most:
            raise ValueError(
                f"n_lags must be a whole number between 1 and {most}, the number of "
                f"segments in a window of {n_times / sfreq:g} s; got {self.n_lags!r}."
            )
        before = np.arange(n_lags)[::-1] * n_step
        self.offsets_ = n_times - self.n_segment_ - before
        self.lags_ = (before + self.n_segment_ / 2) / sfreq + (self.lag_seconds_ or 0.0)

    def _find_bands(
        self, source: Input, frequency: np.ndarray
    ) -> dict[str, tuple[float, float]]:
        if self.bands is None:
            return dict(BANDS)
        if isinstance(self.bands, Mapping):
            return check_bands(self.bands)
        inside = np.flatnonzero((frequency >= _RANGE[0]) & (frequency < _RANGE[1]))
        whole = isinstance(self.bands, Integral) and not isinstance(self.bands, bool)
        if not whole or not 1 <= self.bands <= len(inside):
            raise ValueError(
                f"bands must be a mapping, or a number between 1 and {len(inside)}, the "
                f"frequencies of a {self.segment_seconds:g} s segment between "
                f"{_RANGE[0]:g} and {_RANGE[1]:g} Hz; got {self.bands!r}."
            )
        found = energy(source, self.offsets_, self.n_segment_, inside)
        if not 0 < found.sum() < np.inf:
            raise ValueError(
                "No bands of equal energy can be found in EEG that is silent or not finite."
            )
        return equal_energy(found, frequency[inside], self.bands)

    def transform(self, X: Any, calibration: Any = None) -> np.ndarray:
        """Compute the features.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts. Channels with names are found by name: their order does
            not matter, and additional channels are not used.
        calibration : PowerStatistics | windows | None
            What :meth:`statistics` gives for the recording of `X`, or windows to compute
            it from. By default each recording in `X` is standardised separately, if it
            is.

        Returns
        -------
        ndarray, shape (n_windows, n_chans * n_bands * n_lags)
            Log of squared microvolts per Hz (or standardised), float32.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        ValueError
            If the windows have another length, sampling rate or lag than those of the
            fit, lack one of their channels, or hold values that are not finite; if
            recordings are standardised, and there is only one window of a recording; or
            if they are not, and there is a `calibration`.
        TypeError
            If `X` is no windows.
        """
        check_is_fitted(self)
        if calibration is not None:
            calibration = self._checked(calibration)
        source = as_windows(X)
        windows = source.data
        if isinstance(windows, FeatureWindows) != self.given_:
            kinds = ("windows of EEG", "windows of a table of features")
            raise ValueError(
                f"Fitted on {kinds[self.given_]}, got {kinds[not self.given_]}."
            )
        power = self._transform_given(windows) if self.given_ else self._log_power(source)
        if self.standardise and calibration is not None:
            power = calibration.part(self.ch_names_, list(self.bands_)).centre(power)
        elif self.standardise:
            standardise_recordings(power, recording_labels(windows))
        return power.reshape(len(windows), -1)

    def _checked(self, calibration: Any) -> PowerStatistics:
        if not self.standardise:
            raise ValueError(
                "calibration is not used by a model with standardise=None, which "
                "uses unchanged power."
            )
        if isinstance(calibration, PowerStatistics):
            return calibration
        return self.statistics(calibration)

    def statistics(self, X: Any) -> PowerStatistics:
        """Compute the statistics of a recording, to transform other windows of it.

        Parameters
        ----------
        X : windows | iterable of LazyWindows
            EEG of one recording in microvolts, or several pieces of it.

        Returns
        -------
        PowerStatistics
            For the `calibration` of :meth:`transform`.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        ValueError
            If the windows are of several recordings, or there is only one window.
        """
        raw = copy.copy(self)
        raw.standardise = None
        shape = (len(self.ch_names_), len(self.bands_), len(self.lags_))
        found = [raw.transform(part).reshape(-1, *shape) for part in one_recording(X)]
        return PowerStatistics.of(np.concatenate(found), self.ch_names_, self.bands_)

    def _log_power(self, source: Input) -> np.ndarray:
        check_lag(self.lag_seconds_, source.lag_seconds)
        windows, channels = source.data, self._channels_of(source)
        shape = (len(windows), windows.shape[1], len(self.bands_), len(self.lags_))
        power = np.empty(shape, np.float32)
        if isinstance(windows, LazyWindows):
            self._transform_recordings(windows, power)
        else:
            for row in range(len(windows)):
                power[row] = segment_power(
                    np.asarray(windows[row]), self.offsets_, self.taper_, self.weights_
                )
        if channels is not None:
            power = power[:, channels]
        broken = ~np.isfinite(power).all(axis=(1, 2, 3))
        if broken.any():
            raise ValueError(
                f"{broken.sum()} of {len(windows)} windows hold EEG that is not finite, "
                f"the first of them window {np.flatnonzero(broken)[0]}. Repair it, or "
                "leave them out."
            )
        return np.log(np.maximum(power, _SILENCE, out=power), out=power)

    def _channels_of(self, source: Input) -> list[int] | None:
        """Positions of the fitted channels; None if they are all, in the same order."""
        n_chans, n_times = source.data.shape[1:]
        if source.info is not None and not np.isclose(source.info["sfreq"], self.sfreq_):
            raise ValueError(
                f"Fitted on windows at {self.sfreq_:g} Hz, got "
                f"{source.info['sfreq']:g} Hz. Resample them."
            )
        names = source.ch_names if self.named_ else None
        missing = [name for name in self.ch_names_ if name not in names] if names else []
        if n_times != self.shape_[1] or (not names and n_chans != self.shape_[0]):
            raise ValueError(
                f"Fitted on windows of {self.shape_} channels and samples, got "
                f"{(n_chans, n_times)}."
            )
        if missing:
            raise ValueError(
                f"The windows have no channel {', '.join(missing)}, which the model was "
                f"fitted on; they have {', '.join(names)}. Interpolate it (MNE's "
                "interpolate_bads), or fit on the channels that all recordings have."
            )
        if not names or names == self.ch_names_:
            return None
        return [names.index(name) for name in self.ch_names_]

    def _transform_recordings(self, windows: LazyWindows, power: np.ndarray) -> None:
        """Transform each segment once, also if several windows share it."""
        recordings = windows.metadata["recording"].to_numpy()
        starts = windows.metadata["start"].to_numpy()
        for recording in np.unique(recordings):
            rows = np.flatnonzero(recordings == recording)
            segments = starts[rows, None] + self.offsets_
            unique, places = np.unique(segments, return_inverse=True)
            of_segments = segment_power(
                windows.signals[recording], unique, self.taper_, self.weights_
            )
            found = of_segments[..., places.reshape(segments.shape)]
            power[rows] = np.moveaxis(found, 2, 0)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the features.

        Parameters
        ----------
        input_features : None
            Not used.

        Returns
        -------
        ndarray of str, shape (n_features,)
            ``channel:band:lag``, the lag in seconds.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        """
        check_is_fitted(self)
        return self.feature_names_out_
