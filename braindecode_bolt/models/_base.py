"""What our models share, beside braindecode's EEGModuleMixin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from braindecode.models.base import EEGModuleMixin
from torch import nn

from ..eeg.channels import ChannelNameError, match_channels, resolve_ch_names, same_names
from ._groups import layer_decay_groups

#: Sampling rate where none is said, in Hz: that of the published preparation.
SFREQ = 200.0


class BOLDModel:
    """Base of the models; stands before ``EEGModuleMixin`` among the parents.

    A plain class: braindecode records the constructor arguments of every class
    that inherits from its mixin, and a class between the two would record its
    own instead of the model's. A model encodes windows by ``_encode``; what
    stands here makes a prediction of it.
    """

    _HUB_NOTES_TEMPLATE = """
    .. rubric:: Hugging Face Hub

    With ``huggingface_hub`` installed (``pip install braindecode-bolt[hub]``)
    the model has ``save_pretrained``, ``push_to_hub`` and ``from_pretrained``,
    and ``get_config`` and ``from_config`` carry all its arguments::

        from braindecode_bolt import {name}

        model.save_pretrained("my-{name_lower}")
        model = {name}.from_pretrained("my-{name_lower}")
    """

    #: Factor of the weights of the last layer as it is made.
    _HEAD_SCALE = 1.0

    def _set_signal(
        self,
        n_outputs: int | None,
        n_chans: int | None,
        chs_info: Sequence[dict] | None,
        n_times: int | None,
        input_window_seconds: float | None,
        sfreq: float | None,
        ch_names: Sequence[str] | None,
        names_needed: bool = False,
    ) -> None:
        """Take the signal parameters; what is not said follows from the others."""
        names = None
        if names_needed or chs_info is not None or ch_names is not None:
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

    def _samples(self, seconds: float, odd: bool = False) -> int:
        """Count the samples that last so long, at least one."""
        samples = seconds * self.sfreq
        return 2 * max(0, round((samples - 1) / 2)) + 1 if odd else max(1, round(samples))

    def _check_shortest(self, seconds: float) -> None:
        """Raise where a window is shorter than what the model needs."""
        shortest = round(seconds * self.sfreq)
        if self.n_times < shortest:
            raise ValueError(
                f"{type(self).__name__} needs windows of at least {shortest} samples "
                f"({seconds:g} s), got {self.n_times}."
            )

    def forward(
        self, x: torch.Tensor, return_features: bool = False
    ) -> torch.Tensor | dict[str, torch.Tensor | None]:
        """Predict the BOLD at the end of each window.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in microvolts.
        return_features : bool
            Return the representation instead of the prediction.

        Returns
        -------
        Tensor, shape (batch, n_outputs) | dict
            With `return_features`, ``"features"`` (batch, n_features) and
            ``"cls_token"``, None.

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

    def _check_input(self, x: torch.Tensor, n_chans: int) -> None:
        if x.ndim != 3 or x.shape[1] != n_chans or x.shape[2] != self.n_times:
            raise ValueError(
                f"Expected windows of shape (batch, {n_chans}, {self.n_times}), got "
                f"{tuple(x.shape)}."
            )

    def _read_out(self, features: torch.Tensor) -> torch.Tensor:
        # A thousandth of the arithmetic: not worth the rounding of bfloat16.
        with torch.autocast(features.device.type, enabled=False):
            activated = self.head_activation(features.type_as(self.final_layer.weight))
            return self.final_layer(activated)

    def _add_head(self, n_features: int, activation: type[nn.Module]) -> None:
        self.head_activation = activation()
        self.final_layer = self._make_head(n_features)

    def _make_head(self, n_features: int) -> nn.Linear:
        head = nn.Linear(n_features, self.n_outputs)
        nn.init.trunc_normal_(head.weight, std=0.02)
        nn.init.zeros_(head.bias)
        # Predictions start close to zero, the mean of a centred BOLD signal.
        with torch.no_grad():
            head.weight.mul_(self._HEAD_SCALE)
        return head

    def reset_head(self, n_outputs: int) -> None:
        """Replace the last layer, for another number of regions.

        Parameters
        ----------
        n_outputs : int
            New number of regions.
        """
        self._set_n_outputs(n_outputs)
        old = self.final_layer
        self.final_layer = self._make_head(old.in_features).to(old.weight)

    def parameter_groups(self, layer_decay: float = 0.65) -> list[dict[str, Any]]:
        """Group the parameters by learning rate and weight decay.

        All learn at the same rate; weights decay, one-dimensional parameters do
        not.

        Parameters
        ----------
        layer_decay : float
            Factor of the learning rate from block to block, for models that have
            such blocks. Default 0.65.

        Returns
        -------
        list of dict
            With ``params`` (list of Parameter), ``names`` (list of str),
            ``lr_scale`` (float) and ``decay`` (bool).
        """
        return layer_decay_groups(self, layer_decay)

    def _translate_weights(
        self, state: Mapping[str, torch.Tensor], ch_names: Sequence[str] | None
    ) -> tuple[dict[str, torch.Tensor], set[str]]:
        """Give weights the model's names, and tell which names they need not have."""
        return dict(state), set()

    def _save_pretrained(self, save_directory: str | Path) -> None:
        super()._save_pretrained(save_directory)
        # The weights are saved; whoever loads them need not have the file that
        # these ones began with.
        file = Path(save_directory) / "config.json"
        config = json.loads(file.read_text())
        for name in {"pretrained", "new_head"} & set(config):
            del config[name]
        file.write_text(json.dumps(config, indent=2) + "\n")

    def _remember_weights(self) -> None:
        """Take note of the weights as made; the last line of a constructor."""
        self._weights_as_made = self._hash_of_weights()

    @property
    def weights_changed(self) -> bool:
        """Whether the weights were loaded or trained since construction."""
        return self._hash_of_weights() != self._weights_as_made

    def _hash_of_weights(self) -> str:
        digest = hashlib.sha256()
        for name, parameter in self.named_parameters():
            values = parameter.detach().cpu().contiguous().reshape(-1)
            digest.update(f"{name} {tuple(parameter.shape)} ".encode())
            digest.update(values.view(torch.uint8).numpy())
        return digest.hexdigest()


