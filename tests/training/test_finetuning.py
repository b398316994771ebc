from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler
from skorch.helper import SliceDataset
from torch import nn

from braindecode_bolt import EEGRegressor, create_bold_windows, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.splits import FixedValidation, TransferSplit
from braindecode_bolt.training import FineTuneRegressor

from ..conftest import CH_NAMES, N_TIMES, ROIS, TINY

FAST = {"max_epochs": 2, "verbose": 0, "lr": 1e-3}
BY_NAME = {f"module__{name}": value for name, value in TINY.items()}


@pytest.fixture(scope="module")
def tasks():
    """Three subjects at rest and watching a film."""
    simulated = SimulatedEEGfMRI(
        3, duration=60.0, ch_names=CH_NAMES, rois=ROIS, n_runs=2, snr=3.0
    )
    recordings = [
        replace(prepare_bold(recording), task=("rest", "film")[number % 2])
        for number, recording in enumerate(simulated.load())
    ]
    return create_bold_windows(recordings, 4.0)


def linear(**kwargs):
    """A model that is trained quickly."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(len(CH_NAMES) * N_TIMES, 2))
    return EEGRegressor(module, **{**FAST, **kwargs})


def weights(estimator):
    return torch.cat([p.detach().flatten() for p in estimator.module_.parameters()])


def film(tasks):
    return (tasks.metadata["task"] == "film").to_numpy()


@pytest.mark.parametrize("kind", ["by name", "instance"])
def test_the_second_stage_starts_from_the_weights_of_the_first(tasks, kind):
    net = linear()
    if kind == "by name":
        net = EEGRegressor("NeuroBOLT", **BY_NAME, **{**FAST, "max_epochs": 1})
    model = FineTuneRegressor(net, "film", lr=0.0, max_epochs=1)
    model.fit(tasks.X, tasks.y)
    assert torch.equal(weights(model.estimator_), weights(model.pretrained_))
    rest = ~film(tasks)
    alone = clone(net).fit(tasks.X[rest], tasks.y[rest])
    assert torch.equal(weights(model.pretrained_), weights(alone))


def test_a_second_fit_equals_the_first(tasks):
    model = FineTuneRegressor(linear(), "film").fit(tasks.X, tasks.y)
    assert not torch.equal(weights(model.estimator_), weights(model.pretrained_))
    predicted = model.predict(tasks.X)
    np.testing.assert_array_equal(predicted, model.estimator_.predict(tasks.X))
    np.testing.assert_array_equal(model.fit(tasks.X, tasks.y).predict(tasks.X), predicted)


def test_each_stage_has_its_learning_rate_and_windows(tasks):
    net = linear(train_split=None)
    model = FineTuneRegressor(net, ["film"]).fit(tasks.X, tasks.y)
    assert (model.pretrained_.lr, model.pretrained_.max_epochs) == (1e-3, 2)
    assert (model.estimator_.lr, model.estimator_.max_epochs) == (1e-4, 2)
    other = model.set_params(lr=5e-3, max_epochs=3).fit(tasks.X, tasks.y)
    assert (other.estimator_.lr, len(other.estimator_.history)) == (5e-3, 3)
    first = linear(train_split=None).fit(tasks.X[~film(tasks)], tasks.y[~film(tasks)])
    again = {**FAST, "train_split": None, "lr": 5e-3, "max_epochs": 3}
    second = EEGRegressor(first.module_, **again)
    second.fit(tasks.X[film(tasks)], tasks.y[film(tasks)])
    assert torch.equal(weights(other.estimator_), weights(second))
    with_its_own = FineTuneRegressor(linear(optimizer__lr=0.01), "film")
    assert with_its_own.fit(tasks.X, tasks.y).estimator_.lr == pytest.approx(0.001)


def test_the_estimator_is_a_template(tasks):
    net = linear()
    before = [p.detach().clone() for p in net.module.parameters()]
    model = FineTuneRegressor(net, "film").fit(tasks.X, tasks.y)
    assert model.estimator is net and not net.initialized_
    assert all(map(torch.equal, before, net.module.parameters()))
    copy = clone(model)
    assert not hasattr(copy, "estimator_") and copy.get_params()["estimator__lr"] == 1e-3
    copy.set_params(estimator__lr=2e-3, target="rest")
    assert copy.estimator.lr == 2e-3 and net.lr == 1e-3
    np.testing.assert_array_equal(
        clone(model).fit(tasks.X, tasks.y).predict(tasks.X), model.predict(tasks.X)
    )


def test_it_is_cross_validated_on_new_subjects(tasks):
    cv = TransferSplit("rest", "film", joint=True, n_splits=3)
    model = TransformedTargetRegressor(
        FineTuneRegressor(linear(), "film"), transformer=StandardScaler()
    )
    scores = cross_val_score(model, tasks.X, tasks.y, cv=cv)
    assert scores.shape == (3,) and np.isfinite(scores).all()
    np.testing.assert_array_equal(cross_val_score(model, tasks.X, tasks.y, cv=cv), scores)


def test_data_sets_of_braindecode(tasks):
    model = FineTuneRegressor(linear(), "film")
    expected = model.fit(tasks.X, tasks.y).predict(tasks.X)
    dataset = tasks.to_braindecode()
    for X, y in ((SliceDataset(dataset), tasks.y), (dataset, None)):
        predicted = model.fit(X, y).predict(X)
        np.testing.assert_allclose(predicted, expected, rtol=0, atol=2e-3)


def test_each_stage_validates_on_its_own_windows(tasks):
    rows = np.flatnonzero(tasks.groups == "01")
    model = FineTuneRegressor(linear(train_split=FixedValidation(rows)), "film")
    model.fit(tasks.X, tasks.y)
    for estimator, mask in (
        (model.pretrained_, ~film(tasks)),
        (model.estimator_, film(tasks)),
    ):
        found = estimator.train_split.split(tasks.X[mask])[1]
        np.testing.assert_array_equal(np.flatnonzero(mask)[found], rows[mask[rows]])
    only = rows[film(tasks)[rows]]
    with pytest.raises(ValueError, match="is among the .* of one of the stages"):
        model.set_params(estimator__train_split=FixedValidation(only))
        model.fit(tasks.X, tasks.y)


def test_groups_reach_both_stages(tasks):
    losses = [
        FineTuneRegressor(linear(), "film")
        .fit(tasks.X, tasks.y, groups=groups)
        .estimator_.history[:, "valid_loss"]
        for groups in (None, tasks.groups, np.arange(len(tasks)) % 7)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_impossible_fine_tuning_is_refused(tasks):
    def fit(X=tasks.X, y=tasks.y, estimator=None, target="film", **kwargs):
        net = linear() if estimator is None else estimator
        FineTuneRegressor(net, target, **kwargs).fit(X, y)

    with pytest.raises(TypeError, match="must be an EEGRegressor, got Ridge"):
        fit(estimator=Ridge())
    with pytest.raises(ValueError, match="do not say which recording"):
        fit(np.asarray(tasks.X))
    with pytest.raises(ValueError, match="target task movie; the tasks .* are film, rest"):
        fit(target="movie")
    with pytest.raises(ValueError, match="whose site is unknown"):
        fit(by="site")
    with pytest.raises(ValueError, match="by must be one of task, site, got 'run'"):
        fit(by="run")
    with pytest.raises(ValueError, match="the target; there are none for the first"):
        fit(tasks.X[film(tasks)], tasks.y[film(tasks)])
    with pytest.raises(ValueError, match="no windows of target task film"):
        fit(tasks.X[~film(tasks)], tasks.y[~film(tasks)])
