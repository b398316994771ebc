import numpy as np
import pytest

from braindecode_bolt.splits import GapKFold, GapSplit

from .simulated import lazy_windows, one_recording, recording_table


def parts(cv, X, groups=None):
    """Give the rows of training, validation and test of the only split."""
    ((train, test),) = cv.split(X, groups=groups)
    valid = cv.validation_rows(X, train, groups)
    return np.delete(train, valid), train[valid], test


def test_the_published_numbers():
    """453, 46 and 48 windows of a scan, 10 volumes left out at each gap."""
    train, valid, test = parts(GapSplit(), one_recording(567))
    assert train.tolist() == list(range(453))
    assert valid.tolist() == list(range(463, 509))
    assert test.tolist() == list(range(519, 567))


def test_each_recording_is_split_or_all_together():
    tables = [recording_table(np.arange(567), subject=subject) for subject in "abc"]
    X = lazy_windows(tables)
    assert GapSplit().get_n_splits(X) == 3
    for number, (train, test) in enumerate(GapSplit().split(X)):
        assert set(X.metadata["recording"].iloc[train]) == {number}
        assert set(X.metadata["recording"].iloc[test]) == {number}
    together = GapSplit(recordings="together")
    assert together.get_n_splits() == 1
    assert [len(part) for part in parts(together, X)] == [3 * 453, 3 * 46, 3 * 48]


def test_without_a_validation_part():
    cv = GapSplit(train_size=0.9, test_size=0.1)
    X = one_recording(567)
    ((train, test),) = cv.split(X)
    assert train.tolist() == list(range(510)) and test.tolist() == list(range(520, 567))
    assert cv.validation_rows(X, train) is None


def test_shares_are_those_of_decimal_numbers():
    for n in range(100, 600, 10):
        sizes = [len(part) for part in parts(GapSplit(0.7, 0.2, 0.0), one_recording(n))]
        # 8 volumes of a window of 16 s are left out at each gap.
        assert sizes == [n * 7 // 10, n // 10 - 8, n * 2 // 10 - 8]


@pytest.mark.parametrize(
    ("gap", "tr", "seconds", "expected"),
    [
        (20.0, 2.1, 16.0, 10),
        (21.0, 2.1, 16.0, 10),
        (21.1, 2.1, 16.0, 11),
        (0.0, 2.1, 16.0, 8),
        (10.0, 2.0, 4.0, 5),
        (0.0, 2.0, 1.0, 1),
        (6.3, 0.7, 1.0, 9),
    ],
)
def test_a_gap_is_rounded_up_and_never_shorter_than_the_window(gap, tr, seconds, expected):
    X = one_recording(200, tr=tr, seconds=seconds)
    ((train, test),) = GapSplit(0.5, 0.5, gap).split(X)
    assert test[0] - train[-1] - 1 == expected
    (train, test), *_ = GapKFold(4, gap).split(X)
    assert train[0] - test[-1] - 1 == expected


def test_volumes_that_were_left_out_count_as_time():
    volumes = np.delete(np.arange(100), np.arange(48, 58))
    X = lazy_windows([recording_table(volumes, seconds=4.0)])
    ((train, test),) = GapSplit(48 / 90, 42 / 90, gap_seconds=20.0).split(X)
    # The hole is the gap: 10 volumes lie between 47 and 58 already.
    assert X.metadata["volume"].iloc[train].max() == 47
    assert X.metadata["volume"].iloc[test].min() == 58


def test_every_second_volume_is_no_longer_repetition_time():
    X = lazy_windows([recording_table(np.arange(0, 200, 2), tr=2.0, seconds=4.0)])
    ((train, test),) = GapSplit(0.5, 0.5, gap_seconds=6.0).split(X)
    # 99, 100 and 101 lie between, of which one was there.
    assert X.metadata["volume"].iloc[train].max() == 98
    assert X.metadata["volume"].iloc[test].min() == 102


def test_stretches_are_tested_in_turn():
    X = one_recording(100, seconds=4.0)
    cv = GapKFold(4, gap_seconds=8.4)
    assert cv.get_n_splits(X) == 4
    for number, (train, test) in enumerate(cv.split(X)):
        assert test.tolist() == list(range(25 * number, 25 * number + 25))
        near = range(test[0] - 4, test[-1] + 5)
        assert train.tolist() == [row for row in range(100) if row not in near]
        assert cv.validation_rows(X, train) is None


def test_arrays_are_split_by_groups_with_a_gap_in_windows():
    X, groups = np.zeros((200, 1, 10)), np.tile(["b", "a"], 100)
    found = list(GapSplit(0.7, 0.3).split(X, groups=groups))
    assert len(found) == GapSplit().get_n_splits(X, groups=groups) == 2
    train, test = found[0]
    assert train.tolist() == list(range(1, 140, 2))
    assert test.tolist() == list(range(161, 200, 2))
    cv = GapSplit(0.5, 0.2, gap_windows=3, recordings="together")
    assert [len(part) for part in parts(cv, X, groups)] == [100, 54, 34]


def test_what_cannot_be_split():
    X = one_recording(60)
    with pytest.raises(
        ValueError, match="sub-01_ses-01_task-rest_run-1 has 60 windows: too"
    ):
        next(GapSplit().split(X))
    with pytest.raises(ValueError, match="leave no window for validation and test"):
        next(GapSplit().split(X))
    with pytest.raises(ValueError, match="60 windows are too few for n_splits=2"):
        list(GapKFold(2, gap_seconds=80.0).split(X))
    with pytest.raises(ValueError, match="has 60 windows, too few for n_splits=61"):
        next(GapKFold(61).split(X))
    for sizes in ((0.8, 0.3), (1.0, 0.1), (0.5, 0.0)):
        with pytest.raises(ValueError, match="between 0 and 1 and add up to 1 at most"):
            next(GapSplit(*sizes).split(X))
    for cv in (GapSplit(recordings="all"), GapKFold(recordings="all")):
        with pytest.raises(ValueError, match="must be 'each' or 'together', got 'all'"):
            next(cv.split(X))
    with pytest.raises(ValueError, match="gap_seconds must not be negative, got -1"):
        next(GapSplit(gap_seconds=-1).split(X))
    with pytest.raises(ValueError, match="n_splits must be 2 or more"):
        next(GapKFold(1).split(X))
    with pytest.raises(ValueError, match="pass X"):
        GapSplit().get_n_splits()
