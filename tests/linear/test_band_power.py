import dataclasses

import mne
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import welch
from skorch.helper import SliceDataset
from torch.utils.data import TensorDataset

from braindecode_bolt import create_bold_windows
from braindecode_bolt.linear import BandPower, LaggedBandPower
from tests.conftest import CH_NAMES, WINDOW

RHYTHMS = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30)}


def test_power_appears_in_its_band_channel_and_lag():
    rng = np.random.default_rng(0)
    window = 1e-2 * rng.standard_normal((1, 2, 800))
    times = np.arange(400) / 200
    window[0, 1, :400] += np.sin(2 * np.pi * 10 * times)
    power = BandPower(RHYTHMS, segment_seconds=2.0).fit(window)
    features = power.transform(window)[0]
    loudest = power.get_feature_names_out()[np.argmax(features)]
    assert loudest == "ch1:alpha:3"
    # A unit sine has a variance of 1/2, spread over the 5 Hz of the band.
    assert features.max() == pytest.approx(np.log(0.5 / 5), abs=0.05)


def test_the_density_is_that_of_scipy():
    x = 10 * np.random.default_rng(0).standard_normal((1, 1, 400)) + 3
    frequency, density = welch(x[0, 0], 200, "hann", 400)
    expected = density[(frequency >= 8) & (frequency < 13)].mean()
    power = BandPower({"alpha": (8, 13)}, segment_seconds=2.0).fit(x)
    assert np.exp(power.transform(x)).item() == pytest.approx(expected, rel=1e-3)


def test_features_are_named_after_the_windows_channels(windows):
    power = BandPower().fit(windows.X)
    names = power.get_feature_names_out()
    # The windows end 4 s before their volume.
    assert names[0] == "Fz:delta:7" and names[-1] == "Oz:gamma:5"
    assert power.transform(windows.X[:3]).shape == (3, len(names)) == (3, 4 * 5 * 2)
    assert power.ch_names_ == windows.ch_names
    np.testing.assert_allclose(power.lags_, [7, 5])


@settings(max_examples=15, deadline=None)
@given(
    segment=st.sampled_from([0.5, 1.0, 2.0]),
    step=st.sampled_from([0.1, 0.25, 0.37, 1.0]),
    rows=st.lists(st.integers(0, 175), min_size=1, max_size=12),
)
def test_shared_segments_give_the_values_of_plain_arrays(windows, segment, step, rows):
    power = BandPower(RHYTHMS, segment, step).fit(windows.X)
    lazy = power.transform(windows.X[rows])
    plain = power.transform(np.asarray(windows.X[rows]))
    np.testing.assert_allclose(lazy, plain, rtol=1e-3, atol=1e-3)


def test_the_baseline_has_no_influence(recordings):
    with_baseline, without = (
        create_bold_windows(recordings, 4.0, baseline=baseline).X[:20]
        for baseline in ("window", None)
    )
    power = BandPower().fit(with_baseline)
    arrays = np.asarray(with_baseline), np.asarray(without)
    np.testing.assert_allclose(*map(power.transform, arrays), rtol=1e-3, atol=1e-3)


def test_lags_can_be_fewer_than_fit(windows):
    every = BandPower(RHYTHMS, 1.0, 0.5).fit(windows.X)
    few = BandPower(RHYTHMS, 1.0, 0.5, n_lags=3).fit(windows.X)
    np.testing.assert_allclose(few.lags_, every.lags_[-3:])
    assert every.lags_[-1] == windows.X.lag_seconds + 0.5 and len(every.lags_) == 7
    X = windows.X[:5]
    of_every = every.transform(X).reshape(5, 4, 3, 7)[..., -3:]
    np.testing.assert_allclose(few.transform(X).reshape(of_every.shape), of_every)


