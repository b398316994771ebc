"""Scores as a table of text, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["layout"]

#: Columns of the summary, and how they are called.
_COLUMNS = {
    "mse": "MSE",
    "cross_recording_r": "cross-recording R",
    "noise_ceiling": "noise ceiling",
    "window_limited_noise_ceiling": "in window",
}
_LEGEND = (
    "R: mean over recordings, [{level} confidence interval over subjects].\n"
    "Chance: {level} band of R with surrogates of the BOLD ({surrogates}),\n"
    "which have its autocorrelation. p: R against them, adjusted for the number of\n"
    "regions (not the mean). MSE: in variances of the training BOLD.\n"
    "Cross-recording R: the same predictions with the BOLD of other recordings."
)
#: Null models in words.
SURROGATES = {
    "phase": "phase randomisation",
    "shift": "circular shifts",
    "block": "permuted blocks",
}
_OF_CEILING = (
    "\nNoise ceiling: R of the simulated BOLD with and without noise; in window: from the\n"
    "part of the haemodynamic response that lies in the window. No model can exceed it\n"
    "on average."
)


def layout(summary: pd.DataFrame) -> str:
    """Lay out a summary, a table for each pipeline.

    Parameters
    ----------
    summary : pandas.DataFrame
        Of :meth:`~braindecode_bolt.evaluation.Evaluation.summary`.

    Returns
    -------
    str
        Several lines.
    """
    shown = [name for name in _COLUMNS if summary[name].notna().any()]
    level = f"{100 * summary['level'].iloc[0]:g} %"
    header = ["R", f"[{level} CI]", "chance", "p", *(_COLUMNS[name] for name in shown)]
    several = summary["dataset"].nunique() > 1
    tables, means = [], []
    for (dataset, pipeline), part in summary.groupby(["dataset", "pipeline"], sort=False):
        title = f"{pipeline}, {dataset}" if several else pipeline
        rows = [_row(values, shown) for _, values in part.iterrows()]
        undefined = int(part["n_undefined"].iloc[-1])
        note = f" ({undefined} undefined)" if undefined else ""
        means.append([title + note, *rows[-1][1:]])
        # Of controls, and where nothing is defined, the mean says it all.
        if not part["control"].iloc[0] and part["score"].notna().any():
            tables.append(_aligned([title, *header], rows, line_above_last=True))
    if len(means) > 1:
        tables.append(_aligned(["mean over regions", *header], means))
    if summary["n_undefined"].any():
        tables.append(
            "Undefined: recordings and regions whose predictions are constant, or which\n"
            "have fewer than 8 windows."
        )
    surrogates = SURROGATES[summary["null"].iloc[0]]
    legend = _LEGEND.format(level=level, surrogates=surrogates)
    legend += _OF_CEILING if "noise_ceiling" in shown else ""
    legend += _suspicion(summary)
    few = summary.loc[summary["n_subjects"] > 0, "n_subjects"].min()
    if few < 10:
        legend += f"\nWith {few} subjects the intervals say little about other people."
    return "\n\n".join([*tables, legend])


def suspicious(summary: pd.DataFrame) -> list[str]:
    """List pipelines whose predictions go along with others' BOLD nearly as well.

    Parameters
    ----------
    summary : pandas.DataFrame
        Of :meth:`~braindecode_bolt.evaluation.Evaluation.summary`.

    Returns
    -------
    list of str
        Those whose mean R against the BOLD of other recordings is more than 0.1 and
        more than half of R; controls are left out.
    """
    means = summary[(summary["region"] == "mean") & (summary["control"] == "")]
    alike = (means["cross_recording_r"] > 0.1) & (
        means["cross_recording_r"] > 0.5 * means["score"]
    )
    return means.loc[alike, "pipeline"].tolist()


def _suspicion(summary: pd.DataFrame) -> str:
    found = suspicious(summary)
    if not found:
        return ""
    return (
        f"\nCAUTION: {', '.join(found)} goes along with the BOLD of other recordings "
        "nearly as\nwell. What is predicted is common to all, a drift or a task, and not "
        "each recording's\nown; p does not know of that."
    )


def _row(values: pd.Series, shown: Sequence[str]) -> list[str]:
    p = values["p"] if np.isnan(values["p_fdr"]) else values["p_fdr"]
    return [
        values["region"],
        _number(values["score"]),
        _interval(values["ci_low"], values["ci_high"]),
        _interval(values["null_low"], values["null_high"]),
        format_p(p),
        *(_number(values[name]) for name in shown),
    ]


def format_p(p: float) -> str:
    """Write a p-value in few digits.

    Parameters
    ----------
    p : float
        NaN where it is not known.

    Returns
    -------
    str
    """
    if np.isnan(p):
        return "-"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1g}"


def _interval(low: float, high: float) -> str:
    return "-" if np.isnan(low) else f"[{low:.2f}, {high:.2f}]"


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _aligned(
    header: list[str], rows: list[list[str]], line_above_last: bool = False
) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = ["  ".join(_align(row, widths)) for row in (header, *rows)]
    line = "-" * len(lines[0])
    lines.insert(1, line)
    if line_above_last:
        lines.insert(-1, line)
    return "\n".join(lines)


def _align(row: list[str], widths: list[int]) -> list[str]:
    first, *rest = row
    return [first.ljust(widths[0])] + [
        cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)
    ]
