"""What the names of EEG files say about the recording."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mne_bids import get_entities_from_fname

from .._text import listed
from ._files import DataFolderError, without_ending

__all__ = [
    "check_labels",
    "choose_subjects",
    "described",
    "entities_of",
    "example_pattern",
    "is_bids_eeg",
    "label_key",
    "nearly_matched",
]

logger = logging.getLogger(__name__)

_ENTITIES = ("subject", "session", "task", "run")
# File names of data sets in wide use that are older than BIDS.
_KNOWN_NAMES = (
    re.compile(r"(?P<subject>S\d+)R(?P<run>\d+)"),  # PhysioNet eegmmidb
    re.compile(r"(?P<subject>Subject\d+)_(?P<run>\d+)"),  # PhysioNet eegmat
)


def is_bids_eeg(path: Path) -> bool:
    """Whether a file is named as BIDS names EEG."""
    return path.name.startswith("sub-") and without_ending(path).endswith("_eeg")


def entities_of(files: Iterable[Path], pattern: str | None) -> dict[Path, dict[str, str]]:
    """Read subject, session, task and run from names of files.

    Parameters
    ----------
    files : iterable of Path
        EEG files.
    pattern : str | None
        Regular expression with the group ``subject`` and, if they occur,
        ``session``, ``task`` and ``run``, which matches the whole name, with or
        without its ending. By default BIDS names and those of PhysioNet's
        eegmmidb and eegmat are understood.

    Returns
    -------
    dict of Path to dict of str
        Labels of letters, digits and ``+``, for each file whose name says the
        subject.

    Raises
    ------
    DataFolderError
        If the pattern is no regular expression or lacks the group ``subject``, or
        labels differ only in what is left out of them.
    """
    patterns = _KNOWN_NAMES if pattern is None else (_compiled(pattern),)
    found, written = {}, {}
    for file in files:
        labels = _bids_entities(file) if pattern is None else {}
        if "subject" not in labels:
            labels = _matched(file, patterns)
        if not labels.get("subject"):
            continue
        plain = {key: _plain(label) for key, label in labels.items()}
        for key, label in labels.items():
            if not plain[key]:
                raise DataFolderError(
                    f"{file.name}: the {key} {label!r} has no letter or digit."
                )
            first = written.setdefault((key, plain[key]), label)
            if first != label:
                raise DataFolderError(
                    f"The {key} labels {first!r} and {label!r} differ only in characters "
                    f"other than letters and digits, which are left out ({plain[key]!r}). "
                    "Use a pattern that gives different labels."
                )
        found[file] = plain
    return found


def _compiled(pattern: str) -> re.Pattern:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataFolderError(
            f"The pattern {pattern!r} is no regular expression: {error}."
        ) from error
    unknown = sorted(set(compiled.groupindex) - set(_ENTITIES))
    if "subject" not in compiled.groupindex or unknown:
        groups = listed(compiled.groupindex) or "none"
        raise DataFolderError(
            f"The pattern {pattern!r} must have the group (?P<subject>...) and may have "
            f"the groups session, task and run; it has {groups}. An example: "
            "'(?P<subject>p[0-9]+)_(?P<run>[0-9]+)'."
        )
    return compiled


def _bids_entities(path: Path) -> dict[str, str]:
    if not path.name.startswith("sub-"):
        return {}
    entities = get_entities_from_fname(path, on_error="ignore")
    return {key: entities[key] for key in _ENTITIES if entities.get(key)}


def _matched(path: Path, patterns: Iterable[re.Pattern]) -> dict[str, str]:
    for pattern in patterns:
        match = pattern.fullmatch(without_ending(path)) or pattern.fullmatch(path.name)
        if match:
            return {key: value for key, value in match.groupdict().items() if value}
    return {}


def choose_subjects(
    found: Mapping[Path, dict[str, str]],
    subjects: Sequence[str] | None,
    folder: str | Path,
) -> dict[Path, dict[str, str]]:
    """Keep the files of some subjects, all of whom must be there.

    Parameters
    ----------
    found : mapping of Path to dict of str
        Files, with their entities.
    subjects : sequence of str | None
        Labels, with or without ``sub-``; None for all.
    folder : str | Path
        Where they are, for the message.

    Raises
    ------
    DataFolderError
        If there is no such subject.
    ValueError
        If `subjects` is no list.
    """
    if subjects is None:
        return dict(found)
    if isinstance(subjects, str):
        raise ValueError(f"subjects must be a list of labels, got {subjects!r}.")
    wanted = {label_key(str(each).removeprefix("sub-")): str(each) for each in subjects}
    there = {
        label_key(entities["subject"]): entities["subject"] for entities in found.values()
    }
    unknown = [label for key, label in wanted.items() if key not in there]
    if unknown:
        raise DataFolderError(
            f"{folder} has no subjects {', '.join(unknown)}; it has "
            f"{listed(there.values(), 100)}."
        )
    return {
        file: entities
        for file, entities in found.items()
        if label_key(entities["subject"]) in wanted
    }


def nearly_matched(files: Iterable[Path], pattern: str) -> str:
    """Say what a pattern that matches no whole name matches; empty where nothing.

    Parameters
    ----------
    files : iterable of Path
        EEG files.
    pattern : str
        A regular expression that matches none of their names.

    Returns
    -------
    str
        A sentence with a space in front.
    """
    compiled = _compiled(pattern)
    for file in files:
        name = without_ending(file)
        part = compiled.search(name)
        if part and part[0]:
            before = ".*?" if part.start() else ""
            after = ".*" if part.end() < len(name) else ""
            return (
                f" It must match the whole name: it finds {part[0]!r} in {name!r}. Then "
                f"write pattern='{before}{pattern}{after}'."
            )
    return ""


def example_pattern(files: Sequence[Path]) -> str:
    """Write a pattern for names such as these."""
    names = [without_ending(file) for file in files]
    if names and all("_" in name for name in names):
        return "(?P<subject>[^_]+)_(?P<run>.+)"
    return "(?P<subject>.+)"


def _plain(label: str) -> str:
    return "".join(c for c in label if c == "+" or (c.isascii() and c.isalnum()))


def label_key(label: str) -> str:
    """Reduce a label to what labels of the same subject have in common."""
    plain = label.strip().casefold()
    return plain.lstrip("0") or plain[:1]


def check_labels(subjects: Iterable[str]) -> None:
    """Warn if labels of subjects differ in zeros, capitals or spaces only.

    Parameters
    ----------
    subjects : iterable of str
        Labels. They still count as different subjects.
    """
    alike: dict[str, list[str]] = {}
    for label in dict.fromkeys(subjects):
        alike.setdefault(label_key(label), []).append(label)
    for labels in alike.values():
        if len(labels) > 1:
            logger.warning(
                "The subjects %s differ only in capitals, zeros or spaces, and count as "
                "different subjects. If they are the same subject, rename the files: "
                "training and test data would otherwise share a subject",
                " and ".join(map(repr, labels)),
            )


def described(entities: Mapping[str, str]) -> str:
    """Write entities as BIDS does, ``sub-01_run-2``."""
    short = {"subject": "sub", "session": "ses"}
    return "_".join(f"{short.get(k, k)}-{v}" for k, v in entities.items())
