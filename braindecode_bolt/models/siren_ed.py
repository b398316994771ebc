"""SirenED: a sine network over channels, then a convolutional encoder."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ._base import BOLDModel
from ._checks import check_counts, check_positive
from ._registry import register
from .beira import TemporalPyramid

__all__ = ["SirenED"]


class SineLayer(nn.Module):
    """A linear layer over channels, then a sine, at each sample by itself.

    Parameters
    ----------
    in_size, out_size : int
        Series before and after.
    frequency : float
        Factor of what goes into the sine, w0.
    first : bool
        Whether it is the first layer, which is initialised in another way.
    """

    def __init__(self, in_size: int, out_size: int, frequency: float, first: bool):
        super().__init__()
        self.frequency = frequency
        self.linear = nn.Conv1d(in_size, out_size, 1)
        limit = 1 / in_size if first else math.sqrt(6 / in_size) / frequency
        nn.init.uniform_(self.linear.weight, -limit, limit)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, in_size, n_times) -> (batch, out_size, n_times)."""
        return torch.sin(self.frequency * self.linear(x))


class SirenED(BOLDModel, EEGModuleMixin, nn.Module):
    r"""The sinusoidal network of Li et al. (2023) [Li2023]_, its encoder.

    A window of EEG in, the BOLD signal of one or more brain regions at its end
    out. At each sample a network with sine activations (SIREN [Sitzmann2020]_)
    maps the channels to a few series; BEIRA's convolutional encoder reads these.

    **Changed**: the original predicts a series from a series; as in the comparison
    of NeuroBOLT's paper the decoder is dropped and the encoder is read out by one
    linear layer for all regions. Filters keep their duration at other sampling
    rates. **Unknown**: the sizes of the sine network were not published in what
    this was written from. Here it has two layers of 64 and one of 16 series, as
    many as BEIRA has envelopes; the encoder has BEIRA's sizes.

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
    hidden_sizes : sequence of int
        Series after each sine layer. Default (64, 64, 16).
    frequency : float
        Factor of what goes into the sines, w0. Default 30.
    n_maps : int
        Maps of the encoder. Default 128.
    drop_prob : float
        Dropout in each block of the encoder. Default 0.3.
    input_scale : float
        The input is divided by it. Default 100.
    activation : type of nn.Module
        Non-linearity of the encoder. Default ``nn.GELU``.

    Raises
    ------
    ValueError
        If a window is too short for the pooling, or an argument is out of range.

    References
    ----------
    .. [Li2023] Li, Y., Lou, A., Xu, Z., Wang, S., & Chang, C. (2023). Leveraging
       sinusoidal representation networks to predict fMRI signals from EEG.
       arXiv:2311.04234; SPIE Medical Imaging 12926.
    .. [Sitzmann2020] Sitzmann, V., Martel, J., Bergman, A., Lindell, D., &
       Wetzstein, G. (2020). Implicit Neural Representations with Periodic
       Activation Functions. NeurIPS 2020.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import SirenED
    >>> SirenED(n_outputs=7, n_chans=4, n_times=3200)(torch.randn(1, 4, 3200)).shape
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
        hidden_sizes: Sequence[int] = (64, 64, 16),
        frequency: float = 30.0,
        n_maps: int = 128,
        drop_prob: float = 0.3,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.GELU,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        sizes = list(hidden_sizes)
        check_counts(n_layers=len(sizes), n_maps=n_maps, hidden_sizes=min(sizes, default=1))
        check_positive(input_scale=input_scale, frequency=frequency)
        self.input_scale = input_scale
        pairs = itertools.pairwise([self.n_chans, *sizes])
        self.siren = nn.Sequential(
            *(
                SineLayer(before, after, frequency, first=number == 0)
                for number, (before, after) in enumerate(pairs)
            )
        )
        self.encoder = TemporalPyramid(sizes[-1], n_maps, self.sfreq, drop_prob, activation)
        n_steps = self.encoder.n_steps(self.n_times, "SirenED")
        self._add_head(n_maps * n_steps, nn.Identity)
        self._remember_weights()

    def _encode(self, x: torch.Tensor) -> torch.Tensor:
        return self.encoder(self.siren(x)).flatten(1)


register(
    SirenED,
    ["n_outputs", "n_chans", "n_times"],
    {"n_chans": 4, "n_times": 1600, "sfreq": 200.0, "input_window_seconds": 8.0},
)
