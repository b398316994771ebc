import logging

import mne
import numpy as np
import pytest

from braindecode_bolt import Recording, create_bold_windows, create_eeg_windows


def without_markers(recording):
    return recording.raw.copy().set_annotations(None)


def test_windows_at_regular_times_need_no_markers(make_raw):
    raw = make_raw(n_volumes=0, duration=20.0)
    windows = create_eeg_windows(raw, 4.0, 2.0, baseline=None)
    assert windows.metadata["time"].tolist() == list(np.arange(4.0, 20.1, 2.0))
    assert windows.metadata["start"].tolist() == list(range(0, 3300, 400))
    signal = raw.get_data() * 1e6
    np.testing.assert_allclose(windows.X[1], signal[:, 400:1200], rtol=1e-5)
    assert len(create_eeg_windows(raw, 4.0)) == 5  # No overlap by default.


@pytest.mark.parametrize("lag", [0.0, 1.5])
def test_the_windows_of_the_volumes_times_are_those_of_the_volumes(make_recording, lag):
    recording = make_recording(first=10.0)
    expected = create_bold_windows([recording], 4.0, lag)
    found = create_eeg_windows(
        without_markers(recording), 4.0, times=10.0 + 2.0 * np.arange(20), lag_seconds=lag
    )
    np.testing.assert_array_equal(np.asarray(found.X), np.asarray(expected.X))
    assert found.X.lag_seconds == expected.X.lag_seconds
    assert found.X.info["ch_names"] == expected.X.info["ch_names"]


def test_times_without_a_window_are_left_out_and_counted(make_raw, caplog):
    raw = make_raw(n_volumes=0, duration=60.0)
    raw.set_annotations(
        mne.Annotations([20.0, 40.0], [1.0, 0.0], ["BAD_motion", "EDGE boundary"])
    )
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        windows = create_eeg_windows(
            raw, 4.0, times=[2, 10, 20, 20.1, 26, 40, 42, 44.1, 61.0]
        )
    assert windows.metadata["time"].tolist() == [10, 20, 26, 44.1]
    counts = windows.left_out.iloc[0].to_dict()
    assert counts == {
        "recording": "sub-1",
        "times": 9,
        "windows": 4,
        "no_full_window": 2,
        "touches_bad": 1,
        "crosses_joint": 2,
    }
    assert "left out: 2 times without a full window, 1 with a BAD annotation" in caplog.text


def test_recordings_are_matched_by_the_names_of_their_channels(make_raw):
    raws = [
        make_raw(0, duration=20.0, ch_names=names, seed=seed)
        for seed, names in enumerate((("Fz", "Cz"), ("Cz", "Fz")))
    ]
    windows = create_eeg_windows([Recording(raws[0], "a"), Recording(raws[1], "b")], 4.0)
    assert windows.groups.tolist() == ["a"] * 5 + ["b"] * 5
    of_second = create_eeg_windows(raws[1], 4.0)
    np.testing.assert_array_equal(windows.X[5], of_second.X[0][::-1])


def test_a_raw_is_called_after_its_file(make_raw, tmp_path):
    make_raw(0, duration=20.0).save(tmp_path / "night_raw.fif", verbose="error")
    raw = mne.io.read_raw(tmp_path / "night_raw.fif", verbose="error")
    windows = create_eeg_windows([raw, make_raw(0, duration=20.0)], 4.0)
    assert set(windows.groups) == {"night_raw", "2"}


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"step_seconds": 1.0, "times": [5.0]}, ValueError, "not both"),
        ({"step_seconds": 0.0}, ValueError, "step_seconds"),
        ({"window_seconds": 0.0}, ValueError, "window_seconds"),
        ({"window_seconds": 0.001}, ValueError, "holds no sample"),
        ({"window_seconds": 30.0}, ValueError, "the longest recording lasts 20.0 s"),
        ({"times": [np.nan]}, ValueError, "1 of them not finite"),
        ({"times": [[1.0]]}, ValueError, "list of finite numbers"),
        ({"lag_seconds": -1.0}, ValueError, "lag_seconds"),
        ({"baseline": "mean"}, ValueError, "baseline"),
    ],
)
def test_wrong_arguments_are_named(make_raw, arguments, error, said):
    raw = make_raw(0, duration=20.0)
    with pytest.raises(error, match=said):
        create_eeg_windows(raw, **{"window_seconds": 4.0, **arguments})


@pytest.mark.parametrize("wrong", [["file.edf"], 3, [None]])
def test_other_types_are_refused(wrong):
    with pytest.raises(TypeError, match="Recording"):
        create_eeg_windows(wrong)
    with pytest.raises(ValueError, match="no recordings"):
        create_eeg_windows([])
