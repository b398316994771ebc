"""Which run of a BIDS data set a file belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mne_bids import get_entities_from_fname

__all__ = ["Run", "run_of", "without_zeros"]


class Run(NamedTuple):
    """Subject, session, task and run without leading zeros; empty where unknown."""

    subject: str
    session: str
    task: str
    run: str

    def __str__(self) -> str:
        """Write it as BIDS does."""
        named = zip(("sub", "ses", "task", "run"), self, strict=True)
        return "_".join(f"{name}-{label}" for name, label in named if label)

    def applies_to(self, other: Run) -> bool:
        """Whether a file of this name holds for another by BIDS' inheritance."""
        return all(ours in ("", theirs) for ours, theirs in zip(self, other, strict=True))


def run_of(file: Path) -> Run:
    """Read from a name which run a file belongs to."""
    entities = get_entities_from_fname(file, on_error="ignore")
    return Run(*(without_zeros(entities.get(name)) for name in Run._fields))


def without_zeros(label: str | None) -> str:
    """Label without leading zeros: files of one run may differ in them."""
    return (label or "").lstrip("0") or ("0" if label else "")
