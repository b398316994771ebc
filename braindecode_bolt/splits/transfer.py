"""Training in one condition and testing in another."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ._base import Fold, Splitter, read_origin, warn_of_groups
from .groups import CONDITIONS, group_folds, origin_labels, without_subjects

__all__ = ["TransferSplit"]

logger = logging.getLogger(__name__)


class TransferSplit(Splitter):
    """Train on one task (or site) and test on another, on people not seen.

    The people recorded in the target condition are put into folds. Tested are a
    fold's windows of the target; trained on are the source, and with `joint`
    the target of the other folds' people (paper, section 4: zero-shot and joint
    transfer from rest to tasks; for fine-tuning take `joint` and
    :class:`~braindecode_bolt.training.FineTuneRegressor`).

    Parameters
    ----------
    source, target : str | sequence of str
        Names of the conditions: ``"rest"`` and ``"movie"``, for example.
    by : {"task", "site"}
        What the conditions are. Default ``"task"``.
    joint : bool
        Whether the target condition is trained on, too. Default False:
        zero-shot.
    n_splits : int
        Number of folds. Default 5. 1 tests all people of the target at once,
        which `joint` does not allow.
    new_subjects : bool
        Whether people of the test fold are left out of the source (default).
        False: a model of the same people in another condition.
    random_state : int | numpy.random.RandomState | None
        Puts people into folds by chance. By default the folds are made equally
        large.

    Examples
    --------
    >>> from braindecode_bolt.splits import TransferSplit
    >>> TransferSplit("rest", "movie", n_splits=3).get_n_splits()
    3
    """

    def __init__(
        self,
        source: str | Sequence[str],
        target: str | Sequence[str],
        by: str = "task",
        joint: bool = False,
        n_splits: int = 5,
        new_subjects: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.source = source
        self.target = target
        self.by = by
        self.joint = joint
        self.n_splits = n_splits
        self.new_subjects = new_subjects
        self.random_state = random_state

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: np.ndarray | None = None
    ) -> int:
        """Give the number of folds; arguments are not used."""
        return self.n_splits

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        if self.n_splits < 1 or (self.joint and self.n_splits < 2):
            raise ValueError(
                f"n_splits must be 1 or more, with joint=True 2 or more, got "
                f"{self.n_splits}."
            )
        source, target, subjects = self._read(X, groups)
        for kept, tested in self._subject_folds(subjects[target]):
            test = target[tested]
            train = np.concatenate([source, target[kept]]) if self.joint else source
            if self.new_subjects:
                what = f"{self.by} {listed(self.target)} is tested"
                train = without_subjects(train, test, subjects, what)
            yield train, test

    def _read(
        self, X: Any, groups: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the rows of source and target, and the subjects of all."""
        if self.by not in CONDITIONS:
            raise ValueError(f"by must be one of {', '.join(CONDITIONS)}, got {self.by!r}.")
        origin = read_origin(X, groups)
        if origin is None:
            raise ValueError(
                f"Groups of a plain array do not tell both subject and {self.by}. Pass "
                "windows of create_bold_windows, or a braindecode data set of them in a "
                "SliceDataset."
            )
        subjects = origin_labels(origin, "subject")
        warn_of_groups(groups, subjects)
        labels = origin_labels(origin, self.by)
        rows = []
        for name in ("source", "target"):
            rows.append(condition_rows(labels, getattr(self, name), name, self.by))
        both = np.intersect1d(*rows)
        if len(both):
            raise ValueError(
                f"{self.by} {labels[both[0]]} is both source and target; they must differ."
            )
        others = len(labels) - sum(map(len, rows))
        if others:
            logger.info("%d windows are neither source nor target", others)
        return *rows, subjects

    def _subject_folds(self, subjects: np.ndarray) -> Iterator[Fold]:
        if self.n_splits == 1:
            return iter([(np.array([], dtype=int), np.arange(len(subjects)))])
        what = f"subjects with {self.by} {listed(self.target)}"
        shuffle = self.random_state is not None
        return group_folds(subjects, what, self.n_splits, shuffle, self.random_state)


def condition_rows(
    labels: np.ndarray, names: str | Sequence[str], what: str, by: str
) -> np.ndarray:
    """Find the windows of a condition.

    Parameters
    ----------
    labels : ndarray of str, shape (n_windows,)
        Condition of each window.
    names : str | sequence of str
        The condition.
    what, by : str
        What it is, for messages.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        If one of `names` does not occur.
    """
    wanted = np.atleast_1d(names).astype(str)
    unknown = np.setdiff1d(wanted, labels)
    if len(unknown) or not len(wanted):
        raise ValueError(
            f"There are no windows of {what} {by} {', '.join(unknown) or '(none named)'}; "
            f"the {by}s of the windows are {', '.join(np.unique(labels))}."
        )
    return np.flatnonzero(np.isin(labels, wanted))


def listed(names: str | Sequence[str]) -> str:
    """Write names one after the other."""
    return ", ".join(map(str, np.atleast_1d(names)))
