"""Layers of both encoders, written to need little time and memory.

They compute what their plain forms compute; dropout draws its masks from other
random numbers.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


class Dropout(nn.Dropout):
    """Dropout whose masks are cheap on a CPU.

    torch draws a number of 32 bits for every element there, one after another.
    16 bits each are enough: four come from one draw, and the share that is
    dropped is right to 1 in 65,536.

    Parameters
    ----------
    p : float
        Probability that an element is dropped.
    path_p : float
        Stochastic depth: probability that all elements of a window are dropped.
        Default 0.
    """

    def __init__(self, p: float, path_p: float = 0.0):
        super().__init__(p)
        self.path_p = path_p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, ...) -> the same shape."""
        if not self.training:
            return x
        threshold = round(self.p * 2**16)
        path = self._draw_path(x)
        if x.device.type != "cpu" or torch.compiler.is_compiling() or threshold == 0:
            x = super().forward(x)
            return x if path is None else x * path
        bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device)
        bits.random_(-(2**63), None)
        numbers = bits.view(torch.int16)[: x.numel()].view(x.shape)
        # As a mask in bytes, a quarter of the memory of one in float32.
        kept = numbers >= threshold - 2**15
        scale = 2**16 / (2**16 - threshold)
        return _Masked.apply(x, kept, scale if path is None else scale * path)

    def _draw_path(self, x: torch.Tensor) -> torch.Tensor | None:
        """Factor of each window, 0 where it is dropped."""
        if self.path_p == 0:
            return None
        path = x.new_empty(len(x), *[1] * (x.ndim - 1)).bernoulli_(1 - self.path_p)
        return path.div_(1 - self.path_p)


class _Masked(torch.autograd.Function):
    """A product with a mask, of which only the mask is kept."""

    @staticmethod
    def forward(
        ctx, x: torch.Tensor, kept: torch.Tensor, scale: float | torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return (x * kept).mul_(scale)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor):
        (kept,) = ctx.saved_tensors
        return (gradient * kept).mul_(ctx.scale), None, None


class FeedForward(nn.Module):
    """Two linear layers with a non-linearity between them.

    Parameters
    ----------
    dim : int
        Width of a token.
    drop_prob : float
        Dropout on the output.
    activation : type of nn.Module
        The non-linearity.
    drop_path_prob : float
        Probability that the output of a window is dropped as a whole.
    recompute : bool
        Compute what lies between the norm and the last product, the largest
        tensors of a block, again in the backward pass instead of keeping it.
    """

    def __init__(
        self,
        dim: int,
        drop_prob: float,
        activation: type[nn.Module],
        drop_path_prob: float = 0.0,
        recompute: bool = False,
    ):
        super().__init__()
        self.recompute = recompute
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.activation = activation()
        self.fc2 = nn.Linear(4 * dim, dim)
        self.drop = Dropout(drop_prob, drop_path_prob)

    def forward(
        self, x: torch.Tensor, norm: nn.Module, gain: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Normalise tokens and transform each.

        Parameters
        ----------
        x : Tensor, shape (batch, tokens, dim)
            The tokens.
        norm : nn.Module
            Applied to them first.
        gain : Tensor, shape (dim,) | None
            Factor per feature of the output.

        Returns
        -------
        Tensor, shape (batch, tokens, dim)
        """

        def transform(x: torch.Tensor) -> torch.Tensor:
            hidden = self.activation(self.fc1(norm(x)))
            return scaled_linear(self.fc2, hidden, gain)

        training = torch.is_grad_enabled() and not torch.compiler.is_compiling()
        if self.recompute and training:
            # It stops before the last product, which nothing in the backward needs.
            return self.drop(checkpoint(transform, x, use_reentrant=False))
        return self.drop(transform(x))


def scaled_linear(
    layer: nn.Linear, x: torch.Tensor, gain: torch.Tensor | None
) -> torch.Tensor:
    """Multiply the output of a linear layer by a gain per feature.

    The weights take the gain up, which is smaller than the output and leaves
    nothing to keep for the backward pass.
    """
    if gain is None:
        return layer(x)
    return F.linear(x, gain.unsqueeze(1) * layer.weight, gain * layer.bias)
