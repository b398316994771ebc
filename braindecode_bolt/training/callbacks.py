"""Callbacks of a fit: learning rate schedule, best weights, progress bar."""

from __future__ import annotations

import logging
import math
from typing import Any

from skorch.callbacks import Callback, LRScheduler
from tqdm.auto import tqdm

from .._checks import check_number

__all__ = ["BestWeights", "Progress", "WarmupCosine"]

logger = logging.getLogger(__name__)

#: For tqdm: bars are shown in terminals and notebooks. A log file would get thousands
#: of lines.
HIDE_IN_FILES = (
    False if any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__) else None
)


class WarmupCosine(Callback):
    """Raise the learning rate linearly, then lower it along a cosine.

    The rate is set before every step, for each parameter group in proportion to its
    initial rate ([1]_, section 3.2: 5 of 20 epochs of warm-up, a minimal rate of
    1e-6).

    Parameters
    ----------
    warmup : float, default 0.25
        Share of all steps in which the rate rises from 0. From 0 to below 1.
    min_lr : float, default 1e-6
        Final rate of a group with the full rate. Others end in proportion.

    References
    ----------
    .. [1] Li, Y., Lou, A., Xu, Z., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
       synthesis with multi-dimensional feature mapping. Advances in Neural Information
       Processing Systems, 37. https://arxiv.org/abs/2410.05341

    Examples
    --------
    >>> from braindecode_bolt.training import WarmupCosine
    >>> schedule = WarmupCosine(warmup=0.25)
    >>> [round(schedule.factor(step, 8, 0.0), 2) for step in (0, 1, 2, 5, 8)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, warmup: float = 0.25, min_lr: float = 1e-6):
        self.warmup = warmup
        self.min_lr = min_lr

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Remember the initial rates.

        Raises
        ------
        ValueError
            If `warmup` or `min_lr` is out of range.
        TypeError
            If one of them is not a number.
        """
        check_number(self.warmup, "warmup", low=0, high=1, inclusive="left")
        check_number(self.min_lr, "min_lr", low=0)
        groups = net.optimizer_.param_groups
        # When training continues (partial_fit), start again from the initial rates,
        # unless other rates were set since.
        if [group["lr"] for group in groups] != getattr(self, "last_", None):
            self.base_ = [group["lr"] for group in groups]
        self.step_ = 0
        self.n_steps_ = None

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Count the steps of the fit."""
        if self.n_steps_ is None:
            self.n_steps_ = net.max_epochs * count_batches(net, dataset_train, True)

    def on_batch_begin(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Set the rate of each parameter group for a step."""
        if not training:
            return
        floor = min(1.0, self.min_lr / (max(self.base_) or 1.0))
        factor = self.factor(self.step_, self.n_steps_, floor)
        for group, base in zip(net.optimizer_.param_groups, self.base_, strict=True):
            group["lr"] = base * factor
        self.last_ = [group["lr"] for group in net.optimizer_.param_groups]
        self.step_ += 1

    def factor(self, step: int, n_steps: int, floor: float) -> float:
        """Share of the full rate at a step.

        Parameters
        ----------
        step : int
            Number of the step, from 0.
        n_steps : int
            Steps of the fit.
        floor : float
            Share at the end, 0 to 1.

        Returns
        -------
        float
            From 0 to 1.
        """
        n_warmup = round(self.warmup * n_steps)
        if step < n_warmup:
            return step / n_warmup
        done = min(1.0, (step - n_warmup) / max(1, n_steps - n_warmup))
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


