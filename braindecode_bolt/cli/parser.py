"""The ``braindecode-bolt`` command: reads arguments and calls a command's module."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from .. import __version__
from . import (
    check,
    evaluate,
    explain,
    list_models,
    predict,
    pretrain,
    report,
    simulate,
    train,
)
from .checks import check_options
from .messages import in_options

__all__ = ["build_parser", "main"]

_COMMANDS = (
    evaluate,
    train,
    predict,
    check,
    explain,
    simulate,
    list_models,
    report,
    pretrain,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str | None
        Arguments; by default those of the process.

    Returns
    -------
    int
        0 if all went well, 1 after an error, 130 after Ctrl-C, 141 if the program that
        read the output has ended (such as ``head``), which is no error to report.

    Raises
    ------
    SystemExit
        With status 2 if an argument is invalid, 0 after ``--help`` and ``--version``.
    """
    try:
        try:
            return _run(argv)
        finally:  # Here, since a failure at the end of the process cannot be caught.
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes again at the end; what is left has no reader.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _run(argv: Sequence[str] | None) -> int:
    arguments = build_parser().parse_args(argv)
    detailed = warnings.formatwarning
    try:
        if not arguments.verbose:
            warnings.formatwarning = _without_place
        _log_to_terminal(arguments.verbose)
        given = sys.argv[1:] if argv is None else argv
        arguments.command_line = shlex.join(["braindecode-bolt", *map(str, given)])
        check_options(arguments)
        return arguments.run(arguments)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        raise
    except (ValueError, TypeError, OSError, ImportError, FloatingPointError) as error:
        if arguments.verbose:
            raise
        print(f"braindecode-bolt: error: {in_options(str(error))}", file=sys.stderr)
        return 1
    finally:
        warnings.formatwarning = detailed


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands. It imports no scientific package.

    Returns
    -------
    argparse.ArgumentParser
        Parsed arguments have ``run``, the function of the command, and ``verbose``.
    """
    parser = argparse.ArgumentParser(
        prog="braindecode-bolt",
        description="Predict the BOLD signal of brain regions from scalp EEG.",
        epilog="braindecode-bolt COMMAND --help lists the options of a command.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        added = commands.add_parser(
            command.NAME,
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            epilog=command.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=command.run)
        added.add_argument(
            "-v",
            "--verbose",
            action="store_true",
            help="log details, and show the traceback of an error",
        )
        command.add_options(added)
    return parser


def _without_place(message: Warning | str, *_: Any, **__: Any) -> str:
    """Write a warning like a line of the log, without the place in the code."""
    return f"WARNING: {in_options(str(message))}\n"


class _AboveProgressBars(logging.StreamHandler):
    """Writes log lines above a progress bar instead of through it."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm = sys.modules.get("tqdm")
        if tqdm is None:
            super().emit(record)
            return
        try:
            tqdm.tqdm.write(self.format(record), file=sys.stderr)
        except Exception:  # As logging's own handlers: a line never ends the program.
            self.handleError(record)


def _log_to_terminal(verbose: bool) -> None:
    handler = _AboveProgressBars()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("braindecode_bolt").setLevel(
        logging.DEBUG if verbose else logging.INFO
    )
