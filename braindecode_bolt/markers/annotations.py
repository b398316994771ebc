"""Volume markers: the annotations that say when a volume was acquired."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import mne
import numpy as np
import pandas as pd

__all__ = ["MARKERS", "MarkerError", "add_markers", "find_markers"]

#: Descriptions of volume markers that scanners and amplifiers write. Brain
#: Products writes R128 by default; the NeuroBOLT release has R149.
MARKERS = ("R128", "R149", "volume", "Volume", "V1")


class MarkerError(ValueError):
    """Volume markers that are missing, ambiguous, or do not fit the BOLD table."""


def find_markers(
    raw: mne.io.BaseRaw, marker: str | Sequence[str] | None = None
) -> np.ndarray:
    """Find the annotations that mark volumes.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    marker : str | sequence of str | None
        Their description, or several that mark volumes together. By default all of
        the usual ones are looked for (``R128``, ``R149``, ``volume``, ``V1``).

    Returns
    -------
    ndarray of int, shape (n_volumes,)
        Positions in ``raw.annotations``, in the order of time.

    Raises
    ------
    MarkerError
        If there is none, or one of the usual descriptions stands beside
        another.
    TypeError
        If `raw` is not a Raw object, but a Recording for example.

    See Also
    --------
    braindecode_bolt.find_volume_markers : Also mends markers, or reads stimulus channels.
    """
    annotations = check_raw(raw).annotations
    try:
        matched = marker_descriptions(annotations.description, marker)
    except MarkerError as error:
        raise MarkerError(f"{recording_file(raw)}: {error}") from None
    if not len(annotations):
        raise MarkerError(
            f"{recording_file(raw)} has no annotations, and so no volume markers. The "
            "file with the markers may be missing (BrainVision: .vmrk), or they are in "
            "a stimulus channel (stim_channel) or in a table beside the EEG."
        )
    if not matched:
        raise MarkerError(
            f"{recording_file(raw)} has no volume markers: none of its annotations is "
            f"called {' or '.join(candidates(marker))}. It has "
            f"{count_descriptions(annotations.description)}. Give the "
            "name of the volume markers with the argument marker."
        )
    found = np.flatnonzero([text in matched for text in annotations.description])
    return found[np.argsort(annotations.onset[found], kind="stable")]


def check_raw(raw: mne.io.BaseRaw) -> mne.io.BaseRaw:
    """Give a Raw object back; raise TypeError if it is a Recording or anything else."""
    if not isinstance(raw, mne.io.BaseRaw):
        hint = " Give its attribute raw." if hasattr(raw, "raw") else ""
        raise TypeError(f"Expected an mne.io.Raw object, got {type(raw).__name__}.{hint}")
    return raw


def marker_descriptions(
    descriptions: Sequence[str], marker: str | int | Sequence[str] | None = None
) -> dict[str, str]:
    """Choose the descriptions that mark volumes, and say which marker each of them is."""
    matched = {}
    for text in sorted(set(descriptions)):
        fits = [m for m in candidates(marker) if matches_marker(text, m)]
        if fits:
            matched[str(text)] = fits[0]
    if marker is None and len(set(matched.values())) > 1:
        raise MarkerError(
            f"there are several kinds of volume markers: {', '.join(matched)}. Name one "
            "with the argument marker, or several as a list."
        )
    return matched


def candidates(marker: str | int | Sequence[str] | None) -> Sequence[str]:
    if marker is None:
        return MARKERS
    # Events of tables and of EEGLAB can have numbers for names.
    alone = isinstance(marker, str | int | np.integer)
    return (str(marker),) if alone else tuple(map(str, marker))


def matches_marker(description: str, marker: str) -> bool:
    """Whether an annotation's description is this marker, however it is written.

    White space does not matter. A type in front (``Response/R128``) does only where
    `marker` has one: ``S  1`` can stand for a stimulus and a response. A number
    behind (``R128/17``), which mne-bids adds where events have different values,
    does not matter.
    """
    written, wanted = "".join(description.split()), "".join(marker.split())
    number = re.escape(wanted) + r"/(\d+(\.\d*)?|na|n/a)"
    return (
        wanted in (written, written.split("/")[-1])
        or re.fullmatch(number, written) is not None
    )


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

    Examples
    --------
    >>> import mne, numpy as np
    >>> from braindecode_bolt.markers import add_markers
    >>> info = mne.create_info(["Cz"], 250.0, "eeg")
    >>> raw = mne.io.RawArray(np.zeros((1, 2500)), info, verbose="error")
    >>> add_markers(raw, [0.0, 2.1, 4.2], "R128").annotations
    <Annotations | 3 segments: R128 (3)>
    """
    return replace_markers(raw, (), onsets, description, extras)


def replace_markers(
    raw: mne.io.BaseRaw,
    descriptions: Collection[str],
    onsets: np.ndarray,
    description: str,
    extras: Sequence[Mapping[str, object]] | None = None,
) -> mne.io.BaseRaw:
    """Put volume markers in the place of annotations; arguments as in `add_markers`."""
    annotations = raw.annotations
    others = [text not in descriptions for text in annotations.description]
    sfreq = raw.info["sfreq"]
    onsets = np.round(np.asarray(onsets, dtype=float) * sfreq) / sfreq
    markers = mne.Annotations(
        onsets + raw.first_time,
        0.0,
        [description] * len(onsets),
        orig_time=annotations.orig_time,
        extras=extras,
    )
    return with_annotations(raw, annotations[np.flatnonzero(others)] + markers)


def with_annotations(
    raw: mne.io.BaseRaw, annotations: mne.Annotations, share: bool = False
) -> mne.io.BaseRaw:
    """Copy a recording with other annotations (made from its own).

    Nothing that MNE changes in place is shared, and EEG that is not loaded stays in its
    file. With `share` the loaded samples are shared: for callers that put others in
    their place at once.
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
