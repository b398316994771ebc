"""Connectivity of predictions, always beside that of two rivals that ignore EEG."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from ..metrics import (
    connectivity,
    connectivity_r,
    connectivity_similarity,
    identify_subjects,
)
from .judge import sign_test
from .plan import Plan
from .run import FoldResult

__all__ = ["connectivity_table", "summarise_connectivity"]

#: The model, and its rivals.
SCORES = ["connectivity_r", "group_connectivity_r", "constant_eeg_connectivity_r"]
_KEYS = ["dataset", "pipeline", "model", "control", "seed", "fold"]


def connectivity_table(
    predictions: pd.DataFrame, results: Sequence[FoldResult], plan: Plan
) -> pd.DataFrame:
    """R between measured connectivity and that of predictions and rivals, per recording.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    results : sequence of FoldResult
        What the predictions are from.
    plan : Plan
        Their plan.

    Returns
    -------
    pandas.DataFrame
        With ``connectivity_r``, ``group_connectivity_r`` and
        ``constant_eeg_connectivity_r``; see the class.
    """
    keys = [*_KEYS, "recording", "subject"]
    on_constant = _on_constant(results, plan)
    groups: dict[tuple[str, int], np.ndarray] = {}
    rows = []
    for key, part in predictions.groupby(keys, sort=False, dropna=False):
        named = dict(zip(keys, key, strict=True))
        dataset, fold = named["dataset"], named["fold"]
        regions = plan.studies[dataset].windows.roi_names
        measured, predicted = (_series(part, kind, regions) for kind in _KINDS)
        if (dataset, fold) not in groups:
            groups[dataset, fold] = _group_mean(plan, dataset, fold)
        constant = on_constant.get((*key[: len(_KEYS)], named["recording"]))
        with warnings.catch_warnings():
            # Undefined values are NaN.
            warnings.simplefilter("ignore", UserWarning)
            found = {
                "connectivity_r": connectivity_r(measured, predicted),
                "group_connectivity_r": _r_of_matrices(measured, groups[dataset, fold]),
                "constant_eeg_connectivity_r": np.nan
                if constant is None or len(constant) != len(measured)
                else connectivity_r(measured, constant),
            }
        rows.append(named | found)
    return pd.DataFrame(rows, columns=[*keys, *SCORES])


def summarise_connectivity(
    predictions: pd.DataFrame,
    connectivity_scores: pd.DataFrame,
    regions: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """Average R of connectivity over people, and test it against rivals that ignore EEG.

    Connectivity is much the same in everybody, so that R is high without any EEG. What
    counts is how much higher it is than that of the mean of the people trained on, and
    whether the predicted connectivity is that of the person.

    Parameters
    ----------
    predictions : pandas.DataFrame
        ``predictions`` of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    connectivity_scores : pandas.DataFrame
        Its ``connectivity``.
    regions : mapping of str to sequence of str
        Regions of each data set.

    Returns
    -------
    pandas.DataFrame
        A row per ``dataset`` and ``pipeline`` with ``control``; the three scores of
        ``connectivity``, averaged over seeds, recordings and people; ``difference``
        (mean over people of the model's R minus the group's) and its one-sided ``p``
        (permutation of signs); and the fields of
        :class:`~braindecode_bolt.metrics.Identification` (connectivity averaged over
        the recordings of a person, similarity over seeds).
    """
    rows = []
    for (dataset, pipeline), part in connectivity_scores.groupby(
        ["dataset", "pipeline"], sort=False
    ):
        of_people = part.groupby("subject")[SCORES].mean()
        differences = of_people["connectivity_r"] - of_people["group_connectivity_r"]
        tested = sign_test(differences.dropna().to_numpy())
        of_it = (predictions["dataset"] == dataset) & (predictions["pipeline"] == pipeline)
        similarity = _similarity(predictions[of_it], list(regions[dataset]))
        with warnings.catch_warnings():
            # n_subjects says how many are compared.
            warnings.simplefilter("ignore", UserWarning)
            found = asdict(identify_subjects(similarity))
        rows.append(
            {"dataset": dataset, "pipeline": pipeline, "control": part["control"].iloc[0]}
            | of_people.mean().to_dict()
            | {"difference": tested["difference"], "p": tested["p"]}
            | found
        )
    return pd.DataFrame(rows)


_KINDS = ("measured", "predicted")


def _series(table: pd.DataFrame, kind: str, regions: Sequence[str]) -> np.ndarray:
    return table.reindex(columns=[f"{kind}:{name}" for name in regions]).to_numpy(float)


def _r_of_matrices(measured: np.ndarray, matrix: np.ndarray) -> float:
    return float(connectivity_similarity([connectivity(measured)], [matrix])[0, 0])


def _group_mean(plan: Plan, dataset: str, fold: int) -> np.ndarray:
    """Mean connectivity of the recordings that a fold is trained on."""
    y, recordings = plan.training_bold(dataset, fold)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of undefined correlations: they stay NaN.
        matrices = [connectivity(y[recordings == one]) for one in np.unique(recordings)]
        return np.nanmean(matrices, axis=0)


def _on_constant(results: Sequence[FoldResult], plan: Plan) -> dict[tuple, np.ndarray]:
    """Predictions of constant EEG by keys and recording, all regions together."""
    found: dict[tuple, np.ndarray] = {}
    for result in results:
        if not result.on_constant.size:
            continue
        study = plan.studies[result.task.dataset]
        regions = study.windows.roi_names
        columns = [regions.index(name) for name in plan.regions(result.task)]
        key = tuple(getattr(result.task, name) for name in _KEYS)
        for recording, rows in _recordings_of(result, plan):
            values = found.setdefault(
                (*key, recording), np.full((len(rows), len(regions)), np.nan)
            )
            whole = (
                np.broadcast_to(result.on_constant, (rows.max() + 1, len(columns)))
                if (len(result.on_constant) == 1)
                else result.on_constant
            )
            values[:, columns] = whole[rows]
    return found


def _recordings_of(result: FoldResult, plan: Plan) -> Iterator[tuple[str, np.ndarray]]:
    study = plan.studies[result.task.dataset]
    numbers = study.windows.metadata["recording"].to_numpy()[plan.targets(result.task).rows]
    for number in np.unique(numbers):
        yield study.names[int(number)], np.flatnonzero(numbers == number)


def _similarity(predictions: pd.DataFrame, regions: list[str]) -> np.ndarray:
    """Similarity of people's predicted and measured connectivity, mean over seeds."""
    all_similarities = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _, of_seed in predictions.groupby("seed"):
            measured, predicted = [], []
            for _, of_person in of_seed.groupby("subject"):
                parts = [part for _, part in of_person.groupby(["recording", "fold"])]
                for kind, means in zip(_KINDS, (measured, predicted), strict=True):
                    each = [connectivity(_series(part, kind, regions)) for part in parts]
                    means.append(np.nanmean(each, axis=0))
            all_similarities.append(connectivity_similarity(measured, predicted))
        return np.nanmean(all_similarities, axis=0)
