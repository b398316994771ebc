"""EEGRegressor and windows in everything scikit-learn does with an estimator."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from braindecode_bolt import EEGRegressor, NeuroBOLT, STTransformer
from braindecode_bolt.linear import BandPower, LaggedBandPower
from braindecode_bolt.metrics import pearson_r

from ..conftest import CH_NAMES, N_TIMES, TINY

FAST = {"max_epochs": 2, "verbose": 0, "lr": 1e-3}
#: By class and by name a network that is fitted in no time.
QUICK = {"module__num_layers": 1, "module__embed_dim": 16}
MEAN_R = make_scorer(lambda y, p: pearson_r(y, p).mean())


def regressor(kind, n_outputs, **kwargs):
    if kind == "instance":
        module = NeuroBOLT(n_outputs, ch_names=CH_NAMES, n_times=N_TIMES, **TINY)
        return EEGRegressor(module, **{**FAST, **kwargs})
    module = {"name": "STTransformer", "class": STTransformer}[kind]
    return EEGRegressor(module, **{**FAST, **QUICK, **kwargs})


def targets(windows, n_outputs):
    return windows.y[:, 0] if n_outputs == 1 else windows.y


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("kind", ["instance", "class", "name"])
def test_cross_validation_repeats_itself(windows, kind, n_outputs):
    """Twice, after a fit, and in two processes: the same numbers."""
    net, y = regressor(kind, n_outputs, max_epochs=1), targets(windows, n_outputs)
    settings = {
        "groups": windows.groups,
        "cv": GroupKFold(2),
        "scoring": "neg_mean_squared_error",
    }
    first = cross_val_score(net, windows.X, y, **settings)
    np.testing.assert_array_equal(cross_val_score(net, windows.X, y, **settings), first)
    net.fit(windows.X, y)
    np.testing.assert_array_equal(cross_val_score(net, windows.X, y, **settings), first)
    parallel = cross_val_score(net, windows.X, y, n_jobs=2, **settings)
    np.testing.assert_allclose(parallel, first, rtol=1e-5)


def test_arrays_with_groups_give_what_windows_give(windows):
    net = regressor("instance", 2)
    settings = {"cv": GroupKFold(2), "scoring": "neg_mean_squared_error"}
    lazy = cross_val_score(net, windows.X, windows.y, groups=windows.groups, **settings)
    with config_context(enable_metadata_routing=True):
        array = cross_val_score(
            net,
            np.asarray(windows.X),
            windows.y,
            params={"groups": windows.groups},
            **settings,
        )
    np.testing.assert_allclose(array, lazy, rtol=1e-5)


@pytest.mark.parametrize("routing", [False, True])
def test_metadata_routing(windows, routing):
    net = regressor("name", 2, max_epochs=1)
    with config_context(enable_metadata_routing=routing):
        assert net.fit(windows.X, windows.y, groups=windows.groups).module_ is not None
        groups = {"params": {"groups": windows.groups}} if routing else {}
        groups = groups or {"groups": windows.groups}
        scores = cross_val_score(net, windows.X, windows.y, cv=GroupKFold(2), **groups)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("kind", ["instance", "class", "name"])
def test_grid_search(windows, kind):
    grid = {"module__drop_prob": [0.0, 0.5], "lr": [1e-5, 1e-3]}
    search = GridSearchCV(
        regressor(kind, 2, max_epochs=1), grid, cv=GroupKFold(2), scoring=MEAN_R
    )
    search.fit(windows.X, windows.y, groups=windows.groups)
    assert len(search.cv_results_["params"]) == 4
    assert len(set(search.cv_results_["mean_test_score"].round(6))) == 4
    best = search.best_estimator_.module_
    assert best.get_config()["drop_prob"] == search.best_params_["module__drop_prob"]
    assert search.predict(windows.X[:3]).shape == (3, 2)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_transformed_targets_in_a_pipeline(windows, n_outputs):
    y = 100 + 50 * targets(windows, n_outputs)
    net = make_pipeline(FunctionTransformer(), regressor("instance", n_outputs))
    scaled = TransformedTargetRegressor(net, transformer=StandardScaler())
    scores = cross_val_score(
        scaled, windows.X, y, groups=windows.groups, cv=GroupKFold(2), scoring="r2"
    )
    assert (scores > -1).all(), "unscaled targets of 100 would give far less"
    predicted = scaled.fit(windows.X, y).predict(windows.X)
    assert predicted.shape == y.shape
    assert abs(predicted.mean() - 100) < 30


def test_parameters_reach_through_a_pipeline(windows):
    pipeline = Pipeline([("net", regressor("name", 2))])
    pipeline.set_params(net__max_epochs=1, net__module__drop_prob=0.25)
    pipeline.fit(windows.X, windows.y, net__groups=windows.groups)
    assert pipeline["net"].module_.get_config()["drop_prob"] == 0.25
    assert len(pipeline["net"].history) == 1


@pytest.mark.parametrize("kind", ["instance", "class", "name"])
def test_clone_forgets_the_fit(windows, kind):
    net = regressor(kind, 2).fit(windows.X, windows.y)
    copy = clone(net)
    assert not hasattr(copy, "module_")
    np.testing.assert_array_equal(
        copy.fit(windows.X, windows.y).predict(windows.X), net.predict(windows.X)
    )


def test_cross_val_predict_puts_windows_back_in_order(windows):
    predicted = cross_val_predict(
        LaggedBandPower(), windows.X, windows.y, groups=windows.groups, cv=GroupKFold(4)
    )
    assert pearson_r(windows.y, predicted).mean() > 0.4


# Nothing is learned where there is nothing to learn. Over the 4 x 55
# autocorrelated volumes of the noise the standard error of R is about 0.1.


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("form", ["lazy", "array"])
@pytest.mark.parametrize("use", ["plain", "search", "pipeline", "parallel"])
def test_pure_noise_gives_an_r_of_zero(noise_windows, use, form, n_outputs):
    X = noise_windows.X if form == "lazy" else np.asarray(noise_windows.X)
    y, groups = targets(noise_windows, n_outputs), noise_windows.groups
    kind = "instance" if use == "plain" else "name"
    net = regressor(kind, n_outputs, train_split=None, max_epochs=2)
    if use == "search":
        net = GridSearchCV(net, {"lr": [1e-3]}, cv=2, scoring=MEAN_R)
    elif use == "pipeline":
        net = TransformedTargetRegressor(make_pipeline(net), transformer=StandardScaler())
    scores = cross_val_score(
        net,
        X,
        y,
        groups=groups,
        cv=GroupKFold(2),
        scoring=MEAN_R,
        n_jobs=2 if use == "parallel" else None,
    )
    assert abs(scores.mean()) < 0.3


@pytest.mark.parametrize("kind", ["instance", "class", "name"])
def test_a_fit_leaks_nothing_into_a_later_cross_validation(noise_windows, kind):
    X, y, groups = noise_windows.X, noise_windows.y, noise_windows.groups
    net = regressor(kind, 2, train_split=None, max_epochs=15, lr=2e-3).fit(X, y)
    memorised = pearson_r(y, net.predict(X)).mean()
    assert memorised > 0.5, "else there is nothing that could leak"
    net.set_params(max_epochs=1, lr=1e-5)
    scores = cross_val_score(net, X, y, groups=groups, cv=GroupKFold(2), scoring=MEAN_R)
    assert abs(scores.mean()) < 0.3


@pytest.mark.parametrize("form", ["lazy", "array"])
def test_pure_noise_gives_ridge_an_r_of_zero(noise_windows, form):
    X = noise_windows.X if form == "lazy" else np.asarray(noise_windows.X)
    settings = {"groups": noise_windows.groups, "cv": GroupKFold(2), "scoring": MEAN_R}
    for model in (LaggedBandPower(), make_pipeline(BandPower(), StandardScaler(), Ridge())):
        scores = cross_val_score(model, X, noise_windows.y, **settings)
        assert abs(scores.mean()) < 0.3
