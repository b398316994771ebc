"""``braindecode-bolt predict``: the BOLD of EEG files, by a saved model."""

from __future__ import annotations

import argparse
from pathlib import Path

from .checks import check_atlas, check_eeg_files, check_folder
from .options import add_atlas_options, say_loading

NAME = "predict"
SUMMARY = "predict the BOLD of EEG files with a saved model"
DESCRIPTION = """\
Predict the BOLD of EEG files by a model that `train` (or BOLDPredictor.save) has saved.
The files need neither markers nor fMRI, and may be of any length.

For each file, FOLDER gets a table (.tsv): a row per time, in seconds from the start of the
recording, and a column per region; n/a where there is no window of EEG. With --interval
also tables of the lower and upper end; with --image a 4-D NIfTI image.
"""
EPILOG = None


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add = command.add_argument
    add("model", type=Path, metavar="MODEL", help="folder of a saved model")
    add("files", type=Path, nargs="+", metavar="FILES", help="EEG files that MNE reads")
    add("--out", type=Path, required=True, metavar="FOLDER", help="where tables go")
    add(
        "--tr",
        type=float,
        metavar="SECONDS",
        help="time between predictions (default: the repetition time of training)",
    )
    add(
        "--interval",
        type=float,
        metavar="LEVEL",
        help="also write intervals of this level, such as 0.9 (needs train --cv)",
    )
    add("--image", action="store_true", help="also write 4-D images (needs an atlas)")
    add(
        "--voxel-mm",
        type=float,
        metavar="MM",
        help="size of the voxels of images (default: that of the atlas)",
    )
    add_atlas_options(
        add,
        "where the regions are, if the model does not say: difumo64 (or 128 to 1024), or a "
        "file",
    )
    add(
        "--montage",
        metavar="NAME",
        help="montage of the files' net, if it is another than in training; 'none' for "
        "names of 10-05 sites",
    )
    add(
        "--missing",
        choices=("auto", "interpolate", "raise"),
        default="auto",
        help="electrodes of training that a file has not: leave it to models that can do "
        "without (auto, default), interpolate them, or an error",
    )
    add(
        "--reader",
        metavar="NAME",
        help="reader of MNE for formats that it does not recognise by the ending",
    )
    add(
        "--own",
        metavar="MODULE:NAME",
        help="the class of the network, if it is one of yours, such as my_models:PowerNet",
    )
    add("--device", default="auto", help="cpu, cuda, ... (default: a GPU if there is one)")


def run(arguments: argparse.Namespace) -> int:
    """Predict the BOLD of files, and write tables.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of the command.

    Returns
    -------
    int
        Exit status: 0, or 1 if a file could not be predicted.

    Raises
    ------
    ValueError
        If arguments or the model cannot be used, or a file is a folder.
    FileNotFoundError
        If there is no such model or file.
    """
    check_folder(arguments.model, "MODEL")
    check_eeg_files(arguments.files)
    stems = [file.name.split(".")[0] for file in arguments.files]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise ValueError(
            f"Several files are named {', '.join(twice[:5])}, so one table would replace "
            "the other. Predict them into different folders."
        )
    check_atlas(arguments)
    say_loading()
    from .run_predict import run_predict

    return run_predict(arguments)
