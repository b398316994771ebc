"""From the series of each region to targets."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.signal import butter, filtfilt

from .._checks import check_number
from .._series import is_constant
from .._text import counted
from ..recording import MarkerError, Recording, check_bold, check_recording
from .parts import keep_volumes, split_volumes
from .spacing import repetition_time, steps_of, volume_steps

__all__ = [
    "LOW_PASS",
    "prepare_bold",
    "prepare_bold_as_published",
    "prepare_series",
    "prepare_series_as_published",
]

logger = logging.getLogger(__name__)

#: Edge of the published low-pass filter in Hz.
LOW_PASS = 0.15
_ORDER = 5
# The published computation: the percentile that becomes 1, and what keeps it from 0.
_PERCENTILE = 95
_EPSILON = 1e-8


def prepare_bold(
    recording: Recording,
    low_pass: float | None = LOW_PASS,
    parts: Sequence[tuple[int, int] | slice] | None = None,
) -> Recording:
    """Low-pass filter and centre the BOLD of a recording.

    A Butterworth filter of the fifth order, forward and backward, then the
    mean of each region is subtracted (paper, section 3.2). Both use the whole
    recording. This is safe if whole recordings are either in training or in test. If
    recordings are cut in time, information leaks: give the `parts`. The scale is learned
    with the model, on the training recordings only
    (:class:`~braindecode_bolt.bold.BOLDScaler`).

    Volumes without BOLD between other volumes (scrubbed, censored) are interpolated
    linearly for the filter and left out again. If the scanner paused, so that
    the time between volumes is not a multiple of the repetition time, the two sides
    are filtered and centred separately. Both are logged.

    Parameters
    ----------
    recording : Recording
        It is not changed. Simulated BOLD without noise, where the recording
        carries it, is prepared in the same way.
    low_pass : float | None
        Edge of the filter in Hz. Default 0.15, as published. There is no filter if it
        is None, or if the repetition time is too long to hold such frequencies.
    parts : sequence of (first, stop) | sequence of slice | None
        Ranges of volumes, counted from 0 as recorded, the stop not included.
        Each is filtered and centred separately, so that no information passes from one
        to another. Volumes in none of them are left out: their markers lose
        the BOLD, and no window is made of them. By default all volumes.

    Returns
    -------
    Recording
        Shares the EEG with `recording`. Volumes keep their numbers.

    Raises
    ------
    MarkerError
        If there is no BOLD, or with a filter fewer than two volumes.
    ValueError
        If values are not finite, a region is constant within a part, there are
        fewer than 19 volumes for the filter in a part or on a side of a pause,
        parts overlap or hold no volume, or `low_pass` is not positive.
    TypeError
        If `recording` is not a Recording, but a Raw object for example.

    See Also
    --------
    braindecode_bolt.bold.prepare_bold_as_published : Also divides by a scale.
    braindecode_bolt.bold.prepare_series : Does the same to a table.

    References
    ----------
    Li, Y., Lou, A., Xu, Z., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
    Synthesis with Multi-dimensional Feature Mapping. NeurIPS 2024, section 3.2.

    Examples
    --------
    >>> from braindecode_bolt import prepare_bold
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recording = SimulatedEEGfMRI(n_subjects=1, duration=120.0).load()[0]
    >>> len(prepare_bold(recording).bold)
    57
    >>> prepare_bold(recording, parts=[(0, 25), (35, 57)]).bold.index[[0, 24, 25, -1]]
    Index([0, 24, 35, 56], dtype='int64', name='volume')
    """
    tables = _carried_tables(recording)
    if parts is None:
        pieces = {recording.name: np.arange(len(tables["bold"]))}
    else:
        pieces = split_volumes(tables["bold"].index, parts, recording.name)
    # Without a filter, a single volume will do.
    tr = None if low_pass is None else repetition_time(recording)
    edge = _edge(low_pass, tr, recording.name)
    steps = None if edge is None else volume_steps(recording)
    prepared = []
    for what, rows in pieces.items():
        _check_series(tables["bold"].iloc[rows], what)
        grid = None if steps is None else steps[rows]
        if grid is not None:
            _log_gaps(grid, what)
        prepared.append(
            {
                k: _prepare(table.iloc[rows], grid, edge, tr, what)
                for k, table in tables.items()
            }
        )
    kept = keep_volumes(recording, np.concatenate(list(pieces.values())))
    return kept.with_tables(
        {kind: pd.concat([piece[kind] for piece in prepared]) for kind in tables}
    )


def prepare_bold_as_published(recording: Recording) -> Recording:
    """Prepare the BOLD of a recording as the NeuroBOLT publication did.

    The whole scan is low-pass filtered at 0.15 Hz, centred, and divided by the
    95th percentile of the absolute value (plus 1e-8) of each region. Use it only
    to compare with published numbers. If a scan is cut in time, information from the
    test part leaks into training through the filter, the mean and the scale. If whole
    recordings are in training or in test, the scale still uses values that are known
    only after the recording. :func:`prepare_bold` with
    :class:`~braindecode_bolt.bold.BOLDScaler` avoids both.

    Parameters
    ----------
    recording : Recording
        It is not changed. Simulated BOLD without noise, where the recording
        carries it, is divided by the scale of the BOLD.

    Returns
    -------
    Recording
        Shares the EEG with `recording`.

    Raises
    ------
    MarkerError
        If there is no BOLD, or fewer than two volumes.
    ValueError
        As :func:`prepare_bold`.
    TypeError
        If `recording` is not a Recording, but a Raw object for example.

    See Also
    --------
    braindecode_bolt.prepare_bold : What to use for results of your own.

    Examples
    --------
    >>> from braindecode_bolt.bold import prepare_bold_as_published
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recording = SimulatedEEGfMRI(n_subjects=1, duration=120.0).load()[0]
    >>> bold = prepare_bold_as_published(recording).bold
    >>> bold.abs().quantile(0.95).round(6).unique()
    array([1.])
    """
    prepared = prepare_bold(recording)
    scale = _published_scale(prepared.bold)
    tables = _carried_tables(prepared)
    return prepared.with_tables({kind: table / scale for kind, table in tables.items()})


def prepare_series(
    series: pd.DataFrame | pd.Series | ArrayLike,
    tr: float,
    low_pass: float | None = LOW_PASS,
    steps: ArrayLike | None = None,
) -> pd.DataFrame | pd.Series | np.ndarray:
    """Low-pass filter and centre region series that are not part of a recording.

    Does what :func:`prepare_bold` does to a recording, also with volumes without BOLD.

    Parameters
    ----------
    series : DataFrame | Series | array-like, shape (n_volumes, n_rois) or (n_volumes,)
        A row per volume. An index called ``volume`` tells which volumes, in
        ascending order; otherwise none is missing.
    tr : float
        Repetition time in seconds.
    low_pass : float | None
        Edge of the filter in Hz; None for no filter. Default 0.15.
    steps : array-like of int, shape (n_volumes,) | None
        What :func:`volume_steps` gives, where the scanner paused. By default it is
        read from the index.

    Returns
    -------
    DataFrame | Series | ndarray
        Of the kind, the shape and the labels of `series`, float64.

    Raises
    ------
    ValueError
        If values are not finite, a region is constant, there are fewer than 19
        volumes for the filter, volumes do not ascend, `tr` is not a time in
        seconds, `low_pass` is not positive, or there is not a step for each volume.
    TypeError
        If `tr` is not a number.

    See Also
    --------
    braindecode_bolt.prepare_bold : Does the same to a recording.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.bold import prepare_series
    >>> series = np.random.default_rng(0).standard_normal((200, 3)) + 5.0
    >>> np.allclose(prepare_series(series, tr=2.1).mean(axis=0), 0.0)
    True
    """
    check_number(tr, "tr", low=0, inclusive="neither")
    table = pd.DataFrame(series)
    what = "The series"
    _check_series(table, what)
    steps = steps_of(table.index) if steps is None else np.asarray(steps, dtype=int)
    if len(steps) != len(table):
        raise ValueError(f"{len(steps)} steps were given for {len(table)} volumes.")
    prepared = _prepare(table, steps, _edge(low_pass, tr, what), tr, what)
    if isinstance(series, pd.Series):
        return prepared.iloc[:, 0].rename(series.name)
    if isinstance(series, pd.DataFrame):
        return prepared
    return prepared.to_numpy().reshape(np.shape(series))


def prepare_series_as_published(
    series: pd.DataFrame | pd.Series | ArrayLike, tr: float
) -> pd.DataFrame | pd.Series | np.ndarray:
    """Prepare region series of a whole scan as the NeuroBOLT publication did.

    Does what :func:`prepare_bold_as_published` does to a recording.

    Parameters
    ----------
    series : DataFrame | Series | array-like, shape (n_volumes, n_rois) or (n_volumes,)
        The whole scan, a row per volume.
    tr : float
        Repetition time in seconds.

    Returns
    -------
    DataFrame | Series | ndarray
        Of the kind, the shape and the labels of `series`, float64.

    Raises
    ------
    ValueError
        As :func:`prepare_series`.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.bold import prepare_series_as_published
    >>> series = np.random.default_rng(0).standard_normal((200, 3))
    >>> targets = prepare_series_as_published(series, tr=2.1)
    >>> np.percentile(np.abs(targets), 95, axis=0).round(6)
    array([1., 1., 1.])
    """
    prepared = prepare_series(series, tr)
    return prepared / _published_scale(prepared)


def _carried_tables(recording: Recording) -> dict[str, pd.DataFrame]:
    tables = check_recording(recording).tables()
    if "bold" not in tables:
        raise MarkerError(
            f"{recording.name} carries no BOLD. Use attach_bold to write it into the "
            "volume markers."
        )
    return tables


def _published_scale(prepared: pd.DataFrame | pd.Series | np.ndarray) -> np.ndarray:
    return np.percentile(np.abs(prepared), _PERCENTILE, axis=0) + _EPSILON


def _edge(low_pass: float | None, tr: float | None, what: str) -> float | None:
    """Edge of the filter, None where there is nothing to filter."""
    if low_pass is None:
        return None
    if not low_pass > 0:
        raise ValueError(f"low_pass must be a frequency above 0 Hz, got {low_pass!r}.")
    if low_pass < 0.5 / tr:
        return low_pass
    logger.info(
        "%s: no low-pass at %g Hz, a repetition time of %g s holds nothing above %.3g Hz",
        what,
        low_pass,
        tr,
        0.5 / tr,
    )
    return None


def _log_gaps(steps: np.ndarray, what: str) -> None:
    n_missing = int((steps[1:] - 1).clip(min=0).sum())
    if n_missing:
        logger.info(
            "%s: %d of %d volumes have no BOLD; they are interpolated for the low-pass "
            "filter and left out again",
            what,
            n_missing,
            n_missing + len(steps),
        )
    n_pauses = int((steps[1:] == 0).sum())
    if n_pauses:
        logger.warning(
            "%s: uneven intervals between volumes: %d, as after a pause of the scanner; "
            "the stretches of BOLD between them are filtered and centred separately",
            what,
            n_pauses,
        )


def _prepare(
    table: pd.DataFrame,
    steps: np.ndarray | None,
    edge: float | None,
    tr: float | None,
    what: str,
) -> pd.DataFrame:
    # Float32 stays what it is up to the filter: filtfilt extends the series in
    # their own precision, and the published values were made so.
    dtypes = {*table.dtypes}
    values = table.to_numpy(np.float32 if dtypes == {np.dtype("float32")} else float)
    if edge is None:
        stretches = [values]
    else:
        filter_ = butter(_ORDER, edge, fs=1 / tr)
        borders = np.flatnonzero(steps[1:] == 0) + 1
        if len(borders):
            what = f"{what}, between two pauses,"
        stretches = [
            _filter(values[rows], steps[rows], filter_, what)
            for rows in np.split(np.arange(len(values)), borders)
        ]
    centred = [part - part.mean(axis=0) for part in (s.astype(float) for s in stretches)]
    return pd.DataFrame(np.concatenate(centred), index=table.index, columns=table.columns)


def _filter(
    values: np.ndarray, steps: np.ndarray, filter_: tuple[np.ndarray, ...], what: str
) -> np.ndarray:
    shortest = 3 * max(map(len, filter_)) + 1
    if len(values) < shortest:
        raise ValueError(
            f"{what} has {counted(len(values), 'volume')}; the low-pass filter needs at "
            f"least {shortest}. Leave them out, or use no filter (low_pass=None, on the "
            "command line --low-pass 0)."
        )
    position = np.concatenate([[0], np.cumsum(steps[1:])])
    grid = np.arange(position[-1] + 1)
    if len(grid) > len(values):
        columns = [np.interp(grid, position, column) for column in values.T]
        values = np.stack(columns, axis=1)
    return filtfilt(*filter_, values, axis=0)[position]


def _check_series(table: pd.DataFrame, what: str) -> None:
    check_bold(table, what)
    constant = table.columns[is_constant(table)]
    if len(constant):
        raise ValueError(
            f"{what}: {len(constant)} of {table.shape[1]} regions are constant over "
            f"{len(table)} volumes: {', '.join(map(str, constant[:8]))}. Leave such "
            "regions out of all recordings (rois)."
        )
