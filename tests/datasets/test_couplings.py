"""Each coupling follows what it says, in generated and in real EEG."""

import numpy as np
import pytest
from scipy.signal import hilbert

from braindecode_bolt import Recording, create_bold_windows, prepare_bold, prepare_eeg
from braindecode_bolt.datasets import (
    COUPLINGS,
    SemiSimulatedEEGfMRI,
    SimulatedEEGfMRI,
    simulate_bold,
)
from braindecode_bolt.datasets.coupling.kinds import named_in
from braindecode_bolt.linear import LaggedBandPower
from braindecode_bolt.metrics import noise_ceiling, pearson_r

ROIS = ["Thalamus", "Cuneus"]
#: What BOLD follows in ways that are not linear in log band power.
NOT_BAND_POWER = ("bursts", "cross-frequency", "alpha-frequency")
#: How much of the noiseless BOLD is found again in generated EEG by what real EEG is
#: measured with, at least.
FOUND_AGAIN = {
    "band-power": 0.85,
    "bursts": 0.25,
    "cross-frequency": 0.5,
    "alpha-frequency": 0.9,
    "vigilance": 0.4,
    "perturbed": 0.85,
}


def noiseless(raw, coupling, **arguments):
    simulated = simulate_bold(raw, rois=ROIS, snr=np.inf, coupling=coupling, **arguments)
    recording = Recording(simulated, "01")
    onsets = recording.marker_samples() / raw.info["sfreq"]
    return onsets, recording.table("noiseless").to_numpy()


def found_again(recording, coupling):
    """R of the noiseless BOLD with that of a coupling measured in the EEG."""
    onsets, measured = noiseless(recording.raw, coupling)
    at = recording.marker_samples() / recording.raw.info["sfreq"]
    measured = np.stack([np.interp(at, onsets, column) for column in measured.T], axis=1)
    # The first volumes respond to what came before the run.
    return pearson_r(recording.table("noiseless").to_numpy()[15:], measured[15:]).mean()


@pytest.fixture
def eeg(make_raw):
    raw = make_raw(0, ch_names=["Fz", "Cz", "Pz", "O1", "O2"], duration=240.0)
    return prepare_eeg(Recording(raw, "01")).raw


@pytest.fixture(scope="module")
def simulated():
    """Recordings with little noise in each coupling, made when they are asked for."""
    made = {}

    def get(coupling):
        if coupling not in made:
            made[coupling] = SimulatedEEGfMRI(
                4, duration=240.0, rois=ROIS, snr=5.0, coupling=coupling
            ).load()
        return made[coupling]

    return get


@pytest.mark.parametrize("coupling", FOUND_AGAIN)
def test_generated_eeg_contains_what_bold_follows(simulated, coupling):
    r = np.mean([found_again(recording, coupling) for recording in simulated(coupling)])
    assert r > FOUND_AGAIN[coupling]


@pytest.mark.parametrize("coupling", NOT_BAND_POWER)
def test_band_power_finds_little_of_the_others(simulated, coupling):
    recordings = simulated(coupling)
    windows = create_bold_windows(map(prepare_bold, recordings))
    test = windows.groups == "04"
    ridge = LaggedBandPower().fit(windows.X[~test], windows.y[~test])
    r = pearson_r(windows.y[test], ridge.predict(windows.X[test])).mean()
    ceiling = noise_ceiling(windows)["window_limited_noise_ceiling"].mean()
    assert r < 0.6 * ceiling


@pytest.mark.parametrize("coupling", [*COUPLINGS, "bursts+vigilance"])
@pytest.mark.parametrize("real", [False, True], ids=["generated", "real"])
def test_ceilings_are_known(eeg, coupling, real):
    def ceiling(snr):
        if real:
            raw = simulate_bold(eeg, snr=snr, coupling=coupling)
            return prepare_bold(Recording(raw, "01")).ceiling.mean()
        data = SimulatedEEGfMRI(2, duration=240.0, snr=snr, coupling=coupling)
        return np.mean([prepare_bold(r).ceiling.mean() for r in data.load()], axis=0)

    full, window = ceiling(0.7)
    assert 0.4 < full < 0.85
    assert 0.3 < window < full + 0.05
    assert np.abs(ceiling(0.0)).max() < 0.3


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_without_coupling_there_is_no_relation(eeg, coupling):
    """The BOLD is the same noise, whatever the EEG is."""

    def bold(raw):
        return Recording(simulate_bold(raw, snr=0.0, coupling=coupling), "01").bold

    other = eeg.copy()
    other._data = other._data[:, ::-1].copy()
    np.testing.assert_array_equal(bold(eeg), bold(other))


