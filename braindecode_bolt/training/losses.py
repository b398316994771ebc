"""Losses for many regions at once."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["CorrelationLoss"]


class CorrelationLoss(nn.Module):
    r"""Squared error mixed with the negative correlation within a recording.

    .. math:: (1 - w) \, \mathrm{MSE} + w \, (1 - \bar R)

    with Pearson's R over the windows of a batch, averaged over regions. What is
    reported is R within a recording; the squared error also spends itself on
    differences between recordings and on the size of the signal. `EEGRegressor`
    makes every batch from windows of one recording when it trains with this
    loss, so that R cannot be raised by telling recordings apart.

    Parameters
    ----------
    weight : float
        Share of the correlation, w, between 0 (squared error alone) and 1.
        Default 0.5.

    Raises
    ------
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
        if not 0 <= weight <= 1:
            raise ValueError(f"weight must lie between 0 and 1, got {weight}.")
        self.weight = weight

    def forward(self, predicted: torch.Tensor, measured: torch.Tensor) -> torch.Tensor:
        """Compute the loss.

        Parameters
        ----------
        predicted, measured : Tensor, shape (batch, n_outputs)
            Windows of one recording.

        Returns
        -------
        Tensor, shape ()
        """
        error = F.mse_loss(predicted, measured)
        if len(predicted) < 3:
            # Two points always correlate perfectly.
            return error
        # cosine_similarity keeps away from 0 / 0 by an epsilon of its own.
        centred = (
            series - series.mean(dim=0, keepdim=True) for series in (predicted, measured)
        )
        r = F.cosine_similarity(*centred, dim=0)
        return (1 - self.weight) * error + self.weight * (1 - r.mean())
