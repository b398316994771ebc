"""R of each region, with confidence interval, chance and noise ceiling."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ._style import INK, PALE, colours_of, is_simulated, literal, only_dataset, tidy

#: More rows than this are drawn as a heat map.
_MOST_ROWS = 90
_ALPHA = 0.05


def plot_r_per_region(
    scores: pd.DataFrame, summary: pd.DataFrame, dataset: str | None = None
) -> Figure:
    """Draw the R of each pipeline and region.

    Parameters
    ----------
    scores : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    summary : pandas.DataFrame
        Its :meth:`~braindecode_bolt.evaluation.Evaluation.summary`.
    dataset : str | None
        Name of the data set; needed if there are several.

    Returns
    -------
    matplotlib.figure.Figure
        Mean R with its confidence interval, a small dot per recording, the range of R
        of surrogate BOLD in grey, and the window-limited noise ceiling of simulated
        BOLD. Filled symbols: R exceeds chance (p < 0.05, adjusted for the number of
        regions). A heat map if there are too many regions for this. Controls and
        pipelines without any score are left out.

    Raises
    ------
    ValueError
        If there are several data sets and `dataset` is None, or none has this name.
    """
    scores, summary = only_dataset(scores, dataset), only_dataset(summary, dataset)
    shown = (summary["control"] == "") & summary["score"].notna()
    pipelines = list(dict.fromkeys(summary.loc[shown, "pipeline"]))
    regions = list(dict.fromkeys(summary["region"]))
    if len(regions) * len(pipelines) > _MOST_ROWS:
        return _heat_map(scores, summary, pipelines, regions)
    return _forest(scores, summary, pipelines, regions)


def _forest(
    scores: pd.DataFrame, summary: pd.DataFrame, pipelines: list[str], regions: list[str]
) -> Figure:
    colours = colours_of(summary["pipeline"])
    height = 1.5 + len(regions) * max(0.34, 0.19 * len(pipelines) + 0.12)
    figure = Figure(figsize=(7.6, height), layout="constrained")
    axes = figure.subplots()
    axes.use_sticky_edges = False
    width = 0.8 / max(len(pipelines), 1)
    table = summary.set_index(["pipeline", "region"])
    rng = np.random.default_rng(0)
    for place, region in enumerate(regions):
        for number, pipeline in enumerate(pipelines):
            y = place - 0.4 + (number + 0.5) * width
            of_it = scores[(scores["pipeline"] == pipeline) & (scores["region"] == region)]
            dots = of_it.groupby(["recording", "fold"])["score"].mean().to_numpy()
            jitter = rng.uniform(-0.3, 0.3, len(dots)) * width
            _draw_row(axes, y, width, table.loc[(pipeline, region)], colours[pipeline])
            axes.plot(dots, y + jitter, ".", ms=3, color=colours[pipeline], alpha=0.4)
    means = summary.groupby("region", sort=False)["window_limited_noise_ceiling"].mean()
    for place, region in enumerate(regions):
        if np.isfinite(means[region]):
            axes.plot([means[region]] * 2, [place - 0.42, place + 0.42], color=INK, lw=1.6)
    axes.axvline(0, color=INK, lw=0.6)
    axes.axhline(len(regions) - 1.5, color=PALE, lw=0.8)
    names = ["mean over regions" if r == "mean" else literal(r) for r in regions]
    axes.set_yticks(range(len(regions)), names)
    axes.set_ylim(len(regions) - 0.4, -0.6)
    axes.set_xlabel(f"Pearson R{' (simulated BOLD)' if is_simulated(scores) else ''}")
    tidy(axes)
    _legend(figure, pipelines, colours, summary["level"].iloc[0], is_simulated(scores))
    return figure


def _draw_row(axes: Axes, y: float, width: float, row: pd.Series, colour: str) -> None:
    if np.isfinite(row["null_low"]):
        axes.barh(
            y,
            row["null_high"] - row["null_low"],
            0.8 * width,
            row["null_low"],
            color=PALE,
            zorder=0,
        )
    if not np.isfinite(row["score"]):
        return
    if np.isfinite(row["ci_low"]):
        axes.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, lw=1.8)
    p = row["p"] if np.isnan(row["p_fdr"]) else row["p_fdr"]
    face = colour if p < _ALPHA else "white"
    axes.plot(row["score"], y, "o", ms=6, mec=colour, mfc=face, zorder=3)


def _legend(
    figure: Figure,
    pipelines: list[str],
    colours: dict[str, str],
    level: float,
    simulated: bool,
) -> None:
    handles = [
        Line2D([], [], color=colours[name], marker="o", lw=1.8, label=literal(name))
        for name in pipelines
    ]
    handles.append(
        Patch(color=PALE, label=f"chance: R of surrogate BOLD ({100 * level:g}%)")
    )
    if simulated:
        handles.append(
            Line2D(
                [],
                [],
                color=INK,
                marker="|",
                ms=10,
                mew=1.6,
                lw=0,
                label="window-limited noise ceiling",
            )
        )
    figure.legend(
        handles=handles,
        frameon=False,
        ncols=min(3, len(handles)),
        loc="outside upper left",
        fontsize=9,
        columnspacing=1.4,
    )


def _heat_map(
    scores: pd.DataFrame, summary: pd.DataFrame, pipelines: list[str], regions: list[str]
) -> Figure:
    wide = summary.pivot(index="region", columns="pipeline", values="score")
    wide = wide.loc[regions, pipelines]
    shown = summary.assign(shown=summary["p_fdr"].fillna(summary["p"]))
    p = shown.pivot(index="region", columns="pipeline", values="shown")
    p = p.loc[regions, pipelines].to_numpy()
    size = (2.8 + 0.75 * len(pipelines), 1.8 + 0.2 * len(regions))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    limit = max(0.1, float(np.nanmax(np.abs(wide.to_numpy()))))
    image = axes.imshow(wide, "RdBu_r", aspect="auto", vmin=-limit, vmax=limit)
    for row, column in np.argwhere(p < _ALPHA):
        strong = abs(wide.iloc[row, column]) > 0.6 * limit
        colour = "white" if strong else INK
        axes.text(column, row, "•", ha="center", va="center", color=colour)
    axes.set_xticks(
        range(len(pipelines)), [literal(p) for p in pipelines], rotation=40, ha="right"
    )
    axes.set_yticks(range(len(regions)), [literal(r) for r in regions], fontsize=7)
    axes.set_title(
        "Pearson R. Dot: exceeds chance\n(p < 0.05, adjusted for the number of regions)"
        + (", simulated BOLD" if is_simulated(scores) else ""),
        fontsize=9,
        loc="left",
    )
    figure.colorbar(image, ax=axes, shrink=0.5)
    return figure
