"""Simultaneous EEG-fMRI: EEG band power and a classifier's output from BOLD.

Data: 12 subjects of OpenNeuro ds003574 (Sterpenich et al. 2021, Nature Communications;
CC0), awake and asleep in the scanner, repetition time 2.1 s. For each volume the table has
EEG power in six bands (one value for the whole head), the sleep stage, and the output of a
classifier of the BOLD volume: probabilities of five mental states. The target is one of
these probabilities, as a logit. **It is not the BOLD of a brain region.** It saturates at
0 and 1, and depends strongly on sleep.

One subject is left out at a time; only features are used of the test subject. Models of
EEG power are compared with predictors that do not use it: the time in the scan (drift that
all subjects share), and the sleep stage (which experts scored from the EEG). Each R is
tested against circular shifts of the measured series of each subject. R is given for the
unchanged series, and after drifts slower than 126 s were removed from both measurement and
prediction.

Run: python benchmarks/real_pair.py --data FOLDER [--target rest] [--lags 8] [--no-shifts]
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
TR, BANDS = 2.1, ["slow_wave", "delta", "theta", "alpha", "sigma", "beta"]
FREQUENCIES = {
    "slow_wave": (0.5, 1.0),
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 12.0),
    "sigma": (12.0, 16.0),
    "beta": (16.0, 30.0),
}
STAGES = ["stage_1", "stage_2", "stage_3"]
DRIFTS = ["minutes", "minutes^2", "minutes^3"]
CUT_OFF = 126.0


def read_tables(folder: Path, target: str):
    import numpy as np
    import pandas as pd

    tables = []
    for file in sorted(folder.glob("*.tsv.gz")):
        table = pd.read_csv(file, sep="\t")
        subject = file.name.split("_")[0].removeprefix("sub-")
        p = table[target].clip(1e-4, 1 - 1e-4)
        minutes = table["volume"] * TR / 60 / 60
        more = {f"stage_{k}": (table["sleep_stage"] == k).astype(float) for k in (1, 2, 3)}
        more |= {name: minutes**k for k, name in enumerate(DRIFTS, start=1)}
        more |= {f"logit {target}": np.log(p / (1 - p))}
        tables.append(table.assign(subject=subject, task="rest", **more))
    if not tables:
        raise SystemExit(f"There are no tables (*.tsv.gz) in {folder}.")
    return tables


def without_drift(series, recordings):
    """Remove slow cosines from each recording."""
    import numpy as np
    from nilearn.signal import clean

    cleaned = np.empty_like(series)
    for recording in np.unique(recordings):
        rows = recordings == recording
        cleaned[rows] = clean(
            series[rows],
            filter="cosine",
            t_r=TR,
            high_pass=1 / CUT_OFF,
            detrend=False,
            standardize=None,
        )
    return cleaned


def main() -> None:
    sys.path.insert(0, str(HERE.parent))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--target", default="rest")
    parser.add_argument("--lags", type=int, default=8)
    parser.add_argument("--no-shifts", action="store_true")
    arguments = parser.parse_args()
    import numpy as np

    from braindecode_bolt.evaluation import evaluate
    from braindecode_bolt.linear import BandPowerGP, LaggedBandPower, MeanBOLD
    from braindecode_bolt.metrics import pearson_r
    from braindecode_bolt.null import null_r
    from braindecode_bolt.splits import LeaveOneOut
    from braindecode_bolt.windows import create_feature_windows

    tables = read_tables(arguments.data, arguments.target)
    target = f"logit {arguments.target}"

    def windows_of(features):
        return create_feature_windows(
            tables, target, features, tr=TR, n_lags=arguments.lags, bands=FREQUENCIES
        )

    gp, ridge = BandPowerGP(), LaggedBandPower(standardise="recording")
    raw, simple = BandPowerGP(standardise=None), LaggedBandPower()
    plan = {
        "mean baseline": (BANDS, MeanBOLD()),
        "drift (time in the scan)": (DRIFTS, LaggedBandPower(n_lags=1)),
        "sleep stage alone": (STAGES, simple),
        "EEG, ridge": (BANDS, ridge),
        "EEG, BandPowerGP": (BANDS, gp),
        "EEG, BandPowerGP, unstandardised": (BANDS, raw),
        "EEG and sleep stage, ridge": (BANDS + STAGES, simple),
        "EEG, BandPowerGP (wrong subject)": (BANDS, gp),
    }
    print(
        f"Target: {target}, a classifier's output for each BOLD volume, not the BOLD of a "
        "region.\nSterpenich et al. 2021 (OpenNeuro ds003574, CC0), leave-one-subject-out, "
        f"{arguments.lags} lags of {TR} s.\n"
    )
    print(
        f"{'':34}{'R':>6} {'p':>7} {'n < .05':>7}   {'R, no drift':>11} {'p':>7} "
        f"{'n < .05':>7} {'MSE':>6} {'90 % covers':>12}"
    )
    for name, (features, model) in plan.items():
        windows = windows_of(features)
        controls = ("wrong_subject",) if "wrong" in name else ()
        found = evaluate(
            {"model": model},
            windows,
            LeaveOneOut("subject"),
            controls=controls,
            on_error="raise",
            progress=False,
        )
        table = found.predictions
        table = table[table["pipeline"].str.contains("wrong") == bool(controls)]
        recordings = table["subject"].to_numpy()
        measured, predicted = (
            table[[f"{column}:{target}"]].to_numpy(float)
            for column in ("measured", "predicted")
        )
        line = f"{name:34}"
        scale = np.mean([measured[recordings == r].var() for r in np.unique(recordings)])
        for series in (
            (measured, predicted),
            tuple(without_drift(each, recordings) for each in (measured, predicted)),
        ):
            line += _scored(*series, recordings, arguments.no_shifts, null_r, pearson_r)
        mse = np.mean((measured - predicted) ** 2) / scale
        line += f" {mse:6.2f}"
        if isinstance(model, BandPowerGP) and not controls:
            line += f" {100 * _coverage(windows, model):11.0f}%"
        print(line, flush=True)
    print(
        "\nR: mean over subjects. p: compared with circular shifts of the measured series "
        "of each subject;\nshifts assume that the series is stationary, unlike sleep. "
        "n < .05: subjects with p < .05.\nMSE: in variances within subjects; subjects "
        "differ in their means, which no model here predicts."
    )


def _scored(measured, predicted, recordings, no_shifts, null_r, pearson_r) -> str:
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        r = [
            pearson_r(measured[recordings == each], predicted[recordings == each])[0]
            for each in np.unique(recordings)
        ]
        if not np.isfinite(r).any():
            return f"{'none':>6} {'':7} {'':7}   "
        if no_shifts:
            return f"{np.nanmean(r):6.2f} {'':7} {'':7}   "
        null = null_r(
            measured, predicted, recordings, method="shift", tr=TR, n_surrogates=5000
        )
    n_better = int((null.p_per_recording < 0.05).sum())
    return f"{np.nanmean(r):6.2f} {null.p_mean:7.4f} {n_better:3} / {len(r):<2}  "


def _coverage(windows, model) -> float:
    """Share of measured values of test subjects within the 90 % intervals."""
    import numpy as np
    from sklearn.base import clone

    inside = []
    for subject in np.unique(windows.groups):
        test = windows.groups == subject
        fitted = clone(model).fit(windows.X[~test], windows.y[~test])
        mean, std = fitted.predict(windows.X[test], return_std=True)
        inside.append(np.mean(np.abs(windows.y[test] - mean) < 1.645 * std))
    return float(np.mean(inside))


if __name__ == "__main__":
    main()
