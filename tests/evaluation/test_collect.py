import numpy as np
import pytest
from braindecode_bolt.evaluation.jobs import Job, Outcome
from braindecode_bolt.evaluation.tables import (
    connectivity_table,
    curves_table,
    in_order,
    predictions_table,
    scores_table,
)
from scipy.stats import pearsonr, spearmanr

from braindecode_bolt import create_bold_windows
from braindecode_bolt.evaluation import Study
from braindecode_bolt.metrics import connectivity_r, pearson_r


def outcome(study, rows, predicted, scale=None, **job):
    named = {"dataset": "d", "model": "m", "control": "", "seed": 0, "fold": 1, **job}
    n_rois = predicted.shape[1]
    return Outcome(
        Job(**named),
        rows,
        predicted.astype(np.float32),
        study.windows.y[rows][:, :n_rois],
        np.ones(n_rois) if scale is None else scale,
        n_train=7,
    )


def test_scores_are_per_recording_and_region(study):
    windows = study.windows
    rows = np.flatnonzero(windows.groups != "02")
    rng = np.random.default_rng(0)
    predicted = windows.y[rows] + rng.standard_normal((len(rows), 3))
    done = outcome(study, rows, predicted, np.array([2.0, 1.0, 1.0]))
    scores = scores_table([done], {"d": study})
    assert len(scores) == 3 * 3
    mine = windows.groups[rows] == "03"
    true, guess = windows.y[rows][mine], predicted[mine].astype(np.float32)
    of_it = scores[scores["subject"] == "03"].set_index("region")
    cuneus = of_it.loc["Cuneus"]
    assert cuneus["score"] == pytest.approx(pearsonr(true[:, 1], guess[:, 1]).statistic)
    assert cuneus["spearman"] == pytest.approx(spearmanr(true[:, 1], guess[:, 1]).statistic)
    assert of_it.loc["Thalamus", "mse"] == pytest.approx(
        np.mean((true - guess)[:, 0] ** 2) / 4, rel=1e-5
    )
    assert cuneus["samples"] == mine.sum() and cuneus["n_train"] == 7
    assert cuneus["recording"] == "sub-03_task-simulated"


def test_the_control_scores_against_other_peoples_bold(study):
    windows = study.windows
    rows = np.flatnonzero(windows.groups == "01")
    scores = scores_table([outcome(study, rows, windows.y[rows])], {"d": study})
    np.testing.assert_allclose(scores["score"], 1, atol=1e-6)
    others = [windows.groups == s for s in ("02", "03", "04")]
    expected = np.mean([pearson_r(windows.y[o], windows.y[rows]) for o in others], axis=0)
    np.testing.assert_allclose(scores["cross_recording_r"], expected, rtol=1e-5)


def test_two_volumes_in_common_are_no_control(make_recording):
    lengths = {"01": 20, "02": 5}
    recordings = [make_recording(w, n_volumes=n) for w, n in lengths.items()]
    short = Study.of(create_bold_windows(recordings, 4.0))
    rows = np.flatnonzero(short.windows.groups == "01")
    assert len(rows) == 20 and len(short.windows) == 25
    # Two volumes of the first five, which the other person has too.
    rows = np.r_[rows[3:5], rows[10:18]]
    done = outcome(short, rows, short.windows.y[rows])
    scores = scores_table([done], {"d": short})
    assert scores["cross_recording_r"].isna().all() and scores["score"].notna().all()
    assert scores["noise_ceiling"].isna().all()


def test_a_late_prediction_is_seen(long_study):
    y = long_study.windows.y
    rows = np.flatnonzero(long_study.windows.metadata["recording"] == 0)
    late = np.roll(y[rows], 2, axis=0)
    scores = scores_table([outcome(long_study, rows, late)], {"d": long_study})
    np.testing.assert_allclose(scores["best_lag"], 2 * 2.1)
    assert (scores["score_at_best_lag"] > 0.99).all()
    # With volumes left out the series has no regular time.
    holes = np.delete(rows, 50)
    scores = scores_table([outcome(long_study, holes, y[holes])], {"d": long_study})
    assert scores["best_lag"].isna().all()


def test_order_is_that_of_the_models(study):
    rows = np.arange(5)
    made = [
        outcome(study, rows, study.windows.y[rows], model=model, control=control)
        for model, control in (("b", ""), ("c", ""), ("a", ""), ("a", "wrong_subject"))
    ]
    ordered = in_order(made, ["c", "a"])
    assert [o.job.pipeline for o in ordered] == ["c", "a", "a (wrong subject)", "b"]


def test_regions_that_were_predicted_one_by_one_stand_side_by_side(study):
    rows = np.arange(6)
    made = [
        Outcome(
            Job("d", "m", "", 0, 1, region),
            rows,
            np.full((6, 1), number, np.float32),
            study.windows.y[rows][:, [number]],
            np.ones(1),
        )
        for number, region in enumerate(study.windows.roi_names)
    ]
    table = predictions_table(made, {"d": study})
    assert len(table) == 6
    for number, region in enumerate(study.windows.roi_names):
        assert (table[f"predicted:{region}"] == number).all()
        np.testing.assert_array_equal(
            table[f"measured:{region}"], study.windows.y[:6, number]
        )
    assert list(table["volume"]) == list(study.windows.metadata["volume"][:6])


def test_connectivity_is_compared_per_recording(study):
    rng = np.random.default_rng(1)
    rows = np.arange(len(study.windows))
    predicted = study.windows.y + rng.standard_normal(study.windows.y.shape)
    predictions = predictions_table([outcome(study, rows, predicted)], {"d": study})
    table = connectivity_table(predictions, study.windows.roi_names)
    assert len(table) == 4
    of_first = study.windows.metadata["recording"].to_numpy() == 0
    expected = connectivity_r(study.windows.y[of_first], predicted[of_first])
    assert table["connectivity_r"].iloc[0] == pytest.approx(expected, rel=1e-4)


def test_nothing_makes_empty_tables(study):
    empty = {"d": study}
    assert len(scores_table([], empty)) == 0 and "score" in scores_table([], empty)
    predictions = predictions_table([], empty)
    assert len(predictions) == 0 and "volume" in predictions
    assert "connectivity_r" in connectivity_table(predictions, ["A"])
    assert "valid_loss" in curves_table([])


def test_losses_of_each_epoch(study):
    done = outcome(study, np.arange(3), study.windows.y[:3])
    done = Outcome(done.job, history={"train_loss": [2.0, 1.0]})
    table = curves_table([done])
    assert table["epoch"].tolist() == [1, 2]
    assert table["train_loss"].tolist() == [2.0, 1.0]
    assert table["valid_loss"].isna().all()
