"""Entering our models into braindecode's registry."""

from __future__ import annotations

from typing import Any

from braindecode.models.util import (
    _init_models_dict,
    models_dict,
    models_mandatory_parameters,
)


def register(
    model: type, required: list[str], signal_params: dict[str, Any] | None = None
) -> type:
    """Make a model known to braindecode by its class name.

    Parameters
    ----------
    model : type
        The class.
    required : list of str
        Signal parameters without which it cannot be built.
    signal_params : dict | None
        Values with which braindecode's own model tests can build it.

    Returns
    -------
    type
        `model`.

    Raises
    ------
    ValueError
        If braindecode has another model of this name.
    """
    if not models_dict:
        _init_models_dict()
    name = model.__name__
    known = models_dict.get(name)
    if known is not None and known.__qualname__ + known.__module__ != (
        model.__qualname__ + model.__module__
    ):
        raise ValueError(
            f"braindecode already has a model named {name} ({known.__module__}); ours "
            "needs another name."
        )
    models_dict[name] = model
    if name not in {entry[0] for entry in models_mandatory_parameters}:
        models_mandatory_parameters.append((name, required, signal_params))
    return model
