"""``braindecode-bolt train``: fit a model to all recordings, and save it."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..datasets.layout import LAYOUT
from .checks import check_atlas, check_models, check_source
from .data_options import add_data_options
from .options import add_atlas_options, add_network_options, add_window_option, say_loading

NAME = "train"
SUMMARY = "train a model on all recordings and save it for predictions"
DESCRIPTION = """\
Fit a model to all recordings and save it in a folder, with what is needed to predict
from EEG without fMRI: preparation, electrodes, regions, scale, and where it was trained.

Before that, the model is fitted to some of the people and tested on the others
(--cv), so that the folder says how well it does on people it has not seen, and predictions
can have intervals. Without --data, recordings are simulated.

braindecode-bolt models lists the models.
"""
EPILOG = LAYOUT


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add = command.add_argument
    add("--data", type=Path, metavar="FOLDER", help="recordings (default: simulated ones)")
    add("--out", type=Path, required=True, metavar="FOLDER", help="where to save the model")
    add("--overwrite", action="store_true", help="replace a model that is in --out")
    add(
        "--cv",
        type=int,
        default=5,
        metavar="N",
        help="folds of the test on people who are left out, at most one per person; 0 for "
        "no such test (default: 5)",
    )
    add_data_options(command)
    add = command.add_argument_group("model").add_argument
    add(
        "--model",
        default="BandPowerGP",
        metavar="NAME",
        help="the model (default: BandPowerGP); one of yours as module:name",
    )
    add_network_options(add)
    add_window_option(add)
    add_atlas_options(
        add, "where the regions are, for images: difumo64 (or 128 to 1024), or a file"
    )
    add("--seed", type=int, default=0, metavar="N", help="seed (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    """Train a model and save it.

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
    OSError
        If ``--out`` is in use.
    """
    arguments.models = [arguments.model]
    check_models(arguments)
    check_source(arguments)
    check_atlas(arguments)
    say_loading()
    from .run_train import run_train

    return run_train(arguments)