def test_bands_of_equal_energy():
    rng = np.random.default_rng(0)
    t = np.arange(1600) / 200
    x = rng.standard_normal((5, 2, 1600)) * 0.1
    x += sum(np.sin(2 * np.pi * f * t + 1) for f in (5, 15, 25, 35))
    power = BandPower(4).fit(x)
    for (low, high), inside in zip(power.bands_.values(), (5, 15, 25, 35), strict=True):
        assert low <= inside < high
    edges = [edge for band in power.bands_.values() for edge in band]
    assert edges[0] == 1 and edges[-1] == 45 and edges[1:-1:2] == edges[2:-1:2]


def test_as_many_bands_as_frequencies_have_one_each(windows):
    power = BandPower(88).fit(windows.X)
    widths = [high - low for low, high in power.bands_.values()]
    np.testing.assert_allclose(widths, 0.5)
    with pytest.raises(ValueError, match="a number between 1 and 88"):
        BandPower(89).fit(windows.X)


def test_standardised_within_each_recording(windows):
    power = BandPower(RHYTHMS, standardise="recording").fit(windows.X)
    features = power.transform(windows.X).reshape(len(windows), 4, 3, 2)
    for subject in np.unique(windows.groups):
        part = features[windows.groups == subject]
        np.testing.assert_allclose(part.mean(axis=(0, 3)), 0, atol=1e-4)
        np.testing.assert_allclose(part.std(axis=(0, 3)), 1, rtol=1e-3)
    # A louder amplifier makes no difference.
    louder = power.transform(3 * np.asarray(windows.X[:40]))
    same = power.transform(np.asarray(windows.X[:40]))
    np.testing.assert_allclose(louder, same, atol=1e-3)
    with pytest.raises(ValueError, match="a single window"):
        power.transform(windows.X[:1])


def test_arguments_and_shapes_are_checked(windows):
    with pytest.raises(ValueError, match="A segment of 5 s does not fit a window of 4 s"):
        BandPower(segment_seconds=5.0).fit(windows.X)
    with pytest.raises(ValueError, match="lies in slow"):
        BandPower({"slow": (0.1, 0.2)}).fit(windows.X)
    with pytest.raises(ValueError, match="n_lags must be a whole number between 1 and 2"):
        BandPower(n_lags=3).fit(windows.X)
    with pytest.raises(ValueError, match="n_lags must be a whole number between 1 and 2"):
        BandPower(n_lags=1.5).fit(windows.X)
    for seconds in (np.nan, "2"):
        with pytest.raises((TypeError, ValueError), match="segment_seconds must be"):
            BandPower(segment_seconds=seconds).fit(windows.X)
    with pytest.raises(ValueError, match="silent or not finite"):
        BandPower(3).fit(np.zeros((4, 2, 800)))
    with pytest.raises(ValueError, match="at least one sample"):
        BandPower(step_seconds=0.0).fit(windows.X)
    with pytest.raises(ValueError, match="standardise must be"):
        BandPower(standardise="subject").fit(windows.X)
    power = BandPower().fit(windows.X)
    with pytest.raises(ValueError, match="Fitted on windows of"):
        power.transform(np.asarray(windows.X)[:, :2])


def test_channels_are_found_by_their_names(recordings, windows):
    power = BandPower().fit(windows.X)
    expected = power.transform(windows.X[:20])

    def windows_of(names):
        raws = [r.raw.copy().load_data().reorder_channels(names) for r in recordings]
        others = [
            dataclasses.replace(r, raw=raw) for r, raw in zip(recordings, raws, strict=True)
        ]
        return create_bold_windows(others, WINDOW, lag_seconds=4.0)

    turned = windows_of(CH_NAMES[::-1])
    assert turned.ch_names == CH_NAMES[::-1]
    np.testing.assert_allclose(power.transform(turned.X[:20]), expected, rtol=1e-5)
    # Additional channels are not used; a missing one is an error.
    fewer = windows_of(CH_NAMES[:2])
    of_two = BandPower().fit(fewer.X)
    np.testing.assert_allclose(
        of_two.transform(windows.X[:20]), of_two.transform(fewer.X[:20]), rtol=1e-5
    )
    with pytest.raises(ValueError, match="have no channel Pz, Oz, which the model was"):
        power.transform(fewer.X)


