import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braindecode_bolt import Recording, prepare_eeg
from braindecode_bolt.eeg import check_signal

#: Factor from microvolts, and what the message says.
UNITS = {
    "volts": (1e-6, r"in volts, multiply by 1e6"),
    "millivolts": (1e-3, "in millivolts, multiply by 1000"),
    "0.1 mV": (1e-2, "in 0.1 millivolts, multiply by 100"),
    "0.01 uV": (1e2, "in 0.01 microvolts, divide by 100. If they are microvolts, grad"),
    "nanovolts": (1e3, "in nanovolts, divide by 1000"),
    "picovolts": (1e6, r"in picovolts.*divide by 1e6"),
}
CH_NAMES = ["Fz", "Cz", "Pz", "Oz"]


def eeg(amplitude=14.0, n_times=4000):
    """Noise of a median absolute amplitude in microvolts, shape (4, n_times)."""
    rng = np.random.default_rng(0)
    return amplitude / 0.6745 * rng.standard_normal((4, n_times))


def check_windows(data):
    check_signal(data.reshape(4, 4, -1).swapaxes(0, 1), "X", CH_NAMES)


def check_recording(data):
    info = mne.create_info(CH_NAMES, 200.0, "eeg")
    prepare_eeg(Recording(mne.io.RawArray(data * 1e-6, info, verbose="error"), "X"))


WAYS = pytest.mark.parametrize("check", [check_windows, check_recording])


@WAYS
@pytest.mark.parametrize("amplitude", [3.3, 14.0, 36.0])
@pytest.mark.parametrize("unit", UNITS)
def test_another_unit_is_refused_with_the_right_factor(check, unit, amplitude):
    """Amplitudes are those of the quietest and the largest of 14 real recordings."""
    factor, message = UNITS[unit]
    check(eeg(amplitude))
    if unit == "0.01 uV" and amplitude < 5:
        pytest.skip("such EEG, high-passed and re-referenced, could be microvolts")
    with pytest.raises(ValueError, match=message if 5 < amplitude < 30 else "expected 0.6"):
        check(factor * eeg(amplitude))


@WAYS
@pytest.mark.parametrize("unit", UNITS)
def test_one_channel_in_another_unit_is_refused(check, unit):
    factor, message = UNITS[unit]
    data = eeg()
    data[2] *= factor
    with pytest.raises(ValueError, match=f"1 of 4 channels.*Pz has .*{message[:20]}"):
        check(data)


@WAYS
def test_offsets_and_slow_drifts_do_not_matter(check):
    data = eeg(n_times=12800)
    check(data + 30_000)
    check(data + np.linspace(0, 2000, data.shape[1]))


@settings(deadline=None, max_examples=30)
@given(exponent=st.integers(-8, 9), bad=st.integers(0, 3))
def test_arrays_and_recordings_are_judged_alike(exponent, bad):
    data = eeg()
    data[bad] *= 10.0**exponent
    verdicts = []
    for check in (check_windows, check_recording):
        try:
            check(data)
            verdicts.append("")
        except ValueError as error:
            verdicts.append(str(error).split("multiply")[-1].split("divide")[-1])
    assert verdicts[0] == verdicts[1]


def test_what_cannot_be_a_signal_names_the_channel():
    windows = eeg().reshape(4, 4, -1).swapaxes(0, 1).copy()
    windows[:, 1] = 0
    with pytest.raises(ValueError, match="channel number 1 is flat"):
        check_signal(windows, "X")
    with pytest.raises(ValueError, match="channel Cz is flat"):
        check_signal(windows, "X", CH_NAMES)
    windows[0, 2, 5] = np.inf
    with pytest.raises(ValueError, match="X has 1 NaN or infinite values"):
        check_signal(windows, "X")
