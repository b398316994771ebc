"""Scores of each recording, as tables."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .regions import pearson_r

if TYPE_CHECKING:
    from ..windows import BOLDWindows


def recording_scores(
    windows: BOLDWindows,
    rows: np.ndarray,
    predicted: np.ndarray,
    scale: np.ndarray,
) -> pd.DataFrame:
    """Score predictions for each recording and region.

    Parameters
    ----------
    windows : BOLDWindows
        All windows.
    rows : ndarray of int, shape (n_rows,)
        The windows that were predicted.
    predicted : ndarray, shape (n_rows, n_rois)
        Their predictions, in the units of ``windows.y``.
    scale : ndarray, shape (n_rois,)
        Standard deviation of the training BOLD; the mean squared error is
        stated in its square.

    Returns
    -------
    pandas.DataFrame
        A row per recording and region with ``recording``, ``subject``,
        ``session``, ``run``, ``region``, ``n_windows``, ``r``, ``mse`` and
        ``control_r``: the mean R of the same predictions against the BOLD of
        every other recording, at the same volumes. It should be about zero;
        NaN where there is no other recording long enough.
    """
    metadata = windows.metadata.iloc[rows].reset_index(drop=True)
    parts = []
    for recording, positions in metadata.groupby("recording").indices.items():
        first = metadata.iloc[positions[0]]
        prediction = predicted[positions]
        measured = windows.y[rows[positions]]
        parts.append(
            pd.DataFrame(
                {
                    "recording": recording,
                    "subject": first["subject"],
                    "session": first["session"],
                    "run": first["run"],
                    "region": windows.roi_names,
                    "n_windows": len(positions),
                    "r": pearson_r(measured, prediction),
                    "mse": np.mean(((measured - prediction) / scale) ** 2, axis=0),
                    "control_r": _control(
                        windows, recording, metadata["volume"][positions], prediction
                    ),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _control(
    windows: BOLDWindows, recording: int, volumes: pd.Series, prediction: np.ndarray
) -> np.ndarray:
    """Mean R against the BOLD of other recordings at the same volumes."""
    metadata = windows.metadata.reset_index(drop=True)
    all_r = []
    for other, rows in metadata.groupby("recording").indices.items():
        if other == recording:
            continue
        row_of = pd.Series(rows, index=metadata["volume"].to_numpy()[rows])
        common = volumes.isin(row_of.index).to_numpy()
        if common.sum() < 3:
            continue
        measured = windows.y[row_of[volumes[common]].to_numpy()]
        with warnings.catch_warnings():
            # A constant prediction has been reported with its own R.
            warnings.simplefilter("ignore", UserWarning)
            all_r.append(pearson_r(measured, prediction[common]))
    return np.mean(all_r, axis=0) if all_r else np.full(prediction.shape[1], np.nan)


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
