"""Folds of a data set, and that no EEG is both trained and tested on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..windows.create import BOLDWindows
from ..windows.lazy import LazyWindows

__all__ = ["Fold", "check_separate", "folds_of"]


@dataclass(frozen=True)
class Fold:
    """A fold of a data set: rows of the windows, and positions in `train`."""

    #: From 1.
    number: int
    train: np.ndarray
    test: np.ndarray
    validation: np.ndarray | None

    def parts(self) -> list[np.ndarray]:
        """Rows of training, validation (if the protocol has it) and test."""
        if self.validation is None:
            return [self.train, self.test]
        fitted = np.delete(self.train, self.validation)
        return [fitted, self.train[self.validation], self.test]


def folds_of(splitter: Any, windows: BOLDWindows) -> list[Fold]:
    """Divide windows, and check that no EEG is in both parts.

    Splitters of scikit-learn are given the subjects as groups.
    """
    X, y = windows.X, windows.y
    ours = hasattr(splitter, "validation_rows")
    groups = {} if ours else {"groups": windows.groups}
    with warnings.catch_warnings():
        # Splitters that use no groups may still keep recordings together; see below.
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        divided = list(splitter.split(X, y, **groups))
    folds = []
    for number, parts in enumerate(divided, start=1):
        train, test = (_rows(part, len(X)) for part in parts)
        validation = splitter.validation_rows(X, train) if ours else None
        fold = Fold(number, train, test, validation)
        check_separate(fold, X, splitter)
        folds.append(fold)
    if not folds:
        raise ValueError(f"{splitter!r} makes no fold of these recordings.")
    return folds


def check_separate(fold: Fold, X: LazyWindows, splitter: Any) -> None:
    """Raise if a part is empty, or windows of both parts share EEG."""
    if not len(fold.train) or not len(fold.test):
        raise ValueError(f"Fold {fold.number} of {splitter!r} has an empty part.")
    recordings, starts, stops = (
        X.metadata[name].to_numpy() for name in ("recording", "start", "stop")
    )
    for recording in np.intersect1d(recordings[fold.train], recordings[fold.test]):
        train, test = (
            rows[recordings[rows] == recording] for rows in (fold.train, fold.test)
        )
        begun = np.sort(starts[train])
        # Windows have one length: the last one that began before a tested one ends.
        place = np.searchsorted(begun, stops[test])
        last = begun[np.maximum(place - 1, 0)]
        length = stops[train[0]] - starts[train[0]]
        shared = (place > 0) & (last + length > starts[test])
        if shared.any():
            raise ValueError(
                f"Fold {fold.number} of {splitter!r}: {shared.sum()} of {len(test)} tested "
                "windows of a recording share EEG with windows that are trained on. Use a "
                "splitter of braindecode_bolt.splits, which keep recordings together or "
                "leave a gap."
            )


def _rows(part: Any, n_windows: int) -> np.ndarray:
    """Row numbers of a part that may be a mask."""
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool and len(part) == n_windows else part
