"""The layout of the package: what may import what, and what is imported when."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import braindecode_bolt

PACKAGE = Path(braindecode_bolt.__file__).parent
#: Data move from left to right; a room imports only from rooms to its left. Names without
#: a folder are modules at the top.
ROOMS = (
    "_version",
    "_registration",
    "_files",
    "_series",
    "_text",
    "_checks",
    "_catalogue",
    "_threads",
    "markers",
    "recording",
    "eeg",
    "bold",
    "datasets",
    "windows",
    "models",
    "splits",
    "linear",
    "training",
    "metrics",
    "null",
    "prediction",
    "explanation",
    "evaluation",
    "plotting",
    "report",
    "cli",
    "__main__",
)
HEAVY = ("torch", "mne", "braindecode", "sklearn", "numpy", "pandas", "matplotlib")


def imported_rooms(path):
    """Rooms from which a module imports, also inside functions."""
    folder = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*folder[: len(folder) - node.level + 1]]
            target = [*base, *(node.module or "").split(".")]
            first = [name for name in target if name][:1]
            yield from first or [alias.name for alias in node.names]


def test_every_room_is_listed():
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert modules | folders == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rooms_to_its_left(room):
    folder = PACKAGE / room
    paths = folder.rglob("*.py") if folder.is_dir() else [PACKAGE / f"{room}.py"]
    allowed = {*ROOMS[: ROOMS.index(room) + 1], "__version__"}
    for path in paths:
        assert set(imported_rooms(path)) <= allowed, path


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("arguments", "status", "shown"),
    [
        (["--help"], 0, "COMMAND"),
        (["--version"], 0, braindecode_bolt.__version__),
        (["evaluate", "--help"], 0, "a column per region"),
        (["simulate", "--help"], 0, "--snr"),
        (["models"], 0, "REVE"),
        (["models", "eegnet"], 0, "make_estimator('EEGNet')"),
        (["models", "EEGNett"], 1, "Did you mean EEGNet"),
        (["evaluate", "--models", "EEGNett"], 1, "Did you mean EEGNet"),
        (["evaluate", "--models", "SignalJEPA"], 1, "it has no last layer"),
        (["evaluate", "--folds", "x"], 2, "invalid int value: 'x'"),
        (["evaluate", "--models", "Ridge"], 1, "There is no model 'Ridge'"),
        (["evaluate", "--jobs", "0"], 1, "--jobs must not be 0"),
        ([], 2, "required: COMMAND"),
    ],
)
def test_help_and_wrong_options_import_nothing_slow(arguments, status, shown):
    code = f"""
import sys
from braindecode_bolt.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as stop:
    status = stop.code
slow = sorted(set(sys.modules) & set({HEAVY}))
assert not slow, slow
sys.exit(status)
"""
    done = python(code, *arguments)
    assert done.returncode == status, done.stderr
    assert shown in done.stdout + done.stderr
