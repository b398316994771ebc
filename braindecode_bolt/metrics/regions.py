"""Scores of each region."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from .series import correlate, paired, unit


def pearson_r(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Pearson correlation of each region.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD.

    Returns
    -------
    ndarray, shape (n_rois,)
        NaN where one of the two is constant or not finite, which is warned about.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    r = correlate(*paired(y_true, y_pred))
    _warn("R", np.isnan(r), "the measured or the predicted series")
    return r


def spearman_r(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Spearman correlation of each region: Pearson's, of the ranks.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD. Equal values share their mean rank.

    Returns
    -------
    ndarray, shape (n_rois,)
        NaN where one of the two is constant or not finite, which is warned about.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    true, pred = paired(y_true, y_pred)
    r = correlate(rankdata(true, axis=0), rankdata(pred, axis=0))
    # The ranks of a series that is constant up to rounding are not constant.
    undefined = unit(true)[1] | unit(pred)[1] | np.isnan(r)
    _warn("Spearman's R", undefined, "the measured or the predicted series")
    return np.where(undefined, np.nan, r)


def r2(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Share of the variance of each region that is explained.

    One minus the squared errors over the squared deviations of the measured BOLD
    from its mean: unlike the square of R, it counts errors of scale and offset, and
    is negative where the mean predicts better.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD, in the same units.

    Returns
    -------
    ndarray, shape (n_rois,)
        At most 1. NaN where the measured series is constant or one of the two is
        not finite, which is warned about.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    true, pred = paired(y_true, y_pred)
    undefined = unit(true)[1] | ~np.isfinite(pred).all(axis=0)
    _warn("R2", undefined, "the measured series")
    true, pred = (np.where(undefined, 0.0, y) for y in (true, pred))
    errors = ((true - pred) ** 2).sum(axis=0)
    spread = ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    return np.where(undefined, np.nan, 1 - errors / np.where(undefined, 1.0, spread))


def mse(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Mean squared error of each region.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD, in the same units.

    Returns
    -------
    ndarray, shape (n_rois,)
        In the square of these units. NaN where one of the two is not finite, which
        is warned about.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    true, pred = paired(y_true, y_pred)
    undefined = ~(np.isfinite(true) & np.isfinite(pred)).all(axis=0)
    _warn("The error", undefined, "the measured or the predicted series", "not finite")
    true, pred = (np.where(undefined, 0.0, y) for y in (true, pred))
    return np.where(undefined, np.nan, ((true - pred) ** 2).mean(axis=0))


def _warn(
    score: str, undefined: np.ndarray, series: str, why: str = "constant or not finite"
) -> None:
    if undefined.any():
        warnings.warn(
            f"{score} is not defined for {undefined.sum()} of {len(undefined)} regions: "
            f"{series} is {why}.",
            stacklevel=3,
        )
