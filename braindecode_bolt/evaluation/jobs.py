"""What is done for one model on one fold, wherever it runs."""

from __future__ import annotations

import logging
import time
import traceback
import urllib.parse
import warnings
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ..splits import FixedValidation, ValidationSplit
from ..splits._base import Splitter
from ..windows.lazy import LazyWindows

__all__ = ["Job", "Outcome", "run_job"]

logger = logging.getLogger(__name__)

#: Letters of a file's name, some being left for its ending.
_LONGEST = 230


@dataclass(frozen=True, order=True)
class Job:
    """One model on one fold.

    Attributes
    ----------
    dataset, model : str
        Names.
    control : str
        What was done to the EEG (``"wrong_subject"``, ``"constant_eeg"``), or empty.
    seed : int
        Seed of the model.
    fold : int
        Number of the fold, from 1.
    region : str
        The one region that is predicted, or empty: all at once.
    """

    dataset: str
    model: str
    control: str
    seed: int
    fold: int
    region: str = ""

    @property
    def pipeline(self) -> str:
        """The model, with the control where there is one."""
        spelled = self.control.replace("_", " ").replace("eeg", "EEG")
        return f"{self.model} ({spelled})" if self.control else self.model

    def file_name(self) -> str:
        """Name of a file for it, from which :meth:`of_file` reads it again."""
        values = (getattr(self, item.name) for item in fields(self))
        stem = ",".join(urllib.parse.quote(str(value), safe="") for value in values)
        if len(stem) > _LONGEST:
            raise ValueError(
                f"The names of data set, model and region are too long for the name of a "
                f"file: {self}. Give them shorter names."
            )
        return stem

    @classmethod
    def of_file(cls, stem: str) -> Job:
        """Read it from the name of its file."""
        values = [urllib.parse.unquote(part) for part in stem.split(",")]
        dataset, model, control, seed, fold, region = values
        return cls(dataset, model, control, int(seed), int(fold), region)


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes
    ----------
    job : Job
        The job.
    rows : ndarray of int, shape (n_rows,)
        The windows of the study that were predicted.
    predicted, measured : ndarray, shape (n_rows, n_rois)
        BOLD, float32, in the units of the recordings.
    scale : ndarray, shape (n_rois,)
        Standard deviation of the BOLD that was trained on.
    n_train : int
        Number of windows trained (and validated) on.
    fit_seconds, predict_seconds : float
        What it took.
    history : dict of str to list of float
        Losses of each epoch (``train_loss``, ``valid_loss``); empty where there are
        no epochs.
    messages : list of str
        Warnings of the fit, each once.
    error : str
        Why it failed; empty where it did not.
    details : str
        The traceback of the failure.
    noiseless, noiseless_window : ndarray, shape (n_rows, n_rois)
        Simulated BOLD before noise was added; without rows where it is not known.
    """

    job: Job
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    predicted: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    measured: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    scale: np.ndarray = field(default_factory=lambda: np.empty(0))
    n_train: int = 0
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    error: str = ""
    details: str = ""
    noiseless: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    noiseless_window: np.ndarray = field(
        default_factory=lambda: np.empty((0, 0), np.float32)
    )


@dataclass(frozen=True)
class Targets:
    """BOLD of a fold, and which windows it belongs to.

    Attributes
    ----------
    train, test : ndarray of int
        Rows of the windows that the model sees.
    y_train, y_test : ndarray, shape (n_rows, n_rois)
        Their BOLD.
    rows : ndarray of int, shape (n_test,)
        The tested windows among those of the study: of controls, others may be left.
    validation : ndarray of int | None
        Positions in `train` to validate a fit on.
    groups : ndarray of str, shape (n_train,) | None
        What must not be torn apart when hyper-parameters are chosen.
    noiseless, noiseless_window : ndarray, shape (n_test, n_rois) | None
        Simulated BOLD of the test rows before noise was added.
    """

    train: np.ndarray
    test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray
    rows: np.ndarray
    validation: np.ndarray | None = None
    groups: np.ndarray | None = None
    noiseless: np.ndarray | None = None
    noiseless_window: np.ndarray | None = None


def run_job(
    job: Job,
    estimator: BaseEstimator,
    X: LazyWindows,
    targets: Targets,
    on_error: str = "record",
) -> Outcome:
    """Fit a model on the training part of a fold and predict the test part.

    BOLD is standardised by its mean and standard deviation in the training part;
    predictions are turned back.

    Parameters
    ----------
    job : Job
        What is done.
    estimator : estimator
        The model; a clone is fitted.
    X : LazyWindows
        All windows.
    targets : Targets
        Parts of the fold, and their BOLD.
    on_error : {"record", "raise"}
        Whether the failure of a model is put into the outcome, or raised.
        Interruptions and exits are no failures of the model, and always raised.

    Returns
    -------
    Outcome
    """
    if on_error == "raise":
        return _fit_and_predict(job, estimator, X, targets)
    try:
        return _fit_and_predict(job, estimator, X, targets)
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        return Outcome(job, error=f"{type(error).__name__}: {error}", details=text)


def _fit_and_predict(
    job: Job, estimator: BaseEstimator, X: LazyWindows, targets: Targets
) -> Outcome:
    # Windows of constant EEG do not say where they come from, so that the user's own
    # validation split cannot divide them.
    keep_own = job.control != "constant_eeg"
    model = _prepare(clone(estimator), job.seed, targets.validation, keep_own)
    scaler = StandardScaler().fit(targets.y_train)
    scaled = scaler.transform(targets.y_train).astype(np.float32)
    if job.region:
        scaled = scaled[:, 0]
    begin = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _fit(model, X[targets.train], scaled, targets.groups)
        fitted = time.perf_counter()
        predicted = np.asarray(model.predict(X[targets.test]))
    end = time.perf_counter()
    predicted = predicted.reshape(len(targets.test), -1)
    if predicted.shape[1] != targets.y_test.shape[1]:
        raise ValueError(
            f"{job.model} predicts {predicted.shape[1]} values per window, there are "
            f"{targets.y_test.shape[1]} regions."
        )
    if not np.isfinite(predicted).all():
        raise FloatingPointError(
            f"{np.sum(~np.isfinite(predicted))} of {predicted.size} predictions are not "
            "finite."
        )
    simulated = {
        name: np.asarray(getattr(targets, name), np.float32)
        for name in ("noiseless", "noiseless_window")
        if getattr(targets, name) is not None
    }
    return Outcome(
        job,
        targets.rows,
        scaler.inverse_transform(predicted).astype(np.float32),
        targets.y_test.astype(np.float32),
        scaler.scale_,
        len(targets.train),
        fitted - begin,
        end - fitted,
        history_of(model),
        list(dict.fromkeys(_described(w) for w in caught if not _expected(w, job))),
        **simulated,
    )


def _described(warning: warnings.WarningMessage) -> str:
    return f"{warning.category.__name__}: {warning.message}"


def _expected(warning: warnings.WarningMessage, job: Job) -> bool:
    """Whether a warning says what the control is for: all its windows are one."""
    overlap = "validation windows share EEG" in str(warning.message)
    return job.control == "constant_eeg" and overlap


def _prepare(
    model: BaseEstimator, seed: int, validation: np.ndarray | None, keep_own: bool
) -> BaseEstimator:
    """Set the seed wherever there is one, and the validation part where it is known.

    With `keep_own`, a ``train_split`` that the user has chosen stays. It divides the
    whole training part, which includes the validation part of the protocol.
    """
    names = model.get_params(deep=True)
    seeds = {k: seed for k in names if k.split("__")[-1] == "random_state"}
    model.set_params(**seeds)
    if validation is not None and not is_search(model):
        # Inside a search the folds are others.
        found = [k for k in names if k.split("__")[-1] == "train_split" and names[k]]
        own = [k for k in found if keep_own and names[k] != ValidationSplit()]
        fixed = set(found) - set(own)
        model.set_params(**{k: FixedValidation(validation) for k in fixed})
        for k in own:
            logger.info(
                "%s=%r is used instead of the validation part of the protocol", k, names[k]
            )
    return model


def is_search(model: BaseEstimator) -> bool:
    """Whether a model chooses hyper-parameters by cross-validation of its own."""
    return hasattr(model, "cv") and hasattr(model, "estimator")


def check_search(name: str, model: BaseEstimator) -> None:
    """Raise where a search would tear apart what belongs together.

    Parameters
    ----------
    name : str
        Name of the model, for the message.
    model : estimator
        A model, perhaps a search of scikit-learn.

    Raises
    ------
    ValueError
        If its folds cut recordings at random or without a gap, or it is behind
        another step of a pipeline, where nothing tells recordings apart.
    """
    found = {k: v for k, v in model.get_params().items() if k.split("__")[-1] == "cv"}
    for key, cv in found.items():
        owner = model.get_params()[key[: -len("__cv")]] if "__" in key else model
        if cv is None and not is_search(owner):
            continue  # It has a way of its own, RidgeCV for one.
        if is_search(owner) and _is_behind_a_step(model, key):
            raise ValueError(
                f"{name} has a search ({key[: -len('__cv')]}) behind another step of a "
                "pipeline, where windows no longer say which recording they are from. Put "
                "the pipeline into the search: GridSearchCV(make_pipeline(...), ...)."
            )
        if isinstance(cv, Splitter) or "Group" in type(cv).__name__:
            continue
        raise ValueError(
            f"{name} chooses hyper-parameters with {key}={cv!r}, which may train on "
            "neighbours of the windows it validates on; they share most of their EEG. Use "
            "GroupSplit() of braindecode_bolt.splits, or GroupKFold for a search by itself "
            "(it is given the subjects)."
        )


def _is_behind_a_step(model: BaseEstimator, key: str) -> bool:
    for name in key.split("__")[:-1]:
        if isinstance(model, Pipeline) and name != model.steps[0][0]:
            return True
        model = model.get_params()[name]
    return False


def _fit(
    model: BaseEstimator, X: LazyWindows, y: np.ndarray, groups: np.ndarray | None
) -> None:
    # Our splitters read the groups from the windows; those of scikit-learn have to be
    # told.
    told = is_search(model) and not isinstance(model.cv, Splitter)
    model.fit(X, y, **({"groups": groups} if told else {}))


def history_of(model: Any) -> dict[str, list[float]]:
    """Find the losses of each epoch, through whatever is around a network.

    Parameters
    ----------
    model : estimator
        A fitted one.

    Returns
    -------
    dict of str to list of float
        ``train_loss`` and ``valid_loss``; empty where there are none.
    """
    for _ in range(10):
        if hasattr(model, "history_") or hasattr(model, "history"):
            history = getattr(model, "history_", None) or model.history
            return {
                name: [float(epoch[name]) for epoch in history]
                for name in ("train_loss", "valid_loss")
                if history and all(name in epoch for epoch in history)
            }
        inner = [
            getattr(model, name, None)
            for name in ("best_estimator_", "estimator_", "regressor_")
        ]
        steps = getattr(model, "steps", None)
        inner.append(steps[-1][1] if steps else None)
        model = next((part for part in inner if part is not None), None)
        if model is None:
            break
    return {}
