"""Contracts of every splitter, on simulated studies of many kinds."""

import math
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import (
    BaseCrossValidator,
    GridSearchCV,
    cross_val_score,
    cross_validate,
)
from skorch.helper import SliceDataset

from braindecode_bolt import create_bold_windows
from braindecode_bolt.splits import (
    GapKFold,
    GapSplit,
    GroupSplit,
    LeaveOneOut,
    PublishedSplit,
    TransferSplit,
    ValidationSplit,
)

from .simulated import SFREQ, studies, study


class AsSplitter:
    """ValidationSplit with the protocol of the others."""

    def __init__(self, gap_seconds):
        self.inner = ValidationSplit(gap_seconds=gap_seconds)

    def split(self, X):
        yield self.inner.split(X)

    def validation_rows(self, X, train):
        return None


#: Splitters by name, made for a gap in seconds and a number of folds.
SPLITTERS = {
    "GapSplit each": lambda gap, k: GapSplit(0.4, 0.3, gap),
    "GapSplit together": lambda gap, k: GapSplit(0.5, 0.3, gap, "together"),
    "GapSplit no validation": lambda gap, k: GapSplit(0.7, 0.3, gap, "together"),
    "GapKFold each": lambda gap, k: GapKFold(k, gap),
    "GapKFold together": lambda gap, k: GapKFold(k, gap, "together"),
    "GroupSplit subject": lambda gap, k: GroupSplit("subject", k),
    "GroupSplit shuffled": lambda gap, k: GroupSplit("subject", k, True, 3),
    "GroupSplit session": lambda gap, k: GroupSplit("session", k),
    "GroupSplit run": lambda gap, k: GroupSplit("run", k),
    "GroupSplit task": lambda gap, k: GroupSplit("task", 2),
    "GroupSplit site": lambda gap, k: GroupSplit("site", 2),
    "LeaveOneOut subject": lambda gap, k: LeaveOneOut(),
    "LeaveOneOut session": lambda gap, k: LeaveOneOut("session"),
    "LeaveOneOut run": lambda gap, k: LeaveOneOut("run"),
    "LeaveOneOut task": lambda gap, k: LeaveOneOut("task"),
    "LeaveOneOut site": lambda gap, k: LeaveOneOut("site"),
    "LeaveOneOut within": lambda gap, k: LeaveOneOut("task", new_subjects=False),
    "TransferSplit": lambda gap, k: TransferSplit("rest", "film", n_splits=k),
    "TransferSplit at once": lambda gap, k: TransferSplit("rest", "film", n_splits=1),
    "TransferSplit joint": lambda gap, k: TransferSplit(
        "rest", "film", joint=True, n_splits=k, random_state=1
    ),
    "TransferSplit within": lambda gap, k: TransferSplit(
        "rest", "film", n_splits=k, new_subjects=False
    ),
    "TransferSplit site": lambda gap, k: TransferSplit("A", "B", "site", n_splits=k),
    "PublishedSplit": lambda gap, k: PublishedSplit(ignore_unknown=True),
    "ValidationSplit": lambda gap, k: AsSplitter(gap),
}
GAPPED = {name for name in SPLITTERS if name.startswith(("Gap", "Validation"))}
#: Splitters that test each window exactly once.
COMPLETE = {n for n in SPLITTERS if n.startswith(("GapKFold", "GroupSplit", "LeaveOneOut"))}
NEW_SUBJECTS = {
    *(name for name in SPLITTERS if "subject" in name or "shuffled" in name),
    *("LeaveOneOut task", "LeaveOneOut site", "PublishedSplit"),
    *(n for n in SPLITTERS if n.startswith("TransferSplit") and "within" not in n),
}
#: If all subjects have both tasks, there is no other subject to train on.
IN_STUDY = {name for name in SPLITTERS} - {"LeaveOneOut task", "TransferSplit at once"}


