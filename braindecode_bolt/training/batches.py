"""Batches of windows that come from one recording each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

__all__ = ["RecordingBatches", "StretchBatches"]


class RecordingBatches(Sampler[list[int]]):
    """Batches of windows that come from one recording each.

    Parameters
    ----------
    recordings : ndarray, shape (n_windows,)
        Recording of each window.
    batch_size : int
        Largest number of windows in a batch; the batches of a recording are about
        equally large. -1 makes one batch of each recording.
    shuffle : bool
        Shuffle the windows of each recording, and the batches, by torch's global
        generator. Otherwise windows keep their order, and a batch ends where the next
        recording begins.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.training import RecordingBatches
    >>> list(RecordingBatches(np.array([0, 0, 0, 1, 1]), batch_size=2, shuffle=False))
    [[0, 1], [2], [3, 4]]
    """

    def __init__(self, recordings: np.ndarray, batch_size: int, shuffle: bool):
        self.shuffle = shuffle
        if shuffle:
            parts = [np.flatnonzero(recordings == r) for r in np.unique(recordings)]
        else:
            breaks = np.flatnonzero(recordings[1:] != recordings[:-1]) + 1
            parts = np.split(np.arange(len(recordings)), breaks)
        self._parts = parts
        self._n_batches = [
            1 if batch_size == -1 else math.ceil(len(part) / batch_size) for part in parts
        ]

    def __len__(self) -> int:  # noqa: D105
        return sum(self._n_batches)

    def __iter__(self) -> Iterator[list[int]]:  # noqa: D105
        batches = []
        for part, n_batches in zip(self._parts, self._n_batches, strict=True):
            if self.shuffle:
                part = part[torch.randperm(len(part)).numpy()]
            batches += np.array_split(part, n_batches)
        order = torch.randperm(len(batches)) if self.shuffle else range(len(batches))
        for number in order:
            yield batches[number].tolist()


def batched_by_recording(
    kwargs: dict[str, Any], recordings: np.ndarray, shuffle: bool
) -> dict[str, Any]:
    """Replace the batches in a DataLoader's arguments by those of one recording each."""
    size = kwargs["batch_size"]
    if 0 < size < 3:
        raise ValueError(
            f"A correlation needs batches of 3 or more windows, got batch_size={size}; 16 "
            "is better."
        )
    replaced = ("batch_size", "shuffle", "sampler", "drop_last")
    kept = {name: value for name, value in kwargs.items() if name not in replaced}
    return {**kept, "batch_sampler": RecordingBatches(recordings, size, shuffle)}


class StretchBatches(Sampler[list[int]]):
    """Batches of whole stretches of consecutive volumes, in the order of time.

    Parameters
    ----------
    stretches : sequence of ndarray of int
        Rows of each stretch.
    size : int
        Windows of a batch, about.
    """

    def __init__(self, stretches: Sequence[np.ndarray], size: int):
        self.stretches, self.size = list(stretches), size
        n_windows = sum(map(len, self.stretches))
        self._n_batches = max(1, min(len(self.stretches), round(n_windows / size)))

    def __len__(self) -> int:  # noqa: D105
        return self._n_batches

    def __iter__(self) -> Iterator[list[int]]:  # noqa: D105
        order = torch.randperm(len(self.stretches)).numpy()
        for numbers in np.array_split(order, self._n_batches):
            yield np.concatenate([self.stretches[number] for number in numbers]).tolist()


class Numbered(Dataset):
    """A data set whose targets come with the number of the window.

    Parameters
    ----------
    dataset : Dataset
        Windows and targets.
    """

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def __len__(self) -> int:  # noqa: D105
        return len(self.dataset)

    def __getitem__(self, row: int) -> tuple[Any, tuple[Any, int]]:  # noqa: D105
        window, target = self.dataset[row]
        return window, (target, row)
