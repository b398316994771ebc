"""A look at recordings before a model is trained: what is there, what will be left out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from .._text import counted
from ..bold import prepare_bold
from ..bold.targets import LOW_PASS
from ..eeg import common_channels, prepare_eeg
from ..eeg.artifacts import residual_artifacts
from ..eeg.units import MICROVOLTS
from ..recording import Recording, as_recordings, warn_of_similar_subjects
from .create import create_bold_windows

__all__ = ["DataCheck", "RecordingCheck", "check_recordings"]

# Up to where spectra are shown, in Hz: gamma, and the line frequencies.
_HIGHEST = 70.0
#: Why a volume has no window: columns of ``left_out``, and words for them.
REASONS = {
    "no_full_window": "too near to the start or the end of the EEG",
    "touches_bad": "BAD annotation in the window",
    "crosses_joint": "window across a joint of the recording",
}


@dataclass(frozen=True)
class RecordingCheck:
    """What was found in one recording.

    Attributes
    ----------
    name, subject : str
        Of the recording.
    problem : str
        Why it cannot be used; empty if it can.
    remarks : list of str
        Warnings and notes of the steps that were run, in their order.
    seconds, sfreq : float
        Duration of the EEG in seconds, and its sampling rate in Hz, as recorded.
    n_channels : int
        Channels in the file.
    ch_names, bads : list of str
        Electrodes that are used (normalised names), and those marked as bad.
    joints : ndarray, shape (n_joints,)
        Places where the EEG was interrupted, in seconds from its start.
    tr : float
        Time between volumes in seconds (NaN with fewer than two).
    onsets : ndarray, shape (n_volumes,)
        Time of each volume marker from the start of the EEG, in seconds.
    bold : pandas.DataFrame, shape (n_volumes, n_regions)
        BOLD as recorded.
    windows : int
        Number of windows.
    left_out : dict of str to int
        Number of volumes without a window, by reason (:data:`REASONS`).
    artifacts : pandas.DataFrame | None
        Of :func:`~braindecode_bolt.eeg.artifacts.residual_artifacts`.
    spectrum : pandas.DataFrame | None
        Power spectral density of the prepared EEG in dB (1 microvolt² per Hz), indexed by
        Hz: columns ``median``, ``lowest`` and ``highest`` over the channels.
    """

    name: str
    subject: str
    problem: str = ""
    remarks: list[str] = field(default_factory=list)
    seconds: float = np.nan
    sfreq: float = np.nan
    n_channels: int = 0
    ch_names: list[str] = field(default_factory=list)
    bads: list[str] = field(default_factory=list)
    joints: np.ndarray = field(default_factory=lambda: np.empty(0))
    tr: float = np.nan
    onsets: np.ndarray = field(default_factory=lambda: np.empty(0))
    bold: pd.DataFrame = field(default_factory=pd.DataFrame)
    windows: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    artifacts: pd.DataFrame | None = None
    spectrum: pd.DataFrame | None = None

    @property
    def jitter(self) -> float:
        """Largest deviation of the time between two volumes from `tr`, in milliseconds.

        Only of volumes that follow each other without a joint, a pause or a volume that
        is missing between them. NaN with fewer than three volumes.
        """
        if len(self.onsets) < 3:
            return float("nan")
        steps = np.diff(self.onsets)
        part = np.searchsorted(self.joints, self.onsets, side="right")
        counted_steps = steps[(np.round(steps / self.tr) <= 1) & (np.diff(part) == 0)]
        if not len(counted_steps):
            return float("nan")
        return float(np.abs(counted_steps - self.tr).max() * 1e3)

    @property
    def n_joints(self) -> int:
        """Number of places where the EEG was interrupted."""
        return len(self.joints)

    @property
    def suspicious(self) -> list[str]:
        """Artifacts that seem to be left in the EEG: ``volume``, ``slice``, ``pulse``."""
        if self.artifacts is None:
            return []
        return [str(name) for name in self.artifacts.index[self.artifacts["suspicious"]]]


@dataclass(frozen=True)
class DataCheck:
    """What was found in all recordings; ``print`` shows it.

    Attributes
    ----------
    recordings : list of RecordingCheck
        In the order of the data.
    remarks : list of str
        What concerns several recordings: channels, regions or sampling rates that
        differ, similar labels of subjects, files that could not be opened.
    window_seconds : float
        Length of the windows in seconds.
    """

    recordings: list[RecordingCheck]
    remarks: list[str]
    window_seconds: float

    @property
    def usable(self) -> list[RecordingCheck]:
        """Recordings that have windows."""
        return [each for each in self.recordings if not each.problem]

    @property
    def table(self) -> pd.DataFrame:
        """A row per recording, without the lists and arrays."""
        return pd.DataFrame(
            {
                "recording": each.name,
                "subject": each.subject,
                "minutes": each.seconds / 60,
                "sfreq": each.sfreq,
                "channels": len(each.ch_names),
                "bad_channels": len(each.bads),
                "joints": each.n_joints,
                "volumes": len(each.onsets),
                "tr": each.tr,
                "jitter_ms": each.jitter,
                "regions": each.bold.shape[1],
                "windows": each.windows,
                **{reason: each.left_out.get(reason, 0) for reason in REASONS},
                "artifacts": ", ".join(each.suspicious),
                "remarks": len(each.remarks),
                "problem": each.problem,
            }
            for each in self.recordings
        )

    def verdict(self) -> str:
        """Say in one or two sentences what can be used.

        Returns
        -------
        str
            How many recordings, windows and subjects.
        """
        good, total = self.usable, len(self.recordings)
        if not good:
            return f"None of {counted(total, 'recording')} can be used."
        windows = sum(each.windows for each in good)
        subjects = len({each.subject for each in good})
        text = (
            f"{len(good)} of {counted(total, 'recording')} can be used: "
            f"{counted(windows, 'window')} of {self.window_seconds:g} s from "
            f"{counted(subjects, 'subject')}."
        )
        if subjects == 1:
            text += (
                " With one subject, a model can only be tested on other runs or other "
                "parts of the same recording."
            )
        return text

    def __str__(self) -> str:
        """Lay out the table, what is left out and why, and the remarks."""
        lines = []
        if self.recordings:
            width = max(9, *(len(each.name) for each in self.recordings))
            lines.append(
                f"{'recording':{width}}    min     Hz  chans  volumes   TR s  jitter ms  "
                "regions  windows"
            )
            for each in self.recordings:
                if not each.n_channels:  # Not even opened: see below.
                    continue
                lines.append(
                    f"{each.name:{width}} {each.seconds / 60:6.1f} {each.sfreq:6g} "
                    f"{len(each.ch_names):6d} {len(each.onsets):8d} {each.tr:6.4g} "
                    f"{each.jitter:10.2f} {each.bold.shape[1]:8d} {each.windows:8d}"
                )
        for each in self.recordings:
            notes = [f"cannot be used: {each.problem}"] if each.problem else []
            notes += [
                f"{counted(number, 'volume')} without a window: {REASONS[reason]}"
                for reason, number in each.left_out.items()
                if number
            ]
            notes += each.remarks
            if notes:
                lines += ["", f"{each.name}:", *(f"  - {note}" for note in notes)]
        if self.remarks:
            lines += ["", "All recordings:", *(f"  - {note}" for note in self.remarks)]
        return "\n".join([*lines, "", self.verdict()]).lstrip("\n")


def check_recordings(
    recordings: Iterable[Recording],
    window_seconds: float = 16.0,
    low_pass: float | None = LOW_PASS,
    channels: str | Sequence[str] | None = None,
    **preparation: Any,
) -> DataCheck:
    """Look at recordings before a model is trained.

    Each recording goes through the same steps as in an evaluation (preparing EEG and BOLD,
    cutting windows), and artifacts that correction has left in the EEG are looked for.
    Nothing is raised for a recording that cannot be used: the error is its `problem`, and
    the next one is looked at.

    Parameters
    ----------
    recordings : iterable of Recording | BaseConcatDataset
        As read, with BOLD in the volume markers. They are not changed.
    window_seconds : float
        Length of a window in seconds. Default 16.
    low_pass : float | None
        Edge of the low-pass of BOLD in Hz, as in :func:`~braindecode_bolt.prepare_bold`.
        Default 0.15.
    channels : sequence of str | "common" | None
        As in :func:`~braindecode_bolt.prepare_eeg` (default None); ``"common"``: those
        that all recordings have.
    **preparation : object
        Further arguments of :func:`~braindecode_bolt.prepare_eeg`.

    Returns
    -------
    DataCheck
        What was found in each recording, and in all of them.

    Raises
    ------
    ValueError
        If there are no recordings.
    TypeError
        If `recordings` are of another type.
    ChannelNameError
        If `channels` is ``"common"`` and there are none.

    See Also
    --------
    braindecode_bolt.create_bold_windows : Raises an error for what cannot be used.
    braindecode_bolt.report.write_data_page : Puts the result on a page.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.windows import check_recordings
    >>> found = check_recordings(SimulatedEEGfMRI(n_subjects=2, duration=60.0).load())
    >>> print(found.verdict())
    2 of 2 recordings can be used: 42 windows of 16 s from 2 subjects.
    """
    recordings = list(as_recordings(recordings))
    if not recordings:
        raise ValueError("There are no recordings to check.")
    if channels == "common":
        of_sites = ("montage", "montage_distance_mm")
        given = {name: preparation[name] for name in of_sites if name in preparation}
        channels = common_channels(recordings, **given)
    arguments = {"channels": channels, **preparation}
    checks = [
        _check(recording, window_seconds, low_pass, arguments)
        for recording in tqdm(recordings, "Checking", leave=False, disable=None)
    ]
    with _noted() as remarks:
        warn_of_similar_subjects(recording.subject for recording in recordings)
    return DataCheck(checks, [*remarks, *_differences(checks)], window_seconds)


def _check(
    recording: Recording,
    window_seconds: float,
    low_pass: float | None,
    preparation: Mapping[str, Any],
) -> RecordingCheck:
    raw = recording.raw
    bold, samples = recording.bold, recording.marker_samples()
    found: dict[str, Any] = {
        "seconds": raw.n_times / raw.info["sfreq"],
        "sfreq": float(raw.info["sfreq"]),
        "n_channels": len(raw.ch_names),
        "bads": list(raw.info["bads"]),
        "joints": recording.joints / raw.info["sfreq"],
        "tr": recording.repetition_time,
        "onsets": samples / raw.info["sfreq"],
        "bold": bold,
    }
    problem = ""
    with _noted(recording.name) as remarks:
        try:
            prepared = prepare_eeg(recording, **preparation)
            found["ch_names"] = list(prepared.raw.ch_names)
            found["spectrum"] = _spectrum(prepared)
            found["artifacts"] = residual_artifacts(recording)
            with_targets = prepare_bold(prepared, low_pass)
            windows = create_bold_windows([with_targets], window_seconds)
            counts = windows.left_out.iloc[0]
            found["windows"] = int(counts["windows"])
            found["left_out"] = {reason: int(counts[reason]) for reason in REASONS}
        except (ValueError, TypeError, OSError, RuntimeError) as error:
            problem = str(error).removeprefix(f"{recording.name}: ")
    return RecordingCheck(recording.name, recording.subject, problem, remarks, **found)


def _spectrum(recording: Recording) -> pd.DataFrame:
    raw = recording.raw
    sfreq = raw.info["sfreq"]
    highest = min(_HIGHEST, sfreq / 2)
    n_fft = min(raw.n_times, round(4 * sfreq))
    spectrum = raw.compute_psd("welch", fmax=highest, n_fft=n_fft, verbose="error")
    decibel = 10 * np.log10(np.maximum(spectrum.get_data() * MICROVOLTS**2, 1e-30))
    return pd.DataFrame(
        {
            "median": np.median(decibel, axis=0),
            "lowest": decibel.min(axis=0),
            "highest": decibel.max(axis=0),
        },
        index=pd.Index(spectrum.freqs, name="frequency"),
    )


def _differences(checks: Sequence[RecordingCheck]) -> list[str]:
    """Say what differs between recordings that must be the same in all of them."""
    good = [each for each in checks if not each.problem]
    remarks = []
    names = {each.name: set(each.ch_names) for each in good}
    if len({frozenset(each) for each in names.values()}) > 1:
        common = set.intersection(*names.values())
        remarks.append(
            f"Recordings differ in their channels: {counted(len(common), 'channel')} in "
            f"all of {len(good)}, {len(set.union(*names.values()))} in at least one. Use "
            "channels='common', or name the channels."
        )
    regions = [list(each.bold.columns) for each in good]
    if any(set(each) != set(regions[0]) for each in regions[1:]):
        common = set.intersection(*map(set, regions))
        remarks.append(
            f"Recordings differ in their regions: {counted(len(common), 'region')} in all "
            f"of {len(good)}. Choose regions by rois=."
        )
    times = sorted({round(each.tr, 4) for each in good})
    if len(times) > 1:
        remarks.append(
            f"Repetition times differ, from {times[0]:g} to {times[-1]:g} s. Models can be "
            "trained across them; series of different rates are scored separately."
        )
    return remarks


class _Notes(logging.Handler):
    """Collects messages, without the name of the recording in front."""

    def __init__(self, name: str):
        super().__init__(logging.INFO)
        self.name_, self.texts = name, []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().removeprefix(f"{self.name_}: ").strip()
        worth_it = record.levelno >= logging.WARNING or self.name_ in record.getMessage()
        # Steps that look for the same fault, before and after resampling, say it twice.
        if worth_it and not any(text[:30] == other[:30] for other in self.texts):
            self.texts.append(text)


@contextmanager
def _noted(name: str = "") -> Iterator[list[str]]:
    """Collect what the package logs instead of showing it."""
    ours = logging.getLogger("braindecode_bolt")
    handler, before = _Notes(name), (ours.propagate, ours.level)
    ours.addHandler(handler)
    ours.propagate = False
    ours.setLevel(min(ours.getEffectiveLevel(), logging.INFO))
    try:
        yield handler.texts
    finally:
        ours.removeHandler(handler)
        ours.propagate = before[0]
        ours.setLevel(before[1])
