"""Time and memory of BandPowerGP and of ridge regressions on a large data set.

EEG is noise on disk, BOLD follows its power: 29 recordings of 20 minutes at a repetition
time of 2.9 s make 12,000 volumes, of 26 electrodes and 64 regions. Each model is fitted
and predicts all windows once, in its own process. Memory is the highest anonymous memory
(RssAnon), minus that of the process after its imports. If other programs are running, CPU
seconds (of all threads) are more reliable than seconds.

RidgeFingerprint decomposes matrices of volumes x volumes six times, so it is compared on
a part of the recordings.

Run: python benchmarks/speed_of_gp.py [--volumes 12000] [--ridge-volumes 2000]
         [--channels 26] [--regions 64] [--threads 2]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHILD = "import sys; from speed_of_gp import measure; measure(*sys.argv[1:])"
SFREQ, SECONDS, WINDOW, MINUTES = 200.0, 2.9, 16.0, 20.0


def make_windows(folder: str, n_volumes: int, n_rois: int, n_channels: int):
    """Windows of recordings of 20 minutes, mapped from files, which are made if missing."""
    import mne
    import numpy as np
    import pandas as pd
    from scipy.ndimage import uniform_filter1d

    from braindecode_bolt.models import PUBLISHED_CHANNELS
    from braindecode_bolt.windows import LazyWindows

    names = list(PUBLISHED_CHANNELS)[:n_channels]
    first = round(WINDOW / SECONDS) + 1
    per_recording = round(MINUTES * 60 / SECONDS)
    signals, tables, bold = [], [], []
    n_recordings = -(-n_volumes // (per_recording - first))
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((n_channels, n_rois))
    for number in range(n_recordings):
        file = Path(folder) / f"{number}.npy"
        n_samples = round((per_recording + 1) * SECONDS * SFREQ)
        rng = np.random.default_rng(number + 1)
        if not file.exists():
            loud = np.exp(0.3 * rng.standard_normal((n_channels, n_samples // 400 + 2)))
            eeg = rng.standard_normal((n_channels, n_samples), dtype=np.float32)
            eeg *= 10 * np.repeat(loud, 400, axis=1)[:, :n_samples].astype(np.float32)
            np.save(file, eeg)
        signals.append(np.load(file, mmap_mode="r"))
        volumes = np.arange(first, per_recording)
        stop = np.round(volumes * SECONDS * SFREQ).astype(int)
        start = stop - round(WINDOW * SFREQ)
        power = np.log(
            [np.var(signals[-1][:, a : a + 2400], axis=1) for a in start.tolist()]
        )
        noise = uniform_filter1d(rng.standard_normal((len(volumes), n_rois)), 3, axis=0)
        bold.append(4 * (power - power.mean(axis=0)) @ mixing + 8 * noise)
        who = {"recording": number, "subject": f"{number:02}", "session": None, "run": None}
        when = {"volume": volumes, "start": start, "stop": stop}
        tables.append(pd.DataFrame({**who, **when}))
    info = mne.create_info(names, SFREQ, "eeg", verbose="error")
    X = LazyWindows(signals, pd.concat(tables, ignore_index=True), info)
    rows = np.arange(min(n_volumes, len(X)))
    return X[rows], np.concatenate(bold)[rows].astype(np.float32)


def measure(folder: str, name: str, settings: str) -> None:
    """Fit and predict; runs in its own process."""
    import torch
    from memory_of_windows import Peak
    from threadpoolctl import threadpool_limits

    from braindecode_bolt.metrics import pearson_r
    from braindecode_bolt.training import make_estimator

    options = json.loads(settings)
    torch.set_num_threads(options["threads"])
    threadpool_limits(options["threads"])
    sizes = (options["volumes"], options["regions"], options["channels"])
    X, y = make_windows(folder, *sizes)
    peak = Peak()
    model = make_estimator(name)
    begin, cpu = time.perf_counter(), time.process_time()
    model.fit(X, y)
    fitted, cpu = time.perf_counter(), time.process_time() - cpu
    predicted = model.predict(X)
    end = time.perf_counter()
    found = {
        "fit": fitted - begin,
        "cpu": cpu,
        "predict": end - fitted,
        "memory": peak.take(),
    }
    print(json.dumps({**found, "n": len(X), "r": float(pearson_r(y, predicted).mean())}))


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--volumes", type=int, default=12_000)
    parser.add_argument("--ridge-volumes", type=int, default=2_000)
    parser.add_argument("--channels", type=int, default=26)
    parser.add_argument("--regions", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    plan = [
        ("BandPowerGP", arguments.ridge_volumes),
        ("RidgeFingerprint", arguments.ridge_volumes),
        ("BandPowerGP", arguments.volumes),
        ("LaggedBandPower", arguments.volumes),
    ]
    print(
        f"{'':18}{'volumes':>8} {'fit s':>7} {'CPU s':>7} {'predict s':>10} {'MB':>6} "
        f"{'R (training)':>13} {'CPU / ridge':>12}"
    )
    with tempfile.TemporaryDirectory() as folder:
        make_windows(folder, arguments.volumes, arguments.regions, arguments.channels)
        for first, second in (plan[:2], plan[2:]):
            rows = []
            for name, volumes in (second, first):
                settings = json.dumps({**vars(arguments), "volumes": volumes})
                command = [sys.executable, "-c", CHILD, folder, name, settings]
                path = {"PYTHONPATH": f"{HERE}:{HERE.parent}"}
                child = subprocess.run(
                    command, capture_output=True, text=True, env={**os.environ, **path}
                )
                if child.returncode:
                    print(f"{name}: {child.stderr.strip().splitlines()[-1]}", flush=True)
                    continue
                rows.append((name, json.loads(child.stdout.splitlines()[-1])))
            for name, found in rows:
                print(
                    f"{name:18}{found['n']:8} {found['fit']:7.1f} {found['cpu']:7.1f} "
                    f"{found['predict']:10.1f} "
                    f"{found['memory']:6.0f} {found['r']:13.2f} "
                    f"{found['cpu'] / rows[0][1]['cpu']:12.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
