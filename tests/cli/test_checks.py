"""Options are checked before anything slow is imported."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import mne
import pytest
import torch

from braindecode_bolt.bold.atlases import _DIFUMO_SIZES
from braindecode_bolt.cli import choices
from braindecode_bolt.cli.checks import check_options
from braindecode_bolt.cli.parser import build_parser
from braindecode_bolt.datasets._files import READERS
from braindecode_bolt.evaluation.plan import CONTROLS
from braindecode_bolt.evaluation.protocols import PROTOCOLS
from braindecode_bolt.models import NETWORKS
from braindecode_bolt.training import HEADS, estimator_names

#: Arguments of each command that are fine, as far as can be seen without imports.
BASE = {
    "evaluate": [],
    "train": ["--out", "new"],
    "predict": [".", "there.edf", "--out", "new"],
    "check": ["--data", "."],
    "explain": [".", "--data", ".", "--out", "new"],
    "simulate": ["--eeg", ".", "--out", "new"],
    "report": ["."],
    "pretrain": ["--data", ".", "--out", "new.safetensors"],
}
DATA = ["--data", "."]
WRONG = {
    "evaluate": [
        (["--controls", "noise"], "--controls takes different ones of wrong_subject"),
        (["--controls", "constant_eeg,constant_eeg"], "--controls takes different ones"),
        (["--seeds", "1,1"], "--seeds must be different"),
        (["--jobs", "0"], "--jobs must not be 0"),
        (["--surrogates", "9999999"], "between 1 and 1,000,000, got 9999999"),
        (["--window", "nan"], "--window must be a finite number"),
        (["--device", "toaster"], "--device toaster cannot be used"),
        (["--device", "cuda:x"], "--device cuda:x cannot be used"),
        (["--protocol", "joint"], "give --source and --target"),
        (["--source", "rest"], "not for subjects"),
        (
            ["--protocol", "fine-tuned", "--source", "a", "--target", "b"],
            "leave LaggedBandPower, BandPowerGP out",
        ),
        (["--models", "Ridge"], "There is no model 'Ridge'"),
        (["--models", "SignalJEPA"], "it has no last layer"),
        (["--head", "evidence", "--models", "FFCL"], "--head evidence is for"),
        (
            ["--pretrained", "nowhere.pth", "--size", "published"],
            "nowhere.pth is neither a file",
        ),
        (["--pretrain-eeg", "nowhere"], "There is no folder nowhere"),
        (["--data", "nowhere"], "There is no folder nowhere (--data)"),
        (["--data", "there.edf"], "--data takes a folder"),
        (["--marker", "R128", "--tr", "2"], "take no --marker, --tr"),
        ([*DATA, "--coupling", "1", "--segment", "1"], "leave out --segment"),
        ([*DATA, "--coupling-kind", "bursts"], "simulated BOLD only: --coupling-kind"),
        ([*DATA, "--noise", "nowhere.tsv"], "There is no file nowhere.tsv"),
        ([*DATA, "--reader", "word"], "There is no reader 'word'"),
        ([*DATA, "--montage", "10-20"], "There is no montage '10-20'"),
        ([*DATA, "--pattern", "("], "is no regular expression"),
        ([*DATA, "--pattern", "(?P<who>p)"], "has no group subject"),
        ([*DATA, "--rois", ","], "--rois names nothing"),
        ([*DATA, "--derivatives", "nowhere"], "There is no folder nowhere (--derivatives)"),
        (["--cache", "there.edf"], "--cache takes a folder"),
        (["--out", "there.edf"], "--out takes a folder"),
        (["--atlas", "difumo7"], "--atlas takes an image file or one of difumo64"),
        (["--labels", "there.edf"], "give --atlas, too"),
    ],
    "train": [
        (["--model", "Ridge"], "There is no model 'Ridge'"),
        (["--cv", "1"], "--cv must be 0, or 2"),
        (["--marker", "R128"], "take no --marker"),
        (["--out", "there.edf"], "--out takes a folder"),
    ],
    "predict": [
        (["--interval", "2"], "--interval must lie between"),
        (["--device", "toaster"], "--device toaster cannot be used"),
        (["--montage", "10-20"], "There is no montage '10-20'"),
        (["--reader", "word"], "There is no reader 'word'"),
    ],
    "check": [([*DATA, "--coupling", "1", "--tasks", "rest"], "leave out --tasks")],
    "explain": [
        (["--results", "nowhere"], "There is no folder nowhere (--results)"),
        (["--high-pass", "1"], "Leave out --high-pass"),
        (["--device", "toaster"], "--device toaster cannot be used"),
    ],
    "simulate": [
        (["--eeg", "nowhere"], "There is no folder nowhere (--eeg)"),
        (["--seed", str(2**32)], "--seed must be below"),
        (["--noise", "nowhere.tsv"], "There is no file nowhere.tsv"),
    ],
    "report": [(["--atlas", "nowhere.nii"], "there is no file nowhere.nii")],
    "pretrain": [
        (["--out", "weights.pt"], "--out takes a .safetensors file"),
        (["--montage", "10-20"], "There is no montage '10-20'"),
        (["--device", "toaster"], "--device toaster cannot be used"),
    ],
}
CASES = [
    (c, [*BASE[c], *given], said) for c, cases in WRONG.items() for given, said in cases
]


def options_of(command):
    """Options of a command that take numbers, as argparse knows them."""
    (commands,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    actions = commands.choices[command]._actions
    return [a for a in actions if a.type in (int, float) and a.option_strings]


CASES += [
    (command, [*BASE[command], f"{action.option_strings[0]}=-7"], action.option_strings[0])
    for command in BASE
    for action in options_of(command)
    if action.dest != "jobs"  # -7: all processors but six.
]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Run all cases in one process that cannot import anything slow."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "there.edf").write_text("no EEG")
    code = """
