"""Text of messages."""

from __future__ import annotations

__all__ = ["counted"]


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
