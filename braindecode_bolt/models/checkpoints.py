"""Weights from elsewhere: published files, other models, the Hugging Face Hub."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ._weight_files import CheckpointError, read_weights
from ._weight_names import HEAD, PUBLISHED_CHANNELS

__all__ = ["PUBLISHED_CHANNELS", "CheckpointError", "load_published_weights"]

logger = logging.getLogger(__name__)


def load_published_weights(
    model: nn.Module,
    source: str | Path | Mapping[str, torch.Tensor] | nn.Module,
    ch_names: Sequence[str] | None = None,
    new_head: bool = False,
) -> nn.Module:
    """Load published weights into a model, in full or not at all.

    What can be loaded, told apart by the names in it:

    - **NeuroBOLT** as published, one file per region (weights under ``model``
      beside the state of the training): all of a NeuroBOLT.
    - **LaBraM-base** as published (names that begin with ``student.``): the
      spatiotemporal encoder of a NeuroBOLT, the encoder of a LabramBOLD. What
      LaBraM needs for its own pretraining only, its final norm among it, is left
      out, as it was for the publication.
    - braindecode's **Labram**, as a state dict or a model
      (``Labram.from_pretrained("braindecode/labram-pretrained")``): the same.
    - **BIOT** as published, or braindecode's **BIOT**: the encoder of a BIOTBOLD.
      The rows of its channel table are taken where the weights name their channels
      and all of the model's are among them, and begin anew elsewhere: the published
      ones are for bipolar derivations.
    - **Our own**: a state dict, or a folder of ``save_pretrained``, of the same
      class.

    Rows of the table of seconds are taken as far as the model's window
    reaches; rows of the spectral channel table by the names of the channels, so
    that a model may have a part of the channels of the file, in any order.

    Parameters
    ----------
    model : NeuroBOLT | LabramBOLD | BIOTBOLD
        Changed in place; left as it is where something does not fit. Other networks
        of this package take their own weights.
    source : str | Path | mapping of str to Tensor | nn.Module
        A file (``.pth``, ``.pt``, ``.bin``, ``.ckpt``, ``.safetensors``), a folder
        of ``save_pretrained``, a repository on the Hugging Face Hub
        (``"owner/name"``, or ``"owner/name/path/to/file"``), a state dict, or
        a model. Files are read without executing anything in them.
    ch_names : sequence of str | None
        Channels of the weights, in order. Needed for NeuroBOLT weights only;
        by default those saved beside them, the 26 of the publication
        (:data:`PUBLISHED_CHANNELS`) for a table of 26 rows of a published
        file, and those of the model for our own.
    new_head : bool
        Leave the last layer of the model as it is, for other regions. Default
        False: a last layer that does not fit is an error.

    Returns
    -------
    nn.Module
        `model`.

    Raises
    ------
    CheckpointError
        If the source cannot be read, or names or shapes do not fit; the
        message lists what is missing, unexpected and of another shape.
    ChannelNameError
        If the weights lack channels of the model.
    FileNotFoundError
        If the source is neither a file nor a repository on the Hub.
    ImportError
        If it is on the Hub, or in safetensors format, and the package for it
        is not installed.
    TypeError
        If the model is none of this package.
    """
    if not hasattr(model, "_translate_weights"):
        raise TypeError(
            f"Weights are loaded into the networks of braindecode_bolt, not into "
            f"{type(model).__name__}."
        )
    state, config = read_weights(source)
    target = model.state_dict()
    _check_settings(config, model, source)
    names = ch_names if ch_names is not None else config.get("ch_names") or None
    loaded, optional = model._translate_weights(state, names)
    wanted = set(target) - (optional - set(loaded))
    if new_head:
        wanted = {name for name in wanted if not name.startswith(HEAD)}
        loaded = {k: v for k, v in loaded.items() if not k.startswith(HEAD)}
    _check(loaded, {name: target[name] for name in wanted}, source)
    model.load_state_dict(loaded, strict=False)
    as_made = sorted({name.rsplit(".", 1)[0] for name in target if name not in loaded})
    if as_made:
        logger.info("Not in the weights, left as it is: %s", ", ".join(as_made))
    return model


def _check_settings(config: Mapping[str, Any], model: nn.Module, source: object) -> None:
    """Raise where weights were trained in a network that computes something else."""
    ours = {
        "input_scale": getattr(model, "input_scale", None),
        "nonlinear_head": getattr(model, "nonlinear_head", None),
    }
    for name, part in (("num_heads", "spatiotemporal"), ("spectral_num_heads", "spectral")):
        blocks = getattr(getattr(model, part, None), "blocks", ())
        ours[name] = blocks[0].attn.num_heads if len(blocks) else None
    wrong = [
        f"{name}={config[name]} (here {value})"
        for name, value in ours.items()
        if value is not None and name in config and config[name] != value
    ]
    if wrong:
        raise CheckpointError(
            f"The weights{_named(source)} were trained with {', '.join(wrong)}. Build the "
            "model with the same settings."
        )


def _check(
    loaded: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], source: object
) -> None:
    known = set(wanted)
    missing = sorted(known - set(loaded))
    unexpected = sorted(set(loaded) - known)
    shapes = [
        f"{name} is {tuple(loaded[name].shape)}, expected {tuple(wanted[name].shape)}"
        for name in sorted(known & set(loaded))
        if loaded[name].shape != wanted[name].shape
    ]
    if not (missing or unexpected or shapes):
        return
    lines = []
    for what, names in (
        ("missing", missing),
        ("unexpected", unexpected),
        ("of another shape", shapes),
    ):
        if names:
            lines.append(f"  {what} ({len(names)}): {'; '.join(names)}")
    only_head = all(name.startswith(HEAD) for name in (*missing, *unexpected, *shapes))
    advice = (
        "The weights are for other regions: use new_head=True to train a new last layer."
        if only_head
        else "Build the model with the sizes of the weights."
    )
    raise CheckpointError(
        f"The weights{_named(source)} do not fit the model; nothing was loaded. {advice}\n"
        + "\n".join(lines)
    )


def _named(source: object) -> str:
    return f" of {source}" if isinstance(source, (str, Path)) else ""
