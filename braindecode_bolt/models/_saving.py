"""Saving models and loading saved ones, with the same checks as everywhere."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from braindecode.models.base import HAS_HF_HUB
from torch import nn

from ..eeg.channels import ChannelNameError
from ._weight_files import CHECKSUM, CheckpointError, checksum, find_config, read_config
from .checkpoints import load_published_weights


class SavedModel:
    """``save_pretrained``, ``from_pretrained`` and ``from_config`` of the models.

    Comes before ``EEGModuleMixin`` in the list of base classes. braindecode and
    huggingface_hub load what fits and import whatever a configuration names; here the
    files are checked first.
    """

    @classmethod
    def from_config(cls, config: dict) -> Self:
        """Build a model from what ``get_config`` gave, without its weights.

        Parameters
        ----------
        config : dict
            Constructor arguments, JSON-able.

        Returns
        -------
        nn.Module
            Of this class, with random weights.

        Raises
        ------
        CheckpointError
            If an argument that must be a module, such as `activation`, names
            something else.
        """
        check_classes(cls, config)
        return super().from_config(config)

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, **kwargs: Any
    ) -> Self:
        """Build a model from a folder of ``save_pretrained`` or from the Hub.

        Parameters
        ----------
        pretrained_model_name_or_path : str | Path
            A folder, or a repository on the Hugging Face Hub.
        **kwargs : Any
            Constructor arguments that replace saved ones (another `n_outputs` gives
            a new last layer), and those of
            ``huggingface_hub.PyTorchModelHubMixin.from_pretrained``.

        Returns
        -------
        nn.Module
            Of this class, in evaluation mode.

        Raises
        ------
        CheckpointError
            If the files cannot be read, or do not describe such a model. They are
            read without executing anything in them.
        ImportError
            If huggingface_hub is not installed.
        """
        _check_hub("from_pretrained")
        source = str(pretrained_model_name_or_path)
        config = read_config(find_config(source, **kwargs))
        check_classes(cls, config)
        try:
            return super().from_pretrained(source, **kwargs)
        except (CheckpointError, ChannelNameError):
            raise
        except (TypeError, ValueError, OverflowError) as error:
            if not config:
                raise
            raise CheckpointError(
                f"No {cls.__name__} can be built from the config.json of {source} with "
                f"the given arguments: {error}"
            ) from error

    @classmethod
    def _load_as_safetensor(
        cls, model: nn.Module, model_file: str, map_location: str, strict: bool
    ) -> nn.Module:
        # What huggingface_hub calls to fill a model; by default it loads what fits.
        file = Path(model_file)
        load_published_weights(model, file if file.exists() else file.parent)
        return model.to(map_location).eval()

    _load_as_pickle = _load_as_safetensor

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any):
        """Save the arguments and weights in a folder, for ``from_pretrained``.

        Parameters
        ----------
        save_directory : str | Path
            The folder; it is created.
        **kwargs : Any
            Those of ``huggingface_hub.PyTorchModelHubMixin.save_pretrained``.

        Returns
        -------
        str | None
            Address of the upload, with ``push_to_hub=True``.

        Raises
        ------
        ImportError
            If huggingface_hub is not installed.
        """
        _check_hub("save_pretrained")
        return super().save_pretrained(save_directory, **kwargs)

    def push_to_hub(self, *args: Any, **kwargs: Any):
        """Upload the model to the Hugging Face Hub.

        Parameters
        ----------
        *args : Any
            As for ``huggingface_hub.PyTorchModelHubMixin.push_to_hub``: first
            ``"owner/name"`` of the repository.
        **kwargs : Any
            As for the same.

        Returns
        -------
        str
            Address of the upload.

        Raises
        ------
        ImportError
            If huggingface_hub is not installed.
        """
        _check_hub("push_to_hub")
        return super().push_to_hub(*args, **kwargs)

    def _save_pretrained(self, save_directory: str | Path) -> None:
        from safetensors.torch import save_file

        super()._save_pretrained(save_directory)
        state = self.state_dict()
        metadata = {"format": "pt", CHECKSUM: checksum(state)}
        save_file(state, Path(save_directory) / "model.safetensors", metadata)
        # The weights are in the folder. The file that training started from need not
        # exist where they are loaded.
        file = Path(save_directory) / "config.json"
        config = json.loads(file.read_text())
        for name in {"pretrained", "new_head"} & set(config):
            del config[name]
        file.write_text(json.dumps(config, indent=2) + "\n")


def _check_hub(method: str) -> None:
    if not HAS_HF_HUB:
        raise ImportError(
            f"{method} needs huggingface_hub: pip install 'braindecode-bolt[hub]'. Without "
            "it, keep get_config() and state_dict() of the model yourself."
        )


def check_classes(model: type, config: Mapping[str, Any]) -> None:
    """Raise if a saved argument names a class that is no imported torch module.

    braindecode imports whatever a configuration names, and the model calls it.
    """
    for name, parameter in inspect.signature(model).parameters.items():
        value = config.get(name, parameter.default)
        if not isinstance(parameter.default, type) or isinstance(value, type):
            continue
        module, _, attribute = str(value).rpartition(".")
        found = getattr(sys.modules.get(module), attribute, None)
        if not (isinstance(found, type) and issubclass(found, nn.Module)):
            raise CheckpointError(
                f"The configuration has {name}={value!r}, which is no class of torch.nn or "
                "of a module that you have imported. If it is your own class, import "
                "it first."
            )
