"""Series of regions and channels: when one is constant, when two have the same name."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["is_constant", "plain_name"]

# Two steps of float32: the numbers of models and amplifiers are no finer.
_TOLERANCE = 2 * np.finfo(np.float32).eps
_APOSTROPHES = re.compile("[‘’ʼ′`´＇]")


def is_constant(values: ArrayLike, axis: int | tuple[int, ...] = 0) -> np.ndarray:
    """Find the series that are constant up to the rounding of float32.

    Parameters
    ----------
    values : array-like of numbers
        Series along `axis`: channels, regions, predictions, voxels.
    axis : int | tuple of int
        The axis of time. Default 0, as in tables of volumes x regions.

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


def plain_name(name: object) -> str:
    """Write the name of a region with straight apostrophes.

    Atlases and tables spell Heschl's gyrus with different apostrophes (``'``,
    U+2019, ...). Names are compared in this form.

    Parameters
    ----------
    name : object
        The name; turned into text.

    Returns
    -------
    str
    """
    return _APOSTROPHES.sub("'", str(name))
