"""The published split between subjects."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ._base import Fold, Splitter, read_origin
from ._origin import Origin

__all__ = ["PublishedSplit"]

logger = logging.getLogger(__name__)

_NUMBER = re.compile(r"(?:sub-?|ses-?|run-?|scan-?)?(\d+)", re.IGNORECASE)
_SCAN = re.compile(r"sub-?(\d+)[-_](?:scan|ses|run)-?(\d+)", re.IGNORECASE)


class PublishedSplit(Splitter):
    """The one split between subjects that the paper reports.

    18 scans are trained on, 5 validated on and 6 tested
    (:data:`~braindecode_bolt.datasets.PUBLISHED_SPLIT`); both scans of a person
    are on one side. The validation scans count as training;
    :meth:`validation_rows` tells them. Scans are found by subject and session,
    as :class:`~braindecode_bolt.datasets.NeuroBOLTDataset` names them, or by
    subject and run where there is no session; groups of plain arrays are names
    such as ``sub01-scan02``. What lacks is counted and logged.

    Parameters
    ----------
    ignore_others : bool
        Leave out recordings that are in no part of the split, which is logged.
        By default they are an error.

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

    def __init__(self, ignore_others: bool = False):
        self.ignore_others = ignore_others

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: np.ndarray | None = None
    ) -> int:
        """Give 1; arguments are not used."""
        return 1

    def validation_rows(  # noqa: D102 (as in Splitter)
        self, X: Any, train: np.ndarray, groups: np.ndarray | None = None
    ) -> np.ndarray | None:
        valid = np.flatnonzero(self._parts(_scans(X, groups))[train] == "validation")
        return valid if len(valid) else None

    def _folds(self, X: Any, groups: np.ndarray | None) -> Iterator[Fold]:
        from ..datasets import PUBLISHED_SPLIT

        scans = _scans(X, groups)
        parts = self._parts(scans)
        there = set(scans[parts != ""])
        for part in ("train", "test"):
            if not there & set(PUBLISHED_SPLIT[part]):
                raise ValueError(
                    f"None of the {len(PUBLISHED_SPLIT[part])} {part} scans of the "
                    f"published split is there. Found: {_some(np.unique(scans))}. Expected "
                    f"subject and session of {', '.join(PUBLISHED_SPLIT[part])}."
                )
        missing = {
            part: sorted(set(names) - there) for part, names in PUBLISHED_SPLIT.items()
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
        if (parts == "").any():
            others = np.unique(scans[parts == ""])
            logger.info(
                "%d recordings that are in no part of the published split are left out: %s",
                len(others),
                _some(others),
            )
        training = np.isin(parts, ["train", "validation"])
        yield np.flatnonzero(training), np.flatnonzero(parts == "test")

    def _parts(self, scans: np.ndarray) -> np.ndarray:
        """Part of each window, empty for those of other recordings."""
        from ..datasets import PUBLISHED_SPLIT, published_split

        published = [scan for names in PUBLISHED_SPLIT.values() for scan in names]
        known = np.isin(scans, published)
        if not (known.all() or self.ignore_others):
            others = np.unique(scans[~known])
            raise ValueError(
                f"{len(others)} recordings are in no part of the published split: "
                f"{_some(others)}. Expected subject and session of its {len(published)} "
                "scans, such as 01 and 02 for sub01-scan02. Leave the others out, or pass "
                "ignore_others=True."
            )
        parts = np.full(len(scans), "", dtype="<U10")
        if known.any():
            table = pd.Series(scans[known]).str.extract(r"sub(\d+)-scan(\d+)")
            parts[known] = published_split(table.set_axis(["subject", "session"], axis=1))
        return parts


def _scans(X: Any, groups: np.ndarray | None) -> np.ndarray:
    """Name the scan of each window as published, or as far as it has a name."""
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


def _some(names: np.ndarray) -> str:
    return ", ".join(map(str, names[:8])) + (", ..." if len(names) > 8 else "")
