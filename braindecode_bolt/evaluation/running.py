"""Models x data sets x folds, in parallel, one outcome after the other."""

from __future__ import annotations

import logging
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator

from ..null.controls import constant_eeg, wrong_subject
from ..splits import ValidationSplit, window_groups
from ..windows.lazy import LazyWindows
from .folds import Fold, check_separate
from .jobs import Job, Outcome, Targets, run_job
from .study import Study

__all__ = ["CONTROLS", "plan", "run"]

logger = logging.getLogger(__name__)

#: What can be done to the EEG before models are trained and tested on it.
CONTROLS = {"wrong_subject": wrong_subject, "constant_eeg": constant_eeg}


def plan(
    studies: Mapping[str, Study],
    folds: Mapping[str, Sequence[Fold]],
    models: Mapping[str, BaseEstimator],
    controls: Sequence[str],
    seeds: Sequence[int],
    regions: str,
) -> list[Job]:
    """List what there is to do.

    Parameters
    ----------
    studies, folds, models
        Data sets, their folds, and models, by name.
    controls : sequence of str
        Names in :data:`CONTROLS`; each model is run with each of them besides.
    seeds : sequence of int
        Seeds of the models. Models without a seed are run with the first only.
    regions : {"together", "separately"}
        Whether a model predicts all regions.

    Returns
    -------
    list of Job
        Fold by fold, so that results of all models grow together.
    """
    return [
        Job(dataset, model, control, seed, fold.number, region)
        for dataset, study in studies.items()
        for fold in folds[dataset]
        for model, estimator in models.items()
        for control in ("", *controls)
        for seed in (seeds if _has_seed(estimator) else seeds[:1])
        for region in (study.windows.roi_names if regions == "separately" else [""])
    ]


def _has_seed(estimator: BaseEstimator) -> bool:
    names = estimator.get_params(deep=True)
    return any(name.split("__")[-1] == "random_state" for name in names)


def run(
    jobs: Sequence[Job],
    studies: Mapping[str, Study],
    folds: Mapping[str, Sequence[Fold]],
    models: Mapping[str, BaseEstimator],
    n_jobs: int | None,
    on_error: str,
) -> Iterator[Outcome]:
    """Do jobs and yield each outcome as it is there.

    Parameters
    ----------
    jobs : sequence of Job
        What is to be done.
    studies, folds, models
        As in :func:`plan`.
    n_jobs : int | None
        Jobs at the same time, for joblib's backend.
    on_error : {"record", "raise"}
        As in :func:`~braindecode_bolt.evaluation.jobs.run_job`.

    Yields
    ------
    Outcome
    """
    windows = _Windows(studies)
    tasks = (
        delayed(run_job)(
            job,
            models[job.model],
            windows.of(job),
            windows.targets(job, folds[job.dataset][job.fold - 1]),
            on_error,
        )
        for job in jobs
    )
    # One task to a batch: they take seconds to hours, and each is kept when it ends.
    parallel = Parallel(n_jobs, return_as="generator_unordered", batch_size=1)
    yield from parallel(tasks)


def check_controls(
    studies: Mapping[str, Study],
    folds: Mapping[str, Sequence[Fold]],
    controls: Sequence[str],
) -> None:
    """Make the controls, so that what cannot be made is said before any fit.

    Parameters
    ----------
    studies, folds
        Data sets and their folds.
    controls : sequence of str
        Names in :data:`CONTROLS`.

    Raises
    ------
    ValueError
        If a control cannot be made, or a fold would share EEG between its parts.
    """
    for study_name, study in studies.items():
        for control in controls:
            windows = CONTROLS[control](study.windows)
            if control == "constant_eeg":
                continue  # All windows are one, which is the point.
            here = _rows_in(windows.metadata, study.windows.metadata)
            for fold in folds[study_name]:
                train, test = (
                    part[part >= 0] for part in (here[fold.train], here[fold.test])
                )
                there = Fold(fold.number, train, test, None)
                check_separate(there, windows.X, f"the control {control}")


