"""Ways to divide recordings into training and test, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from ..splits import (
    GapKFold,
    GapSplit,
    GroupSplit,
    LeaveOneOut,
    PublishedSplit,
    TransferSplit,
)

__all__ = ["PROTOCOLS", "ProtocolError", "make_protocol"]


class ProtocolError(ValueError):
    """The recordings are too few or too short for a protocol."""


@dataclass(frozen=True)
class _Protocol:
    """How a protocol is made (from the number of folds, and for transfer the tasks)."""

    make: Callable[..., Any]
    #: Description of its test part.
    summary: str
    #: Whether the number of folds can be chosen.
    has_folds: bool = True
    #: Whether it goes from one task to another.
    transfers: bool = False


def _leave_out(by: str, summary: str) -> _Protocol:
    return _Protocol(lambda n: LeaveOneOut(by), summary, has_folds=False)


def _transfer(joint: bool, summary: str) -> _Protocol:
    def make(n, source, target):
        return TransferSplit(source, target, joint=joint, n_splits=n)

    return _Protocol(make, summary, transfers=True)


#: Protocols by name.
PROTOCOLS = {
    "subjects": _Protocol(
        lambda n: GroupSplit("subject", n),
        "subjects not seen in training, in folds of whole subjects",
    ),
    "sessions": _Protocol(
        lambda n: GroupSplit("session", n),
        "sessions not seen in training, of subjects seen in other sessions",
    ),
    "runs": _Protocol(
        lambda n: GroupSplit("run", n),
        "runs not seen in training, of subjects seen in other runs",
    ),
    "leave-one-subject-out": _leave_out(
        "subject", "one subject not seen in training, each in turn"
    ),
    "leave-one-session-out": _leave_out(
        "session", "one session not seen in training, each in turn"
    ),
    "leave-one-run-out": _leave_out("run", "one run not seen in training, each in turn"),
    "leave-one-task-out": _leave_out(
        "task", "one task and its subjects not seen in training"
    ),
    "leave-one-site-out": _leave_out(
        "site", "one site and its subjects not seen in training"
    ),
    "within": _Protocol(
        lambda n: GapSplit(),
        "the last tenth of each recording, after a gap (as in the paper)",
        has_folds=False,
    ),
    "within-folds": _Protocol(
        lambda n: GapKFold(n), "stretches of each recording in turn, between gaps"
    ),
    "published": _Protocol(
        lambda n: PublishedSplit(),
        "the six scans that the paper tested on",
        has_folds=False,
    ),
    "zero-shot": _transfer(
        False, "subjects not seen in training, in a task not seen in training"
    ),
    "joint": _transfer(True, "subjects not seen in training, in one of two training tasks"),
    "fine-tuned": _transfer(
        True, "subjects not seen in training, after fine-tuning on their task"
    ),
}


class _GivenFolds:
    """Folds that were made, or saved, before."""

    def __init__(self, folds: Iterable[Any]) -> None:
        self.folds = [tuple(np.asarray(part) for part in fold) for fold in folds]
        if any(len(fold) != 2 for fold in self.folds):
            raise TypeError(
                "protocol is a list, but not of (train, test) rows: each fold must have "
                "two parts."
            )

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Any]:
        """Give the folds, if the windows have the rows."""
        for number, fold in enumerate(self.folds, start=1):
            for rows in fold:
                if rows.ndim != 1 or rows.dtype.kind not in "biu":
                    raise TypeError(f"Fold {number} of {self!r} is not made of rows.")
                top = len(rows) if rows.dtype == bool else rows.max(initial=-1) + 1
                if top > len(X) or rows.min(initial=0) < 0:
                    raise ValueError(
                        f"Fold {number} of {self!r} has rows of other windows: here are "
                        f"{len(X)}."
                    )
            yield fold

    def __repr__(self) -> str:
        return f"list of {len(self.folds)} folds"


def make_protocol(
    protocol: str | Any,
    n_splits: int = 5,
    source: str | None = None,
    target: str | None = None,
) -> Any:
    """Make the splitter of a protocol.

    Parameters
    ----------
    protocol : str | splitter | iterable of (train, test)
        A name in :data:`PROTOCOLS`, a splitter, which is returned, or rows of windows.
    n_splits : int, default 5
        Number of folds, if the protocol does not fix it.
    source : str | None
        Task to train on, for ``"zero-shot"``, ``"joint"`` and ``"fine-tuned"``.
    target : str | None
        Task to test on, for the same.

    Returns
    -------
    splitter
        One of :mod:`braindecode_bolt.splits`.

    Raises
    ------
    ValueError
        If there is no such protocol, tasks are missing or not needed, or `n_splits` is no
        whole number from 2 on.
    TypeError
        If it is neither a name nor a splitter.

    Examples
    --------
    >>> from braindecode_bolt.evaluation import make_protocol
    >>> make_protocol("leave-one-subject-out")
    LeaveOneOut(by='subject', new_subjects=True)
    """
    tasks = [task for task in (source, target) if task is not None]
    if not isinstance(protocol, str):
        if not hasattr(protocol, "split") and isinstance(protocol, Iterable):
            protocol = _GivenFolds(protocol)
        if not hasattr(protocol, "split") or isinstance(protocol, type):
            raise TypeError(
                "protocol must be a name, a splitter or a list of (train, test) rows, got "
                f"{protocol!r}."
            )
        if tasks:
            raise ValueError(
                "source and target are for protocols by name; give them to the splitter."
            )
        return protocol
    if protocol not in PROTOCOLS:
        raise ValueError(
            f"There is no protocol {protocol!r}. There are {', '.join(PROTOCOLS)}."
        )
    named = PROTOCOLS[protocol]
    whole = isinstance(n_splits, Integral) and not isinstance(n_splits, bool)
    if named.has_folds and not (whole and n_splits >= 2):
        raise ValueError(f"n_splits must be a whole number from 2 on, got {n_splits!r}.")
    if named.transfers and len(tasks) < 2:
        raise ValueError(
            f"The protocol {protocol!r} goes from one task to another: give source and "
            "target."
        )
    if tasks and not named.transfers:
        names = [name for name, other in PROTOCOLS.items() if other.transfers]
        raise ValueError(
            f"source and target are for {', '.join(names)}, not for {protocol!r}."
        )
    return named.make(n_splits, *tasks)
