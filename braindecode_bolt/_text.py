"""Text of messages."""

from __future__ import annotations

__all__ = ["counted", "in_one_line"]


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


def in_one_line(text: str) -> str:
    r"""Shorten a text of several lines, such as an error, to its first and last one.

    Examples
    --------
    >>> in_one_line("ValueError: \nAll fits failed.\n ...\nTypeError: alpha is a word\n")
    'ValueError: All fits failed. ... TypeError: alpha is a word'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The name of the error alone says nothing: the next line belongs to it.
    begin = 2 if len(lines) > 1 and lines[0].endswith(":") else 1
    if len(lines) <= begin:
        return " ".join(lines)
    middle = ["..."] if len(lines) > begin + 1 else []
    return " ".join([*lines[:begin], *middle, lines[-1]])
