import numpy as np
import pytest

from braindecode_bolt.splits import GapKFold, GapSplit, GroupSplit, TransferSplit

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


def test_shares_are_not_off_by_binary_rounding():
    for n in range(110, 600, 10):
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


def test_time_of_excluded_volumes_counts_for_the_gap():
    volumes = np.delete(np.arange(100), np.arange(48, 58))
    X = lazy_windows([recording_table(volumes, seconds=4.0)])
    ((train, test),) = GapSplit(48 / 90, 42 / 90, gap_seconds=20.0).split(X)
    # The hole is the gap: 10 volumes lie between 47 and 58 already.
    assert X.metadata["volume"].iloc[train].max() == 47
    assert X.metadata["volume"].iloc[test].min() == 58


def test_excluded_volumes_do_not_lengthen_the_repetition_time():
    X = lazy_windows([recording_table(np.arange(0, 200, 2), tr=2.0, seconds=4.0)])
    ((train, test),) = GapSplit(0.5, 0.5, gap_seconds=6.0).split(X)
    # 99, 100 and 101 lie between, of which one was there.
    assert X.metadata["volume"].iloc[train].max() == 98
    assert X.metadata["volume"].iloc[test].min() == 102


def test_blocks_are_tested_in_turn():
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


def test_short_recordings_and_wrong_arguments_are_refused():
    X = one_recording(60)
    with pytest.raises(
        ValueError, match="sub-01_ses-01_task-rest_run-1 is too short .* its 60 windows"
    ):
        next(GapSplit().split(X))
    with pytest.raises(
        ValueError, match=r"fewer than 3 for validation \(0\) and test \(0\)"
    ):
        next(GapSplit().split(X))
    with pytest.raises(
        ValueError, match="leaves fewer than 3 of 60 windows to train on, with n_splits=2"
    ):
        list(GapKFold(2, gap_seconds=80.0).split(X))
    with pytest.raises(ValueError, match="its 60 windows make 21 blocks"):
        next(GapKFold(21).split(X))
    for sizes, complaint in (
        ((0.8, 0.3), "add up to 1 at most, got 0.8 and 0.3"),
        ((1.0, 0.1), "train_size == 1.0, must be < 1"),
        ((0.5, 0.0), "test_size == 0.0, must be > 0"),
    ):
        with pytest.raises(ValueError, match=complaint):
            next(GapSplit(*sizes).split(X))
    for cv in (GapSplit(recordings="all"), GapKFold(recordings="all")):
        with pytest.raises(ValueError, match="must be 'each' or 'together', got 'all'"):
            next(cv.split(X))
    with pytest.raises(ValueError, match="gap_seconds == -1, must be >= 0"):
        next(GapSplit(gap_seconds=-1).split(X))
    with pytest.raises(ValueError, match="n_splits == 1, must be >= 2"):
        next(GapKFold(1).split(X))
    with pytest.raises(ValueError, match="pass X"):
        GapSplit().get_n_splits()


@pytest.mark.parametrize("n_test", [1, 2])
def test_a_test_part_of_a_few_volumes_is_too_short(n_test):
    """One volume is constant, and two always correlate perfectly."""
    X = one_recording(100, seconds=4.0)
    sizes = (0.9 - n_test / 100, 0.1 + n_test / 100)
    complaint = rf"too short for this protocol.*fewer than 3 for test \({n_test}\)"
    with pytest.raises(ValueError, match=complaint):
        next(GapSplit(*sizes, gap_seconds=20.0).split(X))
    with pytest.raises(
        ValueError, match="too short for this protocol: its 5 windows make 5"
    ):
        next(GapKFold(gap_seconds=0).split(one_recording(5)))


@pytest.mark.parametrize(
    ("cv", "name"),
    [
        (GapSplit(gap_seconds="20"), "gap_seconds"),
        (GapSplit(train_size="0.8"), "train_size"),
        (GapSplit(gap_windows=None), "gap_windows"),
        (GapKFold("5"), "n_splits"),
        (GapKFold(2.5), "n_splits"),
        (GapKFold(True), "n_splits"),
        (GroupSplit(n_splits="5"), "n_splits"),
        (TransferSplit("a", "b", n_splits="5"), "n_splits"),
    ],
)
def test_text_for_a_number_names_the_argument(cv, name):
    with pytest.raises(TypeError, match=f"{name} must be"):
        next(cv.split(one_recording(100)))


def test_nan_for_a_number_is_refused():
    with pytest.raises(ValueError, match="gap_seconds must be a finite number, got nan"):
        next(GapSplit(gap_seconds=float("nan")).split(one_recording(100)))
