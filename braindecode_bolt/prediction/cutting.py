"""Windows of a prepared piece of a recording."""

from __future__ import annotations

import mne
import numpy as np
import pandas as pd

from ..eeg.units import MICROVOLTS
from ..recording import ENTITIES, Recording
from ..windows.cutting import window_samples
from ..windows.lazy import LazyWindows
from ..windows.regular import place_windows

__all__ = ["windows_at"]


def windows_at(
    raw: mne.io.BaseRaw,
    times: np.ndarray,
    window_seconds: float,
    lag_seconds: float,
    baseline: str | None,
    recording: Recording,
) -> tuple[LazyWindows | None, np.ndarray]:
    """Cut the windows of some times, as far as they have one.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A prepared part of the recording.
    times : ndarray, shape (n_times,)
        Seconds from the first sample of `raw`.
    window_seconds, lag_seconds, baseline
        As in :func:`~braindecode_bolt.create_eeg_windows`.
    recording : Recording
        What the part is from.

    Returns
    -------
    X : LazyWindows, shape (n_windows, n_chans, n_samples) | None
        None where no time has a window.
    reason : ndarray of str, shape (n_times,)
        Why a time has no window; empty where it has one.
    """
    n_times = window_samples(window_seconds, raw.info["sfreq"])
    start, stop, reason = place_windows(raw, times, n_times, lag_seconds)
    keep = reason == ""
    if not keep.any():
        return None, reason
    signal = raw.get_data(verbose="error")
    metadata = pd.DataFrame(
        {
            "recording": 0,
            **{key: getattr(recording, key) for key in ENTITIES},
            "time": times[keep],
            "start": start[keep],
            "stop": stop[keep],
        }
    )
    signal = (signal * MICROVOLTS).astype(np.float32)
    return LazyWindows([signal], metadata, raw.info, baseline, lag_seconds), reason
