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
#: R of fewer windows than this says nothing, and is not defined.
FEWEST = 8


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
        regions (``region`` is ``"mean"``), with ``control`` (empty where there is none),
        ``score`` (R), ``ci_low`` and ``ci_high``, ``null_low`` and ``null_high`` (band of
        the null distribution of the mean R), ``p``, ``p_fdr``, ``pooled`` (R over all
        windows together: another number), ``mse``, ``r2``, ``spearman``, ``best_lag``,
        ``control_r``, ``ceiling``, ``ceiling_window``, ``n_recordings`` and
        ``n_subjects`` (with a score; folds of a recording count by themselves),
        ``n_seeds``, ``n_undefined`` (scores of constant predictions, or of fewer than 8
        windows, left out of the means), and ``level`` and ``null``, the level and the
        null model used. Empty where there are no scores.
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
    units = ["recording", "fold"]
    regions = list(dict.fromkeys(table["region"]))
    values = ["score", *_AVERAGED]
    by_seed = table.groupby([*units, "subject", "region"], sort=False)[values].mean()
    wide = by_seed["score"].unstack("region")[regions]
    subjects = wide.index.get_level_values("subject").to_numpy()
    # The mean over regions is that of what stands above it; its interval is that of
    # the recordings' means.
    means = by_seed.groupby("region", sort=False)[values].mean().reindex(regions)
    means.loc[MEAN] = means.mean()
    wide[MEAN] = wide.mean(axis=1)
    with warnings.catch_warnings():
        # Few subjects are seen in the column n_subjects.
        warnings.simplefilter("ignore", UserWarning)
        low, high = bootstrap_interval(
            wide.to_numpy(), subjects, level=level, random_state=random_state
        )
    defined = wide.notna()
    undefined = table["score"].isna().groupby(table["region"]).sum().reindex(regions)
    found = means.assign(
        ci_low=low,
        ci_high=high,
        n_recordings=[defined.index[defined[name]].nunique() for name in defined],
        n_subjects=[len(set(subjects[defined[name]])) for name in defined],
        n_seeds=table["seed"].nunique(),
        n_undefined=[*undefined, undefined.sum()],
        level=level,
    )
    return found.rename_axis("region").reset_index()


def _series(
    predictions: pd.DataFrame, regions: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measured BOLD, predictions of each seed, and the recording of each volume."""
    regions = [region for region in regions if region != MEAN]
    keys = ["recording", "fold", "volume"]
    columns = [f"measured:{region}" for region in regions]
    # A fold, or one region of it, that failed with one seed has no numbers of it.
    measured = predictions.groupby(keys)[columns].first().reindex(columns=columns)
    columns = [f"predicted:{region}" for region in regions]
    predicted = np.stack(
        [
            part.set_index(keys).reindex(measured.index)[columns].to_numpy(float)
            for _, part in predictions.groupby("seed")
        ]
    )
    units = measured.index.droplevel("volume")
    labels = np.array([f"{recording} fold {fold:04d}" for recording, fold in units])
    sizes = pd.Series(labels).groupby(labels).transform("size").to_numpy()
    enough = sizes >= FEWEST
    return measured.to_numpy(float)[enough], predicted[:, enough], labels[enough]


def _chance(
    series: tuple[np.ndarray, np.ndarray, np.ndarray],
    tr: Sequence[float],
    method: str,
    n_surrogates: int,
    level: float,
    random_state: int,
) -> pd.DataFrame:
    measured, predicted, labels = series
    n_regions = measured.shape[1]
    unknown = np.full(n_regions + 1, np.nan)
    columns = {"null_low": unknown, "null_high": unknown, "p": unknown, "p_fdr": unknown}
    if not len(measured):
        return pd.DataFrame({**columns, "pooled": unknown, "null": method})
    pooled = [_pooled(measured, prediction) for prediction in predicted]
    pooled = mean_of_defined(np.array(pooled))
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
    return pd.DataFrame(
        {
            "null_low": low,
            "null_high": high,
            "p": [*found.p, found.p_mean],
            "p_fdr": [*fdr(found.p), np.nan],
            "pooled": [*pooled, mean_of_defined(pooled[:, None])[0]],
            "null": method,
        }
    )


def _pooled(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    there = np.isfinite(predicted) & np.isfinite(measured)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return np.array(
            [
                pearson_r(measured[rows, column], predicted[rows, column])[0]
                if rows.any()
                else np.nan
                for column, rows in enumerate(there.T)
            ]
        )


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is not NaN, NaN where all is.

    Parameters
    ----------
    values : ndarray, shape (n, n_columns)
        The values.

    Returns
    -------
    ndarray, shape (n_columns,)
    """
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
        difference), ``p`` (one-sided) and ``n_subjects``: those who have a score of both.
        Pairs that have fewer than two such subjects are left out.
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
        for pair in itertools.combinations(dict.fromkeys(part["pipeline"]), 2):
            both = wide[list(pair)].dropna()
            if len(both) < 2:
                continue
            names = list(both.columns)
            p, effect = compute_pvals_perm(both, names, seed=0), compute_effect(both, names)
            for (i, better), (j, worse) in itertools.permutations(enumerate(names), 2):
                difference = (both[better] - both[worse]).mean()
                values = (difference, effect[i, j], p[i, j], len(both))
                rows.append(
                    dict(zip(columns, (dataset, better, worse, *values), strict=True))
                )
    return pd.DataFrame(rows, columns=columns)
