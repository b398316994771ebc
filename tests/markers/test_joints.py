"""Places where the EEG before and after was not recorded in one go."""

import mne
import numpy as np
import pandas as pd
import pytest

from braindecode_bolt import (
    Recording,
    attach_bold,
    create_bold_windows,
    find_volume_markers,
    prepare_eeg,
)
from braindecode_bolt.markers import (
    MarkerError,
    crosses_joint,
    joint_samples,
    mark_joints,
    stretches,
)

from .files import SFREQ, WRITERS

TR, N, JOINT = 2.0, 20, 50 * SFREQ
#: 20 volumes; a pause; 20 volumes, the first 3.13 s after the joint.
MARKERS = np.rint(
    SFREQ * np.append(5 + TR * np.arange(N), 53.13 + TR * np.arange(N))
).astype(int)


@pytest.fixture
def data():
    eeg = 2e-5 * np.random.default_rng(0).standard_normal((2, 96 * SFREQ))
    # An offset that a filter smears over the joint.
    eeg[:, :JOINT] += 400e-6
    return eeg


@pytest.fixture(params=WRITERS)
def paused(request, data, tmp_path):
    return WRITERS[request.param](tmp_path, data, MARKERS, JOINT)


def second_scan(raw):
    volumes = find_volume_markers(raw, tr=TR, segment=1, n_volumes=N)
    bold = pd.DataFrame({"A": np.random.default_rng(1).standard_normal(N)})
    return Recording(attach_bold(volumes.annotate(raw), bold, volumes.marker), "01")


def test_a_joint_is_found_whatever_wrote_it(paused):
    assert joint_samples(paused).tolist() == [JOINT]
    assert stretches(paused) == [(0, JOINT), (JOINT, paused.n_times)]
    marked = mark_joints(paused)
    assert "EDGE boundary" in marked.annotations.description
    assert joint_samples(marked).tolist() == [JOINT]
    assert mark_joints(marked) is marked
    assert joint_samples(marked.copy().crop(10.0)).tolist() == [JOINT - 10 * SFREQ]
    assert joint_samples(marked.copy().crop(50.0)).tolist() == []


def test_no_window_crosses_a_joint(paused):
    recording = second_scan(paused)
    for sfreq in (SFREQ, 200, 180):
        windows = create_bold_windows([prepare_eeg(recording, sfreq)], 8.0)
        assert windows.metadata["volume"].tolist() == list(range(3, N))
        assert windows.left_out.loc[0, "crosses_joint"] == 3
        # Nothing of the offset before the joint.
        assert np.ptp(windows.X[:], axis=-1).max() < 300


def test_neither_filter_nor_resampling_crosses_a_joint(paused, data):
    prepared = prepare_eeg(second_scan(paused), 200.0, high_pass=0.5).raw
    alone = mne.io.RawArray(data[:, JOINT:], mne.create_info(["Cz", "Pz"], SFREQ, "eeg"))
    alone.resample(200.0, verbose="error").filter(0.5, None, verbose="error")
    joint = 50 * 200
    assert joint_samples(prepared).tolist() == [joint]
    np.testing.assert_allclose(prepared.get_data()[:, joint:], alone.get_data(), atol=5e-9)


def test_markers_stay_where_they_are_when_each_part_is_resampled(paused):
    recording = second_scan(paused)
    prepared = prepare_eeg(recording, 180.0)
    joint = joint_samples(prepared.raw)[0]
    after = (recording.marker_samples() - JOINT) / SFREQ
    # To half a sample.
    assert np.abs((prepared.marker_samples() - joint) / 180.0 - after).max() <= 0.51 / 180


def test_no_series_of_volumes_crosses_a_joint(paused):
    with pytest.raises(MarkerError, match=r"2 segments.*interrupted at 50\.000 s"):
        find_volume_markers(paused, tr=TR)
    first = find_volume_markers(paused, tr=TR, segment=0)
    np.testing.assert_array_equal(first.samples, MARKERS[:N])


def test_a_regular_series_over_a_joint_is_two():
    """Even if the second scan continues the rhythm of the first."""
    raw = mne.io.RawArray(
        np.zeros((1, 30_000)), mne.create_info(["Cz"], SFREQ), verbose="error"
    )
    onsets = np.append(5 + 2.0 * np.arange(40), 20.0)
    names = ["R128"] * 40 + ["boundary"]
    raw.set_annotations(mne.Annotations(onsets, 0.0, names))
    with pytest.raises(MarkerError, match="2 segments"):
        find_volume_markers(raw, missing="fill")
    slices = np.concatenate([onsets[:40] + k * 0.1 for k in range(20)])
    names = ["R128"] * 800 + names[-1:]
    raw.set_annotations(mne.Annotations(np.append(slices, 20.0), 0.0, names))
    # The slices of the volume at 19 s do not go on after the joint.
    with pytest.raises(MarkerError, match="2 segments"):
        find_volume_markers(raw, tr=2.0)


@pytest.mark.parametrize(
    ("description", "onset", "duration", "expected"),
    [
        ("New Segment/", 0.0, 0.0, []),
        ("New Segment/", 3.0, 0.0, [750]),
        ("boundary", 3.0 - 0.5 / SFREQ, 2.0, [750]),
        ("Comment/boundary", 3.0, 0.0, [750]),
        ("BAD boundary", 3.0, 0.0, [750]),
        ("BAD_boundary", 3.0, 0.0, [750]),
        ("EDGE", 3.0, 0.0, [750]),
        ("BAD_ACQ_SKIP", 3.0, 2.0, [750, 1250]),
        ("BAD_blink", 3.0, 2.0, []),
        ("boundary stimulus", 3.0, 0.0, []),
    ],
)
def test_what_is_a_joint(description, onset, duration, expected, make_raw):
    raw = make_raw(sfreq=SFREQ)
    raw.set_annotations(mne.Annotations([onset], [duration], [description]))
    assert joint_samples(raw).tolist() == expected


def test_a_window_is_whole_if_no_joint_is_in_it_nor_at_its_end():
    joints = np.array([10, 20])
    start, stop = np.array([0, 1, 10, 11, 20, 5]), np.array([9, 10, 19, 20, 30, 25])
    crosses = crosses_joint(joints, start, stop)
    assert crosses.tolist() == [False, True, False, True, False, True]
