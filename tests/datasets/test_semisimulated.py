import mne
import numpy as np
import pandas as pd
import pytest

from braindecode_bolt import Recording, create_bold_windows, prepare_bold, prepare_eeg
from braindecode_bolt.datasets import SemiSimulatedEEGfMRI, simulate_bold
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.metrics import noise_ceiling

ROIS = ["Thalamus", "Cuneus"]


@pytest.fixture
def eeg(make_raw):
    raw = make_raw(0, ch_names=["Fz", "Cz", "Pz", "O1", "O2"], duration=300.0)
    return prepare_eeg(Recording(raw, "01")).raw


def test_bold_follows_the_amplitude_of_the_rhythms(eeg):
    """A burst of occipital alpha raises the thalamus and lowers the cuneus."""
    times = eeg.times
    burst = 3e-5 * np.sin(2 * np.pi * 10 * times) * ((times > 150) & (times < 165))
    eeg._data[3:] += burst
    bold = Recording(simulate_bold(eeg, rois=ROIS, snr=np.inf), "01").bold
    at_burst = round(163 / 2.1)
    assert abs(bold["Thalamus"].idxmax() - at_burst) <= 3
    assert abs(bold["Cuneus"].idxmin() - at_burst) <= 3


def test_the_ceiling_is_that_of_the_ratio(eeg):
    for snr in (0.25, 1.0, 4.0):
        recording = Recording(simulate_bold(eeg, rois=ROIS, snr=snr), "01")
        expected = np.sqrt(snr / (1 + snr))
        assert recording.ceiling["full"].mean() == pytest.approx(expected, abs=0.12)
    windows = create_bold_windows([prepare_bold(recording)])
    assert noise_ceiling(windows)["noise_ceiling"].mean() > 0.8


def test_the_eeg_is_not_touched(eeg):
    before = eeg.get_data().copy()
    n_annotations = len(eeg.annotations)
    simulated = simulate_bold(eeg)
    np.testing.assert_array_equal(simulated.get_data(), before)
    assert len(eeg.annotations) == n_annotations


def test_no_response_crosses_a_joint(eeg):
    """A burst right before a joint does not show in the BOLD after it."""
    times = eeg.times
    burst = 3e-5 * np.sin(2 * np.pi * 10 * times) * ((times > 140) & (times < 150))
    eeg._data[3:] += burst
    after = np.arange(0.0, times[-1], 2.1) >= 150

    def thalamus(raw):
        simulated = Recording(simulate_bold(raw, rois=ROIS, snr=np.inf), "01")
        return simulated.bold["Thalamus"].to_numpy()[after][:8]

    assert thalamus(eeg).max() > 3
    joined = eeg.copy()
    joined.annotations.append(150.0, 0.0, "boundary")
    # And one too short to measure an amplitude in.
    joined.annotations.append(299.5, 0.0, "boundary")
    assert np.abs(thalamus(joined)).max() < 1


def test_old_volume_markers_are_replaced(make_recording):
    raw = make_recording(ch_names=["Oz", "Cz", "Fz"], n_volumes=60).raw
    raw = prepare_eeg(Recording(raw, "01")).raw
    recording = Recording(simulate_bold(raw, tr=3.0, rois=ROIS), "01")
    np.testing.assert_array_equal(np.diff(recording.marker_samples()), 600)
    assert list(recording.bold) == ROIS


@pytest.mark.parametrize("dated", [False, True])
def test_cropped_recordings_are_marked_from_their_first_sample(eeg, dated):
    if dated:
        eeg.set_meas_date(1e9)
    recording = Recording(simulate_bold(eeg.copy().crop(7.3)), "01")
    assert recording.marker_samples()[:3].tolist() == [0, 420, 840]


def test_real_bold_can_be_the_noise(eeg):
    rng = np.random.default_rng(0)
    noise = pd.DataFrame(rng.standard_normal((575, 5)), columns=list("ABCDE"))
    noise["Thalamus"], noise["Cuneus"] = np.arange(575.0), np.arange(575.0) ** 2
    silent = Recording(simulate_bold(eeg, rois=ROIS, snr=0.0, noise=noise), "01").bold
    # With no coupling the BOLD is a stretch of the noise, matched by name.
    assert np.corrcoef(silent["Thalamus"], np.arange(len(silent)))[0, 1] > 0.999
    # However its apostrophe is written, in the table or in the arguments.
    for mine, theirs in ("'’", "’'", "‘ʼ"):
        gyrus = f"Heschl{mine}s gyrus"
        table = noise.assign(**{f"Heschl{theirs}s gyrus": np.arange(575.0) ** 3})
        raw = simulate_bold(eeg, rois=["Cuneus", gyrus], snr=0.0, noise=table)
        cubed = Recording(raw, "01").bold[gyrus]
        assert (np.diff(cubed, 2) > 0).all()
    other = simulate_bold(eeg, rois=["X", "Y"], snr=0.0, noise=noise, random_state=3)
    assert Recording(other, "01").bold.shape == silent.shape
    with pytest.raises(ValueError, match="has 50 volumes x 7 regions; at least"):
        simulate_bold(eeg, rois=ROIS, noise=noise.iloc[:50])
    noise["Cuneus"] = 1.0
    with pytest.raises(ValueError, match="constant or not finite"):
        simulate_bold(eeg, rois=ROIS, noise=noise)


def test_what_cannot_be_simulated_is_an_error(eeg):
    with pytest.raises(ValueError, match="at least two volumes"):
        simulate_bold(eeg.copy().crop(0, 2.0), tr=2.1)
    info = mne.create_info(["Cz"], 200.0, "eeg")
    bare = mne.io.RawArray(eeg.get_data([0]), info, verbose="error")
    with pytest.raises(ChannelNameError, match="No electrode has a position"):
        simulate_bold(bare)
    with pytest.raises(ValueError, match="snr must be"):
        simulate_bold(eeg, snr=-0.1)


def test_electrodes_of_a_dense_net_are_named_by_position(make_raw, tmp_path):
    names = mne.channels.make_standard_montage("biosemi128").ch_names[::4]
    for subject in ("01", "02"):
        raw = make_raw(ch_names=names, first=5.0)
        raw.save(tmp_path / f"sub-{subject}_task-rest_eeg.fif", verbose="error")
    with pytest.raises(ChannelNameError, match="names of a dense net"):
        SemiSimulatedEEGfMRI(tmp_path, channels="common").load()
    recordings = SemiSimulatedEEGfMRI(
        tmp_path, channels="common", montage="biosemi128"
    ).load()
    assert recordings[0].raw.ch_names == recordings[1].raw.ch_names
    assert "Cz" in recordings[0].raw.ch_names
