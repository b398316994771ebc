"""Fitted estimators as JSON and arrays, and back, without executing anything.

JSON holds numbers, texts, lists and mappings as they are. A node with one of the keys
below is something else; classes are named by a fixed registry, never by a path to import.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ..bold.scaling import BOLDScaler
from ..linear import LINEAR, BandPower, PowerStatistics, SmoothReadout
from ..linear.missing_electrodes import ElectrodeCovariance
from ..linear.penalties import GroupedRidge, GroupedSparseGroupLasso
from ..linear.prior_search import Basis
from ..training import ClosedFormHead, EEGRegressor, PretrainedRegressor
from .errors import PredictorError
from .networks import decode_network, encode_network

__all__ = ["decode", "encode"]

_ARRAY, _FLOAT, _TUPLE, _TEXTS = "@array", "@float", "@tuple", "@texts"
_OBJECT, _NETWORK, _ITEMS = "@object", "@network", "@items"
_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9_]*")


@cache
def registry() -> dict[str, type]:
    """Classes whose objects can be saved, by name."""
    others = (
        BandPower,
        Basis,
        BOLDScaler,
        ClosedFormHead,
        ElectrodeCovariance,
        GroupedRidge,
        GroupedSparseGroupLasso,
        Pipeline,
        PowerStatistics,
        SmoothReadout,
        StandardScaler,
        TransformedTargetRegressor,
    )
    return {**LINEAR, **{kind.__name__: kind for kind in others}}


def encode(value: Any, arrays: dict[str, np.ndarray], where: str = "model") -> Any:
    """Turn a fitted estimator, or a part of one, into JSON and arrays.

    Parameters
    ----------
    value : object
        The estimator.
    arrays : dict of str to ndarray
        Filled with the arrays, by their place.
    where : str, default "model"
        Place of the value.

    Returns
    -------
    JSON-able

    Raises
    ------
    TypeError
        If a part of it cannot be saved.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else {_FLOAT: repr(number)}
    if isinstance(value, np.ndarray):
        return _encode_array(value, arrays, where)
    if isinstance(value, list | tuple):
        items = [encode(v, arrays, f"{where}.{i}") for i, v in enumerate(value)]
        return {_TUPLE: items} if isinstance(value, tuple) else items
    if isinstance(value, Mapping):
        items = [
            [encode(k, arrays, where), encode(v, arrays, f"{where}.{i}")]
            for i, (k, v) in enumerate(value.items())
        ]
        if all(isinstance(k, str) and not k.startswith("@") for k in value):
            return dict(items)
        return {_ITEMS: items}
    if type(value) is PretrainedRegressor:
        value = value.estimator_  # Pre-training is over.
    if type(value) is EEGRegressor:
        # Positions of electrodes may be NaN.
        return {_NETWORK: encode(encode_network(value, arrays, where), arrays, where)}
    name = type(value).__name__
    if registry().get(name) is type(value):
        return {_OBJECT: name, **_encode_object(value, arrays, where)}
    raise TypeError(
        f"{where} is of type {type(value).__module__}.{name}, which cannot be saved. "
        "EEGRegressor, the linear models, BOLDScaler, StandardScaler and "
        "TransformedTargetRegressor around them can."
    )


def _encode_array(value: np.ndarray, arrays: dict[str, np.ndarray], where: str) -> Any:
    if value.dtype.kind in "UO":
        if not all(isinstance(text, str) for text in value.flat) or value.ndim != 1:
            raise TypeError(f"{where} is an array of {value.dtype}, which cannot be saved.")
        return {_TEXTS: value.tolist()}
    if value.dtype.kind not in "fiub":
        raise TypeError(f"{where} is an array of {value.dtype}, which cannot be saved.")
    arrays[where] = np.ascontiguousarray(value)
    return {_ARRAY: where}


def _encode_object(value: Any, arrays: dict[str, np.ndarray], where: str) -> dict[str, Any]:
    state, params = dict(vars(value)), {}
    if isinstance(value, BaseEstimator):
        names = value._get_param_names()
        params = {name: state.pop(name) for name in names if name in state}
    if isinstance(value, TransformedTargetRegressor):
        params["regressor"] = None  # That which is fitted is in the state.
    return {
        kind: {k: encode(v, arrays, f"{where}.{k}") for k, v in content.items()}
        for kind, content in (("parameters", params), ("state", state))
    }


def decode(
    node: Any,
    arrays: Mapping[str, np.ndarray],
    models: Sequence[type] = (),
    device: str = "cpu",
) -> Any:
    """Make what `encode` was given.

    Parameters
    ----------
    node : JSON
        What it gave. It may come from a file that is not trusted.
    arrays : mapping of str to ndarray
        The arrays.
    models : sequence of type, default ()
        Classes of networks that may be named besides those that braindecode knows.
    device : str, default "cpu"
        Where networks compute.

    Returns
    -------
    object

    Raises
    ------
    PredictorError
        If the content is not that of a predictor.
    """
    again = {"arrays": arrays, "models": models, "device": device}
    if isinstance(node, list):
        return [decode(item, **again) for item in node]
    if not isinstance(node, dict):
        return node
    special = [key for key in node if key.startswith("@")]
    if not special:
        return {key: decode(item, **again) for key, item in node.items()}
    kind, content = special[0], node[special[0]]
    if kind == _OBJECT:
        return _decode_object(node, again)
    if len(node) > 1:
        raise PredictorError(f"A part of the model has unknown content: {_shown(node)}.")
    if kind == _NETWORK:
        return decode_network(decode(content, **again), **again)
    if kind == _ARRAY and isinstance(content, str) and content in arrays:
        return np.array(arrays[content])
    if kind == _FLOAT and content in ("inf", "-inf", "nan"):
        return float(content)
    if kind == _TUPLE and isinstance(content, list):
        return tuple(decode(item, **again) for item in content)
    if kind == _TEXTS and isinstance(content, list):
        return np.array([str(text) for text in content])
    if kind == _ITEMS and isinstance(content, list):
        return {decode(k, **again): decode(v, **again) for k, v in content}
    raise PredictorError(f"A part of the model has unknown content: {_shown(node)}.")


def _decode_object(node: Mapping[str, Any], again: Mapping[str, Any]) -> Any:
    name = node[_OBJECT]
    kind = registry().get(name) if isinstance(name, str) else None
    if kind is None:
        raise PredictorError(
            f"The model has a part of the kind {_shown(name)}, which this version does not "
            f"know. It knows {', '.join(registry())} and EEGRegressor."
        )
    params, state = (
        {k: decode(v, **again) for k, v in _mapping(node.get(part), name).items()}
        for part in ("parameters", "state")
    )
    if issubclass(kind, BaseEstimator):
        unknown = sorted(set(params) - set(inspect.signature(kind).parameters))
        if unknown:
            raise PredictorError(
                f"{name} has no parameter {', '.join(map(_shown, unknown))}."
            )
        made = kind(**params)
    else:
        made = object.__new__(kind)
    for key in state:
        # Data only: no method is covered.
        if not _NAME.fullmatch(key) or hasattr(kind, key):
            raise PredictorError(f"{name} can have no attribute {_shown(key)}.")
    vars(made).update(state)
    if isinstance(made, TransformedTargetRegressor):
        made.regressor = state.get("regressor_")
    return made


def _mapping(content: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise PredictorError(f"The content of {name} is missing.")
    return content


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:77]}..."
