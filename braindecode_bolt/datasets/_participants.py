"""What participants.tsv of a BIDS data set says about subjects."""

from __future__ import annotations

import logging
from pathlib import Path

from ._files import listed
from ._region_tables import read_text_table

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
    if not file.stat().st_size:
        return {}
    table = read_text_table(file, dtype=str)
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
