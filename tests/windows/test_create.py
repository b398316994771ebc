import logging
from dataclasses import replace

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skorch.helper import SliceDataset

from braindecode_bolt import LazyWindows, Recording, attach_bold, create_bold_windows
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.markers import MarkerError


def test_a_window_ends_right_before_its_marker(make_recording):
    recording = make_recording(first=10.0)
    windows = create_bold_windows([recording], 8.0, baseline=None)
    signal = recording.raw.get_data() * 1e6
    for position in range(len(windows)):
        sample = round((10.0 + 2.0 * windows.metadata["volume"].iloc[position]) * 200)
        expected = signal[:, sample - 1600 : sample].astype(np.float32)
        np.testing.assert_array_equal(windows.X[position], expected)
    np.testing.assert_array_equal(windows.y, recording.bold.to_numpy(np.float32))


def test_windows_equal_the_epochs_of_mne(make_recording):
    recording = make_recording(first=10.0)
    events, _ = mne.events_from_annotations(recording.raw, verbose="error")
    epochs = mne.Epochs(
        recording.raw,
        events,
        tmin=-4.0,
        tmax=-1 / 200,
        baseline=(-4.0, -1 / 200),
        preload=True,
        verbose="error",
    )
    windows = create_bold_windows([recording], 4.0)
    expected = epochs.get_data(units="uV")
    np.testing.assert_allclose(np.asarray(windows.X), expected, rtol=1e-4, atol=1e-4)


def test_lag_moves_the_window_back(make_recording):
    recording = make_recording(first=10.0)
    late = create_bold_windows([recording], 4.0)
    early = create_bold_windows([recording], 4.0, lag_seconds=2.0)
    assert (late.metadata["stop"] - early.metadata["stop"] == 400).all()


def test_volumes_without_a_full_window_are_left_out_and_counted(make_recording, caplog):
    recording = make_recording(n_volumes=20, tr=2.0, first=1.0)
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        windows = create_bold_windows([recording], 16.0)
    assert windows.metadata["volume"].tolist() == list(range(8, 20))
    assert windows.left_out.loc[0, "no_full_window"] == 8
    assert (
        "left out: 8 volumes without a full window, 0 with a BAD annotation" in caplog.text
    )
    np.testing.assert_array_equal(windows.y, recording.bold.to_numpy(np.float32)[8:])


@settings(deadline=None, max_examples=40)
@given(
    onset=st.floats(0, 49),
    duration=st.floats(0, 10),
    text=st.sampled_from(["BAD", "bad_blink", "Bad span", "BAD_joined"]),
)
def test_no_window_touches_a_bad_span(onset, duration, text):
    rng = np.random.default_rng(0)
    raw = mne.io.RawArray(
        1e-5 * rng.standard_normal((1, 12_000)),
        mne.create_info(["Cz"], 200.0, "eeg"),
        verbose="error",
    )
    onsets = np.arange(5.0, 50.0, 2.0)
    extras = [{"volume": k, "bold:A": float(k % 7)} for k in range(len(onsets))]
    markers = mne.Annotations(onsets, 0, ["R128"] * len(onsets), extras=extras)
    raw.set_annotations(markers + mne.Annotations([onset], [duration], [text]))
    windows = create_bold_windows([Recording(raw, "01")], 4.0)
    first = round(onset * 200)
    last = max(round((onset + duration) * 200), first + 1)
    stops = np.round(onsets * 200).astype(int)
    starts = stops - 800
    clean = (starts >= 0) & ~((starts < last) & (stops > first))
    assert windows.metadata["volume"].tolist() == np.flatnonzero(clean).tolist()
    assert windows.left_out.loc[0, "touches_bad"] == ((starts >= 0) & ~clean).sum()


def test_joined_recordings_have_no_window_across_the_seam(make_recording):
    raws = [make_recording(seed=seed, first=5.0).raw.copy() for seed in (1, 2)]
    n_first = raws[0].n_times
    joined = mne.concatenate_raws(raws, verbose="error")
    windows = create_bold_windows([Recording(joined, "01")], 4.0)
    across = (windows.metadata["start"] < n_first) & (windows.metadata["stop"] >= n_first)
    assert not across.any()
    assert len(windows) == 40


def test_what_is_no_scalp_eeg_gets_no_window(make_recording, caplog):
    recording = make_recording(ch_names=["Fz", "ECG", "VEOGo", "EarL", "Cz"])
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        windows = create_bold_windows([recording], 4.0)
    assert windows.ch_names == ["Fz", "Cz"]
    assert "3 channels of type EEG left out, not scalp EEG: ECG, VEOGo" in caplog.text
    with pytest.raises(ChannelNameError, match="has no EEG channel among ECG"):
        create_bold_windows([make_recording(ch_names=["ECG"])], 4.0)


@pytest.mark.parametrize("lag", [0.0, 1.0])
def test_a_window_that_ends_at_a_joint_is_not_that_of_the_volume_there(
    lag, make_raw, make_bold
):
    runs = [attach_bold(make_raw(20, seed=seed), make_bold(20)) for seed in (1, 2)]
    # Each run begins with its first volume.
    joined = mne.concatenate_raws([run.crop(10.0) for run in runs], verbose="error")
    windows = create_bold_windows([Recording(joined, "01")], 4.0, lag)
    second = np.flatnonzero(np.diff(windows.metadata["volume"]) < 0)[0] + 1
    first = 2 if lag == 0 else 3
    assert windows.metadata["volume"].iloc[second] == first
    assert windows.left_out.loc[0, "crosses_joint"] == first
    assert windows.left_out.loc[0, "touches_bad"] == 0


