"""Losses for many regions at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from .._checks import check_number

__all__ = ["CorrelationLoss"]


class CorrelationLoss(nn.Module):
    r"""Squared error mixed with the negative correlation within a recording.

    .. math:: (1 - w) \, \mathrm{MSE} + w \, (1 - \bar R)

    with Pearson's R over the windows of a batch, averaged over regions. Models are
    scored by R within a recording; the squared error also depends on differences
    between recordings and on the amplitude of the signal. With this loss,
    `EEGRegressor` makes every batch from windows of one recording, so that R cannot be
    raised by telling recordings apart.

    Parameters
    ----------
    weight : float, default 0.5
        Share of the correlation, w, between 0 (squared error alone) and 1.

    Raises
    ------
    TypeError
        If the weight is not a number.
    ValueError
        If the weight lies outside 0 to 1.

    Examples
    --------
    >>> from braindecode_bolt import EEGRegressor
    >>> from braindecode_bolt.training import CorrelationLoss
    >>> regressor = EEGRegressor(
    ...     "NeuroBOLT", criterion=CorrelationLoss, criterion__weight=0.3
    ... )
    """

    #: Tells EEGRegressor to draw each batch from one recording.
    within_recording = True

    def __init__(self, weight: float = 0.5):
        super().__init__()
        check_number(weight, "weight", low=0, high=1)
        self.weight = weight

    def forward(self, predicted: torch.Tensor, measured: torch.Tensor) -> torch.Tensor:
        """Compute the loss.

        Parameters
        ----------
        predicted : Tensor, shape (batch, n_outputs)
            Predictions of windows of one recording.
        measured : Tensor, shape (batch, n_outputs)
            Their targets.

        Returns
        -------
        Tensor, shape ()
            The loss. With fewer than 3 windows, whose correlation says nothing, the mean
            squared error alone.
        """
        error = F.mse_loss(predicted, measured)
        if len(predicted) < 3:
            # Two points always correlate perfectly.
            return error
        # cosine_similarity avoids 0 / 0 by a small constant.
        centred = (
            series - series.mean(dim=0, keepdim=True) for series in (predicted, measured)
        )
        r = F.cosine_similarity(*centred, dim=0)
        return (1 - self.weight) * error + self.weight * (1 - r.mean())


def check_parts(criterion: Any, optimizer: Any) -> None:
    """Raise a TypeError if loss or optimizer are given in a form that skorch cannot build.

    Parameters
    ----------
    criterion, optimizer : Any
        As given to the regressor.
    """
    if isinstance(criterion, str):
        raise TypeError(
            f"criterion must be a class or an instance of a loss, such as nn.L1Loss, got "
            f"{criterion!r}."
        )
    if inspect.isroutine(criterion):
        parameters = inspect.signature(criterion).parameters.values()
        needed = [p for p in parameters if p.default is p.empty and p.kind < 2]
        if len(needed) >= 2:
            raise TypeError(
                f"criterion is the function {criterion.__name__}, expected a class or an "
                "instance of a loss: put the function into the forward(y_pred, y_true) of "
                "a torch.nn.Module."
            )
    if not callable(optimizer):
        raise TypeError(
            f"optimizer must be a class such as torch.optim.AdamW, got {optimizer!r}."
        )


def match_targets(y_pred: torch.Tensor, y_true: torch.Tensor) -> torch.Tensor:
    """Give targets the shape of predictions, so that losses never broadcast.

    Parameters
    ----------
    y_pred, y_true : Tensor
        Predictions and targets of a batch.

    Returns
    -------
    Tensor
        `y_true`, as a column if there is one output.

    Raises
    ------
    TypeError
        If the predictions are not one tensor.
    ValueError
        If the shapes differ.
    """
    if not isinstance(y_pred, torch.Tensor):
        raise TypeError(
            f"The network's forward gives a {type(y_pred).__name__}, expected one tensor "
            "of shape (batch, n_outputs). Return the predictions alone."
        )
    if y_true.ndim == 1 and y_pred.ndim == 2 and y_pred.shape[1] == 1:
        y_true = y_true.unsqueeze(1)
    if y_pred.shape != y_true.shape:
        n_outputs = y_true.shape[-1] if y_true.ndim > 1 else 1
        advice = f"Build the model with n_outputs={n_outputs}."
        if y_pred.ndim != 2:
            advice = (
                f"The network's forward must give (batch, n_outputs), here (batch, "
                f"{n_outputs}): average over time, or remove dimensions of size 1."
            )
        raise ValueError(
            f"The model predicts {tuple(y_pred.shape[1:])} values per window, the "
            f"targets have {tuple(y_true.shape[1:])}. {advice}"
        )
    return y_true


def mixed_loss(loss: Callable[[Any], Any], y_true: Any) -> Any:
    """Apply a loss to targets that braindecode's ``Mixup`` has mixed, or to others.

    Parameters
    ----------
    loss : callable
        Takes targets.
    y_true : Tensor | (Tensor, Tensor, Tensor)
        Targets, or those of both windows of each mixture, and the share of the first.

    Returns
    -------
    Tensor, shape ()
        The loss of the mixed targets. Targets are mixed in proportion, as mixup does
        (Zhang et al. 2018, https://arxiv.org/abs/1710.09412).
    """
    mixed = isinstance(y_true, (list, tuple)) and len(y_true) == 3
    if not mixed:
        return loss(y_true)
    first, second, share = y_true
    share = share.reshape(-1, *[1] * (first.ndim - 1)).to(first)
    return loss(share * first + (1 - share) * second)
