"""How the windows of a data set are divided, and that no EEG is on both sides."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._files import content_hash
from ..windows.lazy import LazyWindows
from .study import Study

__all__ = ["Fold", "check_separate", "describe_folds", "folds_of"]


@dataclass(frozen=True)
class Fold:
    """A fold of a data set.

    Attributes
    ----------
    number : int
        From 1.
    train, test : ndarray of int
        Rows of the windows.
    validation : ndarray of int | None
        Positions in `train`.
    """

    number: int
    train: np.ndarray
    test: np.ndarray
    validation: np.ndarray | None

    def parts(self) -> list[np.ndarray]:
        """Rows of training, validation (where it is known) and test."""
        if self.validation is None:
            return [self.train, self.test]
        fitted = np.delete(self.train, self.validation)
        return [fitted, self.train[self.validation], self.test]


def folds_of(protocol: Any, study: Study) -> list[Fold]:
    """Divide the windows of a data set.

    Parameters
    ----------
    protocol : splitter
        One of :mod:`braindecode_bolt.splits`, or of scikit-learn: it is given the
        subjects as groups.
    study : Study
        The data set.

    Returns
    -------
    list of Fold

    Raises
    ------
    ValueError
        If there is no fold, or one has an empty part or EEG on both sides.
    """
    X, y = study.windows.X, study.windows.y
    ours = hasattr(protocol, "validation_rows")
    groups = {} if ours else {"groups": study.windows.groups}
    folds = []
    with warnings.catch_warnings():
        # What cares about no groups may still keep recordings whole; this is checked.
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        divided = list(protocol.split(X, y, **groups))
    for number, (train, test) in enumerate(divided, start=1):
        train, test = (_rows(part, len(X)) for part in (train, test))
        validation = protocol.validation_rows(X, train) if ours else None
        fold = Fold(number, train, test, validation)
        check_separate(fold, X, protocol)
        folds.append(fold)
    if not folds:
        raise ValueError(f"{protocol!r} makes no fold of these recordings.")
    return folds


def _rows(part: Any, n_windows: int) -> np.ndarray:
    """Row numbers of a part that may be a mask."""
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool and len(part) == n_windows else part


def check_separate(fold: Fold, X: LazyWindows, protocol: Any) -> None:
    """Raise where EEG is both trained and tested on, or a part is empty.

    Parameters
    ----------
    fold : Fold
        The fold.
    X : LazyWindows
        The windows.
    protocol : splitter
        For the message.

    Raises
    ------
    ValueError
        If it is so.
    """
    if not len(fold.train) or not len(fold.test):
        raise ValueError(f"Fold {fold.number} of {protocol!r} has an empty part.")
    table = X.metadata
    recordings, starts, stops = (
        table[name].to_numpy() for name in ("recording", "start", "stop")
    )
    for recording in np.intersect1d(recordings[fold.train], recordings[fold.test]):
        train, test = (
            rows[recordings[rows] == recording] for rows in (fold.train, fold.test)
        )
        begun = np.sort(starts[train])
        # Windows have one length: the next one to begin decides.
        place = np.searchsorted(begun, stops[test])
        last = begun[np.maximum(place - 1, 0)]
        length = stops[train[0]] - starts[train[0]]
        shared = (place > 0) & (last + length > starts[test])
        if shared.any():
            raise ValueError(
                f"Fold {fold.number} of {protocol!r}: {shared.sum()} of {len(test)} tested "
                "windows of a recording share EEG with windows that are trained on. Use a "
                "splitter of braindecode_bolt.splits, which keep recordings whole or leave "
                "a gap."
            )


def describe_folds(folds: Sequence[Fold]) -> str:
    """Hash which windows are in which part of each fold.

    Parameters
    ----------
    folds : sequence of Fold
        The folds.

    Returns
    -------
    str
    """
    parts = (np.asarray(part, np.int64) for fold in folds for part in fold.parts())
    return content_hash(parts)[:16]
