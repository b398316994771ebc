"""Real BOLD, and noise that is as autocorrelated."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from braindecode_bolt.null import block_permuted, circular_shifts, phase_randomised

TR = 2.1
#: Times for short series.
TIMES = {"tr": TR, "block_seconds": 15.0}
#: Functions that make surrogates, and which of the times they take.
GENERATORS = {
    "phase": (phase_randomised, ()),
    "shift": (circular_shifts, ()),
    "block": (block_permuted, ("tr", "block_seconds")),
}


@pytest.fixture(scope="session")
def bold():
    """BOLD of four subjects, shape (4, 567, 6): as many volumes as have windows."""
    file = Path(__file__).parents[1] / "data" / "neurobolt_bold.npz"
    with np.load(file, allow_pickle=False) as arrays:
        return arrays["bold"][:, 8:].astype(float)


def surrogates(method, series, n_surrogates, random_state=0, **times):
    make, names = GENERATORS[method]
    times = {name: {**TIMES, **times}[name] for name in names}
    return make(series, n_surrogates, random_state=random_state, **times)


def autocorrelated(rng, n_volumes, n_series):
    """First-order autoregressive noise of variance 1 that remembers 20 s."""
    noise = rng.standard_normal((n_volumes + 200, n_series)) * np.sqrt(1 - 0.9**2)
    return lfilter([1.0], [1.0, -0.9], noise, axis=0)[200:]
