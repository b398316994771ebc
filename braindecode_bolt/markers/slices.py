"""Several markers per volume: counting them, and finding each volume's first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .grid import Axis, nearest

__all__ = ["SHORTEST_TR", "Stretch", "markers_per_volume", "split_into_volumes"]

#: Markers closer than this, in seconds, are taken for slices, not volumes.
SHORTEST_TR = 0.3
#: An interval this much longer than the usual one is a pause.
PAUSE = 3.0


@dataclass(frozen=True)
class Stretch:
    """Markers without a break of a whole repetition time.

    Attributes
    ----------
    begin, end : float
        Positions of the first and the last marker.
    starts : ndarray of float
        Positions of the first marker of each volume. All markers, where there
        are too few for a volume.
    uneven : int
        Number of volumes with more or fewer markers than there are slices.
    problem : str | None
        Why it is not certain where the volumes begin.
    cut : str | None
        What is wrong with its last volume.
    """

    begin: float
    end: float
    starts: np.ndarray
    uneven: int = 0
    problem: str | None = None
    cut: str | None = None


def _spacing(markers: np.ndarray) -> float:
    """Measure the time between slices, whether or not volumes have a pause."""
    return float(np.quantile(np.diff(markers), 0.25))


def _reach(markers: np.ndarray, axis: Axis) -> float:
    """Largest distance of a marker from its place before it is another slice's."""
    return min(2 * axis.tolerance, _spacing(markers) / 3)


def markers_per_volume(
    markers: np.ndarray, period: float, n_slices: int | None, axis: Axis
) -> int:
    """Count the markers in a repetition time.

    Parameters
    ----------
    markers : ndarray of float
        Without repetitions.
    period : float
        The repetition time in samples.
    n_slices : int | None
        How many there should be.
    axis : Axis
        What they belong to.

    Returns
    -------
    int

    Raises
    ------
    MarkerError
        If it is not what it should be; or if there are several that are too
        far apart to be taken for slices without being told.
    """
    reach = _reach(markers, axis)
    until = np.searchsorted(markers, markers + period - reach)
    whole = markers + period <= markers[-1] + reach
    count = (until - np.arange(len(markers)))[whole]
    usual = max(int(np.median(count)), 1) if len(count) else 1
    tr = period / axis.sfreq
    if n_slices is not None:
        if usual != n_slices > 1:
            raise axis.error(
                f"most repetition times of {tr:g} s have {usual} markers, not "
                f"n_slices={n_slices}. Correct n_slices or tr."
            )
        return n_slices
    if usual > 1 and _spacing(markers) >= SHORTEST_TR * axis.sfreq:
        raise axis.error(
            f"tr={tr:g} s does not fit: the markers are "
            f"{_spacing(markers) / axis.sfreq:.4g} s apart, {usual} in each "
            f"repetition time. Correct tr, or give n_slices={usual} if they mark slices, "
            "n_slices=1 if there are markers of other sequences besides."
        )
    return usual


def split_into_volumes(
    markers: np.ndarray, period: float, n_slices: int, axis: Axis, told: bool
) -> list[Stretch]:
    """Find the first marker of each volume, beginning at the first of each stretch.

    Parameters
    ----------
    markers : ndarray of float
        Without repetitions.
    period : float
        The repetition time in samples.
    n_slices : int
        Markers per volume.
    axis : Axis
        What they belong to.
    told : bool
        Whether `n_slices` was given, not counted. Then the first marker of a
        stretch counts as that of a volume wherever volumes have a pause.

    Returns
    -------
    list of Stretch
    """
    reach = _reach(markers, axis)
    apart = (np.diff(markers) > period + reach) | (np.diff(axis.part(markers)) > 0)
    breaks = np.flatnonzero(apart) + 1
    return [
        _split(block, period, n_slices, reach, told)
        if len(block) >= max(n_slices, 2)
        else Stretch(block[0], block[-1], block)
        for block in np.split(markers, breaks)
    ]


def _split(
    block: np.ndarray, period: float, n_slices: int, reach: float, told: bool
) -> Stretch:
    marker, begins = _step_through(block, period, reach)
    count = np.diff(np.searchsorted(block, np.append(begins - reach, np.inf)))
    found = marker[marker >= 0]
    uneven = int(np.count_nonzero(count != n_slices))
    problem = _doubt(block, marker, count, n_slices)
    if problem is None and not told and not _begins_after_pause(block, found, reach):
        problem = (
            "volumes have a pause between slices, and it is not before the marker that "
            "the run begins with. Remove the markers that do not belong to a whole volume, "
            f"or give n_slices={n_slices} if volumes do begin there"
        )
    cut = None
    if count[-1] < n_slices:
        cut = (
            f"the last volume has {count[-1]} slice markers, the others {n_slices}: the "
            "scan was stopped within it, or the run lacks its first markers and all "
            "volumes would be placed too late"
        )
    return Stretch(block[0], block[-1], block[found], uneven, problem, cut)


def _doubt(
    block: np.ndarray, marker: np.ndarray, count: np.ndarray, n_slices: int
) -> str | None:
    """Say why it is not certain where the volumes begin."""
    if np.mean(count == n_slices) < 0.5:
        return (
            f"most volumes do not have {n_slices} markers (the first have "
            f"{', '.join(map(str, count[:5]))}). Correct tr or n_slices"
        )
    if count[0] != n_slices:
        return (
            f"the first volume has {count[0]} slice markers, the others {n_slices}, so "
            "that its beginning cannot be told. Remove the markers that do not belong to "
            "a whole volume, or give a longer tolerance if some were written twice"
        )
    last = int(np.flatnonzero(marker >= 0)[-1])
    beyond = count[last + 1 :]
    if len(beyond) > 1 or (beyond >= n_slices).any():
        return (
            f"{beyond.sum()} markers, from sample {round(block[-beyond.sum()])} on, "
            "do not continue the rhythm of the markers before. Use the part before or "
            "after (Raw.crop), or give a longer tolerance"
        )
    return None


def _step_through(
    block: np.ndarray, period: float, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Step from volume to volume.

    Returns the marker that each begins with, -1 where there is none, and where
    it begins.
    """
    markers, begins = [], []
    here = block[0]
    while here <= block[-1] + reach:
        marker = int(nearest(block, here))
        met = abs(block[marker] - here) <= reach
        here = block[marker] if met else here
        markers.append(marker if met else -1)
        begins.append(here)
        here = here + period
    return np.array(markers), np.array(begins)


def _begins_after_pause(block: np.ndarray, found: np.ndarray, reach: float) -> bool:
    """Whether the pause between slices, if there is one, is at the end of volumes."""
    if len(found) < 3:
        return True
    intervals = np.diff(block)
    # Each volume has a longest one, so half of the volumes have one of this length.
    pause = np.sort(intervals)[-(len(found) // 2)]
    before = np.median(intervals[found[1:] - 1])
    return bool(pause <= PAUSE * _spacing(block) or before >= pause - 2 * reach)
