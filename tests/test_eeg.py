import logging

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braindecode_bolt import Recording, prepare_eeg
from braindecode_bolt.channels import ChannelNameError
from braindecode_bolt.eeg import check_signal, common_channels


def test_names_and_types_follow_the_contract(make_recording, caplog):
    names = ["EEG Fp1-REF", "Fc5.", "ECG ECG", "EEG A2-A1", "CWL1", "STI"]
    types = ["eeg"] * 5 + ["stim"]
    recording = make_recording(ch_names=names, ch_types=types)
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        prepared = prepare_eeg(recording)
    assert prepared.raw.ch_names == ["Fp1", "FC5"]
    assert "4 of 6 channels left out: ECG ECG, EEG A2-A1, CWL1, STI" in caplog.text
    assert recording.raw.ch_names == names
    assert np.isfinite(prepared.raw.info["chs"][0]["loc"][:3]).all()


def test_an_unknown_electrode_is_an_error_unless_channels_are_named(make_recording):
    recording = make_recording(ch_names=["Fz", "E17"])
    with pytest.raises(ChannelNameError, match="outside the 10-05 system: E17"):
        prepare_eeg(recording)
    assert prepare_eeg(recording, channels=["Fz"]).raw.ch_names == ["Fz"]
    assert prepare_eeg(recording, channels=["E17", "fz"]).raw.ch_names == ["E17", "Fz"]


def test_channels_come_in_the_order_they_are_named(make_recording):
    recording = make_recording(ch_names=["EEG Fz", "EEG Cz", "EEG Pz"])
    prepared = prepare_eeg(recording, channels=["PZ", "Fz"])
    assert prepared.raw.ch_names == ["Pz", "Fz"]
    np.testing.assert_array_equal(
        prepared.raw.get_data(), recording.raw.get_data(["EEG Pz", "EEG Fz"])
    )
    with pytest.raises(ChannelNameError, match="has no channel Oz. It has Fz, Cz, Pz"):
        prepare_eeg(recording, channels=["Oz"])


def test_two_channels_of_one_name_are_an_error(make_recording):
    with pytest.raises(ChannelNameError, match="several channels are named Fz"):
        prepare_eeg(make_recording(ch_names=["Fz", "EEG FZ-REF"]))


def test_no_eeg_at_all_is_an_error(make_recording):
    with pytest.raises(ChannelNameError, match="no EEG channel found among ECG"):
        prepare_eeg(make_recording(ch_names=["ECG", "EOG1"]))


@settings(deadline=None, max_examples=15)
@given(
    sfreq=st.sampled_from([160.0, 250.0, 500.0, 1000.0]),
    crop=st.integers(0, 1999),
    dated=st.booleans(),
)
def test_markers_stay_on_the_event_when_resampled(sfreq, crop, dated):
    """A pulse in the signal at each marker is still there after resampling."""
    times = np.arange(round(30 * sfreq)) / sfreq
    onsets = np.round(np.arange(3.0, 29.0, 2.1) * sfreq) / sfreq
    pulse = 1e-4 * np.exp(-0.5 * ((times[None] - onsets[:, None]) / 0.02) ** 2).sum(axis=0)
    raw = mne.io.RawArray(
        pulse[None], mne.create_info(["Cz"], sfreq, "eeg"), verbose="error"
    )
    if dated:
        raw.set_meas_date(1e9)
        onset_origin = raw.info["meas_date"]
    else:
        onset_origin = None
    extras = [{"volume": k, "bold:A": float(k)} for k in range(len(onsets))]
    raw.set_annotations(
        mne.Annotations(onsets, 0, ["R128"] * len(onsets), onset_origin, extras=extras)
    )
    raw.crop(crop / sfreq, verbose="error")
    prepared = prepare_eeg(Recording(raw, "01"))
    samples = prepared.marker_samples()
    signal = prepared.raw.get_data()[0]
    for sample in samples[1:-1]:
        around = signal[sample - 100 : sample + 100]
        # To within rounding to the new rate.
        assert abs(np.argmax(around) - 100) <= 1


def test_broken_signals_are_refused(make_recording):
    def changed(change):
        recording = make_recording()
        change(recording.raw._data)
        return recording

    def flatten(data):
        data[1] = 3e-6

    def break_(data):
        data[0, 77] = np.inf

    def into_microvolts(data):
        data *= 1e6

    def into_megavolts(data):
        data *= 1e-6

    with pytest.raises(ValueError, match="channel Cz is flat"):
        prepare_eeg(changed(flatten))
    with pytest.raises(ValueError, match="channel Fz holds NaN or infinite"):
        prepare_eeg(changed(break_))
    with pytest.raises(ValueError, match="Divide by the right factor"):
        prepare_eeg(changed(into_microvolts))
    with pytest.raises(ValueError, match="Multiply by 1e6"):
        prepare_eeg(changed(into_megavolts))


def test_an_offset_of_millivolts_is_still_eeg(make_recording):
    recording = make_recording()
    recording.raw._data += 0.03
    assert prepare_eeg(recording).raw.ch_names == ["Fz", "Cz"]


def test_bad_channels_are_announced(make_recording, caplog):
    recording = make_recording()
    recording.raw.info["bads"] = ["Cz"]
    prepared = prepare_eeg(recording)
    assert prepared.raw.ch_names == ["Fz", "Cz"]
    assert "marked as bad are used as they are: Cz" in caplog.text


def test_check_signal_names_the_channel():
    rng = np.random.default_rng(0)
    windows = 20 * rng.standard_normal((3, 2, 50))
    check_signal(windows, "X")
    windows[:, 1] = 0
    with pytest.raises(ValueError, match="channel number 1 is flat"):
        check_signal(windows, "X")
    with pytest.raises(ValueError, match="channel Pz is flat"):
        check_signal(windows, "X", ["Cz", "Pz"])


def test_common_channels_are_those_of_all(make_recording):
    recordings = [
        make_recording(ch_names=["EEG Fz", "Cz", "ECG"]),
        make_recording(ch_names=["CZ", "Pz", "Fz."]),
    ]
    assert common_channels(recordings) == ["Fz", "Cz"]
    with pytest.raises(ChannelNameError, match="No electrode is in all 2 recordings"):
        common_channels([make_recording(ch_names=["Fz"]), make_recording(ch_names=["Cz"])])
