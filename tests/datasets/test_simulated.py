import mne
import numpy as np
import pytest
from nilearn.glm.first_level import glover_hrf

from braindecode_bolt import create_bold_windows, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.datasets.coupling.bold import Component, couple
from braindecode_bolt.datasets.coupling.responses import RATE, hrf_kernel
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.linear import LaggedBandPower
from braindecode_bolt.metrics import noise_ceiling, pearson_r


def test_recordings_are_as_ordered():
    simulated = SimulatedEEGfMRI(
        2, duration=50.0, tr=1.5, ch_names=["EEG Oz", "CZ"], rois=["A", "B", "C"], n_runs=2
    )
    recordings = simulated.load()
    assert [(r.subject, r.run) for r in recordings] == [
        ("01", "1"),
        ("01", "2"),
        ("02", "1"),
        ("02", "2"),
    ]
    first = recordings[0]
    assert first.raw.ch_names == ["Oz", "Cz"] and first.raw.info["sfreq"] == 200
    assert first.bold.shape == (33, 3) and list(first.bold) == ["A", "B", "C"]
    np.testing.assert_array_equal(np.diff(first.marker_samples()), 300)
    assert 1 < 1e6 * np.median(np.abs(first.raw.get_data())) < 50


def test_the_seed_decides():
    def made(seed):
        return SimulatedEEGfMRI(1, duration=20.0, random_state=seed).load()[0]

    np.testing.assert_array_equal(made(1).raw.get_data(), made(1).raw.get_data())
    np.testing.assert_array_equal(made(1).bold, made(1).bold)
    assert np.abs(made(1).raw.get_data() - made(2).raw.get_data()).max() > 1e-6


def test_alpha_is_largest_over_the_occiput():
    """The sphere model carries each rhythm to where its dipole lies."""
    names = ["Fz", "C4", "Oz"]
    raw = SimulatedEEGfMRI(1, duration=120.0, ch_names=names).load()[0].raw
    spectrum = raw.compute_psd(fmin=2, fmax=30, n_fft=400, verbose="error")
    power, frequency = spectrum.get_data(return_freqs=True)

    def peak_over(low, high):
        band = (frequency >= low) & (frequency <= high)
        floor = np.median(power[:, (frequency > 29)], axis=1)
        return names[int(np.argmax(power[:, band].mean(axis=1) / floor))]

    assert peak_over(8, 12) == "Oz"
    assert peak_over(4, 7) == "Fz"
    assert peak_over(16, 27) == "C4"


def test_the_default_ceiling_is_moderate_and_both_agree():
    for seed in range(3):
        recordings = map(prepare_bold, SimulatedEEGfMRI(random_state=seed).load())
        ceilings = [recording.ceiling.mean() for recording in recordings]
        full = np.mean([ceiling["full"] for ceiling in ceilings])
        window = np.mean([ceiling["window"] for ceiling in ceilings])
        assert 0.45 < full < 0.8
        # Nearly all of the response lies within 16 s.
        assert full - 0.05 < window < full + 0.01


def test_a_short_window_lowers_its_ceiling():
    def window_ceiling(seconds):
        simulated = SimulatedEEGfMRI(2, duration=200.0, window_seconds=seconds)
        return np.mean([r.ceiling["window"].mean() for r in simulated.load()])

    assert window_ceiling(2.0) < 0.75 * window_ceiling(16.0)


def test_ridge_rises_with_the_coupling():
    """At chance without one; towards the ceiling with a strong one."""
    r, ceilings = [], []
    for snr in (0.0, 0.7, 5.0):
        simulated = SimulatedEEGfMRI(4, duration=200.0, snr=snr)
        windows = create_bold_windows(map(prepare_bold, simulated.load()))
        test = windows.groups == "04"
        ridge = LaggedBandPower().fit(windows.X[~test], windows.y[~test])
        r.append(pearson_r(windows.y[test], ridge.predict(windows.X[test])).mean())
        ceilings.append(noise_ceiling(windows)["noise_ceiling"].mean())
    assert abs(r[0]) < 0.2 and abs(ceilings[0]) < 0.15
    assert r[0] + 0.2 < r[1] < r[2]
    assert r[1] > 0.6 * ceilings[1] and r[2] > 0.6 * ceilings[2]


def test_bold_follows_the_amplitudes_through_the_response():
    """An impulse of alpha appears in the BOLD as the region's response."""
    amplitudes = np.zeros((3, 900))
    amplitudes[1, 100] = 1.0
    times = np.arange(0, 90, 1.0)
    noise = np.zeros((90, 1))
    kernel = hrf_kernel("Thalamus")
    follows = Component([(0.0, amplitudes)], np.array([[0.3, 0.9, 0.3]]), kernel[None])
    tables = couple([follows], times, ["Thalamus"], np.inf, noise, 16.0)
    expected = np.interp(times, 10 + np.arange(len(kernel)) / RATE, kernel, left=0, right=0)
    measured = tables["bold"]["Thalamus"].to_numpy()
    assert np.corrcoef(measured, expected)[0, 1] > 0.999
    assert 13 <= times[np.argmax(measured)] <= 17


def test_a_region_without_departures_has_glovers_response():
    kernel = hrf_kernel("Thalamus")
    plain = glover_hrf(t_r=1 / RATE, oversampling=1)
    assert kernel.sum() == pytest.approx(1)
    assert np.corrcoef(kernel, plain)[0, 1] > 0.9
    assert not np.allclose(hrf_kernel("Putamen"), kernel)
    np.testing.assert_array_equal(hrf_kernel("any other"), hrf_kernel("any other"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"snr": -1}, "snr must be zero or more"),
        ({"tr": 0}, "tr must be positive"),
        ({"rois": ["A", "A"]}, "different region names"),
        ({"rois": []}, "different region names"),
        ({"n_subjects": 0}, "at least 1"),
        ({"duration": 3.0}, "two repetition times"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        SimulatedEEGfMRI(**arguments).load()


def test_electrodes_need_a_position():
    with pytest.raises(ChannelNameError, match="No position is known for E17"):
        SimulatedEEGfMRI(1, ch_names=["Cz", "E17"]).load()


def test_recordings_are_plain_mne_objects(tmp_path):
    recording = SimulatedEEGfMRI(1, duration=20.0).load()[0]
    recording.raw.save(tmp_path / "sub-01_eeg.fif", verbose="error")
    raw = mne.io.read_raw(tmp_path / "sub-01_eeg.fif", verbose="error")
    assert raw.annotations.extras[0]["bold:Thalamus"] == recording.bold["Thalamus"][0]
