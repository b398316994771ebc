"""Joints: places where the EEG before and after was not recorded in one go."""

from __future__ import annotations

from collections.abc import Sequence

import mne
import numpy as np

from .annotations import check_raw, with_annotations
from .gaps import check_gaps, lay_gaps

__all__ = ["crosses_joint", "is_joint", "joint_samples", "mark_joints", "stretches"]

#: What MNE calls a joint. Its filters do not reach across annotations of this kind.
EDGE = "EDGE boundary"


def joint_samples(raw: mne.io.BaseRaw) -> np.ndarray:
    """Find the joints of a recording.

    A joint is where ``BAD boundary`` and ``EDGE ...`` (MNE), ``boundary`` (EEGLAB),
    or ``New Segment`` (BrainVision) stands after the first sample, and the begin
    and end of ``BAD_ACQ_SKIP``, where nothing was recorded.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.

    Returns
    -------
    ndarray of int, shape (n_joints,)
        The first sample after each joint, counted from the first sample of the
        data, in ascending order. A window ``[start, stop)`` is whole if no joint
        lies in ``start < joint <= stop``.

    Raises
    ------
    RecordingGapError
        If the file is EDF+D or BDF+D, the recording was interrupted, and the
        annotations have not been corrected (:func:`mark_joints`).
    TypeError
        If `raw` is not a Raw object, but a Recording for example.

    See Also
    --------
    mark_joints : Writes them into the annotations, as MNE does.
    stretches : The parts between them.

    Examples
    --------
    >>> import mne, numpy as np
    >>> from braindecode_bolt.markers import joint_samples
    >>> info = mne.create_info(["Cz"], 250.0, "eeg")
    >>> first, second = (
    ...     mne.io.RawArray(np.zeros((1, n)), info, verbose="error") for n in (500, 750)
    ... )
    >>> joint_samples(mne.concatenate_raws([first, second], verbose="error"))
    array([500])
    """
    check_gaps(check_raw(raw))
    onsets = []
    annotations = raw.annotations
    for text, onset, duration in zip(
        annotations.description, annotations.onset, annotations.duration, strict=True
    ):
        if text.upper().startswith("BAD_ACQ_SKIP"):
            onsets += [onset, onset + duration]
        elif is_joint(text):
            # EEGLAB's duration is that of the data removed there.
            onsets.append(onset)
    samples = np.unique(_first_after(raw, onsets))
    return samples[(samples > 0) & (samples < raw.n_times)]


def _first_after(raw: mne.io.BaseRaw, onsets: Sequence[float]) -> np.ndarray:
    """Find the sample after a joint; EEGLAB places joints half a sample before it."""
    seconds = np.array(onsets, dtype=float) - raw.first_time
    return np.floor(seconds * raw.info["sfreq"] + 0.5 + 1e-6).astype(int)


def is_joint(description: str) -> bool:
    """Whether an annotation marks a joint at its onset."""
    words = description.upper().replace("_", " ").split("/")
    kinds = {word.strip() for word in words}
    return bool(
        kinds & {"BAD BOUNDARY", "BOUNDARY"}
        or words[0].strip() == "NEW SEGMENT"
        or words[0].startswith("EDGE")
    )


def stretches(raw: mne.io.BaseRaw) -> list[tuple[int, int]]:
    """List the parts of a recording between its joints.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.

    Returns
    -------
    list of tuple of int
        First sample and stop of each part, in the order of time. One part where
        there is no joint.

    Raises
    ------
    RecordingGapError
        As :func:`joint_samples`.
    """
    bounds = [0, *joint_samples(raw).tolist(), int(raw.n_times)]
    return list(zip(bounds[:-1], bounds[1:], strict=True))


def crosses_joint(joints: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Say which spans of samples cross a joint.

    Parameters
    ----------
    joints : ndarray of int
        What :func:`joint_samples` gives.
    start, stop : ndarray of int, shape (n_spans,)
        The spans. A joint at `stop` counts, one at `start` does not.

    Returns
    -------
    ndarray of bool, shape (n_spans,)
        True where a span crosses one.

    Examples
    --------
    >>> from braindecode_bolt.markers import crosses_joint
    >>> crosses_joint([100], start=[0, 50, 100], stop=[99, 150, 200])
    array([False,  True, False])
    """
    before = np.searchsorted(joints, start, side="right")
    return np.searchsorted(joints, stop, side="right") > before


def mark_joints(raw: mne.io.BaseRaw) -> mne.io.BaseRaw:
    """Mark every joint of a recording as MNE does, with ``EDGE boundary``.

    MNE's filters then treat the parts between joints separately. Where the file is
    EDF+D or BDF+D and the recording was interrupted, the annotations after each gap
    are moved to the samples that they belong to.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG, as MNE has read it. It is not changed.

    Returns
    -------
    mne.io.BaseRaw
        `raw` itself where there is nothing to mark, otherwise a copy.

    Raises
    ------
    RecordingGapError
        If the time stamps of an EDF+D or BDF+D file cannot be read or go backwards,
        or `raw` is not as it was read.

    Examples
    --------
    >>> import mne
    >>> from braindecode_bolt.markers import mark_joints
    >>> raw = mark_joints(mne.io.read_raw("interrupted.edf"))  # doctest: +SKIP
    """
    return mark_edges(lay_gaps(raw, EDGE))


def mark_edges(raw: mne.io.BaseRaw) -> mne.io.BaseRaw:
    """Do what `mark_joints` does, but refuse files with gaps that were not corrected."""
    annotations = raw.annotations
    texts = annotations.description
    known = [text.upper().startswith(("EDGE", "BAD_ACQ_SKIP")) for text in texts]
    missing = np.setdiff1d(joint_samples(raw), _first_after(raw, annotations.onset[known]))
    if not len(missing):
        return raw
    annotations = annotations.copy()
    annotations.append(missing / raw.info["sfreq"] + raw.first_time, 0.0, EDGE)
    return with_annotations(raw, annotations)
