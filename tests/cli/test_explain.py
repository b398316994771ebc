"""The command that explains a saved model."""

import pandas as pd
import pytest

from braindecode_bolt import BOLDPredictor
from braindecode_bolt.cli import main
from braindecode_bolt.cli.choices import EXPLANATIONS
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.explanation import METHODS

NAMES = ["Fp1", "Fp2", "C3", "C4", "O1", "O2"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A saved model, and EEG of people who were not used for it."""
    base = tmp_path_factory.mktemp("explain")
    recordings = SimulatedEEGfMRI(4, duration=150.0, snr=3.0, ch_names=NAMES).load()
    predictor = BOLDPredictor("LaggedBandPower").fit(recordings[:3], progress=False)
    predictor.save(base / "model")
    (base / "data").mkdir()
    raw = recordings[3].raw
    raw.save(base / "data" / "sub-4_task-rest_eeg.fif", verbose="error")
    bold = recordings[3].bold
    bold.to_csv(base / "data" / "sub-4_task-rest_bold.tsv", sep="\t", index=False)
    return base


def test_explain_writes_a_table_and_figures(folders, tmp_path, capsys):
    out, results = tmp_path / "out", tmp_path / "results"
    results.mkdir()
    command = ["explain", str(folders / "model"), "--data", str(folders / "data")]
    status = main([*command, "--out", str(out), "--results", str(results)])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    table = pd.read_csv(out / "explanation.tsv", sep="\t")
    assert len(table) == 7 * 6 * 5 * 16 and set(table["method"]) == {"weights"}
    of_thalamus = table[table["region"] == "Thalamus"]
    strongest = of_thalamus.loc[of_thalamus["pattern"].idxmax()]
    assert strongest["band"] == "alpha" and strongest["electrode"] in ("O1", "O2")
    names = {path.name for path in out.iterdir()}
    figures = {"topographies.png", "topographies_of_regions.png"}
    assert figures | {"lag_curves.png", "spectra.png"} <= names
    assert "Thalamus" in shown.out and str(out) in shown.out
    assert (results / "explanations" / "LaggedBandPower.tsv").exists()


def test_explain_takes_regions(folders, tmp_path, capsys):
    command = ["explain", str(folders / "model"), "--data", str(folders / "data")]
    command += ["--out", str(tmp_path / "out"), "--rois"]
    assert main([*command, "Thalamus,Cuneus"]) == 0
    table = pd.read_csv(tmp_path / "out" / "explanation.tsv", sep="\t")
    assert list(table["region"].unique()) == ["Thalamus", "Cuneus"]
    assert main([*command, "Talamus"]) == 1
    assert "The model has no region 'Talamus' (near: Thalamus" in capsys.readouterr().err


def test_explain_refuses_what_it_cannot_do(folders, tmp_path, capsys):
    command = ["explain", str(folders / "model"), "--data", str(folders / "data")]
    command += ["--out", str(tmp_path)]
    assert main([*command, "--high-pass", "1"]) == 1
    assert "Leave out --high-pass" in capsys.readouterr().err
    assert main([*command, "--method", "gradient"]) == 1
    assert "gradient cannot be found of LaggedBandPower" in capsys.readouterr().err
    command[1] = str(tmp_path)
    assert main(command) == 1
    assert "error:" in capsys.readouterr().err


def test_the_methods_are_listed():
    assert list(EXPLANATIONS) == ["auto", *METHODS]


def test_explain_takes_eeg_files_without_bold(folders, tmp_path, capsys):
    eeg = folders / "data" / "sub-4_task-rest_eeg.fif"
    command = ["explain", str(folders / "model"), str(eeg), "--out", str(tmp_path)]
    assert main(command) == 0, capsys.readouterr().err
    table = pd.read_csv(tmp_path / "explanation.tsv", sep="\t")
    assert len(table) == 7 * 6 * 5 * 16
    assert "is not known (train --cv)" in capsys.readouterr().out
    assert main([*command, "--data", str(folders / "data")]) == 1
    assert "and not both" in capsys.readouterr().err
    assert main([*command[:2], *command[3:]]) == 1
    assert "Give EEG files after MODEL, or a folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["explain", "predict"])
def test_a_folder_in_place_of_files_is_refused_with_advice(
    folders, tmp_path, capsys, command
):
    options = [str(folders / "model"), str(folders / "data"), "--out", str(tmp_path)]
    assert main([command, *options]) == 1
    assert (
        f"give the EEG files in it, as {folders / 'data'}/*.vhdr" in capsys.readouterr().err
    )


@pytest.mark.filterwarnings("ignore:With 3 people")
def test_explain_says_how_well_the_model_predicts(folders, tmp_path, capsys):
    recordings = SimulatedEEGfMRI(3, duration=100.0, snr=3.0, ch_names=NAMES).load()
    predictor = BOLDPredictor("LaggedBandPower").fit(recordings, cv=3, progress=False)
    predictor.save(tmp_path / "model")
    eeg = folders / "data" / "sub-4_task-rest_eeg.fif"
    command = ["explain", str(tmp_path / "model"), str(eeg), "--out", str(tmp_path / "out")]
    assert main(command) == 0
    shown = capsys.readouterr().out
    r = predictor.scores_.set_index("region")["r"]["Thalamus"]
    assert f"Thalamus                         R {r:5.2f}  " in shown
    table = pd.read_csv(tmp_path / "out" / "explanation.tsv", sep="\t")
    assert "Thalamus" in set(table["region"])
