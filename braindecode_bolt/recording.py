"""A recording: EEG whose volume markers carry the BOLD of each volume."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import mne
import numpy as np
import pandas as pd

from ._text import counted
from .markers import MarkerError, joint_samples
from .markers.annotations import onset_samples
from .markers.carried import (
    TABLES,
    attach_bold,
    carry,
    check_bold,
    read_tables,
    volume_annotations,
)
from .markers.pairing import pair_bold
from .markers.timing import repetition_time

__all__ = [
    "ENTITIES",
    "TABLES",
    "MarkerError",
    "Recording",
    "attach_bold",
    "check_bold",
    "onset_samples",
    "pair_bold",
]

logger = logging.getLogger(__name__)

#: What tells recordings apart: the columns of metadata and tables of scores.
ENTITIES = ("subject", "session", "run", "task", "site")
#: Those that names of files have, in the order and with the short names of BIDS.
BIDS_NAMES = {"subject": "sub", "session": "ses", "task": "task", "run": "run"}


@dataclass(frozen=True, repr=False)
class Recording:
    """One run of simultaneous EEG and fMRI.

    The BOLD of a volume is stored in the ``extras`` of the volume's annotation. There
    it survives what MNE and braindecode do to a Raw object: saving, cropping,
    resampling, concatenating.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG, in volts, with one annotation per volume
        (:func:`attach_bold` puts the BOLD there).
    subject : str
        Label of the subject.
    session : str | None
        The session, where there are several. Default None.
    run : str | None
        The run, where there are several. Default None.
    task : str | None
        The task (``"rest"``). Default None.
    site : str | None
        Where it was recorded, in studies of several sites. Default None. Not part of
        `name` and `entities`, since BIDS file names do not have it.

    Attributes
    ----------
    bold : pandas.DataFrame, shape (n_volumes, n_rois)
        BOLD per volume and region, indexed by volume (counted from 0 as
        recorded).

    See Also
    --------
    attach_bold : Writes BOLD into the volume markers of a Raw object.
    create_bold_windows : Makes windows of recordings.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recording = SimulatedEEGfMRI(1, duration=60.0).load()[0]
    >>> recording
    <Recording sub-01_task-simulated: 10 channels, 60 s at 200 Hz, 28 volumes x 7 regions>
    >>> round(recording.repetition_time, 3)
    2.1
    """

    raw: mne.io.BaseRaw
    subject: str
    session: str | None = None
    run: str | None = None
    task: str | None = None
    site: str | None = None

    @property
    def name(self) -> str:
        """The recording's name in BIDS entities, ``sub-01_run-2``."""
        return "_".join(f"{BIDS_NAMES[k]}-{v}" for k, v in self.entities.items())

    @property
    def entities(self) -> dict[str, str]:
        """Subject, session, task and run, as far as they are known."""
        named = {key: getattr(self, key) for key in BIDS_NAMES}
        return {key: value for key, value in named.items() if value}

    @property
    def repetition_time(self) -> float:
        """Time between volume markers in seconds; NaN with fewer than two volumes."""
        index = self.volume_annotations()
        return repetition_time(self.raw.annotations.onset[index], self._numbers(index))

    @property
    def joints(self) -> np.ndarray:
        """First sample after each joint (:func:`.markers.joint_samples`)."""
        return joint_samples(self.raw)

    @property
    def bold(self) -> pd.DataFrame:
        """BOLD per volume and region, shape (n_volumes, n_rois), indexed by volume."""
        return self.table("bold")

    @property
    def ceiling(self) -> pd.DataFrame:
        """Best R that any model can reach, per region, where it is known.

        Columns ``full`` and ``window``: Pearson R of the recorded BOLD with
        the BOLD before noise was added, made from the whole haemodynamic
        response and from its part inside the window. Empty for real data.
        After :func:`~braindecode_bolt.prepare_bold`, all are filtered in the same way.
        """
        tables = self.tables()
        kinds = {"full": "noiseless", "window": "noiseless_window"}
        found = {name: tables[kind] for name, kind in kinds.items() if kind in tables}
        return pd.DataFrame({k: tables["bold"].corrwith(v) for k, v in found.items()})

    def tables(self, marker: str | None = None) -> dict[str, pd.DataFrame]:
        """Read all tables that the volume markers carry, at once.

        Parameters
        ----------
        marker : str | None
            Only annotations of this description. By default all that carry
            BOLD.

        Returns
        -------
        dict of str to pandas.DataFrame, shape (n_volumes, n_rois)
            Those of ``bold``, ``noiseless`` and ``noiseless_window`` that are there,
            indexed by volume.
        """
        return read_tables(self.raw.annotations, marker)

    def table(self, kind: str) -> pd.DataFrame:
        """Read one of the tables that the volume markers carry.

        Parameters
        ----------
        kind : {"bold", "noiseless", "noiseless_window"}
            The BOLD itself or, where it was simulated, the BOLD before noise
            was added, from the whole response and from its part inside the
            window.

        Returns
        -------
        pandas.DataFrame, shape (n_volumes, n_rois)
            Indexed by volume. Without columns where the recording holds no
            such table.
        """
        found = self.tables().get(kind)
        if found is None:
            volumes = self._numbers(self.volume_annotations())
            return pd.DataFrame(index=pd.Index(volumes, name="volume"), dtype=float)
        return found

    def volume_annotations(self, marker: str | None = None) -> np.ndarray:
        """Positions of the volumes' annotations in ``raw.annotations``.

        Parameters
        ----------
        marker : str | None
            As for :meth:`tables`.

        Returns
        -------
        ndarray of int, shape (n_volumes,)
            In the order of time.
        """
        return volume_annotations(self.raw.annotations, marker)

    def _numbers(self, positions: np.ndarray) -> np.ndarray:
        """Numbers of the volumes whose annotations are at these positions."""
        extras = self.raw.annotations.extras
        return np.array([extras[i]["volume"] for i in positions], dtype=int)

    def marker_samples(self, marker: str | None = None) -> np.ndarray:
        """Sample of each volume marker, counted from the first of the data.

        Parameters
        ----------
        marker : str | None
            As for :meth:`tables`.

        Returns
        -------
        ndarray of int, shape (n_volumes,)
            As columns of ``raw.get_data()`` are counted.
        """
        index = self.volume_annotations(marker)
        return onset_samples(self.raw, self.raw.annotations.onset[index])

    def with_tables(self, tables: Mapping[str, pd.DataFrame]) -> Recording:
        """Copy the recording, with other values in the volume markers.

        Parameters
        ----------
        tables : mapping of str to pandas.DataFrame, shape (n_volumes, n_rois)
            New tables by kind (:data:`TABLES`), rows as in :attr:`bold`.

        Returns
        -------
        Recording
            A copy; EEG that is not loaded stays in its file.

        Raises
        ------
        ValueError
            If a table has another number of rows than there are volumes, or is of no
            known kind.
        """
        positions = self.volume_annotations()
        for kind, table in tables.items():
            if kind not in TABLES or len(table) != len(positions):
                raise ValueError(
                    f"{self.name}: the table {kind!r} has {counted(len(table), 'row')}; "
                    f"expected one of {', '.join(TABLES)}, with a row for each of "
                    f"{counted(len(positions), 'volume')}."
                )
        raw = carry(self.raw, positions, self._numbers(positions), tables)
        return replace(self, raw=raw)

    def __repr__(self) -> str:  # noqa: D105
        bold = self.bold
        return (
            f"<Recording {self.name}: {counted(len(self.raw.ch_names), 'channel')}, "
            f"{self.raw.times[-1]:.0f} s at {self.raw.info['sfreq']:g} Hz, "
            f"{bold.shape[0]} volumes x {counted(bold.shape[1], 'region')}>"
        )


