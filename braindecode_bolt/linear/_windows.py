"""Windows as linear models take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from skorch.helper import SliceDataset
from skorch.utils import is_dataset

from ..splits import recording_labels
from ..windows.inputs import Input, as_input, pieces_of
from ..windows.lazy import LazyWindows

__all__ = ["as_windows", "one_recording"]


def one_recording(X: Any) -> Iterator[Any]:
    """Give windows of one recording, piece by piece if they come in pieces.

    Parameters
    ----------
    X : windows | iterable of LazyWindows
        All windows, or pieces.

    Yields
    ------
    windows
        A piece.

    Raises
    ------
    ValueError
        If a piece is of several recordings.
    """
    pieces = pieces_of(X)
    if isinstance(X, (list, tuple)) and X and isinstance(X[0], LazyWindows):
        pieces = X
    for piece in pieces:
        found = np.unique(recording_labels(as_windows(piece).data))
        if len(found) > 1:
            raise ValueError(
                f"Calibration windows must be of one recording, got {len(found)}."
            )
        yield piece


def as_windows(X: Any) -> Input:
    """Bring windows into a form that can be cut into segments.

    Parameters
    ----------
    X : LazyWindows | FeatureWindows | mne.Epochs | array-like
        Windows, shape (n_windows, n_chans, n_times).

    Returns
    -------
    Input
        The windows and what is known of them.

    Raises
    ------
    TypeError
        If `X` is a torch data set, or no windows.
    ValueError
        If there are no windows, or they have another number of dimensions.
    """
    source = as_input(X)
    if isinstance(source.data, SliceDataset) or is_dataset(source.data):
        raise TypeError(
            f"Linear models take LazyWindows, arrays or Epochs, got a "
            f"{type(X).__name__}. Of a torch data set, stack the windows: "
            "np.stack([item[0] for item in dataset])."
        )
    return source
