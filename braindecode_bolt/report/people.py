"""Tables of people: their R, and how often intervals hold that others' errors gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..evaluation.judge import MEAN

__all__ = ["coverage_of", "layout_coverage", "people_of", "with_coverage"]


def people_of(
    scores: pd.DataFrame, coverage: pd.DataFrame, pipelines: Sequence[str]
) -> list[dict[str, Any]]:
    """Make a row per person, with R and coverage of some pipelines.

    Parameters
    ----------
    scores, coverage : pandas.DataFrame
        Of an evaluation and one data set.
    pipelines : sequence of str
        Pipelines to show.

    Returns
    -------
    list of dict
        With ``subject``, ``n_recordings``, ``windows``, ``r`` and ``coverage`` (a value
        for each pipeline, NaN where there is none). In the order of R of the first.
    """
    r = scores.groupby(["subject", "pipeline"])["score"].mean()
    inside = _mean_of(coverage, ["subject", "pipeline"], "coverage")
    rows = []
    for subject, table in scores.groupby("subject", sort=False):
        parts = table.drop_duplicates(["pipeline", "seed", "recording", "fold"])
        first = parts[parts["pipeline"] == pipelines[0]]
        first = first[first["seed"] == first["seed"].min()]
        name_of = str(subject)
        rows.append(
            {
                "subject": name_of,
                "n_recordings": table["recording"].nunique(),
                "windows": int(first["samples"].sum()),
                "r": [r.get((subject, name), np.nan) for name in pipelines],
                "coverage": [inside.get((name_of, name), np.nan) for name in pipelines],
            }
        )
    return sorted(rows, key=lambda row: -np.nan_to_num(row["r"][0], nan=-2.0))


def coverage_of(coverage: pd.DataFrame) -> pd.DataFrame:
    """Summarise coverage by pipeline.

    Parameters
    ----------
    coverage : pandas.DataFrame
        Of an evaluation and one data set.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``pipeline``: ``coverage`` (mean over people), ``lowest`` and
        ``lowest_subject``, ``level`` and ``n_subjects``.
    """
    rows = {}
    for pipeline, table in (
        coverage.groupby("pipeline", sort=False) if len(coverage) else ()
    ):
        of_people = table.groupby("subject")["coverage"].mean()
        rows[pipeline] = {
            "coverage": of_people.mean(),
            "lowest": of_people.min(),
            "lowest_subject": of_people.idxmin(),
            "level": table["level"].iloc[0],
            "n_subjects": len(of_people),
        }
    columns = ["coverage", "lowest", "lowest_subject", "level", "n_subjects"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def with_coverage(summary: pd.DataFrame, coverage: pd.DataFrame) -> pd.DataFrame:
    """Add coverage and half width of intervals to the rows of a summary.

    Parameters
    ----------
    summary, coverage : pandas.DataFrame
        Of an evaluation and one data set.

    Returns
    -------
    pandas.DataFrame
        With ``coverage`` and ``half_width``, averaged over people; NaN where there are
        no intervals. The row of the mean has the means over regions.
    """
    added = {}
    for name in ("coverage", "half_width"):
        means = _mean_of(coverage, ["pipeline", "region"], name)
        overall = _mean_of(coverage, ["pipeline"], name)
        added[name] = [
            overall.get(pipeline, np.nan)
            if region == MEAN
            else means.get((pipeline, region), np.nan)
            for pipeline, region in zip(summary["pipeline"], summary["region"], strict=True)
        ]
    return summary.assign(**added)


def layout_coverage(coverage: pd.DataFrame) -> str:
    """Write coverage as text, a line for each pipeline; empty if there is none.

    Parameters
    ----------
    coverage : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.

    Returns
    -------
    str
        A line for each pipeline under a heading.
    """
    lines = []
    several = coverage["dataset"].nunique() > 1 if len(coverage) else False
    for dataset, table in coverage.groupby("dataset", sort=False) if len(coverage) else ():
        for pipeline, row in coverage_of(table).iterrows():
            name = f"{pipeline}, {dataset}" if several else pipeline
            lines.append(
                f"  {name}: {row['coverage']:.0%} of volumes, lowest {row['lowest']:.0%} "
                f"(subject {row['lowest_subject']})"
            )
    if not lines:
        return ""
    level = f"{coverage['level'].iloc[0]:.0%}"
    head = f"{level} intervals, each person's learned from the errors on all others, hold"
    return "\n".join([head, *lines])


def _mean_of(table: pd.DataFrame, keys: list[str], value: str) -> pd.Series:
    if not len(table):
        return pd.Series(dtype=float)
    return table.groupby(keys if len(keys) > 1 else keys[0])[value].mean()
