"""Maps of the scalp for each frequency band."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Sequence

import mne
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..linear import electrode_positions
from ._explanations import at_lags, check_table, choose_regions, largest
from ._style import literal

logger = logging.getLogger(__name__)

#: What the colours of a map are.
LABELS = {
    "pattern": "correlation of log power and prediction",
    "effect": "effect (SD of prediction)",
}
#: Radius of the head in metres.
_RADIUS = 0.095


def plot_topographies(
    table: pd.DataFrame,
    regions: Sequence[str] | None = None,
    value: str = "pattern",
    lags: tuple[float, float] = (3.0, 8.0),
) -> Figure:
    """Draw maps of the scalp: a row per region, a column per band.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`~braindecode_bolt.explanation.explain`. Electrodes that the 10-05
        system does not have are not drawn, which is logged.
    regions : sequence of str | None
        Regions to draw. By default one row: the mean of absolute values over regions.
    value : {"pattern", "effect"}, default "pattern"
        What to draw. Effects also show how noise is cancelled.
    lags : (float, float), default (3.0, 8.0)
        First and last of the lags to average over, in seconds before the volume. By
        default around the peak of the haemodynamic response.

    Returns
    -------
    matplotlib.figure.Figure
        Maps by :func:`mne.viz.plot_topomap`, all on one scale; dots are electrodes.

    Raises
    ------
    ValueError
        If a region is not in the table, no lag lies in the range, fewer than four
        electrodes have a known place, electrodes or lags are not told apart in the table,
        or there is nothing to draw.
    """
    table = check_table(table, value, ("electrode", "lag"))
    table, averaged = at_lags(table, lags), regions is None
    names = choose_regions(table, regions)
    means = table.groupby(["region", "band", "electrode"], sort=False)[value].mean()
    # An electrode without a value somewhere, such as a flat one, is in no map.
    maps = means.unstack("electrode").dropna(axis=1)
    electrodes, info = _places(list(maps.columns))
    maps = maps[electrodes]
    bands = list(dict.fromkeys(table["band"]))
    if averaged:
        rows = {"mean over regions": maps.abs().groupby("band").mean().loc[bands]}
    else:
        rows = {name: maps.loc[name].loc[bands] for name in names}
    size = (1.5 + 1.25 * len(bands), 0.75 + 1.3 * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(rows), len(bands), squeeze=False)
    limit = largest(np.stack([row.to_numpy() for row in rows.values()]))
    look = {"cmap": "RdBu_r", "vlim": (-limit, limit)}
    if averaged:
        look = {"cmap": "Blues", "vlim": (0, limit)}
    for number, (name, values) in enumerate(rows.items()):
        for axes, band in zip(grid[number], bands, strict=True):
            image, _ = mne.viz.plot_topomap(
                values.loc[band].to_numpy(),
                info,
                axes=axes,
                show=False,
                contours=0,
                sphere=_RADIUS,
                **look,
            )
            for marks in axes.lines:
                if marks.get_marker() == ".":
                    marks.set_markersize(2)
            if number == 0:
                axes.set_title(_band_title(table, band), fontsize=9)
        left = {"rotation": 0, "ha": "right", "va": "center"}
        grid[number, 0].set_ylabel(_wrapped(name), fontsize=8.5, **left)
    label = LABELS[value]
    if averaged:
        label = f"mean |{'correlation' if value == 'pattern' else 'effect'}| over regions"
    bar = figure.colorbar(image, ax=grid, shrink=min(0.9, 1.1 / len(rows) + 0.2), aspect=18)
    # One row of maps is lower than the text in one line.
    bar.set_label(textwrap.fill(label, 30) if len(rows) == 1 else label, fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return figure


def _band_title(table: pd.DataFrame, band: str) -> str:
    low, high = table.loc[table["band"] == band, ["low", "high"]].iloc[0]
    known = np.isfinite([low, high]).all() and f"{low:g}" not in band
    return f"{literal(band)}\n{low:g}–{high:g} Hz" if known else literal(band)


def _wrapped(name: str, width: int = 16) -> str:
    """Break a long name of a region at spaces."""
    return "\n".join(textwrap.wrap(literal(name), width)) or " "


def _places(electrodes: list[str]) -> tuple[list[str], mne.Info]:
    """Give the electrodes with a known place, and their places."""
    places = electrode_positions(electrodes)
    found = np.isfinite(places).all(axis=1)
    known = [name for name, there in zip(electrodes, found, strict=True) if there]
    unknown = [name for name in electrodes if name not in known]
    if len(known) < 4:
        raise ValueError(
            f"A map needs four electrodes of the 10-05 system, there are {len(known)} "
            f"among {', '.join(electrodes[:8])}{' ...' if len(electrodes) > 8 else ''}."
        )
    if unknown:
        logger.warning("No place is known for %s: not drawn", ", ".join(unknown))
    at = dict(zip(known, _RADIUS * places[found], strict=True))
    montage = mne.channels.make_dig_montage(at, coord_frame="head")
    return known, mne.create_info(known, 100.0, "eeg").set_montage(montage)
