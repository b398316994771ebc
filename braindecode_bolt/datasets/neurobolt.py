"""The published NeuroBOLT release: EEGLAB files and pickled BOLD tables."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from .._text import counted, listed
from ..eeg.channels import channel_kind
from ..markers import MarkerOptions
from ..recording import Recording, pair_bold
from ._base import MarkedEEG, naming_bold, open_all
from ._choosing import region_names
from ._download import DownloadError, fetch_hub
from ._files import DataFolderError, existing_folder
from ._reading import read_eeg
from ._tables import read_table

__all__ = ["PUBLISHED_SPLIT", "NeuroBOLTDataset", "published_split"]

logger = logging.getLogger(__name__)

#: The scans that the paper used for training, validation and test between
#: subjects: both scans of a subject are in one part.
PUBLISHED_SPLIT = {
    "train": (
        *("sub01-scan01", "sub02-scan01", "sub03-scan02", "sub04-scan01", "sub05-scan01"),
        *("sub08-scan01", "sub08-scan02", "sub09-scan01", "sub09-scan02", "sub10-scan02"),
        *("sub12-scan01", "sub12-scan02", "sub14-scan01", "sub14-scan02", "sub17-scan02"),
        *("sub19-scan02", "sub20-scan01", "sub20-scan02"),
    ),
    "validation": (
        *("sub06-scan01", "sub13-scan01", "sub13-scan02", "sub15-scan01", "sub22-scan01"),
    ),
    "test": (
        *("sub07-scan01", "sub07-scan02", "sub11-scan01", "sub16-scan01", "sub18-scan01"),
        *("sub21-scan01",),
    ),
}
#: What the release calls its volume markers, and its repetition time in seconds.
MARKER = "R149"
TR = 2.1

_EXPECTED = (
    "expected sub01-scan01.set with its .fdt and sub01-scan01_difumo64_roi.pkl for each "
    "scan, at any depth of the folder; names may have more behind the scan"
)
_SCAN = re.compile(r"(?<![a-z0-9])sub(\d+)-scan(\d+)(?!\d)", re.IGNORECASE)
_KINDS = {".set": "EEG", ".pkl": "BOLD"}
_TYPES = {"ECG": "ecg", "EKG": "ecg", "EOG": "eog", "EMG": "emg"}


@dataclass
class NeuroBOLTDataset(MarkedEEG):
    """The published NeuroBOLT data: resting EEG-fMRI, 575 volumes a scan.

    EEG at 250 Hz in EEGLAB files, corrected for gradient and pulse artifacts;
    BOLD of the 64 regions of DiFuMo and the global signal, with and without
    motion regressed out (paper, section 3.1), every 2.1 s. The tables are
    pickles; they are read without running anything in them. Unless `marker` and `tr` are
    given, markers are the release's: ``R149`` every 2.1 s.

    Parameters
    ----------
    data_dir : str | Path
        The folder of the release, or a part of it; it is searched at any depth.
    rois : "paper" | sequence of str | None
        Regions to keep, in this order: the seven of the paper, or names. By
        default all 66. Straight and typographic apostrophes are the same;
        recordings have the straight one (``Heschl's gyrus``).
    subjects : sequence of str or int | None
        Subjects to use (``["01", "07"]`` or ``[1, 7]``). By default all that
        are there.
    split : {"train", "validation", "test"} | None
        Part of the published split between subjects
        (:data:`PUBLISHED_SPLIT`) to use. By default all scans that are there.
    incomplete : {"raise", "skip"}
        What to do with scans that lack their EEG or their BOLD, and with scans
        of `split` that are not there at all: they are an error (default), or
        are left out, which is logged.
    %(marker_options)s

    See Also
    --------
    published_split : Part of each recording in the published split.
    braindecode_bolt.splits.PublishedSplit : This split, for cross-validation.

    Notes
    -----
    The scan is the recording's session: ``sub01-scan02`` has the subject ``01``
    and the session ``02``. ECG, EOG, EMG and carbon-wire loops have their own channel
    types, so that :func:`~braindecode_bolt.prepare_eeg` leaves
    them out.

    The EEG was not available during development. The class was tested on files of the
    same format, and on ten of the BOLD tables.

    References
    ----------
    Li et al. (2024), NeuroBOLT: Resting-state EEG-to-fMRI Synthesis with
    Multi-dimensional Feature Mapping. NeurIPS 2024. The data are under CC BY 4.0.

    Examples
    --------
    >>> from braindecode_bolt.datasets import NeuroBOLTDataset
    >>> dataset = NeuroBOLTDataset("neurobolt", rois="paper", split="train")
    >>> recordings = dataset.load()  # doctest: +SKIP
    """

    data_dir: str | Path
    rois: str | Sequence[str] | None = None
    subjects: Sequence[str | int] | None = None
    split: str | None = None
    incomplete: str = "raise"

    def load(self) -> list[Recording]:
        """Open the scans; the EEG is read when it is needed.

        Returns
        -------
        list of Recording
            In the order of their names.

        Raises
        ------
        DataFolderError
            If scans are not complete or cannot be used; all problems are listed.
        UnknownRegionError
            If a region is not among those of the tables.
        ValueError
            If an argument has an invalid value.
        """
        rois = region_names(self.rois)
        scans = self._complete_scans()
        options = self.marker_options
        if options.marker is None:
            options = replace(options, marker=MARKER)
        return open_all(
            {scan: (scan, files) for scan, files in scans.items()},
            lambda item: self._open(*item, rois, options),
            self.data_dir,
            {scan: _with_data(files) for scan, files in scans.items()},
        )

    def download(self, source: str, revision: str | None = None) -> NeuroBOLTDataset:
        """Download the scans of `subjects` and `split` from the Hugging Face Hub.

        No address is built in: give the data set repository that holds the
        release, as its authors name it, or your own copy. Complete files
        are kept, so that an interrupted download resumes.

        Parameters
        ----------
        source : str
            Name of the data set repository: ``"owner/name"``.
        revision : str | None
            Branch, tag or commit. By default the newest.

        Returns
        -------
        NeuroBOLTDataset
            Itself.

        Raises
        ------
        DownloadError
            If the repository cannot be read, or holds no such scans.
        ImportError
            If ``huggingface_hub`` is not installed.
        ValueError
            If `split` or `subjects` has an invalid value.
        """
        patterns = self._patterns()
        fetch_hub(source, self.data_dir, patterns, revision)
        if not self._wanted(_find_scans(self.data_dir)):
            raise DownloadError(
                f"The data set {source!r} holds none of the files {', '.join(patterns[:3])}"
                f"{', ...' if len(patterns) > 3 else ''}; {_EXPECTED}."
            )
        return self

    def _patterns(self) -> list[str]:
        """Say which files of a repository are wanted."""
        if self.split is None and self.subjects is None:
            return ["*sub*-scan*"]
        if self.split is None:
            return [f"*sub{number:02d}-scan*" for number in sorted(self._numbers())]
        return [f"*{scan}*" for scan in self._wanted(())]

    def _numbers(self) -> set[int] | None:
        if self.subjects is None:
            return None
        found = [re.fullmatch(r"(?:sub-?)?(\d+)", str(label)) for label in self.subjects]
        if isinstance(self.subjects, str) or not found or None in found:
            raise ValueError(
                "subjects must be a list of numbers or labels such as ['01', '07'], got "
                f"{self.subjects!r}."
            )
        return {int(match[1]) for match in found}

    def _wanted(self, there: Sequence[str] | Mapping[str, Any]) -> list[str]:
        """List the scans asked for: of the split, or of those that are there."""
        if self.split is not None and self.split not in PUBLISHED_SPLIT:
            raise ValueError(
                f"split must be one of {', '.join(PUBLISHED_SPLIT)} or None, got "
                f"{self.split!r}."
            )
        numbers = self._numbers()
        scans = there if self.split is None else PUBLISHED_SPLIT[self.split]
        return sorted(
            scan
            for scan in scans
            if numbers is None or int(_SCAN.fullmatch(scan)[1]) in numbers
        )

    def _complete_scans(self) -> dict[str, dict[str, Path]]:
        """Find EEG and BOLD of the scans asked for, and say what lacks."""
        if self.incomplete not in ("raise", "skip"):
            raise ValueError(
                f"incomplete must be 'raise' or 'skip', got {self.incomplete!r}."
            )
        there = _find_scans(self.data_dir)
        wanted = self._wanted(there)
        absent = (self._numbers() or set()) - {int(_SCAN.fullmatch(s)[1]) for s in wanted}
        if absent:
            raise DataFolderError(
                f"{self.data_dir} has no scan of subject "
                f"{', '.join(f'{number:02d}' for number in sorted(absent))}"
                f"{f' in the split {self.split!r}' if self.split else ''}; there are "
                f"{', '.join(sorted(there)) or 'none'}."
            )
        complete: dict[str, dict[str, Path]] = {}
        lacking = []
        for scan in wanted:
            files = there.get(scan, {})
            lacks = [kind for kind in _KINDS.values() if kind not in files]
            if lacks:
                lacking.append(f"{scan}: no {' and no '.join(lacks)}")
            else:
                complete[scan] = files
        if not complete or (lacking and self.incomplete == "raise"):
            raise DataFolderError(
                f"{len(lacking)} of {counted(len(wanted), 'scan')} in {self.data_dir} are "
                f"not complete; {_EXPECTED}. Download the rest, choose by subjects or "
                "split, or leave them out with incomplete='skip'. Not complete: "
                f"{listed(lacking, 50) or 'there is no scan'}."
            )
        if lacking:
            logger.warning(
                "%d of %s in %s are not complete and left out: %s",
                len(lacking),
                counted(len(wanted), "scan"),
                self.data_dir,
                listed(lacking, 50),
            )
        return complete

    def _open(
        self,
        scan: str,
        files: Mapping[str, Path],
        rois: list[str] | None,
        options: MarkerOptions,
    ) -> Recording:
        bold = read_table(files["BOLD"], rois)
        raw = read_eeg(files["EEG"])
        _check_data_file(raw)
        _set_types(raw)
        with naming_bold(files["BOLD"], bold):
            raw = pair_bold(raw, bold, options, repetition_times={"the release": TR})
        subject, session = _SCAN.fullmatch(scan).groups()
        return Recording(raw, subject, session)


def published_split(metadata: pd.DataFrame) -> np.ndarray:
    """Say for each window or recording which part of the published split it is in.

    Parameters
    ----------
    metadata : pandas.DataFrame
        With the columns ``subject`` and ``session``, as :class:`NeuroBOLTDataset`
        names them: the metadata of windows, for example.

    Returns
    -------
    ndarray of str, shape (n_rows,)
        ``"train"``, ``"validation"`` or ``"test"``.

    Raises
    ------
    ValueError
        If a scan is in no part.

    See Also
    --------
    braindecode_bolt.splits.PublishedSplit : This split, for cross-validation.

    Examples
    --------
    A split for scikit-learn, which trains on what is marked -1:

    >>> import numpy as np, pandas as pd
    >>> from sklearn.model_selection import PredefinedSplit
    >>> from braindecode_bolt.datasets import published_split
    >>> metadata = pd.DataFrame({"subject": ["01", "07"], "session": ["01", "02"]})
    >>> part = published_split(metadata)
    >>> part
    array(['train', 'test'], dtype='<U10')
    >>> cv = PredefinedSplit(np.where(part == "test", 0, -1))
    """
    part_of = {scan: part for part, scans in PUBLISHED_SPLIT.items() for scan in scans}
    pairs = zip(metadata["subject"], metadata["session"], strict=True)
    scans = [f"sub{subject}-scan{session}" for subject, session in pairs]
    unknown = sorted(set(scans) - set(part_of))
    if unknown:
        raise ValueError(
            f"{len(unknown)} scans are in no part of the published split: "
            f"{', '.join(unknown[:5])}. Leave them out, for example with "
            "NeuroBOLTDataset(split=...)."
        )
    return np.array([part_of[scan] for scan in scans], dtype="<U10")


def _find_scans(folder: str | Path) -> dict[str, dict[str, Path]]:
    """Find the EEG and the BOLD file of each scan."""
    folder = existing_folder(folder)
    found: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        kind = _KINDS.get(path.suffix.lower())
        match = _SCAN.search(path.name)
        if match and kind and not hidden and not path.is_dir():
            files = found.setdefault(match[0].lower(), {})
            files.setdefault(kind, []).append(path)
    twice = [
        f"{scan} ({kind}) in {' and '.join(str(p.relative_to(folder)) for p in paths)}"
        for scan, files in found.items()
        for kind, paths in files.items()
        if len(paths) > 1
    ]
    if twice:
        raise DataFolderError(
            f"{folder} holds {counted(len(twice), 'file')} more than once: give a folder "
            f"inside it as data_dir. More than once: {listed(twice, 20)}."
        )
    return {
        scan: {kind: paths[0] for kind, paths in files.items()}
        for scan, files in found.items()
    }


def _with_data(files: Mapping[str, Path]) -> list[Path]:
    """List the files of a scan, with the data file of EEGLAB."""
    data = files["EEG"].with_suffix(".fdt")
    return [*files.values(), *([data] if data.is_symlink() or data.exists() else [])]


def _check_data_file(raw: mne.io.BaseRaw) -> None:
    """Raise if a data file is shorter or longer than its header says."""
    file = Path(raw.filenames[0])
    if file.suffix.lower() != ".fdt":
        return
    expected = 4 * len(raw.ch_names) * raw.n_times
    found = file.stat().st_size
    if found != expected:
        raise DataFolderError(
            f"{file.name} has {found} bytes, expected {expected} ({len(raw.ch_names)} "
            f"channels x {raw.n_times} samples of 4 bytes); copy or download it again"
        )


def _set_types(raw: mne.io.BaseRaw) -> None:
    """Give channels that are not scalp EEG their own types."""
    types = {}
    for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True):
        if kind == "eeg" and channel_kind(name) == "auxiliary":
            matching = (t for part, t in _TYPES.items() if part in name.upper())
            types[name] = next(matching, "misc")
    raw.set_channel_types(types, on_unit_change="ignore", verbose="error")
