"""The work of ``braindecode-bolt report``, and what ``evaluate`` does at its end."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

import pandas as pd

from .._text import counted
from ..evaluation import Evaluation, load_evaluation
from ..report import layout, layout_connectivity, layout_coverage, write_outputs
from .checks import check_surrogates
from .choices import SURROGATES
from .options import region_labels

__all__ = ["print_and_write", "run_report"]

logger = logging.getLogger(__name__)


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
    print_and_write(
        found,
        folder,
        arguments.surrogates or _surrogates_before(arguments.results),
        arguments.title,
        atlas=arguments.atlas,
        labels=region_labels(arguments),
    )
    return 0


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
