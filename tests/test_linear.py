import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from braindecode_bolt.linear import BandPower, BandPowerRidge
from braindecode_bolt.metrics import pearson_r

ALPHA_10_HZ = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30)}


def test_power_appears_in_the_band_channel_and_lag_it_was_put():
    rng = np.random.default_rng(0)
    window = 1e-2 * rng.standard_normal((1, 2, 800))
    times = np.arange(400) / 200
    window[0, 1, :400] += np.sin(2 * np.pi * 10 * times)
    power = BandPower(ALPHA_10_HZ, segment_seconds=2.0).fit(window)
    features = power.transform(window)[0]
    loudest = power.get_feature_names_out()[np.argmax(features)]
    assert loudest == "ch1:alpha:3"
    # Of a unit sine over 400 samples all power lies in one bin: (400 / 2) ** 2,
    # averaged over the ten bins of the band.
    assert features.max() == pytest.approx(np.log(200**2 / 10), abs=0.05)


def test_features_are_named_after_the_windows_channels(windows):
    power = BandPower().fit(windows.X)
    names = power.get_feature_names_out()
    assert names[0] == "Fz:delta:3" and names[-1] == "Oz:gamma:1"
    assert power.transform(windows.X[:3]).shape == (3, len(names)) == (3, 4 * 5 * 2)


def test_arguments_and_shapes_are_checked(windows):
    with pytest.raises(ValueError, match="A segment of 5 s does not fit a window of 4 s"):
        BandPower(segment_seconds=5.0).fit(windows.X)
    with pytest.raises(ValueError, match="lies in slow"):
        BandPower({"slow": (0.1, 0.2)}).fit(windows.X)
    power = BandPower().fit(windows.X)
    with pytest.raises(ValueError, match="Fitted on windows of"):
        power.transform(np.asarray(windows.X)[:, :2])


def test_a_silent_window_stays_finite(windows):
    power = BandPower().fit(windows.X)
    assert np.isfinite(power.transform(np.zeros((1, 4, 800)))).all()


def test_the_penalty_is_chosen_across_subjects(windows):
    ridge = BandPowerRidge().fit(windows.X, windows.y)
    features = BandPower().fit_transform(windows.X)
    scaled = StandardScaler().fit_transform(features)
    splits = list(GroupKFold(4).split(scaled, windows.y, windows.groups))
    expected = RidgeCV(
        np.logspace(0, 6, 13), cv=splits, scoring="neg_mean_squared_error"
    ).fit(scaled, windows.y)
    assert ridge.alpha_ == expected.alpha_
    np.testing.assert_allclose(
        ridge.coef_.reshape(2, -1), expected.coef_, rtol=1e-3, atol=1e-5
    )


def test_ridge_predicts_people_it_has_not_seen(windows):
    train = windows.groups != "04"
    ridge = clone(BandPowerRidge()).fit(windows.X[train], windows.y[train])
    predicted = ridge.predict(windows.X[~train])
    assert pearson_r(windows.y[~train], predicted).mean() > 0.4
    assert ridge.coef_.shape == (2, 4, 5, 2)


def test_one_dimensional_targets_and_arrays(windows):
    ridge = BandPowerRidge()
    lazy = ridge.fit(windows.X, windows.y[:, 0]).predict(windows.X)
    assert lazy.shape == (len(windows),)
    array = np.asarray(windows.X)
    same = ridge.fit(array, windows.y[:, 0], groups=windows.groups).predict(array)
    np.testing.assert_allclose(same, lazy, rtol=1e-4, atol=1e-5)
