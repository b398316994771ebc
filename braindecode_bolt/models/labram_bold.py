"""LabramBOLD: the LaBraM of braindecode with a head for BOLD."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from braindecode.models import Labram
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
from ._spatiotemporal import EMBEDDING_STD, PATCH, check_window
from ._tokens import ElectrodeTokens
from ._weight_names import translate_labram

__all__ = ["LabramBOLD"]


class LabramBOLD(ElectrodeTokens, ByChannelName, EEGModuleMixin, nn.Module):
    r"""LaBraM [Jiang2024b]_ as a baseline of NeuroBOLT's paper [Li2024b]_.

    Predicts the BOLD signal of one or more brain regions at the end of a window of
    EEG. Patches of one second of each channel are embedded by convolutions and go
    through a transformer. The normalised mean over the patches is read out by one
    linear layer. The encoder is :class:`braindecode.models.Labram` with mean pooling,
    which is also the spatiotemporal encoder of NeuroBOLT.

    **Changed** against braindecode's model: the channels are given when it is
    built (braindecode's needs all 128 channels of LaBraM, or their names with each
    batch); it predicts from a part of them by name; it can be pickled; its input
    is in microvolts; the weights of its last layer are close to zero at
    initialisation. **Unknown**: the paper does not say how LaBraM was fine-tuned. Here
    dropout and learning rates are those of NeuroBOLT (see :meth:`parameter_groups`).
    The paper's results are for weights of LaBraM-base, ``pretrained=``. **Found**:
    trained from scratch as published, it overfits the training subjects and does not
    generalise to others, since its channel and time embeddings are too small at
    initialisation and learn too slowly; see `embedding_std` and :doc:`/baselines`.

    Parameters
    ----------
    %(signal_parameters_200_hz)s
    num_layers : int, default 12
        Transformer blocks.
    num_heads : int, default 10
        Attention heads. Must divide 200.
    drop_prob : float, default 0.1
        Dropout on the embeddings and on the outputs of attention and
        feed-forward parts.
    drop_path_prob : float, default 0.1
        Stochastic depth of the last block, rising linearly from 0.
    %(input_scale)s
    %(embedding_std)s
    activation : type of nn.Module, default nn.GELU
        Non-linearity throughout.
    unknown_channels : {"raise", "drop", "nearest"}, default "raise"
        What to do with electrodes that LaBraM's channel embedding has no row for:
        raise an error that lists them, leave them out, or use the row of
        the nearest electrode.
    %(pretrained)s

    Raises
    ------
    ChannelNameError
        If no channel names are given, or one has no row in LaBraM's channel
        embedding.
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

    NEEDS_CHANNEL_NAMES = True
    _LABRAM = "encoder"
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
        embedding_std: float = 0.02,
        activation: type[nn.Module] = nn.GELU,
        unknown_channels: str = "raise",
        pretrained: str | None = None,
        new_head: bool = False,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        check_window("LabramBOLD", self.n_times, self.sfreq)
        check_divisors(PATCH, num_heads=num_heads)
        check_counts(num_layers=num_layers)
        check_positive(input_scale=input_scale, embedding_std=embedding_std)
        check_choice("unknown_channels", unknown_channels, ("raise", "drop", "nearest"))
        montage = Montage.of(self.ch_names, self._chs_info, unknown_channels)
        self.input_scale = input_scale
        self._use_channels(montage.inputs, montage.rows)
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
            self.encoder.position_embedding.mul_(embedding_std / EMBEDDING_STD)
            self.encoder.temporal_embedding.mul_(embedding_std / EMBEDDING_STD)
        for block in self.encoder.blocks:
            # A lambda that is not used any more and cannot be pickled.
            block.mlp.normalization = None
        self._finish(PATCH, nn.Identity, pretrained, new_head)

    def _encode(self, x: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self.encoder.forward_features(x, self._index(rows)), None

    @property
    def n_token_features(self) -> int:
        """Number of features of a token."""
        return PATCH

    def _tokens(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        tokens = self.encoder.forward_features(
            x, self._index(rows), return_patch_tokens=True
        )
        return tokens.unflatten(1, (x.shape[1], -1))

    def _index(self, rows: torch.Tensor) -> torch.Tensor:
        # Row 0 is the CLS token's.
        return torch.cat([self.positions.new_zeros(1), self.positions[rows]])
