"""Volume markers: the annotations that say when a volume was acquired."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import mne
import numpy as np
import pandas as pd

__all__ = ["MARKERS", "MarkerError", "add_markers", "find_markers"]

#: Descriptions of volume markers that scanners and amplifiers write. Brain
#: Products writes R128 by default; the NeuroBOLT release has R149.
MARKERS = ("R128", "R149", "volume", "Volume", "V1")


class MarkerError(ValueError):
    """Volume markers that are missing, or do not fit the BOLD table."""


def find_markers(raw: mne.io.BaseRaw, marker: str | None = None) -> np.ndarray:
    """Find the annotations that mark volumes.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    marker : str | None
        Their description; by default the usual ones are tried in turn.

    Returns
    -------
    ndarray of int, shape (n_volumes,)
        Positions in ``raw.annotations``, in the order of time.

    Raises
    ------
    MarkerError
        If there is none, or one of the usual descriptions stands beside
        another.
    """
    descriptions = raw.annotations.description
    candidates = MARKERS if marker is None else (marker,)
    matched = marker_descriptions(raw, marker)
    if len({_bare(text) for text in matched}) > 1:
        raise MarkerError(
            f"{recording_file(raw)} has several kinds of volume markers: "
            f"{', '.join(sorted(matched))}. Name one with the argument marker."
        )
    if not matched:
        present = pd.Series(list(descriptions)).value_counts()
        listed = ", ".join(f"{text!r} ({n})" for text, n in present.head(8).items())
        raise MarkerError(
            f"{recording_file(raw)} has no volume markers: none of its annotations is "
            f"called {' or '.join(candidates)}. It has {listed or 'no annotations'}. "
            "Name the markers with the argument marker."
        )
    found = np.flatnonzero([text in matched for text in descriptions])
    return found[np.argsort(raw.annotations.onset[found], kind="stable")]


def marker_descriptions(raw: mne.io.BaseRaw, marker: str | None = None) -> set[str]:
    """List the descriptions of annotations that mark volumes, as they are written.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    marker : str | None
        What is looked for; by default the usual ones.

    Returns
    -------
    set of str
        Empty where there is none.
    """
    candidates = MARKERS if marker is None else (marker,)
    return {
        text
        for text in set(raw.annotations.description)
        if any(matches_marker(text, candidate) for candidate in candidates)
    }


def add_markers(
    raw: mne.io.BaseRaw,
    onsets: np.ndarray,
    description: str,
    extras: Sequence[Mapping[str, object]] | None = None,
) -> mne.io.BaseRaw:
    """Add volume markers to a recording.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG. It is not changed.
    onsets : ndarray, shape (n_volumes,)
        Seconds from the first sample of the data. They are moved to the
        nearest sample, as an amplifier would write them.
    description : str
        What the markers are called.
    extras : sequence of mapping | None
        What each marker's ``extras`` hold. Nothing by default.

    Returns
    -------
    mne.io.BaseRaw
        Shares the data with `raw`.
    """
    sfreq = raw.info["sfreq"]
    onsets = np.round(np.asarray(onsets, dtype=float) * sfreq) / sfreq
    markers = mne.Annotations(
        onsets + raw.first_time,
        0.0,
        [description] * len(onsets),
        orig_time=raw.annotations.orig_time,
        extras=extras,
    )
    return with_annotations(raw, raw.annotations + markers)


def with_annotations(raw: mne.io.BaseRaw, annotations: mne.Annotations) -> mne.io.BaseRaw:
    """Replace the annotations of a recording by others on the same time axis.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG. It is not changed.
    annotations : mne.Annotations
        Made from ``raw.annotations``.

    Returns
    -------
    mne.io.BaseRaw
        Shares the data with `raw`: its ``copy`` would double the memory for a
        change of labels.
    """
    if annotations.orig_time is None:
        # Onsets in a Raw count from its first_time; set_annotations adds that.
        annotations = annotations.copy()
        annotations.onset -= raw.first_time
    return copy.copy(raw).set_annotations(annotations)


def matches_marker(description: str, marker: str) -> bool:
    """Whether an annotation's description is this marker, however it is written.

    White space does not matter. A type in front (``Response/R128``) does only
    where `marker` has one: ``S  1`` can stand for a stimulus and a response.
    """
    if "/" in marker:
        return "".join(description.split()) == "".join(marker.split())
    return _bare(description) == _bare(marker)


def onset_samples(raw: mne.io.BaseRaw, onsets: np.ndarray) -> np.ndarray:
    """Convert annotation onsets to samples, counted from the first sample of the data."""
    seconds = np.asarray(onsets, dtype=float) - raw.first_time
    return np.round(seconds * raw.info["sfreq"]).astype(int)


def _bare(description: str) -> str:
    return "".join(description.split("/")[-1].split())


def recording_file(raw: mne.io.BaseRaw) -> str:
    """Name the file a Raw was read from, for messages."""
    names = [Path(name).name for name in raw.filenames if name]
    return names[0] if names else "The EEG"
