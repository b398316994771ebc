"""Coverage of predicted intervals, and what models find where there is nothing.

Data are those of all_models.py: BOLD simulated from real EEG by a known coupling, plus
real BOLD of other people as noise. Two questions, both on people that the models were not
fitted on, in folds of whole people:

- Does the 90 % interval of BandPowerGP (mean +- 1.645 standard deviations) cover 90 % of
  the volumes? Printed over all volumes and regions, and for the least and the most covered
  person and region.
- With a coupling of zero (BOLD is the noise alone) every R must be at chance. The mean over
  people of each person's R, which is the mean over regions, is printed with its standard
  error between people; t is their ratio, |t| > 2.4 would be unusual (p < .05) for eight.

No subject's EEG and fMRI were recorded together.

Run: python benchmarks/calibration.py --eeg FOLDER --noise TABLE ... [--folds 4]
         [--models BandPowerGP,RidgeFingerprint] [--epochs 3] [--threads 1]
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from statistics import NormalDist

HERE = Path(__file__).resolve().parent
SHARES = (0.5, 0.8, 0.9, 0.95)


def folds_of(windows, n_folds):
    """Rows of each fold, and targets in units of the training part's deviation."""
    from sklearn.model_selection import GroupKFold
    from sklearn.preprocessing import StandardScaler

    for train, test in GroupKFold(n_folds).split(windows.X, windows.y, windows.groups):
        scaler = StandardScaler().fit(windows.y[train])
        yield (
            train,
            test,
            *(
                scaler.transform(windows.y[part]).astype("float32")
                for part in (train, test)
            ),
        )


def print_coverage(windows, n_folds: int) -> None:
    import numpy as np

    from braindecode_bolt.linear import BandPowerGP

    distance = np.empty_like(windows.y, dtype=float)
    for train, test, of_train, of_test in folds_of(windows, n_folds):
        model = BandPowerGP().fit(windows.X[train], of_train)
        mean, std = model.predict(windows.X[test], return_std=True)
        distance[test] = np.abs(of_test - mean) / std
    people = np.asarray(windows.groups)
    print(f"{'interval':>9} {'covered':>8} {'people':>14} {'regions':>14}")
    for share in SHARES:
        inside = distance < NormalDist().inv_cdf(0.5 + share / 2)
        of_people = [inside[people == person].mean() for person in np.unique(people)]
        of_regions = inside.mean(axis=0)
        ranges = (
            f"{100 * min(each):5.1f} to {100 * max(each):4.1f}"
            for each in (of_people, of_regions)
        )
        print(f"{100 * share:7.0f} % {100 * inside.mean():6.1f} %", *ranges, flush=True)


def print_chance(windows, n_folds: int, models: list[str], epochs: int) -> None:
    import numpy as np

    from braindecode_bolt.linear import LINEAR
    from braindecode_bolt.metrics import pearson_r
    from braindecode_bolt.training import make_estimator

    print(f"{'':18} {'R':>7} {'s.e.':>6} {'t':>6} {'least':>7} {'most':>6}")
    recordings = windows.metadata["recording"].to_numpy()
    for name in models:
        network = {"verbose": 0, "random_state": 0, "max_epochs": epochs, "lr": 1e-3}
        r = []
        for train, test, of_train, _ in folds_of(windows, n_folds):
            model = make_estimator(name, "small", **({} if name in LINEAR else network))
            predicted = model.fit(windows.X[train], of_train).predict(windows.X[test])
            for recording in np.unique(recordings[test]):
                rows = recordings[test] == recording
                with warnings.catch_warnings():
                    # A region whose prediction is constant counts as an R of zero: the
                    # model has found that there is nothing.
                    warnings.simplefilter("ignore", UserWarning)
                    found = pearson_r(windows.y[test][rows], predicted[rows])
                r.append(np.nan_to_num(found).mean())
        error = np.std(r, ddof=1) / np.sqrt(len(r))
        t = np.mean(r) / error if error else 0.0
        ends = f"{min(r):7.3f} {max(r):6.3f}"
        print(f"{name:18} {np.mean(r):7.3f} {error:6.3f} {t:6.2f} {ends}", flush=True)


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    import torch
    from all_models import make_windows

    from braindecode_bolt.training import estimator_names

    names = [name for name in estimator_names() if name != "MeanBOLD"]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--eeg", type=Path, required=True)
    parser.add_argument("--noise", type=Path, nargs="+", required=True)
    parser.add_argument("--models", default=",".join(names))
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    windows = make_windows(arguments.eeg, arguments.noise, 0.7)
    print(f"Coverage of BandPowerGP on people not seen, {windows}")
    print_coverage(windows, arguments.folds)
    windows = make_windows(arguments.eeg, arguments.noise, 0.0)
    print("\nR where BOLD has nothing to do with the EEG")
    models = [name for name in arguments.models.split(",") if name]
    print_chance(windows, arguments.folds, models, arguments.epochs)


if __name__ == "__main__":
    main()
