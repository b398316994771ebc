"""Time and memory of predicting a long recording, in pieces.

A predictor is trained on short simulated recordings, then predicts a recording of many
hours that is made as it is read, so that neither disk nor file format count. Memory is the
peak of anonymous memory (RssAnon) above that before the prediction. "times" is how much
faster than real time the prediction is.

Run: python benchmarks/long_recording.py [--hours 24] [--models BandPowerGP NeuroBOLT ...]
         [--channels 26] [--rate 200] [--high-pass 0.5]
"""

from __future__ import annotations

import argparse
import logging
import threading
import time

import mne
import numpy as np

from braindecode_bolt import BOLDPredictor, make_estimator
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.linear import LINEAR

CHANNELS = (
    "Fp1 Fp2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 P7 P8 Fz Cz Pz Oz FC1 FC2 CP1 CP2 FC5 FC6"
).split()


class Endless(mne.io.BaseRaw):
    """EEG that repeats the same ten minutes, and is made when it is read."""

    def __init__(self, names, rate, hours):
        rng = np.random.default_rng(0)
        block = 1e-5 * rng.standard_normal((len(names), round(600 * rate)))
        info = mne.create_info(names, rate, "eeg")
        last = round(hours * 3600 * rate) - 1
        super().__init__(
            info, last_samps=[last], raw_extras=[{"block": block}], verbose="error"
        )

    def _read_segment_file(self, data, idx, fi, start, stop, cals, mult):
        block = self._raw_extras[fi]["block"]
        data[:] = block[idx][:, np.arange(start, stop) % block.shape[1]]


def anonymous():
    """Anonymous memory of this process in GB."""
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1e6


def peak_of(function):
    """Run a function; return its result, seconds, and peak memory above the start."""
    before, found, done = anonymous(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.05):
            found.append(anonymous() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    began = time.perf_counter()
    try:
        result = function()
    finally:
        seconds = time.perf_counter() - began
        done.set()
        thread.join()
    return result, seconds, max(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--channels", type=int, default=26)
    parser.add_argument("--high-pass", type=float)
    parser.add_argument("--models", nargs="+", default=["BandPowerGP", "NeuroBOLT"])
    options = parser.parse_args()
    logging.getLogger("braindecode_bolt").setLevel(logging.ERROR)
    names = CHANNELS[: options.channels]
    recordings = SimulatedEEGfMRI(2, duration=120.0, ch_names=names).load()
    raw = Endless(names, options.rate, options.hours)
    print(f"{options.hours:g} h of {len(names)} channels at {options.rate:g} Hz, TR 2.1 s")
    print(f"{'model':20}{'seconds':>10}{'times':>10}{'GB':>8}{'predictions':>14}")
    eeg = {} if options.high_pass is None else {"high_pass": options.high_pass}
    for name in options.models:
        training = {} if name in LINEAR else {"max_epochs": 1, "verbose": 0}
        predictor = BOLDPredictor(make_estimator(name, "small", **training), eeg)
        predictor.fit(recordings)
        table, seconds, memory = peak_of(lambda p=predictor: p.predict(raw, tr=2.1))
        times = options.hours * 3600 / seconds
        print(
            f"{name:20}{seconds:10.1f}{times:10.0f}{memory:8.2f}{len(table):14}", flush=True
        )


if __name__ == "__main__":
    main()
