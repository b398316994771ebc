"""Tables of evaluations whose predictions are known."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from braindecode_bolt import create_bold_windows
from braindecode_bolt.evaluation import Study, evaluate
from braindecode_bolt.metrics import connectivity_r, pearson_r
from braindecode_bolt.null import wrong_subject

from .models import Fails, Oracle, tiny


class Rows:
    """Test given rows, and train on the recordings that have none of them."""

    def __init__(self, rows):
        self.rows = rows

    def split(self, X, y=None, groups=None):
        recordings = X.metadata["recording"].to_numpy()
        yield np.flatnonzero(~np.isin(recordings, recordings[self.rows])), self.rows


def evaluated(study, predicted, rows=None, controls=()):
    """Evaluate a model that predicts given values, a row per window of the study."""
    keys = study.windows.metadata[["recording", "volume"]].to_numpy()
    model = Oracle(dict(zip(map(tuple, keys), predicted, strict=True)))
    rows = np.flatnonzero(study.windows.groups != "02") if rows is None else rows
    return evaluate({"m": model}, study, Rows(rows), controls=controls, on_error="raise")


def test_scores_are_per_recording_and_region(study):
    windows = study.windows
    predicted = windows.y + np.random.default_rng(0).standard_normal(windows.y.shape)
    scores = evaluated(study, predicted).scores
    assert len(scores) == 3 * 3
    mine, trained = windows.groups == "03", windows.groups == "02"
    true, guess = windows.y[mine], predicted[mine]
    of_it = scores[scores["subject"] == "03"].set_index("region")
    cuneus = of_it.loc["Cuneus"]
    r = pearsonr(true[:, 1], guess[:, 1]).statistic
    assert cuneus["score"] == pytest.approx(r, abs=1e-6)
    r = spearmanr(true[:, 1], guess[:, 1]).statistic
    assert cuneus["spearman"] == pytest.approx(r, abs=1e-6)
    # The model predicts in standard deviations of the training BOLD.
    scale, mean = windows.y[trained, 0].std(), windows.y[trained, 0].mean()
    error = np.mean((true[:, 0] - (guess[:, 0] * scale + mean)) ** 2) / scale**2
    assert of_it.loc["Thalamus", "mse"] == pytest.approx(error, rel=1e-4)
    assert cuneus["samples"] == mine.sum() and cuneus["n_train"] == trained.sum()
    assert cuneus["recording"] == "sub-03_task-simulated"


def test_cross_recording_r_is_that_with_the_bold_of_others(study):
    windows = study.windows
    rows = np.flatnonzero(windows.groups == "01")
    scores = evaluated(study, windows.y, rows).scores
    np.testing.assert_allclose(scores["score"], 1, atol=1e-6)
    others = [windows.groups == s for s in ("02", "03", "04")]
    expected = np.mean([pearson_r(windows.y[o], windows.y[rows]) for o in others], axis=0)
    np.testing.assert_allclose(scores["cross_recording_r"], expected, rtol=1e-5)


def test_the_donor_of_the_eeg_is_no_null(study):
    """A model that knows the BOLD of whose EEG it sees says nothing of others."""
    windows = study.windows
    names = list(windows.left_out["recording"])
    eeg_of = wrong_subject(windows).left_out["eeg_of"]
    donors = {number: names.index(donor) for number, donor in enumerate(eeg_of)}
    recordings = windows.metadata["recording"].to_numpy()
    of_recording = {number: windows.y[recordings == number] for number in donors}
    predicted = np.concatenate([of_recording[donors[number]] for number in donors])
    found = evaluated(study, predicted, controls=["wrong_subject"]).scores
    control = found[found["control"] == "wrong_subject"]
    for number, donor in donors.items():
        of_it = control[control["recording"] == names[number]]
        others = [of_recording[n] for n in donors if n not in (number, donor)]
        expected = np.mean([pearson_r(y, of_recording[donor]) for y in others], axis=0)
        if len(of_it):
            np.testing.assert_allclose(of_it["cross_recording_r"], expected, rtol=1e-4)
    assert len(control) == 3 * 3 and control["cross_recording_r"].abs().max() < 0.9


def test_two_volumes_in_common_have_no_cross_recording_r(make_recording):
    lengths = {"01": 20, "02": 5}
    recordings = [make_recording(who, n_volumes=n) for who, n in lengths.items()]
    short = Study.of(create_bold_windows(recordings, 4.0))
    rows = np.flatnonzero(short.windows.groups == "01")
    # Two volumes of the first five, which the other subject has too.
    rows = np.r_[rows[3:5], rows[10:18]]
    scores = evaluated(short, short.windows.y, rows).scores
    assert scores["cross_recording_r"].isna().all() and scores["score"].notna().all()
    ceilings = scores[["noise_ceiling", "window_limited_noise_ceiling"]]
    assert ceilings.isna().all(axis=None)


def test_a_late_prediction_is_seen(long_study):
    y = long_study.windows.y
    rows = np.flatnonzero(long_study.windows.metadata["recording"] == 0)
    late = y.copy()
    late[rows] = np.roll(y[rows], 2, axis=0)
    scores = evaluated(long_study, late, rows).scores
    np.testing.assert_allclose(scores["best_lag"], 2 * 2.1)
    assert (scores["score_at_best_lag"] > 0.99).all()
    # With volumes left out the series has no regular time.
    scores = evaluated(Study.of(long_study.windows), y, np.delete(rows, 50)).scores
    assert scores["best_lag"].isna().all()


def test_connectivity_is_compared_per_recording(study):
    y = study.windows.y
    predicted = y + np.random.default_rng(1).standard_normal(y.shape)
    table = evaluated(study, predicted).connectivity
    assert table["recording"].tolist() == [
        f"sub-{n}_task-simulated" for n in ("01", "03", "04")
    ]
    first = study.windows.groups == "01"
    expected = connectivity_r(y[first], predicted[first])
    assert table["connectivity_r"].iloc[0] == pytest.approx(expected, rel=1e-4)


def test_losses_of_each_epoch(study):
    options = {"n_splits": 2, "on_error": "raise"}
    curves = evaluate({"net": tiny(train_split=None)}, study, **options).curves
    assert curves[["fold", "epoch"]].to_numpy().tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert curves["train_loss"].notna().all() and curves["valid_loss"].isna().all()


def test_tables_without_a_result_have_their_columns(study):
    rows = np.flatnonzero(study.windows.groups == "04")
    found = evaluate({"fails": Fails("01")}, study, Rows(rows))
    assert len(found.failures) == 1
    for name, column in (
        ("scores", "score"),
        ("predictions", "volume"),
        ("connectivity", "connectivity_r"),
        ("curves", "valid_loss"),
    ):
        table = getattr(found, name)
        assert len(table) == 0 and column in table
    assert len(found.summary()) == len(found.compare()) == len(found.to_moabb()) == 0
    assert repr(found) == (
        "<Evaluation: 0 data sets, 0 pipelines, 0 recordings, 0 regions, 1 fit failed>"
    )
