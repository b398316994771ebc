"""Parts of a recording: ranges of volumes that are prepared separately."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..markers.annotations import with_annotations
from ..recording import TABLES, Recording

__all__ = ["keep_volumes", "split_volumes"]

logger = logging.getLogger(__name__)


def split_volumes(
    volumes: pd.Index, parts: Sequence[tuple[int, int] | slice], name: str
) -> dict[str, np.ndarray]:
    """Find the volumes of each part.

    Parameters
    ----------
    volumes : Index
        Numbers of the volumes of a recording.
    parts : sequence of (first, stop) | sequence of slice
        Ranges of volume numbers, the stop not included.
    name : str
        The recording, for messages.

    Returns
    -------
    dict of str to ndarray of int
        Rows of the volumes in `volumes`, by what the part is called in
        messages, in the order of the volumes.

    Raises
    ------
    ValueError
        If a part is no range, holds no volume, or overlaps another.
    """
    if volumes.has_duplicates:
        raise ValueError(
            f"{name} holds volumes of the same number, as joined recordings do: parts by "
            "volume number are ambiguous. Prepare the recordings before joining them."
        )
    pieces: dict[str, np.ndarray] = {}
    taken = np.zeros(len(volumes), dtype=bool)
    for first, stop in sorted(_bounds(part, volumes) for part in parts):
        inside = (volumes >= first) & (volumes < stop)
        if not inside.any():
            raise ValueError(
                f"{name} has no volume in the part ({first}, {stop}); it has volumes "
                f"{volumes.min()} to {volumes.max()}."
            )
        if (inside & taken).any():
            raise ValueError(
                f"Parts of {name} overlap: volume {volumes[inside & taken][0]} is in two "
                "of them. The stop of a part is not included in it."
            )
        taken |= inside
        pieces[f"{name}, volumes {first} to {stop - 1}"] = np.flatnonzero(inside)
    if not pieces:
        raise ValueError("parts is empty: give at least one range of volumes, or None.")
    return pieces


def _bounds(part: tuple[int, int] | slice, volumes: pd.Index) -> tuple[int, int]:
    if isinstance(part, slice):
        start = volumes.min() if part.start is None else part.start
        stop = volumes.max() + 1 if part.stop is None else part.stop
        bounds = (start, stop) if part.step in (None, 1) else ()
    else:
        bounds = tuple(part) if np.iterable(part) else ()
    valid = len(bounds) == 2 and all(
        isinstance(bound, int | np.integer) and bound >= 0 for bound in bounds
    )
    if not valid:
        raise ValueError(
            f"A part must be two volume numbers (first, stop) or a slice of them, counted "
            f"from 0 and without a step; got {part!r}."
        )
    return int(bounds[0]), int(bounds[1])


def keep_volumes(recording: Recording, rows: np.ndarray) -> Recording:
    """Remove the BOLD from the markers of all other volumes.

    Parameters
    ----------
    recording : Recording
        It is not changed.
    rows : ndarray of int
        Rows of the volumes to keep, among those that carry BOLD.

    Returns
    -------
    Recording
        Shares the EEG with `recording`. Volumes keep their numbers.
    """
    positions = recording.volume_annotations()
    left_out = np.delete(positions, rows)
    if not len(left_out):
        return recording
    logger.info(
        "%s: %d of %d volumes are in no part and left out",
        recording.name,
        len(left_out),
        len(positions),
    )
    kinds = tuple(f"{kind}:" for kind in TABLES)
    annotations = recording.raw.annotations.copy()
    extras = [dict(row) for row in annotations.extras]
    for position in left_out:
        extras[position] = {
            key: value
            for key, value in extras[position].items()
            if key != "volume" and not key.startswith(kinds)
        }
    annotations.extras = extras
    return replace(recording, raw=with_annotations(recording.raw, annotations))
