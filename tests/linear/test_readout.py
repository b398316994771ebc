import numpy as np
import pytest
from scipy.linalg import toeplitz

from braindecode_bolt.linear import SmoothReadout

LAGS = np.arange(10.0)[::-1]


def make_data(n=300, q=3, seed=0, noise=1.0, n_recordings=3):
    """Features that drive regions through a smooth response, beside others."""
    rng = np.random.default_rng(seed)
    series = rng.standard_normal((n + 9, 4, 2))
    X = np.stack([series[i : i + 10] for i in range(n)]).transpose(0, 2, 3, 1)
    response = np.exp(-((LAGS - 5) ** 2) / 4)
    drive = X[:, 0, 1] @ response - 0.5 * X[:, 1, 1] @ response
    mixing = np.array([1.0, -0.7, 0.4])[:q]
    y = drive[:, None] * mixing + noise * rng.standard_normal((n, q)) + 3
    return X.astype(np.float32), y, np.arange(n) * n_recordings // n


def test_everything_is_chosen_and_predicts():
    X, y, recordings = make_data()
    model = SmoothReadout(LAGS).fit(X, y, recordings)
    assert set(model.chosen_) == {
        "electrode_length",
        "frequency_length",
        "lag_length",
        "lag_peak",
        "rho",
    }
    new, expected, _ = make_data(seed=1, noise=0.0)
    predicted = model.predict(new)
    assert predicted.shape == expected.shape
    for column in range(3):
        assert np.corrcoef(predicted[:, column], expected[:, column])[0, 1] > 0.95
    np.testing.assert_allclose(predicted.mean(axis=0), 3, atol=0.5)
    assert model.chosen_["rho"] == 0
    # Weights lie where the drive is.
    sizes = np.abs(model.coef_).sum(axis=(0, 3))
    assert np.unravel_index(sizes.argmax(), sizes.shape) == (0, 1)


def test_what_is_given_is_kept():
    X, y, _ = make_data(80)
    fixed = {"lag_length": 1.7, "lag_peak": np.inf, "rho": 0.33}
    model = SmoothReadout(LAGS, **fixed).fit(X, y)
    assert {name: model.chosen_[name] for name in fixed} == fixed
    free = SmoothReadout(LAGS).fit(X, y)
    assert free.evidence_ >= model.evidence_
    partly = SmoothReadout(LAGS, rho=0.33).fit(X, y)
    assert partly.chosen_["rho"] == 0.33


def test_uncertainty_is_the_dense_gaussian_process():
    X, y, _ = make_data(60, 1)
    model = SmoothReadout(lag_length=None, rho=0.0).fit(X, y)
    new = make_data(5, seed=2)[0]
    _, std = model.predict(new, return_std=True)
    centred = X.reshape(60, -1) - X.reshape(60, -1).mean(axis=0)
    new = new.reshape(5, -1) - X.reshape(60, -1).mean(axis=0)
    noise = model.noise_covariance_[0, 0] * 60 / 59
    # The signal's variance was given on average over the degrees of freedom.
    prior = model.signal_covariance_[0, 0] / ((centred**2).sum() / 59)
    gram = prior * centred @ centred.T + noise * np.eye(60)
    across = prior * new @ centred.T
    expected = prior * (new**2).sum(axis=1)
    expected -= np.einsum("nt,tn->n", across, np.linalg.solve(gram, across.T))
    np.testing.assert_allclose(
        std[:, 0] ** 2 - model.noise_covariance_[0, 0], expected, rtol=0.1
    )


def test_intervals_cover_what_they_say():
    X, y, recordings = make_data(400)
    model = SmoothReadout(LAGS).fit(X, y, recordings)
    inside = []
    for seed in (1, 2):
        new, measured, _ = make_data(400, seed=seed)
        mean, std = model.predict(new, return_std=True)
        inside.append(np.abs(measured - mean) < 1.645 * std)
    assert 0.87 < np.mean(inside) < 0.93
    # Far from the training data the model is less sure.
    assert (model.predict(10 * new, return_std=True)[1] > std).all()


