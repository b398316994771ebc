"""``braindecode-bolt check``: look at recordings before a model is trained."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..datasets.layout import LAYOUT
from .checks import check_atlas, check_source
from .data_options import add_data_options
from .options import add_atlas_options, add_channel_option, add_window_option, say_loading

NAME = "check"
SUMMARY = "look at your recordings before a model is trained"
DESCRIPTION = """\
Look at recordings before a model is trained.

Each recording goes through the same steps as in an evaluation. The command prints, for
each of them, its volume markers, repetition time, channels, joints, artifacts that seem
to be left in the EEG, its BOLD, how many windows there are, and which volumes have none
and why. A recording that cannot be used is reported, and the next one is looked at. An
HTML page shows the same with the spectrum, the markers and the BOLD of each recording.

The exit status is 0 if all recordings can be used, and 1 if not.
"""
EPILOG = LAYOUT


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.set_defaults(out_is_file=True)
    add = command.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER", help="recordings")
    add(
        "--out",
        type=Path,
        default=Path("data_check.html"),
        metavar="FILE",
        help="the HTML page (default: data_check.html)",
    )
    add_window_option(add)
    add_channel_option(add)
    add_atlas_options(
        add,
        "regions that images of a BIDS data set are averaged in: difumo64 (or 128 to "
        "1024), or a file (default: difumo64)",
    )
    add_data_options(command)


def run(arguments: argparse.Namespace) -> int:
    """Check recordings, print what was found and write the page.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of the command.

    Returns
    -------
    int
        Exit status: 0, or 1 if a recording cannot be used.

    Raises
    ------
    ValueError
        If no recording can be opened, or an argument is out of range.
    """
    check_source(arguments)
    check_atlas(arguments)
    say_loading()
    from .run_check import run_check

    return run_check(arguments)
