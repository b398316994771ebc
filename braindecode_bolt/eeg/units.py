"""Units: MNE objects hold volts, windows and networks microvolts."""

from __future__ import annotations

from collections.abc import Sequence

import mne
import numpy as np

from .._series import is_constant
from .reading import signals

__all__ = ["MICROVOLTS", "PLAUSIBLE_MICROVOLTS", "check_raw", "check_signal"]

#: Microvolts in a volt.
MICROVOLTS = 1e6
#: Median absolute amplitude that EEG can have, in microvolts: of a channel, around its
#: mean over windows of some seconds. In 14 recordings of 9 subjects (PhysioNet's eegmat
#: and eegmmidb: 536 channels, windows of 16 s), channels have 4 to 55 as recorded and
#: 2.1 to 27 after a high-pass at 1 Hz and an average reference; the medians of the
#: recordings are 3.3 to 36. In 0.1 mV the same channels have at most 0.55.
PLAUSIBLE_MICROVOLTS = (0.6, 500.0)

# In the middle (geometric mean) of the recordings above.
_TYPICAL_MICROVOLTS = 14.0
# What EEG may be in by mistake: the factor that makes microvolts of it.
_UNITS = {
    1e6: "volts",
    1e3: "millivolts",
    1e2: "0.1 millivolts",
    1e-2: "0.01 microvolts",
    1e-3: "nanovolts",
    1e-6: "picovolts (or microvolts that a file calls volts)",
    1e-9: "femtovolts",
}
# Length of the pieces from which offsets and drifts are subtracted.
_PIECE_SECONDS = 16.0


def check_signal(
    windows: np.ndarray, what: str, ch_names: Sequence[str] | None = None
) -> None:
    """Raise if windows cannot be EEG in microvolts.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Some windows.
    what : str
        What they are, for the message.
    ch_names : sequence of str | None
        Names of the channels, for the message. By default their numbers.

    Raises
    ------
    ValueError
        If there are values that are not finite, a channel that is flat in all
        windows, or if the median absolute amplitude of all channels, or of one of
        them, is outside 0.6 to 500 microvolts.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.eeg import check_signal
    >>> volts = 2e-5 * np.random.default_rng(0).standard_normal((5, 2, 800))
    >>> check_signal(1e6 * volts, "My windows")
    >>> check_signal(volts, "My windows")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: My windows: ... If the values are in volts, multiply by 1e6.
    """
    finite = np.isfinite(windows)
    if not finite.all():
        raise ValueError(
            f"{what} has {np.size(windows) - finite.sum()} NaN or infinite values in a "
            f"sample of {len(windows)} windows. Leave such windows out."
        )
    names = ch_names or [f"number {index}" for index in range(windows.shape[1])]
    flat = np.flatnonzero(is_constant(windows, axis=-1).all(axis=0))
    if len(flat):
        raise ValueError(
            f"{what}: channel {', '.join(names[i] for i in flat)} is flat in a sample of "
            f"{len(windows)} windows. Interpolate it or leave it out."
        )
    # Around the mean: amplifiers without a high-pass add offsets of millivolts.
    centred = windows - windows.mean(axis=-1, keepdims=True, dtype=np.float64)
    check_amplitudes(np.median(np.abs(centred), axis=(0, 2)), names, what)


def check_raw(raw: mne.io.BaseRaw, name: str) -> None:
    """Raise if a recording cannot be EEG in volts.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG channels only.
    name : str
        What the recording is called, for the message.

    Raises
    ------
    ValueError
        As :func:`check_signal`, for windows of 16 s.
    """
    amplitudes = []
    for channel, signal in signals(raw, raw.ch_names, name):
        if is_constant(signal):
            raise ValueError(
                f"{name}: channel {channel} is flat. Interpolate it "
                "(Raw.interpolate_bads) or leave it out of all recordings."
            )
        length = min(round(_PIECE_SECONDS * raw.info["sfreq"]), len(signal))
        pieces = signal[: len(signal) // length * length].reshape(-1, length)
        centred = pieces - pieces.mean(axis=1, keepdims=True)
        amplitudes.append(MICROVOLTS * np.median(np.abs(centred)))
    check_amplitudes(np.array(amplitudes), raw.ch_names, name)


def check_amplitudes(microvolts: np.ndarray, ch_names: Sequence[str], what: str) -> None:
    """Raise if amplitudes cannot be those of EEG in the unit they are said to have.

    Parameters
    ----------
    microvolts : ndarray, shape (n_chans,)
        Median absolute amplitude of each channel, taken to be in microvolts.
    ch_names : sequence of str
        Names of the channels.
    what : str
        What was measured, for the message.

    Raises
    ------
    ValueError
        If the median of the channels, or one of them, is outside
        :data:`PLAUSIBLE_MICROVOLTS`.
    """
    low, high = PLAUSIBLE_MICROVOLTS
    median = float(np.median(microvolts))
    if not low <= median <= high:
        gradient = " If they are microvolts, gradient artifacts may not have been removed."
        raise ValueError(
            f"{what}: the median absolute amplitude is {median:.3g} microvolts, expected "
            f"{low:g} to {high:g}. {_unit(median)}.{gradient if median > high else ''}"
        )
    wrong = np.flatnonzero((microvolts < low) | (microvolts > high))
    if len(wrong):
        listed = "; ".join(
            f"{ch_names[i]} has {microvolts[i]:.3g} microvolts. {_unit(microvolts[i])}"
            for i in wrong[:6]
        )
        raise ValueError(
            f"{what}: the median absolute amplitude of {len(wrong)} of {len(microvolts)} "
            f"channels is outside {low:g} to {high:g} microvolts (all channels: "
            f"{median:.3g}): {listed}. If the channel is bad, interpolate it "
            "(Raw.interpolate_bads) or leave it out of all recordings."
        )


def _unit(microvolts: float) -> str:
    """Say which unit would make EEG of an amplitude."""
    if not microvolts > 0:
        return "More than half of the values are constant"
    distances = {abs(np.log(microvolts * f / _TYPICAL_MICROVOLTS)): f for f in _UNITS}
    factor = distances[min(distances)]
    number = f"{max(factor, 1 / factor):g}".replace("e+0", "e")
    step = "multiply" if factor > 1 else "divide"
    return f"If the values are in {_UNITS[factor]}, {step} by {number}"
