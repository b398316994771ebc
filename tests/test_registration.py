"""What is imported when, and that braindecode knows our models."""

import os
import subprocess
import sys

import braindecode_bolt
from tests.test_rooms import HEAVY

#: What takes most of the time of an import, and has no part in which of braindecode and
#: this package comes first.
SLOW = """
import os, sys, traceback
import matplotlib.pyplot, mne, moabb.datasets.base, pandas, scipy.signal, scipy.stats
import sklearn.linear_model, sklearn.model_selection, skorch, torch
assert not [name for name in sys.modules if name.startswith("braindecode")]
for number, code in enumerate(sys.argv[1:]):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            exec(code, {})
        except BaseException:
            traceback.print_exc(file=sys.stdout)
        else:
            print("fine", number)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
"""


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True
    )


def run_each_anew(*codes):
    """Run each code where neither braindecode nor this package was imported before."""
    if not hasattr(os, "fork"):
        for code in codes:
            done = python(code)
            assert done.returncode == 0, done.stderr
        return
    done = python(SLOW, *codes)
    fine = [f"fine {number}" for number in range(len(codes))]
    assert [*filter(None, done.stdout.splitlines())] == fine, done.stdout + done.stderr


def test_the_package_imports_nothing_slow_and_lists_its_names():
    code = f"""
import sys, braindecode_bolt
names = dir(braindecode_bolt)
assert not set(sys.modules) & set({HEAVY})
assert {{"NeuroBOLT", "EEGRegressor", "datasets", "prepare_eeg"}} <= set(names)
"""
    done = python(code)
    assert done.returncode == 0, done.stderr
    for name in braindecode_bolt.__all__:
        assert getattr(braindecode_bolt, name) is not None, name


def test_braindecode_knows_our_models_whichever_is_imported_first_without_a_warning():
    ways = [
        "import braindecode_bolt; from braindecode import EEGRegressor",
        "from braindecode import EEGRegressor; import braindecode_bolt",
        "import braindecode_bolt, braindecode.models; from braindecode import EEGRegressor",
        "import braindecode_bolt.models.neurobolt; from braindecode import EEGRegressor",
        "import braindecode_bolt.training; from braindecode import EEGRegressor",
        "from braindecode_bolt import prepare_eeg; from braindecode import EEGRegressor",
    ]
    check = """
from braindecode.models.util import models_dict
assert {"NeuroBOLT", "LabramBOLD", "STTransformer"} <= set(models_dict)
net = EEGRegressor(
    "NeuroBOLT", module__ch_names=["Fz", "Cz"], module__n_times=800, module__n_outputs=2
)
assert net.initialize().module_.n_outputs == 2
"""
    quiet = "import warnings; warnings.simplefilter('ignore')\n"
    no_warning = """
import warnings
warnings.simplefilter("error", FutureWarning)
import braindecode_bolt
import braindecode.models
"""
    run_each_anew(*(f"{quiet}{imports}\n{check}" for imports in ways), no_warning)
