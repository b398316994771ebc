"""What is imported when, and that braindecode knows our models."""

import subprocess
import sys

import pytest

from tests.test_rooms import HEAVY


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_the_package_imports_nothing_slow_and_lists_its_names():
    code = f"""
import sys, braindecode_bolt
names = dir(braindecode_bolt)
assert not set(sys.modules) & set({HEAVY})
assert {{"NeuroBOLT", "EEGRegressor", "datasets", "prepare_eeg"}} <= set(names)
for name in braindecode_bolt.__all__:
    assert getattr(braindecode_bolt, name) is not None, name
"""
    done = python(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "imports",
    [
        "import braindecode_bolt; from braindecode import EEGRegressor",
        "from braindecode import EEGRegressor; import braindecode_bolt",
        "import braindecode_bolt, braindecode.models; from braindecode import EEGRegressor",
        "import braindecode_bolt.models.neurobolt; from braindecode import EEGRegressor",
        "import braindecode_bolt.training; from braindecode import EEGRegressor",
        "from braindecode_bolt import prepare_eeg; from braindecode import EEGRegressor",
    ],
)
def test_braindecode_knows_our_models_whichever_is_imported_first(imports):
    code = f"""
import warnings
warnings.simplefilter("ignore")
{imports}
from braindecode.models.util import models_dict
assert {{"NeuroBOLT", "LabramBOLD", "STTransformer"}} <= set(models_dict)
net = EEGRegressor(
    "NeuroBOLT", module__ch_names=["Fz", "Cz"], module__n_times=800, module__n_outputs=2
)
assert net.initialize().module_.n_outputs == 2
"""
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_importing_a_name_first_gives_no_warning():
    code = """
import warnings
warnings.simplefilter("error", FutureWarning)
import braindecode_bolt
import braindecode.models
"""
    done = python(code)
    assert done.returncode == 0, done.stderr
