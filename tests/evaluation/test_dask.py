"""Evaluation on a dask cluster of two processes on this machine."""

import os
import signal
import threading
import time

import joblib
import pandas as pd
import pytest

from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import LaggedBandPower

from .models import Dies, Slow

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def client(cluster):
    with distributed.Client(cluster) as client:
        yield client


# dask about its own pieces, when a worker is lost.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def drop_times(scores):
    return scores.drop(columns=["time", "predict_time"])


def test_the_same_call_runs_on_a_cluster(client, study, tmp_path):
    models = {"ridge": LaggedBandPower()}
    here = evaluate(models, study, n_splits=4)
    with joblib.parallel_config("dask"):
        there = evaluate(models, study, n_splits=4, out=tmp_path)
    pd.testing.assert_frame_equal(
        drop_times(here.scores), drop_times(there.scores), rtol=1e-3
    )
    # The EEG went by files, which are gone.
    assert not list(tmp_path.glob(".eeg-*"))


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_the_loss_of_a_worker_costs_time_only(client, study, tmp_path):
    undisturbed = evaluate({"slow": Slow(str(tmp_path), 0.0)}, study, n_splits=4)
    notes = tmp_path / "notes"
    notes.mkdir()
    lost = next(iter(client.run(os.getpid).values()))

    def kill_when_begun():
        while not list(notes.iterdir()):
            time.sleep(0.01)
        os.kill(lost, signal.SIGKILL)

    killer = threading.Thread(target=kill_when_begun)
    killer.start()
    with joblib.parallel_config("dask"):
        found = evaluate({"slow": Slow(str(notes), 0.5)}, study, n_splits=4, seeds=[0, 1])
    killer.join()
    assert len(found.failures) == 0
    first = found.scores[found.scores["seed"] == 0]
    pd.testing.assert_frame_equal(
        drop_times(undisturbed.scores), drop_times(first).reset_index(drop=True), rtol=1e-3
    )
    assert lost not in set(client.run(os.getpid).values())


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_fit_that_always_kills_its_worker_is_a_failure(
    cluster, client, study, tmp_path, monkeypatch
):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    models = {"dies": Dies(str(tmp_path)), "ridge": LaggedBandPower()}
    with joblib.parallel_config("dask"):
        found = evaluate(models, study, n_splits=2)
    failed = found.failures
    assert ("dies", 2) in set(zip(failed["model"], failed["fold"], strict=True))
    # One that waited on the same worker may be taken for the one that killed it.
    assert len(failed) <= 2 and failed["error"].str.contains("memory was full").all()
    assert len(found.scores) >= 2 * 2 * 3
