"""Correlations between regions, measured and predicted."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from .series import columns, correlate, paired, unit


def connectivity(y: ArrayLike) -> np.ndarray:
    """Correlate each region with each other one.

    Parameters
    ----------
    y : array-like, shape (n_volumes, n_rois)
        BOLD of one recording.

    Returns
    -------
    ndarray, shape (n_rois, n_rois)
        Pearson correlations, symmetric, 1 on the diagonal. NaN in the rows and
        columns of regions that are constant or not finite, with a warning.

    Raises
    ------
    ValueError
        If there are no values, or `y` has more than two dimensions.

    Examples
    --------
    >>> from braindecode_bolt.metrics import connectivity
    >>> connectivity([[1, 2, 3], [2, 4, 2], [3, 6, 1]])
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    matrix, undefined = _correlations(columns(y))
    if undefined.any():
        warnings.warn(
            f"Correlations are not defined for {undefined.sum()} of {len(undefined)} "
            "regions: their series are constant or not finite.",
            stacklevel=2,
        )
    return matrix


def connectivity_r(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compare the connectivity of measured and predicted BOLD.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois)
        Measured and predicted BOLD of one recording.

    Returns
    -------
    float
        Pearson correlation between the upper triangles, without the diagonal, of
        the two matrices of :func:`connectivity`. Regions that are constant or not
        finite in one of the two are left out of both, with a warning. NaN
        with fewer than three regions, or where all correlations are the same.

    Raises
    ------
    ValueError
        If the shapes differ, there are no values, or an array has more than two
        dimensions.

    See Also
    --------
    identify_subjects : Whether connectivity is that of the person.
    pearson_r : R of the series themselves.

    Notes
    -----
    Connectivity is much the same in everybody. Predictions that ignore the EEG, such as
    the training group's mean connectivity, reach high values: compare with them.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.metrics import connectivity_r
    >>> common = np.random.default_rng(0).standard_normal((100, 2))
    >>> measured = common @ [[1.0, 1.0, 0.0, 0.2], [0.0, 0.5, 1.0, 1.0]]
    >>> round(connectivity_r(measured, 2 * measured + 1), 6)
    1.0
    """
    (true, true_undefined), (pred, pred_undefined) = map(
        _correlations, paired(y_true, y_pred)
    )
    undefined = true_undefined | pred_undefined
    rows, others = np.triu_indices(len(true), k=1)
    kept = ~(undefined[rows] | undefined[others])
    n_kept, r = np.count_nonzero(~undefined), np.nan
    if n_kept >= 3:
        pairs = [matrix[rows[kept], others[kept], None] for matrix in (true, pred)]
        r = float(correlate(*pairs)[0])
    messages = []
    if undefined.any():
        messages.append(
            f"{undefined.sum()} of {len(undefined)} regions are left out: the measured or "
            "the predicted series is constant or not finite."
        )
    if np.isnan(r):
        why = "all correlations of one of the two are the same"
        why = f"it takes 3 regions, there are {n_kept}" if n_kept < 3 else why
        messages.append(f"R of the connectivity is not defined: {why}.")
    if messages:
        warnings.warn(" ".join(messages), stacklevel=2)
    return r


def _correlations(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    units, undefined = unit(y)
    matrix = np.clip(units.T @ units, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    matrix[undefined] = matrix[:, undefined] = np.nan
    return matrix, undefined
