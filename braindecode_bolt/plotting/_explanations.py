"""What the figures of an explanation share: checks, and the choice of regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

_COLUMNS = ("region", "electrode", "band", "low", "high", "lag", "pattern", "effect")


def check_table(table: pd.DataFrame, value: str, apart: Sequence[str]) -> pd.DataFrame:
    """Check a table of :func:`~braindecode_bolt.explanation.explain`.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    value : {"pattern", "effect"}
        The column to draw.
    apart : sequence of {"electrode", "band", "lag"}
        What the figure needs told apart.

    Returns
    -------
    pandas.DataFrame
        The rows that have values.

    Raises
    ------
    ValueError
        If it is another table, has no values, or lacks what must be told apart.
    """
    missing = [name for name in _COLUMNS if name not in table]
    if missing:
        raise ValueError(
            f"The table has no column {', '.join(missing)}. Give a table that "
            "braindecode_bolt.explanation.explain returns."
        )
    if value not in ("pattern", "effect"):
        raise ValueError(f"value must be pattern or effect, got {value!r}.")
    for axis in apart:
        together = (
            table[axis].isna().all() if axis == "lag" else (table[axis] == "all").all()
        )
        if together:
            raise ValueError(
                f"The table does not tell {axis}s apart. Call explain with by=... that "
                f"includes {axis!r}."
            )
    defined = table[value].notna()
    if not defined.any():
        raise ValueError(
            f"There is no {value} to draw: it is not defined in any region. Draw "
            f"{'effect' if value == 'pattern' else 'pattern'}, or explain another model."
        )
    return table[defined]


def choose_regions(table: pd.DataFrame, regions: Sequence[str] | None) -> list[str]:
    """Give the regions to draw: those named, or all.

    Raises
    ------
    ValueError
        If the table does not have one of them.
    """
    available = list(dict.fromkeys(table["region"]))
    if regions is None:
        return available
    unknown = [name for name in regions if name not in available]
    if unknown or isinstance(regions, str) or not len(regions):
        raise ValueError(
            f"regions must be a list of some of {', '.join(map(repr, available))}, got "
            f"{regions!r}."
        )
    return list(regions)


def at_lags(table: pd.DataFrame, lags: tuple[float, float]) -> pd.DataFrame:
    """Take the rows of a range of lags in seconds.

    Raises
    ------
    ValueError
        If no lag lies within.
    """
    chosen = table[table["lag"].between(*lags)]
    if not len(chosen):
        found = table["lag"]
        raise ValueError(
            f"No lag lies between {lags[0]:g} and {lags[1]:g} s; the table has "
            f"{found.min():g} to {found.max():g} s."
        )
    return chosen


def largest(values: np.ndarray) -> float:
    """Give the limit of a colour scale."""
    found = float(np.nanmax(np.abs(values)))
    return found if found > 0 else 1.0
