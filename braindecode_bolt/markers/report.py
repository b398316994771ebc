"""The report on volume markers: what was found, and what was corrected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .._text import counted
from .series import Segment

__all__ = ["MarkerReport"]


@dataclass(frozen=True, eq=False, repr=False)
class MarkerReport:
    """What was found among volume markers, and what was corrected.

    ``print(report)`` gives a summary; the table `markers` lists every marker.

    Attributes
    ----------
    source : str
        Where the markers were found.
    sfreq : float
        Sampling rate of the EEG in Hz: residuals are in samples.
    tr : float
        Repetition time in seconds, as given, otherwise as measured.
    measured_tr : float
        Time between volumes by the clock of the EEG, in seconds.
    n_volumes : int
        Number of volumes in the result.
    markers : pandas.DataFrame, shape (n_found, 5)
        A row per marker that was found, in the order of time. ``sample``: where
        it was found, from the first sample of the data; ``status``: ``kept``,
        ``moved``, ``duplicate``, ``slice``, ``spurious``, ``dummy``, ``extra`` or
        ``other segment``; ``volume``: the volume it belongs to, counted from 0
        in the result (missing where it belongs to none); ``volume_sample``:
        where the marker of this volume stands now; ``residual``: how many
        samples it was found after the regular grid (for a volume's own marker).
    filled : ndarray of int64
        Samples of volumes that had no marker and were put on the grid.
    dropped_segments : tuple of Segment
        Stretches of regular volumes that were not taken.
    markers_per_volume : int
        1, or the number of slice markers in each volume.
    n_uneven : int
        Number of volumes that have more or fewer slice markers than that.
    volumes_per_marker : int
        1, or n where only every n-th volume has a marker.
    uncovered : tuple of int
        How many rows of BOLD before the first volume, and after the last, were left out,
        because they have no EEG.
    """

    source: str
    sfreq: float
    tr: float
    measured_tr: float
    n_volumes: int
    markers: pd.DataFrame
    filled: np.ndarray
    dropped_segments: tuple[Segment, ...]
    markers_per_volume: int
    n_uneven: int
    volumes_per_marker: int = 1
    uncovered: tuple[int, int] = (0, 0)

    @property
    def n_found(self) -> int:
        """Number of markers found."""
        return len(self.markers)

    @property
    def moved(self) -> pd.DataFrame:
        """Markers moved to the grid: ``volume``, ``found``, ``sample``, ``late``.

        ``late`` is the number of samples that the marker was late (early, if
        negative).
        """
        rows = self.markers[self.markers["status"] == "moved"]
        moved = rows[["volume", "sample", "volume_sample"]].astype(np.int64)
        moved.columns = ["volume", "found", "sample"]
        late = moved["found"] - moved["sample"]
        return moved.assign(late=late).reset_index(drop=True)

    def samples(self, status: str) -> np.ndarray:
        """List the samples of the markers that have a status, in the order of time.

        Parameters
        ----------
        status : str
            One of those in the table `markers`: ``kept``, ``moved``, ``duplicate``,
            ``slice``, ``spurious``, ``dummy``, ``extra`` or ``other segment``.

        Returns
        -------
        ndarray of int64, shape (n_markers,)
            Where they were found, counted from the first sample of the data. Empty
            where there are none.
        """
        return self.markers.loc[self.markers["status"] == status, "sample"].to_numpy()

    @property
    def residuals(self) -> np.ndarray:
        """How many samples after the regular grid each volume's marker was found.

        Of shape (n_volumes,), NaN where the marker was missing. Up to half a
        sample is rounding.
        """
        rows = self.markers[self.markers["status"].isin(["kept", "moved"])]
        residuals = np.full(self.n_volumes, np.nan)
        residuals[rows["volume"].to_numpy(dtype=np.int64)] = rows["residual"]
        return residuals

    @property
    def max_residual(self) -> float:
        """The largest absolute residual, in samples."""
        return float(np.nanmax(np.abs(self.residuals)))

    @property
    def corrected(self) -> bool:
        """Whether the result is not simply the markers that were found."""
        odd = (self.markers["status"] != "kept").any() or len(self.filled)
        return bool(odd or any(self.uncovered))

    def __str__(self) -> str:
        """Say in a few lines what was found and corrected."""
        by_clock, nominal = f"{self.measured_tr:.7g}", f"{self.tr:.7g}"
        measured = f" (measured {by_clock} s)" if by_clock != nominal else ""
        every = self.volumes_per_marker
        number = counted(self.n_volumes, "volume")
        number += f" (one marker per {every} volumes)" if every > 1 else ""
        lines = [
            f"{counted(self.n_found, 'marker')} found ({self.source}): {number}, TR "
            f"{nominal} s{measured}, largest residual {self.max_residual:.3g} samples"
        ]
        late = [
            f"{self._at(row.found)} {abs(row.late)} {'late' if row.late > 0 else 'early'}"
            for row in self.moved.itertuples()
        ]
        uneven = (
            f"; more or fewer in {counted(self.n_uneven, 'volume')}"
            if self.n_uneven
            else ""
        )
        changes = {
            "repeated markers removed": self._places("duplicate"),
            "markers moved to the grid (samples)": late,
            f"slice markers removed, {self.markers_per_volume} per volume{uneven}": (
                self._places("slice")
            ),
            "markers of dummy volumes skipped": self._places("dummy"),
            "missing markers filled on the grid": [self._at(s) for s in self.filled],
            "spurious markers removed": self._places("spurious"),
            "markers after the last volume dropped": self._places("extra"),
        }
        for what, places in changes.items():
            if places:
                more = ", ..." * (len(places) > 3)
                lines.append(f"  {what}: {len(places)} ({', '.join(places[:3])}{more})")
        for number, where in zip(
            self.uncovered, ("before the first", "after the last"), strict=True
        ):
            if number:
                rows = counted(number, "row")
                lines.append(f"  {rows} of BOLD left out {where} marker: no EEG")
        lines += [f"  segment left out: {each}" for each in self.dropped_segments]
        return "\n".join(lines if self.corrected else [f"{lines[0]}; nothing corrected"])

    def __repr__(self) -> str:
        """Show the same as ``print``: the table of all markers is long."""
        return str(self)

    def _places(self, status: str) -> list[str]:
        return [self._at(sample) for sample in self.samples(status)]

    def _at(self, sample: int) -> str:
        return f"{sample / self.sfreq:.3f} s"
