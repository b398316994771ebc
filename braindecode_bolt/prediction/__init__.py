"""Using a fitted model: predicting the BOLD of EEG that has no fMRI."""

from .errors import PredictorError
from .predictor import BOLDPredictor
from .stream import BOLDStream

__all__ = ["BOLDPredictor", "BOLDStream", "PredictorError"]
