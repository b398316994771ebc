"""Checks of arguments: numbers, and arrays of real numbers."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_scalar

__all__ = ["as_float32", "check_lag", "check_number", "warn_if_not_finite"]


def check_number(
    value: Any,
    name: str,
    kind: type = Real,
    low: float | None = None,
    high: float | None = None,
    inclusive: str = "both",
) -> None:
    """Raise where an argument is not a finite number in a range.

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


def as_float32(values: Any, name: str) -> np.ndarray:
    """Turn values into float32, where nothing of them is lost.

    Parameters
    ----------
    values : array-like
        Real numbers.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    ndarray
        float32. NaN and infinite values are kept.

    Raises
    ------
    TypeError
        If values are masked, complex, or no numbers.
    ValueError
        If a finite value is too large for float32, or the rows differ in length.
    """
    if np.ma.isMaskedArray(values):
        raise TypeError(
            f"{name} is a masked array. Leave out the masked windows, and pass a plain "
            f"array ({name}.filled() keeps them)."
        )
    array = np.asarray(values)
    if array.dtype.kind == "O" and not any(isinstance(v, str) for v in array.flat):
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be real numbers, got values of type {array.dtype}.")
    with np.errstate(over="ignore"):
        converted = array.astype(np.float32)
    lost = np.isinf(converted) & np.isfinite(array)
    if lost.any():
        raise ValueError(
            f"{name} has {lost.sum()} values that are too large for float32, such as "
            f"{array[lost][0]:.3g}. Scale them, or leave them out."
        )
    return converted


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
            f"{broken.sum()} predicted values are not finite: look for NaN and extreme "
            "values in the windows.",
            stacklevel=3,
        )
