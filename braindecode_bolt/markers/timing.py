"""The repetition time that volumes show."""

from __future__ import annotations

import numpy as np

__all__ = ["repetition_time"]


def repetition_time(times: np.ndarray, volumes: np.ndarray | None = None) -> float:
    """Measure the time between volumes, in the unit of their `times`.

    The mean of the intervals that are within a tenth of their median: finer than the
    samples that markers stand on, and not moved by gaps. NaN with fewer than two volumes.
    Give their numbers in `volumes`, where known: then those that were left out are not
    taken for a longer repetition time.
    """
    times = np.asarray(times, dtype=float)
    order = np.argsort(times, kind="stable")
    steps = np.diff(times[order])
    counts = np.ones(len(steps)) if volumes is None else np.diff(volumes[order])
    # Joined recordings count their volumes anew.
    usable = (steps > 0) & (counts > 0)
    if not usable.any():
        return float("nan")
    intervals = steps[usable] / counts[usable]
    usual = float(np.median(intervals))
    near = intervals[np.abs(intervals - usual) <= 0.1 * usual]
    return usual if np.ptp(near) <= 1e-9 * usual else float(near.mean())
