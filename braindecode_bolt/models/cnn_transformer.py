"""CNNTransformer: spectrograms of segments of the window, then a transformer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from braindecode.functional import sinusoidal_positional_encoding
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ._base import BOLDModel
from ._checks import check_counts, check_divisors, check_positive
from ._convolutional import SpectrogramEncoder

__all__ = ["CNNTransformer"]


class CNNTransformer(BOLDModel, EEGModuleMixin, nn.Module):
    r"""CNN-Transformer from Peh et al. (2022) [Peh2022]_, a baseline in [Yang2023d]_.

    Predicts the BOLD signal of one or more brain regions at the end of a window of
    EEG. The window is cut into five segments. Magnitude spectrograms of each segment go
    through four residual blocks of 3 x 3 convolutions. A sinusoidal position code is
    added, and a transformer combines the segments. Its mean output goes through an ELU
    and is read out by one linear layer.

    **Changed**: the last image of each segment is averaged, so that any window length
    works; samples at the beginning of the window that do not fill the segments are not
    used; spectra keep their duration at other sampling rates; the input is in
    microvolts. **Unknown**: the hop of the spectrogram was not in the description
    this was written from; 0.05 s is assumed.

    Parameters
    ----------
    %(signal_parameters)s
    n_segments : int, default 5
        Segments of a window.
    feature_maps : sequence of int, default (32, 64, 128, 256)
        Feature maps after each residual block; the last number is the width of the
        transformer.
    num_layers : int, default 4
        Transformer layers.
    num_heads : int, default 4
        Attention heads. Must divide the last of `feature_maps`.
    fft_seconds : float, default 1.0
        Length of a spectrum in seconds, at most that of a segment.
    hop_seconds : float, default 0.05
        Time from one spectrum to the next in seconds.
    block_drop_prob : float, default 0.5
        Dropout after each residual block.
    drop_prob : float, default 0.2
        Dropout in the transformer.
    %(input_scale)s
    activation : type of nn.Module, default nn.ReLU
        Non-linearity of the residual blocks.
    transformer_activation : type of nn.Module, default nn.GELU
        Non-linearity of the transformer.
    %(head_activation)s

    Raises
    ------
    ValueError
        If a segment is shorter than a quarter of `fft_seconds`, or an argument is out
        of range.

    References
    ----------
    .. [Peh2022] Peh, W. Y., Yao, Y., & Dauwels, J. (2022). Transformer
       Convolutional Neural Networks for Automated Artifact Detection in Scalp EEG.
       EMBC 2022.
    .. [Yang2023d] Yang, C., Westover, M. B., & Sun, J. (2023). BIOT: Biosignal
       Transformer for Cross-data Learning in the Wild. NeurIPS 2023.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import CNNTransformer
    >>> model = CNNTransformer(n_outputs=7, n_chans=4, n_times=3200)
    >>> model(torch.randn(1, 4, 3200)).shape
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
        n_segments: int = 5,
        feature_maps: Sequence[int] = (32, 64, 128, 256),
        num_layers: int = 4,
        num_heads: int = 4,
        fft_seconds: float = 1.0,
        hop_seconds: float = 0.05,
        block_drop_prob: float = 0.5,
        drop_prob: float = 0.2,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.ReLU,
        transformer_activation: type[nn.Module] = nn.GELU,
        head_activation: type[nn.Module] = nn.ELU,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        check_counts(
            n_blocks=len(feature_maps), num_layers=num_layers, n_segments=n_segments
        )
        dim = feature_maps[-1]
        check_divisors(dim, num_heads=num_heads)
        check_positive(
            input_scale=input_scale, fft_seconds=fft_seconds, hop_seconds=hop_seconds
        )
        self.input_scale = input_scale
        self.n_segments = n_segments
        self._check_shortest(n_segments * fft_seconds / 4)
        self.segment = self.n_times // n_segments
        self.spectral = SpectrogramEncoder(
            self.n_chans,
            min(self._samples(fft_seconds), self.segment),
            self._samples(hop_seconds),
            feature_maps,
            block_drop_prob,
            activation,
        )
        code = sinusoidal_positional_encoding(n_segments, dim)
        self.register_buffer("position_code", code, persistent=False)
        layer = nn.TransformerEncoderLayer(
            dim,
            num_heads,
            dim,
            drop_prob,
            transformer_activation(),
            batch_first=True,
        )
        self.transformer = nn.TransformerEncoder(
            layer, num_layers, enable_nested_tensor=False
        )
        self._finish(dim, head_activation)

    def _encode(self, x: torch.Tensor) -> torch.Tensor:
        used = self.segment * self.n_segments
        segments = x[..., -used:].unflatten(-1, (self.n_segments, -1)).transpose(1, 2)
        tokens = self.spectral(segments.flatten(0, 1)).unflatten(0, (-1, self.n_segments))
        return self.transformer(tokens + self.position_code).mean(dim=1)
