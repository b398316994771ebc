"""``braindecode-bolt explain``: what drives the regions of a saved model."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..datasets.layout import LAYOUT
from .checks import check_eeg_files, check_folder, check_source
from .choices import EXPLANATIONS
from .data_options import add_data_options, add_rois_option
from .options import say_loading

NAME = "explain"
SUMMARY = "find the electrodes, bands and lags that drive each region of a saved model"
DESCRIPTION = """\
Find the electrodes, frequency bands and lags that drive each region of a saved model.

The EEG comes from EEG files (FILES; neither markers nor BOLD are needed), or from a data
set of recordings (--data). It is prepared as that of the training was. EEG of people who
were not used for the training is best. The folder gets a table
(explanation.tsv: a row per region, electrode, band and lag) and figures:
topographies.png (mean over regions), topographies_of_regions.png, lag_curves.png and
spectra.png. For the meaning of pattern and effect, see
braindecode_bolt.explanation.explain.
"""
EPILOG = LAYOUT
#: Options that would prepare the data otherwise than for the training.
_OF_TRAINING = ("high_pass", "montage", "reference")


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add = command.add_argument
    add("model", type=Path, metavar="MODEL", help="folder of a saved model")
    add(
        "files",
        type=Path,
        nargs="*",
        metavar="FILES",
        help="EEG files that MNE reads; in place of --data",
    )
    add("--data", type=Path, metavar="FOLDER", help="recordings, in place of FILES")
    add("--out", type=Path, required=True, metavar="FOLDER", help="folder to write to")
    add(
        "--method",
        choices=EXPLANATIONS,
        default="auto",
        help="how effects are found (default: weights of linear models, gradients of "
        "networks)",
    )
    add(
        "--results",
        type=Path,
        metavar="FOLDER",
        help="results of an evaluation whose report shall show this explanation, too",
    )
    add(
        "--own",
        metavar="MODULE:NAME",
        help="the class of the network, if it is one of yours, such as my_models:PowerNet",
    )
    add("--device", default="cpu", help="cpu, cuda or mps (default: cpu)")
    add_rois_option(add, "to explain", dest="explained")
    add_data_options(command, with_rois=False)


def run(arguments: argparse.Namespace) -> int:
    """Explain a saved model; write a table and figures.

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
        If the folder holds no model, or data or arguments cannot be used.
    """
    given = [name for name in _OF_TRAINING if getattr(arguments, name) is not None]
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(
            f"Leave out {options}: the recordings are prepared as those of the training "
            "were."
        )
    if bool(arguments.files) == (arguments.data is not None):
        raise ValueError(
            "Give EEG files after MODEL, or a folder of recordings by --data, and not both."
        )
    if arguments.files:
        check_eeg_files(arguments.files)
    else:
        check_source(arguments)
    check_folder(arguments.model, "MODEL")
    if arguments.results is not None:
        check_folder(arguments.results, "--results")
    say_loading()
    from .run_explain import run_explain

    return run_explain(arguments)
