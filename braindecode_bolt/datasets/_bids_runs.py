"""Which run of a BIDS data set a file belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mne_bids import get_entities_from_fname

from .._text import counted, listed

__all__ = ["Run", "run_of", "without_pairs", "without_zeros", "written_run"]


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


def written_run(file: Path) -> str:
    """Name the run of a file with the labels as they are written there."""
    parts = file.name.split(".")[0].split("_")
    return "_".join(p for p in parts if p.split("-")[0] in ("sub", "ses", "task", "run"))


def without_zeros(label: str | None) -> str:
    """Label without leading zeros: files of one run may differ in them."""
    return (label or "").lstrip("0") or ("0" if label else "")


def without_pairs(
    folder: str | Path, eeg: Mapping[Run, list[Path]], bold: Mapping[Run, list[Path]]
) -> str:
    """Say why no run of a data set has both EEG and BOLD, and what to do."""
    if not eeg:
        return (
            f"{folder} holds no EEG where BIDS has it (sub-01/eeg/sub-01_..._eeg.vhdr), "
            f"but BOLD of {counted(len(bold), 'run')}. If this is the output of "
            "fMRIPrep, give the data set that has the EEG, and this folder as "
            f"derivatives='{folder}'."
        )
    named = [[written_run(files[0]) for files in found.values()] for found in (eeg, bold)]
    people = [{run.subject for run in found} for found in (eeg, bold)]
    unlike = "" if people[0] & people[1] else " One person needs the same label in both."
    eegs, bolds = (f"{len(each)} ({listed(each, 3)})" for each in named)
    return (
        f"{folder} holds no run with EEG and BOLD. EEG: {eegs}; "
        f"BOLD: {bolds}. Expected names that agree in subject, "
        f"session, task and run.{unlike}"
    )
