"""FFCL: a spectrogram through convolutions, and in parallel the signal through an LSTM."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ._base import BOLDModel
from ._checks import check_counts, check_positive
from ._convolutional import SpectrogramEncoder

__all__ = ["FFCL"]


class FFCL(BOLDModel, EEGModuleMixin, nn.Module):
    r"""FFCL from Li et al. (2022) [Li2022]_, a baseline in [Yang2023c]_.

    Predicts the BOLD signal of one or more brain regions at the end of a window of
    EEG. Magnitude spectrograms of all channels go through four residual blocks of
    3 x 3 convolutions. In parallel the signal itself, in steps of a tenth of a second,
    goes through an LSTM of two layers, of which the last step is used. Both are
    concatenated, go through an ELU, and are read out by one linear layer.

    **Changed**: the average over the last image is adaptive, so that any window
    length works; spectra and steps keep their duration at other sampling rates; the
    input is in microvolts. **Unknown**: the hop of the spectrogram and the length of
    a step were not in the description this was written from; 0.05 s and 0.1 s are
    assumed.

    Parameters
    ----------
    %(signal_parameters)s
    feature_maps : sequence of int, default (32, 64, 128, 256)
        Feature maps after each residual block.
    hidden_size : int, default 256
        Width of the LSTM.
    num_layers : int, default 2
        Layers of the LSTM.
    hop_seconds : float, default 0.05
        Time from one spectrum (of one second) to the next, in seconds.
    step_seconds : float, default 0.1
        Length of a step of the LSTM in seconds. Samples at the beginning of the
        window that do not fill a step are not used by the LSTM.
    drop_prob : float, default 0.5
        Dropout after each block and between the layers of the LSTM.
    %(input_scale)s
    activation : type of nn.Module, default nn.ReLU
        Non-linearity of the residual blocks.
    %(head_activation)s

    Raises
    ------
    ValueError
        If a window is shorter than one second, or an argument is out of range.

    References
    ----------
    .. [Li2022] Li, H., Ding, M., Zhang, R., & Xiu, C. (2022). Motor imagery EEG
       classification algorithm based on CNN-LSTM feature fusion network. Biomedical
       Signal Processing and Control 72, 103342.
    .. [Yang2023c] Yang, C., Westover, M. B., & Sun, J. (2023). BIOT: Biosignal
       Transformer for Cross-data Learning in the Wild. NeurIPS 2023.

    Examples
    --------
    >>> import torch
    >>> from braindecode_bolt import FFCL
    >>> FFCL(n_outputs=7, n_chans=4, n_times=3200)(torch.randn(1, 4, 3200)).shape
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
        feature_maps: Sequence[int] = (32, 64, 128, 256),
        hidden_size: int = 256,
        num_layers: int = 2,
        hop_seconds: float = 0.05,
        step_seconds: float = 0.1,
        drop_prob: float = 0.5,
        input_scale: float = 100.0,
        activation: type[nn.Module] = nn.ReLU,
        head_activation: type[nn.Module] = nn.ELU,
    ):
        self._set_signal(
            n_outputs, n_chans, chs_info, n_times, input_window_seconds, sfreq, ch_names
        )
        check_counts(
            n_blocks=len(feature_maps), num_layers=num_layers, hidden_size=hidden_size
        )
        check_positive(
            input_scale=input_scale, hop_seconds=hop_seconds, step_seconds=step_seconds
        )
        self._check_shortest(1.0)
        self.input_scale = input_scale
        self.step = self._samples(step_seconds)
        self.spectral = SpectrogramEncoder(
            self.n_chans,
            self._samples(1.0),
            self._samples(hop_seconds),
            feature_maps,
            drop_prob,
            activation,
        )
        self.temporal = nn.LSTM(
            self.n_chans * self.step,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=drop_prob if num_layers > 1 else 0.0,
        )
        self._finish(feature_maps[-1] + hidden_size, head_activation)

    def _encode(self, x: torch.Tensor) -> torch.Tensor:
        used = x.shape[-1] // self.step * self.step
        steps = x[..., -used:].unflatten(-1, (-1, self.step)).transpose(1, 2).flatten(2)
        # Some processors with bfloat16 have no LSTM in bfloat16.
        with torch.autocast(x.device.type, enabled=False):
            last = self.temporal(steps.type_as(self.final_layer.weight))[0][:, -1]
        return torch.cat([self.spectral(x), last], dim=1)
