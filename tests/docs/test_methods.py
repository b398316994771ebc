"""Pages of classes list what users call, wherever in the package it is defined."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def own_methods():
    file = ROOT / "docs" / "_ext" / "own_methods.py"
    spec = importlib.util.spec_from_file_location("own_methods", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.own_methods


@pytest.mark.parametrize(
    ("name", "listed", "not_listed"),
    [
        ("EEGRegressor", {"fit", "predict", "sample"}, {"get_params", "set_fit_request"}),
        ("BOLDPredictor", {"fit", "predict", "predict_image", "save", "load"}, set()),
        ("NeuroBOLT", {"forward", "electrode_tokens"}, {"cuda", "load_state_dict"}),
        ("Recording", {"table"}, {"__init__"}),
    ],
)
def test_methods_of_the_package_are_listed(own_methods, name, listed, not_listed):
    found = set(own_methods("braindecode_bolt", name))
    assert listed <= found and not found & not_listed
