"""BOLD: from images to region series, from region series to targets."""

from .atlases import AtlasError
from .confounds import load_confounds
from .regions import extract_regions
from .scaling import BOLDScaler
from .spacing import repetition_time, volume_steps
from .targets import (
    LOW_PASS,
    prepare_bold,
    prepare_bold_as_published,
    prepare_series,
    prepare_series_as_published,
)

__all__ = [
    "LOW_PASS",
    "AtlasError",
    "BOLDScaler",
    "extract_regions",
    "load_confounds",
    "prepare_bold",
    "prepare_bold_as_published",
    "prepare_series",
    "prepare_series_as_published",
    "repetition_time",
    "volume_steps",
]
