"""Checks of a model's arguments."""

from __future__ import annotations

from collections.abc import Sequence

from ._base import SFREQ
from ._spatiotemporal import PATCH
from ._spectral import BASE


def check_window(model: str, n_times: int, sfreq: float, n_scales: int = 1) -> None:
    """Raise where a window does not suit LaBraM's patches and the spectral windows.

    Parameters
    ----------
    model : str
        Name of the model, for messages.
    n_times : int
        Samples of a window.
    sfreq : float
        Sampling rate in Hz.
    n_scales : int
        Number of spectral scales. Default 1.
    """
    if abs(sfreq - SFREQ) > 1e-3:
        raise ValueError(
            f"{model} takes EEG at 200 Hz, got {sfreq:g} Hz: its patches of 200 "
            "samples, its convolutions and the pretrained weights mean one second. Use "
            "prepare_eeg to resample."
        )
    check_counts(n_scales=n_scales)
    longest = BASE * 2 ** (n_scales - 1)
    if n_times < PATCH or n_times % PATCH or n_times % longest:
        raise ValueError(
            f"A window of {n_times} samples does not hold whole patches of {PATCH} and "
            f"whole spectral windows of {longest} samples. Choose a multiple of "
            f"{max(PATCH, longest)}, or fewer n_scales."
            if n_scales > 1
            else f"A window of {n_times} samples does not hold whole patches of {PATCH} "
            f"samples. Choose a multiple of {PATCH}."
        )


def check_divisors(dim: int = PATCH, **divisors: int) -> None:
    """Raise where a number of heads does not divide the width of a token."""
    for name, number in divisors.items():
        if number < 1 or dim % number:
            raise ValueError(f"{name} must divide {dim}, got {number}.")


def check_counts(**counts: int) -> None:
    """Raise where a number of things is not at least 1."""
    for name, number in counts.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}.")


def check_positive(**numbers: float) -> None:
    """Raise where a number is not above zero."""
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name} must be positive, got {number}.")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise where an argument is none of its choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")
