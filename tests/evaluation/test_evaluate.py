import dataclasses
import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from braindecode_bolt import NeuroBOLT
from braindecode_bolt.evaluation import ResultsError, Study, evaluate
from braindecode_bolt.linear import AlphaHRF, BandPower, LaggedBandPower, MeanBOLD
from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.splits import GapSplit, GroupSplit, LeaveOneOut

from .models import Fails, Oracle, Remember, Seeded, Warns, tiny

RIDGE = {"ridge": LaggedBandPower()}


def tables(found):
    timed = ["time", "predict_time"]
    return found.scores.drop(columns=timed), found.predictions


def test_training_and_test_subjects_are_never_the_same(study):
    Remember.seen = []
    evaluate({"mean": Remember()}, study, n_splits=4)
    for (_, trained, y), (_, tested, _) in zip(
        Remember.seen[::2], Remember.seen[1::2], strict=True
    ):
        subjects = set(trained["subject"]), set(tested["subject"])
        assert subjects[0] | subjects[1] == {"01", "02", "03", "04"}
        assert not subjects[0] & subjects[1]
        # The scale was learned on the training part alone.
        np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-4)


def test_every_recording_is_scored_once_per_pipeline(study):
    models = {**RIDGE, "mean": Remember()}
    found = evaluate(models, {"sim": study}, n_splits=2)
    scores = found.scores
    assert len(scores) == 2 * 4 * 3
    assert not scores.duplicated(["pipeline", "recording", "region"]).any()
    ridge = scores[scores["pipeline"] == "ridge"]
    assert ridge["score"].mean() > 0.4 > abs(ridge["cross_recording_r"].mean())
    assert ridge["score"].mean() < ridge["noise_ceiling"].mean()
    # The mean of others explains nothing: an error of about the variance.
    of_mean = scores[scores["pipeline"] == "mean"]
    assert of_mean["mse"].mean() == pytest.approx(1, abs=0.2)
    assert (scores["dataset"] == "sim").all() and (scores["channels"] == 4).all()
    assert list(dict.fromkeys(scores["pipeline"])) == ["ridge", "mean"]
    assert found.connectivity["connectivity_r"].notna().any()
    assert repr(found) == ("<Evaluation: 1 data set, 2 pipelines, 4 recordings, 3 regions>")


def test_scores_are_those_of_the_predictions(study):
    found = evaluate(RIDGE, study, n_splits=2)
    for (recording, region), row in found.scores.groupby(["recording", "region"]):
        part = found.predictions[found.predictions["recording"] == recording]
        measured, predicted = part[f"measured:{region}"], part[f"predicted:{region}"]
        assert row["score"].item() == pytest.approx(
            np.corrcoef(measured, predicted)[0, 1], abs=1e-5
        )
        assert row["samples"].item() == len(part)
        error = ((measured - predicted) ** 2).mean() / measured.var(ddof=0)
        assert row["r2"].item() == pytest.approx(1 - error, abs=1e-4)
    keys = ["recording", "volume"]
    rows = study.windows.metadata.assign(
        recording=np.array(study.names)[study.windows.metadata["recording"]],
        y=study.windows.y[:, 0],
    )
    merged = found.predictions.merge(rows, on=keys)
    np.testing.assert_array_equal(
        merged["measured:Thalamus"].to_numpy(np.float32), merged["y"].to_numpy(np.float32)
    )


def test_r_is_at_the_ceiling_for_a_model_that_knows_all(study):
    windows = study.windows
    keys = windows.metadata[["recording", "volume"]].to_numpy()
    truth = dict(zip(map(tuple, keys), windows.noiseless, strict=True))
    found = evaluate({"oracle": Oracle(truth)}, study, n_splits=2)
    np.testing.assert_allclose(
        found.scores["score"], found.scores["noise_ceiling"], rtol=1e-4
    )
    assert (found.scores["best_lag"] == 0).mean() > 0.9


