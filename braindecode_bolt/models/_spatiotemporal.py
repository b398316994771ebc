"""LaBraM's encoder: patches of each channel through a transformer."""

from __future__ import annotations

import math

import torch
from torch import nn

from ._attention import Attention
from ._layers import Dropout, FeedForward
from ._montage import N_ROWS

#: Samples in a patch, one second at 200 Hz.
PATCH = 200
#: Standard deviation of the tables in LaBraM, before training.
TABLE_STD = 0.02
_EPS = 1e-6


class TemporalEncoder(nn.Module):
    """Turn each patch into an embedding by three convolutions in time.

    The group norms see all patches of a window at once.

    Parameters
    ----------
    activation : type of nn.Module
        Non-linearity after each convolution.
    """

    #: Maps of the convolutions; 25 positions x 8 maps make an embedding of 200.
    n_maps = 8

    def __init__(self, activation: type[nn.Module]):
        super().__init__()
        maps = self.n_maps
        self.conv1 = nn.Conv2d(1, maps, (1, 15), stride=(1, 8), padding=(0, 7))
        self.norm1 = nn.GroupNorm(4, maps)
        self.conv2 = nn.Conv2d(maps, maps, (1, 3), padding=(0, 1))
        self.norm2 = nn.GroupNorm(4, maps)
        self.conv3 = nn.Conv2d(maps, maps, (1, 3), padding=(0, 1))
        self.norm3 = nn.GroupNorm(4, maps)
        self.activation = activation()

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, 200) -> (batch, tokens, 200)."""
        x = patches.unsqueeze(1)
        x = self.activation(self.norm1(self.conv1(x)))
        x = self.activation(self.norm2(self.conv2(x)))
        x = self.activation(self.norm3(self.conv3(x)))
        return x.permute(0, 2, 3, 1).flatten(2)


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
        self.attn = Attention(dim, num_heads, drop_prob, drop_path_prob)
        self.norm2 = nn.LayerNorm(dim, eps=_EPS)
        self.mlp = FeedForward(dim, drop_prob, activation, drop_path_prob)
        self.gamma_1 = nn.Parameter(torch.full((dim,), 0.1))
        self.gamma_2 = nn.Parameter(torch.full((dim,), 0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, dim) -> (batch, tokens, dim)."""
        x = x + self.attn(self.norm1(x), self.gamma_1)
        return x + self.mlp(x, self.norm2, self.gamma_2)


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
    n_fresh : int
        Rows that the position table has beyond LaBraM's.
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
    ):
        super().__init__()
        self.patch_embed = TemporalEncoder(activation)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, PATCH))
        self.position_embedding = nn.Parameter(torch.zeros(1, N_ROWS, PATCH))
        self.fresh_embedding = None
        if n_fresh:
            self.fresh_embedding = nn.Parameter(torch.zeros(1, n_fresh, PATCH))
        self.temporal_embedding = nn.Parameter(torch.zeros(1, n_patches, PATCH))
        self.drop = Dropout(drop_prob)
        depths = torch.linspace(0, drop_path_prob, num_layers).tolist()
        self.blocks = nn.ModuleList(
            Block(PATCH, num_heads, drop_prob, depth, activation) for depth in depths
        )
        self.norm = nn.LayerNorm(PATCH, eps=_EPS)

    def forward(
        self, x: torch.Tensor, positions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode windows.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in units of 100 microvolts.
        positions : LongTensor, shape (n_chans,)
            Row of each channel in the position table, the fresh rows behind
            LaBraM's.

        Returns
        -------
        pooled : Tensor, shape (batch, 200)
            Normalised mean over the patch tokens.
        cls_token : Tensor, shape (batch, 200)
        """
        tokens = self.patch_embed(x.unflatten(-1, (-1, PATCH)).flatten(1, 2))
        table = self.position_embedding
        if self.fresh_embedding is not None:
            table = torch.cat([table, self.fresh_embedding], dim=1)
        place = table[0, positions].unsqueeze(1)
        where = (place + self.temporal_embedding).flatten(0, 1)
        cls = self.cls_token + self.position_embedding[:, :1]
        tokens = torch.cat([cls.expand(x.shape[0], -1, -1), tokens + where], dim=1)
        tokens = self.drop(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens[:, 1:].mean(dim=1)), tokens[:, 0]

    def initialise(self, table_std: float) -> None:
        """Fill the tables and shrink what writes into the residual stream, as in BEiT.

        Parameters
        ----------
        table_std : float
            Standard deviation of the tables of channels and seconds.
        """
        for table in self.tables():
            nn.init.trunc_normal_(table, std=TABLE_STD)
        with torch.no_grad():
            for table in self.tables()[1:]:
                table.mul_(table_std / TABLE_STD)
            for number, block in enumerate(self.blocks, start=1):
                block.attn.proj.weight.div_(math.sqrt(2 * number))
                block.mlp.fc2.weight.div_(math.sqrt(2 * number))

    def tables(self) -> list[nn.Parameter]:
        """List what is looked up: no weight decay applies to it."""
        tables = [self.cls_token, self.position_embedding, self.temporal_embedding]
        return tables + ([] if self.fresh_embedding is None else [self.fresh_embedding])
