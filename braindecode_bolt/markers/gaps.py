"""Gaps of EDF+D and BDF+D files, which MNE reads as if there were none."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

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


class Gap(NamedTuple):
    """An interruption of a recording."""

    #: Seconds of data before it.
    at: float
    #: Its length in seconds.
    length: float
    #: The sum of its length and those of all gaps before it.
    late: float


def find_gaps(file: str | Path) -> tuple[Gap, ...]:
    """Find the gaps of an EDF+D or BDF+D file by the time stamps of its records.

    Empty for other files. Raises RecordingGapError if a record has no time stamp, or
    one before the end of the last record.
    """
    file = Path(file)
    if file.suffix.lower() not in (".edf", ".bdf") or not file.is_file():
        return ()
    status = file.stat()
    return _gaps_of(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _gaps_of(file: Path, size: int, changed: int) -> tuple[Gap, ...]:
    """Find the gaps; those of a file that was not `changed` are remembered."""
    with file.open("rb") as stream:
        head = stream.read(256)
        if head[192:197] not in (b"EDF+D", b"BDF+D"):
            return ()
        try:
            stamps, seconds, sample = _read_stamps(stream, head, size)
        except ValueError as error:
            raise RecordingGapError(
                f"{file.name}: the header says that the recording was interrupted (EDF+D), "
                f"but its time stamps cannot be read: {error}. Export the file anew."
            ) from error
    gaps: list[Gap] = []
    known = 0.0
    expected = seconds * np.arange(len(stamps))
    for number, late in enumerate(stamps - stamps[:1] - expected):
        if late < known - 1.5 * sample:
            raise RecordingGapError(
                f"{file.name}: the time stamp of record {number} is {stamps[number]:g} s, "
                f"{known - late:g} s before the end of the record before it. Export the "
                "file anew."
            )
        if late > known + 1.5 * sample:
            gaps.append(Gap(number * seconds, float(late - known), float(late)))
            known = late
    return tuple(gaps)


def _read_stamps(
    stream: BinaryIO, head: bytes, file_size: int
) -> tuple[np.ndarray, float, float]:
    """Read the time stamps of all records, the seconds of a record, and of a sample."""
    offset, n_signals = int(head[184:192]), int(head[252:256])
    number, seconds = int(head[236:244]), float(head[244:252])
    fields = stream.read(256 * n_signals)
    is_text = [b"Annotations" in fields[16 * i : 16 * i + 16] for i in range(n_signals)]
    lengths = fields[216 * n_signals : 224 * n_signals]
    n_samples = [int(lengths[8 * i : 8 * i + 8]) for i in range(n_signals)]
    stamped = is_text.index(True)
    most = max(n for n, text in zip(n_samples, is_text, strict=True) if not text)
    if offset < 256 or not 0 < seconds < np.inf or min(n_samples) < 0 or most < 1:
        raise ValueError("numbers in its header are out of range")
    width = 3 if head[192:195] == b"BDF" else 2
    size = width * sum(n_samples)
    whole = max(0, (file_size - offset) // size)
    number = whole if number < 0 else min(number, whole)
    stamps = np.empty(number)
    for record in range(number):
        stream.seek(offset + record * size + width * sum(n_samples[:stamped]))
        match = _STAMP.match(stream.read(width * n_samples[stamped]))
        if match is None:
            raise ValueError(f"record {record} of {number} has no time stamp")
        stamps[record] = float(match[1])
    return stamps, seconds, seconds / most


def check_gaps(raw: mne.io.BaseRaw) -> None:
    """Raise RecordingGapError if a Raw holds a gap that its annotations ignore."""
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
    """Move the annotations behind gaps to their samples, and mark the gaps with `edge`.

    Gives `raw` itself where there is no gap, otherwise a copy. Raises RecordingGapError
    if there is a gap and `raw` is not as it was read.
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
    ends = np.array([gap.at for gap in gaps] + [np.inf])
    late = np.array([0.0] + [gap.late for gap in gaps])
    begins = np.append(0.0, ends[:-1] + late[1:])
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
    places = [f"{gap.length:.3f} s after {gap.at:.3f} s of data" for gap in gaps[:5]]
    listed = ", ".join(places) + ", ..." * (len(gaps) > 5)
    return f"the recording has {counted(len(gaps), 'gap')} (EDF+D): {listed}"