def test_recordings_may_come_one_at_a_time(make_recording):
    made = (make_recording(subject=str(i), seed=i) for i in range(3))
    windows = create_bold_windows(made, 4.0)
    assert np.unique(windows.groups).tolist() == ["0", "1", "2"]


def test_order_of_channels_and_regions_does_not_matter(make_recording):
    first = make_recording(ch_names=["Fz", "Cz"], rois=["A", "B"])
    second = make_recording("02", ch_names=["Cz", "Fz"], rois=["B", "A"])
    windows = create_bold_windows([first, second], 4.0, baseline=None)
    assert windows.ch_names == ["Fz", "Cz"] and windows.roi_names == ["A", "B"]
    data = second.raw.get_data(["Fz", "Cz"]) * 1e6
    np.testing.assert_allclose(windows.X.signals[1], data, rtol=1e-6)
    np.testing.assert_array_equal(
        windows.y[windows.groups == "02"], second.bold[["A", "B"]].to_numpy(np.float32)
    )


def test_apostrophes_of_regions_do_not_matter(make_recording):
    first = make_recording(rois=["A", "Heschl's gyrus"])
    second = make_recording("02", rois=["Heschl’s gyrus", "A"])
    windows = create_bold_windows([first, second], 4.0)
    assert windows.roi_names == ["A", "Heschl's gyrus"]
    np.testing.assert_array_equal(
        windows.y[windows.groups == "02"],
        second.bold[["A", "Heschl’s gyrus"]].to_numpy(np.float32)[-20:],
    )


def test_recordings_must_agree(make_recording):
    first = make_recording(ch_names=["Fz", "Cz"])
    with pytest.raises(ValueError, match="differ in their channels: sub-02 lacks Cz"):
        create_bold_windows([first, make_recording("02", ch_names=["Fz", "Pz"])], 4.0)
    with pytest.raises(ValueError, match="differ in their regions"):
        create_bold_windows([first, make_recording("02", rois=["A", "C"])], 4.0)
    with pytest.raises(ValueError, match="sampled at 250 Hz"):
        create_bold_windows([first, make_recording("02", sfreq=250.0)], 4.0)


def test_bad_input_is_refused(make_recording, make_raw, make_bold):
    with pytest.raises(MarkerError, match="no volume markers that carry BOLD"):
        create_bold_windows([Recording(make_raw(), "01")])
    with pytest.raises(MarkerError, match="are called 'R149'"):
        create_bold_windows([make_recording()], marker="R149")
    with pytest.raises(ValueError, match="full window of 100 s: the longest recording"):
        create_bold_windows([make_recording()], 100.0)
    with pytest.raises(ValueError, match="no recordings"):
        create_bold_windows([])
    constant = make_bold(20)
    constant["B"] = 1.5
    with pytest.raises(ValueError, match="is constant in B"):
        create_bold_windows([Recording(attach_bold(make_raw(), constant), "01")], 4.0)
    with pytest.raises(ValueError, match="window_seconds == -1"):
        create_bold_windows([make_recording()], -1.0)
    with pytest.raises(TypeError, match="window_seconds must be"):
        create_bold_windows([make_recording()], "16")
    with pytest.raises(TypeError, match=r"got RawArray among them.*Recording\(raw"):
        create_bold_windows([make_raw()])
    broken = make_recording()
    broken.raw._data[0, 5] = np.nan
    with pytest.raises(ValueError, match="EEG of sub-01 holds NaN"):
        create_bold_windows([broken], 4.0)


def test_a_marker_on_the_last_sample_is_not_lost(make_recording):
    recording = make_recording(n_volumes=11, first=10.0, tr=2.0, duration=30.0)
    windows = create_bold_windows([recording], 4.0)
    assert len(windows) == 11
    assert windows.metadata["stop"].iloc[-1] == recording.raw.n_times


@pytest.mark.parametrize("baseline", ["window", None])
def test_braindecode_sees_the_same_windows(make_recording, baseline):
    recordings = [make_recording(str(i), run="1", seed=i) for i in range(2)]
    windows = create_bold_windows(recordings, 4.0, baseline=baseline)
    dataset = windows.to_braindecode()
    assert len(dataset) == len(windows)
    for index in (0, 7, len(dataset) - 1):
        x, y, _ = dataset[index]
        np.testing.assert_allclose(x, windows.X[index], rtol=1e-5, atol=1e-4)
        np.testing.assert_array_equal(y, windows.y[index])
    assert dataset.get_metadata()["subject"].tolist() == windows.groups.tolist()
    sliced = SliceDataset(dataset)
    np.testing.assert_allclose(sliced[3], windows.X[3], rtol=1e-5, atol=1e-4)
    assert set(dataset.split("subject")) == {"0", "1"}


def test_task_and_site_are_known_window_by_window(make_recording):
    recordings = [
        replace(make_recording("01"), task="rest", site="A"),
        make_recording("02", seed=1),
    ]
    windows = create_bold_windows(recordings, 4.0)
    assert windows.metadata["task"].dropna().tolist() == ["rest"] * 20
    assert windows.metadata["site"].dropna().tolist() == ["A"] * 20
    described = [dict(part.description) for part in windows.to_braindecode().datasets]
    assert described == [
        {"subject": "01", "task": "rest", "site": "A", "recording": 0, "lag_seconds": 0.0},
        {"subject": "02", "recording": 1, "lag_seconds": 0.0},
    ]
    # Windows made by hand may have neither column.
    metadata = windows.metadata.drop(columns=["task", "site"])
    old = replace(windows, X=LazyWindows(windows.X.signals, metadata, windows.X.info))
    assert dict(old.to_braindecode().datasets[0].description)["subject"] == "01"
