import logging

import numpy as np
import pytest

from braindecode_bolt.splits import GroupSplit, LeaveOneOut, TransferSplit, group_labels

from .simulated import lazy_windows, recording_table, study


def conditions(*keys, n_windows=10):
    """Recordings of subject, task and site."""
    tables = [
        recording_table(np.arange(n_windows), subject=subject, task=task, site=site)
        for subject, task, site in keys
    ]
    return lazy_windows(tables)


def sides(cv, X, column):
    """Give what is trained on and tested in each fold."""
    values = X.metadata[column].to_numpy()
    return [(set(values[train]), set(values[test])) for train, test in cv.split(X)]


def test_groups_are_read_from_the_windows():
    X = study()
    for by, expected in (
        ("subject", 6),
        ("session", 16),
        ("run", 16),
        ("task", 2),
        ("site", 2),
    ):
        assert len(np.unique(group_labels(X, by))) == expected
        assert LeaveOneOut(by, new_subjects=False).get_n_splits(X) == expected
    assert GroupSplit(n_splits=3).get_n_splits() == 3
    assert sides(GroupSplit("site", 2), X, "site") == [({"A"}, {"B"}), ({"B"}, {"A"})]


def test_runs_of_different_tasks_are_different_runs():
    X = conditions(("01", "rest", None), ("01", "film", None))
    assert len(np.unique(group_labels(X, "run"))) == 2


def test_folds_are_those_of_the_seed():
    X = study()
    folds = [
        [tested for _, tested in sides(GroupSplit("subject", 3, True, seed), X, "subject")]
        for seed in (0, 0, 1)
    ]
    assert folds[0] == folds[1] != folds[2]


def test_tested_subjects_are_not_trained_on_in_other_tasks(caplog):
    X = conditions(
        ("01", "rest", "A"), ("01", "film", "A"), ("02", "rest", "A"), ("03", "film", "B")
    )
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        found = sides(LeaveOneOut("task"), X, "subject")
    assert found == [({"02"}, {"01", "03"}), ({"03"}, {"01", "02"})]
    assert (
        "task film is left out, the tested subjects are left out of training: 01 (10"
        in caplog.text
    )
    same = sides(LeaveOneOut("task", new_subjects=False), X, "subject")
    assert same == [({"01", "02"}, {"01", "03"}), ({"01", "03"}, {"01", "02"})]
    assert sides(LeaveOneOut("site"), X, "site") == [({"B"}, {"A"}), ({"A"}, {"B"})]


def test_no_other_subject_to_train_on_is_an_error():
    X = conditions(*((s, t, None) for s in ("01", "02") for t in ("rest", "film")))
    with pytest.raises(
        ValueError, match="task film .* left to train on.*01, 02.*new_subje"
    ):
        next(LeaveOneOut("task").split(X))
    assert len(list(LeaveOneOut("task", new_subjects=False).split(X))) == 2


def test_unknown_or_single_groups_are_refused():
    X = conditions(("01", "rest", None), ("02", "rest", None))
    with pytest.raises(
        ValueError, match="by must be one of subject, session, run, task, s"
    ):
        next(GroupSplit("person").split(X))
    with pytest.raises(
        ValueError, match=r"Recordings whose site is unknown: 2.*Recording\(s"
    ):
        next(LeaveOneOut("site").split(X))
    with pytest.raises(ValueError, match="only one task. Group by subject or session or r"):
        next(LeaveOneOut("task").split(X))
    with pytest.raises(
        ValueError, match="n_splits=5, but there are only 2 subjects .01, 02"
    ):
        next(GroupSplit().split(X))
    with pytest.raises(ValueError, match="groups has one label only"):
        next(GroupSplit().split(np.zeros((4, 1, 10)), groups=[1] * 4))
    with pytest.raises(ValueError, match="give the task but not the subject"):
        next(LeaveOneOut("task").split(np.zeros((4, 1, 10)), groups=[1, 1, 2, 2]))
    with pytest.raises(ValueError, match="by must be one of"):
        next(GroupSplit("person").split(np.zeros((4, 1, 10)), groups=[1, 1, 2, 2]))


