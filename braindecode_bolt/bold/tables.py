"""Tables of numbers in text files: region series, confounds."""

from __future__ import annotations

import csv
import logging
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .._series import plain_name
from .._text import counted

__all__ = ["NumberTable", "TableError", "read_numbers"]

logger = logging.getLogger(__name__)

# Not what float() takes besides: 1_000, digits of other scripts.
_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf)", re.ASCII | re.IGNORECASE)
# What pandas calls a column without a name.
_UNNAMED = re.compile(r"Unnamed: \d+")
_MISSING = {"", "n/a", "na", "nan"}


class TableError(ValueError):
    """A file that is not the table it should be."""


@dataclass(frozen=True)
class NumberTable:
    """The content of a text file: columns of numbers.

    Attributes
    ----------
    table : DataFrame, shape (n_rows, n_columns)
        float64, NaN where a value is missing or is no number. The index is called
        ``volume`` if the file numbers the volumes.
    wrong : dict of str to str
        Columns with a cell that is no number, and where the first one is.
    has_names : bool
        Whether the first row holds names. If not, columns are called by position.
    """

    table: pd.DataFrame
    wrong: dict[str, str]
    has_names: bool


def read_numbers(file: str | Path) -> NumberTable:
    """Read a table of numbers from a text file.

    Parameters
    ----------
    file : str | Path
        UTF-8 text. Values are separated by commas (``.csv``) or tabs (any other
        ending). Empty cells, ``n/a``, ``NA`` and ``NaN`` are missing values. The
        first row holds names unless all its cells are numbers; the numbers 0, 1, 2,
        ... or 1, 2, 3, ... are names, as pandas writes them. A column ``volume``
        becomes the index. A column without name and values, and a first column
        without name that counts the rows, are left out, which is logged.

    Returns
    -------
    NumberTable

    Raises
    ------
    TableError
        If the file is empty or no text, a row is empty, rows differ in their number
        of cells, a column has no name or the name of another, or ``volume`` does not
        ascend.
    FileNotFoundError
        If there is no such file.
    """
    file = Path(file)
    separator = "," if file.suffix.lower() == ".csv" else "\t"
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.reader(lines, delimiter=separator, strict=True)
            first = [cell.strip() for cell in next(rows, [])]
            if not first and not file.stat().st_size:
                raise TableError(f"{file.name} is not a table: the file is empty.")
            _check_first(first, file.name)
            values, wrong = _read_rows(rows, len(first), f"{file.name}: line")
    except UnicodeDecodeError as error:
        raise TableError(
            f"{file.name} is not a table: it is no UTF-8 text ({error.reason} at byte "
            f"{error.start})."
        ) from error
    except csv.Error as error:
        raise TableError(f"{file.name} is not a table: {error}.") from error
    has_names = _holds_names(first)
    if not has_names:
        row, bad = _numbers(first)
        values = np.vstack([row, values])
        wrong = {column: f"line 1: {text!r}" for column, text in bad.items()} | wrong
        first = [str(i) for i in range(len(first))]
    kept = _kept_columns(first, values, wrong, file.name)
    table = pd.DataFrame(values[:, kept], columns=[first[i] for i in kept])
    wrong = {first[i]: where for i, where in wrong.items()}
    return NumberTable(_by_volume(table, wrong, file.name), wrong, has_names)


def _check_first(cells: list[str], what: str) -> None:
    if not any(cells):
        raise TableError(f"{what} is not a table: its first line is empty.")
    if len(cells) == 1 and ";" in cells[0]:
        raise TableError(
            f"{what} seems to be separated by semicolons. Save it with tabs (.tsv) or "
            "commas (.csv) between the values, and points in the numbers (0.5, not 0,5)."
        )


def _kept_columns(
    names: list[str], values: np.ndarray, wrong: dict[int, str], what: str
) -> list[int]:
    """Find the columns with a name; other columns must be empty or count rows."""
    kept = []
    for i, name in enumerate(names):
        if name and not _UNNAMED.fullmatch(name):
            kept.append(i)
        elif i not in wrong and np.isnan(values[:, i]).all():
            logger.info("%s: column %d is empty and left out", what, i + 1)
        elif i == 0 and _counts_rows(values[:, 0]):
            logger.info("%s: column 1 has no name, counts rows and is left out", what)
        else:
            raise TableError(
                f"{what}: column {i + 1} has no name. Name it ('volume' if it numbers the "
                "volumes), or remove it."
            )
    plain = [plain_name(names[i]) for i in kept]
    twice = sorted({name for name in plain if plain.count(name) > 1})
    if twice:
        raise TableError(f"{what} names a column twice: {', '.join(twice[:8])}.")
    unprintable = [name for name in plain if not name.isprintable()]
    if unprintable:
        raise TableError(
            f"{what} names a column {unprintable[0][:80]!r}; expected printable letters."
        )
    return kept


def _counts_rows(values: np.ndarray) -> bool:
    numbered = np.arange(len(values))
    return np.array_equal(values, numbered) or np.array_equal(values, numbered + 1)


def _by_volume(table: pd.DataFrame, wrong: dict[str, str], what: str) -> pd.DataFrame:
    names = [name for name in table if name.lower() == "volume"]
    if not names:
        return table
    numbers = table.pop(names[0]).to_numpy()
    wrong = wrong.get(names[0])
    whole = np.isfinite(numbers).all() and (numbers == numbers.round()).all()
    if wrong or not whole or (np.diff(numbers, prepend=-1) <= 0).any():
        raise TableError(
            f"{what}: the column 'volume' must hold integers that ascend from 0; "
            f"found {wrong or ', '.join(f'{n:g}' for n in numbers[:5])}."
        )
    if len(numbers) and numbers[-1] >= 2**31:
        raise TableError(f"{what}: there is no volume {numbers[-1]:g}.")
    return table.set_axis(pd.Index(numbers.astype(int), name="volume"))


def _read_rows(rows, n_columns: int, where: str) -> tuple[np.ndarray, dict[int, str]]:
    # Row by row: the cells as text would take many times the size of the file.
    numbers, wrong, empty = array("d"), {}, 0
    for row in rows:
        if not row:
            # Allowed at the end only.
            empty = empty or rows.line_num
            continue
        if empty:
            raise TableError(
                f"{where} {empty} is empty, but rows follow. Write n/a for missing values, "
                "or remove the line."
            )
        if len(row) != n_columns:
            raise TableError(
                f"{where} {rows.line_num} has {counted(len(row), 'value')}, expected "
                f"{n_columns} as in the first row. Name every column, and write n/a for "
                "missing values."
            )
        values, bad = _numbers(row)
        numbers.extend(values)
        for column, text in bad.items():
            wrong.setdefault(column, f"line {rows.line_num}: {text[:80]!r}")
    return np.array(numbers).reshape(-1, n_columns), wrong


def _numbers(cells: Sequence[str]) -> tuple[list[float], dict[int, str]]:
    values, wrong = [], {}
    for column, cell in enumerate(cells):
        text = cell.strip()
        if _NUMBER.fullmatch(text):
            values.append(float(text))
            continue
        values.append(float("nan"))
        if text.lower() not in _MISSING:
            wrong[column] = text
    return values, wrong


def _holds_names(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    if not all(_NUMBER.fullmatch(cell) or cell.lower() in _MISSING for cell in filled):
        return True
    counting = ([str(i + start) for i in range(len(filled))] for start in (0, 1))
    return len(filled) > 1 and filled in counting
