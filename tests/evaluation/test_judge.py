from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from moabb.analysis.meta_analysis import (
    compute_dataset_statistics,
    find_significant_differences,
)
from moabb.analysis.plotting import paired_plot, score_plot
from scipy.stats import false_discovery_control

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import Study, compare_pipelines, evaluate, summarise
from braindecode_bolt.linear import AlphaHRF, LaggedBandPower
from braindecode_bolt.null import bootstrap_interval, null_r
from braindecode_bolt.report.score_table import layout, suspicious

from .models import Seeded

MODELS = {"ridge": LaggedBandPower(), "alpha": AlphaHRF(), "noise": Seeded()}


@pytest.fixture(scope="module")
def found(study):
    return evaluate(MODELS, study, n_splits=2)


@pytest.fixture(scope="module")
def summary(found):
    return found.summary(n_surrogates=500)


def test_means_are_over_recordings(found, summary):
    table = summary.set_index(["pipeline", "region"])
    for (pipeline, region), part in found.scores.groupby(["pipeline", "region"]):
        row = table.loc[(pipeline, region)]
        assert row["score"] == pytest.approx(part["score"].mean())
        assert row["mse"] == pytest.approx(part["mse"].mean())
        assert row["n_recordings"] == row["n_subjects"] == 4
    for pipeline in MODELS:
        of_regions = table.loc[pipeline].drop("mean")
        assert table.loc[(pipeline, "mean"), "score"] == pytest.approx(
            of_regions["score"].mean()
        )


def test_chance_and_intervals_are_those_of_the_null(found, summary):
    part = found.predictions[found.predictions["pipeline"] == "ridge"]
    part = part.sort_values(["recording", "fold", "volume"])
    regions = found.regions["data"]
    measured, predicted = (
        part[[f"{kind}:{region}" for region in regions]].to_numpy()
        for kind in ("measured", "predicted")
    )
    labels = part["recording"].to_numpy()
    expected = null_r(measured, predicted, labels, n_surrogates=500)
    rows = summary[summary["pipeline"] == "ridge"].set_index("region")
    np.testing.assert_allclose(rows.loc[regions, "p"], expected.p)
    np.testing.assert_allclose(rows.loc[regions, "null_low"], expected.band[0], rtol=1e-4)
    assert rows.loc["mean", "p"] == pytest.approx(expected.p_mean)
    np.testing.assert_allclose(
        rows.loc[regions, "p_fdr"], false_discovery_control(expected.p)
    )
    scores = found.scores[found.scores["pipeline"] == "ridge"]
    wide = scores.pivot(index=["recording", "subject"], columns="region", values="score")
    subjects = wide.index.get_level_values("subject").to_numpy()
    with pytest.warns(UserWarning, match="fewer than 5 subjects"):
        low, high = bootstrap_interval(wide[regions].to_numpy(), subjects)
    np.testing.assert_allclose(rows.loc[regions, "ci_low"], low)
    np.testing.assert_allclose(rows.loc[regions, "ci_high"], high)


def test_what_is_there_is_found_and_noise_is_not(summary):
    means = summary[summary["region"] == "mean"].set_index("pipeline")
    assert means.loc["ridge", "p"] < 0.01 < 0.05 < means.loc["noise", "p"]
    assert means.loc["noise", "null_low"] < 0 < means.loc["noise", "null_high"]
    assert means["null_high"].max() < means.loc["ridge", "score"]


def test_unrelated_eeg_is_not_significant():
    """About 5 % of p fall below 0.05 where EEG and BOLD have nothing in common."""
    p = []
    for seed in range(8):
        simulated = SimulatedEEGfMRI(
            4,
            duration=130.0,
            ch_names=["Fz", "Oz"],
            rois=list("ABCDEFGHIJ"),
            snr=0.0,
            random_state=100 + seed,
        )
        study = Study.of(simulated.load(), window_seconds=4.0)
        found = evaluate({"ridge": LaggedBandPower()}, study, n_splits=4, progress=False)
        table = found.summary(n_surrogates=500)
        p += table.loc[table["region"] != "mean", "p"].tolist()
    # 80 regions, ten of a study sharing their EEG: at most 10 of them by chance.
    assert np.mean(np.array(p) < 0.05) < 0.125
    assert 0.3 < np.mean(p) < 0.7


