"""A folder of results: what was run, a file per finished fold, tables, figures."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .evaluation import FoldResult
from .windows import BOLDWindows

__all__ = ["ResultsError", "ResultsFolder", "fingerprint_of"]

_SETTINGS = "settings.json"
_FOLDS = "folds"
#: Packages whose version can change a result.
_PACKAGES = ("braindecode-bolt", "braindecode", "torch", "numpy", "scikit-learn", "mne")


class ResultsError(ValueError):
    """A results folder that cannot be used for this run."""


def fingerprint_of(windows: BOLDWindows, arguments: dict[str, Any]) -> dict[str, Any]:
    """Describe all that decides the result of a run.

    Parameters
    ----------
    windows : BOLDWindows
        The data; EEG, BOLD and origin of the windows are hashed.
    arguments : dict
        JSON-able arguments that change the result.

    Returns
    -------
    dict
        With ``data`` (a hash), ``arguments`` and ``versions``.
    """
    digest = hashlib.sha256()
    for array in (*windows.X.signals, windows.y):
        digest.update(np.ascontiguousarray(array))
    digest.update(windows.metadata.to_csv(index=False).encode())
    digest.update(json.dumps([windows.ch_names, windows.roi_names]).encode())
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "data": digest.hexdigest(),
        "arguments": json.loads(json.dumps(arguments)),
        "versions": versions,
    }


class ResultsFolder:
    """Where the results of a run are kept, fold by fold.

    A folder that holds part of the same run is gone on with; one that holds
    another run is an error.

    Parameters
    ----------
    path : str | Path | None
        The folder. None makes a new one, named by date and time, in
        ``results``.
    fingerprint : dict
        See :func:`fingerprint_of`.
    overwrite : bool
        Throw away another run's results in the folder.

    Raises
    ------
    ResultsError
        If the folder holds something else.
    """

    def __init__(
        self, path: str | Path | None, fingerprint: dict[str, Any], overwrite: bool = False
    ):
        if path is None:
            path = Path("results") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
        self.path = Path(path)
        self._fingerprint = fingerprint
        self._check(fingerprint, overwrite)
        self.path.mkdir(parents=True, exist_ok=True)

    def _check(self, fingerprint: dict[str, Any], overwrite: bool) -> None:
        settings = self.path / _SETTINGS
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise ResultsError(f"{self.path} is a file; expected a folder for results.")
        if not settings.exists():
            if any(self.path.iterdir()):
                raise ResultsError(
                    f"{self.path} is not empty and holds no results. Choose another folder."
                )
            return
        try:
            found = json.loads(settings.read_text())
        except ValueError:
            found = None
        if not isinstance(found, dict):
            # Not ours: nothing in it agrees.
            found = {}
        if found == fingerprint:
            return
        if not overwrite:
            raise ResultsError(
                f"{self.path} holds the results of another run (other "
                f"{', '.join(_differing(found, fingerprint))}). Choose another folder, or "
                "use --overwrite."
            )
        shutil.rmtree(self.path / _FOLDS, ignore_errors=True)
        for file in self.path.iterdir():
            if file.suffix in (".tsv", ".png", ".json"):
                file.unlink()

    def finished(self) -> set[tuple[str, int]]:
        """Models and folds whose results are here."""
        done = set()
        for file in (self.path / _FOLDS).glob("*_scores.tsv"):
            model, number, _ = file.stem.rsplit("_", 2)
            done.add((model, int(number)))
        return done

    def write(self, result: FoldResult) -> None:
        """Keep the result of a fold.

        Parameters
        ----------
        result : FoldResult
            It counts as finished only when all of it is on disk.
        """
        if not (self.path / _SETTINGS).exists():
            # Not before there is a result: a run that fails at once claims nothing.
            with _atomic(self.path / _SETTINGS) as file:
                file.write_text(json.dumps(self._fingerprint, indent=2) + "\n")
        (self.path / _FOLDS).mkdir(exist_ok=True)
        stem = self.path / _FOLDS / f"{result.model}_{result.fold}"
        self._write_table(result.predictions, Path(f"{stem}_predictions.tsv"))
        self._write_table(result.scores, Path(f"{stem}_scores.tsv"))

    def write_table(self, table: pd.DataFrame, name: str) -> None:
        """Write a table into the folder, with tabs between columns."""
        self._write_table(table, self.path / name)

    def _write_table(self, table: pd.DataFrame, file: Path) -> None:
        with _atomic(file) as unfinished:
            table.to_csv(unfinished, sep="\t", index=False, na_rep="n/a")

    def scores(self) -> pd.DataFrame:
        """Collect the scores of all finished folds."""
        table = self._collect("scores")
        order = ["model", "fold", "recording"]
        return table.sort_values(order, kind="stable", ignore_index=True)

    def predictions(self) -> pd.DataFrame:
        """Collect the predictions of all finished folds, with ``model`` and ``fold``."""
        return self._collect("predictions")

    def _collect(self, kind: str) -> pd.DataFrame:
        parts = []
        for model, fold in sorted(self.finished()):
            file = self.path / _FOLDS / f"{model}_{fold}_{kind}.tsv"
            text = dict.fromkeys(("subject", "session", "run"), str)
            part = pd.read_csv(
                file, sep="\t", dtype=text, keep_default_na=False, na_values=["n/a"]
            )
            part["model"], part["fold"] = model, fold
            parts.append(part)
        return pd.concat(parts, ignore_index=True)


def _differing(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Name what differs between two fingerprints, arguments and versions by name."""
    names = []
    for key, value in wanted.items():
        other = found.get(key)
        if other == value:
            continue
        if isinstance(value, dict) and isinstance(other, dict):
            names += [f"{key}: {n}" for n in value if other.get(n) != value[n]]
        else:
            names.append(key)
    return names


@contextmanager
def _atomic(file: Path) -> Iterator[Path]:
    """Write beside a file and put it in place when it is whole."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield unfinished
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
