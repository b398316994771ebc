"""Running a fitted network, as methods of EEGRegressor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from skorch.exceptions import NotInitializedError
from skorch.utils import to_tensor

from .._checks import warn_if_not_finite
from ..models._theirs import in_words
from ..windows.inputs import Input, as_input
from .networks import takes_ch_names
from .theirs import one_per_region
from .window_checks import check_windows

__all__ = ["Inference"]


class Inference:
    """Batches and windows through the network, prepared as those of the training were."""

    def infer(self, x: Any, **fit_params: Any) -> torch.Tensor:
        """Run the model on a batch, prepared as the training windows were.

        Raises
        ------
        ValueError
            If `precision` is unknown, or a model of braindecode cannot take such windows.
        """
        names = getattr(self, "predicted_ch_names_", None)
        names = names or getattr(self, "ch_names_", None)
        if names is not None and takes_ch_names(self.module_):
            fit_params.setdefault("ch_names", names)
        if getattr(self, "baseline_", None) == "window":
            x = to_tensor(x, device=self.device)
            x = x - x.mean(dim=-1, keepdim=True)
        scale = getattr(self, "input_scale_", 1.0)
        if scale != 1.0:
            x = to_tensor(x, device=self.device) / scale
        with self._autocast(), in_words(self.module_, x):
            output = super().infer(x, **fit_params)
        output = one_per_region(self.module_, output)
        # NumPy has no bfloat16.
        low = isinstance(output, torch.Tensor) and output.dtype == torch.bfloat16
        return output.float() if low else output

    def _autocast(self) -> torch.autocast:
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(
                f"precision must be one of float32, bfloat16, got {self.precision!r}."
            )
        kind = torch.device(self.device or "cpu").type
        return torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bfloat16")

    @contextmanager
    def _predicting(self, X: Any) -> Iterator[Input]:
        """Check windows to predict from, and store what skorch does not pass on."""
        self.check_is_fitted()
        if not self.initialized_:
            raise NotInitializedError(
                "This EEGRegressor is not fitted: its last fit failed or was interrupted. "
                "Call fit again."
            )
        source = as_input(X)
        if self.check_input:
            source.warn_of_input()
        check_windows(self, source)
        self.predicted_ch_names_ = source.ch_names
        try:
            # A DataLoader draws from torch's global generator even if it does not
            # shuffle.
            with torch.random.fork_rng(devices=[]):
                yield source
        finally:
            del self.predicted_ch_names_

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the targets of windows; :meth:`predict` under skorch's name.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            EEG in microvolts, as in :meth:`fit`.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_outputs)
            As of :meth:`predict`.

        Raises
        ------
        NotInitializedError
            If the regressor is not fitted.
        ValueError
            If the windows differ from those trained on, as in :meth:`predict`.
        """
        with self._predicting(X) as source:
            if self.head_ is not None:
                predicted, _ = self._predict_by_head(source, False, None)
            elif self._own_loss:
                predicted, _ = self._predict_by_own_head(source.data, False)
            else:
                predicted = super().predict_proba(source.data)
        return self._in_shape(predicted)

    def _in_shape(self, predicted: np.ndarray) -> np.ndarray:
        """Give predictions as many dimensions as the targets of the fit."""
        warn_if_not_finite(predicted)
        one_column = predicted.ndim == 2 and predicted.shape[1] == 1
        was_one_dimensional = getattr(self, "y_ndim_", 2) == 1
        return predicted[:, 0] if was_one_dimensional and one_column else predicted
