"""Self-attention with normalised queries and keys, as LaBraM has it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ._layers import Dropout, scaled_linear

_EPS = 1e-6
_FLASH = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)
_FLASH_BACKWARD = getattr(
    torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu_backward", None
)


class Attention(nn.Module):
    """Multi-head self-attention with normalised queries and keys.

    Parameters
    ----------
    dim : int
        Width of a token.
    num_heads : int
        Number of heads.
    drop_prob : float
        Dropout on the output.
    drop_path_prob : float
        Probability that the output of a window is dropped as a whole.
    """

    def __init__(self, dim: int, num_heads: int, drop_prob: float, drop_path_prob: float):
        super().__init__()
        self.num_heads = num_heads
        head_dim = dim // num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.q_norm = nn.LayerNorm(head_dim, eps=_EPS)
        self.k_norm = nn.LayerNorm(head_dim, eps=_EPS)
        self.proj = nn.Linear(dim, dim)
        self.drop = Dropout(drop_prob, drop_path_prob)

    def forward(self, x: torch.Tensor, gain: torch.Tensor | None = None) -> torch.Tensor:
        """(batch, tokens, dim) -> (batch, tokens, dim), times `gain` (dim,)."""
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        if _is_for_training_on_cpu(qkv):
            x = _NormedAttention.apply(
                qkv,
                torch.stack([self.q_norm.weight, self.k_norm.weight]),
                torch.stack([self.q_norm.bias, self.k_norm.bias]),
            )
        else:
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            q = self.q_norm(q).type_as(v)
            k = self.k_norm(k).type_as(v)
            x = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        return self.drop(scaled_linear(self.proj, x.flatten(2), gain))


def _is_for_training_on_cpu(qkv: torch.Tensor) -> bool:
    return (
        qkv.device.type == "cpu"
        and qkv.requires_grad
        and _FLASH_BACKWARD is not None
        and not torch.compiler.is_compiling()
    )


class _NormedAttention(torch.autograd.Function):
    """Norms of queries and keys and attention, with a backward pass of its own.

    On a CPU, torch's backward of a norm over 20 features takes longer than the
    attention, and its backward of the attention longer in bfloat16 than in
    float32. Here the backward is done in float32; of the input only what `qkv`
    holds is kept, the normalised queries and keys are made again.
    """

    @staticmethod
    def forward(
        ctx: Any, qkv: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        # qkv (batch, tokens, 3, heads, d); weight and bias (2, d), of q and of k.
        d = qkv.shape[-1]
        (q, *of_q), (k, *of_k) = (
            torch.native_layer_norm(qkv[:, :, i], (d,), weight[i], bias[i], _EPS)
            for i in (0, 1)
        )
        out, log_sum = _FLASH(*(part.transpose(1, 2) for part in (q, k, qkv[:, :, 2])))
        ctx.save_for_backward(qkv, weight, bias, *of_q, *of_k, out, log_sum)
        return out.transpose(1, 2)

    @staticmethod
    def backward(
        ctx: Any, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        qkv, weight, bias, *statistics, out, log_sum = ctx.saved_tensors
        means, rstds = statistics[::2], statistics[1::2]
        exact = _at_least_float32(qkv)
        normed = [exact[:, :, i].sub(means[i]).mul_(rstds[i]) for i in (0, 1)]
        q, k = (torch.addcmul(bias[i], normed[i], weight[i]) for i in (0, 1))
        parts = (gradient.to(exact.dtype), q, k, exact[:, :, 2])
        heads_first = [part.transpose(1, 2) for part in parts]
        gradients = _FLASH_BACKWARD(*heads_first, out.to(exact.dtype), log_sum, 0.0, False)
        of_qkv = torch.empty_like(qkv)
        of_qkv[:, :, 2] = gradients[2].transpose(1, 2)
        of_weight, of_bias = torch.empty_like(weight), torch.empty_like(bias)
        d = exact.shape[-1]
        for i in (0, 1):
            g = gradients[i].transpose(1, 2).reshape(-1, d)
            x = normed[i].view(-1, d)
            product = g * x
            # Sums over rows, and means over features with their weights, as
            # products: the fastest way.
            ones = exact.new_ones(1, len(x))
            of_weight[i], of_bias[i] = ones @ product, ones @ g
            mean_over = (weight[i] / d).unsqueeze(1)
            of_x = (g * weight[i]).sub_(g @ mean_over)
            of_x.addcmul_(x, product @ mean_over, value=-1).mul_(rstds[i].view(-1, 1))
            of_qkv[:, :, i] = of_x.view(normed[i].shape)
        return of_qkv, of_weight, of_bias


def _at_least_float32(x: torch.Tensor) -> torch.Tensor:
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
