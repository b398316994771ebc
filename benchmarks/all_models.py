"""Every model on the same data: parameters, time, memory, and R per region.

BOLD is simulated from real EEG by a known coupling (band power through a haemodynamic
response), and real BOLD of other subjects is added as noise. The noise ceiling of R is
known, and is printed together with R on subjects that the models were not trained on.
Models run one after the other, each in its own process. Memory is the highest anonymous
memory (RssAnon) during fit and prediction, minus that of the process after imports and
with the windows loaded.

No subject's EEG and fMRI were recorded together.

Run: python benchmarks/all_models.py --eeg FOLDER [--noise TABLE ...]
         [--models NeuroBOLT,LaggedBandPower] [--size small] [--epochs 20]
         [--lr 0.001] [--folds 4] [--threads 2] [--set module__embedding_std=0.02]
         [--coupling-kind bursts | --kinds all]

--coupling-kind simulates another coupling. --kinds compares several: one table of R, a
model per row and a coupling per column. The coupling "perturbed" has noise of its own, so
that --noise is not used there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHILD = "import sys; from all_models import measure; measure(*sys.argv[1:])"


def make_windows(eeg: Path, noise: list[Path], snr: float, coupling: str = "band-power"):
    from braindecode_bolt.datasets import SemiSimulatedEEGfMRI
    from braindecode_bolt.evaluation import Study

    # Another simulator is to have other noise, too.
    noise = None if coupling == "perturbed" else noise or None
    # One table for each person; there may be more.
    noise = noise and noise[: len(SemiSimulatedEEGfMRI(eeg).files())]
    dataset = SemiSimulatedEEGfMRI(eeg, snr=snr, noise=noise, coupling=coupling)
    return Study.of(dataset.load()).windows


def measure(folder: str, name: str, settings: str) -> None:
    """Fit and predict fold by fold; runs in its own process."""
    import joblib
    import numpy as np
    import torch
    from memory_of_windows import Peak
    from sklearn.model_selection import GroupKFold
    from sklearn.preprocessing import StandardScaler

    from braindecode_bolt.metrics import noise_ceiling, pearson_r
    from braindecode_bolt.models import NETWORKS
    from braindecode_bolt.training import make_estimator

    options = json.loads(settings)
    torch.set_num_threads(options["threads"])
    windows = joblib.load(Path(folder) / "windows.joblib")
    _ = [window.sum() for window in windows.X[:100]]
    peak = Peak()
    network = {"verbose": 0, "random_state": 0}
    network |= {key: options[key] for key in ("max_epochs", "lr") if options[key]}
    network |= options["set"]
    r, fit_seconds, predict_seconds, n_epochs = [], 0.0, 0.0, 0
    recordings = windows.metadata["recording"].to_numpy()
    folds = GroupKFold(options["folds"]).split(windows.X, windows.y, windows.groups)
    for train, test in folds:
        model = make_estimator(
            name, options["size"], **(network if name in NETWORKS else {})
        )
        targets = StandardScaler().fit_transform(windows.y[train]).astype(np.float32)
        begin = time.perf_counter()
        model.fit(windows.X[train], targets)
        fit_seconds += time.perf_counter() - begin
        n_epochs += getattr(model, "max_epochs", 1)
        begin = time.perf_counter()
        predicted = model.predict(windows.X[test])
        predict_seconds += time.perf_counter() - begin
        for recording in np.unique(recordings[test]):
            rows = recordings[test] == recording
            with warnings.catch_warnings():
                # Regions whose prediction is constant are counted below.
                warnings.simplefilter("ignore", UserWarning)
                r.append(pearson_r(windows.y[test][rows], predicted[rows]))
    module = getattr(model, "module_", None)
    if module is not None:
        n_parameters = sum(p.numel() for p in module.parameters())
    else:
        n_parameters = getattr(model, "coef_", np.zeros(windows.y.shape[1])).size
    ceilings = noise_ceiling(windows).groupby("region", sort=False).mean(numeric_only=True)
    ceiling = ceilings["window_limited_noise_ceiling"]
    print(
        json.dumps(
            {
                "parameters": int(n_parameters),
                "epoch": fit_seconds / n_epochs,
                "fit": fit_seconds / options["folds"],
                "predict": 1e3 * predict_seconds / len(windows),
                "memory": peak.take(),
                "r": np.nanmean(r, axis=0).tolist() if np.isfinite(r).any() else None,
                "undefined": int(np.isnan(r).sum()),
                "regions": windows.roi_names,
                "ceiling": ceiling[windows.roi_names].tolist(),
                "full_ceiling": float(ceilings["noise_ceiling"].mean()),
            }
        )
    )


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    from braindecode_bolt.training import estimator_names

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--eeg", type=Path, required=True)
    parser.add_argument("--noise", type=Path, nargs="+", default=[])
    parser.add_argument("--models", default=",".join(estimator_names()))
    parser.add_argument("--size", default="small", choices=("small", "published"))
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--snr", type=float, default=0.7)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=JSON",
        help="arguments of the networks",
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--coupling-kind", default="band-power", metavar="NAME")
    chosen.add_argument(
        "--kinds",
        metavar="NAMES",
        help="couplings separated by commas, or 'all', for a table of models x couplings",
    )
    arguments = parser.parse_args()
    settings = {
        "size": arguments.size,
        "max_epochs": arguments.epochs,
        "lr": arguments.lr,
        "folds": arguments.folds,
        "threads": arguments.threads,
        "set": {
            name: json.loads(value) for name, value in (s.split("=") for s in arguments.set)
        },
    }
    if arguments.kinds is None:
        for name, found in run_models(arguments, settings, arguments.coupling_kind):
            print_model(name, found)
    else:
        compare_couplings(arguments, settings)


def run_models(arguments: argparse.Namespace, settings: dict, coupling: str):
    """Give each model's name and what was measured, the ceiling first."""
    import joblib

    windows = make_windows(arguments.eeg, arguments.noise, arguments.snr, coupling)
    size = f"size {arguments.size}, {arguments.epochs} epochs"
    print(f"{coupling}: {windows}, {size}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(windows, Path(folder) / "windows.joblib")
        headed = False
        for name in arguments.models.split(","):
            command = [sys.executable, "-c", CHILD, folder, name, json.dumps(settings)]
            path = f"{HERE}:{HERE.parent}"
            child = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            )
            if child.returncode:
                print(f"{name}: {child.stderr.strip().splitlines()[-1]}", flush=True)
                continue
            found = json.loads(child.stdout.splitlines()[-1])
            if not headed:
                yield None, found
                headed = True
            yield name, found