def test_seeds_are_for_models_that_have_one(study):
    models = {"seeded": Seeded(), **RIDGE}
    found = evaluate(models, study, n_splits=2, seeds=[3, 4])
    counts = found.scores.groupby("pipeline")["seed"].nunique()
    assert counts.to_dict() == {"ridge": 1, "seeded": 2}
    seeded = found.scores[found.scores["pipeline"] == "seeded"]
    wide = seeded.pivot(index=["recording", "region"], columns="seed", values="score")
    assert not np.allclose(wide[3], wide[4])
    summary = found.summary(n_surrogates=200).set_index(["pipeline", "region"])
    expected = wide.mean(axis=1).groupby("region").mean()
    assert summary.loc[("seeded", "Cuneus"), "score"] == pytest.approx(expected["Cuneus"])
    assert summary.loc[("seeded", "Cuneus"), "n_seeds"] == 2


def test_a_fold_that_fails_is_noted_and_the_others_go_on(study, tmp_path):
    models = {"fails": Fails("01"), **RIDGE}
    found = evaluate(models, study, n_splits=4, out=tmp_path / "out")
    assert len(found.failures) == 3
    assert found.failures["error"].str.contains("subject 01 is not for training").all()
    assert "Traceback" in found.failures["details"].iloc[0]
    failed = found.scores[found.scores["pipeline"] == "fails"]
    assert set(failed["subject"]) == {"01"}
    assert len(found.scores[found.scores["pipeline"] == "ridge"]) == 4 * 3
    assert "3 fits failed" in repr(found)
    # After a correction the failed fits are done, and no failure is left.
    written = sorted((tmp_path / "out" / "folds").glob("*.npz"))
    times = {file: file.stat().st_mtime_ns for file in written}
    again = evaluate(models, study, n_splits=4, out=tmp_path / "out")
    assert len(again.failures) == 3
    assert all(file.stat().st_mtime_ns == at for file, at in times.items())
    with pytest.raises(RuntimeError, match="subject 01 is not for training"):
        evaluate(models, study, n_splits=4, on_error="raise")


class _Only01:
    """Train on all subjects but the last."""

    def split(self, X, y=None, groups=None):
        test = X.metadata["subject"].to_numpy() == "04"
        yield np.flatnonzero(~test), np.flatnonzero(test)


def test_warnings_of_fits_are_counted(study, caplog):
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        found = evaluate({"warns": Warns()}, study, n_splits=2)
    (row,) = found.messages.to_dict("records")
    assert row == {
        "pipeline": "warns",
        "message": "UserWarning: the moon is full",
        "n_fits": 2,
    }
    assert "warns, in 2 fits: UserWarning: the moon is full" in caplog.text


def test_constant_predictions_are_undefined_and_counted(study, caplog):
    found = evaluate({"mean": MeanBOLD(), **RIDGE}, study, n_splits=2)
    of_mean = found.scores[found.scores["pipeline"] == "mean"]
    assert of_mean[["score", "spearman", "best_lag"]].isna().all().all()
    assert of_mean["mse"].notna().all()
    summary = found.summary(n_surrogates=200).set_index(["pipeline", "region"])
    row = summary.loc[("mean", "mean")]
    assert row["n_undefined"] == 4 * 3 and np.isnan(row["score"]) and np.isnan(row["p"])
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        moabb = found.to_moabb()
    assert set(moabb["pipeline"]) == {"ridge"}
    assert "Without any score: mean" in caplog.text


def test_controls_are_trained_again(study):
    found = evaluate(
        {**RIDGE, "mean": Remember()},
        study,
        n_splits=2,
        controls=["wrong_subject", "constant_eeg"],
    )
    r = found.scores.groupby("pipeline", sort=False)["score"].mean()
    assert list(r.index) == [
        "ridge",
        "ridge (constant EEG)",
        "ridge (wrong subject)",
        "mean",
        "mean (constant EEG)",
        "mean (wrong subject)",
    ]
    assert r["ridge"] > 0.4 > abs(r["ridge (wrong subject)"])
    assert np.isnan(r["ridge (constant EEG)"])
    assert set(found.scores["control"]) == {"", "wrong_subject", "constant_eeg"}


