"""How much data each model needs: R on subjects not seen, by the number trained on.

Models are fitted to the first 1, 2, 4, ... subjects and predict others, always the same
ones. R is the mean over test recordings and regions, and over draws of the simulation. The
first two panels are simulated throughout: EEG and BOLD that follows its band power, or
several things at once (``mixture``). With --eeg there is a third one: real EEG, simulated
BOLD that follows its band power and, with --noise, real BOLD of other subjects as noise.
There, the subjects are split into as many folds as there are pairs of them, and training
subjects are drawn from the rest.

"NeuroBOLT, pre-trained" is the small one of make_estimator: its encoder comes with the
package, pre-trained on EEG without fMRI, and only its closed-form head is fitted.
"NeuroBOLT, from scratch" is the same network, trained by gradient with a linear head for
--epochs.

No subject's EEG and fMRI were recorded together.

Run: python benchmarks/learning_curve.py [--subjects 1,2,4,8,16] [--minutes 5] [--draws 2]
         [--tested 6] [--eeg FOLDER [--noise TABLE ...]] [--epochs 10] [--threads 1]
         [--figure FILE.png]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.preprocessing import StandardScaler

from braindecode_bolt import make_estimator
from braindecode_bolt.datasets import SemiSimulatedEEGfMRI, SimulatedEEGfMRI
from braindecode_bolt.evaluation import Study
from braindecode_bolt.metrics import noise_ceiling, pearson_r

REAL = "real EEG, band power"


def models(n_epochs: int) -> dict[str, Any]:
    network = {"verbose": 0, "random_state": 0}
    scratch = {"module__pretrained": None, "layer_decay": 1.0, "lr": 1e-3}
    return {
        "BandPowerGP": make_estimator("BandPowerGP"),
        "RidgeFingerprint": make_estimator("RidgeFingerprint"),
        "AlphaHRF": make_estimator("AlphaHRF"),
        "NeuroBOLT, pre-trained": make_estimator("NeuroBOLT", "small", **network),
        "NeuroBOLT, from scratch": make_estimator(
            "NeuroBOLT", "small", max_epochs=n_epochs, **scratch, **network
        ),
    }


def simulated(
    coupling: str, arguments: argparse.Namespace
) -> Iterator[tuple[Any, list[str], list[str], float]]:
    """Give windows, subjects to train on in order, those to test on, minutes of each."""
    most = max(arguments.subjects)
    for draw in range(arguments.draws):
        recordings = SimulatedEEGfMRI(
            most + arguments.tested,
            duration=60 * arguments.minutes,
            coupling=coupling,
            random_state=draw,
        ).load()
        windows = Study.of(recordings).windows
        names = list(dict.fromkeys(windows.groups))
        yield windows, names[:most], names[most:], arguments.minutes


def real(
    arguments: argparse.Namespace,
) -> Iterator[tuple[Any, list[str], list[str], float]]:
    dataset = SemiSimulatedEEGfMRI(arguments.eeg)
    noise = arguments.noise and arguments.noise[: len(dataset.files())]
    recordings = SemiSimulatedEEGfMRI(arguments.eeg, noise=noise).load()
    windows = Study.of(recordings).windows
    minutes = float(np.mean([recording.raw.times[-1] for recording in recordings])) / 60
    names = list(dict.fromkeys(windows.groups))
    for draw, begin in enumerate(range(0, len(names) - 1, 2)):
        tested = names[begin : begin + 2]
        rest = [name for name in names if name not in tested]
        yield windows, list(np.random.default_rng(draw).permutation(rest)), tested, minutes


def r_of(model: Any, windows: Any, train: list[str], test: list[str]) -> float:
    rows, tested = np.isin(windows.groups, train), np.isin(windows.groups, test)
    targets = StandardScaler().fit_transform(windows.y[rows]).astype(np.float32)
    predicted = model.fit(windows.X[rows], targets).predict(windows.X[tested])
    measured, recordings = windows.y[tested], windows.metadata["recording"][tested]
    found = [
        pearson_r(measured[recordings == one], predicted[recordings == one])
        for one in recordings.unique()
    ]
    # A constant prediction has no R; it predicts nothing.
    return float(np.mean(np.nan_to_num(found)))


def curves(panel: str, draws: Iterator, arguments: argparse.Namespace) -> pd.DataFrame:
    rows = []
    for draw, (windows, subjects, tested, minutes) in enumerate(draws):
        ceilings = noise_ceiling(windows)
        ceiling = ceilings["window_limited_noise_ceiling"].mean()
        for number in arguments.subjects:
            if number > len(subjects):
                continue
            for name, model in models(arguments.epochs).items():
                begin = time.process_time()
                r = r_of(model, windows, subjects[:number], tested)
                rows.append(
                    {
                        "panel": panel,
                        "draw": draw,
                        "subjects": number,
                        "minutes": number * minutes,
                        "model": name,
                        "r": r,
                        "cpu_seconds": time.process_time() - begin,
                        "ceiling": ceiling,
                    }
                )
    return pd.DataFrame(rows)


def draw_figure(table: pd.DataFrame, path: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    panels = list(table["panel"].unique())
    figure, axes = plt.subplots(
        1, len(panels), figsize=(3.6 * len(panels) + 0.4, 3.7), sharey=True, squeeze=False
    )
    colours = ["#222222", "#4477AA", "#BBBBBB", "#EE6677", "#CCBB44"]
    for axis, panel in zip(axes[0], panels, strict=True):
        of_panel = table[table["panel"] == panel]
        for colour, (name, rows) in zip(
            colours, of_panel.groupby("model", sort=False), strict=True
        ):
            means = rows.groupby("subjects")["r"].mean()
            style = "--" if "scratch" in name else "-"
            axis.plot(means.index, means, style, marker="o", color=colour, label=name)
        axis.axhline(of_panel["ceiling"].mean(), color="#228833", lw=1, ls=":")
        axis.annotate(
            "ceiling", (1, of_panel["ceiling"].mean()), (0, 3), color="#228833",
            textcoords="offset points", fontsize=8,
        )  # fmt: skip
        ticks = sorted(of_panel["subjects"].unique())
        minutes = of_panel.groupby("subjects")["minutes"].mean()
        axis.set_xscale("log", base=2)
        axis.set_xticks(ticks, [f"{n}\n{minutes[n]:.0f} min" for n in ticks])
        axis.minorticks_off()
        axis.axhline(0, color="#888888", lw=0.8)
        axis.set(title=panel, xlabel="subjects trained on")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("R, subjects not seen")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=3, loc="lower center", frameon=False, fontsize=9)
    figure.suptitle("Simulated BOLD: no subject's EEG and fMRI were recorded together")
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--subjects", default="1,2,4,8,16")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--tested", type=int, default=6)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--eeg", type=Path)
    parser.add_argument("--noise", type=Path, nargs="+", default=[])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    arguments.subjects = [int(number) for number in arguments.subjects.split(",")]
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")
    panels = {
        f"simulated EEG, {kind.replace('-', ' ')}": simulated(kind, arguments)
        for kind in ("band-power", "mixture")
    }
    if arguments.eeg is not None:
        panels[REAL] = real(arguments)
    tables = []
    for panel, draws in panels.items():
        table = curves(panel, draws, arguments)
        tables.append(table)
        print(f"{panel}: ceiling in the window {table['ceiling'].mean():.2f}")
        mean = table.pivot_table(index="model", columns="subjects", values="r", sort=False)
        lasted = table.pivot_table(
            index="model", columns="subjects", values="cpu_seconds", sort=False
        )
        mean["CPU s, most data"] = lasted.iloc[:, -1]
        print(mean.round(2).to_string(), flush=True)
    if arguments.figure is not None:
        draw_figure(pd.concat(tables, ignore_index=True), arguments.figure)


if __name__ == "__main__":
    main()
