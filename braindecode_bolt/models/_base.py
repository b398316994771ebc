"""What our models share, beside braindecode's EEGModuleMixin."""

from __future__ import annotations

import json
from pathlib import Path

import torch


class BOLDModel:
    """Base of the models; stands before ``EEGModuleMixin`` among the parents.

    A plain class: braindecode records the constructor arguments of every class
    that inherits from its mixin, and a class between the two would record its
    own instead of the model's.
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
        self._weights_as_made = self._sum_of_weights()

    @property
    def weights_changed(self) -> bool:
        """Whether the weights were loaded or trained since construction."""
        return self._sum_of_weights() != self._weights_as_made

    @torch.no_grad()
    def _sum_of_weights(self) -> float:
        return float(sum(p.detach().cpu().double().abs().sum() for p in self.parameters()))
