"""Windows of EEG that are cut out of their recordings when they are read."""

from __future__ import annotations

import logging
import mmap
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from .._files import atomic_write
from .._text import counted
from ..eeg.cache import naming_folder, write_signal

__all__ = ["LazyWindows"]

logger = logging.getLogger(__name__)

# From this size on, in bytes, reading all windows into one array is logged.
_ANNOUNCE = 1e9


class LazyWindows:
    """EEG windows as an array-like that is cut when it is indexed.

    Behaves as an array of shape (n_windows, n_chans, n_times) wherever
    scikit-learn, skorch or torch index it, but holds each recording once: windows
    of consecutive volumes overlap by seven eighths.

    ``x[i]`` is an array (n_chans, n_times); ``x[indices]``, ``x[mask]``,
    ``x[start:stop]`` and ``x[indices, ...]`` are further LazyWindows that
    share the recordings; ``np.asarray(x)`` cuts them all.

    Parameters
    ----------
    signals : sequence of ndarray, each of shape (n_chans, n_samples)
        The recordings in microvolts, float32. Never written to. Memory-mapped
        files (:class:`numpy.memmap`) stay on disk, in copies and in other
        processes too.
    metadata : pandas.DataFrame
        A row per window with the columns ``recording`` (position in
        `signals`), ``subject``, ``session``, ``run``, ``start`` and ``stop`` (samples),
        ``volume`` or ``time`` (seconds from the start of the recording) and, where they
        are known, ``task`` and ``site``.
    info : mne.Info
        Names, positions and sampling rate of the channels.
    baseline : {"window", None}
        Whether the mean of each channel over the window is subtracted (default).
    lag_seconds : float | None
        Time between the end of a window and its volume marker in seconds, if known
        (default None).

    Attributes
    ----------
    shape : tuple of int
        (n_windows, n_chans, n_times).
    dtype : numpy.dtype
        float32.

    Raises
    ------
    ValueError
        If windows differ in length, or `baseline` or `lag_seconds` is not possible.

    See Also
    --------
    create_bold_windows : Makes them from recordings.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> X = create_bold_windows(SimulatedEEGfMRI(2, duration=60.0).load()).X
    >>> X
    <LazyWindows (42, 10, 3200): 2 recordings of 2 subjects, 200 Hz>
    >>> X[0].shape, X[X.groups == "01"].shape, np.asarray(X[:4]).shape
    ((10, 3200), (21, 10, 3200), (4, 10, 3200))
    """

    dtype = np.dtype(np.float32)
    ndim = 3

    def __init__(
        self,
        signals: Sequence[np.ndarray],
        metadata: pd.DataFrame,
        info: mne.Info,
        baseline: str | None = "window",
        lag_seconds: float | None = None,
    ):
        if lag_seconds is not None and not 0 <= lag_seconds < np.inf:
            raise ValueError(f"lag_seconds must not be negative, got {lag_seconds!r}.")
        if baseline not in ("window", None):
            raise ValueError(f"baseline must be 'window' or None, got {baseline!r}.")
        n_times = _length(metadata)
        self.signals = list(signals)
        self.info = info
        self.baseline = baseline
        self.lag_seconds = lag_seconds
        self._n_times = n_times
        self._set_metadata(metadata)

    def _set_metadata(self, metadata: pd.DataFrame) -> None:
        self.metadata = metadata
        # Plain arrays: reading a row of a DataFrame takes longer than a window.
        self._recording = metadata["recording"].to_numpy()
        self._start = metadata["start"].to_numpy()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of windows, of channels, and of samples of a window."""
        return len(self._start), len(self.info["ch_names"]), self._n_times

    @property
    def ch_names(self) -> list[str]:
        """Names of the channels."""
        return list(self.info["ch_names"])

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return float(self.info["sfreq"])

    @property
    def groups(self) -> np.ndarray:
        """Subject of each window, shape (n_windows,)."""
        return self.metadata["subject"].to_numpy()

    @property
    def nbytes(self) -> int:
        """Size of all windows as an array, in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def with_signals(
        self, signals: Sequence[np.ndarray], metadata: pd.DataFrame
    ) -> LazyWindows:
        """Give the same kind of windows of other recordings.

        Parameters
        ----------
        signals : sequence of ndarray, each of shape (n_chans, n_samples)
            As for the class.
        metadata : pandas.DataFrame
            As for the class.

        Returns
        -------
        LazyWindows
            With the channels, the baseline and the lag of these windows.

        Raises
        ------
        ValueError
            If windows differ in length.
        """
        other = self._copy()
        other.signals, other._n_times = list(signals), _length(metadata)
        other._set_metadata(metadata)
        return other

    def on_disk(self, folder: str | Path) -> LazyWindows:
        """Put the recordings into files, from which windows are read.

        Parameters
        ----------
        folder : str | Path
            Where to write the files; what is in files already is left there.

        Returns
        -------
        LazyWindows
            The same windows. In other processes, and on other machines that see the
            folder, they read the files.

        Raises
        ------
        OSError
            If a file cannot be written, as on a full disk. It is removed.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        moved = self._copy()
        moved.signals = []
        for number, signal in enumerate(self.signals):
            if not _is_whole_file(signal):
                file = folder / f"{number}.npy"
                with naming_folder(folder), atomic_write(file) as work:
                    write_signal(work, signal, signal.shape)
                signal = np.load(file, mmap_mode="r")
            moved.signals.append(signal)
        return moved

    def __len__(self) -> int:  # noqa: D105
        return len(self._start)

    def __getitem__(self, key: Any) -> np.ndarray | LazyWindows:
        """Cut one window, or take a part of them without cutting.

        Parameters
        ----------
        key : int | slice | array-like of int or bool | tuple (one of them, ...)
            Which windows.

        Returns
        -------
        ndarray, shape (n_chans, n_times) | LazyWindows
            A new array in microvolts for an integer, else LazyWindows.

        Raises
        ------
        IndexError
            If a window does not exist, a mask has the wrong length, or more
            than the windows is indexed.
        """
        if isinstance(key, tuple):
            if len(key) != 2 or key[1] is not Ellipsis:
                raise IndexError(
                    f"LazyWindows are indexed by window only, x[windows] or "
                    f"x[windows, ...], got {key!r}. Use np.asarray(x) to index channels "
                    "or samples."
                )
            key = key[0]
        if isinstance(key, slice):
            return self._take(np.arange(len(self))[key])
        if np.ndim(key) == 0 and not isinstance(key, (bool, np.bool_)):
            return self._cut(self._check_index(key))
        return self._take(self._check_indices(key))

    def _check_index(self, key: Any) -> int:
        try:
            index = operator.index(key)
        except TypeError:
            raise IndexError(
                f"Expected an integer, a slice or an array of integers or booleans, got "
                f"{type(key).__name__}."
            ) from None
        if not -len(self) <= index < len(self):
            raise IndexError(f"Window {index} of {len(self)} does not exist.")
        return index % len(self)

    def _check_indices(self, key: Any) -> np.ndarray:
        indices = np.asarray(key)
        if indices.size == 0 and indices.dtype != bool:
            indices = indices.astype(int)
        if indices.ndim != 1 or indices.dtype.kind not in "iub":
            raise IndexError(
                f"Expected one-dimensional integers or booleans, got an array of shape "
                f"{indices.shape} and type {indices.dtype}."
            )
        if indices.dtype == bool:
            if len(indices) != len(self):
                raise IndexError(
                    f"The mask has {len(indices)} entries for {len(self)} windows."
                )
            return np.flatnonzero(indices)
        outside = (indices < -len(self)) | (indices >= len(self))
        if outside.any():
            raise IndexError(f"Window {indices[outside][0]} of {len(self)} does not exist.")
        return indices % max(len(self), 1)

    def _take(self, indices: np.ndarray) -> LazyWindows:
        part = self._copy()
        part._set_metadata(self.metadata.iloc[indices])
        return part

    def _copy(self) -> LazyWindows:
        # copy.copy would go through __getstate__ and open mapped files again.
        same = object.__new__(type(self))
        same.__dict__.update(self.__dict__)
        return same

    def _cut(self, index: int, out: np.ndarray | None = None) -> np.ndarray:
        start = self._start[index]
        signal = self.signals[self._recording[index]]
        if out is None:
            out = np.empty(self.shape[1:], self.dtype)
        out[...] = signal[:, start : start + self._n_times]
        if self.baseline == "window":
            out -= out.mean(axis=-1, keepdims=True, dtype=np.float64)
        return out

    def __getattr__(self, name: str) -> Any:
        """Say what to do where an array is expected."""
        advice = ""
        if hasattr(np.ndarray, name) and not name.startswith("_"):
            advice = (
                ", because windows are cut when they are read. numpy.asarray(X) makes an "
                "array of them; in a pipeline, FunctionTransformer(numpy.asarray)"
            )
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{advice}.")

    def __array__(self, dtype=None, copy=None) -> np.ndarray:  # noqa: D105
        if copy is False:
            raise ValueError("LazyWindows cannot become an array without a copy.")
        if self.nbytes > _ANNOUNCE:
            logger.warning(
                "All %d windows are read into one array of %.1f GB",
                len(self),
                self.nbytes / 1e9,
            )
        array = np.empty(self.shape, self.dtype)
        for index in range(len(self)):
            self._cut(index, array[index])
        return array if dtype is None else array.astype(dtype, copy=False)

    def __getstate__(self) -> dict[str, Any]:
        """Name mapped files instead of writing out their content."""
        signals = [
            _MappedFile(str(signal.filename)) if _is_whole_file(signal) else signal
            for signal in self.signals
        ]
        return {**self.__dict__, "signals": signals}

    def __setstate__(self, state: dict[str, Any]) -> None:  # noqa: D105
        signals = [
            signal.open() if isinstance(signal, _MappedFile) else signal
            for signal in state["signals"]
        ]
        self.__dict__.update({**state, "signals": signals})

    def __repr__(self) -> str:  # noqa: D105
        recordings = counted(len(np.unique(self._recording)), "recording")
        subjects = counted(len(np.unique(self.groups)), "subject")
        return f"<LazyWindows {self.shape}: {recordings} of {subjects}, {self.sfreq:g} Hz>"


def _length(metadata: pd.DataFrame) -> int:
    """Count the samples of a window; 0 where there are none."""
    if len(metadata) == 0:
        return 0
    lengths = metadata["stop"] - metadata["start"]
    if lengths.nunique() != 1:
        raise ValueError(f"Windows must have one length, got {sorted(lengths.unique())}.")
    return int(lengths.iloc[0])


@dataclass(frozen=True)
class _MappedFile:
    """A recording that lies in a ``.npy`` file."""

    file: str

    def open(self) -> np.ndarray:
        return np.load(self.file, mmap_mode="r")


def _is_whole_file(signal: np.ndarray) -> bool:
    """Whether this is all of a mapped ``.npy`` file, not a view into one."""
    mapped = isinstance(signal, np.memmap) and isinstance(signal.base, mmap.mmap)
    return mapped and str(signal.filename).endswith(".npy")
