"""Training and prediction of modules that bring their own loss and distribution."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
import torch
from skorch.utils import is_dataset, to_tensor
from torch import nn

from .._checks import check_number
from ..models._encoder_head import EncoderHead
from .networks import find_network
from .volumes import block_targets, earlier_rows, overlapping_mean

__all__ = ["OwnLoss"]

logger = logging.getLogger(__name__)

# Windows times draws that go through a head at a time.
_AT_ONCE = 4096
# Of the draws that predictions are averages of: the same windows, the same prediction.
_SEED = 0
# Draws from which the spread is calibrated, at least.
_LEAST_DRAWS = 20


class OwnLoss:
    """Part of EEGRegressor: what a module with a distribution head needs.

    The network gives features; the head turns them into a loss or, after all windows
    were encoded, into predictions, draws and spreads.
    """

    #: Whether ``infer`` gives features instead of predictions.
    _wants_features_ = False

    @property
    def _own_loss(self) -> bool:
        module = getattr(self, "module_", None)
        if getattr(self, "head_", None) is not None:
            return False  # It takes the place of the module's head.
        return isinstance(module, EncoderHead) and module.has_own_loss

    @property
    def gives_std(self) -> bool:
        """Whether predictions come with standard deviations.

        True of a fitted regressor with a closed-form, Gaussian or flow head.
        """
        if self.closed_form:
            return True
        return self._own_loss and self.module_.final_layer.has_spread

    def _volumes_per_window(self) -> int:
        """Volumes of a block, before the module is built."""
        given = self.get_params_for("module")
        if "n_volumes" in given:
            n_volumes = given["n_volumes"]
            check_number(n_volumes, "module__n_volumes", Integral, 1)
            return n_volumes
        if isinstance(self.module, nn.Module):
            return getattr(self.module, "n_volumes", 1)
        parameter = inspect.signature(find_network(self.module)).parameters
        return parameter["n_volumes"].default if "n_volumes" in parameter else 1

    def _in_blocks(self, targets: Any, source: Any) -> Any:
        """Arrange the targets of a fit as the module predicts them."""
        n_volumes = self._volumes_per_window()
        if n_volumes == 1:
            return targets
        if targets is None:
            raise ValueError(
                f"n_volumes={n_volumes} needs the targets as y, not within a data set."
            )
        rows = earlier_rows(source.data, n_volumes)
        return block_targets(targets, rows)

    @contextmanager
    def _giving_features(self) -> Iterator[None]:
        before = self._wants_features_
        self._wants_features_ = self._own_loss
        try:
            yield
        finally:
            self._wants_features_ = before

    def train_step_single(self, batch: Any, **fit_params: Any) -> Any:
        """Train on a batch, as skorch does."""
        with self._giving_features():
            return super().train_step_single(batch, **fit_params)

    def validation_step(self, batch: Any, **fit_params: Any) -> Any:
        """Validate on a batch, as skorch does."""
        with self._giving_features():
            return super().validation_step(batch, **fit_params)

    def infer(self, x: Any, **fit_params: Any) -> Any:
        """Run the module on a batch; its features where a head needs them."""
        if not self._wants_features_:
            return super().infer(x, **fit_params)
        return super().infer(x, return_features=True, **fit_params)["features"]

    def _loss_of_head(self, features: Any, targets: Any) -> torch.Tensor:
        if self.criterion is not nn.MSELoss:
            name = getattr(self.criterion, "__name__", self.criterion)
            raise ValueError(
                f"{type(self.module_).__name__} with this head is trained by the loss of "
                f"the head, and criterion={name} is given. Leave criterion out, or use "
                "head='point' and n_volumes=1."
            )
        targets = to_tensor(targets, device=self.device)
        expected = (self.module_.n_volumes, self.module_.n_outputs)
        if targets.shape[1:].numel() != expected[0] * expected[1]:
            raise ValueError(
                f"The module predicts {expected[0]} volumes x {expected[1]} regions per "
                f"window, the targets have {tuple(targets.shape[1:])}."
            )
        return self.module_.loss(features, targets.reshape(-1, *expected))

    @torch.no_grad()
    def _from_head(
        self,
        features: np.ndarray,
        rows: np.ndarray,
        n_draws: int,
        seed: Any,
        paired: bool = False,
    ) -> np.ndarray:
        """Draws of the BOLD, or the point prediction without draws.

        Each second of paired draws begins with the noise of the one before, times -1:
        their mean has much less noise than that of independent draws.

        Returns
        -------
        ndarray, shape (max(n_draws, 1), n_windows, n_outputs)
        """
        module = self.module_.eval()
        head = module.final_layer
        generator = np.random.default_rng(seed)
        shape = (len(features), head.n_volumes, head.n_outputs)
        draws = []
        noise = None
        for number in range(max(n_draws, 1)):
            if n_draws and paired and number % 2:
                noise = -noise
            elif n_draws:
                noise = generator.standard_normal(shape, np.float32)
            parts = []
            for start in range(0, len(features), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                z = module.activated(to_tensor(features[part], device=self.device))
                if noise is None:
                    parts.append(head.point(z))
                else:
                    eps = to_tensor(noise[part], device=self.device).type_as(z)
                    parts.append(head.draw(z, eps))
            blocks = torch.cat(parts).float().cpu().numpy()
            draws.append(overlapping_mean(blocks, rows))
        return np.stack(draws).astype(np.float32)

    @torch.no_grad()
    def _gaussian(
        self, features: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of a Gaussian head."""
        module = self.module_.eval()
        z = module.activated(to_tensor(features, device=self.device))
        both = [part.float().cpu().numpy() for part in module.final_layer.distribution(z)]
        # The errors of overlapping blocks are much the same: spreads are averaged.
        mean, spread = (overlapping_mean(part, rows).astype(np.float32) for part in both)
        return mean, spread

    def _distribution(
        self, features: np.ndarray, rows: np.ndarray, n_draws: int | None, seed: Any
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Mean and spread (None of a point head), before the spread is calibrated."""
        head = self.module_.final_layer
        if not head.has_spread:
            return self._from_head(features, rows, 0, seed)[0], None
        if not head.has_draws:
            return self._gaussian(features, rows)
        if n_draws == 0:
            return self._from_head(features, rows, 0, seed)[0], None
        draws = self._from_head(features, rows, n_draws, seed, paired=True)
        spread = draws.std(axis=0, ddof=1) if len(draws) > 1 else None
        return draws.mean(axis=0), spread

    def _encoded_by_own(self, data: Any) -> np.ndarray:
        """Features of windows, shape (n_windows, n_features)."""
        with self._giving_features():
            return super().predict_proba(data)

    def _predict_by_own_head(
        self, data: Any, return_std: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Predict windows, and how far the predictions may be off."""
        rows = earlier_rows(data, self.module_.n_volumes)
        n_draws = max(self.n_draws, 2) if return_std else self.n_draws
        mean, spread = self._distribution(self._encoded_by_own(data), rows, n_draws, _SEED)
        if return_std and self.n_draws < 2 and self.module_.final_layer.has_draws:
            # The spread needs draws, the prediction is as without it.
            features = self._encoded_by_own(data)
            mean = self._distribution(features, rows, self.n_draws, _SEED)[0]
        return mean, None if spread is None else spread * self.spread_factor_

    def _calibrate_spread(self, source: Any, y: np.ndarray | None) -> None:
        """Scale the spread by the residuals of the validation part of the fit."""
        self.spread_factor_ = 1.0
        rows = getattr(self, "valid_rows_", None)
        if not self._own_loss or not self.module_.final_layer.has_spread:
            return
        if rows is None or y is None or is_dataset(source.data):
            logger.warning(
                "The spread is not calibrated: there is no validation part of the fit."
            )
            return
        data = source.data[rows]
        blocks = earlier_rows(data, self.module_.n_volumes)
        n_draws = max(self.n_draws, _LEAST_DRAWS)
        mean, spread = self._distribution(
            self._encoded_by_own(data), blocks, n_draws, _SEED
        )
        residual = (y[rows] - mean) / spread
        self.spread_factor_ = float(np.sqrt(np.mean(residual**2)))

    def predict(self, X: Any, return_std: bool = False, calibration: Any = None) -> Any:
        """Predict the targets of windows.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            As in :meth:`fit`.
        return_std : bool, default False
            Whether to return the standard deviation of the targets (not only of their
            mean), too. Only with a closed-form head, or a network with a Gaussian or flow
            head.
        calibration : PowerStatistics | windows | None
            Only with a closed-form head: statistics of the recording that `X` is from
            (:meth:`statistics`), or windows to compute them from. By default each
            recording in `X` is standardised by itself; plain arrays are one recording.

        Returns
        -------
        mean : ndarray, shape (n_windows,) or (n_windows, n_outputs)
            In the units of the targets, with as many dimensions as those of the fit. A
            network of several volumes per window gives the mean over the windows that hold
            a volume.
        std : ndarray, shape (n_windows,) or (n_windows, n_outputs)
            Only with `return_std`; in the units of the targets. That of a network is
            multiplied by ``spread_factor_``.

        Raises
        ------
        NotInitializedError
            If the regressor is not fitted.
        ValueError
            If the windows have other channels than those trained on, another sampling
            rate, lag or baseline. A model that takes channel names (NeuroBOLT does)
            also predicts from some of its channels, in any order; an unknown channel
            is an error. Or if an argument needs another head, or a recording has a
            single window and there is no `calibration`.
        """
        if not return_std or calibration is not None or self.head_ is not None:
            return super().predict(X, return_std, calibration)
        with self._predicting(X) as source:
            self._check_own_spread("Standard deviations")
            mean, std = self._predict_by_own_head(source.data, True)
        return self._in_shape(mean), self._in_shape(std)

    def sample(
        self, X: Any, n_draws: int = 50, random_state: int | None = None
    ) -> np.ndarray:
        """Draw BOLD of windows from the distribution that the head has learned.

        Draws of a flow head vary together over regions and neighbouring volumes as BOLD
        does; those of a Gaussian head vary independently. They are not scaled by
        ``spread_factor_``.

        Parameters
        ----------
        X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
            As in :meth:`predict`.
        n_draws : int, default 50
            Number of draws, at least 1.
        random_state : int | None
            Seed. Default None: other draws at each call.

        Returns
        -------
        ndarray, shape (n_draws, n_windows, n_outputs)
            BOLD in the units of the targets.

        Raises
        ------
        NotInitializedError
            If the regressor is not fitted.
        ValueError
            If the module has no such head, `n_draws` is below 1, or the windows differ
            from those trained on, as in :meth:`predict`.
        TypeError
            If `n_draws` is no whole number.

        See Also
        --------
        predict : The mean of many draws, with ``return_std`` their spread.
        """
        check_number(n_draws, "n_draws", Integral, 1)
        with self._predicting(X) as source:
            self._check_own_spread("Draws")
            rows = earlier_rows(source.data, self.module_.n_volumes)
            features = self._encoded_by_own(source.data)
            return self._from_head(features, rows, n_draws, random_state)

    def _check_own_spread(self, what: str) -> None:
        if not self._own_loss or not self.module_.final_layer.has_spread:
            raise ValueError(
                f"{what} need a network that knows how far it may be off: BOLDNet with "
                "head='gaussian' or 'flow', or BOLDFlow. Standard deviations and "
                "calibration also come with a closed-form head: head='closed_form' or "
                "head='evidence'."
            )
