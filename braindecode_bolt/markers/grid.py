"""Markers on a regular grid: runs of them, and the line that fits a run.

Positions are in samples, as floats, in the order of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mne
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .annotations import MarkerError, recording_file
from .joints import joint_samples

__all__ = ["Axis", "Grid", "Run", "find_runs", "fit_grid", "linked", "nearest"]

#: How far the repetition time in the data may be from the given one: the clocks
#: of scanners and amplifiers differ by a few 1e-5.
CLOCKS = 2e-4
#: A single marker that fits the grid of a run, but comes more volumes than this
#: before or after it, fits by chance.
LONGEST_HOLE = 5


@dataclass(frozen=True)
class Axis:
    """The samples of a recording, and the tolerance in which positions are the same."""

    name: str
    sfreq: float
    #: In samples.
    tolerance: float
    #: First sample after each joint of the recording; no series crosses one.
    joints: np.ndarray

    @classmethod
    def of(cls, raw: mne.io.BaseRaw, tolerance: float | None) -> Axis:
        """Describe a recording; `tolerance` in seconds."""
        sfreq = raw.info["sfreq"]
        close = max(3.0, 0.005 * sfreq) if tolerance is None else tolerance * sfreq
        return cls(recording_file(raw), sfreq, close, joint_samples(raw))

    def part(self, positions: np.ndarray | float) -> np.ndarray:
        """Find the part of the recording, between joints, that positions lie in."""
        return np.searchsorted(self.joints, positions, side="right")

    def once(self, positions: np.ndarray) -> np.ndarray:
        """Mark the positions (ascending) that do not repeat the one before."""
        return np.append(True, np.diff(positions) > self.tolerance)

    def at(self, position: float) -> str:
        """Say where a position is."""
        return f"{position / self.sfreq:.3f} s (sample {round(position)})"

    def places(self, positions: Sequence[float], n: int = 5) -> str:
        """Say where the first few of some positions are."""
        more = f" and {len(positions) - n} more" if len(positions) > n else ""
        return ", ".join(self.at(position) for position in positions[:n]) + more

    def error(self, text: str) -> MarkerError:
        """Make an error that names the recording."""
        return MarkerError(f"{self.name}: {text}")


@dataclass(frozen=True)
class Run:
    """Markers on one grid: their positions, and which volume each stands for."""

    positions: np.ndarray
    volumes: np.ndarray

    @classmethod
    def join(cls, pieces: Sequence[Run]) -> Run:
        """Put pieces of one run together."""
        return cls(
            np.concatenate([piece.positions for piece in pieces]),
            np.concatenate([piece.volumes for piece in pieces]),
        )

    def shifted(self, volumes: int) -> Run:
        """Add to the volume numbers."""
        return Run(self.positions, self.volumes + volumes)

    def volumes_until(self, later: Run, period: float, axis: Axis) -> int | None:
        """Count volumes from this run's volume 0 to that of a later one.

        None where the later one is not on this run's grid, the two are too short
        to say so, or there is a joint between them.
        """
        # Only markers near the gap, since clocks differ over long times.
        here = np.median(self.positions[-5:] - period * self.volumes[-5:])
        there = np.median(later.positions[:5] - period * later.volumes[:5])
        shift = round((there - here) / period)
        if axis.part(self.positions[-1]) != axis.part(later.positions[0]):
            return None
        hole = shift + later.volumes[0] - self.volumes[-1] - 1
        alone = min(len(self.positions), len(later.positions)) == 1
        off = abs(there - here - shift * period)
        return None if off > axis.tolerance or alone and hole > LONGEST_HOLE else shift


@dataclass(frozen=True)
class Grid:
    """Where volumes should be: volume k at ``origin + k * period`` samples."""

    origin: float
    period: float
    n_volumes: int
    #: Time between the markers by the clock of the EEG, in samples.
    measured: float

    @property
    def positions(self) -> np.ndarray:
        """Position of each volume."""
        return self.origin + self.period * np.arange(self.n_volumes)

    def nearest(self, positions: np.ndarray) -> np.ndarray:
        """Find the volume nearest to each position; it may lie outside the grid."""
        return np.rint((positions - self.origin) / self.period).astype(int)


def nearest(positions: np.ndarray, targets: np.ndarray | float) -> np.ndarray:
    """Find which of the positions (ascending, two at least) is nearest to each target."""
    after = np.clip(np.searchsorted(positions, targets), 1, len(positions) - 1)
    return after - (targets - positions[after - 1] <= positions[after] - targets)


def linked(
    positions: np.ndarray, period: float, axis: Axis
) -> tuple[np.ndarray, np.ndarray]:
    """Say whether each marker has another one a period later, and which it is."""
    if len(positions) < 2:
        return np.zeros(len(positions), dtype=bool), np.zeros(len(positions), dtype=int)
    following = nearest(positions, positions + period)
    # Each of the two may be off by the tolerance.
    found = np.abs(positions[following] - positions - period) <= 2 * axis.tolerance
    return found & (axis.part(positions) == axis.part(positions[following])), following


def find_runs(starts: np.ndarray, period: float, axis: Axis) -> list[Run]:
    """Link markers one period apart, and join what lies on one grid.

    Steps are counted from marker to marker, so that the difference between a
    scanner's and an amplifier's clock does not add up. Each run has two markers at
    least.
    """
    found, following = linked(starts, period, axis)
    if not found.any():
        return []
    links = (np.ones(np.count_nonzero(found)), (np.flatnonzero(found), following[found]))
    graph = coo_array(links, shape=(len(starts), len(starts)))
    _, label = connected_components(graph, directed=False)
    order = np.argsort(label, kind="stable")
    chains = np.split(starts[order], np.flatnonzero(np.diff(label[order])) + 1)
    pieces = [
        Run(chain, np.append(0, np.cumsum(np.rint(np.diff(chain) / period).astype(int))))
        for chain in sorted(chains, key=lambda chain: chain[0])
    ]
    longest = max(pieces, key=lambda piece: piece.volumes[-1])
    period = float(np.ptp(longest.positions[[0, -1]])) / longest.volumes[-1]
    runs: list[list[Run]] = []
    alone: list[Run] = []
    for piece in _without_inner(pieces):
        shift = None
        if runs:
            shift = Run.join(runs[-1][-5:]).volumes_until(piece, period, axis)
        if shift is not None:
            runs[-1].append(piece.shifted(shift))
        elif len(piece.positions) == 1:
            alone.append(piece)
        else:
            runs.append(_with_earlier(alone, piece, period, axis))
            alone = []
    return [Run.join(run).shifted(-run[0].volumes[0]) for run in runs]


def _without_inner(pieces: list[Run]) -> list[Run]:
    """Leave out what stands between the markers of a longer run: it is spurious."""
    kept: list[Run] = []
    for piece in pieces:
        if not kept or piece.positions[0] > kept[-1].positions[-1]:
            kept.append(piece)
        elif len(piece.positions) > len(kept[-1].positions):
            kept[-1] = piece
    return kept


def _with_earlier(alone: list[Run], piece: Run, period: float, axis: Axis) -> list[Run]:
    """Add single markers before a run that lie on its grid."""
    pieces = [piece]
    for single in reversed(alone):
        shift = single.volumes_until(pieces[0], period, axis)
        if shift is not None:
            pieces.insert(0, single.shifted(-shift))
    return pieces


def fit_grid(run: Run, axis: Axis, tr: float | None) -> Grid:
    """Fit a line to the markers of a run.

    The nominal repetition time (as given, or else the nearest millisecond) is used
    where it departs from the markers by less than a sample over the whole run.
    Otherwise the clocks of scanner and amplifier differ, and the line follows that of
    the EEG.
    """
    volume, first = np.unique(run.volumes, return_index=True)
    position = run.positions[first]
    # Distances from a line whose slope outliers hardly affect: the median over pairs of
    # markers half a run apart.
    half = len(position) // 2
    slopes = (position[half:] - position[:-half]) / (volume[half:] - volume[:-half])
    off = position - np.median(slopes) * volume
    off -= np.median(off)
    trusted = np.abs(off) <= max(1.0, 4.5 * np.median(np.abs(off)))
    measured = float(np.polyfit(volume[trusted], position[trusted], 1)[0])
    nominal = round(measured / axis.sfreq, 3) if tr is None else tr
    period, last = nominal * axis.sfreq, int(volume[-1])
    drift = abs(measured - period) * last
    if tr is not None and drift > CLOCKS * period * last + axis.tolerance:
        raise axis.error(
            f"tr={tr:g} s does not fit: the markers of {last + 1} volumes are "
            f"{measured / axis.sfreq:.6g} s apart. Correct tr, or the sampling rate of the "
            "EEG; clocks differ by a few 1e-5 only."
        )
    if abs(measured - period) * (last + 1) >= 1:
        period = measured
    origin = float(np.median((position - period * volume)[trusted]))
    return Grid(origin, period, last + 1, measured)
