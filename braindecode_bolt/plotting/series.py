"""Measured and predicted BOLD over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._text import counted
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
    pipeline. Of each, the region is drawn whose R is nearest to this mean.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    scores : pandas.DataFrame
        Of the same.
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
        A row for each of the three recordings, or of those there are. Titles say the R
        by which the recording was chosen, then R of the region that is drawn. With
        several seeds, those of the first.

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
    for axes, (chosen, recording, fold, region) in zip(all_axes, picked, strict=True):
        of_it = (predictions["recording"] == recording) & (predictions["fold"] == fold)
        _draw(axes, predictions[of_it], region, pipelines, colours, tr)
        of_it = (scores["recording"] == recording) & (scores["fold"] == fold)
        drawn = _r_of(scores[of_it], pipelines, region)
        title = f"{recording}: {chosen}\n{region}: {drawn}"
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
    """Choose the best, median and worst recording, and a typical region of each.

    Gives why it was chosen, the recording, the fold and the region.
    """
    means = scores.groupby(["recording", "fold"])["score"].mean()
    ranked = means.dropna().sort_values(ascending=False)
    if not len(ranked):
        ranked = means
    last = len(ranked) - 1
    ranks = {len(ranked) // 2: "median"} | {last: "lowest"} | {0: "highest"}
    ranks = ranks if last else {0: "only"}
    shown = {place: ranked.iloc[place] for place in sorted(ranks)}
    # Recordings that were chosen for their difference never show the same number.
    for digits in (2, 3, 4):
        if len({f"{r:.{digits}f}" for r in shown.values()}) == len(shown):
            break
    chosen = []
    for place, mean in shown.items():
        recording, fold = ranked.index[place]
        rows = (scores["recording"] == recording) & (scores["fold"] == fold)
        regions = scores[rows].set_index("region")["score"]
        far = (regions - mean).abs()
        region = far.idxmin() if far.notna().any() else regions.index[0]
        why = f"{ranks[place]} of {counted(len(ranked), 'tested recording')}"
        r = _spelled(mean, digits)
        pipeline = scores["pipeline"].iloc[0]
        why += f" by the mean R over regions of {pipeline}, {r}"
        chosen.append((why, recording, fold, region))
    return chosen


def _r_of(scores: pd.DataFrame, pipelines: list[str], region: str) -> str:
    """Write the R of one region, for each pipeline."""
    r = scores[scores["region"] == region].groupby("pipeline")["score"].mean()
    listed = (f"{_spelled(r.get(name, np.nan))} ({name})" for name in pipelines)
    return f"R {', '.join(listed)}"


def _spelled(r: float, digits: int = 2) -> str:
    return "undefined" if np.isnan(r) else f"{r:.{digits}f}"


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
