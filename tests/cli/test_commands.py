"""The command line, on folders small enough for a test."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import mne
import nibabel
import numpy as np
import pandas as pd
import pytest
import torch

from braindecode_bolt.cli import main
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.linear import LaggedBandPower

FAST = ["--epochs", "1", "--folds", "2", "--surrogates", "100"]
LINEAR = ["--models", "LaggedBandPower,AlphaHRF", "--folds", "2", "--surrogates", "100"]


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
    raw = mne.io.read_raw_fif(data / f"{stem}_eeg.fif", verbose="error")
    assert raw.info["description"] == "BOLD simulated, coupling band-power"
    settings = json.loads((data / "simulation.json").read_text())
    assert settings["snr"] == 0.7 and len(settings["eeg"]) == 3


def test_simulate_refuses_what_it_cannot_do(eeg_folder, data, tmp_path, capsys):
    out = tmp_path / "out"
    base = ["simulate", "--eeg", str(eeg_folder), "--out"]
    assert main([*base, str(out)]) == 1
    assert "do not say the subject" in capsys.readouterr().err
    assert main([*base, str(data), *PATTERN]) == 1
    assert "is not an empty folder" in capsys.readouterr().err
    same = ["--pattern", r"(?P<subject>Subject)\d+_1_eeg"]
    assert main([*base, str(out), *same]) == 1
    assert "3 files are named sub-Subject: " in capsys.readouterr().err
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
    assert "has 1 volume x 2 regions" in capsys.readouterr().err
    assert not out.exists() and not list(tmp_path.glob(".out*"))


def test_simulate_writes_all_or_nothing(eeg_folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    command = ["simulate", "--eeg", str(eeg_folder), "--out", str(out), *PATTERN]
    written = []

    def write(recording, folder):
        written.append(recording)
        if len(written) == 2:
            raise OSError("The disk is full")
        (folder / "a").touch()

    with monkeypatch.context() as patched:
        patched.setattr("braindecode_bolt.cli.run_simulate._write_recording", write)
        assert main(command) == 1
    assert list(tmp_path.iterdir()) == [out] and not list(out.iterdir())

    def meanwhile(recording, folder):
        (out / "other").touch()

    with monkeypatch.context() as patched:
        patched.setattr("braindecode_bolt.cli.run_simulate._write_recording", meanwhile)
        assert main(command) == 1
    assert [file.name for file in out.iterdir()] == ["other"]
    (out / "other").unlink()
    assert main(command) == 0 and (out / "simulation.json").exists()
    assert list(tmp_path.iterdir()) == [out]


def test_evaluate_prints_tables_and_writes_results(data, tmp_path, capsys):
    out = tmp_path / "results"
    assert main(["evaluate", "--data", str(data), "--out", str(out), *FAST]) == 0
    printed = capsys.readouterr().out
    assert "3 recordings of 3 subjects, 3 channels, 7 regions" in printed
    for word in ("NeuroBOLT", "LaggedBandPower", "ceiling", "chance", "Thalamus", "fold 2"):
        assert word in printed
    assert (
        "Protocol: subjects (subjects not seen in training, in folds of whole subjects)"
        in printed
    )
    assert (
        "With 3 subjects, the confidence intervals say little about other subjects"
        in printed
    )
    assert "subjects whose EEG and fMRI were recorded together" in printed
    scores = pd.read_csv(out / "scores.tsv", sep="\t", dtype={"run": str})
    assert len(scores) == 3 * 3 * 7
    assert set(scores["subject"]) == {"Subject01", "Subject02", "Subject03"}
    summary = pd.read_csv(out / "summary.tsv", sep="\t")
    keys = ["pipeline", "region"]
    means = scores.groupby(keys)["score"].mean()
    found = summary.set_index(keys)["score"]
    np.testing.assert_allclose(found.loc[means.index], means)
    line = [x for x in printed.splitlines() if x.startswith("Thalamus")][0]
    assert f"{means[('LaggedBandPower', 'Thalamus')]:.2f}" in line
    for name in ("r_per_region.png", "series.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert "training  constant" in printed and "90% intervals, each" in printed
    page = (out / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and f"evaluate --data {data}" in page
    for name in ("coverage", "connectivity", "connectivity_summary", "messages"):
        assert (out / f"{name}.tsv").exists()
    for name in ("left_out", "predictions", "comparison", "failures", "curves"):
        assert (out / f"{name}.tsv").exists()


def test_report_is_made_anew_from_the_folder_alone(data, tmp_path, capsys):
    out, again = tmp_path / "out", tmp_path / "again"
    assert main(["evaluate", "--data", str(data), "--out", str(out), *LINEAR]) == 0
    before = capsys.readouterr().out
    command = ["report", str(out), "--surrogates", "100"]
    assert main([*command, "--out", str(again), "--title", "Anew"]) == 0
    after = capsys.readouterr().out
    table = before[before.index("LaggedBandPower   ") : before.index("Written to")]
    assert table.strip() and table in after
    assert {file.name for file in again.iterdir()} == {
        *("report.html", "summary.tsv", "comparison.tsv"),
        *("r_per_region.png", "series.png"),
    }
    page = (again / "report.html").read_text()
    assert "<h1>Anew</h1>" in page and f"evaluate --data {data}" in page
    for name in ("summary", "comparison"):
        old, new = (pd.read_csv(f / f"{name}.tsv", sep="\t") for f in (out, again))
        pd.testing.assert_frame_equal(old, new, rtol=1e-4)
    (out / "report.html").unlink()
    # Without the option, there are as many surrogates as the evaluation had.
    assert main(command[:2]) == 0 and (out / "report.html").exists()
    assert (pd.read_csv(out / "summary.tsv", sep="\t")["n_surrogates"] == 100).all()
    assert "100 phase-randomised surrogates" in (out / "report.html").read_text()
    (out / "summary.tsv").unlink()
    assert main(command[:2]) == 0
    assert (pd.read_csv(out / "summary.tsv", sep="\t")["n_surrogates"] == 10_000).all()


def test_report_refuses_what_is_no_results_folder(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert "is not a results folder of evaluate" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "nowhere")]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert main(["report", str(tmp_path), "--surrogates", "0"]) == 1
    assert "--surrogates must lie between 1 and 1,000,000, got 0" in capsys.readouterr().err


def test_nothing_is_done_twice(data, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["evaluate", "--data", str(data), "--out", str(out), *LINEAR]
    assert main(command) == 0
    before = {path: path.stat().st_mtime_ns for path in (out / "folds").iterdir()}
    capsys.readouterr()
    assert main(command) == 0
    assert "4 of 4 fits are there already" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (out / "folds").iterdir()} == before
    assert main([*command, "--high-pass", "1"]) == 1
    assert "another run (other data: paired, settings: preparation)" in (
        capsys.readouterr().err
    )


def test_models_protocols_seeds_and_controls(data, tmp_path, capsys):
    base = ["evaluate", "--data", str(data), "--surrogates", "50"]
    out = tmp_path / "one"
    chosen = ["--models", "sttransformer,MEANBOLD", "--seeds", "1,2", "--epochs", "1"]
    control = ["--controls", "wrong_subject", "--protocol", "leave-one-subject-out"]
    assert main([*base, "--out", str(out), *chosen, *control]) == 0
    scores = pd.read_csv(out / "scores.tsv", sep="\t")
    assert scores.groupby("pipeline")["seed"].nunique().to_dict() == {
        "STTransformer": 2,
        "STTransformer (wrong subject)": 2,
        "MeanBOLD": 1,
        "MeanBOLD (wrong subject)": 1,
    }
    assert scores["fold"].nunique() == 3
    printed = capsys.readouterr().out
    assert (
        "undefined)" in printed
        and "one subject not seen in training, each in turn" in printed
    )
    out = tmp_path / "two"
    separate = ["--models", "AlphaHRF", "--separate-regions"]
    assert main([*base, "--out", str(out), *separate]) == 0
    assert len(list((out / "folds").iterdir())) == 3 * 7


def test_couplings_by_name(eeg_folder, tmp_path, capsys):
    command = ["simulate", "--eeg", str(eeg_folder), *PATTERN, "--out"]
    kind = ["--coupling-kind", "bursts+vigilance"]
    assert main([*command, str(tmp_path / "bursts"), *kind]) == 0
    written = json.loads((tmp_path / "bursts" / "simulation.json").read_text())
    assert written["coupling"] == "bursts+vigilance"
    assert main([*command, str(tmp_path / "plain")]) == 0
    bold = [sorted((tmp_path / n).glob("*_bold.tsv"))[0] for n in ("bursts", "plain")]
    assert bold[0].read_text() != bold[1].read_text()
    with pytest.raises(SystemExit):
        main([*command, str(tmp_path / "none"), "--coupling-kind", "spikes"])
    assert "There is no coupling 'spikes'" in capsys.readouterr().err


def test_coupling_on_a_folder_of_eeg(eeg_folder, tmp_path, capsys):
    base = ["evaluate", "--data", str(eeg_folder), *LINEAR, *PATTERN]
    r = {}
    for coupling in ("0", "9"):
        out = tmp_path / coupling
        assert main([*base, "--coupling", coupling, "--out", str(out)]) == 0
        scores = pd.read_csv(out / "scores.tsv", sep="\t")
        r[coupling] = scores.groupby("pipeline")["score"].mean()
        assert scores["noise_ceiling"].notna().all()
        page = (out / "report.html").read_text()
        assert "(coupling band-power)" in page and "the coupling band-power" in page
    assert r["9"]["AlphaHRF"] > 0.1 + r["0"]["AlphaHRF"]
    # What is simulated follows the channels that are chosen.
    chosen = ["--coupling", "9", "--channels", "Oz", "--out", str(tmp_path / "oz")]
    assert main([*base, *chosen]) == 0
    assert (pd.read_csv(tmp_path / "oz" / "scores.tsv", sep="\t")["channels"] == 1).all()
    capsys.readouterr()
    assert main([*base[:3], "--coupling", "1"]) == 1
    assert "do not say the subject" in capsys.readouterr().err
    assert main([*base, "--coupling", "1", "--marker", "R128"]) == 1
    assert "leave out --marker" in capsys.readouterr().err
    assert main([*base, "--coupling-kind", "bursts"]) == 1
    assert "for simulated BOLD only: --coupling-kind" in capsys.readouterr().err
    assert main(base) == 1
    assert (
        "no BOLD: expected Subject01_1_bold.tsv or Subject01_1_bold.csv"
        in capsys.readouterr().err
    )


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_leaves_finished_fits_and_can_be_gone_on_from(data, tmp_path):
    out = tmp_path / "out"
    command = ["evaluate", "--data", str(data), "--out", str(out), *FAST]
    with subprocess.Popen(
        [sys.executable, "-m", "braindecode_bolt", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("NeuroBOLT, paired, fold 1"):
                process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert "Finished fits are kept" in lines[-1]
    finished = {path.name for path in (out / "folds").glob("*.npz")}
    assert any(name.startswith("paired_NeuroBOLT_") for name in finished)
    assert "paired,NeuroBOLT,,0,2,.npz" not in finished
    assert not (out / "scores.tsv").exists()

    whole = tmp_path / "whole"
    for folder in (out, whole):
        assert main(["evaluate", "--data", str(data), "--out", str(folder), *FAST]) == 0
    tables = [read_scores(folder) for folder in (out, whole)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-3, atol=1e-5)


def read_scores(folder):
    scores = pd.read_csv(folder / "scores.tsv", sep="\t")
    return scores.drop(columns=["time", "predict_time"])


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
    command = ["evaluate", "--data", str(data), "--out", str(out), *FAST]
    assert main([*command, "--models", "AlphaHRF,LaggedBandPower"]) == 130
    finished = {path.name for path in (out / "folds").glob("*.npz")}
    (name,) = finished
    assert name.startswith("paired_AlphaHRF_seed-000_fold-0001_")
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interruption_is_status_130(monkeypatch, capsys):
    def interrupt(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("braindecode_bolt.cli.run_evaluate.run_evaluate", interrupt)
    assert main(["evaluate"]) == 130
    assert "Interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "There is no folder nowhere"),
        (["--folds", "9"], "--folds 9, but there are only 3 subjects"),
        (["--models", "Ridge"], "There is no model 'Ridge'. There are NeuroBOLT, "),
        (["--pretrained", "w.pth"], "--pretrained needs --size published"),
        (
            ["--models", "AlphaHRF", "--pretrained", "w", "--size", "published"],
            "--pretrained is for NeuroBOLT",
        ),
        (["--protocol", "joint"], "give --source and --target"),
        (
            ["--protocol", "within", "--models", "AlphaHRF"],
            "is too short for this protocol",
        ),
        (["--controls", "noise"], "--controls takes different ones of wrong_subject"),
        (["--surrogates", "0"], "--surrogates must lie between 1 and 1,000,000"),
        (["--surrogates", "9999999"], "--surrogates must lie between 1 and 1,000,000"),
        (["--low-pass", "-1"], "--low-pass must not be negative"),
        (
            ["--pretrained", "nowhere.pth", "--size", "published"],
            "nowhere.pth is neither a file, nor a folder",
        ),
        (["--dummy-volumes", "2"], "leave out --dummy-volumes"),
        (["--models", ""], "--models names no model"),
        (
            ["--models", "LabramBOLD", "--unknown-channels", "fresh"],
            "fresh is for NeuroBOLT",
        ),
        (["--folds", "1"], "--folds must be at least 2"),
        (["--jobs", "0"], "--jobs must not be 0"),
        (["--pretrain", "--pretrain-eeg", "."], "Use one of --pretrain and --pretrain-eeg"),
        (["--pretrain", "--models", "AlphaHRF"], "--pretrain is for NeuroBOLT"),
        (["--pretrain-eeg", "nowhere"], "There is no folder nowhere"),
        (["--pretrain-steps", "0"], "--pretrain-steps must be at least 1"),
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
    assert "--protocol runs, --folds 2" in capsys.readouterr().err
    out = tmp_path / "out"
    by_run = ["--protocol", "runs", "--channels", "common", "--out", str(out)]
    assert main(["evaluate", "--data", str(tmp_path), *by_run, *LINEAR]) == 0
    assert pd.read_csv(out / "scores.tsv", sep="\t")["run"].nunique() == 2


def test_help_says_it_all(capsys):
    for command in ([], ["evaluate"], ["simulate"]):
        with pytest.raises(SystemExit) as stop:
            main([*command, "--help"])
        assert stop.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--data", "--protocol", "--channels", "--epochs", "--seeds", "--jobs"):
        assert option in shown
    for word in ("--device", "--out", "--snr", "_volumes.tsv", "a column per region"):
        assert word in shown


@pytest.mark.parametrize("command", [["models"], ["--help"], ["evaluate", "--seeds", ","]])
def test_a_reader_that_has_gone_is_no_error_to_report(command):
    """As in ``braindecode-bolt models | head``."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "braindecode_bolt", *command],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    if "--seeds" in command:  # It wrote nothing there.
        assert done.returncode == 2 and "argument --seeds" in done.stderr
    else:  # argparse itself ignores it where output is not buffered.
        expected = (0, 141) if "--help" in command else (141,)
        assert done.returncode in expected and done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--protocol", "planet"], "invalid choice: 'planet'"),
        (["--seeds", ""], "argument --seeds: give whole numbers from 0 on"),
        (["--seeds=-1"], "argument --seeds: give whole numbers from 0 on"),
    ],
)
def test_arguments_that_cannot_be_read_are_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", *arguments])
    assert stop.value.code == 2 and message in capsys.readouterr().err


