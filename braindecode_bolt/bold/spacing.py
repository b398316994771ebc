"""The time from one volume to the next, and where volumes are missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .._text import counted
from ..recording import MarkerError, Recording, check_recording

__all__ = ["repetition_time", "steps_of", "volume_steps"]

# Longer gaps, in volumes, are not interpolated: both sides are filtered separately.
_LONGEST_GAP = 1000


def repetition_time(recording: Recording) -> float:
    """Measure the time between volumes.

    Parameters
    ----------
    recording : Recording
        With at least two volumes.

    Returns
    -------
    float
        Time between volume markers, in seconds. Volumes without BOLD are counted:
        their numbers are missing.

    Raises
    ------
    MarkerError
        If there are fewer than two volumes.
    TypeError
        If `recording` is not a Recording, but a Raw object for example.
    """
    tr = check_recording(recording).repetition_time
    if np.isnan(tr):
        raise MarkerError(
            f"{recording.name} has "
            f"{counted(len(recording.volume_annotations()), 'volume')}; at least 2 are "
            "needed to know the repetition time."
        )
    return tr


def volume_steps(recording: Recording) -> np.ndarray:
    """Count the repetition times from each volume with BOLD to the next.

    Parameters
    ----------
    recording : Recording
        With at least two volumes.

    Returns
    -------
    ndarray of int, shape (n_volumes,)
        1 where no volume is missing before this one, more where some are, 0 where a
        stretch begins: at the first volume, after a pause, where runs were joined.

    Raises
    ------
    MarkerError
        If there are fewer than two volumes.
    TypeError
        If `recording` is not a Recording, but a Raw object for example.

    Examples
    --------
    >>> from braindecode_bolt.bold import volume_steps
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recording = SimulatedEEGfMRI(n_subjects=1, duration=60.0).load()[0]
    >>> volume_steps(recording)[:4]
    array([0, 1, 1, 1])
    """
    onsets, volumes = _onsets(recording)
    n_steps = np.diff(volumes)
    passed = np.diff(onsets) / repetition_time(recording)
    # Markers lie on samples, and the repetition time is known as well as these.
    tolerance = 0.1 + 0.002 * np.abs(n_steps)
    even = (n_steps > 0) & (np.abs(passed - n_steps) <= tolerance)
    even &= n_steps <= _LONGEST_GAP
    return np.concatenate([[0], np.where(even, n_steps, 0)])


def _onsets(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Time and number of each volume with BOLD."""
    positions = check_recording(recording).volume_annotations()
    annotations = recording.raw.annotations
    volumes = [annotations.extras[position]["volume"] for position in positions]
    return annotations.onset[positions], np.array(volumes, dtype=int)


def steps_of(index: pd.Index) -> np.ndarray:
    """Count the repetition times between rows from the index of a table.

    Parameters
    ----------
    index : Index
        Numbers of volumes, if it is called ``volume``; otherwise no volume is missing.

    Returns
    -------
    ndarray of int, shape (n_volumes,)
        As :func:`volume_steps` gives.

    Raises
    ------
    ValueError
        If volumes do not ascend.
    """
    if index.name != "volume":
        return np.ones(len(index), dtype=int)
    steps = np.diff(index.to_numpy(), prepend=index[:1])
    if not np.issubdtype(steps.dtype, np.integer) or (steps[1:] <= 0).any():
        raise ValueError(
            "The index 'volume' must hold ascending integers. Prepare runs one by one."
        )
    return np.where(steps > _LONGEST_GAP, 0, steps)
