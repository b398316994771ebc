"""From outcomes to tables: scores, predictions, connectivity, training curves."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..metrics import best_lag, connectivity_r, mse, pearson_r, r2, spearman_r
from .jobs import Outcome
from .significance import FEWEST
from .study import Study

__all__ = ["connectivity_table", "curves_table", "predictions_table", "scores_table"]

#: What a row of every table is about.
KEYS = ["dataset", "pipeline", "model", "control", "seed", "fold"]
#: What is known of the recording.
ENTITIES = ["subject", "session", "run", "task", "site"]
#: Lags looked at, in seconds, where the recording is long enough.
_MAX_LAG = 10.0


def in_order(outcomes: Sequence[Outcome], models: Sequence[str]) -> list[Outcome]:
    """Put outcomes into the order of models, controls behind their model.

    Parameters
    ----------
    outcomes : sequence of Outcome
        What was predicted.
    models : sequence of str
        Names of the models; others come last.

    Returns
    -------
    list of Outcome
    """
    places = {name: place for place, name in enumerate(models)}

    def key(outcome: Outcome) -> tuple:
        job = outcome.job
        place = places.get(job.model, len(places))
        return (job.dataset, place, job.model, job.control, job.seed, job.fold, job.region)

    return sorted(outcomes, key=key)


def scores_table(outcomes: Sequence[Outcome], studies: Mapping[str, Study]) -> pd.DataFrame:
    """Score each recording and region.

    Parameters
    ----------
    outcomes : sequence of Outcome
        What was predicted.
    studies : mapping of str to Study
        Data sets by name.

    Returns
    -------
    pandas.DataFrame
        A row per data set, pipeline, seed, fold, recording and region, in the order
        of the outcomes, see :class:`~braindecode_bolt.evaluation.Evaluation`.
    """
    parts = [
        part
        for outcome in outcomes
        for part in _recordings(outcome, studies[outcome.job.dataset])
    ]
    if not parts:
        return pd.DataFrame(columns=[*KEYS, "recording", *ENTITIES, "region", "score"])
    return pd.concat(parts, ignore_index=True)


def _recordings(outcome: Outcome, study: Study) -> list[pd.DataFrame]:
    metadata = study.windows.metadata.iloc[outcome.rows].reset_index(drop=True)
    regions = _regions(outcome, study)
    columns = [study.windows.roi_names.index(region) for region in regions]
    tables = []
    for recording, rows in metadata.groupby("recording").indices.items():
        measured, predicted = outcome.measured[rows], outcome.predicted[rows]
        with warnings.catch_warnings():
            # Undefined scores are NaN, and counted in the summary.
            warnings.simplefilter("ignore", UserWarning)
            scores = _scores(measured, predicted, outcome.scale)
            volumes = metadata["volume"][rows]
            tr = study.tr[int(recording)]
            scores |= _lags(volumes.to_numpy(), measured, predicted, tr)
            scores["control_r"] = _control(
                study, int(recording), volumes, predicted, columns
            )
            for name, values in (
                ("ceiling", outcome.noiseless),
                ("ceiling_window", outcome.noiseless_window),
            ):
                known = len(values) > 0
                scores[name] = pearson_r(measured, values[rows]) if known else np.nan
        table = pd.DataFrame({"region": regions, **scores})
        table = table.assign(
            samples=len(rows),
            n_train=outcome.n_train,
            channels=len(study.windows.ch_names),
            time=outcome.fit_seconds,
            predict_time=outcome.predict_seconds,
        )
        _put_in_front(table, outcome, study, int(recording))
        tables.append(table)
    return tables


def _scores(
    measured: np.ndarray, predicted: np.ndarray, scale: np.ndarray
) -> dict[str, np.ndarray]:
    scores = {
        "score": pearson_r(measured, predicted),
        "r2": r2(measured, predicted),
        "spearman": spearman_r(measured, predicted),
    }
    if len(measured) < FEWEST:
        scores = {name: np.full(len(scale), np.nan) for name in scores}
    return {**scores, "mse": mse(measured / scale, predicted / scale)}


def _lags(
    volumes: np.ndarray, measured: np.ndarray, predicted: np.ndarray, tr: float
) -> dict[str, np.ndarray]:
    """Lag of the best correlation, where the volumes follow each other."""
    unknown = np.full(measured.shape[1], np.nan)
    steps = np.diff(volumes)
    longest = min(_MAX_LAG, len(volumes) // 4 * tr)
    if len(volumes) < FEWEST or not longest >= tr or (steps != 1).any():
        return {"best_lag": unknown, "score_at_best_lag": unknown}
    lags, r = best_lag(measured, predicted, tr, longest)
    return {"best_lag": lags, "score_at_best_lag": r}


def _regions(outcome: Outcome, study: Study) -> list[str]:
    return [outcome.job.region] if outcome.job.region else study.windows.roi_names


def _control(
    study: Study,
    recording: int,
    volumes: pd.Series,
    predicted: np.ndarray,
    columns: list[int],
) -> np.ndarray:
    """Mean R of predictions against the BOLD of other recordings, same volumes."""
    metadata = study.windows.metadata.reset_index(drop=True)
    all_r = []
    for other, rows in metadata.groupby("recording").indices.items():
        if other == recording:
            continue
        row_of = pd.Series(rows, index=metadata["volume"].to_numpy()[rows])
        common = volumes.isin(row_of.index).to_numpy()
        if common.sum() >= FEWEST:
            measured = study.windows.y[row_of[volumes[common]].to_numpy()][:, columns]
            all_r.append(pearson_r(measured, predicted[common]))
    return np.mean(all_r, axis=0) if all_r else np.full(len(columns), np.nan)


def _put_in_front(
    table: pd.DataFrame, outcome: Outcome, study: Study, recording: int
) -> None:
    """Say in front of a table's columns what its rows are about."""
    job = outcome.job
    metadata = study.windows.metadata
    first = metadata[metadata["recording"] == recording].iloc[0]
    front = {key: getattr(job, key) for key in KEYS}
    front["recording"] = study.names[recording]
    front |= {name: first.get(name) for name in ENTITIES}
    for position, (name, value) in enumerate(front.items()):
        table.insert(position, name, value)


