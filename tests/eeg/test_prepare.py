import logging

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve, firwin

import braindecode_bolt.eeg.prepare
from braindecode_bolt import Recording, prepare_eeg
from braindecode_bolt.eeg import ChannelNameError, common_channels
from braindecode_bolt.markers import joint_samples


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
    with pytest.raises(ChannelNameError, match=r"outside the 10-05 system \(1\): E17"):
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
    np.testing.assert_allclose(
        prepared.raw.annotations.onset - prepared.raw.first_time,
        raw.annotations.onset - raw.first_time,
        atol=1e-9,
    )
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
    with pytest.raises(ValueError, match="a file calls volts.*divide by 1e6"):
        prepare_eeg(changed(into_microvolts))
    with pytest.raises(ValueError, match="in volts, multiply by 1e6"):
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
    assert "marked as bad, used unchanged: Cz" in caplog.text


def test_common_channels_are_those_of_all(make_recording):
    recordings = [
        make_recording(ch_names=["EEG Fz", "Cz", "ECG"]),
        make_recording(ch_names=["CZ", "Pz", "Fz."]),
    ]
    assert common_channels(recordings) == ["Fz", "Cz"]
    with pytest.raises(ChannelNameError, match="No electrode is in all 2 recordings"):
        common_channels([make_recording(ch_names=["Fz"]), make_recording(ch_names=["Cz"])])


@pytest.mark.parametrize(("high_pass", "cutoff", "width"), [(0.5, 0.25, 0.5), (4, 3, 2)])
def test_the_high_pass_is_the_documented_filter(make_recording, high_pass, cutoff, width):
    recording = make_recording(n_volumes=20)
    recording.raw._data += 1e-4 * np.cumsum(recording.raw._data, axis=1)
    prepared = prepare_eeg(recording, high_pass=high_pass)
    # MNE's rule for a Hamming window: 3.3 over the width of the transition.
    taps = int(np.ceil(3.3 / width * 200)) // 2 * 2 + 1
    kernel = firwin(taps, cutoff, pass_zero=False, window="hamming", fs=200)
    expected = fftconvolve(recording.raw.get_data(), kernel[None], "same", axes=1)
    edge = taps // 2 + 1
    np.testing.assert_allclose(
        prepared.raw.get_data()[:, edge:-edge], expected[:, edge:-edge], atol=5e-8
    )
    assert prepared.raw.info["highpass"] == high_pass


def test_the_high_pass_comes_after_resampling(make_recording):
    recording = make_recording(sfreq=500.0, n_volumes=20)
    expected = recording.raw.copy().resample(200).filter(0.5, None).get_data()
    prepared = prepare_eeg(recording, high_pass=0.5)
    np.testing.assert_array_equal(prepared.raw.get_data(), expected)


def test_nothing_is_filtered_across_a_joint(make_recording):
    first, second = make_recording().raw, make_recording(seed=1).raw
    first._data += 1e-3
    joined = mne.concatenate_raws([first.copy(), second.copy()], verbose="error")
    prepared = prepare_eeg(Recording(joined, "01"), high_pass=0.5).raw.get_data()
    alone = prepare_eeg(Recording(second, "01"), high_pass=0.5).raw.get_data()
    np.testing.assert_allclose(prepared[:, first.n_times :], alone, atol=1e-12)


