import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit

from braindecode_bolt.evaluation import ResultsError, evaluate
from braindecode_bolt.evaluation.plan import FitTask
from braindecode_bolt.linear import AlphaHRF, LaggedBandPower

from .models import Fails, Slow

RIDGE = {"ridge": LaggedBandPower()}
letters = st.characters(exclude_categories=["Cs"])
names = st.text(letters, min_size=1, max_size=8)


@given(names, names, st.integers(0, 99), st.integers(1, 999), st.text(letters, max_size=3))
def test_a_job_is_read_from_the_name_of_its_file(dataset, model, seed, fold, region):
    job = Job(dataset, model, "wrong_subject", seed, fold, region)
    stem = job.file_name()
    assert Job.of_file(stem) == job
    assert "/" not in stem and "\\" not in stem and "\0" not in stem
    with pytest.raises(ValueError, match="too long for the name of a file"):
        Job(dataset, 300 * "m", "", 0, 1).file_name()


def test_nothing_is_done_twice(study, tmp_path):
    first = evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "folds").iterdir()}
    assert len(files) == 2
    again = evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    pd.testing.assert_frame_equal(first.scores, again.scores)
    pd.testing.assert_frame_equal(first.predictions, again.predictions)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "folds").iterdir()} == files
    read = pd.read_csv(tmp_path / "scores.tsv", sep="\t", dtype={"subject": str})
    np.testing.assert_allclose(read["score"], first.scores["score"])
    assert read["subject"].tolist() == first.scores["subject"].tolist()


def test_models_seeds_controls_and_data_can_be_added(study, long_study, tmp_path):
    evaluate(RIDGE, {"a": study}, n_splits=2, out=tmp_path)
    models = {**RIDGE, "alpha": AlphaHRF()}
    more = evaluate(models, {"a": study}, n_splits=2, out=tmp_path, seeds=[0, 1])
    assert set(more.scores["pipeline"]) == {"ridge", "alpha"}
    # What was there stays, whichever model is asked for.
    other = evaluate(
        {"alpha": AlphaHRF()},
        {"a": study, "b": long_study},
        n_splits=2,
        out=tmp_path,
        controls=["constant_eeg"],
    )
    assert set(other.scores["pipeline"]) == {"ridge", "alpha", "alpha (constant EEG)"}
    assert set(other.scores["dataset"]) == {"a", "b"}
    assert list(other.settings["models"]) == ["ridge", "alpha"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"models": {"ridge": LaggedBandPower(segment_seconds=1.0)}}, "models: ridge"),
        ({"n_splits": 3}, "protocol: n_splits"),
        ({"regions": "separately"}, "regions"),
        ({"settings": {"preparation": "other"}}, "settings: preparation"),
        ({"data": "long"}, "data: data"),
    ],
)
def test_another_run_is_refused(study, long_study, tmp_path, change, named):
    base = {"models": RIDGE, "data": study, "n_splits": 2, "out": tmp_path}
    evaluate(**base)
    if change.get("data"):
        change = {"data": long_study}
    with pytest.raises(ResultsError, match=rf"another run \(other .*{named}"):
        evaluate(**base | change)
    replaced = evaluate(**base | change, overwrite=True)
    assert set(replaced.scores["pipeline"]) == {"ridge"}


def test_other_versions_are_another_run(study, tmp_path):
    evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    settings = json.loads((tmp_path / "settings.json").read_text())
    settings["versions"]["torch"] = "0.1"
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(ResultsError, match="other versions: torch"):
        evaluate(RIDGE, study, n_splits=2, out=tmp_path)


