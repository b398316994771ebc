"""Splitting by subject, session, run, task or site."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

from .._checks import check_number
from .._text import counted, listed
from ._base import Fold, Splitter, warn_of_groups
from .origin import Origin, read_origin

__all__ = ["GroupSplit", "LeaveOneOut", "group_labels"]

logger = logging.getLogger(__name__)

#: What can be split by, and the columns that are needed for it.
LABELS = {
    "subject": ("subject",),
    "session": ("subject", "session"),
    "run": ("subject", "session", "task", "run"),
    "task": ("task",),
    "site": ("site",),
}
#: A subject may have recordings of several of these.
CONDITIONS = ("task", "site")

_HOW_TO_NAME = {
    "subject": "Name the subject of each (sub-... in the file name)",
    "session": "Name the session of each (ses-... in the file name), or group by subject",
    "run": "Name the run of each (run-... in the file name), or group by subject",
    "task": "Name the task of each (task-... in the file name, or Recording(task=...))",
    "site": "Name the site of each (a column site in participants.tsv, or "
    "Recording(site=...))",
}


def group_labels(X: Any, by: str = "subject") -> np.ndarray:
    """Label each window with its subject, session, run, task or site.

    Parameters
    ----------
    X : LazyWindows | SliceDataset | BaseConcatDataset
        The windows.
    by : {"subject", "session", "run", "task", "site"}
        What to label them with. Default ``"subject"``.

    Returns
    -------
    ndarray of str, shape (n_windows,)
        By session or run, a label includes the subject.

    Raises
    ------
    ValueError
        If `by` is none of these, there are fewer than two groups, a label is unknown,
        the windows of one recording have several labels, or `X` does not say where
        its windows come from.

    See Also
    --------
    window_groups : Chooses subjects, recordings or blocks of time, whichever there are.
    recording_labels : Labels each window with its recording.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.splits import group_labels
    >>> windows = create_bold_windows(SimulatedEEGfMRI(2, duration=60.0).load())
    >>> sorted(set(group_labels(windows.X).tolist()))
    ['01', '02']
    """
    origin = read_origin(X, None)
    labels = origin_labels(origin, by)
    _check_several(labels, origin, by)
    return labels


def origin_labels(origin: Origin, by: str) -> np.ndarray:
    """Label each window; unlike in `group_labels` all may have the same label."""
    if by not in LABELS:
        raise ValueError(f"by must be one of {', '.join(LABELS)}, got {by!r}.")
    columns = {name: origin.column(name) for name in LABELS[by]}
    unnamed = np.flatnonzero([label is None for label in columns[by]])
    if len(unnamed):
        n_unnamed = len(np.unique(origin.recordings[unnamed]))
        raise ValueError(
            f"Recordings whose {by} is unknown: {n_unnamed}, for example one of subject "
            f"{origin.column('subject')[unnamed[0]]}. {_HOW_TO_NAME[by]}."
        )
    texts = [_as_text(column) for column in columns.values()]
    labels = np.array(["_".join(parts) for parts in zip(*texts, strict=True)], dtype=str)
    counts = pd.Series(labels).groupby(origin.recordings).nunique()
    if (counts > 1).any():
        mixed = origin.recordings == counts.idxmax()
        raise ValueError(
            f"{origin.name(np.flatnonzero(mixed)[0])} is in several groups "
            f"({', '.join(np.unique(labels[mixed])[:5])}), and its windows overlap. Give "
            f"all windows of a recording the same {by}."
        )
    return labels


def _as_text(column: np.ndarray) -> list[str]:
    return ["" if label is None else str(label) for label in column]


def _check_several(labels: np.ndarray, origin: Origin | None, by: str) -> None:
    """Raise if there is one group only, with what could be split by instead."""
    if len(np.unique(labels)) > 1:
        return
    if origin is None:
        raise ValueError("groups has one label only; at least two are needed.")
    finer = [
        name
        for name in ("subject", "session", "run")
        if len({*zip(*(_as_text(origin.column(c)) for c in LABELS[name]), strict=True)}) > 1
    ]
    hint = (
        f"Group by {' or '.join(finer)} instead (by={finer[0]!r})."
        if finer
        else "At least two recordings with different names are needed. To split a single "
        "recording, use GapKFold()."
    )
    raise ValueError(f"There is only one {by}. {hint}")


class _AcrossGroups(Splitter):
    """Splitters that keep all windows of a group on one side."""

    def _labels(
        self, X: Any, groups: np.ndarray | None
    ) -> tuple[np.ndarray, Origin | None]:
        origin = read_origin(X, groups)
        if origin is None:
            if self.by not in LABELS:
                raise ValueError(f"by must be one of {', '.join(LABELS)}, got {self.by!r}.")
            labels = np.asarray(groups)
        else:
            labels = origin_labels(origin, self.by)
            warn_of_groups(groups, labels, origin.subjects)
        _check_several(labels, origin, self.by)
        return labels, origin


class GroupSplit(_AcrossGroups):
    """Put whole subjects, sessions, runs, tasks or sites into folds.

    scikit-learn's GroupKFold with groups that are read from the windows.

    Parameters
    ----------
    by : {"subject", "session", "run", "task", "site"}
        What is kept on one side. Default ``"subject"``: no subject is both trained
        on and tested. By session or run, all subjects may be on both sides, and by
        task or site, some may be; see :class:`LeaveOneOut` for these.
    n_splits : int
        Number of folds. Default 5.
    shuffle : bool
        Put the groups into folds at random. By default (False) the folds are made
        equally large.
    random_state : int | numpy.random.RandomState | None
        Seed of the shuffling; only with `shuffle`. Default None.

    See Also
    --------
    LeaveOneOut : As many folds as there are subjects, sessions, runs, tasks or sites.
    GapKFold : Divides each recording in time, for models of single recordings.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.linear import LaggedBandPower
    >>> from braindecode_bolt.splits import GroupSplit
    >>> windows = create_bold_windows(SimulatedEEGfMRI(4, duration=60.0).load())
    >>> cv = GroupSplit(by="subject", n_splits=2)
    >>> len(cross_val_score(LaggedBandPower(), windows.X, windows.y, cv=cv))
    2
    """

    def __init__(
        self,
        by: str = "subject",
        n_splits: int = 5,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.by = by
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        check_number(self.n_splits, "n_splits", Integral, 2)
        labels, _ = self._labels(X, groups)
        yield from group_folds(
            labels, f"{self.by}s", self.n_splits, self.shuffle, self.random_state
        )


def group_folds(
    labels: np.ndarray, what: str, n_splits: int, shuffle: bool, random_state: Any
) -> Iterator[Fold]:
    """Put groups (`what` they are, for messages) into folds as scikit-learn does."""
    names = np.unique(labels)
    if n_splits > len(names):
        raise ValueError(
            f"n_splits={n_splits}, but there are only {len(names)} {what} "
            f"({listed(names)}). Lower n_splits."
        )
    kfold = GroupKFold(n_splits, shuffle=shuffle, random_state=random_state)
    yield from kfold.split(np.zeros(len(labels)), groups=labels)


class LeaveOneOut(_AcrossGroups):
    """Test each subject, session, run, task or site in turn, training on the rest.

    scikit-learn's LeaveOneGroupOut with groups that are read from the windows.

    Parameters
    ----------
    by : {"subject", "session", "run", "task", "site"}
        What is left out. Default ``"subject"``.
    new_subjects : bool
        By task or site: whether the tested subjects are also left out of training in
        the other tasks or sites (default), so that both subject and condition are
        new to the model. False tests on subjects that were trained on. Subjects are
        told apart by their labels. By session or run, this has no effect: the same
        subjects are on both sides.

    See Also
    --------
    GroupSplit : A given number of folds.
    TransferSplit : From one task or site to another, a fold of subjects at a time.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.splits import LeaveOneOut
    >>> X, subject = np.zeros((6, 4, 800)), ["a", "a", "b", "b", "c", "c"]
    >>> for train, test in LeaveOneOut().split(X, groups=subject):
    ...     print(train, test)
    [2 3 4 5] [0 1]
    [0 1 4 5] [2 3]
    [0 1 2 3] [4 5]
    """

    def __init__(self, by: str = "subject", new_subjects: bool = True):
        self.by = by
        self.new_subjects = new_subjects

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: np.ndarray | None = None
    ) -> int:
        """Count the folds.

        Parameters
        ----------
        X : LazyWindows | SliceDataset | array-like | None
            As in :meth:`split`. Always needed.
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
        return len(np.unique(self._labels(X, groups)[0]))

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        labels, origin = self._labels(X, groups)
        subjects = None
        if self.new_subjects and self.by in CONDITIONS:
            if origin is None:
                raise ValueError(
                    f"Groups of a plain array give the {self.by} but not the subject. Pass "
                    "windows of create_bold_windows, or new_subjects=False."
                )
            subjects = origin_labels(origin, "subject")
        for train, test in LeaveOneGroupOut().split(np.zeros(len(labels)), groups=labels):
            if subjects is not None:
                what = f"{self.by} {labels[test[0]]} is left out"
                train = without_subjects(train, test, subjects, what)
            yield train, test


def without_subjects(
    train: np.ndarray, test: np.ndarray, subjects: np.ndarray, what: str
) -> np.ndarray:
    """Leave the tested subjects out of training; `what` names the fold in messages."""
    tested = np.isin(subjects[train], subjects[test])
    if len(train) and tested.all():
        raise ValueError(
            f"When {what}, nothing is left to train on: all "
            f"{len(np.unique(subjects[train]))} training subjects are also tested "
            f"({listed(np.unique(subjects[test]))}). Pass new_subjects=False to test on "
            "subjects that were trained on, or use TransferSplit, which tests some of the "
            "subjects at a time."
        )
    if tested.any():
        logger.info(
            "When %s, the tested subjects are left out of training: %s (%s)",
            what,
            listed(np.unique(subjects[train[tested]])),
            counted(tested.sum(), "window"),
        )
    return train[~tested]
