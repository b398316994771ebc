"""EEGRegressor: braindecode's regressor, made safe for cross-validation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
import torch
from braindecode import EEGRegressor as BraindecodeRegressor
from skorch.callbacks import PrintLog
from torch import nn

from .._checks import check_number
from ..splits import ValidationSplit
from ..windows.inputs import as_groups, as_input, as_targets
from .callbacks import BestWeights, Progress, WarmupCosine, replaced_by
from .closed_form import ClosedFormHead, make_head
from .headed import Headed
from .inference import Inference
from .interruption import Interruptible, remembered_interrupt
from .losses import check_parts
from .own_loss import OwnLoss
from .parts import TrainingParts
from .randomness import seeded
from .weighting import as_weights
from .window_checks import check_module, check_windows

__all__ = ["EEGRegressor"]


class EEGRegressor(
    Inference, TrainingParts, OwnLoss, Headed, Interruptible, BraindecodeRegressor
):
    """Predict BOLD (or any continuous target) from windows of EEG.

    A scikit-learn regressor around a braindecode model. In addition to braindecode's
    class it treats a module given as an instance as a template that no fit changes,
    validates on whole subjects or recordings, restores the weights of the best epoch,
    is reproducible, and refuses implausible input. The defaults are the training
    recipe of the paper [1]_ (section 3.2).

    Parameters
    ----------
    module : str | type of nn.Module | nn.Module
        A model by its name in braindecode's registry (``"NeuroBOLT"``), as a class, or
        as an instance. By name or class, what is known from the data (``n_outputs``,
        ``n_times``, ``chs_info``, ...) is filled in unless given as ``module__...``. An
        instance is copied at each fit, with its weights; ``module__...`` parameters
        are merged with its own configuration.
    head : {"linear", "closed_form", "evidence"} | ClosedFormHead, default "linear"
        ``"linear"``: the network's own last layer. Otherwise a
        :class:`~braindecode_bolt.training.ClosedFormHead` on the tokens of its encoder:
        ``"closed_form"`` leaves the encoder as it is (best a pre-trained one), and the fit
        takes one pass over the windows; with ``"evidence"`` the encoder learns, too.
        `criterion` is not used then.
    criterion : type of nn.Module, default nn.MSELoss
        Loss of predictions and targets, both of shape (batch, n_outputs). With
        :class:`~braindecode_bolt.training.CorrelationLoss` every batch comes from one
        recording.
    optimizer : type of torch.optim.Optimizer, default torch.optim.AdamW
        What changes the weights.
    optimizer__weight_decay : float, default 0.05
        Share of each weight that is taken away per step, times the learning rate. Models
        that have ``parameter_groups`` choose which of their
        parameters decay.
    lr : float, default 3e-4
        Learning rate after the warm-up.
    layer_decay : float, default 0.65
        Factor of the learning rate from block to block towards the input, for models
        that have ``parameter_groups``. 1 turns it off.
    max_epochs : int, default 20
        Passes over the training windows.
    batch_size : int, default 16
        Windows per batch. 16 is published for single recordings (64 across subjects). -1
        makes one batch of all windows.
    train_split : callable | None, default ValidationSplit()
        The part of the training windows to validate on:
        :class:`~braindecode_bolt.ValidationSplit` or
        :class:`~braindecode_bolt.splits.FixedValidation`. By default a fifth of the
        subjects, or of the recordings of one subject, or the end of a single recording
        after a gap. None trains on all windows and keeps the last weights. A split of
        skorch is taken, too; unless it uses groups, overlapping windows are then on both
        sides.
    callbacks : list | None
        Further skorch callbacks. One that raises KeyboardInterrupt, as skorch's
        ``EarlyStopping`` does, ends training: the best weights are restored and the
        model is fitted. Three callbacks are there from the start: ``lr_scheduler``
        (:class:`~braindecode_bolt.training.WarmupCosine`), ``best_weights``
        (:class:`~braindecode_bolt.training.BestWeights`) and ``progress``
        (:class:`~braindecode_bolt.training.Progress`); change them by
        ``callbacks__lr_scheduler__warmup=0.1`` or turn them off by
        ``callbacks__lr_scheduler=None``. A callback of the same name takes the place of
        one of them, and any ``LRScheduler`` of skorch that of ``lr_scheduler``. A
        closed-form head that does not learn calls none.
    iterator_train__drop_last : bool, default False
        Whether windows that do not fill a batch are left out of an epoch. braindecode's
        regressor leaves them out, and does not train if there are fewer than a batch.
    precision : {"float32", "bfloat16"}, default "float32"
        Arithmetic of the network. ``"bfloat16"`` (torch's autocast; weights and loss
        stay float32) needs less memory, is faster on CPUs with AMX (not measured on
        GPUs), and rounds to about three digits.
    input_scale : "auto" | float, default "auto"
        Microvolts by which windows are divided before the network sees them.
        ``"auto"`` is 1 for our networks, which divide by 100 themselves, and
        for your own. Networks of braindecode get the unit that they were pre-trained
        with, if it is known (100 for Labram and CBraMod), or the standard deviation of
        the training windows: one number for all channels and people, because the
        amplitude is what BOLD follows, and scaling each window for itself would
        remove it.
    n_draws : int, default 50
        For a flow head (:class:`~braindecode_bolt.BOLDFlow`): the draws that a
        prediction is the mean of. 1 is one draw, which varies as BOLD does; 0 follows
        the flow from the mean of its source.
    check_input : bool, default True
        Check at each fit that the windows are finite, not flat and of plausible
        amplitude for microvolts, and the targets finite and not constant; at each
        prediction, warn.
    random_state : int | numpy.random.RandomState | None, default 12345
        Seed of the initial weights (of a module given by class or name), the order of
        the windows, dropout and the choice of the validation part. torch's global
        generators are left unchanged. 12345 is the published seed; None uses and
        advances the global generators.
    verbose : int, default 1
        0 is silent, 1 shows a progress bar, 2 also a table of the epochs.
    **kwargs : Any
        Further arguments of braindecode's and skorch's regressor: ``device``,
        ``warm_start``, ``iterator_train__num_workers``, ...

    Attributes
    ----------
    module_ : nn.Module
        The trained model.
    history_ : skorch.history.History
        Losses of each epoch.
    head_ : ClosedFormHead | None
        The fitted closed-form head, if there is one.
    ch_names_ : list of str | None
        Channels of the training windows, if known.
    baseline_ : {"window", None}
        Baseline of the training windows: None if their mean was kept on purpose
        (``create_bold_windows(baseline=None)``), else "window". With "window" the mean
        of each channel over the window is subtracted from all windows that the model
        is given, be they LazyWindows, arrays, Epochs or a data set.
    lag_seconds_ : float | None
        Time from the end of the training windows to their volumes in seconds, if known.
    input_scale_ : float
        What windows are divided by, in microvolts.
    spread_factor_ : float
        Of a Gaussian or flow head: what its spread is multiplied by, the root mean
        square of residual over spread in the validation part of the fit. 1 if there is no
        such part.

    See Also
    --------
    braindecode.EEGRegressor : The base class, whose ``fit`` returns None and which trains
        an instance in place.
    braindecode_bolt.training.make_estimator : Any model by its name, with sizes.
    BOLDPredictor : A regressor with all that is needed to use it on new recordings.

    References
    ----------
    .. [1] Li, Y., Lou, A., Xu, Z., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
       synthesis with multi-dimensional feature mapping. Advances in Neural Information
       Processing Systems, 37. https://arxiv.org/abs/2410.05341

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
        head: str | ClosedFormHead = "linear",
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
        input_scale: str | float = "auto",
        n_draws: int = 50,
        check_input: bool = True,
        random_state: int | np.random.RandomState | None = 12345,
        verbose: int = 1,
        **kwargs: Any,
    ):
        self.head = head
        self.layer_decay = layer_decay
        self.precision = precision
        self.input_scale = input_scale
        self.n_draws = n_draws
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
        replaced = replaced_by(getattr(self, "callbacks", None))
        return [(name, each) for name, each in callbacks.items() if name not in replaced]

    def fit(
        self,
        X: Any,
        y: Any = None,
        groups: Any = None,
        sample_weight: Any = None,
        **fit_params: Any,
    ) -> EEGRegressor:
        """Train the model from the start.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts: windows of ``create_bold_windows``, an array, a
            list, a tensor, ``mne.Epochs`` (volts, converted), or a data set of
            braindecode, torch or skorch.
        y : array-like, shape (n_windows,) or (n_windows, n_outputs) | None
            Targets: BOLD, best of zero mean and unit variance. None if `X` is a data set
            that holds them; given, they take the place of what the data set holds.
        groups : array-like, shape (n_windows,) | None
            Label of each window. Windows of one label are either all trained on or all
            validated on. Overrides what is read from `X`.
        sample_weight : array-like, shape (n_windows,) | None
            Weight of each window in the loss, of training and validation. Only with a
            criterion that has a ``reduction``, as those of torch, and the linear head.
        **fit_params : Any
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
            that has loaded or trained weights; if an argument is out of range.
        TypeError
            If `X`, `y` or an argument is not of the right type, the head needs a network
            with tokens by electrode and the module has none, or there are weights and the
            criterion cannot use them.
        FloatingPointError
            If training diverges.
        KeyboardInterrupt
            If the user interrupts; a model that was interrupted is not fitted.
        """
        if not self.warm_start or self.module_outdated_:
            # Nothing is kept of an earlier fit, nor of the shape of its data.
            self.initialized_ = False
            self.signal_args_set_ = False
        with self._training(X, y, groups, sample_weight) as (data, targets):
            try:
                super().fit(data, targets, **fit_params)
            except BaseException:
                self.initialized_ = False
                raise
        return self

    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        classes: Any = None,
        groups: Any = None,
        sample_weight: Any = None,
        **fit_params: Any,
    ) -> EEGRegressor:
        """Continue training, or start if nothing was trained yet.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts, as in :meth:`fit`.
        y : array-like, shape (n_windows,) or (n_windows, n_outputs) | None
            Targets, as in :meth:`fit`.
        classes : None
            For scikit-learn; not used.
        groups : array-like, shape (n_windows,) | None
            Label of each window, as in :meth:`fit`.
        sample_weight : array-like, shape (n_windows,) | None
            Weight of each window, as in :meth:`fit`.
        **fit_params : Any
            Passed to the module's forward.

        Returns
        -------
        EEGRegressor
            Itself.

        Raises
        ------
        ValueError
            As in :meth:`fit`; if the windows differ from those trained on in channels,
            samples, sampling rate, lag or baseline; or with a closed-form head, which is
            fitted to all windows at once.
        TypeError
            If `X`, `y` or an argument is not of the right type.
        FloatingPointError
            If training diverges.
        KeyboardInterrupt
            If the user interrupts.

        See Also
        --------
        fit : Starts anew, whatever was trained before.
        """
        if fit_params.pop("_routing_method", None) == "fit":
            # Called by skorch's fit, everything prepared and initialised.
            check_module(self.module_, self.input_)
            return self._train(X, y, "fit", fit_params)
        with self._training(X, y, groups, sample_weight) as (data, targets):
            if not self.initialized_ or self.module_outdated_:
                self._set_signal_args(data, targets, None)
                self.initialize()
            check_module(self.module_, self.input_)
            return self._train(data, targets, "partial_fit", fit_params)

    #: Whether parameters of the module were set since it was built.
    module_outdated_ = False

    def set_params(self, **kwargs: Any) -> EEGRegressor:
        """Set parameters.

        Parameters
        ----------
        **kwargs : Any
            As in skorch: ``lr=1e-4``, ``module__num_layers=2``, ... and
            ``head__n_features=8`` for a closed-form head. Parameters of the module take
            effect at the next fit, which then builds a new module, also with
            ``warm_start=True`` and in ``partial_fit``.

        Returns
        -------
        EEGRegressor
            Itself.

        Raises
        ------
        ValueError
            If there is no such parameter, or ``head__...`` is set without a closed-form
            head.
        """
        initialized = self.initialized_
        of_head = {name: kwargs.pop(name) for name in list(kwargs) if name[:6] == "head__"}
        if any(name.split("__")[0] == "module" for name in kwargs):
            self.module_outdated_ = initialized
            # skorch would build the module at once, for data that it has yet to see.
            self.initialized_ = False
        try:
            super().set_params(**kwargs)
        finally:
            self.initialized_ = initialized
        if of_head:
            # skorch takes all that has two underscores for its own.
            self.head = self._head_with({name[6:]: of_head[name] for name in of_head})
        if initialized and "layer_decay" in kwargs:
            self._initialize_optimizer()
        elif initialized and {"lr", "optimizer__lr"} & set(kwargs):
            # skorch has set the same rate for all parameters.
            for group in self.optimizer_.param_groups:
                group["lr"] *= group.get("lr_scale", 1.0)
        return self

    @contextmanager
    def _training(
        self, X: Any, y: Any, groups: Any, sample_weight: Any
    ) -> Iterator[tuple[Any, Any]]:
        """Check arguments and data, and store what skorch does not pass on."""
        for name in ("lr", "layer_decay", "optimizer__weight_decay"):
            check_number(getattr(self, name), name, low=0)
        check_number(self.max_epochs, "max_epochs", Integral, 1)
        if self.batch_size != -1:
            check_number(self.batch_size, "batch_size", Integral, 1)
        check_number(self.n_draws, "n_draws", Integral, 0)
        check_parts(self.criterion, self.optimizer)
        make_head(self.head)
        self._autocast()
        source = as_input(X)
        targets, n_dimensions = as_targets(y, source)
        groups = as_groups(groups, source)
        if self.check_input:
            source.check(targets)
        known = {"ch_names_": source.ch_names}
        if self.initialized_ and not self.module_outdated_:
            check_windows(self, source)
        else:
            known["baseline_"] = source.model_baseline
            known["lag_seconds_"] = source.lag_seconds
        before = {name: getattr(self, name, None) for name in known}
        vars(self).update(known)
        # For the time of the fit only.
        self.input_, self.groups_ = source, groups
        try:
            with (
                remembered_interrupt() as self.interrupts_,
                seeded(self.random_state, self.device) as self.seed_,
            ):
                yield (
                    source.data,
                    self._with_weights(self._in_blocks(targets, source), sample_weight),
                )
                self._calibrate_spread(source, targets)
            self.y_ndim_ = n_dimensions
        except BaseException:
            vars(self).update(before)
            raise
        finally:
            del self.input_, self.groups_, self.interrupts_
            self.weighted_ = False

    #: Whether the last column of targets holds the weights of the windows.
    weighted_ = False

    def _with_weights(self, targets: np.ndarray | None, sample_weight: Any) -> Any:
        if sample_weight is None:
            return targets
        if targets is None:
            raise ValueError("sample_weight needs the targets as y, not in a data set.")
        if self.head != "linear" or targets.ndim != 2:
            raise ValueError("sample_weight needs head='linear', one volume per window.")
        self.weighted_ = True
        return np.column_stack([targets, as_weights(sample_weight, len(targets))])

    def _set_signal_args(self, X: Any, y: Any, classes: Any) -> None:
        # braindecode writes them into module__..., where they would stay for other
        # data.
        self.signal_args_ = self.input_.signal_args()
