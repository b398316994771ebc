"""The evidence with torch: the same numbers as with NumPy, and their gradient."""

import numpy as np
import pytest
import torch

from braindecode_bolt.linear import SmoothReadout
from braindecode_bolt.linear.moments import find_stretches
from braindecode_bolt.training import Evidence


def simulate(n_rois, n_windows=120):
    """Features, BOLD in odd units, and windows with a gap in one of two recordings."""
    rng = np.random.default_rng(n_rois)
    X = rng.standard_normal((n_windows, 3, 2, 6)).astype(np.float32)
    y = X[:, 0, 1, 2:5].sum(axis=1)[:, None] + rng.standard_normal((n_windows, n_rois))
    recordings = np.arange(n_windows) % 2
    volumes = np.arange(n_windows) // 2
    volumes[n_windows // 2 :] += 3
    return X, 3.0 + y * np.linspace(1, 40, n_rois), recordings, volumes


@pytest.mark.parametrize("n_rois", [1, 3])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_it_is_the_evidence_of_the_read_out(n_rois, rho):
    X, y, recordings, volumes = simulate(n_rois)
    readout = SmoothReadout(np.arange(6.0)[::-1], rho=rho)
    readout.fit(X, y, recordings, volumes)
    stretches = find_stretches(recordings, volumes)
    assert len(stretches) == 4
    found, n_values = Evidence(readout)(torch.tensor(X), torch.tensor(y), stretches)
    assert n_values <= n_rois * (len(y) - 4)
    np.testing.assert_allclose(found.item(), readout.evidence_, rtol=1e-4)


def test_its_gradient_is_that_of_finite_differences():
    X, y, recordings, volumes = simulate(2)
    readout = SmoothReadout(np.arange(6.0)[::-1]).fit(X, y, recordings, volumes)
    stretches, evidence = find_stretches(recordings, volumes), Evidence(readout)
    features = torch.tensor(X, requires_grad=True)
    evidence(features, torch.tensor(y), stretches)[0].backward()
    direction = np.random.default_rng(0).standard_normal(X.shape).astype(np.float32)
    there, back = (
        evidence(torch.tensor(X + step * direction), torch.tensor(y), stretches)[0].item()
        for step in (1e-3, -1e-3)
    )
    slope = (features.grad.numpy() * direction).sum()
    np.testing.assert_allclose(slope, (there - back) / 2e-3, rtol=1e-3)


def test_features_that_explain_the_bold_have_more_evidence():
    X, y, recordings, volumes = simulate(2)
    readout = SmoothReadout(np.arange(6.0)[::-1]).fit(X, y, recordings, volumes)
    stretches, evidence = find_stretches(recordings, volumes), Evidence(readout)
    other = torch.tensor(np.random.default_rng(1).permutation(X))
    assert evidence(torch.tensor(X), torch.tensor(y), stretches)[0] > (
        evidence(other, torch.tensor(y), stretches)[0] + 10
    )


def test_single_volumes_have_no_evidence():
    X, y, recordings, volumes = simulate(1)
    readout = SmoothReadout().fit(X, y, recordings, volumes)
    with pytest.raises(ValueError, match="has two consecutive volumes"):
        Evidence(readout)(torch.tensor(X), torch.tensor(y), [np.array([0]), np.array([5])])
