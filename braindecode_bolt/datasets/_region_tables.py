"""Tables of volumes x regions: reading them, and which regions are used."""

from __future__ import annotations

import csv
import difflib
import logging
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..recording import check_bold
from ._coupling import ROIS as PAPER_ROIS
from ._files import DataFolderError, check_regular, listed

__all__ = [
    "PAPER_ROIS",
    "UnknownRegionError",
    "choose_regions",
    "read_table",
    "region_names",
]

logger = logging.getLogger(__name__)

_APOSTROPHES = re.compile("[‘’ʼ′`´]")


class UnknownRegionError(ValueError):
    """A region that the tables do not have."""


def region_names(rois: str | Sequence[str] | None) -> list[str] | None:
    """Read the argument ``rois`` of a data set.

    Parameters
    ----------
    rois : "paper" | sequence of str | None
        The seven of the paper, or names.

    Returns
    -------
    list of str | None
        With straight apostrophes. None for all regions.

    Raises
    ------
    ValueError
        If it is neither, or names a region twice.
    """
    if rois is None:
        return None
    if isinstance(rois, str) and rois != "paper":
        raise ValueError(f"rois must be 'paper', a list of names or None, got {rois!r}.")
    names = [_straight(str(name)) for name in (PAPER_ROIS if rois == "paper" else rois)]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"rois must be different region names, got {list(rois)}.")
    return names


def choose_regions(bold: pd.DataFrame, rois: list[str] | None, where: str) -> pd.DataFrame:
    """Take some regions of a table.

    Parameters
    ----------
    bold : pandas.DataFrame, shape (n_volumes, n_rois)
        The table.
    rois : list of str | None
        What :func:`region_names` gives.
    where : str
        What the table is, for the message.

    Returns
    -------
    pandas.DataFrame, shape (n_volumes, len(rois))
        Its columns have straight apostrophes.

    Raises
    ------
    UnknownRegionError
        If it lacks a region; regions of similar names are listed.
    """
    bold = bold.rename(columns=lambda name: _straight(str(name)))
    if rois is None:
        return bold
    unknown = [roi for roi in rois if roi not in bold.columns]
    if unknown:
        by_lower = {name.lower(): name for name in bold.columns}
        near = [
            f"{roi!r} (near: {', '.join(by_lower[n] for n in matches) or 'nothing'})"
            for roi in unknown
            for matches in [difflib.get_close_matches(roi.lower(), by_lower, cutoff=0.5)]
        ]
        raise UnknownRegionError(
            f"{where} has no region {'; '.join(near)}. It has {listed(bold.columns, 70)}."
        )
    return bold[rois]


def _straight(name: str) -> str:
    return _APOSTROPHES.sub("'", name)


