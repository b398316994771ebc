import dataclasses
import pickle

import mne
import numpy as np
import pytest
from sklearn.base import clone

from braindecode_bolt import create_bold_windows, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.linear import BANDS, BandPowerGP, LaggedBandPower
from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.training import make_estimator

CHANNELS = ["Fz", "Cz", "Pz", "Oz", "O1", "O2", "P3", "P4"]


@pytest.fixture(scope="module")
def long_recordings():
    simulated = SimulatedEEGfMRI(
        4, duration=200.0, ch_names=CHANNELS, rois=["Thalamus", "Cuneus"], snr=1.0
    )
    return [prepare_bold(recording) for recording in simulated.load()]


@pytest.fixture(scope="module")
def long_windows(long_recordings):
    return create_bold_windows(long_recordings, 10.0)


@pytest.fixture(scope="module")
def split(long_windows):
    train = long_windows.groups != "04"
    return train, ~train


@pytest.fixture(scope="module")
def fitted(long_windows, split):
    train, _ = split
    return BandPowerGP("classical").fit(long_windows.X[train], long_windows.y[train])


def without(recordings, dropped):
    fewer = [
        dataclasses.replace(r, raw=r.raw.copy().load_data().drop_channels(dropped))
        for r in recordings
    ]
    return create_bold_windows(fewer, 10.0)


def test_it_is_known_by_name():
    assert isinstance(make_estimator("bandpowergp"), BandPowerGP)


def test_better_than_ridge_on_people_not_seen(fitted, long_windows, split):
    train, test = split
    ridge = LaggedBandPower().fit(long_windows.X[train], long_windows.y[train])
    ours, theirs = (
        pearson_r(long_windows.y[test], model.predict(long_windows.X[test])).mean()
        for model in (fitted, ridge)
    )
    assert ours > theirs


def test_unrelated_eeg_gives_chance(noise_windows):
    train = noise_windows.groups != "04"
    model = BandPowerGP("classical").fit(noise_windows.X[train], noise_windows.y[train])
    mean, std = model.predict(noise_windows.X[~train], return_std=True)
    measured = noise_windows.y[~train]
    # Almost nothing is predicted, and the model knows it.
    assert mean.std() < 0.3 * measured.std()
    assert std.mean() == pytest.approx(noise_windows.y[train].std(), rel=0.1)


def test_intervals_cover_people_not_seen(fitted, long_windows, split):
    _, test = split
    mean, std = fitted.predict(long_windows.X[test], return_std=True)
    inside = np.abs(long_windows.y[test] - mean) < 1.645 * std
    assert 0.82 < inside.mean() < 0.97


def test_bands_are_chosen_by_evidence(windows):
    model = BandPowerGP().fit(windows.X, windows.y)
    assert set(model.evidence_) == {"classical", "fine"}
    best = max(model.evidence_, key=model.evidence_.get)
    alone = BandPowerGP(best).fit(windows.X, windows.y)
    assert model.band_names_ == alone.band_names_
    np.testing.assert_allclose(model.coef_, alone.coef_, rtol=1e-4, atol=1e-6)
    assert (model.band_names_ == list(BANDS)) == (best == "classical")
    own = BandPowerGP({"alpha": (8, 13), "beta": (13, 30)}).fit(windows.X, windows.y)
    assert own.band_names_ == ["alpha", "beta"]
    with pytest.raises(ValueError, match='bands must be "evidence", "classical"'):
        BandPowerGP("many").fit(windows.X, windows.y)


def test_short_segments_have_fewer_fine_bands(windows):
    model = BandPowerGP("fine", segment_seconds=1.0).fit(windows.X, windows.y)
    assert 8 < len(model.band_names_) < 13


def test_it_is_cloned_and_pickled(fitted, long_windows):
    assert clone(fitted).get_params() == fitted.get_params()
    again = pickle.loads(pickle.dumps(fitted))
    X = long_windows.X[:20]
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))


