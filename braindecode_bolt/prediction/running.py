"""Predicting a recording piece by piece, within little memory."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from tqdm.auto import tqdm

from .._text import counted
from ..eeg import ChannelNameError, common_channels
from ..eeg.channels import normalize_channel_name
from ..recording import Recording
from ..training.networks import takes_ch_names
from ..windows.lazy import LazyWindows
from .cutting import windows_at
from .preparation import Piece, Preparation

__all__ = ["Run", "needs_calibration", "predicts_std", "shared_electrodes", "takes_part"]

logger = logging.getLogger(__name__)

#: Recordings of up to this many values (channels x samples, 256 MiB as float64) are
#: prepared in one go, as in training; longer ones in pieces of a quarter of it.
_AT_ONCE = 2**25
#: Shortest piece in seconds.
_SHORTEST = 120.0
#: Windows from which the statistics of a recording are computed, at most.
_MOST_CALIBRATION = 2000


def inner(regressor: Any) -> Any:
    """Find the model inside a TransformedTargetRegressor."""
    for _ in range(5):
        regressor = getattr(regressor, "regressor_", regressor)
    return regressor


def needs_calibration(regressor: BaseEstimator) -> bool:
    """Whether a model's predictions depend on other windows of the recording."""
    model = inner(regressor)
    return getattr(model, "standardise", None) is not None and hasattr(model, "statistics")


def predicts_std(regressor: BaseEstimator) -> bool:
    """Whether a model gives the standard deviation of its predictions."""
    # A network does so with some heads only.
    able = getattr(regressor, "gives_std", True)
    return able and regressor is inner(regressor) and _accepts(regressor, "return_std")


def takes_part(regressor: BaseEstimator) -> bool:
    """Whether a model can predict from some of its electrodes."""
    model = inner(regressor)
    if hasattr(model, "module_"):
        return takes_ch_names(model.module_)
    return getattr(model, "SOME_ELECTRODES_DO", False)


def shared_electrodes(
    regressor: BaseEstimator,
    ch_names: Sequence[str],
    recordings: Sequence[Recording],
    eeg: Mapping[str, Any],
) -> list[str]:
    """Choose the electrodes of a model that all recordings have.

    Parameters
    ----------
    regressor : estimator
        The model.
    ch_names : sequence of str
        Its electrodes.
    recordings : sequence of Recording
        As read.
    eeg : mapping
        Arguments of prepare_eeg, of which the montage counts.

    Returns
    -------
    list of str
        In the order of the model. All of them if the model needs all.

    Raises
    ------
    ChannelNameError
        If there is none.
    """
    if not takes_part(regressor):
        return list(ch_names)
    given = {k: v for k, v in eeg.items() if k in ("montage", "montage_distance_mm")}
    there = {normalize_channel_name(n) for n in common_channels(recordings, **given)}
    found = [name for name in ch_names if normalize_channel_name(name) in there]
    if not found:
        raise ChannelNameError(
            "The recordings have none of the electrodes of the model in common: "
            f"{', '.join(ch_names)}."
        )
    if len(found) < len(ch_names):
        logger.warning(
            "Using %d of the model's %d electrodes; not there: %s",
            len(found),
            len(ch_names),
            ", ".join(name for name in ch_names if name not in found),
        )
    return found


def _accepts(model: Any, name: str) -> bool:
    return name in inspect.signature(model.predict).parameters


