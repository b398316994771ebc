"""Callbacks of a fit: schedule, best weights, progress."""

from __future__ import annotations

import logging
import math

from skorch.callbacks import Callback
from tqdm.auto import tqdm

__all__ = ["BestWeights", "Progress", "WarmupCosine"]

logger = logging.getLogger(__name__)

_IN_NOTEBOOK = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)


class WarmupCosine(Callback):
    """Raise the learning rate linearly, then lower it along a cosine.

    The rate is set before every step, for each parameter group in proportion
    to the rate it began with (paper, section 3.2: 5 of 20 epochs of warm-up, a
    minimal rate of 1e-6).

    Parameters
    ----------
    warmup : float
        Share of all steps in which the rate rises from 0. Default 0.25.
    min_lr : float
        Rate at the end, for a group at the full rate. Default 1e-6.
    """

    def __init__(self, warmup: float = 0.25, min_lr: float = 1e-6):
        self.warmup = warmup
        self.min_lr = min_lr

    def on_train_begin(self, net, **kwargs):  # noqa: D102
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup must lie in [0, 1), got {self.warmup}.")
        groups = net.optimizer_.param_groups
        # Training goes on (partial_fit): begin again at the rates of the start,
        # unless somebody has set others since.
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
        """Learning rate at a step, as a share of the full one.

        Parameters
        ----------
        step : int
            Number of the step, from 0.
        n_steps : int
            Steps of the whole training.
        floor : float
            Share that is left at the end.

        Returns
        -------
        float
        """
        n_warmup = round(self.warmup * n_steps)
        if step < n_warmup:
            return step / n_warmup
        done = min(1.0, (step - n_warmup) / max(1, n_steps - n_warmup))
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


class BestWeights(Callback):
    """Keep the weights of the best epoch in memory and restore them at the end.

    Without a validation part the last weights stay. A warning is logged where
    the first epoch of several was the best: nothing the model learned after it
    carries over to other recordings.

    Parameters
    ----------
    monitor : str
        Column of the history of which the lowest value counts. Default
        ``"valid_loss"``.
    """

    def __init__(self, monitor: str = "valid_loss"):
        self.monitor = monitor

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
        if self.monitor != "valid_loss" and self.monitor not in epoch:
            raise ValueError(
                f"BestWeights monitors {self.monitor!r}, which the history does not have; "
                f"it has {', '.join(sorted(key for key in epoch if key != 'batches'))}."
            )
        value = epoch.get(self.monitor, math.inf)
        if math.isnan(value):
            raise FloatingPointError(
                f"{self.monitor} is NaN in epoch {epoch['epoch']}: look for NaN in the "
                "windows and targets of the validation part."
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
        if self.best_epoch_ == 1 and net.max_epochs > 1:
            logger.warning(
                "%s: the validation loss was lowest after the first of %d epochs (%.3g), "
                "so its weights are kept; expect predictions close to constant. There may "
                "be too few windows or steps for this model (lr=%g, max_epochs=%d), or no "
                "coupling.",
                type(net.module_).__name__,
                net.max_epochs,
                self.best_,
                net.lr,
                net.max_epochs,
            )


class Progress(Callback):
    """One progress bar over all steps of a fit, with the losses beside it.

    Parameters
    ----------
    leave : bool
        Whether the bar stays when the fit is over. Default True.
    """

    def __init__(self, leave: bool = True):
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
                # Into a log file a bar would write thousands of lines.
                disable=False if _IN_NOTEBOOK else None,
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
        """Close the bar, also when training broke off."""
        if self.bar_ is not None:
            self.bar_.close()
            self.bar_ = None

    def __getstate__(self):  # noqa: D105
        return {key: value for key, value in self.__dict__.items() if key != "bar_"}


def count_batches(net, dataset, training: bool) -> int:
    """Count the batches of an epoch.

    Parameters
    ----------
    net : EEGRegressor
        The regressor.
    dataset : torch.utils.data.Dataset
        What is iterated over.
    training : bool
        Whether it is trained on.

    Returns
    -------
    int
    """
    iterator = net.get_iterator(dataset, training=training)
    return len(getattr(iterator, "loader", iterator))
