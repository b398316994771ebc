"""Parameters grouped by learning rate and weight decay."""

from __future__ import annotations

from typing import Any

from torch import nn

#: Embeddings of a LaBraM encoder; they have no weight decay.
_EMBEDDINGS = ("cls_token", "position_embedding", "temporal_embedding", "fresh_embedding")
#: Parts of a LaBraM encoder that have the full learning rate, like what follows it.
_FULL_RATE = ("norm", "fc_norm", "temporal_embedding", "fresh_embedding")


def layer_decay_groups(
    model: nn.Module, layer_decay: float, encoder: str | None = None
) -> list[dict[str, Any]]:
    """Group parameters as LaBraM is fine-tuned.

    Parameters
    ----------
    model : nn.Module
        Its parameters are grouped.
    layer_decay : float
        Factor of the learning rate from block to block towards the input.
    encoder : str | None
        Name of the module whose learning rates fall, a LaBraM. Default None: all have
        the full rate.

    Returns
    -------
    list of dict
        With ``params`` (list of Parameter), ``names`` (list of str),
        ``lr_scale`` (float) and ``decay`` (bool).
    """
    labram = None if encoder is None else getattr(model, encoder)
    n_blocks = 0 if labram is None else len(labram.blocks)
    groups: dict[tuple[float, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        part, *inner = name.split(".")
        of_encoder = labram is not None and part == encoder
        decay = parameter.ndim > 1 and not (of_encoder and inner[0] in _EMBEDDINGS)
        depth = _depth_below_top(inner, n_blocks) if of_encoder else 0
        scale = layer_decay**depth
        group = groups.setdefault(
            (scale, decay), {"params": [], "names": [], "lr_scale": scale, "decay": decay}
        )
        group["params"].append(parameter)
        group["names"].append(name)
    return list(groups.values())


def _depth_below_top(inner: list[str], n_blocks: int) -> int:
    """Count the blocks from the output of an encoder down to one of its parameters."""
    if inner[0] in _FULL_RATE:
        return 0
    return n_blocks - int(inner[1]) if inner[0] == "blocks" else n_blocks + 1
