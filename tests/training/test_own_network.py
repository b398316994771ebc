"""What a user of braindecode brings along: her network, loss, callbacks, augmentation."""

import numpy as np
import pytest
import torch
from braindecode.augmentation import AugmentedDataLoader, Mixup
from braindecode.models.base import EEGModuleMixin
from braindecode.training import CroppedLoss
from skorch.callbacks import LRScheduler
from torch import nn
from torch.nn import functional as F

from braindecode_bolt import EEGRegressor
from braindecode_bolt.training import CorrelationLoss, WarmupCosine


class Power(nn.Module):
    """The smallest network that can predict anything."""

    def __init__(self, n_chans, n_outputs):
        super().__init__()
        self.final_layer = nn.Linear(n_chans, n_outputs)

    def features(self, x):
        return (x / 10).square().mean(dim=-1).clamp_min(1e-3).log()

    def forward(self, x):
        return self.final_layer(self.features(x))


class Filtered(EEGModuleMixin, nn.Module):
    """A network of braindecode's kind that needs the sampling rate."""

    def __init__(
        self,
        n_outputs=None,
        n_chans=None,
        chs_info=None,
        n_times=None,
        input_window_seconds=None,
        sfreq=None,
    ):
        super().__init__(
            n_outputs=n_outputs,
            n_chans=n_chans,
            chs_info=chs_info,
            n_times=n_times,
            input_window_seconds=input_window_seconds,
            sfreq=sfreq,
        )
        self.kernel = int(0.1 * self.sfreq)
        self.final_layer = nn.Linear(self.n_chans, self.n_outputs)

    def forward(self, x):
        smooth = F.avg_pool1d(x / 10, self.kernel)
        return self.final_layer(smooth.square().mean(dim=-1))


def regressor(module=Power, **arguments):
    return EEGRegressor(module, **{"max_epochs": 4, "verbose": 0, "lr": 1e-3, **arguments})


class Rates(LRScheduler):
    """Halve the rate after each epoch, and remember the rates that were used."""

    def __init__(self):
        super().__init__("StepLR", step_size=1, gamma=0.5)

    def on_train_begin(self, net, **kwargs):
        self.rates_ = []
        super().on_train_begin(net, **kwargs)

    def on_batch_end(self, net, training, **kwargs):
        super().on_batch_end(net, training, **kwargs)
        if training:
            self.rates_.append(net.optimizer_.param_groups[0]["lr"])


@pytest.mark.parametrize(
    "callbacks",
    [[Rates()], [Rates], [("lr_scheduler", Rates())], [("mine", Rates())]],
    ids=["instance", "class", "name of the default", "another name"],
)
def test_a_schedule_of_the_user_takes_the_place_of_ours(windows, callbacks):
    net = regressor(callbacks=callbacks).fit(windows.X, windows.y)
    (schedule,) = (each for _, each in net.callbacks_ if isinstance(each, LRScheduler))
    rates = list(dict.fromkeys(schedule.rates_))
    assert rates == pytest.approx([1e-3, 5e-4, 2.5e-4, 1.25e-4])
    assert not any(isinstance(each, WarmupCosine) for _, each in net.callbacks_)


def test_defaults_are_replaced_by_callbacks_of_their_names(windows):
    mine = WarmupCosine(warmup=0.0)
    net = regressor(callbacks=[("lr_scheduler", mine)])
    assert net.get_params()["callbacks"] == [("lr_scheduler", mine)]
    net.fit(windows.X, windows.y)
    assert dict(net.callbacks_)["lr_scheduler"] is mine
    assert [name for name, _ in net.callbacks_].count("lr_scheduler") == 1
    assert "best_weights" in dict(net.callbacks_)
    assert not regressor(callbacks="disable").fit(windows.X, windows.y).callbacks_


def test_mixup_mixes_targets_as_it_mixes_windows(windows):
    """braindecode's Mixup gives both targets of a mixture and its shares."""
    X, y = windows.X[:16], windows.y[:16]
    arguments = {"train_split": None, "optimizer": torch.optim.SGD}
    net = regressor(
        iterator_train=AugmentedDataLoader,
        iterator_train__transforms=[Mixup(0.5, random_state=0)],
        **arguments,
    ).fit(X, y)
    assert np.isfinite(net.history[:, "train_loss"]).all()
    first, second = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    predicted = torch.tensor([[0.25, 0.75]])
    mixed = (first, second, torch.tensor([0.25]))
    assert net.get_loss(predicted, mixed).item() == pytest.approx(0)
    one = regressor(**arguments).fit(X, y[:, 0])
    mixed = (torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([0.25]))
    assert one.get_loss(torch.tensor([[0.25]]), mixed).item() == pytest.approx(0)


