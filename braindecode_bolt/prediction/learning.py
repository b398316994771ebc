"""Fitting a predictor's model, and testing it on people who were left out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from .._checks import check_number
from ..bold import prepare_bold
from ..eeg import common_channels, prepare_eeg
from ..metrics import SubjectIntervals, pearson_r
from ..recording import Recording, as_recordings
from ..windows.create import BOLDWindows, create_bold_windows
from .running import predicts_std

__all__ = ["Fitted", "HeldOut", "fit_model", "training_windows"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """A model fitted to standardised BOLD, and the scale.

    Attributes
    ----------
    regressor : estimator
        Predicts BOLD of zero mean and unit variance.
    mean, scale : ndarray, shape (n_rois,)
        Of the training BOLD.
    """

    regressor: BaseEstimator
    mean: np.ndarray
    scale: np.ndarray

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict in the units of the recordings."""
        found = self.regressor.predict(X, **({"return_std": True} if return_std else {}))
        mean, *std = found if return_std else (found,)
        values = np.asarray(mean).reshape(len(X), -1) * self.scale + self.mean
        return (values, std[0].reshape(len(X), -1) * self.scale) if std else values


@dataclass(frozen=True)
class HeldOut:
    """How well a model does on people who were left out of its training.

    Attributes
    ----------
    scores : pandas.DataFrame
        Columns ``region``, ``r`` (Pearson R, mean over recordings), ``r_sd`` (its
        standard deviation over recordings), ``mse`` (in variances of the training BOLD).
    intervals : SubjectIntervals
        Learned from the errors.
    n_folds, n_subjects : int
        Folds, and people who were tested.
    """

    scores: pd.DataFrame
    intervals: SubjectIntervals
    n_folds: int
    n_subjects: int


def training_windows(
    recordings: Iterable[Recording],
    eeg: Mapping[str, Any],
    bold: Mapping[str, Any],
    window_seconds: float,
    lag_seconds: float,
) -> tuple[BOLDWindows, list[float]]:
    """Prepare recordings and cut their windows.

    Returns
    -------
    windows : BOLDWindows
    times : list of float
        Repetition time of each recording.
    """
    eeg, times = dict(eeg), []
    source = as_recordings(recordings)
    if eeg.get("channels") == "common":
        source = list(source)
        of_sites = ("montage", "montage_distance_mm")
        given = {k: v for k, v in eeg.items() if k in of_sites}
        eeg["channels"] = common_channels(source, **given)

    def prepared() -> Iterator[Recording]:
        for recording in source:
            times.append(recording.repetition_time)
            yield prepare_bold(prepare_eeg(recording, **eeg), **bold)

    windows = create_bold_windows(prepared(), window_seconds, lag_seconds)
    return windows, times


def fit_model(model: BaseEstimator, X: Any, y: np.ndarray) -> Fitted:
    """Fit a clone of a model to standardised BOLD."""
    scaler = StandardScaler().fit(y)
    targets = scaler.transform(y).astype(np.float32)
    regressor = clone(model).fit(X, targets)
    return Fitted(regressor, scaler.mean_, scaler.scale_)


def hold_out(
    model: BaseEstimator, windows: BOLDWindows, cv: int, progress: bool = True
) -> HeldOut:
    """Cross-validate over people.

    Parameters
    ----------
    model : estimator
        Not fitted.
    windows : BOLDWindows
        All of them.
    cv : int
        Number of folds, at most as many as people.
    progress : bool, default True
        Whether to show a bar.

    Returns
    -------
    HeldOut

    Raises
    ------
    ValueError
        If there are fewer than two people, or `cv` is out of range.
    TypeError
        If `cv` is no whole number.
    """
    check_number(cv, "cv", kind=int, low=2)
    groups = windows.groups
    people = len(np.unique(groups.astype(str)))
    if people < 2:
        raise ValueError(
            "cv tests on people who were left out, which needs recordings of at least 2; "
            f"there is {people}."
        )
    predicted = np.full(windows.y.shape, np.nan)
    errors = np.full(windows.y.shape, np.nan)
    spread = None
    folds = list(GroupKFold(min(cv, people)).split(windows.X, groups=groups.astype(str)))
    for train, test in tqdm(
        folds, "Folds", leave=False, disable=None if progress else True
    ):
        fitted = fit_model(model, windows.X[train], windows.y[train])
        if predicts_std(fitted.regressor):
            spread = np.full(windows.y.shape, np.nan) if spread is None else spread
            predicted[test], spread[test] = fitted.predict(windows.X[test], True)
        else:
            predicted[test] = fitted.predict(windows.X[test])
        errors[test] = ((windows.y[test] - predicted[test]) / fitted.scale) ** 2
    intervals = SubjectIntervals().fit(windows.y, predicted, groups.astype(str), spread)
    return HeldOut(scores_of(windows, predicted, errors), intervals, len(folds), people)


def scores_of(
    windows: BOLDWindows, predicted: np.ndarray, errors: np.ndarray
) -> pd.DataFrame:
    """Scores per region, as means over recordings."""
    recordings = windows.metadata["recording"].to_numpy()
    rows = []
    for recording in np.unique(recordings):
        part = recordings == recording
        rows.append(scores_of_one(windows.y[part], predicted[part], errors[part]))
    return over_recordings(rows, windows.roi_names)


def scores_of_one(
    measured: np.ndarray, predicted: np.ndarray, errors: np.ndarray
) -> pd.DataFrame:
    """R and mean squared error of a recording, a row per region."""
    with warnings.catch_warnings():
        # Of a constant prediction; its R is NaN.
        warnings.simplefilter("ignore", UserWarning)
        r = pearson_r(measured, predicted)
    return pd.DataFrame({"r": r, "mse": errors.mean(axis=0)})


def over_recordings(rows: list[pd.DataFrame], roi_names: Sequence[str]) -> pd.DataFrame:
    """Means over recordings of tables with ``r`` and ``mse`` and a row per region."""
    table = pd.concat(rows, keys=range(len(rows)), names=["recording", "column"])
    found = table.groupby("column").agg(
        r=("r", "mean"), r_sd=("r", "std"), mse=("mse", "mean")
    )
    found.insert(0, "region", list(roi_names))
    return found.reset_index(drop=True)
