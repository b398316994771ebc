import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dct
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, WhiteKernel

from braindecode_bolt.linear import moments
from braindecode_bolt.linear.evidence import Regions
from braindecode_bolt.linear.moments import band_edge, find_stretches, gather


def make_data(n=30, p=6, q=2, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, p))
    return Z, Z @ rng.standard_normal((p, q)) + rng.standard_normal((n, q))


def gathered(Z, y, stretches, edge=0.5, many=False, monkeypatch=None):
    if many:
        monkeypatch.setattr(moments, "_MOST_ROWS", 0)
    return gather(lambda rows: Z[rows], y, stretches, edge)


def covariances(q, seed=1):
    a, b = np.random.default_rng(seed).standard_normal((2, q, q))
    return a @ a.T, b @ b.T + np.eye(q)


def dense(Z, y, stretches, edge, rho):
    """Features, BOLD and noise covariance over time, written out."""
    parts, targets, power = [], [], []
    for rows in stretches:
        k = np.arange(1, len(rows))
        kept = k / (2 * len(rows)) <= edge
        basis = dct(np.eye(len(rows)), axis=0, norm="ortho")[1:][kept]
        parts.append(basis @ Z[rows])
        targets.append(basis @ y[rows])
        angle = np.pi * k[kept] / len(rows)
        power.append((1 - rho**2) / (1 + rho**2 - 2 * rho * np.cos(angle)))
    return np.concatenate(parts), np.concatenate(targets), np.concatenate(power)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(("n", "p"), [(30, 6), (20, 40)])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_evidence_is_that_of_the_dense_model(many, n, p, rho, monkeypatch):
    Z, y = make_data(n, p)
    stretches = [np.arange(0, n - 8), np.arange(n - 8, n)]
    spectrum = gathered(Z, y, stretches, 0.4, many, monkeypatch).spectrum(rho)
    signal, noise = covariances(2)
    _, evidence = Regions(signal, noise).step(spectrum)
    Zd, yd, power = dense(Z, y, stretches, 0.4, rho)
    K = np.kron(signal, Zd @ Zd.T / spectrum.scale**2) + np.kron(noise, np.diag(power))
    expected = multivariate_normal(np.zeros(len(K)), K).logpdf(yd.T.ravel())
    assert evidence == pytest.approx(expected, rel=1e-5)
    # Posterior mean of the weights, at once for both regions.
    alpha = np.linalg.solve(K, yd.T.ravel()).reshape(2, -1)
    weights = Zd.T @ alpha.T @ signal / spectrum.scale**2
    found = Regions(signal, noise).weights(spectrum)
    np.testing.assert_allclose(found, weights, rtol=1e-3, atol=1e-5)


def test_one_region_is_scikit_learns_gaussian_process():
    Z, y = make_data(q=1)
    rows = [np.arange(30)]
    spectrum = gathered(Z, y, rows).spectrum(0.0)
    Zd, yd, _ = dense(Z, y, rows, 0.5, 0.0)
    kernel = ConstantKernel(0.8) * DotProduct(0, "fixed") + WhiteKernel(1.5)
    theirs = GaussianProcessRegressor(kernel, optimizer=None).fit(Zd, yd[:, 0])
    regions = Regions(np.array([[0.8 * spectrum.scale**2]]), np.array([[1.5]]))
    _, evidence = regions.step(spectrum)
    assert evidence == pytest.approx(theirs.log_marginal_likelihood_value_, rel=1e-5)
    np.testing.assert_allclose(
        Zd @ regions.weights(spectrum)[:, 0], theirs.predict(Zd), rtol=1e-3, atol=1e-4
    )


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.integers(2, 30),
    st.floats(0, 0.95),
)
def test_expectation_maximisation_climbs(seed, q, p, rho):
    Z, y = make_data(25, p, q, seed)
    spectrum = gathered(Z, y, [np.arange(25)]).spectrum(rho)
    regions = Regions.start(spectrum)
    evidences = []
    for _ in range(15):
        regions, evidence = regions.step(spectrum)
        evidences.append(evidence)
    assert (np.diff(evidences) > -1e-4 * abs(evidences[0])).all()
    np.testing.assert_array_equal(regions.signal, regions.signal.T)
    assert np.linalg.eigvalsh(regions.noise).min() > 0


