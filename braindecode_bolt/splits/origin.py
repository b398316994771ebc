"""Where windows come from: recording, subject, task, site and time of each window."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from braindecode.datasets import BaseConcatDataset
from skorch.dataset import Dataset as SkorchDataset
from skorch.helper import SliceDataset
from torch.utils.data import Subset

from .._checks import check_number
from ..recording import ENTITIES, Recording
from ..windows.inputs import StackedWindows
from ..windows.lazy import LazyWindows

__all__ = ["recording_labels", "window_groups"]


@dataclass(frozen=True)
class Origin:
    """Where windows come from.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per window with ``recording``, ``start`` and ``stop`` and, as far as
        they are known, ``subject``, ``session``, ``run``, ``task``, ``site`` and
        ``volume``.
    sfreq : float
        Unit of ``start`` and ``stop``, per second. Default 1.
    """

    table: pd.DataFrame
    sfreq: float = 1.0

    @classmethod
    def of(cls, X: Any) -> Origin | None:
        """Read it from LazyWindows or a braindecode data set; None for other types."""
        if isinstance(X, LazyWindows):
            return cls(X.metadata, X.sfreq)
        if isinstance(X, StackedWindows):
            return None if X.dataset is None else cls.of(X.dataset)
        if isinstance(X, SliceDataset | Subset):
            whole = cls.of(X.dataset)
            indices = X.indices_ if isinstance(X, SliceDataset) else X.indices
            if whole is None:
                return None
            return cls(whole.table.iloc[np.asarray(indices, dtype=int)], whole.sfreq)
        if isinstance(X, SkorchDataset):
            return cls.of(X.X)
        if isinstance(X, BaseConcatDataset):
            if all(hasattr(dataset, "crop_inds") for dataset in X.datasets):
                return cls(_table_of_datasets(X.datasets))
        return None

    @classmethod
    def of_labels(cls, labels: np.ndarray) -> Origin:
        """Use labels as recordings, and the rows of each as its volumes."""
        table = pd.DataFrame({"recording": labels})
        rows = table.groupby("recording").cumcount()
        return cls(table.assign(start=rows, stop=rows))

    def __len__(self) -> int:  # noqa: D105
        return len(self.table)

    def column(self, name: str) -> np.ndarray:
        """Read a column of labels as objects, None where a label is unknown."""
        if name not in self.table:
            return np.full(len(self), None, dtype=object)
        values = np.array(self.table[name].to_numpy(), dtype=object)
        values[pd.isna(values) | (values == "")] = None
        return values

    @property
    def subjects(self) -> np.ndarray:
        """Subject of each window; windows of unknown subjects share one label."""
        return self.column("subject").astype(str)

    @property
    def recordings(self) -> np.ndarray:
        """Recording of each window."""
        return self.table["recording"].to_numpy()

    @property
    def starts(self) -> np.ndarray:
        """Start of each window in seconds from the start of its recording."""
        return self.table["start"].to_numpy() / self.sfreq

    @property
    def ends(self) -> np.ndarray:
        """End of each window in seconds from the start of its recording."""
        return self.table["stop"].to_numpy() / self.sfreq

    def name(self, row: int) -> str:
        """Name the recording of a window, or give its number if it has no name."""
        entities = {key: self.column(key)[row] for key in ENTITIES}
        return Recording(None, **entities).name or f"recording {self.recordings[row]}"


def _table_of_datasets(datasets: list[Any]) -> pd.DataFrame:
    tables, keys = [], []
    for dataset in datasets:
        described = {} if dataset.description is None else dict(dataset.description)
        known = {key: described.get(key) for key in (*ENTITIES, "recording")}
        known = {key: value if pd.notna(value) else None for key, value in known.items()}
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
        # Windows that were shuffled lie in several data sets of one recording.
        numbers = {key: number for number, key in enumerate(sorted(set(keys)))}
        recordings = np.array([numbers[key] for key in keys])
    table = pd.concat(tables, ignore_index=True)
    return table.assign(recording=np.repeat(recordings, list(map(len, tables))))


def read_origin(X: Any, groups: Any) -> Origin | None:
    """Read where windows come from; None if the groups are all that is known.

    Raises
    ------
    ValueError
        If nothing is known, or groups and `X` differ in length.
    """
    if X is None:
        raise ValueError("The number of splits depends on the windows: pass X.")
    if groups is not None and len(groups) != len(X):
        raise ValueError(f"{len(groups)} groups were given for {len(X)} windows.")
    origin = Origin.of(X)
    if origin is None and groups is None:
        raise ValueError(
            f"The windows ({type(X).__name__}) do not say which recording they are from. "
            "Pass windows of create_bold_windows, their to_braindecode() in a "
            "SliceDataset, or groups."
        )
    return origin


def window_groups(X: Any, n_blocks: int = 5) -> np.ndarray:
    """Read groups of windows for an inner cross-validation.

    Parameters
    ----------
    X : LazyWindows | BaseConcatDataset | array-like
        The windows.
    n_blocks : int
        Number of blocks into which a single recording is divided. Default 5.

    Returns
    -------
    ndarray, shape (n_windows,)
        Subjects if there are several, else recordings, else consecutive blocks of
        the one recording. Such blocks are not separated by a gap: they are good
        enough to choose a penalty, not to report a score.

    Raises
    ------
    ValueError
        If `n_blocks` is below 2.
    TypeError
        If `n_blocks` is not a whole number.

    See Also
    --------
    group_labels : Labels by subject, session, run, task or site.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.splits import window_groups
    >>> window_groups(np.zeros((10, 4, 800)), n_blocks=3)
    array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
    """
    check_number(n_blocks, "n_blocks", Integral, 2)
    origin = Origin.of(X)
    if origin is not None:
        for labels in (origin.subjects, origin.recordings):
            if len(np.unique(labels)) > 1:
                return labels
    order = np.arange(len(X)) if origin is None else np.argsort(origin.ends, kind="stable")
    groups = np.empty(len(X), dtype=int)
    groups[order] = np.arange(len(X)) * min(n_blocks, len(X)) // len(X)
    return groups


def recording_labels(X: Any, groups: np.ndarray | None = None) -> np.ndarray:
    """Give the recording of each window.

    Parameters
    ----------
    X : LazyWindows | BaseConcatDataset | Dataset | array-like
        The windows, or a subset of them.
    groups : ndarray, shape (n_all_windows,) | None
        Labels of all windows, used if `X` does not say where they are from. Default
        None.

    Returns
    -------
    ndarray, shape (n_windows,)
        One label for all windows if nothing is known.

    See Also
    --------
    group_labels : Labels by subject, session, run, task or site.
    """
    origin = Origin.of(X)
    if origin is not None:
        return origin.recordings
    if groups is None:
        return np.zeros(len(X), dtype=int)
    rows = np.asarray(X.indices) if isinstance(X, Subset) else np.arange(len(X))
    if len(rows) and rows.max() >= len(groups):
        # A separate validation data set, which the groups do not describe.
        return np.zeros(len(X), dtype=int)
    return groups[rows]
