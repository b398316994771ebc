"""LaBraM's encoder: one-second patches of all channels through a transformer."""

from __future__ import annotations

import math

import torch
from braindecode.modules import DropPath
from torch import nn
from torch.nn import functional as F

from ._layers import FeedForward
from ._montage import N_ROWS

#: Samples in a patch, one second at 200 Hz.
PATCH = 200
#: Standard deviation of the channel and time embeddings of LaBraM at initialisation.
EMBEDDING_STD = 0.02
_EPS = 1e-6


def check_window(model: str, n_times: int, sfreq: float, longest: int = PATCH) -> None:
    """Raise if a window does not hold whole patches and spectral windows.

    Parameters
    ----------
    model : str
        Name of the model, for messages.
    n_times : int
        Samples of a window.
    sfreq : float
        Sampling rate in Hz.
    longest : int, default 200
        Samples of the longest spectral window. Default 200: only patches count.
    """
    if abs(sfreq - PATCH) > 1e-3:
        raise ValueError(
            f"{model} takes EEG at 200 Hz, got {sfreq:g} Hz: its patches of 200 samples, "
            "its convolutions and the pretrained weights are made for it. Use prepare_eeg "
            "to resample."
        )
    step = math.lcm(PATCH, longest)
    if n_times < step or n_times % step:
        spectral = longest > PATCH
        raise ValueError(
            f"A window of {n_times} samples does not hold whole patches of {PATCH} samples"
            + (f" and whole spectral windows of {longest} samples" if spectral else "")
            + f". Choose a multiple of {step}"
            + (", or fewer n_scales." if spectral else ".")
        )


