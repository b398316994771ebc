"""Blocks of several volumes per window: their targets, and the mean where they overlap."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from ..splits.origin import Origin

__all__ = ["block_targets", "earlier_rows", "overlapping_mean"]

logger = logging.getLogger(__name__)


def earlier_rows(X: Any, n_volumes: int) -> np.ndarray:
    """Find the windows of the volumes before each window.

    Parameters
    ----------
    X : LazyWindows | Dataset
        Windows. If they do not know their recordings and volumes, no window has
        earlier ones, and a warning is logged.
    n_volumes : int
        Volumes of a block, the last of which is that of the window.

    Returns
    -------
    ndarray of int, shape (n_windows, n_volumes)
        Row of the window of each volume of the block; -1 where there is none. The
        last column is each window's own row.
    """
    rows = np.arange(len(X))
    if n_volumes == 1:
        return rows[:, None]
    origin = Origin.of(X)
    if origin is None or "volume" not in origin.table:
        logger.warning(
            "These windows do not know their recording and volume, as those of "
            "create_bold_windows do: of %d volumes per window only the last is used.",
            n_volumes,
        )
        return np.column_stack([np.full((len(X), n_volumes - 1), -1), rows])
    volumes = origin.table["volume"].to_numpy()
    places = {
        key: row for row, key in enumerate(zip(origin.recordings, volumes, strict=True))
    }
    return np.array(
        [
            [places.get((recording, volume - back), -1) for back in range(n_volumes)][::-1]
            for recording, volume in zip(origin.recordings, volumes, strict=True)
        ]
    )


def block_targets(targets: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Arrange targets in blocks.

    Parameters
    ----------
    targets : ndarray, shape (n_windows, n_outputs)
        BOLD of the volume of each window.
    rows : ndarray of int, shape (n_windows, n_volumes)
        From :func:`earlier_rows`.

    Returns
    -------
    ndarray, shape (n_windows, n_volumes, n_outputs)
        NaN where a volume has no window.
    """
    blocks = targets[rows]
    blocks[rows < 0] = np.nan
    return blocks


def overlapping_mean(blocks: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Average the predictions of each volume over the windows whose block holds it.

    Parameters
    ----------
    blocks : ndarray, shape (..., n_windows, n_volumes, n_outputs)
        Predictions of blocks.
    rows : ndarray of int, shape (n_windows, n_volumes)
        From :func:`earlier_rows`.

    Returns
    -------
    ndarray, shape (..., n_windows, n_outputs)
        One prediction per volume.
    """
    there = rows >= 0
    of, values = rows[there], np.moveaxis(blocks[..., there, :], -2, 0)
    total = np.zeros((len(rows), *values.shape[1:]))
    np.add.at(total, of, values)
    counts = np.bincount(of, minlength=len(rows))
    total /= counts.reshape(-1, *(1,) * (total.ndim - 1))
    return np.moveaxis(total, 0, -2)