def test_weights_go_by_name(fitted, long_windows):
    weights = fitted.weights(long_windows.roi_names)
    assert list(weights.index.names) == ["channel", "band", "lag"]
    assert weights.loc[("Oz", "alpha")].index.tolist() == fitted.lags_.tolist()
    summed = weights["Thalamus"].abs().groupby("band").sum()
    assert summed.idxmax() == "alpha"
    # Neighbouring lags are alike.
    over_lags = weights.loc[("Oz", "alpha"), "Thalamus"].to_numpy()
    assert np.corrcoef(over_lags[1:], over_lags[:-1])[0, 1] > 0.9


def test_one_region_or_many(windows):
    model = BandPowerGP("classical").fit(windows.X, windows.y[:, 0])
    mean, std = model.predict(windows.X[:30], return_std=True)
    assert mean.shape == std.shape == (30,)
    assert model.region_covariance(windows.X[:30]).shape == (30, 1, 1)
    model.fit(windows.X, windows.y[:, :1])
    assert model.predict(windows.X[:30]).shape == (30, 1)


def test_recordings_are_read_from_the_windows(windows):
    """Groups tell the recordings of arrays only; volumes are put in order."""
    model = BandPowerGP("classical").fit(windows.X, windows.y)
    groups = BandPowerGP("classical").fit(windows.X, windows.y, groups=np.arange(176) % 2)
    np.testing.assert_array_equal(model.coef_, groups.coef_)
    order = np.random.default_rng(0).permutation(176)
    turned = BandPowerGP("classical").fit(windows.X[order], windows.y[order])
    np.testing.assert_allclose(model.coef_, turned.coef_, rtol=1e-2, atol=1e-4)
    array = np.asarray(windows.X)
    as_array = BandPowerGP("classical").fit(array, windows.y, groups=windows.groups)
    # Arrays do not say where electrodes are.
    assert as_array.ch_names_ == ["ch0", "ch1", "ch2", "ch3"]
    predicted = as_array.predict(array[windows.groups == "01"])
    assert pearson_r(windows.y[windows.groups == "01"], predicted).mean() > 0.4


def test_windows_of_neighbouring_volumes_share_segments(windows, fitted):
    """Steps are a part of the repetition time near 0.5 s, where there is one."""
    assert fitted.step_seconds_ == pytest.approx(0.525)
    assert BandPowerGP("classical").fit(windows.X[::-1], windows.y[::-1]).step_seconds_ == (
        pytest.approx(0.525)
    )
    array = BandPowerGP("classical").fit(np.asarray(windows.X), windows.y)
    assert array.step_seconds_ == 0.5


def test_a_gap_in_the_volumes_is_seen(windows):
    kept = np.arange(176) % 9 != 4
    with_gaps = BandPowerGP("classical").fit(windows.X[kept], windows.y[kept])
    assert np.isfinite(with_gaps.coef_).all()
    together = BandPowerGP("classical", step_seconds=0.5, standardise=None)
    alone = clone(together).fit(np.asarray(windows.X[kept]), windows.y[kept])
    together.fit(windows.X[kept], windows.y[kept])
    assert not np.allclose(alone.coef_, together.coef_)


def test_statistics_of_a_calibration_stretch(fitted, long_windows, split):
    _, test = split
    X = long_windows.X[test]
    own = fitted.predict(X)
    statistics = fitted.statistics(X)
    np.testing.assert_allclose(fitted.predict(X, calibration=statistics), own, atol=1e-5)
    # One window, or a short piece, as in the whole recording.
    with pytest.raises(ValueError, match="give windows of the same recording as calib"):
        fitted.predict(X[:1])
    one = fitted.predict(X[40:41], calibration=statistics)
    np.testing.assert_allclose(one, own[40:41], atol=1e-5)
    from_start = fitted.predict(X[50:], calibration=X[:50])
    assert pearson_r(own[50:], from_start).min() > 0.9
    with pytest.raises(ValueError, match="must be of one recording, got 4"):
        fitted.statistics(long_windows.X)
    loaded = pickle.loads(pickle.dumps(statistics))
    np.testing.assert_array_equal(loaded.mean, statistics.mean)


