"""The noise ceiling: the best score that any model can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .regions import pearson_r

if TYPE_CHECKING:
    from ..windows.create import BOLDWindows

__all__ = ["ceilings", "noise_ceiling"]


def ceilings(
    y: ArrayLike, noiseless: ArrayLike | None, noiseless_window: ArrayLike | None
) -> dict[str, np.ndarray]:
    """Noise ceilings of each region of one recording.

    Parameters
    ----------
    y : array-like, shape (n_volumes, n_rois)
        Simulated BOLD with noise.
    noiseless, noiseless_window : array-like, shape (n_volumes, n_rois) | None
        BOLD without noise, from the whole haemodynamic response and from its part in
        the window. None for real BOLD.

    Returns
    -------
    dict of str to ndarray, shape (n_rois,)
        ``noise_ceiling`` and ``window_limited_noise_ceiling``: R of the two with `y`.
        NaN where it is not known.

    Raises
    ------
    ValueError
        If the shapes differ.

    See Also
    --------
    noise_ceiling : The same for all recordings of windows.
    """
    known = {"noise_ceiling": noiseless, "window_limited_noise_ceiling": noiseless_window}
    unknown = np.full(np.shape(y)[1], np.nan)
    return {
        name: unknown if values is None else pearson_r(y, values)
        for name, values in known.items()
    }


def noise_ceiling(windows: BOLDWindows) -> pd.DataFrame:
    """Best R that any model can reach on simulated BOLD, on average.

    Parameters
    ----------
    windows : BOLDWindows
        Made from recordings that carry the BOLD without noise.

    Returns
    -------
    pandas.DataFrame
        A row per recording and region with ``recording``, ``region``,
        ``noise_ceiling`` (R of noiseless with noisy BOLD, on the volumes that have a
        window) and ``window_limited_noise_ceiling`` (the same with the part of the
        haemodynamic response that lies in the window). NaN for real BOLD.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.metrics import noise_ceiling
    >>> windows = create_bold_windows(SimulatedEEGfMRI(1, duration=60.0).load())
    >>> noise_ceiling(windows).columns.tolist()
    ['recording', 'region', 'noise_ceiling', 'window_limited_noise_ceiling']
    """
    recordings = windows.metadata["recording"].to_numpy()
    parts = []
    for recording in np.unique(recordings):
        rows = recordings == recording
        tables = (windows.y, windows.noiseless, windows.noiseless_window)
        found = ceilings(*(None if table is None else table[rows] for table in tables))
        parts.append(
            pd.DataFrame({"recording": recording, "region": windows.roi_names, **found})
        )
    return pd.concat(parts, ignore_index=True)
