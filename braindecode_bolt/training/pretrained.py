"""A regressor whose encoder is pre-trained on the EEG of its training part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ..windows.inputs import as_input, as_targets
from .networks import build_module, copy_template
from .pretraining import pretrain_band_power
from .randomness import seeded
from .regressor import EEGRegressor

__all__ = ["PretrainedRegressor"]


class PretrainedRegressor(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Pre-train an encoder on the EEG of the training windows, then fit the regressor.

    Each fit pre-trains anew (:func:`pretrain_band_power`), on the EEG of the windows that
    it is given and on nothing else, so that in cross-validation no EEG of the test part is
    used. BOLD is not used for it.

    Parameters
    ----------
    estimator : EEGRegressor
        The model and how it is trained afterwards. It is not changed. Its network has
        tokens by electrode and second; its weights, if it has any, are where the
        pre-training starts.
    bands : mapping of str to (float, float) | None
        Bands in Hz whose power is learned. By default delta to gamma. As in
        :func:`pretrain_band_power`, as all below.
    n_steps : int, default 600
        Number of batches.
    max_seconds : float | None
        Stop after so many seconds of pre-training. By default never.
    windows_per_recording : int, default 100
        Windows of each recording that are used.
    batch_size : int, default 8
        Windows per batch of the pre-training.
    lr : float, default 1e-3
        Highest learning rate of the pre-training.
    random_state : int | None, default 12345
        Seed of the initial weights and of the pre-training.

    Attributes
    ----------
    pretrained_ : PretrainedEncoder
        What the pre-training gave.
    estimator_ : EEGRegressor
        Fitted from there; used for predictions.

    See Also
    --------
    pretrain_band_power : Pre-trains once, on any EEG.
    FineTuneRegressor : Trains with BOLD of other conditions first.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.training import PretrainedRegressor, make_estimator
    >>> windows = create_bold_windows(SimulatedEEGfMRI(2, duration=60.0).load())
    >>> regressor = make_estimator("NeuroBOLT", "small", max_epochs=1, verbose=0)
    >>> model = PretrainedRegressor(regressor, n_steps=2).fit(windows.X, windows.y)
    >>> model.predict(windows.X).shape == windows.y.shape
    True
    """

    # Metadata routing: fit takes groups without having to be told.
    __metadata_request__fit = {"groups": True}

    def __init__(
        self,
        estimator: EEGRegressor,
        bands: Mapping[str, tuple[float, float]] | None = None,
        n_steps: int = 600,
        max_seconds: float | None = None,
        windows_per_recording: int = 100,
        batch_size: int = 8,
        lr: float = 1e-3,
        random_state: int | None = 12345,
    ):
        self.estimator = estimator
        self.bands = bands
        self.n_steps = n_steps
        self.max_seconds = max_seconds
        self.windows_per_recording = windows_per_recording
        self.batch_size = batch_size
        self.lr = lr
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> PretrainedRegressor:
        """Pre-train on the EEG of the windows, and fit the regressor to their BOLD.

        Parameters
        ----------
        X : LazyWindows
            Windows of ``create_bold_windows``, in microvolts.
        y : array-like, shape (n_windows,) or (n_windows, n_outputs) | None
            BOLD, as in :meth:`EEGRegressor.fit`. It must be given.
        groups : array-like, shape (n_windows,) | None
            Label of each window, as in :meth:`EEGRegressor.fit`.

        Returns
        -------
        PretrainedRegressor
            Itself.

        Raises
        ------
        TypeError
            If `estimator` is not an EEGRegressor, or `X` are not such windows.
        ChannelNameError
            If the network needs the names of its channels, and `X` does not know them.
        ValueError
            If the network has no tokens by electrode and second, there is no `y`, or as in
            :func:`pretrain_band_power` and :meth:`EEGRegressor.fit`.
        FloatingPointError
            If training diverges.
        """
        if not isinstance(self.estimator, EEGRegressor):
            raise TypeError(
                f"estimator must be an EEGRegressor, got {type(self.estimator).__name__}. "
                "Put pipelines and target transformers around PretrainedRegressor."
            )
        self.pretrained_ = pretrain_band_power(
            self._network(X, y),
            X,
            bands=self.bands,
            n_steps=self.n_steps,
            max_seconds=self.max_seconds,
            windows_per_recording=self.windows_per_recording,
            batch_size=self.batch_size,
            lr=self.lr,
            random_state=self.random_state,
            device=self.estimator.device,
            progress=self.estimator.verbose > 0,
        )
        params = clone(self.estimator).get_params(deep=False)
        # The module is built already, with its arguments.
        params = {k: v for k, v in params.items() if not k.startswith("module__")}
        params["module"] = self.pretrained_.model
        self.estimator_ = type(self.estimator)(**params).fit(X, y, groups=groups)
        return self

    def _network(self, X: Any, y: Any) -> nn.Module:
        """Build the network as the regressor would."""
        source = as_input(X)
        targets, _ = as_targets(y, source)
        module, kwargs = self.estimator.module, self.estimator.get_params_for("module")
        if isinstance(module, nn.Module):
            return copy_template(module, kwargs)
        inferred = {"n_outputs": targets.shape[1], **source.signal_args()}
        with seeded(self.random_state, None):
            return build_module(module, kwargs, inferred)

    def predict(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the targets of windows.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            As in :meth:`EEGRegressor.predict`.
        **kwargs : Any
            `return_std` and `calibration`, as in :meth:`EEGRegressor.predict`.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_outputs)
            In the units of the targets; with ``return_std=True`` a pair of such arrays.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        ValueError
            As in :meth:`EEGRegressor.predict`.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X, **kwargs)