def test_controls_within_recordings(long_study):
    found = evaluate(
        RIDGE, long_study, GapSplit(), controls=["wrong_subject", "constant_eeg"]
    )
    counts = found.scores.groupby("pipeline")["recording"].nunique()
    assert (counts == 4).all()
    # The rows that are scored are those of the real windows.
    volumes = found.predictions.groupby("pipeline")["volume"].apply(sorted)
    assert volumes.iloc[0] == volumes.iloc[1] == volumes.iloc[2]


def test_regions_one_by_one(study):
    together = evaluate(RIDGE, study, n_splits=2)
    one_by_one = evaluate(RIDGE, study, n_splits=2, regions="separately")
    keys = ["recording", "region", "score", "mse"]
    first, second = (
        found.scores[keys].sort_values(keys[:2], ignore_index=True)
        for found in (together, one_by_one)
    )
    # Ridge treats regions one by one anyway.
    pd.testing.assert_frame_equal(first, second, rtol=1e-3)
    columns = [f"predicted:{region}" for region in study.windows.roi_names]
    for column in columns:
        assert one_by_one.predictions[column].notna().all()
    assert len(one_by_one.predictions) == len(study.windows)


def test_the_paper_s_protocol_within_recordings(long_study):
    Remember.seen = []
    found = evaluate({"mean": Remember()}, long_study, "within")
    assert found.scores["recording"].nunique() == 4
    assert found.scores["fold"].nunique() == 4
    for (_, trained, _), (_, tested, _) in zip(
        Remember.seen[::2], Remember.seen[1::2], strict=True
    ):
        assert trained["recording"].nunique() == 1
        gap = tested["start"].min() - trained["stop"].max()
        # Twenty seconds between the volumes, and windows of four.
        assert gap / 200 >= 20 - 4
    measured = found.predictions["measured:Thalamus"]
    by_recording = found.predictions.groupby("recording")["measured:Thalamus"].mean()
    assert measured.notna().all()
    np.testing.assert_allclose(by_recording, 0, atol=1e-5)


def test_transfer_between_tasks(two_tasks):
    Remember.seen = []
    options = {"source": "rest", "target": "film", "n_splits": 2}
    zero = evaluate({"mean": Remember()}, two_tasks, "zero-shot", **options)
    for kind, metadata, _ in Remember.seen:
        assert set(metadata["task"]) == {"rest" if kind == "fit" else "film"}
    assert set(zero.scores["task"]) == {"film"}
    joint = evaluate(RIDGE, two_tasks, "joint", **options)
    assert joint.scores["n_train"].iloc[0] > zero.scores["n_train"].iloc[0]
    tuned = evaluate({"net": tiny()}, two_tasks, "fine-tuned", **options)
    assert set(tuned.scores["task"]) == {"film"} and len(tuned.curves)
    with pytest.raises(ValueError, match="ridge cannot be fine-tuned"):
        evaluate(RIDGE, two_tasks, "fine-tuned", **options)


def test_several_data_sets(study, long_study):
    found = evaluate(RIDGE, {"a": study, "b": long_study}, LeaveOneOut())
    assert found.scores.groupby("dataset")["recording"].nunique().to_dict() == {
        "a": 4,
        "b": 4,
    }
    summary = found.summary(n_surrogates=100)
    assert len(summary) == 2 * 4
    assert set(found.left_out["dataset"]) == {"a", "b"}
    moabb = found.to_moabb("Cuneus")
    assert set(moabb["dataset"]) == {"a", "b"}
    with pytest.raises(ValueError, match="no region 'Amygdala'; there are Thalamus"):
        found.to_moabb("Amygdala")


