"""What the splitters have in common."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from ._origin import Origin

Fold = tuple[np.ndarray, np.ndarray]


class Splitter(BaseCrossValidator):
    """A splitter of scikit-learn that reads from the windows where they are from."""

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
            Not used.
        groups : array-like, shape (n_windows,) | None
            What is split by, for plain arrays, whose windows count as being in
            the order of time. Not used where `X` tells it.

        Yields
        ------
        train, test : ndarray of int
            Rows of `X`, ascending.

        Raises
        ------
        ValueError
            If `X` does not tell what is split by, or a part would be empty.
        """
        for train, test in self._folds(X, groups):
            yield np.sort(train), np.sort(test)

    @abstractmethod
    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        """Divide the windows, in any order."""

    def validation_rows(
        self, X: Any, train: np.ndarray, groups: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Say which of the training windows are there to validate a fit on.

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
            :class:`~braindecode_bolt.splits.FixedValidation`; the rest is far
            enough from them. None where it is left to the fit.
        """
        return None


def read_origin(X: Any, groups: Any) -> Origin | None:
    """Read where windows come from.

    Parameters
    ----------
    X : LazyWindows | SliceDataset | array-like
        The windows.
    groups : array-like | None
        Labels of them.

    Returns
    -------
    Origin | None
        None where the groups are all that is known.

    Raises
    ------
    ValueError
        If nothing is known, or groups have another length than `X`.
    """
    if X is None:
        raise ValueError("The number of splits depends on the windows: pass X.")
    if groups is not None and len(groups) != len(X):
        raise ValueError(f"{len(groups)} groups were given for {len(X)} windows.")
    origin = Origin.of(X)
    if origin is None and groups is None:
        raise ValueError(
            f"The windows ({type(X).__name__}) do not say which recording they are from. "
            "Pass windows of create_bold_windows, their to_braindecode() in a "
            "SliceDataset, or groups."
        )
    return origin


def warn_of_groups(groups: Any, *used: np.ndarray) -> None:
    """Warn where groups are not used and say something else than the windows.

    Parameters
    ----------
    groups : array-like | None
        What was given.
    *used : ndarray
        Labels that were read from the windows.
    """
    if groups is None or any(_same_partition(groups, labels) for labels in used):
        return
    warnings.warn(
        "groups are not used: the windows tell themselves what is split by. To split by "
        "labels of your own, pass them to a splitter of scikit-learn such as GroupKFold.",
        stacklevel=5,
    )


def _same_partition(first: Any, second: Any) -> bool:
    codes = [
        np.unique(np.asarray(labels).astype(str), return_inverse=True)[1]
        for labels in (first, second)
    ]
    n_pairs = len(np.unique(np.stack(codes), axis=1).T)
    return all(n_pairs == len(np.unique(code)) for code in codes)
