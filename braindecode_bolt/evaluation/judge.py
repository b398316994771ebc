"""Means of scores over recordings, compared with chance and with each other."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import permutation_test

from ..metrics import pearson_r
from ..null import bootstrap_interval, fdr, null_r

__all__ = ["common_cells", "compare_pipelines", "sign_test", "summarise"]

#: Scores that are averaged.
_AVERAGED = (
    "mse",
    "r2",
    "spearman",
    "best_lag",
    "cross_recording_r",
    "noise_ceiling",
    "window_limited_noise_ceiling",
)
#: What the row of the mean over regions is called.
MEAN = "mean"
#: R is undefined for fewer windows than this.
FEWEST = 8
#: Permutations of signs of more than 13 subjects are drawn at random.
_N_PERMUTATIONS = 9999


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
    separately). Confidence intervals resample subjects. p-values compare the mean R with
    that of surrogates of the measured BOLD, which have its autocorrelation; they are
    adjusted for the number of regions of a pipeline (false discovery rate [1]_).

    Parameters
    ----------
    scores : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.
    predictions : pandas.DataFrame
        Of the same.
    tr : mapping of str to sequence of float
        Repetition times of the recordings of each data set in seconds.
    method : {"phase", "shift", "block"}, default "phase"
        Null model, see :func:`~braindecode_bolt.null.null_r`: phase randomisation,
        circular shifts or permuted blocks.
    n_surrogates : int, default 10000
        Surrogates of the measured BOLD.
    level : float, default 0.95
        Level of confidence intervals and of the null band, between 0 and 1.
    random_state : int, default 0
        Seed of surrogates and bootstrap.

    Returns
    -------
    pandas.DataFrame
        A row per ``dataset``, ``pipeline`` and ``region``, and one for the mean over
        regions (``region`` is ``"mean"``), with ``control`` (empty where there is none),
        ``score`` (R), ``ci_low`` and ``ci_high``, ``null_low`` and ``null_high`` (band of
        the null distribution of the mean R), ``p``, ``p_fdr``, ``pooled`` (R over all
        windows together: a different number), ``mse``, ``r2``, ``spearman``, ``best_lag``,
        ``cross_recording_r``, ``noise_ceiling``, ``window_limited_noise_ceiling``,
        ``n_recordings`` and ``n_subjects`` (with a score), ``n_seeds``, ``n_undefined``
        (scores of constant predictions, or of fewer than 8 windows, left out of the
        means), and ``level``, ``null`` and ``n_surrogates``, as given. Empty if there are
        no scores.

    Raises
    ------
    ValueError
        If an argument is out of range, or there is no such null model.

    See Also
    --------
    compare_pipelines : Compares pipelines with each other instead of with chance.

    References
    ----------
    .. [1] Benjamini, Y., & Hochberg, Y. (1995). Controlling the false discovery rate.
       Journal of the Royal Statistical Society B 57, 289-300.
    """
    parts: list[pd.DataFrame] = []
    if not len(scores):
        return pd.DataFrame()
    for (dataset, pipeline), table in scores.groupby(["dataset", "pipeline"], sort=False):
        rows = (predictions["dataset"] == dataset) & (predictions["pipeline"] == pipeline)
        of_regions = _per_region(table, level, random_state)
        series = _series(predictions[rows], list(of_regions["region"]))
        chance = _chance(series, tr[dataset], method, n_surrogates, level, random_state)
        part = pd.concat([of_regions, chance], axis=1).assign(n_surrogates=n_surrogates)
        part.insert(0, "control", table["control"].iloc[0])
        part.insert(0, "pipeline", pipeline)
        part.insert(0, "dataset", dataset)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _per_region(table: pd.DataFrame, level: float, random_state: int) -> pd.DataFrame:
    regions = list(dict.fromkeys(table["region"]))
    values = ["score", *_AVERAGED]
    units = ["recording", "fold", "subject"]
    by_seed = table.groupby([*units, "region"], sort=False)[values].mean()
    wide = by_seed["score"].unstack("region")[regions]
    subjects = wide.index.get_level_values("subject").to_numpy()
    # The mean over regions is that of the rows above it; its interval is that of the
    # recordings' means.
    means = by_seed.groupby("region", sort=False)[values].mean().reindex(regions)
    means.loc[MEAN] = means.mean()
    wide[MEAN] = wide.mean(axis=1)
    with warnings.catch_warnings():
        # The column n_subjects shows how few there are.
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
    unknown = np.full(measured.shape[1] + 1, np.nan)
    columns = dict.fromkeys(("null_low", "null_high", "p", "p_fdr", "pooled"), unknown)
    if not len(measured):
        return pd.DataFrame({**columns, "null": method})
    with warnings.catch_warnings():
        # Undefined values are counted in the column n_undefined.
        warnings.simplefilter("ignore")
        pooled = [_pooled(measured, of_seed) for of_seed in predicted]
        pooled = np.nanmean(pooled, axis=0)
        pooled = [*pooled, np.nanmean(pooled)]
        found = null_r(
            measured,
            predicted,
            labels,
            method,
            n_surrogates,
            tr=float(np.median(tr)) if method == "block" else None,
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
            "pooled": pooled,
            "null": method,
        }
    )


