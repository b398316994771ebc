"""Scores as a table of text, for the terminal."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["layout", "summarise"]

#: Columns that are averaged over recordings, and how they are called.
_AVERAGED = {
    "r": "R",
    "mse": "MSE",
    "control_r": "control R",
    "ceiling": "ceiling R",
    "ceiling_window": "in window",
}


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Average over recordings, per model, region and fold.

    Parameters
    ----------
    scores : pandas.DataFrame
        See :func:`~braindecode_bolt.evaluation.evaluate`.

    Returns
    -------
    pandas.DataFrame
    """
    columns = ["r", "mse", "control_r", "ceiling", "ceiling_window"]
    keys = ["model", "region", "fold"]
    return scores.groupby(keys, sort=False)[columns].mean().reset_index()


def layout(scores: pd.DataFrame, model: str) -> str:
    """Lay out the scores of a model, a row per region.

    Parameters
    ----------
    scores : pandas.DataFrame
        See :func:`~braindecode_bolt.evaluation.evaluate`.
    model : str
        Whose scores.

    Returns
    -------
    str
        Several lines.
    """
    summary = summarise(scores[scores["model"] == model])
    folds = sorted(summary["fold"].unique())
    by_region = summary.set_index(["region", "fold"])
    means = scores[scores["model"] == model].groupby("region", sort=False)
    rows = []
    for region, of_region in means:
        cells = [by_region.loc[(region, fold)] for fold in folds]
        rows.append(
            [region, *(f"{cell['r']:.2f} ({cell['mse']:.2f})" for cell in cells)]
            + [_number(of_region[key].mean()) for key in _AVERAGED]
        )
    per_fold = summary.groupby("fold")[["r", "mse"]].mean()
    cells = [f"{r:.2f} ({mse:.2f})" for r, mse in per_fold.to_numpy()]
    rows.append(["mean", *cells, *map(_number, means[list(_AVERAGED)].mean().mean())])
    header = [model, *(f"fold {fold}" for fold in folds), *_AVERAGED.values()]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = ["  ".join(_align(row, widths)) for row in (header, *rows)]
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines) + (
        "\nR (MSE) per fold; R is the mean over recordings, MSE is in variances of the "
        "training BOLD.\nControl: the same predictions against the BOLD of others."
    )


def _number(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "unknown"


def _align(row: list[str], widths: list[int]) -> list[str]:
    first, *rest = row
    return [first.ljust(widths[0])] + [
        cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)
    ]