def test_at_the_top_the_gradient_is_zero():
    """Changing any covariance a little, either way, lowers the evidence."""
    Z, y = make_data(60, 5)
    spectrum = gathered(Z, y, [np.arange(60)]).spectrum(0.3)
    regions, evidence = Regions.start(spectrum).learn(spectrum, 4000)
    for name in ("signal", "noise"):
        for i, j in ((0, 0), (0, 1), (1, 1)):
            step = np.zeros((2, 2))
            step[i, j] = step[j, i] = 1e-3
            for sign in (1, -1):
                changed = {"signal": regions.signal, "noise": regions.noise}
                changed[name] = changed[name] + sign * step
                there = Regions(**changed).step(spectrum)[1]
                assert there < evidence + 1e-3


def test_regions_that_are_sums_of_others():
    Z, y = make_data(40, 6, 2)
    y = np.column_stack([y, y.sum(axis=1), y[:, 0]])
    spectrum = gathered(Z, y, [np.arange(40)]).spectrum(0.2)
    regions, evidence = Regions.start(spectrum).learn(spectrum, 100)
    assert np.isfinite(evidence)
    weights = regions.weights(spectrum)
    np.testing.assert_allclose(weights[:, 0] + weights[:, 1], weights[:, 2], atol=1e-2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=40), st.randoms())
def test_a_gap_begins_a_new_stretch(steps, shuffled):
    volumes = np.cumsum(steps)
    recordings = np.sort(np.array([shuffled.randint(0, 2) for _ in steps]))
    order = np.array(shuffled.sample(range(len(steps)), len(steps)))
    stretches = find_stretches(recordings[order], volumes[order])
    assert sorted(np.concatenate(stretches)) == list(range(len(steps)))
    for rows in stretches:
        assert (np.diff(volumes[order][rows]) == 1).all()
        assert len(np.unique(recordings[order][rows])) == 1
    n_breaks = np.sum((np.diff(volumes) != 1) | (np.diff(recordings) != 0))
    assert len(stretches) == n_breaks + 1


def test_without_volumes_rows_are_consecutive():
    first, second = find_stretches(np.array(["b", "a", "b", "b"]))
    assert first.tolist() == [1] and second.tolist() == [0, 2, 3]


def test_the_edge_of_a_low_pass_is_found():
    rng = np.random.default_rng(0)
    y = rng.standard_normal((400, 3))
    rows = [np.arange(400)]
    assert band_edge(y, rows) > 0.49
    spectrum = np.fft.rfft(y, axis=0)
    spectrum[np.fft.rfftfreq(400) > 0.3] = 0
    assert band_edge(np.fft.irfft(spectrum, axis=0), rows) == pytest.approx(0.3, abs=0.02)


def test_single_volumes_say_nothing():
    Z, y = make_data(4)
    with pytest.raises(ValueError, match="None of the 4 stretches of windows has two"):
        gathered(Z, y, [np.array([row]) for row in range(4)])


def test_rho_is_found_and_free_to_be_zero():
    rng = np.random.default_rng(0)
    for rho in (0.0, 0.7):
        noise = rng.standard_normal((600, 2))
        for t in range(1, 600):
            noise[t] = rho * noise[t - 1] + np.sqrt(1 - rho**2) * noise[t]
        Z = rng.standard_normal((600, 3))
        data = gathered(Z, Z @ np.ones((3, 2)) + noise, [np.arange(600)])
        tried = np.arange(0, 0.95, 0.1)
        found = []
        for each in tried:
            spectrum = data.spectrum(each)
            found.append(Regions.start(spectrum).learn(spectrum, 50)[1])
        assert tried[np.argmax(found)] == pytest.approx(rho, abs=0.05)
