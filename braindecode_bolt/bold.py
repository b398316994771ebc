"""Preparing BOLD: from the series of each region to targets."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from scipy.signal import butter, filtfilt

from .recording import TABLES, MarkerError, Recording

__all__ = ["LOW_PASS", "prepare_bold", "repetition_time"]

logger = logging.getLogger(__name__)

#: Edge of the published low-pass filter in Hz.
LOW_PASS = 0.15
_ORDER = 5


def prepare_bold(recording: Recording, low_pass: float | None = LOW_PASS) -> Recording:
    """Low-pass filter and centre the BOLD of a recording.

    A Butterworth filter of the fifth order, forward and backward, then the
    mean of each region is taken off (paper, section 3.2). Both use the whole
    recording: safe where whole recordings change sides between training and
    testing, a leak where they are cut in time. The scale is learned with the
    model, on the training recordings only.

    Parameters
    ----------
    recording : Recording
        It is not changed. Simulated BOLD without noise, where the recording
        carries it, is prepared in the same way.
    low_pass : float | None
        Edge of the filter in Hz. None leaves the spectrum as it is, and so
        does a repetition time too long to hold such frequencies.

    Returns
    -------
    Recording
        Shares the EEG with `recording`.

    Raises
    ------
    MarkerError
        If the volumes are not evenly spaced.
    ValueError
        If there are too few volumes for the filter.
    """
    tables = {kind: recording.table(kind) for kind in TABLES}
    tables = {kind: table for kind, table in tables.items() if table.shape[1]}
    if not tables:
        raise MarkerError(
            f"{recording.name} carries no BOLD. Use attach_bold to write it into the "
            "volume markers."
        )
    filtered = {kind: _filter(table, recording, low_pass) for kind, table in tables.items()}
    return recording.with_tables(
        {kind: table - table.mean() for kind, table in filtered.items()}
    )


def repetition_time(recording: Recording) -> float:
    """Measure the time between volumes.

    Parameters
    ----------
    recording : Recording
        With at least two volumes.

    Returns
    -------
    float
        Median time between volume markers, in seconds.

    Raises
    ------
    MarkerError
        If there are fewer than two volumes.
    """
    onsets = recording.raw.annotations.onset[recording.volume_annotations()]
    if len(onsets) < 2:
        raise MarkerError(
            f"{recording.name} has {len(onsets)} volumes; at least 2 are needed to "
            "know the repetition time."
        )
    return float(np.median(np.diff(onsets)))


def _filter(
    table: pd.DataFrame, recording: Recording, low_pass: float | None
) -> pd.DataFrame:
    if low_pass is None:
        return table
    tr = repetition_time(recording)
    if low_pass >= 0.5 / tr:
        logger.info(
            "%s: no low-pass at %g Hz, a repetition time of %g s holds nothing above "
            "%.3g Hz",
            recording.name,
            low_pass,
            tr,
            0.5 / tr,
        )
        return table
    _check_spacing(recording, tr)
    b, a = butter(_ORDER, low_pass, fs=1 / tr)
    shortest = 3 * max(len(a), len(b)) + 1
    if len(table) < shortest:
        raise ValueError(
            f"{recording.name} has {len(table)} volumes; the low-pass filter needs at "
            f"least {shortest}. Use low_pass=None for so short a run."
        )
    values = filtfilt(b, a, table.to_numpy(), axis=0)
    return pd.DataFrame(values, index=table.index, columns=table.columns)


def _check_spacing(recording: Recording, tr: float) -> None:
    onsets = recording.raw.annotations.onset[recording.volume_annotations()]
    uneven = np.flatnonzero(np.abs(np.diff(onsets) - tr) > 0.1 * tr)
    if len(uneven):
        first = uneven[0]
        raise MarkerError(
            f"{recording.name}: volumes are not evenly spaced; {len(uneven)} intervals "
            f"differ from {tr:g} s, the first after volume {first} "
            f"({onsets[first + 1] - onsets[first]:g} s). Filtering needs one series "
            "without gaps: split the recording there or use low_pass=None."
        )
