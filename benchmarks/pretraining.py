"""Pre-trained encoders against networks trained from scratch, for the same seconds.

The data are those of ``all_models.py``: simulated BOLD of real EEG, noise from other
people, folds of whole people. If there are more tables of noise than people, the rest is
not used. Rows, the networks all being the small NeuroBOLT:

RidgeFingerprint
    For comparison.
encoder of the package
    The encoder that comes with the package, pre-trained on a person of other data, and a
    closed-form head. It is not trained here.
untrained, closed form
    A closed-form head on an encoder with random weights: what the head alone can do.
pre-trained, closed form
    `--seconds` of pre-training on the EEG of the training part of the fold, then a
    closed-form head. The head takes some seconds more.
pre-trained, fine-tuned
    Half of `--seconds` of pre-training on the EEG of the training part of the fold, then
    half of fine-tuning of all weights with a linear head. The learning rate decreases
    towards the input, as is usual for pre-trained weights.
from scratch
    `--seconds` of training with a linear head, all layers at the same learning rate.

Training on BOLD lasts the number of whole epochs, at least one, that comes nearest to its
seconds, by the time of one epoch that is measured first. The columns tell how many epochs
these were, the seconds that a fit took in all, and its seconds of processor time: on a busy
machine, rows of the same seconds may have got different shares of the processor. R is the
mean over recordings and regions, for all folds and for each.

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
    untrained = {**network, "module__pretrained": None}

    def epochs(share: float, epoch: float) -> dict[str, int]:
        return {"max_epochs": max(1, round(share * seconds / epoch))}

    def pretrained(head: str, share: float, epoch: float) -> PretrainedRegressor:
        regressor = make_estimator(
            "NeuroBOLT",
            "small",
            head=head,
            **untrained,
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
        "untrained, closed form": lambda epoch: make_estimator(
            "NeuroBOLT", "small", head="closed_form", **untrained
        ),
        "pre-trained, closed form": lambda epoch: pretrained("closed_form", 1.0, epoch),
        "pre-trained, fine-tuned": lambda epoch: pretrained("linear", 0.5, epoch),
        "from scratch": lambda epoch: make_estimator(
            # A decay of the learning rate towards the input is for pre-trained weights.
            "NeuroBOLT",
            "small",
            layer_decay=1.0,
            **untrained,
            **epochs(1.0, epoch),
        ),
    }


def n_epochs(model: Any) -> int | None:
    """Give the epochs of training on BOLD, if there was any."""
    model = getattr(model, "estimator_", model)
    if getattr(model, "head", None) == "closed_form":
        return None
    return getattr(model, "max_epochs", None)


def r_of_folds(windows: Any, folds: list, make: Callable, epoch: float) -> tuple:
    """Fit and predict; give R by fold, seconds (clock, processor) and a fitted model."""
    import numpy as np
    from sklearn.preprocessing import StandardScaler

    from braindecode_bolt.metrics import pearson_r

    recordings = windows.metadata["recording"].to_numpy()
    r, spent = [], np.zeros(2)
    for train, test in folds:
        targets = StandardScaler().fit_transform(windows.y[train]).astype(np.float32)
        begin = np.array([time.perf_counter(), time.process_time()])
        model = make(epoch).fit(windows.X[train], targets)
        spent += np.array([time.perf_counter(), time.process_time()]) - begin
        predicted = model.predict(windows.X[test])
        of_recordings = []
        for recording in np.unique(recordings[test]):
            rows = recordings[test] == recording
            of_recordings.append(pearson_r(windows.y[test][rows], predicted[rows]))
        r.append(np.array(of_recordings))
    return r, spent, model


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    import numpy as np
    import torch
    from all_models import make_windows
    from sklearn.model_selection import GroupKFold
    from sklearn.preprocessing import StandardScaler

    from braindecode_bolt.metrics import noise_ceiling

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
    folds = GroupKFold(arguments.folds).split(windows.X, windows.y, windows.groups)
    folds = list(folds)
    ceiling = noise_ceiling(windows)["window_limited_noise_ceiling"].mean()
    print(f"{windows}, {arguments.seconds:g} s of training, ceiling {ceiling:.2f}")
    numbers = "  ".join(f"fold {number}" for number in range(len(folds)))
    print(
        f"{'':28}{'seed':>5} {'epochs':>6} {'s/fit':>7} {'cpu':>6} {'R':>6}  {numbers}",
        flush=True,
    )
    for seed in map(int, arguments.seeds.split(",")):
        for name, make in rows_of_table(arguments.seconds, seed).items():
            epoch = 1.0
            if name in ("pre-trained, fine-tuned", "from scratch"):
                train = folds[0][0]
                targets = StandardScaler().fit_transform(windows.y[train])
                network = {"verbose": 0, "module__pretrained": None}
                epoch = seconds_of_epoch(windows, train, targets.astype("float32"), network)
            r, spent, model = r_of_folds(windows, folds, make, epoch)
            of_folds = "  ".join(f"{np.mean(fold):6.3f}" for fold in r)
            print(
                f"{name:28}{seed:5} {n_epochs(model) or '-':>6} "
                f"{spent[0] / len(folds):7.1f} {spent[1] / len(folds):6.1f} "
                f"{np.mean(np.concatenate(r)):6.3f}  {of_folds}",
                flush=True,
            )


if __name__ == "__main__":
    main()