class TemporalEncoder(nn.Module):
    """Turn each patch into an embedding by three convolutions in time.

    The group norms see all patches of a window at once.

    Parameters
    ----------
    activation : type of nn.Module
        Non-linearity after each convolution.
    """

    def __init__(self, activation: type[nn.Module]):
        super().__init__()
        n_kernels = 8  # With 25 positions in time they make an embedding of 200.
        self.conv1 = nn.Conv2d(1, n_kernels, (1, 15), stride=(1, 8), padding=(0, 7))
        self.norm1 = nn.GroupNorm(4, n_kernels)
        self.conv2 = nn.Conv2d(n_kernels, n_kernels, (1, 3), padding=(0, 1))
        self.norm2 = nn.GroupNorm(4, n_kernels)
        self.conv3 = nn.Conv2d(n_kernels, n_kernels, (1, 3), padding=(0, 1))
        self.norm3 = nn.GroupNorm(4, n_kernels)
        self.activation = activation()

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, 200) -> (batch, tokens, 200)."""
        x = patches.unsqueeze(1)
        x = self.activation(self.norm1(self.conv1(x)))
        x = self.activation(self.norm2(self.conv2(x)))
        x = self.activation(self.norm3(self.conv3(x)))
        return x.permute(0, 2, 3, 1).flatten(2)


class Attention(nn.Module):
    """Multi-head self-attention with normalised queries and keys, as in LaBraM.

    Parameters
    ----------
    dim : int
        Width of a token.
    num_heads : int
        Number of heads.
    """

    def __init__(self, dim: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.q_norm = nn.LayerNorm(dim // num_heads, eps=_EPS)
        self.k_norm = nn.LayerNorm(dim // num_heads, eps=_EPS)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, dim) -> (batch, tokens, dim)."""
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        if qkv.requires_grad and qkv.device.type == "cpu" and qkv.dtype == torch.bfloat16:
            # On a CPU the backward pass of attention is faster in float32: a training
            # step takes a sixth less (benchmarks/speed_of_neurobolt.py).
            qkv = qkv.float()
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q, k = self.q_norm(q).type_as(v), self.k_norm(k).type_as(v)
        with torch.autocast(x.device.type, enabled=False):
            x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A pre-norm transformer block with layer scale and stochastic depth.

    Parameters
    ----------
    dim : int
        Width of a token.
    num_heads : int
        Number of attention heads.
    drop_prob : float
        Dropout on the outputs of the attention and the feed-forward part.
    drop_path_prob : float
        Probability that a part is skipped for a window.
    activation : type of nn.Module
        Non-linearity of the feed-forward part.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        drop_prob: float,
        drop_path_prob: float,
        activation: type[nn.Module],
    ):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=_EPS)
        self.attn = Attention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=_EPS)
        self.mlp = FeedForward(dim, activation)
        self.drop = nn.Sequential(nn.Dropout(drop_prob), DropPath(drop_path_prob))
        self.gamma_1 = nn.Parameter(torch.full((dim,), 0.1))
        self.gamma_2 = nn.Parameter(torch.full((dim,), 0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, dim) -> (batch, tokens, dim)."""
        x = x + self.drop(self.gamma_1 * self.attn(self.norm1(x)))
        return x + self.drop(self.gamma_2 * self.mlp(self.norm2(x)))


class SpatiotemporalEncoder(nn.Module):
    """LaBraM's transformer over the one-second patches of all channels.

    Parameters
    ----------
    n_patches : int
        Patches of a window.
    num_layers : int
        Transformer blocks.
    num_heads : int
        Attention heads.
    drop_prob : float
        Dropout on the embeddings and on the outputs of each block's two parts.
    drop_path_prob : float
        Stochastic depth of the last block; it rises linearly from 0.
    activation : type of nn.Module
        Non-linearity of the convolutions and the feed-forward parts.
    n_fresh : int, default 0
        Rows of the channel embedding beyond LaBraM's.
    dim : int, default 200
        Width of a token. Default 200, that of LaBraM. Another width has a linear layer
        after the convolutions.
    """

    def __init__(
        self,
        n_patches: int,
        num_layers: int,
        num_heads: int,
        drop_prob: float,
        drop_path_prob: float,
        activation: type[nn.Module],
        n_fresh: int = 0,
        dim: int = PATCH,
    ):
        super().__init__()
        self.patch_embed = TemporalEncoder(activation)
        self.project = None if dim == PATCH else nn.Linear(PATCH, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.position_embedding = nn.Parameter(torch.zeros(1, N_ROWS, dim))
        self.fresh_embedding = None
        if n_fresh:
            self.fresh_embedding = nn.Parameter(torch.zeros(1, n_fresh, dim))
        self.temporal_embedding = nn.Parameter(torch.zeros(1, n_patches, dim))
        self.drop = nn.Dropout(drop_prob)
        depths = torch.linspace(0, drop_path_prob, num_layers).tolist()
        self.blocks = nn.ModuleList(
            Block(dim, num_heads, drop_prob, depth, activation) for depth in depths
        )
        self.norm = nn.LayerNorm(dim, eps=_EPS)

    def forward(
        self, x: torch.Tensor, positions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode windows.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in units of 100 microvolts.
        positions : LongTensor, shape (n_chans,)
            Row of each channel in the channel embedding; fresh rows come after
            LaBraM's.

        Returns
        -------
        pooled : Tensor, shape (batch, dim)
            Normalised mean over the patch tokens.
        cls_token : Tensor, shape (batch, dim)
        """
        tokens = self._transformed(x, positions)
        return self.norm(tokens[:, 1:].mean(dim=1)), tokens[:, 0]

    def tokens(self, x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Encode windows, without averaging.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in units of 100 microvolts.
        positions : LongTensor, shape (n_chans,)
            As in :meth:`forward`.

        Returns
        -------
        Tensor, shape (batch, n_chans, n_patches, dim)
            Normalised patch tokens.
        """
        tokens = self.norm(self._transformed(x, positions)[:, 1:])
        return tokens.unflatten(1, (x.shape[1], -1))

    def _transformed(self, x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Give the CLS token and the patch tokens after the last block."""
        tokens = self.patch_embed(x.unflatten(-1, (-1, PATCH)).flatten(1, 2))
        if self.project is not None:
            tokens = self.project(tokens)
        rows = self.position_embedding
        if self.fresh_embedding is not None:
            rows = torch.cat([rows, self.fresh_embedding], dim=1)
        of_channels = rows[0, positions].unsqueeze(1)
        embedding = (of_channels + self.temporal_embedding).flatten(0, 1)
        cls = self.cls_token + self.position_embedding[:, :1]
        tokens = torch.cat([cls.expand(x.shape[0], -1, -1), tokens + embedding], dim=1)
        tokens = self.drop(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def initialise(self, embedding_std: float) -> None:
        """Initialise the embeddings, and scale down each block's output, as in BEiT.

        Parameters
        ----------
        embedding_std : float
            Standard deviation of the channel and time embeddings.
        """
        for embedding in self._embeddings():
            nn.init.trunc_normal_(embedding, std=EMBEDDING_STD)
        with torch.no_grad():
            for embedding in self._embeddings()[1:]:
                embedding.mul_(embedding_std / EMBEDDING_STD)
            for number, block in enumerate(self.blocks, start=1):
                block.attn.proj.weight.div_(math.sqrt(2 * number))
                block.mlp.fc2.weight.div_(math.sqrt(2 * number))

    def _embeddings(self) -> list[nn.Parameter]:
        """List the CLS token and the channel and time embeddings."""
        embeddings = [self.cls_token, self.position_embedding, self.temporal_embedding]
        fresh = self.fresh_embedding
        return embeddings + ([] if fresh is None else [fresh])
