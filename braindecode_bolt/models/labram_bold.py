"""LabramBOLD: the LaBraM of braindecode with a head for BOLD."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from braindecode.models import Labram
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
from ._spatiotemporal import PATCH, TABLE_STD
from ._weight_names import translate_labram
from .checkpoints import load_published_weights

__all__ = ["LabramBOLD"]


class LabramBOLD(ByChannelName, BOLDModel, EEGModuleMixin, nn.Module):
    r"""LaBraM [Jiang2024b]_ as a baseline of NeuroBOLT's paper [Li2024b]_.

    A window of EEG in, the BOLD signal of one or more brain regions at its end
    out: patches of one second of each channel, embedded by convolutions and
    joined by a transformer; the normalised mean over the patches is read out by
    one linear layer. The encoder is :class:`braindecode.models.Labram` with mean
    pooling; it is what NeuroBOLT has as its spatiotemporal half.

    **Changed** against braindecode's model: the channels are known when it is
    built (braindecode's wants all 128 of LaBraM's table, or to be told with each
    batch), it predicts from a part of them by name, it can be pickled, its input
    is in microvolts, and its last layer begins close to zero. **Unknown**: the
    paper does not say how LaBraM was fine-tuned; the recipe is that of NeuroBOLT
    (learning rates that fall from block to block, see :meth:`parameter_groups`),
    and dropout is NeuroBOLT's. The paper's numbers are for weights of LaBraM-base,
    ``pretrained=``. **Found**: trained from scratch it learns its training people by
    heart and predicts nobody else, for its tables begin too small, and too slowly
    do they learn; see `table_std` and :doc:`/baselines`.

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
        Samples of a window: whole seconds at 200 Hz. 3200 in the paper.
    input_window_seconds : float | None
        Length of a window in seconds, where `n_times` is not given.
    sfreq : float | None
        Sampling rate in Hz. Must be 200 if given.
    ch_names : list of str | None
        Channel names, a shorthand for `chs_info`.
    num_layers : int
        Transformer blocks. Default 12.
    num_heads : int
        Attention heads. Default 10. Must divide 200.
    drop_prob : float
        Dropout on the embeddings and on the outputs of attention and
        feed-forward parts. Default 0.1.
    drop_path_prob : float
        Stochastic depth of the last block, rising linearly from 0. Default 0.1.
    input_scale : float
        The input is divided by it. Default 100.
    table_std : float
        Standard deviation of the tables of channels and seconds as they are made.
        Default 0.02, as published. Beside patches of unit scale this is next to
        nothing, and weights of LaBraM-base replace it; a network that begins without
        them hardly knows which channel and second a patch is from. Begin with 1
        there, and learn at one rate (``EEGRegressor(layer_decay=1.0)``); measured in
        :doc:`/baselines`.
    activation : type of nn.Module
        Non-linearity throughout. Default ``nn.GELU``.
    unknown_channels : {"raise", "drop", "nearest"}
        What to do with electrodes that LaBraM's position table has no row for:
        raise an error that lists them (default), do not look at them, or give
        them the row of the nearest electrode.
    pretrained : str | None
        Weights to begin with, see :func:`~braindecode_bolt.load_published_weights`.
    new_head : bool
        Leave the last layer as it is made, whatever the pretrained weights have
        there. Default False.

    Raises
    ------
    ChannelNameError
        If no channel names are given, or one has no row in LaBraM's table.
    ValueError
        If the sampling rate is not 200 Hz, the window does not hold whole
        seconds, or an argument is none of its choices.
    CheckpointError
        If the pretrained weights do not fit.

    References
    ----------
    .. [Jiang2024b] Jiang, W.-B., Zhao, L.-M., & Lu, B.-L. (2024). Large Brain
       Model for Learning Generic Representations with Tremendous EEG Data in
       BCI. ICLR 2024.
    .. [Li2024b] Li, Y., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
       Synthesis with Multi-dimensional Feature Mapping. NeurIPS 2024.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import LabramBOLD
    >>> model = LabramBOLD(
    ...     n_outputs=7, ch_names=["Fz", "Cz", "Pz", "Oz"], n_times=3200, num_layers=2
    ... )
    >>> model(torch.randn(1, 4, 3200)).shape
    torch.Size([1, 7])
    """

    _HEAD_SCALE = 0.001
    _translate_weights = translate_labram

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
        drop_prob: float = 0.1,
        drop_path_prob: float = 0.1,
        input_scale: float = 100.0,
        table_std: float = 0.02,
        activation: type[nn.Module] = nn.GELU,
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
        check_window("LabramBOLD", self.n_times, self.sfreq)
        check_divisors(num_heads=num_heads)
        check_counts(num_layers=num_layers)
        check_positive(input_scale=input_scale, table_std=table_std)
        check_choice("unknown_channels", unknown_channels, ("raise", "drop", "nearest"))
        montage = Montage.of(self.ch_names, self._chs_info, unknown_channels)
        self.input_scale = input_scale
        self._use_channels(montage.inputs)
        self.register_buffer("positions", torch.tensor(montage.rows), False)
        self.encoder = Labram(
            n_times=self.n_times,
            n_outputs=1,
            n_chans=len(montage.inputs),
            sfreq=self.sfreq,
            num_layers=num_layers,
            num_heads=num_heads,
            drop_prob=drop_prob,
            drop_path_prob=drop_path_prob,
            activation=activation,
            use_mean_pooling=True,
        )
        self.encoder.final_layer = nn.Identity()
        with torch.no_grad():
            for table in (self.encoder.position_embedding, self.encoder.temporal_embedding):
                table.mul_(table_std / TABLE_STD)
        for block in self.encoder.blocks:
            # A lambda that nothing calls any more, and that cannot be pickled.
            block.mlp.normalization = None
        self._add_head(PATCH, nn.Identity)
        if pretrained is not None:
            load_published_weights(self, pretrained, new_head=new_head)
        self._remember_weights()

    def _encode(self, x: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, None]:
        # Row 0 is the CLS token's.
        index = torch.cat([self.positions.new_zeros(1), self.positions[rows]])
        return self.encoder.forward_features(x, index), None

    def parameter_groups(self, layer_decay: float = 0.65) -> list[dict[str, Any]]:
        """Group the parameters by learning rate and weight decay.

        The learning rate falls by `layer_decay` from block to block towards the
        input; the norm after the blocks and the head learn at the full rate.
        Weights decay but for one-dimensional parameters and the tables (the
        recipe of NeuroBOLT's spatiotemporal encoder).

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
        encoder = self.encoder
        tables = [
            encoder.cls_token,
            encoder.position_embedding,
            encoder.temporal_embedding,
        ]
        return layer_decay_groups(self, layer_decay, "encoder", len(encoder.blocks), tables)


register(
    LabramBOLD,
    ["n_outputs", "chs_info", "n_times"],
    {
        "n_times": 1600,
        "sfreq": 200.0,
        "input_window_seconds": 8.0,
        "chs_info": [{"ch_name": name, "kind": "eeg"} for name in ("Cz", "Pz", "Oz")],
    },
)
