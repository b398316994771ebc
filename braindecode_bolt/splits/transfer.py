"""Training in one condition and testing in another."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from .._checks import check_number
from .._text import counted, listed
from ._base import Fold, Splitter, warn_of_groups
from .groups import CONDITIONS, group_folds, origin_labels, without_subjects
from .origin import read_origin

__all__ = ["TransferSplit"]

logger = logging.getLogger(__name__)


class TransferSplit(Splitter):
    """Train on one task (or site) and test on another, in new subjects.

    The subjects that were recorded in the target condition are put into folds. The
    test part is a fold's windows of the target. The training part is the source and,
    with `joint`, the target windows of the other folds (paper, section 4: zero-shot
    and joint transfer from rest to tasks; for fine-tuning use `joint` and
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
        Number of folds. Default 5. 1 tests all subjects of the target at once, which
        `joint` does not allow.
    new_subjects : bool
        Whether the tested subjects are left out of the source (default). False tests
        a model of the same subjects in another condition.
    random_state : int | numpy.random.RandomState | None
        Put subjects into folds at random. By default (None) the folds are made
        equally large.

    See Also
    --------
    LeaveOneOut : Leaves each task or site out in turn.

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

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        check_number(self.n_splits, "n_splits", Integral, 1)
        if self.joint and self.n_splits < 2:
            raise ValueError("n_splits must be 2 or more with joint=True, got 1.")
        source, target, subjects = self._read(X, groups)
        name = listed(np.atleast_1d(self.target))
        folds = [(np.array([], dtype=int), np.arange(len(target)))]
        if self.n_splits > 1:
            what = f"subjects with {self.by} {name}"
            shuffle = self.random_state is not None
            folds = group_folds(
                subjects[target], what, self.n_splits, shuffle, self.random_state
            )
        for kept, tested in folds:
            test = target[tested]
            train = np.concatenate([source, target[kept]]) if self.joint else source
            if self.new_subjects:
                what = f"{self.by} {name} is tested"
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
                f"Groups of a plain array do not give both subject and {self.by}. Pass "
                "windows of create_bold_windows, or a braindecode data set of them in a "
                "SliceDataset."
            )
        subjects = origin_labels(origin, "subject")
        warn_of_groups(groups, subjects)
        labels = origin_labels(origin, self.by)
        source, target = (
            condition_rows(labels, getattr(self, name), name, self.by)
            for name in ("source", "target")
        )
        both = np.intersect1d(source, target)
        if len(both):
            raise ValueError(
                f"{self.by} {labels[both[0]]} is both source and target; they must differ."
            )
        n_rest = len(labels) - len(source) - len(target)
        if n_rest:
            logger.info("%s in neither source nor target", counted(n_rest, "window"))
        return source, target, subjects


def condition_rows(
    labels: np.ndarray, names: str | Sequence[str], what: str, by: str
) -> np.ndarray:
    """Find the windows of a condition; `what` and `by` name it in messages."""
    wanted = np.atleast_1d(names).astype(str)
    unknown = np.setdiff1d(wanted, labels)
    if len(unknown) or not len(wanted):
        raise ValueError(
            f"There are no windows of {what} {by} {', '.join(unknown) or '(none named)'}; "
            f"the {by}s of the windows are {', '.join(np.unique(labels))}."
        )
    return np.flatnonzero(np.isin(labels, wanted))
