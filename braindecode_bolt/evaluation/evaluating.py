"""Models x data sets x protocol: plan, run, collect; judging the scores comes after."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from tqdm.auto import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from ..recording import Recording
from ..training.callbacks import HIDE_IN_FILES
from ..windows.create import BOLDWindows
from .checks import as_models, as_studies, check_choices, fine_tuned
from .collect import Evaluation, collect, scores_table
from .loading import write_evaluation
from .plan import Plan
from .run import FoldResult, log_messages, run, stoppable
from .store import Store
from .study import Study
from .text import printable
from .unseen import check_unseen

__all__ = ["evaluate"]

logger = logging.getLogger(__name__)

Data = Study | BOLDWindows | Iterable[Recording]


def evaluate(
    models: Mapping[str, BaseEstimator | str] | Sequence[str] | str,
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
    command: str = "",
    keep_models: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Evaluate models on recordings, without leakage from training to test.

    Each model is fitted on the training part of each fold and predicts the test part.
    Scores are those of single recordings, then averaged. BOLD is standardised by the
    training part. If recordings are cut in time, the BOLD of each part is filtered
    separately.

    Fits run in parallel by joblib: in ``n_jobs`` processes, or as
    ``joblib.parallel_config`` says, also on a dask cluster. With `out`, each result is
    written as soon as it is available; the same call resumes an interrupted run and gives
    the tables of an undisturbed one.

    Parameters
    ----------
    models : mapping of str to (estimator | str) | sequence of str | str
        Models by name: :class:`~braindecode_bolt.EEGRegressor`, linear ones, or any
        scikit-learn regressor, pipeline or search that takes windows. Names alone, and
        strings in the place of an estimator, are those of
        :func:`~braindecode_bolt.training.make_estimator`.
    data : recordings | BOLDWindows | Study | mapping of str to one of them
        Recordings with prepared EEG and BOLD that is not filtered yet, windows of
        them, or several data sets by name.
    protocol : str | splitter | iterable of (train, test), default "subjects"
        A name in :data:`~braindecode_bolt.evaluation.PROTOCOLS`, a splitter that
        keeps EEG apart, or the rows of the windows to train and to test on, fold by
        fold, as scikit-learn takes them for ``cv``. ``"subjects"``: folds of whole
        subjects.
    n_splits : int, default 5
        Number of folds, at least 2, if the protocol does not fix it.
    source : str | None
        Task to train on, of the protocols ``"zero-shot"``, ``"joint"`` and
        ``"fine-tuned"``.
    target : str | None
        Task to test on, of the same.
    seeds : sequence of int, default (0,)
        Each model that has a ``random_state`` is fitted with each.
    controls : sequence of {"wrong_subject", "constant_eeg"}, default ()
        Each model is also trained and tested on such windows, see
        :mod:`braindecode_bolt.null.controls`.
    regions : {"together", "separately"}, default "together"
        Whether a model predicts all regions together, or one is fitted for each, as
        published.
    n_jobs : int | None
        Fits at the same time. By default one, or what joblib's configuration says.
    out : str | Path | None
        Results folder. None keeps results in memory. The tables also hold other
        models, seeds and controls of the same run on these data sets that are in the
        folder already.
    overwrite : bool, default False
        Delete another run's results in `out`. A run with the same settings is resumed.
    on_error : {"record", "raise"}, default "record"
        If a fit fails: record the error and continue with the others, or
        raise it. A worker process that is killed is an error of its fit.
    settings : mapping | None
        Further settings to keep with the results, such as how data were prepared;
        JSON-able. A run with other settings is a different run.
    progress : bool, default True
        Print a line for each finished fit and, in terminals and notebooks, show a bar
        with the time left of all fits, and one of the current fit if fits run one at a
        time. Without it the models show nothing, either, and a fit that fails is logged
        as a warning.
    command : str, default ""
        The command that calls this, for the report. It decides nothing.
    keep_models : mapping | None
        Keep the model of each fold in ``models/`` of `out`, as a folder of
        :class:`~braindecode_bolt.BOLDPredictor`. Give the arguments of
        :func:`~braindecode_bolt.prepare_eeg` with which the recordings were prepared
        (empty for its defaults): the predictor prepares new EEG in the same way. Models
        of controls are not kept, nor those of fits that `out` has already. Models that
        cannot be saved are named in `messages`. By default none is kept.

    Returns
    -------
    Evaluation
        Tables of scores, predictions and what failed.

    Raises
    ------
    ProtocolError
        If the recordings are too few or too short for a protocol given by name.
    ValueError
        If models, data or arguments cannot be used, or the protocol tests on EEG that
        is trained on, or that the encoder of a model was pre-trained on.
    TypeError
        If models are no estimators, data no recordings, or the protocol no splitter.
    ResultsError
        If `out` holds results of another run, damaged ones or something else, or
        another run is writing there.
    RuntimeError
        If a fit fails and `on_error` is ``"raise"``.
    KeyboardInterrupt
        On Ctrl-C; what is finished stays in `out`.
    SystemExit
        On SIGTERM, in the same way.

    See Also
    --------
    load_evaluation : Reads the result back from the folder.
    summarise : Compares it with chance; ``Evaluation.summary`` calls it.
    braindecode_bolt.report.write_report : Writes it as a page.

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
    models = as_models(models)
    if protocol == "fine-tuned" and target is not None:
        models = fine_tuned(models, target)
    check_choices(models, seeds, controls, regions, on_error, settings)
    plan = Plan.of(
        as_studies(data),
        models,
        protocol,
        n_splits,
        (source, target),
        controls,
        seeds,
        regions,
        settings or {},
    )
    check_unseen(plan)
    if keep_models is not None and out is None:
        raise ValueError("keep_models needs a results folder: give out.")
    with Store(out, plan, overwrite) as store:
        missing = [task for task in plan.tasks if task not in store.results]
        _run(plan, missing, store, n_jobs, on_error, progress, keep_models)
        store.load()  # What other processes have done meanwhile.
        found = collect(store, plan)
        found = replace(found, command=command)
        if store.path:
            write_evaluation(found, store.path)
    return found


def _run(
    plan: Plan,
    missing: list,
    store: Store,
    n_jobs: int | None,
    on_error: str,
    progress: bool,
    keep_models: Mapping[str, Any] | None,
) -> None:
    """Do the missing tasks, keep each result, and show how far it is."""
    total, done = len(plan.tasks), len(plan.tasks) - len(missing)
    if done and progress:
        print(f"{done} of {total} fits are there already.", flush=True)
    new = []
    shown = plan if progress else plan.silent()
    bar = {
        "desc": "All fits",
        "total": total,
        "initial": done,
        "unit": "fit",
        "leave": False,
        "smoothing": 0,  # Models take different times: the mean says how long it takes.
        "disable": HIDE_IN_FILES if progress else True,
    }
    with (
        stoppable() as check,
        logging_redirect_tqdm(),  # Log lines stand above the bar.
        closing(run(shown, missing, n_jobs, on_error, store.path, keep_models)) as results,
        tqdm(**bar) as all_fits,
    ):
        for result in results:
            check()
            store.write(result)
            new.append(result)
            all_fits.update()
            if progress:
                tqdm.write(printable(_line(result, plan)))
                sys.stdout.flush()  # Pipes and log files get the line at once, too.
            elif result.error:
                logger.warning("%s", printable(_line(result, plan)))
    check()
    log_messages(new)


def _line(result: FoldResult, plan: Plan) -> str:
    title = result.task.title
    if result.error:
        return f"{title}: failed: {result.error}"
    means = scores_table([result], plan)[["score", "mse"]].mean()
    r = "undefined" if means.isna()["score"] else f"{means['score']:.2f}"
    return f"{title}: R {r}, MSE {means['mse']:.2f}, {result.fit_seconds:.0f} s"
