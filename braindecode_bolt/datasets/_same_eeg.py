"""Whether two recordings of a data set are the same EEG."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import mne
import numpy as np

from .._text import listed
from ..recording import Recording
from ._files import DataFolderError, short

__all__ = ["check_same_eeg"]

logger = logging.getLogger(__name__)


def check_same_eeg(recordings: Mapping[str, Recording]) -> None:
    """Raise or warn where recordings share their EEG.

    Recordings that read the same file are an error. Files of the same content are
    a warning; one second of EEG is compared at three places of recordings of the same
    length.

    Parameters
    ----------
    recordings : mapping of str to Recording
        By what they are called in messages.

    Raises
    ------
    DataFolderError
        If two read the same file, or data cannot be read.
    """
    by_file: dict[tuple[int, int], list[str]] = {}
    by_size: dict[tuple, list[str]] = {}
    for name, recording in recordings.items():
        raw = recording.raw
        for file in raw.filenames:
            if file is not None and Path(file).is_file():
                status = os.stat(file)
                by_file.setdefault((status.st_dev, status.st_ino), []).append(name)
        size = raw.n_times, raw.info["sfreq"], len(raw.ch_names)
        by_size.setdefault(size, []).append(name)
    shared = [names for names in by_file.values() if len(set(names)) > 1]
    if shared:
        raise DataFolderError(
            f"{listed(dict.fromkeys(shared[0]))} read their EEG from the same file. Give "
            "each recording its own data file, or leave all but one out."
        )
    for names in by_size.values():
        seen: dict[str, str] = {}
        for name in names if len(names) > 1 else ():
            try:
                digest = _digest(recordings[name].raw)
            except MemoryError:
                raise  # The file may be intact.
            except Exception as error:  # As MNE's readers, in many ways.
                raise DataFolderError(
                    f"{name}: MNE cannot read its data ({type(error).__name__}: "
                    f"{short(error)}); expected an intact EEG file."
                ) from error
            if digest is not None and seen.setdefault(digest, name) != name:
                logger.warning(
                    "%s and %s hold the same EEG, so that training and test data can share "
                    "it: scores would be too high. Leave one of the two out, or put the "
                    "right file in its place",
                    seen[digest],
                    name,
                )


def _digest(raw: mne.io.BaseRaw) -> str | None:
    """Hash of three seconds of EEG; None where all channels are constant there."""
    length = min(raw.n_times, max(1, round(raw.info["sfreq"])))
    starts = [int(share * (raw.n_times - length)) for share in (0.25, 0.5, 0.75)]
    parts = [raw.get_data(start=start, stop=start + length) for start in starts]
    data = np.concatenate(parts, axis=1)
    if not (np.ptp(data, axis=1) > 0).any():
        return None
    return hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()
