"""What drives a region: electrodes, frequency bands and lags of a fitted model."""

from .explaining import METHODS, explain
from .predictors import explain_predictor
from .sanity import compare_randomised

__all__ = ["METHODS", "compare_randomised", "explain", "explain_predictor"]
