"""``braindecode-bolt check``."""

import pytest

from braindecode_bolt.cli import main
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
    assert "sub-03_eeg.fif" in printed and "2 of 2 recordings can be used" in printed


def test_wrong_arguments(folder, tmp_path, capsys):
    assert main(["check", "--data", str(folder), "--window", "0"]) == 1
    assert "--window must be positive" in capsys.readouterr().err
    assert main(["check", "--data", str(tmp_path / "none")]) == 1
    assert "There is no folder" in capsys.readouterr().err
