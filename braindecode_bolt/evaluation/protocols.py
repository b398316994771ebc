"""Ways to divide recordings into training and test, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from ..splits import (
    GapKFold,
    GapSplit,
    GroupSplit,
    LeaveOneOut,
    PublishedSplit,
    TransferSplit,
)

__all__ = ["PROTOCOLS", "make_protocol"]


@dataclass(frozen=True)
class _Protocol:
    """How a protocol is made, and what it tells.

    Attributes
    ----------
    make : callable
        From the number of folds and, for transfer, source and target.
    summary : str
        What its scores are about.
    has_folds : bool
        Whether the number of folds can be chosen.
    """

    make: Callable[..., Any]
    summary: str
    has_folds: bool = True


#: Protocols by name.
PROTOCOLS = {
    "subjects": _Protocol(
        lambda n: GroupSplit("subject", n), "people not seen, in folds of whole people"
    ),
    "sessions": _Protocol(
        lambda n: GroupSplit("session", n), "sessions not seen, of people seen in others"
    ),
    "runs": _Protocol(
        lambda n: GroupSplit("run", n), "runs not seen, of people seen in others"
    ),
    "leave-one-subject-out": _Protocol(
        lambda n: LeaveOneOut("subject"), "people not seen, one after the other", False
    ),
    "leave-one-session-out": _Protocol(
        lambda n: LeaveOneOut("session"), "sessions not seen, one after the other", False
    ),
    "leave-one-run-out": _Protocol(
        lambda n: LeaveOneOut("run"), "runs not seen, one after the other", False
    ),
    "leave-one-task-out": _Protocol(
        lambda n: LeaveOneOut("task"), "people and a task not seen", False
    ),
    "leave-one-site-out": _Protocol(
        lambda n: LeaveOneOut("site"), "people and a site not seen", False
    ),
    "within": _Protocol(
        lambda n: GapSplit(),
        "the last tenth of each recording, behind a gap (the paper's)",
        False,
    ),
    "within-folds": _Protocol(
        lambda n: GapKFold(n), "stretches of each recording in turn, between gaps"
    ),
    "published": _Protocol(
        lambda n: PublishedSplit(), "the six scans that the paper tested on", False
    ),
    "zero-shot": _Protocol(
        lambda n, source, target: TransferSplit(source, target, n_splits=n),
        "people not seen, in a task that was not trained on",
    ),
    "joint": _Protocol(
        lambda n, source, target: TransferSplit(source, target, joint=True, n_splits=n),
        "people not seen, in one of two tasks that were trained on together",
    ),
    "fine-tuned": _Protocol(
        lambda n, source, target: TransferSplit(source, target, joint=True, n_splits=n),
        "people not seen, in a task to which a model of another was adapted",
    ),
}
#: Those that go from one condition to another.
TRANSFER = ("zero-shot", "joint", "fine-tuned")


def make_protocol(
    protocol: str | Any,
    n_splits: int = 5,
    source: str | None = None,
    target: str | None = None,
) -> Any:
    """Make a splitter of a protocol's name.

    Parameters
    ----------
    protocol : str | splitter
        A name in :data:`PROTOCOLS`, or a splitter, which is given back.
    n_splits : int
        Number of folds, where the protocol does not fix it. Default 5.
    source, target : str | None
        Tasks to train and test on, for ``"zero-shot"``, ``"joint"`` and
        ``"fine-tuned"``.

    Returns
    -------
    splitter
        One of :mod:`braindecode_bolt.splits`.

    Raises
    ------
    ValueError
        If there is no such protocol, or tasks are missing or not needed.
    TypeError
        If it is neither a name nor a splitter.
    """
    if not isinstance(protocol, str):
        if not hasattr(protocol, "split") or isinstance(protocol, type):
            raise TypeError(f"protocol must be a name or a splitter, got {protocol!r}.")
        if source is not None or target is not None:
            raise ValueError(
                "source and target are for protocols by name; give them to the splitter."
            )
        return protocol
    if protocol not in PROTOCOLS:
        raise ValueError(
            f"There is no protocol {protocol!r}. There are {', '.join(PROTOCOLS)}."
        )
    whole = isinstance(n_splits, Integral) and not isinstance(n_splits, bool)
    if PROTOCOLS[protocol].has_folds and not (whole and n_splits >= 2):
        raise ValueError(
            f"n_splits (--folds) must be a whole number from 2 on, got {n_splits!r}."
        )
    tasks = [task for task in (source, target) if task is not None]
    if protocol in TRANSFER:
        if len(tasks) < 2:
            raise ValueError(
                f"The protocol {protocol!r} goes from one task to another: give source and "
                "target."
            )
        return PROTOCOLS[protocol].make(n_splits, source, target)
    if tasks:
        raise ValueError(
            f"source and target are for {', '.join(TRANSFER)}, not for {protocol!r}."
        )
    return PROTOCOLS[protocol].make(n_splits)
