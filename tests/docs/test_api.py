"""The reference is complete, and what it names exists."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import braindecode_bolt

API = Path(__file__).parents[2] / "docs" / "api.rst"
LISTED = set(re.findall(r"(?m)^   ([A-Za-z][\w.]*)$", API.read_text()))
#: Rooms whose public names are for users. The command line has its own page.
ROOMS = sorted(
    module.name
    for module in pkgutil.iter_modules(braindecode_bolt.__path__)
    if not module.name.startswith("_") and module.name not in {"cli", "recording"}
)
#: Public for other rooms of the package only.
NOT_FOR_USERS = {
    "eeg.CachedRaw",
    "eeg.MICROVOLTS",
    "markers.MARKERS",
    "report.layout",
    "report.layout_connectivity",
    "report.layout_coverage",
}


def find(name):
    """The object of a name in the reference."""
    found = braindecode_bolt
    for part in name.split("."):
        if not hasattr(found, part):
            importlib.import_module(f"{found.__name__}.{part}")
        found = getattr(found, part)
    return found


def is_same(first, second):
    return first is second or (isinstance(first, (dict, list)) and first == second)


def test_every_listed_name_exists():
    missing = []
    for name in sorted(LISTED):
        try:
            find(name)
        except (AttributeError, ImportError):
            missing.append(name)
    assert not missing, f"docs/api.rst lists what does not exist: {missing}"


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_in_the_reference(room):
    module = importlib.import_module(f"braindecode_bolt.{room}")
    listed = [find(name) for name in LISTED]
    missing = [
        f"{room}.{name}"
        for name in module.__all__
        if f"{room}.{name}" not in NOT_FOR_USERS
        and not any(is_same(getattr(module, name), each) for each in listed)
    ]
    assert not missing, f"Add these to docs/api.rst: {missing}"


def test_every_name_of_the_package_is_in_the_reference():
    listed = [find(name) for name in LISTED]
    missing = [
        name
        for name in braindecode_bolt.__all__
        if name not in ROOMS
        and not name.startswith("_")
        and not any(is_same(getattr(braindecode_bolt, name), each) for each in listed)
    ]
    assert not missing, f"Add these to docs/api.rst: {missing}"


def test_no_exception_is_out_of_date():
    gone = []
    for name in NOT_FOR_USERS:
        room, _, rest = name.partition(".")
        if rest not in importlib.import_module(f"braindecode_bolt.{room}").__all__:
            gone.append(name)
    assert not gone
