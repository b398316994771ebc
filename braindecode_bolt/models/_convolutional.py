"""Parts that several of the convolutional baselines have."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F


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
        x = x.float()  # There is no Fourier transform in half precision.
    return torch.fft.rfft(x.unfold(-1, n_fft, hop)).abs().transpose(-1, -2)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut; frequency and time shrink by four.

    Parameters
    ----------
    n_in, n_out : int
        Feature maps before and after.
    drop_prob : float
        Dropout on the output.
    activation : type of nn.Module
        Non-linearity between the convolutions and after the sum.
    """

    def __init__(
        self, n_in: int, n_out: int, drop_prob: float, activation: type[nn.Module]
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.shortcut = nn.Sequential(
            nn.Conv2d(n_in, n_out, 1, stride=2, bias=False), nn.BatchNorm2d(n_out)
        )
        self.activation = activation()
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.drop = nn.Dropout(drop_prob)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n_in, height, width) -> (batch, n_out, ~height/4, ~width/4)."""
        inner = self.activation(self.norm1(self._strided(x)))
        inner = self.norm2(self.conv2(inner))
        return self.drop(self.pool(self.activation(inner + self.shortcut(x))))

    def _strided(self, x: torch.Tensor) -> torch.Tensor:
        # In bfloat16 on processors with AMX, torch (2.14, oneDNN) reads memory that it
        # never wrote where the output has a single column: NaN or random values. A
        # second column, cut off again, avoids this.
        width = x.shape[-1]
        if width > 2:
            return self.conv1(x)
        return self.conv1(F.pad(x, (0, 3 - width)))[..., :1]


class SpectrogramEncoder(nn.Module):
    """Spectrograms of all channels, as an image with a map per channel, encoded.

    Parameters
    ----------
    n_chans : int
        Channels.
    n_fft, hop : int
        Samples of a spectrum, and from one to the next.
    feature_maps : sequence of int
        Feature maps after each residual block.
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
        feature_maps: Sequence[int],
        drop_prob: float,
        activation: type[nn.Module],
    ):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        pairs = itertools.pairwise((n_chans, *feature_maps))
        self.blocks = nn.Sequential(
            *(ResidualBlock(n_in, n_out, drop_prob, activation) for n_in, n_out in pairs)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n_chans, n_times) -> (batch, feature_maps[-1])."""
        image = self.blocks(magnitude_spectra(x, self.n_fft, self.hop))
        return F.adaptive_avg_pool2d(image, 1).flatten(1)


class ConvolutionBlock(nn.Module):
    """Convolution, norm over feature maps, non-linearity, dropout, pooling.

    Parameters
    ----------
    n_in, n_out : int
        Feature maps before and after.
    kernel_size : int
        Samples of the kernel; an odd number.
    drop_prob : float
        Dropout.
    activation : type of nn.Module
        Non-linearity.
    pool : int, default 1
        Samples of the maximum pooling.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel_size: int,
        drop_prob: float,
        activation: type[nn.Module],
        pool: int = 1,
    ):
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, kernel_size, padding="same", bias=False)
        self.norm = nn.LayerNorm(n_out)
        self.activation = activation()
        self.drop = nn.Dropout(drop_prob)
        self.pool = nn.MaxPool1d(pool) if pool > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n_in, n_times) -> (batch, n_out, n_times // pool)."""
        x = self.norm(self.conv(x).transpose(1, 2)).transpose(1, 2)
        return self.pool(self.drop(self.activation(x)))


class TemporalPyramid(nn.Sequential):
    """BEIRA's convolutional encoder: four blocks, 256 times fewer samples at 100 Hz.

    Parameters
    ----------
    n_in : int
        Series that come in.
    n_feature_maps : int
        Feature maps of each block.
    sfreq : float
        Sampling rate in Hz. The kernels before the first pooling, and that pooling,
        last as long as in the original at 100 Hz.
    drop_prob : float
        Dropout in each block.
    activation : type of nn.Module
        Non-linearity of the blocks.
    """

    def __init__(
        self,
        n_in: int,
        n_feature_maps: int,
        sfreq: float,
        drop_prob: float,
        activation: type[nn.Module],
    ):
        ratio = sfreq / 100.0
        n = n_feature_maps
        self.pools = (max(1, round(8 * ratio)), 8, 4)
        shared = (drop_prob, activation)
        super().__init__(
            ConvolutionBlock(n_in, n, nearest_odd(3 * ratio), *shared),
            ConvolutionBlock(n, n, nearest_odd(5 * ratio), *shared, self.pools[0]),
            ConvolutionBlock(n, n, 5, *shared, self.pools[1]),
            ConvolutionBlock(n, n, 3, *shared, self.pools[2]),
        )

    def n_steps(self, n_times: int, model: str) -> int:
        """Count the samples that are left of a window.

        Parameters
        ----------
        n_times : int
            Samples of the window.
        model : str
            Name of the model, for the message.

        Raises
        ------
        ValueError
            If none is left.
        """
        left = n_times
        for pool in self.pools:
            left //= pool
        if left < 1:
            raise ValueError(
                f"{model} needs windows of at least {math.prod(self.pools)} samples at "
                f"this sampling rate, got {n_times}."
            )
        return left


def nearest_odd(n_samples: float) -> int:
    """Round to an odd number of samples, at least one."""
    return 2 * max(0, round((n_samples - 1) / 2)) + 1
