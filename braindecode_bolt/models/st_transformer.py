"""STTransformer: attention over channels, then over time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn
from torch.nn import functional as F

from ._base import BOLDModel
from ._checks import check_counts, check_divisors, check_positive
from ._convolutional import nearest_odd

__all__ = ["STTransformer"]


class ChannelAttention(nn.Module):
    """Attention between channels, by the similarity of their signals in the window.

    Parameters
    ----------
    n_chans : int
        Channels.
    n_times : int
        Samples of a window.
    pool : int
        Samples that are averaged before channels are compared.
    drop_prob : float
        Dropout on the output of the attention.
    """

    def __init__(self, n_chans: int, n_times: int, pool: int, drop_prob: float):
        super().__init__()
        self.norm = nn.LayerNorm(n_times)
        self.query = nn.Conv1d(n_chans, n_chans, 1)
        self.key = nn.Conv1d(n_chans, n_chans, 1)
        self.pool = nn.AvgPool1d(pool)
        self.drop = nn.Dropout(drop_prob)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n_chans, n_times) -> the same shape."""
        normed = self.norm(x)
        query, key = self.pool(self.query(normed)), self.pool(self.key(normed))
        mixed = F.scaled_dot_product_attention(query, key, normed)
        return x + self.drop(mixed)


class STTransformer(BOLDModel, EEGModuleMixin, nn.Module):
    r"""ST-Transformer from Song et al. (2021) [Song2021]_, a baseline in [Yang2023e]_.

    Predicts the BOLD signal of one or more brain regions at the end of a window of
    EEG. Attention over channels comes first: queries and keys are mixtures of
    channels, compared over the window. Two convolutions in time, each with a stride
    of eight samples at 200 Hz, make tokens, which go through three transformer blocks.
    Their mean output goes through an ELU and is read out by one linear layer.

    **Changed**: kernels keep their duration at other sampling rates; the input is
    in microvolts. **Unknown**: over how many samples queries and keys are averaged
    before channels are compared; here eight at 200 Hz (40 ms). A position code was
    not described, and there is none.

    Parameters
    ----------
    %(signal_parameters)s
    n_filters : int, default 64
        Feature maps of the first convolution.
    embed_dim : int, default 256
        Feature maps of the second convolution, the width of a token.
    filter_seconds : float, default 0.075
        Length of the kernel of the first convolution. 0.075 s is a kernel size of 15 at
        200 Hz. The second has the same kernel size.
    stride_seconds : float, default 0.04
        Stride of the first convolution. 0.04 s is 8 samples at 200 Hz. The second has the
        same stride.
    num_layers : int, default 3
        Transformer blocks.
    num_heads : int, default 8
        Attention heads. Must divide `embed_dim`.
    drop_prob : float, default 0.5
        Dropout throughout.
    %(input_scale)s
    activation : type of nn.Module, default nn.GELU
        Non-linearity of the transformer.
    %(head_activation)s

    Raises
    ------
    ValueError
        If a window is shorter than both kernels (0.635 s by default), or an
        argument is out of range.

    References
    ----------
    .. [Song2021] Song, Y., Jia, X., Yang, L., & Xie, L. (2021). Transformer-based
       Spatial-Temporal Feature Learning for EEG Decoding. arXiv:2106.11170.
    .. [Yang2023e] Yang, C., Westover, M. B., & Sun, J. (2023). BIOT: Biosignal
       Transformer for Cross-data Learning in the Wild. NeurIPS 2023.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import STTransformer
    >>> model = STTransformer(n_outputs=7, n_chans=4, n_times=3200)
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
        n_filters: int = 64,
        embed_dim: int = 256,
        filter_seconds: float = 0.075,
        stride_seconds: float = 0.04,
        num_layers: int = 3,
        num_heads: int = 8,
        drop_prob: float = 0.5,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.GELU,
        head_activation: type[nn.Module] = nn.ELU,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        check_counts(n_filters=n_filters, num_layers=num_layers)
        check_divisors(embed_dim, num_heads=num_heads)
        check_positive(
            input_scale=input_scale,
            filter_seconds=filter_seconds,
            stride_seconds=stride_seconds,
        )
        self.input_scale = input_scale
        kernel_size = nearest_odd(filter_seconds * self.sfreq)
        stride = self._samples(stride_seconds)
        self._check_shortest(((kernel_size - 1) * stride + kernel_size) / self.sfreq)
        self.spatial = ChannelAttention(self.n_chans, self.n_times, stride, drop_prob)
        self.tokens = nn.Sequential(
            nn.Conv1d(self.n_chans, n_filters, kernel_size, stride),
            nn.BatchNorm1d(n_filters),
            nn.LeakyReLU(0.2),
            nn.Conv1d(n_filters, embed_dim, kernel_size, stride),
        )
        layer = nn.TransformerEncoderLayer(
            embed_dim,
            num_heads,
            4 * embed_dim,
            drop_prob,
            activation(),
            batch_first=True,
            norm_first=True,
        )
        self.transformer = nn.TransformerEncoder(
            layer, num_layers, enable_nested_tensor=False
        )
        self._finish(embed_dim, head_activation)

    def _encode(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.tokens(self.spatial(x)).transpose(1, 2)
        return self.transformer(tokens).mean(dim=1)
