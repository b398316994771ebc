"""Common parts of linear models of BOLD."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from .._checks import warn_if_not_finite
from ..windows.inputs import as_targets
from ._windows import as_windows


class LinearBOLD(RegressorMixin, BaseEstimator):
    """Checks windows and targets as networks do; predicts in the shape of the targets."""

    def _targets(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        source = as_windows(X)
        targets, self.y_ndim_ = as_targets(y, source)
        source.check(targets)
        return source, targets

    def _in_shape(self, predicted: np.ndarray) -> np.ndarray:
        warn_if_not_finite(predicted)
        predicted = predicted.reshape(len(predicted), -1)
        return predicted[:, 0] if self.y_ndim_ == 1 else predicted
