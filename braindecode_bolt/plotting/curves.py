"""How training went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ._style import colours_of, literal, tidy


def plot_curves(curves: pd.DataFrame, pipelines: Sequence[str] | None = None) -> Figure:
    """Draw the losses of each epoch, for each pipeline that has epochs.

    Parameters
    ----------
    curves : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`. Controls are left out.
    pipelines : sequence of str | None
        All pipelines of the evaluation, in order, for the colours that they have in
        other figures.

    Returns
    -------
    matplotlib.figure.Figure
        A panel per pipeline: training loss dashed, validation loss solid, a thin line
        for each fit and a thick one for their mean; a dot where the validation loss of
        a fit is lowest, whose weights are kept.

    Raises
    ------
    ValueError
        If there are no curves.
    """
    colours = colours_of(curves["pipeline"] if pipelines is None else pipelines)
    curves = curves[curves["control"] == ""]
    pipelines = list(dict.fromkeys(curves["pipeline"]))
    if not pipelines:
        raise ValueError("There are no curves to draw: no model has epochs.")
    columns = min(3, len(pipelines))
    rows = -(-len(pipelines) // columns)
    size = (0.5 + 3.1 * columns, 0.6 + 2.3 * rows)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(pipelines) :]:
        axes.set_visible(False)
    for axes, pipeline in zip(grid.flat, pipelines, strict=False):
        part, colour = curves[curves["pipeline"] == pipeline], colours[pipeline]
        keys = ["dataset", "seed", "fold", "region"]
        for _, fit in part.groupby(keys, dropna=False):
            axes.plot(
                fit["epoch"], fit["train_loss"], "--", color=colour, lw=0.5, alpha=0.5
            )
            if fit["valid_loss"].notna().any():
                axes.plot(fit["epoch"], fit["valid_loss"], color=colour, lw=0.5, alpha=0.5)
                best = fit.loc[fit["valid_loss"].idxmin()]
                axes.plot(best["epoch"], best["valid_loss"], ".", color=colour, ms=5)
        means = part.groupby("epoch")[["train_loss", "valid_loss"]].mean()
        axes.plot(means.index, means["train_loss"], "--", color=colour, label="training")
        axes.plot(means.index, means["valid_loss"], color=colour, label="validation")
        axes.set_title(literal(pipeline), fontsize=9, loc="left")
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        tidy(axes)
    for axes in grid[:, 0]:
        axes.set_ylabel("Loss")
    losses = curves[["train_loss", "valid_loss"]].to_numpy(float)
    # A fit that went astray does not flatten the others.
    low, high = np.nanmin(losses), np.nanquantile(losses, 0.98)
    margin = 0.1 * (high - low) or 0.1
    grid[0, 0].set_ylim(low - margin, high + margin)
    grid[0, 0].legend(frameon=False, fontsize=8)
    return figure
