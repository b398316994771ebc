"""Options of recordings that are read from files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..datasets.coupling.kinds import COUPLINGS, parse_coupling
from .options import names

#: Options of :class:`~braindecode_bolt.markers.MarkerOptions`.
MARKER_OPTIONS = (
    "marker",
    "tr",
    "dummy_volumes",
    "n_slices",
    "volumes_per_marker",
    "missing",
    "extra",
    "segment",
    "stim_channel",
    "tolerance",
    "markers_from",
    "uncovered",
)
#: The couplings, for the description of a command.
COUPLING_LIST = "\n".join(f"  {name:18} {what}" for name, what in COUPLINGS.items())
#: Further arguments of the classes of data sets.
_DATA_OPTIONS = ("kind", "derivatives", "bold", "eeg", "eeg_root", "pattern", "noise")
_DATA_OPTIONS += ("reader",)


def add_data_options(command: argparse.ArgumentParser, with_rois: bool = True) -> None:
    """Add the options for recordings that are read from files.

    Parameters
    ----------
    command : argparse.ArgumentParser
        Parser of a command.
    with_rois : bool
        Whether the regions that are read can be chosen. Default True.
    """
    add = command.add_argument_group("recordings from files").add_argument
    add(
        "--kind",
        choices=("neurobolt", "bids", "folder"),
        help="the published NeuroBOLT release, a BIDS data set, or the folder described "
        "below (default: recognised from the names of the files)",
    )
    add_reader_option(add)
    if with_rois:
        add_rois_option(add, "to predict")
    add("--tasks", metavar="NAMES", help="tasks of a BIDS data set (default: all)")
    add(
        "--subjects",
        metavar="LABELS",
        help="subjects to use, separated by commas, as in the names of the files (default: "
        "all)",
    )
    add(
        "--eeg-root",
        type=Path,
        metavar="FOLDER",
        help="BIDS folder with the EEG without gradient and pulse artifacts, if that in "
        "--data is as recorded (default: --data)",
    )
    add(
        "--derivatives",
        type=Path,
        metavar="FOLDER",
        help="folder with the BOLD of a BIDS data set (default: the data set itself)",
    )
    add(
        "--bold",
        metavar="PATTERN",
        help="file names of the BOLD of a BIDS data set, such as "
        "'*_desc-preproc_bold.nii.gz' (default: region tables, else such images)",
    )
    add(
        "--eeg",
        metavar="PATTERN",
        help="file names of the EEG of a BIDS data set, if runs have several copies, such "
        "as '*_eeg.set' (default: the only one)",
    )
    add_preparation_options(add)
    add(
        "--low-pass",
        type=float,
        default=0.15,
        metavar="HZ",
        help="low-pass filter of the BOLD, applied to training and test parts separately; "
        "0 for none (default: 0.15)",
    )
    add(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="keep prepared EEG and extracted regions in this folder and read EEG from "
        "there (default: prepare again each time, in memory)",
    )
    add(
        "--coupling",
        type=float,
        metavar="SNR",
        help="simulate BOLD that follows the EEG, and ignore that of --data: variance of "
        "the coupled signal over that of the noise, 0 for no coupling (default: 0.7 "
        "without --data, else the BOLD that is there)",
    )
    add_coupling_option(add)
    add_pattern_options(add)
    _add_marker_options(command)


def add_reader_option(add: Any) -> None:
    """Add the choice of MNE's reader."""
    add(
        "--reader",
        metavar="NAME",
        help="reader of MNE for formats that it does not recognise by the ending, such as "
        "cnt for mne.io.read_raw_cnt",
    )


def add_preparation_options(add: Any) -> None:
    """Add how EEG is prepared, besides the choice of channels."""
    add(
        "--high-pass",
        type=float,
        metavar="HZ",
        help="high-pass filter of the EEG (default: none; the paper used 0.5 between "
        "subjects)",
    )
    add(
        "--montage",
        metavar="NAME",
        help="montage of MNE (biosemi128, GSN-HydroCel-256, ...) or 'recorded' for the "
        "positions in the files: electrodes of dense nets get the name of the nearest "
        "10-05 site (default: channel names are those of the 10-05 system)",
    )
    add(
        "--reference",
        metavar="NAMES",
        help="'average', or channels separated by commas (default: as recorded)",
    )


def add_rois_option(add: Any, what: str, dest: str = "rois") -> None:
    """Add the choice of regions."""
    add(
        "--rois",
        metavar="NAMES",
        dest=dest,
        help=f"regions {what}, separated by commas, or 'paper' for the seven of the paper "
        "(default: all)",
    )


