"""Models of the user, named by the module that they are in."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from torch import nn

from ..training.regressor import EEGRegressor

__all__ = ["import_own", "load_own"]


def import_own(name: str) -> Any:
    """Import an object of the user.

    The module is searched in the current folder, too. It is run, as ``python`` runs it.

    Parameters
    ----------
    name : str
        ``module:name`` or ``file.py:name``.

    Returns
    -------
    object
        A network, a regressor, or the class of one.

    Raises
    ------
    ValueError
        If it cannot be imported, or is neither network nor regressor.
    """
    place, _, attribute = name.partition(":")
    folder = Path.cwd()
    if place.endswith(".py"):
        folder, place = (folder / place).parent, Path(place).stem
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # It stays: processes of --jobs need it, too.
    try:
        module = importlib.import_module(place)
    except Exception as error:  # Whatever running the file raises.
        raise ValueError(
            f"The model {name} cannot be imported: {type(error).__name__}: {error}. Write "
            f"module:name, for a module that is installed or in {folder}."
        ) from error
    found = getattr(module, attribute, None)
    if _is_model(found):
        return found
    offered = [
        known
        for known, value in vars(module).items()
        if _is_model(value) and getattr(value, "__module__", None) == module.__name__
    ]
    raise ValueError(
        f"{place} has no network or regressor {attribute!r}. What it has: "
        f"{', '.join(offered) or 'none'}."
    )


def load_own(name: str, training: dict[str, Any]) -> BaseEstimator:
    """Make an estimator of a network or regressor of the user.

    Parameters
    ----------
    name : str
        As for :func:`import_own`.
    training : dict
        Arguments of the :class:`~braindecode_bolt.EEGRegressor` that trains a network.

    Returns
    -------
    estimator

    Raises
    ------
    ValueError
        As by :func:`import_own`.
    """
    model = import_own(name)
    kind = model if inspect.isclass(model) else type(model)
    if issubclass(kind, nn.Module):
        return EEGRegressor(model, **training)
    return model() if inspect.isclass(model) else model


def _is_model(value: Any) -> bool:
    kind = value if inspect.isclass(value) else type(value)
    return issubclass(kind, nn.Module) or (
        hasattr(kind, "fit") and hasattr(kind, "predict")
    )
