"""The results folder: a file for each finished task, and tables."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import socket
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from .._files import atomic_write
from ..prediction.saving import MAIN as PREDICTOR
from .keeping import MODELS
from .plan import FitTask, Plan, decides
from .run import FoldResult

__all__ = ["ResultsError", "Store", "new_folder"]

logger = logging.getLogger(__name__)

_SETTINGS = "settings.json"
_FOLDS = "folds"
#: Settings that may get further entries in later runs: models and data sets by name.
_GROWING = ("models", "data", "folds")
#: Keys of the settings of this package.
_OURS = {"data", "models", "protocol", "versions"}
#: Names of our files in the folder of folds.
_FOLD_FILE = re.compile(r".+_[0-9a-f]{12}\.(npz|json)")
#: What is written into the folder beside them.
_WRITTEN = (
    "scores.tsv",
    "predictions.tsv",
    "connectivity.tsv",
    "connectivity_summary.tsv",
    "coverage.tsv",
    "messages.tsv",
    "about.json",
    "atlas.json",
    "curves.tsv",
    "failures.tsv",
    "left_out.tsv",
    "summary.tsv",
    "comparison.tsv",
    "r_per_region.png",
    "series.png",
    "report.html",
)
#: More than any result takes, in bytes.
_LARGEST = 2**30


class ResultsError(ValueError):
    """A results folder that cannot be used for this run."""


class Store:
    """Results of tasks, in a folder or (without one) in memory.

    A folder that holds part of the same run is resumed, and may get further models,
    data sets, seeds and controls, also from several processes at the same time. A
    folder that holds another run is an error.

    Parameters
    ----------
    path : str | Path | None
        The folder. None keeps results in memory.
    plan : Plan
        What is to be done.
    overwrite : bool, default False
        Delete another run's results in the folder.

    Attributes
    ----------
    settings : dict
        Those of the plan, with the models and data sets that are in the folder already.
    results, failures : dict of FitTask to FoldResult
        Tasks that were finished, and those that failed and have not succeeded since.

    Raises
    ------
    ResultsError
        If the folder holds something else or damaged results, or is in use by another
        run.
    """

    def __init__(self, path: str | Path | None, plan: Plan, overwrite: bool = False):
        self.path = None if path is None else Path(path)
        self.settings = json.loads(json.dumps(plan.settings))
        self.results: dict[FitTask, FoldResult] = {}
        self.failures: dict[FitTask, FoldResult] = {}
        self._plan = plan
        self._seen: set[str] = set()
        self._running: FileLock | None = None
        if self.path is None:
            return
        if self.path.exists() and not self.path.is_dir():
            raise ResultsError(f"{self.path} is a file; expected a folder for results.")
        self._claim(overwrite)
        try:
            self.load()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Store:  # noqa: D105
        return self

    def __exit__(self, *error: object) -> None:  # noqa: D105
        self.close()

    def _claim(self, overwrite: bool) -> None:
        """Check which run the folder is of, and record this one; one process at a time."""
        if not _read_settings(self.path):
            # Before a lock file is put into a folder that holds something else.
            self._check_strange()
        self.path.mkdir(parents=True, exist_ok=True)
        with self._alone():
            others = self._others()
            found = _read_settings(self.path)
            if not found:
                self._check_strange()
            elif differing := _differing(found, self.settings):
                what = f"another run (other {', '.join(differing)})"
                if others:
                    raise ResultsError(
                        f"{self.path} is in use: a process is writing the results of "
                        f"{what} there. Choose another folder, or wait for its end."
                    )
                if not overwrite:
                    raise ResultsError(
                        f"{self.path} holds the results of {what}. Choose another folder, "
                        "or overwrite it (overwrite=True)."
                    )
                self._delete()
                found = {}
            if not others:
                self._sweep()
            self._add(found)
            with atomic_write(self.path / _SETTINGS) as file:
                file.write_text(json.dumps(self.settings, indent=2) + "\n")
            name = f".running-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex}.lock"
            self._running = _lock(self.path / name)

    def _add(self, found: Mapping[str, Any]) -> None:
        """Add the models and data sets of settings in the folder to ours."""
        for key in _GROWING:
            self.settings[key] = {**found.get(key, {}), **self.settings[key]}

    def close(self) -> None:
        """Release the folder. If there is no result, leave it as it was before the run."""
        if self._running is None:
            return
        with self._alone():
            self._running.release()
            Path(self._running.lock_file).unlink(missing_ok=True)
            self._running = None
            if not self._others() and not any(self._files()):
                (self.path / _SETTINGS).unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = _lock(self.path / ".lock", timeout=-1)
        try:
            yield
        finally:
            if lock is not None:
                lock.release()

    def _others(self) -> bool:
        """Whether other processes write here. Locks of dead processes are released."""
        alive = False
        for file in self.path.glob(".running-*.lock"):
            try:
                lock = _lock(file)
            except Timeout:
                alive = True
                continue
            if lock is not None:
                lock.release()
            with suppress(OSError):
                file.unlink(missing_ok=True)
        return alive

    def _sweep(self) -> None:
        """Remove what killed processes have left."""
        for pattern in (".*.unfinished", f"{_FOLDS}/.*.unfinished"):
            for file in self.path.glob(pattern):
                file.unlink(missing_ok=True)
        for folder in self.path.glob(".eeg-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _check_strange(self) -> None:
        """Raise if the folder holds something, but no settings of ours."""
        # Hidden files may be those of a run that was killed before its first result.
        names = (file.name for file in self.path.glob("*"))
        there = sorted(name for name in names if not name.startswith("."))
        if there and there != [_FOLDS]:
            raise ResultsError(
                f"{self.path} is not empty and holds no results of this package "
                f"(it has {', '.join(there[:5])}). Choose another folder."
            )
        if there and any(self._files()):
            raise ResultsError(
                f"{self.path / _SETTINGS} is missing, so that it is not known what the "
                f"results in {self.path / _FOLDS} are of. Put it back, or choose another "
                "folder."
            )

    def _delete(self) -> None:
        for file in self._files():
            if _FOLD_FILE.fullmatch(file.name):
                file.unlink()
        for name in (_SETTINGS, *_WRITTEN):
            (self.path / name).unlink(missing_ok=True)
        for model in (self.path / MODELS).glob("*"):
            if (model / PREDICTOR).is_file():
                shutil.rmtree(model)

    def _files(self) -> Iterator[Path]:
        files = (self.path / _FOLDS).glob("*")
        return (
            f for f in files if f.suffix in (".npz", ".json") and not f.name.startswith(".")
        )

    def load(self) -> None:
        """Read and check the results that came into the folder since the last time."""
        if self.path is None:
            return
        self._add(_read_settings(self.path))
        for file in sorted(self._files(), reverse=True):  # .npz before .json
            if file.name in self._seen:
                continue
            if not _FOLD_FILE.fullmatch(file.name):
                raise ResultsError(
                    f"{file} is no result of this package. Move it elsewhere."
                )
            if file.suffix == ".npz":
                result = self._read(file)
                self.results[result.task] = result
                self.failures.pop(result.task, None)
            elif file.with_suffix(".npz").exists():
                file.unlink()  # Killed between the success and this.
                continue
            else:
                result = self._read(file)
                self.failures[result.task] = result
            self._seen.add(file.name)

    def write(self, result: FoldResult) -> None:
        """Keep a result, or a failure until its task succeeds.

        It counts as finished only when all of it is on disk.
        """
        task = result.task
        if result.error:
            self.failures[task] = result
        else:
            self.results[task] = result
            self.failures.pop(task, None)
        if self.path is None:
            return
        about = {"task": asdict(task), "decides": decides(self.settings, task)}
        stem = self.path / _FOLDS / task.file_name()
        failed = Path(f"{stem}.json")
        if result.error:
            about |= {"error": result.error, "details": result.details}
            with atomic_write(failed) as file:
                file.write_text(json.dumps(about, indent=2) + "\n")
            self._seen.add(failed.name)
            return
        for name in ("fit_seconds", "predict_seconds", "history", "messages"):
            about[name] = getattr(result, name)
        finished = Path(f"{stem}.npz")
        with atomic_write(finished) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(
                file,
                allow_pickle=False,
                predicted=result.predicted,
                scale=result.scale,
                on_constant=result.on_constant,
                about=np.array(json.dumps(about)),
            )
        self._seen.add(finished.name)
        failed.unlink(missing_ok=True)

    def _read(self, file: Path) -> FoldResult:
        data = file.read_bytes()
        try:
            content, about = _content_of(data, file.suffix)
            task = FitTask(**about.pop("task"))
            decided = about.pop("decides")
            if file.stem != task.file_name():
                raise ValueError(f"it is the result of {task.title}")
            try:
                wanted = decides(self.settings, task)
            except LookupError:
                wanted = None
            if decided != wanted:
                differing = _differing(decided, wanted or {}) or ["model or data"]
                raise ValueError(f"it is of another run, with other {', '.join(differing)}")
            result = FoldResult(task, **content, **about)
            self._check(result, failed=file.suffix == ".json")
        except MemoryError:
            raise  # The file may be intact.
        except Exception as error:  # Damaged files raise anything.
            raise ResultsError(
                f"{file} is not the result that it should be, or damaged: {error}. Delete "
                "it, and the fit is done again; or choose another folder."
            ) from error
        return result

    def _check(self, result: FoldResult, failed: bool) -> None:
        """Raise if arrays are not those of the fold."""
        texts = [result.error, result.details, *result.messages]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a text is missing")
        if failed != bool(result.error):
            raise ValueError("there is no error, or one beside a result")
        if failed or result.task.dataset not in self._plan.studies:
            return
        rows = self._plan.targets(result.task).rows
        shape = (len(rows), len(self._plan.regions(result.task)))
        constant = result.on_constant.shape
        constant = constant if constant in ((0, 0), (1, shape[1])) else shape
        for name, wanted, kind in (
            ("predicted", shape, np.float32),
            ("scale", shape[1:], np.float64),
            ("on_constant", constant, np.float32),
        ):
            array = getattr(result, name)
            if array.shape != wanted or array.dtype != kind:
                raise ValueError(
                    f"{name} is {array.dtype} of shape {array.shape}, expected "
                    f"{np.dtype(kind)} of shape {wanted}"
                )
            if not np.isfinite(array).all():
                raise ValueError(f"{name} has non-finite values")
        float(result.fit_seconds + result.predict_seconds)
        for losses in result.history.values():
            list(map(float, losses))


def _content_of(data: bytes, suffix: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays of a file, and the JSON in it. Nothing in it is executed."""
    if suffix == ".json":
        return {}, json.loads(data)
    size = sum(item.file_size for item in zipfile.ZipFile(io.BytesIO(data)).infolist())
    if size > _LARGEST:
        raise ValueError(f"unpacked it would take {size / 1e9:.1f} GB")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    return content, json.loads(str(content.pop("about")))


def _lock(file: Path, timeout: float = 0) -> FileLock | None:
    """Lock a file; None where the file system cannot."""
    lock = FileLock(file, timeout=timeout)
    try:
        lock.acquire()
    except NotImplementedError:
        logger.warning(
            "%s cannot lock files: do not let two runs write there at the same time.",
            file.parent,
        )
        return None
    return lock


def _read_settings(path: Path) -> dict[str, Any]:
    """Read the settings of a results folder; empty if they are missing or not ours."""
    try:
        found = json.loads((path / _SETTINGS).read_text())
    except (ValueError, FileNotFoundError):
        return {}
    ours = isinstance(found, dict) and found.keys() >= _OURS
    if not ours or not all(isinstance(found.get(key), dict) for key in _GROWING):
        return {}
    return found


def _differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
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
                names.append(f"{key}: {name or 'class'}")
        if key not in _GROWING:
            names += [f"{key}: {name}" for name in other if name not in value]
    return names


def new_folder() -> Path:
    """Name a new folder in ``results`` by date and time."""
    return Path("results") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
