"""Recordings as a MOABB data set."""

from __future__ import annotations

import re

import mne
import numpy as np
from moabb.datasets.base import BaseDataset

from ..markers.annotations import MarkerError
from ..recording import Recording

__all__ = ["MOABBEEGfMRI"]


class MOABBEEGfMRI(BaseDataset):
    """Recordings as MOABB holds them.

    Parameters
    ----------
    name : str
        Name of the data set they come from.
    recordings : list of Recording
        Opened, not necessarily read.

    Attributes
    ----------
    subject_labels : dict of int to str
        Label of each of MOABB's subject numbers.
    """

    def __init__(self, name: str, recordings: list[Recording]):
        labels = list(dict.fromkeys(recording.subject for recording in recordings))
        self.subject_labels = dict(enumerate(labels, start=1))
        self._recordings = recordings
        sessions = [
            len({r.session for r in recordings if r.subject == label}) for label in labels
        ]
        super().__init__(
            subjects=list(self.subject_labels),
            sessions_per_subject=min(sessions),
            events={_volume_description(recordings): 1},
            # MOABB wants the class's name to abbreviate it: no further capitals.
            code=f"MOABBEEGfMRI-{name.lower()}",
            # Volumes are moments: a length would reach beyond the end of the EEG.
            interval=[0.0, 0.0],
            # The one kind of data set that asks nothing of the events.
            paradigm="rstate",
        )

    def _get_single_subject_data(
        self, subject: int
    ) -> dict[str, dict[str, mne.io.BaseRaw]]:
        """Read the recordings of a subject, by session and run."""
        mine = [r for r in self._recordings if r.subject == self.subject_labels[subject]]
        sessions = list(dict.fromkeys(recording.session for recording in mine))
        data: dict[str, dict[str, mne.io.BaseRaw]] = {}
        for recording in mine:
            number = sessions.index(recording.session)
            runs = data.setdefault(_name(number, ses=recording.session), {})
            run = _name(len(runs), task=recording.task, run=recording.run)
            # A copy, since MOABB writes annotations into what it is given.
            runs[run] = recording.raw.copy()
        return data

    def data_path(
        self,
        subject: int,
        path: str | None = None,
        force_update: bool = False,
        update_path: bool | None = None,
        verbose: bool | str | None = None,
    ) -> list[str]:
        """List the files of a subject; they are where the data set found them."""
        label = self.subject_labels[subject]
        mine = [r.raw for r in self._recordings if r.subject == label]
        return [str(file) for raw in mine for file in raw.filenames if file]


def _name(position: int, **entities: str | None) -> str:
    """Name a session or run as MOABB wants it: a number, then letters and digits."""
    known = "".join(f"{key}{value}" for key, value in entities.items() if value)
    return f"{position}{re.sub(r'[^A-Za-z0-9]', '', known)}"


def _volume_description(recordings: list[Recording]) -> str:
    """Find what the volume markers of all recordings are called."""
    found: set[str] = set()
    for recording in recordings:
        described = recording.raw.annotations.description
        found |= set(np.unique(described[recording.volume_annotations()]).tolist())
    if len(found) != 1:
        raise MarkerError(
            f"The volume markers of these recordings have the descriptions "
            f"{', '.join(sorted(found)) or 'none'}; MOABB needs one. Rename them "
            "(mne.Annotations.rename)."
        )
    return found.pop()
