"""The electrodes, bands and lags on which every model is explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..linear import BandPower
from ..linear._windows import as_windows
from ..splits import recording_labels
from ..windows.features import FeatureWindows

__all__ = [
    "AXES",
    "Grid",
    "centre_by_recording",
    "choose_rows",
    "spread_of_power",
    "take_windows",
]


#: What the cells of a grid are told apart by.
AXES = ("electrode", "band", "lag")
#: Name of electrodes or bands that are taken together.
TOGETHER = "all"


@dataclass(frozen=True)
class Grid:
    """Electrodes, bands and lags, with the log power of some windows.

    Attributes
    ----------
    band_power : BandPower
        Computes the log power of these electrodes, bands and lags.
    rows : ndarray of int, shape (n_windows,)
        The windows that it was computed of.
    recordings : ndarray, shape (n_windows,)
        Recording of each of them.
    power : ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
        Log power, the mean of each recording subtracted.
    """

    band_power: BandPower
    rows: np.ndarray
    recordings: np.ndarray
    power: np.ndarray

    @classmethod
    def of(
        cls,
        X: Any,
        bands: Mapping[str, tuple[float, float]] | None,
        segment_seconds: float,
        n_windows: int,
        sfreq: float | None,
    ) -> Grid:
        """Compute the log power of about `n_windows` windows."""
        data = as_windows(X).data
        if isinstance(data, FeatureWindows):
            band_power = BandPower(bands)
        else:
            band_power = BandPower(bands, segment_seconds, sfreq=sfreq)
        band_power.fit(X)
        labels = recording_labels(data)
        rows = choose_rows(labels, n_windows)
        power = band_power.transform(take_windows(data, rows))
        power = power.reshape(len(rows), *_shape(band_power))
        return cls(band_power, rows, labels[rows], centre_by_recording(power, labels[rows]))

    @property
    def ch_names(self) -> list[str]:
        """The electrodes."""
        return list(self.band_power.ch_names_)

    @property
    def bands(self) -> dict[str, tuple[float, float]]:
        """The bands in Hz; NaN where their frequencies are not known."""
        return self.band_power.bands_

    @property
    def edges(self) -> np.ndarray:
        """The bands in Hz, shape (n_bands, 2)."""
        return np.array(list(self.bands.values()), float)

    @property
    def lags(self) -> np.ndarray:
        """Middle of each segment in seconds before the volume, decreasing."""
        return self.band_power.lags_

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation of log power within recordings, (n_electrodes, n_bands)."""
        return spread_of_power(self.power, self.recordings)

    def segments(self) -> list[slice]:
        """Give the samples of the window at each lag."""
        length = self.band_power.n_segment_
        return [slice(start, start + length) for start in self.band_power.offsets_]

    def joined(self, by: Sequence[str]) -> np.ndarray:
        """Average standardised log power over what is not told apart, keeping the axes."""
        left = tuple(place + 1 for place, axis in enumerate(AXES) if axis not in by)
        if not left:
            return self.power
        spread = np.where(self.spread > 0, self.spread, 1.0)[..., None]
        return (self.power / spread).mean(axis=left, keepdims=True)

    def added_up(self, effect: np.ndarray, by: Sequence[str]) -> np.ndarray:
        """Add effects up over what is not told apart, keeping the axes."""
        left = tuple(place + 1 for place, axis in enumerate(AXES) if axis not in by)
        return effect.sum(axis=left, keepdims=True)

    def table(
        self,
        region_names: Sequence[str],
        values: Mapping[str, np.ndarray],
        by: Sequence[str] = AXES,
    ) -> pd.DataFrame:
        """Lay values of shape (n_regions, n_electrodes, n_bands, n_lags) out in rows."""
        electrodes, bands, edges = self.ch_names, list(self.bands), self.edges
        lags = self.lags
        if "electrode" not in by:
            electrodes = [TOGETHER]
        if "band" not in by:
            bands, edges = [TOGETHER], np.array([[edges[:, 0].min(), edges[:, 1].max()]])
        if "lag" not in by:
            lags = np.array([np.nan])
        shape = (len(region_names), len(electrodes), len(bands), len(lags))
        at = np.indices(shape).reshape(4, -1)
        columns: dict[str, Any] = {
            "region": np.array(region_names, dtype=object)[at[0]],
            "electrode": np.array(electrodes, dtype=object)[at[1]],
            "band": np.array(bands, dtype=object)[at[2]],
            "low": edges[at[2], 0],
            "high": edges[at[2], 1],
            "lag": lags[at[3]],
        }
        flat = {name: array.reshape(-1) for name, array in values.items()}
        return pd.DataFrame({**columns, **flat})


def choose_rows(recordings: np.ndarray, n_windows: int, of_each: int = 10) -> np.ndarray:
    """Choose windows, evenly over each recording and its time.

    Parameters
    ----------
    recordings : ndarray, shape (n,)
        Recording of each window.
    n_windows : int
        About how many to choose.
    of_each : int, default 10
        How many of each recording at least, if it has as many.

    Returns
    -------
    ndarray of int
        In increasing order.
    """
    if len(recordings) <= n_windows:
        return np.arange(len(recordings))
    chosen = []
    for label in np.unique(recordings):
        rows = np.flatnonzero(recordings == label)
        number = max(round(n_windows * len(rows) / len(recordings)), of_each)
        places = np.linspace(0, len(rows) - 1, min(number, len(rows)), dtype=int)
        chosen.append(rows[places])
    return np.sort(np.concatenate(chosen))


def centre_by_recording(values: np.ndarray, recordings: np.ndarray) -> np.ndarray:
    """Subtract the mean of each recording, along the first axis."""
    centred = np.empty_like(values)
    for label in np.unique(recordings):
        rows = recordings == label
        centred[rows] = values[rows] - values[rows].mean(axis=0, keepdims=True)
    return centred


def spread_of_power(power: np.ndarray, recordings: np.ndarray) -> np.ndarray:
    """Give the standard deviation of log power, (n_electrodes, n_bands).

    Over windows and lags of a recording together, as models standardise it; then the
    mean over recordings.
    """
    found = []
    for label in np.unique(recordings):
        part = power[recordings == label]
        found.append(part.std(axis=(0, 3), dtype=np.float64))
    return np.mean(found, axis=0)


def _shape(band_power: BandPower) -> tuple[int, int, int]:
    return len(band_power.ch_names_), len(band_power.bands_), len(band_power.lags_)


def take_windows(X: Any, rows: np.ndarray) -> Any:
    """Take some windows, in increasing order."""
    return X if len(rows) == len(X) else X[rows]
