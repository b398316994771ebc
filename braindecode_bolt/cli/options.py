"""Options that several commands share, in groups, and what they say."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from .. import __version__
from .choices import DEFAULT_MODELS, HEADS, PROTOCOLS, WITH_TOKENS


def add_protocol_options(command: argparse.ArgumentParser) -> None:
    """Add the options that divide recordings into training and test."""
    add = command.add_argument_group("protocol").add_argument
    add(
        "--protocol",
        choices=tuple(PROTOCOLS),
        default="subjects",
        metavar="NAME",
        help="what training and test never share, see above (default: subjects)",
    )
    add(
        "--folds",
        type=int,
        default=3,
        help="number of folds, if the protocol leaves it open (default: 3)",
    )
    add("--source", metavar="TASK", help="training task of zero-shot, joint, fine-tuned")
    add("--target", metavar="TASK", help="test task of zero-shot, joint, fine-tuned")
    add(
        "--seeds",
        type=numbers,
        default=[0],
        metavar="N,...",
        help="networks are fitted once per seed; simulations use the first (default: 0)",
    )
    add(
        "--controls",
        type=names,
        default=[],
        metavar="NAMES",
        help="also fit and score each model on uninformative EEG: wrong_subject (EEG of "
        "another subject), constant_eeg (the same window for every volume)",
    )
    add(
        "--separate-regions",
        action="store_true",
        help="fit one model per region, as published, instead of one for all regions",
    )


def add_model_options(command: argparse.ArgumentParser) -> None:
    """Add the options that choose models and say how networks are trained."""
    add = command.add_argument_group("models").add_argument
    add(
        "--models",
        type=names,
        default=list(DEFAULT_MODELS),
        metavar="NAMES",
        help=f"models, separated by commas (default: {','.join(DEFAULT_MODELS)}); a model "
        "of yours as module:name, such as my_models:PowerNet",
    )
    add_network_options(add)


def add_network_options(add: Any) -> None:
    """Add the choice of channels and how networks are trained."""
    add_channel_option(add)
    add(
        "--size",
        choices=("small", "published"),
        default="small",
        help="network sizes: small (for two CPU cores) or published (for a GPU) (default: "
        "small)",
    )
    add(
        "--epochs",
        type=int,
        help="passes over the training data (default: 8 for small, 20 for published)",
    )
    add(
        "--head",
        choices=HEADS,
        help="how BOLD is read out of an encoder: by the network's own last layer "
        "(linear), by a Gaussian process in closed form while the encoder stays as it is "
        "(closed_form: seconds; best after pre-training), or so after the encoder has "
        "learned by the gradient of the evidence (evidence); for "
        f"{', '.join(WITH_TOKENS)}, other networks keep their layer (default: closed_form "
        "where the encoder is pre-trained on EEG and --epochs is not given, else linear)",
    )
    add(
        "--pretrained",
        metavar="WEIGHTS",
        help="start from weights: published ones of NeuroBOLT, LaBraM or BIOT (a file, a "
        "folder of save_pretrained, or owner/name on the Hugging Face Hub; they need "
        "--size published), or those of braindecode-bolt pretrain of the same --size",
    )
    add(
        "--pretrain",
        action="store_true",
        help="pre-train NeuroBOLT, LabramBOLD and BIOTBOLD on the EEG of the training part "
        "of each fold (band power), before they are trained on its BOLD",
    )
    add(
        "--pretrain-eeg",
        type=Path,
        metavar="FOLDER",
        help="pre-train them once, on these EEG files; people in the test part are refused",
    )
    add(
        "--pretrain-dataset",
        default="",
        metavar="NAME",
        help="name of the data set of --pretrain-eeg, if people have the same names there "
        "as in --data and are others",
    )
    add(
        "--pretrain-steps",
        type=int,
        default=600,
        metavar="N",
        help="batches of the pre-training (default: 600)",
    )
    add(
        "--unknown-channels",
        choices=("raise", "drop", "nearest", "fresh"),
        default="raise",
        help="electrodes without a channel embedding in LaBraM: stop with an error, ignore "
        "them, use the nearest electrode's embedding, or train a new one (NeuroBOLT only) "
        "(default: raise)",
    )
    add(
        "--precision",
        choices=("float32", "bfloat16"),
        default="float32",
        help="arithmetic of the networks; bfloat16 is faster on GPUs and on CPUs with AMX "
        "(default: float32)",
    )
    add(
        "--device",
        default="auto",
        help="cpu, cuda, cuda:1, ... (default: a GPU if there is one, else cpu)",
    )


def add_channel_option(add: Any) -> None:
    """Add the choice of channels."""
    add(
        "--channels",
        metavar="NAMES",
        help="channels to use, separated by commas, or 'common' for those that all "
        "recordings have (default: all; they must be the same in all recordings)",
    )


def add_window_option(add: Any) -> None:
    """Add the length of windows."""
    add(
        "--window",
        type=float,
        default=16.0,
        metavar="SECONDS",
        help="length of a window of EEG, the one before each volume (default: 16)",
    )


def add_atlas_options(add: Any, where: str) -> None:
    """Add the options that say where the regions are."""
    add("--atlas", metavar="ATLAS", help=where)
    add(
        "--labels",
        type=Path,
        metavar="FILE",
        help="names of the regions of --atlas as in the BOLD tables: a line each, from the "
        "lowest label to the highest, or in the order of the maps; or a table of BIDS "
        "(.tsv) with the columns index and name (default: those of DiFuMo)",
    )


def names(text: str | None) -> list[str] | None:
    """Split names at commas."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def numbers(text: str) -> list[int]:
    """Split whole numbers at commas."""
    found = names(text)
    if not found or not all(re.fullmatch(r"\d+", name) for name in found):
        raise argparse.ArgumentTypeError(
            f"give whole numbers from 0 on, such as 0,1,2; got {text!r}"
        )
    return [int(name) for name in found]


