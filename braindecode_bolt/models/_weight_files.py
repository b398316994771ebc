"""Reading weights from files and from the Hugging Face Hub, executing nothing."""

from __future__ import annotations

import argparse
import json
import pickle
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

#: Files of a ``save_pretrained`` folder that hold weights, in order of preference.
_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")


class CheckpointError(ValueError):
    """Weights that cannot be read, or do not fit the model."""


def read_weights(
    source: str | Path | Mapping[str, torch.Tensor] | nn.Module,
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read a state dict and, where it is saved beside it, the model's configuration.

    Parameters
    ----------
    source : str | Path | mapping of str to Tensor | nn.Module
        A file, a folder of ``save_pretrained``, a repository on the Hugging
        Face Hub, a state dict or a model.

    Returns
    -------
    state : dict of str to Tensor
    config : dict
        With ``ch_names``; empty where there is none.

    Raises
    ------
    CheckpointError
        If it cannot be read, or holds something other than weights.
    FileNotFoundError
        If there is no such file or repository.
    ImportError
        If a package for it is not installed.
    """
    if isinstance(source, nn.Module):
        names = getattr(source, "ch_names", None)
        return source.state_dict(), {} if names is None else {"ch_names": names}
    if isinstance(source, Mapping):
        return _state_of(source, "The mapping"), {}
    path = Path(source)
    if not path.exists():
        path = _download(str(source))
    if path.is_dir():
        config = _saved_config(path / "config.json")
        files = [path / name for name in _WEIGHT_FILES if (path / name).exists()]
        if not files:
            raise CheckpointError(
                f"{path} holds no weights; expected {' or '.join(_WEIGHT_FILES)}."
            )
        return _read_file(files[0]), config
    return _read_file(path), _saved_config(path.with_name("config.json"))


def _read_file(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        try:
            from safetensors import SafetensorError
            from safetensors.torch import load_file
        except ImportError as error:
            raise ImportError(
                f"{path} needs safetensors: pip install braindecode-bolt[hub]."
            ) from error
        try:
            return load_file(path)
        except SafetensorError as error:
            raise CheckpointError(f"{path} cannot be read: {error}") from error
    try:
        # Published files hold the arguments of their training beside the weights.
        with _allowed(argparse.Namespace):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):
        raise  # The file may be intact: say what kept it from being read.
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        named = f" ({refused[1]})" if refused else ""
        raise CheckpointError(
            f"{path} was not loaded: it holds something other than weights, which could "
            f"run code of its maker{named}. If you trust where it is from, save its "
            "state dict alone in a process of its own and load that."
        ) from error
    except Exception as error:  # What it raises for a file of another kind varies.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is no file of weights: {reason}") from error
    return _state_of(content, str(path))


@contextmanager
def _allowed(kind: type) -> Iterator[None]:
    """Let torch.load make objects of a class; torch 2.4 has no safe_globals yet."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals([kind])
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def _state_of(content: object, what: str) -> dict[str, torch.Tensor]:
    """Find the state dict in what a file holds."""
    for key in ("model", "state_dict", "module"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    tensors = (
        {k: v for k, v in content.items() if isinstance(v, torch.Tensor)}
        if isinstance(content, Mapping)
        else {}
    )
    if not tensors:
        raise CheckpointError(f"{what} holds no weights (a mapping of names to tensors).")
    if not all(isinstance(name, str) for name in tensors):
        raise CheckpointError(f"{what} names its weights by something other than strings.")
    bad = [
        k for k, v in tensors.items() if v.is_floating_point() and not v.isfinite().all()
    ]
    if bad:
        raise CheckpointError(f"{what} has NaN or infinite weights: {', '.join(bad)}.")
    if all(name.startswith("module.") for name in tensors):
        # Saved from several GPUs.
        tensors = {name.removeprefix("module."): v for name, v in tensors.items()}
    return tensors


def _saved_config(config: Path) -> dict[str, Any]:
    if not config.exists():
        return {}
    try:
        saved = json.loads(config.read_text())
        saved["ch_names"] = saved.get("ch_names") or [
            str(ch["ch_name"]) for ch in saved.get("chs_info") or []
        ]
        if not all(isinstance(name, str) for name in saved["ch_names"]):
            raise TypeError("ch_names are no strings")
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise CheckpointError(
            f"{config} is not the JSON of a model's configuration: {error}"
        ) from error
    return saved


def _download(source: str) -> Path:
    """Fetch weights from the Hugging Face Hub."""
    owner, name, *file = source.split("/", 2) if source.count("/") else (source, "")
    valid = re.fullmatch(r"[\w.-]+", owner) and re.fullmatch(r"[\w.-]+", name)
    if not valid or owner in (".", ".."):
        raise FileNotFoundError(
            f"{source} is neither a file, nor a folder, nor named like a repository of the "
            "Hugging Face Hub (owner/name)."
        )
    try:
        from huggingface_hub import errors, hf_hub_download
    except ImportError as error:
        raise ImportError(
            f"There is no file {source}. To load it from the Hugging Face Hub, install "
            "huggingface_hub: pip install braindecode-bolt[hub]."
        ) from error
    repository = f"{owner}/{name}"

    def fetch(filename: str) -> Path | None:
        """Download a file; None where the repository has no such file."""
        try:
            return Path(hf_hub_download(repository, filename))
        except (errors.EntryNotFoundError, errors.HfHubHTTPError, OSError) as error:
            absent = isinstance(error, errors.EntryNotFoundError)
            if absent and not isinstance(error, errors.LocalEntryNotFoundError):
                return None
            raise FileNotFoundError(
                f"There is no file {source}, and the Hugging Face Hub did not give it: "
                f"{error}"
            ) from error

    for candidate in file or _WEIGHT_FILES:
        if weights := fetch(candidate):
            # Beside the weights, for the names of the channels.
            fetch("config.json")
            return weights
    raise FileNotFoundError(f"{repository} holds no {' or '.join(file or _WEIGHT_FILES)}.")
