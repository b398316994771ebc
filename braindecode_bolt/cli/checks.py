"""Checks of options, before anything slow is imported or read.

:func:`check_options` looks at each option by its name, so that it means the same in every
command. The others look at options that belong together.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from pathlib import Path

from .._catalogue import LINEAR, alike, find
from .choices import (
    ATLASES,
    CONTROLS,
    DEVICES,
    MODELS,
    MONTAGES,
    READERS,
    TRANSFERS,
    WITH_FOLDS,
    WITH_TOKENS,
    WITH_WEIGHTS,
)
from .data_options import data_options

__all__ = [
    "check_atlas",
    "check_eeg_files",
    "check_folder",
    "check_models",
    "check_options",
    "check_protocol",
    "check_source",
    "check_surrogates",
]

#: Numbers, by what is wrong with those that cannot be used.
_ABOVE_0 = ("window", "tr", "tolerance", "high_pass", "max_seconds")
_ABOVE_0 += ("voxel_mm",)
_FROM_0 = ("coupling", "snr", "low_pass", "dummy_volumes", "seed")
_FROM_1 = ("n_slices", "volumes_per_marker", "epochs", "pretrain_steps", "steps")
#: Surrogates whose null distribution fits into memory.
_MOST_SURROGATES = 1_000_000
#: Seeds of NumPy and PyTorch are below this.
_SEEDS = 2**32
#: What is read (``data``, ``eeg`` and others are folders in some commands, and patterns
#: of file names in others), and what is written.
_FOLDERS = ("data", "eeg", "eeg_root", "derivatives", "pretrain_eeg")
_WRITTEN = ("out", "cache")
#: Names separated by commas, of which there must be one.
_LISTS = ("channels", "rois", "tasks", "subjects", "explained", "reference")
#: Options of folders that need no BOLD.
_OF_COUPLING = ("pattern", "noise", "tr", "reader")


def check_options(arguments: argparse.Namespace) -> None:
    """Check each option of a command by itself.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of any command.

    Raises
    ------
    ValueError
        If a value cannot be used.
    FileNotFoundError
        If a file or folder that is to be read does not exist.
    """
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    for name, value in given.items():
        _check_number(name, value)
        if name in _LISTS and isinstance(value, str) and not value.strip(" ,"):
            raise ValueError(f"{_option(name)} names nothing, got {value!r}.")
    if "seeds" in given:
        _check_seeds(given["seeds"])
    if "controls" in given:
        _check_controls(given["controls"])
    if "device" in given:
        _check_device(given["device"])
    _check_names(given)
    written = [name for name in _WRITTEN if isinstance(given.get(name), Path)]
    for name in written:
        # Some commands write a file to --out.
        if given[name].is_file() and not (name == "out" and "out_is_file" in given):
            raise ValueError(
                f"{_option(name)} takes a folder, and {given[name]} is a file."
            )
    for name in _FOLDERS:
        if isinstance(given.get(name), Path):
            check_folder(given[name], _option(name))
    for table in given.get("noise", ()):
        if not table.is_file():
            raise FileNotFoundError(f"There is no file {table} (--noise).")


def _option(name: str) -> str:
    """Name of an option as it is typed."""
    return "--rois" if name == "explained" else f"--{name.replace('_', '-')}"


def _check_number(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    wrong = ""
    if not math.isfinite(value):
        wrong = "must be a finite number"
    elif name in _ABOVE_0 and not value > 0:
        wrong = "must be positive"
    elif name in _FROM_0 and not value >= 0:
        wrong = "must not be negative"
    elif name in _FROM_1 and not value >= 1:
        wrong = "must be at least 1"
    elif name == "jobs" and value == 0:
        wrong = "must not be 0 (-1 uses all processors)"
    elif name == "surrogates":
        check_surrogates(value)
    elif name == "seed" and not value < _SEEDS:
        wrong = f"must be below {_SEEDS}"
    elif name == "cv" and (value < 0 or value == 1):
        wrong = "must be 0, or 2 or more folds"
    elif name == "interval" and not 0.01 <= value <= 0.995:
        wrong = "must lie between 0.01 and 0.995"
    if wrong:
        got = f"{value:g}" if isinstance(value, float) else str(value)
        raise ValueError(f"{_option(name)} {wrong}, got {got}.")


def check_surrogates(number: float) -> int:
    """Check a number of surrogates, and give it back.

    Raises
    ------
    ValueError
        If their distribution would be empty, or would not fit into memory.
    """
    if not 1 <= number <= _MOST_SURROGATES:
        raise ValueError(
            f"--surrogates must lie between 1 and {_MOST_SURROGATES:,}, got {number}."
        )
    return int(number)


def _check_seeds(seeds: Sequence[int]) -> None:
    if len(set(seeds)) < len(seeds) or max(seeds) >= _SEEDS:
        raise ValueError(
            f"--seeds must be different whole numbers below {_SEEDS}, got "
            f"{','.join(map(str, seeds))}."
        )


def _check_controls(controls: Sequence[str]) -> None:
    unknown = [name for name in controls if name not in CONTROLS]
    if unknown or len(set(controls)) < len(controls):
        raise ValueError(
            f"--controls takes different ones of {', '.join(CONTROLS)}; got "
            f"{', '.join(controls)}."
        )


def _check_device(device: str) -> None:
    if device == "auto" or re.fullmatch(rf"({'|'.join(DEVICES)})(:\d+)?", device):
        return
    raise ValueError(
        f"--device {device} cannot be used: there are auto, {', '.join(DEVICES)}, with a "
        "number where there are several, such as cuda:1."
    )


def _check_names(given: dict[str, object]) -> None:
    """Check names that MNE knows, and the pattern of file names."""
    montages = ("recorded", "none", *MONTAGES)
    for name, known in (("reader", READERS), ("montage", montages)):
        value = given.get(name)
        if value is not None and value not in known:
            raise ValueError(
                f"There is no {name} {value!r} (--{name}). There are {', '.join(known)}."
            )
    if "pattern" in given:
        try:
            groups = re.compile(str(given["pattern"])).groupindex
        except re.error as error:
            raise ValueError(
                f"--pattern {given['pattern']!r} is no regular expression: {error}."
            ) from None
        if "subject" not in groups:
            raise ValueError(
                f"--pattern {given['pattern']!r} has no group subject; write it like "
                r"'(?P<subject>p\d+)_(?P<run>\d+)'."
            )


def check_folder(folder: Path, what: str) -> None:
    """Check a folder that is to be read; `what` is its option, or what it holds.

    Raises
    ------
    ValueError
        If it is a file.
    FileNotFoundError
        If there is none.
    """
    if folder.is_file():
        raise ValueError(f"{what} takes a folder, and {folder} is a file.")
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder} ({what}).")


def check_eeg_files(files: Sequence[Path]) -> None:
    """Check EEG files that are to be read.

    Raises
    ------
    ValueError
        If one is a folder (those of EGI are recordings).
    FileNotFoundError
        If there is no such file.
    """
    missing = [file for file in files if not file.exists()]
    if missing:
        raise FileNotFoundError(f"There is no file {', '.join(map(str, missing[:5]))}.")
    for file in files:
        if file.is_dir() and file.suffix.lower() != ".mff":
            raise ValueError(
                f"{file} is a folder; give the EEG files in it, as {file / '*.vhdr'}."
            )


def check_source(arguments: argparse.Namespace) -> None:
    """Check that options of recordings go with where they come from.

    Raises
    ------
    ValueError
        If an option has no meaning for such recordings.
    """
    options = data_options(arguments)
    given = [name for name, value in options.items() if value is not None]
    if arguments.data is None:
        wrong, why = given, "Simulated recordings take no {}; give a folder by --data."
    elif arguments.coupling is not None:
        wrong = [name for name in given if name not in _OF_COUPLING]
        why = "With --coupling the BOLD is simulated and markers are made: leave out {}."
    else:
        wrong = [name for name in ("noise",) if name in given]
        wrong += ["coupling_kind"] if arguments.coupling_kind else []
        why = "Of use for simulated BOLD only: {}. Add --coupling, or leave it out."
    if wrong:
        raise ValueError(why.format(", ".join(map(_option, wrong))))


def check_protocol(arguments: argparse.Namespace) -> None:
    """Check the protocol of an evaluation, its folds and its tasks.

    Raises
    ------
    ValueError
        If they do not go together.
    """
    protocol = arguments.protocol
    tasks = [t for t in (arguments.source, arguments.target) if t is not None]
    if protocol in WITH_FOLDS and arguments.folds < 2:
        raise ValueError(f"--folds must be at least 2, got {arguments.folds}.")
    if protocol in TRANSFERS and len(tasks) < 2:
        raise ValueError(
            f"--protocol {protocol} goes from one task to another: give --source and "
            "--target."
        )
    if tasks and protocol not in TRANSFERS:
        raise ValueError(
            f"--source and --target are for --protocol {', '.join(TRANSFERS)}, not for "
            f"{protocol}."
        )
    known = [find(name) for name in arguments.models if ":" not in name]
    linear = [entry[0] for entry in known if entry and entry[0] in LINEAR]
    if protocol == "fine-tuned" and linear:
        raise ValueError(
            f"--protocol fine-tuned is for networks: leave {', '.join(linear)} out of "
            "--models, or use --protocol joint."
        )


def check_models(arguments: argparse.Namespace) -> None:
    """Check ``--models`` and the options of networks.

    Raises
    ------
    ValueError
        If a model is unknown, or an option does not go with the chosen models.
    FileNotFoundError
        If there are no such weights.
    """
    own = [name for name in arguments.models if ":" in name]
    for name in own:
        if not re.fullmatch(r"[^:]+:[^\W\d]\w*", name):
            raise ValueError(
                f"A model of yours is written module:name, such as my_models:PowerNet; got "
                f"{name!r}."
            )
    found = [(name, find(name)) for name in arguments.models if name not in own]
    wrong = [name for name, entry in found if entry is None]
    if wrong or not (found or own):
        what = "--models names no model."
        if wrong:
            what = f"There is no model {wrong[0]!r}.{alike(wrong[0])}"
        raise ValueError(
            f"{what} There are {', '.join(MODELS)}, those of braindecode, which "
            "`braindecode-bolt models` lists, and models of yours, as module:name."
        )
    for name, entry in found:
        if entry[1].cannot:
            raise ValueError(f"{name} cannot predict BOLD: {entry[1].cannot}.")
    chosen = {entry[0] for _, entry in found}
    if arguments.head not in (None, "linear") and not chosen & set(WITH_TOKENS):
        raise ValueError(f"--head {arguments.head} is for {', '.join(WITH_TOKENS)}.")
    if arguments.unknown_channels == "fresh" and "LabramBOLD" in chosen:
        raise ValueError("--unknown-channels fresh is for NeuroBOLT, not for LabramBOLD.")
    starts = {
        "--pretrained": arguments.pretrained is not None,
        "--pretrain": arguments.pretrain,
        "--pretrain-eeg": arguments.pretrain_eeg is not None,
    }
    given = [name for name, is_given in starts.items() if is_given]
    if len(given) > 1:
        raise ValueError(f"Use one of {' and '.join(given)}.")
    if given and not chosen & set(WITH_WEIGHTS):
        raise ValueError(f"{given[0]} is for {', '.join(WITH_WEIGHTS)}.")
    if arguments.pretrained is not None:
        _check_pretrained(arguments.pretrained, arguments.size)


def _check_pretrained(weights: str, size: str) -> None:
    # Of what pretrain writes, the size is looked at when the file is read.
    ours = weights.endswith((".safetensors", "neurobolt-small"))
    if not ours and size != "published":
        raise ValueError("--pretrained needs --size published, as the weights are.")
    on_hub = re.fullmatch(r"[\w.-]+/[\w.-]+(/.*)?", weights)
    if not (weights == "neurobolt-small" or Path(weights).exists() or on_hub):
        raise FileNotFoundError(
            f"{weights} is neither a file, nor a folder, nor named like a repository of "
            "the Hugging Face Hub (owner/name)."
        )


def check_atlas(arguments: argparse.Namespace) -> None:
    """Check ``--atlas`` and ``--labels``, without reading the atlas.

    Raises
    ------
    ValueError
        If there are names but no atlas.
    FileNotFoundError
        If there is no such file.
    """
    atlas, labels = arguments.atlas, arguments.labels
    if labels is not None and atlas is None:
        raise ValueError("--labels names the regions of --atlas; give --atlas, too.")
    if labels is not None and not labels.is_file():
        raise FileNotFoundError(f"There is no file {labels} (--labels).")
    if atlas is not None and atlas not in ATLASES and not Path(atlas).is_file():
        raise FileNotFoundError(
            f"--atlas takes an image file or one of {', '.join(ATLASES)}; there is no file "
            f"{atlas}."
        )
