"""The windows of each recording in the order of time, and gaps between parts of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..markers.timing import repetition_time
from .origin import Origin

#: Markers fall on samples: a gap may miss a whole number of volumes by this share.
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
        Smallest allowed difference in time between volumes of two parts.
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


def timelines(origin: Origin, gap: float) -> list[Timeline]:
    """Put the windows of each recording in the order of time.

    Parameters
    ----------
    origin : Origin
        Where the windows come from.
    gap : float
        Time between parts of a recording, in seconds (in windows, if labels are all
        that is known). Rounded up to whole volumes, and never shorter than the
        window.

    Returns
    -------
    list of Timeline
        In the order of the recordings.
    """
    recordings, ends = origin.recordings, origin.ends
    lengths = ends - origin.starts
    table = origin.table
    volumes = table["volume"].to_numpy() if "volume" in table else None
    lines = []
    for recording in np.unique(recordings):
        rows = np.flatnonzero(recordings == recording)
        rows = rows[np.argsort(ends[rows], kind="stable")]
        tr = repetition_time(ends[rows], None if volumes is None else volumes[rows])
        distance = max(gap, lengths[rows].max())
        if not math.isnan(tr):
            # A gap of 20 s at a repetition time of 2.1 s is 10 whole volumes. Half a
            # repetition time less than from the last volume before the gap to the
            # first after it, since markers are not perfectly regular.
            distance = (math.ceil(distance / tr - _ROUNDING) + 0.5) * tr
        lines.append(Timeline(origin.name(rows[0]), rows, ends[rows], distance))
    return lines
