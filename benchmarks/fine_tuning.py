"""Fine-tuning on a few minutes of another data set, beside zero-shot and from scratch.

Everything is simulated. The first data set follows the usual coupling. In the second the
electrodes are fewer, the signal-to-noise ratio is lower, and the BOLD of each region is
that of the next region in the list, so that a model of the first data set is partly wrong.
From a few minutes of some people of the second, a network is fine-tuned (all of it, or its
last layer), or trained from scratch; all are tested on other people of the second. Mean R
over people and regions.

Run: python benchmarks/fine_tuning.py [--people 6] [--minutes 4] [--tuned 2] [--tested 4]
         [--tuned-minutes 3] [--epochs 10] [--seed 0]
"""

from __future__ import annotations

import argparse
import logging

import numpy as np
import pandas as pd

from braindecode_bolt import BOLDPredictor, make_estimator
from braindecode_bolt.datasets import SimulatedEEGfMRI

CHANNELS = ["Fz", "Cz", "Pz", "Oz", "O1", "O2", "P3", "P4"]
FEWER = ["Fz", "Cz", "Pz", "O1", "O2"]


def shifted(recording):
    """Give each region the BOLD of the next."""
    bold = recording.bold
    moved = pd.DataFrame(np.roll(bold.to_numpy(), 1, axis=1), bold.index, bold.columns)
    return recording.with_tables({"bold": moved})


def mean_r(predictor, recordings):
    found = []
    for recording in recordings:
        bold = recording.bold
        times = recording.marker_samples() / recording.raw.info["sfreq"]
        predicted = predictor.predict(recording, times=times).to_numpy()
        measured = bold[predictor.roi_names_].to_numpy()
        there = ~np.isnan(predicted).any(axis=1)
        found += [
            np.corrcoef(p, m)[0, 1]
            for p, m in zip(predicted[there].T, measured[there].T, strict=True)
        ]
    return float(np.nanmean(found))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--tuned", type=int, default=2)
    parser.add_argument("--tuned-minutes", type=float, default=3.0)
    parser.add_argument("--tested", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.getLogger("braindecode_bolt").setLevel(logging.ERROR)
    first = SimulatedEEGfMRI(
        options.people,
        duration=60 * options.minutes,
        ch_names=CHANNELS,
        snr=2.0,
        random_state=options.seed,
    ).load()
    second = SimulatedEEGfMRI(
        options.tuned + options.tested,
        duration=60 * options.tuned_minutes,
        ch_names=FEWER,
        snr=1.0,
        random_state=options.seed + 1000,
    ).load()
    second = [shifted(recording) for recording in second]
    tuned, tested = second[: options.tuned], second[options.tuned :]
    training = {"max_epochs": options.epochs, "lr": 1e-3, "verbose": 0}

    def network():
        return BOLDPredictor(make_estimator("NeuroBOLT", "small", **training))

    known = network().fit(first)
    rows = {
        "trained on the first, as it is": known,
        "fine-tuned, all of it": known.fine_tune(tuned),
        "fine-tuned, last layer only": known.fine_tune(tuned, freeze="encoder"),
        "from scratch": network().fit(tuned),
    }
    minutes = options.tuned * options.tuned_minutes
    print(
        f"NeuroBOLT (small), {options.people} people, then {options.tuned} people of "
        f"{minutes:g} minutes in all; R on {options.tested} others"
    )
    for name, predictor in rows.items():
        print(f"{name:36}{mean_r(predictor, tested):6.2f}", flush=True)


if __name__ == "__main__":
    main()
