"""The recordings of an evaluation: windows of EEG, and the BOLD as it was recorded."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .._files import content_hash
from .._series import plain_name
from .._text import counted
from ..bold import prepare_bold, prepare_series, volume_steps
from ..bold.targets import LOW_PASS
from ..datasets.coupling.kinds import named_in
from ..markers.timing import repetition_time as tr_of
from ..recording import Recording, as_recordings
from ..windows.create import BOLDWindows, create_bold_windows

__all__ = ["Study"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Study:
    """Windows of several recordings, whose BOLD can be prepared part by part.

    BOLD is low-pass filtered and centred. If whole recordings are in training or in
    test, this is done for the whole recording. If a recording is cut in time, it is done
    for each part separately, so that no part depends on another.

    Attributes
    ----------
    windows : BOLDWindows
        The windows, with the BOLD prepared recording by recording.
    bold : list of dict of str to pandas.DataFrame
        For each recording, its tables as recorded (``bold`` and, for simulated BOLD,
        ``noiseless`` and ``noiseless_window``), a row per volume. Empty if only windows
        were given: their BOLD is used unchanged.
    tr : list of float
        Repetition time of each recording in seconds; NaN where it is not known.
    low_pass : float | None
        Cut-off frequency of the low-pass filter in Hz.
    steps : list of ndarray of int
        What :func:`~braindecode_bolt.bold.volume_steps` gives for each recording.
    couplings : list of str
        What simulated BOLD of the recordings follows, each name of
        ``datasets.COUPLINGS`` once; empty where this is not known.
    """

    windows: BOLDWindows
    bold: list[dict[str, pd.DataFrame]] = field(default_factory=list)
    tr: list[float] = field(default_factory=list)
    low_pass: float | None = None
    steps: list[np.ndarray] = field(default_factory=list)
    couplings: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        data: Study | BOLDWindows | Iterable[Recording],
        window_seconds: float = 16.0,
        lag_seconds: float = 0.0,
        low_pass: float | None = LOW_PASS,
    ) -> Study:
        """Make a study of recordings or windows.

        Parameters
        ----------
        data : Study | BOLDWindows | iterable of Recording
            Recordings carry BOLD that is *not* low-pass filtered yet, and EEG that is
            prepared (:func:`~braindecode_bolt.prepare_eeg`). They may come from a
            generator. The BOLD of windows is used unchanged.
        window_seconds : float, default 16.0
            Length of a window in seconds, of recordings.
        lag_seconds : float, default 0.0
            Time from the end of a window to its volume in seconds, of recordings.
        low_pass : float | None, default 0.15
            Cut-off of the low-pass filter in Hz, as in
            :func:`~braindecode_bolt.prepare_bold`; None for no filter. Of recordings.

        Returns
        -------
        Study
            Windows and BOLD; `data` itself if it is one.

        Raises
        ------
        TypeError
            If the data are none of these.
        ValueError
            If no windows can be cut, the BOLD cannot be prepared, or recordings cannot
            be told apart.
        """
        if isinstance(data, Study):
            return data
        if isinstance(data, BOLDWindows):
            _check_distinct(data)
            return cls(data, tr=_repetition_times(data))
        if not isinstance(data, Iterable) or isinstance(data, (str, bytes, np.ndarray)):
            raise TypeError(
                f"Expected recordings, windows of them or a Study, got "
                f"{type(data).__name__}. A data set gives its recordings by load()."
            )
        bold, times, steps, couplings = [], [], [], []

        def prepared() -> Iterator[Recording]:
            for recording in as_recordings(data):
                bold.append(recording.tables())
                done = prepare_bold(recording, low_pass)
                times.append(recording.repetition_time)
                steps.append(volume_steps(recording))
                couplings.append(named_in(recording.raw.info["description"]))
                yield done

        windows = create_bold_windows(_Sized(prepared(), data), window_seconds, lag_seconds)
        _check_distinct(windows)
        known = list(dict.fromkeys(filter(None, couplings)))
        return cls(windows, bold, times, low_pass, steps, known)

    def parted(self, parts: Sequence[np.ndarray]) -> BOLDWindows:
        """Prepare the BOLD of the parts of a fold.

        Parameters
        ----------
        parts : sequence of ndarray of int
            Rows of the windows in each part: training, validation, test.

        Returns
        -------
        BOLDWindows
            Each stretch of a recording that is in one part is filtered and centred
            separately. Rows of such recordings that are in no part are NaN. If no
            recording is cut, this is `windows` itself.

        Raises
        ------
        ValueError
            If a stretch is too short for the filter, or a region is constant in it.
        """
        part_of = np.full(len(self.windows), -1)
        for number, rows in enumerate(parts):
            part_of[rows] = number
        recordings = self.windows.metadata["recording"].to_numpy()
        # In several parts, or in one part and in a gap.
        cut = [
            recording
            for recording in np.unique(recordings)
            if len(np.unique(part_of[recordings == recording])) > 1
        ]
        if not cut:
            return self.windows
        if not self.bold:
            logger.warning(
                "Recordings are cut in time, and the BOLD of the windows is used "
                "unchanged. If it was low-pass filtered over whole recordings, the test "
                "part leaks into training. Give evaluate the recordings themselves."
            )
            return self.windows
        tables = {
            field: np.array(getattr(self.windows, field))
            for field in ("y", "noiseless", "noiseless_window")
            if getattr(self.windows, field) is not None
        }
        for recording in cut:
            rows = np.flatnonzero(recordings == recording)
            volumes = self.windows.metadata["volume"].to_numpy()[rows]
            rows = rows[np.argsort(volumes, kind="stable")]
            borders = np.flatnonzero(np.diff(part_of[rows])) + 1
            for stretch in np.split(rows, borders):
                in_a_part = part_of[stretch[0]] >= 0
                self._prepare(int(recording), stretch, tables, in_a_part)
        return replace(self.windows, **tables)

    def _prepare(
        self,
        recording: int,
        rows: np.ndarray,
        tables: dict[str, np.ndarray],
        in_a_part: bool,
    ) -> None:
        """Prepare the BOLD of one stretch of a recording, or remove it."""
        volumes = self.windows.metadata["volume"].to_numpy()[rows]
        regions = [plain_name(region) for region in self.windows.roi_names]
        for name, values in tables.items():
            if not in_a_part:
                values[rows] = np.nan
                continue
            table = self.bold[recording]["bold" if name == "y" else name]
            table = table.rename(columns=plain_name)[regions]
            within = table.index.slice_indexer(volumes[0], volumes[-1])
            series = table.iloc[within]
            steps = self.steps[recording][within] if self.steps else None
            try:
                done = prepare_series(series, self.tr[recording], self.low_pass, steps)
            except ValueError as error:
                where = f"volume {volumes[0]}"
                if len(series) > 1:
                    where = f"volumes {volumes[0]} to {volumes[-1]}"
                raise ValueError(
                    f"{self.names[recording]} is too short for this protocol: one part of "
                    f"a fold is {where}, {counted(len(series), 'volume')} in all"
                    + (f". {error}" if len(series) > 1 else ".")
                ) from error
            values[rows] = done.loc[volumes]

    @property
    def names(self) -> list[str]:
        """Name of each recording (list of str)."""
        return self.windows.left_out["recording"].astype(str).tolist()

    @cached_property
    def _hashes_of_eeg(self) -> list[str]:
        return [content_hash(signal) for signal in self.windows.X.signals]

    def fingerprint(self) -> str:
        """Hash EEG, BOLD and origin of the windows.

        Returns
        -------
        str
            Hexadecimal digits of SHA-256. Equal for equal data only.
        """
        X = self.windows.X
        return content_hash(
            self._hashes_of_eeg,
            self.windows.y,
            *(tables["bold"].to_numpy(float) for tables in self.bold),
            self.windows.metadata.to_csv(index=False),
            [X.ch_names, self.windows.roi_names, self.low_pass, X.sfreq, X.baseline],
            # LaBraM's channel embedding takes unknown names by position.
            np.array([ch["loc"][:3] for ch in X.info["chs"]]),
        )

    def warn_of_copies(self) -> None:
        """Log recordings that hold the same EEG."""
        of_hash: dict[str, list[str]] = {}
        for position in self.windows.metadata["recording"].unique():
            of_hash.setdefault(self._hashes_of_eeg[position], []).append(
                self.names[position]
            )
        for names in of_hash.values():
            if len(names) > 1:
                logger.warning(
                    "%s hold the same EEG: a model that is trained on one of them has "
                    "seen the test data. Leave the copies out.",
                    ", ".join(names[:5]),
                )

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
    """Raise if recordings, subjects or volumes could not be told apart in tables."""
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
        number = table.loc[unnamed, "recording"].nunique()
        raise ValueError(
            f"{counted(number, 'recording')} without a subject: Recording(subject=...)."
        )
    joined = table.duplicated(["recording", "volume"])
    if joined.any():
        name = names.iloc[int(table.loc[joined, "recording"].iloc[0])]
        raise ValueError(
            f"{name} has several windows of one volume, as joined recordings do. Give the "
            "recordings one by one."
        )


def _repetition_times(windows: BOLDWindows) -> list[float]:
    times = [float("nan")] * len(windows.left_out)
    for recording, rows in windows.metadata.groupby("recording"):
        ends = rows["stop"].to_numpy() / windows.sfreq
        times[int(recording)] = tr_of(ends, rows["volume"].to_numpy())
    return times
