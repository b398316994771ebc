"""The work of ``braindecode-bolt explain``: load, read, explain, draw, write."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from .._text import counted
from ..datasets._reading import read_eeg
from ..evaluation.text import write_table
from ..explanation import explain_predictor
from ..plotting import plot_lag_curves, plot_spectra, plot_topographies
from ..prediction import BOLDPredictor
from ..recording import Recording
from ..report.understanding import EXPLANATIONS
from .data_options import data_options, rois
from .own_models import import_own
from .recordings import load_recordings

__all__ = ["run_explain"]

logger = logging.getLogger(__name__)

#: Regions with a row of maps of their own, at most.
_MOST_REGIONS = 24


def run_explain(arguments: argparse.Namespace) -> int:
    """Explain a saved model; write a table and figures.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of ``braindecode-bolt explain``.

    Returns
    -------
    int
        Exit status, 0.
    """
    own = [] if arguments.own is None else [import_own(arguments.own)]
    predictor = BOLDPredictor.load(arguments.model, arguments.device, models=own)
    recordings = _recordings(arguments)
    table = explain_predictor(
        predictor, recordings, arguments.method, rois=rois(arguments.explained)
    )
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    write_table(table, out / "explanation.tsv")
    r = _tested(predictor)
    titles = {name: f"{name} (R\u00a0{value:.2f})" for name, value in r.items()}
    named = table.assign(region=table["region"].map(lambda name: titles.get(name, name)))
    written = ["explanation.tsv", *_draw(named, out)]
    if arguments.results is not None:
        _add_to_results(arguments.results, table, predictor)
    _say(table, r, len(recordings))
    print(f"Written to {out}: {', '.join(written)}")
    return 0


def _say(table: pd.DataFrame, r: dict[str, float], n_recordings: int) -> None:
    """Print what goes with each region most, and how well the region is predicted."""
    strongest = table.loc[table.groupby("region", sort=False)["pattern"].apply(_largest)]
    print(f"\n{counted(n_recordings, 'recording')}. What goes with each region most:")
    for _, row in strongest.iterrows():
        known = f"R {r[row['region']]:5.2f}  " if row["region"] in r else ""
        print(
            f"  {row['region']:32} {known}{row['electrode']:5} {row['band']:6} "
            f"{row['lag']:4.1f} s before, correlation {row['pattern']:+.2f}"
        )
    if r:
        print(
            "R: of the prediction of people left out of the training. Where it is not\n"
            "above chance, electrodes and bands say nothing of the brain."
        )
    else:
        print(
            "How well the model predicts is not known (train --cv). Where it is not better "
            "than\nchance, electrodes and bands say nothing of the brain."
        )


def _recordings(arguments: argparse.Namespace) -> list[Recording]:
    """Open the EEG files, or the recordings of the folder."""
    if not arguments.files:
        return load_recordings(
            arguments.data,
            data_options(arguments),
            arguments.cache,
            arguments.coupling,
            coupling_kind=arguments.coupling_kind,
        )
    return [
        Recording(read_eeg(file, arguments.reader), subject=file.name.split(".")[0])
        for file in arguments.files
    ]


def _tested(predictor: BOLDPredictor) -> dict[str, float]:
    """R of each region in people left out of the training, where it is known."""
    scores = predictor.scores_
    if scores is None:
        return {}
    return dict(scores.dropna(subset="r").set_index("region")["r"])


def _add_to_results(folder: Path, table: pd.DataFrame, predictor: BOLDPredictor) -> None:
    """Put the table where the report of an evaluation finds it."""
    model = predictor.model
    name = model if isinstance(model, str) else type(model).__name__
    target = folder / EXPLANATIONS / f"{name}.tsv"
    target.parent.mkdir(exist_ok=True)
    write_table(table, target)
    print(
        f"Written to {target}. To show it in the report: braindecode-bolt report {folder}"
    )


def _largest(pattern: pd.Series) -> int:
    return pattern.abs().fillna(-1).idxmax()


def _draw(table: pd.DataFrame, out: Path) -> list[str]:
    """Write the figures; those that cannot be drawn are logged."""
    regions = list(table.dropna(subset="pattern")["region"].unique())[:_MOST_REGIONS]
    figures: dict[str, Callable[[], Figure]] = {
        "topographies.png": lambda: plot_topographies(table),
        "topographies_of_regions.png": lambda: plot_topographies(table, regions),
        "lag_curves.png": lambda: plot_lag_curves(table, value=_value(table)),
        "spectra.png": lambda: plot_spectra(table),
    }
    written = []
    for name, draw in figures.items():
        try:
            draw().savefig(out / name, dpi=130)
        except ValueError as error:
            logger.warning("%s is not drawn: %s", name, error)
        else:
            written.append(name)
    return written


def _value(table: pd.DataFrame) -> str:
    return "effect" if table["effect"].notna().any() else "pattern"
