"""One window of EEG for each fMRI volume."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np
import pandas as pd
from tqdm import tqdm

from .._checks import check_number
from .._series import is_constant, plain_name
from .._text import counted
from ..eeg.units import MICROVOLTS
from ..markers.joints import crosses_joint, joint_samples
from ..recording import (
    ENTITIES,
    TABLES,
    MarkerError,
    Recording,
    as_recordings,
    check_bold,
    warn_of_similar_subjects,
)
from .cutting import (
    OfWindows,
    channel_order,
    check_finite,
    check_rate,
    check_same,
    scalp_picks,
    signal_of,
    touches_bad,
    window_samples,
)
from .lazy import LazyWindows

__all__ = ["BOLDWindows", "create_bold_windows"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class BOLDWindows(OfWindows):
    """Windows of EEG, each with the BOLD of the volume at its end.

    Attributes
    ----------
    X : LazyWindows, shape (n_windows, n_chans, n_times)
        EEG in microvolts.
    y : ndarray, shape (n_windows, n_rois)
        BOLD, float32, in the units of the recordings.
    roi_names : list of str
        The columns of `y`.
    left_out : pandas.DataFrame
        Per recording, the number of volumes, of windows made, and of volumes
        left out by reason.
    noiseless, noiseless_window : ndarray of shape (n_windows, n_rois) | None
        Simulated data only: BOLD before noise was added, computed from the whole
        haemodynamic response and from its part inside the window.

    See Also
    --------
    create_bold_windows : Makes them.
    EEGWindows : Windows without BOLD.
    """

    X: LazyWindows
    y: np.ndarray
    roi_names: list[str]
    left_out: pd.DataFrame
    noiseless: np.ndarray | None = None
    noiseless_window: np.ndarray | None = None

    @property
    def metadata(self) -> pd.DataFrame:
        """A row per window: whose it is, its volume, its first sample and its stop."""
        return self.X.metadata

    def __repr__(self) -> str:  # noqa: D105
        return f"<BOLDWindows X={self.X!r}, y={self.y.shape}>"

    def to_braindecode(self):
        """Convert the windows to a data set of braindecode.

        Returns
        -------
        braindecode.datasets.BaseConcatDataset
            Of one ``EEGWindowsDataset`` per recording, in the order of `X`,
            whose windows (microvolts, baseline subtracted) and targets (a
            float32 array per window) are those of `X` and `y`. Their descriptions
            hold subject, session, run, task, site, recording and ``lag_seconds``.
            Wrap it in ``skorch.helper.SliceDataset`` for scikit-learn. It holds its
            own copy of the EEG, in volts and float64, as MNE does.

        Examples
        --------
        >>> from skorch.helper import SliceDataset
        >>> from braindecode_bolt import create_bold_windows
        >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
        >>> windows = create_bold_windows(SimulatedEEGfMRI(1, duration=60.0).load())
        >>> X = SliceDataset(windows.to_braindecode())
        >>> len(X), X[0].shape
        (21, (10, 3200))
        """
        from braindecode.datasets import BaseConcatDataset, EEGWindowsDataset

        datasets = []
        metadata = self.metadata.reset_index(drop=True)
        # One data set per stretch of the same recording keeps the order of the windows.
        breaks = (metadata["recording"].diff() != 0).cumsum()
        for _, rows in metadata.groupby(breaks, sort=False):
            recording = rows["recording"].iloc[0]
            raw = mne.io.RawArray(
                self.X.signals[recording].astype(float) / MICROVOLTS,
                self.X.info,
                verbose="error",
            )
            described = rows.reindex(columns=ENTITIES).iloc[0].dropna().to_dict()
            # Windows out of order end up in several data sets of one recording.
            described["recording"] = int(recording)
            if self.X.lag_seconds is not None:
                described["lag_seconds"] = self.X.lag_seconds
            windows = pd.DataFrame(
                {
                    "i_window_in_trial": np.arange(len(rows)),
                    "i_start_in_trial": rows["start"].to_numpy(),
                    "i_stop_in_trial": rows["stop"].to_numpy(),
                    "target": list(self.y[rows.index]),
                    "volume": rows["volume"].to_numpy(),
                    **described,
                }
            )
            transform = ToMicrovolts(self.X.baseline)
            datasets.append(EEGWindowsDataset(raw, windows, described, transform=transform))
        return BaseConcatDataset(datasets)


@dataclass
class ToMicrovolts:
    """Convert a window from volts and subtract its mean, as LazyWindows do."""

    baseline: str | None

    def __call__(self, window: np.ndarray) -> np.ndarray:
        window = window * np.float32(MICROVOLTS)
        if self.baseline == "window":
            window -= window.mean(axis=-1, keepdims=True, dtype=np.float64)
        return window


def create_bold_windows(
    recordings: Iterable[Recording],
    window_seconds: float = 16.0,
    lag_seconds: float = 0.0,
    marker: str | None = None,
    baseline: str | None = "window",
) -> BOLDWindows:
    """Cut one window of EEG for each fMRI volume.

    The window of a volume holds the ``window_seconds`` that end right before
    its marker, `lag_seconds` earlier if so wished (paper, section 2.1: 16 s
    and no lag, so that the model finds the haemodynamic delay by itself).
    Volumes whose window would begin before the recording, touches an annotation
    whose description begins with ``BAD``, or holds or ends at a joint of the
    recording (:func:`~braindecode_bolt.markers.joint_samples`) are left out, counted
    in `left_out` and logged.

    Parameters
    ----------
    recordings : iterable of Recording | BaseConcatDataset
        Prepared recordings that carry their BOLD (:func:`attach_bold`), or a
        braindecode data set of such raws. They may come from a generator: the
        windows keep the EEG as float32 and let go of the recordings. EEG that
        was prepared into a cache (``prepare_eeg(..., cache_dir=...)``) stays
        on disk.
    window_seconds : float
        Length of a window in seconds. Default 16, as published.
    lag_seconds : float
        Time between the end of the window and the marker in seconds. Default 0.
    marker : str | None
        Description of the volume markers. By default all annotations that
        carry BOLD.
    baseline : {"window", None}
        Subtract the mean of each channel over the window (default), or not.

    Returns
    -------
    BOLDWindows
        With `X`, `y`, `groups`, `metadata`, `ch_names` and `roi_names`.

    Raises
    ------
    MarkerError
        If a recording has no volume markers that carry BOLD.
    ChannelNameError
        If a recording has no channel of scalp EEG.
    ValueError
        If there are no recordings, they differ in channels, sampling rate or regions, no
        volume of any recording has a full window, a region is constant, values are not
        finite, or an argument is out of range.
    TypeError
        If `recordings` are of another type, or a length is not a number.

    See Also
    --------
    create_eeg_windows : Needs neither markers nor BOLD.
    braindecode_bolt.windows.create_feature_windows : From tables of EEG features.
    braindecode_bolt.windows.check_recordings : A look at all recordings before.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recordings = SimulatedEEGfMRI(n_subjects=2, duration=60.0).load()
    >>> windows = create_bold_windows(recordings)
    >>> windows.X.shape[1:], windows.y.shape[1]
    ((10, 3200), 7)
    """
    check_number(window_seconds, "window_seconds", low=0, inclusive="neither")
    check_number(lag_seconds, "lag_seconds", low=0)
    pieces = []
    bar = tqdm(as_recordings(recordings), "Recordings", leave=False, disable=None)
    for position, recording in enumerate(bar):
        piece = _Piece.cut(recording, position, window_seconds, lag_seconds, marker)
        if pieces:
            piece = piece.matched_to(pieces[0])
        pieces.append(piece)
    if not pieces:
        raise ValueError("There are no recordings to cut windows from.")
    left_out = pd.DataFrame([piece.counts for piece in pieces])
    if not left_out["windows"].sum():
        raise ValueError(
            f"No volume has a full window of {window_seconds:g} s: the longest recording "
            f"lasts {max(p.seconds for p in pieces):.1f} s, and "
            f"{counted(left_out['touches_bad'].sum(), 'window')} with a BAD annotation and "
            f"{counted(left_out['crosses_joint'].sum(), 'window')} across a joint of the "
            "recording were left out."
        )
    logger.info(
        "%s of %g s from %s; left out: %s without a full window, %d with a BAD annotation, "
        "%d across a joint",
        counted(left_out["windows"].sum(), "window"),
        window_seconds,
        counted(len(pieces), "recording"),
        counted(left_out["no_full_window"].sum(), "volume"),
        left_out["touches_bad"].sum(),
        left_out["crosses_joint"].sum(),
    )
    warn_of_similar_subjects(piece.subject for piece in pieces)
    metadata = pd.concat([piece.metadata for piece in pieces], ignore_index=True)
    signals, info = [piece.signal for piece in pieces], pieces[0].info
    X = LazyWindows(signals, metadata, info, baseline, lag_seconds)
    tables = {
        kind: np.concatenate([piece.tables[kind] for piece in pieces])
        for kind in TABLES
        if all(kind in piece.tables for piece in pieces)
    }
    return BOLDWindows(
        X,
        tables["bold"],
        pieces[0].roi_names,
        left_out,
        tables.get("noiseless"),
        tables.get("noiseless_window"),
    )


@dataclass
class _Piece:
    """What one recording gives to the windows."""

    name: str
    subject: str
    signal: np.ndarray
    info: mne.Info
    metadata: pd.DataFrame
    tables: dict[str, np.ndarray]
    roi_names: list[str]
    counts: dict[str, Any]
    seconds: float

    @classmethod
    def cut(
        cls,
        recording: Recording,
        position: int,
        window_seconds: float,
        lag_seconds: float,
        marker: str | None,
    ) -> _Piece:
        raw = recording.raw
        tables = recording.tables(marker)
        bold = tables.get("bold")
        if bold is None:
            raise MarkerError(
                f"{recording.name} has no volume markers that carry BOLD"
                f"{'' if marker is None else f' and are called {marker!r}'}. Write the "
                "BOLD into the markers with attach_bold."
            )
        check_bold(bold, f"The BOLD of {recording.name}")
        constant = bold.columns[is_constant(bold)]
        if len(constant) and len(bold) > 1:
            raise ValueError(
                f"The BOLD of {recording.name} is constant in {', '.join(constant)}. "
                "Leave the region out of all recordings."
            )
        sfreq = raw.info["sfreq"]
        n_times = window_samples(window_seconds, sfreq)
        volume = recording.marker_samples(marker)
        stop = volume - round(lag_seconds * sfreq)
        start = stop - n_times
        full = (start >= 0) & (stop <= raw.n_times)
        # Between the window and its volume, too, no time may be missing.
        joined = full & crosses_joint(joint_samples(raw), start, volume)
        bad = full & ~joined & touches_bad(raw, start, stop)
        keep = full & ~bad & ~joined
        picks = scalp_picks(recording)
        signal = signal_of(raw, picks)
        check_finite(signal, recording)
        metadata = pd.DataFrame(
            {
                "recording": position,
                **{key: getattr(recording, key) for key in ENTITIES},
                "volume": bold.index[keep],
                "start": start[keep],
                "stop": stop[keep],
            }
        )
        counts = {
            "recording": recording.name,
            "volumes": len(bold),
            "windows": int(keep.sum()),
            "no_full_window": int((~full).sum()),
            "touches_bad": int(bad.sum()),
            "crosses_joint": int(joined.sum()),
        }
        logger.log(
            logging.DEBUG if keep.any() else logging.WARNING,
            "%(recording)s: windows for %(windows)d of %(volumes)d volumes (left out: "
            "%(no_full_window)d without a full window, %(touches_bad)d with a BAD "
            "annotation, %(crosses_joint)d across a joint)",
            counts,
        )
        return cls(
            recording.name,
            recording.subject,
            signal,
            mne.pick_info(raw.info, picks, verbose="error"),
            metadata,
            {k: t.to_numpy(np.float32)[keep] for k, t in tables.items()},
            [str(roi) for roi in bold.columns],
            counts,
            raw.n_times / sfreq,
        )

    def matched_to(self, first: _Piece) -> _Piece:
        """Bring channels and regions into the order of the first recording."""
        check_rate(self.info, first.info, self.name, first.name)
        order = channel_order(self.info, first.info, self.name, first.name)
        names = [plain_name(roi) for roi in self.roi_names]
        expected = [plain_name(roi) for roi in first.roi_names]
        check_same("regions", names, expected, self.name, first.name)
        if order is not None:
            self.signal = self.signal[order]
            self.info = first.info
        if self.roi_names != first.roi_names:
            order = [names.index(roi) for roi in expected]
            self.tables = {kind: table[:, order] for kind, table in self.tables.items()}
            self.roi_names = first.roi_names
        return self