@pytest.mark.parametrize("description", ["EDGE boundary", "boundary", "New Segment/"])
@pytest.mark.parametrize("on_disk_too", [False, True])
def test_nothing_is_resampled_across_a_joint(
    description, on_disk_too, make_recording, tmp_path
):
    recording = make_recording(sfreq=250.0)
    raw = recording.raw
    raw._data[:, :5001] += 1e-3
    raw.annotations.append(5001 / 250, 0.0, description)
    expected = [
        prepare_eeg(Recording(part, "01"), 200.0).raw.get_data()
        for part in (
            raw.copy().crop(0, 5000 / 250),
            raw.copy().crop(5001 / 250),
        )
    ]
    cache_dir = None
    if on_disk_too:
        raw.save(tmp_path / "x_raw.fif", verbose="error")
        raw = mne.io.read_raw_fif(tmp_path / "x_raw.fif", verbose="error")
        cache_dir = tmp_path / "cache"
    prepared = prepare_eeg(Recording(raw, "01"), 200.0, cache_dir=cache_dir)
    np.testing.assert_allclose(
        prepared.raw.get_data(), np.concatenate(expected, axis=1), atol=1e-9
    )
    joint = expected[0].shape[1]
    assert joint_samples(prepared.raw).tolist() == [joint]
    seconds = recording.marker_samples() / 250
    after = seconds > 5001 / 250
    moved = np.where(after, seconds - 5001 / 250 + joint / 200, seconds)
    assert np.abs(prepared.marker_samples() / 200 - moved).max() <= 0.51 / 200
    assert description in prepared.raw.annotations.description


def test_a_pause_of_the_acquisition_is_not_filtered(make_recording):
    recording = make_recording()
    recording.raw._data[:, 4000:5000] = 1e-3
    recording.raw.annotations.append(20.0, 5.0, "BAD_ACQ_SKIP")
    prepared = prepare_eeg(recording, high_pass=0.5).raw.get_data()
    assert (prepared[:, 4000:5000] == 1e-3).all()
    assert np.abs(prepared[:, :4000]).max() < 1e-4


def test_a_recording_shorter_than_the_filter_is_an_error(make_recording):
    recording = make_recording(n_volumes=2, first=1.0)
    with pytest.raises(ValueError, match="at 0.5 Hz is 6.6 s long.* recording of 5.0 s"):
        prepare_eeg(recording, high_pass=0.5)
    assert prepare_eeg(recording, high_pass=2.0).raw.n_times == 1000
    joined = mne.concatenate_raws([recording.raw.copy(), recording.raw], verbose="error")
    with pytest.raises(ValueError, match="every part of it between joints"):
        prepare_eeg(Recording(joined, "01"), high_pass=0.5)


@pytest.mark.parametrize("high_pass", [0, -1, 100, np.nan])
def test_a_high_pass_out_of_range_is_an_error(make_recording, high_pass):
    with pytest.raises(ValueError, match="between 0 and half of the sampling rate, 100"):
        prepare_eeg(make_recording(), high_pass=high_pass)


@pytest.mark.parametrize("sfreq", [0, -200, np.inf])
def test_a_sampling_rate_out_of_range_is_an_error(make_recording, sfreq):
    with pytest.raises(ValueError, match="sfreq must be a (positive|finite) number"):
        prepare_eeg(make_recording(), sfreq=sfreq)


MASTOIDS = ["EEG Fz", "EEG Cz", "EEG TP9", "EEG TP10", "ECG"]


def test_the_average_is_that_of_the_channels_kept(make_recording):
    recording = make_recording(ch_names=MASTOIDS)
    kept = prepare_eeg(recording, channels=["Fz", "Cz"], reference="average").raw
    data = recording.raw.get_data(MASTOIDS[:2])
    np.testing.assert_allclose(kept.get_data(), data - data.mean(axis=0), atol=1e-18)
    everything = prepare_eeg(recording, reference="average").raw
    data = recording.raw.get_data(MASTOIDS[:4])
    np.testing.assert_allclose(everything.get_data(), data - data.mean(axis=0), atol=1e-18)


