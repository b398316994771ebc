import numpy as np
import pytest
from scipy import stats

from braindecode_bolt.null import bootstrap_interval, fdr


@pytest.mark.parametrize("method", ["bh", "by"])
def test_adjusted_p_are_scipys_with_nan_passed_through(method):
    p = np.random.default_rng(0).random((3, 4)) ** 2
    expected = stats.false_discovery_control(p.ravel(), method=method).reshape(3, 4)
    np.testing.assert_allclose(fdr(p, method), expected)
    gaps = np.insert(p.ravel(), [0, 5], np.nan)
    adjusted = fdr(gaps, method)
    np.testing.assert_array_equal(np.isnan(adjusted), np.isnan(gaps))
    np.testing.assert_allclose(adjusted[~np.isnan(gaps)], expected.ravel())
    assert np.isnan(fdr([np.nan, np.nan], method)).all()


def test_p_outside_of_0_and_1_are_errors():
    with pytest.raises(ValueError, match="numbers between 0 and 1"):
        fdr([0.2, 1.2, np.nan])


def test_with_a_recording_each_it_is_scipys_interval_of_the_mean():
    """At the level that is as much wider as Student's t is among 12 subjects."""
    values = np.random.default_rng(0).standard_normal((12, 3))
    interval = bootstrap_interval(values, np.arange(12), 500, level=0.9, random_state=3)
    assert interval.shape == (2, 3)
    expected = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=500,
        confidence_level=1 - 2 * stats.norm.cdf(-np.sqrt(12 / 11) * stats.t(11).ppf(0.95)),
        method="percentile",
        random_state=np.random.default_rng(3),
    ).confidence_interval
    np.testing.assert_allclose(interval, expected)
    one = bootstrap_interval(values[:, 1], np.arange(12), 500, 0.9, random_state=3)
    np.testing.assert_allclose(one, interval[:, 1])


def test_recordings_of_a_subject_come_together():
    """Using each subject's recording twice changes nothing."""
    values = np.random.default_rng(0).standard_normal((8, 2))
    names = np.array([f"{number:02d}" for number in range(8)])
    once = bootstrap_interval(values, names, 500)
    twice = bootstrap_interval(np.tile(values, (2, 1)), np.tile(names, 2), 500)
    np.testing.assert_allclose(twice, once)


def test_subjects_with_more_recordings_count_more():
    values = np.r_[np.zeros(30), 1.0, 1.0, 1.0, 1.0, 1.0]
    subjects = np.r_[np.zeros(30), 1, 2, 3, 4, 5]
    low, high = bootstrap_interval(values, subjects)
    assert low < values.mean() < high == 1


@pytest.mark.parametrize("n_subjects", [6, 12, 30])
def test_it_covers_the_mean_as_often_as_it_says(n_subjects):
    """1000 studies with two recordings each.

    A third of the variance is between subjects, so intervals over recordings are too
    narrow.
    """
    rng = np.random.default_rng(0)
    subjects = np.repeat(rng.standard_normal((n_subjects, 1000)), 2, axis=0)
    values = 0.5 * subjects + rng.standard_normal(subjects.shape) * np.sqrt(0.5)
    covered = []
    for subjects in (np.repeat(np.arange(n_subjects), 2), np.arange(2 * n_subjects)):
        low, high = bootstrap_interval(values, subjects, 1999)
        covered.append(np.mean((low <= 0) & (0 <= high)))
    low, high = stats.binom(1000, 0.95).ppf([0.0005, 0.9995]) / 1000
    assert low < covered[0] < high and covered[1] < covered[0] - 0.01


def test_nan_is_left_out_of_its_column():
    values = np.random.default_rng(0).standard_normal((10, 3))
    values[:2, 1] = np.nan
    subjects = np.arange(10)
    interval = bootstrap_interval(values, subjects, 500)
    of_eight = bootstrap_interval(values[2:, 1], subjects[2:], 500)
    np.testing.assert_allclose(interval[:, 1], of_eight)
    assert np.isfinite(interval).all()


def test_few_subjects_are_warned_about():
    values = np.random.default_rng(0).standard_normal((6, 3))
    values[1:, 2] = np.nan
    few = "3 of 3 columns .* fewer than 5 subjects .1 in the worst.*in 1 columns"
    with pytest.warns(UserWarning, match=few) as caught:
        interval = bootstrap_interval(values, [0, 0, 1, 1, 2, 2])
    assert len(caught) == 1 and caught[0].filename == __file__
    np.testing.assert_array_equal(np.isnan(interval), [[False, False, True]] * 2)
    with pytest.warns(UserWarning, match="in 3 columns, there is none"):
        assert np.isnan(bootstrap_interval(values, np.zeros(6))).all()


@pytest.mark.parametrize(
    "kwargs, match",
    [
        ({"subjects": [0, 1]}, r"got \(6, 2\) and \(2,\)"),
        ({"values": np.zeros((0, 2)), "subjects": []}, r"got \(0, 2\) and \(0,\)"),
        ({"n_resamples": 0}, "n_resamples must be at least 1"),
        ({"level": 95}, "level between 0 and 1, got 10000 and 95"),
    ],
)
def test_impossible_requests_are_errors(kwargs, match):
    given = {"values": np.zeros((6, 2)), "subjects": np.arange(6)}
    with pytest.raises(ValueError, match=match):
        bootstrap_interval(**{**given, **kwargs})
