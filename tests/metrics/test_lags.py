import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from braindecode_bolt.metrics import best_lag

TR = 2.1


@given(st.integers(-4, 4), st.integers(20, 60), st.integers(0, 10))
def test_a_shifted_copy_is_found(shift, n_volumes, seed):
    long = np.random.default_rng(seed).standard_normal((n_volumes + 8, 3))
    true, pred = long[4:-4], long[4 - shift : 4 - shift + n_volumes]
    lags, r = best_lag(true, 2 * pred + 5, TR)
    np.testing.assert_allclose(lags, shift * TR)
    np.testing.assert_allclose(r, 1)


def test_r_at_each_lag_is_that_of_the_volumes_in_common():
    true, pred = np.random.default_rng(3).standard_normal((2, 40, 5)) + 100
    lags, r = best_lag(true, pred, tr=2.0, max_lag=6.0)
    for region in range(5):
        t, p = true[:, region], pred[:, region]
        at = {0: pearsonr(t, p).statistic}
        for k in (1, 2, 3):
            at[2.0 * k] = pearsonr(t[:-k], p[k:]).statistic
            at[-2.0 * k] = pearsonr(t[k:], p[:-k]).statistic
        assert lags[region] == max(at, key=at.get)
        assert r[region] == pytest.approx(max(at.values()))


def test_of_equal_lags_the_shortest_is_taken():
    wave = np.sin(2 * np.pi * np.arange(60) / 4)
    assert best_lag(wave, wave, TR, max_lag=20.0)[0] == 0


def test_no_lag_but_none():
    true, pred = np.random.default_rng(0).standard_normal((2, 30, 2))
    lags, r = best_lag(true, pred, TR, max_lag=2.0)
    np.testing.assert_array_equal(lags, 0)
    assert r[0] == pytest.approx(pearsonr(true[:, 0], pred[:, 0]).statistic)


def test_a_constant_series_has_no_lag():
    true = np.random.default_rng(0).standard_normal((30, 2))
    pred = true.copy()
    pred[:, 1] = 7
    with pytest.warns(UserWarning, match="at no lag for 1 of 2 regions") as caught:
        lags, r = best_lag(true, pred, TR)
    assert len(caught) == 1
    np.testing.assert_array_equal(lags, [0, np.nan])
    assert np.isnan(r[1])


def test_a_lag_at_which_a_series_is_constant_is_passed_over():
    true = np.r_[1.0, np.zeros(9)]
    lags, r = best_lag(true, true[::-1], 1.0, max_lag=5.0)
    assert np.isfinite(lags) and np.isfinite(r)


@pytest.mark.parametrize(
    "kwargs, match",
    [
        ({"tr": 0.0}, "tr must be positive"),
        ({"tr": 2.0, "max_lag": -1.0}, "max_lag not negative"),
        ({"tr": 2.0, "max_lag": 40.0}, r"less than half of 30.*at most 30 s"),
    ],
)
def test_impossible_times_are_errors(kwargs, match):
    with pytest.raises(ValueError, match=match):
        best_lag(np.arange(30.0), np.arange(30.0), **kwargs)
