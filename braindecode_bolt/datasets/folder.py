"""A folder of EEG files with BOLD tables beside them, named by BIDS entities."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from mne_bids import get_entities_from_fname

from ..markers import MarkerError, add_markers
from ..recording import TABLES, Recording, attach_bold, check_bold
from ._coupling import MARKER

__all__ = ["LAYOUT", "DataFolderError", "EEGfMRIFolder", "find_eeg"]

logger = logging.getLogger(__name__)

#: What a folder of recordings looks like; shown with every complaint about one.
LAYOUT = """\
A folder of recordings (at any depth) holds for each run
  sub-<label>[_ses-<label>][_task-<label>][_run-<label>]_eeg.<edf|set|vhdr|fif|...>
      EEG in any format that MNE reads
  ..._bold.tsv or ..._bold.csv
      BOLD, a row per volume, a column per region, names in the first row
      (not needed where the EEG's annotations carry the BOLD)
  ..._volumes.tsv
      onset of each volume in seconds from the start of the EEG, in the column
      "onset" (not needed where the EEG has volume markers)
with the same name up to the last underscore."""

_ENTITIES = ("subject", "session", "task", "run")
# What stands beside an EEG file without being one.
_COMPANIONS = {".json", ".tsv", ".csv", ".txt", ".md", ".eeg", ".vmrk", ".fdt", ".log"}
#: Endings by which EEG files of any name are found.
_EEG_ENDINGS = {
    *(".edf", ".bdf", ".gdf", ".set", ".vhdr", ".fif", ".gz", ".cnt", ".mff"),
    *(".egi", ".nxe", ".lay", ".data", ".ahdr"),
}
# File names of data sets that many people have and that predate BIDS.
_KNOWN_NAMES = (
    re.compile(r"(?P<subject>S\d+)R(?P<run>\d+)"),  # PhysioNet eegmmidb
    re.compile(r"(?P<subject>Subject\d+)_(?P<run>\d+)"),  # PhysioNet eegmat
)


class DataFolderError(ValueError):
    """A folder of recordings that does not follow the layout."""


@dataclass
class EEGfMRIFolder:
    """Recordings in a folder.

    .. code-block:: none

        sub-01_run-1_eeg.edf        EEG in any format that MNE reads
        sub-01_run-1_bold.tsv       volumes x regions
        sub-01_run-1_volumes.tsv    onsets, where the EEG has no markers

    A FIF file whose annotations carry the BOLD (as written by
    ``braindecode-bolt simulate``) needs no table.

    Parameters
    ----------
    data_dir : str | Path
        The folder; it is searched at any depth.
    marker : str | None
        Description of the volume markers in the EEG. By default the usual ones
        (``R128``, ``R149``, ``volume``).

    Examples
    --------
    >>> from braindecode_bolt.datasets import EEGfMRIFolder
    >>> recordings = EEGfMRIFolder("my_study").load()  # doctest: +SKIP
    """

    data_dir: str | Path
    marker: str | None = None

    def load(self) -> list[Recording]:
        """Open all recordings; the EEG is read when it is needed.

        Returns
        -------
        list of Recording
            In the order of their names.

        Raises
        ------
        DataFolderError
            If there is no recording, or some do not follow the layout; all
            complaints are listed.
        """
        files = [path for path in find_eeg(self.data_dir) if _is_bids(path)]
        if not files:
            others = find_eeg(self.data_dir)
            found = (
                f"EEG files with other names: {', '.join(p.name for p in others[:5])}"
                if others
                else "no EEG file"
            )
            raise DataFolderError(
                f"{self.data_dir} holds no recording; found {found}.\n{LAYOUT}"
            )
        recordings, complaints = [], []
        for path in files:
            try:
                recordings.append(self._open(path))
            except (DataFolderError, MarkerError, ValueError) as error:
                complaints.append(f"{path.name}: {error}")
        if complaints:
            listed = "\n".join(f"- {complaint}" for complaint in complaints)
            raise DataFolderError(
                f"{len(complaints)} of {len(files)} recordings in {self.data_dir} cannot "
                f"be used:\n{listed}\n\n{LAYOUT}"
            )
        return recordings

    def _open(self, path: Path) -> Recording:
        raw = read_eeg(path)
        recording = Recording(raw, **bids_entities(path))
        tables = _read_tables(path)
        if len(recording.volume_annotations()):
            if "bold" in tables:
                _check_agreement(recording.bold, tables["bold"])
            return recording
        if "bold" not in tables:
            raise DataFolderError(
                f"no BOLD: expected {_stem(path)}_bold.tsv beside it, or annotations that "
                "carry the BOLD"
            )
        marker = self.marker
        volumes = path.with_name(f"{_stem(path)}_volumes.tsv")
        if volumes.exists():
            raw, marker = _add_markers(raw, volumes), MARKER
        raw = attach_bold(raw, marker=marker, **tables)
        return Recording(raw, **bids_entities(path))


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
    folder = Path(folder)
    if not folder.is_dir():
        raise DataFolderError(f"There is no folder {folder}.")
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
        if ending in _EEG_ENDINGS or _is_bids(path):
            found.append(path)
    return found


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
        patterns = (re.compile(pattern),)
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


def _is_bids(path: Path) -> bool:
    return path.name.startswith("sub-") and path.name.split(".")[0].endswith("_eeg")


def _stem(path: Path) -> str:
    return path.name.split(".")[0].removesuffix("_eeg")


def _read_tables(path: Path) -> dict[str, pd.DataFrame]:
    """Read the BOLD beside an EEG file, and the noiseless BOLD of a simulation."""
    tables = {}
    for kind in TABLES:
        table_stem = f"{_stem(path)}{table_suffix(kind)}"
        for ending in (".tsv", ".csv"):
            file = path.with_name(f"{table_stem}{ending}")
            if file.exists():
                tables[kind] = read_table(file)
    return tables if "bold" in tables else {}


def table_suffix(kind: str) -> str:
    """End of the name of a table's file."""
    return "_bold" if kind == "bold" else f"_desc-{kind.replace('_', '')}_bold"


def read_table(file: Path) -> pd.DataFrame:
    """Read a table of volumes x regions.

    Parameters
    ----------
    file : Path
        Values separated by commas (``.csv``) or tabs (any other ending), names
        in the first row. A column ``volume`` is not taken for a region.

    Returns
    -------
    pandas.DataFrame, shape (n_volumes, n_rois)

    Raises
    ------
    DataFolderError
        If it is not a table.
    ValueError
        If it holds anything but finite numbers.
    """
    separator = "," if file.suffix.lower() == ".csv" else "\t"
    try:
        table = pd.read_csv(file, sep=separator, na_values=["n/a"])
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataFolderError(f"{file.name} is not a table: {error}") from error
    table = table.drop(columns=[c for c in ("volume", "Unnamed: 0") if c in table])
    check_bold(table, file.name)
    return table


def _add_markers(raw: mne.io.BaseRaw, file: Path) -> mne.io.BaseRaw:
    table = pd.read_csv(file, sep="\t")
    if "onset" not in table or not pd.api.types.is_numeric_dtype(table["onset"]):
        raise DataFolderError(
            f"{file.name} needs a column 'onset' of seconds, found "
            f"{', '.join(map(str, table.columns))}"
        )
    onsets = table["onset"].to_numpy(float)
    duration = raw.n_times / raw.info["sfreq"]
    outside = ~((onsets >= 0) & (onsets <= duration))
    if outside.any():
        raise DataFolderError(
            f"{file.name}: {outside.sum()} volumes outside the EEG of {duration:.1f} s, "
            f"the first at {onsets[outside][0]:g} s"
        )
    described = [i for i, text in enumerate(raw.annotations.description) if text == MARKER]
    if described:
        raise DataFolderError(
            f"{file.name} gives the volumes, but the EEG has {len(described)} markers "
            f"{MARKER!r} too; remove one of the two"
        )
    return add_markers(raw, onsets, MARKER)


def _check_agreement(carried: pd.DataFrame, table: pd.DataFrame) -> None:
    same_shape = carried.shape == table.shape and set(carried) == set(table)
    if not same_shape or not np.allclose(
        carried, table[carried.columns], rtol=1e-4, atol=1e-6
    ):
        raise DataFolderError(
            "the BOLD in its annotations and in the table beside it differ; remove one"
        )
