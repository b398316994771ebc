"""The layer that both encoders of NeuroBOLT have."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


class FeedForward(nn.Sequential):
    """Two linear layers with a non-linearity between them; four times as wide inside.

    Parameters
    ----------
    dim : int
        Width of a token.
    activation : type of nn.Module
        The non-linearity.
    """

    def __init__(self, dim: int, activation: type[nn.Module]):
        super().__init__(
            OrderedDict(
                fc1=nn.Linear(dim, 4 * dim),
                activation=activation(),
                fc2=nn.Linear(4 * dim, dim),
            )
        )
