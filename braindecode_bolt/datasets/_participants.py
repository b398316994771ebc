"""What participants.tsv of a BIDS data set says about subjects."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from .._text import listed
from ._files import DataFolderError, check_regular

__all__ = ["read_sites"]

logger = logging.getLogger(__name__)


def read_sites(root: str | Path) -> dict[str, str]:
    """Read where subjects were recorded.

    Parameters
    ----------
    root : str | Path
        The data set.

    Returns
    -------
    dict of str to str
        Site by label of the subject, where there is one and no more. Empty where
        there is no ``participants.tsv``, or no column ``site`` in it.

    Raises
    ------
    DataFolderError
        If the file is not a table.
    """
    file = Path(root).expanduser() / "participants.tsv"
    if not file.exists():
        if file.is_symlink():
            logger.warning(
                "%s is a link to a file that is not there, so sites are not known; get "
                "its content (git annex get, datalad get)",
                file.name,
            )
        return {}
    check_regular(file)
    try:
        table = pd.read_csv(
            file, sep="\t", dtype=str, na_values=["n/a"], encoding="utf-8-sig"
        )
    except pd.errors.EmptyDataError:
        return {}
    except ValueError as error:
        raise DataFolderError(f"{file.name} is not a table: {error}") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise DataFolderError(
            f"{file.name} is not a table: its rows have more values than the first row "
            "has names."
        )
    table.columns = table.columns.str.lower()
    if not {"participant_id", "site"} <= set(table):
        return {}
    known = table[["participant_id", "site"]].dropna().drop_duplicates()
    labels = known["participant_id"].str.removeprefix("sub-")
    several = labels.duplicated(keep=False)
    if several.any():
        logger.warning(
            "%s gives more than one site for %d subjects, and none is used for them: %s",
            file.name,
            labels[several].nunique(),
            listed(sorted(set(labels[several]))),
        )
    return dict(zip(labels[~several], known["site"][~several], strict=True))
