"""Every model by name, as a scikit-learn regressor."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin

from ..linear import LINEAR
from ..models import NETWORKS
from .regressor import EEGRegressor

__all__ = ["SIZES", "estimator_names", "make_estimator"]

#: Arguments of the networks, for two cores and as published. Small networks are trained
#: from scratch, so their channel and time embeddings start larger than LaBraM's.
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "small": {
        "NeuroBOLT": {
            "module__num_layers": 2,
            "module__spectral_depth": 1,
            "module__embedding_std": 1.0,
        },
        "LabramBOLD": {"module__num_layers": 2, "module__embedding_std": 1.0},
        "BIOTBOLD": {"module__num_layers": 1},
        "BEIRA": {"module__n_feature_maps": 32},
        "SirenED": {"module__n_feature_maps": 32},
        "FFCL": {"module__feature_maps": (16, 32, 64), "module__hidden_size": 64},
        "CNNTransformer": {"module__feature_maps": (16, 32, 64), "module__num_layers": 2},
        "STTransformer": {"module__num_layers": 1},
    },
    "published": {},
}


def estimator_names() -> list[str]:
    """List the models that :func:`make_estimator` makes: networks, then linear ones."""
    return [*NETWORKS, *LINEAR]


def make_estimator(name: str, size: str = "published", **arguments: Any) -> RegressorMixin:
    """Make a model by its name.

    Parameters
    ----------
    name : str
        One of :func:`estimator_names`, in upper or lower case.
    size : {"published", "small"}
        Size of the networks: as published (default), or small enough for two cores.
    **arguments
        Arguments of the linear model or, for networks, of
        :class:`~braindecode_bolt.EEGRegressor` (``module__...`` for the network).

    Returns
    -------
    EEGRegressor | scikit-learn regressor

    Raises
    ------
    ValueError
        If there is no such model or size.

    Examples
    --------
    >>> from braindecode_bolt.training import make_estimator
    >>> make_estimator("alphahrf")
    AlphaHRF()
    """
    if size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)}, got {size!r}.")
    by_name = {known.lower(): known for known in estimator_names()}
    name = by_name.get(str(name).lower(), name)
    if name in LINEAR:
        return LINEAR[name](**arguments)
    if name not in NETWORKS:
        raise ValueError(
            f"There is no model {name!r}. There are {', '.join(estimator_names())}."
        )
    return EEGRegressor(name, **{**SIZES[size].get(name, {}), **arguments})
