"""The repetition time that volumes show."""

from __future__ import annotations

import numpy as np

__all__ = ["repetition_time"]


def repetition_time(times: np.ndarray, volumes: np.ndarray | None = None) -> float:
    """Measure the time between volumes.

    Parameters
    ----------
    times : ndarray, shape (n_volumes,)
        Time of each volume, in any unit and order.
    volumes : ndarray of int, shape (n_volumes,) | None
        Their numbers, where they are known: volumes that were left out are then not
        taken for a longer repetition time.

    Returns
    -------
    float
        Mean of the intervals that are within a tenth of their median: finer than the
        samples that markers stand on, and not moved by gaps. NaN where there are
        fewer than two volumes.
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
