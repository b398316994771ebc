"""Every model by name, as a scikit-learn regressor."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin

from .. import _catalogue
from ..linear import LINEAR
from ..models import NETWORKS
from .networks import find_network
from .regressor import EEGRegressor

__all__ = ["SIZES", "estimator_names", "make_estimator", "network_arguments"]

#: Arguments of the networks, for two cores and as published. The small LabramBOLD is
#: trained from scratch, so its channel and time embeddings start larger than LaBraM's.
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "small": {
        "NeuroBOLT": {
            "module__embed_dim": 64,
            "module__num_layers": 2,
            "module__num_heads": 4,
            "module__spectral_depth": 1,
            "module__spectral_num_heads": 4,
            "module__mix_windows": False,
        },
        "LabramBOLD": {"module__num_layers": 2, "module__embedding_std": 1.0},
        "BIOTBOLD": {"module__num_layers": 1},
        "BEIRA": {"module__n_feature_maps": 32},
        "SirenED": {"module__n_feature_maps": 32},
        "FFCL": {"module__feature_maps": (16, 32, 64), "module__hidden_size": 64},
        "CNNTransformer": {"module__feature_maps": (16, 32, 64), "module__num_layers": 2},
        "STTransformer": {"module__num_layers": 1},
        "BOLDNet": {
            "module__spectral_depth": 1,
            "module__encoder_args": {"num_layers": 2, "embedding_std": 1.0},
        },
        "BOLDFlow": {
            "module__spectral_depth": 1,
            "module__embed_dim": 64,
            "module__encoder_args": {
                "depth": 2,
                "embed_dim": 64,
                "heads": 4,
                "head_dim": 16,
            },
            "module__flow_width": 64,
            "module__flow_depth": 2,
            "module__n_steps": 10,
            "module__mix_windows": False,
        },
        # Of braindecode's, those that are too large for two cores.
        "BIOT": {"module__num_layers": 1},
        "CBraMod": {"module__n_layer": 2},
        "CodeBrain": {"module__num_res_layers": 2},
        "EEGPT": {"module__depth": 2, "module__embed_dim": 128, "module__num_heads": 4},
        "Labram": {"module__num_layers": 2},
        "ZUNA": {"module__dim": 128, "module__n_layers": 2},
        "REVE": {
            "module__depth": 2,
            "module__embed_dim": 128,
            "module__heads": 4,
            "module__head_dim": 32,
            "module__attention_pooling": True,
        },
    },
    "published": {},
}

#: Small networks whose encoder is pre-trained on EEG and comes with the package.
_START = {"NeuroBOLT": {"module__pretrained": "neurobolt-small", "head": "closed_form"}}
#: Further arguments that need other weights.
_OTHER_WEIGHTS = {
    f"module__{name}"
    for name in ("n_scales", "branches", "attention", "attention_rank", "input_scale")
} | {"module__nonlinear_head", "module__pretrained"}


def estimator_names(braindecode: bool = False) -> list[str]:
    """List the models that :func:`make_estimator` makes: networks, then linear ones.

    Parameters
    ----------
    braindecode : bool, default False
        Whether to list those of braindecode that can predict BOLD, too.

    Returns
    -------
    list of str
        Names.

    Examples
    --------
    >>> from braindecode_bolt.training import estimator_names
    >>> names = estimator_names()
    >>> names[0], names[-1]
    ('NeuroBOLT', 'MeanBOLD')
    """
    names = [*NETWORKS, *LINEAR]
    if braindecode:
        entries = _catalogue.BRAINDECODE.items()
        names += [name for name, entry in entries if not entry.cannot]
    return names


def network_arguments(name: str, size: str = "published") -> dict[str, Any]:
    """Arguments of a network of some size.

    Parameters
    ----------
    name : str
        Its name.
    size : {"published", "small"}, default "published"
        As in :func:`make_estimator`.

    Returns
    -------
    dict of str to Any
        Those that differ from the defaults of the network, without ``module__``. Empty
        for the published size.

    Raises
    ------
    ValueError
        If there is no such size.

    Examples
    --------
    >>> from braindecode_bolt.training import network_arguments
    >>> network_arguments("BIOTBOLD", "small")
    {'num_layers': 1}
    """
    _check_size(size)
    given = SIZES[size].get(name, {})
    return {k.removeprefix("module__"): v for k, v in given.items() if "module__" in k}


def _check_size(size: str) -> None:
    if size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)}, got {size!r}.")


def make_estimator(name: str, size: str = "published", **arguments: Any) -> RegressorMixin:
    """Make a model by its name.

    Parameters
    ----------
    name : str
        One of :func:`estimator_names`, in upper or lower case: also a model of
        braindecode, such as ``"EEGNet"``, or one that you registered there.
    size : {"published", "small"}, default "published"
        Size of the networks: as published, or small enough for two cores.
        Of braindecode's models only the largest have a small size. The small NeuroBOLT
        begins from an encoder that comes with the package, pre-trained on the EEG of one
        person without fMRI (:func:`pretrain_band_power`), and has a closed-form head.
        ``module__pretrained=None`` trains it from scratch, as any ``module__...`` that
        needs other weights does.
    **arguments : Any
        Arguments of the linear model or, for networks, of
        :class:`~braindecode_bolt.EEGRegressor` (``module__...`` for the network).

    Returns
    -------
    EEGRegressor | scikit-learn regressor
        Not fitted.

    Raises
    ------
    ValueError
        If there is no such model or size, or the model cannot predict BOLD.
    TypeError
        If a linear model does not take an argument.

    See Also
    --------
    estimator_names : Names of all models.
    braindecode_bolt.EEGRegressor : Wraps any network, also by its class.

    Examples
    --------
    >>> from braindecode_bolt.training import make_estimator
    >>> make_estimator("alphahrf")
    AlphaHRF()
    """
    _check_size(size)
    found = _catalogue.find(str(name))
    name, entry = found or (name, None)
    if name in LINEAR:
        return LINEAR[name](**arguments)
    if entry is not None and entry.cannot:
        raise ValueError(f"{name} of braindecode cannot predict BOLD: {entry.cannot}.")
    if name not in NETWORKS:
        # A model of braindecode, or one that somebody has registered there.
        name = find_network(name).__name__
    sizes = SIZES[size].get(name, {})
    start = _START.get(name, {}) if size == "small" else {}
    if start and set(arguments) & (_OTHER_WEIGHTS | set(sizes)):
        # From scratch, the channel and time embeddings start larger than LaBraM's.
        scratch = arguments.get("module__pretrained") is None
        start = {"module__embedding_std": 1.0} if scratch else {}
    return EEGRegressor(name, **{**sizes, **start, **arguments})