def test_nested_choice_of_hyper_parameters(study):
    """Inner folds keep subjects apart, with our splitters and with scikit-learn's."""
    grid = {"alphas": [[1.0], [1e4], [1e8]]}
    models = {
        name: GridSearchCV(LaggedBandPower(), grid, cv=cv, scoring="r2")
        for name, cv in (("ours", GroupSplit(n_splits=2)), ("theirs", GroupKFold(2)))
    }
    found = evaluate(models, study, n_splits=2, on_error="raise")
    r = found.scores.groupby("pipeline")["score"].mean()
    assert r.min() > 0.4
    assert r["ours"] == pytest.approx(r["theirs"], abs=1e-6)
    by_hand = [(np.arange(50), np.arange(50, 60))]
    for cv in (None, 5, KFold(3), by_hand):
        model = GridSearchCV(LaggedBandPower(), grid, cv=cv)
        with pytest.raises(ValueError, match="leaky chooses hyper-parameters with"):
            evaluate({"leaky": model}, study)


def test_a_search_inside_a_pipeline_is_looked_at(study):
    ridge = GridSearchCV(Ridge(), {"alpha": [1.0, 1e3]}, cv=GroupSplit(n_splits=2))
    model = make_pipeline(BandPower(), StandardScaler(), ridge)
    with pytest.raises(ValueError, match="Put the pipeline into the search"):
        evaluate({"fails": model}, study, n_splits=2)
    model = make_pipeline(BandPower(), StandardScaler(), Ridge())
    inside = GridSearchCV(model, {"ridge__alpha": [1.0, 1e3]}, cv=GroupSplit(n_splits=2))
    assert evaluate({"fine": inside}, study, n_splits=2).scores["score"].mean() > 0.3
    scaled = TransformedTargetRegressor(GridSearchCV(LaggedBandPower(), {}, cv=3))
    with pytest.raises(ValueError, match="hyper-parameters with regressor__cv=3"):
        evaluate({"leaky": scaled}, study, n_splits=2)
    # RidgeCV has its own cross-validation: by default it leaves out single windows.
    model = make_pipeline(BandPower(), StandardScaler(), RidgeCV([1e2, 1e3]))
    found = evaluate({"fine": model}, study, n_splits=2, on_error="raise")
    assert found.scores["score"].mean() > 0.3


@pytest.mark.parametrize("cv", [KFold(3), KFold(4, shuffle=True, random_state=0)])
def test_a_splitter_that_shares_eeg_is_refused(study, cv):
    with pytest.raises(ValueError, match=r"Fold 1 of KFold\(.* share EEG with windows"):
        evaluate(RIDGE, study, protocol=cv)


def test_scikit_learn_s_splitters_of_subjects_do(study):
    by_us = evaluate(RIDGE, study, GroupSplit(n_splits=4))
    by_them = evaluate(RIDGE, study, GroupKFold(4))
    keys = ["recording", "region"]
    first, second = (f.scores.set_index(keys)["score"] for f in (by_us, by_them))
    np.testing.assert_allclose(second[first.index], first)


def test_folds_may_be_masks(study):
    class Masks:
        def split(self, X, y=None, groups=None):
            test = X.metadata["subject"].to_numpy() == "04"
            yield ~test, test

    found = evaluate(RIDGE, study, Masks())
    assert set(found.scores["subject"]) == {"04"} and found.scores["score"].mean() > 0.3


def test_folds_may_be_given_as_rows(study, tmp_path):
    """Folds that were saved, in the form that scikit-learn takes for cv."""
    windows = study.windows
    folds = list(GroupSplit(n_splits=2).split(windows.X))
    by_name = evaluate(RIDGE, study, n_splits=2)
    found = evaluate(RIDGE, study, folds, out=tmp_path)
    np.testing.assert_allclose(found.scores["score"], by_name.scores["score"])
    again = evaluate(RIDGE, study, iter(folds), out=tmp_path)  # The run is known again.
    pd.testing.assert_frame_equal(again.scores, found.scores)
    with pytest.raises(ResultsError, match="other folds|another run"):
        evaluate(RIDGE, study, folds[:1], out=tmp_path)
    neighbours = [(np.arange(1, len(windows.X)), [0])]
    with pytest.raises(ValueError, match="Fold 1 of list of 1 folds: .* share EEG"):
        evaluate(RIDGE, study, neighbours)


