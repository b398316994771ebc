"""What our models share, in addition to braindecode's EEGModuleMixin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ..eeg.channels import ChannelNameError, match_channels, resolve_ch_names, same_names
from ._docs import fill_docstring
from ._groups import layer_decay_groups
from ._saving import SavedModel
from ._weight_files import checksum
from .checkpoints import load_published_weights

#: Default sampling rate in Hz, that of the published preparation.
SFREQ = 200.0


class BOLDModel(SavedModel):
    """Base of the models; comes before ``EEGModuleMixin`` in the list of base classes.

    A plain class: braindecode records the constructor arguments of every class
    that inherits from its mixin, and would record those of a class in between
    instead of the model's. A model defines ``_encode``, from windows to features;
    this class adds the rest.
    """

    #: Whether the model can be built only with the names of its channels.
    NEEDS_CHANNEL_NAMES = False
    #: Whether the model has :meth:`electrode_tokens`.
    has_electrode_tokens = False
    #: Name of the LaBraM encoder in the model, if it has one.
    _LABRAM: str | None = None
    #: Factor of the weights of the last layer at initialisation.
    _HEAD_SCALE = 1.0
    _HUB_NOTES_TEMPLATE = """
    .. rubric:: Hugging Face Hub

    With ``huggingface_hub`` installed (``pip install braindecode-bolt[hub]``)
    the model has ``save_pretrained``, ``push_to_hub`` and ``from_pretrained``.
    ``get_config`` and ``from_config`` carry all its arguments::

        from braindecode_bolt import {name}

        model.save_pretrained("my-{name_lower}")
        model = {name}.from_pretrained("my-{name_lower}")
    """

    def __init_subclass__(cls, **kwargs: Any):
        if cls.__doc__ is not None:
            cls.__doc__ = fill_docstring(cls.__doc__)
        super().__init_subclass__(**kwargs)

    def _set_signal(
        self,
        n_outputs: int | None,
        n_chans: int | None,
        chs_info: Sequence[dict] | None,
        n_times: int | None,
        input_window_seconds: float | None,
        sfreq: float | None,
        ch_names: Sequence[str] | None,
    ) -> None:
        """Set the signal parameters; those not given follow from those that are."""
        names = None
        if self.NEEDS_CHANNEL_NAMES or chs_info is not None or ch_names is not None:
            names = resolve_ch_names(chs_info, ch_names)
            if n_chans is not None and n_chans != len(names):
                raise ValueError(
                    f"n_chans is {n_chans}, but {len(names)} channels are named."
                )
            n_chans = len(names)
        if sfreq is not None and not sfreq > 0:
            raise ValueError(f"sfreq must be a positive number of Hz, got {sfreq}.")
        if sfreq is None and (n_times is None or input_window_seconds is None):
            sfreq = SFREQ
        EEGModuleMixin.__init__(
            self,
            n_outputs=n_outputs,
            n_chans=n_chans,
            chs_info=chs_info,
            n_times=n_times,
            input_window_seconds=input_window_seconds,
            sfreq=sfreq,
        )
        self._sfreq = float(self.sfreq)
        self.ch_names = names
        for name in ("n_outputs", "n_chans", "n_times"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")

    def _samples(self, seconds: float) -> int:
        """Count the samples that last so long, at least one."""
        return max(1, round(seconds * self.sfreq))

    def _check_shortest(self, seconds: float) -> None:
        """Raise if a window is shorter than what the model needs."""
        shortest = round(seconds * self.sfreq)
        if self.n_times < shortest:
            raise ValueError(
                f"{type(self).__name__} needs windows of at least {shortest} samples "
                f"({seconds:g} s), got {self.n_times}."
            )

    def _finish(
        self,
        n_features: int,
        head_activation: type[nn.Module],
        pretrained: str | None = None,
        new_head: bool = False,
    ) -> None:
        """Add the last layer and load weights; the last line of a constructor."""
        self.head_activation = head_activation()
        self.final_layer = self._make_head(n_features)
        if pretrained is not None:
            load_published_weights(self, pretrained, new_head=new_head)
        self._weights_at_start = checksum(dict(self.named_parameters()))

    def _make_head(self, n_features: int) -> nn.Linear:
        head = nn.Linear(n_features, self.n_outputs)
        nn.init.trunc_normal_(head.weight, std=0.02)
        nn.init.zeros_(head.bias)
        with torch.no_grad():
            head.weight.mul_(self._HEAD_SCALE)
        return head

    def reset_head(self, n_outputs: int) -> None:
        """Replace the last layer, for another number of regions.

        Parameters
        ----------
        n_outputs : int
            New number of regions.

        Raises
        ------
        ValueError
            If it is less than 1.
        """
        self._set_n_outputs(n_outputs)
        old = self.final_layer
        self.final_layer = self._make_head(old.in_features).to(next(old.parameters()))

    def forward(
        self, x: torch.Tensor, return_features: bool = False
    ) -> torch.Tensor | dict[str, torch.Tensor | None]:
        """Predict the BOLD signal at the end of each window.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in microvolts.
        return_features : bool, default False
            Return the features instead of the prediction.

        Returns
        -------
        Tensor, shape (batch, n_outputs) | dict
            Predictions in the units of the training BOLD; of a head of several volumes,
            those of the last. With `return_features`, ``"features"`` (batch, n_features)
            and ``"cls_token"``, None.

        Raises
        ------
        ValueError
            If `x` has another number of channels or samples than the model.
        """
        self._check_input(x, self.n_chans)
        features = self._encode(x / self.input_scale)
        if return_features:
            return {"features": features, "cls_token": None}
        return self._read_out(features)

    def electrode_tokens(
        self, x: torch.Tensor, ch_names: Sequence[str] | None = None
    ) -> torch.Tensor:
        """Encode windows, without averaging over electrodes and seconds.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in microvolts.
        ch_names : sequence of str | None
            Names of the channels of `x`.

        Returns
        -------
        Tensor, shape (batch, n_electrodes, n_seconds, n_token_features)
            Of models that have tokens.

        Raises
        ------
        TypeError
            Always: this model mixes electrodes before it has tokens. Models that have
            them say so by ``has_electrode_tokens``.
        """
        raise TypeError(
            f"{type(self).__name__} mixes the electrodes, so it has no tokens by electrode "
            "and second. NeuroBOLT, LabramBOLD and BIOTBOLD have them "
            "(has_electrode_tokens)."
        )

    def _check_input(self, x: torch.Tensor, n_chans: int) -> None:
        if x.ndim != 3 or x.shape[1] != n_chans or x.shape[2] != self.n_times:
            raise ValueError(
                f"Expected windows of shape (batch, {n_chans}, {self.n_times}), got "
                f"{tuple(x.shape)}."
            )

    def _read_out(self, features: torch.Tensor) -> torch.Tensor:
        # In full precision: it takes a thousandth of the time.
        with torch.autocast(features.device.type, enabled=False):
            activated = self.head_activation(features.type_as(self._head_weight))
            return self.final_layer(activated)

    @property
    def _head_weight(self) -> torch.Tensor:
        return next(self.final_layer.parameters())

    def parameter_groups(self, layer_decay: float = 0.65) -> list[dict[str, Any]]:
        """Group the parameters by learning rate and weight decay.

        In a LaBraM encoder (NeuroBOLT's spatiotemporal one, LabramBOLD's) the learning
        rate falls from block to block towards the input; its last norm and its time
        embedding, and all other parts and models, have the full rate. One-dimensional
        parameters and the embeddings of a LaBraM encoder have no weight decay
        (NeuroBOLT's paper, section 3.2).

        Parameters
        ----------
        layer_decay : float, default 0.65
            Factor of the learning rate per block. 1 turns it off.

        Returns
        -------
        list of dict
            With ``params`` (list of Parameter), ``names`` (list of str),
            ``lr_scale`` (float) and ``decay`` (bool).
        """
        return layer_decay_groups(self, layer_decay, self._LABRAM)

    @property
    def weights_changed(self) -> bool:
        """Whether weights were loaded or trained since construction."""
        return checksum(dict(self.named_parameters())) != self._weights_at_start

    def _translate_weights(
        self, state: Mapping[str, torch.Tensor], ch_names: Sequence[str] | None
    ) -> tuple[dict[str, torch.Tensor], set[str]]:
        """Rename weights as in the model, and list the names that may be missing."""
        return dict(state), set()


class ByChannelName(BOLDModel):
    """A model that can predict from a part of its channels, found by name.

    ``_encode`` is called with the windows and with the rows of their channels among
    those that the model uses.
    """

    def _use_channels(
        self, inputs: Sequence[int], positions: Sequence[int] | None = None
    ) -> None:
        """Set which channels are used, and their rows in LaBraM's channel embedding."""
        self.register_buffer("inputs", torch.tensor(inputs), False)
        self.register_buffer("channels", torch.arange(len(inputs)), False)
        if positions is not None:
            self.register_buffer("positions", torch.tensor(positions), False)

    def forward(
        self,
        x: torch.Tensor,
        return_features: bool = False,
        *,
        ch_names: Sequence[str] | None = None,
    ) -> torch.Tensor | dict[str, torch.Tensor | None]:
        """Predict the BOLD signal at the end of each window.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in microvolts.
        return_features : bool, default False
            Return the features instead of the prediction.
        ch_names : sequence of str | None
            Names of the channels of `x`, if these are a part of the model's channels
            or in another order. None: all channels in the model's order.

        Returns
        -------
        Tensor, shape (batch, n_outputs) | dict
            Predictions in the units of the training BOLD; of a head of several volumes,
            those of the last. With `return_features`, ``"features"`` (batch, n_features)
            and ``"cls_token"`` (batch, n_features), or None.

        Raises
        ------
        ValueError
            If `x` has another number of channels or samples than the model.
        ChannelNameError
            If the model has no channel of a name.
        """
        x, rows = self._of_rows(x, ch_names)
        features, cls_token = self._encode(x / self.input_scale, rows)
        if return_features:
            return {"features": features, "cls_token": cls_token}
        return self._read_out(features)

    def _of_rows(
        self, x: torch.Tensor, ch_names: Sequence[str] | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Check windows; give those of the channels to use, and their rows."""
        inputs, rows = self._rows(ch_names)
        self._check_input(x, self.n_chans if ch_names is None else len(ch_names))
        return (x if inputs is None else x[:, inputs]), rows

    def _rows(
        self, ch_names: Sequence[str] | None
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Channels of the input to use (None: all), and their rows."""
        if ch_names is None or same_names(ch_names, self.ch_names or []):
            all_used = len(self.inputs) == self.n_chans
            return None if all_used else self.inputs, self.channels
        if self.ch_names is None:
            raise ChannelNameError(
                "The model was made without the names of its channels, so it cannot find "
                f"{', '.join(ch_names)} among them. Build it with ch_names or chs_info."
            )
        named = match_channels(ch_names, self.ch_names, "The model")
        used = {place: row for row, place in enumerate(self.inputs.tolist())}
        inputs = [number for number, place in enumerate(named) if place in used]
        if not inputs:
            raise ChannelNameError(
                f"The model uses none of the channels {', '.join(ch_names)}."
            )
        rows = torch.tensor([used[named[n]] for n in inputs], device=self.channels.device)
        return torch.tensor(inputs, device=self.channels.device), rows
