"""The part of the training windows on which a fit is validated."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import check_number
from .origin import Origin
from .timeline import timelines

__all__ = ["FixedValidation", "ValidationSplit"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ValidationSplit:
    """Choose the part of the training windows on which a fit is validated.

    Where windows come from is read from `X`. With several subjects, some subjects are
    chosen; with several recordings of one subject, some recordings; with one
    recording, its end, after a gap. Neighbouring windows share most of their EEG and
    BOLD is autocorrelated, so a random choice of windows would validate on what was
    trained on.

    Parameters
    ----------
    fraction : float
        Share to validate on: of the subjects or recordings where there are several
        (one at least, and one at least is left), else of the windows. Default 0.2.
    gap_seconds : float
        Time between the two parts of a single recording, as in :class:`GapSplit`.
        Default 20.
    gap_windows : int
        This gap for plain arrays, whose times are not known, in windows. Default 10.

    See Also
    --------
    braindecode_bolt.splits.FixedValidation : Validates on windows that are given.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt import ValidationSplit
    >>> X, subject = np.zeros((8, 4, 800)), np.repeat(["a", "b", "c", "d"], 2)
    >>> ValidationSplit(fraction=0.25).split(X, groups=subject)
    (array([0, 1, 2, 3, 4, 5]), array([6, 7]))
    """

    fraction: float = 0.2
    gap_seconds: float = 20.0
    gap_windows: int = 10

    def split(
        self,
        X: Any,
        groups: np.ndarray | None = None,
        random_state: np.random.RandomState | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Divide windows into training and validation.

        Parameters
        ----------
        X : LazyWindows | array-like
            The windows. A plain array counts as one recording in the order of
            time.
        groups : array-like, shape (n_windows,) | None
            Label of each window; windows of one label stay together. Overrides what
            is read from `X`.
        random_state : numpy.random.RandomState | None
            Chooses the groups. By default (None) the last ones in the order of their
            labels are taken.

        Returns
        -------
        train, valid : ndarray of int
            Rows of `X`.

        Raises
        ------
        ValueError
            If there are too few windows for both parts, `groups` and `X` differ in
            length, or an argument is out of range.
        TypeError
            If an argument is not a number.
        """
        check_number(self.fraction, "fraction", low=0, high=1, inclusive="neither")
        for name in ("gap_seconds", "gap_windows"):
            check_number(getattr(self, name), name, low=0)
        origin = Origin.of(X)
        if groups is None:
            groups = _groups(X, origin)
        elif len(groups) != len(X):
            raise ValueError(f"{len(groups)} groups were given for {len(X)} windows.")
        groups = np.asarray(groups)
        if len(np.unique(groups)) > 1:
            return self._by_group(groups, random_state)
        return self._by_time(len(X), origin)

    def _by_group(
        self, groups: np.ndarray, random_state: np.random.RandomState | None
    ) -> tuple[np.ndarray, np.ndarray]:
        names = np.unique(groups)
        order = np.arange(len(names))[::-1]
        if random_state is not None:
            order = random_state.permutation(len(names))
        wanted = max(1, round(self.fraction * len(names)))
        chosen = names[order[: min(wanted, len(names) - 1)]]
        valid = np.isin(groups, chosen)
        logger.debug("Validating on %s", ", ".join(map(str, chosen)))
        return np.flatnonzero(~valid), np.flatnonzero(valid)

    def _by_time(
        self, n_windows: int, origin: Origin | None
    ) -> tuple[np.ndarray, np.ndarray]:
        gap, unit = self.gap_seconds, "s"
        if origin is None:
            gap, unit = self.gap_windows, "windows"
            origin = Origin.of_labels(np.zeros(n_windows, dtype=int))
        # There is one recording, unless several have the same group.
        distance = max(line.distance for line in timelines(origin, gap))
        ends = origin.ends
        order = np.argsort(ends, kind="stable")
        n_valid = max(1, round(self.fraction * n_windows))
        valid = order[n_windows - n_valid :]
        train = order[ends[order] <= ends[valid[0]] - distance]
        if len(train) == 0:
            raise ValueError(
                f"{n_windows} windows of one recording are too few for training and "
                f"validation with a gap of {gap:g} {unit} between. Give more data, or "
                "fit without validation (train_split=None)."
            )
        return np.sort(train), np.sort(valid)


