"""Volume markers: from what an amplifier wrote to one marker per volume."""

from .annotations import MARKERS, MarkerError, add_markers, find_markers
from .finding import VolumeMarkers, find_volume_markers
from .gaps import RecordingGapError
from .joints import crosses_joint, joint_samples, mark_joints, stretches
from .options import MarkerOptions
from .report import MarkerReport
from .series import Segment

__all__ = [
    "MARKERS",
    "MarkerError",
    "MarkerOptions",
    "MarkerReport",
    "RecordingGapError",
    "Segment",
    "VolumeMarkers",
    "add_markers",
    "crosses_joint",
    "find_markers",
    "find_volume_markers",
    "joint_samples",
    "mark_joints",
    "stretches",
]
