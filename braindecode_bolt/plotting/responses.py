"""Responses over lags and spectra of what drives a region."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._explanations import at_lags, check_table, choose_regions
from ._style import COLOURS, INK, colours_of, literal, tidy

logger = logging.getLogger(__name__)

#: Panels beside each other.
_COLUMNS = 4
#: Panels of regions that nobody asked for.
_MOST_PANELS = 8


def glover(lags: np.ndarray) -> np.ndarray:
    """Glover's haemodynamic response at some lags, its largest value 1.

    Parameters
    ----------
    lags : ndarray
        Seconds.

    Returns
    -------
    ndarray
        Of the same shape.
    """
    from nilearn.glm.first_level import glover_hrf

    step = 0.1
    response = glover_hrf(step, oversampling=1, time_length=32.0)
    return np.interp(lags, np.arange(len(response)) * step, response / response.max())


def plot_lag_curves(
    table: pd.DataFrame,
    regions: Sequence[str] | None = None,
    bands: Sequence[str] | None = None,
    value: str = "effect",
) -> Figure:
    """Draw the response that a model found, beside Glover's [1]_.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`~braindecode_bolt.explanation.explain`.
    regions : sequence of str | None
        A panel for each. By default the first eight regions (how many are left out is
        logged), and in front the mean over all regions of absolute curves.
    bands : sequence of str | None
        Bands to draw. By default the three with the largest curves.
    value : {"effect", "pattern"}, default "effect"
        What to draw: effects summed over electrodes, or the mean pattern, which is
        smeared over lags by slow changes of power.

    Returns
    -------
    matplotlib.figure.Figure
        A line per band, and Glover's haemodynamic response as a dashed grey line,
        scaled to the largest curve of the panel.

    Raises
    ------
    ValueError
        If regions or bands are not in the table, lags are not told apart in it, or there
        is nothing to draw.

    References
    ----------
    .. [1] Glover, G. H. (1999). Deconvolution of impulse response in event-related BOLD
       fMRI. NeuroImage 9, 416-429.
    """
    table = check_table(table, value, ("lag",))
    names = choose_regions(table, regions)
    keys = ["region", "band", "lag"]
    of_cells = table.groupby(keys, sort=False)[value]
    curves = of_cells.sum() if value == "effect" else of_cells.mean()
    curves = curves.unstack("lag").sort_index(axis=1)
    chosen = _bands(table, curves, bands)
    drawn = _at_most(names, regions)
    panels = {name: curves.loc[name].loc[chosen] for name in drawn}
    if regions is None and len(names) > 1:
        mean = curves.abs().groupby("band").mean().loc[chosen]
        panels = {f"mean of absolute\nvalues, {len(names)} regions": mean, **panels}
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    size = (0.6 + 2.1 * columns, 0.9 + 1.75 * rows)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    colours = colours_of(dict.fromkeys(table["band"]))
    for axes, (name, values) in zip(grid.flat, panels.items(), strict=False):
        _draw_curves(axes, values, colours)
        axes.set_title(_title(name), fontsize=8.5, loc="left")
    bottom = [column[_lowest(column, grid, len(panels))] for column in grid.T]
    for axes in bottom:
        axes.set_xlabel("Lag: EEG before BOLD (s)", fontsize=8)
        axes.tick_params(labelbottom=True)
    label = "Effect (SD per SD)" if value == "effect" else "Pattern (correlation)"
    for axes in grid[:, 0]:
        axes.set_ylabel(label, fontsize=8)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        frameon=False,
        fontsize=8,
        ncols=2 if columns == 1 else 4,  # Four are wider than one panel.
        loc="outside upper left",
    )
    return figure


def _at_most(names: list[str], asked: Sequence[str] | None) -> list[str]:
    """Regions to draw: all that were asked for, else the first."""
    if asked is not None or len(names) <= _MOST_PANELS:
        return names
    logger.info(
        "The first %d of %d regions are drawn; regions=[...] draws others",
        _MOST_PANELS,
        len(names),
    )
    return names[:_MOST_PANELS]


def _lowest(column: np.ndarray, grid: np.ndarray, n_panels: int) -> int:
    """Give the row of the lowest panel of a column that is drawn."""
    number = next(i for i in range(grid.shape[1]) if grid[0, i] is column[0])
    return (n_panels - 1 - number) // grid.shape[1]


def _draw_curves(axes: Axes, values: pd.DataFrame, colours: dict[str, str]) -> None:
    lags = values.columns.to_numpy(float)
    for band, curve in values.iterrows():
        axes.plot(lags, curve, color=colours[band], lw=1.6, label=literal(band))
    strongest = values.loc[values.abs().max(axis=1).idxmax()]
    peak = strongest[strongest.abs().idxmax()]
    fine = np.linspace(0, lags.max(), 100)
    axes.plot(fine, peak * glover(fine), "--", color="#8a8a8a", lw=1.2, label="Glover")
    axes.axhline(0, color=INK, lw=0.5)
    axes.tick_params(labelsize=8)
    axes.set_xlim(0, lags.max())
    tidy(axes)


def _bands(
    table: pd.DataFrame, curves: pd.DataFrame, bands: Sequence[str] | None
) -> list[str]:
    available = list(dict.fromkeys(table["band"]))
    if bands is None:
        strength = curves.abs().max(axis=1).groupby("band").mean()
        largest = set(strength.nlargest(3).index)
        return [band for band in available if band in largest]
    unknown = [name for name in bands if name not in available]
    if unknown or isinstance(bands, str) or not len(bands):
        raise ValueError(
            f"bands must be a list of some of {', '.join(available)}, got {bands!r}."
        )
    return list(bands)


def plot_spectra(
    table: pd.DataFrame,
    regions: Sequence[str] | None = None,
    value: str = "pattern",
    lags: tuple[float, float] = (3.0, 8.0),
) -> Figure:
    """Draw over frequency what drives each region.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`~braindecode_bolt.explanation.explain`, with bands in Hz; fine ones
        show more.
    regions : sequence of str | None
        Regions to draw. By default the first eight; how many are left out is logged.
    value : {"pattern", "effect"}, default "pattern"
        What to draw, as the mean over electrodes.
    lags : (float, float), default (3.0, 8.0)
        First and last of the lags to average over, in seconds before the volume.

    Returns
    -------
    matplotlib.figure.Figure
        A panel per region: the mean of all electrodes with their range.

    Raises
    ------
    ValueError
        If regions are not in the table, frequencies are not known, no lag lies in the
        range, or there is nothing to draw.
    """
    table = at_lags(check_table(table, value, ("band", "lag")), lags)
    if table[["low", "high"]].isna().any(axis=None):
        raise ValueError("The frequencies of some bands are not known: no spectrum.")
    names = _at_most(choose_regions(table, regions), regions)
    edges = table.drop_duplicates("band").sort_values("low")[["band", "low", "high"]]
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    size = (0.6 + 2.1 * columns, 0.5 + 1.75 * rows)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    means = table.groupby(["region", "band", "electrode"], sort=False)[value].mean()
    for axes, name in zip(grid.flat, names, strict=False):
        of_region = means[name].unstack("electrode").loc[edges["band"]]
        for (_, row), (_, values) in zip(
            edges.iterrows(), of_region.iterrows(), strict=True
        ):
            span = [row["low"], row["high"]]
            axes.fill_between(
                span, values.min(), values.max(), color=COLOURS[0], alpha=0.2, lw=0
            )
            axes.plot(span, [values.mean()] * 2, color=COLOURS[0], lw=1.8)
        axes.axhline(0, color=INK, lw=0.5)
        axes.set_xscale("log")
        ticks = [
            t for t in (1, 2, 4, 8, 16, 32) if edges["low"].min() <= t < edges["high"].max()
        ]
        axes.set_xticks(ticks, [str(t) for t in ticks])
        axes.minorticks_off()
        axes.set_title(_title(name), fontsize=8.5, loc="left")
        axes.tick_params(labelsize=8)
        tidy(axes)
    for column in grid.T:
        axes = column[_lowest(column, grid, len(names))]
        axes.set_xlabel("Frequency (Hz)", fontsize=8)
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel("Correlation" if value == "pattern" else "Effect", fontsize=8)
    return figure


def _title(name: str) -> str:
    lines = [part for line in name.split("\n") for part in textwrap.wrap(line, 24)]
    return literal("\n".join(lines))
