"""Checks of arguments and predictions."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_scalar

from ._text import counted

__all__ = ["check_lag", "check_number", "warn_if_not_finite"]


def check_number(
    value: Any,
    name: str,
    kind: type = Real,
    low: float | None = None,
    high: float | None = None,
    inclusive: str = "both",
) -> None:
    """Raise if an argument is not a finite number in a range.

    Parameters
    ----------
    value : object
        What was given.
    name : str
        Name of the argument, for the message.
    kind : {numbers.Real, numbers.Integral}
        Whether it may have decimals. Default Real.
    low, high : float | None
        The range. Not limited by default.
    inclusive : {"both", "left", "right", "neither"}
        Which limits belong to the range. Default both.

    Raises
    ------
    TypeError
        If it is not a number of this kind: text, a boolean, None.
    ValueError
        If it lies outside the range, is NaN or infinite.
    """
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be a number, got {value!r}.")
    check_scalar(value, name, kind, min_val=low, max_val=high, include_boundaries=inclusive)
    if not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value}.")


def check_lag(fitted: float | None, given: float | None) -> None:
    """Raise if windows have another lag than those that a model was fitted on.

    Parameters
    ----------
    fitted, given : float | None
        Seconds from the end of a window to its volume; None if unknown.

    Raises
    ------
    ValueError
        If both are known and differ.
    """
    if fitted is None or given is None or np.isclose(fitted, given):
        return
    raise ValueError(
        f"The model was fitted on windows that end {fitted:g} s before their volume, these "
        f"end {given:g} s before it. Use create_bold_windows(..., lag_seconds={fitted:g})."
    )


def warn_if_not_finite(predicted: np.ndarray) -> None:
    """Warn of predictions that are NaN, or too large for their type."""
    broken = ~np.isfinite(predicted)
    if broken.any():
        warnings.warn(
            f"{counted(broken.sum(), 'predicted value is', 'predicted values are')} not "
            "finite: look for NaN and extreme values in the windows.",
            stacklevel=3,
        )
