"""``braindecode-bolt evaluate``: fit models on some recordings, score them on others."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

from ..datasets.layout import LAYOUT
from .checks import check_atlas, check_models, check_protocol, check_source
from .choices import MODELS, PROTOCOLS, SURROGATES
from .data_options import COUPLING_LIST, add_data_options
from .options import (
    add_atlas_options,
    add_model_options,
    add_protocol_options,
    add_window_option,
    say_loading,
)

NAME = "evaluate"
SUMMARY = "evaluate models on simulated or on your own recordings"
_MODEL_LIST = textwrap.fill(
    ", ".join(MODELS), 76, initial_indent="  ", subsequent_indent="  "
)
_PROTOCOL_LIST = "\n".join(f"  {name:22} {what}" for name, what in PROTOCOLS.items())
DESCRIPTION = f"""\
Fit models on some of the recordings, predict the others, and test whether the
predictions are better than chance.

Without --data, recordings are simulated (this needs no network and no GPU). The
protocol decides which subjects, sessions, runs or stretches of a recording are kept
apart, so that no EEG is used for both training and test. The results folder gets
tables and a report in one HTML file: R of each region with its confidence interval,
the range of R expected by chance (surrogate BOLD with the same autocorrelation), mean
squared error and, for simulated BOLD, the noise ceiling.

models (and those of braindecode; `braindecode-bolt models` lists what each needs):
{_MODEL_LIST}

protocols and their test parts:
{_PROTOCOL_LIST}

couplings of simulated BOLD, and what it follows:
{COUPLING_LIST}
"""
EPILOG = LAYOUT


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add = command.add_argument
    add("--data", type=Path, metavar="FOLDER", help="recordings (default: simulated ones)")
    add_data_options(command)
    add_atlas_options(
        add,
        "where the regions are: difumo64 (or 128 to 1024), or a file. Images of a BIDS "
        "data set are averaged in them (default there: difumo64), and the report draws R "
        "on the brain",
    )
    add_window_option(add)
    add_protocol_options(command)
    add_model_options(command)
    add(
        "--surrogates",
        type=int,
        default=SURROGATES,
        metavar="N",
        help="number of surrogate BOLD series that R is compared with (default: "
        f"{SURROGATES})",
    )
    add("--jobs", type=int, default=1, help="fits that run at the same time (default: 1)")
    add(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="results folder; the same command resumes an interrupted run (default: a new "
        "folder in results/)",
    )
    add(
        "--overwrite",
        action="store_true",
        help="replace the results of a run with other settings in --out (a run with the "
        "same settings is resumed)",
    )
    add(
        "--keep-models",
        action="store_true",
        help="keep the model of each fold in models/ of the results folder, for "
        "braindecode-bolt predict and explain",
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate models, print tables, and write a results folder and a report.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of the command.

    Returns
    -------
    int
        Exit status: 0, 1 if a fit failed, or 130 after Ctrl-C.

    Raises
    ------
    ValueError
        If data or arguments cannot be used.
    """
    check_models(arguments)
    check_protocol(arguments)
    check_source(arguments)
    check_atlas(arguments)
    say_loading()
    from .run_evaluate import run_evaluate

    return run_evaluate(arguments)