class ByChannelName:
    """A model that has something of its own for each electrode, found by name.

    Stands before :class:`BOLDModel`. It predicts from a part of its channels too,
    in any order, when it is told their names. ``_encode`` is called with the
    windows and the rows of their channels among those that the model uses.
    """

    def _use_channels(self, inputs: Sequence[int]) -> None:
        """Set which of the model's channels are looked at, by position."""
        self.register_buffer("inputs", torch.tensor(inputs), False)
        self.register_buffer("channels", torch.arange(len(inputs)), False)

    def forward(
        self,
        x: torch.Tensor,
        return_features: bool = False,
        *,
        ch_names: Sequence[str] | None = None,
    ) -> torch.Tensor | dict[str, torch.Tensor | None]:
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
            With `return_features`, ``"features"`` (batch, n_features) and
            ``"cls_token"`` (batch, n_features), None where the model has none.

        Raises
        ------
        ValueError
            If `x` has another number of channels or samples than the model.
        ChannelNameError
            If the model has no channel of a name.
        """
        inputs, rows = self._rows(ch_names)
        self._check_input(x, self.n_chans if ch_names is None else len(ch_names))
        if inputs is not None:
            x = x[:, inputs]
        features, cls_token = self._encode(x / self.input_scale, rows)
        if return_features:
            return {"features": features, "cls_token": cls_token}
        return self._read_out(features)

    def _rows(
        self, ch_names: Sequence[str] | None
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Channels of the input to use (None: all), and their rows in the tables."""
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
                f"The model looks at none of the channels {', '.join(ch_names)}."
            )
        rows = torch.tensor([used[named[n]] for n in inputs], device=self.channels.device)
        return torch.tensor(inputs, device=self.channels.device), rows
