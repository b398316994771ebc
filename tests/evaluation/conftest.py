import dataclasses

import pytest

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import Study

CH_NAMES = ["Fz", "Cz", "Pz", "Oz"]
ROIS = ["Thalamus", "Cuneus", "Putamen"]


@pytest.fixture(scope="session")
def raw_recordings():
    """Four subjects; BOLD as recorded."""
    simulated = SimulatedEEGfMRI(
        4, duration=110.0, ch_names=CH_NAMES, rois=ROIS, snr=3.0, random_state=2
    )
    return simulated.load()


@pytest.fixture(scope="session")
def study(raw_recordings):
    return Study.of(raw_recordings, window_seconds=4.0, lag_seconds=4.0)


@pytest.fixture(scope="session")
def long_study():
    """Two subjects, two runs each of ten minutes, for splits in time."""
    simulated = SimulatedEEGfMRI(
        2, duration=630.0, ch_names=CH_NAMES[:2], rois=ROIS, n_runs=2, random_state=3
    )
    return Study.of(simulated.load(), window_seconds=4.0)


@pytest.fixture(scope="session")
def two_tasks(raw_recordings):
    """The same subjects at rest and at a film."""
    more = SimulatedEEGfMRI(
        4, duration=110.0, ch_names=CH_NAMES, rois=ROIS, snr=3.0, random_state=4
    ).load()
    rest = [dataclasses.replace(r, task="rest") for r in raw_recordings]
    film = [dataclasses.replace(r, task="film") for r in more]
    return Study.of([*rest, *film], window_seconds=4.0, lag_seconds=4.0)
