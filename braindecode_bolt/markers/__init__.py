"""Volume markers, mended: from what an amplifier wrote to one marker per volume."""

from .annotations import MARKERS, MarkerError, add_markers, find_markers
from .finding import VolumeMarkers, find_volume_markers
from .report import MarkerReport
from .series import Segment

__all__ = [
    "MARKERS",
    "MarkerError",
    "MarkerReport",
    "Segment",
    "VolumeMarkers",
    "add_markers",
    "find_markers",
    "find_volume_markers",
]
