"""Weights from elsewhere: published files, other models, the Hugging Face Hub."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import torch
from torch import nn

from ._weight_files import CheckpointError, read_weights, weight_names
from ._weight_names import HEAD, PUBLISHED_CHANNELS

__all__ = ["PUBLISHED_CHANNELS", "CheckpointError", "load_published_weights"]

logger = logging.getLogger(__name__)

#: Arguments that change what a model computes, but no shape of its weights.
_SETTINGS = (
    "input_scale",
    "nonlinear_head",
    "num_heads",
    "spectral_num_heads",
    "frequency",
)


def load_published_weights(
    model: nn.Module,
    source: str | Path | Mapping[str, torch.Tensor] | nn.Module,
    ch_names: Sequence[str] | None = None,
    new_head: bool = False,
) -> nn.Module:
    """Load published weights into a model, in full or not at all.

    The names in the weights tell what they are:

    - **NeuroBOLT** as published, one file per region (weights under ``model``
      beside the state of the training): all weights of a NeuroBOLT.
    - **LaBraM-base** as published (names that begin with ``student.``): the
      spatiotemporal encoder of a NeuroBOLT, the encoder of a LabramBOLD. What
      LaBraM needs only for its own pretraining, such as its final norm, is left
      out, as in the publication.
    - braindecode's **Labram**, as a state dict or a model
      (``Labram.from_pretrained("braindecode/labram-pretrained")``): the same.
    - **BIOT** as published, or braindecode's **BIOT**: the encoder of a BIOTBOLD.
      Rows of the channel embedding are used only if the weights name their channels
      and all channels of the model are among them. The published ones are for
      bipolar derivations.
    - **Our own**: a state dict, or a folder of ``save_pretrained``, of the same
      class.

    The time embedding is cut to the model's window. Rows of the spectral channel
    embedding go by the names of the channels, so that a model may have a part of the
    channels of the file, in any order.

    Everything is checked before anything is loaded: checksums (``.pth``), that the
    weights are dense, real and finite, and that all names and shapes fit.

    Parameters
    ----------
    model : NeuroBOLT | LabramBOLD | BIOTBOLD
        Changed in place; unchanged where something does not fit. Other networks
        of this package take their own weights.
    source : str | Path | mapping of str to Tensor | nn.Module
        A file (``.pth``, ``.pt``, ``.bin``, ``.ckpt``, ``.safetensors``), a folder
        of ``save_pretrained``, a repository on the Hugging Face Hub
        (``"owner/name"``, or ``"owner/name/path/to/file"``), a state dict, or
        a model. Files are read without executing anything in them; ``torch.save``
        must have written them (torch 1.6 or newer).
    ch_names : sequence of str | None
        Channels of the weights, in order. None: the channels saved beside
        the weights; for a published NeuroBOLT file of 26 channels those of the
        publication (:data:`PUBLISHED_CHANNELS`); for our own those of the model.
    new_head : bool, default False
        Keep the last layer of the model, for other regions than those of the
        weights. Without, a last layer that does not fit is an error.

    Returns
    -------
    nn.Module
        `model`.

    Raises
    ------
    CheckpointError
        If the source cannot be read or is damaged, holds other things than weights,
        or does not fit. The message lists what is missing, unexpected and of
        another shape or type.
    ChannelNameError
        If the weights lack channels of the model.
    FileNotFoundError
        If the source is neither a file nor a repository on the Hub.
    ImportError
        If it is on the Hub, or in safetensors format, and the package for it
        is not installed.
    TypeError
        If the model is none of this package.

    See Also
    --------
    NeuroBOLT.from_pretrained : Builds a model from a folder, with its arguments.
    """
    if not hasattr(model, "_translate_weights"):
        raise TypeError(
            f"Weights are loaded into the networks of braindecode_bolt, not into "
            f"{type(model).__name__}."
        )
    state, config = read_weights(source)
    _check_settings(config, model, source)
    names = ch_names if ch_names is not None else config.get("ch_names") or None
    try:
        loaded, optional = model._translate_weights(state, names)
    except (IndexError, RuntimeError, TypeError) as error:
        raise CheckpointError(
            f"The weights{_named(source)} have arrays of an unexpected number of "
            f"dimensions: {error}"
        ) from error
    target = model.state_dict()
    wanted = set(target) - (optional - set(loaded))
    if new_head:
        wanted = {name for name in wanted if not name.startswith(HEAD)}
        loaded = {k: v for k, v in loaded.items() if not k.startswith(HEAD)}
    _check_fit(loaded, {name: target[name] for name in wanted}, source)
    model.load_state_dict(loaded, strict=False)
    kept = sorted({name.rsplit(".", 1)[0] for name in target if name not in loaded})
    if kept:
        # The last layer is always the model's own, unless it has the same regions.
        usual = all(f"{name}.".startswith(HEAD) for name in kept)
        text = "Not in the weights, kept as in the model: %s"
        logger.log(logging.DEBUG if usual else logging.INFO, text, ", ".join(kept))
    return model


def _check_settings(config: Mapping[str, Any], model: nn.Module, source: object) -> None:
    """Raise if weights were trained in a network that computes something else."""
    ours = model.get_config()
    wrong = [
        f"{name}={shortened(config[name])} (here {ours[name]})"
        for name in _SETTINGS
        if name in config and name in ours and config[name] != ours[name]
    ]
    if wrong:
        raise CheckpointError(
            f"The weights{_named(source)} were trained with {', '.join(wrong)}. Build the "
            "model with the same settings."
        )


def _check_fit(
    loaded: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], source: object
) -> None:
    """Raise if names, shapes or kinds of numbers differ."""
    common = sorted(set(wanted) & set(loaded))
    faults = {
        "missing": sorted(set(wanted) - set(loaded)),
        "unexpected": sorted(set(loaded) - set(wanted)),
        "of another shape": [
            f"{name} is {tuple(loaded[name].shape)}, expected {tuple(wanted[name].shape)}"
            for name in common
            if loaded[name].shape != wanted[name].shape
        ],
        "of another type": [
            f"{name} is {loaded[name].dtype}, expected {wanted[name].dtype}"
            for name in common
            if loaded[name].is_floating_point() != wanted[name].is_floating_point()
        ],
    }
    faults = {what: names for what, names in faults.items() if names}
    if not faults:
        return
    if all(name.startswith(HEAD) for names in faults.values() for name in names):
        advice = (
            "The weights are for other regions: use new_head=True to train a new last "
            "layer."
        )
    else:
        advice = "Build the model with the sizes of the weights."
    lines = [
        f"  {what} ({len(names)}): {weight_names(names)}" for what, names in faults.items()
    ]
    raise CheckpointError(
        f"The weights{_named(source)} do not fit the model; nothing was loaded. {advice}\n"
        + "\n".join(lines)
    )


def _named(source: object) -> str:
    return f" of {source}" if isinstance(source, (str, Path)) else ""
