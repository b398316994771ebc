"""Reading weights and configurations of files, folders and the Hugging Face Hub.

Files may come from untrusted sources: nothing in them is executed. Files that are
damaged, or would need far more memory than their size, are refused.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import pickle
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .._text import listed

#: Files of a ``save_pretrained`` folder that hold weights, in order of preference.
_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
#: Largest description of the tensors in a file, and largest config.json, in bytes. The
#: files of this package's models have less than a tenth of it.
_MOST_PICKLE = 2**20
_MOST_CONFIG = 2**20
#: Larger weights come from a damaged file rather than from a trained network. The
#: safetensors format has no checksums.
_MOST_WEIGHT = 1e12
#: Key of the checksum that save_pretrained adds to the metadata of safetensors files.
CHECKSUM = "braindecode_bolt_crc32"
#: Key of the card of pre-trained encoders, JSON.
CARD = "braindecode_bolt_card"
#: Weights that come with the package, by the name that ``pretrained`` takes.
SHIPPED = {"neurobolt-small": Path(__file__).parent / "weights/neurobolt-small.safetensors"}
#: Put in front of all names by DataParallel and torch.compile.
_WRAPPERS = ("module.", "_orig_mod.")
_HUB_ARGUMENTS = ("revision", "cache_dir", "force_download", "token", "local_files_only")


class CheckpointError(ValueError):
    """Weights, or their configuration, cannot be read or do not fit the model."""


def read_weights(
    source: str | Path | Mapping[str, torch.Tensor] | nn.Module,
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read a state dict and, where it is saved beside it, the model's configuration.

    Parameters
    ----------
    source : str | Path | mapping of str to Tensor | nn.Module
        A file, a folder of ``save_pretrained``, a repository on the Hugging
        Face Hub, the name of weights that come with the package
        (``"neurobolt-small"``), a state dict or a model.

    Returns
    -------
    state : dict of str to Tensor
        Dense, real and finite tensors.
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
        config = {} if names is None else {"ch_names": names}
        return _state_of(source.state_dict(), "The model"), config
    if isinstance(source, Mapping):
        return _state_of(source, "The mapping"), {}
    path = Path(SHIPPED.get(str(source), source))
    if not path.exists():
        path = _download(str(source))
    folder = path if path.is_dir() else path.parent
    config = read_config(folder / "config.json")
    if path.is_dir():
        files = [path / name for name in _WEIGHT_FILES if (path / name).exists()]
        if not files:
            raise CheckpointError(
                f"{path} holds no weights; expected {' or '.join(_WEIGHT_FILES)}."
            )
        path = files[0]
    # Read once, so that what is checked is what is loaded.
    content = path.read_bytes()
    read = _read_safetensors if path.suffix == ".safetensors" else _read_torch
    if path.suffix == ".safetensors":
        # A pre-trained encoder brings its configuration with it.
        length = int.from_bytes(content[:8], "little")
        card = read_card(content[8 : 8 + length], path)
        config = _checked_config(card["config"], path) if card else config
    return _state_of(read(content, path), str(path), len(content)), config


def _read_safetensors(content: bytes, path: Path) -> Mapping[str, torch.Tensor]:
    try:
        from safetensors.torch import load
    except ImportError as error:
        raise ImportError(
            f"{path} needs safetensors: pip install 'braindecode-bolt[hub]'."
        ) from error
    with _typed_errors(path):
        state = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        expected = header.get("__metadata__", {}).get(CHECKSUM)
    if expected not in (None, checksum(state)):
        raise CheckpointError(f"{path} is damaged: its checksum is wrong. Copy it again.")
    return state


def read_card(header: bytes, path: Path) -> dict[str, Any]:
    """Find the card of a pre-trained encoder in the header of a safetensors file.

    Parameters
    ----------
    header : bytes
        JSON, without its length in front.
    path : Path
        The file, for messages.

    Returns
    -------
    dict
        With ``config``, a dict; empty where there is no card.

    Raises
    ------
    CheckpointError
        If the header or the card is damaged.
    """
    with _typed_errors(path):
        text = (json.loads(header).get("__metadata__") or {}).get(CARD)
        card = {} if text is None else json.loads(text)
        if card and not isinstance(card.get("config"), dict):
            raise CheckpointError(f"{path} has a card without the model's configuration.")
    return card


def _read_torch(content: bytes, path: Path) -> object:
    # Published files hold the arguments of their training beside the weights.
    with _typed_errors(path), _allowed(argparse.Namespace), warnings.catch_warnings():
        # About kinds of tensors that are refused below.
        warnings.simplefilter("ignore")
        _check_archive(content, path)
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


@contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    """Turn the many types of errors that broken files give into a CheckpointError."""
    try:
        yield
    except (CheckpointError, MemoryError):
        raise  # Without memory for it, the file may be intact.
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        named = f" ({refused[1]})" if refused else ""
        raise CheckpointError(
            f"{path} was not loaded: it holds something other than weights, which could "
            f"run code{named}. If you trust its origin, load it in a separate process, "
            "save its state dict alone, and load that."
        ) from error
    except Exception as error:
        lines = str(error).splitlines()
        raise CheckpointError(
            f"{path} cannot be read as a file of weights: "
            f"{lines[0] if lines else type(error).__name__}"
        ) from error


def _check_archive(content: bytes, path: Path) -> None:
    """Raise if the zip archive that torch wrote is damaged, or larger than its file."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise CheckpointError(
            f"{path} is no file of weights: expected the zip format of torch.save or, "
            "with the ending .safetensors, that of safetensors. It may be incomplete. "
            "Files of torch before 1.6 have no checksums: load and save them with torch."
        )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > len(content):
            raise CheckpointError(
                f"{path} is compressed or would unpack to more than its size. torch.save "
                "does not compress: unpack it, or save it again with torch."
            )
        for entry in entries:
            if entry.filename.endswith(".pkl") and entry.file_size > _MOST_PICKLE:
                raise CheckpointError(
                    f"{path} describes its tensors in {entry.file_size} bytes, more than "
                    f"{_MOST_PICKLE}: it holds more than weights. Save the state dict "
                    "alone."
                )
        damaged = archive.testzip()
    if damaged is not None:
        raise CheckpointError(
            f"{path} is damaged: the checksum of {damaged} is wrong. Copy or download it "
            "again."
        )


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


