"""``braindecode-bolt simulate``: BOLD with a known coupling on top of real EEG."""

from __future__ import annotations

import argparse
from pathlib import Path

from .data_options import COUPLING_LIST, add_coupling_option, add_pattern_options
from .options import add_channel_option, say_loading

NAME = "simulate"
SUMMARY = "add simulated BOLD with a known coupling to real EEG"
DESCRIPTION = f"""\
Add a BOLD signal with a known coupling to real EEG.

Each EEG file is prepared (standard channel names, 200 Hz) and gets volume markers and
BOLD that follows the amplitudes of its theta, alpha and beta rhythms, or another
coupling. The command writes FIF files whose markers carry the BOLD, and tables. The
folder can be given to `braindecode-bolt evaluate --data`.

couplings, and what BOLD follows:
{COUPLING_LIST}
"""
EPILOG = None


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add = command.add_argument
    add("--seed", type=int, default=0, help="seed (default: 0)")
    add("--eeg", type=Path, required=True, metavar="FOLDER", help="EEG files")
    add("--out", type=Path, required=True, metavar="FOLDER", help="folder to write")
    add_channel_option(add)
    add("--tr", type=float, default=2.1, help="repetition time in seconds (default: 2.1)")
    add(
        "--snr",
        type=float,
        default=0.7,
        help="variance of the coupled BOLD over that of the noise (default: 0.7)",
    )
    add_coupling_option(add)
    add_pattern_options(add)


def run(arguments: argparse.Namespace) -> int:
    """Write a folder of recordings with simulated BOLD on real EEG.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of the command.

    Returns
    -------
    int
        Exit status, 0.

    Raises
    ------
    DataFolderError
        If there is no EEG, a file name does not tell the subject, or ``--out`` is not
        empty.
    ValueError
        If data or arguments cannot be used.
    """
    say_loading()
    from .run_simulate import run_simulate

    return run_simulate(arguments)
