"""Fits in parallel, what ends them, and what they are given."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from skorch.callbacks import Callback, EarlyStopping

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import Study, evaluate
from braindecode_bolt.linear import LaggedBandPower
from braindecode_bolt.splits import GapSplit, ValidationSplit

from .models import Dies, Slow, tiny

posix = pytest.mark.skipif(os.name == "nt", reason="signals")


def without_times(scores):
    return scores.drop(columns=["time", "predict_time"])


@posix
def test_processes_give_the_same_tables_and_may_be_killed(study, tmp_path):
    """A fit that kills its process is a failure; those beside it are done again."""
    dies = Dies(str(tmp_path))
    models = {"dies": dies, "ridge": LaggedBandPower(), "net": tiny(max_epochs=1)}
    options = {"n_splits": 2}
    found = evaluate(models, study, **options, n_jobs=2)
    assert os.getpid() not in {int(path.name.split("_")[1]) for path in tmp_path.iterdir()}
    assert found.failures[["model", "fold"]].to_numpy().tolist() == [["dies", 2]]
    assert found.failures["error"].str.contains("memory was full").all()
    assert found.failures["details"].str.contains("SIGKILL").all()
    assert set(found.scores.loc[found.scores["model"] == "dies", "fold"]) == {1}
    del models["dies"]
    alone = evaluate(models, study, **options)
    for name in ("scores", "predictions", "curves"):
        first, second = (getattr(result, name) for result in (alone, found))
        second = second[second["model"] != "dies"].reset_index(drop=True)
        times = [column for column in first if column.endswith("time")]
        pd.testing.assert_frame_equal(
            first.drop(columns=times), second.drop(columns=times), rtol=1e-3, atol=5e-3
        )
    assert len(alone.curves) == 2


def test_other_backends_of_joblib_do(study, tmp_path):
    with joblib.parallel_config("threading", n_jobs=2):
        found = evaluate({"slow": Slow(str(tmp_path), 0.0)}, study, n_splits=2)
    assert len(found.scores) == 4 * 3


_CHILD = """
import sys
from braindecode_bolt.evaluation import evaluate
from tests.evaluation.models import Slow
from tests.evaluation.test_run import six_subjects
model = Slow(sys.argv[1], 0.4)
evaluate({"slow": model}, six_subjects(), n_splits=6, out=sys.argv[2], n_jobs=2)
"""


def six_subjects():
    simulated = SimulatedEEGfMRI(6, duration=60.0, ch_names=["Fz", "Oz"], rois=["A", "B"])
    return Study.of(simulated.load(), window_seconds=4.0)


def gone(pid):
    try:
        # A zombie has ended, though its parent has not waited for it.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux")
def test_stopped_by_signals_it_resumes_and_gives_the_same_table(tmp_path):
    """SIGTERM, which ends workers, then SIGKILL, after which they end themselves."""
    notes, out, temporary = (tmp_path / name for name in ("notes", "out", "temporary"))
    notes.mkdir()
    temporary.mkdir()
    root = Path(__file__).parents[2]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(root),
        "TMPDIR": str(temporary),
    }
    for wanted, number in ((1, signal.SIGTERM), (3, signal.SIGKILL)):
        command = [sys.executable, "-c", _CHILD, str(notes), str(out)]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as child:
            deadline = time.time() + 120
            while len(list((out / "folds").glob("*.npz"))) < wanted:
                assert child.poll() is None and time.time() < deadline
                time.sleep(0.01)
            child.send_signal(number)
            # Ends when no process holds its output open any more.
            _, error = child.communicate(timeout=60)
        stopped = {signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGKILL: -signal.SIGKILL}
        assert child.returncode == stopped[number]
        workers = {int(path.name.split("_")[1]) for path in notes.iterdir()}
        assert workers and all(map(gone, workers))
        if number == signal.SIGTERM:
            assert b"Traceback" not in error
        assert not list(temporary.glob(".eeg-*"))
    finished = len(list((out / "folds").glob("*.npz")))
    assert 3 <= finished < 6
    begun = len(list(notes.iterdir()))
    found = evaluate({"slow": Slow(str(notes), 0.4)}, six_subjects(), n_splits=6, out=out)
    # Only what was missing was done, and nothing is left lying about.
    assert len(list(notes.iterdir())) - begun == 6 - finished
    assert {path.name for path in out.rglob(".*")} == {".lock"}
    undisturbed = evaluate({"slow": Slow(str(notes), 0.0)}, six_subjects(), n_splits=6)
    pd.testing.assert_frame_equal(
        without_times(found.scores), without_times(undisturbed.scores)
    )
    pd.testing.assert_frame_equal(found.predictions, undisturbed.predictions)


class Sizes(Callback):
    """Note how many windows are trained and validated on."""

    seen = []

    def on_epoch_begin(self, net, dataset_train, dataset_valid, **kwargs):
        Sizes.seen.append((len(dataset_train), len(dataset_valid)))


@pytest.mark.parametrize("own", [False, True])
def test_the_fit_validates_where_the_protocol_says(long_study, own, caplog):
    """Unless the model has its own train_split, which gives a warning."""
    Sizes.seen = []
    options = {"train_split": ValidationSplit(fraction=0.5)} if own else {}
    model = tiny(callbacks=[Sizes()], max_epochs=1, **options)
    found = evaluate({"net": model}, long_study, "within", on_error="raise")
    X, splitter = long_study.windows.X, GapSplit()
    expected = []
    for train, _ in splitter.split(X):
        valid = splitter.validation_rows(X, train)
        if own:
            parts = options["train_split"].split(X[train])
            expected.append(tuple(map(len, parts)))
        else:
            expected.append((len(train) - len(valid), len(valid)))
        assert len(train) in set(found.scores["n_train"])
    assert Sizes.seen == expected
    said = "train_split=ValidationSplit(fraction=0.5"
    assert (said in caplog.text) == own == len(found.messages)


@pytest.mark.parametrize("bad", [np.inf, 1e39, 1j])
def test_predictions_that_are_no_float32_are_a_failure(study, bad):
    class Diverges(LaggedBandPower):
        def predict(self, X):
            return super().predict(X) * bad

    models = {"diverges": Diverges(), "ridge": LaggedBandPower()}
    found = evaluate(models, study, n_splits=2)
    wanted = "expected real numbers" if bad == 1j else "predictions are not finite"
    errors = found.failures["error"]
    assert len(errors) == 2 and errors.str.contains(wanted).all()
    assert set(found.scores["pipeline"]) == {"ridge"}


def test_early_stopping_ends_a_fit_and_not_the_evaluation(study):
    stop = EarlyStopping(patience=1, threshold=0.99)
    models = {
        "net": tiny(callbacks=[("stop", stop)], max_epochs=6),
        "ridge": LaggedBandPower(),
    }
    found = evaluate(models, study, n_splits=2, on_error="raise")
    assert len(found.scores) == 2 * 4 * 3 and not len(found.failures)
    assert found.curves.groupby("fold")["epoch"].max().max() < 6
