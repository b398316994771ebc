"""Weights of windows in the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

__all__ = ["as_weights", "weighted_loss"]


def as_weights(sample_weight: Any, n_windows: int) -> np.ndarray:
    """Check the weights of windows.

    Parameters
    ----------
    sample_weight : array-like, shape (n_windows,)
        Weights, not negative.
    n_windows : int
        Number of windows.

    Returns
    -------
    ndarray, shape (n_windows,)
        float32.

    Raises
    ------
    ValueError
        If there is not one weight for each window, or they are negative, not finite or
        all zero.
    """
    weights = np.asarray(sample_weight, dtype=np.float32)
    if weights.shape != (n_windows,):
        raise ValueError(
            f"sample_weight must have one weight for each of {n_windows} windows, got an "
            f"array of shape {weights.shape}."
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError("sample_weight must be finite and not negative, and not all zero.")
    return weights


def weighted_loss(
    criterion: Any, loss: Callable[[Any], torch.Tensor], targets: torch.Tensor
) -> torch.Tensor:
    """Average a loss over windows by their weights.

    Parameters
    ----------
    criterion : nn.Module
        A loss of torch, which has a ``reduction``.
    loss : callable
        Applies it to targets.
    targets : Tensor, shape (batch, n_outputs + 1)
        Targets, and the weights in the last column.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    TypeError
        If the criterion gives no loss of single windows.
    """
    if not hasattr(criterion, "reduction"):
        raise TypeError(
            f"sample_weight needs a criterion with a reduction, as those of torch have; "
            f"{type(criterion).__name__} has none."
        )
    weights, before = targets[:, -1], criterion.reduction
    criterion.reduction = "none"
    try:
        each = loss(targets[:, :-1])
    finally:
        criterion.reduction = before
    each = each.reshape(len(weights), -1).mean(dim=1)
    return (each * weights).sum() / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)
