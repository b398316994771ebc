import json

import numpy as np
import pytest
from scipy.signal import lfilter
from sklearn.exceptions import NotFittedError

from braindecode_bolt.metrics import SubjectIntervals
from braindecode_bolt.metrics.intervals import held_out_intervals


def errors_of(rng, n_people, noisy=None, n_volumes=150, n_rois=3, difference=0.2):
    """Autocorrelated errors of people whose spread differs, and whose they are."""
    spreads = np.exp(difference * rng.standard_normal(n_people))
    if noisy is not None:
        spreads[noisy] *= 10
    white = rng.standard_normal((n_people, n_volumes + 30, n_rois))
    errors = lfilter([1], [1, -0.7], white, axis=1)[:, 30:] * np.sqrt(1 - 0.7**2)
    errors = (errors * spreads[:, None, None]).reshape(-1, n_rois)
    return errors, np.repeat(np.arange(n_people), n_volumes)


def coverage_of_a_further_person(method, n_people, noisy, n_draws=60):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(n_draws):
        errors, who = errors_of(rng, n_people + 1, noisy(rng) if noisy else None)
        known = who < n_people
        zeros = np.zeros_like(errors)
        intervals = SubjectIntervals(method).fit(errors[known], zeros[known], who[known])
        lower, upper = intervals.interval(zeros[~known], 0.9)
        found.append(np.mean((errors[~known] >= lower) & (errors[~known] <= upper)))
    return np.mean(found)


NOISY = {
    "ordinary people": None,
    "one known is far noisier": lambda rng: 0,
    "one of all is far noisier": lambda rng: int(rng.integers(25)),
}


@pytest.mark.parametrize("noisy", NOISY.values(), ids=NOISY)
def test_intervals_of_24_people_cover_87_to_93_percent_of_a_further_one(noisy):
    assert 0.87 <= coverage_of_a_further_person("leave-one-out", 24, noisy) <= 0.93


@pytest.mark.filterwarnings("ignore:With 6 people, no interval can be guaranteed")
def test_intervals_of_6_people_who_are_alike_cover_87_to_93_percent():
    assert 0.87 <= coverage_of_a_further_person("leave-one-out", 6, None) <= 0.93


@pytest.mark.parametrize("noisy", NOISY.values(), ids=NOISY)
def test_the_conformal_method_covers_no_less_than_it_says(noisy):
    assert coverage_of_a_further_person("conformal", 24, noisy) >= 0.89


@pytest.mark.filterwarnings("ignore:With 6 people")
def test_one_bad_scan_does_not_make_the_intervals_of_others_useless():
    """A quantile over all volumes would have to reach into the errors of that scan."""
    rng = np.random.default_rng(0)
    errors, who = errors_of(rng, 6, difference=0.0)
    worse = errors * np.where(who == 0, 10, 1)[:, None]
    width, wider = (
        SubjectIntervals().fit(of_all, 0 * of_all, who).half_width(0.9)
        for of_all in (errors, worse)
    )
    assert (width < wider).all() and (wider < 1.6 * width).all()
    pooled = np.quantile(np.abs(worse), 0.9, axis=0)
    assert (pooled > 2 * width).all()


def test_people_weigh_the_same_whatever_their_number_of_volumes():
    rng = np.random.default_rng(0)
    errors, who = errors_of(rng, 5, difference=0.5)
    last = who == 4
    twice, of_whom = np.r_[errors, errors[last]], np.r_[who, who[last]]
    once = SubjectIntervals().fit(errors, 0 * errors, who)
    again = SubjectIntervals().fit(twice, 0 * twice, of_whom)
    np.testing.assert_allclose(once.half_widths_, again.half_widths_)


def test_without_differences_the_width_is_the_quantile_of_the_errors():
    rng = np.random.default_rng(0)
    errors, who = rng.standard_normal((40 * 300, 2)), np.repeat(np.arange(40), 300)
    intervals = SubjectIntervals().fit(errors, 0 * errors, who)
    np.testing.assert_allclose(intervals.half_width(0.9), 1.645, rtol=0.03)
    np.testing.assert_allclose(intervals.half_width(0.683), 1.0, rtol=0.03)
    lower, upper = intervals.interval(np.ones((3, 2)), 0.9)
    np.testing.assert_allclose((lower + upper) / 2, 1.0)
    np.testing.assert_allclose(upper[0] - 1, intervals.half_width(0.9))


def test_the_models_spread_says_where_intervals_are_wide():
    rng = np.random.default_rng(0)
    spread = np.exp(rng.standard_normal((20 * 200, 1)))
    errors, who = spread * rng.standard_normal(spread.shape), np.repeat(np.arange(20), 200)
    intervals = SubjectIntervals().fit(errors, 0 * errors, who, spread=3 * spread)
    lower, upper = intervals.interval(np.zeros((2, 1)), 0.9, spread=[[3.0], [30.0]])
    np.testing.assert_allclose(
        upper - lower, 2 * 1.645 * np.array([[1.0], [10.0]]), rtol=0.05
    )
    with pytest.raises(ValueError, match="fitted with a spread, and none is given"):
        intervals.interval(np.zeros((2, 1)))
    with pytest.raises(ValueError, match="fitted without a spread, and one is given"):
        SubjectIntervals().fit(errors, 0 * errors, who).interval(spread, spread=spread)