import contextlib, io, json, sys
for name in ("numpy", "torch", "mne", "braindecode", "sklearn", "pandas", "matplotlib"):
    sys.modules[name] = None
from braindecode_bolt.cli import main
found = []
for arguments in json.load(sys.stdin):
    with contextlib.redirect_stderr(io.StringIO()) as error:
        found.append([main(arguments), error.getvalue()])
sys.stdout.write("\\n" + json.dumps(found))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([[command, *arguments] for command, arguments, _ in CASES]),
        capture_output=True,
        text=True,
        cwd=folder,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("number", range(len(CASES)))
def test_what_is_wrong_is_said_before_slow_imports(number, said):
    status, error = said[number]
    assert status == 1 and CASES[number][2] in error, error


@pytest.mark.parametrize("command", BASE)
def test_what_is_right_passes(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("there.edf").touch()
    check_options(build_parser().parse_args([command, *BASE[command]]))


def test_the_choices_are_those_of_the_package():
    assert list(choices.MODELS) == estimator_names()
    assert choices.PROTOCOLS.keys() == PROTOCOLS.keys()
    assert list(choices.TRANSFERS) == [n for n, p in PROTOCOLS.items() if p.transfers]
    assert set(choices.WITH_FOLDS) == {n for n, p in PROTOCOLS.items() if p.has_folds}
    assert list(choices.HEADS) == list(HEADS)
    assert list(choices.WITH_TOKENS) == [
        name for name, network in NETWORKS.items() if network.has_electrode_tokens
    ]
    assert choices.CONTROLS == tuple(CONTROLS)
    assert choices.READERS == tuple(READERS)
    assert choices.ATLASES == tuple(f"difumo{size}" for size in _DIFUMO_SIZES)
    assert choices.MONTAGES == tuple(mne.channels.get_builtin_montages())
    for device in choices.DEVICES[:-1]:  # The last is that of a package of its own.
        assert torch.device(device).type == device
