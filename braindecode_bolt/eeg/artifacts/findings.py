"""The result of a check for artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """A value per channel, summarised; or a note why there is none."""

    median: float = np.nan
    worst: float = np.nan
    worst_channel: str = ""
    frequency: float = np.nan
    suspicious: bool = False
    note: str = ""

    @classmethod
    def of(
        cls,
        figures: np.ndarray,
        channels: Sequence[str],
        frequency: float,
        limits: tuple[float, float],
    ) -> Finding:
        """Summarise the channels.

        Parameters
        ----------
        figures : ndarray, shape (n_chans,)
            Larger is worse.
        channels : sequence of str
            Their names.
        frequency : float
            Of the artifact, in Hz.
        limits : tuple of float
            Values from which the median and the worst channel are suspicious.

        Returns
        -------
        Finding
        """
        median, worst = float(np.median(figures)), float(np.max(figures))
        return cls(
            median,
            worst,
            channels[int(np.argmax(figures))],
            frequency,
            median >= limits[0] or worst >= limits[1],
        )
