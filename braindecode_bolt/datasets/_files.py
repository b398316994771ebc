"""Files of a study: finding them, reading them, what their names say."""

from __future__ import annotations

import re
from pathlib import Path

import mne
from mne_bids import get_entities_from_fname

__all__ = [
    "DataFolderError",
    "bids_entities",
    "check_link",
    "existing_folder",
    "find_eeg",
    "is_bids_eeg",
    "name_entities",
    "named",
    "read_eeg",
]

_ENTITIES = ("subject", "session", "task", "run")
# What stands beside an EEG file without being one.
_COMPANIONS = {".json", ".tsv", ".csv", ".txt", ".md", ".eeg", ".vmrk", ".fdt", ".log"}
#: Endings by which EEG files of any name are found.
_EEG_ENDINGS = (
    *(".edf", ".bdf", ".gdf", ".set", ".vhdr", ".fif", ".fif.gz", ".cnt", ".mff"),
    *(".egi", ".nxe", ".lay", ".data", ".ahdr"),
)
# File names of data sets that many people have and that predate BIDS.
_KNOWN_NAMES = (
    re.compile(r"(?P<subject>S\d+)R(?P<run>\d+)"),  # PhysioNet eegmmidb
    re.compile(r"(?P<subject>Subject\d+)_(?P<run>\d+)"),  # PhysioNet eegmat
)


class DataFolderError(ValueError):
    """A folder of recordings that does not follow the layout."""


def existing_folder(folder: str | Path) -> Path:
    """Raise where there is no such folder; ``~`` is the home folder."""
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise DataFolderError(f"There is no folder {folder}.")
    return folder


def named(error: Exception, name: str) -> str:
    """Put the name of a file or recording before what is wrong, unless it is there."""
    return str(error) if str(error).startswith(f"{name}: ") else f"{name}: {error}"


def find_eeg(folder: str | Path) -> list[Path]:
    """Find EEG files.

    Parameters
    ----------
    folder : str | Path
        Searched at any depth.

    Returns
    -------
    list of Path
        Files whose name ends in ``_eeg`` and an ending of MNE's, or any file
        with such an ending, sorted.

    Raises
    ------
    DataFolderError
        If there is no such folder.
    """
    folder = existing_folder(folder)
    found = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        inside = any(parent.suffix.lower() == ".mff" for parent in path.parents)
        later_part = re.search(r"_split-0*(?!1_)[1-9]\d*_", path.name)
        ending = path.suffix.lower()
        if hidden or inside or later_part or ending in _COMPANIONS:
            continue
        if path.is_dir() and ending != ".mff":
            continue
        if path.name.lower().endswith(_EEG_ENDINGS) or is_bids_eeg(path):
            found.append(path)
    return found


def check_link(path: Path) -> None:
    """Raise where a file is a link whose content has not been fetched."""
    if path.is_symlink() and not path.exists():
        raise DataFolderError(
            f"{path.name} is a link to a file that is not there; get its content first "
            "(git annex get, datalad get)."
        )


def read_eeg(path: Path) -> mne.io.BaseRaw:
    """Read an EEG file in whatever format MNE knows.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    mne.io.BaseRaw
        Not loaded into memory.

    Raises
    ------
    DataFolderError
        If MNE cannot read it.
    """
    check_link(path)
    try:
        return mne.io.read_raw(path, verbose="warning")
    except MemoryError:
        raise
    except Exception as error:  # MNE's readers fail in many ways on a broken file.
        raise DataFolderError(
            f"MNE cannot read it ({type(error).__name__}: {error}); expected an intact "
            "EEG file"
        ) from error


def bids_entities(path: Path) -> dict[str, str]:
    """Read subject, session, task and run from a BIDS file name."""
    entities = get_entities_from_fname(path, on_error="ignore")
    return {key: entities[key] for key in _ENTITIES if entities.get(key)}


def name_entities(path: Path, pattern: str | None = None) -> dict[str, str]:
    """Read subject, session and run from a file name of any kind.

    Parameters
    ----------
    path : Path
        The file.
    pattern : str | None
        Regular expression with the groups ``subject`` and, if they occur,
        ``session``, ``task`` and ``run``. By default BIDS names and those of
        PhysioNet's eegmmidb and eegmat are understood.

    Returns
    -------
    dict of str
        Labels of letters and digits.

    Raises
    ------
    DataFolderError
        If the name does not tell the subject.
    """
    stem = path.name.split(".")[0]
    if pattern is None:
        entities = bids_entities(path) if path.name.startswith("sub-") else {}
        if "subject" in entities:
            return entities
        patterns = _KNOWN_NAMES
    else:
        try:
            patterns = (re.compile(pattern),)
        except re.error as error:
            raise DataFolderError(
                f"The pattern {pattern!r} is no regular expression: {error}."
            ) from error
    for candidate in patterns:
        match = candidate.fullmatch(stem) or candidate.fullmatch(path.name)
        if match and "subject" in match.groupdict():
            labels = {k: v for k, v in match.groupdict().items() if k in _ENTITIES and v}
            return {
                key: re.sub(r"[^A-Za-z0-9]", "", value) for key, value in labels.items()
            }
    raise DataFolderError(
        f"{path.name}: the name does not tell the subject. Expected a BIDS name "
        "(sub-01_run-1_eeg.edf), or a pattern such as "
        r"--pattern '(?P<subject>p\d+)_(?P<run>\d+)'"
        f"{'' if pattern is None else f'; got {pattern!r}'}."
    )


def is_bids_eeg(path: Path) -> bool:
    """Whether a file is called as BIDS calls EEG."""
    return path.name.startswith("sub-") and path.name.split(".")[0].endswith("_eeg")
