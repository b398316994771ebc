"""What all data sets of EEG-fMRI have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
from tqdm import tqdm

from .._text import fill_docstring, listed
from ..bold.atlases import AtlasError
from ..markers import MarkerError, MarkerOptions
from ..recording import Recording
from ._choosing import UnknownRegionError
from ._files import DataFolderError, check_content
from ._names import check_labels
from ._reading import crashing_sets
from ._same_eeg import check_same_eeg

if TYPE_CHECKING:
    from braindecode.datasets import BaseConcatDataset
    from moabb.datasets.base import BaseDataset

__all__ = ["EEGfMRIDataset", "MarkedEEG", "naming_bold", "open_all"]

T = TypeVar("T")


class EEGfMRIDataset(ABC):
    """Recordings of simultaneous EEG and fMRI.

    :meth:`load` opens the recordings; the EEG stays on disk until it is needed. The
    other methods convert the same recordings for braindecode and MOABB. A data set of
    your own is a class that has :meth:`load`.

    Examples
    --------
    >>> from braindecode_bolt.datasets import EEGfMRIDataset, SimulatedEEGfMRI
    >>> class OneOfMany(EEGfMRIDataset):
    ...     def load(self):
    ...         return SimulatedEEGfMRI(n_subjects=2, duration=60.0).load()[:1]
    >>> OneOfMany().to_braindecode().description["subject"].tolist()
    ['01']
    """

    @abstractmethod
    def load(self) -> list[Recording]:
        """Open all recordings.

        Returns
        -------
        list of Recording
            With one annotation per volume, which carries the volume's BOLD.
        """

    def to_braindecode(self) -> BaseConcatDataset:
        """Convert the recordings to a braindecode data set.

        Returns
        -------
        braindecode.datasets.BaseConcatDataset
            Of one ``RawDataset`` per recording, with subject, session, task, run and
            site, as far as they are known, as description. It goes through
            braindecode's ``preprocess`` and back into
            :func:`~braindecode_bolt.create_bold_windows`: the BOLD is kept in the
            annotations.
        """
        from braindecode.datasets import BaseConcatDataset, RawDataset

        recordings = self.load()
        sites = [{"site": r.site} if r.site else {} for r in recordings]
        return BaseConcatDataset(
            [
                RawDataset(r.raw, r.entities | site)
                for r, site in zip(recordings, sites, strict=True)
            ]
        )

    def to_moabb(self) -> BaseDataset:
        """Convert the recordings to a MOABB data set.

        MOABB has no paradigm for regression, so it cannot predict BOLD; it can only hold
        the raw data. braindecode's ``MOABBDataset`` replaces the annotations, and so
        loses the BOLD: use :meth:`to_braindecode` instead.

        Returns
        -------
        moabb.datasets.base.BaseDataset
            Subjects count from 1 (``subject_labels`` has their labels); volume
            markers are its only event. ``get_data()`` reads and gives
            ``{subject: {session: {run: raw}}}``, the BOLD in the annotations'
            extras.

        Raises
        ------
        MarkerError
            If the volumes are called differently in different recordings.
        """
        from ._moabb import MOABBEEGfMRI

        return MOABBEEGfMRI(type(self).__name__, self.load())


#: What ``%(marker_options)s`` stands for in the docstring of a data set.
_MARKER_OPTIONS = """\
marker : str | int | sequence of str | None
    Description of the annotations that mark volumes, several that mark them together,
    or an event code of a stimulus channel. By default the usual ones are tried. This
    and all that follow are given by keyword, and are described in full in
    :class:`~braindecode_bolt.markers.MarkerOptions`.
tr : float | None
    Repetition time in seconds. By default what the files say, or else what the markers
    show.
dummy_volumes : int
    How many volumes at the beginning have markers but no row of BOLD. Default 0.
n_slices : int | None
    Markers per volume. By default they are counted, if `tr` is known.
volumes_per_marker : int
    Volumes per marker, where only every n-th volume has one. Default 1.
missing : {"raise", "fill"}
    Whether markers missing inside the run are an error (default) or are put on the
    regular grid.
extra : {"raise", "drop_last"}
    Whether more volumes than rows of BOLD are an error (default), or those after the
    last row are dropped.
segment : int | {"longest"} | None
    Which part to use if the rhythm of the volumes is broken, counted from 0. By
    default a break is an error.
stim_channel : str | None
    Look for the markers in this channel. By default in the annotations first, then in
    all stimulus channels.