class BestWeights(Callback):
    """Keep the weights of the best epoch in memory, and restore them at the end.

    The best epoch has the lowest validation loss. Without a validation part the last
    weights are kept. A warning is logged if the first epoch of several was the best:
    then nothing that the model learned later generalises to other recordings.

    Attributes
    ----------
    best_epoch_ : int | None
        Number of the best epoch, from 1. None without a validation part.
    best_ : float
        Its validation loss. Infinite without a validation part.

    See Also
    --------
    skorch.callbacks.Checkpoint : Writes weights to files, which parallel fits overwrite.
    """

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget an earlier fit."""
        self.best_epoch_ = None
        self.best_ = math.inf
        self.weights_ = None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep the weights if the epoch is the best so far.

        Raises
        ------
        FloatingPointError
            If the training loss is not finite, or the validation loss is NaN.
        """
        epoch = net.history[-1]
        if not math.isfinite(epoch["train_loss"]):
            raise FloatingPointError(
                f"The training loss is {epoch['train_loss']} in epoch {epoch['epoch']}: "
                f"training diverged. Look for NaN and extreme values in windows and "
                f"targets, or lower the learning rate (lr={net.lr:g})."
            )
        value = epoch.get("valid_loss", math.inf)
        if math.isnan(value):
            raise FloatingPointError(
                f"The validation loss is NaN in epoch {epoch['epoch']}: look for NaN in "
                "the windows and targets of the validation part."
            )
        if value < self.best_:
            self.best_ = value
            self.best_epoch_ = epoch["epoch"]
            state = net.module_.state_dict()
            self.weights_ = {key: tensor.clone() for key, tensor in state.items()}

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Restore the weights of the best epoch."""
        if self.weights_ is None:
            return
        net.module_.load_state_dict(self.weights_)
        self.weights_ = None
        closed_form = getattr(net, "closed_form", False)
        if self.best_epoch_ == 1 and len(net.history) > 1 and not closed_form:
            logger.warning(
                "%s: the validation loss was lowest after the first of %d epochs (%.3g), "
                "and its weights are kept: later epochs did not help on other recordings. "
                "There may be too few windows or training steps for this model (lr=%g), or "
                "EEG and BOLD may not be coupled.",
                type(net.module_).__name__,
                len(net.history),
                self.best_,
                net.lr,
            )


class Progress(Callback):
    """One progress bar for all steps of a fit, with the current losses.

    Parameters
    ----------
    leave : bool | None
        Whether the bar stays visible after the fit. By default unless it stands below
        another bar, such as that of an evaluation.
    """

    def __init__(self, leave: bool | None = None):
        self.leave = leave

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget the bar of an earlier fit."""
        self.bar_ = None

    def on_epoch_begin(
        self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        """Show the bar, before the first epoch."""
        if self.bar_ is None and net.verbose:
            steps = count_batches(net, dataset_train, True)
            if dataset_valid is not None:
                steps += count_batches(net, dataset_valid, False)
            self.bar_ = tqdm(
                total=net.max_epochs * steps,
                desc=type(net.module_).__name__,
                unit="batch",
                leave=self.leave,
                disable=HIDE_IN_FILES,
            )

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        """Move the bar by a step."""
        if self.bar_ is not None:
            self.bar_.update()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Write the losses of the epoch beside the bar."""
        if self.bar_ is None:
            return
        epoch = net.history[-1]
        losses = {
            key: f"{epoch[f'{key}_loss']:.3g}"
            for key in ("train", "valid")
            if f"{key}_loss" in epoch
        }
        self.bar_.set_postfix(epoch=f"{epoch['epoch']}/{net.max_epochs}", **losses)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Close the bar."""
        self.close()

    def close(self) -> None:
        """Close the bar, also if training failed."""
        if getattr(self, "bar_", None) is not None:
            self.bar_.close()
            self.bar_ = None

    def __getstate__(self):  # noqa: D105
        return {key: value for key, value in self.__dict__.items() if key != "bar_"}


def replaced_by(callbacks: Any) -> set[str]:
    """Name the default callbacks that callbacks of the user take the place of.

    Parameters
    ----------
    callbacks : list of (callback | (str, callback)) | None | "disable"
        As given to the regressor.

    Returns
    -------
    set of str
        The names given, and ``"lr_scheduler"`` if there is a schedule of the learning rate:
        two schedules would multiply their rates.
    """
    replaced = set()
    for each in callbacks if isinstance(callbacks, (list, tuple)) else ():
        name, callback = each if isinstance(each, (list, tuple)) else ("", each)
        kind = callback if isinstance(callback, type) else type(callback)
        replaced.add(name)
        if issubclass(kind, (LRScheduler, WarmupCosine)):
            replaced.add("lr_scheduler")
    return replaced


def count_batches(net: Any, dataset: Any, training: bool) -> int:
    """Count the batches of an epoch of training or validation.

    Parameters
    ----------
    net : NeuralNet
        A skorch estimator.
    dataset : Dataset
        The part to train or to validate on.
    training : bool
        Whether it is trained on.

    Returns
    -------
    int
        Number of batches.
    """
    iterator = net.get_iterator(dataset, training=training)
    return len(getattr(iterator, "loader", iterator))
