"""Connectivity of models beside rivals that ignore EEG, as text for the terminal."""

from __future__ import annotations

import textwrap

import pandas as pd

from .score_table import aligned, format_number, format_p

__all__ = ["layout_connectivity"]

_HEADER = [
    "connectivity",
    "R",
    "training\ngroup's R",
    "constant\nEEG's R",
    "better than\ngroup, p",
    "people\nidentified",
    "chance",
    "p",
]
_LEGEND = (
    "Connectivity R: between the correlations among regions, predicted and measured. It is "
    "high without any EEG: the mean of the training recordings (training group) knows "
    "nothing of the person, nor does the model on EEG that does not change (constant EEG; "
    "'-': it predicts a constant). Identified: people whose predicted connectivity is most "
    "like their own."
)


def layout_connectivity(summary: pd.DataFrame) -> str:
    """Write the connectivity of models and of their rivals as text.

    Parameters
    ----------
    summary : pandas.DataFrame
        Of :meth:`~braindecode_bolt.evaluation.Evaluation.connectivity_summary`.

    Returns
    -------
    str
        A table and a legend; empty if no connectivity is defined.
    """
    if not len(summary):
        return ""
    shown = summary[(summary["control"] == "") & summary["group_connectivity_r"].notna()]
    if not len(shown):
        return ""
    several = shown["dataset"].nunique() > 1
    rows = [
        [
            f"{row.pipeline}, {row.dataset}" if several else row.pipeline,
            format_number(row.connectivity_r),
            format_number(row.group_connectivity_r),
            format_number(row.constant_eeg_connectivity_r),
            format_p(row.p),
            format_number(row.accuracy),
            format_number(row.chance),
            format_p(row.accuracy_p),
        ]
        for row in shown.itertuples()
    ]
    return f"{aligned(_HEADER, rows)}\n\n{textwrap.fill(_LEGEND, 88)}"
