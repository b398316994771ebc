"""The forms in which EEG windows and their targets reach a regressor."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np
import torch
from skorch.helper import SliceDataset
from skorch.utils import is_dataset
from torch.utils.data import Subset

from ..eeg.channels import normalize_channel_name
from ..eeg.prepare import check_signal
from .features import FeatureWindows
from .lazy import LazyWindows

#: Windows looked at by the input check.
_N_CHECKED = 32


@dataclass
class Input:
    """Windows in a form that skorch takes, and what is known about them.

    Attributes
    ----------
    data : LazyWindows | ndarray | Tensor | SliceDataset | Dataset
        The windows.
    info : mne.Info | None
        Their channels and sampling rate, where known.
    n_outputs : int | None
        Columns of the targets.
    """

    data: Any
    info: mne.Info | None = None
    n_outputs: int | None = None

    @property
    def ch_names(self) -> list[str] | None:
        """Names of the channels, normalised, where they are known."""
        if self.info is None:
            return None
        return [normalize_channel_name(name) for name in self.info["ch_names"]]

    def sample(self) -> np.ndarray:
        """Cut some of the windows, shape (n, n_chans, n_times)."""
        n_windows = len(self.data)
        rows = np.unique(
            np.linspace(0, n_windows - 1, min(n_windows, _N_CHECKED), dtype=int)
        )
        windows = (self.data[int(row)] for row in rows)
        if is_dataset(self.data):
            windows = (item[0] for item in windows)
        return np.stack([np.asarray(window, dtype=np.float32) for window in windows])

    def signal_args(self) -> dict[str, Any]:
        """Arguments of a braindecode model that the data tell."""
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
        """Raise where windows or targets cannot be what they should be.

        Parameters
        ----------
        targets : ndarray, shape (n_windows, n_outputs) | None
            The targets, where they are not in the data set.

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
                f"y has {np.size(targets) - np.isfinite(targets).sum()} values that are "
                "not finite. Leave such windows out."
            )
        constant = np.flatnonzero(np.ptp(targets, axis=0) == 0)
        if len(constant) and len(targets) > 1:
            raise ValueError(
                f"y is constant in column {', '.join(map(str, constant))}: there is "
                "nothing to learn. Leave the region out."
            )

    def warn_of_input(self) -> None:
        """Warn where windows to predict cannot be what they should be."""
        if len(self.data) == 0:
            raise ValueError("X has no windows.")
        if isinstance(self.data, FeatureWindows):
            return
        try:
            check_signal(self.sample(), "X", self.ch_names)
        except ValueError as error:
            warnings.warn(str(error), stacklevel=4)


def as_input(X: Any) -> Input:
    """Bring windows into a form that skorch takes.

    Parameters
    ----------
    X : LazyWindows | array-like | mne.Epochs | Dataset | list of these windows
        The windows. Epochs become microvolts.

    Returns
    -------
    Input

    Raises
    ------
    ValueError
        If there are no windows, or they are not (n_chans, n_times) each.
    """
    source = _convert(X)
    if len(source.data) == 0:
        raise ValueError("X has no windows.")
    shape = getattr(source.data, "shape", None)
    if not is_dataset(source.data) and not isinstance(source.data, SliceDataset):
        if len(shape) != 3:
            raise ValueError(
                f"X must be windows of shape (n_windows, n_chans, n_times), got {shape}."
            )
    return source


def _convert(X: Any) -> Input:
    if isinstance(X, mne.BaseEpochs):
        picks = mne.pick_types(X.info, eeg=True, exclude=())
        info = mne.pick_info(X.info, picks, verbose="error")
        return Input(X.get_data(picks, units="uV").astype(np.float32), info)
    if isinstance(X, (list, tuple)):
        return _convert_list(list(X))
    if isinstance(X, LazyWindows):
        return Input(X, X.info)
    if is_dataset(X) or isinstance(X, SliceDataset):
        return Input(X, _info_of(X))
    if isinstance(X, torch.Tensor) or hasattr(X, "shape"):
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
        return Input(np.concatenate([part.data for part in parts]), parts[0].info)
    if windows and all(isinstance(item, tuple) for item in windows):
        raise TypeError(
            "X is a list of the items of a torch data set, (window, target, ...): "
            "scikit-learn has taken the data set apart. Wrap it: from skorch.helper import "
            "SliceDataset; X, y = SliceDataset(dataset, 0), SliceDataset(dataset, 1)."
        )
    shapes = {np.shape(item) for item in windows}
    if len(shapes) > 1:
        raise ValueError(f"The windows of X differ in shape: {sorted(shapes)}.")
    return Input(np.asarray([np.asarray(item, np.float32) for item in windows]))


def _info_of(dataset: Any) -> mne.Info | None:
    """Channels of a braindecode data set, through whatever wraps it."""
    while isinstance(dataset, (SliceDataset, Subset)):
        dataset = dataset.dataset
    parts = getattr(dataset, "datasets", None) or [dataset]
    infos = [getattr(getattr(part, "raw", None), "info", None) for part in parts]
    if all(info is not None for info in infos):
        _check_one_montage([info["ch_names"] for info in infos])
    return infos[0]


def _check_one_montage(names: list[list[str] | None]) -> None:
    for number, other in enumerate(names[1:], start=1):
        if other != names[0]:
            raise ValueError(
                f"The recordings of X differ in their channels: number {number} has "
                f"{', '.join(other)}, the first {', '.join(names[0])}. Give all the same "
                "channels in the same order."
            )


def as_float32(values: Any, what: str) -> np.ndarray:
    """Turn values into float32, where nothing of them is lost.

    Parameters
    ----------
    values : array-like
        Real numbers.
    what : str
        What they are, for the message.

    Returns
    -------
    ndarray
        float32. NaN and infinite values are kept.

    Raises
    ------
    TypeError
        If values are complex or no numbers.
    ValueError
        If values are masked, a finite value is too large for float32, or the rows differ
        in length.
    """
    if np.ma.is_masked(values):
        raise ValueError(
            f"{what} has {np.ma.count_masked(values)} masked values. Leave such windows "
            "out, or fill the values (numpy.ma.filled)."
        )
    array = np.asarray(values)
    if array.dtype.kind == "O" and not any(isinstance(v, str) for v in array.flat):
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what} must be real numbers, got values of type {array.dtype}.")
    with np.errstate(over="ignore"):
        converted = array.astype(np.float32)
    lost = np.isinf(converted) & np.isfinite(array)
    if lost.any():
        raise ValueError(
            f"{what} has {lost.sum()} values that are too large for float32, such as "
            f"{array[lost][0]:.3g}. Scale them, or leave them out."
        )
    return converted


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
        If they do not.
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
        The targets; None where the data set holds them.
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
        raise ValueError(
            "X is a data set that holds its own targets, and y is given as well. Give one "
            "of the two (skorch.helper.SliceDataset(X) takes the windows alone)."
        )
    if y is None:
        if not is_dataset(source.data):
            raise ValueError("No targets: give y, or a data set that holds them as X.")
        target = np.asarray(source.data[0][1])
        source.n_outputs = int(target.size)
        return None, target.ndim + 1
    if isinstance(y, torch.Tensor):
        y = y.detach().cpu()
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
