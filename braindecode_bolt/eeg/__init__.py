"""Preparing EEG: channels, filters, units, artifacts, and what is kept on disk."""

from .cache import CachedRaw, CacheError
from .channels import (
    ChannelNameError,
    channel_kind,
    match_channels,
    normalize_channel_name,
)
from .prepare import SFREQ, check_signal, prepare_eeg
from .selection import common_channels
from .units import MICROVOLTS

__all__ = [
    "MICROVOLTS",
    "SFREQ",
    "CacheError",
    "CachedRaw",
    "ChannelNameError",
    "channel_kind",
    "check_signal",
    "common_channels",
    "match_channels",
    "normalize_channel_name",
    "prepare_eeg",
]
