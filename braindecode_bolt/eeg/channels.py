"""Channel names: one spelling for every recording system, and what is not EEG."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

__all__ = [
    "ChannelNameError",
    "channel_kind",
    "match_channels",
    "normalize_channel_name",
]

logger = logging.getLogger(__name__)

# Wires that stand in an EEG file without being scalp EEG. Carbon-wire loops
# (CWL) and the ECG are recorded in nearly every scanner session.
_AUXILIARY = re.compile(
    r"(ECG|EKG|[HV]?EOG[LRUDHV]?|R?L?EMG|CHIN|CWL|BCG|RESP|PPG|PLETH|PULSE|SPO2|GSR|EDA"
    r"|STI|STIM|STATUS|TRIG|TRIGGER|MARKER|EVENT|PHOTIC|BIP|AUX|DC)"
    r"([ _\-.]?\d+)?(\b.*)?"
)
_REFERENCES = ("A1", "A2", "M1", "M2")
_REFERENCE_SUFFIX = re.compile(
    r"\s*[-_ :]\s*(REF|LE|AVG|AVE|AR|CAR|A1|A2|M1|M2|A1\+?A2|M1\+?M2)$", re.IGNORECASE
)
# Electrodes that were renamed when the 10-20 system became the 10-10 system.
_RENAMED = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
_OTHER_NAME = _RENAMED | {new: old for old, new in _RENAMED.items()}
_PREFIX = re.compile(r"^EEG[ _\-:.]*(?=\S)", re.IGNORECASE)


class ChannelNameError(ValueError):
    """A channel name that cannot be used as it is."""


@cache
def _spellings() -> dict[str, str]:
    """Upper-case name -> the spelling used throughout (that of MNE's montages)."""
    from braindecode.models.labram import LABRAM_CHANNEL_ORDER
    from mne.channels import make_standard_montage

    names = list(LABRAM_CHANNEL_ORDER)
    names += make_standard_montage("colin27_1005").ch_names
    return {name.upper(): name for name in names}


def _strip(name: str) -> str:
    """Take off what recording systems add: ``EEG `` in front, dots behind."""
    cleaned = re.sub(r"\s+", " ", name.strip()).rstrip(".").strip()
    return _PREFIX.sub("", cleaned).strip()


@cache
def normalize_channel_name(name: str) -> str:
    """Give an electrode the spelling of MNE's standard montages.

    Upper and lower case, a leading ``EEG``, trailing dots and the name of a
    common reference are of no account: ``"EEG Fp1-REF"``, ``"FP1"`` and
    ``"Fp1.."`` all become ``"Fp1"``. A name that is known as it stands wins
    over any such reading (``"FP1-F7"`` is a row of LaBraM's table), and ``T3``
    stays ``T3``: it and ``T7`` are different rows there.

    Parameters
    ----------
    name : str
        The name as it stands in the file.

    Returns
    -------
    str
        The standard spelling, or the name stripped of its decoration where it
        is no electrode of the 10-05 system and no row of LaBraM's table.

    Examples
    --------
    >>> normalize_channel_name("EEG Fp1-REF"), normalize_channel_name("Fc5.")
    ('Fp1', 'FC5')
    """
    known = _spellings()
    stripped = _strip(name)
    for candidate in (name.strip(), stripped, _REFERENCE_SUFFIX.sub("", stripped)):
        if candidate.upper() in known and not _is_reference_difference(stripped):
            return known[candidate.upper()]
    return stripped


def _is_reference_difference(stripped: str) -> bool:
    parts = re.split(r"[-_ ]", stripped.upper())
    return len(parts) == 2 and all(part in _REFERENCES for part in parts)


def channel_kind(name: str) -> str:
    """Say what a channel name stands for.

    Parameters
    ----------
    name : str
        The name as it stands in the file.

    Returns
    -------
    {"eeg", "auxiliary", "reference", "unknown"}
        ``"eeg"`` for an electrode of the 10-05 system or a row of LaBraM's
        table, ``"auxiliary"`` for ECG, EOG, EMG, carbon-wire loops and the
        like, ``"reference"`` for the difference of two references
        (``A2-A1``), else ``"unknown"``.

    Examples
    --------
    >>> [channel_kind(n) for n in ("Fc5.", "ECG ECG", "EEG A2-A1", "E17")]
    ['eeg', 'auxiliary', 'reference', 'unknown']
    """
    stripped = _strip(name)
    if _is_reference_difference(stripped):
        return "reference"
    if normalize_channel_name(name).upper() in _spellings():
        return "eeg"
    if _AUXILIARY.fullmatch(stripped.upper()):
        return "auxiliary"
    return "unknown"


def check_unique(names: Sequence[str], where: str) -> None:
    """Raise where two channels have one name.

    Parameters
    ----------
    names : sequence of str
        Channel names, normalised.
    where : str
        What they belong to, for the message.

    Raises
    ------
    ChannelNameError
        If a name stands twice.
    """
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ChannelNameError(
            f"{where}: several channels are named {', '.join(twice)} after their "
            "spelling was normalised. Rename or drop all but one of each."
        )


def same_names(first: Iterable[str], second: Iterable[str]) -> bool:
    """Whether two lists name the same channels in the same order."""
    normalised = [[normalize_channel_name(n) for n in names] for names in (first, second)]
    return normalised[0] == normalised[1]


def resolve_ch_names(
    chs_info: Sequence[dict] | None, ch_names: Sequence[str] | None
) -> list[str]:
    """Read the channel names from what a model was given.

    Parameters
    ----------
    chs_info : sequence of dict | None
        Channels as in ``mne.Info["chs"]``.
    ch_names : sequence of str | None
        A shorthand for it.

    Returns
    -------
    list of str
        Normalised names.

    Raises
    ------
    ChannelNameError
        If neither is given, if the two differ, or if a name stands twice.
    """
    if chs_info is None and ch_names is None:
        raise ChannelNameError(
            "The model needs to know its channels by name: give ch_names (or chs_info). "
            "EEGRegressor fills them in for windows of create_bold_windows; with plain "
            "arrays pass module__ch_names."
        )
    if isinstance(ch_names, str) or isinstance(chs_info, (str, Mapping)):
        raise ChannelNameError(
            "ch_names must be a list of names, chs_info a list like mne.Info['chs']; got "
            f"{type(ch_names if isinstance(ch_names, str) else chs_info).__name__}."
        )
    from_info = None if chs_info is None else [ch["ch_name"] for ch in chs_info]
    if from_info is not None and ch_names is not None:
        if not same_names(from_info, ch_names):
            raise ChannelNameError(
                f"chs_info and ch_names name different channels: {from_info} and "
                f"{list(ch_names)}. Give one of the two."
            )
    names = from_info if from_info is not None else ch_names
    normalised = [normalize_channel_name(name) for name in names]
    check_unique(normalised, "The model")
    return normalised


def match_channels(wanted: Sequence[str], available: Sequence[str], what: str) -> list[int]:
    """Find channels by name among those that something was made for.

    An exact name wins. Where there is none, the two names of one electrode
    (``T3`` and ``T7``, ``T4`` and ``T8``, ``T5`` and ``P7``, ``T6`` and ``P8``)
    stand for each other, which is logged.

    Parameters
    ----------
    wanted : sequence of str
        Channel names in any spelling.
    available : sequence of str
        Channel names, normalised.
    what : str
        What has the available channels, for the message.

    Returns
    -------
    list of int
        Position in `available` of each wanted channel.

    Raises
    ------
    ChannelNameError
        If one is missing, or two stand for the same.
    """
    position = {name: index for index, name in enumerate(available)}
    names = [normalize_channel_name(name) for name in wanted]
    check_unique(names, "The windows")
    found = {}
    for name in names:
        other = _OTHER_NAME.get(name)
        if name in position:
            found[name] = position[name]
        elif other in position and other not in names:
            logger.info("%s: channel %s is taken for %s", what, name, other)
            found[name] = position[other]
    missing = [name for name in names if name not in found]
    if missing:
        raise ChannelNameError(
            f"{what} has no channel {', '.join(missing)}; it was made for "
            f"{', '.join(available)}."
        )
    return [found[name] for name in names]
