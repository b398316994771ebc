"""From the positions of markers to one regular series of volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._text import counted
from .grid import Axis, Grid, Run, find_runs, fit_grid, linked
from .options import MarkerOptions
from .slices import SHORTEST_TR, Stretch, markers_per_volume, split_into_volumes

__all__ = ["Segment", "Series", "is_regular", "resolve"]

#: More markers than this at one time are an error, not repetitions.
MOST_REPETITIONS = 4
#: Spurious markers are removed up to this share of the volumes, or up to 3.
SPURIOUS = 0.1
#: The tolerance must be shorter than this share of the repetition time.
LONGEST_TOLERANCE = 0.1


@dataclass(frozen=True)
class Segment:
    """A stretch of volumes without a break in their rhythm.

    Attributes
    ----------
    start : float
        Time of its first marker, in seconds from the first sample of the data.
    duration : float
        To the end of its last volume, in seconds.
    n_volumes : int
        Number of volumes, including those whose marker is missing.
    n_missing : int
        How many of them have no marker.
    """

    start: float
    duration: float
    n_volumes: int
    n_missing: int

    def __str__(self) -> str:  # noqa: D105
        missing = f", {counted(self.n_missing, 'marker')} missing" if self.n_missing else ""
        return (
            f"{counted(self.n_volumes, 'volume')} from {self.start:.3f} s to "
            f"{self.start + self.duration:.3f} s{missing}"
        )


def _segment(run: Run, tr: float, axis: Axis) -> Segment:
    """Describe a run."""
    n_volumes = int(run.volumes[-1]) + 1
    start = float(run.positions[0]) / axis.sfreq
    return Segment(start, n_volumes * tr, n_volumes, n_volumes - len(set(run.volumes)))


@dataclass(frozen=True)
class Series:
    """One run of volumes, and what each marker is in it."""

    #: Where the volumes should be.
    grid: Grid
    #: Per marker: ``volume``, ``duplicate``, ``slice``, ``spurious``, ``other segment``.
    status: np.ndarray
    #: The volume that a marker belongs to; -1 for spurious and other segments.
    volume: np.ndarray
    #: Repetition time in seconds, as given or as measured.
    tr: float
    #: Segments that were found besides this one.
    dropped: tuple[Segment, ...]
    #: One, or the number of slices.
    markers_per_volume: int
    #: Number of volumes with another number of slice markers.
    uneven: int
    #: What is missing of the last volume, where that was allowed.
    cut: str | None = None


def resolve(
    positions: np.ndarray, axis: Axis, options: MarkerOptions, incomplete_end: bool
) -> Series:
    """Find the regular series of volumes that the markers (ascending) form.

    With `incomplete_end` the last volume may have fewer slice markers than the others.
    """
    once = _first_of_each(positions, axis)
    markers = positions[once]
    if len(markers) < 2:
        raise axis.error(
            f"all {len(positions)} markers stand at {axis.at(positions[0])}; expected one "
            "per volume. Name the marker."
        )
    period = _period(markers, axis, options)
    tr, n_slices, segment = options.interval, options.n_slices, options.segment
    per_volume = n_slices or 1
    if tr is not None:
        per_volume = markers_per_volume(markers, period, n_slices, axis)
    stretches, starts = [], markers
    if per_volume > 1:
        stretches = split_into_volumes(markers, period, per_volume, axis, bool(n_slices))
        starts = np.concatenate([stretch.starts for stretch in stretches])
    runs = find_runs(starts, period, axis)
    if not runs:
        _check_stretches(stretches, axis, incomplete_end)
    if not runs or segment is None:
        _check_repetition(markers, starts, runs, period, axis, tr)
    segments = [_segment(run, period / axis.sfreq, axis) for run in runs]
    chosen = _choose(segments, segment, period, axis)
    run = runs[chosen]
    first, last = run.positions[[0, -1]]
    stretches = [s for s in stretches if s.begin <= last and s.end >= first]
    _check_stretches(stretches, axis, incomplete_end)
    grid = fit_grid(run, axis, tr)
    _check_steps(run, grid, axis)
    sliced = per_volume > 1
    status, volume = _sort_markers(positions, once, grid, runs, chosen, sliced, axis)
    _check_spurious(markers[status[once] == "spurious"], grid, axis, segment)
    return Series(
        grid,
        status,
        volume,
        grid.period / axis.sfreq if tr is None else tr,
        (*segments[:chosen], *segments[chosen + 1 :]),
        per_volume,
        sum(stretch.uneven for stretch in stretches),
        stretches[-1].cut if stretches else None,
    )


def is_regular(positions: np.ndarray, axis: Axis, options: MarkerOptions) -> bool:
    """Whether most markers have another one TR, or the usual interval, later."""
    markers = positions[axis.once(positions)]
    lag = options.n_slices or 1
    if len(markers) < lag + 2:
        return False
    if options.interval is None:
        return _usual_interval(markers, lag, axis)[1] > 0.5
    found, _ = linked(markers, options.interval * axis.sfreq, axis)
    return np.count_nonzero(found) > len(markers) / 2


def _first_of_each(positions: np.ndarray, axis: Axis) -> np.ndarray:
    """Mark the markers that do not repeat the one before."""
    once = axis.once(positions)
    groups = np.split(positions, np.flatnonzero(once)[1:])
    longest = max(groups, key=np.ptp)
    if np.ptp(longest) > 3 * axis.tolerance:
        raise axis.error(
            f"{len(longest)} markers from {axis.at(longest[0])} to {axis.at(longest[-1])} "
            f"follow each other within {axis.tolerance / axis.sfreq * 1e3:.3g} ms: too "
            "close to be told apart from markers written twice. Give a shorter tolerance."
        )
    most = max(groups, key=len)
    if len(most) > MOST_REPETITIONS:
        raise axis.error(
            f"{len(most)} markers stand at {axis.at(most[0])}; expected one per volume, or "
            "few repetitions of it. Remove those that are not a volume's."
        )
    return once


def _usual_interval(markers: np.ndarray, lag: int, axis: Axis) -> tuple[float, float]:
    """Measure the most frequent distance of markers `lag` apart, and its share."""
    intervals = markers[lag:] - markers[:-lag]
    within = axis.part(markers[lag:]) == axis.part(markers[:-lag])
    intervals = np.sort(intervals[within] if within.any() else intervals)
    end = np.searchsorted(intervals, intervals + 2 * axis.tolerance, side="right")
    count = end - np.arange(len(intervals))
    most = int(np.argmax(count))
    return float(np.median(intervals[most : end[most]])), count[most] / len(intervals)


def _period(markers: np.ndarray, axis: Axis, options: MarkerOptions) -> float:
    """Give the time between volumes in samples; measured, it is right to about one."""
    given = options.interval
    period = _measure(markers, axis, options) if given is None else given * axis.sfreq
    longest = LONGEST_TOLERANCE * period
    if axis.tolerance > longest:
        raise axis.error(
            f"markers {axis.tolerance / axis.sfreq:.3g} s apart count as the same place, "
            f"which is too long for a repetition time of {period / axis.sfreq:.4g} s. Give "
            f"a tolerance below {longest / axis.sfreq:.3g} s."
        )
    return period


def _measure(markers: np.ndarray, axis: Axis, options: MarkerOptions) -> float:
    lag = options.n_slices or 1
    if len(markers) < lag + 2:
        raise axis.error(
            f"{counted(len(markers), 'marker')} at {axis.places(markers)}: too few to "
            "measure the repetition time. Give tr, in seconds."
        )
    period, share = _usual_interval(markers, lag, axis)
    seconds = period / axis.sfreq
    if options.n_slices is None and seconds < SHORTEST_TR:
        raise axis.error(
            f"the markers are {seconds:.4g} s apart, so they seem to mark slices, not "
            "volumes. Give tr (seconds), or n_slices (markers per volume; 1 if the "
            "repetition time is that short)."
        )
    if share <= 0.5:
        raise axis.error(
            f"the markers are not regular: the most frequent interval, {seconds:.4g} s, "
            f"makes up {share:.0%} of {len(markers) - lag}. Give tr, in seconds, and "
            "n_slices if there are several markers per volume."
        )
    return period


def _check_repetition(
    markers: np.ndarray,
    starts: np.ndarray,
    runs: list[Run],
    period: float,
    axis: Axis,
    tr: float | None,
) -> None:
    """Raise if most markers do not follow each other at the repetition time."""
    longest = max((len(run.positions) for run in runs), default=0)
    share = np.mean(linked(starts, period, axis)[0])
    if runs and max(share, longest / len(starts)) >= 0.5:
        return
    interval, often = _usual_interval(markers, 1, axis)
    given = "" if tr is None else f"tr={tr:g} s does not fit: "
    times = round(interval / period)
    every = ""
    if times > 1 and abs(interval - times * period) <= axis.tolerance:
        every = f", give volumes_per_marker={times} if one in {times} volumes has a marker"
    raise axis.error(
        f"{given}{share:.0%} of {len(starts)} markers have another one "
        f"{period / axis.sfreq:.5g} s later; the most frequent interval is "
        f"{interval / axis.sfreq:.5g} s ({often:.0%}). Correct tr, name the marker{every}, "
        "or choose a segment if there are markers of other sequences besides."
    )


def _choose(
    segments: list[Segment], segment: int | str | None, period: float, axis: Axis
) -> int:
    """Choose the segment."""
    listed = "".join(f"\n  {i}: {each}" for i, each in enumerate(segments))
    if segment is None:
        if len(segments) == 1:
            return 0
        tr = period / axis.sfreq
        last, following = segments[0].start + segments[0].duration - tr, segments[1].start
        joints = axis.joints / axis.sfreq
        joints = joints[(joints > last) & (joints <= following)]
        because = f"{following - last:.3f} s to the next volume, no multiple of {tr:.5g} s"
        if len(joints):
            because = f"the recording was interrupted at {joints[0]:.3f} s (a joint)"
        raise axis.error(
            f"the markers form {len(segments)} segments with a gap, a restart or a joint "
            f"of the recording between them. The first is after {last:.3f} s: {because}."
            f"{listed}\nChoose one with segment=<number> or segment='longest'."
        )
    if segment == "longest":
        lengths = [each.n_volumes for each in segments]
        if lengths.count(max(lengths)) > 1:
            raise axis.error(
                f"several segments are the longest.{listed}\nChoose one by its number."
            )
        return int(np.argmax(lengths))
    if not -len(segments) <= segment < len(segments):
        raise axis.error(f"there is no segment {segment}. There are:{listed}")
    return int(segment) % len(segments)


def _check_stretches(stretches: list[Stretch], axis: Axis, incomplete_end: bool) -> None:
    for stretch in stretches:
        allowed = incomplete_end and stretch is stretches[-1]
        problem = stretch.problem or (None if allowed else stretch.cut)
        if problem:
            raise axis.error(
                f"in the slice markers from {axis.at(stretch.begin)} to "
                f"{axis.at(stretch.end)}, {problem}."
            )


def _check_steps(run: Run, grid: Grid, axis: Axis) -> None:
    """Raise if successive volumes are off the grid: the rhythm has shifted."""
    off = run.positions - grid.origin - grid.period * run.volumes
    present, index = np.unique(run.volumes, return_inverse=True)
    misses = np.full(len(present), True)
    misses[index[np.abs(off) <= axis.tolerance]] = False
    two = np.flatnonzero(misses[1:] & misses[:-1])
    if len(two):
        here = np.searchsorted(run.volumes, present[two[0]])
        raise axis.error(
            f"{np.count_nonzero(misses)} volumes, the first at "
            f"{axis.at(run.positions[here])}, are about {abs(off[here]):.1f} samples off "
            "the grid of the other volumes: the scanner paused, or the EEG lacks samples. "
            "Use the part before or after that (Raw.crop), or give a longer tolerance to "
            "move them to the grid."
        )


def _sort_markers(
    positions: np.ndarray,
    once: np.ndarray,
    grid: Grid,
    runs: list[Run],
    chosen: int,
    sliced: bool,
    axis: Axis,
) -> tuple[np.ndarray, np.ndarray]:
    """Give the status of each marker and the volume that it belongs to."""
    volume = grid.nearest(positions)
    off = np.abs(positions - grid.origin - grid.period * volume)
    on_grid = (off <= axis.tolerance) & (volume >= 0) & (volume < grid.n_volumes)
    # Slice markers belong to the whole volume, others only to its beginning.
    length = grid.period - axis.tolerance if sliced else axis.tolerance
    begins = np.array([run.positions[0] for run in runs]) - axis.tolerance
    ends = np.array([run.positions[-1] for run in runs]) + length
    run = np.searchsorted(begins, positions, side="right") - 1
    inside = (run >= 0) & (positions <= ends[run])
    # The status of those on the grid is set below.
    status = np.where(inside & (run != chosen), "other segment", "spurious")
    if sliced:
        ours = inside & (run == chosen)
        on_grid &= np.isin(positions, runs[chosen].positions)
        status[ours] = np.where(once[ours], "slice", "duplicate")
        since = np.floor((positions + axis.tolerance - grid.origin) / grid.period)
        volume = np.where(ours & ~on_grid, since, volume).astype(int)
    # The marker nearest to the grid is the volume's, the earlier of two.
    status[on_grid] = "duplicate"
    order = np.lexsort((positions[on_grid], off[on_grid], volume[on_grid]))
    candidates = np.flatnonzero(on_grid)[order]
    status[candidates[np.append(True, np.diff(volume[candidates]) > 0)]] = "volume"
    outside = (status == "spurious") | (status == "other segment")
    return status, np.where(outside, -1, np.clip(volume, 0, grid.n_volumes - 1))


def _check_spurious(
    spurious: np.ndarray, grid: Grid, axis: Axis, segment: int | str | None
) -> None:
    """Raise if too many markers are off the grid to be spurious."""
    first, last = grid.positions[[0, -1]]
    if segment is not None:
        # Markers outside a segment that was chosen do not count.
        spurious = spurious[(spurious > first) & (spurious < last)]
    if len(spurious) > max(3, SPURIOUS * grid.n_volumes):
        off = spurious - grid.origin - grid.period * grid.nearest(spurious)
        raise axis.error(
            f"{len(spurious)} markers are not on the grid of the {grid.n_volumes} volumes "
            f"from {axis.at(first)} to {axis.at(last)}: {axis.places(spurious)}. Half of "
            f"them are {np.median(np.abs(off)) / axis.sfreq:.3g} s or more from the "
            "nearest volume. Name the marker if there are two series, give n_slices if "
            "there are several markers per volume, choose a segment, or give a longer "
            "tolerance if they are the volumes' own markers or were written twice."
        )