def predictions_table(
    outcomes: Sequence[Outcome], studies: Mapping[str, Study]
) -> pd.DataFrame:
    """Lay out measured and predicted BOLD, a row per window.

    Parameters
    ----------
    outcomes, studies
        As in :func:`scores_table`.

    Returns
    -------
    pandas.DataFrame
        The keys, ``recording``, its entities, ``volume``, and for each region
        ``measured:<region>`` and ``predicted:<region>``.
    """
    merged: dict[tuple, pd.DataFrame] = {}
    for outcome in outcomes:
        study = studies[outcome.job.dataset]
        metadata = study.windows.metadata.iloc[outcome.rows].reset_index(drop=True)
        front = pd.DataFrame(
            {key: getattr(outcome.job, key) for key in KEYS}, metadata.index
        )
        front["recording"] = np.array(study.names)[metadata["recording"]]
        front = front.join(metadata.reindex(columns=ENTITIES)).join(metadata["volume"])
        series = {}
        for column, region in enumerate(_regions(outcome, study)):
            series[f"measured:{region}"] = outcome.measured[:, column]
            series[f"predicted:{region}"] = outcome.predicted[:, column]
        key = tuple(getattr(outcome.job, name) for name in KEYS)
        # Regions that were predicted one by one stand beside each other.
        before = merged.get(key, front)
        merged[key] = pd.concat([before, pd.DataFrame(series)], axis=1)
    if not merged:
        return pd.DataFrame(columns=[*KEYS, "recording", *ENTITIES, "volume"])
    return pd.concat(merged.values(), ignore_index=True)


def connectivity_table(predictions: pd.DataFrame, regions: Sequence[str]) -> pd.DataFrame:
    """Compare the connectivity of predicted and measured BOLD, per recording.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of :func:`predictions_table`.
    regions : sequence of str
        Names of the regions.

    Returns
    -------
    pandas.DataFrame
        The keys, ``recording``, ``subject``, and ``connectivity_r``: R between the
        upper triangles of both correlation matrices. NaN with fewer than three
        regions or constant predictions.
    """
    rows = []
    keys = [*KEYS, "recording", "subject"]
    for key, part in predictions.groupby(keys, sort=False, dropna=False):
        measured, predicted = (
            part.reindex(columns=[f"{kind}:{region}" for region in regions]).to_numpy(float)
            for kind in ("measured", "predicted")
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            r = connectivity_r(measured, predicted)
        rows.append({**dict(zip(keys, key, strict=True)), "connectivity_r": r})
    return pd.DataFrame(rows, columns=[*keys, "connectivity_r"])


def curves_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """List the losses of each epoch.

    Parameters
    ----------
    outcomes : sequence of Outcome
        What was fitted.

    Returns
    -------
    pandas.DataFrame
        The keys, ``region``, ``epoch``, ``train_loss`` and ``valid_loss``.
    """
    parts = [pd.DataFrame(columns=[*KEYS, "region", "epoch", "train_loss", "valid_loss"])]
    for outcome in outcomes:
        if not outcome.history:
            continue
        losses = pd.DataFrame(outcome.history).reindex(columns=["train_loss", "valid_loss"])
        front = {key: getattr(outcome.job, key) for key in (*KEYS, "region")}
        losses.insert(0, "epoch", np.arange(1, len(losses) + 1))
        parts.append(losses.assign(**front)[parts[0].columns])
    filled = [part for part in parts if len(part)] or parts
    return pd.concat(filled, ignore_index=True)