def test_other_null_models(found):
    for method in ("shift", "block"):
        table = found.summary(method=method, n_surrogates=200).set_index(
            ["pipeline", "region"]
        )
        assert table.loc[("ridge", "mean"), "p"] < 0.02
        assert table.loc[("noise", "mean"), "p"] > 0.02


def test_a_fold_that_is_missing_for_one_seed(found, study):
    models = {"noise": Seeded()}
    seeds = evaluate(models, study, n_splits=2, seeds=[0, 1])
    rows = (seeds.predictions["seed"] == 1) & (seeds.predictions["fold"] == 1)
    scores = seeds.scores[~((seeds.scores["seed"] == 1) & (seeds.scores["fold"] == 1))]
    table = summarise(scores, seeds.predictions[~rows], seeds.tr, n_surrogates=100)
    expected = scores.groupby(["recording", "region"])["score"].mean()
    row = table.set_index("region").loc["Cuneus"]
    assert row["score"] == pytest.approx(expected.xs("Cuneus", level="region").mean())
    assert np.isfinite(row["p"])


# moabb about its own colours.
@pytest.mark.filterwarnings("ignore:The palette list has more values")
def test_moabb_takes_the_table(found):
    table = found.to_moabb()
    assert set(table.columns) >= {"dataset", "pipeline", "subject", "session", "score"}
    statistics = compute_dataset_statistics(table)
    p, effects = find_significant_differences(statistics)
    assert p.shape == effects.shape == (3, 3)
    figure, _ = score_plot(table)
    assert figure.axes
    assert paired_plot(table, "ridge", "noise").axes


def test_pipelines_are_compared_in_pairs(found):
    table = found.compare()
    assert len(table) == 6 and (table["n_subjects"] == 4).all()
    assert (table["n_cells"] == 4 * 3).all() and (table["n_undefined"] == 0).all()
    np.testing.assert_allclose(table["p_fdr"], false_discovery_control(table["p"]))
    row = table.set_index(["better", "worse"]).loc[("ridge", "noise")]
    # The exact test of four subjects: one of sixteen signs is as extreme.
    assert row["p"] == pytest.approx(1 / 16) and row["difference"] > 0.3
    back = table.set_index(["better", "worse"]).loc[("noise", "ridge")]
    assert back["difference"] == -row["difference"] and back["p"] > 0.9
    statistics = compute_dataset_statistics(found.to_moabb()).set_index(["pipe1", "pipe2"])
    assert statistics.loc[("ridge", "noise"), "smd"] == pytest.approx(row["effect"])


def test_pairs_are_compared_on_the_subjects_that_both_have(found):
    """A fold of one pipeline that failed does not affect other comparisons."""
    table = found.scores
    failed = (table["pipeline"] == "noise") & table["subject"].isin(["01", "02"])
    rows = compare_pipelines(table[~failed]).set_index(["better", "worse"])
    assert rows.loc[("ridge", "noise"), ["n_subjects", "n_undefined"]].tolist() == [2, 6]
    assert rows.loc[("ridge", "alpha"), ["n_subjects", "n_undefined"]].tolist() == [4, 0]
    failed = (table["pipeline"] == "noise") & (table["subject"] != "01")
    rows = compare_pipelines(table[~failed]).set_index(["better", "worse"])
    assert rows.loc[("ridge", "noise"), "n_subjects"] == 1
    assert np.isnan(rows.loc[("ridge", "noise"), ["difference", "p", "p_fdr"]]).all()


