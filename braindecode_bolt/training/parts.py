"""What skorch asks a regressor for in a fit, as methods of EEGRegressor."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from skorch.dataset import Dataset
from skorch.utils import to_tensor
from torch import nn
from torch.utils.data import Subset

from ..splits import FixedValidation, ValidationSplit, recording_labels
from .batches import batched_by_recording
from .losses import match_targets, mixed_loss
from .networks import build_module, copy_template
from .optimizer import parameter_groups, with_fused_steps
from .theirs import input_scale
from .weighting import weighted_loss

__all__ = ["TrainingParts"]

logger = logging.getLogger(__name__)


class TrainingParts:
    """Network, optimizer, parts to train and validate on, batches and loss of a fit."""

    def initialize_module(self) -> Self:
        """Copy the template, or build the model from its class or name.

        Returns
        -------
        EEGRegressor
            Itself.

        Raises
        ------
        ValueError
            If there is no network of this name, or ``module__...`` parameters would lose
            the weights of an instance.
        TypeError
            If the network does not take a ``module__...`` parameter.
        """
        kwargs = self.get_params_for("module")
        if isinstance(self.module, nn.Module):
            self.module_ = copy_template(self.module, kwargs)
        else:
            inferred = getattr(self, "signal_args_", {})
            self.module_ = build_module(self.module, kwargs, inferred)
        if self.module_outdated_:
            logger.warning(
                "Parameters of the module were set: a new module is built, and what the "
                "last one had learned is lost."
            )
        self.module_outdated_ = False
        if hasattr(self, "input_"):
            self.input_scale_ = input_scale(self.input_scale, self.module_, self.input_)
        return self

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Give the optimizer the model's parameter groups."""
        named_parameters = list(named_parameters)
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        if prefix != "optimizer":
            return args, kwargs
        kwargs = with_fused_steps(self.optimizer, kwargs, self.device)
        offered = hasattr(getattr(self, "module_", None), "parameter_groups")
        if not offered or hasattr(self, "optimizer__param_groups"):
            return args, kwargs
        parameters = [parameter for _, parameter in named_parameters]
        groups = parameter_groups(self.module_, parameters, self.layer_decay, kwargs)
        return (groups,), kwargs

    def get_split_datasets(
        self, X: Any, y: Any = None, **fit_params: Any
    ) -> tuple[Dataset, Dataset | None]:
        """Divide the windows into the parts to train and to validate on.

        Raises
        ------
        ValueError
            If the windows cannot be divided, such as too few for a gap.
        """
        groups, self.valid_rows_ = getattr(self, "groups_", None), None
        if not isinstance(self.train_split, ValidationSplit | FixedValidation):
            if groups is not None and self.train_split:
                fit_params["groups"] = groups
            return super().get_split_datasets(X, y, **fit_params)
        seed = getattr(self, "seed_", None)
        train, valid = self.train_split.split(
            X, groups, None if seed is None else np.random.RandomState(seed)
        )
        self.valid_rows_ = valid
        dataset = self.get_dataset(X, y)
        return Subset(dataset, train), Subset(dataset, valid)

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make batches, of one recording each if the loss requires it."""
        in_fit = hasattr(self, "input_")
        by_recording = getattr(self.criterion, "within_recording", False)
        if not (in_fit and by_recording) or self.closed_form:
            return super().get_iterator(dataset, training=training)
        kwargs = self.get_params_for("iterator_train" if training else "iterator_valid")
        kwargs.setdefault("batch_size", self.batch_size)
        recordings = recording_labels(dataset, self.groups_)
        loader = self.iterator_train if training else self.iterator_valid
        return loader(dataset, **batched_by_recording(kwargs, recordings, training))

    def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the loss of predictions and targets of the same shape.

        Raises
        ------
        ValueError
            If the shapes differ, or the module's own loss was replaced by `criterion`, or
            has no use for the weights of windows.
        TypeError
            If the network gives no tensor, or the criterion cannot use weights.
        """
        if self._own_loss:
            if self.weighted_:
                raise ValueError("sample_weight cannot be used with the loss of this head.")
            return self._loss_of_head(y_pred, y_true)
        if self.closed_form:
            return self.negative_evidence(y_pred, y_true)
        y_true = to_tensor(y_true, device=self.device)
        if self.cropped and isinstance(y_pred, torch.Tensor) and y_pred.ndim == 3:
            # braindecode's CroppedLoss averages over time.
            return super().get_loss(y_pred, y_true, *args, **kwargs)

        def loss(targets: torch.Tensor) -> torch.Tensor:
            targets = match_targets(y_pred, targets)
            return super(TrainingParts, self).get_loss(y_pred, targets, *args, **kwargs)

        if self.weighted_:
            return mixed_loss(partial(weighted_loss, self.criterion_, loss), y_true)
        return mixed_loss(loss, y_true)
