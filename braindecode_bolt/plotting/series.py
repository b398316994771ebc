"""Measured and predicted BOLD over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._style import (
    INK,
    chosen_pipelines,
    colours_of,
    is_simulated,
    literal,
    only_dataset,
    tidy,
)


def plot_series(
    predictions: pd.DataFrame,
    scores: pd.DataFrame,
    tr: float | None = None,
    pipelines: list[str] | None = None,
    dataset: str | None = None,
) -> Figure:
    """Draw measured and predicted BOLD of the best, median and worst recording.

    Recordings that have a score are ranked by the mean R over regions of the first
    pipeline. Of each, the region is drawn whose R is the median over its regions.

    Parameters
    ----------
    predictions, scores : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    tr : float | None
        Repetition time in seconds, for the time axis. By default the axis counts
        volumes.
    pipelines : list of str | None
        Pipelines to draw. By default the first three that have a score, without
        controls.
    dataset : str | None
        Name of the data set; needed if there are several.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each of the three recordings, or of those there are. Titles hold the
        mean R over regions, by which the recording was ranked, and R of the region that
        is drawn. With several seeds, those of the first.

    Raises
    ------
    ValueError
        If a data set or pipeline is not in `scores`.
    """
    scores = only_dataset(scores, dataset)
    predictions = only_dataset(predictions, dataset)
    first_seed = scores["seed"].min()
    scores = scores[scores["seed"] == first_seed]
    predictions = predictions[predictions["seed"] == first_seed]
    colours = colours_of(scores["pipeline"])
    pipelines = chosen_pipelines(scores, pipelines)
    picked = _choose(scores[scores["pipeline"] == pipelines[0]])
    figure = Figure(figsize=(9.0, 0.7 + 2.1 * len(picked)), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(len(picked), 1))
    for axes, (rank, recording, fold, region) in zip(all_axes, picked, strict=True):
        of_it = (predictions["recording"] == recording) & (predictions["fold"] == fold)
        _draw(axes, predictions[of_it], region, pipelines, colours, tr)
        of_it = (scores["recording"] == recording) & (scores["fold"] == fold)
        title = f"{rank}: {recording}, {_r_of(scores[of_it], pipelines, region)}"
        axes.set_title(literal(title), loc="left", fontsize=8)
    if is_simulated(scores):
        all_axes[0].lines[0].set_label("simulated BOLD")
    all_axes[-1].set_xlabel("Volume" if tr is None else "Time (s)")
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, frameon=False, ncols=len(labels), loc="outside upper right"
    )
    return figure


def _choose(scores: pd.DataFrame) -> list[tuple[str, str, int, str]]:
    """Choose the best, median and worst recording, and the median region of each."""
    means = scores.groupby(["recording", "fold"])["score"].mean()
    ranked = means.dropna().sort_values(ascending=False)
    if not len(ranked):
        ranked = means
    last = len(ranked) - 1
    ranks = {len(ranked) // 2: "median"} | {last: "worst"} | {0: "best"}
    ranks = ranks if last else {0: "only recording"}
    chosen = []
    for place in sorted(ranks):
        recording, fold = ranked.index[place]
        rows = (scores["recording"] == recording) & (scores["fold"] == fold)
        regions = scores[rows].sort_values("score")
        defined = regions["score"].notna().sum() or len(regions)
        region = regions["region"].iloc[defined // 2]
        chosen.append((ranks[place], recording, fold, region))
    return chosen


def _r_of(scores: pd.DataFrame, pipelines: list[str], region: str) -> str:
    """Write the mean R over regions and the R of one region, for each pipeline."""
    by_region = scores.groupby(["pipeline", "region"])["score"].mean()
    means = by_region.groupby("pipeline").mean()
    of_region = by_region.xs(region, level="region")
    listed = [
        ", ".join(f"{_spelled(r.get(name, np.nan))} ({name})" for name in pipelines)
        for r in (means, of_region)
    ]
    return f"mean R over regions = {listed[0]}\n{region}: R = {listed[1]}"


def _spelled(r: float) -> str:
    return "undefined" if np.isnan(r) else f"{r:.2f}"


def _draw(
    axes: Axes,
    predictions: pd.DataFrame,
    region: str,
    pipelines: list[str],
    colours: dict[str, str],
    tr: float | None,
) -> None:
    """Draw the measured and predicted BOLD of one recording and region."""
    first = predictions[predictions["pipeline"] == pipelines[0]]
    scale = first[f"measured:{region}"].std() or 1.0
    lines = [(first, "measured", "measured", {"color": INK, "lw": 1.1})]
    for name in pipelines:
        rows = predictions[predictions["pipeline"] == name]
        lines.append(
            (rows, "predicted", literal(name), {"color": colours[name], "lw": 1.3})
        )
    for rows, kind, label, style in lines:
        rows = rows.sort_values("volume")
        # Where volumes are missing the line is interrupted.
        stretches = (rows["volume"].diff() > 1).cumsum()
        for _, part in rows.groupby(stretches):
            series = part[f"{kind}:{region}"] / scale
            axes.plot(part["volume"] * (tr or 1.0), series, label=label, **style)
            label = None
    axes.set_ylabel("BOLD (SD)")
    axes.margins(x=0.01)
    tidy(axes)
