"""Figures of scores, predicted BOLD, connectivity, training and explanations."""

from .brains import (
    plot_glass_brain,
    plot_surface,
    region_centres,
    region_image,
    view_brain,
)
from .connectivity import plot_connectivity
from .curves import plot_curves
from .recordings import plot_recording
from .regions import plot_r_per_region
from .responses import plot_lag_curves, plot_spectra
from .series import plot_series
from .topographies import plot_topographies

__all__ = [
    "plot_connectivity",
    "plot_curves",
    "plot_glass_brain",
    "plot_lag_curves",
    "plot_r_per_region",
    "plot_recording",
    "plot_series",
    "plot_spectra",
    "plot_surface",
    "plot_topographies",
    "region_centres",
    "region_image",
    "view_brain",
]
