"""Frequency bands: the classical ones, given ones, and bands of equal energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np

__all__ = ["BANDS", "check_bands", "equal_energy"]

#: The classical bands of the EEG in Hz.
BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 45.0),
}


def check_bands(
    bands: Mapping[str, tuple[float, float]],
) -> dict[str, tuple[float, float]]:
    """Raise if bands are not pairs of increasing frequencies; return them as floats."""
    for name, band in bands.items():
        pair = isinstance(band, Sequence | np.ndarray) and len(band) == 2
        if not pair or not all(isinstance(edge, Real) for edge in band):
            raise ValueError(
                f"A band must be two frequencies in Hz, as (8, 13); {name} is {band!r}."
            )
        if not 0 <= band[0] < band[1]:
            raise ValueError(
                f"The frequencies of a band must increase from 0 on; {name} goes from "
                f"{band[0]:g} to {band[1]:g} Hz."
            )
    if len({str(name) for name in bands}) < len(bands) or not bands:
        raise ValueError(
            f"bands must be bands with different names, got {list(bands)}. Leave it out "
            "for delta to gamma."
        )
    return {str(name): (float(low), float(high)) for name, (low, high) in bands.items()}


def equal_energy(
    energy: np.ndarray, frequency: np.ndarray, n_bands: int
) -> dict[str, tuple[float, float]]:
    """Divide a spectrum into bands of about equal energy, none of them empty."""
    share = np.cumsum(energy) / energy.sum()
    edges = [0]
    for band in range(1, n_bands):
        wanted = int(np.searchsorted(share, band / n_bands)) + 1
        # At least one frequency here, and one for each of the bands to come.
        edges.append(min(max(wanted, edges[-1] + 1), len(energy) - (n_bands - band)))
    step = frequency[1] - frequency[0] if len(frequency) > 1 else 1.0
    limits = [*frequency[edges], frequency[-1] + step]
    pairs = zip(limits[:-1], limits[1:], strict=True)
    return {f"{low:g}-{high:g}Hz": (float(low), float(high)) for low, high in pairs}
