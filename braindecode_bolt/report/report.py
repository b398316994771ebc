"""The report: tables and figures of an evaluation in one file."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .._files import atomic_write
from .._version import __version__
from ..evaluation import Evaluation
from ..evaluation.judge import MEAN
from ..plotting import plot_connectivity, plot_curves, plot_r_per_region, plot_series
from ..plotting._style import chosen_pipelines
from .score_table import SURROGATES, format_p, suspicious

__all__ = ["write_report"]

_DPI = 150


def write_report(
    evaluation: Evaluation,
    path: str | Path,
    summary: pd.DataFrame | None = None,
    comparison: pd.DataFrame | None = None,
    title: str = "BOLD predicted from EEG",
) -> Path:
    """Write a report of an evaluation.

    What was run, a table of models, R per region with confidence intervals and the
    band of chance, comparisons of models, example series of the best, median and worst
    recording, connectivity, training curves, what was left out and why, and all
    settings. One file with everything in it, that needs no network and prints.

    Parameters
    ----------
    evaluation : Evaluation
        What to report.
    path : str | Path
        The file to write.
    summary, comparison : pandas.DataFrame | None
        Of :meth:`Evaluation.summary` and :meth:`Evaluation.compare`, where they are
        made already.
    title : str
        Its title.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If there is no result to report, or the summary is of another evaluation.
    TypeError
        If `evaluation` is none.
    """
    if not isinstance(evaluation, Evaluation):
        raise TypeError(
            f"A report is written of an Evaluation (evaluate gives one), got "
            f"{type(evaluation).__name__}."
        )
    if not len(evaluation.scores):
        raise ValueError(
            f"There are no scores to report: all {len(evaluation.failures)} fits failed. "
            "See the table of failures."
        )
    summary = evaluation.summary() if summary is None else summary
    keys = ["dataset", "pipeline"]
    if set(map(tuple, summary[keys].to_numpy())) != set(
        map(tuple, evaluation.scores[keys].to_numpy())
    ):
        raise ValueError("The summary is of another evaluation: it has other pipelines.")
    comparison = evaluation.compare() if comparison is None else comparison
    content = {
        "title": title,
        "date": f"{datetime.now():%d %B %Y, %H:%M}",
        "version": __version__,
        "level": f"{100 * summary['level'].iloc[0]:g} %",
        "surrogates": SURROGATES[summary["null"].iloc[0]],
        "suspicious": suspicious(summary),
        "simulated": bool(evaluation.scores["noise_ceiling"].notna().any()),
        "sections": [
            _section(evaluation, summary, comparison, dataset)
            for dataset in dict.fromkeys(evaluation.scores["dataset"])
        ],
        "curves": _curves(evaluation),
        "failures": _records(evaluation.failures),
        "messages": _records(evaluation.messages),
        "left_out": _left_out(evaluation.left_out),
        "settings": _settings(evaluation.settings),
    }
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {"number": _number, "p": format_p, "interval": _interval}
    template = files(__package__).joinpath("template.html").read_text(encoding="utf-8")
    html = environment.from_string(template).render(content)
    path = Path(path)
    with atomic_write(path) as unfinished:
        unfinished.write_text(html, encoding="utf-8", errors="backslashreplace")
    return path


def _curves(evaluation: Evaluation) -> dict[str, Any] | None:
    if not (evaluation.curves["control"] == "").any():
        return None
    return _image(plot_curves(evaluation.curves, evaluation.scores["pipeline"]))


def _section(
    evaluation: Evaluation, summary: pd.DataFrame, comparison: pd.DataFrame, dataset: str
) -> dict[str, Any]:
    """Tables and figures of one data set."""
    scores = evaluation.scores[evaluation.scores["dataset"] == dataset]
    summary = summary[summary["dataset"] == dataset]
    regions = evaluation.regions[dataset]
    tr = float(np.median(evaluation.tr[dataset]))
    first = scores.iloc[0]
    shown = chosen_pipelines(scores, None)
    sections: dict[str, Any] = {
        "name": dataset,
        "n_recordings": scores["recording"].nunique(),
        "n_subjects": scores["subject"].nunique(),
        "n_regions": len(regions),
        "n_channels": int(first["channels"]),
        "n_folds": scores["fold"].nunique(),
        "seeds": sorted(scores["seed"].unique().tolist()),
        "tr": f"{tr:g}",
        "models": _models(scores, summary, evaluation, dataset),
        "regions": _image(plot_r_per_region(scores, summary)),
        "series": _image(plot_series(evaluation.predictions, scores, tr, shown, dataset)),
        "connectivity": None,
        "per_region": _per_region(summary),
        "comparison": _comparison(comparison[comparison["dataset"] == dataset], scores),
    }
    if len(regions) > 2:
        figure = plot_connectivity(evaluation.predictions, regions, shown, dataset)
        sections["connectivity"] = _image(figure)
    return sections


def _models(
    scores: pd.DataFrame, summary: pd.DataFrame, evaluation: Evaluation, dataset: str
) -> list[dict[str, Any]]:
    connectivity = evaluation.connectivity
    connectivity = connectivity[connectivity["dataset"] == dataset]
    of_connectivity = connectivity.groupby("pipeline")["connectivity_r"].mean()
    fits = scores.drop_duplicates(["pipeline", "seed", "fold"])
    seconds = fits.groupby("pipeline")["time"].mean()
    rows = []
    for _, row in summary[summary["region"] == MEAN].iterrows():
        of_it = summary[(summary["pipeline"] == row["pipeline"])]
        n_regions = of_it["p_fdr"].notna().sum()
        n_significant = (of_it["p_fdr"] < 0.05).sum()
        share = row["score"] / row["window_limited_noise_ceiling"]
        rows.append(
            {
                **row.to_dict(),
                "significant": f"{n_significant} of {n_regions}" if n_regions else "–",
                "connectivity_r": of_connectivity.get(row["pipeline"], np.nan),
                "seconds": seconds.get(row["pipeline"], np.nan),
                "share": share,
            }
        )
    return sorted(rows, key=lambda row: -np.nan_to_num(row["score"], nan=-2.0))


def _per_region(summary: pd.DataFrame) -> list[dict[str, Any]]:
    """Numbers of each region, a table for each pipeline."""
    return [
        {"pipeline": pipeline, "rows": _records(part)}
        for pipeline, part in summary.groupby("pipeline", sort=False)
    ]


def _comparison(comparison: pd.DataFrame, scores: pd.DataFrame) -> dict[str, Any] | None:
    """Lay out paired differences as a matrix, controls left out."""
    plain = list(dict.fromkeys(scores.loc[scores["control"] == "", "pipeline"]))
    names = [name for name in plain if name in set(comparison["better"])]
    if len(names) < 2:
        return None
    table = comparison[comparison["better"].isin(plain) & comparison["worse"].isin(plain)]
    undefined = table[table["n_undefined"] > 0].drop_duplicates("n_undefined")
    n_subjects = sorted(set(table["n_subjects"].tolist()))
    table = table.set_index(["better", "worse"])
    return {
        "names": names,
        "n_subjects": n_subjects,
        "n_undefined": sorted(undefined["n_undefined"].tolist()),
        "rows": [
            {
                "name": row,
                "cells": [
                    None
                    if (row, other) not in table.index
                    else table.loc[(row, other)].to_dict()
                    for other in names
                ],
            }
            for row in names
        ],
    }


def _left_out(left_out: pd.DataFrame) -> dict[str, Any]:
    counts = ["no_full_window", "touches_bad", "crosses_joint"]
    touched = left_out[left_out[counts].sum(axis=1) > 0]
    return {
        "volumes": int(left_out["volumes"].sum()),
        "windows": int(left_out["windows"].sum()),
        **{name: int(left_out[name].sum()) for name in counts},
        "rows": _records(touched),
    }


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    laid_out = {
        name: json.dumps(value, indent=2) if isinstance(value, (dict, list)) else str(value)
        for name, value in settings.items()
        if name != "versions"
    }
    protocol = settings.get("protocol", {})
    arguments = ", ".join(f"{k}={v!r}" for k, v in protocol.items() if k)
    return {
        "protocol": f"{protocol.get('', 'protocol')}({arguments})",
        "models": list(settings.get("models", {})),
        "texts": laid_out,
        "versions": settings.get("versions", {}),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.to_dict("records")


def _number(value: float, digits: int = 2) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def _interval(row: Mapping[str, float], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "–" if not np.isfinite(low) else f"{low:.2f} to {high:.2f}"


def _image(figure: Figure) -> dict[str, Any]:
    """Give a figure as a PNG inside the page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    width, _ = figure.get_size_inches() * 96
    return {
        "data": base64.b64encode(buffer.getvalue()).decode("ascii"),
        "width": round(width),
    }
