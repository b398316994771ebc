import numpy as np
import pytest

from braindecode_bolt.metrics import connectivity, connectivity_r


@pytest.fixture
def series():
    rng = np.random.default_rng(0)
    return rng.standard_normal((2, 80, 6)) @ rng.standard_normal((6, 6))


def test_connectivity_is_the_correlation_matrix(series):
    matrix = connectivity(series[0])
    np.testing.assert_allclose(matrix, np.corrcoef(series[0].T), atol=1e-12)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diag(matrix), 1)


def test_connectivity_of_constant_regions_is_not_defined(series):
    y = series[0].copy()
    y[:, 2] = 3.0
    with pytest.warns(UserWarning, match="not defined for 1 of 6 regions"):
        matrix = connectivity(y)
    undefined = np.isnan(matrix)
    assert undefined[2].all() and undefined[:, 2].all() and undefined.sum() == 11


def test_r_between_upper_triangles(series):
    triangles = [np.corrcoef(y.T)[np.triu_indices(6, 1)] for y in series]
    expected = np.corrcoef(*triangles)[0, 1]
    assert connectivity_r(*series) == pytest.approx(expected)
    assert connectivity_r(series[0], 3 * series[0] + 1) == pytest.approx(1)


def test_constant_regions_are_left_out_of_both(series):
    true, pred = series[0], series[1].copy()
    pred[:, 4] = 0.0
    with pytest.warns(UserWarning, match="1 of 6 regions are left out") as caught:
        r = connectivity_r(true, pred)
    assert len(caught) == 1
    kept = [0, 1, 2, 3, 5]
    assert r == pytest.approx(connectivity_r(true[:, kept], pred[:, kept]))


@pytest.mark.parametrize("n_rois", [1, 2])
def test_two_regions_have_one_correlation(series, n_rois):
    with pytest.warns(UserWarning, match=f"takes 3 regions, there are {n_rois}"):
        assert np.isnan(connectivity_r(series[0, :, :n_rois], series[1, :, :n_rois]))


def test_correlations_that_are_all_alike_have_no_r(series):
    alike = np.repeat(series[0, :, :1], 6, axis=1)
    with pytest.warns(UserWarning, match="all correlations of one of the two are the same"):
        assert np.isnan(connectivity_r(series[1], alike))


def test_shapes_must_agree(series):
    with pytest.raises(ValueError, match="Shapes differ"):
        connectivity_r(series[0], series[1, :, :5])
