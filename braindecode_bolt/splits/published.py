"""The published split between subjects."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .._text import listed
from ._base import Fold, Splitter
from .origin import Origin, read_origin

__all__ = ["PublishedSplit"]

logger = logging.getLogger(__name__)

_NUMBER = re.compile(r"(?:sub-?|ses-?|run-?|scan-?)?(\d+)", re.IGNORECASE)
_SCAN = re.compile(r"sub-?(\d+)[-_](?:scan|ses|run)-?(\d+)", re.IGNORECASE)


class PublishedSplit(Splitter):
    """The one split between subjects that the paper reports.

    18 scans are for training, 5 for validation and 6 for test
    (:data:`~braindecode_bolt.datasets.PUBLISHED_SPLIT`); both scans of a subject are
    on one side. The validation scans belong to the training part;
    :meth:`validation_rows` finds them. Scans are identified by subject and session,
    as :class:`~braindecode_bolt.datasets.NeuroBOLTDataset` names them, or by subject
    and run if there is no session. Groups of plain arrays are names such as
    ``sub01-scan02``. Missing scans are counted and logged.

    Parameters
    ----------
    ignore_unknown : bool
        Leave out recordings that are not in the published split, and log them. By
        default (False) they are an error.

    See Also
    --------
    GapSplit : The paper's split of single scans.
    braindecode_bolt.datasets.published_split : Part of each recording of a data set.

    References
    ----------
    Li, Y., Lou, A., Xu, Z., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
    Synthesis with Multi-dimensional Feature Mapping. NeurIPS 37.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.splits import PublishedSplit
    >>> scans = np.repeat(["sub01-scan01", "sub06-scan01", "sub07-scan02"], 3)
    >>> X = np.zeros((9, 4, 800))
    >>> cv = PublishedSplit()
    >>> ((train, test),) = cv.split(X, groups=scans)
    >>> train, test
    (array([0, 1, 2, 3, 4, 5]), array([6, 7, 8]))
    >>> cv.validation_rows(X, train, scans)
    array([3, 4, 5])
    """

    n_splits = 1

    def __init__(self, ignore_unknown: bool = False):
        self.ignore_unknown = ignore_unknown

    def validation_rows(
        self, X: Any, train: np.ndarray, groups: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Find the training windows that are reserved for validation in a fit.

        Parameters
        ----------
        X : LazyWindows | SliceDataset | array-like
            The windows that were split.
        train : ndarray of int, shape (n_train,)
            The training part of a fold, rows of `X`.
        groups : array-like, shape (n_windows,) | None
            As in :meth:`split`.

        Returns
        -------
        ndarray of int, shape (n_validation,) | None
            Positions in `train`, for
            :class:`~braindecode_bolt.splits.FixedValidation`. None if no validation
            scan is among them.

        Raises
        ------
        ValueError
            As in :meth:`split`.
        """
        valid = np.flatnonzero(self._parts(_scans(X, groups))[train] == "validation")
        return valid if len(valid) else None

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        from ..datasets import PUBLISHED_SPLIT

        scans = _scans(X, groups)
        parts = self._parts(scans)
        present = set(scans[parts != ""])
        for part in ("train", "test"):
            if not present & set(PUBLISHED_SPLIT[part]):
                raise ValueError(
                    f"None of the {len(PUBLISHED_SPLIT[part])} {part} scans of the "
                    f"published split was found. Found: {listed(np.unique(scans), 8)}. "
                    f"Expected subject and session of {', '.join(PUBLISHED_SPLIT[part])}."
                )
        missing = {
            part: sorted(set(names) - present) for part, names in PUBLISHED_SPLIT.items()
        }
        if any(missing.values()):
            logger.warning(
                "%d of the %d scans of the published split are missing: %s",
                sum(map(len, missing.values())),
                sum(map(len, PUBLISHED_SPLIT.values())),
                "; ".join(
                    f"{p}: {', '.join(names)}" for p, names in missing.items() if names
                ),
            )
        unknown = np.unique(scans[parts == ""])
        if len(unknown):
            logger.info(
                "Recordings left out since they are not in the published split: %d (%s)",
                len(unknown),
                listed(unknown, 8),
            )
        training = np.isin(parts, ["train", "validation"])
        yield np.flatnonzero(training), np.flatnonzero(parts == "test")

    def _parts(self, scans: np.ndarray) -> np.ndarray:
        """Part of each window; empty for recordings that are not in the split."""
        from ..datasets import PUBLISHED_SPLIT, published_split

        published = [scan for names in PUBLISHED_SPLIT.values() for scan in names]
        known = np.isin(scans, published)
        if not (known.all() or self.ignore_unknown):
            unknown = np.unique(scans[~known])
            raise ValueError(
                f"Recordings that are not in the published split: {len(unknown)} "
                f"({listed(unknown, 8)}). Expected subject and session of its "
                f"{len(published)} scans, such as 01 and 02 for sub01-scan02. Leave these "
                "recordings out, or pass ignore_unknown=True."
            )
        parts = np.full(len(scans), "", dtype="<U10")
        if known.any():
            table = pd.Series(scans[known]).str.extract(r"sub(\d+)-scan(\d+)")
            parts[known] = published_split(table.set_axis(["subject", "session"], axis=1))
        return parts


def _scans(X: Any, groups: np.ndarray | None) -> np.ndarray:
    """Name the scan of each window as published, or its recording if that fails."""
    origin = read_origin(X, groups)
    if origin is None:
        found = [(_SCAN.fullmatch(str(label)), str(label)) for label in groups]
        return np.array([_scan(*m.groups()) if m else name for m, name in found])
    scans = np.empty(len(origin), dtype=object)
    first_of: dict[str, int] = {}
    for recording in np.unique(origin.recordings):
        rows = np.flatnonzero(origin.recordings == recording)
        name = _name(origin, rows[0])
        if name in first_of and _SCAN.fullmatch(name):
            raise ValueError(
                f"Two recordings are {name}: {origin.name(first_of[name])} and "
                f"{origin.name(rows[0])}. Leave one of them out."
            )
        first_of[name] = rows[0]
        scans[rows] = name
    return scans.astype(str)


def _name(origin: Origin, row: int) -> str:
    labels = {key: origin.column(key)[row] for key in ("subject", "session", "run")}
    scan = labels["run"] if labels["session"] is None else labels["session"]
    numbers = [_NUMBER.fullmatch(str(label)) for label in (labels["subject"], scan)]
    if None in numbers:
        return origin.name(row)
    return _scan(*(number[1] for number in numbers))


def _scan(subject: str, session: str) -> str:
    return f"sub{int(subject):02d}-scan{int(session):02d}"
