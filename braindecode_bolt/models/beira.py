"""BEIRA: envelopes of spatial filters through a convolutional encoder."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn
from torch.nn import functional as F

from ._base import BOLDModel
from ._checks import check_choice, check_counts, check_positive
from ._layers import Dropout
from ._registry import register

__all__ = ["BEIRA"]

#: Sampling rate of the original in Hz; its filters are stated for it.
_SFREQ = 100.0


class ConvolutionBlock(nn.Module):
    """Convolution, norm over maps, non-linearity, dropout, then fewer or more samples.

    Parameters
    ----------
    in_maps, out_maps : int
        Maps before and after.
    kernel : int
        Taps; an odd number.
    drop_prob : float
        Dropout.
    activation : type of nn.Module
        Non-linearity.
    pool : int
        Samples that become one, their maximum. Default 1.
    """

    def __init__(
        self,
        in_maps: int,
        out_maps: int,
        kernel: int,
        drop_prob: float,
        activation: type[nn.Module],
        pool: int = 1,
    ):
        super().__init__()
        self.conv = nn.Conv1d(in_maps, out_maps, kernel, padding="same", bias=False)
        self.norm = nn.LayerNorm(out_maps)
        self.activation = activation()
        self.drop = Dropout(drop_prob)
        self.pool = nn.MaxPool1d(pool) if pool > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, in_maps, n_times) -> (batch, out_maps, n_times // pool)."""
        x = self.norm(self.conv(x).transpose(1, 2)).transpose(1, 2)
        return self.pool(self.drop(self.activation(x)))


class TemporalPyramid(nn.Sequential):
    """BEIRA's convolutional encoder: four blocks, 256 times fewer samples.

    Parameters
    ----------
    in_maps : int
        Series that come in.
    n_maps : int
        Maps of the blocks.
    sfreq : float
        Sampling rate in Hz. The filters before the first pooling, and that pooling,
        last as long as in the original at 100 Hz.
    drop_prob : float
        Dropout in each block.
    activation : type of nn.Module
        Non-linearity of the blocks.
    """

    def __init__(
        self,
        in_maps: int,
        n_maps: int,
        sfreq: float,
        drop_prob: float,
        activation: type[nn.Module],
    ):
        ratio = sfreq / _SFREQ
        self.pools = (max(1, round(8 * ratio)), 8, 4)
        shared = (drop_prob, activation)
        super().__init__(
            ConvolutionBlock(in_maps, n_maps, _odd(3 * ratio), *shared),
            ConvolutionBlock(n_maps, n_maps, _odd(5 * ratio), *shared, self.pools[0]),
            ConvolutionBlock(n_maps, n_maps, 5, *shared, self.pools[1]),
            ConvolutionBlock(n_maps, n_maps, 3, *shared, self.pools[2]),
        )

    def n_steps(self, n_times: int, model: str) -> int:
        """Count the samples that are left of a window.

        Parameters
        ----------
        n_times : int
            Samples of the window.
        model : str
            For the message.

        Raises
        ------
        ValueError
            If none is left.
        """
        left = n_times
        for pool in self.pools:
            left //= pool
        if left < 1:
            shortest = self.pools[0] * self.pools[1] * self.pools[2]
            raise ValueError(
                f"{model} needs windows of at least {shortest} samples at this sampling "
                f"rate, of which its encoder makes one; got {n_times}."
            )
        return left


