"""What came of an evaluation, as tables."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd

from .jobs import Job
from .significance import compare_pipelines, summarise
from .store import ResultsError, Store
from .study import Study
from .tables import (
    connectivity_table,
    curves_table,
    in_order,
    predictions_table,
    scores_table,
)

__all__ = ["Evaluation"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What came of an evaluation.

    Attributes
    ----------
    scores : pandas.DataFrame
        A row per ``dataset``, ``pipeline`` (``model``, with its ``control`` where there
        is one), ``seed``, ``fold``, ``recording`` and ``region``, with

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
        - ``samples`` (windows tested), ``n_train`` (windows given to the fit, which
          may validate on some), ``channels``, ``time`` and ``predict_time`` (seconds of
          the fit and the prediction).

        Undefined scores (of constant predictions, or of fewer than 8 windows) are NaN;
        the mean squared error always has a value. Without rows where all fits failed.
        The columns are named as MOABB names them; see :meth:`to_moabb`.
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
                "%d of %d means of sessions are undefined (constant predictions) and left "
                "out; they are of %s",
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
    for outcome in known:
        n_windows = len(studies[outcome.job.dataset].windows)
        if len(outcome.rows) and outcome.rows.max() >= n_windows:
            raise ResultsError(
                f"The result of {outcome.job} is about window {outcome.rows.max()} of "
                f"{n_windows}: it is not of these data. Delete its file in {store.path}."
            )
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