def check_apart(X, first, second, gap):
    """No window of one part shares EEG with the other part, or is within the gap."""
    table = X.metadata
    for recording in set(table["recording"].iloc[first]) & set(
        table["recording"].iloc[second]
    ):
        one, other = (
            table.iloc[rows][table["recording"].iloc[rows] == recording]
            for rows in (first, second)
        )
        starts = one["start"].to_numpy()[:, None], other["start"].to_numpy()
        stops = one["stop"].to_numpy()[:, None], other["stop"].to_numpy()
        assert ((starts[0] >= stops[1]) | (starts[1] >= stops[0])).all()
        assert np.abs(stops[0] - stops[1]).min() / SFREQ > gap
        numbers = one["volume"].to_numpy()[:, None] - other["volume"].to_numpy()
        whole = table[table["recording"] == recording].sort_values("volume")
        steps = whole[["stop", "volume"]].diff().iloc[1:]
        tr = (steps["stop"] / steps["volume"]).median() / SFREQ
        assert np.abs(numbers).min() - 1 >= math.ceil(gap / tr - 0.02)


def check(name, X, gap, n_splits):
    splitter = SPLITTERS[name](gap, n_splits)
    tested = []
    subjects = X.metadata["subject"].to_numpy()
    for train, test in splitter.split(X):
        for rows in (train, test):
            assert rows.dtype.kind == "i" and len(rows) == len(np.unique(rows)) > 0
            assert rows.min() >= 0 and rows.max() < len(X)
        assert not np.intersect1d(train, test).size
        check_apart(X, train, test, gap if name in GAPPED else 0)
        if name in NEW_SUBJECTS:
            assert not set(subjects[train]) & set(subjects[test])
        valid = splitter.validation_rows(X, train)
        if valid is not None:
            fitted = np.delete(train, valid)
            assert 0 < len(valid) < len(train)
            check_apart(X, fitted, train[valid], gap if name in GAPPED else 0)
            check_apart(X, train[valid], test, gap if name in GAPPED else 0)
            if name in NEW_SUBJECTS:
                assert not set(subjects[fitted]) & set(subjects[train[valid]])
        tested.append(test)
    if name in COMPLETE:
        np.testing.assert_array_equal(np.sort(np.concatenate(tested)), range(len(X)))
    if isinstance(splitter, BaseCrossValidator):
        assert splitter.get_n_splits(X) == len(tested)
    again = [test for _, test in SPLITTERS[name](gap, n_splits).split(X)]
    assert all(map(np.array_equal, again, tested))


#: Errors that are right for some of the randomly drawn studies.
REFUSED = (
    "too few for|too short for this protocol|there are only|There is only one|nothing is "
    "left to train on|There are no windows of|scans of the published split was found"
)


@pytest.mark.parametrize("name", SPLITTERS)
@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(X=studies(), gap=st.sampled_from([0.0, 2.1, 20.0, 33.3]), n_splits=st.integers(2, 4))
def test_no_window_leaks_into_another_part(name, X, gap, n_splits):
    try:
        check(name, X, gap, n_splits)
    except ValueError as error:
        assert re.search(REFUSED, str(error)), error


@pytest.mark.parametrize("name", sorted(IN_STUDY))
def test_a_typical_study_is_split(name):
    X = study()
    check(name, X, 20.0, 2)
    shuffled = X[np.random.default_rng(0).permutation(len(X))]
    check(name, shuffled, 20.0, 2)