def as_recordings(recordings: object) -> list[Recording] | Iterable[Recording]:
    """Accept one recording, several, or a braindecode data set of them.

    Parameters
    ----------
    recordings : Recording | iterable of Recording | BaseConcatDataset
        One, several, or a braindecode data set of raws whose descriptions hold
        ``subject`` and, where they are known, ``session``, ``run``, ``task`` and
        ``site``.

    Returns
    -------
    iterable of Recording
        A list, or a generator where `recordings` are not a list.

    Raises
    ------
    TypeError
        If it is none of these.
    """
    if isinstance(recordings, Recording):
        return [recordings]
    if hasattr(recordings, "datasets"):
        return [_from_braindecode(dataset) for dataset in recordings.datasets]
    if isinstance(recordings, mne.io.BaseRaw) or not isinstance(recordings, Iterable):
        raise TypeError(
            f"Expected a Recording, a list of them or a braindecode BaseConcatDataset, "
            f"got {type(recordings).__name__}. Wrap a Raw as Recording(raw, subject=...)."
        )
    checked = (check_recording(each, " among them") for each in recordings)
    return list(checked) if isinstance(recordings, list | tuple) else checked


def check_recording(recording: Recording, where: str = "") -> Recording:
    """Give a recording back; raise TypeError if it is a Raw object or anything else."""
    if not isinstance(recording, Recording):
        raise TypeError(
            f"Expected {'Recordings' if where else 'a Recording'}, got "
            f"{type(recording).__name__}{where}. Wrap a Raw as "
            "Recording(raw, subject=...)."
        )
    return recording


def _from_braindecode(dataset) -> Recording:
    description = dict(dataset.description if dataset.description is not None else {})
    if "subject" not in description:
        raise ValueError(
            "A braindecode data set of EEG-fMRI needs 'subject' in the description of "
            f"each recording; found {sorted(description) or 'no description'}."
        )
    entities = {
        key: str(description[key]) for key in ENTITIES if pd.notna(description.get(key))
    }
    return Recording(dataset.raw, **entities)


def warn_of_similar_subjects(subjects: Iterable[str]) -> None:
    """Warn of subjects whose labels differ by case, zeros in front or white space only.

    Parameters
    ----------
    subjects : iterable of str
        Their labels. ``a``, ``A`` and ``a `` may be one subject, and so may ``1`` and
        ``01``. Counted as two, a model could be trained and tested on one subject.
    """
    alike: dict[str, set[str]] = {}
    for subject in {str(label) for label in subjects}:
        plain = subject.strip().casefold()
        alike.setdefault(plain.lstrip("0") or "0", set()).add(subject)
    for labels in alike.values():
        if len(labels) > 1:
            listed = ", ".join(map(repr, sorted(labels)))
            logger.warning(
                "The subjects %s are counted as %d, though their labels are nearly the "
                "same. If they are the same subject, give all recordings one label.",
                listed,
                len(labels),
            )
