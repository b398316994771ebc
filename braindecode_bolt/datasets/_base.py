"""What all data sets of EEG-fMRI have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tqdm import tqdm

from ..recording import Recording
from ._choosing import UnknownRegionError
from ._files import DataFolderError, named

if TYPE_CHECKING:
    from braindecode.datasets import BaseConcatDataset
    from moabb.datasets.base import BaseDataset

__all__ = ["EEGfMRIDataset", "open_all"]

T = TypeVar("T")


class EEGfMRIDataset(ABC):
    """Recordings of simultaneous EEG and fMRI, opened when they are asked for.

    A data set says where recordings come from and how to read them:
    :meth:`load` opens them, the EEG stays on disk until it is needed. The other
    methods hand the same recordings to braindecode and to MOABB.
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
        """Give the recordings as braindecode holds them.

        Returns
        -------
        braindecode.datasets.BaseConcatDataset
            Of one ``RawDataset`` per recording, with subject, session, run and
            task as description. It goes through braindecode's ``preprocess``
            and back into :func:`~braindecode_bolt.create_bold_windows`: the
            BOLD travels in the annotations.
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
        """Give the recordings as MOABB holds them.

        MOABB knows no regression, so that its paradigms cannot predict BOLD; this is
        for its way to hold raw data. braindecode's ``MOABBDataset`` replaces the
        annotations of what it reads, and the BOLD goes with them: use
        :meth:`to_braindecode` there.

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


def open_all(
    items: Mapping[str, T],
    open_one: Callable[[T], Recording],
    folder: str | Path,
    layout: str = "",
) -> list[Recording]:
    """Open recordings one after the other, and report all that cannot be used.

    Parameters
    ----------
    items : mapping of str to object
        What `open_one` takes, by what it is called in messages.
    open_one : callable
        Opens a recording, or raises ValueError or FileNotFoundError.
    folder : str | Path
        Where they are, for the message.
    layout : str
        What was expected, for the message.

    Returns
    -------
    list of Recording

    Raises
    ------
    DataFolderError
        If some cannot be opened; all are listed.
    UnknownRegionError
        If one lacks a region that was asked for: then they all do.
    """
    recordings, complaints = [], []
    for name, item in tqdm(items.items(), "Opening", leave=False, disable=None):
        try:
            recordings.append(open_one(item))
        except UnknownRegionError:
            raise
        except (ValueError, FileNotFoundError) as error:
            complaints.append(named(error, name))
    if complaints:
        listed = "\n".join(f"- {complaint}" for complaint in complaints)
        raise DataFolderError(
            f"{len(complaints)} of {len(items)} recordings in {folder} cannot be used:\n"
            f"{listed}" + (f"\n\n{layout}" if layout else "")
        )
    return recordings
