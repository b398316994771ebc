"""The best score that any model can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .regions import pearson_r

if TYPE_CHECKING:
    from ..windows.create import BOLDWindows


def noise_ceiling(windows: BOLDWindows) -> pd.DataFrame:
    """Best R that any model can reach on simulated BOLD.

    Parameters
    ----------
    windows : BOLDWindows
        Made from recordings that carry the BOLD without noise.

    Returns
    -------
    pandas.DataFrame
        A row per recording and region with ``recording``, ``region``,
        ``ceiling`` (R of noiseless against noisy BOLD, on the volumes that have
        a window) and ``ceiling_window`` (the same with the haemodynamic
        response cut to the window). Without rows where it is not known.
    """
    if windows.noiseless is None or windows.noiseless_window is None:
        types = {"recording": int, "region": str, "ceiling": float, "ceiling_window": float}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    parts = []
    recordings = windows.metadata["recording"].to_numpy()
    for recording in np.unique(recordings):
        rows = recordings == recording
        parts.append(
            pd.DataFrame(
                {
                    "recording": recording,
                    "region": windows.roi_names,
                    "ceiling": pearson_r(windows.y[rows], windows.noiseless[rows]),
                    "ceiling_window": pearson_r(
                        windows.y[rows], windows.noiseless_window[rows]
                    ),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
