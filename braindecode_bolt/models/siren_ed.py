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
from ._convolutional import TemporalPyramid

__all__ = ["SirenED"]


class SineLayer(nn.Module):
    """A linear layer over channels and a sine, at each sample separately.

    Parameters
    ----------
    in_size, out_size : int
        Number of time series before and after.
    frequency : float
        Factor of the input of the sine, w0.
    first : bool
        Whether it is the first layer, which has another initialisation.
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

    Predicts the BOLD signal of one or more brain regions at the end of a window of
    EEG. At each sample a network with sine activations (SIREN [Sitzmann2020]_)
    maps the channels to a few time series. These go through BEIRA's convolutional
    encoder.

    **Changed**: the original predicts a time series from a time series. As in the
    comparison of NeuroBOLT's paper there is no decoder, and the encoder is read out by
    one linear layer for all regions. Kernels keep their duration at other sampling
    rates. **Unknown**: the sizes of the sine network were not in the description this
    was written from. Here it has two layers of 64 and one of 16 series, as many as
    BEIRA has envelopes; the encoder has BEIRA's sizes.

    Parameters
    ----------
    %(signal_parameters)s
    hidden_sizes : sequence of int, default (64, 64, 16)
        Number of time series after each sine layer.
    frequency : float, default 30.0
        Factor of the input of the sines, w0.
    n_feature_maps : int, default 128
        Feature maps of the encoder.
    drop_prob : float, default 0.3
        Dropout in each block of the encoder.
    %(input_scale)s
    activation : type of nn.Module, default nn.GELU
        Non-linearity of the encoder.

    Raises
    ------
    ValueError
        If a window is too short for the pooling (less than 2.56 s), or an argument is
        out of range.

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
        n_feature_maps: int = 128,
        drop_prob: float = 0.3,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.GELU,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        sizes = list(hidden_sizes)
        check_counts(
            n_layers=len(sizes),
            n_feature_maps=n_feature_maps,
            hidden_sizes=min(sizes, default=1),
        )
        check_positive(input_scale=input_scale, frequency=frequency)
        self.input_scale = input_scale
        pairs = itertools.pairwise([self.n_chans, *sizes])
        self.siren = nn.Sequential(
            *(
                SineLayer(before, after, frequency, first=number == 0)
                for number, (before, after) in enumerate(pairs)
            )
        )
        self.encoder = TemporalPyramid(
            sizes[-1], n_feature_maps, self.sfreq, drop_prob, activation
        )
        n_steps = self.encoder.n_steps(self.n_times, "SirenED")
        self._finish(n_feature_maps * n_steps, nn.Identity)

    def _encode(self, x: torch.Tensor) -> torch.Tensor:
        return self.encoder(self.siren(x)).flatten(1)
