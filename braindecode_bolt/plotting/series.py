"""Predicted beside measured BOLD."""

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

    Recordings are ranked by the mean R over regions of the first pipeline. Of each,
    the region is shown whose R is the median of its regions, so that the choice favours
    nobody.

    Parameters
    ----------
    predictions, scores : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    tr : float | None
        Repetition time in seconds, for the axis of time. By default it counts
        volumes.
    pipelines : list of str | None
        Which to draw. By default the first three without controls that have a score.
    dataset : str | None
        Which data set, where there are several.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each of the three recordings.

    Raises
    ------
    ValueError
        If there is no such data set or pipeline.
    """
    scores = only_dataset(scores, dataset)
    predictions = only_dataset(predictions, dataset)
    first_seed = scores["seed"].min()
    scores = scores[scores["seed"] == first_seed]
    predictions = predictions[predictions["seed"] == first_seed]
    colours = colours_of(scores["pipeline"])
    pipelines = chosen_pipelines(scores, pipelines)
    picked = _pick(scores[scores["pipeline"] == pipelines[0]])
    figure = Figure(figsize=(9.0, 0.7 + 2.1 * len(picked)), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(len(picked), 1))
    for axes, (rank, recording, fold, region) in zip(all_axes, picked, strict=True):
        key = (recording, fold, region)
        _draw(axes, predictions, scores, pipelines, colours, key, tr)
        r = _r_of(scores, pipelines, *key)
        listed = ", ".join(f"{_spelled(value)} ({name})" for name, value in r.items())
        title = literal(f"{rank}: {recording}, {region}\nR = {listed}")
        axes.set_title(title, loc="left", fontsize=8)
    if is_simulated(scores):
        for axes in all_axes:
            axes.lines[0].set_label("simulated BOLD")
    all_axes[-1].set_xlabel("Volume" if tr is None else "Time (s)")
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, frameon=False, ncols=len(labels), loc="outside upper right"
    )
    return figure


def _pick(scores: pd.DataFrame) -> list[tuple[str, str, int, str]]:
    """Best, median and worst recording, and the median region of each."""
    means = scores.groupby(["recording", "fold"])["score"].mean()
    ranked = means.sort_values(ascending=False, na_position="last")
    places = {"best": 0, "median": len(ranked) // 2, "worst": len(ranked) - 1}
    picked = {}
    for rank, place in places.items():
        recording, fold = ranked.index[place]
        rows = (scores["recording"] == recording) & (scores["fold"] == fold)
        regions = scores[rows].sort_values("score", na_position="last")["region"]
        region = regions.iloc[len(regions) // 2]
        picked.setdefault((recording, fold), (rank, recording, fold, region))
    return list(picked.values())


def _r_of(
    scores: pd.DataFrame, pipelines: list[str], recording: str, fold: int, region: str
) -> dict[str, float]:
    chosen = scores[(scores["recording"] == recording) & (scores["region"] == region)]
    found = {}
    for pipeline in pipelines:
        of_it = chosen[(chosen["pipeline"] == pipeline) & (chosen["fold"] == fold)]
        found[pipeline] = of_it["score"].mean()
    return found


def _spelled(r: float) -> str:
    return "undefined" if np.isnan(r) else f"{r:.2f}"


def _draw(
    axes: Axes,
    predictions: pd.DataFrame,
    scores: pd.DataFrame,
    pipelines: list[str],
    colours: dict[str, str],
    key: tuple[str, int, str],
    tr: float | None,
) -> None:
    recording, fold, region = key
    chosen = predictions["recording"] == recording
    chosen = predictions[chosen & (predictions["fold"] == fold)]
    scale = 1.0
    for number, pipeline in enumerate(pipelines):
        rows = chosen[chosen["pipeline"] == pipeline].sort_values("volume")
        # A line would bridge volumes that are not there.
        holes = (rows["volume"].diff() > 1).cumsum()
        for _, part in rows.groupby(holes):
            time = part["volume"] * (tr or 1.0)
            if number == 0:
                scale = rows[f"measured:{region}"].std() or 1.0
                measured = part[f"measured:{region}"] / scale
                axes.plot(time, measured, color=INK, lw=1.1, label=_once(axes, "measured"))
            predicted = part[f"predicted:{region}"] / scale
            axes.plot(
                time,
                predicted,
                color=colours[pipeline],
                lw=1.3,
                label=_once(axes, literal(pipeline)),
            )
    axes.set_ylabel("BOLD (s.d.)")
    axes.margins(x=0.01)
    tidy(axes)


def _once(axes: Axes, label: str) -> str | None:
    """Give a label to the first line of its kind only."""
    return None if label in axes.get_legend_handles_labels()[1] else label
