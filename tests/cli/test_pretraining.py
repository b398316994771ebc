import json

import mne
import numpy as np
import pandas as pd
import pytest

from braindecode_bolt.cli import main


@pytest.fixture(scope="module")
def eeg_folder(tmp_path_factory):
    """EEG files of two people, 40 s at 200 Hz."""
    folder = tmp_path_factory.mktemp("eeg")
    rng = np.random.default_rng(0)
    for subject in ("p1", "p2"):
        info = mne.create_info(["Fz", "Cz", "Oz"], 200.0, "eeg")
        data = 1e-5 * rng.standard_normal((3, 8000)).cumsum(axis=1) / 20
        raw = mne.io.RawArray(data, info, verbose="error")
        raw.save(folder / f"sub-{subject}_task-rest_eeg.fif", verbose="error")
    return folder


@pytest.fixture(scope="module")
def data(eeg_folder, tmp_path_factory):
    """The same EEG with simulated BOLD."""
    out = tmp_path_factory.mktemp("study") / "data"
    assert main(["simulate", "--eeg", str(eeg_folder), "--out", str(out)]) == 0
    return out


def test_pretrain_writes_weights_that_evaluate_takes(eeg_folder, tmp_path, capsys):
    file = tmp_path / "weights.safetensors"
    base = ["pretrain", "--data", str(eeg_folder), "--out", str(file), "--steps", "2"]
    assert main([*base, "--notes", "two people"]) == 0
    printed = capsys.readouterr().out
    assert "2 recordings, 3 channels" in printed and str(file) in printed
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["notes"] == "two people" and card["config"]["embed_dim"] == 64
    assert [entry["subject"] for entry in card["recordings"]] == ["p1", "p2"]


def test_evaluate_refuses_weights_of_people_that_it_tests_on(
    eeg_folder, data, tmp_path, capsys
):
    base = ["evaluate", "--data", str(data), "--models", "NeuroBOLT", "--folds", "2"]
    base += ["--pretrain-steps", "2", "--out", str(tmp_path / "out")]
    assert main([*base, "--pretrain-eeg", str(eeg_folder)]) == 1
    assert "in the test part" in capsys.readouterr().err


def test_evaluate_pretrains_in_each_fold(data, tmp_path, capsys):
    out = tmp_path / "out"
    base = ["evaluate", "--data", str(data), "--models", "NeuroBOLT", "--folds", "2"]
    base += ["--pretrain", "--pretrain-steps", "2", "--out", str(out)]
    assert main([*base, "--surrogates", "20"]) == 0
    scores = pd.read_csv(out / "scores.tsv", sep="\t")
    assert set(scores["subject"]) == {"p1", "p2"}
    settings = json.loads((out / "settings.json").read_text())
    assert "PretrainedRegressor" in json.dumps(settings)


def test_pretrain_says_what_it_cannot_do(eeg_folder, tmp_path, capsys):
    base = ["pretrain", "--data", str(eeg_folder), "--out"]
    assert main([*base, str(tmp_path / "weights.pt")]) == 1
    assert "--out takes a .safetensors file" in capsys.readouterr().err
    assert main(["pretrain", "--data", str(tmp_path), "--out", "a.safetensors"]) == 1
    assert "holds no EEG file" in capsys.readouterr().err
