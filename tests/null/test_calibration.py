"""Whether p is what it says: by chance, and with a coupling of known strength.

Shares of significant tests must lie in the range that a binomial distribution leaves
once in a thousand times; predictions are drawn anew for every test.
"""

import numpy as np
import pytest
from scipy import stats

from braindecode_bolt.null import null_r

from .conftest import GENERATORS, TR, autocorrelated

N_REPEATS = 100


def binomial_range(share, n_tests):
    return stats.binom(n_tests, share).ppf([0.0005, 0.9995]) / n_tests


def student_p(r, n_volumes):
    """The p of textbooks, for independent volumes."""
    return stats.t.sf(r * np.sqrt((n_volumes - 2) / (1 - r**2)), n_volumes - 2)


def stacked(bold):
    """Every region many times; recordings below each other."""
    recordings = np.repeat(np.arange(len(bold)), bold.shape[1])
    return np.repeat(np.concatenate(bold), N_REPEATS, axis=1), recordings


def by_chance(bold, method, n_volumes):
    """Real BOLD of four subjects against noise: 600 tests of all, 2400 of each."""
    true, recordings = stacked(bold[:, :n_volumes])
    rng = np.random.default_rng(1)
    pred = [autocorrelated(rng, n_volumes, true.shape[1]) for _ in bold]
    return null_r(true, np.concatenate(pred), recordings, method, 999, tr=TR)


@pytest.mark.parametrize(
    "method, n_volumes",
    [("phase", 567), ("shift", 567), ("block", 567)]
    # The test part of the intra-scan protocol, and something between.
    + [(method, n_volumes) for method in ("phase", "shift") for n_volumes in (48, 120)],
)
def test_five_percent_of_unrelated_predictions_are_significant(bold, method, n_volumes):
    result = by_chance(bold, method, n_volumes)
    for p in (result.p, result.p_per_recording.ravel()):
        for level in (0.05, 0.5):
            low, high = binomial_range(level, p.size)
            assert low < np.mean(p <= level) < high
    # By the textbook it is three times as many.
    naive = student_p(result.observed_per_recording, n_volumes)
    assert np.mean(naive <= 0.05) > 0.15


@pytest.mark.parametrize("method", GENERATORS)
def test_bold_of_other_subjects_is_no_prediction(method, bold):
    """12 pairs of subjects with 36 pairs of regions, which are no independent tests."""
    p, naive = [], []
    for subject in range(4):
        others = np.concatenate(np.delete(bold, subject, axis=0), axis=1)
        true = np.repeat(bold[subject], others.shape[1], axis=1)
        result = null_r(true, np.tile(others, 6), None, method, 499, tr=TR)
        p.append(result.p)
        naive.append(student_p(result.observed, 567))
    significant = np.mean(np.array(p) <= 0.05)
    assert significant < 0.1 and significant < np.mean(np.array(naive) <= 0.05)


@pytest.mark.parametrize("method", GENERATORS)
def test_a_coupling_is_found_as_often_as_expected(method, bold):
    """R of 0.1 in every recording: the more recordings, the surer.

    R of noise is normal with the standard deviation of the null, and significant above
    its 95th percentile.
    """
    rng = np.random.default_rng(2)
    shares = []
    for n_recordings in (1, 2, 4):
        true, recordings = stacked(bold[:n_recordings])
        noise = [autocorrelated(rng, 567, true.shape[1]) for _ in range(n_recordings)]
        pred = 0.1 * true + np.sqrt(1 - 0.1**2) * np.concatenate(noise)
        result = null_r(true, pred, recordings, method, 499, tr=TR)
        expected = stats.norm.sf(stats.norm.isf(0.05) - 0.1 / result.null.std(axis=0))
        low, high = binomial_range(expected.mean(), true.shape[1])
        shares.append(np.mean(result.p <= 0.05))
        assert low < shares[-1] < high
    assert shares[0] < shares[1] - 0.1 < shares[2] - 0.2