def test_a_failure_says_why_in_a_line(study):
    """Also where a search has tracebacks in its message."""
    trees = make_pipeline(BandPower(), HistGradientBoostingRegressor(max_iter=2))
    wrong = GridSearchCV(LaggedBandPower(), {"alphas": [[-1.0]]}, cv=GroupSplit(n_splits=2))
    models = {"trees": trees, "search": wrong, "flat": Ridge()}
    found = evaluate(models, study, n_splits=2, progress=False)
    errors = found.failures.groupby("model")["error"].first()
    assert not errors.str.contains("\n").any()
    assert "regions='separately'" in errors["trees"]
    assert "fits failed" in errors["search"] and "alphas" in errors["search"]
    assert "put a transformer before it" in errors["flat"]
    both = evaluate({"trees": MultiOutputRegressor(trees)}, study, n_splits=2)
    assert len(both.failures) == 0 and both.scores["score"].notna().all()


def test_a_fold_with_an_empty_part_is_refused(study):
    class Empty:
        def split(self, X, y=None, groups=None):
            yield np.arange(len(X)), np.arange(0)

    with pytest.raises(ValueError, match="Fold 1 of .* has an empty part"):
        evaluate(RIDGE, study, Empty())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": ""}, "1 recording without a subject"),
        ({"subject": "02"}, "Several recordings are named sub-02"),
    ],
)
def test_recordings_must_be_told_apart(raw_recordings, change, message):
    first, *others = raw_recordings
    recordings = [dataclasses.replace(first, **change), *others]
    with pytest.raises(ValueError, match=message):
        evaluate(RIDGE, recordings)


def test_regions_must_not_be_called_like_their_mean(study):
    windows = study.windows
    named = dataclasses.replace(windows, roi_names=["mean", *windows.roi_names[1:]])
    with pytest.raises(ValueError, match="A region of data is called 'mean'"):
        evaluate(RIDGE, named)


def test_r_of_a_few_windows_is_not_defined(study):
    """Three windows correlate with anything."""

    class Last(_Only01):
        def split(self, X, y=None, groups=None):
            ((train, test),) = super().split(X)
            yield train, test[-3:]

    found = evaluate(RIDGE, study.windows, Last())
    assert (found.scores["samples"] == 3).all() and found.scores["mse"].notna().all()
    assert found.scores[["score", "r2", "spearman"]].isna().all(axis=None)
    summary = found.summary(n_surrogates=50)
    assert summary["score"].isna().all() and summary["p"].isna().all()
    assert (summary["n_recordings"] == 0).all()


def test_a_network_validates_on_real_windows_with_constant_eeg(long_study):
    """All windows of the control have one time, which says nothing of overlap."""
    found = evaluate(
        {"net": tiny()}, long_study, "within", controls=["constant_eeg"], on_error="raise"
    )
    assert set(found.scores["control"]) == {"", "constant_eeg"}
    assert not len(found.messages)
    assert found.curves["valid_loss"].notna().all()