class BEIRA(BOLDModel, EEGModuleMixin, nn.Module):
    r"""BEIRA from Kovalev et al. (2022) [Kovalev2022]_.

    A window of EEG in, the BOLD signal of one or more brain regions at its end
    out. Sixteen spatial filters (a convolution over channels) are each filtered in
    time, rectified and smoothed: envelopes of rhythms. Four blocks of convolutions
    and pooling read them.

    **Changed**: the original predicts a series from a series, one network per
    region, at 100 Hz in windows of 2048 samples. Here, as in the comparison of
    NeuroBOLT's paper [Li2024d]_, the encoder's output is read out by one linear
    layer for all regions (``decoder=False``). With ``decoder=True`` the original's
    decoder stands behind the encoder: the last sample of its series is the
    prediction, and ``forward(x, return_series=True)`` gives the series. Filters
    before the first pooling, and that pooling, keep their duration at other
    sampling rates; at 100 Hz the decoder form has the published number of
    parameters (245,057 for 30 channels and one region).
    **Unknown**: how the paper reads the encoder out; here its steps in time are laid
    beside each other (``pooling="flatten"``), since the delay of the BOLD signal is
    in their order. Written from the description; the published code has no licence.

    Parameters
    ----------
    n_outputs : int
        Number of regions.
    n_chans : int | None
        Number of channels, where they are not named.
    chs_info : list of dict | None
        Channels as in ``mne.Info["chs"]``.
    n_times : int
        Samples of a window: at least 2.56 s (512 samples at 200 Hz).
    input_window_seconds : float | None
        Length of a window in seconds, where `n_times` is not given.
    sfreq : float | None
        Sampling rate in Hz. Default 200.
    ch_names : list of str | None
        Channel names, a shorthand for `chs_info`.
    n_filters : int
        Spatial filters. Default 16.
    n_maps : int
        Maps of the encoder. Default 128.
    envelope_seconds : float
        Length of the two filters in time. Default 0.51 s, 51 taps at 100 Hz.
    pooling : {"flatten", "mean"}
        What the last layer sees of the encoder's steps in time: all of them, or
        their mean. Default ``"flatten"``.
    decoder : bool
        The sequence-to-sequence form, see above. Default False.
    drop_prob : float
        Dropout in each block. Default 0.3.
    input_scale : float
        The input is divided by it. Default 100. The first norm takes it out again.
    activation : type of nn.Module
        Non-linearity of the blocks. Default ``nn.GELU``.

    Raises
    ------
    ValueError
        If a window is too short for the pooling, or an argument is none of its
        choices.

    References
    ----------
    .. [Kovalev2022] Kovalev, A., Mikheev, I., & Ossadtchi, A. (2022). fMRI from EEG
       is only Deep Learning away: the use of interpretable DL to unravel EEG-fMRI
       relationships. arXiv:2211.02024.
    .. [Li2024d] Li, Y., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
       Synthesis with Multi-dimensional Feature Mapping. NeurIPS 2024.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import BEIRA
    >>> BEIRA(n_outputs=7, n_chans=4, n_times=3200)(torch.randn(1, 4, 3200)).shape
    torch.Size([1, 7])
    """

    def __init__(
        self,
        n_outputs: int | None = None,
        n_chans: int | None = None,
        chs_info: list[dict] | None = None,
        n_times: int | None = None,
        input_window_seconds: float | None = None,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        n_filters: int = 16,
        n_maps: int = 128,
        envelope_seconds: float = 0.51,
        pooling: str = "flatten",
        decoder: bool = False,
        drop_prob: float = 0.3,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.GELU,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        check_counts(n_filters=n_filters, n_maps=n_maps)
        check_positive(input_scale=input_scale, envelope_seconds=envelope_seconds)
        check_choice("pooling", pooling, ("flatten", "mean"))
        self.input_scale = input_scale
        self.pooling = pooling
        taps = self._samples(envelope_seconds, odd=True)
        self.envelopes = nn.Sequential(
            nn.Conv1d(self.n_chans, n_filters, 1),
            nn.BatchNorm1d(n_filters, affine=False),
            nn.Conv1d(
                n_filters, n_filters, taps, padding="same", groups=n_filters, bias=False
            ),
            nn.BatchNorm1d(n_filters, affine=False),
            nn.ReLU(),
            nn.Conv1d(n_filters, n_filters, taps, padding="same", groups=n_filters),
        )
        self.encoder = TemporalPyramid(n_filters, n_maps, self.sfreq, drop_prob, activation)
        n_steps = self.encoder.n_steps(self.n_times, "BEIRA")
        self.decoder = None
        if decoder:
            self.decoder = Decoder(n_maps, self.encoder.pools, drop_prob, activation)
            self._add_head(self.decoder.n_maps, nn.Identity)
        else:
            n_features = n_maps * (n_steps if pooling == "flatten" else 1)
            self._add_head(n_features, nn.Identity)
        self._remember_weights()

    def forward(
        self, x: torch.Tensor, return_features: bool = False, return_series: bool = False
    ) -> torch.Tensor | dict[str, torch.Tensor | None]:
        """Predict the BOLD at the end of each window.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in microvolts.
        return_features : bool
            Return the representation instead of the prediction.
        return_series : bool
            Return the decoded series of which the prediction is the last sample.

        Returns
        -------
        Tensor, shape (batch, n_outputs) | dict
            With `return_features`, ``"features"`` (batch, n_features) and
            ``"cls_token"``, None. With `return_series`, a Tensor of shape (batch,
            n_outputs, n_times).

        Raises
        ------
        ValueError
            If `x` has another number of channels or samples than the model, or it
            has no decoder for a series.
        """
        if not return_series:
            return super().forward(x, return_features)
        if self.decoder is None:
            raise ValueError("A series is predicted by a BEIRA with decoder=True only.")
        self._check_input(x, self.n_chans)
        decoded = self._decode(x / self.input_scale)
        return self._read_out(decoded.transpose(1, 2)).transpose(1, 2)

    def _encode(self, x: torch.Tensor) -> torch.Tensor:
        if self.decoder is not None:
            return self._decode(x)[..., -1]
        encoded = self.encoder(self.envelopes(x))
        return encoded.flatten(1) if self.pooling == "flatten" else encoded.mean(dim=-1)

    def _decode(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(self.envelopes(x)), self.n_times)


class Decoder(nn.Module):
    """BEIRA's decoder: from the encoder's steps back to the samples of the window.

    Parameters
    ----------
    in_maps : int
        Maps of the encoder.
    pools : sequence of int
        By how much the encoder pooled.
    drop_prob : float
        Dropout in each block.
    activation : type of nn.Module
        Non-linearity of the blocks.
    """

    #: Maps of its output.
    n_maps = 32

    def __init__(
        self,
        in_maps: int,
        pools: tuple[int, int, int],
        drop_prob: float,
        activation: type[nn.Module],
    ):
        super().__init__()
        self.factors = pools[::-1]
        maps = (in_maps, self.n_maps, self.n_maps, self.n_maps)
        self.blocks = nn.ModuleList(
            ConvolutionBlock(before, after, kernel, drop_prob, activation)
            for (before, after), kernel in zip(
                itertools.pairwise(maps), (3, 5, 5), strict=True
            )
        )

    def forward(self, x: torch.Tensor, n_times: int) -> torch.Tensor:
        """(batch, in_maps, n_steps) -> (batch, 32, n_times)."""
        for block, factor in zip(self.blocks, self.factors, strict=True):
            x = F.interpolate(block(x), scale_factor=float(factor), mode="linear")
        # The poolings left out what did not fill their last step.
        return x if x.shape[-1] == n_times else F.interpolate(x, n_times, mode="linear")


def _odd(taps: float) -> int:
    """Nearest odd number of taps."""
    return 2 * max(0, round((taps - 1) / 2)) + 1


register(
    BEIRA,
    ["n_outputs", "n_chans", "n_times"],
    {"n_chans": 4, "n_times": 1600, "sfreq": 200.0, "input_window_seconds": 8.0},
)
