"""Losses for many regions at once."""

from __future__ import annotations

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
    ValueError
        If the shapes differ.
    """
    if y_true.ndim == 1 and y_pred.ndim == 2 and y_pred.shape[1] == 1:
        y_true = y_true.unsqueeze(1)
    if y_pred.shape != y_true.shape:
        raise ValueError(
            f"The model predicts {tuple(y_pred.shape[1:])} values per window, the "
            f"targets have {tuple(y_true.shape[1:])}. Build the model with n_outputs="
            f"{y_true.shape[-1] if y_true.ndim > 1 else 1}."
        )
    return y_true
