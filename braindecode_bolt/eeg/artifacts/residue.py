"""Gradient and pulse artifacts that correction has left in the EEG."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from ...recording import Recording, check_recording
from .findings import Finding
from .gradient import look_for_gradient
from .pulse import look_for_pulse

__all__ = ["residual_artifacts", "residual_gradient"]

logger = logging.getLogger(__name__)


def residual_artifacts(
    recording: Recording,
    n_slices: int | None = None,
    ecg_channel: str | None = None,
) -> pd.DataFrame:
    """Look for gradient and pulse artifacts that correction has left in the EEG.

    This package expects EEG from which gradient and pulse artifacts have been removed;
    this function checks whether they have. Suspicious values are logged as a warning;
    what could not be checked, and why, is in the table and in the log.

    ``volume`` and ``slice`` are those of :func:`residual_gradient`. ``pulse`` is
    the share of the variance between 1 and 30 Hz that is the same after each
    heartbeat (R peaks by :func:`mne.preprocessing.find_ecg_events`), minus the
    share for triggers moved at random by up to half an interval. It is
    suspicious if the median of the channels is at least 0.1, or one channel at
    least 0.3.

    Parameters
    ----------
    recording : Recording
        As read: :func:`~braindecode_bolt.prepare_eeg` leaves the ECG out. Channels
        marked as bad are not used.
    n_slices : int | None
        Slices per volume, divided by the multiband factor. By default the
        strongest slice frequency is taken.
    ecg_channel : str | None
        Name of the ECG channel. By default the first of type ECG, else the first
        with ECG or EKG in its name.

    Returns
    -------
    pandas.DataFrame
        Rows ``volume``, ``slice`` and ``pulse``; columns ``median`` and ``worst``
        (figure of the median and of the worst channel), ``worst_channel``,
        ``frequency`` (in Hz: 1/TR, slices, heartbeat), ``suspicious`` and
        ``note`` (why it was not checked; empty where it was).

    Raises
    ------
    ChannelNameError
        If there is no good EEG channel, or no channel `ecg_channel`.
    ValueError
        If the data hold values that are not finite, or `n_slices` is not
        positive.
    TypeError
        If `recording` is not a Recording, but a Raw object for example.

    See Also
    --------
    mark_artifacts : Marks jumps and flat spans.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.eeg.artifacts import residual_artifacts
    >>> recording = SimulatedEEGfMRI(n_subjects=1, duration=120.0).load()[0]
    >>> residual_artifacts(recording)[["suspicious", "note"]].loc["pulse", "note"]
    'no channel of type ECG, or with ECG in its name'
    """
    found = look_for_gradient(check_recording(recording), n_slices)
    found["pulse"] = look_for_pulse(recording, ecg_channel)
    return _reported(recording, found)


def residual_gradient(recording: Recording, n_slices: int | None = None) -> pd.DataFrame:
    """Look for gradient artifacts that correction has left in the EEG.

    Power spectra are computed between the first and the last volume marker (of the part
    with the most volumes, if the recording has joints), from 1 to 90 Hz (or up to the end
    of the recorded frequencies), without the surroundings of multiples of 50 and 60 Hz.

    ``volume`` is the ratio of the power at the harmonics of 1/TR to the power between
    them, averaged over the harmonics. It is large if the artifact was not removed and is
    the same in each volume. Clean EEG has a ratio of 1; subtracting an average volume
    removes some EEG too and gives less than 1.

    ``slice`` is the ratio of the power around the harmonics of the slice frequency to
    the power around the neighbouring harmonics of 1/TR, as the median over the slice
    harmonics. It is large if a correction has left artifacts that differ from volume to
    volume, because the head has moved or the clocks of scanner and amplifier drift.
    Clean EEG has a ratio of 1, corrected or not.

    Suspicious is a ``volume`` of at least 2 (median of the channels) or 3 (one channel),
    a ``slice`` of at least 2.5 or 5. Responses to stimuli that come at the same time in
    each volume raise ``volume`` as well.

    Parameters
    ----------
    recording : Recording
        Prepared or as read. Channels marked as bad are not used.
    n_slices : int | None
        Slices per volume, divided by the multiband factor. By default the strongest
        slice frequency is taken, among those with three harmonics.

    Returns
    -------
    pandas.DataFrame
        Rows ``volume`` and ``slice`` of the table of :func:`residual_artifacts`.

    Raises
    ------
    ChannelNameError
        If there is no good EEG channel.
    ValueError
        If the data hold values that are not finite, or `n_slices` is not
        positive.
    TypeError
        If `recording` is not a Recording, but a Raw object for example.
    """
    return _reported(recording, look_for_gradient(check_recording(recording), n_slices))


def _reported(recording: Recording, found: Mapping[str, Finding]) -> pd.DataFrame:
    """Log suspicious values and reasons for not checking, and make the table."""
    notes: dict[str, list[str]] = {}
    for artifact, finding in found.items():
        if finding.note:
            notes.setdefault(finding.note, []).append(artifact)
        elif finding.suspicious:
            logger.warning("%s: %s", recording.name, _warning(artifact, finding))
    for note, artifacts in notes.items():
        listed = " and ".join(artifacts)
        logger.info("%s: %s artifacts not checked: %s", recording.name, listed, note)
    table = pd.DataFrame([asdict(finding) for finding in found.values()], index=[*found])
    return table.rename_axis("artifact")


def _warning(artifact: str, finding: Finding) -> str:
    if artifact == "pulse":
        return (
            f"pulse artifacts may be left in: {finding.median:.0%} of the variance is "
            f"the same after each heartbeat (median of the channels; {finding.worst:.0%} "
            f"in {finding.worst_channel}), in EEG from outside a scanner up to 4%. Remove "
            "them first, for example with mne.preprocessing.apply_pca_obs."
        )
    period = "volumes" if artifact == "volume" else "slices"
    return (
        f"gradient artifacts may be left in: the power at multiples of "
        f"{finding.frequency:.3g} Hz ({period}) is {finding.median:.3g} times that beside "
        f"them (median of the channels; {finding.worst:.3g} times in "
        f"{finding.worst_channel}), in clean EEG about 1 time. Remove them first, for "
        "example with mne.preprocessing.remove_fmri_gradient_artifact."
    )
