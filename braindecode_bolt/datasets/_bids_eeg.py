"""EEG of a BIDS data set: finding it, and reading it with its sidecar files."""

from __future__ import annotations

import fnmatch
import logging
from pathlib import Path

import mne
import numpy as np
from mne_bids import BIDSPath, get_bids_path_from_fname, read_raw_bids

from .._text import listed
from ..markers import add_markers, joint_samples, mark_joints
from ._bids_runs import Run, run_of
from ._files import DataFolderError, check_regular, existing_folder, short
from ._reading import check_data_files, logged_warnings, read_eeg

__all__ = ["find_bids_eeg", "read_bids_eeg"]

_ENDINGS = (".vhdr", ".edf", ".bdf", ".set", ".fif")
_EXPECTED = "expected an intact EEG file whose channels are those of channels.tsv"
#: Columns that sidecar tables must have.
_COLUMNS = {
    "channels": ("name", "type"),
    "electrodes": ("name", "x", "y", "z"),
    "events": ("onset", "duration"),
    "participants": ("participant_id",),
    "scans": ("filename",),
}
_ENTITIES = ("subject", "session", "task", "run")


def find_bids_eeg(root: str | Path, pattern: str | None = None) -> dict[Run, list[Path]]:
    """Find the EEG files of a BIDS data set, also links whose content is elsewhere.

    Parameters
    ----------
    root : str | Path
        The folder that holds ``sub-...``.
    pattern : str | None
        Of their names. By default all.

    Returns
    -------
    dict of Run to list of Path
    """
    found: dict[Run, list[Path]] = {}
    for file in sorted(existing_folder(root).glob("sub-*/**/eeg/sub-*")):
        ending = file.suffix.lower()
        if ending not in _ENDINGS or not file.stem.endswith("_eeg"):
            continue
        if pattern is not None and not fnmatch.fnmatch(file.name, pattern):
            continue
        # MNE finds the other parts of a recording in several files by itself.
        split = [part for part in file.name.split("_") if part.startswith("split-")]
        if not split or split[0].removeprefix("split-").lstrip("0") == "1":
            found.setdefault(run_of(file), []).append(file)
    return found


def read_bids_eeg(
    file: Path,
) -> tuple[mne.io.BaseRaw, dict[str, str], Path | None, mne.Annotations | None]:
    """Read EEG with its sidecar files; what mne-bids warns about is logged.

    Parameters
    ----------
    file : Path
        The EEG file.

    Returns
    -------
    raw : mne.io.BaseRaw
        Its annotations are those of ``events.tsv``, if there is one, and the
        joints of the recording.
    entities : dict of str
        Subject, session, task and run, as far as they are known.
    events : Path | None
        ``events.tsv``.
    own : mne.Annotations | None
        Those of the EEG file itself, where there is ``events.tsv``.

    Raises
    ------
    DataFolderError
        If it cannot be read.
    """
    check_data_files(file)
    for sidecar in _sidecars(file):
        check_regular(sidecar)
    try:
        with logged_warnings(file.name, logging.INFO):
            path = get_bids_path_from_fname(file, check=False, verbose="error")
            raw = read_raw_bids(path, verbose="error")
    except MemoryError:
        raise  # The file may be intact.
    except Exception as error:  # As MNE's readers, in many ways.
        raise DataFolderError(
            f"mne-bids cannot read {file.name} ({type(error).__name__}: {short(error)}); "
            f"{_fault_of_sidecars(file) or _EXPECTED}"
        ) from error
    events = _events(path)
    own = None
    raw = mark_joints(raw)
    if events is not None:
        # mne-bids puts events.tsv in the place of the file's own annotations.
        alone = read_eeg(file)
        own = alone.annotations
        joints = np.setdiff1d(joint_samples(alone), joint_samples(raw))
        if len(joints):
            raw = add_markers(raw, joints / raw.info["sfreq"], "EDGE boundary")
    entities = {key: path.entities[key] for key in _ENTITIES if path.entities.get(key)}
    return raw, entities, events, own


def _events(path: BIDSPath) -> Path | None:
    found = path.find_matching_sidecar(suffix="events", extension=".tsv", on_error="ignore")
    return None if found is None else Path(str(found))


def _fault_of_sidecars(file: Path) -> str:
    """Say which of the tables beside an EEG file, or above it, is no table."""
    for table in _sidecars(file):
        kind = table.stem.split("_")[-1]
        fault = _fault_of_table(table, kind) if kind in _COLUMNS else ""
        if fault:
            return f"{table.name} {fault}"
    return ""


def _sidecars(file: Path) -> list[Path]:
    """List tables and JSON files beside an EEG file and in the folders above it."""
    folders = (file.parent, *file.parents[1:4])
    return [
        beside
        for folder in folders
        for beside in sorted(folder.iterdir())
        if beside.suffix in (".tsv", ".json")
    ]


def _fault_of_table(table: Path, kind: str) -> str:
    """Say why a table has not what mne-bids needs; empty where it has."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return f"cannot be read: {short(error)}"
    names, *rows = [line.split("\t") for line in text.splitlines()] or [[]]
    missing = [name for name in _COLUMNS[kind] if name not in names]
    if missing or not rows:
        lack = f"no column {' and '.join(missing)}" if missing else "no row"
        return f"has {lack}; its first row is {listed(names) or 'empty'}"
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names):
            return f"has {len(row)} values in line {number}, expected {len(names)}"
    if kind == "events":
        for name in ("onset", "duration"):
            values = [row[names.index(name)].strip() for row in rows]
            wrong = [v for v in values if v != "n/a" and not _is_number(v)]
            if wrong:
                return f"has the {name} {wrong[0][:40]!r}, expected seconds"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
