"""Which regions of a BOLD table are used."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import pandas as pd

from .._series import plain_name
from .coupling.rhythms import ROIS

__all__ = ["PAPER_ROIS", "UnknownRegionError", "choose_regions", "region_names"]

#: The seven regions of the paper.
PAPER_ROIS = ROIS


class UnknownRegionError(ValueError):
    """A region that the tables do not have."""


def region_names(rois: str | Sequence[str] | None) -> list[str] | None:
    """Read the argument ``rois`` of a data set.

    Parameters
    ----------
    rois : "paper" | sequence of str | None
        The seven of the paper, or names.

    Returns
    -------
    list of str | None
        With straight apostrophes. None for all regions.

    Raises
    ------
    ValueError
        If it is neither, or names a region twice.
    """
    if rois is None:
        return None
    if isinstance(rois, str) and rois != "paper":
        raise ValueError(f"rois must be 'paper', a list of names or None, got {rois!r}.")
    names = [plain_name(name) for name in (PAPER_ROIS if rois == "paper" else rois)]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"rois must be different region names, got {list(rois)}.")
    return names


def choose_regions(bold: pd.DataFrame, rois: list[str] | None, where: str) -> pd.DataFrame:
    """Take some regions of a table.

    Parameters
    ----------
    bold : pandas.DataFrame, shape (n_volumes, n_rois)
        The table.
    rois : list of str | None
        What :func:`region_names` gives.
    where : str
        What the table is, for the message.

    Returns
    -------
    pandas.DataFrame, shape (n_volumes, len(rois))
        Its columns have straight apostrophes.

    Raises
    ------
    UnknownRegionError
        If it lacks a region; names like it are listed.
    """
    bold = bold.rename(columns=plain_name)
    if rois is None:
        return bold
    unknown = [roi for roi in rois if roi not in bold.columns]
    if unknown:
        by_lower = {name.lower(): name for name in bold.columns}
        near = [
            f"{roi!r} (near: {', '.join(by_lower[n] for n in matches) or 'nothing'})"
            for roi in unknown
            for matches in [difflib.get_close_matches(roi.lower(), by_lower, cutoff=0.5)]
        ]
        raise UnknownRegionError(
            f"{where} has no region {'; '.join(near)}. It has {', '.join(bold.columns)}."
        )
    return bold[rois]
