"""One recording before training: spectrum, volume markers, BOLD."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..windows.checking import RecordingCheck
from ._style import COLOURS, INK, literal, tidy

__all__ = ["plot_recording"]


def plot_recording(check: RecordingCheck) -> Figure:
    """Draw what a check found in a recording.

    Parameters
    ----------
    check : RecordingCheck
        Of :func:`~braindecode_bolt.windows.check_recordings`.

    Returns
    -------
    matplotlib.figure.Figure
        The spectrum of the EEG (median, lowest and highest channel; multiples of the
        volume frequency would stand out if gradient artifacts were left), the time between
        volume markers, and the BOLD of all regions (standardised; grey: no value).
    """
    figure = Figure(figsize=(9.0, 2.7), layout="constrained")
    spectrum, markers, bold = figure.subplots(1, 3, width_ratios=(1, 1, 1.3))
    _draw_spectrum(spectrum, check)
    _draw_markers(markers, check)
    _draw_bold(bold, check, figure)
    return figure


def _draw_spectrum(axes: Axes, check: RecordingCheck) -> None:
    axes.set_title("EEG spectrum", fontsize=10)
    tidy(axes)
    if check.spectrum is None:
        _say(axes, "not computed")
        return
    table = check.spectrum
    axes.fill_between(
        table.index, table["lowest"], table["highest"], color=COLOURS[0], alpha=0.2, lw=0
    )
    axes.plot(table.index, table["median"], color=COLOURS[0], lw=1)
    axes.set_xlabel("Frequency (Hz)")
    axes.set_ylabel("Power (dB re 1 µV²/Hz)")


def _draw_markers(axes: Axes, check: RecordingCheck) -> None:
    axes.set_title("Time between volume markers", fontsize=10)
    tidy(axes)
    if len(check.onsets) < 2:
        _say(axes, "fewer than two volumes")
        return
    axes.plot(check.onsets[1:] / 60, np.diff(check.onsets), ".", color=COLOURS[1], ms=3)
    low, high = axes.get_ylim()
    # Jitter far below a sample would otherwise fill the picture.
    if high - low < 0.02 * check.tr:
        axes.set_ylim(check.tr * 0.99, check.tr * 1.01)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.set_xlabel("Time (min)")
    axes.set_ylabel("Seconds")


def _draw_bold(axes: Axes, check: RecordingCheck, figure: Figure) -> None:
    axes.set_title("BOLD", fontsize=10)
    if check.bold.empty:
        _say(axes, "none")
        return
    values = check.bold.to_numpy(float)
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    image = axes.imshow(
        scaled.T, aspect="auto", cmap="RdBu_r", vmin=-3, vmax=3, interpolation="nearest"
    )
    axes.set_xlabel("Volume")
    names = [literal(name) for name in check.bold.columns]
    if len(names) <= 10:
        shown = [name if len(name) <= 18 else f"{name[:17]}…" for name in names]
        axes.set_yticks(range(len(shown)), shown, fontsize=7)
    else:
        axes.set_ylabel(f"{len(names)} regions")
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    bar.set_label("SD", color=INK)


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
    axes.set_xticks([])
    axes.set_yticks([])
