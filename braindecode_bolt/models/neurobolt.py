"""NeuroBOLT: a spatiotemporal and a multi-scale spectral transformer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ._base import ByChannelName
from ._checks import (
    check_choice,
    check_counts,
    check_divisors,
    check_positive,
)
from ._montage import Montage
from ._spatiotemporal import PATCH, SpatiotemporalEncoder, check_window
from ._spectral import BASE, SpectralEncoder
from ._tokens import ElectrodeTokens
from ._weight_names import translate_neurobolt

__all__ = ["NeuroBOLT"]


class NeuroBOLT(ElectrodeTokens, ByChannelName, EEGModuleMixin, nn.Module):
    r"""NeuroBOLT from Li et al. (2024) [Li2024]_.

    Predicts the BOLD signal of one or more brain regions at the end of a window of
    EEG. Two encoders process the window in parallel:

    - **Spatiotemporal** (section 2.2, equations 2 and 3): each channel is cut
      into patches of one second. Convolutions embed the patches, embeddings of the
      channel and the second are added, and the patches go through a transformer (that
      of LaBraM-base [Jiang2024]_). Its output is the mean over the patches.
    - **Spectral** (equations 4 to 6): magnitude spectra of windows of 0.5, 1, 2
      and 4 s are mapped to a common number of tokens, summed, and go through a
      transformer with linear attention. Its output is the mean over the tokens.

    The two outputs are summed and read out by a GELU and one linear layer (equation
    8). All regions share the encoders. A window must hold a whole number of patches
    and of the longest spectral windows: multiples of 4 s by default.

    The paper's text and the published network differ in the attention of the
    spectral encoder. The published network has a kernel-style linear attention, the
    default here: queries are normalised over features, keys over tokens, and
    no weight depends on the number of tokens. Equation 7 first projects keys and
    values to a few mixtures of tokens (``attention="linformer"``): its weights
    have a column per token, and no published weights exist for it.

    A trained model can predict from a part of its channels, in any order, by their
    names (``model(x, ch_names=...)``, as `EEGRegressor` does).

    Parameters
    ----------
    %(signal_parameters_200_hz)s
    embed_dim : int, default 200
        Width of a token in both encoders. 200 is published, and needed by all
        published weights. Another width has a linear layer after the
        convolutions.
    num_layers : int, default 12
        Blocks of the spatiotemporal transformer.
    num_heads : int, default 10
        Its attention heads. Must divide `embed_dim`.
    n_scales : int, default 4
        Number of spectral window lengths; 4: 0.5, 1, 2 and 4 s.
    spectral_depth : int, default 4
        Blocks of the spectral transformer.
    spectral_num_heads : int, default 8
        Its attention heads. Must divide `embed_dim`.
    mix_windows : bool, default True
        Whether the tokens of the spectral encoder are learned mixtures of all spectral
        windows of a channel, as published. Without, a token sees the windows
        that it lies in, and no weight depends on the length of the window.
    drop_prob : float, default 0.1
        Dropout on the embeddings of both encoders and on the attention and
        feed-forward outputs of the spatiotemporal one.
    drop_path_prob : float, default 0.1
        Stochastic depth of the last spatiotemporal block, rising linearly
        from 0 at the first.
    spectral_drop_prob : float, default 0.2
        Dropout on the attention output of the spectral transformer.
    %(input_scale)s
    %(embedding_std)s
    activation : type of nn.Module, default nn.GELU
        Non-linearity throughout.
    branches : {"both", "spatiotemporal", "spectral"}, default "both"
        Which encoders to use (the paper's ablation, its table 4).
    nonlinear_head : bool, default True
        Use the non-linearity before the last layer (equation 8).
        Weights published in 2025 and earlier may have been trained without it.
    attention : {"linear", "linformer"}, default "linear"
        Attention of the spectral encoder, see above.
    attention_rank : int, default 64
        Number of mixtures of the ``"linformer"`` attention, D in equation 7;
        the paper does not state it.
    unknown_channels : {"raise", "drop", "nearest", "fresh"}, default "raise"
        What to do with electrodes that LaBraM's channel embedding has no row for:
        raise an error that lists them, leave them out, use the row of
        the nearest electrode (by the positions in `chs_info`, else those of the
        10-05 system), or add a new row that is trained.
    %(pretrained)s

    Raises
    ------
    ChannelNameError
        If no channel names are given, or one has no row in LaBraM's channel
        embedding.
    ValueError
        If the sampling rate is not 200 Hz, the window does not hold whole
        patches and spectral windows, or an argument is none of its choices.
    CheckpointError
        If the pretrained weights do not fit.

    References
    ----------
    .. [Li2024] Li, Y., Lou, A., Xu, Z., Zhang, S., Wang, S., Englot, D. J.,
       Kolouri, S., Moyer, D., Bayrak, R. G., & Chang, C. (2024). NeuroBOLT:
       Resting-state EEG-to-fMRI Synthesis with Multi-dimensional Feature
       Mapping. NeurIPS 2024.
    .. [Jiang2024] Jiang, W.-B., Zhao, L.-M., & Lu, B.-L. (2024). Large Brain
       Model for Learning Generic Representations with Tremendous EEG Data in
       BCI. ICLR 2024.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import NeuroBOLT
    >>> model = NeuroBOLT(
    ...     n_outputs=7, ch_names=["Fz", "Cz", "Pz", "Oz"], n_times=3200, num_layers=2
    ... )
    >>> model(torch.randn(1, 4, 3200)).shape
    torch.Size([1, 7])
    """

    NEEDS_CHANNEL_NAMES = True
    _LABRAM = "spatiotemporal"
    _HEAD_SCALE = 0.001
    _translate_weights = translate_neurobolt

    def __init__(
        self,
        n_outputs: int | None = None,
        n_chans: int | None = None,
        chs_info: list[dict] | None = None,
        n_times: int | None = None,
        input_window_seconds: float | None = None,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        embed_dim: int = PATCH,
        num_layers: int = 12,
        num_heads: int = 10,
        n_scales: int = 4,
        spectral_depth: int = 4,
        spectral_num_heads: int = 8,
        mix_windows: bool = True,
        drop_prob: float = 0.1,
        drop_path_prob: float = 0.1,
        spectral_drop_prob: float = 0.2,
        input_scale: float = 100.0,
        embedding_std: float = 0.02,
        activation: type[nn.Module] = nn.GELU,
        branches: str = "both",
        nonlinear_head: bool = True,
        attention: str = "linear",
        attention_rank: int = 64,
        unknown_channels: str = "raise",
        pretrained: str | None = None,
        new_head: bool = False,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        check_counts(n_scales=n_scales)
        longest = BASE * 2 ** (n_scales - 1)
        check_window("NeuroBOLT", self.n_times, self.sfreq, longest)
        check_counts(embed_dim=embed_dim)
        heads = {"num_heads": num_heads, "spectral_num_heads": spectral_num_heads}
        check_divisors(embed_dim, **heads)
        check_choice("branches", branches, ("both", "spatiotemporal", "spectral"))
        check_choice("attention", attention, ("linear", "linformer"))
        check_counts(num_layers=num_layers, spectral_depth=spectral_depth)
        check_counts(attention_rank=attention_rank)
        check_positive(input_scale=input_scale, embedding_std=embedding_std)
        self.input_scale, self.nonlinear_head = input_scale, nonlinear_head
        self.spatiotemporal = self.spectral = None
        if branches == "spectral":
            # The spectral encoder has a row for each channel, whatever its name.
            self._use_channels(range(self.n_chans))
        else:
            montage = Montage.of(self.ch_names, self._chs_info, unknown_channels)
            self._use_channels(montage.inputs, montage.rows)
            sizes = (self.n_times // PATCH, num_layers, num_heads)
            self.spatiotemporal = SpatiotemporalEncoder(
                *sizes, drop_prob, drop_path_prob, activation, montage.n_fresh, embed_dim
            )
        if branches != "spatiotemporal":
            sizes = (n_scales, spectral_depth, spectral_num_heads, embed_dim)
            self.spectral = SpectralEncoder(
                len(self.inputs),
                self.n_times,
                *sizes,
                drop_prob,
                spectral_drop_prob,
                activation,
                attention_rank if attention == "linformer" else None,
                mix_windows,
            )
        self._initialise(embedding_std)
        head_activation = activation if nonlinear_head else nn.Identity
        self._finish(embed_dim, head_activation, pretrained, new_head)

    def _initialise(self, embedding_std: float) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.spatiotemporal is not None:
            self.spatiotemporal.initialise(embedding_std)

    def _encode(
        self, x: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        pooled, cls_token = [], None
        if self.spatiotemporal is not None:
            of_patches, cls_token = self.spatiotemporal(x, self.positions[rows])
            pooled.append(of_patches)
        if self.spectral is not None:
            pooled.append(self.spectral(x, rows))
        return sum(pooled), cls_token

    @property
    def n_token_features(self) -> int:
        """Number of features of a token (int), those of both encoders."""
        encoders = (self.spatiotemporal, self.spectral)
        return self.final_layer.in_features * sum(
            encoder is not None for encoder in encoders
        )

    def _tokens(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        tokens = []
        if self.spatiotemporal is not None:
            tokens.append(self.spatiotemporal.tokens(x, self.positions[rows]))
        if self.spectral is not None:
            # The mean of the two halves of each second.
            halves = self.spectral.tokens(x, rows).unflatten(2, (-1, PATCH // BASE))
            tokens.append(halves.mean(dim=3))
        return torch.cat(tokens, dim=-1)