@pytest.mark.parametrize("coupling", [*COUPLINGS, "bursts+person-responses"])
def test_the_seed_decides(coupling, eeg):
    def made(seed):
        data = SimulatedEEGfMRI(1, duration=60.0, coupling=coupling, random_state=seed)
        raw = simulate_bold(eeg, coupling=coupling, random_state=seed)
        return data.load()[0].raw.get_data(), Recording(raw, "01").bold.to_numpy()

    for first, second, third in zip(made(1), made(1), made(2), strict=True):
        np.testing.assert_array_equal(first, second)
        assert not np.allclose(first, third)


def test_the_default_is_band_power(eeg):
    np.testing.assert_array_equal(
        Recording(simulate_bold(eeg), "01").bold,
        Recording(simulate_bold(eeg, coupling="band-power"), "01").bold,
    )


def test_bursts_count_the_same_however_large(eeg):
    """From the middle on, bursts twice as large change nothing, and none do."""
    rng = np.random.default_rng(2)
    bursts = np.zeros(len(eeg.times))
    for begin in rng.choice(230, 50, replace=False) * 200:
        bursts[begin : begin + 200] += np.hanning(200) * np.sin(np.pi * np.arange(200) / 10)
    late = eeg.times > 120

    def change(gain):
        raw = eeg.copy()
        raw._data[3:] += 5e-5 * bursts * np.where(late, gain, 1.0)
        onsets, bold = noiseless(raw, "bursts")
        return bold[onsets > 130, 0].mean() - bold[onsets < 120, 0].mean()

    assert change(2.0) == pytest.approx(change(1.0), abs=0.25)
    assert change(0.0) < change(1.0) - 0.25


def test_locking_counts_and_power_does_not(eeg):
    """Gamma that is locked to theta from the middle on, always of the same power."""
    rng = np.random.default_rng(1)
    theta = 2e-5 * np.sin(2 * np.pi * 6 * eeg.times + 0.5 * rng.standard_normal())
    gamma = np.sin(2 * np.pi * 38 * eeg.times)
    modulation = 1 + np.cos(np.angle(hilbert(theta)) + np.pi / 3)
    late = eeg.times > 120
    fast = np.where(late, modulation / np.sqrt(1.5), 1.0) * gamma
    eeg._data += theta + 1e-5 * fast
    onsets, bold = noiseless(eeg, "cross-frequency")
    change = bold[onsets > 140].mean(axis=0) - bold[onsets < 120].mean(axis=0)
    onsets, power = noiseless(eeg, "band-power")
    no_change = power[onsets > 140].mean(axis=0) - power[onsets < 120].mean(axis=0)
    # The thalamus follows theta with a positive weight.
    assert change[0] > 1.0
    assert abs(no_change[0]) < 0.4


def test_the_alpha_frequency_counts_and_power_does_not(eeg):
    late = eeg.times > 120
    turns = np.cumsum(np.where(late, 11.0, 9.5)) / eeg.info["sfreq"]
    eeg._data += 2e-5 * np.sin(2 * np.pi * turns)
    onsets, bold = noiseless(eeg, "alpha-frequency")
    change = bold[onsets > 140].mean(axis=0) - bold[onsets < 120].mean(axis=0)
    # The thalamus follows upwards and the cuneus downwards.
    assert change[0] > 1.5 and change[1] < -1.5


