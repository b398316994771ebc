"""``braindecode-bolt report``: tables, figures and report of a results folder, anew."""

from __future__ import annotations

import argparse
from pathlib import Path

from .checks import check_atlas, check_folder
from .options import add_atlas_options, say_loading

NAME = "report"
SUMMARY = "make the report and figures of a results folder anew"
DESCRIPTION = """\
Read the results folder of an evaluation, and write summary.tsv, comparison.tsv, the figures
and report.html again. The recordings are not needed, and nothing is fitted.
"""
EPILOG = """\
example:
  braindecode-bolt report results/2026-01-31_12-00-00 --title "Thalamus and cuneus"
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add = command.add_argument
    add("results", type=Path, metavar="RESULTS", help="results folder of evaluate")
    add(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write there (default: into the results folder)",
    )
    add_atlas_options(
        add,
        "where the regions are, to draw R on the brain: difumo64 (or 128 to 1024), or a "
        "file",
    )
    add("--title", default="BOLD predicted from EEG", help="title of the report")
    add(
        "--surrogates",
        type=int,
        metavar="N",
        help="number of surrogate BOLD series that R is compared with (default: as in the "
        "summary that is there, else 10000)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write tables, figures and the report of a results folder.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of the command.

    Returns
    -------
    int
        Exit status: 0.

    Raises
    ------
    ResultsError
        If the folder holds no finished results, or damaged ones.
    ValueError
        If all fits failed, or the number of surrogates is below 1.
    """
    check_folder(arguments.results, "RESULTS")
    check_atlas(arguments)
    say_loading()
    from .run_report import run_report

    return run_report(arguments)
