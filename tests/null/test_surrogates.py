import itertools

import numpy as np
import pytest

from braindecode_bolt.metrics import connectivity
from braindecode_bolt.null import block_permuted, circular_shifts, phase_randomised

from .conftest import GENERATORS, autocorrelated, surrogates


@pytest.mark.parametrize("n_volumes", [60, 61])
@pytest.mark.parametrize("method", GENERATORS)
def test_surrogates_keep_what_they_are_to_keep(method, n_volumes):
    series = autocorrelated(np.random.default_rng(0), n_volumes, 3) + 5
    series[:, 1] += series[:, 0]
    before = series.copy()
    made = surrogates(method, series, 20)
    assert made.shape == (20, n_volumes, 3) and np.isrealobj(made)
    np.testing.assert_array_equal(series, before)
    for surrogate in made:
        assert not np.allclose(surrogate, series)
        np.testing.assert_allclose(surrogate.mean(axis=0), series.mean(axis=0))
        np.testing.assert_allclose(connectivity(surrogate), connectivity(series))
        if method == "block":
            continue
        ours, theirs = np.fft.rfft(surrogate, axis=0), np.fft.rfft(series, axis=0)
        np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-9)
        cross = [f[:, :1].conj() * f for f in (ours, theirs)]
        np.testing.assert_allclose(*cross, atol=1e-7)
    if method != "phase":
        rows = np.sort(made, axis=1)
        np.testing.assert_array_equal(rows, np.broadcast_to(np.sort(series, 0), rows.shape))


def test_the_highest_frequency_of_an_even_number_of_volumes_gets_a_sign():
    series = np.random.default_rng(0).standard_normal(20)
    made = np.fft.rfft(phase_randomised(series, 200), axis=1)[:, -1]
    factor = made / np.fft.rfft(series)[-1]
    np.testing.assert_allclose(np.abs(factor.real), 1)
    assert 60 < (factor.real > 0).sum() < 140


def test_every_shift_but_none_is_drawn():
    made = circular_shifts(np.arange(30), 2000)
    assert set(made[:, 0]) == set(range(1, 30))


def test_blocks_stay_whole_and_the_rest_moves():
    made = block_permuted(np.arange(23), 500, tr=2.0, block_seconds=10.0)
    starts = np.array([0, 5, 10, 15, 20])
    for series in made:
        where = np.flatnonzero(np.isin(series, starts))
        for begin, end in itertools.pairwise([*where, 23]):
            np.testing.assert_array_equal(np.diff(series[begin:end]), 1)
    assert set(np.flatnonzero((made == 20).any(axis=0))) == {0, 5, 10, 15, 20}


@pytest.mark.parametrize("method", GENERATORS)
def test_series_may_be_one_dimensional_and_seeds_repeat(method):
    series = np.random.default_rng(0).standard_normal(50)
    made = surrogates(method, series, 4)
    column = surrogates(method, series[:, None], 4)[..., 0]
    np.testing.assert_array_equal(made, column)
    other = surrogates(method, series, 4, np.random.default_rng(1))
    assert not np.allclose(made, other)


def test_impossible_requests_are_errors():
    with pytest.raises(ValueError, match="n_surrogates must be at least 1, got 0"):
        phase_randomised(np.zeros(40), 0)
    with pytest.raises(ValueError, match="1 of 2 series hold NaN"):
        phase_randomised(np.c_[np.zeros(40), np.full(40, np.nan)], 3)
    with pytest.raises(ValueError, match="at least 5 volumes, got 4"):
        phase_randomised(np.zeros(4), 3)
    with pytest.raises(ValueError, match="Circular shifts need at least 2 volumes, got 1"):
        circular_shifts(np.zeros(1), 3)
    with pytest.raises(ValueError, match="30 volumes hold 1 block of 20 volumes"):
        block_permuted(np.zeros(30), 3, tr=2.0)
