"""What the figures share: colours, labels and the choice of pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
from matplotlib.axes import Axes

# From Paul Tol's "bright" and "muted" colour schemes, for colour-blind readers.
COLOURS = (
    "#4477aa",
    "#ee6677",
    "#228833",
    "#ccbb44",
    "#66ccee",
    "#aa3377",
    "#332288",
    "#999933",
    "#882255",
    "#44aa99",
    "#ddaa33",
    "#117733",
    "#bb5566",
)
INK = "#2e2e2e"
PALE = "#d9d9d9"


def colours_of(pipelines: Iterable[str]) -> dict[str, str]:
    """Assign a colour to each pipeline, the same in all figures of one evaluation.

    Parameters
    ----------
    pipelines : iterable of str
        Their names, in order.

    Returns
    -------
    dict of str to str
        Colours as hexadecimal text, by name.
    """
    names = list(dict.fromkeys(pipelines))
    return {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}


def tidy(axes: Axes) -> None:
    """Remove the top and the right line of the frame."""
    axes.spines[["top", "right"]].set_visible(False)


def is_simulated(scores: pd.DataFrame) -> bool:
    """Whether scores are of simulated BOLD, which has a noise ceiling."""
    return bool(scores["noise_ceiling"].notna().any())


def literal(text: str) -> str:
    """Escape dollar signs, which matplotlib would read as mathematics."""
    return str(text).replace("$", r"\$")


def chosen_pipelines(table: pd.DataFrame, pipelines: Sequence[str] | None) -> list[str]:
    """Choose the pipelines to draw.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns ``pipeline`` and ``control``, and optionally ``score``.
    pipelines : sequence of str | None
        Their names. None: the first three that have a score, without controls; if none
        has a score, the first three without controls.

    Returns
    -------
    list of str
        Their names.

    Raises
    ------
    ValueError
        If a name is not in the table, or there is nothing to draw.
    """
    available = list(dict.fromkeys(table["pipeline"]))
    plain = table[table["control"] == ""]
    defined = plain[plain["score"].notna()] if "score" in plain else plain
    usual = list(dict.fromkeys((defined if len(defined) else plain)["pipeline"]))
    chosen = usual[:3] if pipelines is None else list(pipelines)
    unknown = [name for name in chosen if name not in available]
    if unknown or not chosen:
        raise ValueError(
            f"There is no pipeline {', '.join(map(repr, unknown)) or 'to draw'}. "
            f"Available: {', '.join(map(repr, available))}."
        )
    return chosen


def only_dataset(table: pd.DataFrame, dataset: str | None) -> pd.DataFrame:
    """Take the rows of one data set.

    Parameters
    ----------
    table : pandas.DataFrame
        With a column ``dataset``.
    dataset : str | None
        Its name; None where there is only one.

    Returns
    -------
    pandas.DataFrame
        Its rows.

    Raises
    ------
    ValueError
        If there are several and `dataset` is None, or none has this name.
    """
    names = list(dict.fromkeys(table["dataset"]))
    if dataset is None and len(names) != 1:
        raise ValueError(
            f"There are {len(names)} data sets, {names}: choose one by `dataset`."
        )
    if dataset is not None and dataset not in names:
        raise ValueError(f"There is no data set {dataset!r}. Available: {names}.")
    return table[table["dataset"] == (names[0] if dataset is None else dataset)]
