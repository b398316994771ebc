"""Reading EEG files, whose headers and data must be their own."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import mne

from ..markers import mark_joints
from ._brainvision import check_complete
from ._files import (
    READERS,
    DataFolderError,
    Reader,
    check_regular,
    files_of,
    reader_endings,
    short,
)

__all__ = ["check_data_files", "crashing_sets", "logged_warnings", "read_eeg"]

logger = logging.getLogger(__name__)

# Reads MATLAB files as MNE does, and says which of them it survived. Damaged ones can
# crash it, or say that they hold huge arrays, which takes all memory or very long.
_SURVIVES = """
import os, signal, sys
from scipy.io import loadmat
try:
    import resource
except ImportError:
    resource = None
print("ready", flush=True)
for file in sys.stdin.read().split("\\0")[:-1]:
    size = os.path.getsize(file)
    try:
        signal.alarm(30 + size // 2_000_000)
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30 + 8 * size, most))
    except (AttributeError, ValueError, OSError):
        pass  # Not on every system.
    try:
        loadmat(file, squeeze_me=True, struct_as_record=False)
    except MemoryError:
        os._exit(1)
    except BaseException:
        pass
    print("survived", flush=True)
"""


def read_eeg(path: Path, reader: Reader | None = None) -> mne.io.BaseRaw:
    """Read an EEG file.

    Parameters
    ----------
    path : Path
        The file: the header, where a recording has several.
    reader : str | callable | None
        Reader of MNE. By default what the ending says.

    Returns
    -------
    mne.io.BaseRaw
        Not loaded into memory, where the format allows it. Places where the
        recording was interrupted are marked
        (:func:`~braindecode_bolt.markers.mark_joints`).

    Raises
    ------
    DataFolderError
        If it is not an intact file, or names data or marker files of another
        recording.
    RecordingGapError
        If it is an EDF+D or BDF+D file whose time stamps cannot be used.
    """
    check_data_files(path)
    reader_endings(reader)
    if reader is None:
        read = partial(mne.io.read_raw, verbose="warning")
    elif isinstance(reader, str):
        read = partial(getattr(mne.io, f"read_raw_{reader}"), verbose="warning")
    else:
        read = reader
    try:
        with logged_warnings(path.name):
            raw = read(path)
    except MemoryError:
        raise  # The file may be intact.
    except Exception as error:  # MNE's readers fail in many ways on a broken file.
        several = [name for name, ends in READERS.items() if path.suffix.lower() in ends]
        hint = ""
        if reader is None and len(several) > 1:
            names = " or ".join(f"reader={name!r}" for name in several)
            hint = f". Several formats end so: give {names}"
        elif isinstance(error, UnicodeDecodeError):
            hint = ". Save its text files (.vhdr, .vmrk) in UTF-8"
        raise DataFolderError(
            f"MNE cannot read {path.name} ({type(error).__name__}: {short(error)}); "
            f"expected an intact EEG file{hint}"
        ) from error
    for file in raw.filenames:
        if file is not None:
            _check_other_name(path, Path(file), "data file")
    return mark_joints(raw)


@contextmanager
def logged_warnings(name: str, level: int = logging.WARNING) -> Iterator[None]:
    """Log what a reader warns about, with the name of the file."""
    # MNE also writes them to its own log, without the name of the file.
    with mne.utils.catch_logging(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(warning.message) for warning in said):
        logger.log(level, "%s: %s", name, short(text))


def check_data_files(path: Path) -> None:
    """Raise if a file of a recording is not an ordinary one, or not its own.

    Parameters
    ----------
    path : Path
        The file that a reader is given.

    Raises
    ------
    DataFolderError
        If one is a named pipe, or a header of BrainVision names files that are
        not there, are another recording's, are empty or were cut off.
    """
    for file in (path, *files_of(path)):
        check_regular(file)
    if path.suffix.lower() in (".vhdr", ".ahdr"):
        named = _named_in_header(path)
        if "DataFile" in named:
            _check_other_name(path, named["DataFile"], "data file")
        if "MarkerFile" in named:
            _check_other_name(path, named["MarkerFile"], "marker file")
            of_markers = _named_in_header(named["MarkerFile"]).get("DataFile")
            data = named.get("DataFile")
            if data and of_markers and of_markers != data and of_markers.exists():
                raise DataFolderError(
                    f"the marker file {named['MarkerFile'].name} belongs to "
                    f"{of_markers.name}, as it says in its line DataFile=, but the header "
                    f"{path.name} names {data.name}. If the markers are those of "
                    f"{data.name}, write that name into the line"
                )
        data, markers = named.get("DataFile"), named.get("MarkerFile")
        if data is not None and data.is_file():
            marks = markers if markers is not None and markers.is_file() else None
            check_complete(_text_of(path), data, marks)


def _named_in_header(header: Path) -> dict[str, Path]:
    """Read which files a header or marker file of BrainVision names."""
    check_regular(header)
    if not header.is_file():
        return {}
    text = _text_of(header)
    found = re.findall(r"^[ \t]*(DataFile|MarkerFile)[ \t]*=(.*)$", text, re.MULTILINE)
    return {key: header.parent / name.strip() for key, name in found if name.strip()}


def _text_of(header: Path) -> str:
    """Read the beginning of a header or marker file."""
    with header.open("rb") as file:
        content = file.read(65_536)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _check_other_name(header: Path, file: Path, kind: str) -> None:
    """Raise if a header names a file that is not its own.

    A file of another name is accepted if no other header has that name and there is no
    file with the header's own name.
    """
    check_regular(file)
    if file == header or file.stem == header.stem:
        return
    if file.suffix == header.suffix:
        # FIF parts, whose names follow other rules.
        return
    own = header.with_suffix(file.suffix)
    others = [file.with_suffix(ending) for ending in (header.suffix, ".vhdr", ".ahdr")]
    if not file.exists():
        beside = f", while {own.name} stands beside it" if own.exists() else ""
        raise DataFolderError(
            f"{header.name} names the {kind} {file.name}, which is not there{beside}. The "
            "files seem to have been renamed: write their present names into the lines "
            f"DataFile= and MarkerFile= of {header.name} and of its marker file, or give "
            "them their old names again and rename them with "
            "mne_bids.copyfiles.copyfile_brainvision, which does both"
        )
    taken = [other for other in others if other != header and other.exists()]
    if own.exists() or taken:
        whose = f"that of {taken[0].name}" if taken else f"not {own.name} beside it"
        raise DataFolderError(
            f"{header.name} names the {kind} {file.name}, {whose}: it would be read with "
            "the EEG of another recording. If the header was copied or renamed, write the "
            "names of its own files into its lines DataFile= and MarkerFile= (EEGLAB: load "
            "and save it again)"
        )


def crashing_sets(files: Iterable[Path]) -> set[Path]:
    """Find damaged EEGLAB files that would crash or block Python when they are read.

    SciPy's reader of MATLAB files can crash the whole process on damaged ones, or
    take all memory, so that they are read in another process first.

    Parameters
    ----------
    files : iterable of Path
        Any files; those that do not end in ``.set`` are not looked at.

    Returns
    -------
    set of Path
        Files on which the other process crashed, or which took it more than 30 s
        and 4 GiB beyond what their size explains (time and memory on POSIX only).
    """
    left = [file for file in files if file.suffix.lower() == ".set" and file.is_file()]
    # Newer MATLAB files are HDF5, which SciPy does not read.
    left = [file for file in left if not _begins_as_hdf5(file)]
    crashing = set()
    while left:
        names = "".join(f"{file.resolve()}\0" for file in left)
        child = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-c", _SURVIVES],
            input=names,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        ready, *survived = child.stdout.split() or [None]
        if ready is None:
            logger.debug("no second process could be started to check .set files")
            break
        if len(survived) < len(left):
            crashing.add(left[len(survived)])
        left = left[len(survived) + 1 :]
    return crashing


def _begins_as_hdf5(file: Path) -> bool:
    with file.open("rb") as content:
        return b"MATLAB 7.3" in content.read(128)
