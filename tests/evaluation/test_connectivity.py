import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import LaggedBandPower, MeanBOLD
from braindecode_bolt.metrics import connectivity, connectivity_r
from tests.evaluation.models import Seeded

RIVALS = ["connectivity_r", "group_connectivity_r", "constant_eeg_connectivity_r"]


class Generator(RegressorMixin, BaseEstimator):
    """Series with the covariance of the training BOLD, whatever the EEG."""

    def fit(self, X, y):
        self.root_ = np.linalg.cholesky(np.cov(np.asarray(y, float).T))
        return self

    def predict(self, X):
        rng = np.random.default_rng(0)
        return rng.standard_normal((len(X), len(self.root_))) @ self.root_.T


class Breaks(MeanBOLD):
    """Cannot predict windows that are all the same."""

    def predict(self, X):
        if len(X) > 1 and np.array_equal(X[0], X[1]):
            raise RuntimeError("there is nothing to see")
        return super().predict(X)


@pytest.fixture(scope="module")
def found(study):
    models = {
        "ridge": LaggedBandPower(),
        "generator": Generator(),
        "mean": MeanBOLD(),
        "breaks": Breaks(),
    }
    return evaluate(models, study, n_splits=2, progress=False)


def test_the_rivals_stand_beside_every_model(found):
    table = found.connectivity
    assert set(table["pipeline"]) == {"ridge", "generator", "mean", "breaks"}
    assert set(RIVALS) < set(table) and table["group_connectivity_r"].notna().all()
    by_recording = table.groupby("recording")["group_connectivity_r"]
    assert (by_recording.nunique() == 1).all()


def test_the_group_is_the_mean_of_those_trained_on(found, study):
    row = found.connectivity.iloc[0]
    y, people = study.windows.y, study.windows.metadata["subject"].to_numpy()
    tested = set(
        found.connectivity.query("fold == @row.fold and pipeline == 'ridge'")["subject"]
    )
    mean = np.mean(
        [connectivity(y[people == one]) for one in np.unique(people) if one not in tested],
        axis=0,
    )
    pairs = np.triu_indices(len(mean), k=1)
    own = connectivity(y[people == row["subject"]])
    expected = np.corrcoef(own[pairs], mean[pairs])[0, 1]
    assert row["group_connectivity_r"] == pytest.approx(expected)


def test_a_generator_that_ignores_eeg_scores_the_same_on_constant_eeg(found):
    table = found.connectivity.set_index("pipeline")
    generated = table.loc["generator"]
    np.testing.assert_allclose(
        generated["constant_eeg_connectivity_r"], generated["connectivity_r"], atol=1e-3
    )
    for name in ("ridge", "mean", "breaks"):
        assert table.loc[name, "constant_eeg_connectivity_r"].isna().all()


def test_a_model_that_cannot_predict_constant_eeg_says_so(found):
    assert not len(found.failures)
    (row,) = found.messages.to_dict("records")
    assert row["pipeline"] == "breaks" and row["n_fits"] == 2
    expected = "No predictions of constant EEG: RuntimeError: there is nothing to see"
    assert row["message"] == expected


def test_the_summary_tests_the_model_against_the_group_and_identifies_people(found):
    summary = found.connectivity_summary().set_index("pipeline")
    of_ridge = found.connectivity.query("pipeline == 'ridge'")
    for name in RIVALS[:2]:
        assert summary.loc["ridge", name] == pytest.approx(of_ridge[name].mean())
    difference = of_ridge["connectivity_r"] - of_ridge["group_connectivity_r"]
    assert summary.loc["ridge", "difference"] == pytest.approx(difference.mean())
    assert (
        summary.loc["ridge", "n_subjects"] == 4 and summary.loc["ridge", "chance"] == 0.25
    )
    assert 0 < summary.loc["ridge", "pairing_p"] <= 1
    assert summary.loc["mean", "n_subjects"] == 0
    assert np.isnan(summary.loc["mean", "accuracy"])


def test_seeds_are_averaged(study):
    found = evaluate({"noise": Seeded()}, study, n_splits=2, seeds=(0, 1), progress=False)
    (row,) = found.connectivity_summary().to_dict("records")
    assert row["connectivity_r"] == pytest.approx(
        found.connectivity["connectivity_r"].mean()
    )
    assert row["n_subjects"] == 4


def test_regions_predicted_one_by_one_stand_together(study):
    together, apart = (
        evaluate(
            {"generator": Generator(), "ridge": LaggedBandPower()},
            study,
            n_splits=2,
            regions=how,
            progress=False,
        ).connectivity.query("pipeline == 'ridge'")
        for how in ("together", "separately")
    )
    for name in RIVALS[:2]:
        np.testing.assert_allclose(together[name], apart[name], rtol=1e-3)


def test_predicted_connectivity_is_that_of_the_series(found):
    row = found.connectivity.query("pipeline == 'ridge'").iloc[0]
    series = found.predictions.query("pipeline == 'ridge' and recording == @row.recording")
    measured, predicted = (
        series[[f"{kind}:{name}" for name in found.regions["data"]]]
        for kind in ("measured", "predicted")
    )
    assert row["connectivity_r"] == pytest.approx(connectivity_r(measured, predicted))
