"""Using a fitted model: predicting the BOLD of EEG that has no fMRI."""

from .errors import PredictorError
from .predictor import BOLDPredictor

__all__ = ["BOLDPredictor", "PredictorError"]
