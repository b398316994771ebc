"""The forms in which EEG windows and their targets reach a regressor."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import mne
import numpy as np
import torch
from skorch.helper import SliceDataset
from skorch.utils import is_dataset
from torch.utils.data import Subset

from .._series import is_constant
from .._text import counted
from ..eeg.channels import normalize_channel_name, scalp_channels
from ..eeg.units import check_signal
from .create import ToMicrovolts
from .features import FeatureWindows
from .lazy import LazyWindows
from .numbers import as_float32, check_numbers, check_range

__all__ = [
    "Input",
    "StackedWindows",
    "as_groups",
    "as_input",
    "as_targets",
    "is_set",
    "pieces_of",
    "stacked",
]

#: Baseline of windows that do not say whether their mean was subtracted.
UNKNOWN = "unknown"

# Windows looked at by the input check.
_N_CHECKED = 32


@dataclass
class Input:
    """Windows in a form that skorch takes, and what is known about them.

    Attributes
    ----------
    data : LazyWindows | ndarray | Tensor | SliceDataset | Dataset
        The windows.
    info : mne.Info | None
        Their channels and sampling rate, if known.
    n_outputs : int | None
        Columns of the targets.
    baseline : {"window", None, "unknown"}
        ``"window"`` if the mean over the window was subtracted (or another baseline, of
        Epochs), None if it was kept on purpose (``create_bold_windows(baseline=None)``),
        ``"unknown"`` for windows that do not say, such as arrays.
    lag_seconds : float | None
        Time between the end of a window and its volume marker, if known.
    own_targets : list | None
        Targets that came with windows of a data set, if they were read.
    """

    data: Any
    info: mne.Info | None = None
    n_outputs: int | None = None
    baseline: str | None = UNKNOWN
    lag_seconds: float | None = None
    own_targets: list[Any] | None = None

    @property
    def model_baseline(self) -> str | None:
        """Baseline of a model that is trained on these windows, "window" or None.

        None only if the mean was kept on purpose. A model with "window" has the mean
        subtracted from whatever windows it is given.
        """
        return None if self.baseline is None else "window"

    @property
    def ch_names(self) -> list[str] | None:
        """Names of the channels, normalised, if they are known."""
        if self.info is None:
            return None
        return [normalize_channel_name(name) for name in self.info["ch_names"]]

    def sample(self) -> np.ndarray:
        """Read some of the windows, shape (n, n_chans, n_times)."""
        n_windows = len(self.data)
        rows = np.unique(
            np.linspace(0, n_windows - 1, min(n_windows, _N_CHECKED), dtype=int)
        )
        windows = (self.data[int(row)] for row in rows)
        if is_dataset(self.data):
            windows = (item[0] for item in windows)
        return _stack(windows)

    def signal_args(self) -> dict[str, Any]:
        """Arguments of a braindecode model that are known from the data."""
        window = self.data[0][0] if is_dataset(self.data) else self.data[0]
        args: dict[str, Any] = {
            "n_chans": int(window.shape[0]),
            "n_times": int(window.shape[1]),
        }
        if self.n_outputs is not None:
            args["n_outputs"] = self.n_outputs
        if self.info is not None:
            args["chs_info"] = self.info["chs"]
            args["sfreq"] = float(self.info["sfreq"])
        return args

    def check(self, targets: np.ndarray | None) -> None:
        """Raise if windows or targets cannot be EEG in microvolts and BOLD.

        Parameters
        ----------
        targets : ndarray, shape (n_windows, n_outputs) | None
            The targets, if they are not in the data set.

        Raises
        ------
        ValueError
            See :func:`~braindecode_bolt.eeg.check_signal`; or if targets are
            not finite or constant.
        """
        if not isinstance(self.data, FeatureWindows):
            check_signal(self.sample(), "X", self.ch_names)
        if targets is None:
            return
        if not np.isfinite(targets).all():
            raise ValueError(
                f"y has {counted(np.sum(~np.isfinite(targets)), 'non-finite value')}. "
                "Leave such windows out."
            )
        constant = np.flatnonzero(is_constant(targets))
        if len(constant) and len(targets) > 1:
            raise ValueError(
                f"y is constant in column {', '.join(map(str, constant))}: there is "
                "nothing to learn. Leave the region out."
            )

    def warn_of_input(self) -> None:
        """Warn if windows to predict from cannot be EEG in microvolts."""
        if isinstance(self.data, FeatureWindows):
            return
        try:
            check_signal(self.sample(), "X", self.ch_names)
        except ValueError as error:
            warnings.warn(str(error), stacklevel=4)


class StackedWindows(np.ndarray):
    """Windows of a data set in one array, which know the data set they came from.

    What is cut out of it is a plain array: ``dataset`` is None there.
    """

    dataset: Any

    def __array_finalize__(self, obj: Any) -> None:  # noqa: D105
        self.dataset = None


def stacked(source: Input) -> Input:
    """Read the windows of a data set into one array; other windows stay as they are.

    Parameters
    ----------
    source : Input
        Windows in any form.

    Returns
    -------
    Input
        Windows in an array, or as they were.

    Raises
    ------
    ValueError
        If the windows differ in shape.
    """
    dataset = source.data
    items = [dataset[row] for row in range(len(dataset))] if is_set(dataset) else None
    if items is None:
        return source
    own = None
    if is_dataset(dataset):
        own = [item[1] for item in items]
        items = [item[0] for item in items]
    data = _stack(items).view(StackedWindows)
    data.dataset = dataset
    return replace(source, data=data, own_targets=own)


def is_set(X: Any) -> bool:
    """Whether windows are a torch data set, or one in a ``SliceDataset``."""
    return isinstance(X, SliceDataset) or is_dataset(X)


def _stack(windows: Iterable[Any]) -> np.ndarray:
    windows = [np.asarray(window, dtype=np.float32) for window in windows]
    shapes = sorted({window.shape for window in windows})
    if len(shapes) > 1:
        raise ValueError(
            f"The windows of X differ in shape: {shapes}. Windows that begin before the "
            "recording or end after it are cut short: leave their events out."
        )
    return np.stack(windows)


def as_input(X: Any) -> Input:
    """Bring windows into a form that skorch takes.

    Parameters
    ----------
    X : LazyWindows | array-like | mne.Epochs | Dataset | list of these windows
        The windows. Epochs become microvolts; of their channels those are taken that
        are scalp EEG.

    Returns
    -------
    Input

    Raises
    ------
    TypeError
        If they are not numbers (strings, complex numbers, objects).
    ValueError
        If there are no windows, they are not (n_chans, n_times) each, some values are
        masked, or finite values do not fit into float32.
    """
    source = _convert(X)
    if len(source.data) == 0:
        raise ValueError("X has no windows.")
    shape = getattr(source.data, "shape", None)
    if not is_set(source.data):
        if len(shape) != 3:
            raise ValueError(
                f"X must be windows of shape (n_windows, n_chans, n_times), got {shape}."
            )
    return source


def _convert(X: Any) -> Input:
    if isinstance(X, mne.BaseEpochs):
        picks = scalp_channels(X.info, "The epochs")
        info = mne.pick_info(X.info, picks, verbose="error")
        data = as_float32(X.get_data(picks, units="uV"), "X")
        return Input(data, info, baseline=UNKNOWN if X.baseline is None else "window")
    if isinstance(X, (list, tuple)):
        return _convert_list(list(X))
    if isinstance(X, LazyWindows):
        return Input(X, X.info, baseline=X.baseline, lag_seconds=X.lag_seconds)
    if is_set(X):
        return _of_dataset(X)
    if isinstance(X, (np.ndarray, torch.Tensor)):
        check_numbers(X, "X")
        check_range(X, "X")
        return Input(X)
    if hasattr(X, "shape"):
        # An array in a file (h5py, zarr): its values are not read here.
        if isinstance(getattr(X, "dtype", None), np.dtype):
            check_numbers(X, "X")
        return Input(X)
    raise TypeError(
        f"X must be windows of EEG (LazyWindows, array, Epochs or a data set), got "
        f"{type(X).__name__}."
    )


def _convert_list(windows: list[Any]) -> Input:
    if windows and all(isinstance(item, mne.BaseEpochs) for item in windows):
        # scikit-learn takes Epochs apart into a list of single ones.
        parts = [_convert(item) for item in windows]
        _check_one_montage([part.ch_names for part in parts])
        data = np.concatenate([part.data for part in parts])
        return Input(data, parts[0].info, baseline=_one_baseline(parts))
    if windows and all(isinstance(item, tuple) for item in windows):
        raise TypeError(
            "X is a list of the items of a torch data set, (window, target, ...): "
            "scikit-learn has taken the data set apart. Wrap it: from skorch.helper import "
            "SliceDataset; X, y = SliceDataset(dataset, 0), SliceDataset(dataset, 1)."
        )
    shapes = {np.shape(item) for item in windows}
    if len(shapes) > 1:
        raise ValueError(f"The windows of X differ in shape: {sorted(shapes)}.")
    return Input(np.array([as_float32(item, "X") for item in windows]))


def _one_baseline(parts: Sequence[Any]) -> str | None:
    """Give the baseline of parts; "window" if the mean of any was subtracted."""
    found = {part.baseline for part in parts}
    return found.pop() if len(found) == 1 else "window"


def _of_dataset(dataset: Any) -> Input:
    """Read what a braindecode data set knows, through whatever wraps it."""
    source, whole = Input(dataset), dataset
    while isinstance(whole, (SliceDataset, Subset)):
        whole = whole.dataset
    parts = getattr(whole, "datasets", None) or [whole]
    infos = [getattr(getattr(part, "raw", None), "info", None) for part in parts]
    if all(info is not None for info in infos):
        _check_one_montage([info["ch_names"] for info in infos])
    source.info = infos[0]
    transforms = [getattr(part, "transform", None) for part in parts]
    if all(isinstance(transform, ToMicrovolts) for transform in transforms):
        source.baseline = _one_baseline(transforms)
    described = (getattr(part, "description", None) for part in parts)
    lags = {d.get("lag_seconds") for d in described if d is not None} - {None}
    if len(lags) > 1:
        raise ValueError(
            f"The recordings of X differ in lag_seconds: {sorted(lags)}. Give windows of "
            "one lag."
        )
    source.lag_seconds = next(iter(lags), None)
    return source


def _check_one_montage(names: list[list[str] | None]) -> None:
    for number, other in enumerate(names[1:], start=1):
        if other != names[0]:
            raise ValueError(
                f"The recordings of X differ in their channels: number {number} has "
                f"{', '.join(other)}, the first {', '.join(names[0])}. Give all the same "
                "channels in the same order."
            )


def pieces_of(X: Any) -> Iterable[Any]:
    """Give windows that may come piece by piece as pieces.

    Parameters
    ----------
    X : windows | iterator of windows
        Windows in any form that :func:`as_input` takes, or one after the other.

    Returns
    -------
    iterable of windows
        The pieces; windows that are all there are one piece.
    """
    # Epochs are iterators, too: of single epochs.
    in_pieces = isinstance(X, Iterator) and not isinstance(X, mne.BaseEpochs)
    return X if in_pieces else [X]


def as_groups(groups: Any, source: Input) -> np.ndarray | None:
    """Check that groups have a label for each window.

    Parameters
    ----------
    groups : array-like, shape (n_windows,) | None
        The labels.
    source : Input
        The windows.

    Returns
    -------
    ndarray, shape (n_windows,) | None

    Raises
    ------
    ValueError
        If the number of labels is another one.
    """
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape != (len(source.data),):
        raise ValueError(
            f"groups must have one label for each of {len(source.data)} windows, got an "
            f"array of shape {groups.shape}."
        )
    return groups


def as_targets(y: Any, source: Input) -> tuple[np.ndarray | None, int]:
    """Bring targets into the shape (n_windows, n_outputs).

    Parameters
    ----------
    y : array-like, shape (n_windows,) or (n_windows, n_outputs) | None
        The targets; None if the data set holds them. Given, they take the place of
        those of the data set.
    source : Input
        The windows; their ``n_outputs`` is set.

    Returns
    -------
    targets : ndarray, shape (n_windows, n_outputs) | None
        float32.
    ndim : int
        Dimensions of `y` as given.

    Raises
    ------
    TypeError
        If `y` is not real numbers.
    ValueError
        If there are no targets, or `y` does not fit, has masked values, or does not
        fit into float32.
    """
    if y is not None and is_dataset(source.data):
        # Of braindecode's windows, which hold codes of events. y is what was asked for.
        source.data = SliceDataset(source.data)
    if y is None:
        y = source.own_targets
    if y is None:
        if not is_dataset(source.data):
            raise ValueError("No targets: give y, or a data set that holds them as X.")
        target = np.asarray(source.data[0][1])
        source.n_outputs = int(target.size)
        return None, target.ndim + 1
    targets = as_float32(y, "y")
    if targets.ndim not in (1, 2):
        raise ValueError(
            f"y must be of shape (n_windows,) or (n_windows, n_outputs), got "
            f"{targets.shape}."
        )
    if len(targets) != len(source.data):
        raise ValueError(f"X has {len(source.data)} windows, y {len(targets)} rows.")
    ndim = targets.ndim
    targets = targets.reshape(len(targets), -1)
    source.n_outputs = targets.shape[1]
    return targets, ndim
