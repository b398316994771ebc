"""``train`` and ``predict``, from a folder of recordings to tables and images."""

import subprocess
import sys

import nibabel
import numpy as np
import pandas as pd
import pytest

from braindecode_bolt import BOLDPredictor
from braindecode_bolt.cli import main
from braindecode_bolt.datasets import SimulatedEEGfMRI

from .test_commands import PATTERN

CHANNELS = ["Fz", "Cz", "Oz"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder of paired recordings, and a file of EEG alone."""
    eeg = tmp_path_factory.mktemp("eeg")
    for recording in SimulatedEEGfMRI(3, duration=70.0, ch_names=CHANNELS).load():
        raw = recording.raw.set_annotations(None)
        raw.save(eeg / f"Subject{recording.subject}_1_eeg.fif", verbose="error")
    data = tmp_path_factory.mktemp("data") / "paired"
    assert main(["simulate", "--eeg", str(eeg), "--out", str(data), *PATTERN]) == 0
    return data, eeg / "Subject01_1_eeg.fif"


@pytest.fixture(scope="module")
def model(folders, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "model"
    options = ["--model", "LaggedBandPower", "--cv", "3", "--window", "8"]
    assert main(["train", "--data", str(folders[0]), "--out", str(out), *options]) == 0
    return out


@pytest.mark.filterwarnings("ignore:With 3 people")
def test_from_recordings_to_tables_and_images(folders, model, tmp_path, capsys):
    _, file = folders
    predictor = BOLDPredictor.load(model)
    assert predictor.scores_ is not None and len(predictor.roi_names_) == 7
    regions = np.zeros((4, 4, 4), np.int16)
    regions[0, 0] = [1, 2, 3, 4]
    regions[1, 0, :3] = [5, 6, 7]
    atlas = nibabel.Nifti1Image(regions, np.eye(4))
    predictor.atlas, predictor.labels = atlas, predictor.roi_names_
    with_atlas = predictor.save(tmp_path / "model")
    command = ["predict", str(with_atlas), str(file), "--out", str(tmp_path / "out")]
    assert main([*command, "--tr", "2", "--interval", "0.9", "--image"]) == 0
    printed = capsys.readouterr().out
    assert "trained on simulated BOLD" in printed
    tables = {
        kind: pd.read_csv(tmp_path / "out" / f"Subject01_1_eeg_{kind}.tsv", sep="\t")
        for kind in ("bold", "lower", "upper")
    }
    assert tables["bold"].columns.tolist() == ["time", *predictor.roi_names_]
    np.testing.assert_allclose(tables["bold"]["time"], np.arange(8, 71, 2))
    assert (tables["lower"] <= tables["bold"]).all(axis=None)
    assert (tables["bold"] <= tables["upper"]).all(axis=None)
    image = nibabel.load(tmp_path / "out" / "Subject01_1_eeg_bold.nii.gz")
    assert image.shape == (4, 4, 4, 32) and image.header.get_zooms()[3] == 2.0


def test_a_file_that_fails_does_not_stop_the_others(folders, model, tmp_path, capsys):
    broken = tmp_path / "broken.edf"
    broken.write_bytes(b"no EEG")
    out = tmp_path / "out"
    assert (
        main(["predict", str(model), str(broken), str(folders[1]), "--out", str(out)]) == 1
    )
    captured = capsys.readouterr()
    assert "broken.edf" in captured.err and "1 file of 2" in captured.out
    assert [file.name for file in out.iterdir()] == ["Subject01_1_eeg_bold.tsv"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--image"], "needs to know where the regions are"),
        (["--tr", "0"], "--tr must be positive"),
        (["--interval", "2"], "--interval must lie between"),
    ],
)
def test_wrong_options_of_predict(options, said, folders, model, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main(["predict", str(model), str(folders[1]), *out, *options]) == 1
    assert said in capsys.readouterr().err


def test_atlas_and_names_that_come_with_the_prediction(folders, model, tmp_path, capsys):
    regions = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    atlas, labels = tmp_path / "atlas.nii.gz", tmp_path / "labels.txt"
    nibabel.save(nibabel.Nifti1Image(regions, np.eye(4)), atlas)
    names = BOLDPredictor.load(model).roi_names_
    labels.write_text("\n".join(names), encoding="utf-8")
    out = tmp_path / "out"
    command = ["predict", str(model), str(folders[1]), "--out", str(out), "--image"]
    assert main([*command, "--atlas", str(atlas)]) == 1
    assert "The atlas has no region" in capsys.readouterr().err
    assert main([*command, "--labels", str(labels)]) == 1
    assert "give --atlas, too" in capsys.readouterr().err
    assert main([*command, "--atlas", str(tmp_path / "none.nii")]) == 1
    assert "there is no file" in capsys.readouterr().err
    assert main([*command, "--atlas", str(atlas), "--labels", str(labels)]) == 0
    table = pd.read_csv(out / "Subject01_1_eeg_bold.tsv", sep="\t")
    image = nibabel.load(out / "Subject01_1_eeg_bold.nii.gz")
    np.testing.assert_allclose(image.get_fdata()[1, 1, 1], table[names[6]], rtol=1e-4)


def test_what_is_not_there(folders, model, tmp_path, capsys):
    out, file = ["--out", str(tmp_path / "out")], str(folders[1])
    assert main(["predict", str(tmp_path / "none"), file, *out]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert main(["predict", str(model), file + "x", *out]) == 1
    assert "There is no file" in capsys.readouterr().err
    assert main(["predict", str(model), file, file, *out]) == 1
    assert "Several files are named" in capsys.readouterr().err


def test_wrong_options_of_train(folders, model, tmp_path, capsys):
    train = ["train", "--data", str(folders[0]), "--model", "MeanBOLD", "--out"]
    assert main([*train, str(model)]) == 1
    assert "is not empty" in capsys.readouterr().err
    new = str(tmp_path / "new")
    assert main([*train, new, "--cv", "1"]) == 1
    assert "--cv must be 0" in capsys.readouterr().err
    assert main(["train", "--model", "Ridge", "--out", new]) == 1
    assert "There is no model 'Ridge'" in capsys.readouterr().err


def test_warnings_are_lines_of_the_log(folders, model, tmp_path):
    """Checked in a process of its own: there, nothing else shows warnings."""
    command = ["predict", str(model), str(folders[1]), "--out", str(tmp_path / "out")]
    code = "import sys; from braindecode_bolt.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--interval", "0.9"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "WARNING: With 3 people, no interval" in done.stderr
    assert "UserWarning" not in done.stderr and ".py" not in done.stderr