def test_models_can_be_chosen_in_part(data, tmp_path, capsys):
    """Precision, electrodes without a row, weights to begin with."""
    out = tmp_path / "out"
    command = ["evaluate", "--data", str(data), "--out", str(out), *FAST]
    chosen = ["--precision", "bfloat16", "--unknown-channels", "nearest"]
    assert main([*command, *chosen]) == 0
    saved = json.loads((out / "settings.json").read_text())["models"]["NeuroBOLT"]
    assert saved["precision"] == "bfloat16"
    assert saved["module__unknown_channels"] == "nearest"
    assert main(command) == 1, "another precision is another run"
    capsys.readouterr()
    torch.save({"model": {"student.cls_token": torch.zeros(1, 1, 200)}}, tmp_path / "w.pth")
    command[4] = str(tmp_path / "other")
    weights = ["--pretrained", str(tmp_path / "w.pth")]
    assert main([*command, *weights]) == 1
    assert "needs --size published" in capsys.readouterr().err
    assert main([*command, *weights, "--size", "published"]) == 1
    printed = capsys.readouterr().out
    assert "2 fits failed; the scores are without them" in printed
    assert "do not fit the model; nothing was loaded" in printed
    assert "LaggedBandPower " in printed


def test_options_of_files_need_files(capsys):
    assert main(["evaluate", "--marker", "R128", "--tr", "2.1"]) == 1
    assert "take no --marker, --tr; give a folder by --data" in capsys.readouterr().err


