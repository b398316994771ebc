"""Make the figures of the user guide: python docs/make_figures.py [NAME ...].

They explain; none of them is a result. All data are simulated. The figure of learning
curves comes from benchmarks/learning_curve.py, and r_per_region.png from
braindecode-bolt evaluate.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from braindecode_bolt import (
    BOLDPredictor,
    create_bold_windows,
    make_estimator,
    prepare_bold,
)
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.null import null_r
from braindecode_bolt.plotting.responses import glover
from braindecode_bolt.splits import GapKFold, GapSplit, GroupSplit

FOLDER = Path(__file__).parent / "images"
BLUE, RED, GREEN, INK, PALE = "#4477aa", "#ee6677", "#228833", "#2e2e2e", "#d9d9d9"


def window() -> Figure:
    """The EEG window of a volume, and the haemodynamic response that it covers."""
    figure, axis = plt.subplots(figsize=(7, 2.9), layout="constrained")
    recording = SimulatedEEGfMRI(1, duration=60.0).load()[0]
    rate = recording.raw.info["sfreq"]
    volume = 20
    stop = recording.marker_samples()[volume]
    eeg = recording.raw.get_data(["O1"])[0, stop - int(22 * rate) : stop + int(4 * rate)]
    time = np.arange(len(eeg)) / rate - 22
    axis.axvspan(-16, 0, color=BLUE, alpha=0.12, lw=0)
    axis.plot(time, eeg / np.abs(eeg).max() * 0.8 + 2.2, color=INK, lw=0.5)
    lags = np.linspace(0, 22, 300)
    response = glover(lags) / glover(lags).max()
    axis.plot(-lags, response, color=RED)
    axis.fill_between(-lags, response, where=lags <= 16, color=RED, alpha=0.15)
    markers = (recording.marker_samples() - stop) / rate
    axis.plot(markers, np.full(len(markers), -0.55), "|", color=INK, ms=9)
    axis.plot(0, -0.55, "|", color=GREEN, ms=16, mew=3)
    axis.annotate("this volume", (0, -0.55), (0.4, -0.2), color=GREEN)
    axis.text(-21.8, 3.1, "EEG")
    axis.text(
        -21.8, 0.25, "how much the EEG\nof this moment counts", color=RED, va="bottom"
    )
    axis.text(-21.8, -0.45, "volume markers", va="bottom")
    axis.text(-15.8, 3.1, "window: 16 s", color=BLUE)
    axis.set(
        xlim=(-22, 4), ylim=(-0.9, 3.5), xlabel="time before the volume (s)", yticks=[]
    )
    axis.spines[["top", "right", "left"]].set_visible(False)
    return figure


def splits() -> Figure:
    """Training and test parts of three protocols, as the splitters give them."""
    recordings = SimulatedEEGfMRI(4, duration=600.0, ch_names=["Oz"], rois=["Thalamus"])
    windows = create_bold_windows(recordings.load())
    shown = {
        "subjects: fold 1 of 4": GroupSplit("subject", 4),
        "within: model of recording 1": GapSplit(),
        "within-folds: fold 2 of 3": GapKFold(3),
    }
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.4), layout="constrained", sharey=True)
    for axis, (title, splitter) in zip(axes, shown.items(), strict=True):
        folds = list(splitter.split(windows.X, windows.y, windows.groups))
        train, test = folds[1 if "fold 2" in title else 0]
        validation = splitter.validation_rows(windows.X, train, windows.groups)
        colour = np.full(len(windows.X), PALE, dtype=object)
        colour[train] = BLUE
        if validation is not None:
            colour[train[validation]] = "#66ccee"
        colour[test] = RED
        for row, subject in enumerate(np.unique(windows.groups)):
            of_it = windows.groups == subject
            at = windows.metadata["volume"].to_numpy()[of_it] * 2.1 / 60
            axis.bar(at, 0.7, 0.05, bottom=row - 0.35, color=colour[of_it])
        axis.set(title=title, xlabel="time (min)", yticks=range(4))
        axis.set_yticklabels([f"subject {n + 1}" for n in range(4)])
        axis.invert_yaxis()
        axis.spines[["top", "right"]].set_visible(False)
    names = {"training": BLUE, "validation": "#66ccee", "test": RED, "not used": PALE}
    handles = [Patch(color=c, label=name) for name, c in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return figure


def chance() -> Figure:
    """R of BOLD and unrelated series, by the number of volumes."""
    recording = prepare_bold(SimulatedEEGfMRI(1, duration=1300.0, snr=0.0).load()[0])
    other = prepare_bold(
        SimulatedEEGfMRI(1, duration=1300.0, snr=0.0, random_state=1).load()[0]
    )
    figure, axis = plt.subplots(figsize=(7, 2.9), layout="constrained")
    bins = np.linspace(-0.8, 0.8, 81)
    for n_volumes, colour in ((48, RED), (560, BLUE)):
        series = recording.bold["Thalamus"].to_numpy()[:n_volumes]
        predicted = other.bold["Thalamus"].to_numpy()[:n_volumes]
        found = null_r(series, predicted, n_surrogates=10_000)
        found_label = f"{n_volumes} volumes: 95 % within {found.band[0, 0]:.2f} to "
        found_label += f"{found.band[1, 0]:.2f}"
        axis.hist(found.null[:, 0], bins, density=True, color=colour, alpha=0.5,
                  label=found_label)  # fmt: skip
        limit = 1.96 / np.sqrt(n_volumes)
        for side in (-limit, limit):
            axis.axvline(side, color=colour, ls=":", lw=1.2)
    axis.plot([], [], ":", color=INK, label="the same if volumes were independent")
    axis.set(xlabel="R of a prediction and BOLD that have nothing in common", yticks=[])
    axis.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(frameon=False, fontsize=9, loc="outside upper center", ncols=2)
    return figure


def intervals() -> Figure:
    """Measured and predicted BOLD of a subject not seen, with 90 % intervals."""
    recordings = SimulatedEEGfMRI(n_subjects=9, duration=300.0).load()
    predictor = BOLDPredictor("BandPowerGP").fit(recordings[:8], cv=8, progress=False)
    new = recordings[8]
    times = new.marker_samples() / new.raw.info["sfreq"]
    mean, lower, upper = predictor.predict_interval(new.raw, times=times, progress=False)
    region = "Thalamus"
    measured = prepare_bold(new).bold[region].to_numpy()
    there = mean[region].notna().to_numpy()
    low, high = lower[region].to_numpy(), upper[region].to_numpy()
    inside = (measured >= low) & (measured <= high)
    figure, axis = plt.subplots(figsize=(7, 2.9), layout="constrained")
    share = inside[there].mean()
    axis.fill_between(times, low, high, color=BLUE, alpha=0.2, lw=0, label="90 % interval")
    axis.plot(times, mean[region], color=BLUE, label="predicted")
    axis.plot(times, measured, ".", color=INK, ms=4, label="measured")
    outside = there & ~inside
    axis.plot(times[outside], measured[outside], ".", color=RED, ms=6,
              label=f"outside ({1 - share:.0%} of the volumes)")  # fmt: skip
    axis.set(xlabel="time (s)", ylabel=f"BOLD of the {region.lower()}")
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return figure


def connectivity() -> Figure:
    """R of connectivity beside that of the rivals that ignore EEG."""
    recordings = SimulatedEEGfMRI(n_subjects=8, duration=300.0).load()
    models = ["BandPowerGP", "AlphaHRF"]
    found = evaluate(models, recordings, n_splits=4, progress=False)
    table = found.connectivity.groupby("pipeline", sort=False)
    figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
    scores = table[["connectivity_r", "group_connectivity_r"]].mean()
    per_region = found.scores.groupby("pipeline")["score"].mean()
    for row, name in enumerate(scores.index):
        axis.barh(row - 0.18, scores["connectivity_r"][name], 0.3, color=BLUE)
        axis.barh(row + 0.18, scores["group_connectivity_r"][name], 0.3, color=PALE)
        axis.text(0.01, row - 0.18, f"R of the series: {per_region[name]:.2f}",
                  color="white", va="center", fontsize=8)  # fmt: skip
    axis.set_yticks(range(len(scores)), scores.index)
    axis.invert_yaxis()
    axis.set(xlabel="R of connectivity, subjects not seen (simulated BOLD)")
    axis.spines[["top", "right"]].set_visible(False)
    handles = [
        Patch(color=BLUE, label="the model"),
        Patch(color=PALE, label="mean of the training subjects: no EEG at all"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
    return figure


def thalamus() -> Figure:
    """The prediction of the quick start."""
    simulated = SimulatedEEGfMRI(n_subjects=4, duration=300.0)
    windows = create_bold_windows(map(prepare_bold, simulated.load()))
    test = windows.groups == "04"
    model = make_estimator("BandPowerGP").fit(windows.X[~test], windows.y[~test])
    predicted = model.predict(windows.X[test])
    seconds = windows.metadata["start"].to_numpy()[test] / 200.0 + 16.0
    region = windows.roi_names.index("Thalamus")
    figure, axis = plt.subplots(figsize=(7, 2.5), layout="constrained")
    axis.plot(seconds, windows.y[test][:, region], color="0.6", label="measured")
    axis.plot(seconds, predicted[:, region], label="predicted")
    axis.set(xlabel="time (s)", ylabel="BOLD of the thalamus")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "window": window,
    "splits": splits,
    "chance": chance,
    "intervals": intervals,
    "connectivity": connectivity,
    "thalamus": thalamus,
}


def main() -> None:
    """Make the figures named, or all of them."""
    logging.disable(logging.INFO)
    plt.switch_backend("agg")
    for name in sys.argv[1:] or FIGURES:
        figure = FIGURES[name]()
        figure.savefig(FOLDER / f"{name}.png", dpi=130)
        plt.close(figure)


if __name__ == "__main__":
    main()
