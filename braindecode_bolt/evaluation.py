"""Cross-validation of models on windows, whole people (or runs) at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from .metrics import noise_ceiling, recording_scores
from .windows import BOLDWindows

__all__ = ["FoldResult", "evaluate", "group_labels", "iterate_folds"]

logger = logging.getLogger(__name__)

#: What must not be torn apart, and the columns that tell it.
GROUPS = {
    "subject": ["subject"],
    "session": ["subject", "session"],
    "run": ["subject", "session", "run"],
}


@dataclass(frozen=True)
class FoldResult:
    """What one model did on one fold.

    Attributes
    ----------
    model : str
        Name of the model.
    fold : int
        Number of the fold, from 1.
    scores : pandas.DataFrame
        A row per recording and region, see :func:`evaluate`.
    predictions : pandas.DataFrame
        A row per window: ``recording``, ``subject``, ``session``, ``run``,
        ``volume``, and for each region ``measured:<region>`` and
        ``predicted:<region>``.
    """

    model: str
    fold: int
    scores: pd.DataFrame
    predictions: pd.DataFrame


def group_labels(windows: BOLDWindows, by: str = "subject") -> np.ndarray:
    """Label each window with what must not be torn apart.

    Parameters
    ----------
    windows : BOLDWindows
        The windows.
    by : {"subject", "session", "run"}
        Whole people, whole sessions, or whole runs.

    Returns
    -------
    ndarray of str, shape (n_windows,)

    Raises
    ------
    ValueError
        If there are fewer than two groups, or a recording does not say which
        session or run it is.
    """
    if by not in GROUPS:
        raise ValueError(f"groups must be one of {', '.join(GROUPS)}, got {by!r}.")
    unnamed = windows.metadata[windows.metadata[by].isna()]
    if len(unnamed):
        raise ValueError(
            f"{unnamed['recording'].nunique()} recordings do not say which {by} they are, "
            f"for example that of subject {unnamed['subject'].iloc[0]}. Name the {by} of "
            "each (ses-... or run-... in the file name), or group by subject."
        )
    table = windows.metadata[GROUPS[by]].astype(object)
    labels = table.where(table.notna(), "").astype(str).agg("_".join, axis=1).to_numpy()
    n_groups = len(np.unique(labels))
    if n_groups < 2:
        finer = [
            name
            for name, columns in GROUPS.items()
            if windows.metadata[columns].drop_duplicates().shape[0] > 1
        ]
        hint = (
            f"group by {' or '.join(finer)} instead (--groups {finer[0]})"
            if finer
            else "at least two recordings are needed"
        )
        raise ValueError(f"There is only one {by}; {hint}.")
    return labels


def iterate_folds(
    models: Mapping[str, BaseEstimator],
    windows: BOLDWindows,
    groups: np.ndarray,
    n_splits: int = 3,
    n_jobs: int = 1,
    skip: Collection[tuple[str, int]] = (),
) -> Iterator[FoldResult]:
    """Fit and score models fold by fold, yielding each result as it is there.

    Targets are standardised by their mean and standard deviation in the
    training part of each fold; predictions are turned back.

    Parameters
    ----------
    models : mapping of str to estimator
        Models by name; each is cloned for every fold.
    windows : BOLDWindows
        The windows.
    groups : ndarray, shape (n_windows,)
        What must not be torn apart.
    n_splits : int
        Number of folds.
    n_jobs : int
        Folds at the same time.
    skip : collection of (str, int)
        Models and folds that are not to be done.

    Yields
    ------
    FoldResult
    """
    folds = list(GroupKFold(n_splits).split(windows.X, windows.y, groups))
    jobs = [
        delayed(_run_fold)(name, model, windows, number, train, test)
        for number, (train, test) in enumerate(folds, start=1)
        for name, model in models.items()
        if (name, number) not in skip
    ]
    yield from Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs)


def evaluate(
    models: Mapping[str, BaseEstimator],
    windows: BOLDWindows,
    groups: str | np.ndarray = "subject",
    n_splits: int = 3,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Cross-validate models.

    Parameters
    ----------
    models : mapping of str to estimator
        Models by name: :class:`~braindecode_bolt.EEGRegressor`, or any
        scikit-learn regressor that takes windows.
    windows : BOLDWindows
        The windows.
    groups : {"subject", "session", "run"} | ndarray, shape (n_windows,)
        What must not be torn apart.
    n_splits : int
        Number of folds. Default 3.
    n_jobs : int
        Folds at the same time. Default 1.

    Returns
    -------
    pandas.DataFrame
        A row per model, fold, recording and region: ``r`` and ``mse`` (in
        variances of the training BOLD), ``control_r`` (the same predictions
        against the BOLD of other recordings), ``ceiling`` and
        ``ceiling_window`` where they are known, ``n_windows`` and ``time``
        (seconds of fitting, once per fold).

    Raises
    ------
    ValueError
        If there are fewer groups than folds.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.evaluation import evaluate
    >>> from braindecode_bolt.linear import BandPowerRidge
    >>> windows = create_bold_windows(SimulatedEEGfMRI(3, duration=120.0).load())
    >>> scores = evaluate({"ridge": BandPowerRidge()}, windows)
    >>> scores["region"].nunique(), scores["fold"].nunique()
    (7, 3)
    """
    if isinstance(groups, str):
        groups = group_labels(windows, groups)
    results = iterate_folds(models, windows, groups, n_splits, n_jobs)
    scores = pd.concat([result.scores for result in results], ignore_index=True)
    order = ["model", "fold", "recording"]
    return scores.sort_values(order, kind="stable", ignore_index=True)


def _run_fold(
    name: str,
    model: BaseEstimator,
    windows: BOLDWindows,
    number: int,
    train: np.ndarray,
    test: np.ndarray,
) -> FoldResult:
    begin = time.perf_counter()
    estimator = TransformedTargetRegressor(clone(model), transformer=StandardScaler())
    estimator.fit(windows.X[train], windows.y[train])
    seconds = time.perf_counter() - begin
    predicted = estimator.predict(windows.X[test]).reshape(len(test), -1)
    scores = recording_scores(windows, test, predicted, estimator.transformer_.scale_)
    scores = scores.merge(noise_ceiling(windows), "left", ["recording", "region"])
    scores.insert(0, "model", name)
    scores.insert(1, "fold", number)
    scores["time"] = seconds
    columns = ["recording", "subject", "session", "run", "volume"]
    predictions = windows.metadata.iloc[test][columns].reset_index(drop=True)
    for column, region in enumerate(windows.roi_names):
        predictions[f"measured:{region}"] = windows.y[test, column]
        predictions[f"predicted:{region}"] = predicted[:, column]
    return FoldResult(name, number, scores, predictions)
