"""Figures of scores and of predicted BOLD."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

__all__ = ["plot_r_per_region", "plot_series"]

_COLOURS = ("#d1495b", "#00798c", "#edae49", "#66a182", "#8d6a9f", "#30638e")
_MEASURED = "#2e2e2e"


def plot_r_per_region(scores: pd.DataFrame) -> Figure:
    """Draw the R of each model and region, beside ceiling and control.

    Parameters
    ----------
    scores : pandas.DataFrame
        Of :func:`~braindecode_bolt.evaluation.evaluate`.

    Returns
    -------
    matplotlib.figure.Figure
        A dot per recording, a bar at their mean.
    """
    regions = list(dict.fromkeys(scores["region"]))
    models = list(dict.fromkeys(scores["model"]))
    figure = Figure(figsize=(max(6.0, 1.1 * len(regions) + 2.0), 4.2), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(models)
    rng = np.random.default_rng(0)
    for number, model in enumerate(models):
        colour = _COLOURS[number % len(_COLOURS)]
        of_model = scores[scores["model"] == model]
        for place, region in enumerate(regions):
            r = of_model.loc[of_model["region"] == region, "r"].to_numpy()
            x = place - 0.4 + (number + 0.5) * width
            label = model if place == 0 else None
            axes.bar(x, np.nanmean(r), 0.9 * width, color=colour, alpha=0.45, label=label)
            jitter = rng.uniform(-0.25, 0.25, len(r)) * width
            axes.plot(x + jitter, r, "o", ms=3, color=colour)
            control = of_model.loc[of_model["region"] == region, "control_r"].mean()
            axes.plot(x, control, "x", color=_MEASURED, ms=5, label=_once(axes, "control"))
    ceiling = scores.groupby("region")["ceiling"].mean()
    for place, region in enumerate(regions):
        if np.isfinite(ceiling[region]):
            ends = [place - 0.42, place + 0.42]
            label = _once(axes, "ceiling")
            axes.plot(ends, [ceiling[region]] * 2, color=_MEASURED, lw=1.5, label=label)
    axes.axhline(0, color=_MEASURED, lw=0.6)
    rotation = 30 if len(regions) > 3 else 0
    axes.set_xticks(
        range(len(regions)),
        regions,
        rotation=rotation,
        ha="right" if rotation else "center",
    )
    simulated = " (simulated BOLD)" if len(ceiling.dropna()) else ""
    axes.set_ylabel(f"R per recording{simulated}")
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    drawn = dict(zip(labels, handles, strict=True))
    order = [name for name in (*models, "ceiling", "control") if name in drawn]
    axes.legend(
        [drawn[name] for name in order],
        order,
        frameon=False,
        ncols=len(order),
        loc="lower left",
        bbox_to_anchor=(0, 1),
    )
    return figure


def plot_series(
    predictions: pd.DataFrame, scores: pd.DataFrame, tr: float | None = None
) -> Figure:
    """Draw measured and predicted BOLD of the recording with the median score.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of all models and folds, see
        :class:`~braindecode_bolt.evaluation.FoldResult`, with ``model``.
    scores : pandas.DataFrame
        Of :func:`~braindecode_bolt.evaluation.evaluate`.
    tr : float | None
        Repetition time in seconds, for the axis of time. By default it counts
        volumes.

    Returns
    -------
    matplotlib.figure.Figure
        A row for the best, the median and the worst region of that recording.
    """
    models = list(dict.fromkeys(scores["model"]))
    of_first = scores[scores["model"] == models[0]]
    recording = _median_label(of_first.groupby("recording")["r"].mean())
    per_region = of_first[of_first["recording"] == recording].set_index("region")["r"]
    ranked = list(per_region.sort_values(ascending=False).index)
    picks = dict.fromkeys((ranked[0], ranked[len(ranked) // 2], ranked[-1]))
    figure = Figure(figsize=(9.0, 0.6 + 2.0 * len(picks)), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(len(picks), 1, sharex=True))
    chosen = predictions[predictions["recording"] == recording]
    for axes, region in zip(all_axes, picks, strict=True):
        _draw_region(axes, chosen, scores, models, region, recording, tr or 1.0)
    first = chosen.iloc[0]
    run = "" if pd.isna(first["run"]) else f", run {first['run']}"
    is_simulated = scores["ceiling"].notna().any()
    simulated = " (simulated BOLD)" if is_simulated else ""
    if is_simulated:
        for axes in all_axes:
            axes.lines[0].set_label("simulated")
    figure.suptitle(
        f"Subject {first['subject']}{run}: the recording with the median R of {models[0]}, "
        f"its best, median and worst region{simulated}",
        fontsize=10,
    )
    all_axes[-1].set_xlabel("Volume" if tr is None else "Time (s)")
    all_axes[0].legend(
        frameon=False, ncols=len(models) + 1, loc="lower right", bbox_to_anchor=(1, 0.98)
    )
    return figure


def _draw_region(axes, chosen, scores, models, region, recording, tr) -> None:
    of_recording = scores[(scores["recording"] == recording) & (scores["region"] == region)]
    r = of_recording.groupby("model")["r"].mean()
    scale = 1.0
    for number, model in enumerate(models):
        rows = chosen[chosen["model"] == model].sort_values("volume")
        time = rows["volume"] * tr
        if number == 0:
            measured = rows[f"measured:{region}"]
            scale = measured.std() or 1.0
            axes.plot(time, measured / scale, color=_MEASURED, lw=1.2, label="measured")
        colour = _COLOURS[number % len(_COLOURS)]
        axes.plot(
            time, rows[f"predicted:{region}"] / scale, color=colour, lw=1.2, label=model
        )
    listed = ", ".join(f"{model} R = {r[model]:.2f}" for model in models)
    axes.set_title(f"{region}: {listed}", loc="left", fontsize=9)
    axes.set_ylabel("BOLD (s.d.)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)


def _median_label(values: pd.Series):
    ranked = values.sort_values()
    return ranked.index[len(ranked) // 2]


def _once(axes, label: str) -> str | None:
    """Give a label to the first artist of its kind only."""
    return None if label in axes.get_legend_handles_labels()[1] else label
