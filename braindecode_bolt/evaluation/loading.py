"""Reading an evaluation back from its results folder, without its data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._files import atomic_write
from .collect import ENTITIES, KEYS, Evaluation
from .plan import FitTask
from .store import ResultsError
from .text import as_cell, write_table

__all__ = ["load_evaluation", "write_evaluation"]

_ABOUT = "about.json"
_SETTINGS = "settings.json"
#: Columns without which a table is not ours.
_TABLES = {
    "scores": [*KEYS, "recording", *ENTITIES, "region", "score", "mse", "time", "channels"],
    "predictions": [*KEYS, "recording", "subject", "volume"],
    "connectivity": [*KEYS, "recording", "subject", "connectivity_r"],
    "curves": [*KEYS, "region", "epoch"],
    "failures": [*(item.name for item in fields(FitTask)), "error", "details"],
    "messages": ["pipeline", "message", "n_fits"],
    "left_out": ["dataset", "recording", "volumes", "windows"],
    "coverage": ["dataset", "pipeline", "seed", "subject", "region", "coverage"],
}
_TEXTS = ["dataset", "pipeline", "model", "control", "recording", *ENTITIES, "region"]
_TEXTS += ["error", "details", "message", "eeg_of"]


def write_evaluation(found: Evaluation, folder: Path) -> None:
    """Write the tables of an evaluation, and what :func:`load_evaluation` needs."""
    for name in _TABLES:
        write_table(getattr(found, name), folder / f"{name}.tsv")
    write_table(found.connectivity_summary(), folder / "connectivity_summary.tsv")
    tr = {
        name: [None if np.isnan(one) else one for one in times]
        for name, times in found.tr.items()
    }
    about = {
        "regions": found.regions,
        "tr": tr,
        "channels": found.channels,
        "windows": found.windows,
        "couplings": found.couplings,
        "command": found.command,
    }
    with atomic_write(folder / _ABOUT) as file:
        file.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def load_evaluation(folder: str | Path) -> Evaluation:
    """Read an evaluation from its results folder. The recordings are not needed.

    Parameters
    ----------
    folder : str | Path
        What ``evaluate(out=folder)`` or ``braindecode-bolt evaluate --out`` wrote. Only
        tables and JSON are read.

    Returns
    -------
    Evaluation
        As :func:`evaluate` gave it.

    Raises
    ------
    ResultsError
        If the folder is none, or tables are missing, damaged or of another kind.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.evaluation import evaluate, load_evaluation
    >>> recordings = SimulatedEEGfMRI(2, duration=60.0).load()
    >>> with TemporaryDirectory() as folder:
    ...     found = evaluate("MeanBOLD", recordings, n_splits=2, out=folder, progress=False)
    ...     load_evaluation(folder).scores.shape == found.scores.shape
    True
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"{folder} is not a folder; give a results folder of evaluate.")
    about, settings = (_json(folder / name) for name in (_ABOUT, _SETTINGS))
    try:
        regions = _lists(about["regions"], str)
        channels = _lists(about["channels"], str)
        tr = {
            str(name): [np.nan if one is None else float(one) for one in times]
            for name, times in about["tr"].items()
        }
        windows = _numbers(about["windows"])
        couplings = _lists(about.get("couplings", {}), str)
        command = about["command"]
        _check_about(command, regions, tr)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultsError(
            f"{folder / _ABOUT} is damaged or of another version ({error}). Run the same "
            "evaluate command again; what is finished is not computed again."
        ) from error
    tables = {
        name: _table(folder / f"{name}.tsv", wanted) for name, wanted in _TABLES.items()
    }
    return Evaluation(
        **_with_exact_names(tables, regions),
        regions=regions,
        tr=tr,
        settings=settings,
        folder=folder,
        channels=channels,
        windows=windows,
        command=command,
        couplings=couplings,
    )


def _check_about(command: Any, regions: Mapping, tr: Mapping) -> None:
    if not isinstance(command, str) or regions.keys() != tr.keys():
        raise TypeError("a text, or the times of a data set")


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ResultsError(
            f"{file} is missing: {file.parent} is not a results folder of evaluate, or one "
            "whose run has not finished. Run the same evaluate command to finish it."
        ) from error
    except ValueError as error:
        raise ResultsError(f"{file} is damaged: {error}.") from error
    if not isinstance(found, dict):
        raise ResultsError(f"{file} is damaged: it holds {type(found).__name__}.")
    return found


def _lists(found: Mapping[str, Any], kind: type) -> dict[str, list]:
    for name, values in found.items():
        if not isinstance(values, list) or not all(isinstance(v, kind) for v in values):
            raise TypeError(f"the list of {name}")
    return {str(name): list(values) for name, values in found.items()}


def _numbers(found: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    return {
        str(dataset): {
            name: None if values[name] is None else float(values[name])
            for name in ("seconds", "sfreq", "lag_seconds", "low_pass")
        }
        for dataset, values in found.items()
    }


def _table(file: Path, wanted: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            file,
            sep="\t",
            dtype=dict.fromkeys(_TEXTS, str),
            keep_default_na=False,
            na_values=["n/a"],
            encoding="utf-8",
        )
    except FileNotFoundError as error:
        raise ResultsError(
            f"{file} is missing. Run the same evaluate command again; what is finished is "
            "not computed again."
        ) from error
    except (ValueError, OSError) as error:
        raise ResultsError(f"{file} is damaged: {error}.") from error
    missing = [name for name in wanted if name not in table]
    if missing:
        raise ResultsError(f"{file} has no column {', '.join(missing)}.")
    return table


def _with_exact_names(
    tables: dict[str, pd.DataFrame], regions: Mapping[str, list[str]]
) -> dict[str, pd.DataFrame]:
    """Undo what was escaped in names of regions when tables were written."""
    exact = {as_cell(name): name for names in regions.values() for name in names}
    columns = {
        as_cell(f"{kind}:{name}"): f"{kind}:{name}"
        for names in regions.values()
        for name in names
        for kind in ("measured", "predicted")
    }
    for key, table in tables.items():
        table = table.rename(columns=columns)
        # As in memory: what is computed of it is the same then.
        table = table.astype(
            {name: np.float32 for name in columns.values() if name in table}
        )
        if "region" in table:
            table["region"] = table["region"].map(lambda name: exact.get(name, name))
        tables[key] = table
    return tables
