"""Small recordings and models that every test can afford."""

import os

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_limits

from braindecode_bolt import Recording, attach_bold, create_bold_windows, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI

# Models this small lose more to a second thread than they gain, and each worker of
# pytest and each process of a test has a core.
torch.set_num_threads(1)
threadpool_limits(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")

CH_NAMES = ["Fz", "Cz", "Pz", "Oz"]
ROIS = ["Thalamus", "Cuneus"]
#: NeuroBOLT at its smallest.
TINY = {"num_layers": 1, "spectral_depth": 1}
#: A window of 4 s, the shortest that holds all four spectral scales.
WINDOW = 4.0
N_TIMES = 800


@pytest.fixture(scope="session")
def recordings():
    simulated = SimulatedEEGfMRI(4, duration=100.0, ch_names=CH_NAMES, rois=ROIS, snr=3.0)
    return [prepare_bold(recording) for recording in simulated.load()]


@pytest.fixture(scope="session")
def windows(recordings):
    # 4 to 8 s before the volume, where the haemodynamic response is largest.
    return create_bold_windows(recordings, WINDOW, lag_seconds=4.0)


@pytest.fixture(scope="session")
def noise_windows():
    """EEG and BOLD that have nothing to do with each other."""
    simulated = SimulatedEEGfMRI(
        4, duration=120.0, ch_names=CH_NAMES, rois=ROIS, snr=0.0, random_state=5
    )
    return create_bold_windows(map(prepare_bold, simulated.load()), WINDOW)


@pytest.fixture
def make_raw():
    """Make white-noise EEG with volume markers, before BOLD is attached."""

    def make(
        n_volumes=20,
        tr=2.0,
        sfreq=200.0,
        ch_names=("Fz", "Cz"),
        marker="R128",
        first=10.0,
        duration=None,
        ch_types="eeg",
        seed=0,
    ):
        rng = np.random.default_rng(seed)
        duration = duration or first + n_volumes * tr
        data = 1e-5 * rng.standard_normal((len(ch_names), round(duration * sfreq)))
        info = mne.create_info(list(ch_names), sfreq, ch_types)
        raw = mne.io.RawArray(data, info, verbose="error")
        onsets = first + tr * np.arange(n_volumes)
        raw.set_annotations(mne.Annotations(onsets, 0.0, [marker] * n_volumes))
        return raw

    return make


@pytest.fixture
def make_bold():
    def make(n_volumes=20, rois=("A", "B"), seed=0):
        rng = np.random.default_rng(seed)
        return pd.DataFrame(rng.standard_normal((n_volumes, len(rois))), columns=list(rois))

    return make


@pytest.fixture
def make_recording(make_raw, make_bold):
    def make(subject="01", session=None, run=None, rois=("A", "B"), seed=0, **kwargs):
        raw = make_raw(seed=seed, **kwargs)
        bold = make_bold(len(raw.annotations), rois, seed)
        return Recording(attach_bold(raw, bold), subject, session, run)

    return make
