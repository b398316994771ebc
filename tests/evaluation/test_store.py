import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GroupShuffleSplit

from braindecode_bolt.evaluation import ResultsError, evaluate
from braindecode_bolt.evaluation.plan import FitTask
from braindecode_bolt.evaluation.text import write_table
from braindecode_bolt.linear import AlphaHRF, LaggedBandPower

from .models import Fails, Remember

RIDGE = {"ridge": LaggedBandPower()}
names = st.text(min_size=1, max_size=400)
tasks = st.builds(
    FitTask,
    names,
    names,
    st.sampled_from(["", "wrong_subject"]),
    st.integers(0, 2**32 - 1),
    st.integers(1, 2000),
    st.text(max_size=9),
)


@given(tasks, tasks)
def test_file_names_are_safe_and_different(one, other):
    first, second = one.file_name(), other.file_name()
    assert (first.lower() == second.lower()) == (one == other)
    assert set(first) <= set(
        "-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    )
    assert len(first) < 200


def test_file_names_of_the_same_letters_differ_and_sort():
    stems = [FitTask("d", name, "", 0, 1).file_name() for name in ("Ridge", "ridge", "a,b")]
    assert len({stem.lower() for stem in stems}) == 3
    stems = [FitTask("d", "m", "", 0, fold).file_name() for fold in (1, 2, 10, 100)]
    assert stems == sorted(stems)


HOSTILE = [
    "../../x",
    "<script>",
    "a,b",
    "A,B",
    300 * "m",
    "=1+1",
    "tab\tline\rend",
    "\ud800",
]


def test_hostile_names_stay_in_the_folder(study, tmp_path):
    out = tmp_path / "in" / "out"
    models = {name: Remember() for name in HOSTILE}
    data = dict.fromkeys(("../up", "CON"), study)
    options = {"n_splits": 2, "out": out}
    found = evaluate(models, data, **options)
    assert found.scores["pipeline"].nunique() == len(HOSTILE)
    assert [
        path.name for path in tmp_path.rglob("*") if out not in (path, *path.parents)
    ] == ["in"]
    assert len(list((out / "folds").iterdir())) == 2 * 2 * len(HOSTILE)
    assert len(evaluate(models, data, **options).scores) == len(found.scores)
    lines = (out / "scores.tsv").read_text(encoding="utf-8").split("\n")
    assert len(lines) == 1 + len(found.scores) + 1
    cells = {line.split("\t")[1] for line in lines[1:-1]}
    assert {"'=1+1", r"tab\tline\rend", r"\ud800", "<script>"} < cells


def test_tables_have_a_line_for_each_row_and_no_formulae(tmp_path):
    texts = ["=cmd()", "+1", "-x", "@a", "a\rb", "a\nb\tc", "\udcff", "plain", None]
    table = pd.DataFrame({"=text": texts, "number": -np.arange(9.0)})
    before = table.copy()
    write_table(table, tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_text(encoding="utf-8").splitlines() == [
        "'=text\tnumber",
        "'=cmd()\t-0.0",
        "'+1\t-1.0",
        "'-x\t-2.0",
        "'@a\t-3.0",
        r"a\rb" "\t-4.0",
        r"a\nb\tc" "\t-5.0",
        r"\udcff" "\t-6.0",
        "plain\t-7.0",
        "n/a\t-8.0",
    ]
    pd.testing.assert_frame_equal(table, before)


def test_finished_fits_are_not_done_again(study, tmp_path):
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


def test_too_little_memory_is_no_damage(study, tmp_path, monkeypatch):
    evaluate(RIDGE, study, n_splits=2, out=tmp_path, progress=False)

    def fails(*_):
        raise MemoryError

    monkeypatch.setattr("braindecode_bolt.evaluation.store._content_of", fails)
    with pytest.raises(MemoryError):
        evaluate(RIDGE, study, n_splits=2, out=tmp_path, progress=False)


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
    with pytest.raises(ResultsError, match="notes.json is no result of this package"):
        evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    with pytest.raises(ResultsError, match="notes.json is no result of this package"):
        evaluate(RIDGE, study, n_splits=4, out=tmp_path, overwrite=True)
    for name in ("notes.tsv", "folds/notes.json", "figure.png"):
        assert (tmp_path / name).read_text() == "mine"
    (tmp_path / "folds/notes.json").unlink()
    found = evaluate(RIDGE, study, n_splits=4, out=tmp_path, overwrite=True)
    assert set(found.scores["fold"]) == {1, 2, 3, 4}


def test_results_without_settings_are_refused(study, tmp_path):
    evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    (tmp_path / "settings.json").unlink()
    with pytest.raises(ResultsError, match="holds no results of this package"):
        evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    for table in tmp_path.glob("*.tsv"):
        table.unlink()
    (tmp_path / "about.json").unlink()
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


class Alpha(RegressorMixin, BaseEstimator):
    """Do something in the middle of a run."""

    def __init__(self, alpha=1.0, then=None):
        self.alpha = alpha
        self.then = then

    def fit(self, X, y):
        if self.then is not None:
            self.then()
        self.n_ = y.shape[1]
        return self

    def predict(self, X):
        rows = np.random.default_rng(0).standard_normal((len(X), self.n_))
        return self.alpha * rows + X.metadata["volume"].to_numpy()[:, None]

    def get_params(self, deep=True):
        return {"alpha": self.alpha}  # What else it does is not seen.

    def __sklearn_clone__(self):
        return Alpha(self.alpha, self.then)


def test_another_run_at_the_same_time_is_refused(study, tmp_path):
    """Which the first run, still without results, does not notice."""
    refused = []

    def second():
        for overwrite in (False, True):
            with pytest.raises(ResultsError, match="is in use.*other models: a") as caught:
                evaluate(
                    {"a": Alpha(9.0)}, study, n_splits=2, out=tmp_path, overwrite=overwrite
                )
            refused.append(caught)

    first = evaluate({"a": Alpha(1.0, second)}, study, n_splits=2, out=tmp_path)
    assert len(refused) == 2 * 2 and not len(first.failures)
    alone = evaluate({"a": Alpha(1.0)}, study, n_splits=2)
    pd.testing.assert_frame_equal(first.predictions, alone.predictions, check_dtype=False)


def test_parts_of_one_run_at_the_same_time_are_merged(study, tmp_path):
    def second():
        found = evaluate({"b": Alpha(2.0)}, study, n_splits=2, out=tmp_path)
        assert set(found.scores["pipeline"]) >= {"b"}

    first = evaluate(
        {"a": Alpha(1.0, second)}, study, n_splits=2, out=tmp_path, on_error="raise"
    )
    assert set(first.scores["pipeline"]) == {"a", "b"}
    assert len(first.scores) == 2 * 4 * 3
    assert list(first.settings["models"]) == ["a", "b"]


def test_what_killed_processes_have_left_goes(study, tmp_path):
    (tmp_path / "folds").mkdir()
    left = [
        ".settings.json.123.unfinished",
        "folds/.x.npz.456.unfinished",
        ".running-x.lock",
    ]
    for name in left:
        (tmp_path / name).touch()
    (tmp_path / ".eeg-abc").mkdir()
    alive = FileLock(tmp_path / ".running-y.lock")
    with alive:
        evaluate(RIDGE, study, n_splits=2, out=tmp_path)
        # Of one that is alive nothing is touched.
        assert (tmp_path / left[0]).exists() and (tmp_path / ".eeg-abc").exists()
    evaluate(RIDGE, study, n_splits=2, out=tmp_path)
    hidden = {path.name for path in tmp_path.rglob(".*")}
    assert hidden <= {".lock"}


def test_a_run_without_results_claims_nothing(study, tmp_path):
    with pytest.raises(ValueError, match="n_splits=9"):
        evaluate(RIDGE, study, n_splits=9, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate({"a": Alpha(1.0, interrupt)}, study, n_splits=2, out=tmp_path / "out")
    assert not (tmp_path / "out" / "settings.json").exists()
    assert len(evaluate({"a": Alpha(2.0)}, study, n_splits=2, out=tmp_path / "out").scores)


def test_an_interruption_keeps_what_is_finished(study, tmp_path):
    def interrupt_third():
        if len(list((tmp_path / "folds").glob("*.npz"))) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate({"a": Alpha(1.0, interrupt_third)}, study, n_splits=4, out=tmp_path)
    kept = sorted(path.name[:25] for path in (tmp_path / "folds").iterdir())
    assert kept == ["data_a_seed-000_fold-0001", "data_a_seed-000_fold-0002"]


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    """A folder with the results of two models."""
    out = tmp_path_factory.mktemp("finished")
    models = {"ridge": LaggedBandPower(), "alpha": AlphaHRF()}
    evaluate(models, study, n_splits=2, out=out)
    return out


@pytest.fixture
def folder(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "out"))


def again(study, folder, **models):
    """Evaluate again, with one more model whose fits come after the check of old ones."""
    Remember.seen = []
    models = models or {"ridge": LaggedBandPower(), "alpha": AlphaHRF()}
    try:
        return evaluate({**models, "new": Remember()}, study, n_splits=2, out=folder)
    except ResultsError:
        assert not Remember.seen  # Damage is reported before anything is fitted.
        raise


def one_of(folder, pattern):
    return sorted((folder / "folds").glob(pattern))[0]


def rewrite(file, **changes):
    with np.load(file) as arrays:
        content = dict(arrays)
    about = json.loads(str(content.pop("about")))
    for name, value in changes.items():
        target = content if name in content or isinstance(value, np.ndarray) else about
        target[name] = value(target[name]) if callable(value) else value
    np.savez(file, **content, about=np.array(json.dumps(about)))


def with_nan(array):
    array = array.copy()
    array[3] = np.nan
    return array


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predicted": lambda p: p[:-1]}, "predicted is float32 of shape"),
        ({"predicted": lambda p: p.T}, "predicted is float32 of shape"),
        ({"predicted": lambda p: p.astype(float)}, "predicted is float64 of shape"),
        ({"predicted": lambda p: p.astype(complex)}, "predicted is complex128"),
        ({"predicted": with_nan}, "predicted has non-finite values"),
        ({"scale": lambda s: s * np.inf}, "scale has non-finite values"),
        ({"scale": lambda s: s[:1]}, "scale is float64 of shape"),
        ({"rows": np.arange(3)}, "unexpected keyword argument 'rows'"),
        ({"messages": [3]}, "a text is missing"),
        ({"history": {"train_loss": ["x"]}}, "could not convert string"),
        ({"task": lambda t: {**t, "fold": 0}}, "it is the result of"),
        ({"task": lambda t: {**t, "fold": "1"}}, "is not the result that it should be"),
        ({"decides": lambda d: {**d, "data": "0"}}, "of another run, with other data"),
        ({"decides": lambda d: {**d, "fold": "0"}}, "of another run, with other fold"),
        ({"decides": lambda d: {**d, "model": {}}}, "with other model: class"),
        ({"decides": {}}, "of another run"),
        ({"decides": None}, "is not the result that it should be"),
    ],
)
def test_damaged_results_are_named(study, folder, changes, message):
    file = one_of(folder, "*ridge*.npz")
    rewrite(file, **changes)
    with pytest.raises(ResultsError, match=message) as caught:
        again(study, folder)
    assert file.name in str(caught.value)
    file.unlink()
    assert len(again(study, folder).scores) == 3 * 4 * 3


