"""Text of messages."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["counted", "listed"]


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
