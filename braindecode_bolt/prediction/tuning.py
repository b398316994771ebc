"""Going on with training on another data set, montage or set of regions."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from skorch.callbacks import Freezer

from .._series import plain_name
from ..recording import Recording, as_recordings
from ..training import EEGRegressor
from .learning import fit_model, training_windows
from .running import inner, shared_electrodes

if TYPE_CHECKING:
    from .predictor import BOLDPredictor

__all__ = ["fine_tune"]

logger = logging.getLogger(__name__)

#: The layer that maps features to regions.
_HEAD = "final_layer"


def fine_tune(
    predictor: BOLDPredictor,
    recordings: Iterable[Recording],
    freeze: str | None,
    lr: float | None,
    max_epochs: int | None,
    eeg: Mapping[str, Any] | None,
) -> BOLDPredictor:
    """Fine-tune a predictor; see :meth:`BOLDPredictor.fine_tune`."""
    if freeze not in ("encoder", None):
        raise ValueError(f'freeze must be "encoder" or None, got {freeze!r}.')
    known = inner(predictor.regressor_)
    if not isinstance(known, EEGRegressor) or known is not predictor.regressor_:
        raise TypeError(
            f"Only networks (EEGRegressor) are fine-tuned, and this predictor has a "
            f"{predictor._name}. Fit it anew, to all recordings together."
        )
    recordings = list(as_recordings(recordings))
    options = {**predictor.eeg, **(eeg or {})}
    options["channels"] = shared_electrodes(
        predictor.regressor_, predictor.ch_names_, recordings, options
    )
    windows, times = training_windows(
        recordings, options, predictor.bold, predictor.window_seconds, predictor.lag_seconds
    )
    module = copy.deepcopy(known.module_)
    _set_head(module, predictor.roi_names_, windows.roi_names)
    parameters = known.get_params(deep=False)
    settings = {
        k: v
        for k, v in parameters.items()
        if not k.startswith(("module", "callbacks", "optimizer__lr"))
    }
    factor = 1.0 if freeze else 1 / 3
    settings["lr"] = parameters["lr"] * factor if lr is None else lr
    if max_epochs is not None:
        settings["max_epochs"] = max_epochs
    if freeze:
        settings["callbacks"] = [Freezer(lambda name: not name.startswith(_HEAD))]
    tuned = copy.copy(predictor)
    tuned.eeg = {**options, "channels": None}
    tuned._take(
        fit_model(EEGRegressor(module, **settings), windows.X, windows.y), windows, times
    )
    if freeze:  # For a later fine-tuning; a function cannot be saved either.
        tuned.regressor_.set_params(callbacks=None)
        tuned.regressor_.module_.requires_grad_(True)
    before = predictor.training_
    tuned.training_["fine_tuned_from"] = (
        f"a {predictor._name} of {before['recordings']} recordings of "
        f"{before['subjects']} people"
    )
    tuned.model = tuned.regressor_
    return tuned


def _set_head(module: torch.nn.Module, old: list[str], new: list[str]) -> None:
    """Give the network outputs for the new regions; those of the same name are kept."""
    old, new = [[plain_name(name) for name in names] for names in (old, new)]
    if old == new:
        return
    head = getattr(module, _HEAD, None)
    if not isinstance(head, torch.nn.Linear) or not hasattr(module, "reset_head"):
        raise ValueError(
            f"{type(module).__name__} cannot get other regions: it has no last layer that "
            "can be replaced. Use recordings with the regions "
            f"{', '.join(old[:8])}{', ...' if len(old) > 8 else ''}."
        )
    weight, bias = head.weight.detach().clone(), head.bias.detach().clone()
    module.reset_head(len(new))
    fresh = getattr(module, _HEAD)
    shared = [(i, old.index(name)) for i, name in enumerate(new) if name in old]
    with torch.no_grad():
        for i, j in shared:
            fresh.weight[i], fresh.bias[i] = weight[j], bias[j]
    logger.info(
        "%d of %d regions are known to the model, %d start from scratch",
        len(shared),
        len(new),
        len(new) - len(np.unique([i for i, _ in shared])),
    )
