"""A folder of EEG files with BOLD tables beside them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from .._text import counted, listed
from ..markers import MarkerOptions
from ..recording import TABLES, Recording, pair_bold
from ._base import MarkedEEG, naming_bold, open_all
from ._choosing import choose_regions, region_names
from ._files import (
    DataFolderError,
    Reader,
    check_regular,
    files_of,
    find_eeg,
    without_ending,
)
from ._names import (
    choose_subjects,
    described,
    entities_of,
    example_pattern,
    is_bids_eeg,
    nearly_matched,
)
from ._reading import read_eeg
from ._repetition import in_sidecars
from ._tables import read_table

__all__ = ["EEGfMRIFolder"]

logger = logging.getLogger(__name__)


@dataclass
class EEGfMRIFolder(MarkedEEG):
    r"""Recordings in a folder.

    .. code-block:: none

        sub-01_run-1_eeg.edf        EEG in any format that MNE reads
        sub-01_run-1_bold.tsv       volumes x regions
        sub-01_run-1_volumes.tsv    onsets, where the EEG has no markers

    A FIF file whose annotations carry the BOLD (as written by
    ``braindecode-bolt simulate``) needs no table. The repetition time is, unless `tr` is
    given, that in ``..._bold.json``, or what the markers show.

    Parameters
    ----------
    data_dir : str | Path
        The folder; it is searched at any depth.
    rois : "paper" | sequence of str | None
        Regions to use, in this order: the seven of the paper, or names. All by
        default.
    pattern : str | None
        What EEG files of other names are called: a regular expression with the
        group ``subject`` and, if they occur, ``session``, ``task`` and ``run``,
        which matches the whole name, with or without the ending
        (``r"(?P<subject>p\d+)_(?P<run>\d+)"``). Other files are left out. The
        BOLD of ``p01_1.vhdr`` is then ``p01_1_bold.tsv``.
    reader : str | callable | None
        MNE's reader of the EEG, for formats that share an ending or that
        :func:`mne.io.read_raw` does not know: its name (``"cnt"`` for
        :func:`mne.io.read_raw_cnt`), or a function of the path. Only files with
        the reader's endings are taken. By default what the ending says.
    subjects : sequence of str | None
        Labels of the subjects to use, as in the names of the files; all by default.
    %(marker_options)s

    See Also
    --------
    BIDSEEGfMRI : BIDS data sets, and images of fMRIPrep.
    read_eeg_folder : EEG without BOLD.
    open_dataset : Says itself what a folder holds.

    Examples
    --------
    >>> from braindecode_bolt.datasets import EEGfMRIFolder
    >>> recordings = EEGfMRIFolder("my_study").load()  # doctest: +SKIP
    """

    data_dir: str | Path
    rois: str | Sequence[str] | None = None
    pattern: str | None = None
    reader: Reader | None = None
    subjects: Sequence[str] | None = None

    def load(self) -> list[Recording]:
        """Open all recordings; the EEG is read when it is needed.

        Returns
        -------
        list of Recording
            In the order of their names.

        Raises
        ------
        DataFolderError
            If there is no recording, or some cannot be used; all are listed.
        UnknownRegionError
            If a recording lacks one of `rois`.
        ValueError
            If an argument has an invalid value.
        """
        rois = region_names(self.rois)
        found = self._find()
        options = self.marker_options
        return open_all(
            {path.name: path for path in found},
            lambda path: self._open(path, found[path], rois, options),
            self.data_dir,
            {path.name: _beside(path) for path in found},
        )

    def _find(self) -> dict[Path, dict[str, str]]:
        """Find the EEG files, with their entities; say which are left out."""
        everything = find_eeg(self.data_dir, self.reader)
        named = everything if self.pattern else [p for p in everything if is_bids_eeg(p)]
        found = entities_of(named, self.pattern)
        others = [path.name for path in everything if path not in found]
        wanted = f"match {self.pattern!r}" if self.pattern else "are sub-..._eeg"
        if not found:
            there = f"{counted(len(others), 'EEG file')}: {listed(others)}"
            raise DataFolderError(
                f"{self.data_dir} holds no recording. It has "
                f"{there if others else 'no EEG file'}; expected names that {wanted}"
                + (
                    f".{nearly_matched(everything, self.pattern)}"
                    if self.pattern
                    else ", as sub-01_task-rest_eeg.vhdr with sub-01_task-rest_bold.tsv "
                    "beside it, or a pattern that says what other names mean, such as "
                    f"pattern='{example_pattern(everything)}'."
                )
            )
        if others:
            logger.warning(
                "%s left out, whose names do not %s: %s",
                counted(len(others), "EEG file"),
                wanted.replace("are ", "follow "),
                listed(others),
            )
        found = choose_subjects(found, self.subjects, self.data_dir)
        by_name: dict[tuple, list[Path]] = {}
        for path, entities in found.items():
            by_name.setdefault(tuple(sorted(entities.items())), []).append(path)
        twice = [paths for paths in by_name.values() if len(paths) > 1]
        if twice:
            folder = Path(self.data_dir).expanduser()
            paths = listed(path.relative_to(folder) for path in twice[0])
            raise DataFolderError(
                f"{counted(len(twice), 'recording')} of {len(by_name)} in {folder} with "
                f"several EEG files: {described(found[twice[0][0]])} has {paths}. Choose "
                "one: give a folder inside it, the format by reader='edf' (or 'eeglab', "
                "'brainvision', 'fif' ...), or the names by pattern."
            )
        return found

    def _open(
        self,
        path: Path,
        entities: dict[str, str],
        rois: list[str] | None,
        options: MarkerOptions,
    ) -> Recording:
        raw = read_eeg(path, self.reader)
        recording = Recording(raw, **entities)
        if len(recording.volume_annotations()):
            return self._carrying(path, recording, rois, options)
        tables = _read_tables(path, rois)
        if "bold" not in tables:
            raise DataFolderError(_without_bold(path))
        bold = tables.pop("bold")
        with naming_bold(_table_of(path, "_bold"), bold):
            raw = pair_bold(
                raw,
                bold,
                options,
                table=_table_of(path, "_volumes"),
                repetition_times=in_sidecars([path.with_name(f"{_stem(path)}_bold.json")]),
                **tables,
            )
        return Recording(raw, **entities)

    def _carrying(
        self,
        path: Path,
        recording: Recording,
        rois: list[str] | None,
        options: MarkerOptions,
    ) -> Recording:
        """Check a recording whose annotations carry the BOLD, and take the regions."""
        given = [
            field.name
            for field in fields(options)
            if getattr(options, field.name) != field.default
        ]
        if given:
            raise DataFolderError(
                "its annotations carry the BOLD and the volumes with it: leave out "
                f"{' and '.join(given)}"
            )
        file = _table_of(path, "_bold")
        if file is not None:
            carried = choose_regions(recording.bold, None, path.name)
            _check_agreement(carried, read_table(file))
        if rois is None:
            return recording
        tables = {kind: recording.table(kind) for kind in TABLES}
        return recording.with_tables(
            {
                kind: choose_regions(table, rois, f"The BOLD of {path.name}")
                for kind, table in tables.items()
                if table.shape[1]
            }
        )


def _stem(path: Path) -> str:
    stem = without_ending(path).removesuffix("_eeg")
    # Of a recording in several files, the first.
    return re.sub(r"_split-\d+", "", stem)


def _without_bold(path: Path) -> str:
    """Say which table was expected, and which are there."""
    stem = _stem(path)
    text = (
        f"no BOLD: expected {stem}_bold.tsv or {stem}_bold.csv beside it, or annotations "
        "that carry the BOLD"
    )
    in_bids = next(
        (p for p in path.parents if (p / "dataset_description.json").exists()), ""
    )
    if path.parent.name == "eeg" and in_bids:
        return f"{text}. It is part of the BIDS data set {in_bids}: give that folder"
    tables = sorted(
        file.name for file in path.parent.iterdir() if file.suffix in (".tsv", ".csv")
    )
    near = get_close_matches(f"{stem}_bold.tsv", tables, n=2, cutoff=0.6)
    if not near:
        return text
    return f"{text}. There is {listed(near)}: rename the table that belongs to it"


def _beside(path: Path) -> list[Path]:
    """List the files of a recording, with its tables."""
    ours = re.compile(
        rf"{re.escape(_stem(path))}_(bold|volumes|desc-\w+_bold)\.(tsv|csv|json)"
    )
    tables = [file for file in path.parent.iterdir() if ours.fullmatch(file.name)]
    return [*files_of(path), *tables]


def _read_tables(path: Path, rois: list[str] | None) -> dict[str, pd.DataFrame]:
    """Read the BOLD beside an EEG file, and the noiseless BOLD of a simulation."""
    tables = {}
    for kind in TABLES:
        file = _table_of(path, table_suffix(kind))
        if file is not None:
            tables[kind] = read_table(file, rois)
    return tables


def _table_of(path: Path, suffix: str) -> Path | None:
    """Find the table beside an EEG file, with tabs or commas."""
    stem = f"{_stem(path)}{suffix}"
    named = (path.with_name(f"{stem}{ending}") for ending in (".tsv", ".csv"))
    files = [file for file in named if file.exists()]
    if len(files) > 1:
        raise DataFolderError(
            f"there are {files[0].name} and {files[1].name}; expected one of the two. "
            "Rename the one that should not be read"
        )
    for file in files:
        check_regular(file)
    return files[0] if files else None


def table_suffix(kind: str) -> str:
    """End of the name of a table's file."""
    return "_bold" if kind == "bold" else f"_desc-{kind.replace('_', '')}_bold"


def _check_agreement(carried: pd.DataFrame, table: pd.DataFrame) -> None:
    same_shape = carried.shape == table.shape and set(carried) == set(table)
    if not same_shape or not np.allclose(
        carried, table[carried.columns], rtol=1e-4, atol=1e-6
    ):
        raise DataFolderError(
            "the BOLD in its annotations and in the table beside it differ. Rename the "
            "table, if it should not be read"
        )
