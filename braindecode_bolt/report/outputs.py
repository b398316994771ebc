"""All that is made of an evaluation: tables, figures and the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..evaluation import Evaluation
from ..evaluation.text import write_table
from ..plotting import plot_r_per_region, plot_series
from .report import write_report

__all__ = ["write_outputs"]


def write_outputs(
    evaluation: Evaluation,
    folder: str | Path,
    summary: pd.DataFrame,
    comparison: pd.DataFrame,
    title: str = "BOLD predicted from EEG",
    atlas: Any = None,
    labels: Sequence[str] | None = None,
) -> list[str]:
    """Write the tables of a summary and a comparison, figures and the report.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    folder : str | Path
        Where to write.
    summary : pandas.DataFrame
        Its :meth:`~braindecode_bolt.evaluation.Evaluation.summary`.
    comparison : pandas.DataFrame
        Its :meth:`~braindecode_bolt.evaluation.Evaluation.compare`.
    title : str, default "BOLD predicted from EEG"
        Title of the report.
    atlas : str | path | image | Mapping | None
        Where the regions are, as for :func:`~braindecode_bolt.plotting.plot_glass_brain`;
        R is drawn there.
    labels : sequence of str | None
        Names of the atlas's regions, in its order. By default its own.

    Returns
    -------
    list of str
        Names of the files written: ``report.html``, ``summary.tsv``, ``comparison.tsv``,
        and ``r_per_region.png`` and ``series.png`` (numbered, of several data sets).

    Raises
    ------
    ValueError
        As from :func:`write_report`.
    TypeError
        If `evaluation` is not an Evaluation.
    """
    folder = Path(folder)
    write_table(summary, folder / "summary.tsv")
    write_table(comparison, folder / "comparison.tsv")
    report = folder / "report.html"
    brain = {"atlas": atlas, "labels": labels}
    write_report(evaluation, report, summary, comparison, title, **brain)
    names = ["report.html", "summary.tsv", "comparison.tsv"]
    datasets = list(dict.fromkeys(evaluation.scores["dataset"]))
    for number, dataset in enumerate(datasets, start=1):
        tr = float(np.median(evaluation.tr[dataset]))
        ending = f"_{number}" if len(datasets) > 1 else ""
        figures = {
            f"r_per_region{ending}.png": plot_r_per_region(
                evaluation.scores, summary, dataset
            ),
            f"series{ending}.png": plot_series(
                evaluation.predictions, evaluation.scores, tr, None, dataset
            ),
        }
        for name, figure in figures.items():
            figure.savefig(folder / name, dpi=130)
            names.append(name)
    return names