def test_copies_under_another_name_are_named(study, folder):
    mine, other = one_of(folder, "*ridge*-0001_*"), one_of(folder, "*ridge*-0002_*")
    shutil.copy(mine, other)
    with pytest.raises(ResultsError, match="it is the result of ridge, data, fold 1"):
        again(study, folder)
    shutil.copy(one_of(folder, "*alpha*-0002_*"), other)
    with pytest.raises(ResultsError, match="it is the result of alpha, data, fold 2"):
        again(study, folder)


def test_results_of_a_run_with_other_arguments_are_named(study, folder, tmp_path):
    """Files of a run of the same name, put into the folder by hand."""
    other = tmp_path / "other"
    evaluate({"ridge": LaggedBandPower(alphas=[1.0])}, study, n_splits=2, out=other)
    shutil.copytree(other / "folds", folder / "folds", dirs_exist_ok=True)
    with pytest.raises(ResultsError, match="another run, with other model: alphas"):
        again(study, folder)


def test_broken_files_give_typed_errors(study, folder):
    """Truncated, overwritten and empty files, with a fixed seed."""
    rng = np.random.default_rng(0)
    file = one_of(folder, "*ridge*.npz")
    whole = file.read_bytes()
    broken = [b"", b"broken", b"PK\x03\x04", pickle.dumps(np.zeros(3))]
    broken += [whole[: rng.integers(len(whole))] for _ in range(20)]
    for _ in range(60):
        changed = bytearray(whole)
        for place in rng.integers(len(whole), size=rng.integers(1, 20)):
            changed[place] = rng.integers(256)
        broken.append(bytes(changed))
    n_refused = 0
    for content in broken:
        file.write_bytes(content)
        try:
            again(study, folder, ridge=LaggedBandPower())
        except ResultsError as error:
            assert file.name in str(error)
            n_refused += 1
    assert n_refused > 75  # Some bytes of a zip file have no meaning.


