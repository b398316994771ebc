"""Numbers as float32, without silent changes: no strings, masks or overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

__all__ = ["as_float32", "check_numbers", "check_range"]

# Values that are compared at a time.
_AT_ONCE = 2**22


def check_numbers(values: np.ndarray | torch.Tensor, what: str) -> None:
    """Raise if values are not real numbers, or some of them are masked.

    Parameters
    ----------
    values : ndarray | Tensor
        The values, of any shape.
    what : str
        What they are, for the message.

    Raises
    ------
    TypeError
        If they are strings, complex numbers, objects or quantised.
    ValueError
        If some are masked.
    """
    if isinstance(values, torch.Tensor):
        real = not (values.is_complex() or values.is_quantized)
        real = real and values.layout == torch.strided
        kind = f"{values.dtype}, {values.layout}"
    else:
        real, kind = values.dtype.kind in "fiub", str(values.dtype)
    if not real:
        raise TypeError(
            f"{what} must be real numbers, got an array of {kind}. Convert it first, for "
            "example by .astype(float), and see that the values are what you expect."
        )
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            f"{what} has {np.ma.count_masked(values)} masked values. Leave such windows "
            "out, or fill the values (numpy.ma.filled)."
        )


def check_range(values: np.ndarray | torch.Tensor, what: str) -> None:
    """Raise if finite values do not fit into float32, which networks compute in.

    Parameters
    ----------
    values : ndarray | Tensor
        Numbers, of at least one dimension.
    what : str
        What they are, for the message.

    Raises
    ------
    ValueError
        If some become infinite.
    """
    double = values.dtype in (torch.float64, np.float64, np.longdouble)
    if not double or not len(values):
        return
    largest = np.finfo(np.float32).max
    step = max(1, _AT_ONCE * len(values) // max(1, int(np.prod(values.shape))))
    for start in range(0, len(values), step):
        part = abs(values[start : start + step])
        wrong = int(((part > largest) & (part < np.inf)).sum())
        if wrong:
            raise ValueError(
                f"{what} has {wrong} values of more than {largest:.1e}, which are infinite "
                "in float32. Scale it, or leave such windows out."
            )


def as_float32(values: Any, what: str) -> np.ndarray:
    """Convert numbers to float32, refusing what would change silently.

    Parameters
    ----------
    values : array-like
        Array, tensor, table or (nested) list.
    what : str
        What they are, for the message.

    Returns
    -------
    ndarray
        float32.

    Raises
    ------
    TypeError
        If they are strings, complex numbers or objects.
    ValueError
        If some are masked, or finite values do not fit into float32.
    """
    if isinstance(values, torch.Tensor):
        check_numbers(values, what)
        values = values.detach().cpu()
        values = values.float() if values.dtype == torch.bfloat16 else values
    array = values if isinstance(values, np.ndarray) else np.asarray(values)
    if array.dtype == object and not any(isinstance(v, str) for v in array.flat):
        # Numbers of several types, as tables have them; others are a TypeError here.
        array = array.astype(np.float64)
    check_numbers(array, what)
    check_range(np.atleast_1d(array), what)
    return np.asarray(array, dtype=np.float32)
