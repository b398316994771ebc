"""What determines the result of a run, as JSON."""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
import logging
import math
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

from .._files import content_hash

__all__ = ["describe", "versions"]

logger = logging.getLogger(__name__)

#: Packages whose version can change a result.
_PACKAGES = (
    "braindecode-bolt",
    "braindecode",
    "mne",
    "numpy",
    "scikit-learn",
    "scipy",
    "skorch",
    "torch",
)
#: Arguments that change how long a fit takes or what it prints, not its result.
_WITHOUT_EFFECT = {
    "callbacks__progress__leave",
    "device",
    "iterator_train__num_workers",
    "iterator_valid__num_workers",
    "n_jobs",
    "verbose",
}


def versions() -> dict[str, str]:
    """List versions that can change a result, without builds and patches of Python."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    found = {name: version.split("+")[0] for name, version in found.items()}
    return {**found, "python": "{}.{}".format(*sys.version_info[:2])}


def describe(value: Any) -> Any:
    """Describe an object by its class and arguments, the same in every process.

    Parameters
    ----------
    value : object
        An estimator, a splitter, a network, an array, a function, a container, ...

    Returns
    -------
    object
        JSON-able. Arrays, tensors, networks and source code are hashed.

    Raises
    ------
    ValueError
        If an object has no arguments and cannot be pickled.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # NaN is not equal to itself, nor in JSON.
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"array {_hash(value)}"
    if isinstance(value, torch.Tensor):
        return f"tensor {_hash(*_of_tensor(value))}"
    if isinstance(value, nn.Module):
        return f"{_name(type(value))} {_hash(*_of_network(value))}"
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if isinstance(value, functools.partial):
        return ["partial", *describe([value.func, value.args, value.keywords])]
    if inspect.ismethod(value):
        return [_of_function(value.__func__), describe(value.__self__)]
    if inspect.isfunction(value):
        return _of_function(value)
    if isinstance(value, type) or inspect.isroutine(value):
        return _name(value)
    return _of_object(value)


def _of_object(value: Any) -> Any:
    if isinstance(value, BaseEstimator) or hasattr(value, "get_params"):
        arguments = value.get_params(deep=False)
    elif hasattr(value, "__dict__"):
        arguments = vars(value)
    else:
        try:
            return f"{_name(type(value))} {joblib.hash(value)}"
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{value!r} is an argument of a model or of the protocol, and cannot be "
                "described so that another run could be told apart. Give an object that "
                "can be pickled."
            ) from error
    kept = {
        name: _of_weights(item) if name.split("__")[-1] == "pretrained" else describe(item)
        for name, item in sorted(arguments.items())
    }
    kept = {name: item for name, item in kept.items() if name not in _WITHOUT_EFFECT}
    return {"": _name(type(value)), **kept}


def _of_weights(source: Any) -> Any:
    """Describe a file of weights by what it holds, wherever it is."""
    if isinstance(source, (str, Path)) and Path(source).is_file():
        return f"file {_hash(Path(source).read_bytes())}"
    return describe(str(source) if isinstance(source, Path) else source)


def _of_function(function: Any) -> list[Any]:
    """Name, source, default arguments and the variables that a function has captured."""
    captured = [cell.cell_contents for cell in function.__closure__ or ()]
    captured = [item for item in captured if item is not function]  # It calls itself.
    given = [function.__defaults__, function.__kwdefaults__, captured]
    return [_name(function), *describe(given)]


def _name(named: Any) -> str:
    """Name a class or function, with a hash of its source if no package installed it."""
    name = f"{named.__module__}.{named.__qualname__}"
    package = str(named.__module__).split(".")[0]
    if package in _installed():
        return name
    try:
        return f"{name} {_hash(inspect.getsource(named))}"
    except (OSError, TypeError):
        logger.warning(
            "The source of %s cannot be read: results in a folder will not be recognised "
            "as old ones when it changes. Put it into a module.",
            name,
        )
        return name


@functools.cache
def _installed() -> set[str]:
    known = {"braindecode_bolt", *importlib.metadata.packages_distributions()}
    return (known | sys.stdlib_module_names) - {"__main__"}


def _of_network(network: nn.Module) -> list[Any]:
    """Layers, the numbers set in them, and all weights and buffers."""
    parts: list[Any] = [str(network)]
    for name, module in network.named_modules():
        parts.append([name, _name(type(module))])
        parts += [
            [name, key, repr(value)]
            for key, value in sorted(vars(module).items())
            if key != "training" and _is_plain(value)
        ]
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        parts += [name, *_of_tensor(tensor)]
    return parts


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _of_tensor(tensor: torch.Tensor) -> list[Any]:
    flat = tensor.detach().cpu().contiguous().flatten()
    return [list(tensor.shape), str(tensor.dtype), flat.view(torch.uint8).numpy()]


def _hash(*parts: Any) -> str:
    return content_hash(*parts)[:16]