tolerance : float | None
    Largest distance of a marker from the regular grid, in seconds. By default 5 ms or
    3 samples, whichever is longer.
markers_from : {"eeg", "table"} | None
    Which markers to use if the EEG and a table beside it give other times. By default
    this is an error.
uncovered : {"raise", "drop", "drop_first", "drop_last"}
    Whether rows of BOLD without a marker are an error (default), or are left out because
    the EEG began after or ended before the fMRI.
"""


@dataclass(kw_only=True)
class MarkedEEG(EEGfMRIDataset):
    """Recordings from files whose EEG has volume markers."""

    marker: str | int | Sequence[str] | None = None
    tr: float | None = None
    dummy_volumes: int = 0
    n_slices: int | None = None
    volumes_per_marker: int = 1
    missing: str = "raise"
    extra: str = "raise"
    segment: int | str | None = None
    stim_channel: str | None = None
    tolerance: float | None = None
    markers_from: str | None = None
    uncovered: str = "raise"

    def __init_subclass__(cls, **kwargs: Any):
        if cls.__doc__ is not None:
            cls.__doc__ = fill_docstring(cls.__doc__, {"marker_options": _MARKER_OPTIONS})
        super().__init_subclass__(**kwargs)

    @property
    def marker_options(self) -> MarkerOptions:
        """How the volume markers are found, all in one."""
        names = [field.name for field in fields(MarkerOptions)]
        return MarkerOptions(**{name: getattr(self, name) for name in names})


@contextmanager
def naming_bold(file: Path, bold: pd.DataFrame) -> Iterator[None]:
    """Name the file that the number of volumes comes from, if it does not fit."""
    try:
        yield
    except MarkerError as error:
        n_rows = bold.attrs.get("n_volumes", len(bold))
        rows = f"{n_rows}, the volumes of {file.name}"
        text = re.sub(
            rf"n_volumes={n_rows}, the number that the BOLD has|\bn_volumes={n_rows}\b",
            lambda _: rows,
            str(error),
        )
        raise MarkerError(text) from None


def open_all(
    items: Mapping[str, T],
    open_one: Callable[[T], Recording],
    folder: str | Path,
    files: Mapping[str, Iterable[Path]],
) -> list[Recording]:
    """Open recordings one after the other, and report all that cannot be used.

    Parameters
    ----------
    items : mapping of str to object
        What `open_one` takes, by what it is called in messages.
    open_one : callable
        Opens a recording, or raises ValueError or OSError.
    folder : str | Path
        Where they are, for the message.
    files : mapping of str to iterable of Path
        The files that each of them needs.

    Returns
    -------
    list of Recording

    Raises
    ------
    DataFolderError
        If some cannot be opened, all of which are listed; or files are links
        without content; or two recordings are the same.
    UnknownRegionError
        If a recording lacks one of the regions to use.
    AtlasError
        If the atlas of the regions cannot be fetched.
    """
    needed = {file for several in files.values() for file in several}
    check_content(needed, folder)
    crashing = crashing_sets(needed)
    recordings: dict[str, Recording] = {}
    complaints: dict[str, list[str]] = {}
    for name, item in tqdm(items.items(), "Opening", leave=False, disable=None):
        try:
            damaged = crashing & set(files[name])
            if damaged:
                raise DataFolderError(
                    f"{damaged.pop().name} is damaged: reading it would crash Python, or "
                    "take very long or too much memory. Copy or export it again"
                )
            recordings[name] = open_one(item)
        except (UnknownRegionError, AtlasError):  # Not of this recording alone.
            raise
        except (ValueError, OSError) as error:
            complaints.setdefault(str(error).removeprefix(f"{name}: "), []).append(name)
    if complaints:
        lines = [
            cause if cause.startswith(names[0]) else f"{listed(names)}: {cause}"
            for cause, names in complaints.items()
        ]
        failed = len(items) - len(recordings)
        if len(items) == 1:
            raise DataFolderError(f"The recording in {folder} cannot be used: {lines[0]}")
        raise DataFolderError(
            f"{failed} of {len(items)} recordings in {folder} cannot be used:\n- "
            + "\n- ".join(lines),
            recordings=list(recordings.values()),
            problems={name: cause for cause, names in complaints.items() for name in names},
        )
    check_labels(recording.subject for recording in recordings.values())
    check_same_eeg(recordings)
    return list(recordings.values())
