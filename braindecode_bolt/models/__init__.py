"""Networks that predict BOLD from windows of EEG."""

from .checkpoints import PUBLISHED_CHANNELS, CheckpointError, load_published_weights
from .joined import JoinedRegions
from .neurobolt import NeuroBOLT

__all__ = [
    "PUBLISHED_CHANNELS",
    "CheckpointError",
    "JoinedRegions",
    "NeuroBOLT",
    "load_published_weights",
]
