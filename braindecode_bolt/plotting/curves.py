"""Training and validation loss of each epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ._style import colours_of, literal, tidy


def plot_curves(curves: pd.DataFrame, pipelines: Sequence[str] | None = None) -> Figure:
    """Draw the loss of each epoch, for each pipeline that is trained in epochs.

    Parameters
    ----------
    curves : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`. Controls are left out.
    pipelines : sequence of str | None
        All pipelines of the evaluation, in order, so that each has the same colour as
        in the other figures. By default those of `curves`.

    Returns
    -------
    matplotlib.figure.Figure
        A panel per pipeline: training loss dashed, validation loss solid, a thin line
        for each fit and a thick one for their mean. A dot marks the epoch with the
        lowest validation loss, whose weights are kept.

    Raises
    ------
    ValueError
        If no pipeline is trained in epochs.
    """
    colours = colours_of(curves["pipeline"] if pipelines is None else pipelines)
    curves = curves[curves["control"] == ""]
    pipelines = list(dict.fromkeys(curves["pipeline"]))
    if not pipelines:
        raise ValueError("There are no curves to draw: no model is trained in epochs.")
    columns = min(3, len(pipelines))
    rows = -(-len(pipelines) // columns)
    size = (0.5 + 3.1 * columns, 0.6 + 2.3 * rows)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(pipelines) :]:
        axes.set_visible(False)
    for axes, pipeline in zip(grid.flat, pipelines, strict=False):
        _draw(axes, curves[curves["pipeline"] == pipeline], colours[pipeline])
        axes.set_title(literal(pipeline), fontsize=9, loc="left")
    for axes in grid[:, 0]:
        axes.set_ylabel("Loss")
    losses = curves[["train_loss", "valid_loss"]].to_numpy(float)
    # One diverged fit must not compress all other curves.
    low, high = np.nanmin(losses), np.nanquantile(losses, 0.98)
    margin = 0.1 * (high - low) or 0.1
    grid[0, 0].set_ylim(low - margin, high + margin)
    grid[0, 0].legend(frameon=False, fontsize=8)
    return figure


def _draw(axes: Axes, curves: pd.DataFrame, colour: str) -> None:
    """Draw each fit of one pipeline, and their mean."""
    thin = {"color": colour, "lw": 0.5, "alpha": 0.5}
    for _, fit in curves.groupby(["dataset", "seed", "fold", "region"], dropna=False):
        axes.plot(fit["epoch"], fit["train_loss"], "--", **thin)
        if fit["valid_loss"].notna().any():
            axes.plot(fit["epoch"], fit["valid_loss"], **thin)
            best = fit.loc[fit["valid_loss"].idxmin()]
            axes.plot(best["epoch"], best["valid_loss"], ".", color=colour, ms=5)
    means = curves.groupby("epoch")[["train_loss", "valid_loss"]].mean()
    axes.plot(means.index, means["train_loss"], "--", color=colour, label="training")
    axes.plot(means.index, means["valid_loss"], color=colour, label="validation")
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(axes)
