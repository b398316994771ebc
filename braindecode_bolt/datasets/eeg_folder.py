"""A folder of EEG files without BOLD."""

from __future__ import annotations

from pathlib import Path

from .._text import counted, listed
from ..recording import Recording
from ._base import open_all
from ._files import DataFolderError, Reader, files_of, find_eeg
from ._names import described, entities_of, example_pattern, nearly_matched
from ._reading import read_eeg

__all__ = ["find_eeg_files", "read_eeg_folder"]


def find_eeg_files(data_dir: str | Path, reader: Reader | None = None) -> list[Path]:
    """List the EEG files of a folder.

    Parameters
    ----------
    data_dir : str | Path
        A folder; it is searched at any depth.
    reader : str | callable | None
        MNE's reader of the EEG, as for :class:`EEGfMRIFolder`.

    Returns
    -------
    list of Path

    Raises
    ------
    DataFolderError
        If there are none.
    """
    files = find_eeg(data_dir, reader)
    if not files:
        raise DataFolderError(f"{data_dir} holds no EEG file that MNE could read.")
    return files


def read_eeg_folder(
    data_dir: str | Path, pattern: str | None = None, reader: Reader | None = None
) -> list[Recording]:
    r"""Open the EEG files of a folder as recordings without BOLD.

    Parameters
    ----------
    data_dir : str | Path
        A folder of EEG files that MNE reads; it is searched at any depth.
    pattern : str | None
        What the names of the files mean: a regular expression with the group
        ``subject`` and, if they occur, ``session``, ``task`` and ``run``. By default names
        of BIDS, and of PhysioNet's eegmmidb and eegmat.
    reader : str | callable | None
        MNE's reader of the EEG, as for :class:`EEGfMRIFolder`. By default what the
        ending says.

    Returns
    -------
    list of Recording
        EEG as in the files, which is read when it is needed. For models it has to be
        prepared (:func:`~braindecode_bolt.prepare_eeg`).

    Raises
    ------
    DataFolderError
        If there is no EEG, a name does not say the subject, files cannot be
        read, or several are the same recording.

    See Also
    --------
    EEGfMRIFolder : EEG with BOLD.

    Examples
    --------
    >>> from braindecode_bolt.datasets import read_eeg_folder
    >>> named = r"(?P<subject>p\d+)_(?P<run>\d+)"
    >>> recordings = read_eeg_folder("eeg", pattern=named)  # doctest: +SKIP
    """
    files = find_eeg_files(data_dir, reader)
    entities = entities_of(files, pattern)
    nameless = [file.name for file in files if file not in entities]
    if nameless:
        by = "" if pattern is None else f" by {pattern!r}"
        raise DataFolderError(
            f"The names of {len(nameless)} of {counted(len(files), 'EEG file')} do not "
            f"say the subject{by}: {listed(nameless)}. Expected BIDS names "
            "(sub-01_run-1_eeg.edf), or a pattern, such as "
            f"pattern='{example_pattern(files)}'."
            + (nearly_matched(files, pattern) if pattern and not entities else "")
        )
    by_name: dict[str, list[Path]] = {}
    for file in files:
        by_name.setdefault(described(entities[file]), []).append(file)
    for name, same in by_name.items():
        if len(same) > 1:
            raise DataFolderError(
                f"{counted(len(same), 'file')} are named {name}: {listed(same)}. Give "
                "a pattern that tells them apart, a folder inside, or a reader."
            )
    return open_all(
        {str(file): file for file in files},
        lambda file: Recording(read_eeg(file, reader), **entities[file]),
        data_dir,
        {str(file): files_of(file) for file in files},
    )
