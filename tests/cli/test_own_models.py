"""Models of the user, named on the command line."""

import json
import sys

import pandas as pd
import pytest

from braindecode_bolt.cli import main
from braindecode_bolt.datasets import SimulatedEEGfMRI

CODE = """
from braindecode.models.base import EEGModuleMixin
from sklearn.kernel_ridge import KernelRidge
from sklearn.pipeline import make_pipeline
from torch import nn

from braindecode_bolt.linear import BandPower

kernel = make_pipeline(BandPower(segment_seconds=4.0), KernelRidge(alpha=100.0))


class Plain(nn.Module):
    def __init__(self, n_chans, n_outputs):
        super().__init__()
        self.final_layer = nn.Linear(n_chans, n_outputs)

    def forward(self, x):
        return self.final_layer(x.square().mean(-1).clamp_min(1e-3).log())


class PowerNet(EEGModuleMixin, nn.Module):
    def __init__(self, n_outputs=None, n_chans=None, chs_info=None, n_times=None,
                 input_window_seconds=None, sfreq=None):
        super().__init__(n_outputs=n_outputs, n_chans=n_chans, chs_info=chs_info,
                         n_times=n_times, input_window_seconds=input_window_seconds,
                         sfreq=sfreq)
        self.final_layer = nn.Linear(self.n_chans, self.n_outputs)

    def forward(self, x):
        return self.final_layer(x.square().mean(-1).clamp_min(1e-3).log())
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a module of models, as the current one."""
    name = f"models_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield name
    sys.modules.pop(name, None)


@pytest.fixture
def data(tmp_path):
    simulated = SimulatedEEGfMRI(3, duration=70.0, ch_names=["Fz", "Oz"], rois=["A"])
    (tmp_path / "data").mkdir()
    for recording in simulated.load():
        stem = str(tmp_path / "data" / f"sub-{recording.subject}_task-rest")
        recording.raw.save(f"{stem}_eeg.fif", verbose="error")
    return ["--data", "data"]


def test_evaluate_takes_networks_and_regressors_of_the_user(folder, data, tmp_path):
    models = f"{folder}:PowerNet,{folder}.py:kernel,MeanBOLD"
    command = ["evaluate", *data, "--models", models, "--epochs", "1", "--folds", "2"]
    assert main([*command, "--surrogates", "50", "--out", "out"]) == 0
    scores = pd.read_csv(tmp_path / "out" / "scores.tsv", sep="\t")
    assert set(scores["pipeline"]) == {"PowerNet", "kernel", "MeanBOLD"}
    settings = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert settings["models"]["PowerNet"]["max_epochs"] == 1


def test_a_model_of_the_user_is_saved_and_used(folder, data, capsys):
    own = f"{folder}:PowerNet"
    train = ["train", *data, "--model", own, "--epochs", "1", "--cv", "0"]
    assert main([*train, "--out", "m"]) == 0
    eeg = "data/sub-01_task-rest_eeg.fif"
    predict = ["predict", "m", eeg, "--out", "predicted", "--tr", "2.1"]
    assert main(predict) == 1
    assert "give it: --own module:name" in capsys.readouterr().err
    assert main([*predict, "--own", own]) == 0
    assert main(["explain", "m", *data, "--out", "explained", "--own", own]) == 0
    plain = f"{folder}:Plain"
    assert main([*train[:3], "--model", plain, "--out", "p", "--cv", "0"]) == 1
    printed = capsys.readouterr()
    assert "EEGModuleMixin" in printed.err and "Epoch" not in printed.out


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("nowhere:Net", "The model nowhere:Net cannot be imported: ModuleNotFoundError"),
        ("{}:Net", "has no network or regressor 'Net'. What it has: Plain, PowerNet"),
        ("{}:", "is written module:name, such as my_models:PowerNet; got"),
        ("Nett", "and models of yours, as module:name"),
    ],
)
def test_what_is_no_model_says_why(folder, data, model, message, capsys):
    assert main(["evaluate", *data, "--models", model.format(folder)]) == 1
    assert message in capsys.readouterr().err
