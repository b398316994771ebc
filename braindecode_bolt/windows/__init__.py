"""Windows: one piece of EEG per volume, read when needed."""

from .create import BOLDWindows, create_bold_windows
from .lazy import LazyWindows

__all__ = ["BOLDWindows", "LazyWindows", "create_bold_windows"]
