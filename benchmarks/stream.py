"""How long a prediction from a stream of EEG takes, from the chunk that completes it.

Chunks of 100 ms are pushed as fast as they are taken. "delay" is the time that filters make
predictions late, "median" and "worst" the time that a chunk with a prediction takes; their
sum must stay below the repetition time. Chunks without a prediction are in the last column.

Run: python benchmarks/stream.py [--minutes 5] [--rate 1000] [--models BandPowerGP ...]
"""

from __future__ import annotations

import argparse
import logging
import time

import mne
import numpy as np

from braindecode_bolt import BOLDPredictor, BOLDStream, make_estimator
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.linear import LINEAR

CHANNELS = (
    "Fp1 Fp2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 P7 P8 Fz Cz Pz Oz FC1 FC2 CP1 CP2 FC5 FC6"
).split()
TR = 2.1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--models", nargs="+", default=["BandPowerGP", "NeuroBOLT"])
    options = parser.parse_args()
    logging.getLogger("braindecode_bolt").setLevel(logging.ERROR)
    recordings = SimulatedEEGfMRI(2, duration=120.0, ch_names=CHANNELS).load()
    info = mne.create_info(CHANNELS, options.rate, "eeg")
    n_samples = round(60 * options.minutes * options.rate)
    data = 1e-5 * np.random.default_rng(0).standard_normal((len(CHANNELS), n_samples))
    calibration = mne.io.RawArray(
        data[:, : round(60 * options.rate)], info, verbose="error"
    )
    step = round(0.1 * options.rate)
    print(f"{len(CHANNELS)} channels at {options.rate:g} Hz, TR {TR:g} s; milliseconds")
    print(
        f"{'model':16}{'delay':>8}{'median':>8}{'worst':>8}{'others':>8}{'predictions':>13}"
    )
    for name in options.models:
        training = {} if name in LINEAR else {"max_epochs": 1, "verbose": 0}
        model = make_estimator(name, "small", **training)
        predictor = BOLDPredictor(model, {"high_pass": 0.5}).fit(recordings)
        stream = BOLDStream(predictor, info, TR, predictor.calibrate(calibration))
        taken, others = [], []
        for start in range(0, n_samples, step):
            began = time.perf_counter()
            found = stream.push(data[:, start : start + step])
            (taken if len(found) else others).append(1e3 * (time.perf_counter() - began))
        numbers = (1e3 * stream.latency, np.median(taken), max(taken), np.median(others))
        print(f"{name:16}" + "".join(f"{n:8.1f}" for n in numbers) + f"{len(taken):13}")


if __name__ == "__main__":
    main()
