"""The part of the training windows on which a fit is validated."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch.utils.data import Subset

from ._origin import Origin

__all__ = ["FixedValidation", "ValidationSplit", "recording_labels", "window_groups"]

logger = logging.getLogger(__name__)


class ValidationSplit:
    """Choose the part of the training windows on which a fit is validated.

    What is split is read from the windows: with several subjects, some of the
    subjects; with several recordings of one subject, some of the recordings;
    with one recording, its end, behind a gap. Neighbouring windows share most
    of their EEG and BOLD is autocorrelated, so a random choice of windows would
    validate on what was trained on.

    Parameters
    ----------
    fraction : float
        Share of the windows to validate on. Default 0.2. At least one subject
        or recording is taken, and one is left.
    gap_seconds : float
        Within a recording, the time between the part trained on and the part
        validated on. Default 20, as published. Rounded up to whole volumes (10
        at a repetition time of 2.1 s), and never shorter than the window.
    gap_windows : int
        The same for plain arrays, whose times are not known, in windows.
        Default 10.
    """

    def __init__(
        self,
        fraction: float = 0.2,
        gap_seconds: float = 20.0,
        gap_windows: int = 10,
    ):
        self.fraction = fraction
        self.gap_seconds = gap_seconds
        self.gap_windows = gap_windows

    def __repr__(self) -> str:  # noqa: D105
        return (
            f"ValidationSplit(fraction={self.fraction!r}, gap_seconds="
            f"{self.gap_seconds!r}, gap_windows={self.gap_windows!r})"
        )

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
            What must not be torn apart. Overrides what is read from `X`.
        random_state : numpy.random.RandomState | None
            Chooses the groups. By default the last ones are taken.

        Returns
        -------
        train, valid : ndarray of int
            Rows of `X`.

        Raises
        ------
        ValueError
            If there are too few windows for both parts, `groups` has another length
            than `X`, or an argument is out of range.
        """
        if not 0 < self.fraction < 1:
            raise ValueError(f"fraction must lie between 0 and 1, got {self.fraction}.")
        if not (self.gap_seconds >= 0 and self.gap_windows >= 0):
            raise ValueError(
                f"gap_seconds and gap_windows must not be negative, got {self.gap_seconds} "
                f"and {self.gap_windows}."
            )
        origin = Origin.of(X)
        if groups is None:
            groups = self._groups(X, origin)
        elif len(groups) != len(X):
            raise ValueError(f"{len(groups)} groups were given for {len(X)} windows.")
        groups = np.asarray(groups)
        if len(np.unique(groups)) > 1:
            return self._by_group(groups, random_state)
        return self._by_time(len(X), origin)

    @staticmethod
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

    def _by_group(
        self, groups: np.ndarray, random_state: np.random.RandomState | None
    ) -> tuple[np.ndarray, np.ndarray]:
        names, sizes = np.unique(groups, return_counts=True)
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
        # Of one recording, unless groups throw several together.
        distance = max(line.distance for line in origin.timelines(gap))
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
        return train, valid


class FixedValidation(ValidationSplit):
    """Validate a fit on given windows.

    For ``EEGRegressor(train_split=...)``, where it is known beforehand which of
    the windows that a fit sees are there for validation: those of the published
    split, for example.

    Parameters
    ----------
    rows : array-like of int, shape (n_rows,)
        Positions of these windows in the `X` of the fit.

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

    def __init__(self, rows: Sequence[int] | np.ndarray):
        self.rows = rows

    def __repr__(self) -> str:  # noqa: D105
        return f"FixedValidation({np.size(self.rows)} rows)"

    def split(
        self, X: Any, groups: Any = None, random_state: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Divide windows into training and validation.

        Parameters
        ----------
        X : LazyWindows | array-like
            The windows that the fit sees.
        groups, random_state : object
            Not used.

        Returns
        -------
        train, valid : ndarray of int
            Rows of `X`. A warning is given where a window to validate on shares
            EEG with one to train on.

        Raises
        ------
        ValueError
            If `rows` are no positions in `X`, or nothing is left to train on.
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
    """Warn where windows of both parts share EEG."""
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
            # The first that ends behind the start of this one: all have one length.
            first = np.searchsorted(ends[mine], starts[row], side="right")
            n_shared += first < len(mine) and starts[mine[first]] < ends[row]
    if n_shared:
        warnings.warn(
            f"{n_shared} of {len(valid)} windows to validate on share EEG with windows to "
            "train on. Leave a gap between (GapSplit does), or validate on whole "
            "recordings.",
            stacklevel=3,
        )


def window_groups(X: Any, n_blocks: int = 5) -> np.ndarray:
    """Read from windows what an inner cross-validation must not tear apart.

    Parameters
    ----------
    X : LazyWindows | BaseConcatDataset | array-like
        The windows.
    n_blocks : int
        Stretches into which a single recording is cut. Default 5.

    Returns
    -------
    ndarray, shape (n_windows,)
        Subjects where there are several, else recordings, else stretches of
        time of the one recording (which touch each other: good enough to choose
        a penalty, not to report a score).
    """
    origin = Origin.of(X)
    if origin is not None:
        for labels in (origin.subjects, origin.recordings):
            if len(np.unique(labels)) > 1:
                return labels
    order = np.arange(len(X)) if origin is None else np.argsort(origin.ends, kind="stable")
    groups = np.empty(len(X), dtype=int)
    groups[order] = np.arange(len(X)) * min(n_blocks, len(X)) // len(X)
    return groups


def recording_labels(X: Any, groups: np.ndarray | None = None) -> np.ndarray:
    """Say which recording each window is from.

    Parameters
    ----------
    X : LazyWindows | BaseConcatDataset | Dataset | array-like
        The windows, or a part of them.
    groups : ndarray | None
        Labels of all windows, for those that do not know where they are from.

    Returns
    -------
    ndarray, shape (n_windows,)
        One label for all where nothing is known.
    """
    origin = Origin.of(X)
    if origin is not None:
        return origin.recordings
    if groups is None:
        return np.zeros(len(X), dtype=int)
    rows = np.asarray(X.indices) if isinstance(X, Subset) else np.arange(len(X))
    if len(rows) and rows.max() >= len(groups):
        # A data set of its own for validation, about which groups say nothing.
        return np.zeros(len(X), dtype=int)
    return groups[rows]
