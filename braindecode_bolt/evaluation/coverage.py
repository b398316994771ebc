"""How often intervals hold for each person, learned from all other people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from ..metrics.intervals import held_out_intervals

__all__ = ["LEVEL", "coverage_table"]

#: Level of the intervals.
LEVEL = 0.9
#: People that it takes: one is left out, and two others must be there.
FEWEST_PEOPLE = 3
_COLUMNS = ["dataset", "pipeline", "seed", "subject", "region"]
_COLUMNS += ["level", "half_width", "coverage", "samples"]


def coverage_table(
    predictions: pd.DataFrame, regions: Mapping[str, Sequence[str]], level: float = LEVEL
) -> pd.DataFrame:
    """Cover each person's BOLD with intervals learned from all other people.

    Each person's intervals come from the errors of the test parts of all others, never
    from the person's own (:class:`~braindecode_bolt.metrics.SubjectIntervals`).

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    regions : mapping of str to sequence of str
        Regions of each data set.
    level : float, default 0.9
        What part of a new person's volumes the intervals are to hold.

    Returns
    -------
    pandas.DataFrame
        A row per ``dataset``, ``pipeline`` (without controls), ``seed``, ``subject`` and
        ``region`` with ``level``, ``half_width`` (half of the interval's width, in units
        of BOLD), ``coverage`` (share of the person's volumes inside) and ``samples``.
        Empty for data of fewer than 3 people.
    """
    parts = [pd.DataFrame(columns=_COLUMNS)]
    plain = predictions[predictions["control"] == ""] if len(predictions) else predictions
    keys = ["dataset", "pipeline", "seed"]
    for key, table in plain.groupby(keys, sort=False) if len(plain) else ():
        names = list(regions[key[0]])
        measured, predicted = (
            table.reindex(columns=[f"{kind}:{name}" for name in names]).to_numpy(float)
            for kind in ("measured", "predicted")
        )
        subjects = table["subject"].astype(str).to_numpy()
        for columns, rows in _alike(np.isfinite(measured) & np.isfinite(predicted)):
            if len(np.unique(subjects[rows])) < FEWEST_PEOPLE:
                continue
            true, pred = (y[np.ix_(rows, columns)] for y in (measured, predicted))
            widths = held_out_intervals(true, pred, subjects[rows], level)
            parts += _of_people(
                np.abs(true - pred) <= widths,
                widths,
                subjects[rows],
                [names[column] for column in columns],
                dict(zip(keys, key, strict=True)) | {"level": level},
            )
    return pd.concat(parts[1:] or parts, ignore_index=True)[_COLUMNS]


def _alike(there: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Regions that have values at the same volumes, and these volumes."""
    patterns, numbers = np.unique(there, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        yield np.flatnonzero(numbers.ravel() == number), np.flatnonzero(pattern)


def _of_people(
    inside: np.ndarray,
    widths: np.ndarray,
    subjects: np.ndarray,
    regions: list[str],
    keys: dict[str, object],
) -> Iterator[pd.DataFrame]:
    for subject in dict.fromkeys(subjects):
        rows = subjects == subject
        yield pd.DataFrame(
            keys
            | {
                "subject": subject,
                "region": regions,
                "half_width": widths[rows][0],
                "coverage": inside[rows].mean(axis=0),
                "samples": rows.sum(),
            }
        )
