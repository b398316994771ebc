"""BOLDPredictor: a fitted model with all that is needed to use it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import mne
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from .._checks import check_number
from .._text import counted
from ..bold.targets import LOW_PASS
from ..eeg.prepare import SFREQ
from ..metrics import SubjectIntervals
from ..recording import Recording
from ..training import make_estimator
from ..windows.create import BOLDWindows
from .images import as_image, is_named, regions_of_atlas
from .learning import (
    Fitted,
    HeldOut,
    fit_model,
    hold_out,
    scores_of,
    training_windows,
)
from .preparation import EEG_OPTIONS, Preparation, as_recording
from .record import training_record
from .running import Run, inner, predicts_std, takes_part
from .saved import SavedPredictor

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = ["BOLDPredictor"]

logger = logging.getLogger(__name__)

_ONE_SD = 0.6827
_TRAINED = "trained"


class BOLDPredictor(SavedPredictor):
    """Predict the BOLD of brain regions from EEG, with or without fMRI.

    A regressor with what is needed to use it: how EEG is prepared, the window, the
    electrodes, the regions and their atlas, the scale of the BOLD, how sure predictions
    are, and where it was trained. It takes recordings as they are read, not prepared
    ones, and can be saved in a folder.

    Parameters
    ----------
    model : str | estimator, default "BandPowerGP"
        A name of :func:`~braindecode_bolt.make_estimator`, or a regressor of windows:
        :class:`~braindecode_bolt.EEGRegressor`, a linear model, or scikit-learn's
        ``TransformedTargetRegressor`` around one. It is not changed.
    eeg : mapping | None
        Arguments of :func:`~braindecode_bolt.prepare_eeg`: ``sfreq``, ``channels``,
        ``high_pass``, ``reference``, ``montage``, ``montage_distance_mm`` and
        ``cache_dir``, with its defaults. ``channels`` may be ``"common"``: the electrodes
        that all recordings have. `cache_dir` is used in :meth:`fit` only.
    bold : mapping | None
        Arguments of :func:`~braindecode_bolt.prepare_bold`: ``low_pass`` in Hz, by
        default 0.15; None for no filter.
    window_seconds : float, default 16.0
        Length of a window in seconds.
    lag_seconds : float, default 0.0
        Time from the end of a window to its volume in seconds.
    atlas : str | path | image | None
        Where the regions are, as for :func:`~braindecode_bolt.bold.extract_regions`;
        needed for images only.
    labels : sequence of str | None
        Names of the atlas's regions, in its order. By default its own.

    Attributes
    ----------
    regressor_ : estimator
        Fitted to BOLD of zero mean and unit variance.
    ch_names_, roi_names_ : list of str
        Electrodes and regions.
    sfreq_ : float
        Sampling rate of the windows in Hz.
    tr_ : float
        Median repetition time of the training recordings in seconds.
    baseline_ : {"window", None}
        Whether the mean of each channel over a window is subtracted from it.
    target_mean_, target_scale_ : ndarray, shape (n_rois,)
        Mean and standard deviation of the training BOLD, in its units.
    scores_ : pandas.DataFrame | None
        Scores on people who were left out, if `fit` was asked for them. One row per
        region, with columns ``region``, ``r`` (Pearson R, mean over recordings), ``r_sd``
        (its standard deviation over recordings) and ``mse`` (mean squared error in
        variances of the training BOLD).
    intervals_ : SubjectIntervals | None
        How far predictions are off on such people, in the units of the BOLD.
    training_ : dict
        Numbers of recordings, people and windows, and versions of packages.

    Raises
    ------
    TypeError
        If `eeg` or `bold` has an unknown argument, or a length or rate is no number.
    ValueError
        If `window_seconds` or the sampling rate is not above 0, or `lag_seconds` is
        negative.

    See Also
    --------
    EEGRegressor : Predicts from windows that are prepared and cut already.
    BOLDStream : Predicts from EEG as it arrives.

    Notes
    -----
    Some models (BandPowerGP, RidgeFingerprint, AlphaHRF) standardise the power of each
    electrode and band by its mean and standard deviation over the recording. Here these
    come from windows all over the recording that is predicted, at most 2000, whatever
    times are asked for.

    Examples
    --------
    >>> from braindecode_bolt import BOLDPredictor
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recordings = SimulatedEEGfMRI(3, duration=120.0).load()
    >>> predictor = BOLDPredictor("LaggedBandPower").fit(recordings[:2])
    >>> raw = recordings[2].raw.copy().set_annotations(None)  # No markers, no BOLD.
    >>> table = predictor.predict(raw, tr=2.1)
    >>> table.shape, table.columns[0], round(float(table.index[0]), 1)
    ((50, 7), 'Cuneus', 16.8)
    """

    def __init__(
        self,
        model: str | BaseEstimator = "BandPowerGP",
        eeg: Mapping[str, Any] | None = None,
        bold: Mapping[str, Any] | None = None,
        window_seconds: float = 16.0,
        lag_seconds: float = 0.0,
        atlas: Any = None,
        labels: Sequence[str] | None = None,
    ):
        check_number(window_seconds, "window_seconds", low=0, inclusive="neither")
        check_number(lag_seconds, "lag_seconds", low=0)
        self.model = model
        self.eeg = _options(eeg, "eeg", (*EEG_OPTIONS, "cache_dir"))
        self.bold = {"low_pass": LOW_PASS} | _options(bold, "bold", ("low_pass",))
        self.window_seconds = float(window_seconds)
        self.lag_seconds = float(lag_seconds)
        self.atlas = atlas
        self.labels = None if labels is None else list(labels)

    def fit(
        self, recordings: Iterable[Recording], cv: int | None = None, progress: bool = True
    ) -> Self:
        """Train the model.

        Parameters
        ----------
        recordings : iterable of Recording or BaseConcatDataset
            As read: EEG with volume markers that carry BOLD
            (:class:`~braindecode_bolt.datasets.EEGfMRIFolder` and others load them).
            EEG and BOLD are prepared here.
        cv : int | None
            Number of folds over people, at least 2; with fewer people, one fold each.
            The model is then fitted this many times more, to know its R and its intervals
            on people who were left out. Default None: neither is known.
        progress : bool, default True
            Show a bar.

        Returns
        -------
        BOLDPredictor
            Itself.

        Raises
        ------
        ValueError
            If there is no model of this name; recordings differ in channels or regions;
            `atlas` (an image or file) has not the regions of the recordings; `cv` is below
            2, or there are fewer than two people for it; or the model cannot be fitted.
        TypeError
            If there is something else among the recordings, or `cv` is no whole number.

        See Also
        --------
        from_fitted : Make a predictor of a model that is fitted already.
        fine_tune : Go on with recordings of another data set.
        """
        model = make_estimator(self.model) if isinstance(self.model, str) else self.model
        windows, times = training_windows(
            recordings, self.eeg, self.bold, self.window_seconds, self.lag_seconds
        )
        if self.atlas is not None and not is_named(self.atlas):
            # Before long work. Named atlases have to be fetched: when an image is made.
            regions_of_atlas(self.atlas, self.labels, windows.roi_names)
        held_out = None if cv is None else hold_out(model, windows, cv, progress)
        self._take(fit_model(model, windows.X, windows.y), windows, times)
        self._judge(held_out)
        return self

    @classmethod
    def from_fitted(
        cls,
        model: BaseEstimator,
        windows: BOLDWindows,
        target_mean: ArrayLike = 0.0,
        target_scale: ArrayLike = 1.0,
        tr: float | Sequence[float] = np.nan,
        tested: tuple[BOLDWindows, np.ndarray] | None = None,
        **arguments: Any,
    ) -> Self:
        """Make a predictor of a model that is fitted already.

        Parameters
        ----------
        model : estimator
            Fitted to windows of EEG. It is not copied.
        windows : BOLDWindows
            What it was fitted to.
        target_mean : float | array-like, shape (n_rois,), default 0.0
            What the model predicts, times `target_scale`, plus `target_mean`, is in the
            units of the BOLD. With both defaults the model predicts BOLD as it is.
        target_scale : float | array-like, shape (n_rois,), default 1.0
            See `target_mean`.
        tr : float | sequence of float, default nan
            Repetition time in seconds, or that of each recording. NaN: not known, so that
            :meth:`predict` needs `tr` or `times`.
        tested : (BOLDWindows, ndarray of shape (n_windows, n_rois)) | None
            Windows of people who were not seen in training, and what the model predicts
            of them, in the units of the BOLD. They give ``scores_``; ``intervals_`` stays
            None.
        **arguments : Any
            ``eeg``, ``bold``, ``atlas`` and ``labels``, as when a predictor is made: how
            EEG has to be prepared before windows like these are cut.

        Returns
        -------
        BOLDPredictor
            Fitted.

        Raises
        ------
        ValueError
            If `target_mean` or `target_scale` has another number of regions than the
            windows.
        TypeError
            If `eeg` or `bold` has an unknown argument.
        """
        X = windows.X
        seconds, lag = X.shape[-1] / X.sfreq, X.lag_seconds or 0.0
        predictor = cls(model, window_seconds=seconds, lag_seconds=lag, **arguments)
        n_rois = len(windows.roi_names)
        mean, scale = (
            np.broadcast_to(np.asarray(given, float), (n_rois,)).copy()
            for given in (target_mean, target_scale)
        )
        predictor._take(Fitted(model, mean, scale), windows, np.atleast_1d(tr).tolist())
        if tested is not None:
            test, predicted = tested
            errors = ((test.y - predicted) / scale) ** 2
            predictor.scores_ = scores_of(test, predicted, errors)
            people = test.metadata["subject"].astype(str).nunique()
            predictor.training_ |= {"tested_subjects": int(people), "test_folds": 1}
        return predictor

    def _take(self, fitted: Fitted, windows: BOLDWindows, times: Sequence[float]) -> None:
        X = windows.X
        self.regressor_ = fitted.regressor
        self.target_mean_ = np.asarray(fitted.mean, float)
        self.target_scale_ = np.asarray(fitted.scale, float)
        self.ch_names_, self.sfreq_ = list(X.ch_names), X.sfreq
        self.roi_names_ = list(windows.roi_names)
        known = [time for time in times if np.isfinite(time)]
        self.tr_ = float(np.median(known)) if known else float("nan")
        self.baseline_ = X.baseline
        self.training_ = training_record(self, windows)
        self.scores_: pd.DataFrame | None = None
        self.intervals_: SubjectIntervals | None = None

    def _judge(self, held_out: HeldOut | None) -> None:
        if held_out is None:
            return
        self.scores_, self.intervals_ = held_out.scores, held_out.intervals
        self.training_ |= {
            "tested_subjects": held_out.n_subjects,
            "test_folds": held_out.n_folds,
        }

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
            range, `tr` and `times` are both given, or there are no standard deviations.
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
        table = self._table(mean * self.target_scale_ + self.target_mean_, moments)
        table.attrs["left_out"] = _left_out(recording.name, reasons)
        if not return_std:
            return table
        if own:
            return table, self._table(std * self.target_scale_, moments)
        width = np.where(np.isnan(mean), np.nan, self.intervals_.half_width(_ONE_SD))
        return table, self._table(width, moments)

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

    def fine_tune(
        self,
        recordings: Iterable[Recording],
        freeze: str | None = None,
        lr: float | None = None,
        max_epochs: int | None = None,
        eeg: Mapping[str, Any] | None = None,
    ) -> Self:
        """Go on training a network with recordings of another data set.

        A few minutes of another scanner, task, montage or set of regions will do. The
        scale of the BOLD is learned anew. Regions of the same name keep their
        weights, others start from scratch. Networks that predict from some of their
        electrodes (NeuroBOLT, LabramBOLD) are tuned with those that all recordings have;
        others need all.

        Parameters
        ----------
        recordings : iterable of Recording
            As in :meth:`fit`.
        freeze : {"encoder", None}
            ``"encoder"`` trains the last layer only. Default None: all of the network.
        lr : float | None
            Learning rate. By default a third of that of training, or the same for
            ``freeze="encoder"``.
        max_epochs : int | None
            Passes over the recordings. By default as in training.
        eeg : mapping | None
            Arguments of prepare_eeg that differ from those of training, such as
            ``montage``.

        Returns
        -------
        BOLDPredictor
            Another one; this one is not changed. How well it does on people who were left
            out is not known: its ``scores_`` and ``intervals_`` are None.

        Raises
        ------
        NotFittedError
            If the predictor is not fitted.
        TypeError
            If the model is no network, or a network inside ``TransformedTargetRegressor``:
            fit such models anew, to all recordings.
        ValueError
            If `freeze` is something else, the recordings have none of the electrodes of
            the model, the network cannot get other regions, or as in :meth:`fit`.
        """
        from .tuning import fine_tune

        self._check_fitted()
        return fine_tune(self, recordings, freeze, lr, max_epochs, eeg)

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

    @property
    def _name(self) -> str:
        model = inner(getattr(self, "regressor_", self.model))
        if hasattr(model, "module_"):
            return type(model.module_).__name__
        return model if isinstance(model, str) else type(model).__name__

    def _check_fitted(self) -> None:
        if not hasattr(self, "regressor_"):
            raise NotFittedError("This predictor is not fitted: call fit or load first.")

    def __repr__(self) -> str:  # noqa: D105
        if not hasattr(self, "regressor_"):
            return f"BOLDPredictor({self._name!r})"
        return (
            f"<BOLDPredictor {self._name}: {counted(len(self.ch_names_), 'electrode')}, "
            f"{counted(len(self.roi_names_), 'region')}, windows of "
            f"{self.window_seconds:g} s>"
        )


def _options(
    given: Mapping[str, Any] | None, what: str, known: Sequence[str]
) -> dict[str, Any]:
    options = {} if given is None else dict(given)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise TypeError(
            f"{what} has no option {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(known)}."
        )
    if what == "eeg":
        check_number(options.get("sfreq", SFREQ), "sfreq", low=0, inclusive="neither")
    return options


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
        logger.warning(
            "%s: no prediction at %d of %s: %s",
            name,
            len(left),
            counted(len(reasons), "time"),
            listed,
        )
    return counts
