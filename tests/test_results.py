import json

import pandas as pd
import pytest

from braindecode_bolt import create_bold_windows
from braindecode_bolt.evaluation import iterate_folds
from braindecode_bolt.linear import LaggedBandPower
from braindecode_bolt.results import ResultsError, ResultsFolder, fingerprint_of


@pytest.fixture(scope="module")
def results(windows):
    return list(iterate_folds({"ridge": LaggedBandPower()}, windows, windows.groups, 2))


def test_what_was_written_is_read_back(results, tmp_path):
    folder = ResultsFolder(tmp_path / "out", {"data": "x"})
    assert folder.finished() == set()
    for result in reversed(results):
        folder.write(result)
    assert folder.finished() == {("ridge", 1), ("ridge", 2)}
    expected = pd.concat([result.scores for result in results], ignore_index=True)
    read = folder.scores()
    pd.testing.assert_frame_equal(
        read[["fold", "region", "r", "mse", "time"]],
        expected[["fold", "region", "r", "mse", "time"]],
        check_dtype=False,
    )
    assert read["subject"].tolist() == expected["subject"].tolist()
    assert read["run"].isna().all()
    assert len(folder.predictions()) == sum(len(r.predictions) for r in results)


def test_the_same_run_goes_on_and_another_is_refused(results, tmp_path):
    folder = ResultsFolder(tmp_path, {"data": "x", "arguments": {"seed": 0}})
    folder.write(results[0])
    again = ResultsFolder(tmp_path, {"data": "x", "arguments": {"seed": 0}})
    assert again.finished() == {("ridge", 1)}
    other = {"data": "x", "arguments": {"seed": 1}}
    with pytest.raises(ResultsError, match=r"another run \(other arguments: "):
        ResultsFolder(tmp_path, other)
    assert ResultsFolder(tmp_path, other, overwrite=True).finished() == set()


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(ResultsError, match="not empty and holds no results"):
            ResultsFolder(tmp_path, {}, overwrite)
    with pytest.raises(ResultsError, match="is a file"):
        ResultsFolder(tmp_path / "thesis.txt", {})
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_half_written_fold_does_not_count(results, tmp_path):
    folder = ResultsFolder(tmp_path, {})
    folder.write(results[0])
    (tmp_path / "folds" / ".ridge_2_scores.tsv.123").write_text("half")
    (tmp_path / "folds" / "ridge_2_predictions.tsv").write_text("half")
    assert folder.finished() == {("ridge", 1)}


def test_without_a_name_the_folder_is_new(results, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = ResultsFolder(None, {"data": "x"})
    assert folder.path.parent.name == "results"
    assert not list(folder.path.iterdir()), "nothing is claimed before there is a result"
    folder.write(results[0])
    assert json.loads((folder.path / "settings.json").read_text()) == {"data": "x"}


@pytest.mark.parametrize("content", ["", "[1]", "{", '"data"'])
def test_settings_that_are_not_ours_are_another_run(content, tmp_path):
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(ResultsError, match="another run"):
        ResultsFolder(tmp_path, {"data": "x"})


def test_the_fingerprint_tells_data_and_arguments_apart(windows, make_recording):
    def made(seed=1, **kwargs):
        return create_bold_windows([make_recording(seed=seed, **kwargs)], 4.0)

    first = fingerprint_of(made(), {"seed": 0})
    assert fingerprint_of(made(), {"seed": 0}) == first
    assert fingerprint_of(made(), {"seed": 1}) != first
    assert fingerprint_of(made(2), {"seed": 0})["data"] != first["data"]
    assert fingerprint_of(made(rois=["A", "C"]), {"seed": 0})["data"] != first["data"]
    assert "torch" in first["versions"]
