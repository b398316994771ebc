"""The scale of the targets as a transformer."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.utils.estimator_checks import parametrize_with_checks

from braindecode_bolt import EEGRegressor, NeuroBOLT
from braindecode_bolt.bold import BOLDScaler

from ..conftest import CH_NAMES, N_TIMES, TINY


@parametrize_with_checks([BOLDScaler()])
def test_scikit_learn_takes_it_for_a_transformer(estimator, check):
    check(estimator)


@pytest.mark.parametrize("quantile", [0.5, 0.95, 1.0])
def test_the_quantile_of_the_absolute_value_becomes_one(quantile):
    y = np.random.default_rng(0).standard_normal((500, 3)) * [0.1, 1, 30]
    scaler = BOLDScaler(quantile).fit(y)
    scaled = scaler.transform(y)
    for column in range(3):
        magnitudes = np.sort(np.abs(y[:, column]))
        # By hand: linear between the two ranks around the quantile.
        rank = quantile * (len(y) - 1)
        expected = np.interp(rank, np.arange(len(y)), magnitudes)
        assert scaler.scale_[column] == pytest.approx(expected, rel=1e-12)
        assert (np.abs(scaled[:, column]) <= 1).mean() == pytest.approx(quantile, abs=3e-3)
    np.testing.assert_allclose(scaler.inverse_transform(scaled), y, rtol=1e-12)
    # The mean is not its business.
    np.testing.assert_allclose(scaler.transform(y + 5), scaled + 5 / scaler.scale_)


def test_names_of_regions_pass_through():
    y = pd.DataFrame(np.random.default_rng(0).standard_normal((30, 2)), columns=["A", "B"])
    scaler = BOLDScaler().set_output(transform="pandas").fit(y)
    assert list(scaler.transform(y)) == ["A", "B"] == list(scaler.get_feature_names_out())


def test_precision_is_that_of_the_targets():
    y = np.random.default_rng(0).standard_normal((30, 2))
    scaler = BOLDScaler().fit(y)
    for dtype in (np.float32, np.float64):
        scaled = scaler.transform(y.astype(dtype))
        assert scaled.dtype == scaler.inverse_transform(scaled).dtype == dtype


@pytest.mark.parametrize("value", [0.0, 0.3, -2.0])
def test_a_constant_region_is_an_error(value):
    y = np.random.default_rng(0).standard_normal((40, 3))
    y[:, 1] = value
    with pytest.raises(ValueError, match="1 regions have no scale, the first in column 1"):
        BOLDScaler().fit(y)
    mostly_zero = np.zeros((100, 1))
    mostly_zero[0] = 1.0
    with pytest.raises(ValueError, match=r"the 0.95 quantile of its absolute value is 0"):
        BOLDScaler().fit(mostly_zero)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_an_error(bad):
    y = np.random.default_rng(0).standard_normal((40, 3))
    fitted = BOLDScaler().fit(y)
    y[[5, 9], 2] = bad
    for call in (BOLDScaler().fit, fitted.transform, fitted.inverse_transform):
        with pytest.raises(ValueError, match="2 values .* first in row 5, column 2"):
            call(y)


@pytest.mark.parametrize("quantile", [0, -0.1, 1.1, np.nan])
def test_a_quantile_is_a_share(quantile):
    with pytest.raises(ValueError, match="quantile must be above 0 and at most 1"):
        BOLDScaler(quantile).fit(np.eye(5))


class Recorder(RegressorMixin, BaseEstimator):
    """Remembers the targets it was trained on, and predicts their quantile."""

    def fit(self, X, y):
        self.seen_ = y
        return self

    def predict(self, X):
        shape = (len(X), *self.seen_.shape[1:])
        return np.ones(shape, self.seen_.dtype)


@pytest.mark.parametrize("n_rois", [None, 1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_scale_is_that_of_the_training_targets(n_rois, dtype):
    rng = np.random.default_rng(0)
    shape = (120,) if n_rois is None else (120, n_rois)
    groups = np.repeat(np.arange(6), 20)
    # Each subject has another scale: any that is not in training would show.
    loudness = (10.0 ** np.arange(6))[groups]
    y = (rng.standard_normal(shape).T * loudness).T.astype(dtype)
    model = TransformedTargetRegressor(Recorder(), transformer=BOLDScaler())
    folds = cross_validate(
        model,
        np.zeros((120, 1)),
        y,
        groups=groups,
        cv=GroupKFold(6),
        return_estimator=True,
        return_indices=True,
    )
    for fitted, train in zip(folds["estimator"], folds["indices"]["train"], strict=True):
        expected = np.percentile(np.abs(y[train]), 95, axis=0)
        np.testing.assert_allclose(fitted.transformer_.scale_, expected, rtol=1e-6)
        seen = fitted.regressor_.seen_
        assert seen.shape == y[train].shape and seen.dtype == dtype
        np.testing.assert_allclose(seen * expected, y[train], rtol=1e-5)
        predicted = fitted.predict(np.zeros((4, 1)))
        assert predicted.shape == (4, *shape[1:])
        np.testing.assert_allclose(predicted, np.broadcast_to(expected, predicted.shape))
    assert not hasattr(model.transformer, "scale_")


def test_the_quantile_can_be_searched():
    y = np.random.default_rng(0).standard_normal((40, 2))
    model = TransformedTargetRegressor(Ridge(), transformer=BOLDScaler())
    search = GridSearchCV(model, {"transformer__quantile": [0.5, 0.9]}, cv=2)
    search.fit(np.random.default_rng(1).standard_normal((40, 3)), y)
    assert clone(search.best_estimator_).transformer.quantile in (0.5, 0.9)


@pytest.mark.parametrize("n_rois", [None, 2])
def test_a_network_learns_scaled_and_predicts_in_units(windows, n_rois):
    factor = 1000.0
    y = windows.y[:, 0] if n_rois is None else windows.y
    module = NeuroBOLT(n_rois or 1, ch_names=CH_NAMES, n_times=N_TIMES, **TINY)
    net = EEGRegressor(module, max_epochs=1, lr=1e-3, verbose=0)
    model = TransformedTargetRegressor(net, transformer=BOLDScaler())
    predicted = model.fit(windows.X, y).predict(windows.X)
    assert predicted.shape == y.shape
    louder = clone(model).fit(windows.X, factor * y).predict(windows.X)
    np.testing.assert_allclose(louder, factor * predicted, rtol=1e-2, atol=1e-2 * factor)
