import pytest

from braindecode_bolt import BOLDPredictor, EEGRegressor
from braindecode_bolt.datasets import SimulatedEEGfMRI

from ..conftest import CH_NAMES, ROIS, TINY, WINDOW


def tiny_network(**arguments):
    sizes = {f"module__{name}": value for name, value in TINY.items()}
    return EEGRegressor("NeuroBOLT", max_epochs=1, verbose=0, **sizes, **arguments)


@pytest.fixture(scope="session")
def as_read():
    """Recordings whose BOLD is not prepared, as a predictor takes them."""
    return SimulatedEEGfMRI(
        4, duration=100.0, ch_names=CH_NAMES, rois=ROIS, snr=3.0, random_state=1
    ).load()


@pytest.fixture(scope="session")
def fit(as_read):
    """Fit a predictor to three of four people, once per model."""
    made = {}

    def fit(name, cv=None):
        if (name, cv) not in made:
            model = tiny_network() if name == "NeuroBOLT" else name
            # The finger-print looks 12 s back.
            seconds = 14.0 if name == "RidgeFingerprint" else WINDOW
            predictor = BOLDPredictor(model, window_seconds=seconds, lag_seconds=4.0)
            made[name, cv] = predictor.fit(as_read[:3], cv, progress=False)
        return made[name, cv]

    return fit


@pytest.fixture
def raw(as_read):
    """EEG of a fourth person: no markers, no BOLD."""
    return as_read[3].raw.copy().set_annotations(None)