class _Windows:
    """EEG of the data sets and their controls, and the BOLD of each fold."""

    def __init__(self, studies: Mapping[str, Study]):
        self._studies = studies
        self._controls: dict[tuple[str, str], Any] = {}
        self._targets: tuple[tuple, Targets] | None = None

    def _control(self, job: Job) -> Any:
        key = (job.dataset, job.control)
        if key not in self._controls:
            study = self._studies[job.dataset]
            self._controls[key] = CONTROLS[job.control](study.windows)
        return self._controls[key]

    def of(self, job: Job) -> LazyWindows:
        """EEG that a job is done on; always the same object for the same."""
        if not job.control:
            return self._studies[job.dataset].windows.X
        return self._control(job).X

    def targets(self, job: Job, fold: Fold) -> Targets:
        """BOLD of a fold, and the rows it belongs to in the windows of the job."""
        key = (job.dataset, job.control, job.fold)
        if self._targets is None or self._targets[0] != key:
            self._targets = (key, self._make(job, fold))
        found = self._targets[1]
        if not job.region:
            return found
        column = self._studies[job.dataset].windows.roi_names.index(job.region)
        chosen = {
            name: getattr(found, name)[:, [column]]
            for name in ("y_train", "y_test", "noiseless", "noiseless_window")
            if getattr(found, name) is not None
        }
        return replace(found, **chosen)

    def _make(self, job: Job, fold: Fold) -> Targets:
        study = self._studies[job.dataset]
        train, test, validation = fold.train, fold.test, fold.validation
        windows = study.parted(fold.parts())
        rows_train, rows_test = train, test
        if job.control == "constant_eeg" and validation is None:
            # All windows have one time: where to validate is read from the real ones.
            _, validation = ValidationSplit().split(study.windows.X[train])
        if job.control:
            here = _rows_in(self._control(job).metadata, study.windows.metadata)
            kept_train, kept_test = here[train] >= 0, here[test] >= 0
            if validation is not None:
                valid = np.zeros(len(train), dtype=bool)
                valid[validation] = True
                validation = np.flatnonzero(valid[kept_train])
            train, test = train[kept_train], test[kept_test]
            rows_train, rows_test = here[train], here[test]
        X = self.of(job)
        simulated = {
            name: getattr(windows, name)[test]
            for name in ("noiseless", "noiseless_window")
            if getattr(windows, name) is not None
        }
        return Targets(
            rows_train,
            rows_test,
            windows.y[train],
            windows.y[test],
            test,
            validation,
            window_groups(X[rows_train]),
            **simulated,
        )


def _rows_in(table: pd.DataFrame, whole: pd.DataFrame) -> np.ndarray:
    """Row in a table of each row of the whole, -1 where it is not there."""
    keys = ["recording", "volume"]
    numbered = table[keys].reset_index(drop=True).reset_index(names="row")
    found = whole[keys].reset_index(drop=True).merge(numbered, "left", keys)["row"]
    return found.fillna(-1).to_numpy(int)


def log_messages(outcomes: Sequence[Outcome]) -> None:
    """Log the warnings of fits, each with the number of fits it came from.

    Parameters
    ----------
    outcomes : sequence of Outcome
        What was done.
    """
    counts = Counter(
        (outcome.job.pipeline, message)
        for outcome in outcomes
        for message in outcome.messages
    )
    for (pipeline, message), number in counts.items():
        logger.warning("%s, in %d fits: %s", pipeline, number, message)


@contextmanager
def remembered_interrupt() -> Iterator[list[int]]:
    """Keep a note of Ctrl-C beside raising KeyboardInterrupt.

    Python drops an exception that strikes inside a destructor or a callback of
    C code (threadpoolctl has such), and the run would go on as if nothing had
    happened.

    Yields
    ------
    list of int
        Signals that were received.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)
