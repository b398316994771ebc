"""Which channels of a recording are used, and under which names."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import mne

from ..recording import Recording
from .channels import (
    ChannelNameError,
    channel_kind,
    check_unique,
    normalize_channel_name,
)

__all__ = ["choose_channels", "choose_kept", "common_channels", "find_reference"]

logger = logging.getLogger(__name__)


def common_channels(recordings: Sequence[Recording]) -> list[str]:
    """List the electrodes that all recordings have.

    Parameters
    ----------
    recordings : sequence of Recording
        At least one.

    Returns
    -------
    list of str
        Normalised names in the order of the first recording.

    Raises
    ------
    ChannelNameError
        If there is none.
    """
    names = [
        [normalize_channel_name(ch) for ch in _electrodes(recording.raw)]
        for recording in recordings
    ]
    common = [name for name in names[0] if all(name in others for others in names)]
    if not common:
        raise ChannelNameError(
            f"No electrode is in all {len(recordings)} recordings; the first has "
            f"{', '.join(names[0]) or 'none'}."
        )
    return common


def _electrodes(raw: mne.io.BaseRaw) -> list[str]:
    types = raw.get_channel_types()
    return [
        ch
        for ch, kind in zip(raw.ch_names, types, strict=True)
        if kind == "eeg" and channel_kind(ch) == "eeg"
    ]


def choose_channels(
    raw: mne.io.BaseRaw, name: str, channels: Sequence[str] | None
) -> dict[str, str]:
    """Map the channels to keep from their names in the file to the standard ones."""
    types = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    available = {ch: normalize_channel_name(ch) for ch in _electrodes(raw)}
    unknown = [
        ch for ch in raw.ch_names if types[ch] == "eeg" and channel_kind(ch) == "unknown"
    ]
    if channels is not None and (isinstance(channels, str) or not len(channels)):
        raise ChannelNameError(
            f"channels must be a list of names, or None for all, got {channels!r}."
        )
    if channels is not None:
        available |= {ch: normalize_channel_name(ch) for ch in unknown}
        chosen = _select(available, channels, name)
    elif unknown:
        raise ChannelNameError(
            f"{name}: {len(unknown)} EEG channels have names outside the 10-05 system: "
            f"{', '.join(unknown[:12])}. Rename them (Raw.rename_channels), set their "
            "type if they are not EEG (Raw.set_channel_types), or name the channels to "
            "use."
        )
    else:
        chosen = available
    if not chosen:
        raise ChannelNameError(
            f"{name}: no EEG channel found among {', '.join(raw.ch_names[:12])}."
        )
    check_unique(list(chosen.values()), name)
    _log_left_out(raw, name, chosen)
    return chosen


def _select(
    available: dict[str, str], channels: Sequence[str], name: str
) -> dict[str, str]:
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
            "%s: %d channels marked as bad are used as they are: %s. Interpolate them "
            "(Raw.interpolate_bads) or leave them out of all recordings.",
            name,
            len(bad),
            ", ".join(bad),
        )


def find_reference(
    raw: mne.io.BaseRaw, name: str, reference: str | Sequence[str] | None
) -> dict[str, str]:
    """Map the electrodes of the new reference from the file to the standard names."""
    if reference is None or reference == "average":
        return {}
    named = [reference] if isinstance(reference, str) else list(reference)
    if not named:
        raise ValueError('reference names no channel; None, "average" or names expected.')
    available = {
        ch: normalize_channel_name(ch)
        for ch, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
        if kind == "eeg" and channel_kind(ch) in ("eeg", "unknown")
    }
    found = _select(available, named, name)
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
