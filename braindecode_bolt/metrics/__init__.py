"""Scores of predicted against measured BOLD."""

from .ceiling import ceilings, noise_ceiling
from .connectivity import connectivity, connectivity_r
from .identification import (
    Identification,
    connectivity_similarity,
    identify_subjects,
)
from .intervals import SubjectIntervals
from .lags import best_lag
from .regions import mse, pearson_r, r2, spearman_r
from .scorers import RecordingScorer, pearson_per_recording, pearson_pooled

__all__ = [
    "Identification",
    "RecordingScorer",
    "SubjectIntervals",
    "best_lag",
    "ceilings",
    "connectivity",
    "connectivity_r",
    "connectivity_similarity",
    "identify_subjects",
    "mse",
    "noise_ceiling",
    "pearson_per_recording",
    "pearson_pooled",
    "pearson_r",
    "r2",
    "spearman_r",
]
