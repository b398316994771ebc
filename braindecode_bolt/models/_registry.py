"""Registering our models with braindecode."""

from __future__ import annotations

from typing import Any

from braindecode.models.util import (
    _init_models_dict,
    models_dict,
    models_mandatory_parameters,
)

#: Signal parameters with which braindecode's own model tests build a model.
_EXAMPLE = {"n_times": 1600, "sfreq": 200.0, "input_window_seconds": 8.0}
_EXAMPLE_CHANNELS = [{"ch_name": name, "kind": "eeg"} for name in ("Cz", "Pz", "Oz")]


def register(model: type) -> None:
    """Make a model known to braindecode by its class name.

    Registering a model again changes nothing.

    Parameters
    ----------
    model : type
        The class, a :class:`~braindecode_bolt.models._base.BOLDModel`.

    Raises
    ------
    ValueError
        If braindecode has another model of this name.
    """
    if not models_dict:
        _init_models_dict()
    name = model.__name__
    known = models_dict.get(name, model)
    if (known.__module__, known.__qualname__) != (model.__module__, model.__qualname__):
        raise ValueError(
            f"braindecode already has a model named {name} ({known.__module__}). Choose "
            "another name."
        )
    models_dict[name] = model
    if name not in {entry[0] for entry in models_mandatory_parameters}:
        channels: dict[str, Any] = {"n_chans": 4}
        if model.NEEDS_CHANNEL_NAMES:
            channels = {"chs_info": _EXAMPLE_CHANNELS}
        models_mandatory_parameters.append(
            (name, ["n_outputs", *channels, "n_times"], _EXAMPLE | channels)
        )