def test_standardisation_can_be_turned_off(windows):
    model = BandPowerGP("classical", standardise=None).fit(windows.X, windows.y)
    whole = model.predict(windows.X)
    np.testing.assert_allclose(model.predict(windows.X[7:8]), whole[7:8], atol=1e-4)
    with pytest.raises(ValueError, match="calibration is not used"):
        model.predict(windows.X[:1], calibration=windows.X)
    with pytest.raises(ValueError, match='standardise must be "recording" or None'):
        BandPowerGP(standardise="subject").fit(windows.X, windows.y)


def test_a_louder_amplifier_makes_no_difference(fitted, long_windows):
    X = np.asarray(long_windows.X[:70])
    epochs = [
        mne.EpochsArray(gain * X * 1e-6, long_windows.X.info, verbose=False)
        for gain in (1, 3)
    ]
    first, second = map(fitted.predict, epochs)
    np.testing.assert_allclose(first, second, atol=1e-3)


def test_a_part_of_the_electrodes(fitted, long_recordings, long_windows, split):
    """What is missing is expected from the others: better than leaving it out."""
    train, test = split
    dropped = ["Oz", "O1", "P3", "P4"]
    part = without(long_recordings, dropped)
    whole = long_windows.y[test]
    mean, std = fitted.predict(part.X[test], return_std=True)
    ours = pearson_r(whole, mean).mean()
    ridge = LaggedBandPower(step_seconds=0.5, standardise="recording")
    ridge.fit(long_windows.X[train], long_windows.y[train])
    features = ridge.pipeline_[:-1].transform(long_windows.X[test])
    shape = ridge.coef_.shape[1:]
    features = features.reshape(-1, *shape)
    features[:, [CHANNELS.index(name) for name in dropped]] = 0
    zeros = features.reshape(len(features), -1) @ ridge.coef_.reshape(2, -1).T
    assert ours > pearson_r(whole, zeros).mean()
    known = fitted.predict(long_windows.X[test], return_std=True)[1]
    assert (std.mean(axis=0) > known.mean(axis=0)).all()
    covariance = fitted.region_covariance(part.X[test])
    np.testing.assert_allclose(np.sqrt(covariance[:, 0, 0]), std[:, 0], rtol=1e-4)


def test_other_electrodes_in_another_order(fitted, long_recordings, long_windows, split):
    _, test = split
    raws = [
        r.raw.copy().load_data().reorder_channels(CHANNELS[::-1]) for r in long_recordings
    ]
    turned = create_bold_windows(
        [
            dataclasses.replace(r, raw=raw)
            for r, raw in zip(long_recordings, raws, strict=True)
        ],
        10.0,
    )
    np.testing.assert_allclose(
        fitted.predict(turned.X[test]), fitted.predict(long_windows.X[test]), atol=1e-4
    )
    only = without(long_recordings, CHANNELS[1:])
    foreign = BandPowerGP("classical").fit(only.X, only.y)
    others = without(long_recordings, CHANNELS[:1])
    with pytest.raises(ValueError, match="have none of the electrodes that the model"):
        foreign.predict(others.X)


def test_electrodes_without_a_position_stay_by_themselves(long_recordings):
    renamed = [
        dataclasses.replace(r, raw=r.raw.copy().rename_channels({"Oz": "E17", "O1": "E18"}))
        for r in long_recordings
    ]
    windows = create_bold_windows(renamed, 10.0)
    model = BandPowerGP("classical", electrode_length=0.7).fit(windows.X, windows.y)
    assert np.isnan(model.readout_.positions).all(axis=1).sum() == 2
    # They can be missing, too.
    fewer = without(renamed, ["E17"])
    predicted = model.predict(fewer.X)
    assert pearson_r(predicted, model.predict(windows.X)).mean() > 0.8


def test_a_recording_that_is_there_twice_is_no_error():
    """Its BOLD can be explained exactly, and noise must not become zero."""
    rng = np.random.default_rng(0)
    X = 10 * rng.standard_normal((12, 4, 800))
    X, y = np.concatenate([X, X]), np.tile(rng.standard_normal((12, 3)), (2, 1))
    model = BandPowerGP(sfreq=100.0).fit(X, y, groups=np.repeat([0, 1], 12))
    mean, std = model.predict(X, return_std=True)
    assert np.isfinite(mean).all() and (std > 0).all()
