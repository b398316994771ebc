"""Confidence intervals of mean scores, and p-values of many tests."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import bootstrap, false_discovery_control, norm, t

__all__ = ["bootstrap_interval", "fdr"]

#: With fewer subjects, resampling says little about other subjects.
_FEW = 5


def fdr(p: ArrayLike, method: str = "bh") -> np.ndarray:
    """Adjust p-values of many tests for the false discovery rate.

    Parameters
    ----------
    p : array-like, any shape
        p-values of all tests, for example of all regions. NaN stays NaN and does
        not count as a test.
    method : {"bh", "by"}
        Benjamini and Hochberg (default; regions correlate positively), or Benjamini
        and Yekutieli for any dependence. See
        :func:`scipy.stats.false_discovery_control`.

    Returns
    -------
    ndarray, shape of `p`
        Adjusted p-values. Of those below 0.05, at most 5 % are false discoveries, on
        average.

    Raises
    ------
    ValueError
        If a value is not between 0 and 1, or `method` is not known.

    References
    ----------
    Benjamini, Y., & Hochberg, Y. (1995). Controlling the false discovery rate: a
    practical and powerful approach to multiple testing. Journal of the Royal
    Statistical Society B 57, 289-300.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.null import fdr
    >>> fdr([0.01, 0.02, np.nan, 0.9])
    array([0.03, 0.03,  nan, 0.9 ])
    """
    adjusted = np.array(p, dtype=float)
    defined = ~np.isnan(adjusted)
    if defined.any():
        adjusted[defined] = false_discovery_control(adjusted[defined], method=method)
    return adjusted


def bootstrap_interval(
    values: ArrayLike,
    subjects: ArrayLike,
    n_resamples: int = 10_000,
    level: float = 0.95,
    random_state: int | np.random.Generator | None = 0,
) -> np.ndarray:
    """Confidence interval of the mean over recordings, for the population of subjects.

    Subjects are drawn with replacement, all recordings of each together, because the
    recordings of one subject are similar. The interval lies between percentiles of the
    means. With few subjects it is widened by as much as Student's t exceeds the normal
    distribution (the expanded percentile interval of Hesterberg 2015): plain percentiles
    of six subjects cover the population mean 87 times in 100 instead of 95. If the
    scores of few subjects are far from normal, it may still be too narrow.

    Parameters
    ----------
    values : array-like, shape (n_recordings, n_columns) or (n_recordings,)
        Scores, for example R of each recording and region. NaN is left out of the
        means.
    subjects : array-like, shape (n_recordings,)
        Whose recordings they are.
    n_resamples : int
        How often subjects are drawn. Default 10,000.
    level : float
        Level of confidence. Default 0.95.
    random_state : int | numpy.random.Generator | None
        Seed. Default 0.

    Returns
    -------
    ndarray, shape (2, n_columns) or (2,)
        Lower and upper end. NaN in columns with values of fewer than two subjects.
        Fewer than five in a column are warned about.

    Raises
    ------
    ValueError
        If there is not one subject for each recording, `n_resamples` is not positive,
        or `level` does not lie between 0 and 1.

    References
    ----------
    Hesterberg, T. C. (2015). What teachers should know about the bootstrap. The
    American Statistician 69, 371-386.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.null import bootstrap_interval
    >>> r = np.random.default_rng(0).normal(0.3, 0.1, 10)
    >>> low, high = bootstrap_interval(r, subjects=np.arange(10), n_resamples=999)
    >>> bool(low < r.mean() < high)
    True
    """
    values, subjects = np.asarray(values, dtype=float), np.asarray(subjects)
    if values.ndim not in (1, 2) or not values.size or subjects.shape != values.shape[:1]:
        raise ValueError(
            "values must be of shape (n_recordings, n_columns) or (n_recordings,), with "
            f"one of subjects for each recording, got {values.shape} and {subjects.shape}."
        )
    if n_resamples < 1 or not 0 < level < 1:
        raise ValueError(
            "n_resamples must be at least 1 and level between 0 and 1, got "
            f"{n_resamples} and {level}."
        )
    sums, counts = _by_subject(values.reshape(len(values), -1), subjects)
    n_subjects = (counts > 0).sum(axis=0)
    _warn_of_few(n_subjects)
    interval = np.full((2, sums.shape[1]), np.nan)
    # Columns with values of the same subjects at once: mostly, this is all of them.
    patterns, pattern_of = np.unique(counts > 0, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        columns = np.flatnonzero(pattern_of.ravel() == number)
        if pattern.sum() < 2:
            continue
        result = bootstrap(
            (sums[np.ix_(pattern, columns)], counts[np.ix_(pattern, columns)]),
            _ratio,
            paired=True,
            vectorized=True,
            n_resamples=n_resamples,
            batch=max(1, 10**7 // sums.size),
            confidence_level=_expanded(level, int(pattern.sum())),
            method="percentile",
            random_state=np.random.default_rng(random_state),
        )
        interval[:, columns] = result.confidence_interval
    return interval if values.ndim == 2 else interval[:, 0]


def _expanded(level: float, n_subjects: int) -> float:
    """Level of a percentile interval that is as wide as Student's."""
    quantile = t(n_subjects - 1).ppf((1 + level) / 2)
    return float(1 - 2 * norm.sf(np.sqrt(n_subjects / (n_subjects - 1)) * quantile))


def _by_subject(values: np.ndarray, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the values of each subject that are not NaN."""
    names, numbers = np.unique(subjects, return_inverse=True)
    members = np.equal.outer(np.arange(len(names)), numbers).astype(float)
    defined = ~np.isnan(values)
    return members @ np.where(defined, values, 0.0), members @ defined


def _ratio(sums: np.ndarray, counts: np.ndarray, axis: int) -> np.ndarray:
    return sums.sum(axis=axis) / counts.sum(axis=axis)


def _warn_of_few(n_subjects: np.ndarray) -> None:
    few = n_subjects < _FEW
    if not few.any():
        return
    alone = n_subjects < 2
    warnings.warn(
        f"{few.sum()} of {len(few)} columns have values of fewer than {_FEW} subjects "
        f"({n_subjects[few].min()} in the worst): their intervals say little about other "
        f"subjects. Of fewer than 2, in {alone.sum()} columns, there is none (NaN).",
        stacklevel=3,
    )