def test_predictions_over_time_are_averaged_if_cropped(windows):
    class OverTime(Power):
        def forward(self, x):
            parts = x.chunk(4, dim=-1)
            return torch.stack([super(OverTime, self).forward(p) for p in parts], dim=-1)

    loss = {"criterion": CroppedLoss, "criterion__loss_function": F.mse_loss}
    net = regressor(OverTime, cropped=True, **loss).fit(windows.X, windows.y)
    assert net.predict(windows.X).shape == windows.y.shape
    with pytest.raises(ValueError, match=r"predicts \(2, 4\) values .* average over time"):
        regressor(OverTime).fit(windows.X, windows.y)


def test_what_forward_gives_is_checked(windows):
    class Two(Power):
        def forward(self, x):
            return super().forward(x), x

    class Column(Power):
        def forward(self, x):
            return super().forward(x)[:, None]

    with pytest.raises(TypeError, match="forward gives a tuple, expected one tensor"):
        regressor(Two).fit(windows.X, windows.y)
    with pytest.raises(ValueError, match="remove dimensions of size 1"):
        regressor(Column).fit(windows.X, windows.y)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("criterion", F.l1_loss, "the function l1_loss, expected a class or an instance"),
        ("criterion", lambda p, t: (p - t).mean(), "the function <lambda>, expected"),
        ("criterion", "mse", "such as nn.L1Loss, got 'mse'"),
        ("optimizer", "AdamW", "such as torch.optim.AdamW, got 'AdamW'"),
    ],
)
def test_parts_in_the_wrong_form_say_which_is_right(windows, argument, value, message):
    with pytest.raises(TypeError, match=message):
        regressor(**{argument: value}).fit(windows.X, windows.y)


@pytest.mark.parametrize(
    "loss", [nn.L1Loss, nn.SmoothL1Loss(beta=0.5), lambda: nn.L1Loss()]
)
def test_a_loss_may_be_a_class_an_instance_or_a_factory(windows, loss):
    net = regressor(criterion=loss).fit(windows.X, windows.y)
    assert np.isfinite(net.history[:, "valid_loss"]).all()


def test_windows_of_weight_zero_teach_nothing(windows):
    """As if they were not there, and the others twice with weight 2."""
    X, groups = windows.X, windows.groups
    # In batches of everything, in the same order, by plain gradient descent.
    whole = {
        "train_split": None,
        "batch_size": -1,
        "optimizer": torch.optim.SGD,
        "optimizer__weight_decay": 0.0,
        "callbacks__lr_scheduler": None,
        "lr": 0.1,
    }
    first = groups == groups[0]
    y = windows.y.copy()
    y[~first] = 100 * y[~first]
    weighted = regressor(**whole).fit(X, y, sample_weight=first.astype(float))
    alone = regressor(**whole).fit(X[first], y[first])
    np.testing.assert_allclose(weighted.predict(X), alone.predict(X), rtol=1e-3, atol=1e-4)
    # Later fits without weights are as ever, also continued ones.
    n_outputs = weighted.partial_fit(X, windows.y).predict(X).shape[1]
    assert n_outputs == windows.y.shape[1]


def test_weights_count_in_validation_and_in_one_region(windows):
    weights = np.random.default_rng(0).uniform(size=len(windows))
    net = regressor().fit(windows.X, windows.y[:, 0], sample_weight=weights)
    assert net.predict(windows.X).shape == (len(windows),)
    _, valid = net.train_split.split(
        windows.X, random_state=np.random.RandomState(net.seed_)
    )
    error = (net.predict(windows.X[valid]) - windows.y[valid, 0]) ** 2
    batches = np.array_split(np.arange(len(valid)), range(16, len(valid), 16))
    losses = [np.average(error[b], weights=weights[valid][b]) for b in batches]
    expected = np.average(losses, weights=list(map(len, batches)))
    assert min(net.history[:, "valid_loss"]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("weights", "arguments", "error", "message"),
    [
        (np.ones(3), {}, ValueError, "one weight for each of .* got an array of shape"),
        (-1, {}, ValueError, "finite and not negative"),
        (0, {}, ValueError, "not all zero"),
        (1, {"criterion": CorrelationLoss}, TypeError, "CorrelationLoss has none"),
        (1, {"head": "closed_form"}, ValueError, "needs head='linear'"),
    ],
)
def test_weights_that_cannot_be_used(windows, weights, arguments, error, message):
    if np.ndim(weights) == 0:
        weights = np.full(len(windows), weights)
    with pytest.raises(error, match=message):
        regressor(**arguments).fit(windows.X, windows.y, sample_weight=weights)


def test_a_network_that_needs_the_rate_says_how_to_give_it(windows):
    known = regressor(Filtered).fit(windows.X, windows.y)
    assert known.module_.kernel == int(0.1 * windows.sfreq)
    plain = np.asarray(windows.X)
    with pytest.raises(
        ValueError, match="Filtered needs sfreq.* Give module__sfreq=..., or"
    ):
        regressor(Filtered).fit(plain, windows.y, groups=windows.groups)
    told = regressor(Filtered, module__sfreq=windows.sfreq)
    told.fit(plain, windows.y, groups=windows.groups)
    assert told.module_.kernel == known.module_.kernel
    with pytest.raises(ValueError, match="Filtered needs .* not known here"):
        regressor(Filtered).initialize()
