"""Splitting windows so that nothing leaks from one part into the other.

Every splitter follows scikit-learn's protocol and reads from the windows which
recording, subject and time each is from.
"""

from .groups import GroupSplit, LeaveOneOut, group_labels
from .published import PublishedSplit
from .transfer import TransferSplit
from .validation import (
    FixedValidation,
    ValidationSplit,
    recording_labels,
    window_groups,
)
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
