"""From what a regressor was given as its module to a model that can be trained."""

from __future__ import annotations

import copy
import inspect
import logging
import warnings
from typing import Any

from braindecode.eegneuralnet import _get_model
from braindecode.modules import MLP
from torch import nn

from ..eeg.channels import ChannelNameError, match_channels
from ..linear import LINEAR
from ..windows.inputs import Input

logger = logging.getLogger(__name__)


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
        If the template cannot tell its configuration.
    ValueError
        If the template carries loaded or trained weights that would be lost.
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
            f"{names} would build the {kind} anew and lose the loaded or trained weights "
            "of the instance. Give the module by class or name with all its arguments, "
            f"or set them when the {kind} is built."
        )
    if changed is None:
        warnings.warn(
            f"{names}: the {kind} is built anew; weights loaded into the instance, if "
            "any, are not kept.",
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
    """Build a model from its class or its name.

    Parameters
    ----------
    module : str | type of nn.Module
        The class, or its name in braindecode's registry.
    kwargs : dict
        Arguments set as ``module__...``.
    inferred : dict
        What the data tell; used where the model takes it and the user did not
        say otherwise.

    Returns
    -------
    nn.Module

    Raises
    ------
    ValueError
        If there is no such network.
    """
    if module in LINEAR:
        raise ValueError(
            f"{module} is no network but a scikit-learn regressor of its own: use "
            f"braindecode_bolt.make_estimator({module!r}), or the classes of "
            "braindecode_bolt.linear."
        )
    model = _get_model(module)
    accepted = inspect.signature(model).parameters
    inferred = {name: value for name, value in inferred.items() if name in accepted}
    if kwargs.get("ch_names") is not None:
        inferred.pop("chs_info", None)
    return _picklable(model(**{**inferred, **kwargs}))


def _picklable(module: nn.Module) -> nn.Module:
    for part in module.modules():
        if isinstance(part, MLP):
            # braindecode leaves a lambda here that nothing calls any more.
            part.normalization = None
    return module


def check_module(module: nn.Module, source: Input) -> None:
    """Raise where a module was made for other data.

    Parameters
    ----------
    module : nn.Module
        The model.
    source : Input
        The windows, and the number of targets.

    Raises
    ------
    ValueError
        If channels, samples or outputs do not agree.
    """
    by_name = takes_ch_names(module) and source.ch_names is not None
    given = source.signal_args()
    for name, what in (("n_chans", "channels"), ("n_times", "samples")):
        if by_name and name == "n_chans":
            continue
        expected = _signal_property(module, name)
        if expected is not None and expected != given[name]:
            raise ValueError(
                f"The module was made for windows of {expected} {what} ({name}), X has "
                f"{given[name]}."
            )
    check_sfreq(module, source)
    n_outputs = _signal_property(module, "n_outputs")
    if n_outputs is not None and n_outputs != source.n_outputs:
        raise ValueError(
            f"The module has n_outputs={n_outputs}, but y has {source.n_outputs} columns."
        )
    check_channels(module, getattr(module, "ch_names", None), source)


def check_sfreq(module: nn.Module, source: Input) -> None:
    """Raise where windows have another sampling rate than a module wants.

    Parameters
    ----------
    module : nn.Module
        The model.
    source : Input
        The windows.

    Raises
    ------
    ValueError
        If both are known and differ.
    """
    expected = _signal_property(module, "sfreq")
    if expected is None or source.info is None:
        return
    given = float(source.info["sfreq"])
    if abs(given - expected) > 1e-3:
        raise ValueError(
            f"The module was made for windows at {expected:g} Hz, X is sampled at "
            f"{given:g} Hz. Use prepare_eeg to resample."
        )


def check_channels(module: nn.Module, known: list[str] | None, source: Input) -> None:
    """Raise where a module knows other channels than the windows have.

    Parameters
    ----------
    module : nn.Module
        The model.
    known : list of str | None
        Channels that it was made for or trained on.
    source : Input
        The windows.

    Raises
    ------
    ChannelNameError
        If the channels differ; for a module that is told the names, if it does
        not know one.
    """
    names = source.ch_names
    if names is None or known is None or list(known) == names:
        return
    if not takes_ch_names(module):
        raise ChannelNameError(
            f"The model was made for the channels {', '.join(known)}; the windows have "
            f"{', '.join(names)}. It takes the same channels in the same order only."
        )
    made_for = getattr(module, "ch_names", known)
    match_channels(names, made_for, "The model")
    if len(names) < len(known):
        logger.info("%d of the model's %d channels are there", len(names), len(known))


def takes_ch_names(module: nn.Module) -> bool:
    """Whether a model's forward wants to be told the names of the channels."""
    return "ch_names" in inspect.signature(module.forward).parameters


def _signal_property(module: nn.Module, name: str) -> int | float | None:
    try:
        value = getattr(module, name, None)
    except ValueError:  # braindecode: not specified, cannot be inferred
        return None
    return value if isinstance(value, (int, float)) else None