def _groups(X: Any, origin: Origin | None) -> np.ndarray:
    if origin is not None:
        several = len(np.unique(origin.subjects)) > 1
        return origin.subjects if several else origin.recordings
    warnings.warn(
        "The windows do not say which recording they are from; they are taken as one "
        "recording in the order of time, and the fit is validated on its end. Pass "
        "groups to fit, or windows of create_bold_windows.",
        stacklevel=3,
    )
    return np.zeros(len(X), dtype=int)


@dataclass(frozen=True, eq=False, repr=False)
class FixedValidation:
    """Validate a fit on given windows.

    For ``EEGRegressor(train_split=...)``, if it is known beforehand which of the
    windows of a fit are reserved for validation: those of the published split, for
    example.

    Parameters
    ----------
    rows : array-like of int, shape (n_rows,)
        Positions of these windows in the `X` of the fit.

    See Also
    --------
    braindecode_bolt.ValidationSplit : Chooses the windows.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.splits import FixedValidation, GapSplit
    >>> X, recording = np.zeros((100, 4, 800)), np.zeros(100)
    >>> cv = GapSplit(train_size=0.6, test_size=0.2)
    >>> ((train, test),) = cv.split(X, groups=recording)
    >>> train_split = FixedValidation(cv.validation_rows(X, train, recording))
    >>> [len(part) for part in train_split.split(X[train])]
    [60, 10]
    """

    rows: Sequence[int] | np.ndarray

    def __repr__(self) -> str:  # noqa: D105
        return f"FixedValidation({np.size(self.rows)} rows)"

    def split(
        self, X: Any, groups: Any = None, random_state: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Divide windows into training and validation.

        Parameters
        ----------
        X : LazyWindows | array-like
            The windows of the fit.
        groups : object
            Not used (default None).
        random_state : object
            Not used (default None).

        Returns
        -------
        train, valid : ndarray of int
            Rows of `X`. A warning is given if a validation window shares EEG with a
            training window.

        Raises
        ------
        ValueError
            If `rows` are not positions in `X`, or nothing is left to train on.
        """
        valid = np.asarray(self.rows)
        if valid.ndim != 1 or valid.dtype.kind not in "iu" or not len(valid):
            raise ValueError(
                "rows must be integers, positions of at least one window; got an array of "
                f"shape {valid.shape} and type {valid.dtype}."
            )
        if valid.min() < 0 or valid.max() >= len(X) or len(np.unique(valid)) < len(valid):
            raise ValueError(
                f"rows must be different positions in the {len(X)} windows of the fit, got "
                f"{len(np.unique(valid))} different ones of {len(valid)}, from "
                f"{valid.min()} to {valid.max()}. Count them in the training part that is "
                "fitted, not in all windows."
            )
        if len(valid) == len(X):
            raise ValueError(
                f"rows name all {len(X)} windows of the fit; nothing is left to train on."
            )
        valid = np.sort(valid)
        train = np.setdiff1d(np.arange(len(X)), valid)
        _warn_of_overlap(Origin.of(X), train, valid)
        return train, valid


def _warn_of_overlap(origin: Origin | None, train: np.ndarray, valid: np.ndarray) -> None:
    if origin is None:
        return
    starts, ends, recordings = origin.starts, origin.ends, origin.recordings
    n_shared = 0
    for recording in np.unique(recordings[valid]):
        mine = train[recordings[train] == recording]
        if not len(mine):
            continue
        mine = mine[np.argsort(ends[mine], kind="stable")]
        for row in valid[recordings[valid] == recording]:
            # The first one to end after this one starts: all have the same length.
            first = np.searchsorted(ends[mine], starts[row], side="right")
            n_shared += first < len(mine) and starts[mine[first]] < ends[row]
    if n_shared:
        warnings.warn(
            f"{n_shared} of {len(valid)} validation windows share EEG with training "
            "windows. Leave a gap between them (GapSplit does), or validate on whole "
            "recordings.",
            stacklevel=3,
        )
