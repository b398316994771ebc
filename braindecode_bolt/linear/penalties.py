"""Penalised linear regression, with a penalty for each region chosen across groups."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._checks import check_number
from .._text import counted
from .._threads import few_threads
from ..windows.numbers import as_float32

__all__ = ["GroupedRidge", "GroupedSparseGroupLasso"]

logger = logging.getLogger(__name__)

#: Folds of the inner cross-validation, at most.
_N_FOLDS = 5


class _Grouped(RegressorMixin, BaseEstimator, ABC):
    """Choose a penalty for each region by cross-validation across groups."""

    def fit(self, X: np.ndarray, y: np.ndarray, groups: Any = None) -> _Grouped:
        """Choose the penalties and fit the weights.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Standardised features.
        y : ndarray, shape (n_windows, n_rois)
            BOLD.
        groups : array-like, shape (n_windows,) | None
            Label of each window; windows of one label stay together when the penalty is
            chosen. With fewer than two labels, contiguous blocks are used.

        Returns
        -------
        _Grouped
            Itself.

        Raises
        ------
        ValueError
            If `X` or `y` are not finite in float32 or of another shape, or an argument is
            out of range.
        TypeError
            If `X`, `y` or an argument is not of real numbers.
        """
        X, y = as_float32(X, "X"), as_float32(y, "y")
        check_consistent_length(X, y, groups)
        for name, values in (("X", X), ("y", y)):
            if values.ndim != 2 or not np.isfinite(values).all():
                raise ValueError(
                    f"{name} must be finite and have two dimensions, got shape "
                    f"{values.shape} and "
                    f"{counted(np.sum(~np.isfinite(values)), 'non-finite value')}."
                )
        with few_threads(self._side(X)):
            return self._fit(X, y, groups)

    def _side(self, X: np.ndarray) -> int:
        """Rows of the largest matrix that is decomposed."""
        return X.shape[1]

    def _fit(self, X: np.ndarray, y: np.ndarray, groups: Any) -> _Grouped:
        paths = self._penalties(X - X.mean(axis=0), y - y.mean(axis=0))
        errors = np.zeros(paths.shape)
        if len(paths) > 1:
            for train, test in _folds(X, y, groups):
                mean, level = X[train].mean(axis=0), y[train].mean(axis=0)
                held_out, target = X[test] - mean, y[test] - level
                solved = self._solve_path(X[train] - mean, y[train] - level, paths)
                for number, coef in enumerate(solved):
                    error = ((target - held_out @ coef) ** 2).sum(axis=0)
                    errors[number] += error / len(y)
        best = np.argmin(errors, axis=0)  # The strongest of equally good ones.
        self.cv_mse_ = errors
        self.penalty_ = paths[best, np.arange(y.shape[1])]
        self._warn_of_ends(best, len(paths))
        mean, level = X.mean(axis=0), y.mean(axis=0)
        (coef,) = self._solve_path(X - mean, y - level, self.penalty_[None])
        self.coef_ = coef.T
        self.intercept_ = level - self.coef_ @ mean
        return self

    def _warn_of_ends(self, best: np.ndarray, n_penalties: int) -> None:
        weakest = n_penalties - 1
        if n_penalties > 1 and (best == weakest).any():
            logger.info(
                "%s: the weakest penalty was the best for %d of %d regions; a weaker one "
                "might be better",
                type(self).__name__,
                (best == weakest).sum(),
                len(best),
            )

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict BOLD.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_windows, n_rois)
            In units of the BOLD.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        """
        check_is_fitted(self)
        return X @ self.coef_.T + self.intercept_

    @abstractmethod
    def _penalties(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Penalties to choose from, decreasing, (n_penalties, n_rois)."""

    @abstractmethod
    def _solve_path(
        self, X: np.ndarray, y: np.ndarray, penalties: np.ndarray
    ) -> Iterator[np.ndarray]:
        """Weights (n_features, n_rois) for each row of penalties; centred data."""


def _folds(
    X: np.ndarray, y: np.ndarray, groups: Any
) -> list[tuple[np.ndarray, np.ndarray]]:
    n_groups = 1 if groups is None else len(np.unique(groups))
    if n_groups < 2:
        return list(check_cv(min(_N_FOLDS, len(X))).split(X, y))
    return list(GroupKFold(min(n_groups, _N_FOLDS)).split(X, y, groups))


class GroupedRidge(_Grouped):
    """Ridge regression, the penalty chosen for each region across groups.

    scikit-learn's ``RidgeCV`` chooses a penalty for each target by leaving out single
    windows only, whose neighbours are then trained on; with other folds it takes one
    penalty for all targets and solves each separately. Here the features of a fold are
    decomposed once for all penalties and regions.

    Parameters
    ----------
    alphas : sequence of float | None
        Penalties to choose from. By default 19 from 0.1 to 1e8.

    Attributes
    ----------
    coef_ : ndarray, shape (n_rois, n_features)
        Weights, in units of the BOLD per unit of the features.
    intercept_ : ndarray, shape (n_rois,)
        Prediction for features that are all zero, in units of the BOLD.
    penalty_ : ndarray, shape (n_rois,)
        The chosen penalties.
    cv_mse_ : ndarray, shape (n_alphas, n_rois)
        Mean squared error of each penalty on held-out groups, the strongest first.

    See Also
    --------
    sklearn.linear_model.RidgeCV : A penalty chosen by leaving out single windows.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.linear import GroupedRidge
    >>> rng = np.random.default_rng(0)
    >>> X, groups = rng.standard_normal((60, 5)), np.repeat([0, 1, 2], 20)
    >>> y = X[:, :2] + 0.1 * rng.standard_normal((60, 2))
    >>> GroupedRidge().fit(X, y, groups).coef_.shape
    (2, 5)
    """

    def __init__(self, alphas: Sequence[float] | None = None):
        self.alphas = alphas

    def _penalties(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        alphas = np.logspace(-1, 8, 19) if self.alphas is None else self.alphas
        try:
            alphas = np.asarray(alphas, dtype=float)
        except (TypeError, ValueError):
            alphas = np.empty(0)
        if alphas.ndim != 1 or not len(alphas) or not (alphas > 0).all():
            raise ValueError(
                f"alphas must be a list of positive numbers, got {self.alphas!r}."
            )
        return np.repeat(np.sort(alphas)[::-1, None], y.shape[1], axis=1)

    def _side(self, X: np.ndarray) -> int:
        return min(X.shape)

    def _solve_path(
        self, X: np.ndarray, y: np.ndarray, penalties: np.ndarray
    ) -> Iterator[np.ndarray]:
        # The smaller of the two Gram matrices is enough (the kernel trick).
        wide = X.shape[1] > X.shape[0]
        gram = (X @ X.T if wide else X.T @ X).astype(np.float64)
        values, vectors = eigh(gram, overwrite_a=True, check_finite=False)
        values = np.maximum(values, 0.0)[:, None]
        projected = vectors.T @ (y if wide else X.T @ y)
        for row in penalties:
            solved = vectors @ (projected / (values + row))
            yield (X.T @ solved.astype(np.float32) if wide else solved).astype(np.float32)


class GroupedSparseGroupLasso(_Grouped):
    """Sparse group lasso with a penalty for each region, chosen across groups.

    The weights ``w`` of a region minimise ``||y - X w||^2 / (2 n) + penalty *
    (l1_ratio * ||w||_1 + (1 - l1_ratio) * sqrt(size) * sum of the norms of the
    groups)`` [1]_. Solved by proximal gradient steps with momentum [2]_, restarted where
    it overshoots [3]_, for all regions at once, on the Gram matrix of the features.
    himalaya has a solver of the same problem that takes one group after the other in
    Python, which is far slower for many small groups
    (``benchmarks/speed_of_baselines.py``); skglm takes one region at a time.

    Parameters
    ----------
    group_size : int
        Features of a group; groups are contiguous.
    l1_ratio : float, default 0.5
        Share of the lasso in the penalty: 1 is the lasso, 0 the group lasso.
    n_penalties : int, default 10
        Number of penalties to choose from, on a logarithmic scale from the smallest
        that makes all weights zero downwards.
    min_ratio : float, default 0.03
        The smallest penalty as a share of the largest.
    max_iter : int, default 2000
        Largest number of steps for each penalty.
    tol : float, default 1e-3
        The descent ends when no weight changes in a step by more than this share of
        the largest weight.

    Attributes
    ----------
    coef_, intercept_, penalty_, cv_mse_
        As in :class:`GroupedRidge`.

    References
    ----------
    .. [1] Simon, N., Friedman, J., Hastie, T., & Tibshirani, R. (2013). A Sparse-Group
       Lasso. Journal of Computational and Graphical Statistics 22, 231-245.
    .. [2] Beck, A., & Teboulle, M. (2009). A fast iterative shrinkage-thresholding
       algorithm for linear inverse problems. SIAM Journal on Imaging Sciences 2, 183-202.
    .. [3] O'Donoghue, B., & Candes, E. (2015). Adaptive restart for accelerated gradient
       schemes. Foundations of Computational Mathematics 15, 715-732.
    """

    def __init__(
        self,
        group_size: int,
        l1_ratio: float = 0.5,
        n_penalties: int = 10,
        min_ratio: float = 0.03,
        max_iter: int = 2000,
        tol: float = 1e-3,
    ):
        self.group_size = group_size
        self.l1_ratio = l1_ratio
        self.n_penalties = n_penalties
        self.min_ratio = min_ratio
        self.max_iter = max_iter
        self.tol = tol

    def _penalties(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        check_number(self.l1_ratio, "l1_ratio", low=0, high=1)
        check_number(self.min_ratio, "min_ratio", low=0, high=1, inclusive="neither")
        check_number(self.tol, "tol", low=0)
        for name in ("n_penalties", "group_size", "max_iter"):
            check_number(getattr(self, name), name, Integral, 1)
        if X.shape[1] % self.group_size:
            raise ValueError(
                f"group_size must divide the number of features, {X.shape[1]}; got "
                f"{self.group_size}."
            )
        correlation = np.abs(X.T @ y) / len(X)
        norms = np.linalg.norm(self._grouped(correlation), axis=1)
        # From here on, either part of the penalty alone makes all weights zero.
        with np.errstate(divide="ignore"):
            by_lasso = correlation.max(axis=0) / np.float64(self.l1_ratio)
            by_group = norms.max(axis=0) / np.float64(self._group_weight())
        largest = np.minimum(by_lasso, by_group)
        steps = np.geomspace(1, self.min_ratio, self.n_penalties)
        return steps[:, None] * np.where(largest > 0, largest, 1.0)

    def _grouped(self, coef: np.ndarray) -> np.ndarray:
        return coef.reshape(-1, self.group_size, coef.shape[-1])

    def _group_weight(self) -> float:
        return (1 - self.l1_ratio) * self.group_size**0.5

    def _solve_path(
        self, X: np.ndarray, y: np.ndarray, penalties: np.ndarray
    ) -> Iterator[np.ndarray]:
        gram = X.T @ X / len(X)
        correlation = X.T @ y / len(X)
        last = len(gram) - 1
        (steepest,) = eigh(
            gram, eigvals_only=True, subset_by_index=[last, last], check_finite=False
        )
        step = 1 / max(float(steepest), np.finfo(np.float32).tiny)
        coef, n_unfinished = np.zeros_like(correlation), 0
        for penalty in penalties:
            coef, converged = self._descend(gram, correlation, penalty, step, coef)
            n_unfinished += not converged
            yield coef
        if n_unfinished:
            logger.warning(
                "The sparse group lasso did not converge within %d steps for %d of %d "
                "penalties; raise max_iter or tol.",
                self.max_iter,
                n_unfinished,
                len(penalties),
            )

    def _descend(
        self,
        gram: np.ndarray,
        correlation: np.ndarray,
        penalty: np.ndarray,
        step: float,
        coef: np.ndarray,
    ) -> tuple[np.ndarray, bool]:
        """Descend to the weights of one penalty, starting from those of another."""
        point, momentum = coef, 1.0
        for _ in range(self.max_iter):
            moved = point - step * (gram @ point - correlation)
            before, coef = coef, self._shrink(moved, step * penalty)
            change = coef - before
            if np.abs(change).max() <= self.tol * np.abs(coef).max():
                return coef, True
            if np.vdot(point - coef, change) > 0:
                point, momentum = coef, 1.0
                continue
            faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            point = coef + np.float32((momentum - 1) / faster) * change
            momentum = faster
        return coef, False

    def _shrink(self, coef: np.ndarray, amount: np.ndarray) -> np.ndarray:
        """Proximal operator of the penalty: single weights, then whole groups."""
        amount = amount.astype(coef.dtype)
        soft = np.abs(coef) - amount * coef.dtype.type(self.l1_ratio)
        grouped = self._grouped(np.copysign(np.maximum(soft, 0), coef))
        norms = np.linalg.norm(grouped, axis=1, keepdims=True)
        limit = amount * coef.dtype.type(self._group_weight())
        kept = 1 - np.divide(limit, norms, out=np.ones_like(norms), where=norms > 0)
        return (grouped * np.maximum(kept, 0)).reshape(coef.shape)
