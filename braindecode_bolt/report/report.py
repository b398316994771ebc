"""The report: tables and figures of an evaluation in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._files import atomic_write
from .._text import counted
from .._version import __version__
from ..evaluation import Evaluation
from ..evaluation.judge import FEWEST, MEAN
from ..evaluation.plan import FitTask
from ..plotting import plot_connectivity, plot_curves, plot_r_per_region, plot_series
from ..plotting._style import chosen_pipelines, is_simulated
from .methods import bibtex, methods_of
from .page import encode_figure, render
from .people import coverage_of, people_of, with_coverage
from .score_table import SURROGATES, caution, few_subjects
from .understanding import read_explanations, understanding

__all__ = ["write_report"]


def write_report(
    evaluation: Evaluation,
    path: str | Path,
    summary: pd.DataFrame | None = None,
    comparison: pd.DataFrame | None = None,
    title: str = "BOLD predicted from EEG",
    explanations: Mapping[str, pd.DataFrame] | None = None,
    atlas: Any = None,
    labels: Sequence[str] | None = None,
    coordinates: pd.DataFrame | None = None,
) -> Path:
    """Write a report of an evaluation as one HTML file.

    It holds a table of models, R per region with confidence intervals and the range
    expected by chance, comparisons of models, people with R and coverage of prediction
    intervals, example series of three recordings, connectivity beside that of rivals
    that ignore EEG, training curves, failed fits, undefined scores, volumes that were
    left out and why, channels, all settings, the command, and a paragraph on methods
    with references. Figures are part of the file, which needs no network and can be
    printed.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    path : str | Path
        The file to write.
    summary : pandas.DataFrame | None
        Its :meth:`~braindecode_bolt.evaluation.Evaluation.summary`. By default it is
        computed.
    comparison : pandas.DataFrame | None
        Its :meth:`~braindecode_bolt.evaluation.Evaluation.compare`. By default it is
        computed.
    title : str, default "BOLD predicted from EEG"
        Title of the report.
    explanations : mapping of str to pandas.DataFrame | None
        What drives the regions: tables of :func:`~braindecode_bolt.explanation.explain`
        by name of the model. By default those in the folder ``explanations`` of the
        results.
    atlas : str | path | image | Mapping | None
        Where the regions are, as for :func:`~braindecode_bolt.plotting.plot_glass_brain`;
        R is drawn there.
    labels : sequence of str | None
        Names of the atlas's regions, in its order. By default its own.
    coordinates : pandas.DataFrame | None
        Without an atlas: ``x``, ``y``, ``z`` of each region in millimetres (MNI). If
        regions cannot be placed, a warning is logged and the picture is left out.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If all fits failed, or `summary` has other pipelines than the evaluation.
    TypeError
        If `evaluation` is not an Evaluation.
    """
    if not isinstance(evaluation, Evaluation):
        raise TypeError(
            "write_report expects the Evaluation that evaluate returns, got "
            f"{type(evaluation).__name__}."
        )
    if not len(evaluation.scores):
        raise ValueError(
            f"There are no scores to report: {counted(len(evaluation.failures), 'fit')} "
            "failed. Evaluation.failures holds the errors."
        )
    summary = evaluation.summary() if summary is None else summary
    keys = ["dataset", "pipeline"]
    of_summary, expected = (
        set(map(tuple, table[keys].to_numpy())) for table in (summary, evaluation.scores)
    )
    if of_summary != expected:
        raise ValueError(
            "The summary belongs to another evaluation. Its data sets and pipelines are "
            f"{sorted(of_summary)}, those of the evaluation {sorted(expected)}."
        )
    comparison = evaluation.compare() if comparison is None else comparison
    if explanations is None:
        explanations = read_explanations(evaluation.folder)
    content = {
        "title": title,
        "date": f"{datetime.now():%d %B %Y, %H:%M}",
        "version": __version__,
        "level": f"{100 * summary['level'].iloc[0]:g}%",
        "surrogates": SURROGATES[summary["null"].iloc[0]],
        "n_surrogates": int(summary["n_surrogates"].iloc[0]),
        "fewest": FEWEST,
        "caution": caution(summary),
        "sections": [
            _section(evaluation, summary, comparison, dataset)
            for dataset in dict.fromkeys(evaluation.scores["dataset"])
        ],
        "understanding": understanding(summary, explanations, atlas, labels, coordinates),
        "curves": _curves(evaluation),
        "failures": _failures(evaluation.failures),
        "messages": evaluation.messages.to_dict("records"),
        "left_out": _left_out(evaluation.left_out),
        "settings": _settings(evaluation.settings),
        "command": evaluation.command,
        "methods": _methods(evaluation, summary),
    }
    html = render("template.html", content)
    path = Path(path)
    with atomic_write(path) as unfinished:
        unfinished.write_text(html, encoding="utf-8", errors="backslashreplace")
    return path


def _methods(evaluation: Evaluation, summary: pd.DataFrame) -> dict[str, Any]:
    texts, keys = [], []
    for dataset in dict.fromkeys(evaluation.scores["dataset"]):
        text, cited = methods_of(evaluation, summary, dataset)
        texts.append(text)
        keys += cited
    return {"texts": texts, "bibtex": bibtex(keys)}


def _curves(evaluation: Evaluation) -> dict[str, Any] | None:
    if not (evaluation.curves["control"] == "").any():
        return None
    return encode_figure(plot_curves(evaluation.curves, evaluation.scores["pipeline"]))


def _section(
    evaluation: Evaluation, summary: pd.DataFrame, comparison: pd.DataFrame, dataset: str
) -> dict[str, Any]:
    """Make the tables and figures of one data set."""
    scores = evaluation.scores[evaluation.scores["dataset"] == dataset]
    summary = summary[summary["dataset"] == dataset]
    regions = evaluation.regions[dataset]
    tr = float(np.median(evaluation.tr[dataset]))
    coverage = evaluation.coverage
    coverage = coverage[coverage["dataset"] == dataset] if len(coverage) else coverage
    inside = coverage_of(coverage)
    shown = chosen_pipelines(scores, None)
    n_subjects = scores["subject"].nunique()
    section: dict[str, Any] = {
        "name": dataset,
        "simulated": is_simulated(scores),
        "couplings": evaluation.couplings.get(dataset, []),
        "n_recordings": scores["recording"].nunique(),
        "n_subjects": n_subjects,
        "few_subjects": few_subjects(n_subjects),
        "n_regions": len(regions),
        "n_channels": int(scores["channels"].iloc[0]),
        "channels": evaluation.channels.get(dataset, []),
        "people": people_of(scores, coverage, shown),
        "coverage": inside.rename_axis("pipeline").reset_index().to_dict("records"),
        "interval_level": f"{coverage['level'].iloc[0]:.0%}" if len(coverage) else "",
        "few_for_intervals": _few_for_intervals(inside),
        "n_folds": scores["fold"].nunique(),
        "seeds": sorted(scores["seed"].unique().tolist()),
        "tr": f"{tr:g}",
        "shown": shown,
        "models": _models(scores, summary, inside),
        "regions": encode_figure(plot_r_per_region(scores, summary)),
        "series": encode_figure(
            plot_series(evaluation.predictions, scores, tr, shown, dataset)
        ),
        "connectivity": None,
        "rivals": None,
        "per_region": {
            pipeline: part.to_dict("records")
            for pipeline, part in with_coverage(summary, coverage).groupby(
                "pipeline", sort=False
            )
        },
        "comparison": _comparison(comparison[comparison["dataset"] == dataset], scores),
    }
    if len(regions) > 2:
        figure = plot_connectivity(evaluation.predictions, regions, shown, dataset)
        section["connectivity"] = encode_figure(figure)
        rivals = evaluation.connectivity_summary()
        section["rivals"] = rivals[rivals["dataset"] == dataset].to_dict("records")
    return section


def _models(
    scores: pd.DataFrame, summary: pd.DataFrame, inside: pd.DataFrame
) -> list[dict[str, Any]]:
    """Make the rows of the table of models, the best one first."""
    covered = inside["coverage"].to_dict() if len(inside) else {}
    fits = scores.drop_duplicates(["pipeline", "seed", "fold"])
    seconds = fits.groupby("pipeline")["time"].mean()
    rows = []
    for _, row in summary[summary["region"] == MEAN].iterrows():
        p = summary.loc[summary["pipeline"] == row["pipeline"], "p_fdr"].dropna()
        rows.append(
            {
                **row.to_dict(),
                "significant": f"{(p < 0.05).sum()} of {len(p)}" if len(p) else "-",
                "coverage": covered.get(row["pipeline"], np.nan),
                "seconds": seconds.get(row["pipeline"], np.nan),
                "share": row["score"] / row["window_limited_noise_ceiling"],
            }
        )
    return sorted(rows, key=lambda row: -np.nan_to_num(row["score"], nan=-2.0))


def _few_for_intervals(inside: pd.DataFrame) -> str:
    """Say what cannot be promised with few people; empty if there are enough."""
    if not len(inside):
        return ""
    known = int(inside["n_subjects"].min()) - 1
    most = known / (known + 1)
    if inside["level"].iloc[0] <= most:
        return ""
    return (
        f"Each is learned from {counted(known, 'person', 'people')}: with so few, no "
        f"method can guarantee more than {most:.0%} for a new person. The intervals are "
        "estimates."
    )


def _comparison(comparison: pd.DataFrame, scores: pd.DataFrame) -> dict[str, Any] | None:
    """Arrange paired differences as a matrix, without controls."""
    plain = dict.fromkeys(scores.loc[scores["control"] == "", "pipeline"])
    names = [name for name in plain if name in set(comparison["better"])]
    if len(names) < 2:
        return None
    cells = {(row["better"], row["worse"]): row for row in comparison.to_dict("records")}
    return {
        "names": names,
        "n_tests": int(comparison["p_fdr"].notna().sum()),
        "rows": {name: [cells.get((name, other)) for other in names] for name in names},
    }


def _failures(failures: pd.DataFrame) -> list[dict[str, Any]]:
    names = [item.name for item in fields(FitTask)]
    return [
        {**row, "pipeline": FitTask(*(row[name] for name in names)).pipeline}
        for row in failures.to_dict("records")
    ]


def _left_out(left_out: pd.DataFrame) -> dict[str, Any]:
    counts = ["no_full_window", "touches_bad", "crosses_joint"]
    touched = left_out[left_out[counts].sum(axis=1) > 0]
    return {
        "volumes": int(left_out["volumes"].sum()),
        "windows": int(left_out["windows"].sum()),
        **{name: int(left_out[name].sum()) for name in counts},
        "rows": touched.to_dict("records"),
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
