"""How late a prediction comes."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike

from .series import correlate, paired


def best_lag(
    y_true: ArrayLike, y_pred: ArrayLike, tr: float, max_lag: float = 10.0
) -> tuple[np.ndarray, np.ndarray]:
    """Find the shift in time at which prediction and measurement agree best.

    At each lag, R is that of the volumes that both series have, with their own
    means and variances. It is the largest of several: above zero by chance, and no
    substitute for R at lag 0.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD of consecutive volumes of one recording.
    tr : float
        Repetition time in seconds.
    max_lag : float
        Longest lag looked at, in seconds, in both directions. Default 10.

    Returns
    -------
    lags : ndarray, shape (n_rois,)
        In seconds, a multiple of `tr`; positive where the prediction comes late. Of
        equal correlations the shortest lag is taken.
    r : ndarray, shape (n_rois,)
        Correlation at this lag. Both are NaN where R is defined at no lag, which is
        warned about.

    Raises
    ------
    ValueError
        If the shapes differ, `tr` is not positive, `max_lag` is negative, or
        `max_lag` leaves less than half of the volumes.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.metrics import best_lag
    >>> measured = np.random.default_rng(0).standard_normal(100)
    >>> lags, r = best_lag(measured, np.roll(measured, 2), tr=2.0)
    >>> lags, r.round(2)
    (array([4.]), array([1.]))
    """
    true, pred = paired(y_true, y_pred)
    if not (0 < tr < math.inf and 0 <= max_lag < math.inf):
        raise ValueError(
            "tr must be positive and max_lag not negative, both in seconds, got "
            f"{tr} and {max_lag}."
        )
    n_volumes = len(true)
    # 10.5 s at 2.1 s is five volumes, whatever the last digit says.
    longest = math.floor(max_lag / tr + 1e-9)
    if 2 * longest > n_volumes:
        raise ValueError(
            f"A lag of {longest} volumes leaves less than half of {n_volumes}. Make "
            f"max_lag ({max_lag:g} s) at most {n_volumes // 2 * tr:g} s."
        )
    shifts = np.array(sorted(range(-longest, longest + 1), key=lambda k: (abs(k), k)))
    r = np.stack([_at(true, pred, shift) for shift in shifts])
    undefined = np.isnan(r).all(axis=0)
    if undefined.any():
        warnings.warn(
            f"R is defined at no lag for {undefined.sum()} of {len(undefined)} regions: "
            "the measured or the predicted series is constant or not finite.",
            stacklevel=2,
        )
    # Shorter lags come first; what differs by rounding is equal.
    best = np.argmax(r >= np.nanmax(r, axis=0, initial=-1) - 1e-9, axis=0)
    lags = np.where(undefined, np.nan, shifts[best] * tr)
    return lags, r[best, np.arange(r.shape[1])]


def _at(true: np.ndarray, pred: np.ndarray, shift: int) -> np.ndarray:
    n_common = len(true) - abs(shift)
    late, early = max(shift, 0), max(-shift, 0)
    return correlate(true[early : early + n_common], pred[late : late + n_common])
