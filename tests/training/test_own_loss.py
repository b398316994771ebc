"""Networks whose head is a distribution, and blocks of several volumes."""

import logging
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from braindecode_bolt import BOLDNet, EEGRegressor
from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.training import CorrelationLoss, make_estimator
from braindecode_bolt.training.volumes import (
    block_targets,
    earlier_rows,
    overlapping_mean,
)

from ..conftest import CH_NAMES, N_TIMES

SIZES = {
    "spectral_depth": 1,
    "encoder": None,
    "embed_dim": 32,
    "mix_windows": False,
}
FLOW = {"width": 32, "depth": 1, "n_steps": 4}
FAST = {"max_epochs": 2, "verbose": 0, "lr": 3e-3, "batch_size": 8}


def regressor(head, **kwargs):
    sizes = {**SIZES, "head": head}
    if head == "flow":
        sizes["head_args"] = FLOW
    module = {f"module__{name}": value for name, value in sizes.items()}
    return EEGRegressor("BOLDNet", **{**FAST, **module, **kwargs})


@pytest.fixture(scope="module", params=["gaussian", "flow"])
def fitted(request, windows):
    net = regressor(request.param, max_epochs=12, lr=5e-3, module__n_volumes=2)
    return net.fit(windows.X, windows.y)


# Blocks


def test_blocks_hold_the_volumes_before_a_window(windows):
    rng = np.random.default_rng(0)
    # In any order, and without some of the volumes.
    rows = rng.permutation(len(windows))[:120]
    X, y = windows.X[rows], windows.y[rows]
    found = earlier_rows(X, 3)
    table = X.metadata.reset_index(drop=True)
    assert (found[:, -1] == np.arange(120)).all() and (found < 0).any()
    for row, block in enumerate(found):
        for back, other in enumerate(block[::-1]):
            wanted = (table.recording == table.recording[row]) & (
                table.volume == table.volume[row] - back
            )
            assert list(np.flatnonzero(wanted)) == ([other] if other >= 0 else [])
    blocks = block_targets(y, found)
    assert blocks.shape == (120, 3, y.shape[1])
    np.testing.assert_array_equal(np.isnan(blocks[..., 0]), found < 0)
    np.testing.assert_array_equal(blocks[:, -1], y)
    # Windows that agree about a volume: the mean is what they say.
    np.testing.assert_allclose(overlapping_mean(blocks, found), y, rtol=1e-6)


def test_a_volume_is_the_mean_of_the_windows_that_hold_it():
    rows = np.array([[-1, 0], [0, 1], [1, 2], [-1, 3]])
    blocks = np.arange(8.0).reshape(4, 2, 1)
    expected = [(1 + 2) / 2, (3 + 4) / 2, 5, 7]
    np.testing.assert_allclose(overlapping_mean(blocks, rows)[:, 0], expected)
    np.testing.assert_allclose(
        overlapping_mean(np.stack([blocks, 2 * blocks]), rows)[1, :, 0],
        2 * np.array(expected),
    )


def test_arrays_do_not_know_their_volumes(windows, caplog):
    named = {"module__ch_names": CH_NAMES, "module__n_volumes": 2}
    net = regressor("point", train_split=None, **named)
    with caplog.at_level(logging.WARNING):
        net.fit(np.asarray(windows.X[:20]), windows.y[:20])
    assert "of 2 volumes per window only the last is used" in caplog.text
    assert net.predict(np.asarray(windows.X[:4])).shape == (4, 2)


def test_a_block_of_one_volume_is_no_block(windows):
    """The point head with one volume trains as any network does."""
    net = regressor("point").fit(windows.X[:40], windows.y[:40])
    assert not net._own_loss and net.predict(windows.X[:3]).shape == (3, 2)
    other = regressor("point", criterion=CorrelationLoss).fit(windows.X, windows.y)
    assert np.isfinite(other.history[-1]["train_loss"])


# Prediction


def test_a_distribution_learns_and_covers(fitted, windows):
    mean, std = fitted.predict(windows.X, return_std=True)
    np.testing.assert_allclose(mean, fitted.predict(windows.X), atol=1e-5)
    assert mean.shape == std.shape == windows.y.shape and (std > 0).all()
    assert pearson_r(windows.y, mean).mean() > 0.2
    inside = np.abs(windows.y - mean) < 1.645 * std
    assert 0.8 < inside.mean() < 0.98


