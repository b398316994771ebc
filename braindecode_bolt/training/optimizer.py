"""Arguments of the optimizer: learning rate and weight decay of each parameter."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def with_fused_steps(
    optimizer: type[torch.optim.Optimizer], kwargs: dict[str, Any], device: str | None
) -> dict[str, Any]:
    """Let Adam update all parameters in one pass: three times as fast on CPUs."""
    chosen = {"foreach", "fused", "differentiable"} & set(kwargs)
    known = torch.device(device or "cpu").type in ("cpu", "cuda")
    if chosen or not known or optimizer not in (torch.optim.Adam, torch.optim.AdamW):
        return kwargs
    return {**kwargs, "fused": True}


def parameter_groups(
    module: nn.Module,
    parameters: list[nn.Parameter],
    layer_decay: float,
    kwargs: dict[str, Any],
) -> list[dict[str, Any]]:
    """Turn a model's ``parameter_groups(layer_decay)`` into those of an optimizer.

    Parameters
    ----------
    module : nn.Module
        The model.
    parameters : list of Parameter
        All that are trained; those that are in no group of the model, such as
        parameters of the criterion, form another group at the full rate.
    layer_decay : float
        Factor of the learning rate from block to block.
    kwargs : dict
        Arguments of the optimizer, of which ``lr`` and ``weight_decay`` are used.

    Returns
    -------
    list of dict
        With ``params``, ``lr``, ``lr_scale`` and, where known, ``weight_decay``.
    """
    groups = []
    for group in module.parameter_groups(layer_decay):
        scale = group["lr_scale"]
        options = {"params": group["params"], "lr": kwargs["lr"] * scale, "lr_scale": scale}
        if "weight_decay" in kwargs:
            options["weight_decay"] = kwargs["weight_decay"] if group["decay"] else 0.0
        groups.append(options)
    grouped = {id(parameter) for group in groups for parameter in group["params"]}
    rest = [parameter for parameter in parameters if id(parameter) not in grouped]
    return groups + ([{"params": rest, "lr": kwargs["lr"]}] if rest else [])
