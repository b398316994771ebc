import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skorch.callbacks import Callback

from braindecode_bolt import EEGRegressor, NeuroBOLT
from braindecode_bolt.training import RecordingBatches, WarmupCosine, count_batches

from .conftest import CH_NAMES, N_TIMES, TINY


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
    with pytest.raises(ValueError, match="warmup must lie in"):
        regressor(callbacks__lr_scheduler__warmup=1.0).fit(windows.X, windows.y)
    assert WarmupCosine(warmup=0.0).factor(0, 10, 0.0) == 1.0


def test_going_on_begins_again_at_the_full_rate(windows):
    net = regressor(callbacks=[("rates", Rates())], max_epochs=1).fit(windows.X, windows.y)
    first = np.max(dict(net.callbacks_)["rates"].rates_)
    net.partial_fit(windows.X, windows.y)
    assert np.max(dict(net.callbacks_)["rates"].rates_) == pytest.approx(first)


def test_weights_of_the_best_epoch_come_back(windows):
    net = regressor(lr=3e-3, max_epochs=6, callbacks__best_weights__monitor="valid_loss")
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
    with pytest.raises(
        FloatingPointError, match="training diverged. Lower the learning rate"
    ):
        net.fit(windows.X, windows.y)


def test_parameter_groups_reach_the_optimizer(windows):
    net = regressor(max_epochs=1, optimizer__weight_decay=0.07, layer_decay=0.65)
    net.set_params(callbacks__lr_scheduler=None)
    net.fit(windows.X, windows.y)
    options = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in net.optimizer_.param_groups
        for parameter in group["params"]
    }
    named = dict(net.module_.named_parameters())
    assert len(options) == len(named)

    def of(name):
        return options[id(named[name])]

    assert of("final_layer.weight") == pytest.approx((1e-3, 0.07))
    assert of("final_layer.bias") == pytest.approx((1e-3, 0.0))
    assert of("spatiotemporal.cls_token") == pytest.approx((1e-3 * 0.65**2, 0.0))
    assert of("spatiotemporal.blocks.0.mlp.fc1.weight") == pytest.approx(
        (1e-3 * 0.65, 0.07)
    )


def test_other_optimizers_and_groups_can_be_chosen(windows):
    net = regressor(max_epochs=1, optimizer__param_groups=[("final*", {"lr": 0.5})])
    net.set_params(callbacks__lr_scheduler=None)
    net.fit(windows.X, windows.y)
    assert [group["lr"] for group in net.optimizer_.param_groups] == [0.5, 1e-3]
    net = regressor(max_epochs=1, optimizer=torch.optim.SGD, optimizer__momentum=0.9)
    assert net.fit(windows.X, windows.y).optimizer_.defaults["momentum"] == 0.9


def test_batches_are_counted(windows):
    net = regressor(max_epochs=1, batch_size=10).fit(windows.X, windows.y)
    dataset = net.get_dataset(windows.X, windows.y)
    assert count_batches(net, dataset, True) == math.ceil(len(windows) / 10)


def test_a_progress_bar_is_shown_when_asked(windows, capsys, monkeypatch):
    monkeypatch.setattr(
        "braindecode_bolt.training._IN_NOTEBOOK", True
    )  # do not ask for a tty
    regressor(max_epochs=2, verbose=1).fit(windows.X, windows.y)
    shown = capsys.readouterr()
    assert "NeuroBOLT: 100%" in shown.err and "epoch=2/2" in shown.err
    assert shown.out == ""
    regressor(max_epochs=1, verbose=0).fit(windows.X, windows.y)
    assert capsys.readouterr() == ("", "")
    regressor(max_epochs=1, verbose=2).fit(windows.X, windows.y)
    assert "valid_loss" in capsys.readouterr().out


def test_published_groups_of_the_full_network():
    """Rates and decay of every parameter against the published rule."""
    model = NeuroBOLT(n_outputs=2, ch_names=CH_NAMES, n_times=N_TIMES, num_layers=3)
    seen = {}
    for group in model.parameter_groups(0.65):
        for name in group["names"]:
            assert name not in seen
            seen[name] = (group["lr_scale"], group["decay"])
    assert set(seen) == {name for name, _ in model.named_parameters()}
    for name, parameter in model.named_parameters():
        scale, decay = seen[name]
        parts = name.split(".")
        if parts[:2] == ["spatiotemporal", "blocks"]:
            expected = 0.65 ** (3 + 1 - (int(parts[2]) + 1))
        elif parts[0] == "spatiotemporal" and parts[1] in (
            "cls_token",
            "position_embedding",
            "patch_embed",
        ):
            expected = 0.65**4
        else:
            expected = 1.0
        assert scale == pytest.approx(expected), name
        table = parts[-1] in ("cls_token", "position_embedding", "temporal_embedding")
        assert decay == (parameter.ndim > 1 and not table), name


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 9), st.booleans()
)
def test_recording_batches_hold_every_window_once(recordings, batch_size, shuffle):
    recordings = np.array(recordings)
    sampler = RecordingBatches(recordings, batch_size, shuffle)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    together = [window for batch in batches for window in batch]
    assert sorted(together) == list(range(len(recordings)))
    assert shuffle or together == sorted(together)
    for batch in batches:
        assert 1 <= len(batch) <= batch_size
        assert len(np.unique(recordings[batch])) == 1
