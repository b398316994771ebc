"""Windows: pieces of EEG, one per volume or at regular times, read when needed."""

from .checking import DataCheck, RecordingCheck, check_recordings
from .create import BOLDWindows, create_bold_windows
from .features import FeatureWindows, create_feature_windows
from .lazy import LazyWindows
from .regular import EEGWindows, create_eeg_windows

__all__ = [
    "BOLDWindows",
    "DataCheck",
    "EEGWindows",
    "FeatureWindows",
    "LazyWindows",
    "RecordingCheck",
    "check_recordings",
    "create_bold_windows",
    "create_eeg_windows",
    "create_feature_windows",
]
