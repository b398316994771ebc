"""EDF+D and BDF+D: files with gaps that MNE reads as if there were none."""

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
from braindecode_bolt.markers import RecordingGapError, joint_samples, mark_joints
from braindecode_bolt.markers.gaps import find_gaps

from .files import write_edf

#: 60 s, a gap of 3.5 s, 60 s; volumes every 2 s by the scanner's clock.
STARTS = np.append(np.arange(60.0), 63.5 + np.arange(60))
MARKERS = 5 + 2.0 * np.arange(58)

pytestmark = pytest.mark.filterwarnings("ignore:.*mitted.*annotation:RuntimeWarning")


def read(file):
    return mne.io.read_raw(file, verbose="error")


@pytest.mark.parametrize("kind", ["EDF+D", "BDF+D"])
def test_markers_are_put_where_the_time_stamps_say(kind, tmp_path, caplog):
    file = write_edf(tmp_path / f"x.{kind[:3].lower()}", STARTS, MARKERS, kind)
    raw = read(file)
    before = raw.annotations.copy()
    laid = mark_joints(raw)
    assert raw.annotations == before
    assert joint_samples(laid).tolist() == [6000]
    assert "has 1 gap (EDF+D): 3.500 s after 60.000 s of data" in caplog.text
    assert "2 inside a gap are left out" in caplog.text
    present = MARKERS[(MARKERS < 60) | (MARKERS >= 63.5)]
    expected = np.where(present < 60, present, present - 3.5)
    found = laid.annotations.description == "R128"
    np.testing.assert_allclose(laid.annotations.onset[found], expected, atol=1e-6)
    assert mark_joints(laid) is laid
    assert joint_samples(laid.copy().crop(70.0)).tolist() == []
    assert joint_samples(laid.copy().resample(50.0, verbose="error")).tolist() == [3000]


def test_no_window_crosses_the_gap(tmp_path):
    laid = mark_joints(read(write_edf(tmp_path / "x.edf", STARTS, MARKERS)))
    volumes = find_volume_markers(laid, segment=1)
    bold = pd.DataFrame({"A": np.random.default_rng(0).standard_normal(len(volumes))})
    recording = Recording(attach_bold(volumes.annotate(laid), bold), "01")
    windows = create_bold_windows([prepare_eeg(recording)], 8.0)
    # Volumes at 1.5, 3.5 and so on after the gap.
    assert windows.metadata["volume"].iloc[0] == 4
    assert windows.left_out.loc[0, "crosses_joint"] == 4


@pytest.mark.parametrize("wrap", [lambda raw: raw, lambda raw: raw.load_data()])
def test_a_raw_whose_gaps_are_not_known_is_refused(wrap, tmp_path, make_bold):
    raw = wrap(read(write_edf(tmp_path / "x.edf", STARTS, MARKERS)))
    said = r"x.edf: .* 3.500 s after 60.000 s of data.*mark_joints\(raw\)"
    carrying = raw.copy()
    carrying.annotations.extras = [
        {"volume": k, "bold:A": float(k % 7)} for k in range(len(raw.annotations))
    ]
    for use in (
        find_volume_markers,
        joint_samples,
        lambda raw: attach_bold(raw, make_bold(len(raw.annotations))),
        lambda raw: prepare_eeg(Recording(raw, "01")),
        lambda raw: create_bold_windows([Recording(carrying, "01")], 4.0),
    ):
        with pytest.raises(RecordingGapError, match=said):
            use(raw)
    # What lies before the gap is right.
    before = raw.copy().crop(0.0, 55.0)
    assert len(find_volume_markers(before)) == 26
    with pytest.raises(RecordingGapError):
        find_volume_markers(raw.copy().crop(70.0))
    with pytest.raises(RecordingGapError, match="right after reading"):
        mark_joints(raw.copy().crop(50.0))


@pytest.mark.parametrize("kind", ["EDF+D", "EDF+C"])
def test_a_file_without_gaps_stays_as_it_is(kind, tmp_path):
    raw = read(write_edf(tmp_path / "x.edf", 0.25 + np.arange(60.0), MARKERS[:20], kind))
    assert mark_joints(raw) is raw
    assert len(find_volume_markers(raw)) == 20


def test_several_gaps(tmp_path):
    starts = np.concatenate([np.arange(10), 12 + np.arange(10), 100 + np.arange(10)])
    raw = mark_joints(read(write_edf(tmp_path / "x.edf", starts, [5, 13, 105.5])))
    assert joint_samples(raw).tolist() == [1000, 2000]
    found = raw.annotations.description == "R128"
    np.testing.assert_allclose(raw.annotations.onset[found], [5, 11, 25.5])


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        (["+0", "+1", "", "+3"], "record 2 of 4 has no time stamp"),
        (["+0", "+1", "+1.5", "+3"], "time stamp of record 2 is 1.5 s, 0.5 s before"),
    ],
)
def test_time_stamps_that_cannot_be_used(stamps, said, tmp_path):
    raw = read(write_edf(tmp_path / "x.edf", range(4), [], stamps=stamps))
    with pytest.raises(RecordingGapError, match=said):
        mark_joints(raw)


def test_damaged_headers_give_typed_errors(tmp_path):
    whole = write_edf(tmp_path / "x.edf", STARTS, MARKERS).read_bytes()
    rng = np.random.default_rng(0)
    found = {"error": 0, "gaps": 0, "none": 0}
    for number in range(300):
        content = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(184, 768)] = rng.integers(0, 256)
        if number % 10 == 0:
            content = content[: rng.integers(0, len(content))]
        file = tmp_path / f"{number}.edf"
        file.write_bytes(content)
        try:
            gaps = find_gaps(file)
        except RecordingGapError as error:
            assert file.name in str(error)
            found["error"] += 1
        else:
            found["gaps" if gaps else "none"] += 1
        file.unlink()
    assert min(found.values()) > 5
