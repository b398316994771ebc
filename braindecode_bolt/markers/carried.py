"""The BOLD that volume markers carry."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

import mne
import numpy as np
import pandas as pd

from .._series import plain_name
from .._text import counted
from .annotations import (
    MarkerError,
    check_raw,
    find_markers,
    matches_marker,
    recording_file,
    with_annotations,
)
from .joints import mark_edges

__all__ = ["TABLES", "attach_bold", "carry", "check_bold", "read_tables"]

logger = logging.getLogger(__name__)

#: What the extras of a volume's annotation hold besides its index: the BOLD
#: of each region and, where the data were simulated, what it would be without
#: noise, from the whole haemodynamic response and from the part of it that
#: lies in the window.
TABLES = ("bold", "noiseless", "noiseless_window")


def attach_bold(
    raw: mne.io.BaseRaw,
    bold: pd.DataFrame,
    marker: str | Sequence[str] | None = None,
    volumes: Sequence[int] | None = None,
    **tables: pd.DataFrame,
) -> mne.io.BaseRaw:
    """Write each volume's BOLD into the annotation that marks the volume.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG with one annotation per volume. It is not changed.
    bold : pandas.DataFrame, shape (n_volumes, n_rois)
        BOLD in any unit, a row per volume in the order of acquisition, a column per
        region. Its index is not read.
    marker : str | sequence of str | None
        Description of the volume markers, or several that mark volumes together, as in
        :class:`~braindecode_bolt.markers.MarkerOptions`; by default the usual ones.
        Markers that are written twice or missing: see :func:`find_volume_markers`.
    volumes : sequence of int | None
        Volume of each row, counted from 0 at the first marker, where some have
        no BOLD (scrubbed, or not in the steady state). Their markers carry none
        and get no window. By default there is a row for every marker.
    **tables : pandas.DataFrame
        Further tables of the same shape, ``noiseless`` and
        ``noiseless_window``, where the BOLD was simulated. Their columns are in the
        order of those of `bold`.

    Returns
    -------
    mne.io.BaseRaw
        A copy: nothing that MNE changes in place is shared with `raw`. EEG that is
        not loaded stays in its file. Joints of the recording are marked as MNE does
        (``EDGE boundary``).

    Raises
    ------
    MarkerError
        If there are no such markers, fewer or more than rows in `bold`, or fewer than
        `volumes` names.
    RecordingGapError
        If `raw` comes from an EDF+D or BDF+D file with gaps, and was not corrected by
        :func:`~braindecode_bolt.markers.mark_joints`.
    ValueError
        If `bold` is empty, has values that are not finite real numbers, a region
        without any value, or two columns of one name; if `volumes` are not ascending
        integers, one per row; if one of `tables` has another name, shape or other
        regions.
    TypeError
        If `raw` is not a Raw object, but a Recording for example.

    See Also
    --------
    find_volume_markers : Mends volume markers first, where that is needed.

    Examples
    --------
    >>> import mne, numpy as np, pandas as pd
    >>> from braindecode_bolt import Recording, attach_bold
    >>> info = mne.create_info(["Cz"], 250.0, "eeg")
    >>> raw = mne.io.RawArray(np.zeros((1, 2500)), info, verbose="error")
    >>> raw = raw.set_annotations(mne.Annotations([2.0, 4.0, 6.0], 0.0, "R128"))
    >>> bold = pd.DataFrame({"Thalamus": [1.0, 2.0, 1.5]})
    >>> Recording(attach_bold(raw, bold), subject="01").bold["Thalamus"].tolist()
    [1.0, 2.0, 1.5]
    """
    check_bold(bold, "The BOLD table")
    marked = mark_edges(check_raw(raw))
    found = find_markers(marked, marker)
    if volumes is not None:
        volumes = _check_volumes(volumes, len(bold), len(found), recording_file(raw))
        found = found[volumes]
    elif len(found) != len(bold):
        described = marked.annotations.description[found[0]]
        raise MarkerError(
            f"{recording_file(raw)} has {counted(len(found), 'volume marker')} "
            f"({described!r}) but {counted(len(bold), 'row')} of BOLD; expected one "
            "marker per row. Remove the rows of volumes without a marker (dummy scans), or "
            "the spurious markers. If the EEG began after the fMRI or ended before it, "
            "find_volume_markers(..., n_volumes=len(bold), uncovered='drop') says which "
            "rows have EEG."
        )
    for kind, table in tables.items():
        if kind not in TABLES or table.shape != bold.shape:
            raise ValueError(
                f"The table {kind!r} has the shape {table.shape}; expected one of "
                f"{', '.join(TABLES[1:])}, of the shape of bold, {bold.shape}."
            )
        if [*map(plain_name, table.columns)] != [*map(plain_name, bold.columns)]:
            raise ValueError(f"The table {kind!r} has other regions than bold.")
    tables = {kind: table.set_axis(bold.columns, axis=1) for kind, table in tables.items()}
    volumes = range(len(bold)) if volumes is None else volumes
    return carry(marked, found, volumes, {"bold": bold, **tables}, share=marked is not raw)


def _check_volumes(
    volumes: Sequence[int], n_rows: int, n_markers: int, name: str
) -> np.ndarray:
    numbers = np.asarray(volumes)
    integers = numbers.ndim == 1 and numbers.dtype.kind in "iu"
    if not integers or len(numbers) != n_rows or (np.diff(numbers) <= 0).any():
        raise ValueError(
            f"volumes must be {n_rows} ascending integers, one per row of BOLD, got "
            f"{np.array2string(numbers, threshold=6)}."
        )
    if numbers[0] < 0 or numbers[-1] >= n_markers:
        raise MarkerError(
            f"{name} has {n_markers} volume markers, but there is BOLD for the volumes "
            f"{numbers[0]} to {numbers[-1]}; expected 0 to {n_markers - 1} at most."
        )
    if n_rows < n_markers:
        without = n_markers - n_rows
        logger.info("%s: %d of %d volumes have no BOLD", name, without, n_markers)
    return numbers


def check_bold(bold: pd.DataFrame, what: str) -> None:
    """Raise ValueError if a BOLD table (`what` it is, for the message) is not usable.

    That is, if it is empty, not of real numbers, not finite in float32, has a region
    without any value, or names a region twice.
    """
    if bold.shape[0] == 0 or bold.shape[1] == 0:
        raise ValueError(f"{what} is empty: {bold.shape[0]} volumes x {bold.shape[1]}.")
    columns = pd.Index(map(plain_name, bold.columns))
    if columns.has_duplicates:
        twice = ", ".join(sorted(set(columns[columns.duplicated()])))
        raise ValueError(f"{what} names a region twice: {twice}. Rename the columns.")
    real = pd.api.types.is_any_real_numeric_dtype
    not_real = [f"{c} ({dtype})" for c, dtype in bold.dtypes.items() if not real(dtype)]
    if not_real:
        raise ValueError(
            f"{what} has columns that are not real numbers: {', '.join(not_real[:8])}. "
            "Expected one column of real numbers per region."
        )
    values = bold.to_numpy(dtype=float, na_value=np.nan)
    empty = columns[np.isnan(values).all(axis=0)]
    if len(empty):
        raise ValueError(
            f"{what} has no value in {len(empty)} of {len(columns)} regions: "
            f"{', '.join(empty[:8])}{', ...' * (len(empty) > 8)}. Leave these regions out "
            "of all recordings (rois)."
        )
    # Models and windows hold float32.
    bad = ~(np.abs(values) <= np.finfo(np.float32).max)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"{what} has {counted(bad.sum(), 'missing or non-finite value')}, "
            f"the first in volume {bold.index[row]}, region {columns[column]!r}. Leave "
            "such volumes out: their rows, and their numbers in 'volume' (a column of a "
            "file, or volumes= of attach_bold)."
        )


def volume_annotations(
    annotations: mne.Annotations, marker: str | None = None
) -> np.ndarray:
    """Find the annotations of volumes, of one description or all."""
    return np.array(
        [
            index
            for index, extras in enumerate(annotations.extras)
            if extras
            and "volume" in extras
            and (marker is None or matches_marker(annotations.description[index], marker))
        ],
        dtype=int,
    )


def read_tables(
    annotations: mne.Annotations, marker: str | None = None
) -> dict[str, pd.DataFrame]:
    """Read the tables that volume markers (of one description or all) carry, by kind."""
    volumes: list[int] = []
    rows: dict[str, list[dict[str, float]]] = {kind: [] for kind in TABLES}
    for index in volume_annotations(annotations, marker):
        volumes.append(annotations.extras[index]["volume"])
        for found in rows.values():
            found.append({})
        for key, value in annotations.extras[index].items():
            kind, colon, roi = key.partition(":")
            if colon and kind in rows:
                rows[kind][-1][roi] = value
    index = pd.Index(volumes, name="volume")
    return {
        kind: pd.DataFrame(found, index=index, dtype=float)
        for kind, found in rows.items()
        if any(found)
    }


def carry(
    raw: mne.io.BaseRaw,
    positions: Iterable[int],
    volumes: Iterable[int],
    tables: Mapping[str, pd.DataFrame],
    share: bool = False,
) -> mne.io.BaseRaw:
    """Write a row of each table, and nothing else, into the annotation of each volume.

    `positions` are those of the annotations, `volumes` the numbers of the volumes, and
    `share` is as for `with_annotations`.
    """
    annotations = raw.annotations.copy()
    kinds = tuple(f"{kind}:" for kind in TABLES)
    extras = [
        {key: value for key, value in row.items() if not key.startswith(kinds)}
        for row in annotations.extras
    ]
    # One string per region, not one per region and volume: they would take more
    # memory than the numbers.
    rows = {
        kind: ([f"{kind}:{roi}" for roi in table.columns], table.to_numpy(float).tolist())
        for kind, table in tables.items()
    }
    for row, (position, volume) in enumerate(zip(positions, volumes, strict=True)):
        # MNE takes plain Python numbers only.
        extras[position]["volume"] = int(volume)
        for keys, values in rows.values():
            extras[position] |= dict(zip(keys, values[row], strict=True))
    annotations.extras = extras
    return with_annotations(raw, annotations, share)
