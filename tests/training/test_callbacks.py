import math

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from braindecode_bolt import EEGRegressor
from braindecode_bolt.training.callbacks import WarmupCosine, count_batches

from ..conftest import TINY


def regressor(**kwargs):
    settings = {"max_epochs": 4, "verbose": 0, "lr": 1e-3}
    module = {f"module__{name}": value for name, value in TINY.items()}
    return EEGRegressor("NeuroBOLT", **{**settings, **module, **kwargs})


class Rates(Callback):
    def on_train_begin(self, net, **kwargs):
        self.rates_ = []

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self.rates_.append([group["lr"] for group in net.optimizer_.param_groups])


def test_rate_rises_then_follows_a_cosine(windows):
    net = regressor(callbacks=[("rates", Rates())], layer_decay=0.5, max_epochs=4)
    net.fit(windows.X, windows.y)
    rates = np.array(dict(net.callbacks_)["rates"].rates_)
    n_steps = len(rates)
    n_warmup = n_steps // 4
    share = rates / rates.max(axis=0)
    np.testing.assert_allclose(share[: n_warmup + 1, 0], np.linspace(0, 1, n_warmup + 1))
    progress = np.arange(n_steps - n_warmup) / (n_steps - n_warmup)
    floor = 1e-6 / 1e-3
    expected = floor + (1 - floor) * 0.5 * (1 + np.cos(math.pi * progress))
    np.testing.assert_allclose(share[n_warmup:, 0], expected, rtol=1e-6)
    # All groups in step, the full rate and those of the blocks below.
    np.testing.assert_allclose(share, share[:, :1] * np.ones_like(share))
    assert sorted(set(rates.max(axis=0).round(9))) == [0.00025, 0.0005, 0.001]


def test_warmup_must_be_a_share(windows):
    with pytest.raises(ValueError, match="warmup == 1.0, must be < 1"):
        regressor(callbacks__lr_scheduler__warmup=1.0).fit(windows.X, windows.y)
    assert WarmupCosine(warmup=0.0).factor(0, 10, 0.0) == 1.0


def test_partial_fit_starts_again_at_the_full_rate(windows):
    net = regressor(callbacks=[("rates", Rates())], max_epochs=1).fit(windows.X, windows.y)
    first = np.max(dict(net.callbacks_)["rates"].rates_)
    net.partial_fit(windows.X, windows.y)
    assert np.max(dict(net.callbacks_)["rates"].rates_) == pytest.approx(first)


def test_the_weights_of_the_best_epoch_are_restored(windows):
    net = regressor(lr=3e-3, max_epochs=6)
    net.fit(windows.X, windows.y)
    best = dict(net.callbacks_)["best_weights"]
    losses = net.history[:, "valid_loss"]
    assert best.best_epoch_ == int(np.argmin(losses)) + 1
    _, valid = net.train_split.split(
        windows.X, random_state=np.random.RandomState(net.seed_)
    )
    predicted = net.predict(windows.X[valid])
    assert np.mean((predicted - windows.y[valid]) ** 2) == pytest.approx(
        min(losses), rel=1e-4
    )


def test_a_model_that_learns_nothing_is_reported(windows, caplog):
    regressor(lr=0.0, max_epochs=2).fit(windows.X, windows.y)
    assert "lowest after the first of 2 epochs" in caplog.text
    caplog.clear()
    regressor(max_epochs=4).fit(windows.X, windows.y)
    assert not caplog.text


def test_without_validation_the_last_weights_stay(windows):
    net = regressor(train_split=None, max_epochs=2).fit(windows.X, windows.y)
    assert dict(net.callbacks_)["best_weights"].best_epoch_ is None
    assert "valid_loss" not in net.history[-1]


def test_nothing_is_written_to_the_working_directory(windows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    regressor(max_epochs=1).fit(windows.X, windows.y)
    assert not list(tmp_path.iterdir())


def test_divergence_is_an_error(windows):
    net = regressor(lr=1e30, callbacks__lr_scheduler=None, optimizer=torch.optim.SGD)
    with pytest.raises(FloatingPointError, match="training diverged. Look for NaN"):
        net.fit(windows.X, windows.y)


def test_batches_are_counted(windows):
    net = regressor(max_epochs=1, batch_size=10).fit(windows.X, windows.y)
    dataset = net.get_dataset(windows.X, windows.y)
    assert count_batches(net, dataset, True) == math.ceil(len(windows) / 10)


def test_a_progress_bar_is_shown_when_asked(windows, capsys, monkeypatch):
    # Shown as in a notebook: here is no terminal.
    monkeypatch.setattr("braindecode_bolt.training.callbacks.HIDE_IN_FILES", False)
    regressor(max_epochs=2, verbose=1).fit(windows.X, windows.y)
    shown = capsys.readouterr()
    assert "NeuroBOLT: 100%" in shown.err and "epoch=2/2" in shown.err
    assert shown.out == ""
    regressor(max_epochs=1, verbose=0).fit(windows.X, windows.y)
    assert capsys.readouterr() == ("", "")
    regressor(max_epochs=1, verbose=2).fit(windows.X, windows.y)
    assert "valid_loss" in capsys.readouterr().out
