"""Networks that predict BOLD from windows of EEG."""

from .neurobolt import NeuroBOLT

__all__ = ["NeuroBOLT"]
