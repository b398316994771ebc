"""What gradient and pulse correction has left in the EEG."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from ...recording import Recording
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

    This package expects EEG from which gradient and pulse artifacts have been
    removed. Here it can be seen whether they have; what is suspicious is logged
    as a warning, and what cannot be checked is said.

    ``volume`` and ``slice`` are those of :func:`residual_gradient`. ``pulse`` is
    the share of the variance between 1 and 30 Hz that is the same after each
    heartbeat (R peaks by :func:`mne.preprocessing.find_ecg_events`), less the
    share for triggers moved at random by up to half an interval. It is
    suspicious from 0.1 in half of the channels, or 0.3 in one.

    Parameters
    ----------
    recording : Recording
        As read: :func:`~braindecode_bolt.prepare_eeg` leaves the ECG out. Channels
        marked as bad are not looked at.
    n_slices : int | None
        Slices per volume, divided by the multiband factor. By default the slice
        frequency that is most conspicuous is taken.
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
    """
    found = look_for_gradient(recording, n_slices)
    found["pulse"] = look_for_pulse(recording, ecg_channel)
    return _reported(recording, found)


def residual_gradient(recording: Recording, n_slices: int | None = None) -> pd.DataFrame:
    """Look for gradient artifacts that correction has left in the EEG.

    Looked at are power spectra between the first and the last volume marker (of the
    part with the most, where the recording has joints), from
    1 to 90 Hz (less where the sampling rate or a low-pass ends before), without
    the surroundings of 50 and 60 Hz.

    ``volume`` is the power at the harmonics of 1/TR over that between them,
    averaged over the harmonics. It finds what is the same in each volume, because
    nothing was removed. Clean EEG has 1; subtracting averaged volumes takes some
    EEG with the artifact and leaves less than 1.

    ``slice`` is the power around the harmonics of the slice frequency over that
    around their neighbours among the harmonics of 1/TR, the median over the slice
    harmonics. It finds what correction has missed, which is not the same in each
    volume: the head has moved, or the clocks of scanner and amplifier drift.
    Clean EEG has 1, corrected or not.

    Suspicious are for ``volume`` 2 in half of the channels or 3 in one, for
    ``slice`` 2.5 or 5. Responses to stimuli that come at the same time in each
    volume look like ``volume``.

    Parameters
    ----------
    recording : Recording
        Prepared or as read. Channels marked as bad are not looked at.
    n_slices : int | None
        Slices per volume, divided by the multiband factor. By default the slice
        frequency that is most conspicuous is taken, among those with three
        harmonics.

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
    """
    return _reported(recording, look_for_gradient(recording, n_slices))


def _reported(recording: Recording, found: Mapping[str, Finding]) -> pd.DataFrame:
    """Log what is suspicious, or why nothing was looked for, and tabulate it."""
    for artifact, finding in found.items():
        if finding.note:
            logger.info("%s: %s not checked: %s", recording.name, artifact, finding.note)
        elif finding.suspicious:
            logger.warning("%s: %s", recording.name, _warning(artifact, finding))
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
        f"{finding.worst_channel}), in clean EEG once. Remove them first, for example "
        "with mne.preprocessing.remove_fmri_gradient_artifact."
    )
