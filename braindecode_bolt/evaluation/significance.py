"""Means over recordings, against chance and against each other."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..metrics import pearson_r
from ..null import bootstrap_interval, fdr, null_r

__all__ = ["compare_pipelines", "summarise"]

#: Averaged as they are.
_AVERAGED = (
    "mse",
    "r2",
    "spearman",
    "best_lag",
    "control_r",
    "ceiling",
    "ceiling_window",
)
#: What the row of the mean over regions is called.
MEAN = "mean"


def summarise(
    scores: pd.DataFrame,
    predictions: pd.DataFrame,
    tr: Mapping[str, Sequence[float]],
    method: str = "phase",
    n_surrogates: int = 10_000,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """Average scores over recordings, and compare them with chance.

    Scores are averaged over seeds, then over recordings (folds of a recording count
    by themselves). Confidence intervals resample subjects. p-values compare the mean R
    with that of surrogates of the measured BOLD, which have its autocorrelation; they
    are adjusted for the rate of false discoveries over the regions of a pipeline.

    Parameters
    ----------
    scores, predictions : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    tr : mapping of str to sequence of float
        Repetition times of the recordings of each data set in seconds.
    method, n_surrogates, level, random_state
        As in :meth:`Evaluation.summary`.

    Returns
    -------
    pandas.DataFrame
        A row per ``dataset``, ``pipeline`` and ``region``, and one for the mean over
        regions (``region`` is ``"mean"``), with ``score`` (R), ``ci_low`` and
        ``ci_high``, ``null_low`` and ``null_high`` (band of the null distribution of
        the mean R), ``p``, ``p_fdr``, ``pooled`` (R over all windows together: another
        number), ``mse``, ``r2``, ``spearman``, ``best_lag``, ``control_r``,
        ``ceiling``, ``ceiling_window``, ``n_recordings``, ``n_subjects``, ``n_seeds``
        and ``n_undefined`` (scores of constant predictions, left out of the means).
    """
    parts: list[pd.DataFrame] = []
    if not len(scores):
        return pd.DataFrame()
    for (dataset, pipeline), table in scores.groupby(["dataset", "pipeline"], sort=False):
        rows = (predictions["dataset"] == dataset) & (predictions["pipeline"] == pipeline)
        of_regions = _per_region(table, level, random_state)
        series = _series(predictions[rows], list(of_regions["region"]))
        chance = _chance(series, tr[dataset], method, n_surrogates, level, random_state)
        part = pd.concat([of_regions, chance], axis=1)
        part.insert(0, "control", table["control"].iloc[0])
        part.insert(0, "pipeline", pipeline)
        part.insert(0, "dataset", dataset)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _per_region(table: pd.DataFrame, level: float, random_state: int) -> pd.DataFrame:
    keys = ["recording", "fold"]
    regions = list(dict.fromkeys(table["region"]))
    values = ["score", *_AVERAGED]
    by_seed = table.groupby([*keys, "subject", "region"], sort=False)[values].mean()
    wide = by_seed["score"].unstack("region")[regions]
    # The mean over regions of a recording, where all are defined or not.
    wide[MEAN] = wide.mean(axis=1)
    subjects = wide.index.get_level_values("subject").to_numpy()
    with warnings.catch_warnings():
        # Few subjects are seen in the column n_subjects.
        warnings.simplefilter("ignore", UserWarning)
        low, high = bootstrap_interval(
            wide.to_numpy(), subjects, level=level, random_state=random_state
        )
    means = by_seed.groupby("region", sort=False)[values].mean().reindex(regions)
    means.loc[MEAN] = means.mean()
    means["score"] = wide.mean()
    undefined = table["score"].isna().groupby(table["region"]).sum().reindex(regions)
    found = means.assign(
        ci_low=low,
        ci_high=high,
        n_recordings=table["recording"].nunique(),
        n_subjects=table["subject"].nunique(),
        n_seeds=table["seed"].nunique(),
        n_undefined=[*undefined, undefined.sum()],
    )
    return found.rename_axis("region").reset_index()


def _series(
    predictions: pd.DataFrame, regions: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measured BOLD, predictions of each seed, and the recording of each volume."""
    regions = [region for region in regions if region != MEAN]
    keys = ["recording", "fold", "volume"]
    by_key = predictions.drop_duplicates(keys).set_index(keys).sort_index()
    measured = by_key[[f"measured:{region}" for region in regions]].to_numpy(float)
    columns = [f"predicted:{region}" for region in regions]
    # A fold that failed with one seed has no predictions of it.
    predicted = np.stack(
        [
            part.set_index(keys)[columns].reindex(by_key.index).to_numpy(float)
            for _, part in predictions.groupby("seed")
        ]
    )
    labels = [f"{recording} fold {fold:04d}" for recording, fold, _ in by_key.index]
    return measured, predicted, np.array(labels)


