"""The multi-scale spectral encoder: spectra of windows of several lengths, summed."""

from __future__ import annotations

import torch
from braindecode.functional import sinusoidal_positional_encoding
from torch import nn
from torch.nn import functional as F

from ._convolutional import magnitude_spectra
from ._layers import FeedForward

#: Samples of the shortest spectral window, half a second at 200 Hz.
BASE = 100


class SpectralEmbedding(nn.Module):
    """Magnitude spectra at one scale, mapped to a common grid of windows.

    Parameters
    ----------
    n_samples : int
        Length of a spectral window; windows follow each other without overlap.
    n_windows : int
        Spectral windows in the input.
    n_tokens : int
        Tokens per channel that all scales are mapped to.
    dim : int
        Width of a token.
    mix : bool, default True
        Whether tokens are learned mixtures of all windows of the channel (default).
        Otherwise a token is that of the window that it lies in.
    """

    def __init__(
        self,
        n_samples: int,
        n_windows: int,
        n_tokens: int,
        dim: int,
        mix: bool = True,
    ):
        super().__init__()
        self.n_samples = n_samples
        self.repeats = n_tokens // n_windows
        self.frequency = nn.Linear(n_samples // 2 + 1, dim)
        self.window = nn.Linear(n_windows, n_tokens) if mix else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n_chans, n_times) -> (batch, n_chans, n_tokens, dim)."""
        spectra = magnitude_spectra(x, self.n_samples, self.n_samples)
        spectra = spectra.transpose(-1, -2).type_as(self.frequency.weight)
        embedded = self.frequency(spectra)
        if self.window is None:
            return embedded.repeat_interleave(self.repeats, dim=2)
        return self.window(embedded.transpose(-1, -2)).transpose(-1, -2)


class LinearAttention(nn.Module):
    """Attention whose cost grows with the number of tokens, not its square.

    Queries are normalised over features, keys over tokens. Keys and values are
    multiplied first, which gives a small matrix per head; the queries are multiplied
    with that matrix (Shen et al. 2021).

    Parameters
    ----------
    dim : int
        Width of a token.
    num_heads : int
        Number of heads.
    drop_prob : float
        Dropout on the output.
    """

    def __init__(self, dim: int, num_heads: int, drop_prob: float):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)
        self.drop = nn.Dropout(drop_prob)

    def forward(self, x: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, dim) -> (batch, tokens, dim)."""
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        # Tokens last: a softmax over the last axis is several times faster.
        k = k.transpose(-1, -2).contiguous().softmax(dim=-1)
        context = (k @ v) * q.shape[-1] ** -0.5
        x = q.softmax(dim=-1) @ context
        return self.drop(self.proj(x.transpose(1, 2).flatten(2)))


class LowRankAttention(nn.Module):
    """Attention to a few mixtures of all tokens (paper, equation 7).

    Keys and values are projected from the tokens to `rank` mixtures by two
    learned matrices, E and F, shared by the heads (Wang et al. 2020,
    "Linformer"). E and F have a column per token; with a part of the channels, only
    the columns of these channels are used.

    Parameters
    ----------
    dim : int
        Width of a token.
    num_heads : int
        Number of heads.
    drop_prob : float
        Dropout on the output.
    rank : int
        Number of mixtures, D in the paper.
    n_chans : int
        Channels of the model.
    n_tokens : int
        Tokens of a channel.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        drop_prob: float,
        rank: int,
        n_chans: int,
        n_tokens: int,
    ):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        # A mixture of N tokens with weights of this size is as large as one token.
        std = (n_chans * n_tokens) ** -0.5
        self.key_mixture = nn.Parameter(std * torch.randn(rank, n_chans, n_tokens))
        self.value_mixture = nn.Parameter(std * torch.randn(rank, n_chans, n_tokens))
        self.proj = nn.Linear(dim, dim)
        self.drop = nn.Dropout(drop_prob)

    def forward(self, x: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, dim) -> (batch, tokens, dim)."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        k = self.key_mixture[:, channels].flatten(1) @ k
        v = self.value_mixture[:, channels].flatten(1) @ v
        q, k, v = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in (q, k, v)
        )
        x = F.scaled_dot_product_attention(q, k, v)
        return self.drop(self.proj(x.transpose(1, 2).flatten(2)))


class SpectralBlock(nn.Module):
    """A pre-norm transformer block.

    Parameters
    ----------
    dim : int
        Width of a token.
    attention : nn.Module
        Called with the tokens and the rows of the channels.
    activation : type of nn.Module
        Non-linearity of the feed-forward part.
    """

    def __init__(self, dim: int, attention: nn.Module, activation: type[nn.Module]):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = attention
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = FeedForward(dim, activation)

    def forward(self, x: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, dim) -> (batch, tokens, dim)."""
        x = x + self.attn(self.norm1(x), channels)
        return x + self.mlp(self.norm2(x))


