"""Windows as linear models take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..splits import recording_labels
from ..windows.inputs import Input, as_input, pieces_of, stacked
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
    X : LazyWindows | FeatureWindows | mne.Epochs | data set | array-like
        Windows, shape (n_windows, n_chans, n_times). Those of a data set of braindecode or
        torch are read into memory.

    Returns
    -------
    Input
        The windows and what is known of them.

    Raises
    ------
    TypeError
        If `X` is no windows.
    ValueError
        If there are no windows, or they have another number of dimensions.
    """
    return stacked(as_input(X))
