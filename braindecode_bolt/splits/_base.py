"""What the splitters have in common."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator

Fold = tuple[np.ndarray, np.ndarray]


class Splitter(BaseCrossValidator):
    """A splitter of scikit-learn that reads from the windows where they come from."""

    # Metadata routing: split takes groups without having to be told.
    __metadata_request__split = {"groups": True}

    def split(
        self, X: Any, y: Any = None, groups: np.ndarray | None = None
    ) -> Iterator[Fold]:
        """Divide windows into training and test, fold by fold.

        Parameters
        ----------
        X : LazyWindows | SliceDataset | array-like
            The windows: of ``create_bold_windows``, or a braindecode data set of
            them in a ``SliceDataset``.
        y : None
            Not used (default None).
        groups : array-like, shape (n_windows,) | None
            For plain arrays: the label of each window by which they are split. The
            windows are taken to be in the order of time. Not used if `X` says
            where its windows come from.

        Yields
        ------
        train, test : ndarray of int
            Rows of `X`, ascending.

        Raises
        ------
        ValueError
            If `X` lacks the labels to split by, a part would be empty or too short,
            or an argument is out of range.
        TypeError
            If an argument is not of the right type.
        """
        for train, test in self._folds(X, groups):
            yield np.sort(train), np.sort(test)

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: np.ndarray | None = None
    ) -> int:
        """Count the folds.

        Parameters
        ----------
        X : LazyWindows | SliceDataset | array-like | None
            As in :meth:`split`. Needed where the number of folds depends on the
            windows (default None).
        y : None
            Not used.
        groups : array-like, shape (n_windows,) | None
            As in :meth:`split`.

        Returns
        -------
        int
            Number of folds that :meth:`split` gives.

        Raises
        ------
        ValueError
            If the number depends on the windows and `X` is None, or as in
            :meth:`split`.
        """
        return self.n_splits

    @abstractmethod
    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        """Divide the windows; rows may be in any order."""

    def validation_rows(
        self, X: Any, train: np.ndarray, groups: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Find the training windows that are reserved for validation in a fit.

        Parameters
        ----------
        X : LazyWindows | SliceDataset | array-like
            The windows that were split.
        train : ndarray of int, shape (n_train,)
            The training part of a fold, rows of `X`.
        groups : array-like, shape (n_windows,) | None
            As in :meth:`split`.

        Returns
        -------
        ndarray of int | None
            Positions in `train`, for
            :class:`~braindecode_bolt.splits.FixedValidation`; no other training
            window is within the gap. None if the fit chooses its validation part.

        Raises
        ------
        ValueError
            As in :meth:`split`.
        """
        return None


def warn_of_groups(groups: Any, *used: np.ndarray) -> None:
    """Warn if groups are ignored although they differ from all labels that are used."""
    if groups is None or any(_same_partition(groups, labels) for labels in used):
        return
    warnings.warn(
        "groups are ignored: the windows have their own labels to split by. To split "
        "by your groups, use a splitter of scikit-learn such as GroupKFold.",
        stacklevel=5,
    )


def _same_partition(first: Any, second: Any) -> bool:
    codes = [
        np.unique(np.asarray(labels).astype(str), return_inverse=True)[1]
        for labels in (first, second)
    ]
    n_pairs = len(np.unique(np.stack(codes), axis=1).T)
    return all(n_pairs == len(np.unique(code)) for code in codes)
