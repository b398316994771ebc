"""Parameters grouped by learning rate and weight decay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

#: Parts of a LaBraM encoder that have the full learning rate, like what follows it.
_ABOVE = ("norm", "fc_norm", "temporal_embedding", "fresh_embedding")


def layer_decay_groups(
    model: nn.Module,
    layer_decay: float,
    encoder: str | None = None,
    n_blocks: int = 0,
    embeddings: Sequence[nn.Parameter] = (),
) -> list[dict[str, Any]]:
    """Group parameters as LaBraM is fine-tuned.

    Parameters
    ----------
    model : nn.Module
        Its parameters are grouped.
    layer_decay : float
        Factor of the learning rate from block to block towards the input.
    encoder : str | None
        Name of the module whose learning rates fall. None: all have the full rate.
    n_blocks : int
        Number of blocks of the encoder.
    embeddings : sequence of Parameter
        Parameters of more than one dimension that have no weight decay.

    Returns
    -------
    list of dict
        With ``params`` (list of Parameter), ``names`` (list of str),
        ``lr_scale`` (float) and ``decay`` (bool).
    """
    undecayed = {id(embedding) for embedding in embeddings}
    groups: dict[tuple[float, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        decay = parameter.ndim > 1 and id(parameter) not in undecayed
        scale = layer_decay ** _depth_below_top(name, encoder, n_blocks)
        group = groups.setdefault(
            (scale, decay), {"params": [], "names": [], "lr_scale": scale, "decay": decay}
        )
        group["params"].append(parameter)
        group["names"].append(name)
    return list(groups.values())


def _depth_below_top(name: str, encoder: str | None, n_blocks: int) -> int:
    first, *rest = name.split(".")
    if first != encoder or rest[0] in _ABOVE:
        return 0
    return n_blocks - int(rest[1]) if rest[0] == "blocks" else n_blocks + 1
