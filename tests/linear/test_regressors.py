import warnings

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.preprocessing import StandardScaler

from braindecode_bolt.linear import (
    LINEAR,
    AlphaHRF,
    BandPower,
    BandPowerGP,
    GroupedRidge,
    LaggedBandPower,
    MeanBOLD,
    RidgeFingerprint,
    SparseBandPower,
)
from braindecode_bolt.metrics import pearson_r

MODELS = {
    "ridge": LaggedBandPower(),
    "sparse": SparseBandPower(n_penalties=4),
    "fingerprint": RidgeFingerprint(bands=6, n_lags=8, segment_seconds=1.0),
    "alpha": AlphaHRF(),
    "mean": MeanBOLD(),
    "gp": BandPowerGP("classical", step_seconds=0.5),
}


@pytest.fixture(params=MODELS, ids=str)
def model(request):
    return clone(MODELS[request.param])


def test_one_or_many_regions_windows_or_arrays(model, windows):
    lazy = model.fit(windows.X, windows.y[:, 0]).predict(windows.X)
    assert lazy.shape == (len(windows),)
    assert model.fit(windows.X, windows.y).predict(windows.X).shape == windows.y.shape
    column = model.fit(windows.X, windows.y[:, :1].tolist()).predict(windows.X)
    assert column.shape == (len(windows), 1)


def test_arrays_give_the_same_predictions_as_windows(model, windows):
    if getattr(model, "standardise", None):
        model.set_params(standardise=None)
    array = np.asarray(windows.X)
    lazy = model.fit(windows.X, windows.y[:, 0]).predict(windows.X)
    np.testing.assert_allclose(model.predict(array), lazy, rtol=1e-2, atol=1e-3)
    # Arrays do not say which channels are posterior, or where they are.
    if not isinstance(model, AlphaHRF | MeanBOLD | BandPowerGP):
        model.fit(array, windows.y[:, 0], groups=windows.groups)
        np.testing.assert_allclose(model.predict(array), lazy, rtol=1e-2, atol=1e-3)


def test_a_second_fit_equals_the_first(model, windows):
    first = model.fit(windows.X, windows.y).predict(windows.X)
    model.fit(windows.X[:60], windows.y[:60, 0])
    np.testing.assert_array_equal(model.fit(windows.X, windows.y).predict(windows.X), first)
    np.testing.assert_array_equal(
        clone(model).fit(windows.X, windows.y).predict(windows.X), first
    )


def test_cross_validation_with_one_and_two_processes(model, windows):
    scaled = TransformedTargetRegressor(model, transformer=StandardScaler())
    scores = [
        cross_val_score(
            scaled,
            windows.X,
            windows.y,
            groups=windows.groups,
            cv=GroupKFold(2),
            scoring="neg_mean_squared_error",
            n_jobs=n_jobs,
        )
        for n_jobs in (1, 2)
    ]
    np.testing.assert_allclose(*scores, rtol=1e-4)


@pytest.mark.parametrize("name", ["ridge", "sparse", "fingerprint", "alpha", "gp"])
def test_it_predicts_new_subjects(name, windows):
    train = windows.groups != "04"
    model = clone(MODELS[name]).fit(windows.X[train], windows.y[train])
    predicted = model.predict(windows.X[~train])
    assert pearson_r(windows.y[~train], predicted).mean() > 0.4


def test_targets_that_do_not_fit(model, windows):
    with pytest.raises(ValueError, match="X has 176 windows, y 10 rows"):
        model.fit(windows.X, windows.y[:10])
    y = windows.y.copy()
    y[3, 1] = np.nan
    with pytest.raises(ValueError, match="y has 1 non-finite value"):
        model.fit(windows.X, y)
    for wrong in (windows.y + 0j, windows.y.astype(str)):
        with pytest.raises(TypeError, match="y must be real numbers"):
            model.fit(windows.X, wrong)


