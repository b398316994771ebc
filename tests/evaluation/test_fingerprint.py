import importlib
import json
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from torch import nn

from braindecode_bolt import EEGRegressor, NeuroBOLT
from braindecode_bolt.evaluation.fingerprint import describe
from braindecode_bolt.linear import LaggedBandPower
from braindecode_bolt.splits import GapSplit

CH_NAMES = ["Fz", "Cz"]


class Offset:
    def __init__(self, number):
        self.number = number

    def add(self, x):
        return x + self.number


def closure(number):
    return lambda x: x + number


def instance(seed=0, **kwargs):
    torch.manual_seed(seed)
    sizes = {"num_layers": 1, "spectral_depth": 1, **kwargs}
    return NeuroBOLT(2, n_times=800, **{"ch_names": CH_NAMES, **sizes})


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
    ],
    ids=["network", "instance", "linear", "search", "function", "splitter", "containers"],
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
        # The same weights, put to another use.
        (EEGRegressor(instance()), EEGRegressor(instance(drop_prob=0.9))),
        (EEGRegressor(instance()), EEGRegressor(instance(input_scale=1.0))),
        (EEGRegressor(instance()), EEGRegressor(instance(ch_names=["O1", "O2"]))),
        (Offset(1).add, Offset(2).add),
        (lambda x: (lambda y: y * 2)(x), lambda x: (lambda y: y * 3)(x)),
        (lambda x: x in {"a", "b"}, lambda x: x in {"a", "c"}),
        (LaggedBandPower(alphas=[1.0]), LaggedBandPower(alphas=[2.0])),
        (LaggedBandPower(alphas=np.ones(2)), LaggedBandPower(alphas=np.zeros(2))),
        (GapSplit(), GapSplit(train_size=0.7)),
        (np.mean, np.median),
        (partial(np.mean, axis=0), partial(np.mean, axis=1)),
        # Functions by what they do: both are called <lambda>.
        (lambda x: x + 1, lambda x: x + 2),
        (lambda x, y=1: x, lambda x, y=2: x),
        (closure(1), closure(2)),
        (KFold(3), KFold(4)),
        (float("nan"), 0.0),
    ],
)
def test_what_differs_is_described_differently(one, other):
    assert describe(one) != describe(other)


def test_what_cannot_be_told_apart_is_refused():
    generator = (number for number in range(3))
    with pytest.raises(ValueError, match="Give an object that can be pickled"):
        describe({"folds": generator})


def test_a_function_is_the_same_in_every_process():
    """Sets in code are in another order there."""
    code = "function = lambda x: x in {'alpha', 'beta', 'gamma', 'delta', 'theta'}\n"
    show = "from braindecode_bolt.evaluation.fingerprint import describe\n"
    found = subprocess.run(
        [sys.executable, "-c", code + show + "print(describe(function))"],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = {"__name__": "__main__"}
    exec(code, here)
    assert found.stdout.strip() == str(describe(here["function"]))


def test_classes_of_ones_own_count_by_their_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for number in (1, 2):
        name = f"own_models_{number}"
        (tmp_path / f"{name}.py").write_text(f"class Model:\n    factor = {number}\n")
        kind = importlib.import_module(name).Model
        kind.__module__ = "own_models"
        monkeypatch.setitem(sys.modules, "own_models", sys.modules[name])
        found.append(describe(kind))
    assert found[0].startswith("own_models.Model ") and found[0] != found[1]
    assert describe(NeuroBOLT) == "braindecode_bolt.models.neurobolt.NeuroBOLT"


def test_low_precision_and_functions_that_call_themselves():
    def factorial(n):
        return 1 if n < 2 else n * factorial(n - 1)

    assert describe(factorial) == describe(factorial)
    half = nn.Linear(2, 2).bfloat16()
    assert describe(half) == describe(half)
    assert describe(torch.tensor(1.0)) != describe(torch.tensor(2.0))


def test_objects_of_classes_in_functions_do():
    class Local:
        def __init__(self, number):
            self.number = number

    assert describe(Local(1)) == describe(Local(1)) != describe(Local(2))


def test_what_changes_no_result_is_left_out():
    quiet, loud = (EEGRegressor("NeuroBOLT", verbose=v) for v in (0, 1))
    assert describe(quiet) == describe(loud)
