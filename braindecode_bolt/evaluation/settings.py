"""All that decides the result of a run, as JSON."""

from __future__ import annotations

import importlib.metadata
import inspect
import math
import pickle
import platform
import sys
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

from .._files import content_hash
from .study import Study

__all__ = ["describe", "describe_run"]

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
_OF_NO_ACCOUNT = ("verbose", "n_jobs", "callbacks__progress__leave")


def describe_run(
    studies: Mapping[str, Study],
    models: Mapping[str, BaseEstimator],
    protocol: Any,
    folds: Mapping[str, str],
    regions: str,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Describe all that decides the result of a run.

    Parameters
    ----------
    studies : mapping of str to Study
        Data sets by name; EEG, BOLD and origin of their windows are hashed.
    models : mapping of str to estimator
        Models by name.
    protocol : splitter
        How windows are divided.
    folds : mapping of str to str
        What tells the folds of each data set from others.
    regions : str
        Whether regions are predicted together.
    more : mapping
        Further settings, JSON-able.

    Returns
    -------
    dict
        JSON-able, with ``data`` and ``folds`` (hashes), ``models``, ``protocol``,
        ``regions``, ``settings`` and ``versions``.
    """
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "data": {name: study.fingerprint() for name, study in studies.items()},
        "models": {name: describe(model) for name, model in models.items()},
        "protocol": describe(protocol),
        "folds": dict(folds),
        "regions": regions,
        "settings": dict(more),
        "versions": {**versions, "python": platform.python_version()},
    }


def describe(value: Any) -> Any:
    """Describe an object by its kind and arguments, the same in every process.

    Parameters
    ----------
    value : object
        An estimator, a splitter, a network, an array, a class, a container, ...

    Returns
    -------
    object
        JSON-able. Networks and arrays are hashed.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # NaN is not equal to itself, nor in JSON.
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"array {_hash(np.ascontiguousarray(value).tobytes(), value.shape)}"
    if isinstance(value, torch.Tensor):
        return f"tensor {_hash(*_of_tensor(value))}"
    if isinstance(value, nn.Module):
        return f"{type(value).__name__} {_hash(*_of_network(value))}"
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if isinstance(value, partial):
        return ["partial", *describe([value.func, value.args, value.keywords])]
    if inspect.isfunction(value):
        return _of_function(value)
    if inspect.ismethod(value):
        return [_of_function(value.__func__), describe(value.__self__)]
    if isinstance(value, type):
        return _of_class(value)
    if inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "get_params"):
        arguments = value.get_params(deep=False)
    elif type(value).__module__.startswith("braindecode_bolt."):
        arguments = vars(value)
    else:
        return _of_another_kind(value)
    kept = {
        name: describe(item)
        for name, item in sorted(arguments.items())
        if name not in _OF_NO_ACCOUNT and not name.startswith("_")
    }
    return {"": _of_class(type(value), short=True), **kept}


def _of_function(function: Any) -> list[Any]:
    """Describe a function by what it does, its name being no guarantee."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    cells = [cell for cell in cells if cell is not function]  # It calls itself.
    given = [describe(function.__defaults__), describe(function.__kwdefaults__)]
    name = f"{function.__module__}.{function.__qualname__}"
    return [name, _hash(_of_code(function.__code__)), *given, describe(cells)]


def _of_code(value: Any) -> Any:
    """Code, or a constant in it, without what differs from process to process."""
    if inspect.iscode(value):
        constants = [_of_code(constant) for constant in value.co_consts]
        return [value.co_code.hex(), constants, value.co_names]
    if isinstance(value, frozenset):
        return sorted(map(repr, value))
    if isinstance(value, tuple):
        return [_of_code(item) for item in value]
    return repr(value)


def _of_class(kind: type, short: bool = False) -> str:
    """Name a class; with a hash of its source where it is of no installed package."""
    name = kind.__qualname__ if short else f"{kind.__module__}.{kind.__qualname__}"
    package = kind.__module__.split(".")[0]
    if package in _installed() or package in sys.stdlib_module_names - {"__main__"}:
        return name
    try:
        return f"{name} {_hash(inspect.getsource(kind))}"
    except (OSError, TypeError):
        return name  # Typed into an interpreter.


@cache
def _installed() -> set[str]:
    return {"braindecode_bolt", *importlib.metadata.packages_distributions()}


def _of_another_kind(value: Any) -> Any:
    try:
        return f"{_of_class(type(value), short=True)} {joblib.hash(value)[:16]}"
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        if hasattr(value, "__dict__"):  # Of a class in a function, for one.
            return {"": _of_class(type(value), short=True), **describe(vars(value))}
        raise ValueError(
            f"{value!r} is an argument of a model or of the protocol, and cannot be "
            f"described so that another run could be told apart. Give an object that can "
            "be pickled."
        ) from error


def _of_network(network: nn.Module) -> list[Any]:
    """Layers, numbers that are set in them, and all weights and buffers."""
    parts: list[Any] = [str(network)]
    for name, module in network.named_modules():
        parts.append([name, _of_class(type(module))])
        for key, value in sorted(vars(module).items()):
            if key != "training" and _is_plain(value):
                parts.append([name, key, repr(value)])
    for tensors in (network.named_parameters(), network.named_buffers()):
        for name, tensor in tensors:
            parts += [name, *_of_tensor(tensor)]
    return parts


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _of_tensor(tensor: torch.Tensor) -> list[Any]:
    flat = tensor.detach().cpu().contiguous().flatten()
    return [tensor.shape, tensor.dtype, flat.view(torch.uint8).numpy().tobytes()]


def _hash(*parts: Any) -> str:
    return content_hash(*(p if isinstance(p, bytes) else str(p) for p in parts))[:16]
