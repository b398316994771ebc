"""Options of the command line, in groups."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ..evaluation.protocols import PROTOCOLS


def add_protocol_options(command: argparse.ArgumentParser) -> None:
    """Add what says who is trained and tested on."""
    add = command.add_argument_group("protocol").add_argument
    add(
        "--protocol",
        choices=tuple(PROTOCOLS),
        default="subjects",
        metavar="NAME",
        help="what is kept apart, see above (default: subjects)",
    )
    add(
        "--folds",
        type=int,
        default=3,
        help="number of folds, where the protocol does not fix it (default: 3)",
    )
    add("--source", metavar="TASK", help="task to train on, for transfer between tasks")
    add("--target", metavar="TASK", help="task to test on, for transfer between tasks")
    add(
        "--seeds",
        type=numbers,
        default=[0],
        metavar="N,...",
        help="seeds; networks are fitted with each, simulations use the first (default: 0)",
    )
    add(
        "--controls",
        type=names,
        default=[],
        metavar="NAMES",
        help="train and test on these besides: wrong_subject (the EEG of another person), "
        "constant_eeg (the same window throughout)",
    )
    add(
        "--separate-regions",
        action="store_true",
        help="one model for each region, as published, instead of one for all",
    )


def add_model_options(command: argparse.ArgumentParser) -> None:
    """Add what concerns models."""
    add = command.add_argument_group("models").add_argument
    add(
        "--models",
        type=names,
        default=["NeuroBOLT", "LaggedBandPower"],
        metavar="NAMES",
        help="models, separated by commas (default: NeuroBOLT,LaggedBandPower)",
    )
    add(
        "--channels",
        metavar="NAMES",
        help="channels to use, separated by commas, or 'common' for those that all "
        "recordings have (default: all, which must agree)",
    )
    add(
        "--size",
        choices=("small", "published"),
        default="small",
        help="networks for two cores, or as published, for a GPU (default: small)",
    )
    add(
        "--epochs",
        type=int,
        help="passes over the training data (default: 8 for small, 20 for published)",
    )
    add(
        "--pretrained",
        metavar="WEIGHTS",
        help="begin with published weights of NeuroBOLT, LaBraM or BIOT: a file, a folder "
        "of save_pretrained or owner/name on the Hugging Face Hub; needs --size published",
    )
    add(
        "--unknown-channels",
        choices=("raise", "drop", "nearest", "fresh"),
        default="raise",
        help="electrodes that LaBraM's position table lacks: report them, do not look at "
        "them, take the nearest electrode's row, or train a new one (NeuroBOLT only) "
        "(default: raise)",
    )
    add(
        "--precision",
        choices=("float32", "bfloat16"),
        default="float32",
        help="arithmetic of the networks; bfloat16 is faster on CPUs with AMX (default: "
        "float32)",
    )
    add(
        "--device",
        default="auto",
        help="cpu, cuda, cuda:1, ... (default: a GPU where there is one, else cpu)",
    )


def add_data_options(command: argparse.ArgumentParser) -> None:
    """Add what concerns only recordings from files."""
    add = command.add_argument_group("recordings from files").add_argument
    add(
        "--kind",
        choices=("neurobolt", "bids", "folder"),
        help="the published NeuroBOLT release, a BIDS data set, or the folder described "
        "below (default: recognised by the names of the files)",
    )
    add(
        "--marker",
        help="description of the volume markers in the EEG (default: R128, R149 or volume; "
        "the NeuroBOLT release has its own)",
    )
    add(
        "--dummy-volumes",
        type=int,
        metavar="N",
        help="markers at the start whose volumes are not in the BOLD (default: 0; not for "
        "the NeuroBOLT release)",
    )
    add(
        "--tr",
        type=float,
        metavar="SECONDS",
        help="repetition time of a BIDS data set (default: from the images or the markers) "
        "or of simulated BOLD (default: 2.1)",
    )
    add(
        "--rois",
        metavar="NAMES",
        help="regions to predict, separated by commas, or 'paper' for the seven of the "
        "paper (default: all)",
    )
    add("--tasks", metavar="NAMES", help="tasks of a BIDS data set (default: all)")
    add(
        "--derivatives",
        type=Path,
        metavar="FOLDER",
        help="where the BOLD of a BIDS data set is (default: in it)",
    )
    add(
        "--bold",
        metavar="PATTERN",
        help="names of the BOLD files of a BIDS data set, such as "
        "'*_desc-preproc_bold.nii.gz' (default: region tables, else such images)",
    )
    add(
        "--high-pass",
        type=float,
        metavar="HZ",
        help="high-pass filter of the EEG (default: none; the paper had 0.5 between "
        "subjects)",
    )
    add(
        "--low-pass",
        type=float,
        default=0.15,
        metavar="HZ",
        help="low-pass filter of the BOLD, for each part of a fold by itself; 0 for none, "
        "where parts are short (default: 0.15)",
    )
    add(
        "--reference",
        metavar="NAMES",
        help="'average', or channels separated by commas (default: as recorded)",
    )
    add(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="keep prepared EEG and extracted regions there, and EEG out of the memory "
        "(default: prepare again each time, in memory)",
    )
    add(
        "--coupling",
        type=float,
        metavar="SNR",
        help="ignore the BOLD of the folder, if any, and simulate one that follows its "
        "EEG: variance of the coupled signal over that of the noise, 0 for no coupling "
        "(see braindecode-bolt simulate)",
    )
    add_coupling_options(add)


def add_coupling_options(add) -> None:
    """Add what concerns BOLD that is simulated on top of real EEG."""
    add(
        "--pattern",
        metavar="REGEX",
        help="how file names tell who was recorded: a regular expression with the groups "
        "subject and, if they occur, session, task and run (default: BIDS names, and those "
        "of PhysioNet's eegmmidb and eegmat)",
    )
    add(
        "--noise",
        type=Path,
        nargs="+",
        metavar="TABLE",
        help="real BOLD to use as noise, volumes x regions (.tsv or .csv, or .pkl of the "
        "NeuroBOLT release), one table for each EEG file in turn (default: autoregressive "
        "noise)",
    )


def names(text: str | None) -> list[str] | None:
    """Take names apart that are separated by commas."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def numbers(text: str) -> list[int]:
    """Take whole numbers apart that are separated by commas."""
    found = names(text)
    if not found or not all(re.fullmatch(r"\d+", name) for name in found):
        raise argparse.ArgumentTypeError(
            f"give whole numbers from 0 on, such as 0,1,2; got {text!r}"
        )
    return [int(name) for name in found]
