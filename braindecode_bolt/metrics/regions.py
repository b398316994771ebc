"""Scores of each region."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata
from sklearn.metrics import mean_squared_error, r2_score

from .._series import is_constant
from .series import correlate, paired

_EITHER = "the measured or the predicted series is constant or not finite"


def pearson_r(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Pearson correlation of each region.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD.

    Returns
    -------
    ndarray, shape (n_rois,)
        NaN where one of the two is constant or not finite, with a warning.

    Raises
    ------
    ValueError
        If the shapes differ, there are no values, or an array has more than two
        dimensions.

    See Also
    --------
    spearman_r : R of the ranks.
    pearson_per_recording : Mean R of recordings, for ``scoring=``.

    Examples
    --------
    >>> from braindecode_bolt.metrics import pearson_r
    >>> pearson_r([[1, 3], [2, 2], [3, 1]], [[0, 0], [5, 5], [9, 9]]).round(3)
    array([ 0.998, -0.998])
    """
    true, pred = paired(y_true, y_pred)
    undefined = _without_r(true) | _without_r(pred)
    return _of_defined("R", correlate, true, pred, undefined, _EITHER)


def spearman_r(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Spearman correlation of each region: Pearson's, of the ranks.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD. Equal values share their mean rank.

    Returns
    -------
    ndarray, shape (n_rois,)
        NaN where one of the two is constant or not finite, with a warning.

    Raises
    ------
    ValueError
        If the shapes differ, there are no values, or an array has more than two
        dimensions.

    See Also
    --------
    pearson_r : R of the values.
    """
    true, pred = paired(y_true, y_pred)
    undefined = _without_r(true) | _without_r(pred)

    def of_ranks(true: np.ndarray, pred: np.ndarray) -> np.ndarray:
        return correlate(rankdata(true, axis=0), rankdata(pred, axis=0))

    return _of_defined("Spearman's R", of_ranks, true, pred, undefined, _EITHER)


def r2(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Coefficient of determination of each region (:func:`sklearn.metrics.r2_score`).

    Unlike the square of R, it counts errors of scale and offset, and is negative where
    the mean of the measured BOLD predicts better.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD, in the same units.

    Returns
    -------
    ndarray, shape (n_rois,)
        At most 1. NaN where the measured series is constant or one of the two is not
        finite, with a warning.

    Raises
    ------
    ValueError
        If the shapes differ, there are no values, or an array has more than two
        dimensions.

    See Also
    --------
    pearson_r : Doesn't depend on scale and offset.

    Examples
    --------
    >>> from braindecode_bolt.metrics import r2
    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]), r2([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    (array([0.5]), array([-3.]))
    """
    true, pred = paired(y_true, y_pred)
    undefined = _without_r(true) | ~np.isfinite(pred).all(axis=0)
    why = "the measured series is constant, or one of the two is not finite"
    return _of_defined("R2", r2_score, true, pred, undefined, why, True)


def mse(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Mean squared error of each region (:func:`sklearn.metrics.mean_squared_error`).

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD, in the same units.

    Returns
    -------
    ndarray, shape (n_rois,)
        In the square of these units. NaN where one of the two is not finite, with a
        warning.

    Raises
    ------
    ValueError
        If the shapes differ, there are no values, or an array has more than two
        dimensions.
    """
    true, pred = paired(y_true, y_pred)
    undefined = ~(np.isfinite(true) & np.isfinite(pred)).all(axis=0)
    why = "the measured or the predicted series is not finite"
    return _of_defined("The error", mean_squared_error, true, pred, undefined, why, True)


def _without_r(y: np.ndarray) -> np.ndarray:
    return is_constant(y) | ~np.isfinite(y).all(axis=0)


def _of_defined(
    name: str,
    score: Callable[..., np.ndarray],
    true: np.ndarray,
    pred: np.ndarray,
    undefined: np.ndarray,
    why: str,
    of_sklearn: bool = False,
) -> np.ndarray:
    """Score the regions where the score is defined, and warn about undefined scores."""
    values = np.full(len(undefined), np.nan)
    if undefined.any():
        warnings.warn(
            f"{name} is not defined for {undefined.sum()} of {len(undefined)} regions: "
            f"{why}.",
            stacklevel=3,
        )
    if not undefined.all():
        options = {"multioutput": "raw_values"} if of_sklearn else {}
        kept = ~undefined
        values[kept] = score(true[:, kept], pred[:, kept], **options)
    return values
