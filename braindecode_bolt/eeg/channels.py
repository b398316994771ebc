"""Channel names: one spelling for all recording systems, and what is not scalp EEG."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import mne
import numpy as np

from .._text import counted

__all__ = [
    "ChannelNameError",
    "channel_kind",
    "match_channels",
    "normalize_channel_name",
]

logger = logging.getLogger(__name__)

# Channels of an EEG file that are not scalp EEG. Names that contain EOG, ECG, EKG or
# EMG count whatever stands around it (VEOGo, HEOGli, ECG1, L-EMG); the long words count
# with anything behind them (Resp, Respiration, StimTrak); the short ones only if no
# letter follows (CWL1, AUX-2, but not "DCx").
_AUXILIARY = re.compile(
    r".*(EOG|ECG|EKG|EMG).*"
    r"|(RESP|STIM|TRIG|STATUS|MARKER|EVENT|ANNOT|EDF ANNOT|PHOT|PLET|PULS|AIRFLOW|THORA"
    r"|ABDO|SNOR|PUPIL|GAZE|COUNTER|CARBON).*"
    r"|(CHIN|CWL|CW|BCG|PPG|SPO2|SAO2|ETCO2|CO2|GSR|EDA|SCR|STI|TRG|MKR|BIP|AUX|DC|EXG|ERG"
    r"|ACC|TEMP|MIC|AUDIO|SYNC|HR|BP|LOC|ROC|IO|SO|LO)"
    r"([^A-Z].*)?"
)
# References and ground: a separate wire, or the difference of two ears.
_EARS = r"[AM][12]"
_REFERENCE_DIFFERENCE = re.compile(rf"{_EARS}[-+/_: ]+{_EARS}")
_SIDE = r"(L|R|LI|RE|LEFT|RIGHT)"
_REFERENCE = re.compile(
    rf"({_SIDE}[ _\-.]?)?(EAR|EARLOBE|MASTOID)([ _\-.]?{_SIDE})?\d?"
    r"|V?REF|VERTEX REFERENCE|REFERENCE|GND|GROUND"
)
_REFERENCE_SUFFIX = re.compile(
    r"\s*[-_ :]\s*(REF|LE|AVG|AVE|AR|CAR|A1|A2|M1|M2|A1\+?A2|M1\+?M2)$", re.IGNORECASE
)
# Electrodes that were renamed when the 10-20 system became the 10-10 system.
_RENAMED = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
_OTHER_NAME = _RENAMED | {new: old for old, new in _RENAMED.items()}
_PREFIX = re.compile(r"^EEG[ _\-:.]*(?=\S)", re.IGNORECASE)
# BioSemi's nets: a letter per bundle of 32 electrodes.
_BUNDLE = re.compile(r"[A-H]0?([1-9]|[12]\d|3[0-2])")


class ChannelNameError(ValueError):
    """A channel name that cannot be used."""


@cache
def _spellings() -> dict[str, str]:
    """Upper-case name -> the spelling used throughout (that of MNE's montages)."""
    from braindecode.models.labram import LABRAM_CHANNEL_ORDER
    from mne.channels import make_standard_montage

    names = list(LABRAM_CHANNEL_ORDER)
    names += make_standard_montage("colin27_1005").ch_names
    return {name.upper(): name for name in names}


def strip_decoration(name: str) -> str:
    """Remove what recording systems add: ``EEG `` in front, dots at the end."""
    cleaned = re.sub(r"\s+", " ", name.strip()).rstrip(".").strip()
    return _PREFIX.sub("", cleaned).strip()


@cache
def normalize_channel_name(name: str) -> str:
    """Give an electrode the spelling of MNE's standard montages.

    Upper and lower case, a leading ``EEG``, trailing dots and the name of a
    common reference do not matter: ``"EEG Fp1-REF"``, ``"FP1"`` and ``"Fp1.."``
    all become ``"Fp1"``. A name that is known unchanged has priority
    (``"FP1-F7"`` is a row of LaBraM's channel embedding), and ``T3`` stays
    ``T3``: it and ``T7`` are different rows there.

    Parameters
    ----------
    name : str
        The name in the file.

    Returns
    -------
    str
        The standard spelling, or the name without its decoration if it is
        neither an electrode of the 10-05 system nor a row of LaBraM's channel
        embedding.

    Examples
    --------
    >>> from braindecode_bolt.eeg import normalize_channel_name
    >>> normalize_channel_name("EEG Fp1-REF"), normalize_channel_name("Fc5.")
    ('Fp1', 'FC5')
    """
    known = _spellings()
    stripped = strip_decoration(name)
    if not _REFERENCE_DIFFERENCE.fullmatch(stripped.upper()):
        for candidate in (name.strip(), stripped, _REFERENCE_SUFFIX.sub("", stripped)):
            if candidate.upper() in known:
                return known[candidate.upper()]
    return stripped


@cache
def channel_kind(name: str) -> str:
    """Say what a channel name stands for.

    Parameters
    ----------
    name : str
        The name in the file.

    Returns
    -------
    {"eeg", "auxiliary", "reference", "unknown"}
        ``"eeg"`` for an electrode of the 10-05 system or a row of LaBraM's
        channel embedding; ``"auxiliary"`` for ECG, EOG, EMG, respiration,
        carbon-wire loops and the like; ``"reference"`` for the difference of
        two references (``A2-A1``), ear clips and ground; else ``"unknown"``.
        The names that dense nets give their electrodes (``A1`` to ``D32``)
        cannot be judged one by one: see ``montage`` of
        :func:`~braindecode_bolt.prepare_eeg`.

    Examples
    --------
    >>> from braindecode_bolt.eeg import channel_kind
    >>> [channel_kind(n) for n in ("Fc5.", "ECG ECG", "EEG A2-A1", "E17")]
    ['eeg', 'auxiliary', 'reference', 'unknown']
    """
    stripped = strip_decoration(name).upper()
    if _REFERENCE_DIFFERENCE.fullmatch(stripped) or _REFERENCE.fullmatch(stripped):
        return "reference"
    if normalize_channel_name(name).upper() in _spellings():
        return "eeg"
    return "auxiliary" if _AUXILIARY.fullmatch(stripped) else "unknown"


def scalp_channels(info: mne.Info, what: str) -> np.ndarray:
    """Find the EEG channels, without those whose names say that they are no scalp EEG.

    Parameters
    ----------
    info : mne.Info
        Channels with their types.
    what : str
        What they belong to, for the log.

    Returns
    -------
    ndarray of int
        Positions of channels of type EEG. ECG, EOG, references and the like that
        have this type are left out and logged.
    """
    picks = mne.pick_types(info, eeg=True, exclude=())
    others = [
        i for i in picks if channel_kind(info["ch_names"][i]) in ("auxiliary", "reference")
    ]
    if others:
        logger.info(
            "%s: %s of type EEG left out, not scalp EEG: %s",
            what,
            counted(len(others), "channel"),
            ", ".join(info["ch_names"][i] for i in others),
        )
    return np.setdiff1d(picks, others)


def net_names(names: Iterable[str]) -> list[str]:
    """List the names that a dense net gives its own electrodes.

    BioSemi's nets of 128 and more electrodes (and depth electrodes) are called
    ``A1`` to ``H32``. Some of these names are also ears and sites of the 10-05
    system (``A1``, ``A2``, ``C1`` to ``C6``, ``F1`` to ``F10``), at quite
    different places.

    Parameters
    ----------
    names : iterable of str
        All EEG channels of a recording, in any spelling.

    Returns
    -------
    list of str
        The names of the net; empty if the names are those of the 10-05 system.
        Names such as ``E17`` (EGI) stand for nothing else and do not count.
    """
    lettered, clear, foreign = [], 0, 0
    for name in names:
        if _BUNDLE.fullmatch(normalize_channel_name(name).upper()):
            lettered.append(name)
            known = channel_kind(name) == "eeg"
            # E1, E2, ... alone are EGI's.
            foreign += not known and not strip_decoration(name).upper().startswith("E")
        elif channel_kind(name) == "eeg":
            clear += 1
    return lettered if foreign > clear else []


def check_names_of_sites(names: Sequence[str], where: str) -> None:
    """Raise if names cannot be taken for sites of the 10-05 system.

    Parameters
    ----------
    names : sequence of str
        All EEG channels, in any spelling.
    where : str
        What they belong to, for the message.

    Raises
    ------
    ChannelNameError
        If they are the names of a dense net.
    """
    found = net_names(names)
    if found:
        raise ChannelNameError(
            f"{where}: {len(found)} channels are called {', '.join(found[:3])}, ..., "
            f"{found[-1]}, the names of a dense net (or of depth electrodes). A1, A2 and "
            "C1 to C6 of a net are not the ears and 10-20 sites of these names. Say which "
            'net it is when the EEG is prepared: prepare_eeg(montage="biosemi128"), any '
            'other montage of MNE, or montage="recorded" for the positions in the file. '
            "Or rename the channels (Raw.rename_channels)."
        )


def check_unique(names: Sequence[str], where: str) -> None:
    """Raise if two channels have the same name.

    Parameters
    ----------
    names : sequence of str
        Channel names, normalised.
    where : str
        What they belong to, for the message.

    Raises
    ------
    ChannelNameError
        If a name is there twice.
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
        If neither is given, if the two differ, if a name is there twice, if a
        channel is not scalp EEG (ECG, EOG, ...), or if the names are those of a
        dense net.
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
    names = from_info if from_info is not None else list(ch_names)
    check_names_of_sites(names, "The model")
    others = [name for name in names if channel_kind(name) in ("auxiliary", "reference")]
    if others:
        raise ChannelNameError(
            f"The model: {', '.join(others)} is not scalp EEG. Leave such channels out of "
            "the windows (prepare_eeg does)."
        )
    normalised = [normalize_channel_name(name) for name in names]
    check_unique(normalised, "The model")
    return normalised


def match_channels(wanted: Sequence[str], available: Sequence[str], what: str) -> list[int]:
    """Find channels by name among those that a model or file was made for.

    An exact name has priority. Otherwise the two names of one electrode
    (``T3`` and ``T7``, ``T4`` and ``T8``, ``T5`` and ``P7``, ``T6`` and ``P8``)
    count as the same, which is logged.

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
        If one is missing, if two stand for the same, or if the wanted names are
        those of a dense net.

    Examples
    --------
    >>> from braindecode_bolt.eeg import match_channels
    >>> match_channels(["T3", "EEG Cz-REF"], ["Fz", "Cz", "T7"], "The model")
    [2, 1]
    """
    check_names_of_sites(wanted, "The windows")
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