def test_epochs_carry_their_names(windows):
    epochs = mne.EpochsArray(
        np.asarray(windows.X[:6]) * 1e-6, windows.X.info, verbose=False
    )
    turned = epochs.copy().reorder_channels(CH_NAMES[::-1])
    power = BandPower().fit(epochs)
    assert power.ch_names_ == CH_NAMES
    np.testing.assert_allclose(
        power.transform(turned), power.transform(epochs), rtol=1e-4, atol=1e-4
    )
    ridge = LaggedBandPower().fit(epochs, windows.y[:6])
    np.testing.assert_allclose(ridge.predict(turned), ridge.predict(epochs), atol=1e-3)


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ({}, "bands with different names, got "),
        ({1: (8, 13), "1": (4, 8)}, "bands with different names"),
        (True, "bands must be a mapping, or a number"),
        ({"alpha": 8}, "two frequencies in Hz, as .8, 13.; alpha is 8"),
        ({"alpha": "8-13"}, "alpha is '8-13'"),
        ({"alpha": (8, 10, 13)}, "two frequencies"),
        ({"alpha": (13, 8)}, "must increase from 0 on; alpha goes from 13 to 8 Hz"),
        ("alpha", "bands must be a mapping, or a number"),
        (2.5, "bands must be a mapping, or a number"),
        (0, "bands must be a mapping, or a number"),
    ],
)
def test_bands_are_checked(windows, bands, message):
    with pytest.raises(ValueError, match=message):
        BandPower(bands).fit(windows.X)


def test_the_sampling_rate_must_not_contradict_the_windows(windows):
    with pytest.raises(ValueError, match="sampled at 200 Hz, and sfreq is 100 Hz"):
        BandPower(sfreq=100.0).fit(windows.X)
    for wrong in (0, np.inf, "200"):
        with pytest.raises((TypeError, ValueError), match="sfreq (must be|== 0, must)"):
            BandPower(sfreq=wrong).fit(np.asarray(windows.X))
    power = BandPower(sfreq=100.0).fit(np.asarray(windows.X))
    with pytest.raises(ValueError, match="Fitted on windows at 100 Hz, got 200 Hz"):
        power.transform(windows.X)


def test_windows_that_are_not_finite_are_refused(windows):
    X = np.asarray(windows.X[:8]).copy()
    X[3, 1, 5] = np.nan
    with pytest.raises(ValueError, match="1 of 8 windows hold EEG that is not finite.*w 3"):
        BandPower().fit(windows.X).transform(X)


def test_data_sets_of_torch_are_read_as_arrays(windows):
    X, y = np.asarray(windows.X[:20]), windows.y[:20]
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
    expected = BandPower().fit(X).transform(X)
    np.testing.assert_allclose(BandPower().fit(data).transform(data), expected)
    model = LaggedBandPower().fit(SliceDataset(data), y)
    np.testing.assert_allclose(model.predict(X), LaggedBandPower().fit(X, y).predict(X))


def test_a_silent_window_stays_finite(windows):
    power = BandPower().fit(windows.X)
    assert np.isfinite(power.transform(np.zeros((1, 4, 800)))).all()


def test_other_sampling_rates(windows):
    """Of the windows where they know it, else as given."""
    X = windows.X[:4]
    slow = mne.filter.resample(np.asarray(X, float), down=2)
    of_slow = BandPower({"alpha": (8, 13)}, sfreq=100.0).fit(slow)
    of_fast = BandPower({"alpha": (8, 13)}).fit(X)
    np.testing.assert_allclose(of_slow.lags_ + X.lag_seconds, of_fast.lags_)
    np.testing.assert_allclose(of_slow.transform(slow), of_fast.transform(X), atol=0.05)