def test_regions_help_each_other():
    """Shared signal in many noisy regions is found better together."""
    X, y, recordings = make_data(150, noise=6.0)
    y = np.hstack(
        [y + 3 * np.random.default_rng(5 + k).standard_normal(y.shape) for k in range(3)]
    )
    new, expected, _ = make_data(seed=3, noise=0.0)
    together = SmoothReadout(LAGS).fit(X, y, recordings).predict(new)
    alone = [SmoothReadout(LAGS).fit(X, y[:, k], recordings).predict(new) for k in range(3)]
    r = [
        np.mean([np.corrcoef(p[k], expected[:, k])[0, 1] for k in range(3)])
        for p in (together.T, np.array(alone))
    ]
    assert r[0] > r[1]


def test_covariance_between_regions():
    X, y, recordings = make_data()
    rng = np.random.default_rng(9)
    shared = rng.standard_normal((len(y), 1))
    y = y + 2 * shared * [1, 1, 0]
    model = SmoothReadout(LAGS).fit(X, y, recordings)
    np.testing.assert_allclose(
        model.noise_covariance_, [[5, 4, 0], [4, 5, 0], [0, 0, 1]], atol=0.8
    )
    _, std = model.predict(X[:4], return_std=True)
    covariance = model.region_covariance(X[:4])
    assert covariance.shape == (4, 3, 3)
    found = np.sqrt(np.einsum("nrr->nr", covariance))
    np.testing.assert_allclose(found, std, rtol=1e-5)
    # Signals of the first two go against each other.
    assert model.signal_covariance_[0, 1] < 0 < model.signal_covariance_[0, 2]


def test_units_of_bold_do_not_matter():
    X, y, recordings = make_data(120)
    scale = np.array([1.0, 100.0, 1e-3])
    plain = SmoothReadout(LAGS).fit(X, y, recordings)
    scaled = SmoothReadout(LAGS).fit(X, y * scale, recordings)
    np.testing.assert_allclose(scaled.predict(X) / scale, plain.predict(X), rtol=1e-3)
    np.testing.assert_allclose(
        scaled.predict(X, return_std=True)[1] / scale,
        plain.predict(X, return_std=True)[1],
        rtol=1e-3,
    )
    frequency = np.arange(1, 40) / 80
    dof = 3 * np.sum(frequency <= plain.band_edge_)
    lost = dof * np.log(scale).sum()
    assert scaled.evidence_ == pytest.approx(plain.evidence_ - lost, rel=1e-3)


def test_autocorrelated_noise_is_estimated():
    X, y, _ = make_data(400, 1, noise=0.0)
    rng = np.random.default_rng(0)
    chol = np.linalg.cholesky(toeplitz(0.8 ** np.arange(400)))
    model = SmoothReadout(LAGS).fit(X, y[:, 0] + 2 * chol @ rng.standard_normal(400))
    assert 0.7 <= model.chosen_["rho"] <= 0.9


def test_order_of_windows_does_not_matter_where_volumes_are_known():
    X, y, recordings = make_data(90)
    volumes = np.arange(90)
    order = np.random.default_rng(0).permutation(90)
    first = SmoothReadout(LAGS).fit(X, y, recordings, volumes)
    second = SmoothReadout(LAGS).fit(X[order], y[order], recordings[order], volumes[order])
    np.testing.assert_allclose(first.coef_, second.coef_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros((80, 4, 10))}, "X must be of shape"),
        ({"y": np.zeros((70, 3))}, "X has 80 windows, y 70 rows"),
        ({"y": np.zeros((80, 1))}, "y is constant in column 0"),
        ({"X": np.full((80, 4, 2, 10), np.nan)}, "X has 6400 non-finite values"),
    ],
)
def test_data_are_checked(change, message):
    X, y, _ = make_data(80)
    with pytest.raises(ValueError, match=message):
        SmoothReadout(LAGS).fit(**{"X": X, "y": y, **change})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lags": LAGS[:5]}, r"lags must be of shape \(10,\)"),
        ({"positions": np.zeros((3, 3))}, r"positions must be of shape \(4, 3\)"),
        ({"rho": 1.0}, "rho must be from 0 to below 1"),
        ({"lag_length": 0.0}, "lag_length must be positive"),
    ],
)
def test_arguments_are_checked(arguments, message):
    X, y, _ = make_data(80)
    with pytest.raises(ValueError, match=message):
        SmoothReadout(**arguments).fit(X, y)
    model = SmoothReadout(rho=0.0).fit(X, y)
    with pytest.raises(ValueError, match="Fitted on features of shape"):
        model.predict(X[:, :3])
