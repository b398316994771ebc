"""Gaps of EDF+D and BDF+D files, which MNE reads as if there were none."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import mne
import numpy as np

from .._text import counted
from .annotations import recording_file, with_annotations

__all__ = ["RecordingGapError", "check_gaps", "lay_gaps"]

logger = logging.getLogger(__name__)

_STAMP = re.compile(rb"\s*([+-]\d+(?:\.\d*)?)\x14")
# Key in MNE's notes about a file: its annotations stand at their samples.
_LAID = "braindecode_bolt_gaps_laid"


class RecordingGapError(ValueError):
    """A file that was not recorded in one go, so that its markers are misplaced."""


@dataclass(frozen=True)
class Gap:
    """An interruption of a recording.

    Attributes
    ----------
    at : float
        Seconds of data before it.
    seconds : float
        How much longer the clock ran than the data up to here: the sum of this
        and all earlier interruptions.
    length : float
        Length of this interruption in seconds.
    """

    at: float
    seconds: float
    length: float


def find_gaps(file: str | Path) -> tuple[Gap, ...]:
    """Find the gaps of an EDF+D or BDF+D file by the time stamps of its records.

    Parameters
    ----------
    file : str | Path
        Any file; only EDF+D and BDF+D are looked into.

    Returns
    -------
    tuple of Gap
        Empty where there is none.

    Raises
    ------
    RecordingGapError
        If a record has no time stamp, or one before the end of the last record.
    """
    file = Path(file)
    if file.suffix.lower() not in (".edf", ".bdf") or not file.is_file():
        return ()
    status = file.stat()
    return _gaps_of(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _gaps_of(file: Path, size: int, changed: int) -> tuple[Gap, ...]:
    with file.open("rb") as stream:
        head = stream.read(256)
        if head[192:197] not in (b"EDF+D", b"BDF+D"):
            return ()
        try:
            records = _Records.of(head, stream.read(256 * int(head[252:256])), size)
        except (ValueError, StopIteration) as error:
            raise RecordingGapError(
                f"{file.name}: the header says that the recording was interrupted (EDF+D), "
                "but where the time stamps are cannot be read from it. Export the file "
                "anew."
            ) from error
        stamps = []
        for number in range(records.number):
            stream.seek(records.first + number * records.size)
            match = _STAMP.match(stream.read(records.stamp_size))
            if match is None:
                raise RecordingGapError(
                    f"{file.name}: the header says that the recording was interrupted "
                    f"(EDF+D), but record {number} of {records.number} has no time stamp. "
                    "Export the file anew."
                )
            stamps.append(float(match[1]))
    return _steps(np.array(stamps), records.seconds, records.tolerance, file.name)


@dataclass(frozen=True)
class _Records:
    """How the records of an EDF or BDF file are laid out, in bytes.

    ``first`` is where the time stamp of the first record is; `tolerance` is one and a
    half samples, in seconds.
    """

    number: int
    seconds: float
    size: int
    first: int
    stamp_size: int
    tolerance: float

    @classmethod
    def of(cls, head: bytes, fields: bytes, file_size: int) -> _Records:
        """Read the header; ValueError or StopIteration where it makes no sense."""
        offset, n_signals = int(head[184:192]), int(head[252:256])
        number, seconds = int(head[236:244]), float(head[244:252])
        labels = [fields[16 * i : 16 * i + 16].strip() for i in range(n_signals)]
        lengths = fields[216 * n_signals : 224 * n_signals]
        n_samples = [int(lengths[8 * i : 8 * i + 8]) for i in range(n_signals)]
        stamped = next(i for i, label in enumerate(labels) if b"Annotations" in label)
        most = max(n for n, x in zip(n_samples, labels, strict=True) if b"Annot" not in x)
        if offset < 256 or not 0 < seconds < np.inf or min(n_samples) < 0 or most < 1:
            raise ValueError("numbers out of range")
        width = 3 if head[192:195] == b"BDF" else 2
        size = width * sum(n_samples)
        whole = max(0, (file_size - offset) // size)
        return cls(
            whole if number < 0 else min(number, whole),
            seconds,
            size,
            offset + width * sum(n_samples[:stamped]),
            width * n_samples[stamped],
            1.5 * seconds / most,
        )


def _steps(stamps: np.ndarray, seconds: float, tolerance: float, name: str):
    gaps: list[Gap] = []
    late = stamps - (stamps[0] if len(stamps) else 0.0) - seconds * np.arange(len(stamps))
    known = 0.0
    for number, behind in enumerate(late):
        if behind < known - tolerance:
            raise RecordingGapError(
                f"{name}: the time stamp of record {number} is {stamps[number]:g} s, "
                f"{known - behind:g} s before the end of the record before it. Export the "
                "file anew."
            )
        if behind > known + tolerance:
            gaps.append(Gap(number * seconds, float(behind), float(behind - known)))
            known = behind
    return tuple(gaps)


def check_gaps(raw: mne.io.BaseRaw) -> None:
    """Raise if a Raw object holds a gap that its annotations do not know of.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.

    Raises
    ------
    RecordingGapError
        If it was read from an EDF+D or BDF+D file with a gap before its end.
    """
    sfreq = raw.info["sfreq"]
    for file, extras, last in zip(
        raw.filenames, raw._raw_extras, raw._last_samps, strict=True
    ):
        gaps = find_gaps(file) if file is not None and not (extras or {}).get(_LAID) else ()
        # What was cropped before the first gap is right.
        if gaps and gaps[0].at <= last / sfreq:
            raise RecordingGapError(
                f"{Path(file).name}: {_described(gaps)}. MNE joins what was recorded "
                "before and after, and places every later marker too late by the length of "
                "the gap. Call braindecode_bolt.markers.mark_joints(raw) right after "
                "reading the file, which moves the markers to their samples; or use the "
                f"part before {gaps[0].at:.3f} s (Raw.crop)."
            )


def lay_gaps(raw: mne.io.BaseRaw, edge: str) -> mne.io.BaseRaw:
    """Move the annotations behind gaps to their samples, and mark the gaps.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        As MNE has read it. It is not changed.
    edge : str
        Description of the annotation that marks a gap.

    Returns
    -------
    mne.io.BaseRaw
        `raw` itself where there is no gap, otherwise a copy.

    Raises
    ------
    RecordingGapError
        If there is a gap and `raw` is not as it was read.
    """
    files = [file for file in raw.filenames if file is not None]
    gaps = find_gaps(files[0]) if len(files) == 1 else ()
    if not gaps or raw._raw_extras[0].get(_LAID):
        return raw
    if raw.first_samp != 0 or raw.n_times != raw._raw_extras[0].get("nsamples"):
        raise RecordingGapError(
            f"{recording_file(raw)}: {_described(gaps)}. It was cropped or resampled "
            "already; call mark_joints right after reading the file."
        )
    # Read again: MNE leaves out those that it takes to lie behind the end of the data.
    annotations = mne.read_annotations(files[0], encoding="latin1")
    begins = np.array([0.0] + [gap.at + gap.seconds for gap in gaps])
    late = np.array([0.0] + [gap.seconds for gap in gaps])
    ends = np.array([gap.at for gap in gaps] + [np.inf])
    # Stamps are decimal numbers: one at the end of a gap must not fall into it.
    part = np.searchsorted(begins - 1e-6, annotations.onset, side="right") - 1
    inside = annotations.onset - late[part]
    lost = inside >= ends[part] - 1e-6
    annotations.onset = inside
    kept = annotations[np.flatnonzero(~lost)]
    kept.append([gap.at for gap in gaps], 0.0, edge)
    logger.warning(
        "%s: %s; annotations behind a gap are moved to their samples%s",
        recording_file(raw),
        _described(gaps),
        f", {lost.sum()} inside a gap are left out" if lost.any() else "",
    )
    laid = with_annotations(raw, kept)
    laid._raw_extras[0][_LAID] = True
    return laid


def _described(gaps: tuple[Gap, ...]) -> str:
    places = ", ".join(
        f"{gap.length:.3f} s after {gap.at:.3f} s of data" for gap in gaps[:5]
    )
    more = ", ..." if len(gaps) > 5 else ""
    return f"the recording has {counted(len(gaps), 'gap')} (EDF+D): {places}{more}"