class SpectralEncoder(nn.Module):
    """Spectra at several scales through a transformer with cheap attention.

    Paper, section 2.2, equations 4 to 6; the attention is the kernel-style one
    of the published network or the low-rank one of equation 7.

    Parameters
    ----------
    n_chans : int
        Number of channels.
    n_times : int
        Samples of a window.
    n_scales : int
        Number of spectral window lengths, 0.5 s doubled each time.
    depth : int
        Transformer blocks.
    num_heads : int
        Attention heads.
    dim : int
        Width of a token.
    embedding_drop_prob : float
        Dropout on the embeddings.
    drop_prob : float
        Dropout on the output of the attention.
    activation : type of nn.Module
        Non-linearity of the feed-forward parts.
    attention_rank : int | None
        Rank of the low-rank attention; None for linear attention.
    mix : bool, default True
        As in :class:`SpectralEmbedding`.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_scales: int,
        depth: int,
        num_heads: int,
        dim: int,
        embedding_drop_prob: float,
        drop_prob: float,
        activation: type[nn.Module],
        attention_rank: int | None = None,
        mix: bool = True,
    ):
        super().__init__()
        n_tokens = n_times // BASE

        def attention() -> nn.Module:
            if attention_rank is None:
                return LinearAttention(dim, num_heads, drop_prob)
            return LowRankAttention(
                dim, num_heads, drop_prob, attention_rank, n_chans, n_tokens
            )

        lengths = [BASE * 2**level for level in range(n_scales)]
        self.scales = nn.ModuleList(
            SpectralEmbedding(length, n_times // length, n_tokens, dim, mix)
            for length in lengths
        )
        self.channel_embedding = nn.Embedding(n_chans, dim)
        self.drop = nn.Dropout(embedding_drop_prob)
        self.blocks = nn.ModuleList(
            SpectralBlock(dim, attention(), activation) for _ in range(depth)
        )
        code = sinusoidal_positional_encoding(n_tokens, dim)
        self.register_buffer("position_code", code, persistent=False)

    def forward(self, x: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
        """Encode windows.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in units of 100 microvolts.
        channels : LongTensor, shape (n_chans,)
            Row of each channel in the channel embedding.

        Returns
        -------
        Tensor, shape (batch, dim)
            Mean over the tokens.
        """
        return self.tokens(x, channels).flatten(1, 2).mean(dim=1)

    def tokens(self, x: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
        """Encode windows, without averaging.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in units of 100 microvolts.
        channels : LongTensor, shape (n_chans,)
            As in :meth:`forward`.

        Returns
        -------
        Tensor, shape (batch, n_chans, n_tokens, dim)
            Two tokens per second.
        """
        tokens = sum(scale(x) for scale in self.scales)
        where = self.channel_embedding(channels).unsqueeze(1) + self.position_code
        tokens = self.drop(tokens + where).flatten(1, 2)
        for block in self.blocks:
            tokens = block(tokens, channels)
        return tokens.unflatten(1, (x.shape[1], -1))
