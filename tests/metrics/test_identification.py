import numpy as np
import pytest

from braindecode_bolt.metrics import (
    connectivity,
    connectivity_r,
    connectivity_similarity,
    identify_subjects,
)


def people(rng, n_people, own, n_rois=12):
    """Connectivity that people mostly share, and predictions that know some of the rest."""
    shared = rng.standard_normal((n_rois, n_rois))
    of_people = 0.3 * rng.standard_normal((n_people, n_rois, n_rois))
    noise = 0.3 * rng.standard_normal((n_people, n_rois, n_rois))
    return shared + of_people, shared + own * of_people + noise


def test_similarity_is_the_r_of_connectivity():
    rng = np.random.default_rng(0)
    measured, predicted = rng.standard_normal((2, 3, 60, 5))
    similarity = connectivity_similarity(
        [connectivity(y) for y in measured], [connectivity(y) for y in predicted]
    )
    for row in range(3):
        for column in range(3):
            expected = connectivity_r(measured[column], predicted[row])
            assert similarity[row, column] == pytest.approx(expected)


def test_connections_that_one_lacks_are_left_out_of_all():
    rng = np.random.default_rng(0)
    measured, predicted = rng.standard_normal((2, 4, 6, 6))
    without = (
        np.delete(np.delete(measured, 2, 1), 2, 2),
        np.delete(np.delete(predicted, 2, 1), 2, 2),
    )
    measured[1, 2] = measured[1, :, 2] = np.nan
    np.testing.assert_allclose(
        connectivity_similarity(measured, predicted), connectivity_similarity(*without)
    )
    assert np.isnan(
        connectivity_similarity(measured[:, :2, :2], predicted[:, :2, :2])
    ).all()


def test_a_prediction_that_knows_the_person_is_told_from_one_that_knows_everybody():
    rng = np.random.default_rng(0)
    knowing = identify_subjects(connectivity_similarity(*people(rng, 20, own=1.0)))
    ignorant = identify_subjects(connectivity_similarity(*people(rng, 20, own=0.0)))
    assert knowing.own > 0.8 and ignorant.own > 0.8
    assert knowing.chance == ignorant.chance == 0.05
    assert knowing.accuracy > 0.5 and knowing.accuracy_p < 0.001
    assert knowing.pairing > 0.02 and knowing.pairing_p < 0.001
    assert ignorant.pairing_p > 0.05 and ignorant.accuracy_p > 0.05


@pytest.mark.parametrize("n_people", [5, 12])
def test_by_chance_p_is_as_small_as_it_says(n_people):
    rng = np.random.default_rng(0)
    found = [
        identify_subjects(rng.standard_normal((n_people, n_people)), 199)
        for _ in range(300)
    ]
    assert np.mean([one.accuracy for one in found]) == pytest.approx(1 / n_people, rel=0.25)
    assert np.mean([one.pairing_p <= 0.1 for one in found]) == pytest.approx(0.1, abs=0.05)
    assert np.mean([one.accuracy_p <= 0.1 for one in found]) <= 0.13


def test_all_pairings_of_few_people_are_used_once():
    found = identify_subjects(np.eye(4))
    assert found.accuracy == 1 and found.accuracy_p == found.pairing_p == pytest.approx(
        1 / 24
    )
    assert identify_subjects(np.eye(3)).pairing_p == pytest.approx(1 / 6)


def test_ties_count_in_part():
    found = identify_subjects(np.ones((4, 4)))
    assert found.accuracy == found.chance == 0.25
    assert found.pairing == 0 and found.pairing_p == found.accuracy_p == 1


def test_people_without_connectivity_are_left_out():
    similarity = np.eye(5)
    similarity[3] = np.nan
    with pytest.warns(UserWarning, match="1 person is left out"):
        assert identify_subjects(similarity).n_subjects == 4
    alone = identify_subjects(np.ones((1, 1)))
    assert alone.n_subjects == 1 and np.isnan([alone.accuracy, alone.pairing_p]).all()


def test_what_cannot_be_used_is_an_error():
    with pytest.raises(ValueError, match=r"row and a column for each.*\(2, 3\)"):
        identify_subjects(np.ones((2, 3)))
    with pytest.raises(ValueError, match="n_permutations"):
        identify_subjects(np.eye(3), 0)
    with pytest.raises(ValueError, match="the same regions"):
        connectivity_similarity(np.ones((2, 3, 3)), np.ones((2, 4, 4)))
    with pytest.raises(ValueError, match="matrices of connectivity"):
        connectivity_similarity([], [])