def test_regions_filter_reference_and_cache(data, tmp_path, capsys):
    base = ["evaluate", "--data", str(data), *LINEAR]
    more = ["--rois", "Thalamus,Cuneus", "--high-pass", "0.5", "--reference", "average"]
    tables = []
    for out, cache in (("one", []), ("two", ["--cache", str(tmp_path / "cache")])):
        assert main([*base, *more, *cache, "--out", str(tmp_path / out)]) == 0
        tables.append(read_scores(tmp_path / out))
    assert "2 regions" in capsys.readouterr().out
    assert set(tables[0]["region"]) == {"Thalamus", "Cuneus"}
    pd.testing.assert_frame_equal(*tables)
    assert len(list((tmp_path / "cache").iterdir())) == 3
    settings = json.loads((tmp_path / "one" / "settings.json").read_text())
    assert settings["settings"]["preparation"]["high_pass"] == "0.5"


def test_another_window_and_the_regions_on_the_brain(data, tmp_path, capsys):
    regions = pd.read_csv(next(data.glob("*01_run-1_bold.tsv")), sep="\t").columns
    volume = np.zeros((12, 12, 12), np.int16)
    for number in range(len(regions)):
        volume[number + 2, 3:6, 4:8] = number + 1
    image, labels = tmp_path / "atlas.nii.gz", tmp_path / "labels.txt"
    affine = np.diag([8.0, 8, 8, 1])
    affine[:3, 3] = -44
    nibabel.Nifti1Image(volume, affine).to_filename(image)
    labels.write_text("\n".join(regions))
    out = tmp_path / "out"
    command = ["evaluate", "--data", str(data), *LINEAR, "--atlas", str(image)]
    named = [*command, "--labels", str(labels), "--out", str(out)]
    assert main([*named, "--window", "20"]) == 0
    assert "windows of 20 s" in capsys.readouterr().out
    assert 'id="brain' in (out / "report.html").read_text()
    again = ["report", str(out), "--surrogates", "100", "--atlas", str(image)]
    assert main([*again, "--labels", str(labels), "--out", str(tmp_path / "again")]) == 0
    # The folder says where the regions are.
    assert main(["report", str(out), "--surrogates", "100"]) == 0
    assert 'id="brain' in (out / "report.html").read_text()
    image.rename(tmp_path / "moved.nii.gz")
    assert main(["report", str(out), "--surrogates", "100"]) == 0
    assert 'id="brain' not in (out / "report.html").read_text()
    (tmp_path / "moved.nii.gz").rename(image)
    labels.write_text("\n".join([*regions[:-1], "Elsewhere"]))
    assert main([*named[:-1], str(tmp_path / "other")]) == 1
    assert regions[-1] in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
    assert main([*command, "--window", "0"]) == 1
    assert "--window must be positive" in capsys.readouterr().err
