"""The recordings of an evaluation: windows, and the BOLD as it was recorded."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..bold import prepare_bold, prepare_series
from ..bold.targets import LOW_PASS
from ..markers.timing import repetition_time as tr_of
from ..recording import Recording, as_recordings
from ..windows.create import BOLDWindows, create_bold_windows

__all__ = ["Study"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Study:
    """Windows of several recordings, whose BOLD can be prepared part by part.

    BOLD is low-pass filtered and centred. Where whole recordings are trained on or
    tested, this is done for each as a whole; where a recording is cut in time, for
    each part by itself, so that nothing passes from one to another.

    Attributes
    ----------
    windows : BOLDWindows
        The windows, their BOLD prepared recording by recording.
    bold : list of dict of str to pandas.DataFrame
        For each recording, its tables (``bold`` and, for simulated BOLD,
        ``noiseless`` and ``noiseless_window``) as recorded, a row per volume. Empty
        where only windows were given: their BOLD is taken as it is.
    tr : list of float
        Repetition time of each recording in seconds; NaN where it is not known.
    low_pass : float | None
        Edge of the filter in Hz.
    """

    windows: BOLDWindows
    bold: list[dict[str, pd.DataFrame]] = field(default_factory=list)
    tr: list[float] = field(default_factory=list)
    low_pass: float | None = None

    @classmethod
    def of(
        cls,
        data: Study | BOLDWindows | Iterable[Recording],
        window_seconds: float = 16.0,
        lag_seconds: float = 0.0,
        low_pass: float | None = LOW_PASS,
    ) -> Study:
        """Make it of recordings or windows.

        Parameters
        ----------
        data : Study | BOLDWindows | iterable of Recording
            Recordings carry BOLD that was *not* low-pass filtered yet, and EEG that
            was prepared (:func:`~braindecode_bolt.prepare_eeg`). They may come from a
            generator. The BOLD of windows is taken as it is.
        window_seconds, lag_seconds : float
            As in :func:`~braindecode_bolt.create_bold_windows`.
        low_pass : float | None
            As in :func:`~braindecode_bolt.prepare_bold`. Default 0.15 Hz.

        Returns
        -------
        Study

        Raises
        ------
        TypeError
            If the data are none of these.
        ValueError
            If no windows can be cut or the BOLD cannot be prepared.
        """
        if isinstance(data, Study):
            return data
        if isinstance(data, BOLDWindows):
            _check_distinct(data)
            return cls(data, tr=_repetition_times(data, len(data.left_out)))
        if not isinstance(data, Iterable) or isinstance(data, (str, bytes, np.ndarray)):
            raise TypeError(
                f"Expected recordings, windows of them or a Study, got "
                f"{type(data).__name__}. A data set gives its recordings by load()."
            )
        bold, times = [], []

        def prepared() -> Iterator[Recording]:
            for recording in as_recordings(data):
                if not isinstance(recording, Recording):
                    raise TypeError(
                        f"Expected Recordings, got {type(recording).__name__} among them. "
                        "Wrap a Raw as Recording(raw, subject=...)."
                    )
                bold.append(recording.tables())
                done = prepare_bold(recording, low_pass)
                times.append(recording.repetition_time)
                yield done

        windows = create_bold_windows(_Sized(prepared(), data), window_seconds, lag_seconds)
        _check_distinct(windows)
        return cls(windows, bold, times, low_pass)

    def parted(self, parts: Sequence[np.ndarray]) -> BOLDWindows:
        """Prepare the BOLD of the parts of a fold.

        Parameters
        ----------
        parts : sequence of ndarray of int
            Rows of the windows in each part: training, validation, test.

        Returns
        -------
        BOLDWindows
            With the BOLD of each stretch of a recording that is in one part prepared
            by itself. Rows of such recordings that are in no part have NaN. `windows`
            where no recording is in two parts, or in one and in none.

        Raises
        ------
        ValueError
            If a stretch is too short for the filter, or constant.
        """
        part_of = np.full(len(self.windows), -1)
        for number, rows in enumerate(parts):
            part_of[rows] = number
        recordings = self.windows.metadata["recording"].to_numpy()
        torn = [r for r in np.unique(recordings) if _is_torn(part_of[recordings == r])]
        if not torn:
            return self.windows
        if not self.bold:
            logger.warning(
                "Recordings are cut in time, and their BOLD is taken as the windows have "
                "it: if it was low-pass filtered over whole recordings, the test part has "
                "gone into training. Give evaluate the recordings themselves."
            )
            return self.windows
        tables = {
            kind: np.array(values)
            for kind, values in _tables_of(self.windows).items()
            if values is not None
        }
        for recording in torn:
            rows = np.flatnonzero(recordings == recording)
            self._prepare_stretches(int(recording), rows, part_of[rows], tables)
        return replace(
            self.windows, **{"y" if k == "bold" else k: v for k, v in tables.items()}
        )

    def _prepare_stretches(
        self,
        recording: int,
        rows: np.ndarray,
        part_of: np.ndarray,
        tables: dict[str, np.ndarray],
    ) -> None:
        volumes = self.windows.metadata["volume"].to_numpy()[rows]
        order = np.argsort(volumes, kind="stable")
        rows, volumes, part_of = rows[order], volumes[order], part_of[order]
        borders = np.flatnonzero(np.diff(part_of)) + 1
        names = self.windows.roi_names
        for stretch in np.split(np.arange(len(rows)), borders):
            if part_of[stretch[0]] < 0:
                for values in tables.values():
                    values[rows[stretch]] = np.nan
                continue
            first, last = volumes[stretch[0]], volumes[stretch[-1]]
            for kind, values in tables.items():
                series = self.bold[recording][kind].loc[first:last, names]
                try:
                    done = prepare_series(series, self.tr[recording], self.low_pass)
                except ValueError as error:
                    name = self.windows.left_out["recording"].iloc[recording]
                    raise ValueError(
                        f"{name}, volumes {first} to {last}, which are one part of a fold: "
                        f"{error} (On the command line, that is --low-pass 0.) Or give "
                        "longer recordings, or a protocol with larger parts: within-folds "
                        "with few folds, or GapSplit(train_size=0.7, test_size=0.3)."
                    ) from error
                values[rows[stretch]] = done.loc[volumes[stretch]]

    @property
    def names(self) -> list[str]:
        """Name of each recording."""
        return self.windows.left_out["recording"].tolist()

    def fingerprint(self) -> str:
        """Hash EEG, BOLD and origin of the windows.

        Returns
        -------
        str
            Hexadecimal digits of SHA-256.
        """
        digest = hashlib.sha256()
        for array in (*self.windows.X.signals, self.windows.y):
            digest.update(np.ascontiguousarray(array))
        for tables in self.bold:
            digest.update(np.ascontiguousarray(tables["bold"].to_numpy(float)))
        digest.update(self.windows.metadata.to_csv(index=False).encode())
        X = self.windows.X
        named = [X.ch_names, self.windows.roi_names, self.low_pass, X.sfreq, X.baseline]
        digest.update(json.dumps(named).encode())
        # Positions decide which rows electrodes take that a table does not know.
        digest.update(np.array([ch["loc"][:3] for ch in X.info["chs"]]).tobytes())
        return digest.hexdigest()

    def __repr__(self) -> str:  # noqa: D105
        return f"<Study {self.windows!r}>"


@dataclass(frozen=True)
class _Sized:
    """A generator that knows how many will come, for the progress bar."""

    items: Iterator[Recording]
    source: Any

    def __iter__(self) -> Iterator[Recording]:
        return self.items

    def __len__(self) -> int:
        return len(self.source)


def _check_distinct(windows: BOLDWindows) -> None:
    """Raise where recordings, people or volumes could not be told apart in tables."""
    names = windows.left_out["recording"].astype(str)
    twice = sorted(set(names[names.duplicated()]))
    if twice:
        raise ValueError(
            f"Several recordings are named {', '.join(twice[:5])}; results could not tell "
            "them apart. Give them different sessions, tasks or runs."
        )
    table = windows.metadata
    unnamed = table["subject"].isna() | (table["subject"].astype(str) == "")
    if unnamed.any():
        n_recordings = table.loc[unnamed, "recording"].nunique()
        raise ValueError(
            f"{n_recordings} recordings do not say whose they are: Recording(subject=...)."
        )
    joined = table.duplicated(["recording", "volume"])
    if joined.any():
        name = names.iloc[int(table.loc[joined, "recording"].iloc[0])]
        raise ValueError(
            f"{name} has several windows of one volume, as joined recordings do. Give the "
            "recordings one by one."
        )


def _is_torn(part_of: np.ndarray) -> bool:
    """Whether a recording is in several parts, or in one and in a gap."""
    return len(np.unique(part_of)) > 1


def _tables_of(windows: BOLDWindows) -> dict[str, np.ndarray | None]:
    return {
        "bold": windows.y,
        "noiseless": windows.noiseless,
        "noiseless_window": windows.noiseless_window,
    }


def _repetition_times(windows: BOLDWindows, n_recordings: int) -> list[float]:
    table = windows.metadata
    times = [float("nan")] * n_recordings
    for recording, rows in table.groupby("recording"):
        ends = rows["stop"].to_numpy() / windows.sfreq
        times[int(recording)] = tr_of(ends, rows["volume"].to_numpy())
    return times
