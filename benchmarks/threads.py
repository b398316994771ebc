"""Time of a fit with one thread for small matrices, and with as many as there are cores.

The fit of each model on simulated recordings, alone and beside other programs (one that
counts, for each core). All four in one run, each several times; the median is printed.

Run: python benchmarks/threads.py [--repeats 3] [--minutes 5]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

MODELS = {
    "BandPowerGP": {},
    "LaggedBandPower": {},
    "RidgeFingerprint": {},
    "NeuroBOLT": {"size": "small"},
}
COUNTS = "n = 0\nwhile True: n += 1"


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import joblib

    from braindecode_bolt import _threads, create_bold_windows, make_estimator, prepare_bold
    from braindecode_bolt.datasets import SimulatedEEGfMRI

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=5.0)
    arguments = parser.parse_args()
    recordings = SimulatedEEGfMRI(6, duration=60 * arguments.minutes).load()
    windows = create_bold_windows(map(prepare_bold, recordings), window_seconds=16.0)
    n_cores, small = joblib.cpu_count(), _threads._SMALL
    print(f"{windows}, {n_cores} cores; seconds of a fit\n")
    print(f"{'model':18} {'machine':8} {'one thread':>10} {'all threads':>11} {'ratio':>6}")
    for busy in (False, True):
        command, n_others = [sys.executable, "-c", COUNTS], n_cores if busy else 0
        others = [subprocess.Popen(command) for _ in range(n_others)]
        try:
            for name, options in MODELS.items():
                seconds = {small: [], -1: []}
                # The first round warms up.
                for number in range(arguments.repeats + 1):
                    for limit, found in seconds.items():
                        _threads._SMALL = limit
                        begin = time.perf_counter()
                        make_estimator(name, **options).fit(windows.X, windows.y)
                        if number:
                            found.append(time.perf_counter() - begin)
                one, every = (statistics.median(found) for found in seconds.values())
                state = "busy" if busy else "idle"
                print(
                    f"{name:18} {state:8} {one:10.2f} {every:11.2f} {every / one:6.1f}",
                    flush=True,
                )
        finally:
            for other in others:
                other.kill()


if __name__ == "__main__":
    main()
