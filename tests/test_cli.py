"""The command line, on folders small enough for a test."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from braindecode_bolt.cli import main
from braindecode_bolt.commands import run_evaluate
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.linear import LaggedBandPower

FAST = ["--epochs", "1", "--folds", "2"]


@pytest.fixture(scope="module")
def eeg_folder(tmp_path_factory):
    """Three people's EEG under names of their own."""
    folder = tmp_path_factory.mktemp("eeg")
    simulated = SimulatedEEGfMRI(3, duration=70.0, ch_names=["Fz", "Cz", "Oz"])
    for recording in simulated.load():
        raw = recording.raw.set_annotations(None)
        raw.save(folder / f"Subject{recording.subject}_1_eeg.fif", verbose="error")
    return folder


PATTERN = ["--pattern", r"(?P<subject>Subject\d+)_(?P<run>\d)_eeg"]


@pytest.fixture(scope="module")
def data(eeg_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "paired"
    assert main(["simulate", "--eeg", str(eeg_folder), "--out", str(folder), *PATTERN]) == 0
    return folder


def test_simulate_writes_a_folder_that_says_what_it_holds(data, eeg_folder):
    stem = "sub-Subject01_run-1"
    names = {path.name for path in data.iterdir()}
    for suffix in ("eeg.fif", "bold.tsv", "desc-noiseless_bold.tsv", "volumes.tsv"):
        assert f"{stem}_{suffix}" in names
    bold = pd.read_csv(data / f"{stem}_bold.tsv", sep="\t")
    volumes = pd.read_csv(data / f"{stem}_volumes.tsv", sep="\t")
    assert len(bold) == len(volumes) == 34
    np.testing.assert_allclose(np.diff(volumes["onset"]), 2.1)
    settings = json.loads((data / "simulation.json").read_text())
    assert settings["snr"] == 0.7 and len(settings["eeg"]) == 3


def test_simulate_refuses_what_it_cannot_do(eeg_folder, data, tmp_path, capsys):
    out = tmp_path / "out"
    base = ["simulate", "--eeg", str(eeg_folder), "--out"]
    assert main([*base, str(out)]) == 1
    assert "does not tell the subject" in capsys.readouterr().err
    assert main([*base, str(data), *PATTERN]) == 1
    assert "is not an empty folder" in capsys.readouterr().err
    same = ["--pattern", r"(?P<subject>Subject)\d+_1_eeg"]
    assert main([*base, str(out), *same]) == 1
    assert "Several files are named sub-Subject" in capsys.readouterr().err
    assert main(["simulate", "--eeg", str(tmp_path), "--out", str(out)]) == 1
    assert "holds no EEG file" in capsys.readouterr().err
    assert main([*base, str(out), "--pattern", "("]) == 1
    assert "is no regular expression" in capsys.readouterr().err
    tables = [str(tmp_path / f"noise_{i}.tsv") for i in range(4)]
    for table in tables:
        Path(table).write_text("A\tB\n1\t2\n")
    for given in (tables[:1], tables, tables[:1] * 3):
        assert main([*base, str(out), *PATTERN, "--noise", *given]) == 1
        wanted = f"tables of noise, one for each in turn; got {len(given)}"
        assert wanted in capsys.readouterr().err
    assert main([*base, str(out), *PATTERN, "--noise", *tables[:3]]) == 1
    assert "has 1 volumes x 2 regions" in capsys.readouterr().err
    assert not out.exists() and not list(tmp_path.glob(".out-*"))


def test_evaluate_prints_tables_and_writes_results(data, tmp_path, capsys):
    out = tmp_path / "results"
    assert main(["evaluate", "--data", str(data), "--out", str(out), *FAST]) == 0
    printed = capsys.readouterr().out
    assert "3 recordings of 3 subjects, 3 channels, 7 regions" in printed
    for word in ("NeuroBOLT", "ridge", "ceiling R", "control R", "Thalamus", "fold 2"):
        assert word in printed
    assert "Nothing here was measured on people" in printed
    scores = pd.read_csv(out / "scores.tsv", sep="\t", dtype={"run": str})
    assert len(scores) == 2 * 3 * 7
    assert set(scores["subject"]) == {"Subject01", "Subject02", "Subject03"}
    summary = pd.read_csv(out / "summary.tsv", sep="\t")
    ridge = summary[(summary["model"] == "ridge") & (summary["region"] == "Thalamus")]
    of_ridge = scores[(scores["model"] == "ridge") & (scores["region"] == "Thalamus")]
    per_fold = of_ridge.groupby("fold")["r"].mean()
    np.testing.assert_allclose(ridge.set_index("fold")["r"], per_fold)
    assert f"{per_fold[1]:.2f} (" in printed and f"{of_ridge['r'].mean():.2f}" in printed
    for name in ("r_per_region.png", "series.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert (out / "left_out.tsv").exists()


def test_the_same_results_in_two_processes_and_nothing_is_done_twice(
    data, tmp_path, capsys
):
    one, two = tmp_path / "one", tmp_path / "two"
    run_evaluate(data=data, epochs=1, n_splits=2, out=one)
    run_evaluate(data=data, epochs=1, n_splits=2, out=two, n_jobs=2)
    tables = [
        pd.read_csv(out / "scores.tsv", sep="\t").drop(columns="time") for out in (one, two)
    ]
    pd.testing.assert_frame_equal(*tables, rtol=1e-3, atol=1e-5)
    before = {path: path.stat().st_mtime_ns for path in (one / "folds").iterdir()}
    capsys.readouterr()
    assert main(["evaluate", "--data", str(data), "--out", str(one), *FAST]) == 0
    assert "4 of 4 fits are there already" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (one / "folds").iterdir()} == before
    assert (
        main(["evaluate", "--data", str(data), "--out", str(one), *FAST, "--seed", "1"])
        == 1
    )
    assert "another run (other arguments: seed)" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_leaves_finished_fits_and_can_be_gone_on_from(data, tmp_path):
    out = tmp_path / "out"
    command = ["evaluate", "--data", str(data), "--out", str(out), *FAST]
    with subprocess.Popen(
        [sys.executable, "-m", "braindecode_bolt.cli", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("NeuroBOLT  fold 1"):
                process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert "fits are finished and kept" in lines[-1]
    finished = {path.name for path in (out / "folds").glob("*_scores.tsv")}
    assert "NeuroBOLT_1_scores.tsv" in finished and "NeuroBOLT_2_scores.tsv" not in finished
    assert not (out / "scores.tsv").exists()

    whole = tmp_path / "whole"
    assert run_evaluate(data=data, epochs=1, n_splits=2, out=out) == 0
    assert run_evaluate(data=data, epochs=1, n_splits=2, out=whole) == 0
    tables = [
        pd.read_csv(folder / "scores.tsv", sep="\t").drop(columns="time")
        for folder in (out, whole)
    ]
    pd.testing.assert_frame_equal(*tables, rtol=1e-3, atol=1e-5)


def test_ctrl_c_counts_even_where_python_drops_it(data, tmp_path, monkeypatch):
    """An exception raised in a destructor goes no further than that."""

    class Swallows:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    fit = LaggedBandPower.fit

    def fit_and_swallow(self, X, y):
        Swallows()
        return fit(self, X, y)

    monkeypatch.setattr(LaggedBandPower, "fit", fit_and_swallow)
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)
    out = tmp_path / "out"
    before = signal.getsignal(signal.SIGINT)
    assert run_evaluate(data=data, epochs=1, n_splits=2, out=out) == 130
    finished = {path.name for path in (out / "folds").glob("*_scores.tsv")}
    assert finished == {"NeuroBOLT_1_scores.tsv"}
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interruption_is_status_130(monkeypatch, capsys):
    def interrupt(**kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("braindecode_bolt.commands.run_evaluate", interrupt)
    assert main(["evaluate"]) == 130
    assert "Interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "There is no folder nowhere"),
        (["--folds", "9"], "between 2 and the number of subjects, 3; got 9"),
        (["--epochs", "0"], "--epochs must be at least 1"),
        (["--device", "toaster"], "--device toaster cannot be used"),
        (["--channels", "Fz,Pz"], "has no channel Pz. It has Fz, Cz, Oz"),
    ],
)
def test_what_cannot_be_done_is_status_1(data, arguments, message, capsys, monkeypatch):
    monkeypatch.chdir(data)
    if "--data" not in arguments:
        arguments = ["--data", str(data), *arguments]
    assert main(["evaluate", *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (data / "results").exists()


def test_one_subject_names_the_option(tmp_path, capsys):
    simulated = SimulatedEEGfMRI(1, duration=60.0, ch_names=["Fz", "Cz"], n_runs=2)
    for recording in simulated.load():
        recording.raw.save(tmp_path / f"{recording.name}_eeg.fif", verbose="error")
    assert main(["evaluate", "--data", str(tmp_path)]) == 1
    assert "--groups run" in capsys.readouterr().err
    out = tmp_path / "out"
    by_run = ["--groups", "run", "--channels", "common", "--out", str(out)]
    assert main(["evaluate", "--data", str(tmp_path), *by_run, *FAST]) == 0
    assert pd.read_csv(out / "scores.tsv", sep="\t")["run"].nunique() == 2


def test_help_says_it_all(capsys):
    for command in ([], ["evaluate"], ["simulate"]):
        with pytest.raises(SystemExit) as stop:
            main([*command, "--help"])
        assert stop.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--data", "--groups", "--channels", "--epochs", "--seed", "--jobs"):
        assert option in shown
    for word in ("--device", "--out", "--snr", "_volumes.tsv", "a column per region"):
        assert word in shown
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "--groups", "planet"])
    assert stop.value.code == 2


def test_models_can_be_chosen_in_part(data, tmp_path, capsys):
    """Precision, electrodes without a row, weights to begin with."""
    out = tmp_path / "out"
    command = ["evaluate", "--data", str(data), "--out", str(out), *FAST]
    chosen = ["--precision", "bfloat16", "--unknown-channels", "nearest"]
    assert main([*command, *chosen]) == 0
    saved = json.loads((out / "settings.json").read_text())["arguments"]
    assert saved["precision"] == "bfloat16" and saved["unknown_channels"] == "nearest"
    assert main(command) == 1, "another precision is another run"
    capsys.readouterr()
    torch.save({"model": {"student.cls_token": torch.zeros(1, 1, 200)}}, tmp_path / "w.pth")
    command[4] = str(tmp_path / "other")
    assert main([*command, "--pretrained", str(tmp_path / "w.pth")]) == 1
    assert "do not fit the model; nothing was loaded" in capsys.readouterr().err


def test_options_of_files_need_files(capsys):
    assert main(["evaluate", "--marker", "R128", "--tr", "2.1"]) == 1
    assert "take no marker, tr; give a folder by --data" in capsys.readouterr().err


def test_regions_filter_reference_and_cache(data, tmp_path, capsys):
    base = ["evaluate", "--data", str(data), *FAST]
    more = ["--rois", "Thalamus,Cuneus", "--high-pass", "0.5", "--reference", "average"]
    tables = []
    for out, cache in (("one", []), ("two", ["--cache", str(tmp_path / "cache")])):
        assert main([*base, *more, *cache, "--out", str(tmp_path / out)]) == 0
        scores = pd.read_csv(tmp_path / out / "scores.tsv", sep="\t")
        tables.append(scores.drop(columns="time"))
    assert "2 regions" in capsys.readouterr().out
    assert set(tables[0]["region"]) == {"Thalamus", "Cuneus"}
    pd.testing.assert_frame_equal(*tables)
    assert len(list((tmp_path / "cache").iterdir())) == 3
    settings = json.loads((tmp_path / "one" / "settings.json").read_text())
    assert settings["arguments"]["preparation"]["high_pass"] == "0.5"
