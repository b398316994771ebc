"""Scores as a table of text, for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .._text import counted
from ..evaluation.judge import FEWEST, MEAN

__all__ = [
    "SURROGATES",
    "aligned",
    "caution",
    "few_subjects",
    "format_interval",
    "format_number",
    "format_p",
    "format_percent",
    "layout",
    "suspicious",
]

#: Columns of the summary, and their headers.
_COLUMNS = {
    "mse": "MSE",
    "cross_recording_r": "cross-\nrecording R",
    "noise_ceiling": "noise\nceiling",
    "window_limited_noise_ceiling": "window-\nlimited",
}
#: Null models in words.
SURROGATES = {
    "phase": "phase randomisation",
    "shift": "circular shifts",
    "block": "block permutation",
}
#: With fewer subjects than this a note says so.
_FEW_SUBJECTS = 10
_WIDTH = 88


def layout(summary: pd.DataFrame) -> str:
    """Write a summary as text, with a table for each pipeline and a legend.

    Parameters
    ----------
    summary : pandas.DataFrame
        Of :meth:`~braindecode_bolt.evaluation.Evaluation.summary`.

    Returns
    -------
    str
        Lines of the tables, then of the legend.
    """
    shown = [name for name in _COLUMNS if summary[name].notna().any()]
    level = f"{100 * summary['level'].iloc[0]:g}%"
    header = ["R", f"[{level} CI]", "chance", "p", *(_COLUMNS[name] for name in shown)]
    several = summary["dataset"].nunique() > 1
    tables, means = [], []
    for (dataset, pipeline), part in summary.groupby(["dataset", "pipeline"], sort=False):
        title = f"{pipeline}, {dataset}" if several else pipeline
        rows = [_row(values, shown) for _, values in part.iterrows()]
        undefined = int(part["n_undefined"].iloc[-1])
        title += f" ({undefined} undefined)" if undefined else ""
        means.append([title, *rows[-1][1:]])
        # Controls, and pipelines without any score, have only a row of the mean below.
        if not part["control"].iloc[0] and part["score"].notna().any():
            tables.append(aligned([title, *header], rows, line_above_last=True))
    if len(means) > 1:
        tables.append(aligned(["mean over regions", *header], means))
    return "\n\n".join([*tables, "\n".join(_legend(summary, level, shown))])


def _legend(summary: pd.DataFrame, level: str, shown: Sequence[str]) -> list[str]:
    """Explain the columns, a paragraph each."""
    surrogates = SURROGATES[summary["null"].iloc[0]]
    paragraphs = [
        f"R: mean over recordings, with the {level} confidence interval over subjects.",
        f"Chance: {level} range of R of surrogate BOLD ({surrogates}), which has the "
        "autocorrelation of the measured BOLD. p: how often surrogates reach R; adjusted "
        "for the number of regions (not for the mean).",
        "MSE: in units of the variance of the training BOLD.",
    ]
    if "cross_recording_r" in shown:
        paragraphs.append(
            "Cross-recording R: R of the same predictions with the BOLD of other "
            "recordings."
        )
    if "noise_ceiling" in shown:
        paragraphs.append(
            "Noise ceiling: R of the simulated BOLD with and without noise. "
            "Window-limited: using only the part of the haemodynamic response that lies "
            "in the window. On average no model can exceed it."
        )
    if summary["n_undefined"].any():
        paragraphs.append(
            "Undefined: scores of constant predictions or of fewer than "
            f"{FEWEST} windows. Means are without them."
        )
    found = caution(summary)
    few = few_subjects(summary.loc[summary["n_subjects"] > 0, "n_subjects"].min())
    paragraphs += [f"CAUTION: {found}"] if found else []
    paragraphs += [few] if few else []
    return [textwrap.fill(text, _WIDTH, break_on_hyphens=False) for text in paragraphs]


def suspicious(summary: pd.DataFrame) -> list[str]:
    """List pipelines whose predictions also correlate with the BOLD of other recordings.

    Parameters
    ----------
    summary : pandas.DataFrame
        Of :meth:`~braindecode_bolt.evaluation.Evaluation.summary`.

    Returns
    -------
    list of str
        Those whose mean cross-recording R is more than 0.1 and more than half of R;
        controls are left out.
    """
    means = summary[(summary["region"] == MEAN) & (summary["control"] == "")]
    alike = (means["cross_recording_r"] > 0.1) & (
        means["cross_recording_r"] > 0.5 * means["score"]
    )
    return list(dict.fromkeys(means.loc[alike, "pipeline"]))


def caution(summary: pd.DataFrame) -> str:
    """Warn of the pipelines of :func:`suspicious`; empty if there are none."""
    found = suspicious(summary)
    if not found:
        return ""
    return (
        f"The predictions of {', '.join(found)} also correlate with the BOLD of other "
        "recordings (cross-recording R is more than half of R). A drift or a task that "
        "the recordings share is the likely cause. p does not account for this."
    )


def few_subjects(number: int) -> str:
    """Say that intervals of few subjects do not generalise; empty if there are enough."""
    if not number < _FEW_SUBJECTS:
        return ""
    return (
        f"With {counted(int(number), 'subject')}, the confidence intervals say little "
        "about other subjects."
    )


def _row(values: pd.Series, shown: Sequence[str]) -> list[str]:
    p = values["p"] if np.isnan(values["p_fdr"]) else values["p_fdr"]
    return [
        values["region"],
        format_number(values["score"]),
        format_interval(values, "ci"),
        format_interval(values, "null"),
        format_p(p),
        *(format_number(values[name]) for name in shown),
    ]


def format_p(p: float) -> str:
    """Write a p-value, or "-" if it is NaN."""
    return format_number(p, 3) if not p < 0.001 else f"{p:.1g}"


def format_percent(value: float) -> str:
    """Write a share in percent, or "-" if it is not finite."""
    return f"{value:.0%}" if np.isfinite(value) else "-"


def format_number(value: float, digits: int = 2) -> str:
    """Write a number with some decimal places, or "-" if it is not finite."""
    return f"{value:.{digits}f}" if np.isfinite(value) else "-"


def format_interval(row: Mapping[str, float] | pd.Series, name: str) -> str:
    """Write the interval of the columns ``<name>_low`` and ``<name>_high``, or "-"."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "-" if np.isnan(low) else f"[{low:.2f}, {high:.2f}]"


def aligned(header: list[str], rows: list[list[str]], line_above_last: bool = False) -> str:
    """Align a table; headers may have two lines."""
    lower = [name.rpartition("\n")[2] for name in header]
    upper = [name.rpartition("\n")[0] for name in header]
    table = [*([upper] if any(upper) else []), lower, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(_align(row, widths)).rstrip() for row in table]
    line = "-" * (sum(widths) + 2 * len(widths) - 2)
    lines.insert(len(table) - len(rows), line)
    if line_above_last:
        lines.insert(-1, line)
    return "\n".join(lines)


def _align(row: list[str], widths: list[int]) -> list[str]:
    first, *rest = row
    return [first.ljust(widths[0])] + [
        cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)
    ]
