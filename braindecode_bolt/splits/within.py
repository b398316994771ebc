"""Splitting each recording in time, with a gap between the parts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np

from .._checks import check_number
from ._base import Fold, Splitter, warn_of_groups
from .origin import Origin, read_origin
from .timeline import Timeline, timelines

__all__ = ["GapKFold", "GapSplit"]

#: Two volumes always correlate perfectly, and a single one is constant.
_FEWEST = 3


class _WithinRecordings(Splitter):
    """Splitters that divide recordings in time."""

    #: For each recording, or for all together.
    n_splits = 1

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: np.ndarray | None = None
    ) -> int:
        """Count the folds.

        Parameters
        ----------
        X : LazyWindows | SliceDataset | array-like | None
            As in :meth:`split`. Not needed with ``recordings="together"``.
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
            If `X` is needed and None, or as in :meth:`split`.
        """
        together = self.recordings == "together"
        return self.n_splits * (1 if together else len(self._timelines(X, groups)))

    def _timelines(self, X: Any, groups: np.ndarray | None) -> list[Timeline]:
        if self.recordings not in ("each", "together"):
            raise ValueError(
                f"recordings must be 'each' or 'together', got {self.recordings!r}."
            )
        for name in ("gap_seconds", "gap_windows"):
            check_number(getattr(self, name), name, low=0)
        origin = read_origin(X, groups)
        if origin is None:
            return timelines(Origin.of_labels(np.asarray(groups)), self.gap_windows)
        warn_of_groups(groups, origin.recordings, origin.subjects)
        return timelines(origin, self.gap_seconds)

    def _splits_of(self, lines: list[Timeline]) -> list[list[Timeline]]:
        """Put together the recordings that are split at the same time."""
        return [lines] if self.recordings == "together" else [[line] for line in lines]


class GapSplit(_WithinRecordings):
    """Train on the beginning of a recording and test on its end, after a gap.

    Each recording is divided in time: training, gap, validation, gap, test, as
    published (paper, section 3.2): the 567 windows of a scan become 453, 46 and 48.
    The gaps are needed since neighbouring windows share most of their EEG, and BOLD
    is autocorrelated.

    Parameters
    ----------
    train_size : float
        Share of a recording's windows to train on. Default 0.8.
    test_size : float
        Share to test on. Default 0.1. What is left between the two is the validation
        part. It belongs to the training part, and :meth:`validation_rows` finds it.
        If the shares add up to 1 there is none.
    gap_seconds : float
        Time between the parts, taken from the later one. Default 20, as published.
        Rounded up to whole volumes (10 at a repetition time of 2.1 s), and never
        shorter than the window.
    recordings : {"each", "together"}
        One split for each recording (default), as published: a model for each scan;
        or one split in which all recordings are divided.
    gap_windows : int
        The gap for plain arrays, whose times are not known, in windows. Default 10.

    See Also
    --------
    GapKFold : Tests all blocks of a recording in turn.

    References
    ----------
    Li, Y., Lou, A., Xu, Z., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
    Synthesis with Multi-dimensional Feature Mapping. NeurIPS 37, section 3.2.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.linear import LaggedBandPower
    >>> from braindecode_bolt.splits import GapSplit
    >>> windows = create_bold_windows(SimulatedEEGfMRI(2, duration=300.0).load())
    >>> cv = GapSplit(train_size=0.7, test_size=0.3)
    >>> len(cross_val_score(LaggedBandPower(), windows.X, windows.y, cv=cv))
    2
    """

    def __init__(
        self,
        train_size: float = 0.8,
        test_size: float = 0.1,
        gap_seconds: float = 20.0,
        recordings: str = "each",
        gap_windows: int = 10,
    ):
        self.train_size = train_size
        self.test_size = test_size
        self.gap_seconds = gap_seconds
        self.recordings = recordings
        self.gap_windows = gap_windows

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
        ndarray of int, shape (n_validation,) | None
            Positions in `train`, for
            :class:`~braindecode_bolt.splits.FixedValidation`. None if there is no
            validation part.

        Raises
        ------
        ValueError
            As in :meth:`split`.
        """
        if not self._has_validation():
            return None
        lines = self._timelines(X, groups)
        lines = [line for line in lines if np.isin(train, line.rows).any()]
        valid = [self._divide(line)[1] for line in lines]
        return np.flatnonzero(np.isin(train, np.concatenate([*valid, []])))

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        for lines in self._splits_of(self._timelines(X, groups)):
            parts = [self._divide(line) for line in lines]
            train = [rows for training, valid, _ in parts for rows in (training, valid)]
            yield np.concatenate(train), np.concatenate([test for *_, test in parts])

    def _has_validation(self) -> bool:
        for name in ("train_size", "test_size"):
            check_number(getattr(self, name), name, low=0, high=1, inclusive="neither")
        total = self.train_size + self.test_size
        if total > 1 + 1e-9:
            raise ValueError(
                "train_size and test_size must add up to 1 at most, got "
                f"{self.train_size} and {self.test_size}."
            )
        return total < 1 - 1e-9

    def _divide(self, line: Timeline) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give the rows of training, validation and test."""
        needed = {"training": True, "validation": self._has_validation(), "test": True}
        n_windows = len(line.rows)
        first = _share(self.train_size, n_windows)
        second = first + _share(1 - self.train_size - self.test_size, n_windows)
        positions = np.arange(n_windows)
        parts = [positions < first]
        for begin, end in ((first, second), (second, n_windows)):
            inside = (begin <= positions) & (positions < end)
            parts.append(inside & line.after(begin - 1) if begin else inside)
        short = [
            f"{name} ({part.sum()})"
            for name, part in zip(needed, parts, strict=True)
            if needed[name] and part.sum() < _FEWEST
        ]
        if short:
            raise ValueError(
                f"{line.name} is too short for this protocol: its {n_windows} windows, "
                f"with train_size={self.train_size}, test_size={self.test_size} and the "
                f"gap, leave fewer than {_FEWEST} for {' and '.join(short)}. Give longer "
                "recordings, other sizes (that add up to 1 if no validation part is "
                "needed), or a shorter gap or window."
            )
        return tuple(line.rows[part] for part in parts)


class GapKFold(_WithinRecordings):
    """Test blocks of a recording in turn, training on the rest outside of gaps.

    Parameters
    ----------
    n_splits : int
        Number of blocks into which each recording is divided. Default 5.
    gap_seconds : float
        Time left out on both sides of the block that is tested. Default 20.
        Otherwise as in :class:`GapSplit`.
    recordings : {"each", "together"}
        `n_splits` splits for each recording (default), trained on that recording
        alone; or `n_splits` splits in which a block of every recording is tested and
        the rest of all is trained on.
    gap_windows : int
        The gap for plain arrays, in windows. Default 10.

    See Also
    --------
    GapSplit : Tests the end of a recording only, as published.
    GroupSplit : Keeps whole recordings or subjects on one side.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.splits import GapKFold
    >>> X, recording = np.zeros((100, 4, 800)), np.repeat(["a", "b"], 50)
    >>> cv = GapKFold(n_splits=2, recordings="together")
    >>> [(len(train), len(test)) for train, test in cv.split(X, groups=recording)]
    [(30, 50), (30, 50)]
    """

    def __init__(
        self,
        n_splits: int = 5,
        gap_seconds: float = 20.0,
        recordings: str = "each",
        gap_windows: int = 10,
    ):
        self.n_splits = n_splits
        self.gap_seconds = gap_seconds
        self.recordings = recordings
        self.gap_windows = gap_windows

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        check_number(self.n_splits, "n_splits", Integral, 2)
        lines = self._timelines(X, groups)
        for line in lines:
            if len(line.rows) < _FEWEST * self.n_splits:
                raise ValueError(
                    f"{line.name} is too short for this protocol: its {len(line.rows)} "
                    f"windows make {self.n_splits} blocks with fewer than {_FEWEST} "
                    "windows to test. Lower n_splits, or leave the recording out."
                )
        for together in self._splits_of(lines):
            for number in range(self.n_splits):
                train, test = zip(
                    *(self._block(line, number) for line in together), strict=True
                )
                if sum(map(len, train)) < _FEWEST:
                    names = ", ".join(line.name for line in together[:3])
                    raise ValueError(
                        f"{names}: too short for this protocol: the gap leaves fewer than "
                        f"{_FEWEST} of {len(together[0].rows)} windows to train on, with "
                        f"n_splits={self.n_splits} and gap_seconds={self.gap_seconds:g}. "
                        "Raise n_splits, shorten the gap or the window, or give longer "
                        "recordings."
                    )
                yield np.concatenate(train), np.concatenate(test)

    def _block(self, line: Timeline, number: int) -> Fold:
        block = np.array_split(np.arange(len(line.rows)), self.n_splits)[number]
        train = line.before(block[0]) | line.after(block[-1])
        return line.rows[train], line.rows[block]


def _share(size: float, n_windows: int) -> int:
    """Count whole windows; 0.1 of 570 are 57 despite rounding of binary fractions."""
    return math.floor(size * n_windows + 1e-9)
