import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_squared_error, r2_score

from braindecode_bolt.metrics import mse, pearson_r, r2, spearman_r

SCORES = [pearson_r, spearman_r, r2, mse]
SERIES = arrays(float, (12, 3), elements=st.floats(-1e3, 1e3))


@given(SERIES, SERIES)
def test_r_agrees_with_scipy(true, predicted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        r = pearson_r(true, predicted)
        expected = [
            pearsonr(t, p).statistic for t, p in zip(true.T, predicted.T, strict=True)
        ]
    defined = np.isfinite(r)
    np.testing.assert_allclose(r[defined], np.array(expected)[defined], atol=1e-6)
    spread = np.minimum(np.ptp(true, axis=0), np.ptp(predicted, axis=0))
    assert defined[spread > 1].all() and not defined[spread == 0].any()


@given(*[arrays(float, (12, 3), elements=st.integers(-5, 5))] * 2)
def test_rank_correlation_agrees_with_scipy(true, predicted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        r = spearman_r(true, predicted)
        expected = [
            spearmanr(t, p).statistic for t, p in zip(true.T, predicted.T, strict=True)
        ]
    np.testing.assert_allclose(r, expected, atol=1e-12)


@given(SERIES, SERIES)
def test_r2_and_mse_agree_with_sklearn(true, predicted):
    true[0] += 1e4  # never constant
    expected = r2_score(true, predicted, multioutput="raw_values")
    np.testing.assert_allclose(r2(true, predicted), expected, rtol=1e-9, atol=1e-12)
    expected = mean_squared_error(true, predicted, multioutput="raw_values")
    np.testing.assert_allclose(mse(true, predicted), expected, rtol=1e-12)


@pytest.mark.parametrize("score", [pearson_r, spearman_r])
def test_a_constant_prediction_is_nan_with_a_warning(score):
    true = np.random.default_rng(0).standard_normal((20, 2))
    with pytest.warns(UserWarning, match="not defined for 1 of 2 regions") as caught:
        r = score(true, np.column_stack([true[:, 0], np.full(20, 0.1)]))
    assert r[0] == pytest.approx(1) and np.isnan(r[1])
    assert len(caught) == 1 and caught[0].filename == __file__


def test_r2_needs_measured_bold_that_varies():
    true = np.random.default_rng(0).standard_normal((20, 2))
    constant = np.ones((20, 2))
    assert (r2(true, constant) < 0).all()
    with pytest.warns(UserWarning, match="R2 is not defined for 2 of 2 regions"):
        assert np.isnan(r2(constant, true)).all()
    np.testing.assert_allclose(mse(constant, constant + 2), 4)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_counted(score, bad):
    true = np.random.default_rng(0).standard_normal((20, 3))
    pred = true.copy()
    pred[4, 1] = bad
    with pytest.warns(UserWarning, match="not defined for 1 of 3.*not finite") as caught:
        values = score(true, pred)
    assert len(caught) == 1
    np.testing.assert_array_equal(np.isnan(values), [False, True, False])


def test_a_series_constant_up_to_rounding_is_constant():
    jitter = np.random.default_rng(0).integers(-1, 2, (50, 1)) * np.spacing(np.float32(1))
    y = np.random.default_rng(1).standard_normal((50, 1))
    for score in (pearson_r, spearman_r):
        with pytest.warns(UserWarning, match="not defined"):
            assert np.isnan(score(y, 1 + jitter / 4))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_level_and_scale_do_not_matter_to_r(scale, offset):
    """Unscaled BOLD has a mean of thousands of its standard deviations."""
    true, pred = np.random.default_rng(0).standard_normal((2, 50, 3))
    expected = pearson_r(true, pred)
    changed = scale * (true + offset), scale * (pred + offset)
    np.testing.assert_allclose(pearson_r(*changed), expected, atol=1e-9)


@pytest.mark.parametrize("score", SCORES)
def test_shapes_must_agree(score):
    with pytest.raises(ValueError, match=r"Shapes differ: \(3, 2\) and \(3, 1\)"):
        score(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="predicted BOLD must be of shape"):
        score(np.zeros((3, 2)), np.zeros((3, 2, 1)))
    with pytest.raises(ValueError, match="measured BOLD must be of shape"):
        score(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize("score", SCORES)
def test_one_region_may_be_one_dimensional(score):
    true, pred = np.random.default_rng(0).standard_normal((2, 30))
    assert score(true, pred) == score(true[:, None], pred[:, None])