def rois(text: str | None) -> str | list[str] | None:
    """Read ``--rois``: names, or "paper"."""
    return text if text == "paper" else names(text)


def _add_marker_options(command: argparse.ArgumentParser) -> None:
    """Add the options of volume markers."""
    add = command.add_argument_group(
        "volume markers", "How the markers of volumes are found in the EEG."
    ).add_argument
    add(
        "--marker",
        action="extend",
        type=names,
        metavar="NAMES",
        help="names of the volume markers, separated by commas (default: R128, R149, "
        "volume or V1, else the stimulus channels; the NeuroBOLT release has its own)",
    )
    add(
        "--tr",
        type=float,
        metavar="SECONDS",
        help="repetition time (default: from the images or the markers; 2.1 for simulated "
        "BOLD)",
    )
    add(
        "--dummy-volumes",
        type=int,
        metavar="N",
        help="volumes at the start that have markers but no BOLD (default: 0)",
    )
    add(
        "--n-slices",
        type=int,
        metavar="N",
        help="markers per volume, if each slice has one (default: counted if --tr is "
        "given)",
    )
    add(
        "--volumes-per-marker",
        type=int,
        metavar="N",
        help="volumes per marker, if only every n-th volume has one (default: 1)",
    )
    add(
        "--missing",
        choices=("raise", "fill"),
        help="markers missing inside a run: an error (default), or filled in on the "
        "regular grid",
    )
    add(
        "--extra",
        choices=("raise", "drop_last"),
        help="more markers than rows of BOLD: an error (default), or those after the last "
        "row are dropped",
    )
    add(
        "--segment",
        type=_segment,
        metavar="N",
        help="which part to use if the recording is paused or the markers start again: its "
        "number from 0, or 'longest' (default: an error)",
    )
    add(
        "--stim-channel",
        metavar="NAME",
        help="stimulus channel with the markers (default: annotations, then all of them)",
    )
    add(
        "--tolerance",
        type=float,
        metavar="SECONDS",
        help="how far a marker may be from the regular grid (default: 5 ms or 3 samples)",
    )
    add(
        "--markers-from",
        choices=("eeg", "table"),
        help="which markers to use if the EEG file and a table beside it disagree "
        "(default: an error that gives the offset)",
    )
    add(
        "--uncovered",
        choices=("raise", "drop", "drop_first", "drop_last"),
        help="rows of BOLD without a marker, because the EEG began after or ended before "
        "the fMRI: an error (default), or left out, at the end that the EEG shows (drop) "
        "or at the one given",
    )


def _segment(text: str) -> int | str:
    if text == "longest" or text.isdecimal():
        return text if text == "longest" else int(text)
    raise argparse.ArgumentTypeError(f"give a number from 0 on or 'longest', got {text!r}")


def data_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Collect the arguments of the class of data sets; None means not given.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of :func:`add_data_options`.

    Returns
    -------
    dict
    """
    options = {name: getattr(arguments, name) for name in (*_DATA_OPTIONS, *MARKER_OPTIONS)}
    marker = options["marker"]
    if marker is not None and len(marker) == 1:
        options["marker"] = marker[0]
    options["rois"] = rois(getattr(arguments, "rois", None))
    options["tasks"] = names(arguments.tasks)
    options["subjects"] = names(arguments.subjects)
    return options


def add_coupling_option(add: Any) -> None:
    """Add what simulated BOLD follows."""
    add(
        "--coupling-kind",
        type=_coupling,
        metavar="NAME",
        help="what simulated BOLD follows in the EEG: one of "
        f"{', '.join(COUPLINGS)}, or "
        "several joined by +, such as bursts+vigilance (default: band-power)",
    )


def _coupling(text: str) -> str:
    try:
        parse_coupling(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def add_pattern_options(add: Any) -> None:
    """Add how files are named, and real BOLD as noise of simulations."""
    add_pattern_option(add)
    add(
        "--noise",
        type=Path,
        nargs="+",
        metavar="TABLE",
        help="real BOLD to use as noise of simulated BOLD, volumes x regions (.tsv, .csv, "
        "or .pkl of the NeuroBOLT release), one table for each EEG file in turn (default: "
        "autoregressive noise)",
    )


def add_pattern_option(add: Any) -> None:
    """Add how files are named."""
    add(
        "--pattern",
        metavar="REGEX",
        help="regular expression that finds the subject in file names; groups subject and, "
        "if they occur, session, task and run (default: BIDS names, and those of "
        "PhysioNet's eegmmidb and eegmat)",
    )
