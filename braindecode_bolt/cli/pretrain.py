"""``braindecode-bolt pretrain``: teach an encoder band power on EEG without fMRI."""

from __future__ import annotations

import argparse
from pathlib import Path

from .choices import WITH_WEIGHTS
from .data_options import (
    add_pattern_option,
    add_preparation_options,
    add_reader_option,
)
from .options import add_channel_option, add_window_option, say_loading

NAME = "pretrain"
SUMMARY = "pre-train a network on EEG without fMRI"
DESCRIPTION = """\
Train the encoder of a network on EEG alone: from raw windows to the log power of each
electrode, band and second. The weights are a start for training on BOLD:

  braindecode-bolt pretrain --data eeg/ --out weights.safetensors
  braindecode-bolt evaluate --data study/ --pretrained weights.safetensors

The people of the EEG must not be among those that models are tested on; evaluate refuses
it. To pre-train on the training part of each fold, use evaluate --pretrain.
"""
EPILOG = None


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.set_defaults(out_is_file=True)
    add = command.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER", help="EEG files")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="weights to write (.safetensors); a card to read is written beside them",
    )
    add(
        "--model",
        choices=WITH_WEIGHTS,
        default="NeuroBOLT",
        help="network (default: NeuroBOLT)",
    )
    add(
        "--size",
        choices=("small", "published"),
        default="small",
        help="its size, as for evaluate (default: small)",
    )
    add_pattern_option(add)
    add_reader_option(add)
    add_channel_option(add)
    add(
        "--unknown-channels",
        choices=("raise", "drop", "nearest", "fresh"),
        default="drop",
        help="electrodes without a channel embedding in LaBraM (default: drop)",
    )
    add_preparation_options(add)
    add_window_option(add)
    add("--steps", type=int, default=600, help="batches of 8 windows (default: 600)")
    add(
        "--max-seconds",
        type=float,
        metavar="S",
        help="stop after so many seconds of training (default: no limit)",
    )
    add("--seed", type=int, default=0, help="seed (default: 0)")
    add(
        "--dataset",
        default="",
        metavar="NAME",
        help="name of the data set, for the card. Without, people with the same names in "
        "other data are taken for the same people (default: none)",
    )
    add("--notes", default="", metavar="TEXT", help="kept in the card: source, licence")
    add("--device", default="auto", help="cpu, cuda, ... (default: a GPU if there is one)")


def run(arguments: argparse.Namespace) -> int:
    """Pre-train a network and write its weights.

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
    ValueError
        If data or arguments cannot be used.
    """
    if arguments.out.suffix != ".safetensors":
        raise ValueError(f"--out takes a .safetensors file, got {arguments.out}.")
    if arguments.unknown_channels == "fresh" and arguments.model == "LabramBOLD":
        raise ValueError("--unknown-channels fresh is for NeuroBOLT, not for LabramBOLD.")
    say_loading()
    from .run_pretrain import run_pretrain

    return run_pretrain(arguments)
