"""When a series counts as constant; one answer for all rooms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["is_constant"]

# Two steps of float32: what comes from models and amplifiers holds no less.
_TOLERANCE = 2 * np.finfo(np.float32).eps


def is_constant(values: ArrayLike, axis: int | tuple[int, ...] = 0) -> np.ndarray:
    """Tell which series are constant up to the rounding of float32.

    Parameters
    ----------
    values : array-like of numbers
        Series along `axis`: channels, regions, predictions, voxels.
    axis : int | tuple of int
        Where time runs. Default 0, as in tables of volumes x regions.

    Returns
    -------
    ndarray of bool
        Of the shape of `values` without `axis`. True where the largest and the
        smallest value differ by no more than 2.4e-7 of the larger absolute one.
        False where a value is not finite. A single value is constant.
    """
    values = np.asarray(values)
    # Whole numbers would overflow in the difference.
    low = values.min(axis=axis).astype(float)
    high = values.max(axis=axis).astype(float)
    largest = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(invalid="ignore", over="ignore"):
        # Denormal numbers have few digits.
        return high - low <= _TOLERANCE * largest + np.finfo(float).tiny