def test_vigilance_is_slower_than_the_response(eeg):
    """The BOLD still falls when the response to a sudden change would be over."""
    late = eeg.times > 120
    alpha, theta = (np.sin(2 * np.pi * f * eeg.times) for f in (10.0, 5.0))
    eeg._data += 2e-5 * np.where(late, theta, alpha)
    onsets, bold = noiseless(eeg, "vigilance")
    thalamus = bold[:, 0]
    assert thalamus[(onsets > 80) & (onsets < 120)].mean() > 0.5
    assert thalamus[onsets > 200].mean() < -0.5
    middle = np.interp(120 + 16.0, onsets, thalamus)
    assert middle > thalamus[onsets > 200].mean() + 0.3
    # So that a window of 16 s holds a part of the response only.
    recording = Recording(simulate_bold(eeg, coupling="vigilance", snr=np.inf), "01")
    assert recording.ceiling["window"].mean() < 0.995


@pytest.mark.parametrize("coupling", ["person-responses", "person-electrodes"])
def test_persons_differ(eeg, coupling):
    """A person's own is the same under each seed of the noise."""
    bold = {
        (person, seed): noiseless(eeg, coupling, person=person, random_state=seed)[1]
        for person in range(4)
        for seed in range(2)
    }
    for person in range(4):
        np.testing.assert_array_equal(bold[person, 0], bold[person, 1])
        same = pearson_r(bold[person, 0], bold[(person + 1) % 4, 0])
        assert same.mean() < 0.97
    plain = [noiseless(eeg, "band-power", person=person)[1] for person in range(2)]
    np.testing.assert_array_equal(*plain)


def test_responses_of_a_person_are_later_in_all_runs(make_raw, tmp_path):
    for number, name in enumerate(["01_run-1", "01_run-2", "02_run-1", "03_run-1"]):
        raw = make_raw(0, ch_names=["Fz", "Cz", "Oz", "O1"], duration=120.0, seed=number)
        inside = (raw.times > 60) & (raw.times < 62)
        raw._data += 1e-4 * np.sin(2 * np.pi * 10 * raw.times) * inside
        raw.save(tmp_path / f"sub-{name}_eeg.fif", verbose="error")
    data = SemiSimulatedEEGfMRI(tmp_path, tr=0.5, snr=np.inf, coupling="person-responses")
    peaks = [
        recording.bold["Thalamus"].to_numpy().argmax() / 2 for recording in data.load()
    ]
    assert peaks[0] == pytest.approx(peaks[1], abs=0.5)
    assert max(peaks) - min(peaks) >= 1.0


def test_runs_of_a_generated_subject_share_the_person():
    arguments = {"n_runs": 2, "duration": 120.0, "coupling": "person-electrodes"}

    def strongest(raw):
        spectrum = raw.compute_psd(fmin=9, fmax=12, verbose="error").get_data()
        return spectrum.mean(axis=1)

    first, again, other, _ = (
        strongest(recording.raw) for recording in SimulatedEEGfMRI(2, **arguments).load()
    )
    assert np.corrcoef(first, again)[0, 1] > np.corrcoef(first, other)[0, 1]


@pytest.mark.parametrize(
    ("coupling", "message"),
    [
        ("alpha", "There is no coupling 'alpha'. Choose from band-power, bursts"),
        ("bursts+bursts", "others are named once"),
        ("mixture+bursts", "mixture and perturbed stand alone"),
        ("", "There is no coupling ''"),
    ],
)
def test_other_names_are_errors(eeg, coupling, message, tmp_path):
    for make in (
        lambda: simulate_bold(eeg, coupling=coupling),
        lambda: SimulatedEEGfMRI(1, coupling=coupling).load(),
        lambda: SemiSimulatedEEGfMRI(tmp_path, coupling=coupling).load(),
    ):
        with pytest.raises(ValueError, match=message.replace("+", r"\+")):
            make()


def test_recordings_say_what_their_bold_follows(make_raw, tmp_path):
    raw = make_raw(n_volumes=30)
    raw.info["description"] = "Night 2"
    raw.save(tmp_path / "sub-1_eeg.fif", verbose="error")
    (recording,) = SemiSimulatedEEGfMRI(tmp_path, coupling="vigilance+bursts").load()
    said = recording.raw.info["description"]
    assert said == "Night 2; BOLD simulated, coupling vigilance+bursts"
    assert named_in(said) == "vigilance+bursts"
    again = simulate_bold(recording.raw, coupling="mixture")
    assert again.info["description"] == "Night 2; BOLD simulated, coupling mixture"
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):
        prepared = prepare_eeg(Recording(again, "1"), cache_dir=cache)
        assert prepared.raw.info["description"] == again.info["description"]
    prepared = prepare_eeg(recording, cache_dir=tmp_path / "cache")
    assert prepared.raw.info["description"] == said, "of another simulation, same EEG"
    for other in (None, "", "Night 2", "BOLD simulated, coupling none"):
        assert named_in(other) is None


