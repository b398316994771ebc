import logging
import os
from pathlib import Path

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braindecode_bolt import Recording, create_bold_windows, prepare_eeg
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.eeg.artifacts import (
    mark_artifacts,
    residual_artifacts,
    residual_gradient,
)

DATA = Path(
    os.environ.get("BRAINDECODE_BOLT_DATA", Path(__file__).parents[2] / "shared" / "data")
)
SFREQ = 200.0
CH_NAMES = ["Fz", "Cz", "Pz", "Oz"]


def noise(n_times, n_chans=4, seed=0):
    """EEG of a sort: noise of 10 microvolts whose power falls with frequency."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((n_chans, n_times)))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(n_times, 1 / SFREQ), 0.5))
    signal = np.fft.irfft(spectrum, n_times)
    return 1e-5 * signal / signal.std(axis=1, keepdims=True)


def record(data, tr=2.0, first=1.0, sfreq=SFREQ, n_volumes=None, ch_names=CH_NAMES):
    raw = mne.io.RawArray(data, mne.create_info(ch_names, sfreq, "eeg"), verbose="error")
    onsets = np.arange(first, data.shape[1] / sfreq, tr)[:n_volumes]
    onsets = np.round(onsets * sfreq) / sfreq
    raw.set_annotations(mne.Annotations(onsets, 0.0, ["R128"] * len(onsets)))
    return Recording(raw, "01")


def locked(n_times, tr=2.0, first=1.0, seed=1):
    """Give the same second of 15 to 60 Hz after each volume, of 1 at its peak."""
    shape = np.random.default_rng(seed).standard_normal(5000)
    shape = mne.filter.filter_data(shape, 1000.0, 15, 60, verbose="error")[2000:3000]
    shape *= np.hanning(1000) / np.abs(shape * np.hanning(1000)).max()
    phase = (np.arange(n_times) / SFREQ - first) % tr
    return np.interp(phase, np.arange(1000) / 1000, shape, right=0.0)


# Gradient artifacts


@pytest.mark.parametrize("tr", [0.8, 2.1, 2.5])
def test_simulated_eeg_is_clean(tr, caplog):
    for recording in SimulatedEEGfMRI(2, duration=120.0, tr=tr, n_runs=2).load():
        table = residual_gradient(recording)
        assert (table["note"] == "").all()
        assert not table["suspicious"].any()
        assert table.loc["volume", "median"] == pytest.approx(1, abs=0.25)
        assert table.loc["volume", "frequency"] == pytest.approx(1 / tr)
        prepare_eeg(recording)
    assert not [record for record in caplog.records if record.levelno > 20]


@pytest.mark.parametrize("files", ["eegmat/*_1.edf", "eegbci/*.edf"])
def test_real_eeg_from_outside_a_scanner_is_clean(files, caplog):
    found = sorted(DATA.glob(files))
    if not found:
        pytest.skip(f"the recordings {files} are not here")
    for file in found[:3]:
        raw = mne.io.read_raw_edf(file, verbose="error")
        onsets = np.arange(0.3, raw.times[-1], 2.1)
        raw.set_annotations(mne.Annotations(onsets, 0.0, ["R128"] * len(onsets)))
        prepared = prepare_eeg(Recording(raw, "01"))
        table = residual_gradient(prepared)
        assert (table["median"] < 1.5).all()
        assert (table["worst"] < 2.5).all()
    assert not [record for record in caplog.records if record.levelno > 20]


def test_gradient_artifacts_are_looked_for_between_joints():
    """A step, or another phase of the volumes, would hide their harmonics."""
    data = noise(48000) + 2e-5 * locked(48000)
    whole = residual_gradient(record(data))
    moved = np.concatenate([data[:, :24100], 5e-3 + data[:, 24000:]], axis=1)
    recording = record(moved)
    onsets = np.arange(1.0, 120.5, 2.0)
    onsets = np.append(onsets, np.arange(121.5, 240, 2.0))
    names = ["R128"] * len(onsets) + ["boundary"]
    recording.raw.set_annotations(mne.Annotations(np.append(onsets, 120.5), 0.0, names))
    found = residual_gradient(recording)
    assert found.loc["volume", "suspicious"]
    assert found.loc["volume", "median"] > 0.7 * whole.loc["volume", "median"]


def test_residue_is_warned_of_and_grows_with_its_amplitude(caplog):
    data = noise(24000)
    artifact = locked(24000) * np.array([[1.0], [0.5], [-1.0], [3.0]])
    medians = []
    for microvolts in (0, 5, 10, 20, 50):
        table = residual_gradient(record(data + 1e-6 * microvolts * artifact))
        medians.append(table.loc["volume", "median"])
        if microvolts >= 10:
            assert table.loc["volume", "suspicious"]
            assert table.loc["volume", "worst_channel"] == "Oz"
            assert f"is {medians[-1]:.3g} times that beside them" in caplog.text
    assert medians[0] < 1.3
    assert (np.diff(medians) > 0).all()
    # The excess goes with the power: four times for twice the amplitude.
    assert (medians[3] - 1) / (medians[2] - 1) == pytest.approx(4, rel=0.1)
    assert "multiples of 0.5 Hz (volumes)" in caplog.text
    assert "remove_fmri_gradient_artifact" in caplog.text


@settings(deadline=None, max_examples=15)
@given(
    tr=st.floats(0.7, 2.2),
    first=st.floats(0.1, 5.0),
    seed=st.integers(0, 1000),
    microvolts=st.sampled_from([0.0, 20.0]),
)
def test_any_repetition_time_will_do(tr, first, seed, microvolts):
    """Also one that is no whole number of samples: markers are rounded to samples."""
    n_times = round(SFREQ * (first + 45 * tr))
    data = noise(n_times, seed=seed)
    if microvolts:
        # Within the shortest TR.
        data = data + 1e-6 * microvolts * locked(n_times, tr, first, seed)
    found = residual_gradient(record(data, tr, first)).loc["volume"]
    assert found["suspicious"] == (microvolts > 0)
    assert found["frequency"] == pytest.approx(1 / tr, rel=1e-3)


def moved_slices(n_slices, seed=0):
    """Subtract templates from slice artifacts that change from volume to volume."""
    n_volumes, tr = 70, 2.0
    period = round(tr * SFREQ)
    times = np.arange(n_volumes * period) / SFREQ
    rng = np.random.default_rng(seed)
    comb = sum(
        np.cos(2 * np.pi * k * n_slices / tr * times + k) for k in range(1, 99)
        if k * n_slices / tr < 95
    )  # fmt: skip
    gain = np.repeat(np.cumsum(rng.standard_normal(n_volumes)), period)
    recording = record(noise(len(times)) + 2e-6 * comb * gain, tr, first=0.0)
    events = np.arange(0, len(times), period)
    corrected = mne.preprocessing.remove_fmri_gradient_artifact(
        recording.raw, events, verbose="error"
    )
    # The first and last volumes are not corrected.
    return Recording(corrected.crop(5 * tr, times[-1] - 5 * tr), "01")


@pytest.mark.parametrize("n_slices", [20, 31])
def test_what_subtraction_misses_is_seen_at_the_slices(n_slices, caplog):
    recording = moved_slices(n_slices)
    table = residual_gradient(recording)
    assert table.loc["volume", "median"] < 0.5
    assert not table.loc["volume", "suspicious"]
    assert table.loc["slice", "suspicious"]
    assert table.loc["slice", "frequency"] == pytest.approx(n_slices / 2)
    assert f"multiples of {n_slices / 2:.3g} Hz (slices) is" in caplog.text
    given_number = residual_gradient(recording, n_slices).loc["slice"]
    assert given_number["median"] == table.loc["slice", "median"]
    other = residual_gradient(recording, n_slices + 6).loc["slice"]
    assert not other["suspicious"]


def test_mains_and_a_pump_are_no_gradient_artifacts(caplog):
    times = np.arange(24000) / SFREQ
    data = noise(24000)
    # 50 Hz is a harmonic of 1/TR, and so is that of the pump.
    data += 5e-5 * np.sin(2 * np.pi * 50 * times) + 1e-6 * np.sin(2 * np.pi * 43 * times)
    table = residual_gradient(record(data))
    assert table.loc["volume", "median"] < 30
    assert not table.loc["slice", "suspicious"]
    clean = noise(24000) + 5e-5 * np.sin(2 * np.pi * 50 * times)
    caplog.clear()
    assert not residual_gradient(record(clean))["suspicious"].any()
    assert not [record for record in caplog.records if record.levelno > 20]


def test_what_a_low_pass_has_taken_away_does_not_count():
    recording = record(noise(24000) + 2e-5 * locked(24000))
    assert residual_gradient(recording).loc["volume", "median"] > 3
    data = mne.filter.filter_data(noise(24000), SFREQ, None, 12, verbose="error")
    remains = record(data + 3e-8 * locked(24000))
    assert residual_gradient(remains).loc["volume", "worst"] < 1.3


def test_a_break_in_the_scan_does_not_hide_the_residue():
    artifact = 2e-5 * locked(24000)
    # After a break the scanner starts anew, out of step, at 63.3 s.
    shifted = np.concatenate([artifact[:12000], artifact[11340:23340]])
    recording = record(noise(24000) + shifted)
    onsets = np.r_[np.arange(1, 60, 2.0), np.arange(63.3, 120, 2.0)]
    markers = mne.Annotations(onsets, 0.0, ["R128"] * len(onsets))
    recording.raw.set_annotations(markers)
    table = residual_gradient(recording)
    assert table.loc["volume", "frequency"] == pytest.approx(0.5)
    assert table.loc["volume", "suspicious"]


@pytest.mark.parametrize("dated", [True, False])
def test_only_the_time_of_the_scan_counts(dated):
    data = noise(36000)
    # Something that repeats with the volumes, but before the first and after the last.
    outside = 1e-4 * locked(36000)
    outside[5000:29000] = 0
    recording = record(data + outside, first=30.0, n_volumes=58)
    if dated:
        recording.raw.set_meas_date(1e9)
    recording.raw.crop(10.0)
    found = residual_gradient(recording)
    expected = residual_gradient(record(data[:, 5000:29000], first=5.0, n_volumes=58))
    np.testing.assert_allclose(found["median"], expected["median"])


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (record(noise(24000), n_volumes=0), "it has no volume markers"),
        (record(noise(24000), n_volumes=1), "1 volume in 0 s, at least 32 are needed"),
        (record(noise(24000), n_volumes=31), "31 volumes in 60 s, at least 32"),
        (record(noise(800), tr=0.02, first=0.0), "at a TR of 0.02 s the EEG holds 1 harm"),
    ],
)
def test_what_cannot_be_checked_is_said(recording, reason, caplog):
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        table = residual_gradient(recording)
        prepare_eeg(recording)
    assert table["median"].isna().all()
    assert not table["suspicious"].any()
    assert all(reason in note for note in table["note"])
    # Once for both kinds, by each call.
    assert caplog.text.count(f"volume and slice artifacts not checked: {reason}") == 2
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_too_low_a_rate_for_slices_is_said():
    data = mne.filter.resample(noise(24000), down=8, verbose="error")
    table = residual_gradient(record(data, sfreq=25.0), n_slices=30)
    assert table.loc["volume", "note"] == ""
    assert "enough harmonics between" in table.loc["slice", "note"]


def test_bad_channels_do_not_count_and_bad_values_are_an_error():
    data = noise(24000)
    data[2] += 1e-4 * locked(24000)
    recording = record(data)
    assert residual_gradient(recording).loc["volume", "worst_channel"] == "Pz"
    recording.raw.info["bads"] = ["Pz"]
    assert not residual_gradient(recording)["suspicious"].any()
    recording.raw._data[1, 5000] = np.nan
    with pytest.raises(ValueError, match="channel Cz holds NaN"):
        residual_gradient(recording)
    recording.raw.info["bads"] = CH_NAMES
    with pytest.raises(ChannelNameError, match="no good EEG channel among Fz, Cz"):
        residual_gradient(recording)
    with pytest.raises(ValueError, match="n_slices must be at least 1, got 0"):
        residual_gradient(recording, n_slices=0)


def test_a_file_need_not_be_loaded(tmp_path):
    recording = record(noise(24000) + 2e-5 * locked(24000))
    recording.raw.save(tmp_path / "eeg_raw.fif", verbose="error")
    raw = mne.io.read_raw_fif(tmp_path / "eeg_raw.fif", verbose="error")
    found = residual_gradient(Recording(raw, "01"))
    expected = residual_gradient(recording)
    np.testing.assert_allclose(found["median"], expected["median"], rtol=1e-3)
    assert not raw.preload


# Pulse artifacts


def with_ecg(microvolts=0.0, seconds=120, ecg="ECG", kind="misc", seed=0):
    """EEG with a wave of 50 ms at 200 ms after each heartbeat, and the ECG."""
    rng = np.random.default_rng(seed)
    n_times = round(seconds * SFREQ)
    beats = np.cumsum(rng.normal(0.85, 0.06, round(seconds / 0.85) - 2))
    times = np.arange(n_times) / SFREQ
    bump = np.exp(-0.5 * ((times[None] - beats[:, None]) / 0.015) ** 2).sum(axis=0)
    wave = np.exp(-0.5 * ((times[None] - beats[:, None] - 0.2) / 0.05) ** 2).sum(axis=0)
    data = noise(n_times, 3, seed) + 1e-6 * microvolts * wave
    data = np.concatenate([data, [1e-3 * bump + 1e-5 * rng.standard_normal(n_times)]])
    info = mne.create_info(["Fz", "Cz", "Pz", ecg], SFREQ, ["eeg"] * 3 + [kind])
    return Recording(mne.io.RawArray(data, info, verbose="error"), "01"), wave


def test_the_pulse_artifact_is_its_share_of_the_variance(caplog):
    clean, wave = with_ecg()
    found = residual_artifacts(clean).loc["pulse"]
    assert found["note"] == ""
    assert abs(found["median"]) < 0.004
    assert found["frequency"] == pytest.approx(1 / 0.85, rel=0.05)
    assert not [record for record in caplog.records if record.levelno > 20]
    shares = []
    for microvolts in (5, 20, 50):
        recording, wave = with_ecg(microvolts)
        found = residual_artifacts(recording).loc["pulse"]
        # All variance is that of the noise and of the wave, between 1 and 30 Hz.
        parts = [recording.raw.get_data("Cz")[0] - 1e-6 * microvolts * wave]
        parts.append(1e-6 * microvolts * wave)
        powers = [
            mne.filter.filter_data(part, SFREQ, 1, 30, verbose="error").var()
            for part in parts
        ]
        shares.append(powers[1] / sum(powers))
        assert found["median"] == pytest.approx(shares[-1], abs=0.1)
        assert found["suspicious"] == (microvolts >= 20)
    assert "of the variance is the same after each heartbeat" in caplog.text
    assert shares[0] < 0.1 < shares[1]


@pytest.mark.parametrize(
    ("name", "kind", "chosen"),
    [("ECG ECG", "eeg", None), ("EKG1", "misc", None), ("AUX7", "ecg", None)]
    + [("AUX7", "misc", "AUX7")],
)
def test_the_ecg_is_found_by_type_and_name(name, kind, chosen):
    recording, _ = with_ecg(ecg=name, kind=kind)
    assert residual_artifacts(recording, ecg_channel=chosen)["note"]["pulse"] == ""


def test_without_heartbeats_the_pulse_is_not_checked():
    recording, _ = with_ecg()
    without = Recording(recording.raw.copy().pick(["Fz", "Cz"]), "01")
    assert "no channel of type ECG" in residual_artifacts(without)["note"]["pulse"]
    with pytest.raises(ChannelNameError, match="has no channel Heart. It has Fz, Cz"):
        residual_artifacts(without, ecg_channel="Heart")
    short = Recording(recording.raw.copy().crop(0, 20), "01")
    assert "20 s are too short" in residual_artifacts(short)["note"]["pulse"]
    short = Recording(recording.raw.copy().crop(0, 45), "01")
    assert "at least 60 and 70% are needed" in residual_artifacts(short)["note"]["pulse"]
    white = np.random.default_rng(0).standard_normal(recording.raw.n_times)
    for no_ecg in (1e-5 * white, 0.0, np.nan):
        recording.raw._data[3] = no_ecg
        note = residual_artifacts(recording)["note"]["pulse"]
        assert "heartbeats were found in ECG" in note


def test_nan_is_an_error_for_the_pulse():
    recording, _ = with_ecg()
    recording.raw._data[1, 100] = np.nan
    with pytest.raises(ValueError, match="channel Cz holds NaN"):
        residual_artifacts(recording)


def test_the_table_has_all_three_artifacts():
    recording, _ = with_ecg(50)
    onsets = np.arange(1, 119, 2.0)
    recording.raw.set_annotations(mne.Annotations(onsets, 0.0, ["R128"] * len(onsets)))
    table = residual_artifacts(recording)
    assert table.index.tolist() == ["volume", "slice", "pulse"]
    assert table["suspicious"].tolist() == [False, False, True]
    assert (table["worst"] >= table["median"]).all()


# Spans


def spans(raw, kind):
    """Samples of the annotations of a kind: first and one beyond the last."""
    sfreq = raw.info["sfreq"]
    return [
        (
            round((onset - raw.first_time) * sfreq),
            round((onset + d - raw.first_time) * sfreq),
        )
        for onset, d, text in zip(
            raw.annotations.onset,
            raw.annotations.duration,
            raw.annotations.description,
            strict=True,
        )
        if text == kind
    ]


@settings(deadline=None, max_examples=20)
@given(
    jump=st.integers(10, 4000),
    flat=st.integers(4200, 7000),
    length=st.integers(30, 200),
    crop=st.integers(0, 500),
    dated=st.booleans(),
)
def test_spans_are_where_they_are(jump, flat, length, crop, dated):
    data = noise(10000)
    recording = record(data)
    if dated:
        recording.raw.set_meas_date(1e9)
    recording.raw.crop(crop / SFREQ)
    data = recording.raw._data
    data[1, jump:] += 5e-4
    data[2, flat : flat + length] = data[2, flat + length] + 1e-5
    data[2, flat - 1] = data[2, flat] + 1e-5
    marked = mark_artifacts(recording).raw
    # One difference is too large, length - 1 are zero.
    assert spans(marked, "BAD_peak") == [(jump - 1, jump)]
    assert spans(marked, "BAD_flat") == [(flat, flat + length - 1)]


@pytest.mark.parametrize("joint", ["EDGE boundary", "boundary", "BAD_ACQ_SKIP"])
def test_the_step_at_a_joint_is_no_artifact(joint):
    recording = record(noise(10000))
    raw = recording.raw
    length = 100 if joint == "BAD_ACQ_SKIP" else 0
    raw._data[:, 4000:] += 1e-3  # The amplifier was started again.
    raw._data[1, 7000:] += 1e-3
    raw.annotations.append(4000 / SFREQ, length / SFREQ, joint)
    assert spans(mark_artifacts(recording).raw, "BAD_peak") == [(6999, 7000)]
    # A jump beside it is one all the same.
    raw._data[1, 3999] -= 1e-3
    marked = spans(mark_artifacts(recording).raw, "BAD_peak")
    assert marked == [(3998, 3999), (6999, 7000)]


def test_bold_and_data_survive(make_recording, caplog):
    recording = make_recording()
    recording.raw._data[0, 3000] += 1e-3
    before = recording.raw.copy()
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        marked = mark_artifacts(recording)
    assert "marked BAD_peak 0.01 s (0.02%), BAD_flat 0.00 s (0.00%)" in caplog.text
    assert marked.bold.equals(recording.bold)
    np.testing.assert_array_equal(marked.marker_samples(), recording.marker_samples())
    assert not np.shares_memory(marked.raw._data, recording.raw._data)
    assert recording.raw.annotations == before.annotations
    assert recording.raw.info["bads"] == []
    # The window of 4 s before a volume touches the jump at 15 s.
    volumes = create_bold_windows([recording], 4.0).metadata["volume"]
    left = create_bold_windows([marked], 4.0).metadata["volume"]
    onsets = 10 + 2.0 * np.arange(20)
    touched = np.flatnonzero((onsets - 4 <= 15) & (onsets > 15))
    assert sorted(set(volumes) - set(left)) == touched.tolist()


def test_a_channel_full_of_artifacts_is_bad(make_recording, caplog):
    recording = make_recording(ch_names=["Fz", "Cz", "Pz", "ECG"])
    data = recording.raw._data
    data[1] = 3e-6
    data[2, ::15] += 1e-3
    data[3] = 0
    recording.raw.info["bads"] = ["Fz"]
    marked = mark_artifacts(recording)
    assert marked.raw.info["bads"] == ["Fz", "Pz", "Cz"]
    assert recording.raw.info["bads"] == ["Fz"]
    assert "2 channels marked as bad, instead of single spans: Pz, Cz" in caplog.text
    assert not spans(marked.raw, "BAD_peak") + spans(marked.raw, "BAD_flat")
    lenient = mark_artifacts(recording, bad_percent=100, flat=None).raw
    assert lenient.info["bads"] == ["Fz"]
    assert len(spans(lenient, "BAD_peak")) > 100


def test_a_file_is_marked_without_being_loaded(tmp_path):
    recording = record(noise(10000))
    recording.raw._data[1, 777:] += 5e-4
    recording.raw.save(tmp_path / "eeg_raw.fif", verbose="error")
    raw = mne.io.read_raw_fif(tmp_path / "eeg_raw.fif", verbose="error")
    marked = mark_artifacts(Recording(raw, "01")).raw
    assert spans(marked, "BAD_peak") == [(776, 777)]
    assert not marked.preload


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"peak": 0}, "peak must be positive or None, got 0"),
        ({"flat": -1.0}, "flat must be positive or None, got -1"),
        ({"flat_seconds": 0}, "between 0 and the 50.0 s of the recording, got 0"),
        ({"flat_seconds": 50}, "between 0 and the 50.0 s of the recording, got 50"),
        ({"bad_percent": 101}, "between 0 and 100, got 101"),
    ],
)
def test_arguments_out_of_range_are_errors(make_recording, arguments, message):
    with pytest.raises(ValueError, match=message):
        mark_artifacts(make_recording(), **arguments)


def test_nothing_looked_for_is_nothing_marked(make_recording, caplog):
    recording = make_recording()
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        marked = mark_artifacts(recording, peak=None, flat=None)
    assert marked.raw.annotations == recording.raw.annotations
    assert "marked nothing" in caplog.text
