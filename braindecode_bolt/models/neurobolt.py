"""NeuroBOLT: a spatiotemporal and a multi-scale spectral transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ..channels import ChannelNameError, match_channels, resolve_ch_names, same_names
from ._base import BOLDModel
from ._checks import SFREQ, check_choice, check_counts, check_divisors, check_window
from ._groups import layer_decay_groups
from ._montage import Montage
from ._registry import register
from ._spatiotemporal import PATCH, SpatiotemporalEncoder
from ._spectral import SpectralEncoder
from .checkpoints import load_published_weights

__all__ = ["NeuroBOLT"]


class NeuroBOLT(BOLDModel, EEGModuleMixin, nn.Module):
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
        activation: type[nn.Module] = nn.GELU,
        branches: str = "both",
        nonlinear_head: bool = True,
        attention: str = "linear",
        attention_rank: int = 64,
        unknown_channels: str = "raise",
        pretrained: str | None = None,
        new_head: bool = False,
    ):
        names = resolve_ch_names(chs_info, ch_names)
        if n_chans is not None and n_chans != len(names):
            raise ValueError(f"n_chans is {n_chans}, but {len(names)} channels are named.")
        super().__init__(
            n_outputs=n_outputs,
            n_chans=len(names),
            chs_info=chs_info,
            n_times=n_times,
            input_window_seconds=input_window_seconds,
            sfreq=sfreq,
        )
        check_window(self.n_times, n_scales, self._sfreq, input_window_seconds)
        # It takes no other, said or not: whoever feeds it can check.
        self._sfreq = SFREQ
        check_divisors(num_heads=num_heads, spectral_num_heads=spectral_num_heads)
        check_choice("branches", branches, ("both", "spatiotemporal", "spectral"))
        check_choice("attention", attention, ("linear", "linformer"))
        check_counts(
            n_outputs=n_outputs,
            num_layers=num_layers,
            spectral_depth=spectral_depth,
            attention_rank=attention_rank,
        )
        if not input_scale > 0:
            raise ValueError(f"input_scale must be positive, got {input_scale}.")
        # The spectral encoder has a row for every channel, whatever its name.
        montage = (
            Montage(names, list(range(len(names))), [0] * len(names), 0)
            if branches == "spectral"
            else Montage.of(names, self._chs_info, unknown_channels)
        )
        self.ch_names = names
        self.input_scale = input_scale
        self.nonlinear_head = nonlinear_head
        self.register_buffer("inputs", torch.tensor(montage.inputs), False)
        self.register_buffer("positions", torch.tensor(montage.rows), False)
        self.register_buffer("channels", torch.arange(len(montage.inputs)), False)
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
        self.head_activation = activation() if nonlinear_head else nn.Identity()
        self.final_layer = nn.Linear(PATCH, self.n_outputs)
        self._initialise()
        if pretrained is not None:
            load_published_weights(self, pretrained, new_head=new_head)
        self._remember_weights()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.spatiotemporal is not None:
            self.spatiotemporal.initialise()
        self._shrink_head()

    def _shrink_head(self) -> None:
        # Predictions start at zero, the mean of a centred BOLD signal.
        with torch.no_grad():
            self.final_layer.weight.mul_(0.001)
            self.final_layer.bias.mul_(0.001)

    def forward(
        self,
        x: torch.Tensor,
        return_features: bool = False,
        *,
        ch_names: Sequence[str] | None = None,
    ) -> torch.Tensor | dict[str, torch.Tensor]:
        """Predict the BOLD at the end of each window.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in microvolts.
        return_features : bool
            Return the representation instead of the prediction.
        ch_names : sequence of str | None
            Names of the channels of `x`, where they are a part of the model's
            channels or come in another order.

        Returns
        -------
        Tensor, shape (batch, n_outputs) | dict
            With `return_features`, ``"features"``, the sum of the pooled
            representations (batch, 200), and ``"cls_token"`` (batch, 200), None
            without the spatiotemporal encoder.

        Raises
        ------
        ValueError
            If `x` has another number of channels or samples than the model.
        ChannelNameError
            If the model has no channel of a name.
        """
        inputs, positions, channels = self._rows(ch_names)
        self._check_input(x, len(self.ch_names) if ch_names is None else len(ch_names))
        if inputs is not None:
            x = x[:, inputs]
        x = x / self.input_scale
        pooled, cls_token = [], None
        if self.spatiotemporal is not None:
            of_patches, cls_token = self.spatiotemporal(x, positions)
            pooled.append(of_patches)
        if self.spectral is not None:
            pooled.append(self.spectral(x, channels))
        features = sum(pooled)
        if return_features:
            return {"features": features, "cls_token": cls_token}
        # A thousandth of the arithmetic: not worth the rounding of bfloat16.
        with torch.autocast(x.device.type, enabled=False):
            activated = self.head_activation(features.type_as(self.final_layer.weight))
            return self.final_layer(activated)

    def _rows(
        self, ch_names: Sequence[str] | None
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]:
        """Channels of the input to use (None: all), and their rows in both tables."""
        if ch_names is None or same_names(ch_names, self.ch_names):
            all_used = len(self.inputs) == len(self.ch_names)
            return None if all_used else self.inputs, self.positions, self.channels
        named = match_channels(ch_names, self.ch_names, "The model")
        used = {place: row for row, place in enumerate(self.inputs.tolist())}
        inputs = [number for number, place in enumerate(named) if place in used]
        if not inputs:
            raise ChannelNameError(
                f"The model looks at none of the channels {', '.join(ch_names)}."
            )
        rows = [used[named[number]] for number in inputs]
        device = self.channels.device
        rows = torch.tensor(rows, device=device)
        return torch.tensor(inputs, device=device), self.positions[rows], rows

    def _check_input(self, x: torch.Tensor, n_chans: int) -> None:
        if x.ndim != 3 or x.shape[1] != n_chans or x.shape[2] != self.n_times:
            raise ValueError(
                f"Expected windows of shape (batch, {n_chans}, {self.n_times}), got "
                f"{tuple(x.shape)}."
            )

    def reset_head(self, n_outputs: int) -> None:
        """Replace the head, for another number of regions.

        Parameters
        ----------
        n_outputs : int
            New number of regions.
        """
        self._set_n_outputs(n_outputs)
        weight = self.final_layer.weight
        self.final_layer = nn.Linear(
            PATCH, n_outputs, device=weight.device, dtype=weight.dtype
        )
        nn.init.trunc_normal_(self.final_layer.weight, std=0.02)
        nn.init.zeros_(self.final_layer.bias)
        self._shrink_head()

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
