"""A look at recordings before training."""

from dataclasses import replace

import mne
import numpy as np
import pytest

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.windows import check_recordings, create_bold_windows


@pytest.fixture(scope="module")
def recordings():
    return SimulatedEEGfMRI(3, duration=80.0, ch_names=["Fz", "Cz", "Pz", "Oz"]).load()


def test_good_recordings_have_the_windows_that_training_gets(recordings):
    check = check_recordings(recordings)
    windows = create_bold_windows(recordings)
    assert [each.windows for each in check.usable] == list(windows.left_out["windows"])
    table = check.table.set_index("recording")
    assert list(table.index) == [recording.name for recording in recordings]
    assert (table["volumes"] == table["windows"] + table["no_full_window"]).all()
    np.testing.assert_allclose(table["tr"], 2.1)
    assert (table["jitter_ms"] < 1).all()
    assert check.recordings[0].ch_names == ["Fz", "Cz", "Pz", "Oz"]
    assert f"{len(windows)} windows of 16 s from 3 subjects" in str(check)


def test_the_spectrum_is_that_of_the_eeg(recordings):
    raw = recordings[0].raw.copy().load_data()
    raw._data += 20e-6 * np.sin(2 * np.pi * 35.0 * raw.times)
    with_sine = check_recordings([replace(recordings[0], raw=raw)]).recordings[0]
    before = check_recordings(recordings[:1]).recordings[0]
    change = with_sine.spectrum["median"] - before.spectrum["median"]
    assert change.idxmax() == pytest.approx(35.0, abs=0.3) and change.max() > 20
    # Variance of the sine (20 squared over 2) in the bins that a Hamming window widens.
    power = 10 ** (with_sine.spectrum.loc[34:36, "median"] / 10)
    assert power.sum() * 0.25 == pytest.approx(200, rel=0.1)


def test_one_unusable_recording_does_not_hide_the_others(recordings):
    spoilt = recordings[1].raw.copy().load_data()
    spoilt._data[2] = 0.0
    check = check_recordings([recordings[0], replace(recordings[1], raw=spoilt)])
    assert [bool(each.problem) for each in check.recordings] == [False, True]
    assert "Pz" in check.recordings[1].problem
    assert "1 of 2 recordings can be used" in check.verdict()
    assert "With one subject" in check.verdict()


def test_what_is_left_out_is_said_with_its_reason(recordings):
    raw = recordings[0].raw.copy().load_data()
    raw.annotations.append(40.0, 0.0, "BAD boundary")
    check = check_recordings([replace(recordings[0], raw=raw)])
    found = check.recordings[0]
    assert found.n_joints == 1 and found.left_out["crosses_joint"] > 5
    assert "window across a joint" in str(check)


def test_differences_between_recordings_are_said(recordings):
    fewer = recordings[1].raw.copy().load_data().drop_channels(["Fz"])
    mixed = [recordings[0], replace(recordings[1], raw=fewer)]
    check = check_recordings(mixed)
    assert "3 channels in all of 2, 4 in at least one" in " ".join(check.remarks)
    assert not check_recordings(mixed, channels="common").remarks


def test_moving_markers_are_measured(recordings):
    raw = recordings[0].raw.copy()
    onsets = raw.annotations.onset.copy()
    onsets[10] += 0.05
    raw.annotations.onset = onsets
    check = check_recordings([replace(recordings[0], raw=raw)])
    assert check.recordings[0].jitter == pytest.approx(50, abs=6)


def test_neither_joints_nor_pauses_are_taken_for_moving_markers(recordings):
    raw = recordings[0].raw
    # Half a repetition time is cut out, and half a minute.
    for begins_again in (31.0, 60.0):
        parts = [raw.copy().crop(0, 30.0), raw.copy().crop(begins_again, None)]
        joined = mne.concatenate_raws(parts, verbose="error")
        found = check_recordings([replace(recordings[0], raw=joined)]).recordings[0]
        assert found.n_joints == 1 and found.joints[0] == pytest.approx(30.0, abs=0.01)
        assert found.jitter < 6
    apart = raw.copy()
    apart.annotations.delete(range(len(apart.annotations) - 5, len(apart.annotations)))
    onsets = apart.annotations.onset.copy()
    onsets[20:] += 8.0
    apart.annotations.onset = onsets
    assert check_recordings([replace(recordings[0], raw=apart)]).recordings[0].jitter < 6


def test_nothing_to_check():
    with pytest.raises(ValueError, match="no recordings to check"):
        check_recordings([])
