import numpy as np
import pytest
import torch
from torch.nn import functional as F

from braindecode_bolt.training import CorrelationLoss


@pytest.fixture
def series():
    rng = np.random.default_rng(0)
    measured = rng.standard_normal((30, 4))
    predicted = 0.5 * measured + rng.standard_normal((30, 4))
    return torch.from_numpy(predicted), torch.from_numpy(measured)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_it_mixes_squared_error_and_correlation(series, weight):
    predicted, measured = series
    r = [np.corrcoef(predicted[:, i], measured[:, i])[0, 1] for i in range(4)]
    expected = (1 - weight) * F.mse_loss(*series) + weight * (1 - np.mean(r))
    assert CorrelationLoss(weight)(*series).item() == pytest.approx(expected.item())


def test_correlation_alone_ignores_scale_and_offset(series):
    predicted, measured = series
    loss = CorrelationLoss(1.0)
    moved = loss(7 * predicted - 3, measured)
    assert moved.item() == pytest.approx(loss(*series).item())


def test_constant_predictions_and_tiny_batches_have_finite_gradients(series):
    _, measured = series
    for n_windows in (1, 2, 3, 30):
        predicted = torch.zeros(n_windows, 4, dtype=measured.dtype, requires_grad=True)
        CorrelationLoss()(predicted, measured[:n_windows]).backward()
        assert torch.isfinite(predicted.grad).all()


def test_the_weight_is_checked():
    with pytest.raises(TypeError, match="weight must be an instance of float, not str"):
        CorrelationLoss("0.5")
    with pytest.raises(ValueError, match="weight == 2, must be <= 1"):
        CorrelationLoss(2)
