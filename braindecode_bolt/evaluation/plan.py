"""Fits to be done: data sets x folds x models, checked before any fit."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from .._files import content_hash
from ..null.controls import constant_eeg, wrong_subject
from ..splits import ValidationSplit, window_groups
from ..windows.create import BOLDWindows
from .fingerprint import describe, versions
from .folds import Fold, check_separate, folds_of
from .protocols import ProtocolError, make_protocol
from .study import Study

__all__ = ["CONTROLS", "FitTask", "Plan", "Targets", "decides"]

#: What can be done to the EEG before models are trained and tested on it.
CONTROLS = {"wrong_subject": wrong_subject, "constant_eeg": constant_eeg}
#: Simulated BOLD before noise was added.
NOISELESS = ("noiseless", "noiseless_window")


@dataclass(frozen=True, order=True)
class FitTask:
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
    region : str, default ""
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

    @property
    def title(self) -> str:
        """Its name in progress messages."""
        seed = f", seed {self.seed}" if self.seed else ""
        region = f", {self.region}" if self.region else ""
        return f"{self.pipeline}, {self.dataset}, fold {self.fold}{seed}{region}"

    def file_name(self) -> str:
        """Name of its file without ending.

        Characters that not all file systems allow are replaced, and a hash of the exact
        names keeps two tasks apart.
        """
        names = [_slug(name) for name in (self.dataset, self.model, self.control)]
        names += [f"seed-{self.seed:03d}", f"fold-{self.fold:04d}", _slug(self.region)]
        return "_".join([*filter(None, names), content_hash(astuple(self))[:12]])


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name)[:40].strip("-")


@dataclass(frozen=True)
class Targets:
    """BOLD of a fold, and the windows it belongs to."""

    #: Rows of the windows that the model sees, and their BOLD (rows x regions).
    train: np.ndarray
    test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray
    #: The tested windows among those of the study. Some are missing in controls.
    rows: np.ndarray
    #: Positions in `train` to validate a fit on.
    validation: np.ndarray | None
    #: What must stay together when hyper-parameters are chosen.
    groups: np.ndarray
    #: Simulated BOLD of the tested windows without noise.
    noiseless: np.ndarray | None = None
    noiseless_window: np.ndarray | None = None


@dataclass(repr=False)
class Plan:
    """All tasks of a run, and the data that each is done on.

    Attributes
    ----------
    studies : dict of str to Study
        Data sets by name.
    folds : dict of str to list of Fold
        Folds of each data set.
    models : dict of str to estimator
        Models by name.
    tasks : list of FitTask
        Fold by fold, so that results of all models grow together.
    settings : dict
        What decides the results; JSON-able.
    """

    studies: dict[str, Study]
    folds: dict[str, list[Fold]]
    models: dict[str, BaseEstimator]
    tasks: list[FitTask]
    settings: dict[str, Any]
    _prepared: dict[tuple[str, int], dict] = field(default_factory=dict)
    _controls: dict[tuple[str, str], BOLDWindows] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        studies: Mapping[str, Study],
        models: Mapping[str, BaseEstimator],
        protocol: Any,
        n_splits: int,
        tasks: tuple[str | None, str | None],
        controls: Sequence[str],
        seeds: Sequence[int],
        regions: str,
        settings: Mapping[str, Any],
    ) -> Plan:
        """Divide the data, prepare BOLD and controls, and list the fits.

        Parameters are those of :func:`~braindecode_bolt.evaluation.evaluate`.

        Raises
        ------
        ProtocolError
            If the recordings do not allow a protocol that was given by name.
        ValueError
            If a fold has an empty part or EEG in both, or a control cannot be made.
        """
        splitter = make_protocol(protocol, n_splits, *tasks)
        plan = cls(dict(studies), {}, dict(models), [], {})
        for name, study in studies.items():
            study.warn_of_copies()
            try:
                plan.divide(name, splitter)
            except ValueError as error:
                if not isinstance(protocol, str):
                    raise
                # What splitters recommend is for those who use them by themselves.
                cause = re.sub(r"(There is only one \w+\.).*", r"\1", str(error))
                if not cause.endswith("Lower n_splits."):
                    cause += _advice(study, protocol, n_splits)
                raise ProtocolError(cause) from error
            plan._check_controls(name, controls)
        plan.tasks = [
            FitTask(dataset, model, control, int(seed), fold.number, region)
            for dataset, study in studies.items()
            for fold in plan.folds[dataset]
            for model, estimator in models.items()
            for control in ("", *controls)
            for seed in (seeds if _has_seed(estimator) else seeds[:1])
            for region in (study.windows.roi_names if regions == "separately" else [""])
        ]
        plan.settings = {
            "data": {name: study.fingerprint() for name, study in studies.items()},
            "models": {name: describe(model) for name, model in models.items()},
            "protocol": describe(splitter),
            "folds": {
                name: [content_hash(*map(_whole, fold.parts()))[:16] for fold in folds]
                for name, folds in plan.folds.items()
            },
            "regions": regions,
            "settings": dict(settings),
            "versions": versions(),
        }
        return plan

    def divide(self, dataset: str, splitter: Any) -> None:
        """Make the folds of a data set, and prepare their BOLD."""
        self.folds[dataset] = folds_of(splitter, self.studies[dataset].windows)
        for fold in self.folds[dataset]:
            self._prepare(dataset, fold)

    def _prepare(self, dataset: str, fold: Fold) -> None:
        study = self.studies[dataset]
        windows = study.parted(fold.parts())
        if windows is study.windows:
            return  # No recording is cut: nothing to keep besides the windows.
        self._prepared[dataset, fold.number] = _in_two(windows, fold)

    def _bold(self, dataset: str, fold: Fold) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """BOLD of the training and test rows of a fold."""
        if (dataset, fold.number) in self._prepared:
            return self._prepared[dataset, fold.number]
        return _in_two(self.studies[dataset].windows, fold)

    def training_bold(self, dataset: str, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """BOLD of all regions that a fold is trained on, and the recording of each row."""
        found = self.folds[dataset][fold - 1]
        y_train, _ = self._bold(dataset, found)["y"]
        metadata = self.studies[dataset].windows.metadata
        return y_train, metadata["recording"].to_numpy()[found.train]

    def silent(self) -> Plan:
        """Models that show nothing while they are fitted."""
        models = {}
        for name, model in self.models.items():
            # A pipeline takes only a bool, others only a number.
            quiet = {
                key: type(value)(0)
                for key, value in model.get_params().items()
                if key.split("__")[-1] == "verbose" and isinstance(value, (bool, int))
            }
            models[name] = clone(model).set_params(**quiet)
        return replace(self, models=models)

    def on_disk(self, folder: Path) -> Plan:
        """Put the EEG of the plan into files, which other processes read."""
        studies = {
            name: replace(
                study,
                windows=replace(
                    study.windows, X=study.windows.X.on_disk(folder / str(number))
                ),
            )
            for number, (name, study) in enumerate(self.studies.items())
        }
        return replace(self, studies=studies, _controls={})

    def windows(self, dataset: str, control: str) -> BOLDWindows:
        """Windows of a data set, with the EEG of a control if one is named."""
        study = self.studies[dataset]
        if not control:
            return study.windows
        if (dataset, control) not in self._controls:
            self._controls[dataset, control] = CONTROLS[control](study.windows)
        return self._controls[dataset, control]

    def donors(self, task: FitTask) -> dict[int, int]:
        """For each recording the one whose EEG it was given, if that is another one."""
        names = self.studies[task.dataset].names
        left_out = self.windows(task.dataset, task.control).left_out
        if "eeg_of" not in left_out:
            return {}
        return {
            recording: names.index(donor)
            for recording, donor in enumerate(left_out["eeg_of"])
            if pd.notna(donor)
        }

    def regions(self, task: FitTask) -> list[str]:
        """Regions that a task predicts."""
        names = self.studies[task.dataset].windows.roi_names
        return [task.region] if task.region else list(names)

    def targets(self, task: FitTask) -> Targets:
        """BOLD of a task's fold, and the rows it belongs to in the windows it sees."""
        real = self.studies[task.dataset].windows
        windows = self.windows(task.dataset, task.control)
        fold = self.folds[task.dataset][task.fold - 1]
        train, test, validation = fold.train, fold.test, fold.validation
        kept_train, kept_test = np.ones(len(train), bool), np.ones(len(test), bool)
        rows = test
        if task.control == "constant_eeg" and validation is None:
            # All windows have one time: where to validate is read from the real ones.
            _, validation = ValidationSplit().split(real.X[train])
        if task.control:
            here = _rows_in(windows.metadata, real.metadata)
            kept_train, kept_test = here[train] >= 0, here[test] >= 0
            if validation is not None:
                validating = np.isin(np.arange(len(train)), validation)
                validation = np.flatnonzero(validating[kept_train])
            rows = test[kept_test]
            train, test = here[train[kept_train]], here[rows]
        columns = [real.roi_names.index(region) for region in self.regions(task)]
        bold = {
            name: (of_train[kept_train][:, columns], of_test[kept_test][:, columns])
            for name, (of_train, of_test) in self._bold(task.dataset, fold).items()
        }
        return Targets(
            train,
            test,
            *bold.pop("y"),
            rows,
            validation,
            window_groups(windows.X[train]),
            **{name: of_test for name, (_, of_test) in bold.items()},
        )

    def _check_controls(self, dataset: str, controls: Sequence[str]) -> None:
        """Make the controls, so that what cannot be made is known before any fit."""
        real = self.studies[dataset].windows
        for control in controls:
            windows = self.windows(dataset, control)
            if control == "constant_eeg":
                continue  # Its windows are one and the same on purpose.
            here = _rows_in(windows.metadata, real.metadata)
            for fold in self.folds[dataset]:
                train, test = (
                    part[part >= 0] for part in (here[fold.train], here[fold.test])
                )
                there = Fold(fold.number, train, test, None)
                check_separate(there, windows.X, f"the control {control}")


