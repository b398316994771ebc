import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from skorch.helper import SliceDataset
from torch.utils.data import Subset

from braindecode_bolt import EEGRegressor, ValidationSplit, create_bold_windows
from braindecode_bolt.splits import FixedValidation, GapSplit, window_groups

from .simulated import one_recording


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
    assert train.tolist() == list(range(70))
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="too few"):
        ValidationSplit().split(X[:10])


@pytest.mark.parametrize("name", ["gap_seconds", "gap_windows"])
def test_a_negative_gap_is_an_error_with_many_subjects_too(windows, name):
    for X in (windows.X, windows.X[windows.groups == "01"]):
        with pytest.raises(ValueError, match=f"{name} == -1, must be >= 0"):
            ValidationSplit(**{name: -1}).split(X)


def test_the_gap_is_in_whole_volumes():
    """20 s at a repetition time of 2.1 s: 10 volumes, as elsewhere."""
    train, valid = ValidationSplit().split(one_recording(567))
    assert valid.tolist() == list(range(454, 567)) and train.tolist() == list(range(444))


def test_recordings_of_the_same_group_keep_the_gap(windows):
    same = np.zeros(len(windows), dtype=int)
    train, valid = ValidationSplit(gap_seconds=8.0).split(windows.X, same)
    volumes = windows.metadata["volume"].to_numpy()
    # Its end in all four, give or take a volume; 4 volumes of 2.1 s between.
    assert volumes[valid].min() - volumes[train].max() == 5
    assert len(train) > len(valid) > 4 * 8


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
    with pytest.raises(ValueError, match="fraction == 1.0, must be < 1"):
        ValidationSplit(fraction=1.0).split(windows.X)


def test_text_for_a_number_names_the_argument(windows):
    for name in ("fraction", "gap_seconds", "gap_windows"):
        with pytest.raises(TypeError, match=f"{name} must be an instance of float, not s"):
            ValidationSplit(**{name: "0.5"}).split(windows.X)


def test_groups_for_an_inner_choice(windows, make_recording):
    assert set(window_groups(windows.X)) == {"01", "02", "03", "04"}
    one = create_bold_windows([make_recording()], 4.0).X
    blocks = window_groups(one)
    assert set(blocks) == set(range(5)) and (np.diff(blocks) >= 0).all()
    assert set(window_groups(np.zeros((3, 2, 10)))) == {0, 1, 2}
    with pytest.raises(ValueError, match="n_blocks == 1, must be >= 2"):
        window_groups(one, n_blocks=1)


# Given validation windows


def test_a_fit_validates_on_given_windows(windows):
    rows = np.flatnonzero(windows.groups == "02")
    net = EEGRegressor(
        "NeuroBOLT",
        module__num_layers=1,
        module__spectral_depth=1,
        train_split=FixedValidation(rows),
        max_epochs=1,
        verbose=0,
    )
    net = clone(net).fit(windows.X, windows.y)
    error = np.mean((net.predict(windows.X[rows]) - windows.y[rows]) ** 2)
    assert net.history[-1, "valid_loss"] == pytest.approx(error, rel=1e-4)
    train, valid = FixedValidation(rows[::-1]).split(windows.X, groups=windows.groups)
    np.testing.assert_array_equal(valid, rows)
    np.testing.assert_array_equal(train, np.flatnonzero(windows.groups != "02"))


def test_the_published_validation_part_reaches_the_fit(windows):
    """Positions count within the training part."""
    cv = GapSplit(0.5, 0.2, gap_seconds=4.0, recordings="together")
    ((train, test),) = cv.split(windows.X)
    valid = cv.validation_rows(windows.X, train)
    fitted, validated = FixedValidation(valid).split(windows.X[train])
    np.testing.assert_array_equal(validated, valid)
    volumes = windows.metadata["volume"].to_numpy()[train]
    first = windows.groups[train] == "01"
    part = np.isin(np.arange(len(train)), validated)
    assert volumes[first & part].min() - volumes[first & ~part].max() == 3


def test_fixed_rows_are_checked(windows):
    n = len(windows)
    for rows, complaint in (
        ([], "positions of at least one window"),
        ([True, False], "rows must be integers"),
        ([[1, 2]], "shape .1, 2."),
        ([0, n], "different positions in the 176 windows of the fit"),
        ([-1], "from -1 to -1. Count them in the training part"),
        ([3, 3], "got 1 different ones of 2"),
        (range(n), "nothing is left to train on"),
    ):
        with pytest.raises(ValueError, match=complaint):
            FixedValidation(list(rows)).split(windows.X)
    assert repr(FixedValidation([1, 2])) == "FixedValidation(2 rows)"


def test_fixed_rows_that_share_eeg_with_training_windows_are_warned_of(windows):
    with pytest.warns(UserWarning, match="2 of 5 validation windows share EEG"):
        FixedValidation([10, 11, 12, 13, 14]).split(windows.X)
    array = np.asarray(windows.X)
    train, valid = FixedValidation([10, 11]).split(array)
    assert valid.tolist() == [10, 11] and len(train) == len(array) - 2
