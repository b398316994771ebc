"""Splitting windows so that nothing leaks from one part into the other."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from braindecode.datasets import BaseConcatDataset
from skorch.dataset import Dataset as SkorchDataset
from skorch.helper import SliceDataset
from torch.utils.data import Subset

from .lazy import LazyWindows

__all__ = ["ValidationSplit", "recording_labels", "window_groups"]

logger = logging.getLogger(__name__)


class ValidationSplit:
    """Choose the part of the training windows on which a fit is validated.

    What is split is read from the windows: with several subjects, some of the
    subjects; with several recordings of one subject, some of the recordings;
    with one recording, its end, behind a gap. Neighbouring windows share most
    of their EEG and BOLD is autocorrelated, so a random choice of windows would
    validate on what was trained on.

    Parameters
    ----------
    fraction : float
        Share of the windows to validate on. Default 0.2. At least one subject
        or recording is taken, and one is left.
    gap_seconds : float
        Within a recording, the time between the last volume trained on and the
        first validated on. Default 20, as published; never shorter than the
        window.
    gap_windows : int
        The same for plain arrays, whose times are not known, in windows.
        Default 10: 21 s at the published repetition time.
    """

    def __init__(
        self,
        fraction: float = 0.2,
        gap_seconds: float = 20.0,
        gap_windows: int = 10,
    ):
        self.fraction = fraction
        self.gap_seconds = gap_seconds
        self.gap_windows = gap_windows

    def split(
        self,
        X: Any,
        groups: np.ndarray | None = None,
        random_state: np.random.RandomState | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Divide windows into training and validation.

        Parameters
        ----------
        X : LazyWindows | array-like
            The windows. A plain array counts as one recording in the order of
            time.
        groups : array-like, shape (n_windows,) | None
            What must not be torn apart. Overrides what is read from `X`.
        random_state : numpy.random.RandomState | None
            Chooses the groups. By default the last ones are taken.

        Returns
        -------
        train, valid : ndarray of int
            Rows of `X`.

        Raises
        ------
        ValueError
            If there are too few windows for both parts, or `groups` has another
            length than `X`.
        """
        if not 0 < self.fraction < 1:
            raise ValueError(f"fraction must lie between 0 and 1, got {self.fraction}.")
        origin = _Origin.of(X)
        if groups is None:
            groups = self._groups(X, origin)
        elif len(groups) != len(X):
            raise ValueError(f"{len(groups)} groups were given for {len(X)} windows.")
        groups = np.asarray(groups)
        if len(np.unique(groups)) > 1:
            return self._by_group(groups, random_state)
        return self._by_time(len(X), origin)

    @staticmethod
    def _groups(X: Any, origin: _Origin | None) -> np.ndarray:
        if origin is not None:
            several = len(np.unique(origin.subjects)) > 1
            return origin.subjects if several else origin.recordings
        warnings.warn(
            "The windows do not say which recording they are from; they are taken as one "
            "recording in the order of time, and the fit is validated on its end. Pass "
            "groups to fit, or windows of create_bold_windows.",
            stacklevel=3,
        )
        return np.zeros(len(X), dtype=int)

    def _by_group(
        self, groups: np.ndarray, random_state: np.random.RandomState | None
    ) -> tuple[np.ndarray, np.ndarray]:
        names, sizes = np.unique(groups, return_counts=True)
        order = np.arange(len(names))[::-1]
        if random_state is not None:
            order = random_state.permutation(len(names))
        wanted = max(1, round(self.fraction * len(names)))
        chosen = names[order[: min(wanted, len(names) - 1)]]
        valid = np.isin(groups, chosen)
        logger.debug("Validating on %s", ", ".join(map(str, chosen)))
        return np.flatnonzero(~valid), np.flatnonzero(valid)

    def _by_time(
        self, n_windows: int, origin: _Origin | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if origin is None:
            ends, gap, unit = np.arange(n_windows), self.gap_windows, "windows"
        else:
            ends, unit = origin.ends, "s"
            gap = max(self.gap_seconds, origin.window_seconds)
        order = np.argsort(ends, kind="stable")
        n_valid = max(1, round(self.fraction * n_windows))
        valid = order[n_windows - n_valid :]
        # A volume exactly one gap before may be trained on.
        train = order[ends[order] <= ends[valid[0]] - gap + 1e-6]
        if len(train) == 0:
            raise ValueError(
                f"{n_windows} windows of one recording are too few for training and "
                f"validation with a gap of {gap:g} {unit} between. Give more data, or "
                "fit without validation (train_split=None)."
            )
        return train, valid


def window_groups(X: Any, n_blocks: int = 5) -> np.ndarray:
    """Read from windows what an inner cross-validation must not tear apart.

    Parameters
    ----------
    X : LazyWindows | BaseConcatDataset | array-like
        The windows.
    n_blocks : int
        Stretches into which a single recording is cut. Default 5.

    Returns
    -------
    ndarray, shape (n_windows,)
        Subjects where there are several, else recordings, else stretches of
        time of the one recording (which touch each other: good enough to choose
        a penalty, not to report a score).
    """
    origin = _Origin.of(X)
    if origin is not None:
        for labels in (origin.subjects, origin.recordings):
            if len(np.unique(labels)) > 1:
                return labels
    order = np.arange(len(X)) if origin is None else np.argsort(origin.ends, kind="stable")
    groups = np.empty(len(X), dtype=int)
    groups[order] = np.arange(len(X)) * min(n_blocks, len(X)) // len(X)
    return groups


def recording_labels(X: Any, groups: np.ndarray | None = None) -> np.ndarray:
    """Say which recording each window is from.

    Parameters
    ----------
    X : LazyWindows | BaseConcatDataset | Dataset | array-like
        The windows, or a part of them.
    groups : ndarray | None
        Labels of all windows, for those that do not know where they are from.

    Returns
    -------
    ndarray, shape (n_windows,)
        One label for all where nothing is known.
    """
    origin = _Origin.of(X)
    if origin is not None:
        return origin.recordings
    if groups is None:
        return np.zeros(len(X), dtype=int)
    rows = np.asarray(X.indices) if isinstance(X, Subset) else np.arange(len(X))
    if len(rows) and rows.max() >= len(groups):
        # A data set of its own for validation, about which groups say nothing.
        return np.zeros(len(X), dtype=int)
    return groups[rows]


@dataclass(frozen=True)
class _Origin:
    """Where windows come from, as far as the object that holds them knows.

    Attributes
    ----------
    subjects, recordings : ndarray, shape (n_windows,)
        Who and which run.
    ends : ndarray, shape (n_windows,)
        End of each window in seconds from the start of its recording.
    window_seconds : float
        Length of a window.
    """

    subjects: np.ndarray
    recordings: np.ndarray
    ends: np.ndarray
    window_seconds: float

    @classmethod
    def of(cls, X: Any) -> _Origin | None:
        """Read it from LazyWindows or a braindecode data set; None elsewhere."""
        if isinstance(X, LazyWindows):
            table = X.metadata
            return cls(
                table["subject"].to_numpy(),
                table["recording"].to_numpy(),
                table["stop"].to_numpy() / X.sfreq,
                X.shape[-1] / X.sfreq,
            )
        if isinstance(X, (SliceDataset, Subset)):
            whole = cls.of(X.dataset)
            indices = X.indices_ if isinstance(X, SliceDataset) else X.indices
            return None if whole is None else whole._take(np.asarray(indices))
        if isinstance(X, BaseConcatDataset):
            return cls._of_datasets(X.datasets)
        if isinstance(X, SkorchDataset):
            return cls.of(X.X)
        return None

    @classmethod
    def _of_datasets(cls, datasets: list[Any]) -> _Origin | None:
        if not all(hasattr(dataset, "crop_inds") for dataset in datasets):
            return None
        sizes = [len(dataset) for dataset in datasets]
        subjects = [
            str(
                (dataset.description if dataset.description is not None else {}).get(
                    "subject"
                )
            )
            for dataset in datasets
        ]
        ends = [d.crop_inds[:, 2] / d.raw.info["sfreq"] for d in datasets]
        first = datasets[0].crop_inds[0]
        return cls(
            np.repeat(subjects, sizes),
            np.repeat(np.arange(len(datasets)), sizes),
            np.concatenate(ends),
            (first[2] - first[1]) / datasets[0].raw.info["sfreq"],
        )

    def _take(self, indices: np.ndarray) -> _Origin:
        parts = (self.subjects[indices], self.recordings[indices], self.ends[indices])
        return _Origin(*parts, self.window_seconds)
