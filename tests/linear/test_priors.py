import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braindecode_bolt.linear import electrode_positions
from braindecode_bolt.linear.prior_search import CHOICES, Priors
from braindecode_bolt.linear.priors import (
    electrode_covariance,
    frequency_covariance,
    lag_covariance,
    square_root,
)


def test_positions_go_by_name_on_the_unit_sphere():
    places = electrode_positions(["EEG Oz-Ref", "Fz", "T7", "T8", "E17"])
    np.testing.assert_allclose(np.linalg.norm(places[:4], axis=1), 1)
    oz, fz, left, right, unknown = places
    assert oz[1] < -0.7 and fz[1] > 0.3 and left[0] < -0.9 and right[0] > 0.9
    assert np.isnan(unknown).all()


def test_what_has_no_place_stays_by_itself():
    places = electrode_positions(["Oz", "E17", "O1", "E18"])
    covariance = electrode_covariance(places, 1.0)
    np.testing.assert_array_equal(covariance[1], [0, 1, 0, 0])
    np.testing.assert_array_equal(covariance[3], [0, 0, 0, 1])
    assert 0.5 < covariance[0, 2] < 1
    of_bands = frequency_covariance(np.array([4.0, np.nan, 8.0]), 1.0)
    np.testing.assert_allclose(of_bands[0], [1, 0, np.exp(-0.5)])


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(CHOICES["lag_length"]),
    st.sampled_from(CHOICES["lag_peak"]),
    st.integers(1, 30),
)
def test_covariances_are_not_negative_and_have_roots(length, peak, n):
    covariance = lag_covariance(np.arange(n)[::-1] * 0.5, length, peak)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9
    root = square_root(covariance, 1e-4)
    np.testing.assert_allclose(root @ root.T, covariance, atol=1e-2 * covariance.max())


def test_the_envelope_peaks_where_it_should():
    lags = np.arange(20.0)
    variance = np.diag(lag_covariance(lags, 2.0, 5.0))
    assert lags[np.argmax(variance)] == 5 and variance.max() == pytest.approx(1)
    np.testing.assert_array_equal(np.diag(lag_covariance(lags, 2.0)), 1)


def test_a_basis_stands_for_its_prior():
    rng = np.random.default_rng(0)
    places = electrode_positions(["Oz", "O1", "Pz", "Fz"])
    priors = Priors((4, 2, 9), places, np.array([6.0, 10.0]), np.arange(9.0)[::-1])
    values = {
        "electrode_length": 1.0,
        "frequency_length": 0.7,
        "lag_length": 3.0,
        "lag_peak": np.inf,
    }
    basis = priors.basis(values)
    X = rng.standard_normal((5, 4, 2, 9))
    whole = np.eye(1)
    for axis in range(3):
        whole = np.kron(whole, priors.covariance(axis, values))
    expected = X.reshape(5, -1) @ whole @ X.reshape(5, -1).T
    Z = basis(X)
    assert Z.shape[1] < 72
    np.testing.assert_allclose(Z @ Z.T, expected, atol=0.05 * np.abs(expected).max())
    # Weights go back to the features.
    weights = rng.standard_normal((Z.shape[1], 3))
    coef = basis.back(weights)
    np.testing.assert_allclose(X.reshape(5, -1) @ coef.reshape(3, -1).T, Z @ weights)
