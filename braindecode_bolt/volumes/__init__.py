"""Volume markers, mended: from what an amplifier wrote to one marker per volume."""

from .finding import VolumeMarkers, find_volume_markers
from .report import MarkerReport
from .series import Segment

__all__ = ["MarkerReport", "Segment", "VolumeMarkers", "find_volume_markers"]
