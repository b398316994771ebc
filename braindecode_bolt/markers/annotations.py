"""Volume markers: the annotations that say when a volume was acquired."""

from __future__ import annotations

import copy
import re
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


def find_markers(
    raw: mne.io.BaseRaw, marker: str | Sequence[str] | None = None
) -> np.ndarray:
    """Find the annotations that mark volumes.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    marker : str | sequence of str | None
        Their description, or several that mark volumes together; by default the
        usual ones are tried in turn.

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
    annotations = raw.annotations
    try:
        matched = marker_descriptions(annotations.description, marker)
    except MarkerError as error:
        raise MarkerError(f"{recording_file(raw)}: {error}") from None
    if not matched:
        raise MarkerError(
            f"{recording_file(raw)} has no volume markers: none of its annotations is "
            f"called {' or '.join(_candidates(marker))}. It has "
            f"{count_descriptions(annotations.description)}. Name the markers with the "
            "argument marker."
        )
    found = np.flatnonzero([text in matched for text in annotations.description])
    return found[np.argsort(annotations.onset[found], kind="stable")]


def marker_descriptions(
    descriptions: Sequence[str], marker: str | Sequence[str] | None = None
) -> dict[str, str]:
    """Choose the descriptions that mark volumes.

    Parameters
    ----------
    descriptions : sequence of str
        Descriptions of annotations.
    marker : str | sequence of str | None
        What is looked for; by default the usual ones.

    Returns
    -------
    dict of str to str
        The marker that each of them is. Empty where there is none.

    Raises
    ------
    MarkerError
        If there are several of the usual markers.
    """
    matched = {}
    for text in sorted(set(descriptions)):
        fits = [m for m in _candidates(marker) if matches_marker(text, m)]
        if marker is None and not fits:
            fits = [m for m in MARKERS if _is_numbered(text, m)]
        if fits:
            matched[str(text)] = fits[0]
    if marker is None and len(set(matched.values())) > 1:
        raise MarkerError(
            f"there are several kinds of volume markers: {', '.join(matched)}. Name one "
            "with the argument marker, or several as a list."
        )
    return matched


def _candidates(marker: str | Sequence[str] | None) -> Sequence[str]:
    if marker is None:
        return MARKERS
    return (marker,) if isinstance(marker, str) else tuple(marker)


def matches_marker(description: str, marker: str) -> bool:
    """Whether an annotation's description is this marker, however it is written.

    White space does not matter. A type in front (``Response/R128``) does only where
    `marker` has one: ``S  1`` can stand for a stimulus and a response. A number
    behind (``R128/17``), which mne-bids adds where events have different values,
    does not matter.
    """
    parts, wanted = _plain(description).split("/"), _plain(marker)
    whole = "/".join(parts)
    return whole == wanted or parts[-1] == wanted or _is_numbered(description, marker)


def _is_numbered(description: str, marker: str) -> bool:
    number = re.escape(_plain(marker)) + r"/(\d+(\.\d*)?|na|n/a)"
    return re.fullmatch(number, _plain(description)) is not None


def _plain(text: str) -> str:
    return "".join(text.split())


def count_descriptions(descriptions: Sequence[str]) -> str:
    """List the most frequent descriptions with their numbers, for messages."""
    counts = pd.Series(list(descriptions), dtype=object).value_counts()
    listed = ", ".join(f"{str(text)!r} ({n})" for text, n in counts.head(8).items())
    return listed or "no annotations"


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
        A copy. EEG that is not loaded stays in its file.
    """
    return with_annotations(raw, raw.annotations + _at(raw, onsets, description, extras))


def replace_markers(
    raw: mne.io.BaseRaw,
    descriptions: Sequence[str],
    onsets: np.ndarray,
    description: str,
    extras: Sequence[Mapping[str, object]] | None = None,
) -> mne.io.BaseRaw:
    """Put volume markers in the place of annotations; arguments as in `add_markers`."""
    annotations = raw.annotations
    others = np.flatnonzero(~np.isin(annotations.description, list(descriptions)))
    markers = _at(raw, onsets, description, extras)
    return with_annotations(raw, annotations[others] + markers)


def _at(raw, onsets, description, extras) -> mne.Annotations:
    sfreq = raw.info["sfreq"]
    onsets = np.round(np.asarray(onsets, dtype=float) * sfreq) / sfreq
    return mne.Annotations(
        onsets + raw.first_time,
        0.0,
        [description] * len(onsets),
        orig_time=raw.annotations.orig_time,
        extras=extras,
    )


def with_annotations(
    raw: mne.io.BaseRaw, annotations: mne.Annotations, share: bool = False
) -> mne.io.BaseRaw:
    """Copy a recording with other annotations on the same time axis.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG. It is not changed.
    annotations : mne.Annotations
        Made from ``raw.annotations``.
    share : bool
        Share the loaded samples with `raw`: for callers that put others in their
        place at once. By default they are copied, since MNE filters and references
        in place. Nothing else is shared. EEG that is not loaded stays in its file.

    Returns
    -------
    mne.io.BaseRaw
    """
    if annotations.orig_time is None:
        # Onsets in a Raw count from its first_time; set_annotations adds that.
        annotations = annotations.copy()
        annotations.onset -= raw.first_time
    # Raw.copy would copy the old annotations as well: with the BOLD of many regions in
    # them that takes as long as reading the file.
    light = copy.copy(raw)
    light._annotations = None
    if raw.preload:
        light._data = None
    light = copy.deepcopy(light)
    if raw.preload:
        light._data = raw._data if share else raw._data.copy()
    return light.set_annotations(annotations)


def onset_samples(raw: mne.io.BaseRaw, onsets: np.ndarray) -> np.ndarray:
    """Convert annotation onsets to samples, counted from the first sample of the data."""
    seconds = np.asarray(onsets, dtype=float) - raw.first_time
    return np.round(seconds * raw.info["sfreq"]).astype(int)


def recording_file(raw: mne.io.BaseRaw) -> str:
    """Name the file a Raw was read from, for messages."""
    names = [Path(name).name for name in raw.filenames if name]
    return names[0] if names else "The EEG"