@pytest.mark.parametrize("sfreq", [200.0, 250.0])
def test_the_reference_need_not_be_among_the_channels(make_recording, sfreq, caplog):
    recording = make_recording(ch_names=MASTOIDS, sfreq=sfreq)
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        prepared = prepare_eeg(
            recording, channels=["cz", "Fz"], reference=["tp9.", "EEG TP10-REF"]
        )
    assert prepared.raw.ch_names == ["Cz", "Fz"]
    assert "referenced to TP9, TP10" in caplog.text
    data = recording.raw.get_data()
    expected = mne.io.RawArray(
        data[[1, 0]] - data[2:4].mean(axis=0),
        mne.create_info(["Cz", "Fz"], sfreq, "eeg"),
        verbose="error",
    ).resample(200)
    np.testing.assert_allclose(prepared.raw.get_data(), expected.get_data(), atol=1e-15)
    # By default they stay, against their own mean.
    both = prepare_eeg(recording, reference=["TP9", "TP10"]).raw
    assert both.ch_names == ["Fz", "Cz", "TP9", "TP10"]
    np.testing.assert_allclose(*(both.get_data(["TP9", "TP10"]) * [[1], [-1]]), atol=1e-18)


def test_a_single_reference_is_left_out(make_recording, caplog):
    recording = make_recording(ch_names=MASTOIDS)
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        prepared = prepare_eeg(recording, reference="CZ")
    assert prepared.raw.ch_names == ["Fz", "TP9", "TP10"]
    assert "Cz is the reference and left out" in caplog.text
    with pytest.raises(ValueError, match="Cz is flat when it is the reference"):
        prepare_eeg(recording, channels=["Fz", "Cz"], reference="Cz")
    with pytest.raises(ChannelNameError, match="no EEG channel but the reference Fz"):
        prepare_eeg(make_recording(ch_names=["Fz", "ECG"]), reference=["Fz"])


def test_a_reference_that_cannot_be_is_an_error(make_recording):
    recording = make_recording(ch_names=MASTOIDS)
    with pytest.raises(ChannelNameError, match="has no channel A1. It has Fz, Cz, TP9"):
        prepare_eeg(recording, reference=["TP9", "A1"])
    with pytest.raises(ChannelNameError, match="has no channel ECG"):
        prepare_eeg(recording, reference="ECG")
    with pytest.raises(ValueError, match="reference names no channel"):
        prepare_eeg(recording, reference=[])
    with pytest.raises(ValueError, match="at least 2 good channels, there are 1"):
        prepare_eeg(recording, channels=["Fz"], reference="average")


def test_a_reference_of_the_name_of_a_channel_kept_is_an_error(make_recording):
    recording = make_recording(ch_names=["Fz", "Cz", "EEG TP9", "TP9"])
    with pytest.raises(ChannelNameError, match="several channels are named TP9"):
        prepare_eeg(recording, reference="average")


def test_bad_channels_keep_their_reference(make_recording, caplog):
    recording = make_recording(ch_names=["Fz", "Cz", "Pz"])
    recording.raw.info["bads"] = ["Pz"]
    prepared = prepare_eeg(recording, reference="average").raw
    data = recording.raw.get_data()
    np.testing.assert_allclose(prepared.get_data()[:2], data[:2] - data[:2].mean(axis=0))
    np.testing.assert_array_equal(prepared.get_data()[2], data[2])
    assert "Pz, marked as bad, keeps the reference of the recording" in caplog.text
    prepare_eeg(recording, channels=["Fz", "Cz"], reference="Pz")
    assert "Pz, marked as bad, is part of the reference" in caplog.text


@settings(deadline=None, max_examples=15)
@given(
    amplitude=st.floats(-3e-4, 3e-4),
    reference=st.sampled_from(["average", "Cz", ("Cz", "Pz"), ("Fz", "Cz", "Pz")]),
)
def test_what_was_the_reference_before_does_not_matter(amplitude, reference):
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((3, 2000))
    common = amplitude * np.sin(np.arange(2000) / 30)

    def referenced(data):
        info = mne.create_info(["Fz", "Cz", "Pz"], 250.0, "eeg")
        raw = mne.io.RawArray(data, info, verbose="error")
        return prepare_eeg(Recording(raw, "01"), reference=reference).raw.get_data()

    np.testing.assert_allclose(referenced(data + common), referenced(data), atol=1e-15)


