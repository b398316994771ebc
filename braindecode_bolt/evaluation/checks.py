"""Checks of the arguments of evaluate, before data are touched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from torch import nn

from ..splits._base import Splitter
from ..training.estimators import make_estimator
from ..training.finetuning import FineTuneRegressor
from ..training.regressor import EEGRegressor
from .judge import MEAN
from .plan import CONTROLS, FitTask
from .run import is_search
from .study import Study

__all__ = ["as_models", "as_studies", "check_choices", "fine_tuned"]


def as_models(
    models: Mapping[str, BaseEstimator | str] | Sequence[str] | str,
) -> dict[str, BaseEstimator]:
    """Make a mapping of names to estimators, and check the estimators."""
    if isinstance(models, str):
        models = [models]
    if not isinstance(models, Mapping):
        named = isinstance(models, Iterable) and list(models)
        if not isinstance(named, list) or not all(isinstance(n, str) for n in named):
            raise TypeError(
                "models must be names, or a mapping of your names to estimators or names, "
                "such as {'mine': my_regressor, 'ridge': 'LaggedBandPower'}; "
                f"got {models!r}."
            )
        models = {name: make_estimator(name) for name in named}
    if not models:
        raise ValueError("There are no models to evaluate.")
    models = {
        name: make_estimator(model) if isinstance(model, str) else model
        for name, model in models.items()
    }
    for name, model in models.items():
        fits = hasattr(model, "fit") and hasattr(model, "predict")
        if not isinstance(name, str) or not fits or isinstance(model, type):
            network = model if isinstance(model, type) else type(model)
            advice = f" Give EEGRegressor({network.__name__}), which fits and predicts."
            raise TypeError(
                f"models must map names to estimators with fit and predict; {name!r} is "
                f"{model!r}.{advice if issubclass(network, nn.Module) else ''}"
            )
        _check_search(name, model)
    return dict(models)


def as_studies(data: Any) -> dict[str, Study]:
    """Make a mapping of names to studies."""
    if not isinstance(data, Mapping):
        data = {"data": data}
    if not data:
        raise ValueError("There are no data to evaluate on.")
    studies = {str(name): Study.of(part) for name, part in data.items()}
    if len(studies) < len(data):
        raise ValueError(f"Data sets need different names, got {list(data)}.")
    for name, study in studies.items():
        if MEAN in study.windows.roi_names:
            raise ValueError(
                f"A region of {name} is called {MEAN!r}, as the mean over regions is in "
                "tables. Rename it."
            )
    return studies


def fine_tuned(
    models: Mapping[str, BaseEstimator], target: str
) -> dict[str, BaseEstimator]:
    """Wrap models so that they are trained on other tasks first."""
    wrong = [n for n, model in models.items() if not isinstance(model, EEGRegressor)]
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)} cannot be fine-tuned: only an EEGRegressor can start from "
            "the weights of another fit. Leave them out, or use the protocol 'joint'."
        )
    return {name: FineTuneRegressor(model, target) for name, model in models.items()}


def check_choices(
    models: Mapping[str, BaseEstimator],
    seeds: Sequence[int],
    controls: Sequence[str],
    regions: str = "together",
    on_error: str = "record",
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Raise a ValueError if arguments of :func:`evaluate` are not what they should be."""
    listed = isinstance(seeds, Sequence) and not isinstance(seeds, str)
    whole = listed and all(
        isinstance(seed, Integral) and type(seed) is not bool and 0 <= seed < 2**32
        for seed in seeds
    )
    if not whole or not len(seeds) or len(set(seeds)) != len(seeds):
        raise ValueError(
            f"seeds must be a list of different whole numbers, not negative; got {seeds!r}."
        )
    listed = isinstance(controls, Sequence) and not isinstance(controls, str)
    unknown = [name for name in controls if name not in CONTROLS] if listed else controls
    if not listed or unknown or len(set(controls)) != len(controls):
        raise ValueError(
            f"controls must be a list of different ones of {', '.join(CONTROLS)}; got "
            f"{controls!r}."
        )
    pipelines = [FitTask("", m, c, 0, 1).pipeline for m in models for c in ("", *controls)]
    if len(set(pipelines)) < len(pipelines):
        raise ValueError(
            f"Models and their controls must have different names, got {pipelines}."
        )
    try:
        json.dumps({} if settings is None else dict(settings), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"settings must be a mapping that JSON can hold, got {settings!r} ({error})."
        ) from error
    for name, value, choices in (
        ("regions", regions, ("together", "separately")),
        ("on_error", on_error, ("record", "raise")),
    ):
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")


def _check_search(name: str, model: BaseEstimator) -> None:
    """Raise if the folds of a search cut recordings at random or without a gap."""
    parameters = model.get_params()
    found = {k: v for k, v in parameters.items() if k.split("__")[-1] == "cv"}
    for key, cv in found.items():
        owner = parameters[key[: -len("__cv")]] if "__" in key else model
        if cv is None and not is_search(owner):
            continue  # It has its own internal validation, as RidgeCV does.
        if is_search(owner) and _is_behind_a_step(model, key):
            raise ValueError(
                f"{name} has a search ({key[: -len('__cv')]}) behind another step of a "
                "pipeline, where windows no longer say which recording they are from. Put "
                "the pipeline into the search: GridSearchCV(make_pipeline(...), ...)."
            )
        if isinstance(cv, Splitter) or "Group" in type(cv).__name__:
            continue
        raise ValueError(
            f"{name} chooses hyper-parameters with {key}={cv!r}, which may train on "
            "neighbours of the windows it validates on; they share most of their EEG. Use "
            "GroupSplit() of braindecode_bolt.splits, or GroupKFold for a search by itself "
            "(it is given the subjects)."
        )


def _is_behind_a_step(model: BaseEstimator, key: str) -> bool:
    for name in key.split("__")[:-1]:
        if isinstance(model, Pipeline) and name != model.steps[0][0]:
            return True
        model = model.get_params()[name]
    return False
