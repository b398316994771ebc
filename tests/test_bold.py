import numpy as np
import pandas as pd
import pytest
from scipy.signal import butter, sosfreqz

from braindecode_bolt import Recording, attach_bold, prepare_bold
from braindecode_bolt.bold import repetition_time
from braindecode_bolt.markers import MarkerError


def test_slow_fluctuations_pass_and_fast_ones_do_not(make_raw):
    times = 2.0 * np.arange(300)
    table = pd.DataFrame(
        {"slow": np.sin(2 * np.pi * 0.03 * times), "fast": np.sin(2 * np.pi * 0.22 * times)}
    )
    recording = Recording(attach_bold(make_raw(300, first=0.0), table + 5), "01")
    prepared = prepare_bold(recording).bold
    middle = slice(30, -30)
    np.testing.assert_allclose(prepared["slow"][middle], table["slow"][middle], atol=0.05)
    _, gain = sosfreqz(butter(5, 0.15, fs=0.5, output="sos"), [0.22], fs=0.5)
    assert prepared["fast"][middle].abs().max() < 2 * np.abs(gain[0]) ** 2 + 0.02
    np.testing.assert_allclose(prepared.mean(), 0, atol=1e-12)


def test_without_low_pass_only_the_mean_goes(make_recording):
    recording = make_recording()
    prepared = prepare_bold(recording, low_pass=None)
    expected = recording.bold - recording.bold.mean()
    np.testing.assert_allclose(prepared.bold, expected, atol=1e-15)


def test_a_long_repetition_time_needs_no_filter(make_recording):
    recording = make_recording(tr=4.0)
    np.testing.assert_allclose(
        prepare_bold(recording).bold, recording.bold - recording.bold.mean(), atol=1e-15
    )


def test_simulated_truth_is_prepared_alike(recordings):
    for recording in recordings:
        assert abs(recording.table("noiseless").to_numpy().mean()) < 1e-12
        assert recording.ceiling.to_numpy().min() > 0.5


def test_what_cannot_be_filtered_is_an_error(make_recording, make_raw, make_bold):
    with pytest.raises(ValueError, match="has 12 volumes; the low-pass filter needs"):
        prepare_bold(make_recording(n_volumes=12))
    raw = make_raw(40, duration=95.0)
    raw.annotations.onset[25:] += 1.0
    recording = Recording(attach_bold(raw, make_bold(40)), "01")
    with pytest.raises(MarkerError, match="first after volume 24"):
        prepare_bold(recording)
    with pytest.raises(MarkerError, match="carries no BOLD"):
        prepare_bold(Recording(make_raw(20), "01"))


def test_repetition_time_is_measured(make_recording):
    assert repetition_time(make_recording(tr=2.1)) == pytest.approx(2.1)
    with pytest.raises(MarkerError, match="1 volumes; at least 2"):
        repetition_time(make_recording(n_volumes=1))
