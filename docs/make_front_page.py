"""Draw the logo and the four pictures of the front page: python docs/make_front_page.py.

The pictures follow one simulated data set from the recording to the report. Each is drawn
for light and for dark pages, alone (docs/index.rst) and in a row (README.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from braindecode_bolt import BOLDPredictor, Recording, prepare_bold
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import evaluate

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
CHANNELS = ["F3", "C3", "P3", "O1"]
REGION = "Thalamus"
TR = 2.1
WINDOW = 16.0
LIGHT = {
    "ink": "#2e2e2e",
    "soft": "#5d6672",
    "eeg": "#4477aa",
    "bold": "#d1495b",
    "pale": "#d9d9d9",
}
DARK = {
    "ink": "#e6e9ed",
    "soft": "#a9b2bd",
    "eeg": "#7fb2e5",
    "bold": "#ff8a95",
    "pale": "#4a525c",
}

LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
<title>braindecode-bolt</title>
<rect width="64" height="64" rx="14" fill="#1f4e79"/>
<path d="M38 4 L15 37 H29 L24 60 L49 26 H34 Z" fill="#ffc233"/>
</svg>
"""


def bare(axis: Axes) -> None:
    """Leave nothing of the frame."""
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def eeg_of(
    recording: Recording, start: float, stop: float
) -> tuple[np.ndarray, np.ndarray]:
    """Time and EEG (channels x samples, at most 1 high), thinned to 40 Hz."""
    rate = recording.raw.info["sfreq"]
    first, last = int(start * rate), int(stop * rate)
    data = recording.raw.get_data(CHANNELS)[:, first:last]
    step = max(1, int(rate / 40))
    return np.arange(first, last, step) / rate, data[:, ::step] / np.abs(data).max(
        axis=1, keepdims=True
    )


def recorded(axis: Axes, recording: Recording, colour: dict[str, str]) -> None:
    """EEG with volume markers, and the BOLD of two regions."""
    start, stop = 58.0, 78.0
    time, eeg = eeg_of(recording, start, stop)
    onsets = recording.marker_samples() / recording.raw.info["sfreq"]
    shown = (onsets >= start) & (onsets <= stop)
    for row, trace in enumerate(eeg[:4]):
        axis.plot(time, 0.55 * trace - row, color=colour["eeg"], lw=0.6)
    for onset in onsets[shown]:
        axis.axvline(onset, 0.0, 1.0, color=colour["pale"], lw=0.8, zorder=0)
    for row, region in enumerate(recording.bold.columns[:2]):
        series = recording.bold[region].to_numpy()
        height = (series - series.mean()) / (3 * series.std())
        axis.plot(
            onsets[shown],
            height[shown] - 5.1 - 1.3 * row,
            "o-",
            color=colour["bold"],
            ms=2.5,
            lw=1.2,
        )
    axis.set(xlim=(start - 3.6, stop), ylim=(-7.4, 0.9))
    axis.text(
        start - 0.5,
        -1.5,
        "EEG",
        color=colour["eeg"],
        ha="right",
        va="center",
        weight="bold",
    )
    axis.text(
        start - 0.5,
        -5.7,
        "BOLD",
        color=colour["bold"],
        ha="right",
        va="center",
        weight="bold",
    )
    bare(axis)


def windows(axis: Axes, recording: Recording, colour: dict[str, str]) -> None:
    """The EEG before a volume goes into a model, which predicts that volume."""
    stop = recording.marker_samples()[35] / recording.raw.info["sfreq"]
    time, eeg = eeg_of(recording, stop - 20, stop + 3)
    time = time - stop
    axis.axvspan(-WINDOW, 0, 0.62, 1.0, color=colour["eeg"], alpha=0.18, lw=0)
    for row, trace in enumerate(eeg[:3]):
        axis.plot(time, 0.5 * trace - row, color=colour["eeg"], lw=0.6)
    axis.text(
        -WINDOW / 2,
        0.75,
        f"{WINDOW:g} s of EEG",
        color=colour["ink"],
        ha="center",
        va="bottom",
    )
    arrow = {"arrowstyle": "-|>", "color": colour["soft"], "lw": 1.3}
    axis.annotate("", (-WINDOW / 2, -4.0), (-WINDOW / 2, -2.7), arrowprops=arrow)
    box = FancyBboxPatch((-17.5, -6.3), 19, 2.1, boxstyle="round,pad=0.1,rounding_size=0.5",
                         fc="none", ec=colour["soft"], lw=1.2)  # fmt: skip
    axis.add_patch(box)
    axis.text(
        -WINDOW / 2,
        -4.75,
        "model",
        color=colour["ink"],
        ha="center",
        va="center",
        weight="bold",
    )
    axis.text(
        -WINDOW / 2,
        -5.7,
        "ridge, Gaussian process, network",
        color=colour["soft"],
        ha="center",
        va="center",
        fontsize=7,
    )
    axis.annotate("", (-WINDOW / 2, -7.5), (-WINDOW / 2, -6.5), arrowprops=arrow)
    axis.text(
        -WINDOW / 2,
        -8.1,
        "BOLD of this volume",
        color=colour["bold"],
        ha="center",
        va="center",
        weight="bold",
    )
    axis.axvline(0, 0.62, 1.0, color=colour["bold"], lw=1.6)
    axis.set(xlim=(-20, 4), ylim=(-8.6, 1.9))
    bare(axis)


