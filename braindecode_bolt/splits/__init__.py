"""Splitting windows into training, validation and test without leakage.

Every splitter follows scikit-learn's protocol and reads from the windows which
recording, subject and time each comes from.
"""

from .groups import GroupSplit, LeaveOneOut, group_labels
from .origin import recording_labels, window_groups
from .published import PublishedSplit
from .transfer import TransferSplit
from .validation import FixedValidation, ValidationSplit
from .within import GapKFold, GapSplit

__all__ = [
    "FixedValidation",
    "GapKFold",
    "GapSplit",
    "GroupSplit",
    "LeaveOneOut",
    "PublishedSplit",
    "TransferSplit",
    "ValidationSplit",
    "group_labels",
    "recording_labels",
    "window_groups",
]
