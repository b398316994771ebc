"""Predicting from recordings, as methods of a predictor."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import mne
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._checks import check_number
from .._text import counted
from ..recording import Recording
from .images import as_image, regions_of_atlas
from .preparation import Preparation, as_recording
from .running import Run, needs_calibration, predicts_std, takes_part

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = ["Predicting"]

logger = logging.getLogger(__name__)

_ONE_SD = 0.6827
_TRAINED = "trained"


class Predicting:
    """``predict``, with intervals and as images, and ``calibrate`` of BOLDPredictor."""

    def predict(
        self,
        raw: mne.io.BaseRaw | Recording,
        tr: float | None = None,
        times: ArrayLike | None = None,
        *,
        return_std: bool = False,
        montage: str | None = _TRAINED,
        missing: str = "auto",
        calibration: Any = None,
        progress: bool = True,
    ) -> pd.DataFrame | tuple[pd.DataFrame, pd.DataFrame]:
        """Predict the BOLD of a recording.

        Long recordings are read, prepared and predicted in pieces.

        Parameters
        ----------
        raw : mne.io.BaseRaw | Recording
            EEG as read, of any length; markers are not needed. It is prepared here as
            the training recordings were.
        tr : float | None
            Predict every so many seconds: at its multiples, from the first with a full
            window to the end of the recording (and `lag_seconds` more). By default the
            repetition time of training, ``tr_``.
        times : array-like, shape (n_times,) | None
            Predict at these times instead, in seconds from the start of the recording.
        return_std : bool, default False
            Return standard deviations, too: of the model if it gives any (BandPowerGP, a
            network with a closed-form, Gaussian or flow head), otherwise those that its
            errors on people who were left out had.
        montage : str | None, default "trained"
            As in :func:`~braindecode_bolt.prepare_eeg`, where the recording is of another
            net than those of training. None: electrodes have names of 10-05 sites.
            ``"trained"``: as in training.
        missing : {"auto", "interpolate", "raise"}, default "auto"
            What to do if electrodes of training are missing. ``"auto"`` (default) leaves
            it to models that can do with a part of them (BandPowerGP, NeuroBOLT,
            LabramBOLD), and is an error with others. ``"interpolate"`` adds them by MNE's
            spherical splines, if fewer than half are missing. In both cases they are
            logged. ``"raise"``: an error.
        calibration : PowerStatistics | mne.io.BaseRaw | None
            For models that standardise by the recording: statistics to use instead of
            those of the whole recording, or another recording of the person, same day
            and cap, to compute them from.
        progress : bool, default True
            Show a bar where there are several pieces.

        Returns
        -------
        mean : pandas.DataFrame, shape (n_times, n_rois)
            Indexed by seconds from the start of the recording; in the units of the
            training BOLD. NaN where there is no window: before a full one, at BAD
            annotations, across joints. How many is logged, and is in
            ``attrs["left_out"]``.
        std : pandas.DataFrame, shape (n_times, n_rois)
            Only with `return_std`; in the units of the training BOLD.

        Raises
        ------
        NotFittedError
            If the predictor is not fitted.
        ChannelNameError
            If electrodes are missing and the model needs them.
        ValueError
            If no time has a window, the EEG cannot be in volts, an argument is out of
            range, `tr` and `times` are both given, there are no standard deviations, or
            the model makes no use of a calibration.
        TypeError
            If `raw` or an argument is not of the right type.

        See Also
        --------
        predict_interval : Bounds that hold for people who were not seen.
        predict_image : Volumes of the brain.
        """
        self._check_fitted()
        if return_std and not predicts_std(self.regressor_) and self.intervals_ is None:
            raise ValueError(
                f"{self._name} gives no standard deviations of its own. Fit it with cv=5 "
                "or so: then they are known from people who were left out."
            )
        recording = as_recording(raw)
        run = self._run(recording, montage, missing, calibration, progress)
        moments = self._moments(run.preparation.seconds, tr, times)
        own = return_std and predicts_std(self.regressor_)
        mean, std, reasons = run.predict(moments, own)
        table = self._table(self._scaled(mean), moments)
        table.attrs["left_out"] = _left_out(recording.name, reasons)
        if not return_std:
            return table
        if own:
            return table, self._table(std * self.target_scale_, moments)
        width = np.where(np.isnan(mean), np.nan, self.intervals_.half_width(_ONE_SD))
        return table, self._table(width, moments)

    def _scaled(self, predicted: np.ndarray) -> np.ndarray:
        """Predictions in the units of the BOLD; one column is never taken for several."""
        if predicted.shape[1] != len(self.roi_names_):
            raise ValueError(
                f"The model predicts {counted(predicted.shape[1], 'region')}, the "
                f"predictor has {len(self.roi_names_)} ({', '.join(self.roi_names_[:8])}). "
                "Give from_fitted the windows that the model was fitted to."
            )
        return predicted * self.target_scale_ + self.target_mean_

    def score(self, recordings: Iterable[Recording], **arguments: Any) -> pd.DataFrame:
        """Score predictions of recordings that have fMRI.

        Of people, or parts of a scan, that the model was not trained on: only those say
        how good it is.

        Parameters
        ----------
        recordings : iterable of Recording
            As for `fit`: as read, with volume markers that carry BOLD.
        **arguments : Any
            Further ones of :meth:`predict`: `montage`, `missing`, `calibration`,
            `progress`.

        Returns
        -------
        pandas.DataFrame, shape (n_rois, 4)
            As ``scores_``: ``region``, ``r`` (Pearson R, mean over recordings), ``r_sd``
            (its standard deviation over recordings), ``mse`` (in variances of the training
            BOLD).

        Raises
        ------
        NotFittedError
            If the predictor is not fitted.
        ValueError
            If a recording lacks a region of the model, there are no recordings, or as in
            :meth:`predict`.
        MarkerError
            If a recording has no BOLD.
        TypeError
            If there is something else among the recordings.

        Examples
        --------
        >>> from braindecode_bolt import BOLDPredictor
        >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
        >>> recordings = SimulatedEEGfMRI(3, duration=120.0).load()
        >>> predictor = BOLDPredictor("LaggedBandPower").fit(recordings[:2])
        >>> predictor.score(recordings[2:]).columns.tolist()
        ['region', 'r', 'r_sd', 'mse']
        """
        from .scoring import score

        self._check_fitted()
        return score(self, recordings, arguments)

    def predict_interval(
        self,
        raw: mne.io.BaseRaw | Recording,
        tr: float | None = None,
        times: ArrayLike | None = None,
        level: float = 0.9,
        **arguments: Any,
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Predict with intervals that hold for people who were not seen in training.

        Parameters
        ----------
        raw : mne.io.BaseRaw | Recording
            As in :meth:`predict`.
        tr : float | None
            Predict every so many seconds, as in :meth:`predict`.
        times : array-like, shape (n_times,) | None
            Predict at these times instead, as in :meth:`predict`.
        level : float, default 0.9
            What part of a new person's volumes lies in the interval, on average over
            people (:class:`~braindecode_bolt.metrics.SubjectIntervals`): 0.01 to 0.995.
        **arguments : Any
            Further ones of :meth:`predict`: `montage`, `missing`, `calibration`,
            `progress`.

        Returns
        -------
        mean : pandas.DataFrame, shape (n_times, n_rois)
            As of :meth:`predict`.
        lower : pandas.DataFrame, shape (n_times, n_rois)
            Lower ends of the intervals, in the units of the training BOLD; NaN where there
            is no prediction.
        upper : pandas.DataFrame, shape (n_times, n_rois)
            Upper ends.

        Raises
        ------
        NotFittedError
            If the predictor is not fitted.
        ValueError
            If the errors on people who were left out are not known (``fit(..., cv=5)``),
            `level` is out of range, or as in :meth:`predict`.
        ChannelNameError
            If electrodes are missing and the model needs them.
        TypeError
            If `raw` or an argument is not of the right type.

        Warns
        -----
        UserWarning
            If the predictor was tested on too few people to promise this level.
        """
        self._check_fitted()
        if self.intervals_ is None:
            raise ValueError(
                "This predictor has no intervals: its errors on people who were left out "
                "are not known. Fit it with cv=5 or so."
            )
        arguments.pop("return_std", None)
        spread = None
        if self.intervals_.uses_spread_:
            mean, std = self.predict(raw, tr, times, return_std=True, **arguments)
            spread = std.to_numpy()
        else:
            mean = self.predict(raw, tr, times, **arguments)
        there = mean.notna().all(axis=1).to_numpy()
        bounds = np.full((2, *mean.shape), np.nan)
        bounds[:, there] = self.intervals_.interval(
            mean.to_numpy()[there], level, None if spread is None else spread[there]
        )
        return mean, *(self._table(values, mean.index.to_numpy()) for values in bounds)

    def predict_image(
        self,
        raw: mne.io.BaseRaw | Recording,
        tr: float | None = None,
        voxel_mm: float | None = None,
        **arguments: Any,
    ) -> Nifti1Image:
        """Predict volumes of the brain.

        Parameters
        ----------
        raw : mne.io.BaseRaw | Recording
            As in :meth:`predict`.
        tr : float | None
            Repetition time of the volumes in seconds, as in :meth:`predict`.
        voxel_mm : float | None
            Size of the voxels in mm. By default that of the atlas. 500 volumes on the grid
            of DiFuMo at 2 mm take 2.7 GB, at 4 mm 0.3 GB.
        **arguments : Any
            Further ones of :meth:`predict`, without `return_std`.

        Returns
        -------
        Nifti1Image, shape (x, y, z, n_times)
            In the space of the atlas, with the repetition time; see :func:`.as_image`.
            It has only what the regions say: no detail within a region is predicted.
            Volumes without a prediction are 0.

        Raises
        ------
        NotFittedError
            If the predictor is not fitted.
        ValueError
            If there is no atlas, or it lacks regions; if `times` are given and are not at
            regular distances; or as in :meth:`predict`.
        ChannelNameError
            If electrodes are missing and the model needs them.
        TypeError
            If `raw` or an argument is not of the right type.
        """
        self._check_fitted()
        regions_of_atlas(self.atlas, self.labels, self.roi_names_)  # Before long work.
        table = self.predict(raw, tr, **arguments)
        return as_image(table, self.atlas, self.labels, voxel_mm)

    def _run(
        self,
        recording: Recording,
        montage: str | None = _TRAINED,
        missing: str = "auto",
        calibration: Any = None,
        progress: bool = True,
    ) -> Run:
        eeg = dict(self.eeg)
        if montage != _TRAINED:
            eeg["montage"] = montage
        preparation = Preparation.of(
            recording, self.ch_names_, eeg, takes_part(self.regressor_), missing
        )
        run = Run(
            self.regressor_,
            preparation,
            self.window_seconds,
            self.lag_seconds,
            self.baseline_,
            progress,
        )
        if calibration is not None and not needs_calibration(self.regressor_):
            raise ValueError(
                "calibration was given, and this model standardises nothing by the "
                "recording: leave it out."
            )
        run.calibration = calibration
        step = self.tr_ if np.isfinite(self.tr_) else 2.0
        if calibration is None:
            run.calibration = run.calibrate(step)
        elif isinstance(calibration, mne.io.BaseRaw | Recording):
            other = self._run(as_recording(calibration), montage, missing, None, progress)
            run.calibration = other.calibration
        return run

    def calibrate(self, raw: mne.io.BaseRaw | Recording, **arguments: Any) -> Any:
        """Compute what a model needs to know of a recording before it predicts from it.

        Parameters
        ----------
        raw : mne.io.BaseRaw | Recording
            Some minutes of the person's EEG, as read.
        **arguments : Any
            ``montage``, ``missing`` and ``progress``, as in :meth:`predict`.

        Returns
        -------
        PowerStatistics | None
            For the `calibration` of :meth:`predict`. None for models that need nothing.

        Raises
        ------
        NotFittedError
            If the predictor is not fitted.
        ChannelNameError
            If electrodes are missing and the model needs them.
        ValueError
            If the recording has fewer than two windows, or its EEG cannot be in volts.
        TypeError
            If `raw` is something else.
        """
        self._check_fitted()
        return self._run(as_recording(raw), **arguments).calibration

    def _moments(
        self, seconds: float, tr: float | None, times: ArrayLike | None
    ) -> np.ndarray:
        if times is not None:
            if tr is not None:
                raise ValueError("Give tr or times, not both.")
            moments = np.asarray(times, float)
            if moments.ndim != 1 or not len(moments) or not np.isfinite(moments).all():
                raise ValueError(
                    "times must be a list of finite numbers, seconds from the start of "
                    f"the recording; got an array of shape {moments.shape}."
                )
            return moments
        tr = self.tr_ if tr is None else tr
        check_number(tr, "tr", low=0, inclusive="neither")
        first = int(np.ceil((self.window_seconds + self.lag_seconds) / tr - 1e-9))
        last = int(np.floor((seconds + self.lag_seconds) / tr + 1e-9))
        if last < first:
            raise ValueError(
                f"{seconds:.1f} s of EEG hold no window of {self.window_seconds:g} s that "
                f"ends at a multiple of {tr:g} s."
            )
        return tr * np.arange(first, last + 1)

    def _table(self, values: np.ndarray, moments: np.ndarray) -> pd.DataFrame:
        index = pd.Index(moments, name="time")
        return pd.DataFrame(values, index, self.roi_names_)


def _left_out(name: str, reasons: np.ndarray) -> dict[str, int]:
    left = reasons[reasons != ""]
    counts = {str(reason): int((left == reason).sum()) for reason in np.unique(left)}
    if counts:
        texts = {
            "no_full_window": "without a full window",
            "touches_bad": "with a BAD annotation",
            "crosses_joint": "across a joint",
            "not_prepared": "in a part that cannot be prepared",
        }
        listed = ", ".join(f"{number} {texts[reason]}" for reason, number in counts.items())
        # Before the first full window there is nothing to be done about it.
        usual = counts.keys() == {"no_full_window"}
        logger.log(
            logging.INFO if usual else logging.WARNING,
            "%s: no prediction at %d of %s: %s",
            name,
            len(left),
            counted(len(reasons), "time"),
            listed,
        )
    return counts