@pytest.fixture
def on_disk(make_recording, tmp_path):
    recording = make_recording(ch_names=MASTOIDS, sfreq=250.0)
    recording.raw.save(tmp_path / "eeg_raw.fif", verbose="error")
    return Recording(mne.io.read_raw(tmp_path / "eeg_raw.fif", verbose="error"), "01")


@pytest.mark.parametrize("sfreq", [200.0, 250.0])
def test_a_long_file_is_read_channel_by_channel(on_disk, sfreq, monkeypatch):
    loaded = []
    load_data = mne.io.BaseRaw.load_data

    def spy(self, *args, **kwargs):
        loaded.append(self.preload or len(self.ch_names))
        return load_data(self, *args, **kwargs)

    at_once = prepare_eeg(on_disk, sfreq, channels=["Cz", "TP9"])
    monkeypatch.setattr(mne.io.BaseRaw, "load_data", spy)
    monkeypatch.setattr(braindecode_bolt.eeg.prepare, "_AT_ONCE", 0)
    one_by_one = prepare_eeg(on_disk, sfreq, channels=["Cz", "TP9"])
    assert loaded == [True if sfreq == 200 else 2]
    assert one_by_one.raw.ch_names == ["Cz", "TP9"]
    assert one_by_one.raw.preload
    np.testing.assert_array_equal(one_by_one.raw.get_data(), at_once.raw.get_data())
    np.testing.assert_array_equal(one_by_one.marker_samples(), at_once.marker_samples())
    assert not on_disk.raw.preload


def test_projections_are_applied_before_channels_are_left_out(on_disk):
    raw = on_disk.raw
    raw.set_eeg_reference("average", projection=True, verbose="error")
    raw.apply_proj(verbose="error")
    prepared = prepare_eeg(Recording(raw, "01"), 250.0, channels=["Fz", "Cz"])
    data = raw.copy().load_data(verbose="error").get_data(MASTOIDS[:2])
    np.testing.assert_allclose(prepared.raw.get_data(), data, atol=1e-15)


@pytest.mark.parametrize("loaded", [True, False])
def test_the_recording_is_not_changed(on_disk, loaded):
    raw = on_disk.raw.load_data() if loaded else on_disk.raw
    raw.info["bads"] = ["EEG Fz"]
    raw.set_annotations(
        raw.annotations + mne.Annotations(3.0, 0.1, "BAD", ch_names=[["EEG Cz", "ECG"]])
    )
    before = raw.copy()
    prepared = prepare_eeg(on_disk, high_pass=1.0, reference=["TP9", "TP10"])
    assert prepared.raw.annotations.ch_names[0] == ("Cz",)
    assert raw.preload == loaded
    assert mne.utils.object_diff(raw.info, before.info) == ""
    assert raw.annotations == before.annotations
    assert (raw.first_samp, raw.last_samp) == (before.first_samp, before.last_samp)
    np.testing.assert_array_equal(raw.get_data(), before.get_data())


def test_joined_recordings_are_resampled_one_by_one(make_recording):
    pieces = [make_recording(sfreq=250.0, seed=seed).raw for seed in range(2)]
    pieces[1]._data += 1e-3
    expected = [piece.copy().resample(200).get_data() for piece in pieces]
    joined = mne.concatenate_raws(pieces, verbose="error")
    prepared = prepare_eeg(Recording(joined, "01")).raw.get_data()
    np.testing.assert_array_equal(prepared, np.concatenate(expected, axis=1))


def test_gradient_artifacts_in_the_result_are_warned_of(make_recording, caplog):
    recording = make_recording(n_volumes=40)
    prepare_eeg(recording)
    assert "gradient" not in caplog.text
    recording.raw._data += 2e-5 * np.tile(np.random.default_rng(1).standard_normal(400), 45)
    prepare_eeg(recording)
    assert "multiples of 0.5 Hz (volumes) is" in caplog.text


@pytest.mark.parametrize("channels", ["Cz", [], ()])
def test_channels_are_a_list(make_recording, channels):
    with pytest.raises(ChannelNameError, match="channels must be a list of names"):
        prepare_eeg(make_recording(), channels=channels)
