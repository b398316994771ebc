"""All that decides the result of a run, as JSON."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import math
import platform
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
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
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def describe_run(
    studies: Mapping[str, Study],
    models: Mapping[str, BaseEstimator],
    protocol: Any,
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
    regions : str
        Whether regions are predicted together.
    more : mapping
        Further settings, JSON-able.

    Returns
    -------
    dict
        JSON-able, with ``data`` (hashes), ``models``, ``protocol``, ``regions``,
        ``settings`` and ``versions``.
    """
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "data": {name: study.fingerprint() for name, study in studies.items()},
        "models": {name: describe(model) for name, model in models.items()},
        "protocol": describe(protocol),
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
    if isinstance(value, np.ndarray):
        return f"array {_hash(np.ascontiguousarray(value).tobytes(), value.shape)}"
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
    if isinstance(value, type) or inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    arguments = (
        value.get_params(deep=False) if hasattr(value, "get_params") else vars_of(value)
    )
    if arguments is None:
        return _ADDRESS.sub("", repr(value))
    kept = {
        name: describe(item)
        for name, item in sorted(arguments.items())
        if name not in _OF_NO_ACCOUNT and not name.startswith("_")
    }
    return {"": type(value).__qualname__, **kept}


def vars_of(value: Any) -> dict[str, Any] | None:
    """Give the attributes of a plain object, None where it has none of its own."""
    try:
        attributes = vars(value)
    except TypeError:
        return None
    return {name: item for name, item in attributes.items() if not name.startswith("_")}


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
