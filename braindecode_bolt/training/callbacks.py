"""Callbacks of a fit: learning rate schedule, best weights, progress bar."""

from __future__ import annotations

import logging
import math

from skorch.callbacks import Callback
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
    initial rate (paper, section 3.2: 5 of 20 epochs of warm-up, a minimal rate of
    1e-6).

    Parameters
    ----------
    warmup : float, default 0.25
        Share of all steps in which the rate rises from 0. From 0 to below 1, default
        0.25.
    min_lr : float, default 1e-6
        Final rate of a group with the full rate.
    """

    def __init__(self, warmup: float = 0.25, min_lr: float = 1e-6):
        self.warmup = warmup
        self.min_lr = min_lr

    def on_train_begin(self, net, **kwargs):  # noqa: D102
        check_number(self.warmup, "warmup", low=0, high=1, inclusive="left")
        check_number(self.min_lr, "min_lr", low=0)
        groups = net.optimizer_.param_groups
        # When training continues (partial_fit), start again from the initial rates,
        # unless other rates were set since.
        if [group["lr"] for group in groups] != getattr(self, "last_", None):
            self.base_ = [group["lr"] for group in groups]
        self.step_ = 0
        self.n_steps_ = None

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):  # noqa: D102
        if self.n_steps_ is None:
            self.n_steps_ = net.max_epochs * count_batches(net, dataset_train, True)

    def on_batch_begin(self, net, training=False, **kwargs):  # noqa: D102
        if not training:
            return
        floor = min(1.0, self.min_lr / (max(self.base_) or 1.0))
        factor = self.factor(self.step_, self.n_steps_, floor)
        for group, base in zip(net.optimizer_.param_groups, self.base_, strict=True):
            group["lr"] = base * factor
        self.last_ = [group["lr"] for group in net.optimizer_.param_groups]
        self.step_ += 1

    def factor(self, step: int, n_steps: int, floor: float) -> float:
        """Share of the full rate at a step (from 0), ending at the floor."""
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
    """

    def on_train_begin(self, net, **kwargs):  # noqa: D102
        self.best_epoch_ = None
        self.best_ = math.inf
        self.weights_ = None

    def on_epoch_end(self, net, **kwargs):  # noqa: D102
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

    def on_train_end(self, net, **kwargs):  # noqa: D102
        if self.weights_ is None:
            return
        net.module_.load_state_dict(self.weights_)
        self.weights_ = None
        closed_form = getattr(net, "closed_form", False)
        if self.best_epoch_ == 1 and len(net.history) > 1 and not closed_form:
            logger.warning(
                "%s: the validation loss was lowest after the first of %d epochs (%.3g), "
                "and its weights are kept; expect predictions that are almost constant. "
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

    def on_train_begin(self, net, **kwargs):  # noqa: D102
        self.bar_ = None

    def on_epoch_begin(  # noqa: D102
        self, net, dataset_train=None, dataset_valid=None, **kwargs
    ):
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

    def on_batch_end(self, net, **kwargs):  # noqa: D102
        if self.bar_ is not None:
            self.bar_.update()

    def on_epoch_end(self, net, **kwargs):  # noqa: D102
        if self.bar_ is None:
            return
        epoch = net.history[-1]
        losses = {
            key: f"{epoch[f'{key}_loss']:.3g}"
            for key in ("train", "valid")
            if f"{key}_loss" in epoch
        }
        self.bar_.set_postfix(epoch=f"{epoch['epoch']}/{net.max_epochs}", **losses)

    def on_train_end(self, net, **kwargs):  # noqa: D102
        self.close()

    def close(self) -> None:
        """Close the bar, also if training failed."""
        if getattr(self, "bar_", None) is not None:
            self.bar_.close()
            self.bar_ = None

    def __getstate__(self):  # noqa: D105
        return {key: value for key, value in self.__dict__.items() if key != "bar_"}


def count_batches(net, dataset, training: bool) -> int:
    """Count the batches of an epoch of training or validation."""
    iterator = net.get_iterator(dataset, training=training)
    return len(getattr(iterator, "loader", iterator))
