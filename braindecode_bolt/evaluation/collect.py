"""Results as tables: scores, predictions, connectivity, training curves, failures."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._text import counted
from ..metrics import (
    best_lag,
    ceilings,
    mse,
    pearson_r,
    r2,
    spearman_r,
)
from .connectivity import connectivity_table, summarise_connectivity
from .coverage import coverage_table
from .judge import FEWEST, common_cells, compare_pipelines, summarise
from .plan import FitTask, Plan, Targets
from .run import FoldResult
from .store import Store
from .study import Study

__all__ = ["Evaluation", "collect", "scores_table"]

logger = logging.getLogger(__name__)

#: What a row of every table is about.
KEYS = ["dataset", "pipeline", "model", "control", "seed", "fold"]
#: What is known of the recording.
ENTITIES = ["subject", "session", "run", "task", "site"]
#: Longest lag in seconds, if the recording is long enough.
_MAX_LAG = 10.0


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The result of an evaluation.

    Made by :func:`evaluate`, or read from its folder by :func:`load_evaluation`.

    Attributes
    ----------
    scores : pandas.DataFrame
        A row per ``dataset``, ``pipeline`` (``model``, with its ``control`` where there
        is one), ``seed``, ``fold``, ``recording`` and ``region``, with

        - ``subject``, ``session``, ``run``, ``task``, ``site`` of the recording;
        - ``score``: Pearson R over the tested windows of the recording;
        - ``mse``: mean squared error in variances of the training BOLD;
        - ``r2``, ``spearman``;
        - ``best_lag``, ``score_at_best_lag``: the lag in seconds (positive: the
          prediction comes late) within 10 s at which R is largest, and that R;
        - ``cross_recording_r``: the between-subject null, mean R of the same predictions
          with the BOLD of the other recordings at the same volumes (for the control
          ``wrong_subject`` without the recording whose EEG was used);
        - ``noise_ceiling``: R of the BOLD with and without noise, if it was simulated;
          ``window_limited_noise_ceiling``: the same with the part of the haemodynamic
          response that lies in the window;
        - ``samples`` (windows tested), ``n_train`` (windows given to the fit, which
          may validate on some), ``channels``, ``time`` and ``predict_time`` (seconds of
          the fit and the prediction).

        Scores are undefined (NaN) for constant predictions and for fewer than 8
        windows; the mean squared error always has a value. Empty if all fits failed.
        The columns are named as in MOABB; see :meth:`to_moabb`.
    predictions : pandas.DataFrame
        A row per window: the same keys, ``volume``, and for each region
        ``measured:<region>`` and ``predicted:<region>``.
    connectivity : pandas.DataFrame
        Per recording, ``connectivity_r``: R between the correlations among regions in
        predicted and measured BOLD; and the same of two rivals that ignore EEG:
        ``group_connectivity_r`` of the mean connectivity of the training recordings, and
        ``constant_eeg_connectivity_r`` of the fitted model on EEG that does not change
        (NaN if its predictions are constant, as those of models without randomness are).
    curves : pandas.DataFrame
        ``train_loss`` and ``valid_loss`` per epoch, of models that have epochs.
    failures : pandas.DataFrame
        Fits that failed, with ``error`` and ``details``.
    messages : pandas.DataFrame
        Warnings of the fits, and the number of fits they came from.
    left_out : pandas.DataFrame
        Per data set and recording, volumes without a window and why.
    regions : dict of str to list of str
        Regions of each data set.
    tr : dict of str to list of float
        Repetition times in seconds of its recordings.
    settings : dict
        What decided the result: hashes of the data, arguments, versions.
    folder : Path | None
        The results folder.
    coverage : pandas.DataFrame
        How often 90 % intervals hold for each person and region, see
        :func:`~braindecode_bolt.evaluation.coverage.coverage_table`.
    channels : dict of str to list of str
        EEG channels of each data set.
    windows : dict of str to dict
        Of each data set ``seconds`` (length of a window), ``sfreq`` and ``low_pass``
        (of the BOLD, None for none) in Hz, and ``lag_seconds``.
    command : str, default ""
        The command that made it, if it was one.
    couplings : dict of str to list of str
        What simulated BOLD of each data set follows, as names of
        ``datasets.COUPLINGS``; empty for BOLD that was recorded, and where the
        recordings do not say it.
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
    coverage: pd.DataFrame = field(default_factory=pd.DataFrame)
    channels: dict[str, list[str]] = field(default_factory=dict)
    windows: dict[str, dict[str, float | None]] = field(default_factory=dict)
    command: str = ""
    couplings: dict[str, list[str]] = field(default_factory=dict)

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
        method : {"phase", "shift", "block"}, default "phase"
            Null model, see :func:`~braindecode_bolt.null.null_r`.
        n_surrogates : int, default 10000
            Surrogates of the measured BOLD.
        level : float, default 0.95
            Level of confidence intervals and of the null band, between 0 and 1.
        random_state : int, default 0
            Seed of surrogates and bootstrap.

        Returns
        -------
        pandas.DataFrame
            That of :func:`~braindecode_bolt.evaluation.summarise`: a row per data set,
            pipeline and region, and for the mean over regions.

        Raises
        ------
        ValueError
            If an argument is out of range.
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
            That of :func:`~braindecode_bolt.evaluation.compare_pipelines`: a row per data
            set and ordered pair of pipelines.
        """
        return compare_pipelines(self.scores)

    def connectivity_summary(self) -> pd.DataFrame:
        """Average R of connectivity, and test it against rivals that ignore EEG.

        Returns
        -------
        pandas.DataFrame
            That of :func:`~braindecode_bolt.evaluation.summarise_connectivity`: a row per
            data set and pipeline.
        """
        return summarise_connectivity(self.predictions, self.connectivity, self.regions)

    def to_moabb(self, region: str | None = None) -> pd.DataFrame:
        """Give the scores in the form of MOABB's statistics and plots.

        Parameters
        ----------
        region : str | None
            One region. By default the mean over regions.

        Returns
        -------
        pandas.DataFrame
            A row per ``dataset``, ``pipeline``, ``subject`` and ``session`` with
            ``score``, ``time``, ``samples`` and ``channels``, averaged over seeds,
            recordings and regions. Only recordings and regions in which all pipelines
            of the data set have a score; the number of others is logged. Pipelines
            without any score are left out.

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
        values = ["score", "time", "samples", "channels"]
        if not len(table):
            return pd.DataFrame(columns=[*keys, *values])
        table = table.assign(session=table["session"].fillna("0").astype(str))
        parts = []
        for dataset, part in table.groupby("dataset", sort=False):
            cells, wide = common_cells(part)
            undefined = set(part["pipeline"]) - set(wide)
            if undefined or len(wide) > len(cells):
                logger.warning(
                    "%s: %d of %d recordings and regions are left out because not all "
                    "pipelines have a score there. Without any score: %s",
                    dataset,
                    len(wide) - len(cells),
                    len(wide),
                    ", ".join(sorted(undefined)) or "none",
                )
            units = pd.MultiIndex.from_frame(part[list(wide.index.names)])
            kept = units.isin(cells.index) & part["pipeline"].isin(wide.columns)
            parts.append(part[kept])
        return pd.concat(parts).groupby(keys, sort=False)[values].mean().reset_index()

    def __repr__(self) -> str:  # noqa: D105
        numbers = [
            counted(self.scores[name].nunique(), noun)
            for name, noun in (
                ("dataset", "data set"),
                ("pipeline", "pipeline"),
                ("recording", "recording"),
                ("region", "region"),
            )
        ]
        if len(self.failures):
            numbers.append(f"{counted(len(self.failures), 'fit')} failed")
        return f"<Evaluation: {', '.join(numbers)}>"


def collect(store: Store, plan: Plan) -> Evaluation:
    """Make tables of the results that a store holds of the data sets of a plan."""
    places = {name: place for place, name in enumerate(store.settings["models"])}

    def order(task: FitTask) -> tuple:
        """In the order of the models, controls behind their model."""
        place = places[task.model]
        return (task.dataset, place, task.control, task.seed, task.fold, task.region)

    results, failures = (
        [kept[task] for task in sorted(kept, key=order) if task.dataset in plan.studies]
        for kept in (store.results, store.failures)
    )
    predictions = predictions_table(results, plan)
    messages = [
        {"pipeline": result.task.pipeline, "message": message}
        for result in results
        for message in result.messages
    ]
    messages = pd.DataFrame(messages, columns=["pipeline", "message"]).value_counts()
    left_out = [
        study.windows.left_out.assign(dataset=name) for name, study in plan.studies.items()
    ]
    regions = {name: list(study.windows.roi_names) for name, study in plan.studies.items()}
    return Evaluation(
        scores_table(results, plan),
        predictions,
        connectivity_table(predictions, results, plan),
        curves_table(results),
        pd.DataFrame(
            [{**vars(f.task), "error": f.error, "details": f.details} for f in failures],
            columns=[*(item.name for item in fields(FitTask)), "error", "details"],
        ),
        messages.rename("n_fits").reset_index(),
        pd.concat(left_out, ignore_index=True),
        regions,
        {name: list(study.tr) for name, study in plan.studies.items()},
        store.settings,
        store.path,
        coverage_table(predictions, regions),
        {name: list(study.windows.ch_names) for name, study in plan.studies.items()},
        {name: _windows_of(study) for name, study in plan.studies.items()},
        couplings={name: list(study.couplings) for name, study in plan.studies.items()},
    )


def _windows_of(study: Study) -> dict[str, float | None]:
    X = study.windows.X
    return {
        "seconds": X.shape[-1] / X.sfreq,
        "sfreq": float(X.sfreq),
        "lag_seconds": X.lag_seconds,
        "low_pass": study.low_pass,
    }


def scores_table(results: Sequence[FoldResult], plan: Plan) -> pd.DataFrame:
    """Score each recording and region; the columns are those of Evaluation.scores."""
    parts = [part for result in results for part in _of_recordings(result, plan)]
    if not parts:
        return pd.DataFrame(columns=[*KEYS, "recording", *ENTITIES, "region", "score"])
    return pd.concat(parts, ignore_index=True)


def _of_recordings(result: FoldResult, plan: Plan) -> Iterator[pd.DataFrame]:
    task, study = result.task, plan.studies[result.task.dataset]
    targets = plan.targets(task)
    metadata = study.windows.metadata.iloc[targets.rows].reset_index(drop=True)
    for recording, rows in metadata.groupby("recording").indices.items():
        with warnings.catch_warnings():
            # Undefined scores are NaN, and counted in the summary.
            warnings.simplefilter("ignore", UserWarning)
            scores = _scores(result, targets, rows)
            measured, predicted = targets.y_test[rows], result.predicted[rows]
            volumes = metadata["volume"][rows]
            tr = study.tr[int(recording)]
            scores |= _lags(volumes.to_numpy(), measured, predicted, tr)
            scores["cross_recording_r"] = _cross_recording_r(
                plan, task, int(recording), volumes, predicted
            )
        table = pd.DataFrame({"region": plan.regions(task), **scores})
        yield _with_keys(
            table.assign(
                samples=len(rows),
                n_train=len(targets.train),
                channels=len(study.windows.ch_names),
                time=result.fit_seconds,
                predict_time=result.predict_seconds,
            ),
            task,
            recording=study.names[int(recording)],
            **{name: metadata.iloc[rows[0]].get(name) for name in ENTITIES},
        )


def _scores(
    result: FoldResult, targets: Targets, rows: np.ndarray
) -> dict[str, np.ndarray]:
    measured, predicted = targets.y_test[rows], result.predicted[rows]
    scores = {
        "score": pearson_r(measured, predicted),
        "r2": r2(measured, predicted),
        "spearman": spearman_r(measured, predicted),
    }
    if len(rows) < FEWEST:
        scores = {name: np.full_like(values, np.nan) for name, values in scores.items()}
    noiseless = (targets.noiseless, targets.noiseless_window)
    noiseless = [None if part is None else part[rows] for part in noiseless]
    error = mse(measured / result.scale, predicted / result.scale)
    return {**scores, "mse": error, **ceilings(measured, *noiseless)}


def _lags(
    volumes: np.ndarray, measured: np.ndarray, predicted: np.ndarray, tr: float
) -> dict[str, np.ndarray]:
    """Lag of the best correlation, where the volumes follow each other."""
    unknown = np.full(measured.shape[1], np.nan)
    longest = min(_MAX_LAG, len(volumes) // 4 * tr)
    if len(volumes) < FEWEST or not longest >= tr or (np.diff(volumes) != 1).any():
        return {"best_lag": unknown, "score_at_best_lag": unknown}
    lags, r = best_lag(measured, predicted, tr, longest)
    return {"best_lag": lags, "score_at_best_lag": r}


def _cross_recording_r(
    plan: Plan, task: FitTask, recording: int, volumes: pd.Series, predicted: np.ndarray
) -> np.ndarray:
    """Mean R of predictions with the BOLD of other recordings, same volumes."""
    windows = plan.studies[task.dataset].windows
    columns = [windows.roi_names.index(region) for region in plan.regions(task)]
    metadata = windows.metadata.reset_index(drop=True)
    # The BOLD of the donor of the EEG is no null.
    own = {recording, plan.donors(task).get(recording)}
    all_r = []
    for other, rows in metadata.groupby("recording").indices.items():
        if other in own:
            continue
        row_of = pd.Series(rows, index=metadata["volume"].to_numpy()[rows])
        common = volumes.isin(row_of.index).to_numpy()
        if common.sum() >= FEWEST:
            measured = windows.y[row_of[volumes[common]].to_numpy()][:, columns]
            all_r.append(pearson_r(measured, predicted[common]))
    return np.mean(all_r, axis=0) if all_r else np.full(len(columns), np.nan)


def _with_keys(table: pd.DataFrame, fit: FitTask, **more: Any) -> pd.DataFrame:
    """Put in front of a table's columns what its rows are about."""
    front = {key: getattr(fit, key) for key in KEYS} | more
    for position, (name, value) in enumerate(front.items()):
        table.insert(position, name, value)
    return table


