"""Which channels of a recording are used, and under which names."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import mne

from .._text import counted
from ..recording import Recording, as_recordings
from .channels import (
    ChannelNameError,
    channel_kind,
    check_names_of_sites,
    check_unique,
    normalize_channel_name,
)
from .montages import SITE_DISTANCE_MM, electrode_sites

__all__ = ["choose_channels", "choose_kept", "common_channels", "find_reference"]

logger = logging.getLogger(__name__)


def common_channels(
    recordings: Sequence[Recording],
    montage: str | None = None,
    montage_distance_mm: float = SITE_DISTANCE_MM,
) -> list[str]:
    """List the electrodes that all recordings have.

    Parameters
    ----------
    recordings : iterable of Recording | BaseConcatDataset
        At least one.
    montage : str | None
        Montage of a dense net, as in :func:`~braindecode_bolt.prepare_eeg`. Default None.
    montage_distance_mm : float
        Largest distance between an electrode and the site that names it, in mm. Default
        12.

    Returns
    -------
    list of str
        Normalised names in the order of the first recording.

    Raises
    ------
    ChannelNameError
        If there is none, if an electrode of all recordings has a name outside the
        10-05 system, or if the names are those of a dense net and no montage is
        given.
    ValueError
        If there are no recordings.
    TypeError
        If they are something else, Raw objects for example.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.eeg import common_channels
    >>> few = SimulatedEEGfMRI(1, duration=60.0, ch_names=["Cz", "Pz"]).load()
    >>> more = SimulatedEEGfMRI(1, duration=60.0, ch_names=["Fz", "Pz", "Cz"]).load()
    >>> common_channels([*few, *more])
    ['Cz', 'Pz']
    """
    recordings = list(as_recordings(recordings))
    if not recordings:
        raise ValueError("There are no recordings to compare.")
    sites = [
        site_names(recording.raw, recording.name, montage, montage_distance_mm)
        for recording in recordings
    ]
    everywhere = set.intersection(*(set(unknown) for _, unknown in sites))
    if everywhere:
        found = [name for name in sites[0][1] if name in everywhere]
        raise _unknown_names(f"All {len(recordings)} recordings", found)
    names = [list(named.values()) for named, _ in sites]
    common = [name for name in names[0] if all(name in others for others in names)]
    if not common:
        raise ChannelNameError(
            f"No electrode is in all {len(recordings)} recordings; the first has "
            f"{', '.join(names[0]) or 'none'}."
        )
    return common


def site_names(
    raw: mne.io.BaseRaw, name: str, montage: str | None, montage_distance_mm: float
) -> tuple[dict[str, str], list[str]]:
    """Name the scalp electrodes of a recording after sites of the 10-05 system.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The EEG.
    name : str
        What the recording is called, for messages.
    montage, montage_distance_mm
        As in :func:`~braindecode_bolt.prepare_eeg`.

    Returns
    -------
    named : dict of str to str
        Names in the file to names of sites.
    unknown : list of str
        Electrodes whose names are outside the 10-05 system; none with a montage.

    Raises
    ------
    ChannelNameError
        If the names are those of a dense net and no montage is given.
    """
    if montage is not None:
        table = electrode_sites(raw, montage, montage_distance_mm, name)
        return table["site"].dropna().to_dict(), []
    electrodes = [
        channel
        for channel, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
        if kind == "eeg" and channel_kind(channel) in ("eeg", "unknown")
    ]
    check_names_of_sites(electrodes, name)
    unknown = [channel for channel in electrodes if channel_kind(channel) == "unknown"]
    return {
        channel: normalize_channel_name(channel)
        for channel in electrodes
        if channel not in unknown
    }, unknown


def _unknown_names(who: str, unknown: Sequence[str]) -> ChannelNameError:
    return ChannelNameError(
        f"{who}: EEG channels with names outside the 10-05 system ({len(unknown)}): "
        f"{', '.join(unknown[:12])}. Give the montage of the net (montage), name the "
        "channels to use (channels), rename them (Raw.rename_channels), or set their type "
        "if they are not EEG (Raw.set_channel_types)."
    )


def choose_channels(
    raw: mne.io.BaseRaw,
    name: str,
    channels: Sequence[str] | None,
    sites: tuple[dict[str, str], list[str]],
) -> dict[str, str]:
    """Map the channels to keep from their names in the file to the standard ones."""
    if channels is not None and (isinstance(channels, str) or not len(channels)):
        raise ChannelNameError(
            f"channels must be a list of names, or None for all, got {channels!r}."
        )
    chosen, unknown = sites
    if channels is not None:
        chosen = _select(sites, channels, name)
    elif unknown:
        raise _unknown_names(name, unknown)
    if not chosen:
        raise ChannelNameError(
            f"{name}: no EEG channel found among {', '.join(raw.ch_names[:12])}."
        )
    check_unique(list(chosen.values()), name)
    _log_left_out(raw, name, chosen)
    return chosen


def _select(
    sites: tuple[dict[str, str], list[str]], channels: Sequence[str], name: str
) -> dict[str, str]:
    """Find channels by name, also those outside the 10-05 system."""
    named, unknown = sites
    available = named | {channel: normalize_channel_name(channel) for channel in unknown}
    by_name = {standard.upper(): ch for ch, standard in available.items()}
    chosen = {}
    missing = []
    for channel in channels:
        standard = normalize_channel_name(channel)
        if standard.upper() in by_name:
            chosen[by_name[standard.upper()]] = standard
        else:
            missing.append(channel)
    if missing:
        raise ChannelNameError(
            f"{name} has no channel {', '.join(missing)}. It has "
            f"{', '.join(available.values()) or 'no EEG channels'}."
        )
    return chosen


def _log_left_out(raw: mne.io.BaseRaw, name: str, chosen: dict[str, str]) -> None:
    left_out = [ch for ch in raw.ch_names if ch not in chosen]
    if left_out:
        logger.info(
            "%s: %d of %d channels left out: %s",
            name,
            len(left_out),
            len(raw.ch_names),
            ", ".join(left_out),
        )
    bad = [ch for ch in raw.info["bads"] if ch in chosen]
    if bad:
        logger.warning(
            "%s: %s marked as bad, used unchanged: %s. Interpolate them "
            "(Raw.interpolate_bads) or leave them out of all recordings.",
            name,
            counted(len(bad), "channel"),
            ", ".join(bad),
        )


def find_reference(
    raw: mne.io.BaseRaw,
    name: str,
    reference: str | Sequence[str] | None,
    sites: tuple[dict[str, str], list[str]],
) -> dict[str, str]:
    """Map the electrodes of the new reference from the file to the standard names."""
    if reference is None or reference == "average":
        return {}
    named = [reference] if isinstance(reference, str) else list(reference)
    if not named:
        raise ValueError('reference names no channel; None, "average" or names expected.')
    found = _select(sites, named, name)
    bad = [ch for ch in raw.info["bads"] if ch in found]
    if bad:
        logger.warning(
            "%s: %s, marked as bad, is part of the reference", name, ", ".join(bad)
        )
    return found


def choose_kept(
    wanted: dict[str, str],
    referenced: dict[str, str],
    name: str,
    channels: Sequence[str] | None,
) -> list[str]:
    """List the channels of the result; a single reference electrode is flat."""
    check_unique(list((wanted | referenced).values()), name)
    kept = list(wanted.values())
    if len(referenced) != 1:
        return kept
    (single,) = referenced.values()
    if single in kept and channels is not None:
        raise ValueError(
            f"{name}: {single} is flat when it is the reference. Leave it out of "
            "channels, or name several electrodes as reference."
        )
    if single in kept:
        logger.info("%s: %s is the reference and left out", name, single)
        kept.remove(single)
    if not kept:
        raise ChannelNameError(f"{name}: no EEG channel but the reference {single}.")
    return kept
