"""Models x data sets x protocol: scores, predictions, and what they are worth."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator
from tqdm.auto import tqdm

from ..estimators import make_estimator
from ..recording import Recording
from ..windows import BOLDWindows
from .jobs import Job, Outcome, check_search
from .protocols import make_protocol
from .running import CONTROLS, folds_of, log_messages, plan, remembered_interrupt, run
from .settings import describe_run
from .significance import compare_pipelines, summarise
from .store import Store
from .study import Study
from .tables import (
    connectivity_table,
    curves_table,
    in_order,
    predictions_table,
    scores_table,
)

__all__ = ["Evaluation", "evaluate"]

logger = logging.getLogger(__name__)

Data = Study | BOLDWindows | Iterable[Recording]


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What came of an evaluation.

    Attributes
    ----------
    scores : pandas.DataFrame
        A row per ``dataset``, ``pipeline`` (the model, with its control where there is
        one), ``seed``, ``fold``, ``recording`` and ``region``, with

        - ``subject``, ``session``, ``run``, ``task``, ``site`` of the recording;
        - ``score``: Pearson R over the tested windows of the recording;
        - ``mse``: in variances of the BOLD that was trained on;
        - ``r2``, ``spearman``;
        - ``best_lag``, ``score_at_best_lag``: the lag in seconds (positive: the
          prediction comes late) within 10 s at which R is largest, and that R;
        - ``control_r``: mean R of the same predictions against the BOLD of the other
          recordings at the same volumes;
        - ``ceiling``, ``ceiling_window``: R of the BOLD before noise was added, where
          it was simulated, and the same with the response cut to the window;
        - ``samples`` (windows tested), ``n_train`` (windows trained on), ``channels``,
          ``time`` and ``predict_time`` (seconds of the fit and the prediction).

        Undefined scores (of constant predictions) are NaN. The columns are named as
        MOABB names them; see :meth:`to_moabb`.
    predictions : pandas.DataFrame
        A row per window: the same keys, ``volume``, and for each region
        ``measured:<region>`` and ``predicted:<region>``.
    connectivity : pandas.DataFrame
        Per recording, ``connectivity_r``: R between the correlations among regions in
        predicted and measured BOLD.
    curves : pandas.DataFrame
        ``train_loss`` and ``valid_loss`` per epoch, of models that have epochs.
    failures : pandas.DataFrame
        Folds that failed, with ``error`` and ``details``.
    messages : pandas.DataFrame
        Warnings of the fits, and the number of fits they came from.
    left_out : pandas.DataFrame
        Per data set and recording, volumes without a window and why.
    regions : dict of str to list of str
        Regions of each data set.
    tr : dict of str to list of float
        Repetition times in seconds of its recordings.
    settings : dict
        All that decided the result: hashes of the data, arguments, versions.
    folder : Path | None
        Where the results are kept.
    """

    scores: pd.DataFrame
    predictions: pd.DataFrame
    connectivity: pd.DataFrame
    curves: pd.DataFrame
    failures: pd.DataFrame
    messages: pd.DataFrame
    left_out: pd.DataFrame
    regions: dict[str, list[str]]
    tr: dict[str, list[float]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    def summary(
        self,
        method: str = "phase",
        n_surrogates: int = 10_000,
        level: float = 0.95,
        random_state: int = 0,
    ) -> pd.DataFrame:
        """Average over recordings, and compare with chance.

        Parameters
        ----------
        method : {"phase", "shift", "block"}
            Null model, see :func:`~braindecode_bolt.null.null_r`. Default new phases.
        n_surrogates : int
            Default 10,000.
        level : float
            Level of confidence intervals and of the null band. Default 0.95.
        random_state : int
            Seed of surrogates and bootstrap. Default 0.

        Returns
        -------
        pandas.DataFrame
            See :func:`~braindecode_bolt.evaluation.summarise`.
        """
        return summarise(
            self.scores,
            self.predictions,
            self.tr,
            method,
            n_surrogates,
            level,
            random_state,
        )

    def compare(self) -> pd.DataFrame:
        """Test each pipeline against each other one, paired over subjects.

        Returns
        -------
        pandas.DataFrame
            See :func:`~braindecode_bolt.evaluation.compare_pipelines`.
        """
        return compare_pipelines(self.to_moabb())

    def to_moabb(self, region: str | None = None) -> pd.DataFrame:
        """Give the scores as MOABB's statistics and plots take them.

        Parameters
        ----------
        region : str | None
            One region. By default the mean over regions.

        Returns
        -------
        pandas.DataFrame
            A row per ``dataset``, ``pipeline``, ``subject`` and ``session`` with
            ``score``, ``time``, ``samples`` and ``channels``, averaged over seeds,
            recordings and regions. Where a score is undefined the row is left out,
            which is logged.

        Raises
        ------
        ValueError
            If there is no such region.
        """
        table = self.scores
        if region is not None:
            table = table[table["region"] == region]
            if not len(table):
                raise ValueError(
                    f"There is no region {region!r}; there are "
                    f"{', '.join(dict.fromkeys(self.scores['region']))}."
                )
        keys = ["dataset", "pipeline", "subject", "session"]
        if not len(table):
            return pd.DataFrame(columns=[*keys, "score", "time", "samples", "channels"])
        filled = table.assign(session=table["session"].fillna("0").astype(str))
        values = ["score", "time", "samples", "channels"]
        means = filled.groupby(keys, sort=False)[values].mean().reset_index()
        undefined = means["score"].isna()
        if undefined.any():
            logger.warning(
                "%d of %d scores are undefined (constant predictions) and left out, of %s",
                undefined.sum(),
                len(means),
                ", ".join(dict.fromkeys(means.loc[undefined, "pipeline"])),
            )
        return means[~undefined].reset_index(drop=True)

    def __repr__(self) -> str:  # noqa: D105
        n_failed = f", {len(self.failures)} folds failed" if len(self.failures) else ""
        return (
            f"<Evaluation: {self.scores['dataset'].nunique()} data sets, "
            f"{self.scores['pipeline'].nunique()} pipelines, "
            f"{self.scores['recording'].nunique()} recordings, "
            f"{self.scores['region'].nunique()} regions{n_failed}>"
        )


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
        :func:`~braindecode_bolt.estimators.estimator_names`.
    data : recordings | BOLDWindows | Study | mapping of str to one of them
        Recordings with prepared EEG and BOLD that was not filtered yet, windows of
        them, or several data sets by name.
    protocol : str | splitter
        A name in :data:`~braindecode_bolt.evaluation.PROTOCOLS` or a splitter. Default
        ``"subjects"``: folds of whole people.
    n_splits : int
        Number of folds, where the protocol's name does not fix it. Default 5.
    source, target : str | None
        Tasks of the protocols ``"zero-shot"``, ``"joint"`` and ``"fine-tuned"``.
    seeds : sequence of int
        Each model that has a ``random_state`` is fitted with each. Default (0,).
    controls : sequence of {"wrong_subject", "constant_eeg"}
        Each model is trained and tested on such windows besides, see
        :mod:`braindecode_bolt.controls`.
    regions : {"together", "separately"}
        Whether a model predicts all regions (default), or one is fitted for each, as
        published.
    n_jobs : int | None
        Fits at the same time. By default one, or what joblib's configuration says.
    out : str | Path | None
        Results folder. None keeps results in memory.
    overwrite : bool
        Replace another run's results in `out`.
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
        If models, data or arguments cannot be used.
    ResultsError
        If `out` holds the results of another run, or something else.
    KeyboardInterrupt
        If the user interrupts; what is finished stays in `out`.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.evaluation import evaluate
    >>> recordings = SimulatedEEGfMRI(4, duration=120.0).load()
    >>> found = evaluate(["LaggedBandPower", "AlphaHRF"], recordings, n_splits=2)
    >>> found.scores.groupby("pipeline")["score"].mean().index.tolist()
    ['AlphaHRF', 'LaggedBandPower']
    """
    models = _as_models(models)
    studies = _as_studies(data)
    splitter = make_protocol(protocol, n_splits, source, target)
    if protocol == "fine-tuned":
        models = _fine_tuned(models, target)
    _check_choices(seeds, controls, regions, on_error)
    for name, model in models.items():
        check_search(name, model)
    folds = {name: folds_of(splitter, study) for name, study in studies.items()}
    for name, study in studies.items():
        for fold in folds[name]:
            study.parted(fold.parts())  # What cannot be prepared is said at once.
    jobs = plan(studies, folds, models, controls, seeds, regions)
    described = describe_run(studies, models, splitter, regions, settings or {})
    store = Store(out, described, overwrite)
    for job in jobs:
        job.file_name()  # Too long a name is said at once, too.
    with _within_reach(studies, store.path) as reachable:
        outcomes = run(
            [job for job in jobs if job not in store.finished()],
            reachable,
            folds,
            models,
            n_jobs,
            on_error,
        )
        _collect(outcomes, store, studies, len(jobs), progress)
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
    progress: bool,
) -> None:
    done = min(len(store.finished()), total)
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


def load_outcomes(store: Store, studies: Mapping[str, Study]) -> Evaluation:
    """Make tables of the outcomes that a store holds.

    Parameters
    ----------
    store : Store
        The store.
    studies : mapping of str to Study
        Data sets by name. Outcomes of others are left aside.

    Returns
    -------
    Evaluation
    """
    known = [o for o in store.outcomes() if o.job.dataset in studies]
    outcomes = in_order(known, list(store.settings.get("models", {})))
    failures = [o for o in store.failures() if o.job.dataset in studies]
    predictions = predictions_table(outcomes, studies)
    connectivity = [
        connectivity_table(part, studies[name].windows.roi_names)
        for name, part in predictions.groupby("dataset", sort=False)
    ]
    left_out = [
        study.windows.left_out.assign(dataset=name) for name, study in studies.items()
    ]
    messages = [
        {"pipeline": outcome.job.pipeline, "message": message}
        for outcome in outcomes
        for message in outcome.messages
    ]
    counted = pd.DataFrame(messages, columns=["pipeline", "message"]).value_counts()
    return Evaluation(
        scores_table(outcomes, studies),
        predictions,
        pd.concat(connectivity, ignore_index=True)
        if connectivity
        else connectivity_table(predictions, []),
        curves_table(outcomes),
        pd.DataFrame(
            [{**vars(o.job), "error": o.error, "details": o.details} for o in failures],
            columns=[*(item.name for item in fields(Job)), "error", "details"],
        ),
        counted.rename("n_fits").reset_index(),
        pd.concat(left_out, ignore_index=True),
        {name: list(study.windows.roi_names) for name, study in studies.items()},
        {name: list(study.tr) for name, study in studies.items()},
        store.settings,
        store.path,
    )


def _as_models(
    models: Mapping[str, BaseEstimator] | Sequence[str] | str,
) -> dict[str, BaseEstimator]:
    if isinstance(models, str):
        models = [models]
    if not isinstance(models, Mapping):
        models = {name: make_estimator(name, verbose=0) for name in models}
    if not models:
        raise ValueError("There are no models to evaluate.")
    for name, model in models.items():
        if not (hasattr(model, "fit") and hasattr(model, "predict")):
            raise TypeError(
                f"{name} is no estimator with fit and predict but {type(model).__name__}."
            )
    return dict(models)


def _as_studies(data: Data | Mapping[str, Data]) -> dict[str, Study]:
    if not isinstance(data, Mapping):
        data = {"data": data}
    if not data:
        raise ValueError("There are no data to evaluate on.")
    return {str(name): Study.of(part) for name, part in data.items()}


def _fine_tuned(
    models: Mapping[str, BaseEstimator], target: str
) -> dict[str, BaseEstimator]:
    from ..finetuning import FineTuneRegressor
    from ..regressor import EEGRegressor

    wrong = [n for n, model in models.items() if not isinstance(model, EEGRegressor)]
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)} cannot be fine-tuned: only an EEGRegressor has weights to "
            "go on from. Leave them out, or use the protocol 'joint'."
        )
    return {name: FineTuneRegressor(model, target) for name, model in models.items()}


def _check_choices(
    seeds: Sequence[int], controls: Sequence[str], regions: str, on_error: str
) -> None:
    if not len(seeds) or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds must be different numbers, got {list(seeds)}.")
    unknown = [name for name in controls if name not in CONTROLS]
    if unknown:
        raise ValueError(
            f"There is no control {', '.join(unknown)}; there are {', '.join(CONTROLS)}."
        )
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
