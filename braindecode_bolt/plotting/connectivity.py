"""Correlations between regions, measured and predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .._series import is_constant
from ..metrics import connectivity
from ._style import chosen_pipelines, literal, only_dataset


def plot_connectivity(
    predictions: pd.DataFrame,
    regions: Sequence[str],
    pipelines: Sequence[str] | None = None,
    dataset: str | None = None,
) -> Figure:
    """Draw the correlations between regions in measured and predicted BOLD.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    regions : sequence of str
        The regions, in the order to draw them.
    pipelines : sequence of str | None
        Pipelines to draw. By default the first three, without controls.
    dataset : str | None
        Name of the data set; needed if there are several.

    Returns
    -------
    matplotlib.figure.Figure
        Matrices averaged over recordings (by Fisher's z): measured, then predicted by
        each pipeline.

    Raises
    ------
    ValueError
        If a data set, pipeline or region is not in `predictions`.
    """
    predictions = only_dataset(predictions, dataset)
    pipelines = chosen_pipelines(predictions, pipelines)
    unknown = [name for name in regions if f"measured:{name}" not in predictions]
    if unknown or not len(regions):
        known = [n.partition(":")[2] for n in predictions if n.startswith("measured:")]
        raise ValueError(
            f"There is no region {', '.join(map(repr, unknown)) or 'to draw'}. "
            f"Available: {', '.join(map(repr, known))}."
        )
    first = predictions[predictions["pipeline"] == pipelines[0]]
    matrices = {"measured": _mean(first, "measured", regions)}
    for pipeline in pipelines:
        part = predictions[predictions["pipeline"] == pipeline]
        matrices[f"predicted by {pipeline}"] = _mean(part, "predicted", regions)
    figure = Figure(figsize=(0.9 + 2.9 * len(matrices), 3.2), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(1, len(matrices)))
    for axes, (title, matrix) in zip(all_axes, matrices.items(), strict=True):
        image = axes.imshow(matrix, "RdBu_r", vmin=-1, vmax=1)
        axes.set_title(literal(title), fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
    if len(regions) <= 20:
        names = [literal(region) for region in regions]
        all_axes[0].set_yticks(range(len(regions)), names, fontsize=7)
    figure.colorbar(image, ax=all_axes, shrink=0.8, label="correlation")
    return figure


def _mean(table: pd.DataFrame, kind: str, regions: Sequence[str]) -> np.ndarray:
    columns = [f"{kind}:{region}" for region in regions]
    transformed = []
    for _, part in table.groupby(["seed", "recording", "fold"]):
        series = part[columns].to_numpy(float)
        # Constant predictions have no correlation.
        varied = np.isfinite(series).all(axis=0) & ~is_constant(series)
        matrix = np.full((len(regions), len(regions)), np.nan)
        if varied.sum() > 1:
            matrix[np.ix_(varied, varied)] = connectivity(series[:, varied])
        transformed.append(np.arctanh(np.clip(matrix, -0.999, 0.999)))
    stacked = np.stack(transformed)
    n_defined = np.isfinite(stacked).sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.tanh(np.nansum(stacked, axis=0) / n_defined)
    np.fill_diagonal(mean, 1.0)
    return mean
