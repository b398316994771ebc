import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skorch.helper import SliceDataset
from torch.utils.data import Subset

from braindecode_bolt import ValidationSplit, create_bold_windows
from braindecode_bolt.splits import window_groups


def _parts(metadata, train, valid, column):
    return set(metadata[column].iloc[train]), set(metadata[column].iloc[valid])


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_several_subjects_are_divided_by_subject(windows, seed):
    random_state = None if seed is None else np.random.RandomState(seed)
    train, valid = ValidationSplit().split(windows.X, random_state=random_state)
    trained, validated = _parts(windows.metadata, train, valid, "subject")
    assert len(trained) == 3 and len(validated) == 1 and not trained & validated
    assert len(train) + len(valid) == len(windows)


def test_runs_of_one_subject_are_divided_by_run(make_recording):
    recordings = [make_recording("01", run=str(run), seed=run) for run in range(5)]
    windows = create_bold_windows(recordings, 4.0)
    train, valid = ValidationSplit().split(windows.X)
    trained, validated = _parts(windows.metadata, train, valid, "run")
    assert len(trained) == 4 and len(validated) == 1 and not trained & validated


@settings(deadline=None, max_examples=30)
@given(
    gap=st.floats(0, 60),
    fraction=st.floats(0.05, 0.9),
    seconds=st.sampled_from([2.0, 8.0]),
    order=st.randoms(),
)
def test_one_recording_keeps_a_gap(windows, gap, fraction, seconds, order):
    """Never shorter than the window, whatever order the windows come in."""
    one = windows.X[windows.groups == "01"]
    shuffled = list(range(len(one)))
    order.shuffle(shuffled)
    one = one[shuffled]
    one.metadata["start"] = one.metadata["stop"] - round(seconds * 200)
    X = type(one)(one.signals, one.metadata, one.info)
    try:
        train, valid = ValidationSplit(fraction, gap).split(X)
    except ValueError as error:
        assert "too few for training and validation" in str(error)
        return
    stop = X.metadata["stop"].to_numpy()
    distance = (stop[valid].min() - stop[train].max()) / 200
    assert distance >= max(gap, seconds) - 1e-6
    assert X.metadata["start"].to_numpy()[valid].min() >= stop[train].max()


def test_a_plain_array_is_one_recording_with_a_gap_in_windows():
    X = np.zeros((100, 2, 10))
    with pytest.warns(UserWarning, match="do not say which recording"):
        train, valid = ValidationSplit().split(X)
    assert valid.tolist() == list(range(80, 100))
    assert train.tolist() == list(range(71))
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="too few"):
        ValidationSplit().split(X[:10])


def test_groups_override_what_is_read(windows):
    groups = np.arange(len(windows)) % 5
    train, valid = ValidationSplit().split(windows.X, groups)
    assert len(set(groups[valid])) == 1 and not set(groups[train]) & set(groups[valid])
    with pytest.raises(ValueError, match="3 groups were given for"):
        ValidationSplit().split(windows.X, groups[:3])


def test_data_sets_of_braindecode_are_understood(windows):
    dataset = windows.to_braindecode()
    for wrapped in (dataset, SliceDataset(dataset)):
        train, valid = ValidationSplit().split(wrapped)
        expected = ValidationSplit().split(windows.X)
        np.testing.assert_array_equal(train, expected[0])
        np.testing.assert_array_equal(valid, expected[1])
    one = Subset(dataset, np.flatnonzero(windows.groups == "01"))
    train, valid = ValidationSplit().split(one)
    expected = ValidationSplit().split(windows.X[windows.groups == "01"])
    np.testing.assert_array_equal(train, expected[0])


def test_fraction_is_checked(windows):
    with pytest.raises(ValueError, match="between 0 and 1"):
        ValidationSplit(fraction=1.0).split(windows.X)


def test_groups_for_an_inner_choice(windows, make_recording):
    assert set(window_groups(windows.X)) == {"01", "02", "03", "04"}
    one = create_bold_windows([make_recording()], 4.0).X
    blocks = window_groups(one)
    assert set(blocks) == set(range(5)) and (np.diff(blocks) >= 0).all()
    assert set(window_groups(np.zeros((3, 2, 10)))) == {0, 1, 2}
