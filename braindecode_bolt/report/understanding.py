"""Sections of the report on what drives the regions, and where they are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from ..evaluation.judge import MEAN
from ..plotting import (
    plot_glass_brain,
    plot_lag_curves,
    plot_surface,
    plot_topographies,
)
from .page import encode_figure, render

__all__ = ["EXPLANATIONS", "read_explanations", "understanding"]

logger = logging.getLogger(__name__)

#: Folder in the results where explanations are looked for, a table per pipeline.
EXPLANATIONS = "explanations"
#: Regions with a row of maps in the report, at most.
_MOST_REGIONS = 8


def read_explanations(folder: Path | None) -> dict[str, pd.DataFrame]:
    """Read the explanations that lie in a results folder, by the name of the file."""
    if folder is None or not (Path(folder) / EXPLANATIONS).is_dir():
        return {}
    found = sorted((Path(folder) / EXPLANATIONS).glob("*.tsv"))
    return {file.stem: pd.read_csv(file, sep="\t", keep_default_na=True) for file in found}


def understanding(
    summary: pd.DataFrame,
    explanations: Mapping[str, pd.DataFrame],
    atlas: Any,
    labels: Sequence[str] | None,
    coordinates: pd.DataFrame | None,
) -> Markup:
    """Make the sections; empty if neither explanations nor places are known.

    Parameters
    ----------
    summary : pandas.DataFrame
        Summary of an evaluation.
    explanations : mapping of str to pandas.DataFrame
        Tables of :func:`~braindecode_bolt.explanation.explain` by name of the model.
    atlas, labels, coordinates
        Where the regions are, as for
        :func:`~braindecode_bolt.plotting.plot_glass_brain`.

    Returns
    -------
    Markup
    """
    content = {
        "brains": _brains(summary, atlas, labels, coordinates),
        "explanations": [_explanation(name, table) for name, table in explanations.items()],
    }
    if not content["brains"] and not content["explanations"]:
        return Markup("")
    return Markup(render("understanding.html", content))


def _brains(
    summary: pd.DataFrame,
    atlas: Any,
    labels: Sequence[str] | None,
    coordinates: pd.DataFrame | None,
) -> list[dict[str, Any]]:
    """Draw R of the best model of each data set."""
    if atlas is None and coordinates is None:
        return []
    made = []
    plain = summary[(summary["control"] == "") & summary["score"].notna()]
    for dataset, part in plain.groupby("dataset", sort=False):
        means = part[part["region"] == MEAN].set_index("pipeline")["score"]
        best = means.idxmax()
        rows = part[(part["pipeline"] == best) & (part["region"] != MEAN)]
        r = rows.set_index("region")["score"]
        try:
            figures = [plot_glass_brain(r, atlas, labels, coordinates)]
        except ValueError as error:
            logger.warning("No brain picture of %s: %s", dataset, error)
            continue
        if atlas is not None:
            try:
                figures.append(plot_surface(r, atlas, labels))
            except ValueError as error:
                logger.warning("No picture of the cortex of %s: %s", dataset, error)
        images = [encode_figure(figure) for figure in figures]
        made.append({"dataset": dataset, "model": best, "images": images})
    return made


def _explanation(name: str, table: pd.DataFrame) -> dict[str, Any]:
    """Draw the explanation of one model."""
    regions = list(table.dropna(subset="pattern")["region"].unique())
    value = "effect" if table["effect"].notna().any() else "pattern"
    drawn: dict[str, Any] = {"name": name, "method": table["method"].iloc[0]}
    drawn["n_more"] = max(0, len(regions) - _MOST_REGIONS)
    figures: dict[str, Callable[[], Figure]] = {
        "mean": lambda: plot_topographies(table),
        "regions": lambda: plot_topographies(table, regions[:_MOST_REGIONS]),
        "lags": lambda: plot_lag_curves(table, value=value),
    }
    for key, draw in figures.items():
        try:
            drawn[key] = encode_figure(draw())
        except ValueError as error:
            logger.warning("Part of the explanation of %s is not drawn: %s", name, error)
            drawn[key] = None
    return drawn