def _pooled(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    there = np.isfinite(predicted) & np.isfinite(measured)
    return np.array(
        [
            pearson_r(measured[rows, column], predicted[rows, column])[0]
            if rows.any()
            else np.nan
            for column, rows in enumerate(there.T)
        ]
    )


def common_cells(scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of the recordings and regions that all pipelines of a data set have, and all.

    Two tables with a row per subject, recording, fold and region, and a column per
    pipeline that has any score, averaged over seeds.
    """
    cells = ["subject", "recording", "fold", "region"]
    wide = scores.groupby([*cells, "pipeline"], sort=False)["score"].mean()
    wide = wide.unstack("pipeline").dropna(axis=1, how="all")
    return wide.dropna(), wide


def compare_pipelines(scores: pd.DataFrame) -> pd.DataFrame:
    """Test each pipeline against each other one, paired over subjects.

    Two pipelines are compared on the recordings and regions in which both have a score,
    so that undefined scores favour none. The differences in R are averaged over these
    for each subject. p comes from all permutations of the signs of the subjects'
    differences, or 9,999 random ones (:func:`scipy.stats.permutation_test`).

    Parameters
    ----------
    scores : pandas.DataFrame
        Of an :class:`~braindecode_bolt.evaluation.Evaluation`.

    Returns
    -------
    pandas.DataFrame
        A row per ``dataset`` and ordered pair ``better``, ``worse`` with ``difference``
        (mean over subjects of the difference in R), ``effect`` (standardised mean
        difference), ``p`` (one-sided), ``p_fdr`` (adjusted for all rows of the data
        set: false discovery rate), ``n_subjects``, ``n_recordings``, ``n_regions`` and
        ``n_cells`` (recordings x regions, per fold) compared, and ``n_undefined``
        (cells that are left out because one of the two has no score there). Pairs with
        fewer than two common subjects have NaN. Empty for fewer than two pipelines.

    See Also
    --------
    summarise : Compares each pipeline with chance.

    Examples
    --------
    >>> import pandas as pd
    >>> from braindecode_bolt.evaluation import compare_pipelines
    >>> table = pd.DataFrame(
    ...     {
    ...         "dataset": "rest", "pipeline": ["ridge"] * 6 + ["mean"] * 6, "fold": 1,
    ...         "subject": list("abcdef") * 2, "recording": list("abcdef") * 2,
    ...         "region": "Thalamus", "score": [0.3, 0.4, 0.2, 0.5, 0.3, 0.4] + [0.1] * 6,
    ...     }
    ... )
    >>> found = compare_pipelines(table).set_index("better")
    >>> round(float(found.loc["ridge", "difference"]), 2)
    0.25
    >>> float(found.loc["ridge", "p"])
    0.015625
    """
    columns = ["dataset", "better", "worse", "difference", "effect", "p", "p_fdr"]
    columns += ["n_subjects", "n_recordings", "n_regions", "n_cells", "n_undefined"]
    parts = [pd.DataFrame(columns=columns)]
    for dataset, part in scores.groupby("dataset", sort=False) if len(scores) else ():
        names = list(dict.fromkeys(part["pipeline"]))
        rows = []
        for pair in itertools.combinations(names, 2):
            both, either = common_cells(part[part["pipeline"].isin(pair)])
            both = both.reindex(columns=list(pair)).dropna()
            index = both.index
            counts = {
                f"n_{name}s": index.get_level_values(name).nunique()
                for name in ("subject", "recording", "region")
            }
            counts |= {"n_cells": len(both), "n_undefined": len(either) - len(both)}
            differences = (both[pair[0]] - both[pair[1]]).groupby("subject").mean()
            for sign, (better, worse) in ((1, pair), (-1, pair[::-1])):
                tested = sign_test(sign * differences.to_numpy())
                rows.append(
                    {"dataset": dataset, "better": better, "worse": worse, **tested}
                    | counts
                )
        if rows:
            table = pd.DataFrame(rows)
            parts.append(table.assign(p_fdr=fdr(table["p"]))[columns])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def sign_test(differences: np.ndarray) -> dict[str, float]:
    """Mean, standardised mean and one-sided p of differences between subjects.

    NaN for fewer than two.
    """
    if len(differences) < 2:
        return {"difference": np.nan, "effect": np.nan, "p": np.nan}
    mean, spread = differences.mean(), differences.std(ddof=1)
    found = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_N_PERMUTATIONS,
        alternative="greater",
        random_state=np.random.default_rng(0),
    )
    if (differences == differences[0]).all():
        effect = 0.0 if mean == 0 else np.copysign(np.inf, mean)
    else:
        effect = mean / spread
    return {
        "difference": mean,
        "effect": effect,
        "p": float(found.pvalue),
    }