def test_recordings_windows_and_names_do(raw_recordings, study):
    by_names = evaluate(["alphahrf"], study.windows, n_splits=2)
    assert set(by_names.scores["pipeline"]) == {"alphahrf"}
    given = evaluate({"AlphaHRF": AlphaHRF()}, raw_recordings, n_splits=2)
    assert given.scores["score"].notna().all()
    assert evaluate("AlphaHRF", study, n_splits=2).scores["pipeline"].iloc[0] == "AlphaHRF"
    both = evaluate({"mine": MeanBOLD(), "alpha": "AlphaHRF"}, study, n_splits=2)
    assert set(both.scores["pipeline"]) == {"mine", "alpha"}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"models": {}}, ValueError, "There are no models"),
        ({"models": ["Ridge"]}, ValueError, "There is no network 'Ridge'"),
        ({"models": {"x": 3}}, TypeError, "must map names to estimators .* 'x' is 3"),
        ({"models": {"x": AlphaHRF}}, TypeError, "must map names to estimators"),
        ({"models": {"x": NeuroBOLT}}, TypeError, r"Give EEGRegressor\(NeuroBOLT\)"),
        ({"models": [AlphaHRF()]}, TypeError, "models must be names, or a mapping"),
        ({"data": {}}, ValueError, "There are no data"),
        ({"protocol": "subject"}, ValueError, "no protocol 'subject'. There are subjects,"),
        ({"protocol": 3}, TypeError, "a name, a splitter or a list of .* rows, got 3"),
        ({"protocol": GapSplit}, TypeError, "a splitter or a list of .* rows, got <class"),
        ({"protocol": [([0], [1], [2])]}, TypeError, "each fold must have two parts"),
        ({"protocol": [("a", "b")]}, TypeError, "Fold 1 of .* is not made of rows"),
        ({"protocol": [([0], [10**6])]}, ValueError, "Fold 1 of .* rows of other windows"),
        ({"protocol": GapSplit(), "target": "rest"}, ValueError, "for protocols by name"),
        ({"protocol": "zero-shot"}, ValueError, "give source and target"),
        ({"source": "rest"}, ValueError, "source and target are for zero-shot"),
        ({"controls": ["noise"]}, ValueError, "different ones of wrong_subject, .* got"),
        ({"controls": "wrong_subject"}, ValueError, "controls must be a list"),
        ({"controls": ["wrong_subject"] * 2}, ValueError, "controls must be a list"),
        ({"seeds": []}, ValueError, "seeds must be a list of different whole numbers"),
        ({"seeds": [-1]}, ValueError, "seeds must be a list of different whole numbers"),
        ({"seeds": [1, 1]}, ValueError, "seeds must be a list of different whole numbers"),
        ({"regions": "some"}, ValueError, "regions must be one of together"),
        ({"on_error": "ignore"}, ValueError, "on_error must be one of record"),
        ({"settings": {"x": np.nan}}, ValueError, "a mapping that JSON can hold"),
        (
            {"n_splits": 1},
            ValueError,
            "n_splits must be a whole number from 2",
        ),
        ({"data": "folder"}, TypeError, "gives its recordings by load"),
        ({"data": [3]}, TypeError, "Expected Recordings, got int among them"),
        ({"n_splits": 9}, ValueError, "n_splits=9, but there are only 4 subjects"),
    ],
)
def test_arguments_are_checked(study, arguments, error, message):
    given = {"models": RIDGE, "data": study, **arguments}
    with pytest.raises(error, match=message):
        evaluate(**given)


def test_a_model_that_predicts_another_number_of_regions(study):
    class Short(Remember):
        def predict(self, X):
            return np.zeros((len(X), 2))

    found = evaluate({"short": Short()}, study, n_splits=2)
    assert found.failures["error"].str.contains("predicts 2 values per window").all()


def test_a_pipeline_of_scikit_learn(study):
    pipeline = make_pipeline(BandPower(), StandardScaler(), Ridge(1e3))
    found = evaluate({"pipeline": pipeline}, study, n_splits=2)
    assert found.scores["score"].mean() > 0.4


def test_unlike_pooled_r(study):
    found = evaluate(RIDGE, study, n_splits=2)
    row = found.summary(n_surrogates=100).set_index("region").loc["Cuneus"]
    measured, predicted = (
        found.predictions[f"{kind}:Cuneus"] for kind in ("measured", "predicted")
    )
    assert row["pooled"] == pytest.approx(pearson_r(measured, predicted).item())
    assert row["pooled"] != pytest.approx(row["score"], abs=1e-6)


def test_a_study_remembers_what_it_left_out(study):
    found = evaluate(RIDGE, Study.of(study), n_splits=2)
    assert found.left_out["no_full_window"].sum() > 0
    assert found.regions == {"data": study.windows.roi_names}
