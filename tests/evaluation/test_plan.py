"""Which windows are trained and tested on, and what is refused before any fit."""

import logging

import pytest
from sklearn.model_selection import GroupKFold

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import (
    PROTOCOLS,
    ProtocolError,
    Study,
    evaluate,
    make_protocol,
)
from braindecode_bolt.splits import GapKFold, GapSplit, GroupSplit, TransferSplit

from .models import Remember

ONE = {"model": Remember()}
TRANSFER = ("zero-shot", "joint", "fine-tuned")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_has_a_splitter_and_a_summary(name):
    splitter = make_protocol(name, 4, *(("rest", "film") if name in TRANSFER else ()))
    assert hasattr(splitter, "split") and hasattr(splitter, "validation_rows")
    assert len(PROTOCOLS[name].summary) > 10
    if PROTOCOLS[name].has_folds:
        assert splitter.n_splits == 4


def test_names_and_splitters():
    assert make_protocol("subjects", 3).by == "subject"
    assert isinstance(make_protocol("within"), GapSplit)
    assert make_protocol("joint", 3, "rest", "film").joint
    assert isinstance(make_protocol("zero-shot", 3, "rest", "film"), TransferSplit)
    given = GroupSplit("run")
    assert make_protocol(given) is given


def of_one_subject(n_runs, duration=160.0):
    simulated = SimulatedEEGfMRI(
        1, duration=duration, ch_names=["Fz", "Oz"], rois=["A", "B"], n_runs=n_runs
    )
    return Study.of(simulated.load(), window_seconds=4.0)


@pytest.mark.parametrize(
    ("n_runs", "protocol", "works"),
    [
        (1, "subjects", "protocol='within-folds', n_splits=2"),
        (1, "leave-one-subject-out", "protocol='within-folds', n_splits=2"),
        (
            2,
            "subjects",
            "protocol='runs', n_splits=2 or protocol='within-folds', n_splits=2",
        ),
        (5, "subjects", "protocol='runs' or protocol='within-folds', n_splits=2"),
    ],
)
def test_one_subject_is_told_which_protocol_works(n_runs, protocol, works):
    study = of_one_subject(n_runs)
    with pytest.raises(ProtocolError) as caught:
        evaluate(ONE, study, protocol)
    cause = "There is only one subject."
    assert str(caught.value) == f"{cause} These recordings allow {works} instead."
    assert len(evaluate(ONE, study, "within-folds", n_splits=2).scores)


def test_too_many_folds_are_told_to_be_fewer():
    recordings = SimulatedEEGfMRI(2, duration=150.0, ch_names=["Fz", "Oz"]).load()
    with pytest.raises(
        ProtocolError, match=r"only 2 subjects \(01, 02\)\. Lower n_splits\.$"
    ):
        evaluate(ONE, recordings, n_splits=3)


def test_a_part_of_one_volume_says_that_the_recording_is_too_short():
    study = of_one_subject(1, duration=260.0)
    with pytest.raises(ProtocolError, match="protocol='within-folds'") as caught:
        evaluate(ONE, study, "within")
    message = str(caught.value)
    assert "sub-01_task-simulated is too short for this protocol" in message
    assert "constant" not in message


def test_each_fold_is_prepared_once(long_study, monkeypatch):
    calls = []
    parted = Study.parted

    def count(self, parts):
        calls.append(parts)
        return parted(self, parts)

    monkeypatch.setattr(Study, "parted", count)
    splitter = GapKFold(2, recordings="together")
    models = {"a": Remember(), "b": Remember()}
    options = {"controls": ["constant_eeg"], "regions": "separately"}
    evaluate(models, long_study, splitter, **options)
    assert len(calls) == 2


def test_what_cannot_be_prepared_is_known_before_any_fit(study):
    Remember.seen = []
    with pytest.raises(ValueError, match="too short for this protocol.* 19"):
        evaluate(ONE, study, GapSplit(0.7, 0.3, 4.0, "together"))
    one = Study.of(of_one_subject(1).windows)
    with pytest.raises(ValueError, match="of one subject"):
        evaluate(ONE, one, GapKFold(2, gap_seconds=4), controls=["wrong_subject"])
    assert not Remember.seen


def test_splitters_of_scikit_learn_are_given_the_subjects(study, caplog):
    Remember.seen = []
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        evaluate(ONE, study, GroupKFold(4))
    tested = [set(m["subject"]) for kind, m, _ in Remember.seen if kind == "predict"]
    assert sorted(map(tuple, tested)) == [("01",), ("02",), ("03",), ("04",)]
    assert not caplog.text
