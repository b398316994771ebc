"""Heads behind a pre-trained encoder: closed form, evidence and ordinary training.

Data and folds are those of all_models.py: BOLD simulated from real EEG by a known
coupling, plus real BOLD of other people as noise. In each fold the encoder is pre-trained
on the EEG of the training part alone (pretrain_band_power, no BOLD, no person of the test
part). Then BOLD is read out of it in several ways. R is the mean over recordings and
regions of people that nothing was trained on. Seconds are CPU seconds of all threads,
those of the pre-training included. "frozen" and "evidence" are the heads "closed_form" and
"evidence" of EEGRegressor, "tuned" trains all weights on with the last layer, "scratch"
trains all weights from random ones, and "untrained" is "frozen" without pre-training.

No subject's EEG and fMRI were recorded together.

Run: python benchmarks/closed_form_head.py --eeg FOLDER --noise TABLE ... [--steps 600]
         [--ways frozen,evidence,tuned,scratch] [--folds 4] [--only 1,2] [--seed 0]
         [--set module__embed_dim=64]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
WIDTH = {"embed_dim": 64, "num_heads": 4, "mix_windows": False}


def pretrained(name, windows, arguments, network):
    """Pre-train the encoder on the EEG of these windows."""
    from braindecode_bolt.training import make_estimator, pretrain_band_power

    settings = make_estimator(name, "small", **network).get_params(deep=False)
    settings = {k[8:]: v for k, v in settings.items() if k.startswith("module__")}
    found = pretrain_band_power(
        name,
        windows,
        model_arguments={"n_outputs": arguments.n_outputs, **settings},
        n_steps=arguments.steps,
        random_state=arguments.seed,
        progress=False,
    )
    return found.model


def regressors(model, name, network, seed):
    """List the regressors that are compared, by name."""
    from braindecode_bolt import EEGRegressor
    from braindecode_bolt.training import ClosedFormHead, make_estimator

    common = {"verbose": 0, "random_state": seed}
    learning = {"max_epochs": 6, "lr": 3e-4, "layer_decay": 1.0}
    few = {"lr": 1e-3, "max_epochs": 8}
    return {
        "frozen": EEGRegressor(model, head="closed_form", **common),
        "frozen, 8": EEGRegressor(model, head=ClosedFormHead(8), **common),
        "evidence": EEGRegressor(model, head="evidence", **learning, **common),
        "tuned": EEGRegressor(model, **few, **common),
        "untrained": make_estimator(name, "small", head="closed_form", **network, **common),
        # Ten epochs take about as long as pre-training and a head in closed form.
        "scratch": make_estimator(
            name, "small", **network, **few | {"max_epochs": 10}, **common
        ),
    }


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    import numpy as np
    import torch
    from all_models import make_windows
    from sklearn.model_selection import GroupKFold
    from sklearn.preprocessing import StandardScaler

    from braindecode_bolt.linear import BandPowerGP, RidgeFingerprint
    from braindecode_bolt.metrics import noise_ceiling, pearson_r

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--eeg", type=Path, required=True)
    parser.add_argument("--noise", type=Path, nargs="+", required=True)
    parser.add_argument("--model", default="NeuroBOLT")
    parser.add_argument("--steps", type=int, default=600, help="of the pre-training")
    parser.add_argument("--ways", default="frozen,evidence,tuned,scratch")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--only", help="numbers of folds, from 1 on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = {f"module__{name}": value for name, value in WIDTH.items()}
    given = (item.split("=") for item in arguments.set)
    network |= {name: json.loads(value) for name, value in given}
    windows = make_windows(arguments.eeg, arguments.noise, 0.7)
    arguments.n_outputs = windows.y.shape[1]
    ceiling = noise_ceiling(windows)["window_limited_noise_ceiling"].mean()
    print(f"{windows}, {network}\nceiling {ceiling:.3f}", flush=True)
    recordings = windows.metadata["recording"].to_numpy()
    folds = list(GroupKFold(arguments.folds).split(windows.X, windows.y, windows.groups))
    chosen = range(1, arguments.folds + 1)
    if arguments.only:
        chosen = [int(number) for number in arguments.only.split(",")]
    r, seconds = {}, {}
    for number in chosen:
        train, test = folds[number - 1]
        targets = StandardScaler().fit_transform(windows.y[train]).astype(np.float32)
        begin = time.process_time()
        model = pretrained(arguments.model, windows.X[train], arguments, network)
        before = time.process_time() - begin
        ways = regressors(model, arguments.model, network, arguments.seed)
        ways = {way: ways[way] for way in arguments.ways.split(",") if way in ways}
        ways |= {"RidgeFingerprint": RidgeFingerprint(), "BandPowerGP": BandPowerGP()}
        for way, regressor in ways.items():
            begin = time.process_time()
            regressor.fit(windows.X[train], targets)
            spent = time.process_time() - begin
            predicted = regressor.predict(windows.X[test])
            found = [
                pearson_r(windows.y[test][of], predicted[of]).mean()
                for of in (recordings[test] == label for label in set(recordings[test]))
            ]
            r.setdefault(way, []).extend(found)
            begun = before if way in ("frozen", "frozen, 8", "evidence", "tuned") else 0.0
            seconds.setdefault(way, []).append(begun + spent)
            print(f"fold {number} {way:18} R {np.mean(found):.3f}", flush=True)
    print(f"\n{'':18} {'R':>6} {'CPU s/fit':>10}")
    for way in r:
        print(f"{way:18} {np.mean(r[way]):6.3f} {np.mean(seconds[way]):10.0f}")


if __name__ == "__main__":
    main()