def predicted(axis: Axes, series: pd.DataFrame, colour: dict[str, str]) -> None:
    """Predicted BOLD with its interval, beside what was measured."""
    part = series.dropna().iloc[:70]
    axis.fill_between(
        part.index, part["lower"], part["upper"], color=colour["eeg"], alpha=0.25, lw=0
    )
    axis.plot(part.index, part["mean"], color=colour["eeg"], lw=1.6)
    axis.plot(part.index, part["measured"], ".", color=colour["bold"], ms=3.5)
    low, high = (
        part[["lower", "measured"]].min().min(),
        part[["upper", "measured"]].max().max(),
    )
    room = high - low
    axis.set(ylim=(low - 0.05 * room, high + 0.35 * room), yticks=[])
    axis.text(
        0.02,
        0.98,
        "predicted, 90 % interval",
        color=colour["eeg"],
        va="top",
        transform=axis.transAxes,
    )
    axis.text(
        0.02, 0.87, "measured", color=colour["bold"], va="top", transform=axis.transAxes
    )
    axis.set_xlabel("time (s)")
    axis.spines[["top", "right", "left"]].set_visible(False)


def judged(axis: Axes, summary: pd.DataFrame, colour: dict[str, str]) -> None:
    """R of two models beside chance and the noise ceiling."""
    rows = summary[summary["region"] == "mean"]
    for height, (_, row) in enumerate(rows[::-1].iterrows()):
        axis.barh(
            height,
            row["null_high"] - row["null_low"],
            0.42,
            left=row["null_low"],
            color=colour["pale"],
        )
        axis.plot([row["ci_low"], row["ci_high"]], [height] * 2, color=colour["eeg"], lw=2)
        axis.plot(row["score"], height, "o", color=colour["eeg"], ms=5.5)
        axis.text(
            row["null_low"], height + 0.3, row["pipeline"], color=colour["ink"], va="bottom"
        )
    ceiling = rows["window_limited_noise_ceiling"].iloc[0]
    axis.axvline(ceiling, 0, 0.8, color=colour["ink"], lw=1.2, ls="--")
    axis.text(0, -0.62, "chance", color=colour["soft"], ha="center")
    axis.text(ceiling, len(rows) - 0.28, "noise ceiling", color=colour["ink"], ha="center")
    axis.set(
        ylim=(-0.8, len(rows) + 0.05),
        yticks=[],
        xlim=(rows["null_low"].min() - 0.06, ceiling + 0.14),
    )
    axis.set_xlabel("R, subjects not seen")
    axis.spines[["top", "right", "left"]].set_visible(False)


def data() -> tuple[Recording, pd.DataFrame, pd.DataFrame]:
    """A recording, predictions of a subject not seen, and scores of two models."""
    recordings = SimulatedEEGfMRI(n_subjects=9, duration=300.0).load()
    predictor = BOLDPredictor("BandPowerGP").fit(recordings[:8], cv=8, progress=False)
    new = recordings[8]
    times = new.marker_samples() / new.raw.info["sfreq"]
    mean, lower, upper = predictor.predict_interval(new.raw, times=times, progress=False)
    series = pd.DataFrame(
        {
            "mean": mean[REGION].to_numpy(),
            "lower": lower[REGION].to_numpy(),
            "upper": upper[REGION].to_numpy(),
            "measured": prepare_bold(new).bold[REGION].to_numpy(),
        },
        index=times,
    )
    found = evaluate(["BandPowerGP", "AlphaHRF"], recordings, n_splits=3, progress=False)
    return new, series, found.summary()


def main() -> None:
    """Write all pictures."""
    logging.disable(logging.INFO)
    plt.switch_backend("agg")
    (DOCS / "_static" / "logo.svg").write_text(LOGO)
    recording, series, summary = data()
    steps: dict[str, Callable[[Axes, dict[str, str]], None]] = {
        "1_recorded": lambda axis, colour: recorded(axis, recording, colour),
        "2_windows": lambda axis, colour: windows(axis, recording, colour),
        "3_predicted": lambda axis, colour: predicted(axis, series, colour),
        "4_judged": lambda axis, colour: judged(axis, summary, colour),
    }
    titles = [
        "1. EEG and fMRI, together",
        "2. A window for each volume",
        "3. BOLD, with an interval",
        "4. Better than chance?",
    ]
    for theme, colour in (("light", LIGHT), ("dark", DARK)):
        style = {
            "font.size": 8.5,
            "text.color": colour["ink"],
            "axes.labelcolor": colour["ink"],
            "axes.edgecolor": colour["soft"],
            "xtick.color": colour["ink"],
        }
        with plt.rc_context(style):
            for name, draw in steps.items():
                figure, axis = plt.subplots(figsize=(2.9, 2.3), layout="constrained")
                draw(axis, colour)
                figure.savefig(
                    IMAGES / f"step_{name}_{theme}.png", dpi=200, transparent=True
                )
                plt.close(figure)
            figure, axes = plt.subplots(1, 4, figsize=(11.6, 2.7), layout="constrained")
            for axis, draw, title in zip(axes, steps.values(), titles, strict=True):
                draw(axis, colour)
                axis.set_title(
                    title, loc="left", fontsize=10, weight="bold", color=colour["ink"]
                )
            figure.savefig(IMAGES / f"how_it_works_{theme}.png", dpi=150, transparent=True)
            plt.close(figure)


if __name__ == "__main__":
    main()
