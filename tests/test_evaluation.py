import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from braindecode_bolt import create_bold_windows
from braindecode_bolt.evaluation import evaluate, group_labels, iterate_folds
from braindecode_bolt.linear import LaggedBandPower


class Remember(RegressorMixin, BaseEstimator):
    """Predict the training mean, and keep what was seen."""

    seen = []

    def fit(self, X, y):
        self.mean_ = y.mean(axis=0)
        Remember.seen.append(("fit", set(X.metadata["subject"]), np.asarray(y)))
        return self

    def predict(self, X):
        Remember.seen.append(("predict", set(X.metadata["subject"]), None))
        return np.tile(self.mean_, (len(X), 1)) + 1e-3 * np.arange(len(X))[:, None]


def test_training_and_test_people_are_never_the_same(windows):
    Remember.seen = []
    evaluate({"mean": Remember()}, windows, n_splits=4)
    fits = Remember.seen[::2], Remember.seen[1::2]
    for (_, trained, y), (_, tested, _) in zip(*fits, strict=True):
        assert trained | tested == {"01", "02", "03", "04"} and not trained & tested
        # The scale was learned on the training part alone.
        np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-4)


def test_every_recording_is_scored_once_per_model(windows):
    models = {"ridge": LaggedBandPower(), "mean": Remember()}
    scores = evaluate(models, windows, n_splits=2)
    assert len(scores) == 2 * 4 * 2
    assert not scores.duplicated(["model", "recording", "region"]).any()
    of_ridge = scores[scores["model"] == "ridge"]
    assert of_ridge["r"].mean() > 0.4 > abs(of_ridge["control_r"].mean())
    assert (scores["ceiling"] > of_ridge["r"].mean()).all()
    # The mean of others explains nothing: an error of about the variance.
    assert scores.loc[scores["model"] == "mean", "mse"].mean() == pytest.approx(1, abs=0.2)


def test_r_is_at_the_ceiling_for_a_model_that_knows_all(windows):
    """The score against an estimator that returns the noiseless BOLD."""
    truth = {
        tuple(row): value
        for row, value in zip(
            windows.metadata[["recording", "volume"]].to_numpy(),
            windows.noiseless,
            strict=True,
        )
    }

    class Oracle(Remember):
        def predict(self, X):
            rows = X.metadata[["recording", "volume"]].to_numpy()
            return np.array([truth[tuple(row)] for row in rows])

    scores = evaluate({"oracle": Oracle()}, windows, n_splits=2)
    np.testing.assert_allclose(scores["r"], scores["ceiling"], rtol=1e-4)


def test_two_processes_give_the_same_table(windows):
    models = {"ridge": LaggedBandPower()}
    one = evaluate(models, windows, n_splits=2).drop(columns="time")
    two = evaluate(models, windows, n_splits=2, n_jobs=2).drop(columns="time")
    pd.testing.assert_frame_equal(one, two, rtol=1e-4)


def test_predictions_stand_beside_what_was_measured(windows):
    results = list(
        iterate_folds({"ridge": LaggedBandPower()}, windows, windows.groups, n_splits=2)
    )
    predictions = pd.concat([result.predictions for result in results])
    assert len(predictions) == len(windows)
    keys = ["recording", "volume"]
    merged = predictions.merge(windows.metadata.assign(row=range(len(windows))), on=keys)
    np.testing.assert_array_equal(
        merged["measured:Thalamus"].to_numpy(np.float32), windows.y[merged["row"], 0]
    )


def test_finished_folds_are_skipped(windows):
    results = iterate_folds(
        {"ridge": LaggedBandPower()}, windows, windows.groups, 2, skip={("ridge", 1)}
    )
    assert [(result.model, result.fold) for result in results] == [("ridge", 2)]


def test_one_region_is_enough(make_recording):
    recordings = [make_recording(str(i), rois=["A"], seed=i) for i in range(3)]
    windows = create_bold_windows(recordings, 4.0)
    mean = make_pipeline(
        FunctionTransformer(lambda X: np.zeros((len(X), 1))), DummyRegressor()
    )
    with pytest.warns(UserWarning, match="R is not defined"):
        scores = evaluate({"mean": mean}, windows)
    assert scores["region"].tolist() == ["A"] * 3
    assert scores["r"].isna().all() and scores["control_r"].isna().all()


def test_groups_are_named(make_recording):
    recordings = [
        make_recording(subject, session, run, seed=seed)
        for seed, (subject, session, run) in enumerate(
            [("1", "a", "1"), ("1", "a", "2"), ("1", "b", "1"), ("2", "a", "1")]
        )
    ]
    windows = create_bold_windows(recordings, 4.0)
    for by, expected in (("subject", 2), ("session", 3), ("run", 4)):
        assert len(np.unique(group_labels(windows, by))) == expected
    with pytest.raises(ValueError, match="must be one of subject, session, run"):
        group_labels(windows, "site")
    unnamed = create_bold_windows([make_recording("1"), make_recording("2")], 4.0)
    with pytest.raises(ValueError, match="2 recordings do not say which session they are"):
        group_labels(unnamed, "session")


def test_one_person_is_told_of_the_other_groups(make_recording):
    runs = [make_recording("1", run=str(run), seed=run) for run in (1, 2)]
    with pytest.raises(ValueError, match="only one subject; group by run .*--groups run"):
        group_labels(create_bold_windows(runs, 4.0))
    with pytest.raises(ValueError, match="at least two recordings are needed"):
        group_labels(create_bold_windows(runs[:1], 4.0))
