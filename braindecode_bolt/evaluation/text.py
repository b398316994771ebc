"""Tables as text files, and texts in one line, whatever names hold."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .._files import atomic_write

__all__ = ["as_cell", "printable", "write_table"]


def write_table(table: pd.DataFrame, file: Path) -> None:
    """Write a table, tabs between columns and a line for each row.

    In texts, line breaks, other control characters and what UTF-8 does not have are
    escaped as in Python. What a spreadsheet takes for a formula gets an apostrophe in
    front.
    """
    safe = table.copy()
    for name in table.columns[[not pd.api.types.is_numeric_dtype(d) for d in table.dtypes]]:
        safe[name] = [as_cell(v) if isinstance(v, str) else v for v in table[name]]
    safe.columns = [as_cell(str(name)) for name in table.columns]
    with atomic_write(file) as unfinished:
        safe.to_csv(unfinished, sep="\t", index=False, na_rep="n/a", lineterminator="\n")


_ESCAPES = {n: repr(chr(n))[1:-1] for n in (*range(32), *range(127, 160), 0x2028, 0x2029)}


def printable(text: str) -> str:
    """Put a text in one line, with what terminals and UTF-8 cannot show escaped."""
    return text.translate(_ESCAPES).encode("utf-8", "backslashreplace").decode()


def as_cell(text: str) -> str:
    """Write a text as :func:`write_table` does."""
    text = printable(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
