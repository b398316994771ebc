"""Which kind of data set a folder holds."""

from __future__ import annotations

import logging
from dataclasses import fields
from pathlib import Path
from typing import Any

from ._base import EEGfMRIDataset
from ._files import existing_folder
from .bids import BIDSEEGfMRI
from .folder import EEGfMRIFolder
from .neurobolt import NeuroBOLTDataset

__all__ = ["KINDS", "open_dataset"]

logger = logging.getLogger(__name__)

#: Kinds of folders, in the order in which they are recognised.
KINDS: dict[str, type[EEGfMRIDataset]] = {
    "neurobolt": NeuroBOLTDataset,
    "bids": BIDSEEGfMRI,
    "folder": EEGfMRIFolder,
}


def open_dataset(
    folder: str | Path, kind: str | None = None, **options: Any
) -> EEGfMRIDataset:
    """Open a folder of recordings of any kind.

    Parameters
    ----------
    folder : str | Path
        Where the recordings are.
    kind : {"neurobolt", "bids", "folder"} | None
        What it holds: the published NeuroBOLT release
        (:class:`NeuroBOLTDataset`), a BIDS data set (:class:`BIDSEEGfMRI`), or EEG
        files with tables beside them (:class:`EEGfMRIFolder`). By default the
        first if there are files such as ``sub01-scan01.pkl``, the second if there
        is a ``dataset_description.json``, else the third.
    **options : object
        Arguments of the class; None means not given.

    Returns
    -------
    EEGfMRIDataset
        Of the class for this kind. Its ``load()`` opens the recordings.

    Raises
    ------
    DataFolderError
        If there is no such folder.
    ValueError
        If `kind` is unknown, or does not take one of the options.

    Examples
    --------
    >>> from braindecode_bolt.datasets import open_dataset
    >>> recordings = open_dataset("my_study", tr=2.1).load()  # doctest: +SKIP
    """
    folder = existing_folder(folder)
    if kind is None:
        kind = _recognise(folder)
        logger.info("%s is read as %s (%s)", folder, kind, KINDS[kind].__name__)
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
    given = {name: value for name, value in options.items() if value is not None}
    taken = [f.name for f in fields(KINDS[kind]) if f.name not in ("root", "data_dir")]
    unknown = [name for name in given if name not in taken]
    if unknown:
        raise ValueError(
            f"A data set of the kind {kind!r} takes no {', '.join(unknown)}; it takes "
            f"{', '.join(taken)}."
        )
    return KINDS[kind](folder, **given)


def _recognise(folder: Path) -> str:
    if any(folder.rglob("sub[0-9]*-scan[0-9]*.pkl")):
        return "neurobolt"
    if (folder / "dataset_description.json").exists():
        return "bids"
    return "folder"
