"""Models x data sets x protocol: scores, predictions, and what they are worth."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator
from tqdm.auto import tqdm

from ..recording import Recording
from ..training.estimators import make_estimator
from ..training.finetuning import FineTuneRegressor
from ..training.regressor import EEGRegressor
from ..windows.create import BOLDWindows
from .folds import describe_folds, folds_of
from .jobs import Job, Outcome, check_search
from .protocols import make_protocol
from .result import Evaluation, load_outcomes
from .running import (
    CONTROLS,
    check_controls,
    log_messages,
    plan,
    remembered_interrupt,
    run,
)
from .settings import describe_run
from .significance import MEAN
from .store import Store
from .study import Study
from .tables import scores_table

__all__ = ["evaluate"]

Data = Study | BOLDWindows | Iterable[Recording]


def evaluate(
    models: Mapping[str, BaseEstimator] | Sequence[str] | str,
    data: Data | Mapping[str, Data],
    protocol: Any = "subjects",
    *,
    n_splits: int = 5,
    source: str | None = None,
    target: str | None = None,
    seeds: Sequence[int] = (0,),
    controls: Sequence[str] = (),
    regions: str = "together",
    n_jobs: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    on_error: str = "record",
    settings: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Evaluation:
    """Evaluate models on recordings, so that nothing leaks.

    Each model is fitted on the training part of each fold and predicts the test part;
    scores are those of recordings, then of their means. BOLD is standardised by the
    training part. Where recordings are cut in time, BOLD is filtered in each part by
    itself.

    Fits run in parallel by joblib: ``n_jobs`` processes, or whatever
    ``joblib.parallel_config`` says, a dask cluster among them. Each result is written
    to `out` when it is there; the same call goes on where it was interrupted or
    killed, and gives the table of an undisturbed run.

    Parameters
    ----------
    models : mapping of str to estimator | sequence of str | str
        Models by name: :class:`~braindecode_bolt.EEGRegressor`, linear ones, or any
        scikit-learn regressor or search that takes windows. Names alone are those of
        :func:`~braindecode_bolt.training.estimator_names`.
    data : recordings | BOLDWindows | Study | mapping of str to one of them
        Recordings with prepared EEG and BOLD that was not filtered yet, windows of
        them, or several data sets by name.
    protocol : str | splitter
        A name in :data:`~braindecode_bolt.evaluation.PROTOCOLS` or a splitter that
        keeps EEG apart. Default ``"subjects"``: folds of whole people.
    n_splits : int
        Number of folds, where the protocol's name does not fix it. Default 5.
    source, target : str | None
        Tasks of the protocols ``"zero-shot"``, ``"joint"`` and ``"fine-tuned"``.
    seeds : sequence of int
        Each model that has a ``random_state`` is fitted with each. Default (0,).
    controls : sequence of {"wrong_subject", "constant_eeg"}
        Each model is trained and tested on such windows besides, see
        :mod:`braindecode_bolt.null.controls`.
    regions : {"together", "separately"}
        Whether a model predicts all regions (default), or one is fitted for each, as
        published.
    n_jobs : int | None
        Fits at the same time. By default one, or what joblib's configuration says.
    out : str | Path | None
        Results folder. None keeps results in memory. What the folder has of other
        models, seeds and controls of the same run, on these data sets, is in the
        tables, too.
    overwrite : bool
        Replace another run's results in `out`; a run of the same settings is gone on
        with.
    on_error : {"record", "raise"}
        What to do where a fit fails: note it and go on with the others (default), or
        raise its error.
    settings : mapping | None
        More to be kept with the results, such as how data were prepared; JSON-able.
    progress : bool
        Show a progress bar over fits, with the time left, and print a line for each.
        Default True.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        If models, data or arguments cannot be used, or the protocol tests on EEG that
        is trained on.
    TypeError
        If models are no estimators, data no recordings, or the protocol no splitter.
    ResultsError
        If `out` holds the results of another run, or something else.
    KeyboardInterrupt
        If the user interrupts; what is finished stays in `out`.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.evaluation import evaluate
    >>> recordings = SimulatedEEGfMRI(4, duration=120.0).load()
    >>> models = ["LaggedBandPower", "AlphaHRF"]
    >>> found = evaluate(models, recordings, n_splits=2, progress=False)
    >>> found.scores.groupby("pipeline")["score"].mean().index.tolist()
    ['AlphaHRF', 'LaggedBandPower']
    """
    models = _as_models(models)
    splitter = make_protocol(protocol, n_splits, source, target)
    if protocol == "fine-tuned":
        models = _fine_tuned(models, target)
    check_choices(models, seeds, controls, regions, on_error, settings)
    for name, model in models.items():
        check_search(name, model)
    studies = _as_studies(data)
    folds = {name: folds_of(splitter, study) for name, study in studies.items()}
    check_controls(studies, folds, controls)
    for name, study in studies.items():
        for fold in folds[name]:
            study.parted(fold.parts())  # What cannot be prepared is said at once.
    seeds = [int(seed) for seed in seeds]
    jobs = plan(studies, folds, models, controls, seeds, regions)
    for job in jobs:
        job.file_name()  # Too long a name is said at once, too.
    partitions = {name: describe_folds(parts) for name, parts in folds.items()}
    described = describe_run(studies, models, splitter, partitions, regions, settings or {})
    store = Store(out, described, overwrite)
    finished = store.finished()
    missing = [job for job in jobs if job not in finished]
    with _within_reach(studies, store.path) as reachable:
        outcomes = run(missing, reachable, folds, models, n_jobs, on_error)
        _collect(outcomes, store, studies, len(jobs), len(missing), progress)
    found = load_outcomes(store, studies)
    for name in ("scores", "predictions", "connectivity", "curves", "failures"):
        store.write_table(getattr(found, name), f"{name}.tsv")
    store.write_table(found.left_out, "left_out.tsv")
    return found


def _collect(
    outcomes: Iterator[Outcome],
    store: Store,
    studies: Mapping[str, Study],
    total: int,
    missing: int,
    progress: bool,
) -> None:
    done = total - missing
    if done and progress:
        print(f"{done} of {total} fits are there already.", flush=True)
    bar = tqdm(
        outcomes,
        "Fits",
        total,
        initial=done,
        leave=False,
        disable=None if progress else True,
    )
    new = []
    with remembered_interrupt() as interrupted:
        for outcome in bar:
            if interrupted:
                raise KeyboardInterrupt
            store.write(outcome)
            new.append(outcome)
            if progress:
                bar.write(_line(outcome, studies))
                # Into a pipe or a log file, too, as it happens.
                print(end="", flush=True)
    log_messages(new)


def _line(outcome: Outcome, studies: Mapping[str, Study]) -> str:
    job = outcome.job
    name = f"{job.pipeline}, {job.dataset}, fold {job.fold}"
    name += f", seed {job.seed}" if job.seed else ""
    name += f", {job.region}" if job.region else ""
    if outcome.error:
        return f"{name}: failed: {outcome.error.splitlines()[0]}"
    means = scores_table([outcome], studies)[["score", "mse"]].mean()
    return (
        f"{name}: R {means['score']:.2f}, MSE {means['mse']:.2f}, "
        f"{outcome.fit_seconds:.0f} s"
    )


def _as_models(
    models: Mapping[str, BaseEstimator] | Sequence[str] | str,
) -> dict[str, BaseEstimator]:
    if isinstance(models, str):
        models = [models]
    if not isinstance(models, Mapping):
        named = isinstance(models, Iterable) and list(models)
        if not isinstance(named, list) or not all(isinstance(n, str) for n in named):
            raise TypeError(
                f"models must be names, or a mapping of names to estimators such as "
                f"{{'ridge': LaggedBandPower()}}; got {models!r}."
            )
        models = {name: make_estimator(name) for name in named}
    if not models:
        raise ValueError("There are no models to evaluate.")
    for name, model in models.items():
        fits = hasattr(model, "fit") and hasattr(model, "predict")
        if not isinstance(name, str) or not fits or isinstance(model, type):
            raise TypeError(
                f"models must map names to estimators with fit and predict; {name!r} is "
                f"{model!r}."
            )
    return dict(models)


def _as_studies(data: Data | Mapping[str, Data]) -> dict[str, Study]:
    if not isinstance(data, Mapping):
        data = {"data": data}
    if not data:
        raise ValueError("There are no data to evaluate on.")
    studies = {str(name): Study.of(part) for name, part in data.items()}
    if len(studies) < len(data):
        raise ValueError(f"Data sets need different names, got {list(data)}.")
    for name, study in studies.items():
        if MEAN in study.windows.roi_names:
            raise ValueError(
                f"A region of {name} is called {MEAN!r}, as the mean over regions is in "
                "tables. Rename it."
            )
    return studies


def _fine_tuned(
    models: Mapping[str, BaseEstimator], target: str
) -> dict[str, BaseEstimator]:
    wrong = [n for n, model in models.items() if not isinstance(model, EEGRegressor)]
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)} cannot be fine-tuned: only an EEGRegressor has weights to "
            "go on from. Leave them out, or use the protocol 'joint'."
        )
    return {name: FineTuneRegressor(model, target) for name, model in models.items()}


def check_choices(
    models: Mapping[str, BaseEstimator],
    seeds: Sequence[int],
    controls: Sequence[str],
    regions: str = "together",
    on_error: str = "record",
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Raise where arguments of :func:`evaluate` are not what they should be.

    Parameters
    ----------
    models, seeds, controls, regions, on_error, settings
        As in :func:`evaluate`.

    Raises
    ------
    ValueError
        If one is not.
    """
    whole = isinstance(seeds, Sequence) and not isinstance(seeds, str)
    whole = whole and all(
        isinstance(seed, Integral) and type(seed) is not bool and 0 <= seed < 2**32
        for seed in seeds
    )
    if not whole or not len(seeds) or len(set(seeds)) != len(seeds):
        raise ValueError(
            f"seeds must be a list of different whole numbers, not negative; got {seeds!r}."
        )
    listed = isinstance(controls, Sequence) and not isinstance(controls, str)
    unknown = [name for name in controls if name not in CONTROLS] if listed else controls
    if not listed or unknown or len(set(controls)) != len(controls):
        raise ValueError(
            f"controls must be a list of different ones of {', '.join(CONTROLS)}; got "
            f"{controls!r}."
        )
    pipelines = [Job("", m, c, 0, 1).pipeline for m in models for c in ("", *controls)]
    if len(set(pipelines)) < len(pipelines):
        raise ValueError(
            f"Models and their controls must have different names, got {pipelines}."
        )
    try:
        json.dumps({} if settings is None else dict(settings), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"settings must be a mapping that JSON can hold, got {settings!r} ({error})."
        ) from error
    for name, value, choices in (
        ("regions", regions, ("together", "separately")),
        ("on_error", on_error, ("record", "raise")),
    ):
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")


@contextmanager
def _within_reach(
    studies: Mapping[str, Study], folder: Path | None
) -> Iterator[dict[str, Study]]:
    """Put EEG from memory into files where other machines are to read it.

    With dask each task would carry all of it. Data that are sent ahead instead are
    lost with the worker that holds them.
    """
    backend, _ = get_active_backend()
    if "Dask" not in type(backend).__name__:
        yield dict(studies)
        return
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".eeg-") as place:
        yield {
            name: replace(
                study,
                windows=replace(
                    study.windows, X=study.windows.X.on_disk(Path(place) / str(number))
                ),
            )
            for number, (name, study) in enumerate(studies.items())
        }
