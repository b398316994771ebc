import importlib
import json
import logging
import sys
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from torch import nn

from braindecode_bolt import EEGRegressor, NeuroBOLT
from braindecode_bolt.evaluation.fingerprint import describe, versions
from braindecode_bolt.linear import LaggedBandPower
from braindecode_bolt.splits import GapSplit


class Offset:
    def __init__(self, number):
        self.number = number

    def add(self, x):
        return x + self.number


def closure(number):
    return lambda x: x + number


def with_default(number):
    def function(x, y=number):
        return x + y

    return function


def instance(seed=0, **kwargs):
    torch.manual_seed(seed)
    sizes = {"num_layers": 1, "spectral_depth": 1, "ch_names": ["Fz", "Cz"], **kwargs}
    return NeuroBOLT(2, n_times=800, **sizes)


@pytest.mark.parametrize(
    "make",
    [
        lambda: EEGRegressor("NeuroBOLT", module__num_layers=2, lr=1e-3),
        lambda: EEGRegressor(instance()),
        lambda: LaggedBandPower(alphas=np.logspace(0, 3, 4), bands={"alpha": (8, 13)}),
        lambda: GridSearchCV(
            LaggedBandPower(), {"alphas": [[1.0], [2.0]]}, cv=GroupKFold(3)
        ),
        lambda: partial(np.mean, axis=0),
        lambda: GapSplit(gap_seconds=10.0),
        lambda: {"a": (1, 2.5, None, True), "b": {3, 1}, "c": np.float32(2)},
        lambda: nn.Linear(2, 2).bfloat16() if torch.manual_seed(0) else None,
        lambda: np.random.RandomState(3),
        lambda: closure(1),
    ],
)
def test_the_same_is_described_alike_as_json(make):
    first, second = describe(make()), describe(make())
    assert first == second
    assert json.loads(json.dumps(first)) == first
    assert " at 0x" not in json.dumps(first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (EEGRegressor("NeuroBOLT", lr=1e-3), EEGRegressor("NeuroBOLT", lr=2e-3)),
        (
            EEGRegressor("NeuroBOLT", callbacks__lr_scheduler__warmup=0.1),
            EEGRegressor("NeuroBOLT"),
        ),
        (EEGRegressor(instance(0)), EEGRegressor(instance(1))),
        # The same weights, used in another way.
        (EEGRegressor(instance()), EEGRegressor(instance(drop_prob=0.9))),
        (EEGRegressor(instance()), EEGRegressor(instance(input_scale=1.0))),
        (EEGRegressor(instance()), EEGRegressor(instance(ch_names=["O1", "O2"]))),
        (LaggedBandPower(alphas=[1.0]), LaggedBandPower(alphas=[2.0])),
        (LaggedBandPower(alphas=np.ones(2)), LaggedBandPower(alphas=np.zeros(2))),
        (GapSplit(), GapSplit(train_size=0.7)),
        (KFold(3), KFold(4)),
        (np.mean, np.median),
        (partial(np.mean, axis=0), partial(np.mean, axis=1)),
        (Offset(1), Offset(2)),
        (Offset(1).add, Offset(2).add),
        (with_default(1), with_default(2)),
        (closure(1), closure(2)),
        (float("nan"), 0.0),
        (torch.tensor(1.0), torch.tensor(2.0)),
        (np.random.RandomState(3), np.random.RandomState(4)),
    ],
)
def test_what_differs_is_described_differently(one, other):
    assert describe(one) != describe(other)


def test_what_cannot_be_told_apart_is_refused():
    generator = (number for number in range(3))
    with pytest.raises(ValueError, match="Give an object that can be pickled"):
        describe({"folds": generator})


@pytest.mark.parametrize("kind", ["class", "function"])
def test_code_of_ones_own_counts_by_its_source(kind, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    code = {
        "class": "class own:\n    factor = {}\n",
        "function": "own = lambda x: {} * x\n",
    }
    found = []
    for number in (1, 2):
        name = f"own_models_{kind}_{number}"
        (tmp_path / f"{name}.py").write_text(code[kind].format(number))
        own = importlib.import_module(name).own
        own.__module__ = "own_models"
        monkeypatch.setitem(sys.modules, "own_models", sys.modules[name])
        found.append(describe(own))
    assert str(found[0]) != str(found[1])
    assert "own_models." in str(found[0])
    assert describe(NeuroBOLT) == "braindecode_bolt.models.neurobolt.NeuroBOLT"


def test_code_without_source_is_warned_about(caplog):
    here = {"__name__": "__main__"}
    exec("def factorial(n):\n    return 1 if n < 2 else n * factorial(n - 1)", here)
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        assert describe(here["factorial"])[0] == "__main__.factorial"
    assert "The source of __main__.factorial cannot be read" in caplog.text


def test_what_changes_no_result_is_left_out():
    first = EEGRegressor("NeuroBOLT", verbose=0, device="cpu")
    second = EEGRegressor("NeuroBOLT", verbose=1, device="cuda")
    assert describe(first) == describe(second)


def test_neither_builds_nor_patches_of_python_are_another_version(monkeypatch):
    before = versions()
    monkeypatch.setattr(sys, "version_info", (*sys.version_info[:2], 99))
    assert versions() == before
    assert not any("+" in version for version in before.values())
