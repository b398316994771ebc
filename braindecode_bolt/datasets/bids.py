"""BIDS data sets with EEG and BOLD of the same runs."""

from __future__ import annotations

import fnmatch
import logging
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mne
import pandas as pd
from mne_bids import BIDSPath, find_matching_paths, get_entities_from_fname, read_raw_bids

from ..bold.regions import GLOBAL_SIGNALS
from ..markers import find_volume_markers
from ..markers.annotations import MarkerError, find_markers, with_annotations
from ..recording import Recording, attach_bold, check_bold
from ._base import EEGfMRIDataset, open_all
from ._choosing import choose_regions, region_names
from ._download import fetch_s3
from ._files import DataFolderError, check_link, existing_folder, read_eeg
from ._participants import read_sites
from ._regions import RegionExtraction
from ._tables import read_table

__all__ = ["BIDSEEGfMRI"]

logger = logging.getLogger(__name__)

_IMAGES = (".nii", ".nii.gz")
_TABLES = (".tsv", ".csv")
#: What BOLD files are called, in the order in which they are looked for.
_PATTERNS = ("*_timeseries.tsv", "*_bold.tsv", "*_desc-preproc_bold.nii*")
_OPENNEURO = "https://s3.amazonaws.com/openneuro.org"
_EEG_ENDINGS = (".vhdr", ".edf", ".bdf", ".set", ".fif")


