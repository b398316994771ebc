"""Fitted networks as JSON and arrays, and back."""

from __future__ import annotations

import inspect
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from braindecode.models.util import _init_models_dict, models_dict
from torch import nn

from ..models import JoinedRegions
from ..models._saving import check_classes
from ..training import CorrelationLoss, EEGRegressor
from .errors import PredictorError

logger = logging.getLogger(__name__)

#: Losses and optimisers that a file may name.
_LOSSES = {
    loss.__name__: loss
    for loss in (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, CorrelationLoss)
}
_OPTIMISERS = {
    kind.__name__: kind for kind in (torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD)
}
#: Settings that say how a network is trained and used; further ones are not kept.
_SETTINGS = (
    "head",
    "lr",
    "layer_decay",
    "max_epochs",
    "batch_size",
    "precision",
    "check_input",
    "input_scale",
    "n_draws",
    "random_state",
    "optimizer__weight_decay",
    "iterator_train__drop_last",
    "verbose",
)
#: Arguments that name a file of weights to begin with.
_WEIGHTS = {"pretrained", "new_head", "encoder_weights"}
#: What a fit leaves besides the module.
_FITTED = (
    "ch_names_",
    "baseline_",
    "lag_seconds_",
    "y_ndim_",
    "head_",
    "input_scale_",
    "spread_factor_",
)


def encode_network(
    regressor: EEGRegressor, arrays: dict[str, np.ndarray], where: str
) -> dict[str, Any]:
    """Turn a fitted EEGRegressor into JSON, its weights into arrays.

    Parameters
    ----------
    regressor : EEGRegressor
        A fitted one.
    arrays : dict of str to ndarray
        Filled with the weights.
    where : str
        Its place in the model.

    Returns
    -------
    dict
        JSON-able.

    Raises
    ------
    TypeError
        If the module cannot be built from its name and configuration.
    """
    parameters = regressor.get_params(deep=False)
    settings = {name: parameters[name] for name in _SETTINGS if name in parameters}
    if not isinstance(settings.get("random_state"), int | None):
        del settings["random_state"]
    for name, known in (("criterion", _LOSSES), ("optimizer", _OPTIMISERS)):
        kind = getattr(parameters[name], "__name__", "")
        if known.get(kind) is parameters[name]:
            settings[name] = kind
        else:
            logger.warning("The %s %r is not saved; predictions need none", name, kind)
    for name, value in regressor.module_.state_dict().items():
        arrays[f"{where}.module.{name}"] = value.detach().cpu().contiguous().numpy()
    return {
        "module": _encode_module(regressor.module_),
        "weights": f"{where}.module.",
        "settings": settings,
        "fitted": {name: getattr(regressor, name, None) for name in _FITTED},
    }


def check_config(module: Any) -> None:
    """Raise a TypeError if a network could not be built again from a file.

    Parameters
    ----------
    module : nn.Module | type of nn.Module | Any
        A network or its class; anything else passes.
    """
    kind = module if isinstance(module, type) else type(module)
    if issubclass(kind, nn.Module) and not hasattr(kind, "get_config"):
        raise TypeError(
            f"{kind.__name__} has no get_config, so it cannot be built again. Networks "
            "that can be saved derive from braindecode's EEGModuleMixin."
        )


def _encode_module(module: nn.Module) -> dict[str, Any]:
    name = type(module).__name__
    if isinstance(module, JoinedRegions):
        parts = [_encode_module(part) for part in module.models]
        return {"class": name, "regions": module.roi_names, "parts": parts}
    check_config(module)
    config = module.get_config()
    # Weights are in the folder; the file that training began with is not needed.
    config = {k: v for k, v in config.items() if k not in _WEIGHTS}
    try:
        text = json.dumps(config)
    except TypeError as error:
        raise TypeError(
            f"The configuration of {name} cannot be saved: {error}. Give the network "
            "arguments that JSON can hold."
        ) from error
    return {"class": name, "config": json.loads(text)}


def decode_network(
    node: Any,
    arrays: Mapping[str, np.ndarray],
    models: Sequence[type] = (),
    device: str = "cpu",
) -> EEGRegressor:
    """Make the EEGRegressor that `encode_network` was given.

    Parameters
    ----------
    node : JSON
        What it gave. It may come from a file that is not trusted.
    arrays : mapping of str to ndarray
        With the weights.
    models : sequence of type, default ()
        Classes of networks that may be named besides those that braindecode knows.
    device : str, default "cpu"
        Where the network computes.

    Returns
    -------
    EEGRegressor
        Fitted, in evaluation mode.

    Raises
    ------
    PredictorError
        If the content is not that of a network.
    """
    try:
        settings, fitted, prefix = node["settings"], node["fitted"], node["weights"]
        unknown = sorted(
            {*settings, *fitted} - {*_SETTINGS, *_FITTED, "criterion", "optimizer"}
        )
        if unknown:
            raise PredictorError(f"A network has no setting {', '.join(unknown)[:200]}.")
        settings = dict(settings)
        for name, known in (("criterion", _LOSSES), ("optimizer", _OPTIMISERS)):
            if name in settings:
                settings[name] = known[settings[name]]
        module = _decode_module(node["module"], models)
        state = {
            name.removeprefix(prefix): torch.from_numpy(np.array(value))
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
        module.load_state_dict(state, strict=True)
        regressor = EEGRegressor(module.eval(), device=device, **settings)
        regressor.initialize()
    except PredictorError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PredictorError(
            f"The network of this predictor cannot be built: {first}"
        ) from error
    vars(regressor).update(fitted)
    return regressor


def _decode_module(node: Mapping[str, Any], models: Sequence[type]) -> nn.Module:
    name = node["class"]
    if name == JoinedRegions.__name__:
        joined = JoinedRegions([_decode_module(part, models) for part in node["parts"]])
        joined.roi_names = [str(region) for region in node["regions"]]
        return joined
    if not models_dict:
        _init_models_dict()
    known = {**models_dict, **{model.__name__: model for model in models}}
    model = known.get(name)
    if model is None:
        raise PredictorError(
            f"The predictor has a network called {str(name)[:80]!r}, which braindecode "
            "does not know. If it is your own class, give it: load(folder, models=[...])."
        )
    config = dict(node["config"])
    config.pop("braindecode_version", None)
    unknown = sorted(set(config) - {*inspect.signature(model).parameters})
    if unknown:
        raise PredictorError(f"{name} has no argument {', '.join(unknown)[:200]}.")
    check_classes(model, config)
    if _WEIGHTS & set(config):
        raise PredictorError(f"The configuration of {name} names a file of weights.")
    with warnings.catch_warnings():
        # About positions of electrodes that come from JSON.
        warnings.filterwarnings("ignore", "Modifying chs_info argument", UserWarning)
        return model.from_config(config)
