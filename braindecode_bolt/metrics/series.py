"""Series in columns, of mean 0 and length 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._series import is_constant


def columns(y: ArrayLike, name: str = "The series") -> np.ndarray:
    """Give series as float64, one region per column.

    Parameters
    ----------
    y : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        The series.
    name : str
        What they are, for the message.

    Returns
    -------
    ndarray, shape (n_volumes, n_rois)

    Raises
    ------
    ValueError
        If the array has another number of dimensions, or no values.
    """
    y = np.asarray(y, dtype=float)
    if y.ndim not in (1, 2) or y.size == 0:
        raise ValueError(
            f"{name} must be of shape (n_volumes, n_rois) or (n_volumes,) with at least "
            f"one value, got {y.shape}."
        )
    return y[:, None] if y.ndim == 1 else y


def paired(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Check that measured and predicted series belong together.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD.

    Returns
    -------
    true, pred : ndarray, shape (n_volumes, n_rois)
        float64.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    true, pred = columns(y_true, "The measured BOLD"), columns(y_pred, "The predicted BOLD")
    if true.shape != pred.shape:
        raise ValueError(
            f"Shapes differ: {true.shape} and {pred.shape}. Give measured and predicted "
            "BOLD with the same volumes in rows and the same regions in columns."
        )
    return true, pred


def unit(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Subtract the mean of each column and scale it to length 1.

    The correlation of two columns is then their inner product.

    Parameters
    ----------
    y : ndarray, shape (n_volumes, n_rois)
        Series, float64.

    Returns
    -------
    units : ndarray, shape (n_volumes, n_rois)
        Zeros where a column is constant or not finite.
    undefined : ndarray of bool, shape (n_rois,)
        Where that is so.
    """
    y = np.where(np.isfinite(y).all(axis=0), y, 0.0)
    undefined = is_constant(y)
    # Squares of very large or small values leave the range of float64.
    centred = y / np.where(undefined, np.inf, np.abs(y).max(axis=0))
    centred -= centred.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=0))
    return np.where(undefined, 0.0, centred / np.where(undefined, 1.0, norms)), undefined


def correlate(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Pearson correlation of each region, without a warning about undefined ones.

    Parameters
    ----------
    y_true, y_pred : ndarray, shape (n_volumes, n_rois)
        Measured and predicted BOLD, float64.

    Returns
    -------
    ndarray, shape (n_rois,)
        NaN where one of the two is constant or not finite.
    """
    (true, true_undefined), (pred, pred_undefined) = unit(y_true), unit(y_pred)
    r = np.clip((true * pred).sum(axis=0), -1.0, 1.0)
    return np.where(true_undefined | pred_undefined, np.nan, r)