@pytest.mark.parametrize("name", ["ridge", "alpha", "mean", "gp"])
def test_implausible_eeg_is_refused(name, windows):
    model, X = clone(MODELS[name]), np.asarray(windows.X)
    with pytest.raises(ValueError, match="microvolts"):
        model.fit(X * 1e-6, windows.y)
    flat = X.copy()
    flat[:, 1] = 0
    with pytest.raises(ValueError, match="flat"):
        model.fit(flat, windows.y)
    y = windows.y.copy()
    y[:, 1] = 3
    with pytest.raises(ValueError, match="y is constant in column 1"):
        model.fit(X, y)
    if name != "mean":
        with pytest.warns(UserWarning, match="microvolts"):
            model.fit(windows.X, windows.y).predict(X * 1e-6)


def test_alpha_channels_go_by_name(windows):
    model = AlphaHRF(channels=["oz", "EEG Pz-Ref"]).fit(windows.X, windows.y)
    assert model.channels_ == ["Oz", "Pz"]
    with pytest.raises(ValueError, match="must be a list of names"):
        AlphaHRF(channels="Oz").fit(windows.X, windows.y)


def test_the_penalty_is_chosen_across_subjects(windows):
    model = LaggedBandPower().fit(windows.X, windows.y)
    features = StandardScaler().fit_transform(BandPower().fit_transform(windows.X))
    expected = GroupedRidge().fit(features, windows.y, windows.groups)
    np.testing.assert_array_equal(model.penalty_, expected.penalty_)
    np.testing.assert_allclose(model.coef_.reshape(2, -1), expected.coef_, rtol=1e-3)
    other = LaggedBandPower().fit(windows.X, windows.y, groups=np.arange(176) % 2)
    assert not np.allclose(other.coef_, model.coef_)


def test_weights_go_by_channel_band_and_lag(windows):
    model = LaggedBandPower().fit(windows.X, windows.y)
    assert model.coef_.shape == (2, 4, 5, 2)
    weights = model.weights(windows.roi_names)
    assert list(weights.index.names) == ["channel", "band", "lag"]
    assert weights.shape == (4 * 5 * 2, 2)
    assert weights.loc[("Oz", "alpha")].index.tolist() == model.lags_.tolist()
    found = weights.loc[("Oz", "alpha", model.lags_[-1]), "Cuneus"]
    assert found == model.coef_[1, 3, 2, 1]
    assert model.weights().columns.tolist() == [0, 1]
    with pytest.raises(ValueError, match="has 2 regions, got 1 names"):
        model.weights(["Cuneus"])


def test_weights_lie_where_the_coupling_is(windows):
    """The simulated thalamus follows alpha, which is largest over the occiput."""
    weights = LaggedBandPower().fit(windows.X, windows.y).weights(windows.roi_names)
    summed = weights["Thalamus"].groupby(["channel", "band"]).sum()
    assert summed.idxmax()[1] == "alpha"


def test_the_sparse_model_has_zero_weights(windows):
    model = clone(MODELS["sparse"]).fit(windows.X, windows.y)
    assert 0.2 < (model.coef_ == 0).mean() < 1


def test_a_search_over_segments_and_lags(windows):
    search = GridSearchCV(
        LaggedBandPower(),
        {"segment_seconds": [1.0, 2.0], "n_lags": [1, 2]},
        cv=GroupKFold(2),
    )
    search.fit(windows.X, windows.y, groups=windows.groups)
    assert search.best_score_ > 0.1


def test_alpha_through_the_response(windows):
    model = AlphaHRF().fit(windows.X, windows.y)
    assert model.channels_ == ["Pz", "Oz"]
    assert np.abs(model.hrf_).sum() == pytest.approx(1)
    # In the simulation alpha raises the thalamus and lowers the cuneus.
    thalamus, cuneus = model.coef_
    assert thalamus > 0 > cuneus
    assert AlphaHRF(channels=["Cz"]).fit(windows.X, windows.y).channels_ == ["Cz"]
    array = np.asarray(windows.X)
    assert len(AlphaHRF().fit(array, windows.y).channels_) == 4
    with pytest.raises(ValueError, match="there is no Oz9"):
        AlphaHRF(channels=["Oz9"]).fit(windows.X, windows.y)


def test_the_mean_is_that_of_the_training_bold(windows):
    model = MeanBOLD().fit(windows.X[:50], windows.y[:50])
    predicted = model.predict(windows.X[50:])
    np.testing.assert_allclose(predicted, np.tile(windows.y[:50].mean(axis=0), (126, 1)))