def test_the_spread_is_that_of_the_validation_part(fitted, windows):
    rows = fitted.valid_rows_
    mean, std = fitted.predict(windows.X[rows], return_std=True)
    assert np.sqrt(np.mean(((windows.y[rows] - mean) / std) ** 2)) == pytest.approx(
        1, rel=0.1
    )


def test_draws(fitted, windows):
    X = windows.X[:30]
    draws = fitted.sample(X, 40, random_state=1)
    assert draws.shape == (40, 30, 2) and draws.dtype == np.float32
    np.testing.assert_array_equal(fitted.sample(X, 40, random_state=1), draws)
    assert not np.array_equal(fitted.sample(X, 40, random_state=2), draws)
    assert draws.std(axis=0).min() > 0
    mean, std = fitted.predict(X, return_std=True)
    ratio = draws.std(axis=0).mean() * fitted.spread_factor_ / std.mean()
    # Blocks overlap: a draw is the mean of two, a Gaussian spread is not.
    assert 0.6 < ratio < 1.3
    assert np.abs(draws.mean(axis=0) - mean).mean() < 0.3


def test_predictions_by_one_draw_by_many_and_by_none(windows):
    net = regressor("flow", max_epochs=6).fit(windows.X, windows.y)
    found = {}
    for n_draws in (0, 1, 50):
        net.set_params(n_draws=n_draws)
        found[n_draws] = net.predict(windows.X)
        np.testing.assert_array_equal(net.predict(windows.X), found[n_draws])
    assert found[1].std() > 1.5 * found[50].std()
    assert np.corrcoef(found[0].ravel(), found[50].ravel())[0, 1] > 0.8
    with pytest.raises(ValueError, match="n_draws"):
        net.set_params(n_draws=-1).fit(windows.X, windows.y)


def test_a_fit_is_reproducible_and_survives_a_pickle(windows):
    X, y = windows.X[::3], windows.y[::3]
    net = regressor("flow").fit(X, y)
    again = clone(net).fit(X, y)
    np.testing.assert_array_equal(net.predict(X), again.predict(X))
    back = pickle.loads(pickle.dumps(net))
    for one, other in zip(net.predict(X, True), back.predict(X, True), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_instance_and_one_region(windows):
    module = BOLDNet(1, ch_names=CH_NAMES, n_times=N_TIMES, head="gaussian", **SIZES)
    net = EEGRegressor(module, **FAST).fit(windows.X, windows.y[:, 0])
    mean, std = net.predict(windows.X[:5], return_std=True)
    assert mean.shape == std.shape == (5,)


def test_without_a_validation_part_the_spread_stays(windows, caplog):
    with caplog.at_level(logging.WARNING):
        net = regressor("gaussian", train_split=None).fit(windows.X, windows.y)
    assert net.spread_factor_ == 1.0 and "The spread is not calibrated" in caplog.text


def test_what_is_not_there_is_an_error(windows):
    point = regressor("point", module__n_volumes=2).fit(windows.X[:40], windows.y[:40])
    for what in (lambda: point.sample(windows.X), lambda: point.predict(windows.X, True)):
        with pytest.raises(ValueError, match="head='gaussian' or 'flow'.*BOLDFlow"):
            what()
    with pytest.raises(ValueError, match="trained by the loss of the head, and criterion"):
        regressor("gaussian", criterion=CorrelationLoss).fit(windows.X, windows.y)
    with pytest.raises(ValueError, match="n_outputs=3, but y has 2 columns"):
        regressor("gaussian", module__n_outputs=3).fit(windows.X, windows.y)


def test_bold_flow_by_name_in_bfloat16(windows):
    net = make_estimator(
        "boldflow", "small", precision="bfloat16", **{**FAST, "max_epochs": 1}
    )
    net.fit(windows.X[::4], windows.y[::4])
    assert net.module_.n_volumes == 4
    mean, std = net.predict(windows.X[:6], return_std=True)
    assert mean.dtype == np.float32 and np.isfinite(std).all()
    assert isinstance(net.module_, torch.nn.Module)
