"""A regressor whose head is fitted in closed form to the tokens of its encoder."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from skorch.dataset import unpack_data
from skorch.utils import to_numpy, to_tensor
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import Subset

from ..linear import PowerStatistics
from ..linear.moments import find_stretches
from ..models import NETWORKS
from ..splits import recording_labels
from ..splits.origin import Origin
from ..windows.inputs import Input, pieces_of
from .batches import Numbered, StretchBatches
from .callbacks import count_batches
from .closed_form import ClosedFormHead, make_head
from .evidence import Evidence
from .networks import takes_ch_names

__all__ = ["Headed"]

logger = logging.getLogger(__name__)

#: Windows that the components of tokens are learned from, at most.
_N_FOR_COMPONENTS = 256
#: Windows in a step of learning, about, and in a stretch of it, at most.
_N_PER_STEP, _LONGEST = 128, 256


class _Learning:
    """State of an encoder that learns by evidence.

    Attributes
    ----------
    evidence : Evidence | None
        The present read-out of the training part.
    start : (float, dict) | None
        Validation loss and weights before the first step.
    parts : (Dataset, Dataset | None)
        The parts to train and to validate on.
    recordings, stretches : ndarray, shape (n_windows,)
        Labels of the windows of the training part.
    """

    evidence: Evidence | None = None
    start: tuple[float, dict[str, torch.Tensor]] | None = None
    parts: tuple[Any, Any]
    recordings: np.ndarray
    stretches: np.ndarray


class Headed:
    """A skorch estimator with a :class:`ClosedFormHead` in place of the last layer.

    Comes before skorch's class in the list of base classes. Without a head nothing is
    changed.
    """

    #: The fitted head.
    head_: ClosedFormHead | None = None
    _learning: _Learning | None = None

    @property
    def closed_form(self) -> bool:
        """Whether the head is fitted in closed form."""
        return self.head not in (None, "linear")

    @property
    def standardise(self) -> str | None:
        """How features are standardised before prediction; None without such a head."""
        head = make_head(self.head)
        return None if head is None else head.standardise

    def _head_with(self, arguments: dict[str, Any]) -> ClosedFormHead:
        """Give the closed-form head with some of its arguments changed."""
        head = make_head(self.head)
        if head is None:
            names = ", ".join(f"head__{name}" for name in arguments)
            raise ValueError(f"{names}: head={self.head!r} has no arguments.")
        return head.set_params(**arguments)

    def _train(self, X: Any, y: Any, method: str, fit_params: dict) -> Any:
        head = make_head(self.head)
        self.head_ = None
        if head is None:
            return super()._train(X, y, method, fit_params)
        if method != "fit":
            raise ValueError(
                "A closed-form head is fitted to all windows at once: partial_fit cannot "
                "continue. Call fit with all windows."
            )
        whole = self.get_dataset(X, y)
        self._learn_components(head, whole)
        self.head_ = head
        if head.learn_encoder:
            self._learning = _Learning()
            try:
                super()._train(X, y, method, fit_params)
                self._choose_weights(self._learning)
            finally:
                del self._learning
        features, targets = self._encoded(whole)
        head.fit(features, targets, *self._order(whole))
        return self

    def _learn_components(self, head: ClosedFormHead, dataset: Any) -> None:
        """Learn which components of tokens are features, from some windows."""
        if not getattr(self.module_, "has_electrode_tokens", False):
            able = [name for name, kind in NETWORKS.items() if kind.has_electrode_tokens]
            raise TypeError(
                f"head={self.head!r} needs a network with tokens by electrode and second; "
                f"{type(self.module_).__name__} has none. {', '.join(able)} have them."
            )
        recordings = recording_labels(dataset, self.groups_)
        step = -(-len(dataset) // _N_FOR_COMPONENTS)
        _, first = np.unique(recordings, return_index=True)
        parts = [np.flatnonzero(recordings == recordings[row])[::step] for row in first]
        lag = getattr(self, "lag_seconds_", None) or 0.0
        head.learn_components(
            (self._encoded(Subset(dataset, rows))[0] for rows in parts),
            self._token_names(getattr(self, "ch_names_", None)),
            self.module_.token_lags + lag,
        )

    def _token_names(self, names: list[str] | None) -> list[str]:
        """Names of the electrodes of the tokens, given those of the windows."""
        known = self.module_.ch_names is not None and takes_ch_names(self.module_)
        return self.module_.token_ch_names(names if known else None)

    def _encoded(self, dataset: Any) -> tuple[np.ndarray, np.ndarray]:
        """Features of windows (without a head_ yet, their tokens), and targets."""
        features, targets = [], []
        for batch in self.get_iterator(dataset, training=False):
            x, y = unpack_data(batch)
            self._set_training(False)
            with torch.no_grad():
                features.append(to_numpy(self.infer(x)))
            targets.append(to_numpy(y))
        targets = np.concatenate(targets)
        return np.concatenate(features), targets.reshape(len(targets), -1)

    def _order(self, dataset: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Give the recording of each window, and the number of its volume if known."""
        origin = Origin.of(dataset)
        known = origin is not None and "volume" in origin.table
        volumes = origin.table["volume"].to_numpy() if known else None
        return recording_labels(dataset, self.groups_), volumes

    def infer(self, x: Any, **fit_params: Any) -> torch.Tensor:
        """Run the model or, with a closed-form head, give features of the tokens."""
        if not self.closed_form:
            return super().infer(x, **fit_params)
        x = to_tensor(x, device=self.device)
        if not torch.is_grad_enabled():
            return self._features(x, **fit_params)
        # A batch holds whole recordings: what is between is computed again in the
        # backward pass, some windows at a time.
        self.module_.eval()
        size = len(x) if self.batch_size == -1 else self.batch_size
        return torch.cat(
            [
                checkpoint(self._features, part, use_reentrant=False, **fit_params)
                for part in x.split(size)
            ]
        )

    def _features(self, x: torch.Tensor, **fit_params: Any) -> torch.Tensor:
        tokens = self.module_.electrode_tokens(x, **fit_params)
        return tokens if self.head_ is None else self.head_.project(tokens)

    def _features_of(self, source: Input) -> np.ndarray:
        parts = self.forward_iter(source.data)
        return np.concatenate([to_numpy(part) for part in parts])

    def _predict_by_head(
        self, source: Input, return_std: bool, calibration: PowerStatistics | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        features = np.concatenate(
            [to_numpy(part) for part in self.forward_iter(source.data)]
        )
        return self.head_.predict(
            features,
            recording_labels(source.data),
            self._token_names(source.ch_names),
            calibration,
            return_std,
        )

    def _of_one_recording(self, source: Input) -> np.ndarray:
        found = np.unique(recording_labels(source.data))
        if len(found) > 1:
            raise ValueError(
                f"Calibration windows must be of one recording, got {len(found)}."
            )
        return self._features_of(source)

    def predict(self, X: Any, return_std: bool = False, calibration: Any = None) -> Any:
        """Predict the targets of windows.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            As in :meth:`fit`.
        return_std : bool, default False
            Whether to return the standard deviation of the targets (not only of their
            mean), too. Only with a closed-form head.
        calibration : PowerStatistics | windows | None
            Only with a closed-form head: statistics of the recording that `X` is from
            (:meth:`statistics`), or windows to compute them from. By default each
            recording in `X` is standardised by itself; plain arrays are one recording.

        Returns
        -------
        mean : ndarray, shape (n_windows,) or (n_windows, n_outputs)
            In the units of the targets, with as many dimensions as those of the fit.
        std : ndarray, shape (n_windows,) or (n_windows, n_outputs)
            Only with `return_std`; in the units of the targets.

        Raises
        ------
        NotInitializedError
            If the regressor is not fitted.
        ValueError
            If the windows have other channels than those trained on, another sampling
            rate, lag or baseline. A model that takes channel names (NeuroBOLT does)
            also predicts from some of its channels, in any order; an unknown channel
            is an error. Or if an argument needs a closed-form head, or a recording has a
            single window and there is no `calibration`.
        """
        if not return_std and calibration is None:
            return self.predict_proba(X)
        if calibration is not None and not isinstance(calibration, PowerStatistics):
            calibration = self.statistics(calibration)
        with self._predicting(X) as source:
            self._check_head()
            mean, std = self._predict_by_head(source, return_std, calibration)
        mean = self._in_shape(mean)
        return (mean, self._in_shape(std)) if return_std else mean

    def statistics(self, X: Any) -> PowerStatistics:
        """Compute the statistics of a recording, to predict other windows of it.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times) | iterator
            EEG of one recording in microvolts: some minutes for calibration, in one
            piece or, from an iterator, piece by piece.

        Returns
        -------
        PowerStatistics
            For the `calibration` of :meth:`predict`.

        Raises
        ------
        NotInitializedError
            If the regressor is not fitted.
        ValueError
            If there is no closed-form head, or the windows are of several recordings, or
            there is only one window.
        """
        self.check_is_fitted()
        self._check_head()
        features = []
        for piece in pieces_of(X):
            with self._predicting(piece) as source:
                features.append(self._of_one_recording(source))
                names = self._token_names(source.ch_names)
        return self.head_.statistics(np.concatenate(features), names)

    def _check_head(self) -> None:
        if self.head_ is None:
            raise ValueError(
                "Standard deviations and calibration need a closed-form head: "
                "head='closed_form' or head='evidence'."
            )

    # What follows is for an encoder that learns.

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make batches, of whole stretches of recordings if the evidence is computed."""
        learning = self._learning
        if learning is None or not training:
            return super().get_iterator(dataset, training=training)
        recordings, volumes = self._order(dataset)
        pieces = [
            piece
            for rows in find_stretches(recordings, volumes)
            for piece in np.array_split(rows, -(-len(rows) // _LONGEST))
            if len(piece) > 1
        ]
        learning.recordings = recordings
        learning.stretches = np.full(len(recordings), -1)
        for number, rows in enumerate(pieces):
            learning.stretches[rows] = number
        kwargs = self.get_params_for("iterator_train")
        for name in ("batch_size", "shuffle", "sampler", "drop_last"):
            kwargs.pop(name, None)
        batches = StretchBatches(pieces, _N_PER_STEP)
        return self.iterator_train(Numbered(dataset), batch_sampler=batches, **kwargs)

    def negative_evidence(self, features: torch.Tensor, targets: Any) -> torch.Tensor:
        """Compute minus the log evidence per value of whole stretches.

        Parameters
        ----------
        features : Tensor, shape (batch, n_electrodes, n_components, n_seconds)
            Features of the windows, as of :meth:`infer`.
        targets : (Tensor, Tensor)
            Targets, shape (batch, n_outputs), and the row of each window in the training
            part.

        Returns
        -------
        Tensor, shape ()
            In nats per value of the targets.
        """
        y, rows = targets
        rows = to_numpy(rows)
        learning = self._learning
        features = self.head_.standardised_tensor(features, learning.recordings[rows])
        numbers = learning.stretches[rows]
        stretches = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
        y = to_tensor(y, device="cpu").reshape(len(rows), -1)
        evidence, n_values = learning.evidence(features, y, stretches)
        return -evidence / n_values

    def on_epoch_begin(
        self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        """Read out the encoder's tokens before its first step."""
        super().on_epoch_begin(
            net, dataset_train=dataset_train, dataset_valid=dataset_valid, **kwargs
        )
        learning = self._learning
        if learning is None or learning.evidence is not None:
            return
        learning.parts = dataset_train, dataset_valid
        features, targets = self._encoded(dataset_train)
        self.head_.fit(features, targets, *self._order(dataset_train))
        learning.evidence = Evidence(self.head_.readout_)
        if dataset_valid is not None:
            state = self.module_.state_dict()
            state = {key: tensor.clone() for key, tensor in state.items()}
            learning.start = (self._loss_of(dataset_valid), state)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run an epoch; if the encoder learns, read its tokens out anew."""
        if self._learning is None:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        elif training:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            self._read_out(self._learning.parts[0])
        elif iterator is not None:
            loss = self._loss_of(self._learning.parts[1])
            n_batches = count_batches(self, self._learning.parts[1], False)
            progress: Callback | None = dict(self.callbacks_).get("progress")
            for _ in range(n_batches):  # The loss belongs to all together.
                self.history.new_batch()
                self.history.record_batch("valid_loss", loss)
                self.history.record_batch("valid_batch_size", 1)
                if progress is not None:
                    progress.on_batch_end(self)
            self.history.record("valid_batch_count", n_batches)

    def _read_out(self, dataset: Any) -> None:
        """Fit the read-out to the present tokens, with the priors of the start."""
        head = self.head_
        features, targets = self._encoded(dataset)
        recordings, volumes = self._order(dataset)
        features = head.standardised(features, recordings)
        readout = head.make_readout(**head.readout_.chosen_)
        head.readout_ = readout.fit(features, targets, recordings, volumes)
        self._learning.evidence = Evidence(readout)

    def _loss_of(self, dataset: Any) -> float:
        """Mean squared error of the read-out's predictions."""
        features, targets = self._encoded(dataset)
        recordings, _ = self._order(dataset)
        mean, _ = self.head_.predict(features, recordings, self.head_.ch_names_)
        return float(np.mean((mean - targets) ** 2))

    def _choose_weights(self, learning: _Learning) -> None:
        """Go back to the weights of the start if no epoch was better."""
        keeps: Callback | None = dict(self.callbacks_).get("best_weights")
        if learning.start is None or getattr(keeps, "best_epoch_", None) is None:
            return
        loss, state = learning.start
        if loss <= keeps.best_:
            module: nn.Module = self.module_
            module.load_state_dict(state)
            logger.info(
                "No epoch predicted the validation part better than the weights at the "
                "start (mean squared error %.4g, best epoch %.4g): these are kept.",
                loss,
                keeps.best_,
            )
        else:
            logger.info("The encoder learned: validation %.4g, %.4g", loss, keeps.best_)
