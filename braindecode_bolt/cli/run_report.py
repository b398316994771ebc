"""The work of ``braindecode-bolt report``, and what ``evaluate`` does at its end."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .._files import atomic_write
from .._text import counted
from ..evaluation import Evaluation, load_evaluation
from ..prediction.images import is_named
from ..report import layout, layout_connectivity, layout_coverage, write_outputs
from .checks import check_surrogates
from .choices import SURROGATES
from .options import region_labels

__all__ = ["print_and_write", "run_report"]

logger = logging.getLogger(__name__)

#: Where the regions of the results are, in a results folder.
_BRAIN = "atlas.json"


def run_report(arguments: argparse.Namespace) -> int:
    """Write tables, figures and the report of a results folder.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of ``braindecode-bolt report``.

    Returns
    -------
    int
        Exit status: 0.

    Raises
    ------
    ResultsError
        If the folder holds no finished results, or damaged ones.
    ValueError
        If all fits failed.
    """
    found = load_evaluation(arguments.results)
    if not len(found.scores):
        raise ValueError(
            f"There are no scores to report: {counted(len(found.failures), 'fit')} failed. "
            f"{arguments.results / 'failures.tsv'} has the errors."
        )
    folder = arguments.out or arguments.results
    folder.mkdir(parents=True, exist_ok=True)
    brain = {"atlas": arguments.atlas, "labels": region_labels(arguments)}
    if arguments.atlas is None:
        brain = _brain_before(arguments.results)
    print_and_write(
        found,
        folder,
        arguments.surrogates or _surrogates_before(arguments.results),
        arguments.title,
        **brain,
    )
    return 0


def _brain_before(folder: Path) -> dict[str, Any]:
    """Read where the regions are, if the results folder says so."""
    file = folder / _BRAIN
    nowhere = {"atlas": None, "labels": None}
    if not file.is_file():
        return nowhere
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        atlas, labels = str(content["atlas"]), content["labels"]
        if labels is not None:
            labels = [str(name) for name in labels]
    except (ValueError, TypeError, KeyError):
        logger.warning("%s is damaged; give --atlas to draw R on the brain", file)
        return nowhere
    if not (is_named(atlas) or Path(atlas).is_file()):
        logger.warning(
            "The atlas %s is not there any more: R is not drawn on the brain. Give its new "
            "place by --atlas.",
            atlas,
        )
        return nowhere
    return {"atlas": atlas, "labels": labels}


def _keep_brain(folder: Path, atlas: str, labels: Sequence[str] | None) -> None:
    """Write where the regions are, for the next report."""
    place = atlas if is_named(atlas) else str(Path(atlas).expanduser().resolve())
    with atomic_write(folder / _BRAIN) as unfinished:
        unfinished.write_text(
            json.dumps({"atlas": place, "labels": labels}, indent=2), encoding="utf-8"
        )


def _surrogates_before(folder: Path) -> int:
    """Read how many surrogates the summary in a results folder had."""
    file = folder / "summary.tsv"
    try:
        numbers = pd.read_csv(file, sep="\t", usecols=["n_surrogates"])["n_surrogates"]
        return check_surrogates(int(numbers.iloc[0]))
    except (OSError, ValueError, IndexError):  # None was made, or by another version.
        logger.info("%s says no number of surrogates: %d", file, SURROGATES)
        return SURROGATES


def print_and_write(
    found: Evaluation,
    folder: Path,
    n_surrogates: int,
    title: str = "BOLD predicted from EEG",
    **brain: Any,
) -> None:
    """Print tables; write tables, figures and the report.

    Parameters
    ----------
    found : Evaluation
        With scores.
    folder : Path
        Where to write.
    n_surrogates : int
        Number of surrogates.
    title : str
        Title of the report.
    **brain
        ``atlas`` and ``labels``: where the regions are.
    """
    if brain.get("atlas") is not None:
        _keep_brain(folder, **brain)
    summary = found.summary(n_surrogates=n_surrogates)
    texts = [
        layout(summary),
        layout_connectivity(found.connectivity_summary()),
        layout_coverage(found.coverage),
    ]
    for text in filter(None, texts):
        print(f"\n{text}")
    names = write_outputs(found, folder, summary, found.compare(), title, **brain)
    print(f"\nWritten to {folder}: {', '.join(names)}")