def test_undefined_regions_favour_no_pipeline(found):
    """A model without its worst regions is not better than itself."""
    ridge = found.scores[found.scores["pipeline"] == "ridge"]
    fewer = ridge.assign(pipeline="fewer")
    worst = ridge.groupby("region")["score"].mean().idxmin()
    fewer.loc[fewer["region"] == worst, "score"] = np.nan
    table = pd.concat([ridge, fewer], ignore_index=True)
    for _, row in compare_pipelines(table).iterrows():
        assert row["difference"] == 0 and row["effect"] == 0 and row["p"] == 1
        assert row[["n_regions", "n_cells", "n_undefined"]].tolist() == [2, 8, 4]
    moabb = replace(found, scores=table).to_moabb()
    first, second = (moabb.loc[moabb["pipeline"] == p, "score"] for p in ("ridge", "fewer"))
    np.testing.assert_array_equal(first, second)


def test_recordings_and_subjects_are_counted_where_they_have_a_score(found):
    scores = found.scores.copy()
    gone = (scores["region"] == "Cuneus") & (scores["subject"] == "01")
    scores.loc[gone, "score"] = np.nan
    table = summarise(scores, found.predictions, found.tr, n_surrogates=50)
    rows = table.set_index(["pipeline", "region"])
    counts = rows.loc["ridge"][["n_recordings", "n_subjects"]]
    assert counts.loc["Cuneus"].tolist() == [3, 3]
    assert counts.loc["Thalamus"].tolist() == [4, 4]
    assert rows.loc[("ridge", "Cuneus"), "n_undefined"] == 1
    mean = rows.loc[("ridge", "mean"), "score"]
    expected = rows.loc["ridge", "score"].drop("mean").mean()
    assert mean == pytest.approx(expected)


def test_the_level_and_the_null_stand_in_the_table(found):
    table = found.summary(method="shift", level=0.9, n_surrogates=50)
    assert (table["level"] == 0.9).all() and (table["null"] == "shift").all()
    text = layout(table)
    assert "90% CI" in text and "circular shifts" in text and "95%" not in text


def test_predictions_that_fit_all_subjects_give_a_warning(found):
    table = found.summary(n_surrogates=50)
    assert "CAUTION" not in layout(table) and not suspicious(table)
    drift = table.copy()
    rows = (drift["pipeline"] == "ridge") & (drift["region"] == "mean")
    drift.loc[rows, "cross_recording_r"] = 0.9 * drift.loc[rows, "score"]
    assert suspicious(drift) == ["ridge"]
    shown = " ".join(layout(drift).split())
    assert (
        "CAUTION: The predictions of ridge also correlate with the BOLD of other" in shown
    )


def test_nothing_to_compare(found):
    scores = found.scores
    assert len(compare_pipelines(scores[scores["pipeline"] == "ridge"])) == 0
    assert compare_pipelines(scores[scores["subject"] == "01"])["p"].isna().all()
    assert len(compare_pipelines(scores[:0])) == 0


def test_intervals_hold_all_recordings_of_a_person_together(long_study):
    scores = evaluate({"ridge": LaggedBandPower()}, long_study, n_splits=2).scores
    assert scores["subject"].nunique() == 2 and scores["recording"].nunique() == 4
    found = evaluate({"ridge": LaggedBandPower()}, long_study, n_splits=2)
    table = found.summary(n_surrogates=100)
    assert (table["n_subjects"] == 2).all() and (table["n_recordings"] == 4).all()
    of_subjects = scores.groupby(["subject", "region"])["score"].mean().unstack()
    rows = table.set_index("region").loc[of_subjects.columns]
    np.testing.assert_allclose(rows["ci_low"], of_subjects.min(), atol=1e-9)
    pd.testing.assert_series_equal(
        rows["ci_high"], of_subjects.max(), check_names=False, atol=1e-9
    )