def decides(settings: Mapping[str, Any], task: FitTask) -> dict[str, Any]:
    """Tell what decides the result of a task, from the settings of its run.

    A LookupError is raised if the settings do not know its data set, fold or model.
    """
    if task.fold < 1:
        raise LookupError(f"There is no fold {task.fold}.")
    return {
        "data": settings["data"][task.dataset],
        "fold": settings["folds"][task.dataset][task.fold - 1],
        "model": settings["models"][task.model],
        "settings": settings["settings"],
        "versions": settings["versions"],
    }


def _advice(study: Study, protocol: str, n_splits: int) -> str:
    """Name protocols that these recordings allow, by trying them."""
    working = {}
    names = ("sessions", "runs", "within-folds")
    for name, number in itertools.product(names, (n_splits, 2)):
        if (name, number) == (protocol, n_splits):
            continue
        trial = Plan({"": study}, {}, {}, [], {})
        try:
            trial.divide("", make_protocol(name, number))
        except ValueError:
            continue
        folds = "" if number == n_splits else f", n_splits={number}"
        working.setdefault(name, f"protocol={name!r}{folds}")
    if not working:
        return ""
    return f" These recordings allow {' or '.join(working.values())} instead."


def _in_two(windows: BOLDWindows, fold: Fold) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    tables = {name: getattr(windows, name) for name in ("y", *NOISELESS)}
    return {
        name: (values[fold.train], values[fold.test])
        for name, values in tables.items()
        if values is not None
    }


def _whole(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows, dtype=np.int64)


def _rows_in(table: pd.DataFrame, whole: pd.DataFrame) -> np.ndarray:
    """Row in a table of each row of the whole, -1 where it is not there."""
    keys = ["recording", "volume"]
    numbered = table[keys].reset_index(drop=True).reset_index(names="row")
    found = whole[keys].reset_index(drop=True).merge(numbered, "left", keys)["row"]
    return found.fillna(-1).to_numpy(int)


def _has_seed(estimator: BaseEstimator) -> bool:
    names = estimator.get_params(deep=True)
    return any(name.split("__")[-1] == "random_state" for name in names)
