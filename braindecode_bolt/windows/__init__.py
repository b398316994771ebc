"""Windows: one piece of EEG per volume, read when needed."""

from .checking import DataCheck, RecordingCheck, check_recordings
from .create import BOLDWindows, create_bold_windows
from .features import FeatureWindows, create_feature_windows
from .lazy import LazyWindows

__all__ = [
    "BOLDWindows",
    "DataCheck",
    "FeatureWindows",
    "LazyWindows",
    "RecordingCheck",
    "check_recordings",
    "create_bold_windows",
    "create_feature_windows",
]
