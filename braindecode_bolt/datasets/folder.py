"""A folder of EEG files with BOLD tables beside them, named by BIDS entities."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from ..markers import find_volume_markers
from ..markers.annotations import add_markers
from ..recording import TABLES, Recording, attach_bold
from ._base import EEGfMRIDataset, open_all
from ._choosing import choose_regions, region_names
from ._coupling import MARKER
from ._files import (
    DataFolderError,
    bids_entities,
    find_eeg,
    is_bids_eeg,
    read_eeg,
    read_table,
)
from .layout import LAYOUT

__all__ = ["LAYOUT", "EEGfMRIFolder"]

logger = logging.getLogger(__name__)


@dataclass
class EEGfMRIFolder(EEGfMRIDataset):
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
    dummy_volumes : int
        Markers at the start whose volumes are not in the tables. Default 0.
    rois : "paper" | sequence of str | None
        Regions to use, in this order: the seven of the paper, or names. All by
        default.

    Examples
    --------
    >>> from braindecode_bolt.datasets import EEGfMRIFolder
    >>> recordings = EEGfMRIFolder("my_study").load()  # doctest: +SKIP
    """

    data_dir: str | Path
    marker: str | None = None
    dummy_volumes: int = 0
    rois: str | Sequence[str] | None = None

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
        UnknownRegionError
            If a recording lacks one of `rois`.
        """
        rois = region_names(self.rois)
        return open_all(
            {path.name: path for path in self._find()},
            lambda path: _with_regions(self._open(path), rois),
            self.data_dir,
            LAYOUT,
        )

    def _find(self) -> list[Path]:
        """List the EEG files that follow the layout; say which do not."""
        everything = find_eeg(self.data_dir)
        files = [path for path in everything if is_bids_eeg(path)]
        others = [path.name for path in everything if not is_bids_eeg(path)]
        if not files:
            found = (
                f"EEG files with other names: {', '.join(others[:5])}"
                if others
                else "no EEG file"
            )
            raise DataFolderError(
                f"{self.data_dir} holds no recording; found {found}.\n{LAYOUT}"
            )
        if others:
            logger.warning(
                "%d EEG files have other names than sub-..._eeg and are left out: %s",
                len(others),
                ", ".join(others[:5]) + (", ..." if len(others) > 5 else ""),
            )
        by_name: dict[tuple, list[Path]] = {}
        for path in files:
            by_name.setdefault(tuple(bids_entities(path).items()), []).append(path)
        twice = [paths for paths in by_name.values() if len(paths) > 1]
        if twice:
            raise DataFolderError(
                f"{len(twice)} recordings are there more than once, such as "
                f"{' and '.join(map(str, twice[0]))}; remove the others, or tell them "
                "apart by subject, session, task or run."
            )
        return files

    def _open(self, path: Path) -> Recording:
        raw = read_eeg(path)
        recording = Recording(raw, **bids_entities(path))
        tables = _read_tables(path)
        if len(recording.volume_annotations()):
            if "bold" in tables:
                _check_agreement(recording.bold, tables["bold"])
            if self.marker is not None or self.dummy_volumes:
                raise DataFolderError(
                    "its annotations carry the BOLD, which knows its volumes: leave out "
                    "marker and dummy_volumes"
                )
            return recording
        if "bold" not in tables:
            raise DataFolderError(
                f"no BOLD: expected {_stem(path)}_bold.tsv beside it, or annotations that "
                "carry the BOLD"
            )
        bold, marker = tables["bold"], self.marker
        every_volume = bold.index.equals(pd.RangeIndex(len(bold)))
        volumes = _table_of(path, "_volumes")
        if volumes is not None:
            raw, marker = _add_markers(raw, volumes), MARKER
        if self.dummy_volumes or volumes is None:
            # Also where their number is right: one may be there twice, another not.
            found = find_volume_markers(
                raw,
                marker,
                n_volumes=len(bold) if every_volume else None,
                dummy_volumes=self.dummy_volumes,
            )
            raw, marker = found.annotate(raw), found.marker
        volumes = None if every_volume else bold.index.to_numpy()
        raw = attach_bold(raw, marker=marker, volumes=volumes, **tables)
        return Recording(raw, **bids_entities(path))


def _with_regions(recording: Recording, rois: list[str] | None) -> Recording:
    if rois is None:
        return recording
    tables = {kind: recording.table(kind) for kind in TABLES}
    return recording.with_tables(
        {
            kind: choose_regions(table, rois, f"The BOLD of {recording.name}")
            for kind, table in tables.items()
            if table.shape[1]
        }
    )


def _stem(path: Path) -> str:
    stem = path.name.split(".")[0].removesuffix("_eeg")
    # Of a recording in several files, the first.
    return re.sub(r"_split-\d+", "", stem)


def _read_tables(path: Path) -> dict[str, pd.DataFrame]:
    """Read the BOLD beside an EEG file, and the noiseless BOLD of a simulation."""
    tables = {}
    for kind in TABLES:
        file = _table_of(path, table_suffix(kind))
        if file is not None:
            tables[kind] = read_table(file)
    return tables if "bold" in tables else {}


def _table_of(path: Path, suffix: str) -> Path | None:
    """Find the table beside an EEG file, with tabs or commas."""
    stem = f"{_stem(path)}{suffix}"
    named = (path.with_name(f"{stem}{ending}") for ending in (".tsv", ".csv"))
    files = [file for file in named if file.exists()]
    if len(files) > 1:
        raise DataFolderError(
            f"there are {files[0].name} and {files[1].name}; remove one of the two"
        )
    return files[0] if files else None


def table_suffix(kind: str) -> str:
    """End of the name of a table's file."""
    return "_bold" if kind == "bold" else f"_desc-{kind.replace('_', '')}_bold"


def _add_markers(raw: mne.io.BaseRaw, file: Path) -> mne.io.BaseRaw:
    table = pd.read_csv(file, sep="," if file.suffix == ".csv" else "\t")
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
