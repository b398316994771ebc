"""Parts that several of the convolutional baselines have."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ._layers import Dropout


def magnitude_spectra(x: torch.Tensor, n_fft: int, hop: int) -> torch.Tensor:
    """Magnitude spectra of a moving rectangular window, without padding.

    ``torch.stft`` without centring gives the same, and warns of the rectangle.

    Parameters
    ----------
    x : Tensor, shape (..., n_times)
        Signals.
    n_fft : int
        Samples of the window.
    hop : int
        Samples from one window to the next.

    Returns
    -------
    Tensor, shape (..., n_fft // 2 + 1, n_steps)
    """
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.float()  # Half precision has no Fourier transform of any length.
    return torch.fft.rfft(x.unfold(-1, n_fft, hop)).abs().transpose(-1, -2)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut; frequency and time shrink by four.

    Parameters
    ----------
    in_maps, out_maps : int
        Maps before and after.
    drop_prob : float
        Dropout on the output.
    activation : type of nn.Module
        Non-linearity between the convolutions and after the sum.
    """

    def __init__(
        self, in_maps: int, out_maps: int, drop_prob: float, activation: type[nn.Module]
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(in_maps, out_maps, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_maps)
        self.conv2 = nn.Conv2d(out_maps, out_maps, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_maps)
        self.shortcut = nn.Sequential(
            nn.Conv2d(in_maps, out_maps, 1, stride=2, bias=False), nn.BatchNorm2d(out_maps)
        )
        self.activation = activation()
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.drop = Dropout(drop_prob)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, in_maps, height, width) -> (batch, out_maps, ~height/4, ~width/4)."""
        inner = self.activation(self.norm1(self.conv1(x)))
        inner = self.norm2(self.conv2(inner))
        return self.drop(self.pool(self.activation(inner + self.shortcut(x))))


class SpectrogramEncoder(nn.Module):
    """Spectrograms of all channels, as maps of an image, through residual blocks.

    Parameters
    ----------
    n_chans : int
        Channels.
    n_fft, hop : int
        Samples of a spectrum, and from one to the next.
    maps : sequence of int
        Maps after each block.
    drop_prob : float
        Dropout after each block.
    activation : type of nn.Module
        Non-linearity of the blocks.
    """

    def __init__(
        self,
        n_chans: int,
        n_fft: int,
        hop: int,
        maps: tuple[int, ...],
        drop_prob: float,
        activation: type[nn.Module],
    ):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        pairs = zip((n_chans, *maps[:-1]), maps, strict=True)
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(before, after, drop_prob, activation)
                for before, after in pairs
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n_chans, n_times) -> (batch, maps[-1])."""
        image = self.blocks(magnitude_spectra(x, self.n_fft, self.hop))
        return F.adaptive_avg_pool2d(image, 1).flatten(1)
