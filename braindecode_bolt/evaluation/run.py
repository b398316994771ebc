"""Fits, one after the other or in parallel, each giving a result or an error."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import joblib
import numpy as np
from joblib.externals.loky.process_executor import ProcessPoolExecutor
from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator, clone
from sklearn.preprocessing import StandardScaler

from .._series import is_constant
from ..null.controls import constant_windows
from ..splits import FixedValidation, ValidationSplit
from ..splits._base import Splitter
from ..windows.lazy import LazyWindows
from .keeping import ModelKeeper
from .plan import FitTask, Plan, Targets

__all__ = ["FoldResult", "fit_fold", "is_search", "log_messages", "run", "stoppable"]

logger = logging.getLogger(__name__)

#: How often a worker looks whether its parent is still there, in seconds.
_WATCH_SECONDS = 0.5
#: Threads of numerical libraries in workers.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class FoldResult:
    """The result of a task.

    Attributes
    ----------
    task : FitTask
        The task.
    predicted : ndarray, shape (n_test, n_rois)
        BOLD of the tested windows, float32, in the units of the recordings.
    scale : ndarray, shape (n_rois,)
        Standard deviation of the BOLD that was trained on.
    fit_seconds, predict_seconds : float, default 0.0
        Time that fit and prediction took.
    history : dict of str to list of float
        Losses of each epoch (``train_loss``, ``valid_loss``); empty without epochs.
    messages : list of str
        Warnings of the fit, each once.
    on_constant : ndarray, shape (n_test, n_rois), (1, n_rois) or (0, 0)
        What the fitted model predicts if all windows hold the same EEG, float32: one row
        if that is constant. Empty in controls, and if it cannot predict that.
    error, details : str, default ""
        Why it failed, and the traceback; empty if it did not.
    """

    task: FitTask
    predicted: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    scale: np.ndarray = field(default_factory=lambda: np.empty(0))
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    error: str = ""
    details: str = ""
    on_constant: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))


def fit_fold(
    task: FitTask,
    estimator: BaseEstimator,
    X: LazyWindows,
    targets: Targets,
    on_error: str = "record",
    keeper: ModelKeeper | None = None,
) -> FoldResult:
    """Fit a clone of a model on the training part of a fold and predict the test part.

    BOLD is standardised by its mean and standard deviation in the training part;
    predictions are transformed back. An error of the model is put into the result, or
    raised with ``on_error="raise"``; interruptions and exits are always raised. With a
    `keeper`, the fitted model is kept; why it could not be is one of the messages.
    """
    try:
        return _fit_and_predict(task, estimator, X, targets, keeper)
    except Exception as error:  # Models may raise anything; the other fits go on.
        if on_error == "raise":
            raise
        text = "".join(traceback.format_exception(error))
        return FoldResult(task, error=_in_a_line(error, targets), details=text)


def _in_a_line(error: Exception, targets: Targets) -> str:
    """Say why a fit failed, and what to do about what happens most often."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else ""
    if re.match(r"All the \d+ fits failed", said):
        said = f"{said} The last: {lines[-1]}"  # Of a search, whose message is a traceback.
    if "dim 3" in said or "3 dimensions" in said:
        said += (
            " Windows have three dimensions: put a transformer before it that makes a "
            "table of features, as BandPower() does, in a pipeline."
        )
    elif "1d array" in said and targets.y_train.shape[1] > 1:
        said += (
            " It predicts one region at a time: wrap it in scikit-learn's "
            "MultiOutputRegressor, or fit one model per region (regions='separately')."
        )
    return f"{type(error).__name__}: {said}"


