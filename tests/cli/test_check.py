"""``braindecode-bolt check``."""

import argparse

import nibabel
import numpy as np
import pytest

from braindecode_bolt.cli import main
from braindecode_bolt.cli.options import region_labels
from braindecode_bolt.datasets import SimulatedEEGfMRI


@pytest.fixture
def folder(tmp_path):
    for recording in SimulatedEEGfMRI(2, duration=60.0, ch_names=["Fz", "Oz"]).load():
        path = tmp_path / "study" / f"{recording.name}_eeg.fif"
        path.parent.mkdir(exist_ok=True)
        recording.raw.save(path, verbose="error")
    return tmp_path / "study"


def test_it_prints_and_writes_what_it_found(folder, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["check", "--data", str(folder), "--out", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "2 of 2 recordings can be used" in printed and "sub-02" in printed
    html = page.read_text()
    assert html.count("data:image/png;base64") == 2 and "2 of 2 recordings" in html
    assert "http://" not in html and "https://" not in html


def test_files_that_cannot_be_opened_are_reported_beside_the_others(
    folder, tmp_path, capsys
):
    broken = folder / "sub-03_eeg.fif"
    broken.write_bytes(b"nothing")
    assert main(["check", "--data", str(folder), "--out", str(tmp_path / "a.html")]) == 1
    printed = capsys.readouterr().out
    assert "2 of 3 recordings can be used" in printed
    assert "sub-03_eeg.fif:\n  - cannot be used: MNE cannot read" in printed
    html = (tmp_path / "a.html").read_text()
    assert "2 of 3 recordings" in html and html.count("data:image/png;base64") == 2
    assert html.count("sub-03_eeg.fif") >= 2 and 'class="good"' not in html


def test_simulated_bold_follows_what_was_asked_for(folder, tmp_path, monkeypatch):
    asked = []

    def load(*_, **options):
        asked.append(options)
        raise ValueError("enough")

    monkeypatch.setattr("braindecode_bolt.cli.run_check.load_recordings", load)
    kind = ["--coupling", "1", "--coupling-kind", "bursts"]
    assert main(["check", "--data", str(folder), *kind]) == 1
    assert asked[0]["coupling_kind"] == "bursts"


def test_wrong_arguments(folder, tmp_path, capsys):
    assert main(["check", "--data", str(folder), "--window", "0"]) == 1
    assert "--window must be positive" in capsys.readouterr().err
    assert main(["check", "--data", str(tmp_path / "none")]) == 1
    assert "There is no folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "evaluate", "train"])
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("A\nB\nC\n", "2 labels besides 0, but 3 names were given"),
        ("label\tname\n1\tA\n", "has the columns label, name; expected index and name"),
        ("index\tname\none\tA\n", "without a whole number in the column index"),
    ],
)
def test_names_of_an_atlas_are_checked_before_the_data(
    folder, tmp_path, capsys, command, labels, said, monkeypatch
):
    def read(*args, **kwargs):
        raise AssertionError("data were read")

    monkeypatch.setattr("braindecode_bolt.datasets.folder.read_eeg", read)
    regions = np.zeros((4, 4, 4), np.int16)
    regions[0, 0, :2] = [1, 2]
    nibabel.save(nibabel.Nifti1Image(regions, np.eye(4)), tmp_path / "atlas.nii.gz")
    file = tmp_path / ("labels.tsv" if "\t" in labels else "labels.txt")
    file.write_text(labels)
    options = ["--data", str(folder), "--out", str(tmp_path / "out")]
    options += ["--atlas", str(tmp_path / "atlas.nii.gz"), "--labels", str(file)]
    assert main([command, *options]) == 1
    assert said in capsys.readouterr().err


def test_labels_of_a_table_are_sorted_and_without_background(tmp_path):
    file = tmp_path / "atlas_dseg.tsv"
    file.write_text("index\tname\tcolor\n7\tB\tx\n0\tBackground\tx\n2\tA\tx\n")
    assert region_labels(argparse.Namespace(labels=file)) == ["A", "B"]