def test_a_folder_of_other_things_is_left_alone(study, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(
            ResultsError, match="no results of this package .it has thesis.txt"
        ):
            evaluate(RIDGE, study, n_splits=2, out=tmp_path, overwrite=overwrite)
    with pytest.raises(ResultsError, match="is a file"):
        evaluate(RIDGE, study, n_splits=2, out=tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    for content in ("", "[1]", "{", '"data"', '{"data": 1}'):
        (tmp_path / "settings.json").write_text(content)
        for overwrite in (False, True):
            with pytest.raises(ResultsError, match="holds no results of this package"):
                evaluate(RIDGE, study, n_splits=2, out=tmp_path, overwrite=overwrite)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "settings.json",
        "thesis.txt",
    ]


def test_overwriting_deletes_what_is_ours_alone(study, tmp_path):
    evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    for name in ("notes.tsv", "folds/notes.json", "figure.png"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(ResultsError, match="holds notes.json, which is no result"):
        evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    with pytest.raises(ResultsError, match="which is no result"):
        evaluate(RIDGE, study, n_splits=4, out=tmp_path, overwrite=True)
    for name in ("notes.tsv", "folds/notes.json", "figure.png"):
        assert (tmp_path / name).read_text() == "mine"
    (tmp_path / "folds/notes.json").unlink()
    found = evaluate(RIDGE, study, n_splits=4, out=tmp_path, overwrite=True)
    assert set(found.scores["fold"]) == {1, 2, 3, 4}


def test_results_whose_settings_are_gone_are_of_nobody(study, tmp_path):
    evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    (tmp_path / "settings.json").unlink()
    with pytest.raises(ResultsError, match="holds no results of this package"):
        evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    for table in tmp_path.glob("*.tsv"):
        table.unlink()
    with pytest.raises(ResultsError, match="settings.json is missing"):
        evaluate(RIDGE, study, n_splits=2, out=tmp_path)


def test_folds_drawn_anew_are_another_run(study, tmp_path):
    """The splitter is described alike, and divides otherwise."""
    cv = GroupShuffleSplit(1, test_size=1)
    first = evaluate(RIDGE, study, cv, out=tmp_path)
    fold = set(first.scores["recording"])
    with pytest.raises(ResultsError, match="folds"):
        for _ in range(50):
            assert set(evaluate(RIDGE, study, cv, out=tmp_path).scores["recording"]) == fold


def test_a_result_about_windows_that_are_not_there(study, tmp_path):
    evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    file = next((tmp_path / "folds").iterdir())
    with np.load(file) as arrays:
        content = dict(arrays)
    for rows, message in (
        (content["rows"] + 10**6, "it is not of these data"),
        (content["rows"][:-1], "arrays of different length"),
    ):
        np.savez(file, **{**content, "rows": rows})
        with pytest.raises(ResultsError, match=message):
            evaluate(RIDGE, study, n_splits=2, out=tmp_path)


def test_killed_before_the_first_result_it_begins_anew(study, tmp_path):
    (tmp_path / ".settings.json.123").write_text("{")
    (tmp_path / ".eeg-abc").mkdir()
    assert len(evaluate(RIDGE, study, n_splits=2, out=tmp_path).scores) == 12


def test_a_success_counts_where_the_note_of_a_failure_was_left(study, tmp_path):
    evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    note = next((tmp_path / "folds").glob("*.npz")).with_suffix(".json")
    note.write_text('{"error": "RuntimeError: before", "details": ""}')
    assert not len(evaluate(RIDGE, study, n_splits=2, out=tmp_path).failures)
    assert not note.exists()


def test_a_damaged_note_of_a_failure_is_named(study, tmp_path):
    evaluate({"fails": Fails("01")}, study, n_splits=2, out=tmp_path)
    (file,) = (tmp_path / "folds").glob("*.json")
    file.write_text("{")
    # It is tried again, and the note written anew.
    found = evaluate({"fails": Fails("01")}, study, n_splits=2, out=tmp_path)
    assert len(found.failures) == 1
    file.rename(file.with_name(file.name.replace(",1,.json", ",9,.json")))
    next((tmp_path / "folds").glob("*9,.json")).write_text("{}")
    with pytest.raises(ResultsError, match="or damaged"):
        evaluate({"fails": Fails("01")}, study, n_splits=2, out=tmp_path)


def test_a_run_that_fails_at_once_claims_nothing(study, tmp_path):
    with pytest.raises(ValueError, match="n_splits=9"):
        evaluate(RIDGE, study, n_splits=9, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_half_a_file_does_not_count_and_a_broken_one_is_named(study, tmp_path):
    whole = evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    one, two = sorted((tmp_path / "folds").iterdir())
    one.rename(one.with_name(f".{one.name}.123"))
    again = evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    columns = ["recording", "region", "score"]
    pd.testing.assert_frame_equal(whole.scores[columns], again.scores[columns])
    for content in (b"", b"broken", b"PK\x03\x04"):
        two.write_bytes(content)
        with pytest.raises(ResultsError, match="no result of this package"):
            evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    two.unlink()
    assert len(evaluate(RIDGE, study, n_splits=2, out=tmp_path).scores) == 12


def test_pickled_objects_in_a_file_are_not_loaded(study, tmp_path):
    evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    file = next((tmp_path / "folds").iterdir())
    with np.load(file) as arrays:
        content = dict(arrays)
    content["predicted"] = np.array([print], dtype=object)
    np.savez(file, **content)
    with pytest.raises(ResultsError, match="no result of this package"):
        evaluate(RIDGE, study, n_splits=2, out=tmp_path)


_CHILD = """
import sys
import torch
torch.set_num_threads(1)
from braindecode_bolt.evaluation import Study, evaluate
from braindecode_bolt.datasets import SimulatedEEGfMRI
from tests.evaluation.models import Slow
from tests.evaluation.test_store import small_study
evaluate({"slow": Slow(sys.argv[1], 0.4)}, small_study(), n_splits=6, out=sys.argv[2])
"""


def small_study():
    from braindecode_bolt.datasets import SimulatedEEGfMRI
    from braindecode_bolt.evaluation import Study

    simulated = SimulatedEEGfMRI(6, duration=60.0, ch_names=["Fz", "Oz"], rois=["A", "B"])
    return Study.of(simulated.load(), window_seconds=4.0)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_killed_at_any_moment_it_goes_on_and_gives_the_same_table(tmp_path):
    """SIGKILL, which nothing can be done about, twice; then to the end."""
    notes, out = tmp_path / "notes", tmp_path / "out"
    notes.mkdir()
    root = Path(__file__).parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    wanted = 0
    for more in (1, 2):
        wanted += more
        command = [sys.executable, "-c", _CHILD, str(notes), str(out)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as child:
            deadline = time.time() + 120
            while len(list((out / "folds").glob("*.npz"))) < wanted:
                assert child.poll() is None and time.time() < deadline
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
    finished = len(list((out / "folds").glob("*.npz")))
    assert 3 <= finished < 6
    begun = len(list(notes.iterdir()))
    found = evaluate({"slow": Slow(str(notes), 0.4)}, small_study(), n_splits=6, out=out)
    # Only what was missing was done.
    assert len(list(notes.iterdir())) - begun == 6 - finished
    undisturbed = evaluate({"slow": Slow(str(notes), 0.0)}, small_study(), n_splits=6)
    timed = ["time", "predict_time"]
    pd.testing.assert_frame_equal(
        found.scores.drop(columns=timed), undisturbed.scores.drop(columns=timed)
    )
    pd.testing.assert_frame_equal(found.predictions, undisturbed.predictions)


def test_an_interruption_keeps_what_is_finished(study, tmp_path):
    class Interrupts(Slow):
        def fit(self, X, y):
            if len(list(notes.iterdir())) == 2:
                raise KeyboardInterrupt
            return super().fit(X, y)

    notes, out = tmp_path / "notes", tmp_path / "out"
    notes.mkdir()
    with pytest.raises(KeyboardInterrupt):
        evaluate({"x": Interrupts(str(notes), 0.0)}, study, n_splits=4, out=out)
    kept = [Job.of_file(p.stem).fold for p in (out / "folds").iterdir()]
    assert sorted(kept) == [1, 2]
