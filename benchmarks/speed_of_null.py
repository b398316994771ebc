"""Time and memory of null distributions of R: surrogate by surrogate, and ours.

The data are 29 recordings of 567 volumes (TR 2.1 s) and 64 regions of autocorrelated
noise. The literal way makes each surrogate of each recording (inverse FFT, circular shift,
blocks put together) and correlates all its regions with the prediction at once. It is timed
on fewer surrogates than ours, in the same run. Before that, both must give the same null
distribution with the same random numbers. Memory is the peak of tracemalloc while ours runs
on all surrogates, measured separately from the time.

Run: python benchmarks/speed_of_null.py [--surrogates 10000] [--literal 40]
         [--recordings 29] [--volumes 567] [--regions 64]
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from functools import partial

import numpy as np
from scipy.signal import lfilter

from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.null import (
    block_permuted,
    circular_shifts,
    null_r,
    phase_randomised,
)

TR = 2.1
MAKE = {
    "phase": phase_randomised,
    "shift": circular_shifts,
    "block": partial(block_permuted, tr=TR),
}


def literal(method, true, pred, n_surrogates):
    """Null distribution of the mean over recordings, shape (n_surrogates, n_rois)."""
    null = np.zeros((n_surrogates, true.shape[2]))
    rngs = np.random.default_rng(0).spawn(len(true))
    for measured, predicted, rng in zip(true, pred, rngs, strict=True):
        for row in null:
            (surrogate,) = MAKE[method](measured, 1, random_state=rng)
            row += pearson_r(surrogate, predicted) / len(true)
    return null


def ours(method, true, pred, n_surrogates):
    n_recordings, n_volumes, n_regions = true.shape
    recordings = np.repeat(np.arange(n_recordings), n_volumes)
    flat = (series.reshape(-1, n_regions) for series in (true, pred))
    return null_r(*flat, recordings, method, n_surrogates, tr=TR).null


def seconds(function, *arguments):
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def highest(function, *arguments):
    tracemalloc.start()
    function(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--surrogates", type=int, default=10_000)
    parser.add_argument("--literal", type=int, default=40)
    parser.add_argument("--recordings", type=int, default=29)
    parser.add_argument("--volumes", type=int, default=567)
    parser.add_argument("--regions", type=int, default=64)
    arguments = parser.parse_args()
    shape = (2, arguments.recordings, arguments.volumes, arguments.regions)
    noise = np.random.default_rng(0).standard_normal(shape)
    true, pred = lfilter([1.0], [1.0, -0.9], noise, axis=2)
    print(f"{arguments.recordings} recordings of {arguments.volumes} volumes and ", end="")
    print(f"{arguments.regions} regions; literal on {arguments.literal} surrogates\n")
    columns = ("difference", "literal ms", "ours ms", "ratio", "s for all", "MB")
    print(f"{'':<8}" + "".join(f"{column:>12}" for column in columns))
    for method in MAKE:
        few = literal(method, true, pred, arguments.literal)
        difference = np.abs(few - ours(method, true, pred, arguments.literal)).max()
        if difference > 1e-5:
            raise SystemExit(f"{method}: the two differ by {difference:.1e}")
        of_all = seconds(ours, method, true, pred, arguments.surrogates)
        each = seconds(literal, method, true, pred, arguments.literal) / arguments.literal
        mine = of_all / arguments.surrogates
        memory = highest(ours, method, true, pred, arguments.surrogates)
        print(f"{method:<8}{difference:12.0e}{1e3 * each:12.2f}{1e3 * mine:12.4f}", end="")
        print(f"{each / mine:12.0f}{of_all:12.2f}{memory:12.0f}", flush=True)


if __name__ == "__main__":
    main()
