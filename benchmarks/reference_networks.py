"""Two plain versions of NeuroBOLT, to compare ours with.

Both load the published weights by their published names. `LiteralNeuroBOLT` follows the
description step by step: a loop over scales and channels in the spectral branch, attention
as softmax of a product. `ComposedNeuroBOLT` combines braindecode's Labram and the package
linear_attention_transformer.
"""

import math

import torch
from braindecode.models import Labram
from braindecode.models.labram import LABRAM_CHANNEL_ORDER
from linear_attention_transformer import LinearAttentionTransformer
from torch import nn

DIM, HEADS = 200, 10


def position_rows(ch_names):
    known = {name.upper(): row for row, name in enumerate(LABRAM_CHANNEL_ORDER, start=1)}
    return [0] + [known[name.upper()] for name in ch_names]


class Projection(nn.Module):
    """A linear layer with the name that it has in the published files."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.projection = nn.Linear(n_in, n_out)

    def forward(self, x):
        return self.projection(x)


class PositionalEncoding(nn.Module):
    def __init__(self, length=1000):
        super().__init__()
        position = torch.arange(length).unsqueeze(1)
        rate = torch.exp(torch.arange(0, DIM, 2) * (-math.log(10000.0) / DIM))
        pe = torch.zeros(1, length, DIM)
        pe[0, :, 0::2] = torch.sin(position * rate)
        pe[0, :, 1::2] = torch.cos(position * rate)
        self.register_buffer("pe", pe, persistent=False)

    def forward(self, x):
        return x + self.pe[:, : x.shape[1]]


class Spectral(nn.Module):
    def __init__(self, n_chans, n_times, n_scales, by_channel):
        super().__init__()
        self.by_channel = by_channel
        self.lengths = [100 * 2**level for level in range(n_scales)]
        n_tokens = n_times // 100
        self.patch_embedding = nn.ModuleList(
            Projection(length // 2 + 1, DIM) for length in self.lengths
        )
        self.ts_embedding = nn.ModuleList(
            Projection(n_times // length, n_tokens) for length in self.lengths
        )
        self.channel_tokens = nn.Embedding(n_chans, DIM)
        self.positional_encoding = PositionalEncoding()
        self.dropout = nn.Dropout(0.1)
        self.transformer = LinearAttentionTransformer(
            dim=DIM, heads=8, depth=4, max_seq_len=1024, attn_layer_dropout=0.2
        )

    def embed(self, x, level):
        """(..., n_times) -> (..., n_tokens, DIM)."""
        windows = x.unflatten(-1, (-1, self.lengths[level]))
        embedded = self.patch_embedding[level](torch.fft.rfft(windows).abs())
        return self.ts_embedding[level](embedded.transpose(-1, -2)).transpose(-1, -2)

    def forward(self, x, channels):
        tokens = []
        for place, channel in enumerate(channels):
            of_channel = sum(
                self.embed(x[:, place], level) for level in range(len(self.lengths))
            )
            of_channel = of_channel + self.channel_tokens.weight[channel]
            tokens.append(self.dropout(self.positional_encoding(of_channel)))
        return self.transformer(torch.cat(tokens, dim=1)).mean(dim=1)

    def forward_together(self, x, channels):
        tokens = sum(self.embed(x, level) for level in range(len(self.lengths)))
        tokens = tokens + self.channel_tokens(torch.tensor(channels)).unsqueeze(1)
        tokens = tokens + self.positional_encoding.pe[:, : tokens.shape[2]]
        return self.transformer(self.dropout(tokens).flatten(1, 2)).mean(dim=1)


class LiteralAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(DIM, 3 * DIM, bias=False)
        self.q_norm = nn.LayerNorm(DIM // HEADS, eps=1e-6)
        self.k_norm = nn.LayerNorm(DIM // HEADS, eps=1e-6)
        self.proj = nn.Linear(DIM, DIM)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        batch, n_tokens, _ = x.shape
        qkv = self.qkv(x).reshape(batch, n_tokens, 3, HEADS, DIM // HEADS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q, k = self.q_norm(q) * (DIM // HEADS) ** -0.5, self.k_norm(k)
        weights = (q @ k.transpose(-2, -1)).softmax(dim=-1)
        x = (weights @ v).transpose(1, 2).reshape(batch, n_tokens, DIM)
        return self.drop(self.proj(x))


class LiteralMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(DIM, 4 * DIM)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * DIM, DIM)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        return self.drop(self.fc2(self.act(self.fc1(x))))


class DropPath(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.p
        return x * kept / (1 - self.p)


class LiteralBlock(nn.Module):
    def __init__(self, drop_path):
        super().__init__()
        self.norm1 = nn.LayerNorm(DIM, eps=1e-6)
        self.attn = LiteralAttention()
        self.norm2 = nn.LayerNorm(DIM, eps=1e-6)
        self.mlp = LiteralMLP()
        self.gamma_1 = nn.Parameter(0.1 * torch.ones(DIM))
        self.gamma_2 = nn.Parameter(0.1 * torch.ones(DIM))
        self.drop_path = DropPath(drop_path)

    def forward(self, x):
        x = x + self.drop_path(self.gamma_1 * self.attn(self.norm1(x)))
        return x + self.drop_path(self.gamma_2 * self.mlp(self.norm2(x)))


class LiteralPatches(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, (1, 15), stride=(1, 8), padding=(0, 7))
        self.norm1 = nn.GroupNorm(4, 8)
        self.conv2 = nn.Conv2d(8, 8, (1, 3), padding=(0, 1))
        self.norm2 = nn.GroupNorm(4, 8)
        self.conv3 = nn.Conv2d(8, 8, (1, 3), padding=(0, 1))
        self.norm3 = nn.GroupNorm(4, 8)
        self.gelu = nn.GELU()

    def forward(self, x):
        x = x.unsqueeze(1)
        for number in (1, 2, 3):
            conv, norm = getattr(self, f"conv{number}"), getattr(self, f"norm{number}")
            x = self.gelu(norm(conv(x)))
        return x.permute(0, 2, 3, 1).flatten(2)


class LiteralNeuroBOLT(nn.Module):
    """NeuroBOLT as described, step by step."""

    def __init__(self, case, spectral_channels=None):
        super().__init__()
        n_patches = case["n_times"] // 200
        self.rows = position_rows(case["ch_names"])
        self.channels = spectral_channels or list(range(len(case["ch_names"])))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, DIM))
        self.pos_embed = nn.Parameter(torch.zeros(1, 129, DIM))
        self.time_embed = nn.Parameter(torch.zeros(1, 16, DIM))
        self.patch_embed = LiteralPatches()
        self.pos_drop = nn.Dropout(0.1)
        self.blocks = nn.ModuleList(
            LiteralBlock(p) for p in torch.linspace(0, 0.1, case["num_layers"]).tolist()
        )
        self.fc_norm = nn.LayerNorm(DIM, eps=1e-6)
        self.head = nn.Linear(DIM, case["n_outputs"])
        self.mss_module = Spectral(
            case["n_chans_model"], case["n_times"], case["win_level"] + 1, True
        )
        self.n_patches = n_patches

    def forward(self, x):
        batch, n_chans, _ = x.shape
        tokens = self.patch_embed(x.reshape(batch, n_chans * self.n_patches, 200))
        tokens = torch.cat([self.cls_token.expand(batch, -1, -1), tokens], dim=1)
        place = self.pos_embed[:, self.rows]
        where = place[:, 1:].repeat_interleave(self.n_patches, dim=1)
        tokens = tokens + torch.cat([place[:, :1], where], dim=1)
        when = self.time_embed[:, : self.n_patches].repeat(1, n_chans, 1)
        tokens = torch.cat([tokens[:, :1], tokens[:, 1:] + when], dim=1)
        tokens = self.pos_drop(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        r_st = self.fc_norm(tokens[:, 1:].mean(dim=1))
        r_sp = self.mss_module(x, self.channels)
        return self.head(nn.functional.gelu(r_st + r_sp))

    def load_published(self, state):
        ignored = ("mss_module.index", "mss_module.positional_encoding.pe")
        self.load_state_dict({k: v for k, v in state.items() if k not in ignored})


class ComposedNeuroBOLT(nn.Module):
    """NeuroBOLT of braindecode's Labram and the linear attention transformer."""

    def __init__(self, case, spectral_channels=None):
        super().__init__()
        self.labram = Labram(
            n_times=case["n_times"],
            n_chans=len(case["ch_names"]),
            n_outputs=1,
            num_layers=case["num_layers"],
            use_mean_pooling=True,
            drop_prob=0.1,
            drop_path_prob=0.1,
        )
        self.labram.final_layer = nn.Identity()
        self.mss_module = Spectral(
            case["n_chans_model"], case["n_times"], case["win_level"] + 1, False
        )
        self.head = nn.Linear(DIM, case["n_outputs"])
        self.channels = spectral_channels or list(range(len(case["ch_names"])))
        rows = torch.tensor(position_rows(case["ch_names"]))
        self.register_buffer("rows", rows, persistent=False)

    def forward(self, x):
        r_st = self.labram.forward_features(x, self.rows)
        r_sp = self.mss_module.forward_together(x, self.channels)
        return self.head(nn.functional.gelu(r_st + r_sp))

    def load_published(self, state):
        ours = self.state_dict()
        for name, value in state.items():
            if name in ("mss_module.index", "mss_module.positional_encoding.pe"):
                continue
            if not name.startswith(("mss_module.", "head.")):
                name = name.replace("patch_embed.", "patch_embed.temporal_conv.")
                name = name.replace("mlp.fc1", "mlp.0").replace("mlp.fc2", "mlp.2")
                name = name.replace("pos_embed", "position_embedding")
                name = f"labram.{name.replace('time_embed', 'temporal_embedding')}"
            if name == "labram.temporal_embedding":
                rows = min(ours[name].shape[1], value.shape[1])
                value = torch.cat([value[:, :rows], ours[name][:, rows:]], dim=1)
            ours[name] = value
        self.load_state_dict(ours)