def _chance(
    series: tuple[np.ndarray, np.ndarray, np.ndarray],
    tr: Sequence[float],
    method: str,
    n_surrogates: int,
    level: float,
    random_state: int,
) -> pd.DataFrame:
    measured, predicted, labels = series
    pooled = np.array([_pooled(measured, prediction) for prediction in predicted])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = null_r(
            measured,
            predicted,
            labels,
            method,
            n_surrogates,
            tr=None if method == "phase" else float(np.median(tr)),
            level=level,
            random_state=random_state,
        )
    defined = np.isfinite(found.p)
    of_mean = found.null[:, defined].mean(axis=1) if defined.any() else np.full(1, np.nan)
    band = np.quantile(of_mean, [(1 - level) / 2, (1 + level) / 2])
    low, high = np.column_stack([found.band, band])
    pooled = _mean_of_defined(pooled)
    return pd.DataFrame(
        {
            "null_low": low,
            "null_high": high,
            "p": [*found.p, found.p_mean],
            "p_fdr": [*fdr(found.p), np.nan],
            "pooled": [*pooled, _mean_of_defined(pooled[:, None])[0]],
        }
    )


def _pooled(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    there = np.isfinite(predicted).all(axis=1) & np.isfinite(measured).all(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return pearson_r(measured[there], predicted[there])


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is not NaN, NaN where all is."""
    n_defined = np.isfinite(values).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=0) / n_defined


def compare_pipelines(table: pd.DataFrame) -> pd.DataFrame:
    """Test each pipeline against each other one with MOABB's paired statistics.

    Exact (up to 13 subjects) or random permutations of the signs of the differences
    between subjects.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :meth:`Evaluation.to_moabb`.

    Returns
    -------
    pandas.DataFrame
        A row per ``dataset`` and ordered pair ``better``, ``worse`` with ``difference``
        (mean over subjects of the difference in R), ``effect`` (standardised mean
        difference), ``p`` (one-sided) and ``n_subjects``. Without rows where fewer than
        two pipelines have scores of the same two or more subjects.
    """
    from moabb.analysis.meta_analysis import (
        collapse_session_scores,
        compute_effect,
        compute_pvals_perm,
    )

    columns = ["dataset", "better", "worse", "difference", "effect", "p", "n_subjects"]
    rows = []
    for dataset, part in table.groupby("dataset", sort=False):
        collapsed = collapse_session_scores(part)
        wide = collapsed.pivot(index="subject", columns="pipeline", values="score")
        wide = wide.dropna(axis=1)
        names = list(wide.columns)
        if len(names) < 2 or len(wide) < 2:
            continue
        p, effect = compute_pvals_perm(wide, names, seed=0), compute_effect(wide, names)
        for (i, better), (j, worse) in itertools.permutations(enumerate(names), 2):
            difference = (wide[better] - wide[worse]).mean()
            values = (dataset, better, worse, difference, effect[i, j], p[i, j], len(wide))
            rows.append(dict(zip(columns, values, strict=True)))
    return pd.DataFrame(rows, columns=columns)
