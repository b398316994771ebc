"""Training: the regressor, losses, callbacks, fine-tuning, and models by name."""

from .batches import RecordingBatches
from .callbacks import BestWeights, Progress, WarmupCosine
from .estimators import SIZES, estimator_names, make_estimator
from .finetuning import FineTuneRegressor
from .losses import CorrelationLoss
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