def predictions_table(results: Sequence[FoldResult], plan: Plan) -> pd.DataFrame:
    """Measured and predicted BOLD, a row per window."""
    merged: dict[tuple, pd.DataFrame] = {}
    for result in results:
        task, study = result.task, plan.studies[result.task.dataset]
        targets = plan.targets(task)
        series = {}
        for column, region in enumerate(plan.regions(task)):
            series[f"measured:{region}"] = targets.y_test[:, column]
            series[f"predicted:{region}"] = result.predicted[:, column]
        key = tuple(getattr(task, name) for name in KEYS)
        if key not in merged:
            metadata = study.windows.metadata.iloc[targets.rows].reset_index(drop=True)
            names = np.array(study.names)[metadata["recording"]]
            front = metadata.reindex(columns=[*ENTITIES, "volume"])
            merged[key] = _with_keys(front, task, recording=names)
        # Regions that were predicted one by one stand beside each other.
        merged[key] = pd.concat([merged[key], pd.DataFrame(series)], axis=1)
    if not merged:
        return pd.DataFrame(columns=[*KEYS, "recording", *ENTITIES, "volume"])
    return pd.concat(merged.values(), ignore_index=True)


def curves_table(results: Sequence[FoldResult]) -> pd.DataFrame:
    """Losses of each epoch, of models that have epochs."""
    losses = ["train_loss", "valid_loss"]
    parts = []
    for result in results:
        if result.history:
            table = pd.DataFrame(result.history).reindex(columns=losses)
            table.insert(0, "epoch", np.arange(1, len(table) + 1))
            parts.append(_with_keys(table, result.task, region=result.task.region))
    if not parts:
        return pd.DataFrame(columns=[*KEYS, "region", "epoch", *losses])
    return pd.concat(parts, ignore_index=True)
