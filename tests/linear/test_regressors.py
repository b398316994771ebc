import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.preprocessing import StandardScaler

from braindecode_bolt.linear import (
    AlphaHRF,
    BandPower,
    BandPowerGP,
    GroupedRidge,
    LaggedBandPower,
    MeanBOLD,
    RidgeFingerprint,
)
from braindecode_bolt.metrics import pearson_r

MODELS = {
    "ridge": LaggedBandPower(),
    "sparse": LaggedBandPower("sparse_group_lasso", n_penalties=4),
    "fingerprint": RidgeFingerprint(n_bands=6, n_lags=8, segment_seconds=1.0),
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
    assert model.fit(windows.X, windows.y[:, :1].tolist()).predict(windows.X).shape == (
        len(windows),
        1,
    )


def test_arrays_are_as_good_as_windows(model, windows):
    if getattr(model, "standardise", None):
        model.set_params(standardise=None)
    array = np.asarray(windows.X)
    lazy = model.fit(windows.X, windows.y[:, 0]).predict(windows.X)
    np.testing.assert_allclose(model.predict(array), lazy, rtol=1e-2, atol=1e-3)
    # Arrays do not say which channels are posterior, or where they are.
    if not isinstance(model, AlphaHRF | BandPowerGP):
        model.fit(array, windows.y[:, 0], groups=windows.groups)
        np.testing.assert_allclose(model.predict(array), lazy, rtol=1e-2, atol=1e-3)


def test_a_second_fit_is_as_the_first(model, windows):
    first = model.fit(windows.X, windows.y).predict(windows.X)
    model.fit(windows.X[:60], windows.y[:60, 0])
    np.testing.assert_array_equal(model.fit(windows.X, windows.y).predict(windows.X), first)
    np.testing.assert_array_equal(
        clone(model).fit(windows.X, windows.y).predict(windows.X), first
    )


def test_scikit_learn_takes_it(model, windows):
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
def test_it_predicts_people_it_has_not_seen(name, windows):
    train = windows.groups != "04"
    model = clone(MODELS[name]).fit(windows.X[train], windows.y[train])
    predicted = model.predict(windows.X[~train])
    assert pearson_r(windows.y[~train], predicted).mean() > 0.4


def test_targets_that_do_not_fit(model, windows):
    with pytest.raises(ValueError, match="X has 176 windows, y 10 rows"):
        model.fit(windows.X, windows.y[:10])
    y = windows.y.copy()
    y[3, 1] = np.nan
    with pytest.raises(ValueError, match="y has 1 values that are not finite"):
        model.fit(windows.X, y)


@pytest.mark.parametrize("name", ["ridge", "alpha", "mean", "gp"])
def test_impossible_eeg_is_said(name, windows):
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
    found = weights.loc[("Oz", "alpha", 1.0), "Cuneus"]
    assert found == model.coef_[1, 3, 2, 1]
    assert model.weights().columns.tolist() == [0, 1]
    with pytest.raises(ValueError, match="has 2 regions, got 1 names"):
        model.weights(["Cuneus"])


def test_weights_lie_where_the_coupling_is(windows):
    """The simulated thalamus follows alpha, which is largest over the occiput."""
    weights = LaggedBandPower().fit(windows.X, windows.y).weights(windows.roi_names)
    summed = weights["Thalamus"].groupby(["channel", "band"]).sum()
    assert summed.idxmax()[1] == "alpha"


def test_the_sparse_one_leaves_out(windows):
    model = clone(MODELS["sparse"]).fit(windows.X, windows.y)
    assert 0.2 < (model.coef_ == 0).mean() < 1
    with pytest.raises(ValueError, match="penalty must be"):
        LaggedBandPower("elastic").fit(windows.X, windows.y)


def test_a_search_over_penalties_and_segments(windows):
    search = GridSearchCV(
        LaggedBandPower(),
        {"penalty": ["ridge", "sparse_group_lasso"], "segment_seconds": [1.0, 2.0]},
        cv=GroupKFold(2),
    )
    search.fit(windows.X, windows.y, groups=windows.groups)
    assert search.best_score_ > 0.1


def test_alpha_through_the_response(windows):
    model = AlphaHRF().fit(windows.X, windows.y)
    assert model.channels_ == ["Pz", "Oz"]
    assert model.hrf_.sum() == pytest.approx(1)
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


def test_no_warning_of_its_own(model, windows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(windows.X, windows.y).predict(windows.X)
        assert isinstance(model, MeanBOLD | AlphaHRF) or isinstance(
            model.weights(), pd.DataFrame
        )
