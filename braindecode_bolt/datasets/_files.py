"""EEG files of a study: finding them, and checking that they are complete."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import mne

from .._text import listed

__all__ = [
    "READERS",
    "DataFolderError",
    "Reader",
    "check_content",
    "check_regular",
    "existing_folder",
    "files_of",
    "find_eeg",
    "reader_endings",
    "short",
    "without_ending",
]

#: A reader of MNE by its name ("cnt" is mne.io.read_raw_cnt), or a function.
Reader = str | Callable[[Path], mne.io.BaseRaw]

#: Endings of the files that MNE's EEG readers are given: headers, where a
#: recording has several files.
READERS = {
    "ant": (".cnt",),
    "bci2k": (".dat",),
    "bdf": (".bdf",),
    "brainvision": (".vhdr", ".ahdr"),
    "cnt": (".cnt",),
    "curry": (".cdt", ".dap", ".dat"),
    "edf": (".edf",),
    "eeglab": (".set",),
    "egi": (".mff", ".raw"),
    "eximia": (".nxe",),
    "fif": (".fif", ".fif.gz"),
    "gdf": (".gdf",),
    "nedf": (".nedf",),
    "nicolet": (".data",),
    "nihon": (".eeg",),
    "persyst": (".lay",),
}
#: Endings that are found where no reader is named. Not among them: endings that
#: also belong to other files beside a recording (.eeg, .dat, .data, .raw).
_ENDINGS = (
    *(".edf", ".bdf", ".gdf", ".set", ".vhdr", ".ahdr", ".fif", ".fif.gz", ".cnt"),
    *(".mff", ".nxe", ".nedf", ".lay", ".cdt"),
)
#: What git-annex puts in place of a file whose content is elsewhere.
_ANNEX_POINTER = b"/annex/objects/"


class DataFolderError(ValueError):
    """A folder of recordings, or a file in it, that cannot be used.

    Parameters
    ----------
    *args : object
        The message.
    recordings : sequence of Recording
        The other recordings of the folder. Default none.
    problems : mapping of str to str | None
        What is wrong with each that could not be opened. Default None.

    Attributes
    ----------
    recordings : list of Recording
        The other recordings of the folder, which could be opened.
    problems : dict of str to str
        What is wrong with each that could not be opened, by the name of its file.
    """

    def __init__(
        self,
        *args: object,
        recordings: Sequence[Any] = (),
        problems: Mapping[str, str] | None = None,
    ):
        super().__init__(*args)
        self.recordings = list(recordings)
        self.problems = dict(problems or {})


def existing_folder(folder: str | Path) -> Path:
    """Raise if there is no such folder; ``~`` is the home folder."""
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise DataFolderError(f"There is no folder {folder}.")
    return folder


def find_eeg(folder: str | Path, reader: Reader | None = None) -> list[Path]:
    """Find EEG files.

    Parameters
    ----------
    folder : str | Path
        Searched at any depth.
    reader : str | callable | None
        Only files that this reader of MNE takes. By default the endings of all
        formats that :func:`mne.io.read_raw` reads and that no other file beside
        a recording has.

    Returns
    -------
    list of Path
        One file per recording, sorted: the header, where it has several files.

    Raises
    ------
    DataFolderError
        If there is no such folder.
    ValueError
        If MNE has no such reader.
    """
    folder = existing_folder(folder)
    endings = reader_endings(reader)
    found = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        inside = any(parent.suffix.lower() == ".mff" for parent in path.parents)
        # MNE finds the other parts of a recording in several files by itself.
        later_part = re.search(r"_split-0*(?!1_)[1-9]\d*_", path.name)
        if hidden or inside or later_part or not path.name.lower().endswith(endings):
            continue
        if not path.is_dir() or path.suffix.lower() == ".mff":
            found.append(path)
    return found


def reader_endings(reader: Reader | None) -> tuple[str, ...]:
    """List the endings of the files that a reader takes."""
    if not isinstance(reader, str):
        return _ENDINGS
    if reader not in READERS:
        raise ValueError(
            f"reader must be the name of an EEG reader of MNE ({', '.join(READERS)}) or a "
            f"function that takes a path, got {reader!r}."
        )
    return READERS[reader]


def without_ending(path: Path) -> str:
    """Name of an EEG file without its ending."""
    known = {ending for endings in READERS.values() for ending in endings}
    for ending in sorted(known, key=len, reverse=True):
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.stem


def files_of(path: Path) -> list[Path]:
    """List the files of a recording: header, data, markers, further parts."""
    stem = re.escape(without_ending(path))
    parts = re.sub(r"_split\\-\d+", r"_split-\\d+", stem)
    ours = re.compile(rf"{parts}\..*", re.DOTALL)
    return [file for file in path.parent.iterdir() if ours.fullmatch(file.name)]


def check_content(files: Iterable[Path], folder: str | Path) -> None:
    """Raise if files are links or pointers whose content is not here.

    This is what ``git clone`` and ``datalad clone`` leave until the content is
    fetched.

    Parameters
    ----------
    files : iterable of Path
        Files that are needed.
    folder : str | Path
        The data set, for the message.

    Raises
    ------
    DataFolderError
        If some are without content; it says how many and how to get them.
    """
    files = sorted(set(files))
    absent = [file for file in files if _without_content(file)]
    if absent:
        folder = Path(folder).expanduser()
        names = [
            str(f.relative_to(folder)) if f.is_relative_to(folder) else str(f)
            for f in absent
        ]
        raise DataFolderError(
            f"{len(absent)} of the {len(files)} files needed in {folder} are only links to "
            "content that is not on this machine, as datalad and git-annex leave them. Get "
            "these files first, with 'datalad get' or 'git annex get' in that folder: "
            f"{listed(names, 10)}"
        )


def _without_content(file: Path) -> bool:
    if not file.exists():
        return file.is_symlink()
    if not file.is_file() or file.stat().st_size > 32_768:
        return False
    with file.open("rb") as content:
        return content.read(len(_ANNEX_POINTER)) == _ANNEX_POINTER


def check_regular(file: Path) -> None:
    """Raise if a file is a named pipe or a device, which could block for ever."""
    if file.exists() and not stat.S_ISREG(file.stat().st_mode) and not file.is_dir():
        raise DataFolderError(
            f"{file.name} is a named pipe or a device; expected an ordinary file"
        )


def short(error: object) -> str:
    """Give the text of an error, without what broken files may put into it."""
    text = " ".join(str(error).split())
    return text if len(text) <= 500 else f"{text[:500]}..."
