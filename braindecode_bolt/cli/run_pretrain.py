"""The work of ``braindecode-bolt pretrain``, and of pre-training in ``evaluate``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from .._files import content_hash
from .._text import counted
from ..datasets import read_eeg_folder
from ..training import (
    EEGRegressor,
    PretrainedRegressor,
    network_arguments,
    pretrain_band_power,
)
from ..training.pretext import as_pieces, eeg_hashes
from .choices import WITH_WEIGHTS
from .models import choose_device
from .options import channels, preparation
from .recordings import Prepared

__all__ = ["run_pretrain", "with_pretraining"]


def run_pretrain(arguments: argparse.Namespace) -> int:
    """Pre-train a network, and write its weights and their card.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of ``braindecode-bolt pretrain``.

    Returns
    -------
    int
        Exit status, 0.
    """
    recordings = Prepared(
        read_eeg_folder(arguments.data, arguments.pattern, arguments.reader),
        channels(arguments.channels),
        preparation(arguments),
    )
    sizes = network_arguments(arguments.model, arguments.size)
    if arguments.model in ("NeuroBOLT", "LabramBOLD"):
        sizes["unknown_channels"] = arguments.unknown_channels
    found = pretrain_band_power(
        arguments.model,
        recordings,
        model_arguments=sizes,
        window_seconds=arguments.window,
        n_steps=arguments.steps,
        max_seconds=arguments.max_seconds,
        random_state=arguments.seed,
        device=choose_device(arguments.device),
        dataset=arguments.dataset,
        notes=arguments.notes,
    )
    file = found.save(arguments.out)
    training = found.card["training"]
    print(
        f"{counted(len(found.card['recordings']), 'recording')}, "
        f"{counted(len(found.model.ch_names or []), 'channel')}: mean squared error of "
        f"standardised power {found.losses[:10].mean():.2f} at the start, "
        f"{training['mean_squared_error']:.2f} after {counted(training['steps'], 'step')} "
        f"({training['seconds']:.0f} s).\nWritten: {file} and {file.with_suffix('.json')}\n"
        f"Start from them: braindecode-bolt evaluate --pretrained {file}"
    )
    return 0


def with_pretraining(
    models: Mapping[str, BaseEstimator],
    arguments: argparse.Namespace,
    prepared: Mapping[str, Any],
    folder: Path,
) -> dict[str, BaseEstimator]:
    """Add pre-training to the networks that can have it.

    Parameters
    ----------
    models : mapping of str to estimator
        Models by name.
    arguments : argparse.Namespace
        Arguments of ``braindecode-bolt evaluate``.
    prepared : mapping
        Arguments of prepare_eeg.
    folder : Path
        Results folder. Encoders that are pre-trained on other EEG are kept beside it.

    Returns
    -------
    dict of str -> estimator
    """
    able = {
        name: model
        for name, model in models.items()
        if name in WITH_WEIGHTS and isinstance(model, EEGRegressor)
    }
    changed = dict(models)
    if arguments.pretrain:
        for name, model in able.items():
            steps = arguments.pretrain_steps
            changed[name] = PretrainedRegressor(model, n_steps=steps)
    if arguments.pretrain_eeg is not None:
        folder = folder.with_name(f"{folder.name}-encoders")
        recordings = Prepared(
            read_eeg_folder(arguments.pretrain_eeg),
            channels(arguments.channels),
            prepared,
        )
        pieces = as_pieces(recordings, 16.0, 100)
        for name, model in able.items():
            file = _pretrained(name, pieces, arguments, folder)
            changed[name] = model.set_params(module__pretrained=str(file))
    return changed


def _pretrained(
    name: str, pieces: list[Any], arguments: argparse.Namespace, folder: Path
) -> Path:
    """Pre-train on other EEG, unless this was done already."""
    sizes = network_arguments(name, arguments.size)
    if name in ("NeuroBOLT", "LabramBOLD"):
        sizes["unknown_channels"] = arguments.unknown_channels
    steps, seed = arguments.pretrain_steps, arguments.seeds[0]
    described = [name, arguments.size, arguments.unknown_channels, steps, seed]
    key = content_hash(described, *(sorted(eeg_hashes(p).items()) for p in pieces))[:12]
    file = folder / f"{name}-{key}.safetensors"
    if not file.exists():
        found = pretrain_band_power(
            name,
            pieces,
            model_arguments=sizes,
            n_steps=steps,
            random_state=seed,
            device=choose_device(arguments.device),
            dataset=arguments.pretrain_dataset,
        )
        found.save(file)
    print(f"{name} begins from {file}, pre-trained on {arguments.pretrain_eeg}.")
    return file
