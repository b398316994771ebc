"""Preparing EEG: channels, montages, filters, units, artifacts, and the cache."""

from .cache import CachedRaw, CacheError
from .channels import (
    ChannelNameError,
    channel_kind,
    match_channels,
    normalize_channel_name,
)
from .montages import electrode_sites
from .prepare import SFREQ, prepare_eeg
from .selection import common_channels
from .units import MICROVOLTS, check_signal

__all__ = [
    "MICROVOLTS",
    "SFREQ",
    "CacheError",
    "CachedRaw",
    "ChannelNameError",
    "channel_kind",
    "check_signal",
    "common_channels",
    "electrode_sites",
    "match_channels",
    "normalize_channel_name",
    "prepare_eeg",
]
