"""BIDS data sets with EEG and BOLD of the same runs."""

from __future__ import annotations

import fnmatch
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from .._text import counted, listed
from ..bold.regions import GLOBAL_SIGNALS
from ..markers import MarkerOptions
from ..recording import Recording, check_bold, pair_bold
from ._base import MarkedEEG, naming_bold, open_all
from ._bids_eeg import find_bids_eeg, read_bids_eeg
from ._bids_runs import Run, run_of, without_pairs, without_zeros, written_run
from ._choosing import choose_regions, region_names
from ._download import fetch_s3
from ._files import DataFolderError, existing_folder
from ._participants import read_sites
from ._regions import RegionExtraction
from ._repetition import in_header, in_sidecars
from ._tables import read_table

__all__ = ["BIDSEEGfMRI"]

logger = logging.getLogger(__name__)

_IMAGES = (".nii", ".nii.gz")
_TABLES = (".tsv", ".csv")
#: What BOLD files are called, in the order in which they are looked for.
_PATTERNS = ("*_timeseries.tsv", "*_bold.tsv", "*_desc-preproc_bold.nii*")
_OPENNEURO = "https://s3.amazonaws.com/openneuro.org"


@dataclass
class BIDSEEGfMRI(MarkedEEG):
    """EEG and BOLD of the same subject, session, task and run in a BIDS data set.

    The EEG is read by mne-bids, with the channel types and bad channels of
    ``channels.tsv``. BOLD comes as tables of region series or as preprocessed
    images, from which the series are extracted
    (:func:`~braindecode_bolt.bold.extract_regions`). Volume markers come from
    ``events.tsv`` or from the EEG file itself, and are corrected by
    :func:`~braindecode_bolt.find_volume_markers`. The repetition time is, unless `tr` is
    given, the ``RepetitionTime`` of the BOLD's sidecar, or that of the images' header, or
    what the markers show. Sites come from the column ``site`` of ``participants.tsv``, if
    there is one.

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
        (``*_timeseries.tsv``, ``*_bold.tsv``) or fMRIPrep's images: of these
        three, the first that most of the runs with EEG have.
    eeg : str | None
        Pattern of the names of the EEG files, such as ``"*_acq-clean_eeg.set"``,
        where a run has several. By default all files of EEG.
    eeg_root : str | Path | None
        The BIDS folder that holds the EEG, where it is not `root`: a derivative
        without gradient and pulse artifacts, for example. Default None.
    subjects, sessions, tasks, runs : sequence of str | None
        Labels to use; all by default.
    atlas : object
        Regions to extract from images; see
        :func:`~braindecode_bolt.bold.extract_regions`. Default ``"difumo64"``.
    confounds : "fmriprep" | mapping | str | None
        What to regress out of images: six motion parameters from fMRIPrep's
        confounds (default); a mapping of arguments of nilearn's loader for
        more; the pattern of a motion file's name, such as
        ``"*_motion.1D"``, which must be of the same run; None for nothing.
    extraction : mapping
        Further arguments of :func:`~braindecode_bolt.bold.extract_regions`. None by
        default.
    rois : "paper" | sequence of str | None
        Regions to use, in this order: the seven of the paper, or names. All by
        default. A global signal is computed from images if it is named here.
    cache_dir : str | Path | None
        Folder to keep the series extracted from images in. By default they are
        extracted at each :meth:`load`.
    %(marker_options)s

    See Also
    --------
    EEGfMRIFolder : A folder that is not BIDS.
    open_dataset : Says itself what a folder holds.

    Notes
    -----
    *OpenNeuro ds003768* (Gu et al.; rest and sleep): markers ``R128``, TR 2.1 s.
    The EEG is as recorded: gradient and pulse artifacts must be removed first;
    give the corrected files as `eeg_root`. The images are raw: preprocess them
    and give the output as `derivatives`.

    *NATVIEW_EEGFMRI* (Telesford et al. 2023): markers ``R128``, TR 2.1 s; two
    sessions, several tasks. Runs differ in their number of volumes (288 to
    290), and in one run all markers are written twice
    (:func:`~braindecode_bolt.find_volume_markers` corrects that). Movies begin and
    end with their own markers; rest is the task ``rest``.

    Neither was available during development. The class was tested on files of the same
    formats.

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
    eeg: str | None = None
    eeg_root: str | Path | None = None
    subjects: Sequence[str] | None = None
    sessions: Sequence[str] | None = None
    tasks: Sequence[str] | None = None
    runs: Sequence[str] | None = None
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
            cannot be used; all problems are listed.
        UnknownRegionError
            If a recording lacks one of `rois`.
        ValueError
            If an argument has an invalid value.
        """
        rois, options = region_names(self.rois), self.marker_options
        sites = read_sites(self.root)
        runs = self._runs()
        return open_all(
            {eeg.name: (run, eeg, bold) for run, (eeg, bold) in runs.items()},
            lambda files: self._open(*files, rois, options, sites),
            self.root,
            {eeg.name: _needed(eeg, bold) for eeg, bold in runs.values()},
        )

    def download(
        self, source: str | tuple[str, str], patterns: Sequence[str] | None = None
    ) -> BIDSEEGfMRI:
        """Download a public data set into `root`.

        Complete files are kept, so that an interrupted download resumes.
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
            Names of the files, as paths in the data set. By default the files that
            describe the data set, and EEG and fMRI of `subjects`, `sessions` and `tasks`.

        Returns
        -------
        BIDSEEGfMRI
            Itself.

        Raises
        ------
        DownloadError
            If the server cannot be reached, has no such files, or they cannot be
            written.
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

    def _runs(self) -> dict[Run, tuple[Path, Path]]:
        """Match EEG files with BOLD files of the same run."""
        eeg = find_bids_eeg(self.eeg_root or self.root, self.eeg)
        images_and_tables = self._find_bold()
        chosen = self._choose({*eeg, *images_and_tables})
        bold = self._choose_bold(images_and_tables, [run for run in chosen if run in eeg])
        both = [run for run in chosen if run in eeg and bold.get(run)]
        if not both:
            text = without_pairs(self.eeg_root or self.root, eeg, images_and_tables)
            raise DataFolderError(text)
        for kind, found, others in (
            ("EEG", eeg, bold),
            ("BOLD", images_and_tables, eeg),
        ):
            alone = [
                written_run(found[run][0])
                for run in chosen
                if run in found and run not in others
            ]
            if alone:
                logger.warning(
                    "%s with %s only left out: %s",
                    counted(len(alone), "run"),
                    kind,
                    listed(alone, 20),
                )
        for kind, found in (("eeg", eeg), ("bold", bold)):
            several = [run for run in both if len(found[run]) > 1]
            if several:
                files = found[several[0]]
                ending = "_".join(files[0].name.split("_")[-2:])
                raise DataFolderError(
                    f"{counted(len(several), 'run')} of {len(both)} with several files of "
                    f"{kind.upper()}: {several[0]} has "
                    f"{listed(file.name for file in files)}. Choose by a pattern of their "
                    f"names, as {kind}='*_{ending}'."
                )
        return {run: (eeg[run][0], bold[run][0]) for run in both}

    def _find_bold(self) -> dict[Run, list[Path]]:
        """Find all files of BOLD that have one of the names looked for."""
        root = existing_folder(self.derivatives or self.root)
        files = sorted(file for file in root.rglob("sub-*") if _is_bold(file, root))
        found: dict[Run, list[Path]] = {}
        patterns = (self.bold,) if self.bold else _PATTERNS
        for file in files:
            if any(fnmatch.fnmatch(file.name, pattern) for pattern in patterns):
                found.setdefault(run_of(file), []).append(file)
        if not found:
            others = listed((file.name for file in files), 3) or "none"
            raise DataFolderError(
                f"{root} holds no BOLD called {self.bold or ' or '.join(_PATTERNS)}; other "
                f"files of BOLD: {others}. Images must "
                "be preprocessed (fMRIPrep); give their folder by derivatives, or other "
                "names by bold."
            )
        return found

    def _choose_bold(
        self, found: Mapping[Run, list[Path]], with_eeg: Sequence[Run]
    ) -> dict[Run, list[Path]]:
        """Take BOLD of one kind: series of different origin should not be mixed."""
        if self.bold:
            return dict(found)
        kinds = {
            pattern: {
                run: kept
                for run, files in found.items()
                if (kept := [f for f in files if fnmatch.fnmatch(f.name, pattern)])
            }
            for pattern in _PATTERNS
        }
        useful = {
            pattern: sum(run in runs for run in with_eeg) for pattern, runs in kinds.items()
        }
        # The first of those that serve as many runs.
        best = max(useful, key=useful.get)
        without = [run for run in with_eeg if run in found and run not in kinds[best]]
        other = [
            run for run in with_eeg if run in kinds[best] and found[run] != kinds[best][run]
        ]
        if without or other:
            log = logger.warning if without else logger.info
            log(
                "The BOLD is read from %s, which %d of %d runs with EEG have; other files "
                "of BOLD are not used (choose by bold)%s",
                best,
                useful[best],
                len(with_eeg),
                f", so that these are left out: {listed(without, 20)}" if without else "",
            )
        # What has EEG and only another kind of BOLD was named above.
        return kinds[best] | {run: [] for run in without}

    def _choose(self, runs: set[Run]) -> list[Run]:
        """Take the runs that were asked for, all of which must be there."""
        chosen = runs
        for name in ("subjects", "sessions", "tasks", "runs"):
            labels, entity = getattr(self, name), name.removesuffix("s")
            if labels is None:
                continue
            if isinstance(labels, str):
                raise ValueError(f"{name} must be a list of labels, got {labels!r}.")
            plain = {
                without_zeros(re.sub("^(sub|ses|task|run)-", "", str(x))) for x in labels
            }
            there = sorted({getattr(run, entity) for run in runs} - {""})
            unknown = sorted(plain - {*there})
            if unknown:
                raise DataFolderError(
                    f"{self.root} has no {name} {', '.join(unknown)}; it has "
                    f"{listed(there, 100) or 'none'}."
                )
            chosen = {run for run in chosen if getattr(run, entity) in plain}
        return sorted(chosen)

    def _open(
        self,
        run: Run,
        eeg: Path,
        bold: Path,
        rois: list[str] | None,
        options: MarkerOptions,
        sites: Mapping[str, str],
    ) -> Recording:
        raw, entities, events, own = read_bids_eeg(eeg)
        said = in_sidecars(_sidecars(bold, run, Path(self.root).expanduser()))
        if bold.suffix in _TABLES:
            table = read_table(bold, rois)
        else:
            said |= in_header(bold)
            tr = self.tr if self.tr is not None else next(iter(said.values()), None)
            table = self._extract(bold, rois, tr)
        with naming_bold(bold, table):
            raw = pair_bold(
                raw,
                table,
                options,
                table=events,
                file_annotations=own,
                repetition_times=said,
            )
        return Recording(raw, **entities, site=sites.get(entities["subject"]))

    def _extract(
        self, bold: Path, rois: list[str] | None, tr: float | None
    ) -> pd.DataFrame:
        """Extract the region series of an image, and choose the regions."""
        # The paper's regions have it, and it costs little.
        wanted = set(rois or ()) & set(GLOBAL_SIGNALS)
        # Regions that were not asked for may lie outside the image.
        missing = "raise" if rois is None else "nan"
        options = {"global_signal": bool(wanted), "missing": missing, "verbose": 0}
        options |= self.extraction
        extraction = RegionExtraction(
            self.atlas, self.confounds, options, tr, self.cache_dir
        )
        table = extraction(bold)
        chosen = choose_regions(table, rois, bold.name)
        chosen.attrs = table.attrs
        check_bold(chosen, bold.name)
        return chosen


def _is_bold(file: Path, root: Path) -> bool:
    """Whether this is a table or an image of BOLD, and not of something hidden."""
    parts = file.relative_to(root).parts
    hidden = any(part.startswith(".") or part == "sourcedata" for part in parts)
    kind = file.name.split(".")[0].rsplit("_", 1)[-1] in ("bold", "timeseries")
    ending = file.name.endswith(_IMAGES + _TABLES)
    return kind and ending and not hidden and "desc-confounds" not in file.name


def _sidecars(bold: Path, run: Run, root: Path) -> list[Path]:
    """List JSON files that may apply to a BOLD file, the nearest first."""
    own = bold.with_name(f"{bold.name.split('.')[0]}.json")
    beside = sorted(bold.parent.glob("*_bold.json"))
    raw = sorted(root.glob("sub-*/**/func/*_bold.json")) + sorted(root.glob("*_bold.json"))
    inherited = [f for f in (*beside, *raw) if run_of(f).applies_to(run)]
    inherited.sort(key=lambda file: -len(file.name.split("_")))
    return [own, *inherited]


def _needed(eeg: Path, bold: Path) -> list[Path]:
    """List the files of a run, sidecars included."""
    stem = eeg.name.split(".")[0].removesuffix("_eeg")
    run = bold.name.split("_space-")[0].split("_desc-")[0].split("_bold")[0]
    beside = [f for f in eeg.parent.iterdir() if f.name.startswith(f"{stem}_")]
    near = (f"{run}_desc-confounds", f"{bold.name.split('.')[0]}.")
    return beside + [f for f in bold.parent.iterdir() if f.name.startswith(near)]