def _fit_and_predict(
    task: FitTask,
    estimator: BaseEstimator,
    X: LazyWindows,
    targets: Targets,
    keeper: ModelKeeper | None,
) -> FoldResult:
    scaler = StandardScaler().fit(targets.y_train)
    y = scaler.transform(targets.y_train).astype(np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # Windows of constant EEG do not say where they are from: no split can divide them.
        own = task.control != "constant_eeg"
        model = _prepared(clone(estimator), task.seed, targets.validation, own)
        begin = time.perf_counter()
        # Our splitters read the groups from the windows; scikit-learn's are given them.
        told = is_search(model) and not isinstance(model.cv, Splitter)
        model.fit(X[targets.train], y, **({"groups": targets.groups} if told else {}))
        fitted = time.perf_counter()
        predicted = np.asarray(model.predict(X[targets.test]))
    end = time.perf_counter()
    wanted = targets.y_test.shape
    predicted = predicted.reshape(len(targets.test), -1)
    if predicted.shape != wanted:
        raise ValueError(
            f"{task.model} predicts {predicted.shape[1]} values per window, there are "
            f"{wanted[1]} regions."
        )
    if predicted.dtype.kind not in "fiu":
        raise TypeError(f"Predictions are {predicted.dtype}, expected real numbers.")
    with np.errstate(over="ignore", invalid="ignore"):
        predicted = (predicted * scaler.scale_ + scaler.mean_).astype(np.float32)
    if not np.isfinite(predicted).all():
        raise FloatingPointError(
            f"{np.sum(~np.isfinite(predicted))} of {predicted.size} predictions are not "
            "finite."
        )
    messages = [f"{w.category.__name__}: {w.message}" for w in caught]
    on_constant = np.empty((0, 0), np.float32)
    if not task.control:
        try:
            on_constant = _on_constant_eeg(model, X[targets.train], X[targets.test])
            on_constant = (on_constant * scaler.scale_ + scaler.mean_).astype(np.float32)
        except Exception as error:  # Of the model: the fold itself is as it should be.
            messages.append(
                f"No predictions of constant EEG: {type(error).__name__}: {error}"
            )
    if keeper is not None:
        try:
            keeper.keep(task, model, scaler, X, targets, predicted)
        except (TypeError, ValueError, AttributeError, OSError) as error:
            messages.append(f"The model is not kept: {error}")
    if task.control == "constant_eeg":  # Its windows are one and the same on purpose.
        messages = [m for m in messages if "validation windows share EEG" not in m]
    return FoldResult(
        task,
        predicted,
        scaler.scale_,
        fitted - begin,
        end - fitted,
        history_of(model),
        list(dict.fromkeys(messages)),
        on_constant=on_constant,
    )


def _on_constant_eeg(model: Any, train: LazyWindows, test: LazyWindows) -> np.ndarray:
    """Predict windows that all hold the first window that was trained on.

    A model without randomness predicts a constant: one row. Two windows show it.
    """
    constant = constant_windows(train, test)
    with warnings.catch_warnings():
        # Whatever it says about such EEG is known.
        warnings.simplefilter("ignore")
        first = constant[: min(2, len(test))]
        predicted = np.asarray(model.predict(first), float).reshape(len(first), -1)
        if is_constant(predicted).all():
            predicted = predicted[:1]
        else:
            predicted = np.asarray(model.predict(constant), float).reshape(len(test), -1)
    if not np.isfinite(predicted).all():
        raise FloatingPointError("they are not finite.")
    return predicted


def _prepared(
    model: BaseEstimator, seed: int, validation: np.ndarray | None, keep_own: bool
) -> BaseEstimator:
    """Set the seed, and the validation part if the protocol has one.

    With `keep_own`, a ``train_split`` of the user is kept, with a warning.
    """
    parameters = model.get_params(deep=True)
    names = [name for name in parameters if name.split("__")[-1] == "random_state"]
    model.set_params(**dict.fromkeys(names, seed))
    if validation is None or is_search(model):  # Searches make their own folds.
        return model
    for name, given in parameters.items():
        if name.split("__")[-1] != "train_split" or not given:
            continue
        if given == ValidationSplit() or not keep_own:
            model.set_params(**{name: FixedValidation(validation)})
            continue
        warnings.warn(
            f"{name}={given!r} of the model is used. The validation part of the protocol "
            f"({len(validation)} windows) is trained on, too.",
            stacklevel=2,
        )
    return model


def is_search(model: BaseEstimator) -> bool:
    """Whether a model chooses hyper-parameters by its own cross-validation."""
    return hasattr(model, "cv") and hasattr(model, "estimator")


def history_of(model: Any) -> dict[str, list[float]]:
    """Losses of each epoch, also of a network inside a pipeline, search or wrapper."""
    for _ in range(10):
        history = getattr(model, "history_", None) or getattr(model, "history", None)
        if history:
            return {
                name: [float(epoch[name]) for epoch in history]
                for name in ("train_loss", "valid_loss")
                if all(name in epoch for epoch in history)
            }
        names = ("best_estimator_", "estimator_", "regressor_")
        inner = [getattr(model, name, None) for name in names]
        inner += [step for _, step in getattr(model, "steps", [])[-1:]]
        model = next((part for part in inner if part is not None), None)
    return {}


def run(
    plan: Plan,
    tasks: Sequence[FitTask],
    n_jobs: int | None,
    on_error: str,
    folder: Path | None = None,
    keep_models: Mapping[str, Any] | None = None,
) -> Iterator[FoldResult]:
    """Do tasks and yield each result when it is there, in any order.

    `n_jobs` tasks run at the same time (None: as joblib's configuration says). A worker
    that is killed is an error of its task. On a cluster, the EEG is put into `folder`,
    which all machines must see. Models are kept there if `keep_models` says how the EEG
    was prepared.
    """
    if not tasks:
        return
    backend, _ = get_active_backend()
    kind = type(backend).__name__
    number = joblib.effective_n_jobs(n_jobs)
    cluster = "Dask" in kind and n_jobs != 1
    if cluster or number > 1:
        plan = plan.silent()  # Bars of several processes would overwrite each other.

    def call(task: FitTask) -> tuple:
        X = plan.windows(task.dataset, task.control).X
        keeper = None
        if keep_models is not None and folder is not None:
            keeper = ModelKeeper.of(plan, task, folder, keep_models)
        return task, plan.models[task.model], X, plan.targets(task), on_error, keeper

    if cluster:
        with _eeg_in_files(plan, folder) as (plan, _):
            # Some more than there are threads, so that a cluster sees that it can grow.
            executor, most = backend.client.get_executor(pure=False), 2 * number + 2
            yield from _through(executor, deque(tasks), call, most, on_error)
    elif number == 1:
        yield from (fit_fold(*call(task)) for task in tasks)
    elif kind in ("LokyBackend", "MultiprocessingBackend"):
        with _eeg_in_files(plan, None) as (plan, place):
            waiting, most = deque(tasks), min(number, len(tasks))
            yield from _in_processes(waiting, call, most, place, on_error)
    else:
        # One task to a batch: they take seconds to hours, and each is kept at its end.
        parallel = joblib.Parallel(n_jobs, return_as="generator_unordered", batch_size=1)
        yield from parallel(joblib.delayed(fit_fold)(*call(task)) for task in tasks)


@contextmanager
def _eeg_in_files(plan: Plan, folder: Path | None) -> Iterator[tuple[Plan, str]]:
    """Put EEG from memory into files, so that no task has to carry it."""
    if folder is None:
        folder = os.environ.get("JOBLIB_TEMP_FOLDER")
    with tempfile.TemporaryDirectory(
        dir=folder, prefix=".eeg-", ignore_cleanup_errors=True
    ) as place:
        yield plan.on_disk(Path(place)), place


def _in_processes(
    waiting: deque[FitTask],
    call: Callable[[FitTask], tuple],
    number: int,
    place: str,
    on_error: str,
) -> Iterator[FoldResult]:
    """Do tasks in processes of this machine; a process that is killed costs one task."""
    threads = str(max(joblib.cpu_count() // number, 1))
    while waiting:
        executor = ProcessPoolExecutor(
            number,
            initializer=_begin_worker,
            initargs=(os.getpid(), place),
            env={name: os.environ.get(name, threads) for name in _THREADS},
        )
        lost = yield from _through(executor, waiting, call, number, on_error)
        if len(lost) > 1:
            # Which was killed, and which were stopped with it, shows one by one.
            yield from _in_processes(deque(lost), call, 1, place, on_error)
            continue
        for task, error in lost.items():
            yield _killed(task, on_error, error)


def _through(
    executor: Executor,
    waiting: deque[FitTask],
    call: Callable[[FitTask], tuple],
    number: int,
    on_error: str,
) -> Iterator[FoldResult]:
    """Do tasks; return those that ran when a process of a pool was killed.

    dask itself repeats a task if its worker is lost, a limited number of times.
    """
    running: dict[Future, FitTask] = {}
    try:
        while waiting or running:
            while waiting and len(running) < number:
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", "Sending large graph")  # dask
                    future = executor.submit(_fit_in_worker, *call(waiting[0]))
                running[future] = waiting.popleft()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            # Finished ones first: a killed process breaks the whole pool.
            for future in sorted(done, key=lambda f: f.exception() is not None):
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    return {task: error for task in running.values()}
                task = running.pop(future)
                if type(error).__name__ == "KilledWorker":
                    yield _killed(task, on_error, error)
                else:
                    yield future.result()
        return {}
    except BrokenProcessPool as error:  # In submit: while nothing was running.
        return {task: error for task in [*running.values(), waiting.popleft()]}
    finally:
        stop = {"wait": not running}
        if isinstance(executor, ProcessPoolExecutor):
            stop = {"wait": True, "kill_workers": bool(running)}
        executor.shutdown(**stop)


def _killed(task: FitTask, on_error: str, error: BaseException) -> FoldResult:
    message = (
        "WorkerKilled: the process of this fit was killed from outside, most often "
        "because the memory was full. Run fewer fits at the same time, or a smaller model."
    )
    if on_error == "raise":
        raise RuntimeError(f"{task.title}: {message}") from error
    return FoldResult(task, error=message, details=str(error))


def _fit_in_worker(*arguments: Any) -> FoldResult:
    # What a model does in parallel stays in this process.
    with joblib.parallel_config("threading"):
        return fit_fold(*arguments)


def _begin_worker(parent: int, place: str) -> None:
    """End this process when its parent has ended, and remove the files of the EEG."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent.

    def watch() -> None:
        if os.name == "nt":
            multiprocessing.parent_process().join()
        else:
            while os.getppid() == parent:
                time.sleep(_WATCH_SECONDS)
        shutil.rmtree(place, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def log_messages(results: Sequence[FoldResult]) -> None:
    """Log the warnings of fits, each with the number of fits it came from."""
    counts = Counter(
        (result.task.pipeline, message) for result in results for message in result.messages
    )
    for (pipeline, message), number in counts.items():
        logger.warning("%s, in %d fits: %s", pipeline, number, message)


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Stop on Ctrl-C and SIGTERM, with workers ended and files closed.

    Python drops an exception that is raised inside a destructor or a callback of C code
    (threadpoolctl has such), and the run would continue. So the signal is recorded.

    Yields
    ------
    callable
        Raises KeyboardInterrupt or SystemExit if a signal was received.
    """
    received: list[int] = []

    def check() -> None:
        if signal.SIGINT in received:
            raise KeyboardInterrupt
        if received:
            sys.exit(128 + received[0])

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        check()

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = {signal.SIGINT: signal.signal(signal.SIGINT, handle)}
    # A handler that the user has set is kept.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        before[signal.SIGTERM] = signal.signal(signal.SIGTERM, handle)
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
