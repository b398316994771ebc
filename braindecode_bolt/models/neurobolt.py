"""NeuroBOLT: a spatiotemporal and a multi-scale spectral transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ._base import BOLDModel, ByChannelName
from ._checks import (
    check_choice,
    check_counts,
    check_divisors,
    check_positive,
    check_window,
)
from ._groups import layer_decay_groups
from ._montage import Montage
from ._registry import register
from ._spatiotemporal import PATCH, SpatiotemporalEncoder
from ._spectral import SpectralEncoder
from ._weight_names import translate_neurobolt
from .checkpoints import load_published_weights

__all__ = ["NeuroBOLT"]


class NeuroBOLT(ByChannelName, BOLDModel, EEGModuleMixin, nn.Module):
    r"""NeuroBOLT from Li et al. (2024) [Li2024]_.

    A window of EEG in, the BOLD signal of one or more brain regions at its end
    out. Two encoders read the window side by side:

    - **Spatiotemporal** (section 2.2, equations 2 and 3): each channel is cut
      into patches of one second; convolutions embed the patches, tables tell
      the electrode and the second, and a transformer (that of LaBraM-base
      [Jiang2024]_) joins them. Its output is the mean over the patches.
    - **Spectral** (equations 4 to 6): magnitude spectra of windows of 0.5, 1, 2
      and 4 s are mapped to a common grid, summed, and joined by a transformer
      with linear attention. Its output is the mean over the tokens.

    The two are summed and read out by a GELU and one linear layer (equation
    8). All regions share the encoders.

    The paper's text and the published network differ in the attention of the
    spectral encoder. What was published is a kernel-style linear attention, the
    default here: queries are normalised over features, keys over tokens, and
    nothing depends on the number of tokens. Equation 7 projects keys and values
    to a few mixtures of tokens first (``attention="linformer"``): its weights
    have a column per token, and no published weights exist for it.

    A trained model predicts from a part of its channels, in any order, when it
    is told their names (``model(x, ch_names=...)``; `EEGRegressor` does that).

    Parameters
    ----------
    n_outputs : int
        Number of regions.
    n_chans : int | None
        Number of channels, where it is to be checked against the names.
    chs_info : list of dict | None
        Channels as in ``mne.Info["chs"]``. The names decide which rows of the
        position table are used.
    n_times : int
        Samples of a window: whole seconds at 200 Hz, and a whole number of the
        longest spectral windows. 3200 in the paper.
    input_window_seconds : float | None
        Length of a window in seconds, where `n_times` is not given.
    sfreq : float | None
        Sampling rate in Hz. Must be 200 if given: the patches, the
        convolutions and the pretrained weights are made for it.
    ch_names : list of str | None
        Channel names, a shorthand for `chs_info`. Spelling does not matter
        (``"EEG Fp1-REF"``).
    num_layers : int
        Blocks of the spatiotemporal transformer. Default 12.
    num_heads : int
        Its attention heads. Default 10. Must divide 200.
    n_scales : int
        Number of spectral scales. Default 4: 0.5, 1, 2 and 4 s.
    spectral_depth : int
        Blocks of the spectral transformer. Default 4.
    spectral_num_heads : int
        Its attention heads. Default 8. Must divide 200.
    drop_prob : float
        Dropout on the embeddings of both encoders and on the attention and
        feed-forward outputs of the spatiotemporal one. Default 0.1.
    drop_path_prob : float
        Stochastic depth of the last spatiotemporal block, rising linearly
        from 0 at the first. Default 0.1.
    spectral_drop_prob : float
        Dropout on the attention output of the spectral transformer. Default
        0.2.
    input_scale : float
        The input is divided by it. Default 100: microvolts become units of
        100 microvolts, as LaBraM was trained on.
    table_std : float
        Standard deviation of the tables of channels and seconds as they are made.
        Default 0.02, as published. Beside patches of unit scale this is next to
        nothing, and weights of LaBraM-base replace it; a network that begins without
        them hardly knows which channel and second a patch is from. Begin with 1
        there, and learn at one rate (``EEGRegressor(layer_decay=1.0)``); measured in
        :doc:`/baselines`.
    activation : type of nn.Module
        Non-linearity throughout. Default ``nn.GELU`` (the exact one).
    branches : {"both", "spatiotemporal", "spectral"}
        Which encoders there are (the paper's ablation, its table 4). Default
        ``"both"``.
    nonlinear_head : bool
        Whether the non-linearity stands before the last layer (equation 8).
        Default True. Weights published in 2025 and earlier may have been
        trained without.
    attention : {"linear", "linformer"}
        Attention of the spectral encoder, see above. Default ``"linear"``.
    attention_rank : int
        Number of mixtures of the ``"linformer"`` attention, D in equation 7;
        the paper does not state it. Default 64.
    unknown_channels : {"raise", "drop", "nearest", "fresh"}
        What to do with electrodes that LaBraM's position table has no row for:
        raise an error that lists them (default), do not look at them, give them
        the row of the nearest electrode (by the positions in `chs_info`, else
        those of the 10-05 system), or a new row that is trained.
    pretrained : str | None
        Weights to begin with: a file, a folder of ``save_pretrained``, or a
        repository of the Hugging Face Hub, see
        :func:`~braindecode_bolt.load_published_weights`. Default None.
    new_head : bool
        Leave the last layer as it is made, whatever the pretrained weights have
        there, for other regions. Default False.

    Raises
    ------
    ChannelNameError
        If no channel names are given, or one has no row in LaBraM's table.
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
        num_layers: int = 12,
        num_heads: int = 10,
        n_scales: int = 4,
        spectral_depth: int = 4,
        spectral_num_heads: int = 8,
        drop_prob: float = 0.1,
        drop_path_prob: float = 0.1,
        spectral_drop_prob: float = 0.2,
        input_scale: float = 100.0,
        table_std: float = 0.02,
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
            n_outputs,
            n_chans,
            chs_info,
            n_times,
            input_window_seconds,
            sfreq,
            ch_names,
            names_needed=True,
        )
        names = self.ch_names
        check_window("NeuroBOLT", self.n_times, self.sfreq, n_scales)
        check_divisors(num_heads=num_heads, spectral_num_heads=spectral_num_heads)
        check_choice("branches", branches, ("both", "spatiotemporal", "spectral"))
        check_choice("attention", attention, ("linear", "linformer"))
        check_counts(
            num_layers=num_layers,
            spectral_depth=spectral_depth,
            attention_rank=attention_rank,
        )
        check_positive(input_scale=input_scale, table_std=table_std)
        # The spectral encoder has a row for every channel, whatever its name.
        montage = (
            Montage(names, list(range(len(names))), [0] * len(names), 0)
            if branches == "spectral"
            else Montage.of(names, self._chs_info, unknown_channels)
        )
        self.input_scale = input_scale
        self.nonlinear_head = nonlinear_head
        self._use_channels(montage.inputs)
        self.register_buffer("positions", torch.tensor(montage.rows), False)
        self.spatiotemporal = self.spectral = None
        if branches != "spectral":
            self.spatiotemporal = SpatiotemporalEncoder(
                self.n_times // PATCH,
                num_layers,
                num_heads,
                drop_prob,
                drop_path_prob,
                activation,
                montage.n_fresh,
            )
        if branches != "spatiotemporal":
            self.spectral = SpectralEncoder(
                len(montage.inputs),
                self.n_times,
                n_scales,
                spectral_depth,
                spectral_num_heads,
                PATCH,
                drop_prob,
                spectral_drop_prob,
                activation,
                attention_rank if attention == "linformer" else None,
            )
        self._initialise(table_std)
        self._add_head(PATCH, activation if nonlinear_head else nn.Identity)
        if pretrained is not None:
            load_published_weights(self, pretrained, new_head=new_head)
        self._remember_weights()

    def _initialise(self, table_std: float) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.spatiotemporal is not None:
            self.spatiotemporal.initialise(table_std)

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

    def parameter_groups(self, layer_decay: float = 0.65) -> list[dict[str, Any]]:
        """Group the parameters by learning rate and weight decay.

        The learning rate falls by `layer_decay` from block to block towards
        the input of the spatiotemporal encoder; the spectral encoder, the last
        norm and the head learn at the full rate. Weights decay but for
        one-dimensional parameters and the tables of the spatiotemporal encoder
        (paper, section 3.2, and what was run).

        Parameters
        ----------
        layer_decay : float
            Factor per block. Default 0.65; 1 turns it off.

        Returns
        -------
        list of dict
            With ``params`` (list of Parameter), ``names`` (list of str),
            ``lr_scale`` (float) and ``decay`` (bool).
        """
        encoder = self.spatiotemporal
        if encoder is None:
            return layer_decay_groups(self, layer_decay)
        return layer_decay_groups(
            self, layer_decay, "spatiotemporal", len(encoder.blocks), encoder.tables()
        )


register(
    NeuroBOLT,
    ["n_outputs", "chs_info", "n_times"],
    {
        "n_times": 1600,
        "sfreq": 200.0,
        "input_window_seconds": 8.0,
        "chs_info": [{"ch_name": name, "kind": "eeg"} for name in ("Cz", "Pz", "Oz")],
    },
)
