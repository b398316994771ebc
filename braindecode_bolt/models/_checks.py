"""Checks of a model's arguments."""

from __future__ import annotations

from collections.abc import Sequence

from ._spatiotemporal import PATCH
from ._spectral import BASE

SFREQ = 200.0


def check_window(
    n_times: int, n_scales: int, sfreq: float | None, seconds: float | None
) -> None:
    """Raise where a window does not suit the patches and spectral windows.

    Parameters
    ----------
    n_times : int
        Samples of a window.
    n_scales : int
        Number of spectral scales.
    sfreq : float | None
        Sampling rate in Hz, where it is known.
    seconds : float | None
        Length of a window, where it is known.
    """
    if sfreq is None and seconds is not None:
        sfreq = n_times / seconds
    if sfreq is not None and abs(sfreq - SFREQ) > 1e-3:
        raise ValueError(
            f"NeuroBOLT takes EEG at 200 Hz, got {sfreq:g} Hz: its patches of 200 "
            "samples, its convolutions and the pretrained weights mean one second. Use "
            "prepare_eeg to resample."
        )
    if n_scales < 1:
        raise ValueError(f"n_scales must be at least 1, got {n_scales}.")
    longest = BASE * 2 ** (n_scales - 1)
    if n_times < PATCH or n_times % PATCH or n_times % longest:
        raise ValueError(
            f"A window of {n_times} samples does not hold whole patches of {PATCH} and "
            f"whole spectral windows of {longest} samples. Choose a multiple of "
            f"{max(PATCH, longest)}, or fewer n_scales."
        )


def check_divisors(**divisors: int) -> None:
    """Raise where a number of heads does not divide the width of a token."""
    for name, number in divisors.items():
        if number < 1 or PATCH % number:
            raise ValueError(f"{name} must divide {PATCH}, got {number}.")


def check_counts(**counts: int | None) -> None:
    """Raise where a number of things is not at least 1; None is one not given."""
    for name, number in counts.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}.")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise where an argument is none of its choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")
