"""BIOTBOLD: the BIOT of braindecode with a head for BOLD."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from braindecode.models import BIOT
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ._base import ByChannelName
from ._checks import check_counts, check_divisors, check_positive
from ._convolutional import magnitude_spectra
from ._tokens import ElectrodeTokens, seconds_of_steps
from ._weight_names import translate_biot

__all__ = ["BIOTBOLD"]

#: Spectra of a window for which BIOT has position codes.
_N_POSITIONS = 1000


class BIOTBOLD(ElectrodeTokens, ByChannelName, EEGModuleMixin, nn.Module):
    r"""BIOT [Yang2023b]_ as a baseline of NeuroBOLT's paper [Li2024c]_.

    Predicts the BOLD signal of one or more brain regions at the end of a window of
    EEG. Magnitude spectra of one second, every half second, of each channel are
    embedded by a linear layer. A channel embedding and a sinusoidal code of time are
    added. All these tokens go through a transformer with linear attention, and their
    mean is read out by an ELU and one linear layer. The encoder is that of
    :class:`braindecode.models.BIOT`.

    **Changed** against braindecode's model: all channels go through the encoder
    together instead of one after the other, which gives the same numbers in
    less time (``benchmarks/speed_of_baselines.py``); spectra keep their duration at
    other sampling rates; it predicts from a part of its channels by name; its
    input is in microvolts. **Unknown**: the original divides each channel by a
    quantile of its amplitude, and NeuroBOLT's paper does not say what it did. Here
    the input is divided by 100, as for the other networks. Dropout on the
    embeddings is 0.1, as in the original (braindecode: 0.5).

    Parameters
    ----------
    %(signal_parameters)s
    embed_dim : int, default 256
        Width of a token.
    num_layers : int, default 4
        Transformer blocks.
    num_heads : int, default 8
        Attention heads. Must divide `embed_dim`.
    hop_seconds : float, default 0.5
        Time from one spectrum to the next in seconds.
    drop_prob : float, default 0.1
        Dropout on the embeddings.
    att_drop_prob : float, default 0.2
        Dropout on the output of the attention.
    %(input_scale)s
    activation : type of nn.Module, default nn.ELU
        Non-linearity before the last layer.
    %(pretrained)s

    Raises
    ------
    ValueError
        If a window is shorter than a second or longer than 1000 hops, or an
        argument is out of range.
    CheckpointError
        If the pretrained weights do not fit.

    References
    ----------
    .. [Yang2023b] Yang, C., Westover, M. B., & Sun, J. (2023). BIOT: Biosignal
       Transformer for Cross-data Learning in the Wild. NeurIPS 2023.
    .. [Li2024c] Li, Y., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
       Synthesis with Multi-dimensional Feature Mapping. NeurIPS 2024.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import BIOTBOLD
    >>> model = BIOTBOLD(n_outputs=7, n_chans=4, n_times=3200, num_layers=1)
    >>> model(torch.randn(1, 4, 3200)).shape
    torch.Size([1, 7])
    """

    _translate_weights = translate_biot

    def __init__(
        self,
        n_outputs: int | None = None,
        n_chans: int | None = None,
        chs_info: list[dict] | None = None,
        n_times: int | None = None,
        input_window_seconds: float | None = None,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        embed_dim: int = 256,
        num_layers: int = 4,
        num_heads: int = 8,
        hop_seconds: float = 0.5,
        drop_prob: float = 0.1,
        att_drop_prob: float = 0.2,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.ELU,
        pretrained: str | None = None,
        new_head: bool = False,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        check_divisors(embed_dim, num_heads=num_heads)
        check_counts(num_layers=num_layers)
        check_positive(input_scale=input_scale, hop_seconds=hop_seconds)
        self.input_scale = input_scale
        self.n_fft, self.hop = self._samples(1.0), self._samples(hop_seconds)
        n_steps = (self.n_times - self.n_fft) // self.hop + 1
        if not 1 <= n_steps <= _N_POSITIONS:
            raise ValueError(
                f"BIOTBOLD takes windows of 1 s to {_N_POSITIONS} hops of {hop_seconds:g} "
                f"s, got {self.n_times / self.sfreq:g} s."
            )
        self._use_channels(range(self.n_chans))
        with warnings.catch_warnings():
            # About other sampling rates, many channels and long hops, all intended here.
            warnings.simplefilter("ignore", UserWarning)
            self.encoder = BIOT(
                n_outputs=1,
                n_chans=self.n_chans,
                n_times=self.n_times,
                sfreq=self.n_fft,
                hop_length=self.hop,
                embed_dim=embed_dim,
                num_layers=num_layers,
                num_heads=num_heads,
                drop_prob=drop_prob,
                att_layer_drop_prob=att_drop_prob,
            ).encoder
        # The position code is computed, so it need not be saved.
        code = self.encoder.positional_encoding
        table = code.pe
        del code.pe
        code.register_buffer("pe", table, persistent=False)
        self._set_seconds(n_steps)
        self._finish(embed_dim, activation, pretrained, new_head)

    def _set_seconds(self, n_steps: int) -> None:
        starts = np.arange(n_steps) * self.hop
        weights = seconds_of_steps(starts, self.n_fft, self._sfreq, self.n_times)
        self.register_buffer("to_seconds", weights, persistent=False)

    @property
    def n_token_features(self) -> int:
        """Number of features of a token."""
        return self.final_layer.in_features

    def _tokens(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        # A second is covered by two or three spectra.
        return self.to_seconds @ self._transformed(x, rows).unflatten(1, (x.shape[1], -1))

    def _encode(self, x: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self._transformed(x, rows).mean(dim=1), None

    def _transformed(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Give the tokens of all channels, one per spectrum."""
        encoder = self.encoder
        spectra = magnitude_spectra(x, self.n_fft, self.hop)
        tokens = encoder.patch_embedding(spectra.flatten(0, 1)).unflatten(0, x.shape[:2])
        tokens = tokens + encoder.channel_tokens(rows).unsqueeze(1)
        tokens = encoder.positional_encoding(tokens.flatten(0, 1))
        tokens = tokens.unflatten(0, x.shape[:2]).flatten(1, 2)
        return encoder.transformer(tokens)