def read_text_table(file: Path, dtype: type | None = None) -> pd.DataFrame:
    """Read a table whose first row has names.

    Parameters
    ----------
    file : Path
        Values separated by commas (``.csv``) or tabs (any other ending).
    dtype : type | None
        Type of all values. By default each column's own.

    Returns
    -------
    pandas.DataFrame
        Columns without a name and without a value are left out, which is logged.

    Raises
    ------
    DataFolderError
        If it is not a table, or a name is missing or there twice.
    """
    check_regular(file)
    separator = "," if file.suffix.lower() == ".csv" else "\t"
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.reader(lines, delimiter=separator)
            names, first = next(rows, []), next(rows, [])
        table = pd.read_csv(
            file, sep=separator, na_values=["n/a"], encoding="utf-8-sig", dtype=dtype
        )
    # pandas' own errors are ValueErrors, but for those of its parser in C.
    except (ValueError, csv.Error, OverflowError) as error:
        raise DataFolderError(f"{file.name} is not a table: {error}") from error
    names = [name.strip() for name in names]
    if names and all(is_number(name) for name in names if name) and any(names):
        raise DataFolderError(
            f"{file.name} has no row of names: its first row is "
            f"{listed(names, 4)}. Write the name of each region above its column; the "
            "first volume would be lost otherwise"
        )
    if len(names) == 1 and names[0].count(";"):
        raise DataFolderError(
            f"{file.name} is separated by semicolons; expected "
            f"{'commas' if separator == ',' else 'tabs'}, and points in the numbers"
        )
    if len(first) > len(names):
        raise DataFolderError(
            f"{file.name} has {len(first)} values in a row but {len(names)} names in the "
            "first row; name every column"
        )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        # pandas would call the second one "name.1".
        raise DataFolderError(f"{file.name} names a region twice: {', '.join(twice)}")
    nameless = [i for i, name in enumerate(names) if not name]
    filled = [i for i in nameless if table.iloc[:, i].notna().any()]
    # R and pandas write the row numbers first, without a name.
    numbers = [i for i in filled if i == 0 and _numbers_rows(table.iloc[:, 0])]
    if set(filled) - set(numbers):
        raise DataFolderError(
            f"{file.name}: column {max(filled) + 1} has values but no name in the first row"
        )
    if nameless:
        logger.info(
            "%s: left out %d columns without a name that are %s",
            file.name,
            len(nameless),
            "empty or number the rows" if numbers else "empty",
        )
    kept = [i for i, name in enumerate(names) if name]
    return table.iloc[:, kept].set_axis([names[i] for i in kept], axis="columns")


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers_rows(values: pd.Series) -> bool:
    whole = pd.api.types.is_integer_dtype(values)
    return bool(whole and len(values) and values.iloc[0] in (0, 1)) and bool(
        (values.diff().iloc[1:] == 1).all()
    )


def read_table(file: Path, rois: list[str] | None = None) -> pd.DataFrame:
    """Read a table of volumes x regions.

    Parameters
    ----------
    file : Path
        Values separated by commas (``.csv``) or tabs (any other ending), names
        in the first row. A column ``volume`` says which volume a row belongs
        to, counted from 0; by default there is a row for each. Rows without any
        value (``n/a``, as of scrubbed volumes) are left out.
    rois : list of str | None
        Regions to take, with straight apostrophes; the others are not checked.
        By default all.

    Returns
    -------
    pandas.DataFrame, shape (n_volumes, n_rois)
        Indexed by volume, with straight apostrophes in the names. Where rows
        were left out, ``attrs["n_volumes"]`` says how many volumes there are.

    Raises
    ------
    DataFolderError
        If it is not a table, or a region has no value.
    UnknownRegionError
        If it lacks one of `rois`.
    ValueError
        If it holds anything but finite numbers.
    """
    table = read_text_table(file)
    volumes = [column for column in table if column.lower() == "volume"]
    if volumes:
        numbers = table.pop(volumes[0])
        if numbers.dtype.kind not in "iu" or (numbers.diff().iloc[1:] <= 0).any():
            raise DataFolderError(
                f"{file.name}: the column 'volume' must hold integers that ascend, got "
                f"{numbers.iloc[:5].tolist()}..."
            )
        table.index = pd.Index(numbers, name="volume")
    else:
        table.index.name = "volume"
    scrubbed = table.isna().all(axis=1)
    if scrubbed.any() and not scrubbed.all():
        logger.info(
            "%s: %d of %d volumes have no value and are left out",
            file.name,
            scrubbed.sum(),
            len(table),
        )
        if not volumes:
            table.attrs["n_volumes"] = len(table)
        table = table[~scrubbed]
    table = choose_regions(table, rois, file.name)
    empty = [column for column in table if table[column].isna().all()]
    if empty and len(table):
        others = "others" if rois is not None else "the others"
        raise DataFolderError(
            f"{file.name}: {len(empty)} regions have no value in any volume: "
            f"{listed(empty)}. Choose {others} by rois"
        )
    check_bold(table, file.name)
    counting = [column for column in table if _counts(table[column].to_numpy(float))]
    if counting:
        raise DataFolderError(
            f"{file.name}: {listed(counting)} rises in equal steps, as an index or a "
            "time does, and BOLD does not. Remove the column, or call it 'volume' if it "
            "numbers the volumes"
        )
    return table


def _counts(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return len(steps) > 2 and steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-6)
