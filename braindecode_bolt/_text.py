"""Text of messages."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping

__all__ = ["counted", "fill_docstring", "listed"]


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Write a number with what is counted.

    Parameters
    ----------
    number : int
        How many there are.
    singular, plural : str
        What follows the number 1, and any other number. By default the plural has an
        ``s`` at its end.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "recording"), counted(2, "marker is missing", "markers are missing")
    ('1 recording', '2 markers are missing')
    """
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def fill_docstring(docstring: str, texts: Mapping[str, str]) -> str:
    """Replace each line ``%(name)s`` of a docstring by the text of that name.

    Parameters
    ----------
    docstring : str
        The docstring, indented as in the source.
    texts : mapping of str to str
        Texts by name, each with a line break at its end.

    Returns
    -------
    str
        The docstring with the texts, at the indentation of their lines.

    Raises
    ------
    KeyError
        If there is no text of a name.
    """

    def text(line: re.Match[str]) -> str:
        return textwrap.indent(texts[line["name"]], line["indent"])

    return re.sub(r"(?m)^(?P<indent> *)%\((?P<name>\w+)\)s\n", text, docstring)


def listed(items: Iterable[object], most: int = 5, separator: str = ", ") -> str:
    """Write the first of some items, and how many more there are.

    Parameters
    ----------
    items : iterable of object
        What is written as ``str`` writes it.
    most : int, default 5
        How many are written.
    separator : str, default ", "
        What stands between them.

    Returns
    -------
    str

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], most=2)
    ('a, b, c', 'a, b and 1 more')
    """
    texts = [str(item) for item in items]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return separator.join(texts[:most]) + more
