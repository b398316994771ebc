"""Tokens of an encoder by electrode and second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

__all__ = ["ElectrodeTokens"]


class ElectrodeTokens:
    """A model whose encoder has a token for each electrode and second of a window.

    Comes before :class:`~braindecode_bolt.models._base.ByChannelName` in the list of
    base classes. A model defines ``_tokens``, called like ``_encode`` with the scaled
    windows and the rows of their channels, and ``n_token_features``.

    Seconds are counted from the end of the window, where the volume is: if a window
    holds no whole number of seconds, its first samples have no token.
    """

    has_electrode_tokens = True

    @property
    def n_token_features(self) -> int:
        """Number of features of a token."""
        raise NotImplementedError

    @property
    def token_lags(self) -> np.ndarray:
        """Seconds from the middle of each token to the end of the window, decreasing."""
        return np.arange(self.n_seconds)[::-1] + 0.5

    @property
    def n_seconds(self) -> int:
        """Whole seconds of a window."""
        return int(self.n_times / self._sfreq + 1e-6)

    def token_ch_names(self, ch_names: Sequence[str] | None = None) -> list[str]:
        """Name the electrodes of the tokens.

        Parameters
        ----------
        ch_names : sequence of str | None
            As in :meth:`electrode_tokens`.

        Returns
        -------
        list of str
            Channels that the model uses, in the order of the tokens; ``ch0``, ``ch1``,
            ... in a model without channel names.
        """
        inputs, rows = self._rows(ch_names)
        if self.ch_names is None:
            return [f"ch{row}" for row in rows.tolist()]
        if ch_names is None or inputs is None:
            return [self.ch_names[self.inputs[row]] for row in rows.tolist()]
        return [ch_names[place] for place in inputs.tolist()]

    def electrode_tokens(
        self, x: torch.Tensor, ch_names: Sequence[str] | None = None
    ) -> torch.Tensor:
        """Encode windows, without averaging over electrodes and seconds.

        Parameters
        ----------
        x : Tensor, shape (batch, n_chans, n_times)
            EEG in microvolts.
        ch_names : sequence of str | None
            Names of the channels of `x`, if these are a part of the model's channels
            or in another order. None: all channels in the model's order.

        Returns
        -------
        Tensor, shape (batch, n_electrodes, n_seconds, n_token_features)
            Electrodes as in :meth:`token_ch_names`; the last second ends with the
            window.

        Raises
        ------
        ValueError
            If `x` has another number of channels or samples than the model.
        ChannelNameError
            If the model has no channel of a name.
        """
        x, rows = self._of_rows(x, ch_names)
        return self._tokens(x / self.input_scale, rows)

    def _tokens(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


def seconds_of_steps(
    starts: np.ndarray, duration: int, sfreq: float, n_times: int
) -> torch.Tensor:
    """Weights that average tokens at any spacing to tokens of one second.

    Parameters
    ----------
    starts : ndarray of int, shape (n_steps,)
        First sample that each token is computed from.
    duration : int
        Samples that it is computed from.
    sfreq : float
        Samples per second.
    n_times : int
        Samples of the window.

    Returns
    -------
    Tensor, shape (n_seconds, n_steps)
        The weight is the time that token and second share, or all on the nearest token
        where they share none. Rows add up to 1.
    """
    n_seconds = int(n_times / sfreq + 1e-6)
    ends = n_times - np.arange(n_seconds)[::-1, None] * sfreq
    begins = ends - sfreq
    shared = np.minimum(ends, starts + duration) - np.maximum(begins, starts)
    shared = np.maximum(shared, 0.0)
    apart = np.abs((begins + ends) / 2 - (starts + duration / 2))
    alone = shared.sum(axis=1) == 0
    shared[alone, apart[alone].argmin(axis=1)] = 1.0
    weights = shared / shared.sum(axis=1, keepdims=True)
    return torch.from_numpy(weights.astype(np.float32))
