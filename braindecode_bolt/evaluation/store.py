"""Where outcomes are kept: a folder with a file for each finished job."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._files import atomic_write
from .jobs import Job, Outcome

__all__ = ["ResultsError", "Store"]

_SETTINGS = "settings.json"
_FOLDS = "folds"
#: What may grow from one run to the next: models and data sets by name.
_GROWING = ("models", "data", "folds")


#: What a reader of damaged files raises.
_DAMAGE = (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)
#: What settings of ours have.
_OURS = {"data", "models", "protocol", "versions"}
#: What is written into the folder beside them.
_WRITTEN = (
    "scores.tsv",
    "predictions.tsv",
    "connectivity.tsv",
    "curves.tsv",
    "failures.tsv",
    "left_out.tsv",
    "summary.tsv",
    "comparison.tsv",
    "r_per_region.png",
    "series.png",
    "report.html",
)


class ResultsError(ValueError):
    """A results folder that cannot be used for this run."""


class Store:
    """Outcomes, in a folder or (without one) in memory.

    A folder that holds part of the same run is gone on with, and may get further
    models, data sets, seeds and controls; one that holds another run is an error.

    Parameters
    ----------
    path : str | Path | None
        The folder. None keeps outcomes in memory.
    settings : dict
        JSON-able, see :func:`~braindecode_bolt.evaluation.settings.describe_run`.
    overwrite : bool
        Throw away another run's results in the folder.

    Raises
    ------
    ResultsError
        If the folder holds something else.
    """

    def __init__(
        self, path: str | Path | None, settings: dict[str, Any], overwrite: bool = False
    ):
        self.path = None if path is None else Path(path)
        self.settings = json.loads(json.dumps(settings))
        self._kept: dict[Job, Outcome] = {}
        if self.path is not None:
            self._check(overwrite)
            self.path.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def new_folder() -> Path:
        """Name a new folder in ``results`` by date and time."""
        return Path("results") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"

    def _check(self, overwrite: bool) -> None:
        path = self.path / _SETTINGS
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise ResultsError(f"{self.path} is a file; expected a folder for results.")
        found = read_settings(self.path)
        if not _OURS <= set(found):
            # Of a run that was killed before its first result, hidden files may be left.
            names = (file.name for file in self.path.iterdir())
            there = sorted(name for name in names if not name.startswith("."))
            if there and there != [_FOLDS]:
                raise ResultsError(
                    f"{self.path} is not empty and holds no results of this package "
                    f"(it has {', '.join(there[:5])}). Choose another folder."
                )
            if there and any(self._files("*")):
                raise ResultsError(
                    f"{path} is missing, so that nobody can tell what the results in "
                    f"{self.path / _FOLDS} are of. Put it back, or choose another folder."
                )
            return
        differing = _differing(found, self.settings)
        if not differing:
            for key in _GROWING:
                self.settings[key] = {**found.get(key, {}), **self.settings.get(key, {})}
            return
        if not overwrite:
            raise ResultsError(
                f"{self.path} holds the results of another run (other "
                f"{', '.join(differing)}). Choose another folder, or overwrite it "
                "(--overwrite)."
            )
        for file in (self.path / _FOLDS).glob("*"):
            if file.suffix in (".npz", ".json") and _is_job(file):
                file.unlink()
        for name in (_SETTINGS, *_WRITTEN):
            (self.path / name).unlink(missing_ok=True)

    def finished(self) -> set[Job]:
        """Jobs whose outcome is here and was no failure."""
        if self.path is None:
            return {job for job, outcome in self._kept.items() if not outcome.error}
        return {Job.of_file(file.stem) for file in self._files("*.npz")}

    def _files(self, pattern: str) -> list[Path]:
        files = sorted((self.path / _FOLDS).glob(pattern))
        strange = [file.name for file in files if not _is_job(file)]
        if strange:
            raise ResultsError(
                f"{self.path / _FOLDS} holds {', '.join(strange[:5])}, which is no result. "
                "Move it elsewhere."
            )
        return files

    def write(self, outcome: Outcome) -> None:
        """Keep an outcome.

        Parameters
        ----------
        outcome : Outcome
            It counts as finished only when all of it is on disk. A failure is kept
            beside the finished ones, until the job succeeds.
        """
        if self.path is None:
            self._kept[outcome.job] = outcome
            return
        self._write_settings()
        folder = self.path / _FOLDS
        folder.mkdir(exist_ok=True)
        stem = folder / outcome.job.file_name()
        failed = Path(f"{stem}.json")
        if outcome.error:
            with atomic_write(failed) as file:
                failure = {"error": outcome.error, "details": outcome.details}
                file.write_text(json.dumps(failure, indent=2) + "\n")
            return
        arrays = {
            item.name: getattr(outcome, item.name)
            for item in fields(Outcome)
            if item.name not in ("job", "history", "messages", "error", "details")
        }
        texts = {"history": outcome.history, "messages": outcome.messages}
        arrays["texts"] = np.array(json.dumps(texts))
        with atomic_write(Path(f"{stem}.npz")) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        failed.unlink(missing_ok=True)

    def _write_settings(self) -> None:
        # Not before there is a result: a run that fails at once claims nothing.
        path = self.path / _SETTINGS
        text = json.dumps(self.settings, indent=2) + "\n"
        if not path.exists() or path.read_text() != text:
            with atomic_write(path) as file:
                file.write_text(text)

    def outcomes(self) -> list[Outcome]:
        """Read the finished outcomes, ordered by job."""
        if self.path is None:
            kept = [outcome for outcome in self._kept.values() if not outcome.error]
            return sorted(kept, key=lambda outcome: outcome.job)
        return [self._read(job) for job in sorted(self.finished())]

    def failures(self) -> list[Outcome]:
        """Read the failures of jobs that have not succeeded since."""
        if self.path is None:
            kept = [outcome for outcome in self._kept.values() if outcome.error]
            return sorted(kept, key=lambda outcome: outcome.job)
        read = []
        for file in self._files("*.json"):
            if file.with_suffix(".npz").exists():
                file.unlink()  # Killed between the success and this.
                continue
            try:
                content = json.loads(file.read_text())
                outcome = Outcome(Job.of_file(file.stem), **content)
                if not isinstance(outcome.error, str) or not outcome.error:
                    raise ValueError("no error is noted")
                read.append(outcome)
            except (TypeError, ValueError) as error:
                raise _unreadable(file, error) from error
        return read

    def _read(self, job: Job) -> Outcome:
        file = self.path / _FOLDS / f"{job.file_name()}.npz"
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                content = {name: arrays[name] for name in arrays.files}
                texts = json.loads(str(content.pop("texts")))
            numbers = ("n_train", "fit_seconds", "predict_seconds")
            content |= {name: content[name].item() for name in numbers}
            outcome = Outcome(job, **content, **texts)
            if not (len(outcome.rows) == len(outcome.predicted) == len(outcome.measured)):
                raise ValueError("arrays of different length")
            return outcome
        except _DAMAGE as error:
            raise _unreadable(file, error) from error

    def write_table(self, table: pd.DataFrame, name: str) -> None:
        """Write a table into the folder, with tabs between columns."""
        if self.path is not None:
            with atomic_write(self.path / name) as unfinished:
                table.to_csv(unfinished, sep="\t", index=False, na_rep="n/a")


def read_settings(path: Path) -> dict[str, Any]:
    """Read the settings of a results folder; empty where they are not ours.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    dict
    """
    try:
        found = json.loads((path / _SETTINGS).read_text())
    except (ValueError, FileNotFoundError):
        found = None
    return found if isinstance(found, dict) else {}


def _differing(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Name what differs between two settings."""
    names = []
    for key, value in wanted.items():
        other = found.get(key)
        if other == value:
            continue
        if not isinstance(value, dict) or not isinstance(other, dict):
            names.append(key)
            continue
        for name in value:
            new = key in _GROWING and name not in other
            if not new and other.get(name) != value[name]:
                names.append(f"{key}: {name}")
        if key not in _GROWING:
            names += [f"{key}: {name}" for name in other if name not in value]
    return names


def _is_job(file: Path) -> bool:
    try:
        Job.of_file(file.stem)
    except ValueError:
        return False
    return True


def _unreadable(file: Path, error: Exception) -> ResultsError:
    return ResultsError(
        f"{file} is no result of this package, or damaged ({error}). Delete it to have the "
        "fold done again."
    )
