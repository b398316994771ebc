"""``braindecode-bolt report``: tables, figures and report of a results folder, anew."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import add_atlas_options, check_atlas, say_loading

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
        default=10_000,
        metavar="N",
        help="number of surrogate BOLD series that R is compared with (default: 10000)",
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
    if arguments.surrogates < 1:
        raise ValueError(f"--surrogates must be at least 1, got {arguments.surrogates}.")
    check_atlas(arguments)
    if not arguments.results.is_dir():
        raise FileNotFoundError(f"{arguments.results} is not a folder.")
    say_loading()
    from .run_report import run_report

    return run_report(arguments)
