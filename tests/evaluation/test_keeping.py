"""Models of folds that are kept as predictors."""

import numpy as np
import pytest

from braindecode_bolt import BOLDPredictor, prepare_eeg
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import LaggedBandPower

from .models import Seeded


@pytest.fixture(scope="module")
def recordings():
    return SimulatedEEGfMRI(4, duration=90.0, ch_names=["Fz", "Cz", "Oz"]).load()


EEG = {"high_pass": 0.5, "channels": ["Oz", "Cz"]}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_kept_model_predicts_what_was_scored(recordings, tmp_path, n_jobs):
    prepared = [prepare_eeg(recording, **EEG) for recording in recordings]
    found = evaluate(
        {"ridge": LaggedBandPower()},
        {"sim": prepared},
        n_splits=2,
        controls=["wrong_subject"],
        n_jobs=n_jobs,
        out=tmp_path,
        keep_models=EEG,
        progress=False,
    )
    folders = sorted((tmp_path / "models").iterdir())
    assert len(folders) == 2 and len(found.scores["control"].unique()) == 2
    scores = found.scores[found.scores["control"] == ""]
    predictions = found.predictions[found.predictions["pipeline"] == "ridge"]
    for number, folder in enumerate(folders, 1):
        predictor = BOLDPredictor.load(folder)
        in_fold = scores[scores["fold"] == number]
        expected = in_fold.groupby("region")["score"].mean()
        kept = predictor.scores_.set_index("region")["r"]
        np.testing.assert_allclose(kept[expected.index], expected, atol=1e-5)
        subject = in_fold["subject"].iloc[0]
        recording = next(r for r in recordings if r.subject == subject)
        # As read, without markers: the predictor prepares it.
        raw = recording.raw.copy()
        times = recording.marker_samples() / raw.info["sfreq"]
        table = predictor.predict(raw.set_annotations(None), times=times)
        of_it = predictions[predictions["subject"] == subject].sort_values("volume")
        again = table["Thalamus"].to_numpy()[of_it["volume"]]
        np.testing.assert_allclose(again, of_it["predicted:Thalamus"], atol=2e-3)


def test_what_cannot_be_saved_is_said(recordings, tmp_path):
    found = evaluate(
        {"own": Seeded(0)},
        recordings,
        n_splits=2,
        out=tmp_path,
        keep_models={},
        progress=False,
    )
    assert found.messages["message"].str.contains("The model is not kept").all()
    assert len(found.scores) and not list(tmp_path.glob("models/*"))


def test_it_needs_a_folder_and_goes_with_it(recordings, tmp_path):
    with pytest.raises(ValueError, match="keep_models needs a results folder"):
        evaluate("AlphaHRF", recordings, n_splits=2, keep_models={}, progress=False)
    run = {"n_splits": 2, "out": tmp_path, "progress": False}
    evaluate("AlphaHRF", recordings, keep_models={}, **run)
    assert len(list(tmp_path.glob("models/*"))) == 2
    evaluate("MeanBOLD", recordings[:3], overwrite=True, **run)
    assert not list(tmp_path.glob("models/*"))
