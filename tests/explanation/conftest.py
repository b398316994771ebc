import pytest

from braindecode_bolt import EEGRegressor, create_bold_windows
from braindecode_bolt.datasets import SimulatedEEGfMRI


@pytest.fixture(scope="session")
def coupled():
    """Windows of simulated recordings whose coupling is known, at 100 Hz."""
    recordings = SimulatedEEGfMRI(6, duration=240.0, snr=3.0, tr=1.5).load()
    for recording in recordings:
        recording.raw.resample(100, verbose="error")
    return create_bold_windows(recordings, window_seconds=12.0)


@pytest.fixture(scope="session")
def trained(coupled):
    """A small network of braindecode, trained on them in seconds."""
    regressor = EEGRegressor(
        "ShallowFBCSPNet",
        module__n_filters_time=8,
        module__n_filters_spat=12,
        module__filter_time_length=25,
        module__pool_time_length=100,
        module__pool_time_stride=50,
        lr=5e-3,
        max_epochs=12,
        # As the filters of the test were chosen for microvolts.
        input_scale=1.0,
        batch_size=32,
        random_state=0,
        verbose=0,
    )
    return regressor.fit(coupled.X, coupled.y)