def print_model(name: str | None, found: dict) -> None:
    """Print the row of a model, or the head of the table."""
    import numpy as np

    if name is None:
        regions = "  ".join(f"{region[:8]:>8}" for region in found["regions"])
        print(
            f"{'':18}{'params':>10} {'s/epoch':>8} {'s/fit':>7} {'ms/win':>7} "
            f"{'MB':>6} {'R':>6}  {regions}"
        )
        ceiling = "  ".join(f"{value:8.2f}" for value in found["ceiling"])
        mean = np.mean(found["ceiling"])
        print(f"{'ceiling in window':18}{'':42} {mean:6.2f}  {ceiling}")
        return
    r = found["r"]
    of_regions = "  ".join(f"{value:8.2f}" for value in r) if r else "not defined"
    mean = f"{np.mean(r):6.2f}" if r else f"{'-':>6}"
    note = f"  ({found['undefined']} undefined)" if found["undefined"] else ""
    numbers = (
        f"{found['parameters']:10,} {found['epoch']:8.2f} {found['fit']:7.1f} "
        f"{found['predict']:7.1f} {found['memory']:6.0f}"
    )
    print(f"{name:18}{numbers} {mean}  {of_regions}{note}", flush=True)


def compare_couplings(arguments: argparse.Namespace, settings: dict) -> None:
    """Print a table of R, a model per row and a coupling per column."""
    import pandas as pd

    from braindecode_bolt.datasets import COUPLINGS

    kinds = list(COUPLINGS) if arguments.kinds == "all" else arguments.kinds.split(",")
    rows = ["ceiling", "ceiling in window", *arguments.models.split(",")]
    table = pd.DataFrame(index=rows, columns=kinds, dtype=float)
    for kind in kinds:
        for name, found in run_models(arguments, settings, kind):
            if name is None:
                table.loc["ceiling", kind] = found["full_ceiling"]
                table.loc["ceiling in window", kind] = sum(found["ceiling"]) / len(
                    found["ceiling"]
                )
            elif found["r"]:
                table.loc[name, kind] = sum(found["r"]) / len(found["r"])
    print(table.to_string(float_format="{:.2f}".format, na_rep="-"))


if __name__ == "__main__":
    main()
