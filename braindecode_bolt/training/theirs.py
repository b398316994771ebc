"""Inputs and outputs of the models of braindecode itself."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import nn

from .._checks import check_number
from ..models._theirs import entry_of
from ..windows.inputs import Input

__all__ = ["input_scale", "one_per_region"]


def one_per_region(module: nn.Module, output: Any) -> Any:
    """Average the series that some of braindecode's models give per window.

    Parameters
    ----------
    module : nn.Module
        Any network.
    output : Tensor, shape (batch, n_outputs) or (batch, n_steps, n_outputs)
        What it gave.

    Returns
    -------
    Tensor, shape (batch, n_outputs)
        One number per window and region.

    Raises
    ------
    ValueError
        If a model of braindecode gives no such thing.
    """
    entry = entry_of(module)
    if entry is None or not isinstance(output, torch.Tensor):
        return output
    if entry.dense and output.ndim == 3:
        return output.mean(dim=1)
    if output.ndim != 2:
        raise ValueError(
            f"braindecode's {type(module).__name__} gives {tuple(output.shape[1:])} per "
            f"window instead of a number per region: {entry.cannot or 'unknown output'}."
        )
    return output


def input_scale(scale: Any, module: nn.Module, source: Input) -> float:
    """Choose the number that windows are divided by before a network sees them.

    Parameters
    ----------
    scale : "auto" | float
        As for :class:`EEGRegressor`.
    module : nn.Module
        The network.
    source : Input
        The training windows.

    Returns
    -------
    float
        Microvolts.

    Raises
    ------
    ValueError
        If `scale` is no positive number and not "auto".
    """
    if scale != "auto":
        if not isinstance(scale, Real):
            raise ValueError(
                f"input_scale must be 'auto' or a positive number of microvolts, got "
                f"{scale!r}."
            )
        check_number(scale, "input_scale", low=0, inclusive="neither")
        return float(scale)
    entry = entry_of(module)
    if entry is None:
        return 1.0
    if entry.unit is not None:
        return entry.unit
    spread = float(np.median(source.sample().std(axis=-1)))
    return spread if np.isfinite(spread) and spread > 0 else 1.0