class Mean(RegressorMixin, BaseEstimator):
    """Predict the mean of what it was trained on."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        self.mean_ = y.mean(axis=0)
        return self

    def predict(self, X):
        return np.tile(self.mean_ + self.shift, (len(X), 1))


@pytest.mark.parametrize("name", sorted(IN_STUDY - {"ValidationSplit"}))
def test_splitters_work_in_scikit_learn(name):
    X, cv = study(40, seconds=4.0), SPLITTERS[name](4.0, 2)
    y = np.random.default_rng(0).standard_normal((len(X), 2))
    scores = cross_val_score(Mean(), X, y, cv=cv)
    assert len(scores) == cv.get_n_splits(X) and np.isfinite(scores).all()
    with config_context(enable_metadata_routing=True):
        routed = cross_validate(Mean(), X, y, cv=cv)
    np.testing.assert_array_equal(routed["test_score"], scores)


def test_a_grid_search_takes_them(windows):
    cv = GapSplit(0.6, 0.4, gap_seconds=4.0)
    search = GridSearchCV(Mean(), {"shift": [0.0, 9.0]}, cv=cv)
    search.fit(windows.X, windows.y)
    assert search.n_splits_ == 4 and search.best_params_ == {"shift": 0.0}


@pytest.mark.parametrize("name", ["GapSplit each", "GapKFold together", "LeaveOneOut run"])
def test_braindecode_data_sets_are_split_as_windows_are(make_recording, name):
    recordings = [
        replace(make_recording("01", "1", str(run), n_volumes=60, seed=run), task="rest")
        for run in (1, 2)
    ]
    windows = create_bold_windows(recordings, 4.0)
    X = SliceDataset(windows.to_braindecode())
    splits = SPLITTERS[name](8.0, 3)
    found, expected = list(splits.split(X)), list(splits.split(windows.X))
    assert len(found) == len(expected)
    for parts in zip(found, expected, strict=True):
        for rows, others in zip(*parts, strict=True):
            np.testing.assert_array_equal(rows, others)
    assert cross_val_score(Mean(), X, windows.y, cv=splits).shape == (len(found),)
    for train, _ in found:
        part = splits.validation_rows(X, train)
        np.testing.assert_array_equal(part, splits.validation_rows(windows.X, train))


def test_shuffled_windows_of_braindecode_belong_to_one_recording(make_recording):
    """to_braindecode then makes a data set of each run of consecutive windows."""
    windows = create_bold_windows([make_recording(n_volumes=60)] * 2, 4.0)
    order = np.random.default_rng(0).permutation(len(windows))
    mixed = replace(windows, X=windows.X[order], y=windows.y[order])
    dataset = mixed.to_braindecode()
    assert len(dataset.datasets) > 40
    cv = GapSplit(0.7, 0.3)
    found = list(cv.split(SliceDataset(dataset)))
    assert len(found) == 2
    for (train, test), (same, tested) in zip(found, cv.split(mixed.X), strict=True):
        np.testing.assert_array_equal(train, same)
        np.testing.assert_array_equal(test, tested)


def test_repr_and_pickle_keep_the_arguments():
    cv = GapSplit(gap_seconds=8.0)
    assert repr(cv) == (
        "GapSplit(gap_seconds=8.0, gap_windows=10, recordings='each', test_size=0.1,\n"
        "     train_size=0.8)"
    )
    for make in SPLITTERS.values():
        splitter = make(20.0, 3)
        assert type(splitter).__name__ in repr(splitter)
        copied = pickle.loads(pickle.dumps(splitter))
        assert repr(vars(copied)) == repr(vars(splitter))
    assert "fraction=0.3" in repr(ValidationSplit(0.3))


def test_arrays_need_groups(windows):
    array = np.asarray(windows.X)
    for name in IN_STUDY - {"ValidationSplit"}:
        with pytest.raises(ValueError, match="windows of create_bold_windows"):
            next(SPLITTERS[name](4.0, 2).split(array))
    with pytest.raises(ValueError, match="3 groups were given for 176"):
        next(LeaveOneOut().split(array, groups=[1, 2, 3]))
    with pytest.raises(ValueError, match="depends on the windows: pass X"):
        LeaveOneOut().get_n_splits()
    found = list(LeaveOneOut().split(array, groups=windows.groups))
    for parts, others in zip(found, LeaveOneOut().split(windows.X), strict=True):
        np.testing.assert_array_equal(parts[1], others[1])


def test_groups_that_differ_from_the_windows_are_ignored_with_a_warning(windows):
    subjects = list(LeaveOneOut().split(windows.X, groups=windows.groups))
    with pytest.warns(UserWarning, match="groups are ignored"):
        others = list(LeaveOneOut().split(windows.X, groups=np.arange(176) % 3))
    assert len(subjects) == len(others) == 4