@dataclass
class Run:
    """One prediction of a recording.

    Attributes
    ----------
    regressor : estimator
        Fitted.
    preparation : Preparation
        Of the recording.
    window_seconds, lag_seconds, baseline
        As in :func:`~braindecode_bolt.create_bold_windows`.
    progress : bool, default True
        Whether to show a bar.
    """

    regressor: BaseEstimator
    preparation: Preparation
    window_seconds: float
    lag_seconds: float
    baseline: str | None
    progress: bool = True
    calibration: Any = None
    _pieces: list[Piece] = field(default_factory=list)

    @property
    def piece_seconds(self) -> float:
        """Length of the pieces in which the recording is read."""
        raw = self.preparation.recording.raw
        rate = len(self.preparation.chosen) * raw.info["sfreq"]
        if rate * self.preparation.seconds <= _AT_ONCE:
            return max(self.preparation.seconds, 1.0)
        return max(_SHORTEST, np.floor(_AT_ONCE / 4 / rate))

    def pieces(self, what: str) -> Iterator[Piece]:
        """Prepare the recording piece by piece; a single piece is kept."""
        if self._pieces:
            yield from self._pieces
            return
        length = self.piece_seconds
        number = int(np.ceil(self.preparation.seconds / length - 1e-9))
        reach = self.window_seconds + self.lag_seconds + 1.0
        found = self.preparation.with_reach(reach).pieces(length)
        hidden = not self.progress or number == 1
        for piece in tqdm(found, what, number, leave=False, disable=hidden or None):
            if number == 1:
                self._pieces.append(piece)
            yield piece

    def windows(
        self, piece: Piece, times: np.ndarray
    ) -> tuple[np.ndarray, LazyWindows | None, np.ndarray]:
        """Cut those of the times that lie in a piece.

        Returns
        -------
        rows : ndarray of int
            Positions of these times.
        X : LazyWindows | None
            Windows of those that have one.
        reason : ndarray of str
            For each row, why it has none; empty where it has.
        """
        rows = np.flatnonzero((times > piece.begin) & (times <= piece.end))
        if piece.raw is None:
            return rows, None, np.full(len(rows), "not_prepared")
        X, reason = windows_at(
            piece.raw,
            times[rows] - piece.offset,
            self.window_seconds,
            self.lag_seconds,
            self.baseline,
            self.preparation.recording,
        )
        return rows, X, reason

    def calibrate(self, step_seconds: float) -> Any:
        """Compute the statistics of the whole recording that the model needs.

        Parameters
        ----------
        step_seconds : float
            Time between windows; a longer one if there are very many.

        Returns
        -------
        PowerStatistics | None
            None for models that need none.

        Raises
        ------
        ValueError
            If there are fewer than two windows.
        """
        if not needs_calibration(self.regressor):
            return None
        last = self.preparation.seconds
        first = self.window_seconds + self.lag_seconds
        step = max(step_seconds, (last - first) / _MOST_CALIBRATION)
        times = np.arange(first, last + 1e-9, step)

        def found() -> Iterator[LazyWindows]:
            for piece in self.pieces("Calibration"):
                X = self.windows(piece, times)[1]
                if X is not None:
                    yield X

        windows = found()
        first_piece = next(windows, None)
        if first_piece is None:
            raise ValueError(
                f"{self.preparation.recording.name} has no window of "
                f"{self.window_seconds:g} s for calibration: it lasts {last:.1f} s, or "
                "BAD annotations and joints leave none."
            )

        def again() -> Iterator[LazyWindows]:
            yield first_piece
            yield from windows

        return inner(self.regressor).statistics(again())

    def predict(
        self, times: np.ndarray, return_std: bool
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Predict at some times.

        Parameters
        ----------
        times : ndarray, shape (n_times,)
            Seconds from the start of the recording.
        return_std : bool
            Whether the model gives standard deviations, too.

        Returns
        -------
        mean : ndarray, shape (n_times, n_rois)
            In the units of training; NaN where there is no window.
        std : ndarray, same shape | None
        reason : ndarray of str, shape (n_times,)
            Why there is no window.
        """
        mean: np.ndarray | None = None
        std: np.ndarray | None = None
        reasons = np.full(len(times), "no_full_window", dtype=object)
        for piece in self.pieces("Prediction"):
            rows, X, reason = self.windows(piece, times)
            reasons[rows] = reason
            if piece.error:
                logger.warning(
                    "%s, %.0f to %.0f s: no prediction. %s",
                    self.preparation.recording.name,
                    max(piece.begin, 0.0),
                    min(piece.end, self.preparation.seconds),
                    piece.error,
                )
            if X is None:
                continue
            found = self._of_windows(X, return_std)
            if mean is None:
                mean, std = (np.full((len(times), f.shape[1]), np.nan) for f in found)
            kept = rows[reason == ""]
            mean[kept], std[kept] = found
        if mean is None:
            counts = {name: int((reasons == name).sum()) for name in sorted(set(reasons))}
            raise ValueError(
                f"{self.preparation.recording.name}: none of {counted(len(times), 'time')} "
                f"has a window of {self.window_seconds:g} s in "
                f"{self.preparation.seconds:.1f} s of EEG "
                f"({', '.join(f'{k}: {v}' for k, v in counts.items())})."
            )
        return mean, std if return_std else None, reasons

    def _of_windows(
        self, X: LazyWindows, return_std: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        arguments: dict[str, Any] = {"return_std": True} if return_std else {}
        if self.calibration is not None:
            arguments["calibration"] = self.calibration
        found = self.regressor.predict(X, **arguments)
        mean, std = found if return_std else (found, found)
        return mean.reshape(len(X), -1), std.reshape(len(X), -1)
