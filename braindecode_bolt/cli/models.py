"""Models of a command, made from its options."""

from __future__ import annotations

import argparse
from typing import Any

import torch
from sklearn.base import BaseEstimator

from ..linear import LINEAR
from ..models import encoder_card
from ..models.checkpoints import read_weights
from ..training.estimators import estimator_names, make_estimator
from .choices import WITH_TOKENS, WITH_WEIGHTS
from .own_models import load_own

__all__ = ["choose_device", "make_models"]

#: Training settings by size of the networks; the published ones are the defaults.
_TRAINING: dict[str, dict[str, Any]] = {
    "small": {"lr": 1e-3, "max_epochs": 8},
    "published": {"batch_size": 64},
}


def make_models(arguments: argparse.Namespace, device: str) -> dict[str, BaseEstimator]:
    """Make models by name, each with the options that it takes.

    Parameters
    ----------
    arguments : argparse.Namespace
        Arguments of :func:`~braindecode_bolt.cli.options.add_model_options`, and
        ``jobs``.
    device : str
        Where networks are trained.

    Returns
    -------
    dict of str -> estimator

    Raises
    ------
    CheckpointError
        If the weights cannot be read.
    """
    if arguments.pretrained is not None:
        read_weights(arguments.pretrained)  # Unreadable weights are reported at once.
        _check_size(arguments)
    training = {
        **_TRAINING[arguments.size],
        "precision": arguments.precision,
        "device": device,
    }
    if arguments.epochs is not None:
        training["max_epochs"] = arguments.epochs
    by_name = {name.lower(): name for name in estimator_names(braindecode=True)}
    models: dict[str, BaseEstimator] = {}
    for given in arguments.models:
        if ":" in given:
            own = given.partition(":")[2]
            models[given if own in models else own] = load_own(given, training)
            continue
        name = by_name[given.lower()]
        chosen = {} if name in LINEAR else {**training, **_of_network(name, arguments)}
        models[name] = make_estimator(name, arguments.size, **chosen)
    return models


def _of_network(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    mine: dict[str, Any] = {}
    if name in ("NeuroBOLT", "LabramBOLD"):
        mine["module__unknown_channels"] = arguments.unknown_channels
    if name in WITH_TOKENS and (head := _head(arguments)) is not None:
        mine["head"] = head
    if name in WITH_WEIGHTS and arguments.pretrained is not None:
        mine["module__pretrained"] = arguments.pretrained
        # The regions are seldom those of the weights.
        mine["module__new_head"] = True
    return mine


def _head(arguments: argparse.Namespace) -> str | None:
    """Read ``--head``; None leaves it to the model."""
    if arguments.head is not None:
        return arguments.head
    if arguments.epochs is not None:
        return "linear"
    pretraining = arguments.pretrain or arguments.pretrain_eeg is not None
    given = arguments.pretrained is not None and encoder_card(arguments.pretrained)
    return "closed_form" if pretraining or given else None


def _check_size(arguments: argparse.Namespace) -> None:
    """Raise if published weights are to go into a network of another size."""
    if arguments.size != "published" and not encoder_card(arguments.pretrained):
        raise ValueError(
            "--pretrained needs --size published, as the weights are, unless they are of "
            "braindecode-bolt pretrain."
        )


def choose_device(device: str) -> str:
    """Read ``--device``.

    Parameters
    ----------
    device : str
        A device of PyTorch, or "auto".

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the device cannot be used.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"--device {device} cannot be used: {reason}") from error
    return device