def _state_of(
    content: object, what: str, most_bytes: float = math.inf
) -> dict[str, torch.Tensor]:
    """Find the state dict in what was read, and check its tensors."""
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
        raise CheckpointError(f"{what} has names of weights that are not strings.")
    while wrapper := next(
        (w for w in _WRAPPERS if all(name.startswith(w) for name in tensors)), None
    ):
        tensors = {name.removeprefix(wrapper): v for name, v in tensors.items()}
    # In this order: the later checks need what the earlier ones make sure of.
    _refuse(what, "that are not dense real numbers", tensors, _unusual)
    _refuse(what, "of which several are stored as one number", tensors, _repeats)
    storages = {
        v.untyped_storage().data_ptr(): v.untyped_storage() for v in tensors.values()
    }
    if sum(storage.nbytes() for storage in storages.values()) > most_bytes:
        raise CheckpointError(f"{what} claims more weights than its size allows.")
    fault = f"that are NaN, infinite or above {_MOST_WEIGHT:g}"
    _refuse(what, fault, tensors, _impossible)
    return {name: value.detach() for name, value in tensors.items()}


def _refuse(
    what: str,
    fault: str,
    tensors: Mapping[str, torch.Tensor],
    found: Callable[[torch.Tensor], bool],
) -> None:
    if bad := [name for name, value in tensors.items() if found(value)]:
        raise CheckpointError(f"{what} has weights {fault}: {weight_names(bad)}.")


def _unusual(tensor: torch.Tensor) -> bool:
    """Tell sparse, nested, quantised, complex and empty (meta) tensors."""
    return (
        tensor.is_nested
        or tensor.layout != torch.strided
        or tensor.is_quantized
        or tensor.is_meta
        or tensor.is_complex()
    )


def _repeats(tensor: torch.Tensor) -> bool:
    """Tell tensors that take more memory than they are stored in, when copied."""
    return tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes()


def _impossible(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and not (tensor.float().abs() <= _MOST_WEIGHT).all()


def checksum(state: Mapping[str, torch.Tensor]) -> str:
    """Compute the CRC-32 of names and values, by name."""
    crc = 0
    for name, value in sorted(state.items()):
        crc = zlib.crc32(f"{name} {tuple(value.shape)} {value.dtype}".encode(), crc)
        values = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        crc = zlib.crc32(values.numpy(), crc)
    return f"{crc:08x}"


def weight_names(names: Iterable[str]) -> str:
    """Write names of weights, which files from elsewhere may make long and many."""
    return listed((name[:200] for name in names), 30, "; ")


def read_config(file: Path | None) -> dict[str, Any]:
    """Read the config.json of a saved model.

    Parameters
    ----------
    file : Path | None
        The file; it need not exist.

    Returns
    -------
    dict
        With ``ch_names``, a list; empty where there is no file.

    Raises
    ------
    CheckpointError
        If it is not the JSON of a model's configuration.
    """
    if file is None or not file.exists():
        return {}
    try:
        if file.stat().st_size > _MOST_CONFIG:
            raise ValueError(f"it has more than {_MOST_CONFIG} bytes")
        config = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{file} is not the JSON of a model's configuration: {error}"
        ) from error
    return _checked_config(config, file)


def _checked_config(config: Any, file: Path) -> dict[str, Any]:
    """Give a configuration a list of channel names, or raise."""
    try:
        config["ch_names"] = config.get("ch_names") or [
            ch["ch_name"] for ch in config.get("chs_info") or []
        ]
        names = config["ch_names"]
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise TypeError("its ch_names are no list of names")
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise CheckpointError(
            f"{file} is not the JSON of a model's configuration: {error}"
        ) from error
    return config


def find_config(source: str, **arguments: Any) -> Path | None:
    """Find the config.json of a folder or a repository on the Hugging Face Hub.

    Parameters
    ----------
    source : str
        The folder, or the repository.
    **arguments
        Those of ``huggingface_hub.hf_hub_download`` are used.

    Returns
    -------
    Path | None
        None where a repository cannot be reached, or has none.
    """
    if Path(source).is_dir():
        return Path(source) / "config.json"
    from huggingface_hub import errors, hf_hub_download

    chosen = {name: arguments[name] for name in _HUB_ARGUMENTS if name in arguments}
    try:
        return Path(hf_hub_download(source, "config.json", **chosen))
    except (errors.HfHubHTTPError, errors.HFValidationError, OSError):
        return None


def _download(source: str) -> Path:
    """Download weights from the Hugging Face Hub."""
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
            "huggingface_hub: pip install 'braindecode-bolt[hub]'."
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
                f"There is no file {source}, and it could not be downloaded from the "
                f"Hugging Face Hub: {error}"
            ) from error

    for candidate in file or _WEIGHT_FILES:
        if weights := fetch(candidate):
            # Saved beside the weights, with the names of the channels.
            fetch("config.json")
            return weights
    raise FileNotFoundError(f"{repository} holds no {' or '.join(file or _WEIGHT_FILES)}.")
