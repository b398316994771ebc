"""BOLDPredictor: a fitted model with all that is needed to use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

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
from .images import is_named, regions_of_atlas
from .learning import (
    Fitted,
    HeldOut,
    fit_model,
    hold_out,
    scores_of,
    training_windows,
)
from .predicting import Predicting
from .preparation import EEG_OPTIONS
from .record import training_record
from .running import inner
from .saved import SavedPredictor

if TYPE_CHECKING:
    pass

__all__ = ["BOLDPredictor"]


class BOLDPredictor(Predicting, SavedPredictor):
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
