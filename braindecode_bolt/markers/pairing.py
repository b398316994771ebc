"""From EEG and BOLD of a run to EEG whose volume markers carry the BOLD."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import pandas as pd

from .._text import counted
from .annotations import (
    MarkerError,
    marker_descriptions,
    recording_file,
    replace_markers,
    with_annotations,
)
from .carried import attach_bold
from .finding import VolumeMarkers, find_with
from .grid import Axis
from .joints import mark_edges
from .options import MarkerOptions
from .sources import (
    FROM_TABLE,
    VolumeTable,
    choose_source,
    markers_of,
    read_volume_table,
)
from .timing import repetition_time

__all__ = ["pair_bold"]

logger = logging.getLogger(__name__)

# Repetition times that differ by a larger share of them are not the same.
_SAME = 1e-3


def pair_bold(
    raw: mne.io.BaseRaw,
    bold: pd.DataFrame,
    options: MarkerOptions | Mapping[str, Any] | None = None,
    *,
    table: str | Path | None = None,
    file_annotations: mne.Annotations | None = None,
    repetition_times: Mapping[str, float | None] | None = None,
    **tables: pd.DataFrame,
) -> mne.io.BaseRaw:
    """Find the volume markers of a recording and write the BOLD into them.

    All data sets use this function. It chooses the source of the markers, finds the
    volumes (`find_volume_markers`), makes one annotation per volume, and writes the BOLD
    into it (`attach_bold`). The errors of these are raised.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG. It is not changed.
    bold : pandas.DataFrame, shape (n_volumes, n_rois)
        BOLD. Where its index is not 0, 1, 2 ..., it says which volume each row is,
        and ``attrs["n_volumes"]``, where it is there, how many there are with those
        that have no row.
    options : MarkerOptions | mapping | None
        Options for finding the markers. In a mapping, None means not given.
    table : str | Path | None
        A table beside the EEG that may give the volumes: ``..._volumes.tsv`` (every
        row a volume) or ``..._events.tsv`` (rows that name the marker in any column).
        Its column ``onset`` has seconds from the first sample.
    file_annotations : mne.Annotations | None
        The annotations of the EEG file itself, on the time axis of `raw`, where
        `raw` has others (mne-bids puts those of ``events.tsv`` in their place).
    repetition_times : mapping of str to float | None
        Repetition times by source
        (``{"the sidecar sub-01_bold.json": 2.0, "the image's header": 1.0}``), the most
        reliable first. If ``options.tr`` is None, the first known one is used. If they
        or the markers disagree, the message names all of them.
    **tables : pandas.DataFrame
        Further tables as for :func:`~braindecode_bolt.attach_bold`.
    """
    if not isinstance(options, MarkerOptions):
        options = MarkerOptions.of(options or {})
    said = {k: float(v) for k, v in (repetition_times or {}).items() if v is not None}
    options = _with_tr(options, said, recording_file(raw))
    raw = markers_of(mark_edges(raw), file_annotations, options.marker)
    axis = Axis.of(raw, options.tolerance)
    every = bold.index.equals(pd.RangeIndex(bold.attrs.get("n_volumes", len(bold))))
    rows = None if every else bold.index.to_numpy()
    volumes = None if table is None else read_volume_table(table, options.marker)
    try:
        volumes = choose_source(raw, axis, volumes, options)
        if volumes is not None:
            raw, options = _from_table(raw, volumes, options)
        if volumes is not None and volumes.exact:
            marker = FROM_TABLE
        else:
            n_volumes = bold.attrs.get("n_volumes", len(bold) if rows is None else None)
            if n_volumes is None:
                # Markers beyond the last row have none, whatever they are.
                options = replace(options, extra="raise")
            found = find_with(raw, options, n_volumes)
            raw, marker = found.annotate(raw), found.marker
            if any(found.report.uncovered):
                return _attach_covered(raw, bold, found, **tables)
    except MarkerError as error:
        if not said:
            raise
        raise MarkerError(f"{error} {_listed(said)}") from None
    return attach_bold(raw, bold, marker, rows, **tables)


def _with_tr(options: MarkerOptions, said: Mapping[str, float], name: str) -> MarkerOptions:
    """Take the most reliable repetition time, and report if other sources differ."""
    known = {"tr": options.tr, **said} if options.tr is not None else said
    if not known:
        return options
    first, tr = next(iter(known.items()))
    if _differ(known):
        logger.warning("%s: %s %s is used", name, _listed(known), first)
    return replace(options, tr=tr)


def _differ(said: Mapping[str, float]) -> bool:
    """Whether sources give different repetition times."""
    first = next(iter(said.values()), 0.0)
    return any(abs(other - first) > _SAME * first for other in said.values())


def _attach_covered(
    raw: mne.io.BaseRaw, bold: pd.DataFrame, found: VolumeMarkers, **tables: pd.DataFrame
) -> mne.io.BaseRaw:
    """Attach the rows of BOLD that have EEG; volumes keep their numbers in the fMRI."""
    numbers = bold.index.to_numpy()
    kept = (numbers >= found.rows.start) & (numbers < found.rows.stop)
    tables = {kind: table[kept] for kind, table in tables.items()}
    rows = numbers[kept] - found.first_row
    raw = attach_bold(raw, bold[kept], found.marker, rows, **tables)
    annotations = raw.annotations.copy()
    for extras in annotations.extras:
        if "volume" in extras:
            extras["volume"] += found.first_row
    return with_annotations(raw, annotations, share=True)


def _listed(said: Mapping[str, float]) -> str:
    sources: dict[str, list[str]] = {}
    for where, tr in said.items():
        sources.setdefault(f"{tr:.6g} s", []).append(where)
    each = ", ".join(f"{tr} by {' and '.join(by)}" for tr, by in sources.items())
    return f"The repetition time is {each}."


def _from_table(
    raw: mne.io.BaseRaw, table: VolumeTable, options: MarkerOptions
) -> tuple[mne.io.BaseRaw, MarkerOptions]:
    """Put the volumes of a table in the place of the markers of the EEG."""
    duration = raw.n_times / raw.info["sfreq"]
    onsets = table.onsets
    outside = ~((onsets >= 0) & (onsets <= duration))
    if outside.any():
        raise MarkerError(
            f"{table.name}: {counted(outside.sum(), 'volume')} outside the EEG of "
            f"{duration:.1f} s, the first at {onsets[outside][0]:g} s; expected seconds "
            "from its first sample."
        )
    if table.exact:
        onsets = onsets[options.dummy_volumes :]
        measured, tr = repetition_time(onsets), options.tr
        if tr is not None and abs(measured - tr) > 0.01 * tr:
            raise MarkerError(
                f"{table.name}: the volumes are {measured:.5g} s apart, but the repetition "
                f"time is said to be {tr:g} s. Correct the one that is wrong (tr)."
            )
    replaced = {
        FROM_TABLE,
        *marker_descriptions(raw.annotations.description, options.marker),
        *table.spelled,
    }
    logger.info("%s: volume markers from %s", recording_file(raw), table.name)
    marked = replace_markers(raw, replaced, onsets, FROM_TABLE)
    return marked, replace(options, marker=FROM_TABLE, stim_channel=None)