@dataclass
class BIDSEEGfMRI(EEGfMRIDataset):
    """EEG and BOLD of the same subject, session, task and run in a BIDS data set.

    The EEG is read by mne-bids, with the channel types and bad channels of
    ``channels.tsv``. BOLD comes as tables of region series or as preprocessed
    images, from which the series are extracted
    (:func:`~braindecode_bolt.bold.extract_regions`). Volume markers come from
    ``events.tsv`` or from the EEG file itself, and are mended by
    :func:`~braindecode_bolt.find_volume_markers`. Sites come from the column
    ``site`` of ``participants.tsv``, if there is one.

    Parameters
    ----------
    root : str | Path
        The data set: the folder that holds ``sub-...``.
    derivatives : str | Path | None
        Where the BOLD is, searched at any depth: the output of fMRIPrep, for
        example. By default `root`, its ``derivatives`` included.
    bold : str | None
        Pattern of the names of the BOLD files, such as
        ``"*_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"`` or
        ``"*_atlas-4S156Parcels_timeseries.tsv"``. By default region tables
        (``*_timeseries.tsv``, ``*_bold.tsv``) or, where there are none,
        fMRIPrep's images.
    eeg_root : str | Path | None
        The BIDS folder that holds the EEG, where it is not `root`: a derivative
        without gradient and pulse artifacts, for example.
    subjects, sessions, tasks, runs : sequence of str | None
        Labels to use; all by default.
    marker : str | None
        Description of the volume markers. By default the usual ones.
    tr : float | None
        Repetition time in seconds. By default that of the images' header, or,
        with tables, what the markers show.
    dummy_volumes : int
        Markers at the start whose volumes are not in the BOLD files. Default 0.
    marker_options : mapping
        Further arguments of :func:`~braindecode_bolt.find_volume_markers`.
    atlas : object
        Regions to extract from images; see
        :func:`~braindecode_bolt.bold.extract_regions`. Default ``"difumo64"``.
    confounds : "fmriprep" | mapping | str | None
        What to regress out of images: six motion parameters from fMRIPrep's
        confounds (default); a mapping of arguments of nilearn's loader for
        more; the pattern of a motion file's name, such as
        ``"*_motion.1D"``, which must be of the same run; None for nothing.
    extraction : mapping
        Further arguments of :func:`~braindecode_bolt.bold.extract_regions`.
    rois : "paper" | sequence of str | None
        Regions to use, in this order: the seven of the paper, or names. All by
        default. A global signal is made of images where it is named here.
    cache_dir : str | Path | None
        Folder to keep the series extracted from images in. By default they are
        extracted at each :meth:`load`.

    Notes
    -----
    *OpenNeuro ds003768* (Gu et al.; rest and sleep): markers ``R128``, TR 2.1 s.
    The EEG is as recorded: gradient and pulse artifacts must be removed first;
    give the corrected files as `eeg_root`. The images are raw: preprocess them
    and give the output as `derivatives`.

    *NATVIEW_EEGFMRI* (Telesford et al. 2023): markers ``R128``, TR 2.1 s; two
    sessions, several tasks. Runs differ in their number of volumes (288 to
    290), and in one run all markers are written twice
    (:func:`~braindecode_bolt.find_volume_markers` mends that). Movies begin and
    end with a marker of their own; rest is the task ``rest``.

    Neither was at hand in development: files of the same formats were.

    Examples
    --------
    >>> from braindecode_bolt.datasets import BIDSEEGfMRI
    >>> BIDSEEGfMRI("ds003768", subjects=["01"]).download("ds003768")  # doctest: +SKIP
    >>> dataset = BIDSEEGfMRI(
    ...     "natview", derivatives="natview/derivatives/fmriprep", tasks=["rest"], tr=2.1
    ... )
    >>> recordings = dataset.load()  # doctest: +SKIP
    """

    root: str | Path
    derivatives: str | Path | None = None
    bold: str | None = None
    eeg_root: str | Path | None = None
    subjects: Sequence[str] | None = None
    sessions: Sequence[str] | None = None
    tasks: Sequence[str] | None = None
    runs: Sequence[str] | None = None
    marker: str | None = None
    tr: float | None = None
    dummy_volumes: int = 0
    marker_options: Mapping[str, Any] = field(default_factory=dict)
    atlas: Any = "difumo64"
    confounds: str | Mapping[str, Any] | None = "fmriprep"
    extraction: Mapping[str, Any] = field(default_factory=dict)
    rois: str | Sequence[str] | None = None
    cache_dir: str | Path | None = None

    def load(self) -> list[Recording]:
        """Open all recordings; the EEG is read when it is needed.

        Returns
        -------
        list of Recording
            Sorted by subject, session, task and run. Runs with EEG but no BOLD,
            or the reverse, are left out and logged.

        Raises
        ------
        DataFolderError
            If there are no runs with both, several BOLD files for one, or some
            cannot be used; all complaints are listed.
        UnknownRegionError
            If a recording lacks one of `rois`.
        """
        pairs = self._pairs()
        items = {eeg.fpath.name: (eeg, bold) for eeg, bold in pairs}
        sites = read_sites(self.root)
        return open_all(items, lambda pair: self._open(*pair, sites), self.root)

    def download(
        self, source: str | tuple[str, str], patterns: Sequence[str] | None = None
    ) -> BIDSEEGfMRI:
        """Download a public data set into `root`.

        Files that are there already are kept, and an interrupted download goes on.
        Checksums are checked where the server has them
        (:func:`~braindecode_bolt.datasets.fetch_s3`).

        Parameters
        ----------
        source : str | tuple of str
            An accession number of OpenNeuro (``"ds003768"``), or the address of
            another public S3 bucket and the folder in it:
            ``("https://s3.amazonaws.com/fcp-indi", "data/Projects/...")``, where
            NATVIEW_EEGFMRI is.
        patterns : sequence of str | None
            Names of the files, as paths in the data set. By default what describes
            the data set, and EEG and fMRI of `subjects`, `sessions` and `tasks`.

        Returns
        -------
        BIDSEEGfMRI
            Itself.

        Raises
        ------
        DownloadError
            If the server cannot be reached, or has no such files.
        ValueError
            If `source` is neither.
        """
        if isinstance(source, str):
            if not re.fullmatch(r"ds\d{6}", source):
                raise ValueError(
                    "source must be an accession number of OpenNeuro such as 'ds003768', "
                    f"or the address of a bucket and a folder in it; got {source!r}."
                )
            source = (_OPENNEURO, source)
        fetch_s3(*source, self.root, self._patterns() if patterns is None else patterns)
        return self

    def _patterns(self) -> list[str]:
        """Say which files of a data set are wanted; ``*`` stands for slashes, too."""
        subjects = [f"sub-{label}" for label in self.subjects or ("*",)]
        sessions = [f"ses-{label}/" for label in self.sessions or ()] or ["", "ses-*/"]
        tasks = [f"_task-{label}_" for label in self.tasks or ()] or ["_"]
        return ["dataset_description.json", "participants.*", "task-*", "README*"] + [
            f"{subject}/{session}{kind}/*{task}*"
            for subject in subjects
            for session in sessions
            for kind in ("eeg", "func")
            for task in tasks
        ]

    def _pairs(self) -> list[tuple[BIDSPath, Path]]:
        """Match EEG files with BOLD files of the same run."""
        eeg, bold = self._find_eeg(), self._find_bold()
        chosen = self._choose({*eeg, *bold})
        both = [key for key in chosen if key in eeg and key in bold]
        for kind, found, others in (("EEG", eeg, bold), ("BOLD", bold, eeg)):
            alone = [_describe(key) for key in chosen if key in found and key not in others]
            if alone:
                logger.warning(
                    "%d runs have %s only and are left out: %s",
                    len(alone),
                    kind,
                    ", ".join(alone),
                )
        if not both:
            raise DataFolderError(
                f"{self.root} holds no run with EEG and BOLD: {len(eeg)} with EEG "
                f"({_some(eeg)}), {len(bold)} with BOLD ({_some(bold)}); expected files "
                "that agree in subject, session, task and run."
            )
        for kind, found in (("EEG", eeg), ("BOLD", bold)):
            several = [key for key in both if len(found[key]) > 1]
            if several:
                names = ", ".join(Path(str(file)).name for file in found[several[0]])
                raise DataFolderError(
                    f"{len(several)} runs have several {kind} files; "
                    f"{_describe(several[0])} has {names}. Choose by the argument bold, a "
                    "pattern of their names, or give eeg_root."
                )
        return [(eeg[key][0], bold[key][0]) for key in both]

    def _find_eeg(self) -> dict[tuple[str, ...], list[BIDSPath]]:
        found = find_matching_paths(
            existing_folder(self.eeg_root or self.root),
            suffixes="eeg",
            datatypes="eeg",
            extensions=list(_EEG_ENDINGS),
            ignore_nosub=True,
        )
        eeg: dict[tuple[str, ...], list[BIDSPath]] = {}
        for path in sorted(found, key=str):
            # MNE finds the other parts of a recording in several files by itself.
            if path.split is None or int(path.split) == 1:
                eeg.setdefault(_key(path.entities), []).append(path)
        return eeg

    def _find_bold(self) -> dict[tuple[str, ...], list[Path]]:
        root = existing_folder(self.derivatives or self.root)
        files = sorted(file for file in root.rglob("sub-*") if _is_bold(file, root))
        for pattern in (self.bold,) if self.bold else _PATTERNS:
            found: dict[tuple[str, ...], list[Path]] = {}
            for file in files:
                if fnmatch.fnmatch(file.name, pattern):
                    entities = get_entities_from_fname(file, on_error="ignore")
                    found.setdefault(_key(entities), []).append(file)
            if found:
                return found
        others = ", ".join(file.name for file in files[:3])
        raise DataFolderError(
            f"{root} holds no BOLD called {self.bold or ' or '.join(_PATTERNS)}; other "
            f"files of BOLD: {others or 'none'}. Images must be preprocessed (fMRIPrep); "
            "give their folder by derivatives, or other names by bold."
        )

    def _choose(self, keys: set[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """Take the runs that were asked for, all of which must be there."""
        wanted = {
            "subjects": self.subjects,
            "sessions": self.sessions,
            "tasks": self.tasks,
            "runs": self.runs,
        }
        chosen = keys
        for position, (name, labels) in enumerate(wanted.items()):
            if labels is None:
                continue
            if isinstance(labels, str):
                raise ValueError(f"{name} must be a list of labels, got {labels!r}.")
            plain = {_plain(re.sub("^(sub|ses|task|run)-", "", str(x))) for x in labels}
            there = sorted({key[position] for key in keys if key[position]})
            unknown = sorted(plain - {*there})
            if unknown:
                raise DataFolderError(
                    f"{self.root} has no {name} {', '.join(unknown)}; it has "
                    f"{', '.join(there) or 'none'}."
                )
            chosen = {key for key in chosen if key[position] in plain}
        return sorted(chosen)

    def _open(self, eeg: BIDSPath, bold: Path, sites: Mapping[str, str]) -> Recording:
        raw = _read_eeg(eeg)
        rois = region_names(self.rois)
        table, tr = self._region_series(bold, rois)
        # Unknown for a table that says which volumes its rows are.
        expected = table.attrs.get("n_volumes")
        options = {
            "marker": self.marker,
            "tr": tr,
            "dummy_volumes": self.dummy_volumes,
            "n_volumes": expected,
            **self.marker_options,
        }
        raw = _with_markers(raw, eeg, self.marker)
        volumes = find_volume_markers(raw, **options)
        raw = attach_bold(volumes.annotate(raw), table, volumes.marker, table.index)
        entities = {
            key: value
            for key, value in eeg.entities.items()
            if key in ("subject", "session", "task", "run")
        }
        return Recording(raw, **entities, site=sites.get(entities["subject"]))

    def _region_series(
        self, bold: Path, rois: list[str] | None
    ) -> tuple[pd.DataFrame, float | None]:
        """Read or extract the region series, with the repetition time if it is known."""
        if bold.suffix in _TABLES:
            return read_table(bold, rois), self.tr
        # The paper's regions have it; it costs little beside the others.
        wanted = set(rois or ()) & set(GLOBAL_SIGNALS)
        # Regions that were not asked for may lie outside the image.
        missing = "raise" if rois is None else "nan"
        options = {"global_signal": bool(wanted), "missing": missing, **self.extraction}
        extraction = RegionExtraction(
            self.atlas, self.confounds, options, self.tr, self.cache_dir
        )
        table = extraction(bold)
        chosen = choose_regions(table, rois, bold.name)
        chosen.attrs = table.attrs
        check_bold(chosen, bold.name)
        return chosen, table.attrs["tr"]


def _read_eeg(path: BIDSPath) -> mne.io.BaseRaw:
    """Read EEG with its sidecar files; what mne-bids warns about is logged."""
    for beside in path.fpath.parent.glob(f"{path.fpath.stem}.*"):
        check_link(beside)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            raw = read_raw_bids(path, verbose="error")
        except (MemoryError, FileNotFoundError):
            raise
        except Exception as error:  # As MNE's readers, in many ways.
            raise DataFolderError(
                f"mne-bids cannot read it ({type(error).__name__}: {error}); expected an "
                "intact EEG file whose channels are those of channels.tsv"
            ) from error
    for text in dict.fromkeys(str(warning.message) for warning in said):
        logger.info("%s: %s", path.fpath.name, text)
    return raw


def _with_markers(raw: mne.io.BaseRaw, path: BIDSPath, marker: str | None):
    """Take the EEG file's own annotations where events.tsv has no volume markers.

    mne-bids puts events.tsv in their place.
    """
    try:
        find_markers(raw, marker)
    except MarkerError:
        with_own = with_annotations(raw, read_eeg(path.fpath).annotations)
        try:
            find_markers(with_own, marker)
        except MarkerError:
            # In a stimulus channel, perhaps; else the error is about these.
            return raw
        logger.info("%s: volume markers from the EEG file", path.fpath.name)
        return with_own
    return raw


def _is_bold(file: Path, root: Path) -> bool:
    """Whether this is a table or an image of BOLD, and not of something hidden."""
    parts = file.relative_to(root).parts
    hidden = any(part.startswith(".") or part == "sourcedata" for part in parts)
    kind = file.name.split(".")[0].rsplit("_", 1)[-1] in ("bold", "timeseries")
    ending = file.name.endswith(_IMAGES + _TABLES)
    return kind and ending and not hidden and "desc-confounds" not in file.name


def _key(entities: Mapping[str, str | None]) -> tuple[str, ...]:
    """Subject, session, task and run, whatever zeros are in front."""
    return tuple(
        _plain(entities.get(name)) for name in ("subject", "session", "task", "run")
    )


def _plain(label: str | None) -> str:
    return (label or "").lstrip("0") or ("0" if label else "")


def _describe(key: tuple[str, ...]) -> str:
    named = zip(("sub", "ses", "task", "run"), key, strict=True)
    return "_".join(f"{name}-{label}" for name, label in named if label)


def _some(keys: Mapping[tuple, object]) -> str:
    described = [_describe(key) for key in list(keys)[:3]]
    return ", ".join(described) + (", ..." if len(keys) > 3 else "") if keys else "none"
