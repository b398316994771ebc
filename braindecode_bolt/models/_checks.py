"""Checks of a model's arguments."""

from __future__ import annotations

from collections.abc import Sequence


def check_divisors(dim: int, **divisors: int) -> None:
    """Raise if a number of heads does not divide the width of a token."""
    for name, number in divisors.items():
        if number < 1 or dim % number:
            raise ValueError(f"{name} must divide {dim}, got {number}.")


def check_counts(**counts: int) -> None:
    """Raise if a count is not at least 1."""
    for name, number in counts.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}.")


def check_positive(**numbers: float) -> None:
    """Raise if a number is not positive."""
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name} must be positive, got {number}.")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise if an argument is not one of its choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")
