"""The windows of one recording in time, and the gap between parts of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..markers.timing import repetition_time

#: Share of a repetition time that is put down to markers falling on samples.
_ROUNDING = 0.01


@dataclass(frozen=True)
class Timeline:
    """The windows of one recording in the order of time.

    Attributes
    ----------
    name : str
        The recording, for messages.
    rows : ndarray of int, shape (n_windows,)
        Rows of the windows, in the order of time.
    times : ndarray, shape (n_windows,)
        Times of their volumes, ascending, up to a constant.
    distance : float
        Least difference in time between volumes of two parts.
    """

    name: str
    rows: np.ndarray
    times: np.ndarray
    distance: float

    def before(self, position: int) -> np.ndarray:
        """Mark the windows that are earlier than a window by the gap or more."""
        return self.times <= self.times[position] - self.distance

    def after(self, position: int) -> np.ndarray:
        """Mark the windows that are later than a window by the gap or more."""
        return self.times >= self.times[position] + self.distance


def least_distance(
    times: np.ndarray, volumes: np.ndarray | None, gap: float, window: float
) -> float:
    """Say how far apart in time volumes of two parts of a recording must be.

    The gap, or the window where that is longer, is rounded up to whole volumes,
    all of which lie between the parts: 10 for 20 s at a repetition time of
    2.1 s.

    Parameters
    ----------
    times : ndarray, shape (n_windows,)
        Times of the volumes.
    volumes : ndarray, shape (n_windows,) | None
        Their numbers, where they are known: volumes that were left out are then
        not taken for a longer repetition time.
    gap, window : float
        In the unit of `times`.

    Returns
    -------
    float
        In the unit of `times`. Half a repetition time less than from the last
        volume before to the first behind, since markers are not quite regular.
    """
    tr = repetition_time(times, volumes)
    longer = max(gap, window)
    if math.isnan(tr):
        return longer
    return (math.ceil(longer / tr - _ROUNDING) + 0.5) * tr
