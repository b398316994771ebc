"""Where windows come from, as far as the object that holds them knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from braindecode.datasets import BaseConcatDataset
from skorch.dataset import Dataset as SkorchDataset
from skorch.helper import SliceDataset
from torch.utils.data import Subset

from ..recording import ENTITIES, Recording
from ..windows.lazy import LazyWindows
from ._timeline import Timeline, least_distance


@dataclass(frozen=True)
class Origin:
    """Where windows come from.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per window with ``recording``, ``start`` and ``stop`` and, as far
        as they are known, ``subject``, ``session``, ``run``, ``task``, ``site``
        and ``volume``.
    sfreq : float
        ``start`` and ``stop`` per second. Default 1.
    """

    table: pd.DataFrame
    sfreq: float = 1.0

    @classmethod
    def of(cls, X: Any) -> Origin | None:
        """Read it from LazyWindows or a braindecode data set; None elsewhere."""
        if isinstance(X, LazyWindows):
            return cls(X.metadata, X.sfreq)
        if isinstance(X, (SliceDataset, Subset)):
            whole = cls.of(X.dataset)
            indices = X.indices_ if isinstance(X, SliceDataset) else X.indices
            if whole is None:
                return None
            return cls(whole.table.iloc[np.asarray(indices, dtype=int)], whole.sfreq)
        if isinstance(X, BaseConcatDataset):
            return cls._of_datasets(X.datasets)
        if isinstance(X, SkorchDataset):
            return cls.of(X.X)
        return None

    @classmethod
    def _of_datasets(cls, datasets: list[Any]) -> Origin | None:
        if not all(hasattr(dataset, "crop_inds") for dataset in datasets):
            return None
        tables, keys = [], []
        for dataset in datasets:
            described = dataset.description
            described = {} if described is None else dict(described)
            known = {key: described.get(key) for key in (*ENTITIES, "recording")}
            known = {
                key: value if pd.notna(value) else None for key, value in known.items()
            }
            number = known.pop("recording")
            crops = dataset.crop_inds / dataset.raw.info["sfreq"]
            table = pd.DataFrame({"start": crops[:, 1], "stop": crops[:, 2], **known})
            metadata = getattr(dataset, "metadata", None)
            if metadata is not None and "volume" in metadata:
                table["volume"] = metadata["volume"].to_numpy()
            tables.append(table)
            keys.append((number, *map(str, known.values())))
        recordings = np.arange(len(datasets))
        if all(key[0] is not None for key in keys):
            # Windows out of order lie in several data sets of one recording.
            numbers = {key: number for number, key in enumerate(sorted(set(keys)))}
            recordings = np.array([numbers[key] for key in keys])
        table = pd.concat(tables, ignore_index=True)
        return cls(table.assign(recording=np.repeat(recordings, list(map(len, tables)))))

    @classmethod
    def of_labels(cls, labels: np.ndarray) -> Origin:
        """Take labels for recordings, and the rows of each for its volumes."""
        table = pd.DataFrame({"recording": labels})
        rows = table.groupby("recording").cumcount()
        return cls(table.assign(start=rows, stop=rows))

    def __len__(self) -> int:  # noqa: D105
        return len(self.table)

    def column(self, name: str) -> np.ndarray:
        """Read a column of labels as objects, None where it is not known."""
        if name not in self.table:
            return np.full(len(self), None, dtype=object)
        values = np.array(self.table[name].to_numpy(), dtype=object)
        values[pd.isna(values) | (values == "")] = None
        return values

    @property
    def subjects(self) -> np.ndarray:
        """Subject of each window; one and the same where it is not known."""
        subjects = self.column("subject")
        unknown = np.array([subject is None for subject in subjects], dtype=bool)
        return np.where(unknown, "None", subjects.astype(str))

    @property
    def recordings(self) -> np.ndarray:
        """Recording of each window."""
        return self.table["recording"].to_numpy()

    @property
    def starts(self) -> np.ndarray:
        """Begin of each window in seconds from the start of its recording."""
        return self.table["start"].to_numpy() / self.sfreq

    @property
    def ends(self) -> np.ndarray:
        """End of each window in seconds from the start of its recording."""
        return self.table["stop"].to_numpy() / self.sfreq

    def name(self, row: int) -> str:
        """Name the recording that a window is from, as far as it has a name."""
        entities = {key: self.column(key)[row] for key in ENTITIES}
        return Recording(None, **entities).name or f"recording {self.recordings[row]}"

    def timelines(self, gap: float) -> list[Timeline]:
        """Put the windows of each recording in the order of time.

        Parameters
        ----------
        gap : float
            Between parts of a recording, in seconds (windows, where labels are
            all that is known). Rounded up to whole volumes, and never shorter
            than the window.

        Returns
        -------
        list of Timeline
            In the order of the recordings.
        """
        recordings, ends, lengths = self.recordings, self.ends, self.ends - self.starts
        volumes = self.table["volume"].to_numpy() if "volume" in self.table else None
        lines = []
        for recording in np.unique(recordings):
            rows = np.flatnonzero(recordings == recording)
            rows = rows[np.argsort(ends[rows], kind="stable")]
            numbers = None if volumes is None else volumes[rows]
            window = lengths[rows].max()
            distance = least_distance(ends[rows], numbers, gap, window)
            lines.append(Timeline(self.name(rows[0]), rows, ends[rows], distance))
        return lines
