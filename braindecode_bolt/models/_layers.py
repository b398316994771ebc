"""Layers of both encoders, written to need little time and memory.

They compute what their plain forms compute; dropout draws its masks from other
random numbers.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Dropout(nn.Dropout):
    """Dropout whose masks are cheap on a CPU.

    torch draws a number of 32 bits for every element there, one after another.
    16 bits each are enough: four come from one draw, and the share that is
    dropped is right to 1 in 65,536.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape -> the same shape."""
        threshold = round(self.p * 2**16)
        plain = x.device.type != "cpu" or torch.compiler.is_compiling()
        if not self.training or threshold == 0 or plain or self.inplace:
            return super().forward(x)
        bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device)
        bits.random_(-(2**63), None)
        numbers = bits.view(torch.int16)[: x.numel()].view(x.shape)
        # As a mask in bytes, a quarter of the memory of one in float32.
        kept = numbers >= threshold - 2**15
        return _Masked.apply(x, kept, 2**16 / (2**16 - threshold))


class _Masked(torch.autograd.Function):
    """A product with a mask, of which only the mask is kept."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, kept: torch.Tensor, scale: float) -> torch.Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return (x * kept).mul_(scale)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor):
        (kept,) = ctx.saved_tensors
        return (gradient * kept).mul_(ctx.scale), None, None


class FeedForward(nn.Module):
    """Two linear layers with a non-linearity between them.

    The output of the non-linearity, the largest tensor of a block, is computed
    again in the backward pass instead of being kept.

    Parameters
    ----------
    dim : int
        Width of a token.
    drop_prob : float
        Dropout on the output.
    activation : type of nn.Module
        The non-linearity.
    """

    def __init__(self, dim: int, drop_prob: float, activation: type[nn.Module]):
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.activation = activation()
        self.fc2 = nn.Linear(4 * dim, dim)
        self.drop = Dropout(drop_prob)

    def forward(self, x: torch.Tensor, gain: torch.Tensor | None = None) -> torch.Tensor:
        """(batch, tokens, dim) -> (batch, tokens, dim), times `gain` (dim,)."""
        hidden = self.fc1(x)
        activated = self.activation(hidden)
        if not _can_recompute(self.activation):
            return self.drop(scaled_linear(self.fc2, activated, gain))

        def pack(tensor: torch.Tensor) -> torch.Tensor | torch.Size:
            same = tensor.data_ptr() == activated.data_ptr()
            return tensor.shape if same else tensor

        def unpack(packed: torch.Tensor | torch.Size) -> torch.Tensor:
            if isinstance(packed, torch.Tensor):
                return packed
            return self.activation(hidden.detach()).view(packed)

        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            projected = scaled_linear(self.fc2, activated, gain)
        return self.drop(projected)


def _can_recompute(activation: nn.Module) -> bool:
    # RReLU draws random numbers, and would draw others the second time.
    return (
        torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and not isinstance(activation, nn.RReLU)
    )


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
