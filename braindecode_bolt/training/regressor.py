"""EEGRegressor: braindecode's, made safe for cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from braindecode import EEGRegressor as BraindecodeRegressor
from skorch.callbacks import PrintLog
from skorch.dataset import Dataset
from skorch.exceptions import NotInitializedError
from skorch.utils import to_tensor
from torch import nn
from torch.utils.data import Subset

from ..splits import ValidationSplit, recording_labels
from ..windows.inputs import (
    as_groups,
    as_input,
    as_targets,
    check_baseline,
    subtract_mean,
)
from .callbacks import BestWeights, Progress, WarmupCosine
from .modules import (
    build_module,
    check_channels,
    check_module,
    check_sfreq,
    copy_template,
    takes_ch_names,
)
from .optimisation import (
    RecordingBatches,
    autocast,
    fused_where_possible,
    in_shape_of,
    optimizer_groups,
    seeded,
    to_float32,
)

__all__ = ["EEGRegressor"]


class EEGRegressor(BraindecodeRegressor):
    """Predict BOLD (or any continuous target) from windows of EEG.

    A scikit-learn regressor around a braindecode model. Beyond braindecode's
    class it treats a module given as an instance as a template that no fit
    changes, validates on whole subjects or recordings, restores the weights of
    the best epoch, is reproducible, and refuses input that cannot be meant.
    The defaults are the training recipe of the paper (section 3.2).

    Parameters
    ----------
    module : str | type of nn.Module | nn.Module
        A model by its name in braindecode's registry (``"NeuroBOLT"``), as a
        class, or as an instance. By name or class, what the data tell is filled
        in (``n_outputs``, ``n_times``, ``chs_info``, ...) unless given as
        ``module__...``. An instance is copied at each fit, weights included;
        ``module__...`` parameters are merged with its own configuration.
    criterion : type of nn.Module
        Loss. Default ``nn.MSELoss``. With
        :class:`~braindecode_bolt.training.CorrelationLoss` every batch comes from
        one recording.
    optimizer : type of torch.optim.Optimizer
        Default ``torch.optim.AdamW``.
    optimizer__weight_decay : float
        Default 0.05. Models that offer ``parameter_groups`` say which of their
        parameters decay.
    lr : float
        Learning rate after the warm-up. Default 3e-4.
    layer_decay : float
        Factor of the learning rate from block to block towards the input, for
        models that offer ``parameter_groups``. Default 0.65; 1 turns it off.
    max_epochs : int
        Default 20.
    batch_size : int
        Default 16, as published for single recordings (64 across subjects).
    train_split : ValidationSplit | callable | None
        The part of the training windows to validate on. By default a fifth of
        the subjects, or of the recordings of one subject, or the end of a
        single recording behind a gap. None trains on everything and keeps the
        last weights.
    callbacks : list | None
        Further skorch callbacks. Those present are ``lr_scheduler``
        (:class:`~braindecode_bolt.training.WarmupCosine`), ``best_weights``
        (:class:`~braindecode_bolt.training.BestWeights`) and ``progress``
        (:class:`~braindecode_bolt.training.Progress`); change them by
        ``callbacks__lr_scheduler__warmup=0.1`` or turn them off by
        ``callbacks__lr_scheduler=None``.
    precision : {"float32", "bfloat16"}
        Arithmetic of the network. ``"bfloat16"`` (torch's autocast; weights and
        loss stay float32) is smaller, faster on CPUs with AMX (not measured on
        GPUs), and rounds to about three digits. Default ``"float32"``.
    check_input : bool
        Check at each fit that the windows are finite, not flat and of
        plausible microvolts (median absolute amplitude of each channel
        between 0.6 and 500), and the targets finite and not constant; at each prediction,
        warn. Default True.
    random_state : int | numpy.random.RandomState | None
        Governs initialisation (of a module given by class or name), the order
        of the windows, dropout and the choice of the validation part. torch's
        global generators are left as they are. Default 12345, the published
        seed; None uses and advances the global generators.
    verbose : int
        0 is silent, 1 (default) shows a progress bar, 2 also a table of the
        epochs.
    **kwargs
        Further arguments of braindecode's and skorch's regressor:
        ``device``, ``warm_start``, ``iterator_train__num_workers``, ...

    Attributes
    ----------
    module_ : nn.Module
        The trained model.
    history_ : skorch.history.History
        Losses of each epoch.
    ch_names_ : list of str | None
        Channels of the training windows, where they are known.
    baseline_ : {"window", None}
        Baseline of the training windows: None if their mean was kept on purpose
        (``create_bold_windows(baseline=None)``), else "window". With "window" the mean
        of each channel over the window is subtracted from whatever the model is given:
        windows, arrays, Epochs or a data set.

    Examples
    --------
    >>> from braindecode_bolt import EEGRegressor, create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> windows = create_bold_windows(SimulatedEEGfMRI(2, duration=60.0).load())
    >>> regressor = EEGRegressor(
    ...     "NeuroBOLT", module__num_layers=1, module__spectral_depth=1,
    ...     max_epochs=1, verbose=0,
    ... )
    >>> regressor.fit(windows.X, windows.y).predict(windows.X).shape
    (42, 7)
    """

    # Metadata routing: fit takes groups without having to be told.
    __metadata_request__fit = {"groups": True}
    __metadata_request__partial_fit = {"groups": True}

    def __init__(
        self,
        module: str | type[nn.Module] | nn.Module,
        *,
        criterion: type[nn.Module] = nn.MSELoss,
        optimizer: type[torch.optim.Optimizer] = torch.optim.AdamW,
        optimizer__weight_decay: float = 0.05,
        lr: float = 3e-4,
        layer_decay: float = 0.65,
        max_epochs: int = 20,
        batch_size: int = 16,
        train_split: Any = ValidationSplit(),  # noqa: B008 (never changed)
        callbacks: Any = None,
        iterator_train__drop_last: bool = False,
        precision: str = "float32",
        check_input: bool = True,
        random_state: int | np.random.RandomState | None = 12345,
        verbose: int = 1,
        **kwargs: Any,
    ):
        self.layer_decay = layer_decay
        self.precision = precision
        self.check_input = check_input
        self.random_state = random_state
        super().__init__(
            module,
            criterion=criterion,
            optimizer=optimizer,
            optimizer__weight_decay=optimizer__weight_decay,
            lr=lr,
            max_epochs=max_epochs,
            batch_size=batch_size,
            train_split=train_split,
            callbacks=callbacks,
            iterator_train__drop_last=iterator_train__drop_last,
            verbose=verbose,
            **kwargs,
        )

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        callbacks = dict(super()._default_callbacks)
        print_log: PrintLog = callbacks.pop("print_log")
        callbacks |= {
            "lr_scheduler": WarmupCosine(),
            "best_weights": BestWeights(),
            "progress": Progress(),
        }
        if self.verbose > 1:
            callbacks["print_log"] = print_log
        return list(callbacks.items())

    def fit(
        self, X: Any, y: Any = None, groups: Any = None, **fit_params: Any
    ) -> EEGRegressor:
        """Train the model from the start.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts: windows of ``create_bold_windows``, an array, a
            list, a tensor, ``mne.Epochs`` (volts, converted), or a data set of
            braindecode, torch or skorch.
        y : array-like, shape (n_windows,) or (n_windows, n_outputs) | None
            Targets. None where `X` is a data set that holds them.
        groups : array-like, shape (n_windows,) | None
            What must not be torn apart between training and validation.
            Overrides what is read from `X`.
        **fit_params
            Passed to the module's forward.

        Returns
        -------
        EEGRegressor
            Itself.

        Raises
        ------
        ValueError
            If `X` and `y` differ in length, do not fit the module, or fail the
            input check; if ``module__...`` parameters are set for an instance
            that carries loaded or trained weights.
        FloatingPointError
            If training diverges.
        KeyboardInterrupt
            If the user interrupts; a half-trained model is never taken for a
            fitted one.
        """
        if not self.warm_start:
            # Nothing is kept of an earlier fit, whatever its shapes were.
            self.initialized_ = False
            self.signal_args_set_ = False
        with self._training(X, y, groups) as (data, targets):
            try:
                super().fit(data, targets, **fit_params)
            except BaseException:
                # What is half trained is not fitted.
                self.initialized_ = False
                raise
        return self

    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        classes: Any = None,
        groups: Any = None,
        **fit_params: Any,
    ) -> EEGRegressor:
        """Go on training, or start where nothing was trained yet.

        Parameters
        ----------
        X, y, groups, **fit_params
            As in :meth:`fit`.
        classes : None
            For scikit-learn; not used.

        Returns
        -------
        EEGRegressor
            Itself.
        """
        if fit_params.pop("_routing_method", None) == "fit":
            # Called by skorch's fit, everything prepared and initialised.
            return self._train(X, y, "fit", fit_params)
        with self._training(X, y, groups) as (data, targets):
            if not self.initialized_:
                self._set_signal_args(data, targets, None)
                self.initialize()
            return self._train(data, targets, "partial_fit", fit_params)

    def set_params(self, **kwargs: Any) -> EEGRegressor:
        """Set parameters; those of the module count from the next fit on.

        Parameters
        ----------
        **kwargs
            As in skorch: ``module__num_layers=2``, ``lr=1e-4``, ...

        Returns
        -------
        EEGRegressor
            Itself.
        """
        if not any(name.split("__")[0] == "module" for name in kwargs):
            return super().set_params(**kwargs)
        # skorch would build the module at once, for data it has yet to see.
        initialized, self.initialized_ = self.initialized_, False
        try:
            return super().set_params(**kwargs)
        finally:
            self.initialized_ = initialized

    @contextmanager
    def _training(self, X: Any, y: Any, groups: Any) -> Iterator[tuple[Any, Any]]:
        """Check the data, and keep at hand what skorch has no room for."""
        source = as_input(X)
        targets, n_dimensions = as_targets(y, source)
        autocast(self.precision, self.device)
        groups = as_groups(groups, source)
        if self.check_input:
            source.check(targets)
        before = getattr(self, "ch_names_", None)
        self.ch_names_ = source.ch_names
        self.baseline_ = source.model_baseline
        # For the time of the fit only: neither survives it.
        self.input_, self.groups_ = source, groups
        try:
            with seeded(self.random_state, self.device) as self.seed_:
                yield source.data, targets
            self.y_ndim_ = n_dimensions
        except BaseException:
            self.ch_names_ = before
            raise
        finally:
            del self.input_, self.groups_

    def _train(self, X: Any, y: Any, method: str, fit_params: dict) -> EEGRegressor:
        # skorch's partial_fit, which would swallow a KeyboardInterrupt.
        check_module(self.module_, self.input_)
        self.notify("on_train_begin", X=X, y=y)
        try:
            self.fit_loop(X, y, _routing_method=method, **fit_params)
        except BaseException:
            for _, callback in self.callbacks_:
                if isinstance(callback, Progress):
                    callback.close()
            raise
        self.notify("on_train_end", X=X, y=y)
        return self

    def _set_signal_args(self, X: Any, y: Any, classes: Any) -> None:
        # braindecode writes them into module__..., where they would outlive
        # the data they came from.
        self.signal_args_ = self.input_.signal_args()

    def initialize_module(self) -> EEGRegressor:
        """Copy the template, or build the model from its class or name."""
        kwargs = self.get_params_for("module")
        if isinstance(self.module, nn.Module):
            self.module_ = copy_template(self.module, kwargs)
        else:
            inferred = getattr(self, "signal_args_", {})
            self.module_ = build_module(self.module, kwargs, inferred)
        return self

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Give the optimizer the model's parameter groups."""
        named_parameters = list(named_parameters)
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        if prefix != "optimizer":
            return args, kwargs
        kwargs = fused_where_possible(self.optimizer, kwargs, self.device)
        offered = hasattr(getattr(self, "module_", None), "parameter_groups")
        if not offered or hasattr(self, "optimizer__param_groups"):
            return args, kwargs
        groups = optimizer_groups(
            self.module_,
            [parameter for _, parameter in named_parameters],
            self.layer_decay,
            kwargs["lr"],
            kwargs.get("weight_decay"),
        )
        return (groups,), kwargs

    def get_split_datasets(
        self, X: Any, y: Any = None, **fit_params: Any
    ) -> tuple[Dataset, Dataset | None]:
        """Divide the windows into the parts to train and to validate on."""
        groups = getattr(self, "groups_", None)
        if not isinstance(self.train_split, ValidationSplit):
            if groups is not None and self.train_split:
                fit_params["groups"] = groups
            return super().get_split_datasets(X, y, **fit_params)
        seed = getattr(self, "seed_", None)
        train, valid = self.train_split.split(
            X, groups, None if seed is None else np.random.RandomState(seed)
        )
        dataset = self.get_dataset(X, y)
        return Subset(dataset, train), Subset(dataset, valid)

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make batches, of one recording each where the loss wants that."""
        in_fit = hasattr(self, "input_")
        if not (in_fit and getattr(self.criterion, "within_recording", False)):
            return super().get_iterator(dataset, training=training)
        kwargs = self.get_params_for("iterator_train" if training else "iterator_valid")
        size = kwargs.pop("batch_size", self.batch_size)
        if 0 < size < 3:
            raise ValueError(
                f"A batch of {size} windows has no correlation to learn from; choose a "
                "batch_size of 3 or more, better 16."
            )
        recordings = recording_labels(dataset, self.groups_)
        batches = RecordingBatches(recordings, size, shuffle=training)
        given = {k: v for k, v in kwargs.items() if k not in batches.replaces}
        loader = self.iterator_train if training else self.iterator_valid
        return loader(dataset, batch_sampler=batches, **given)

    def infer(self, x: Any, **fit_params: Any) -> torch.Tensor:
        """Run the model on a batch, naming the channels where it wants that."""
        names = getattr(self, "predicted_ch_names_", None)
        names = names or getattr(self, "ch_names_", None)
        if names is not None and takes_ch_names(self.module_):
            fit_params.setdefault("ch_names", names)
        if getattr(self, "baseline_", "window") == "window":
            x = subtract_mean(to_tensor(x, device=self.device))
        with autocast(self.precision, self.device):
            return to_float32(super().infer(x, **fit_params))

    def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the loss, never broadcasting one shape against another."""
        y_true = in_shape_of(y_pred, to_tensor(y_true, device=self.device))
        return super().get_loss(y_pred, y_true, *args, **kwargs)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict; the name is skorch's. Use :meth:`predict`.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            As in :meth:`fit`.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_outputs)
            One-dimensional where the targets were.
        """
        self.check_is_fitted()
        if not self.initialized_:
            raise NotInitializedError(
                "This EEGRegressor is not fitted: its last fit failed or was interrupted. "
                "Call fit again."
            )
        source = as_input(X)
        check_baseline(source, getattr(self, "baseline_", "window"))
        if self.check_input:
            source.warn_of_input()
        known = getattr(self, "ch_names_", None) or getattr(self.module_, "ch_names", None)
        check_channels(self.module_, known, source)
        check_sfreq(self.module_, source)
        self.predicted_ch_names_ = source.ch_names
        try:
            # A DataLoader draws from torch's global generator even where it does
            # not shuffle.
            with torch.random.fork_rng(devices=[]):
                predicted = super().predict_proba(source.data)
        finally:
            del self.predicted_ch_names_
        if not np.isfinite(predicted).all():
            warnings.warn(
                f"{np.sum(~np.isfinite(predicted))} predicted values are not finite: look "
                "for NaN in the windows.",
                stacklevel=2,
            )
        one_column = predicted.ndim == 2 and predicted.shape[1] == 1
        was_one_dimensional = getattr(self, "y_ndim_", 2) == 1
        return predicted[:, 0] if was_one_dimensional and one_column else predicted

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets of windows.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            As in :meth:`fit`.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_outputs)
            One-dimensional where the targets were.

        Raises
        ------
        ValueError
            If the windows have other channels than those trained on. A model
            that takes the names of its channels (NeuroBOLT does) also predicts
            from a part of them, in any order; what it does not know is an
            error.
        """
        return self.predict_proba(X)
