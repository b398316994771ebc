"""All that decides the result of a run, as JSON."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import math
import pickle
import platform
from collections.abc import Mapping
from functools import partial
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

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
        return f"tensor {_hash(value.detach().cpu().numpy().tobytes(), value.shape)}"
    if isinstance(value, nn.Module):
        return f"{type(value).__name__} {_hash(*_weights(value))}"
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if isinstance(value, partial):
        return ["partial", *describe([value.func, value.args, value.keywords])]
    if inspect.isfunction(value):
        return _function(value)
    if isinstance(value, type) or inspect.isroutine(value):
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
    return {"": type(value).__qualname__, **kept}


def _function(function: Any) -> list[Any]:
    """Describe a function by what it does, its name being no guarantee."""
    code = function.__code__
    inner = [c.co_code.hex() if inspect.iscode(c) else repr(c) for c in code.co_consts]
    content = _hash(code.co_code, inner, code.co_names)
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    given = [describe(function.__defaults__), describe(function.__kwdefaults__)]
    name = f"{function.__module__}.{function.__qualname__}"
    return [name, content, *given, describe(cells)]


def _of_another_kind(value: Any) -> Any:
    try:
        return f"{type(value).__qualname__} {joblib.hash(value)[:16]}"
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        if hasattr(value, "__dict__"):  # Of a class in a function, for one.
            return {"": type(value).__qualname__, **describe(vars(value))}
        raise ValueError(
            f"{value!r} is an argument of a model or of the protocol, and cannot be "
            f"described so that another run could be told apart. Give an object that can "
            "be pickled."
        ) from error


def _weights(module: nn.Module) -> list[Any]:
    state = module.state_dict()
    parts: list[Any] = [str(module)]
    for name, tensor in state.items():
        parts += [name, tensor.detach().cpu().numpy().tobytes()]
    return parts


def _hash(*parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
    return digest.hexdigest()[:16]
