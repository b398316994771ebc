"""Tables of volumes x regions, from text and pickle files."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from .._series import plain_name
from .._text import listed
from ..bold.tables import TableError, read_numbers
from ..recording import check_bold
from ._choosing import choose_regions
from ._files import check_regular
from ._pickles import read_frame_pickle

__all__ = ["read_table"]

logger = logging.getLogger(__name__)


def read_table(file: str | Path, rois: list[str] | None = None) -> pd.DataFrame:
    """Read a table of volumes x regions.

    Parameters
    ----------
    file : str | Path
        Text with names in the first row, values separated by commas (``.csv``) or
        tabs, as :func:`~braindecode_bolt.bold.tables.read_numbers` reads it; or a
        pickled DataFrame (``.pkl``), which :func:`read_frame_pickle` reads. A column
        ``volume`` says which volume a row belongs to, counted from 0; by default
        there is a row for each.
    rois : list of str | None
        Regions to take, as :func:`region_names` gives them. Other columns do not
        matter. By default all.

    Returns
    -------
    pandas.DataFrame, shape (n_volumes, n_rois)
        Indexed by volume, with straight apostrophes in the names. Rows in which all
        regions are missing (``n/a``, as denoising programs write censored volumes) are
        left out, which is logged. ``attrs["n_volumes"]`` holds the number of volumes
        with these, where the file has a row for each.

    Raises
    ------
    TableError
        If the file is not such a table, or has no row of names.
    UnknownRegionError
        If it lacks one of `rois`.
    ValueError
        If a region has no value, or a value is missing or not finite.
    """
    file = Path(file)
    check_regular(file)
    if file.suffix.lower() == ".pkl":
        table, wrong = read_frame_pickle(file), {}
        _check_index(table.index, file.name)
    else:
        read = read_numbers(file)
        table, wrong = read.table, read.wrong
        if not read.has_names:
            first = ", ".join(f"{value:g}" for value in table.iloc[0, :4])
            raise TableError(
                f"{file.name} has no row of names: its first row is {first}"
                f"{', ...' if table.shape[1] > 4 else ''}. Write the names of the regions "
                "into the first row."
            )
    n_volumes = None if table.index.name == "volume" else len(table)
    table = choose_regions(table.rename_axis(index="volume"), rois, file.name)
    wrong = {plain_name(name): text for name, text in wrong.items()}
    not_numbers = [f"{name} ({wrong[name]})" for name in table if name in wrong]
    if not_numbers:
        raise TableError(
            f"{file.name} has columns that are not numbers: {listed(not_numbers, 3)}. "
            "Expected one column of numbers per region, with points (0.5)."
        )
    table = _without_censored(table, file.name)
    check_bold(table, file.name)
    _check_counting(table, file.name)
    if n_volumes is not None:
        table.attrs["n_volumes"] = n_volumes
    return table


def _check_index(index: pd.Index, what: str) -> None:
    """Raise if rows have their own numbers, which would be ignored."""
    if index.name != "volume" and not index.equals(pd.RangeIndex(len(index))):
        raise TableError(
            f"{what} has rows called {listed(index[:3])}, ...; expected 0, 1, 2, ... If "
            "these are numbers of volumes, call the index 'volume'."
        )
    ascending = index.dtype.kind in "iu" and (np.diff(index, prepend=-1) > 0).all()
    if not ascending:
        raise TableError(
            f"{what}: the index 'volume' must hold integers that ascend from 0; "
            f"found {listed(index[:5])}."
        )


def _without_censored(table: pd.DataFrame, what: str) -> pd.DataFrame:
    valued = table.loc[:, table.notna().any()]
    censored = valued.isna().all(axis=1).to_numpy()
    if not censored.any() or censored.all():
        return table
    logger.warning(
        "%s: %d of %d volumes have no value in any region and are left out: %s",
        what,
        censored.sum(),
        len(table),
        listed(table.index[censored], 8),
    )
    return table[~censored]


def _check_counting(table: pd.DataFrame, what: str) -> None:
    counting = [column for column in table if _counts(table[column].to_numpy(float))]
    if counting:
        raise TableError(
            f"{what}: {listed(counting, 8)} rises in equal steps, as an index or a time "
            "does, and BOLD does not. Remove the column, or call it 'volume' if it numbers "
            "the volumes."
        )


def _counts(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return len(steps) > 2 and steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-6)
