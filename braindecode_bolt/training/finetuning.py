"""Pre-training in some conditions and fine-tuning in another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted
from skorch.utils import is_dataset
from torch.utils.data import Subset

from ..splits import FixedValidation
from ..splits.groups import CONDITIONS, origin_labels
from ..splits.origin import read_origin
from ..splits.transfer import condition_rows
from .regressor import EEGRegressor

__all__ = ["FineTuneRegressor"]


class FineTuneRegressor(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Train on other conditions first, then fine-tune on the target condition.

    The first stage fits a clone of `estimator` to the windows of all other conditions.
    The second starts from its weights and is fitted to the windows of the target,
    usually with a lower learning rate: the transfer from rest to tasks by fine-tuning of
    NeuroBOLT's paper [1]_. Each stage validates on a part of its own windows.

    Parameters
    ----------
    estimator : EEGRegressor
        The model and how it is trained. It is not changed.
    target : str | sequence of str
        Name or names of the target condition, such as ``"movie"``.
    by : {"task", "site"}, default "task"
        What the condition is.
    lr : float | None
        Learning rate of the second stage. By default a tenth of the first's.
    max_epochs : int | None
        Epochs of the second stage. By default as many as in the first.

    Attributes
    ----------
    pretrained_ : EEGRegressor
        After the first stage.
    estimator_ : EEGRegressor
        After the second stage; used for predictions.

    Notes
    -----
    For scores on subjects that were in neither stage, cross-validate it with
    ``TransferSplit(source, target, joint=True)``.

    References
    ----------
    .. [1] Li, Y., Lou, A., Xu, Z., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
       synthesis with multi-dimensional feature mapping. Advances in Neural Information
       Processing Systems, 37. https://arxiv.org/abs/2410.05341

    Examples
    --------
    >>> from dataclasses import replace
    >>> from braindecode_bolt import EEGRegressor, create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.training import FineTuneRegressor
    >>> recordings = SimulatedEEGfMRI(2, duration=60.0, n_runs=2).load()
    >>> recordings = [
    ...     replace(r, task="rest" if number % 2 else "movie")
    ...     for number, r in enumerate(recordings)
    ... ]
    >>> windows = create_bold_windows(recordings)
    >>> regressor = EEGRegressor(
    ...     "NeuroBOLT", module__num_layers=1, module__spectral_depth=1,
    ...     max_epochs=1, verbose=0,
    ... )
    >>> model = FineTuneRegressor(regressor, target="movie").fit(windows.X, windows.y)
    >>> model.predict(windows.X).shape == windows.y.shape
    True
    """

    # Metadata routing: fit takes groups without having to be told.
    __metadata_request__fit = {"groups": True}

    def __init__(
        self,
        estimator: EEGRegressor,
        target: str | Sequence[str],
        by: str = "task",
        lr: float | None = None,
        max_epochs: int | None = None,
    ):
        self.estimator = estimator
        self.target = target
        self.by = by
        self.lr = lr
        self.max_epochs = max_epochs

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> FineTuneRegressor:
        """Train both stages from the start.

        Parameters
        ----------
        X : LazyWindows | SliceDataset | BaseConcatDataset
            Windows with known conditions.
        y : array-like, shape (n_windows,) or (n_windows, n_outputs) | None
            Targets, as in :meth:`EEGRegressor.fit`.
        groups : array-like, shape (n_windows,) | None
            Label of each window, as in :meth:`EEGRegressor.fit`.

        Returns
        -------
        FineTuneRegressor
            Itself.

        Raises
        ------
        TypeError
            If `estimator` is not an EEGRegressor.
        ValueError
            If `by` is something else, the condition of a window is unknown, a stage has no
            windows, a :class:`~braindecode_bolt.splits.FixedValidation` names none of a
            stage, or as in :meth:`EEGRegressor.fit`.
        FloatingPointError
            If training diverges.
        """
        if not isinstance(self.estimator, EEGRegressor):
            raise TypeError(
                f"estimator must be an EEGRegressor, got {type(self.estimator).__name__}: "
                "the second stage starts from its weights. Put pipelines and target "
                "transformers around FineTuneRegressor."
            )
        first, second = self._stages(X)
        self.pretrained_ = _fit_part(clone(self.estimator), X, y, groups, first)
        self.estimator_ = _fit_part(self._second_stage(), X, y, groups, second)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets of windows of any condition.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            As in :meth:`EEGRegressor.predict`.

        Returns
        -------
        ndarray, shape (n_windows,) or (n_windows, n_outputs)
            In the units of the targets.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        ValueError
            As in :meth:`EEGRegressor.predict`.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X)

    def _stages(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Give the rows of the other conditions and those of the target."""
        if self.by not in CONDITIONS:
            raise ValueError(f"by must be one of {', '.join(CONDITIONS)}, got {self.by!r}.")
        labels = origin_labels(read_origin(X, None), self.by)
        target = condition_rows(labels, self.target, "target", self.by)
        rest = np.setdiff1d(np.arange(len(labels)), target)
        if not len(rest):
            raise ValueError(
                f"All {len(target)} windows are of the {self.by} "
                f"{', '.join(np.unique(labels))}, the target; there are none for the first "
                "stage. Give windows of other conditions, too, or fit the estimator itself."
            )
        return rest, target

    def _second_stage(self) -> EEGRegressor:
        params = clone(self.estimator).get_params(deep=False)
        # The module is built already, with its arguments.
        params = {k: v for k, v in params.items() if not k.startswith("module__")}
        first_lr = params.pop("optimizer__lr", params["lr"])
        params["module"] = self.pretrained_.module_
        params["input_scale"] = self.pretrained_.input_scale_
        params["lr"] = first_lr / 10 if self.lr is None else self.lr
        if self.max_epochs is not None:
            params["max_epochs"] = self.max_epochs
        return type(self.estimator)(**params)


def _fit_part(
    estimator: EEGRegressor, X: Any, y: Any, groups: Any, rows: np.ndarray
) -> EEGRegressor:
    """Fit an estimator to a part of the windows."""
    given = estimator.train_split
    if isinstance(given, FixedValidation):
        valid = np.flatnonzero(np.isin(rows, given.rows))
        if not len(valid):
            raise ValueError(
                f"None of the validation windows ({given!r}) is among the {len(rows)} "
                "windows of one of the stages; name some of each stage."
            )
        estimator.set_params(train_split=FixedValidation(valid))
    part = Subset(X, rows) if is_dataset(X) else X[rows]
    targets = None if y is None else np.asarray(y)[rows]
    labels = None if groups is None else np.asarray(groups)[rows]
    return estimator.fit(part, targets, groups=labels)
