"""Figures of scores, predicted BOLD, connectivity and training."""

from .connectivity import plot_connectivity
from .curves import plot_curves
from .recordings import plot_recording
from .regions import plot_r_per_region
from .series import plot_series

__all__ = [
    "plot_connectivity",
    "plot_curves",
    "plot_recording",
    "plot_r_per_region",
    "plot_series",
]
