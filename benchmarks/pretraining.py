"""Pre-trained encoders against networks trained from scratch, for the same seconds.

The data are those of ``all_models.py``: simulated BOLD of real EEG, noise from other
people, folds of whole people. Rows: ridge; the small NeuroBOLT that comes with the package
(its encoder was pre-trained on a person of other data) and a closed-form head; pre-trained
on the EEG of the training part of each fold, then a closed-form head, or fine-tuned; and
trained from scratch. The last three have `--seconds` of training each; fine-tuning has half
of them.

No subject's EEG and fMRI were recorded together.

Run: python benchmarks/pretraining.py --eeg FOLDER [--noise TABLE ...] [--seconds 60]
         [--seeds 0,1] [--folds 4] [--threads 1]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def seconds_of_epoch(windows: Any, rows: Any, targets: Any, network: dict) -> float:
    from braindecode_bolt.training import make_estimator

    begin = time.perf_counter()
    make_estimator("NeuroBOLT", "small", **{**network, "max_epochs": 1}).fit(
        windows.X[rows], targets
    )
    return time.perf_counter() - begin


def rows_of_table(seconds: float, seed: int) -> dict[str, Callable]:
    """Models by name, made from the seconds of an epoch."""
    from braindecode_bolt.training import PretrainedRegressor, make_estimator

    network = {"verbose": 0, "random_state": seed, "lr": 1e-3}
    scratch = {**network, "module__pretrained": None}

    def epochs(share: float, epoch: float) -> dict[str, int]:
        return {"max_epochs": max(1, round(share * seconds / epoch))}

    def pretrained(head: str, share: float, epoch: float) -> PretrainedRegressor:
        regressor = make_estimator(
            "NeuroBOLT",
            "small",
            head=head,
            **scratch,
            **epochs(1 - share, epoch),
            module__embedding_std=0.02,
        )
        limit = share * seconds
        return PretrainedRegressor(
            regressor, n_steps=100_000, max_seconds=limit, random_state=seed
        )

    return {
        "RidgeFingerprint": lambda epoch: make_estimator("RidgeFingerprint"),
        "encoder of the package": lambda epoch: make_estimator(
            "NeuroBOLT", "small", **network
        ),
        "pre-trained, closed form": lambda epoch: pretrained("closed_form", 1.0, epoch),
        "pre-trained, fine-tuned": lambda epoch: pretrained("linear", 0.5, epoch),
        "from scratch": lambda epoch: make_estimator(
            "NeuroBOLT", "small", **scratch, **epochs(1.0, epoch)
        ),
    }


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    import numpy as np
    import torch
    from all_models import make_windows
    from sklearn.model_selection import GroupKFold
    from sklearn.preprocessing import StandardScaler

    from braindecode_bolt.metrics import pearson_r

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--eeg", type=Path, required=True)
    parser.add_argument("--noise", type=Path, nargs="+", default=[])
    parser.add_argument("--snr", type=float, default=0.7)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    windows = make_windows(arguments.eeg, arguments.noise, arguments.snr)
    recordings = windows.metadata["recording"].to_numpy()
    print(f"{windows}, {arguments.seconds:g} s of training")
    print(f"{'':28}{'seed':>5} {'R':>6} {'s/fit':>7}", flush=True)
    for seed in map(int, arguments.seeds.split(",")):
        for name, make in rows_of_table(arguments.seconds, seed).items():
            r, spent, epoch = [], 0.0, 1.0
            folds = GroupKFold(arguments.folds).split(windows.X, windows.y, windows.groups)
            for number, (train, test) in enumerate(folds):
                targets = StandardScaler().fit_transform(windows.y[train])
                targets = targets.astype(np.float32)
                if number == 0 and name in ("pre-trained, fine-tuned", "from scratch"):
                    network = {"verbose": 0, "module__pretrained": None}
                    epoch = seconds_of_epoch(windows, train, targets, network)
                begin = time.perf_counter()
                predicted = make(epoch).fit(windows.X[train], targets)
                spent += time.perf_counter() - begin
                predicted = predicted.predict(windows.X[test])
                for recording in np.unique(recordings[test]):
                    rows = recordings[test] == recording
                    r.append(pearson_r(windows.y[test][rows], predicted[rows]))
            per_fit = spent / arguments.folds
            print(f"{name:28}{seed:5} {np.mean(r):6.3f} {per_fit:7.1f}", flush=True)


if __name__ == "__main__":
    main()
