import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.null import null_r, phase_randomised

from .conftest import GENERATORS, TIMES, TR, autocorrelated, surrogates


@pytest.mark.parametrize("method", GENERATORS)
@settings(max_examples=20, deadline=None)
@given(st.integers(25, 60), st.integers(25, 60), st.integers(0, 99), st.floats(4.0, 12.0))
def test_the_null_is_that_of_explicit_surrogates(method, n_first, n_second, seed, seconds):
    rng = np.random.default_rng(seed)
    true, pred = rng.standard_normal((2, n_first + n_second, 2)).cumsum(axis=1)
    recordings = np.repeat([1, 0], [n_first, n_second])
    times = {"tr": 2.0, "block_seconds": seconds}
    result = null_r(true, pred, recordings, method, 35, random_state=seed, **times)
    expected = np.zeros((35, 2))
    for recording, own in enumerate(np.random.default_rng(seed).spawn(2)):
        rows = recordings == recording
        made = surrogates(method, true[rows], 35, own, **times)
        expected += [pearson_r(surrogate, pred[rows]) / 2 for surrogate in made]
    np.testing.assert_allclose(result.null, expected, atol=1e-5)
    assert result.null.dtype == np.float32


@pytest.mark.parametrize("method", GENERATORS)
def test_many_surrogates_are_those_drawn_at_once(method):
    true, pred = np.random.default_rng(0).standard_normal((2, 160, 1))
    expected = np.zeros(4000)
    for half, own in enumerate(np.random.default_rng(0).spawn(2)):
        rows = slice(80 * half, 80 * half + 80)
        made = surrogates(method, true[rows], 4000, own)[..., 0]
        expected += np.corrcoef(pred[rows, 0], made)[0, 1:] / 2
    result = null_r(true, pred, np.repeat([0, 1], 80), method, 4000, **TIMES)
    np.testing.assert_allclose(result.null[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("alternative", ["greater", "two-sided"])
def test_fields_follow_from_each_other(bold, alternative):
    rng = np.random.default_rng(0)
    true = bold[:3].reshape(-1, 6)
    pred = -0.1 * true + autocorrelated(rng, len(true), 6)
    recordings = np.repeat(["a", "b", "c"], 567)
    result = null_r(true, pred, recordings, n_surrogates=199, alternative=alternative)
    assert list(result.recordings) == ["a", "b", "c"]
    each = [pearson_r(true[recordings == r], pred[recordings == r]) for r in "abc"]
    np.testing.assert_allclose(result.observed_per_recording, each)
    np.testing.assert_allclose(result.observed, np.mean(each, axis=0))
    assert result.observed_mean == pytest.approx(np.mean(each))
    assert result.null.shape == (199, 6) and result.n_surrogates == 199
    absolute = np.abs if alternative == "two-sided" else np.asarray
    reached = absolute(result.null) >= absolute(result.observed)
    np.testing.assert_array_equal(result.p, (1 + reached.sum(axis=0)) / 200)
    reached = absolute(result.null.mean(axis=1)) >= absolute(result.observed_mean)
    assert result.p_mean == (1 + reached.sum()) / 200
    band = np.quantile(result.null, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(result.band, band)
    for number, rng in enumerate(np.random.default_rng(0).spawn(3)):
        made = phase_randomised(bold[number], 199, rng)
        rows = recordings == "abc"[number]
        null = np.array([pearson_r(surrogate, pred[rows]) for surrogate in made])
        reached = (absolute(null) >= absolute(each[number])).sum(axis=0)
        np.testing.assert_array_equal(result.p_per_recording[number], (1 + reached) / 200)
    assert result.n_distinct == math.inf
    assert "3 recordings, 6 regions, 199 surrogates" in repr(result)


def test_rows_of_recordings_may_be_mixed(bold):
    true, pred = bold[:2].reshape(-1, 6), bold[2:].reshape(-1, 6)
    recordings = np.repeat([0, 1], 567)
    mixed = np.arange(2 * 567).reshape(2, 567).T.ravel()
    apart = null_r(true, pred, recordings, n_surrogates=50)
    together = null_r(true[mixed], pred[mixed], recordings[mixed], n_surrogates=50)
    np.testing.assert_array_equal(apart.null, together.null)


def test_recordings_are_changed_independently(bold):
    one = null_r(bold[0], bold[1], n_surrogates=2000)
    twice = (np.concatenate([y, y]) for y in bold[:2])
    two = null_r(*twice, np.repeat([0, 1], 567), n_surrogates=2000)
    ratio = two.null.std(axis=0) / one.null.std(axis=0)
    np.testing.assert_allclose(ratio, np.sqrt(0.5), rtol=0.1)


def test_each_shift_is_used_once_where_there_are_few():
    true, pred = np.random.default_rng(0).standard_normal((2, 30, 2))
    few = "only 29 different surrogates, 10000 were asked.*no p is below 0.033"
    with pytest.warns(UserWarning, match=few) as caught:
        result = null_r(true, pred, method="shift")
    assert len(caught) == 1 and caught[0].filename == __file__
    expected = [pearson_r(np.roll(true, k, 0), pred) for k in range(1, 30)]
    np.testing.assert_allclose(result.null, expected, atol=1e-6)
    reached = (expected >= result.observed).sum(axis=0)
    np.testing.assert_allclose(result.p, (1 + reached) / 30)
    np.testing.assert_array_equal(result.p_per_recording[0], result.p)


def test_all_pairs_of_orders_are_used_once_where_there_are_few():
    true, pred = np.random.default_rng(0).standard_normal((2, 30, 1))
    with pytest.warns(UserWarning, match="only 36 different surrogates"):
        result = null_r(
            true, pred, np.repeat([0, 1], 15), "block", tr=2.0, block_seconds=10.0
        )
    each = []
    for half in (slice(15), slice(15, 30)):
        blocks = np.split(true[half], 3)
        orders = itertools.permutations(blocks)
        each.append([pearson_r(np.concatenate(order), pred[half])[0] for order in orders])
    expected = [(a + b) / 2 for a, b in itertools.product(*each)]
    np.testing.assert_allclose(result.null[:, 0], expected, atol=1e-6)
    # The measured order is one of them, and no rounding may hide it.
    reached = np.sum(np.array(each) >= np.array(each)[:, :1] - 1e-9, axis=1)
    np.testing.assert_allclose(result.p_per_recording[:, 0], (1 + reached) / 7)
    assert result.n_distinct_per_recording == (6, 6)


def test_p_of_a_recording_counts_each_shift_once(bold):
    result = null_r(
        bold[:2].reshape(-1, 6),
        bold[2:].reshape(-1, 6),
        np.repeat([0, 1], 567),
        "shift",
    )
    assert result.n_distinct_per_recording == (566, 566) and result.n_distinct == 566**2
    null = np.array([pearson_r(np.roll(bold[0], k, 0), bold[2]) for k in range(1, 567)])
    reached = (null >= result.observed_per_recording[0]).sum(axis=0)
    np.testing.assert_array_equal(result.p_per_recording[0], (1 + reached) / 567)


@pytest.mark.parametrize("method", GENERATORS)
def test_what_has_no_r_has_no_p(method, bold):
    true, pred = bold[:3].reshape(-1, 6).copy(), bold[1:].reshape(-1, 6).copy()
    recordings = np.repeat([0, 1, 2], 567)
    pred[:, 0] = np.repeat([1.0, 2.0, 3.0], 567)
    true[recordings == 1, 1] = 0.0
    pred[600, 2] = np.nan
    counted = "5 of 18 recordings and regions, and for 1 of 6 regions in all"
    with pytest.warns(UserWarning, match=counted) as caught:
        result = null_r(true, pred, recordings, method, 300, tr=TR)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert np.isnan(result.p[0]) and np.isnan(result.observed[0])
    assert np.isnan(result.null[:, 0]).all() and np.isnan(result.band[:, 0]).all()
    np.testing.assert_array_equal(
        np.isnan(result.p_per_recording), np.isnan(result.observed_per_recording)
    )
    np.testing.assert_array_equal(np.isnan(result.p[1:]), False)
    others = result.observed_per_recording[[0, 2], 1]
    assert result.observed[1] == pytest.approx(others.mean())
    assert result.observed_mean == pytest.approx(result.observed[1:].mean())
    assert np.isfinite(result.p_mean)


def test_nothing_defined_at_all(bold):
    with pytest.warns(UserWarning, match="6 of 6 regions in all recordings"):
        result = null_r(bold[0], np.zeros_like(bold[0]), n_surrogates=9)
    assert (
        np.isnan(result.p).all() and np.isnan([result.p_mean, result.observed_mean]).all()
    )


@pytest.mark.parametrize(
    "kwargs, match",
    [
        ({"method": "shuffle"}, "must be one of phase, shift, block, got 'shuffle'"),
        ({"alternative": "less"}, "must be one of greater, two-sided, got 'less'"),
        ({"n_surrogates": 0}, "n_surrogates must be at least 1, got 0"),
        ({"level": 95}, "level must lie between 0 and 1, got 95"),
        ({"recordings": [0, 1]}, "one label for each of 40 volumes"),
        ({"method": "block", "tr": None}, "tr must be the .* since block_seconds"),
        ({"method": "block", "tr": -1.0}, "since block_seconds is in seconds; got -1.0"),
        ({"method": "block", "block_seconds": -1.0}, "not negative, got -1.0"),
        ({"method": "block"}, "Recording 0: 30 volumes hold 1 block of 20"),
        (
            {"recordings": ["a"] * 36 + ["b"] * 4},
            "Recording b: .* 5 volumes, got 4",
        ),
        ({"y_pred": np.zeros((40, 3))}, r"Shapes differ: \(40, 2\) and \(40, 3\)"),
    ],
)
def test_impossible_requests_are_errors(kwargs, match):
    true, pred = np.random.default_rng(0).standard_normal((2, 40, 2))
    recordings = np.repeat([1, 0], [10, 30])
    given = {"y_true": true, "y_pred": pred, "recordings": recordings, "tr": 2.0}
    with pytest.raises(ValueError, match=match):
        null_r(**{**given, "n_surrogates": 9, **kwargs})