def test_nothing_in_a_file_is_executed(study, folder, tmp_path):
    class Payload:
        def __reduce__(self):
            return Path.touch, (tmp_path / "executed",)

    file = one_of(folder, "*ridge*.npz")
    with np.load(file) as arrays:
        content = dict(arrays)
    content["predicted"] = np.array([Payload()], dtype=object)
    np.savez(file, **content)
    with pytest.raises(ResultsError, match="Object arrays cannot be loaded"):
        again(study, folder)
    file.write_bytes(pickle.dumps(Payload()))
    with pytest.raises(ResultsError, match="is not the result that it should be"):
        again(study, folder)
    assert not (tmp_path / "executed").exists()


def test_a_success_counts_where_the_note_of_a_failure_was_left(study, folder):
    note = one_of(folder, "*.npz").with_suffix(".json")
    note.write_text('{"error": "RuntimeError: before", "details": ""}')
    assert not len(again(study, folder).failures)
    assert not note.exists()


def test_a_damaged_note_of_a_failure_is_named(study, tmp_path):
    evaluate({"fails": Fails("01")}, study, n_splits=2, out=tmp_path)
    (file,) = (tmp_path / "folds").glob("*.json")
    for content in (
        "{",
        "{}",
        "[]",
        "[" * 10_000,
        file.read_text().replace("01", "02")[:-3],
    ):
        file.write_text(content)
        with pytest.raises(ResultsError, match=file.name):
            evaluate({"fails": Fails("01")}, study, n_splits=2, out=tmp_path)
