"""BEIRA: envelopes of spatial filters through a convolutional encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ._base import BOLDModel
from ._checks import check_choice, check_counts, check_positive
from ._convolutional import TemporalPyramid, nearest_odd

__all__ = ["BEIRA"]


class BEIRA(BOLDModel, EEGModuleMixin, nn.Module):
    r"""BEIRA from Kovalev et al. (2022) [Kovalev2022]_.

    Predicts the BOLD signal of one or more brain regions at the end of a window of
    EEG. Sixteen spatial filters (a convolution over channels) are each filtered in
    time, rectified and smoothed, which gives envelopes of rhythms. These go through
    four blocks of convolutions and pooling.

    **Changed**: the original predicts a time series from a time series, with one
    network per region, at 100 Hz in windows of 2048 samples. As in the comparison of
    NeuroBOLT's paper [Li2024d]_ there is no decoder, and the encoder is read out by
    one linear layer for all regions. The kernels before the first pooling, and that
    pooling, keep their duration at other sampling rates. At 100 Hz all parts but the
    decoder have the published number of parameters. **Unknown**: how that paper reads
    the encoder out; here its time steps are concatenated (``pooling="flatten"``), since
    their order carries the delay of the BOLD signal. Written from the description; the
    published code has no licence.

    Parameters
    ----------
    %(signal_parameters)s
    n_filters : int, default 16
        Spatial filters.
    n_feature_maps : int, default 128
        Feature maps of the encoder.
    envelope_seconds : float, default 0.51
        Length of the two filters in time. 0.51 s is a kernel size of 51 at 100 Hz.
    pooling : {"flatten", "mean"}, default "flatten"
        What the last layer gets of the encoder's time steps: all of them, or their
        mean.
    drop_prob : float, default 0.3
        Dropout in each block.
    %(input_scale)s
    activation : type of nn.Module, default nn.GELU
        Non-linearity of the blocks.

    Raises
    ------
    ValueError
        If a window is too short for the pooling (less than 2.56 s), or an argument is
        none of its choices.

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
        n_feature_maps: int = 128,
        envelope_seconds: float = 0.51,
        pooling: str = "flatten",
        drop_prob: float = 0.3,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.GELU,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        check_counts(n_filters=n_filters, n_feature_maps=n_feature_maps)
        check_positive(input_scale=input_scale, envelope_seconds=envelope_seconds)
        check_choice("pooling", pooling, ("flatten", "mean"))
        self.input_scale = input_scale
        self.pooling = pooling
        kernel_size = nearest_odd(envelope_seconds * self.sfreq)
        each = {"groups": n_filters, "padding": "same"}
        self.envelopes = nn.Sequential(
            nn.Conv1d(self.n_chans, n_filters, 1),
            nn.BatchNorm1d(n_filters, affine=False),
            nn.Conv1d(n_filters, n_filters, kernel_size, bias=False, **each),
            nn.BatchNorm1d(n_filters, affine=False),
            nn.ReLU(),
            nn.Conv1d(n_filters, n_filters, kernel_size, **each),
        )
        self.encoder = TemporalPyramid(
            n_filters, n_feature_maps, self.sfreq, drop_prob, activation
        )
        n_steps = self.encoder.n_steps(self.n_times, "BEIRA")
        n_features = n_feature_maps * (n_steps if pooling == "flatten" else 1)
        self._finish(n_features, nn.Identity)

    def _encode(self, x: torch.Tensor) -> torch.Tensor:
        encoded = self.encoder(self.envelopes(x))
        return encoded.flatten(1) if self.pooling == "flatten" else encoded.mean(dim=-1)
