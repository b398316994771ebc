"""Training: the regressor, losses, callbacks, fine-tuning, and models by name."""

from .callbacks import BestWeights, Progress, WarmupCosine
from .estimators import SIZES, estimator_names, make_estimator
from .finetuning import FineTuneRegressor
from .losses import CorrelationLoss
from .optimisation import RecordingBatches
from .regressor import EEGRegressor

__all__ = [
    "SIZES",
    "BestWeights",
    "CorrelationLoss",
    "EEGRegressor",
    "FineTuneRegressor",
    "Progress",
    "RecordingBatches",
    "WarmupCosine",
    "estimator_names",
    "make_estimator",
]
