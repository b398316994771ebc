"""Windows: one piece of EEG per volume, read when needed."""

from .create import BOLDWindows, create_bold_windows
from .features import FeatureWindows, create_feature_windows
from .lazy import LazyWindows

__all__ = [
    "BOLDWindows",
    "FeatureWindows",
    "LazyWindows",
    "create_bold_windows",
    "create_feature_windows",
]