def channels(text: str | None) -> str | list[str] | None:
    """Read ``--channels``: names, or "common"."""
    return text if text == "common" else names(text)


def region_labels(arguments: argparse.Namespace) -> list[str] | None:
    """Read the names in the file of ``--labels``, if it is given."""
    if arguments.labels is None:
        return None
    lines = arguments.labels.read_text(encoding="utf-8-sig").splitlines()
    if arguments.labels.suffix.lower() == ".tsv":
        return _names_of_table(lines, arguments.labels.name)
    return [line.strip() for line in lines if line.strip()]


def _names_of_table(lines: list[str], file: str) -> list[str]:
    """Read the names of regions in the order of their labels, without the background."""
    rows = [line.split("\t") for line in lines if line.strip()] or [[]]
    columns = [name.strip().lower() for name in rows[0]]
    if not {"index", "name"} <= set(columns):
        raise ValueError(
            f"{file} (--labels) has the columns {', '.join(columns) or 'of nothing'}; "
            "expected index and name, as tables of atlases have them in BIDS."
        )
    at, named = columns.index("index"), columns.index("name")
    try:
        found = {int(row[at]): row[named].strip() for row in rows[1:]}
    except (ValueError, IndexError):
        raise ValueError(
            f"{file} (--labels) has a row without a whole number in the column index, or "
            "without a name."
        ) from None
    return [found[index] for index in sorted(found) if index]


def preparation(arguments: argparse.Namespace) -> dict[str, Any]:
    """Collect the arguments of prepare_eeg, but channels and cache."""
    average = arguments.reference == "average"
    return {
        "high_pass": arguments.high_pass,
        "montage": arguments.montage,
        "reference": "average" if average else names(arguments.reference),
    }


def say_loading() -> None:
    """Print the first line, before imports that take seconds."""
    print(
        f"braindecode-bolt {__version__}\n"
        "Loading PyTorch, braindecode and MNE (several seconds) ...",
        flush=True,
    )
