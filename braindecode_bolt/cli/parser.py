"""The command line: arguments and calls, nothing else."""

from __future__ import annotations

import argparse
import logging
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from .._version import __version__
from .options import (
    add_coupling_options,
    add_data_options,
    add_model_options,
    add_protocol_options,
    names,
)

__all__ = ["main"]

_DESCRIPTION = "Predict the BOLD signal of brain regions from scalp EEG."

_EVALUATE = """\
Evaluate models so that nothing leaks: fit them on a part of the recordings, predict
the rest, and say whether it is more than chance.

Without --data the recordings are simulated (no network, no GPU needed). The
protocol says what is never both trained and tested on: people (the default),
sessions, runs, tasks, or stretches of a recording behind a gap. Printed and written
to the results folder, with a report in one HTML file: R of each region with its
confidence interval, the band of chance (surrogates of the BOLD that have its
autocorrelation), mean squared error, and the ceiling where it is known (simulated
BOLD).

models:
{models}

protocols:
{protocols}
"""

_SIMULATE = """\
Give real EEG a BOLD signal with a known coupling.

Each EEG file is prepared (standard channel names, 200 Hz) and gets volume
markers and BOLD that follows the amplitudes of its theta, alpha and beta
rhythms. Written are FIF files whose markers carry the BOLD, and tables. The
result can be given to `braindecode-bolt evaluate --data`.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str | None
        Arguments; by default those of the process.

    Returns
    -------
    int
        0 if all went well, 1 after an error, 130 after an interruption.

    Raises
    ------
    SystemExit
        With status 2 where arguments cannot be read, 0 after ``--help``.
    """
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    logging.getLogger("braindecode_bolt").setLevel(
        logging.DEBUG if arguments.verbose else logging.INFO
    )
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, ImportError, FloatingPointError) as error:
        if arguments.verbose:
            raise
        print(f"braindecode-bolt: error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    from ..datasets.folder import LAYOUT

    parser = argparse.ArgumentParser(prog="braindecode-bolt", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_evaluate(commands, LAYOUT)
    _add_simulate(commands)
    return parser


def _add_command(commands, name: str, run, summary: str, text: str, epilog: str | None):
    command = commands.add_parser(
        name,
        help=summary,
        description=text,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    command.add_argument(
        "-v", "--verbose", action="store_true", help="say more, and show where errors arise"
    )
    return command


def _add_evaluate(commands, layout: str) -> None:
    from ..evaluation.protocols import PROTOCOLS
    from ..training.estimators import estimator_names

    protocols = {name: protocol.summary for name, protocol in PROTOCOLS.items()}
    text = _EVALUATE.format(
        models=textwrap.fill(
            ", ".join(estimator_names()), 76, initial_indent="  ", subsequent_indent="  "
        ),
        protocols="\n".join(f"  {name:22} {what}" for name, what in protocols.items()),
    )
    summary = "evaluate models on simulated or on your own recordings"
    command = _add_command(commands, "evaluate", _evaluate, summary, text, layout)
    add = command.add_argument
    add("--data", type=Path, metavar="FOLDER", help="recordings; default: simulated ones")
    add_data_options(command)
    add_protocol_options(command)
    add_model_options(command)
    add(
        "--surrogates",
        type=int,
        default=10_000,
        metavar="N",
        help="surrogates of the BOLD that R is compared with (default: 10000)",
    )
    add("--jobs", type=int, default=1, help="fits at the same time (default: 1)")
    add(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="results folder; the same command goes on where it was interrupted "
        "(default: a new folder in results/)",
    )
    add(
        "--overwrite",
        action="store_true",
        help="replace results of a run with other settings in --out (one with the same "
        "settings is gone on with)",
    )


def _add_simulate(commands) -> None:
    summary = "put BOLD with a known coupling on top of real EEG"
    command = _add_command(commands, "simulate", _simulate, summary, _SIMULATE, None)
    add = command.add_argument
    add("--seed", type=int, default=0, help="seed (default: 0)")
    add("--eeg", type=Path, required=True, metavar="FOLDER", help="EEG files")
    add("--out", type=Path, required=True, metavar="FOLDER", help="what to write")
    add("--channels", metavar="NAMES", help="as for evaluate")
    add("--tr", type=float, default=2.1, help="repetition time in seconds (default: 2.1)")
    add(
        "--snr",
        type=float,
        default=0.7,
        help="variance of the coupled BOLD over that of the noise (default: 0.7)",
    )
    add_coupling_options(add)


def _evaluate(arguments: argparse.Namespace) -> int:
    from .evaluate import run_evaluate

    return run_evaluate(
        data=arguments.data,
        options={
            "kind": arguments.kind,
            "marker": arguments.marker,
            "dummy_volumes": arguments.dummy_volumes,
            "tr": arguments.tr,
            "rois": "paper" if arguments.rois == "paper" else names(arguments.rois),
            "tasks": names(arguments.tasks),
            "derivatives": arguments.derivatives,
            "bold": arguments.bold,
            "pattern": arguments.pattern,
            "noise": arguments.noise,
        },
        coupling=arguments.coupling,
        high_pass=arguments.high_pass,
        low_pass=arguments.low_pass,
        reference=(
            "average" if arguments.reference == "average" else names(arguments.reference)
        ),
        cache_dir=arguments.cache,
        channels=_channels(arguments.channels),
        models=arguments.models,
        protocol=arguments.protocol,
        n_splits=arguments.folds,
        source=arguments.source,
        target=arguments.target,
        seeds=arguments.seeds,
        controls=arguments.controls,
        separate_regions=arguments.separate_regions,
        size=arguments.size,
        epochs=arguments.epochs,
        pretrained=arguments.pretrained,
        unknown_channels=arguments.unknown_channels,
        precision=arguments.precision,
        n_surrogates=arguments.surrogates,
        n_jobs=arguments.jobs,
        device=arguments.device,
        out=arguments.out,
        overwrite=arguments.overwrite,
    )


def _simulate(arguments: argparse.Namespace) -> int:
    from .simulate import run_simulate

    return run_simulate(
        eeg=arguments.eeg,
        out=arguments.out,
        pattern=arguments.pattern,
        channels=_channels(arguments.channels),
        tr=arguments.tr,
        snr=arguments.snr,
        noise=arguments.noise,
        seed=arguments.seed,
    )


def _channels(text: str | None) -> str | list[str] | None:
    return text if text == "common" else names(text)
