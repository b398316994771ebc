"""Building the network of a regressor."""

from __future__ import annotations

import copy
import difflib
import inspect
import re
import warnings
from typing import Any

from braindecode.eegneuralnet import _get_model
from braindecode.models.util import interpolated_models_dict, models_dict
from braindecode.modules import MLP
from torch import nn

from ..linear import LINEAR
from ..models._theirs import build_theirs, entry_of


def copy_template(template: nn.Module, kwargs: dict[str, Any]) -> nn.Module:
    """Copy a module given as an instance, merging further arguments.

    Parameters
    ----------
    template : nn.Module
        The instance. It is not changed.
    kwargs : dict
        Arguments set as ``module__...``.

    Returns
    -------
    nn.Module
        A copy with the same weights or, with arguments, a new model of the
        merged configuration.

    Raises
    ------
    TypeError
        If the template has no ``get_config``.
    ValueError
        If the template has loaded or trained weights that would be lost.
    """
    if not kwargs:
        return _picklable(copy.deepcopy(template))
    names = ", ".join(f"module__{name}" for name in kwargs)
    kind = type(template).__name__
    if not hasattr(template, "get_config"):
        raise TypeError(
            f"{names} cannot be merged into an instance of {kind}, which has no "
            "get_config. Give the module as a class."
        )
    changed = getattr(template, "weights_changed", None)
    if changed:
        raise ValueError(
            f"{names} would build a new {kind} and lose the loaded or trained weights "
            "of the instance. Give the module by class or name with all its arguments, "
            f"or set them when the {kind} is built."
        )
    if changed is None:
        warnings.warn(
            f"{names}: a new {kind} is built; weights that were loaded into the instance, "
            "if any, are lost.",
            stacklevel=2,
        )
    config = template.get_config()
    config.pop("braindecode_version", None)
    if config.get("chs_info") is not None:
        config["chs_info"] = template.chs_info
    for given, other in (("ch_names", "chs_info"), ("chs_info", "ch_names")):
        if given in kwargs:
            config.pop(other, None)
            config.pop("n_chans", None)
    return _picklable(type(template).from_config({**config, **kwargs}))


def build_module(
    module: str | type[nn.Module], kwargs: dict[str, Any], inferred: dict[str, Any]
) -> nn.Module:
    """Build a network from its class or its name in braindecode's registry.

    Parameters
    ----------
    module : str | type of nn.Module
        The class or name.
    kwargs : dict
        Arguments set as ``module__...``.
    inferred : dict
        What is known from the data; used if the network takes it and the user did
        not set it.

    Returns
    -------
    nn.Module
        With random weights, or those that an argument names.

    Raises
    ------
    ValueError
        If there is no such network.
    TypeError
        If it is no network, or does not take an argument of `kwargs`.
    """
    model = find_network(module)
    if isinstance(model, type) and not issubclass(model, nn.Module):
        raise TypeError(
            "A network must be a torch.nn.Module, its class or the name of one, got "
            f"{model!r}."
        )
    _check_arguments(model, kwargs)
    if entry_of(model) is not None:
        return _picklable(build_theirs(model, inferred, kwargs))
    accepted = inspect.signature(model).parameters
    inferred = {name: value for name, value in inferred.items() if name in accepted}
    if kwargs.get("ch_names") is not None:
        inferred.pop("chs_info", None)
    try:
        return _picklable(model(**{**inferred, **kwargs}))
    except ValueError as error:
        missing = re.search(r"(\w+) (could not be inferred|not specified)", str(error))
        if missing is None:
            raise
        name = missing[1]
        raise ValueError(
            f"{getattr(model, '__name__', model)} needs {name}, which is not known here. "
            f"Give module__{name}=..., or fit to windows that know their channels and "
            "sampling rate: those of create_bold_windows, Epochs, braindecode's data sets."
        ) from error


def find_network(module: str | type[nn.Module]) -> type[nn.Module]:
    """Find the class of a network by its name, whatever its case.

    Parameters
    ----------
    module : str | type of nn.Module
        A name in braindecode's registry, or a class.

    Returns
    -------
    type of nn.Module
        The class.

    Raises
    ------
    ValueError
        If there is no such network.
    """
    if not isinstance(module, str):
        return module
    if module in LINEAR:
        raise ValueError(
            f"{module} is not a network but a scikit-learn regressor: use "
            f"braindecode_bolt.make_estimator({module!r}), or the classes of "
            "braindecode_bolt.linear."
        )
    try:
        return _get_model(module)
    except ValueError:
        pass
    names = {name.lower(): name for name in (*models_dict, *interpolated_models_dict)}
    if module.lower() in names:
        return _get_model(names[module.lower()])
    close = difflib.get_close_matches(module.lower(), names, 3)
    hint = f" Did you mean {', '.join(names[name] for name in close)}?" if close else ""
    raise ValueError(
        f"There is no network {module!r} among braindecode's and ours.{hint} "
        "`braindecode-bolt models` lists them all."
    )


def _check_arguments(model: type[nn.Module], kwargs: dict[str, Any]) -> None:
    accepted = inspect.signature(model).parameters
    if any(each.kind is each.VAR_KEYWORD for each in accepted.values()):
        return
    for name in kwargs:
        if name in accepted:
            continue
        close = difflib.get_close_matches(name, accepted, 1)
        hint = f"Did you mean module__{close[0]}? " if close else ""
        raise TypeError(
            f"{getattr(model, '__name__', model)} takes no argument module__{name}. "
            f"{hint}It takes {', '.join(accepted)}."
        )


def _picklable(module: nn.Module) -> nn.Module:
    for part in module.modules():
        if isinstance(part, MLP):
            # braindecode leaves a lambda here that nothing calls any more.
            part.normalization = None
    return module


def takes_ch_names(module: nn.Module) -> bool:
    """Whether a model's forward takes the names of the channels."""
    return "ch_names" in inspect.signature(module.forward).parameters