def test_eeg_that_does_not_change_has_no_coupling(eeg):
    eeg._data[:] = 1e-5 * np.sin(2 * np.pi * 10 * eeg.times)
    with pytest.raises(ValueError, match="does not change in this EEG"):
        simulate_bold(eeg, rois=ROIS, coupling="bursts")
    with pytest.raises(ValueError, match="more than 90 Hz"):
        simulate_bold(eeg.resample(80, verbose="error"), coupling="cross-frequency")


def test_parts_too_short_to_measure_are_the_mean(eeg):
    eeg.annotations.append(120.0, 0.0, "boundary")
    eeg.annotations.append(eeg.times[-1] - 0.5, 0.0, "boundary")
    for coupling in COUPLINGS:
        assert np.isfinite(noiseless(eeg, coupling)[1]).all()


def slope(raw):
    """A coupling of a user: the envelope of gamma at one electrode."""
    gamma = raw.filter(30, 45, verbose="error").get_data("Pz")[0]
    return np.abs(hilbert(gamma))


@pytest.mark.parametrize("joint", [False, True])
def test_a_function_may_measure_what_bold_follows(eeg, joint):
    if joint:
        eeg.annotations.append(120.0, 0.0, "EDGE boundary")
    before = eeg.get_data().copy()
    onsets, followed = noiseless(eeg, slope)
    np.testing.assert_array_equal(eeg.get_data(), before)  # Its filter saw a copy.
    # Both regions respond to one series, with their own responses.
    assert np.corrcoef(followed.T)[0, 1] > 0.8
    lags = np.arange(0, 11)
    series = slope(eeg.copy())
    at = [
        np.interp(onsets[15:] - lag, eeg.times, np.convolve(series, np.ones(400), "same"))
        for lag in lags
    ]
    r = [np.corrcoef(each, followed[15:, 1])[0, 1] for each in at]
    assert 3 <= lags[np.argmax(r)] <= 7 and max(r) > 0.6
    _, own = noiseless(eeg, lambda raw: np.stack([slope(raw), raw.times]))
    np.testing.assert_allclose(own[:, 0], followed[:, 0], atol=1e-6)
    assert abs(np.corrcoef(own[:, 1], followed[:, 1])[0, 1]) < 0.5


def test_a_function_of_a_user_has_ceiling_and_name(make_raw, tmp_path):
    for name in ("1", "2"):
        raw = make_raw(0, ch_names=["Fz", "Pz", "O1"], duration=120.0, seed=int(name))
        raw.save(tmp_path / f"sub-{name}_eeg.fif", verbose="error")
    recordings = SemiSimulatedEEGfMRI(tmp_path, coupling=slope).load()
    assert recordings[0].ceiling["full"].between(0, 1).all()
    said = recordings[0].raw.info["description"]
    assert said.endswith("BOLD simulated, coupling of the function slope")
    assert named_in(said) is None
    again = simulate_bold(recordings[0].raw, coupling="bursts")
    assert again.info["description"].count("BOLD simulated") == 1


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda raw: raw.times[1:], r"each of \d+ samples of the EEG, or a row .* gave an"),
        (lambda raw: np.full(len(raw.times), np.nan), "values that are not finite"),
        (lambda raw: np.stack([raw.times] * 3), "gave 3 series for 2 regions"),
        (lambda raw: np.ones(len(raw.times)), "does not change in this EEG"),
    ],
)
def test_what_a_function_gives_is_checked(eeg, function, message):
    with pytest.raises(ValueError, match=message):
        noiseless(eeg, function)


def test_eeg_is_not_generated_from_a_function():
    with pytest.raises(ValueError, match="Use simulate_bold or SemiSimulatedEEGfMRI"):
        SimulatedEEGfMRI(1, coupling=slope).load()