def test_no_warnings(model, windows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(windows.X, windows.y).predict(windows.X)
        assert isinstance(model, MeanBOLD | AlphaHRF) or isinstance(
            model.weights(), pd.DataFrame
        )


# The lag between window and volume


def lagged(windows, seconds):
    X = windows.X[:]
    X.lag_seconds = seconds
    return X


@pytest.mark.parametrize("name", ["ridge", "sparse", "fingerprint", "alpha"])
def test_lags_count_to_the_volume(name, windows):
    """Not to the end of the window, which may be seconds before it."""
    model = clone(MODELS[name])
    near, far = (
        clone(model).fit(lagged(windows, seconds), windows.y) for seconds in (0.0, 4.0)
    )
    power = [m.power_ if name == "alpha" else m.pipeline_["power"] for m in (near, far)]
    np.testing.assert_allclose(power[1].lags_, power[0].lags_ + 4)
    if name == "alpha":
        # Glover's response is largest at 5 to 6 s.
        assert 5 <= far.power_.lags_[np.argmax(far.hrf_)] <= 6
        assert np.argmax(near.hrf_) == 0
    else:
        assert far.lags_.min() > 4 and far.weights().index.get_level_values("lag").min() > 4
        assert power[1].get_feature_names_out()[0].endswith(f":{far.lags_[0]:g}")
    with pytest.raises(ValueError, match=r"end 4 s before .*these end 0 s"):
        far.predict(lagged(windows, 0.0))
    assert far.predict(np.asarray(windows.X)).shape == windows.y.shape


def test_the_haemodynamic_response_has_ended_after_a_long_lag(windows):
    with pytest.raises(ValueError, match="from 43.5 to 40.5 s before .* smaller lag"):
        AlphaHRF().fit(lagged(windows, 40.0), windows.y)


def test_names_are_those_of_the_classes():
    for name, model in LINEAR.items():
        assert model.__name__ == name and isinstance(model(), model)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (LaggedBandPower(segment_seconds="2"), "segment_seconds"),
        (LaggedBandPower(step_seconds="2"), "step_seconds"),
        (LaggedBandPower(n_lags="2"), "n_lags"),
        (LaggedBandPower(alphas="1"), "alphas"),
        (SparseBandPower(l1_ratio="0.5"), "l1_ratio"),
        (SparseBandPower(n_penalties=2.5), "n_penalties"),
        (AlphaHRF(band=("8", "13")), "alpha"),
    ],
)
def test_text_for_a_number_names_the_argument(windows, model, name):
    with pytest.raises((TypeError, ValueError), match=f"{name} (must|is)"):
        model.fit(windows.X, windows.y)


def test_predictions_that_overflow_are_reported(windows):
    model = AlphaHRF().fit(windows.X, windows.y)
    model.coef_ = np.array([np.inf, 1.0])
    with pytest.warns(UserWarning, match="176 predicted values are not finite"):
        model.predict(windows.X)


@pytest.mark.parametrize("model", [RidgeFingerprint(n_lags=5), AlphaHRF()])
def test_calibration_windows_do_as_well_as_their_statistics(model, windows):
    one = windows.X[windows.metadata["recording"].to_numpy() == 0]
    model = clone(model).fit(windows.X, windows.y)
    by_statistics = model.predict(one[:3], calibration=model.statistics(one[5:]))
    np.testing.assert_array_equal(
        model.predict(one[:3], calibration=one[5:]), by_statistics
    )


def test_calibration_without_standardisation_is_refused(windows):
    model = LaggedBandPower().fit(windows.X, windows.y)
    statistics = model.statistics(windows.X[:5])
    with pytest.raises(ValueError, match="calibration is not used"):
        model.predict(windows.X, calibration=statistics)


def test_epochs_are_one_piece_of_a_recording(windows):
    X = windows.X[windows.metadata["recording"].to_numpy() == 0]
    info = mne.create_info(windows.ch_names, windows.sfreq, "eeg")
    epochs = mne.EpochsArray(np.asarray(X) / 1e6, info, verbose="error")
    model = AlphaHRF().fit(windows.X, windows.y)
    np.testing.assert_allclose(
        model.statistics(epochs).mean, model.statistics(X).mean, rtol=1e-4
    )
