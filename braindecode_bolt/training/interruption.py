"""Telling Ctrl-C from a callback that stops training."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from .callbacks import Progress

__all__ = ["Interruptible", "remembered_interrupt"]


class TrainingStopped(Exception):
    """A callback has stopped training."""


class Interruptible:
    """A skorch estimator that callbacks may stop, and that Ctrl-C interrupts.

    skorch's callbacks stop training by raising KeyboardInterrupt, which skorch catches
    along with Ctrl-C. Here a callback ends training regularly, and Ctrl-C is raised.
    Comes before skorch's class in the list of base classes, and expects
    :func:`remembered_interrupt` in ``interrupts_`` while it trains.
    """

    def _train(self, X: Any, y: Any, method: str, fit_params: dict) -> Any:
        """Run the training loop, as skorch's partial_fit does."""
        try:
            with suppress(TrainingStopped):
                self.notify("on_train_begin", X=X, y=y)
                self.fit_loop(X, y, _routing_method=method, **fit_params)
            with suppress(TrainingStopped):
                self.notify("on_train_end", X=X, y=y)
        except BaseException:
            for _, callback in self.callbacks_:
                if isinstance(callback, Progress):
                    callback.close()
            raise
        return self

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call a method of all callbacks.

        Parameters
        ----------
        method_name : str
            Its name, such as ``"on_epoch_end"``.
        **cb_kwargs : Any
            Passed to it.

        Raises
        ------
        KeyboardInterrupt
            If the user interrupted.
        TrainingStopped
            If a callback ends training. It does not leave the fit.
        """
        received = getattr(self, "interrupts_", None)
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as stop:
            if received or received is None:
                raise
            raise TrainingStopped from stop
        if received:
            # Python has dropped the exception.
            raise KeyboardInterrupt


@contextmanager
def remembered_interrupt() -> Iterator[list[int]]:
    """Record Ctrl-C and SIGTERM, in addition to what their handlers do.

    A KeyboardInterrupt does not say whether it comes from the keyboard or from a
    callback such as skorch's ``EarlyStopping``. Python also drops it if it is raised
    inside a destructor or a callback of C code.

    Yields
    ------
    list of int
        Signals that were received. Always empty outside the main thread, where Python
        raises no KeyboardInterrupt for a signal.
    """
    received: list[int] = []
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}

    def remember(number: int, frame: FrameType | None) -> None:
        received.append(number)
        handlers[number](number, frame)

    handlers = {
        number: handler for number, handler in handlers.items() if callable(handler)
    }
    for number in handlers:
        signal.signal(number, remember)
    try:
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
