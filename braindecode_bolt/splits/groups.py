"""Splitting across people, sessions, runs, tasks and sites."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

from ._base import Fold, Splitter, read_origin, warn_of_groups
from ._origin import Origin

__all__ = ["GroupSplit", "LeaveOneOut", "group_labels"]

logger = logging.getLogger(__name__)

#: What can be split by, and the columns that tell it.
LABELS = {
    "subject": ("subject",),
    "session": ("subject", "session"),
    "run": ("subject", "session", "task", "run"),
    "task": ("task",),
    "site": ("site",),
}
#: What people may have several of: the others do not keep people apart.
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
    """Label each window with what must not be torn apart.

    Parameters
    ----------
    X : LazyWindows | SliceDataset | BaseConcatDataset
        The windows.
    by : {"subject", "session", "run", "task", "site"}
        Whole people, whole sessions, whole runs, all runs of a task or all of
        a site.

    Returns
    -------
    ndarray of str, shape (n_windows,)

    Raises
    ------
    ValueError
        If there are fewer than two groups, a recording does not say which
        session, run, task or site it is, or the windows of one recording are
        in several groups.
    """
    origin = read_origin(X, None)
    labels = origin_labels(origin, by)
    _check_several(labels, origin, by)
    return labels


def origin_labels(origin: Origin, by: str) -> np.ndarray:
    """Label each window; there may be one group only.

    Parameters
    ----------
    origin : Origin
        Where the windows come from.
    by : {"subject", "session", "run", "task", "site"}
        What to label them with.

    Returns
    -------
    ndarray of str, shape (n_windows,)

    Raises
    ------
    ValueError
        If a label is not known, or differs within a recording.
    """
    if by not in LABELS:
        raise ValueError(f"by must be one of {', '.join(LABELS)}, got {by!r}.")
    columns = {name: origin.column(name) for name in LABELS[by]}
    unnamed = np.flatnonzero([label is None for label in columns[by]])
    if len(unnamed):
        n_unnamed = len(np.unique(origin.recordings[unnamed]))
        raise ValueError(
            f"{n_unnamed} recordings do not say which {by} they are, for example that of "
            f"subject {origin.column('subject')[unnamed[0]]}. {_HOW_TO_NAME[by]}."
        )
    texts = [_as_text(column) for column in columns.values()]
    labels = np.array(["_".join(parts) for parts in zip(*texts, strict=True)], dtype=str)
    counts = pd.Series(labels).groupby(origin.recordings).nunique()
    if (counts > 1).any():
        torn = origin.recordings == counts.idxmax()
        raise ValueError(
            f"{origin.name(np.flatnonzero(torn)[0])} is in several groups "
            f"({', '.join(np.unique(labels[torn])[:5])}), and its windows overlap. Give "
            f"all windows of a recording the same {by}."
        )
    return labels


def _as_text(column: np.ndarray) -> list[str]:
    return ["" if label is None else str(label) for label in column]


def _check_several(labels: np.ndarray, origin: Origin | None, by: str) -> None:
    """Raise where there is one group only, saying what else could be split by."""
    if len(np.unique(labels)) > 1:
        return
    if origin is None:
        raise ValueError("groups name one group only; at least two are needed.")
    finer = [
        name
        for name in ("subject", "session", "run")
        if len({*zip(*(_as_text(origin.column(c)) for c in LABELS[name]), strict=True)}) > 1
    ]
    hint = (
        f"Group by {' or '.join(finer)} instead (by={finer[0]!r})."
        if finer
        else "Give several recordings with different names, or cut each in time "
        "(GapKFold())."
    )
    raise ValueError(f"There is only one {by}. {hint}")


class _AcrossGroups(Splitter):
    """Splitters that keep groups whole."""

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
    """scikit-learn's GroupKFold with groups that are read from the windows.

    Parameters
    ----------
    by : {"subject", "session", "run", "task", "site"}
        What is never torn apart. Default ``"subject"``: nobody is both trained
        on and tested. By session or run the same people are on both sides, and
        by task or site they may be; see :class:`LeaveOneOut` for these.
    n_splits : int
        Number of folds. Default 5.
    shuffle : bool
        Put the groups into folds by chance, instead of making the folds equally
        large (default).
    random_state : int | numpy.random.RandomState | None
        Seed of the shuffling.

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

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: np.ndarray | None = None
    ) -> int:
        """Give the number of folds; arguments are not used."""
        return self.n_splits

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        labels, _ = self._labels(X, groups)
        yield from group_folds(
            labels, f"{self.by}s", self.n_splits, self.shuffle, self.random_state
        )


def group_folds(
    labels: np.ndarray, what: str, n_splits: int, shuffle: bool, random_state: Any
) -> Iterator[Fold]:
    """Put groups into folds as scikit-learn does.

    Parameters
    ----------
    labels : ndarray, shape (n_windows,)
        Group of each window.
    what : str
        What the groups are, for the message.
    n_splits, shuffle, random_state
        As in ``GroupKFold``.

    Yields
    ------
    train, test : ndarray of int

    Raises
    ------
    ValueError
        If there are more folds than groups.
    """
    names = np.unique(labels)
    if n_splits > len(names):
        raise ValueError(
            f"n_splits={n_splits}, but there are only {len(names)} {what} "
            f"({', '.join(map(str, names[:5]))}{', ...' if len(names) > 5 else ''}). Lower "
            "n_splits."
        )
    kfold = GroupKFold(n_splits, shuffle=shuffle, random_state=random_state)
    yield from kfold.split(np.zeros(len(labels)), groups=labels)


class LeaveOneOut(_AcrossGroups):
    """Leave out one subject, session, run, task or site after the other.

    scikit-learn's LeaveOneGroupOut with groups that are read from the windows.

    Parameters
    ----------
    by : {"subject", "session", "run", "task", "site"}
        What is left out. Default ``"subject"``.
    new_subjects : bool
        By task or site: whether people who are tested are left out of training
        in the other tasks or sites, too (default), so that the score is about
        people *and* conditions that were never seen. False tests on people who
        were trained on. People are told apart by their labels. By session or
        run the same people are on both sides, whatever it says.

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
        """Count the groups.

        Parameters
        ----------
        X, y, groups
            As in :meth:`split`.

        Returns
        -------
        int
        """
        return len(np.unique(self._labels(X, groups)[0]))

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        labels, origin = self._labels(X, groups)
        subjects = None
        if self.new_subjects and self.by in CONDITIONS:
            if origin is None:
                raise ValueError(
                    f"Groups of a plain array tell the {self.by} but not the subject. Pass "
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
    """Leave the people of the test part out of training.

    Parameters
    ----------
    train, test : ndarray of int
        Rows of the windows.
    subjects : ndarray, shape (n_windows,)
        Subject of all windows.
    what : str
        The fold, for messages.

    Returns
    -------
    ndarray of int
        What is left of `train`.

    Raises
    ------
    ValueError
        If nothing is.
    """
    tested = np.isin(subjects[train], subjects[test])
    if len(train) and tested.all():
        names = np.unique(subjects[test])
        raise ValueError(
            f"Where {what}, nothing is left to train on: all people in training "
            f"({len(np.unique(subjects[train]))}) are among those tested "
            f"({', '.join(names[:5])}{', ...' if len(names) > 5 else ''}). Pass "
            "new_subjects=False to test on people who were trained on, or use "
            "TransferSplit, which tests some of the people at a time."
        )
    if tested.any():
        logger.info(
            "Where %s, %d windows of %d people who are tested are left out of training",
            what,
            tested.sum(),
            len(np.unique(subjects[train[tested]])),
        )
    return train[~tested]