def test_one_region_may_be_one_dimensional():
    errors, who = errors_of(np.random.default_rng(0), 12, n_rois=1)
    flat = SubjectIntervals().fit(errors[:, 0], 0 * errors[:, 0], who)
    lower, upper = flat.interval(np.zeros(7))
    assert lower.shape == upper.shape == (7,) and (lower < upper).all()


def test_levels_that_few_people_cannot_promise_get_a_warning():
    errors, who = errors_of(np.random.default_rng(0), 6)
    ours = SubjectIntervals().fit(errors, 0 * errors, who)
    assert ours.highest_promised_ == pytest.approx(6 / 7)
    ours.half_width(0.85)
    with pytest.warns(UserWarning, match=r"With 6 people.*90%.*the most is 85.7%"):
        assert np.isfinite(ours.half_width(0.9)).all()
    conformal = SubjectIntervals("conformal").fit(errors, 0 * errors, who)
    with pytest.warns(UserWarning, match="is infinite"):
        assert np.isinf(conformal.half_width(0.9)).all()


@pytest.mark.filterwarnings("ignore:With 6 people")
@pytest.mark.parametrize("method", ["leave-one-out", "conformal"])
def test_they_come_back_from_json(method):
    errors, who = errors_of(np.random.default_rng(0), 6)
    before = SubjectIntervals(method).fit(errors, 0 * errors, who)
    text = json.dumps(before.to_dict(), allow_nan=False)
    after = SubjectIntervals.from_dict(json.loads(text))
    assert repr(after) == repr(before)
    for level in (0.5, 0.85, 0.933):
        np.testing.assert_allclose(
            after.half_width(level), before.half_width(level), rtol=1e-5
        )


@pytest.mark.parametrize(
    "change",
    [
        {"method": "magic"},
        {"n_subjects": 1},
        {"n_subjects": "6"},
        {"uses_spread": None},
        {"levels": [0.5]},
        {"half_widths": []},
        {"half_widths": [[1.0]]},
        {"half_widths": [[-1.0]] * 100},
        {"half_widths": [[float("nan")]] * 100},
        {"half_widths": [[100.0 - n] for n in range(100)]},
        {"half_widths": "many"},
    ],
)
def test_damaged_content_is_an_error(change):
    errors, who = errors_of(np.random.default_rng(0), 4, n_rois=1)
    content = SubjectIntervals().fit(errors, 0 * errors, who).to_dict()
    with pytest.raises(ValueError, match="not the intervals"):
        SubjectIntervals.from_dict(content | change)
    del content["levels"]
    with pytest.raises(ValueError, match="'levels' is missing"):
        SubjectIntervals.from_dict(content)


def test_a_persons_own_errors_have_no_part_in_their_held_out_interval():
    errors, who = errors_of(np.random.default_rng(0), 5)
    before = held_out_intervals(errors, 0 * errors, who, 0.8)
    errors[who == 2] *= 50
    after = held_out_intervals(errors, 0 * errors, who, 0.8)
    np.testing.assert_array_equal(before[who == 2], after[who == 2])
    assert (after[who != 2] > before[who != 2]).any()
    others = who != 2
    direct = SubjectIntervals().fit(errors[others], 0 * errors[others], who[others])
    # The thresholds are those of all people.
    np.testing.assert_allclose(after[who == 2][0], direct.half_width(0.8), rtol=0.02)


def test_what_cannot_be_used_is_an_error():
    y, who = np.zeros((20, 2)), np.repeat([0, 1], 10)
    with pytest.raises(ValueError, match="at least 2 people, got 1"):
        SubjectIntervals().fit(y, y, np.zeros(20))
    with pytest.raises(ValueError, match="one label for each of 20"):
        SubjectIntervals().fit(y, y, who[:5])
    with pytest.raises(ValueError, match="1 value is not finite in the measured"):
        SubjectIntervals().fit(
            np.where(np.arange(40).reshape(20, 2) == 3, np.nan, y), y, who
        )
    with pytest.raises(ValueError, match="spread must be finite and above 0"):
        SubjectIntervals().fit(y, y, who, spread=y)
    with pytest.raises(ValueError, match="spread must have the shape"):
        SubjectIntervals().fit(y, y, who, spread=y[:, :1] + 1)
    with pytest.raises(ValueError, match="method must be one of"):
        SubjectIntervals("bayes")
    with pytest.raises(NotFittedError, match="not fitted"):
        SubjectIntervals().interval(y)
    with pytest.raises(ValueError, match="at least 3 people"):
        held_out_intervals(y, y, who)
    fitted = SubjectIntervals().fit(y, y + 1, who)
    with pytest.raises(ValueError, match="of 2 regions, the predictions of 3"):
        fitted.interval(np.zeros((4, 3)), 0.5)
    with pytest.raises(ValueError, match="level"):
        fitted.half_width(1.0)