def test_the_windows_of_a_recording_need_one_label():
    X = conditions(("01", "rest", None), ("02", "film", None))
    X.metadata.loc[5:9, "task"] = "film"
    with pytest.raises(
        ValueError, match="sub-01.*several groups .film, rest., and its win"
    ):
        next(LeaveOneOut("task").split(X))


def test_windows_without_task_and_site():
    X = conditions(("01", "rest", "A"), ("02", "film", "B"))
    old = X.metadata.drop(columns=["task", "site"])
    X = type(X)(X.signals, old, X.info)
    assert sides(LeaveOneOut(), X, "subject") == [({"02"}, {"01"}), ({"01"}, {"02"})]
    for by in ("task", "site"):
        with pytest.raises(ValueError, match=f"whose {by} is unknown: 2"):
            next(LeaveOneOut(by).split(X))
    with pytest.raises(ValueError, match="whose task is unknown: 2"):
        next(TransferSplit("rest", "film").split(X))


# From one condition to another


@pytest.mark.parametrize("joint", [False, True])
def test_transfer_tests_new_subjects_in_the_other_task(joint):
    X = conditions(
        *((s, t, None) for s in ("01", "02", "03") for t in ("rest", "film")),
        ("04", "rest", None),
        ("05", "film", None),
        ("06", "memory", None),
    )
    table, tested = X.metadata, []
    for train, test in TransferSplit("rest", "film", joint=joint, n_splits=4).split(X):
        subjects = set(table["subject"].iloc[test])
        assert set(table["task"].iloc[test]) == {"film"}
        keys = set(map(tuple, table[["subject", "task"]].to_numpy()[train]))
        expected = {(s, "rest") for s in ("01", "02", "03", "04")}
        expected |= {(s, "film") for s in ("01", "02", "03", "05") if joint}
        assert keys == {(s, task) for s, task in expected if s not in subjects}
        tested += subjects
    assert sorted(tested) == ["01", "02", "03", "05"]


def test_transfer_within_subjects_and_in_one_fold():
    X = conditions(*((s, t, None) for s in ("01", "02") for t in ("rest", "film")))
    for train, test in TransferSplit("rest", "film", n_splits=2).split(X):
        assert len(train) == len(test) == 10
    same = TransferSplit("rest", "film", n_splits=2, new_subjects=False)
    for train, test in same.split(X):
        assert (len(train), len(test)) == (20, 10)
    with pytest.raises(ValueError, match="nothing is left to train on"):
        next(TransferSplit("rest", "film", n_splits=1).split(X))
    others = conditions(("01", "rest", "A"), ("02", "film", "B"), ("03", "film", "B"))
    cv = TransferSplit("A", "B", by="site", n_splits=1)
    ((train, test),) = cv.split(others)
    assert train.tolist() == list(range(10)) and test.tolist() == list(range(10, 30))


def test_several_conditions_may_be_a_source():
    X = conditions(("01", "rest", None), ("02", "memory", None), ("03", "film", None))
    cv = TransferSplit(["rest", "memory"], "film", n_splits=1)
    assert sides(cv, X, "task") == [({"rest", "memory"}, {"film"})]


def test_impossible_transfers_are_refused():
    X = conditions(*((s, t, None) for s in ("01", "02") for t in ("rest", "film")))
    for cv, complaint in (
        (TransferSplit("rest", "movie"), "target task movie; the tasks .* are film, rest"),
        (TransferSplit("sleep", "film"), "no windows of source task sleep"),
        (TransferSplit("rest", ["rest", "film"]), "task rest is both source and target"),
        (TransferSplit("rest", "film"), "only 2 subjects with task film"),
        (TransferSplit("rest", "film", n_splits=0), "n_splits == 0, must be >= 1"),
        (
            TransferSplit("rest", "film", joint=True, n_splits=1),
            "2 or more with joint=True",
        ),
        (TransferSplit("01", "02", by="subject"), "by must be one of task, site"),
        (TransferSplit("A", "B", by="site"), "whose site is unknown"),
    ):
        with pytest.raises(ValueError, match=complaint):
            next(cv.split(X))
    with pytest.raises(ValueError, match="do not give both subject and task"):
        next(TransferSplit("a", "b").split(np.zeros((2, 1, 9)), groups=["a", "b"]))
