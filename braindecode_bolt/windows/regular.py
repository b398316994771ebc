"""Windows of EEG alone: at regular times, or at given ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from tqdm import tqdm

from .._checks import check_number
from .._text import counted
from ..markers.joints import crosses_joint, joint_samples
from ..recording import ENTITIES, Recording, as_recordings
from .cutting import (
    OfWindows,
    channel_order,
    check_finite,
    check_rate,
    scalp_picks,
    signal_of,
    touches_bad,
    window_samples,
)
from .lazy import LazyWindows

__all__ = ["EEGWindows", "create_eeg_windows"]

logger = logging.getLogger(__name__)

#: Why a time has no window.
REASONS = ("no_full_window", "touches_bad", "crosses_joint")
# The first that applies counts.
_ORDER = ["no_full_window", "crosses_joint", "touches_bad"]


@dataclass(frozen=True, repr=False)
class EEGWindows(OfWindows):
    """Windows of EEG without BOLD.

    Attributes
    ----------
    X : LazyWindows, shape (n_windows, n_chans, n_times)
        EEG in microvolts.
    left_out : pandas.DataFrame
        Per recording, the number of times, of windows made, and of times left out by
        reason.

    See Also
    --------
    create_eeg_windows : Makes them.
    BOLDWindows : Windows with BOLD.
    """

    X: LazyWindows
    left_out: pd.DataFrame

    @property
    def metadata(self) -> pd.DataFrame:
        """A row per window: whose it is, its time in seconds, first sample and stop."""
        return self.X.metadata

    def __repr__(self) -> str:  # noqa: D105
        return f"<EEGWindows X={self.X!r}>"


def create_eeg_windows(
    recordings: Recording | mne.io.BaseRaw | Iterable[Recording | mne.io.BaseRaw],
    window_seconds: float = 16.0,
    step_seconds: float | None = None,
    times: ArrayLike | None = None,
    lag_seconds: float = 0.0,
    baseline: str | None = "window",
) -> EEGWindows:
    """Cut windows of EEG at regular times; neither markers nor BOLD are needed.

    The window of a time holds the ``window_seconds`` that end at that time,
    `lag_seconds` earlier if so wished, as :func:`create_bold_windows` cuts those of a
    volume with a marker at that time. Times whose window is not inside the recording,
    touches an annotation whose description begins with ``BAD``, or holds or ends at a
    joint of the recording are left out, counted in `left_out` and logged.

    Parameters
    ----------
    recordings : Recording | mne.io.BaseRaw | iterable of these | BaseConcatDataset
        Prepared EEG (:func:`~braindecode_bolt.prepare_eeg`). The subject of a plain Raw
        object is called after its file, or numbered if it has none; wrap it in a
        :class:`~braindecode_bolt.Recording` to name it.
    window_seconds : float
        Length of a window in seconds. Default 16.
    step_seconds : float | None
        Time from one window to the next, in seconds. By default that of a window, so
        that they do not overlap. The first window begins with the recording.
    times : array-like, shape (n_times,) | None
        Times to cut windows for instead, in seconds from the first sample of each
        recording. Default None.
    lag_seconds : float
        Time between the end of a window and its time, in seconds. Default 0.
    baseline : {"window", None}
        Subtract the mean of each channel over the window (default), or not.

    Returns
    -------
    EEGWindows
        With `X`, `metadata` (``time``, ``start`` and ``stop`` among others), `groups`
        and `left_out`.

    Raises
    ------
    TypeError
        If `recordings` are of another type, or a length is not a number.
    ChannelNameError
        If a recording has no channel of scalp EEG.
    ValueError
        If there are no recordings, both `step_seconds` and `times` are given, recordings
        differ in channels or sampling rate, no time of any recording has a window, an
        argument is out of range, or values are not finite.

    See Also
    --------
    create_bold_windows : A window for each volume, with its BOLD.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.windows import create_eeg_windows
    >>> recordings = SimulatedEEGfMRI(n_subjects=2, duration=60.0).load()
    >>> windows = create_eeg_windows(recordings, window_seconds=16.0, step_seconds=4.0)
    >>> windows.X.shape
    (24, 10, 3200)
    >>> create_eeg_windows(recordings[0].raw, times=[20.0, 22.1]).X.shape
    (2, 10, 3200)
    """
    check_number(window_seconds, "window_seconds", low=0, inclusive="neither")
    check_number(lag_seconds, "lag_seconds", low=0)
    times = _times(step_seconds, times)
    pieces: list[_Piece] = []
    for recording in tqdm(_recordings(recordings), "Recordings", leave=False, disable=None):
        piece = _Piece.cut(recording, window_seconds, step_seconds, times, lag_seconds)
        pieces.append(piece.matched_to(pieces[0]) if pieces else piece)
    if not pieces:
        raise ValueError("There are no recordings to cut windows from.")
    left_out = pd.DataFrame([piece.counts for piece in pieces])
    total = left_out[list(REASONS)].sum()
    if not left_out["windows"].sum():
        raise ValueError(
            f"None of {counted(left_out['times'].sum(), 'time')} has a full window of "
            f"{window_seconds:g} s: the longest recording lasts "
            f"{max(p.seconds for p in pieces):.1f} s, and "
            f"{counted(total['touches_bad'], 'window')} with a BAD annotation and "
            f"{counted(total['crosses_joint'], 'window')} across a joint of the recording "
            "were left out."
        )
    logger.info(
        "%s of %g s from %s; left out: %s without a full window, %d with a BAD annotation, "
        "%d across a joint",
        counted(left_out["windows"].sum(), "window"),
        window_seconds,
        counted(len(pieces), "recording"),
        counted(total["no_full_window"], "time"),
        total["touches_bad"],
        total["crosses_joint"],
    )
    tables = [p.metadata.assign(recording=position) for position, p in enumerate(pieces)]
    metadata = pd.concat(tables, ignore_index=True)
    signals = [piece.signal for piece in pieces]
    X = LazyWindows(signals, metadata, pieces[0].info, baseline, lag_seconds)
    return EEGWindows(X, left_out)


def _times(step_seconds: float | None, times: ArrayLike | None) -> np.ndarray | None:
    if step_seconds is not None:
        check_number(step_seconds, "step_seconds", low=0, inclusive="neither")
    if times is None:
        return None
    if step_seconds is not None:
        raise ValueError("Give step_seconds or times, not both.")
    values = np.asarray(times, dtype=float)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(
            "times must be a list of finite numbers (seconds from the start of the "
            f"recording), got shape {values.shape}, "
            f"{(~np.isfinite(values)).sum()} of them not finite."
        )
    return values


def _recordings(recordings: Any) -> Iterable[Recording]:
    if isinstance(recordings, mne.io.BaseRaw):
        recordings = [recordings]
    several = isinstance(recordings, Iterable) and not hasattr(recordings, "datasets")
    for position, item in enumerate(recordings if several else as_recordings(recordings)):
        if isinstance(item, mne.io.BaseRaw):
            file = next((name for name in item.filenames if name), None)
            item = Recording(item, str(position + 1) if file is None else Path(file).stem)
        elif not isinstance(item, Recording):
            raise TypeError(
                "Expected Recording or mne.io.Raw objects, got one of type "
                f"{type(item).__name__}."
            )
        yield item


@dataclass
class _Piece:
    """What one recording gives to the windows."""

    name: str
    signal: np.ndarray
    info: mne.Info
    metadata: pd.DataFrame
    counts: dict[str, Any]
    seconds: float

    @classmethod
    def cut(
        cls,
        recording: Recording,
        window_seconds: float,
        step_seconds: float | None,
        times: np.ndarray | None,
        lag_seconds: float,
    ) -> _Piece:
        raw = recording.raw
        sfreq = raw.info["sfreq"]
        n_times = window_samples(window_seconds, sfreq)
        if times is None:
            times = regular_times(raw, window_seconds, step_seconds, lag_seconds)
        start, stop, reason = place_windows(raw, times, n_times, lag_seconds)
        keep = reason == ""
        picks = scalp_picks(recording)
        signal = signal_of(raw, picks)
        check_finite(signal, recording)
        counts = {
            "recording": recording.name,
            "times": len(times),
            "windows": int(keep.sum()),
            **{name: int((reason == name).sum()) for name in REASONS},
        }
        logger.log(
            logging.DEBUG if keep.any() else logging.WARNING,
            "%(recording)s: %(windows)d windows for %(times)d times (left out: "
            "%(no_full_window)d without a full window, %(touches_bad)d with a BAD "
            "annotation, %(crosses_joint)d across a joint)",
            counts,
        )
        metadata = pd.DataFrame(
            {
                "recording": 0,
                **{key: getattr(recording, key) for key in ENTITIES},
                "time": times[keep],
                "start": start[keep],
                "stop": stop[keep],
            }
        )
        info = mne.pick_info(raw.info, picks, verbose="error")
        return cls(recording.name, signal, info, metadata, counts, raw.n_times / sfreq)

    def matched_to(self, first: _Piece) -> _Piece:
        """Bring the channels into the order of the first recording."""
        check_rate(self.info, first.info, self.name, first.name)
        order = channel_order(self.info, first.info, self.name, first.name)
        if order is not None:
            self.signal, self.info = self.signal[order], first.info
        return self


def regular_times(
    raw: mne.io.BaseRaw,
    window_seconds: float,
    step_seconds: float | None,
    lag_seconds: float = 0.0,
) -> np.ndarray:
    """List the times of windows at regular distances, from the first that is full.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    window_seconds, lag_seconds : float
        As in :func:`create_eeg_windows`.
    step_seconds : float | None
        As in :func:`create_eeg_windows`; None is the length of a window.

    Returns
    -------
    ndarray of float, shape (n_times,)
        Seconds from the first sample.
    """
    step = window_seconds if step_seconds is None else step_seconds
    first, last = window_seconds + lag_seconds, raw.n_times / raw.info["sfreq"]
    # Decimal fractions add up to a little more than the whole.
    count = max(0, int(np.floor((last + lag_seconds - first) / step + 1e-6)) + 1)
    return first + step * np.arange(count)


def place_windows(
    raw: mne.io.BaseRaw, times: np.ndarray, n_times: int, lag_seconds: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the samples of each time's window, and why some times have none.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    times : ndarray, shape (n,)
        Seconds from the first sample.
    n_times : int
        Samples of a window.
    lag_seconds : float
        Time between the end of a window and its time, in seconds.

    Returns
    -------
    start, stop : ndarray of int, shape (n,)
        Samples of each window, ``[start, stop)``.
    reason : ndarray of str, shape (n,)
        Empty where there is a window; else one of ``no_full_window``, ``touches_bad``
        and ``crosses_joint``.
    """
    sfreq = raw.info["sfreq"]
    moment = np.round(np.asarray(times) * sfreq).astype(int)
    stop = moment - round(lag_seconds * sfreq)
    start = stop - n_times
    full = (start >= 0) & (stop <= raw.n_times)
    # Between the window and its time, too, nothing may be missing.
    joined = crosses_joint(joint_samples(raw), start, moment)
    bad = touches_bad(raw, start, stop)
    reason = np.select([~full, joined, bad], _ORDER, "")
    return start, stop, reason
