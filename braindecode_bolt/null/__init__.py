"""Chance and uncertainty: surrogates, null distributions, controls, intervals."""

from .chance import NullR, null_r
from .controls import constant_eeg, wrong_subject
from .intervals import bootstrap_interval, fdr
from .surrogates import block_permuted, circular_shifts, phase_randomised

__all__ = [
    "NullR",
    "block_permuted",
    "bootstrap_interval",
    "circular_shifts",
    "constant_eeg",
    "fdr",
    "null_r",
    "phase_randomised",
    "wrong_subject",
]
