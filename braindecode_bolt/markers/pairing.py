"""From EEG and BOLD of a run to EEG whose volume markers carry the BOLD."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from .._text import counted
from .annotations import (
    MarkerError,
    marker_descriptions,
    recording_file,
    replace_markers,
)
from .carried import attach_bold
from .finding import axis_of, find_volume_markers
from .joints import mark_edges
from .options import MarkerOptions
from .tables import (
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
    volumes (:func:`~braindecode_bolt.find_volume_markers`), makes one annotation per
    volume, and writes the BOLD into it (:func:`~braindecode_bolt.attach_bold`).

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
        See :class:`~braindecode_bolt.markers.MarkerOptions`.
    table : str | Path | None
        A table beside the EEG that may give the volumes: ``..._volumes.tsv`` (every
        row a volume) or ``..._events.tsv`` (rows that name the marker in any column).
        Its column ``onset`` has seconds from the first sample. Where it and the
        markers of the EEG disagree and ``markers_from`` is not given, it is an error
        that gives the offset.
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

    Returns
    -------
    mne.io.BaseRaw
        A copy with one annotation per volume, those with BOLD carrying it.

    Raises
    ------
    MarkerError
        As :func:`~braindecode_bolt.find_volume_markers` and
        :func:`~braindecode_bolt.attach_bold`, or if two sources of markers disagree, or
        the table is not usable.
    TypeError
        If one of the options does not exist.
    ValueError
        If an option has an invalid value, or the BOLD is not usable.
    """
    if not isinstance(options, MarkerOptions):
        options = MarkerOptions.of(options or {})
    said = {k: float(v) for k, v in (repetition_times or {}).items() if v is not None}
    options = _with_tr(options, said, recording_file(raw))
    raw = markers_of(mark_edges(raw), file_annotations, options.marker)
    axis = axis_of(raw, options.tolerance)
    volumes = None if table is None else read_volume_table(table, options.marker)
    try:
        if choose_source(raw, axis, volumes, options) == "table":
            raw, options = _from_table(raw, volumes, options)
        else:
            volumes = None
        if volumes is None or not volumes.exact:
            expected = _n_volumes(bold)
            if expected is None:
                # Markers beyond the last row have none, whatever they are.
                options = replace(options, extra="raise")
            found = find_volume_markers(raw, n_volumes=expected, **options.finding())
            raw, marker = found.annotate(raw), found.marker
        else:
            marker = FROM_TABLE
    except MarkerError as error:
        if not said:
            raise
        raise MarkerError(f"{error} {_listed(said)}") from None
    return attach_bold(raw, bold, marker, _rows(bold), **tables)


def _n_volumes(bold: pd.DataFrame) -> int | None:
    """How many volumes there are; unknown where a table says which its rows are."""
    return bold.attrs.get("n_volumes", len(bold) if _rows(bold) is None else None)


def _rows(bold: pd.DataFrame) -> np.ndarray | None:
    every = bold.index.equals(pd.RangeIndex(bold.attrs.get("n_volumes", len(bold))))
    return None if every else bold.index.to_numpy()


def _with_tr(options: MarkerOptions, said: Mapping[str, float], name: str) -> MarkerOptions:
    """Take the most reliable repetition time, and report if other sources differ."""
    known = {"tr": options.tr} if options.tr is not None else {}
    known |= said
    if not known:
        return options
    first, tr = next(iter(known.items()))
    if any(abs(other - tr) > _SAME * tr for other in known.values()):
        logger.warning("%s: %s %s is used", name, _listed(known), first)
    return replace(options, tr=tr)


def _listed(said: Mapping[str, float]) -> str:
    each = ", ".join(f"{tr:.6g} s by {where}" for where, tr in said.items())
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
        _check_interval(onsets, table.name, options.tr)
    descriptions = raw.annotations.description
    wanted = options.marker
    if isinstance(wanted, int | np.integer):
        wanted = str(wanted)
    replaced = {FROM_TABLE, *marker_descriptions(descriptions, wanted), *table.spelled}
    logger.info("%s: volume markers from %s", recording_file(raw), table.name)
    marked = replace_markers(raw, list(replaced), onsets, FROM_TABLE)
    return marked, replace(options, marker=FROM_TABLE, stim_channel=None)


def _check_interval(onsets: np.ndarray, name: str, tr: float | None) -> None:
    measured = repetition_time(onsets)
    if tr is not None and abs(measured - tr) > 0.01 * tr:
        raise MarkerError(
            f"{name}: the volumes are {measured:.5g} s apart, but the repetition time is "
            f"said to be {tr:g} s. Correct the one that is wrong (tr)."
        )
