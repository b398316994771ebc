"""Training: the regressor, losses, callbacks, fine-tuning, and models by name."""

from .batches import RecordingBatches
from .callbacks import BestWeights, Progress, WarmupCosine
from .closed_form import HEADS, ClosedFormHead
from .estimators import SIZES, estimator_names, make_estimator, network_arguments
from .evidence import Evidence
from .finetuning import FineTuneRegressor
from .losses import CorrelationLoss
from .pretrained import PretrainedRegressor
from .pretraining import PretrainedEncoder, pretrain_band_power
from .regressor import EEGRegressor

__all__ = [
    "HEADS",
    "SIZES",
    "BestWeights",
    "ClosedFormHead",
    "CorrelationLoss",
    "EEGRegressor",
    "Evidence",
    "FineTuneRegressor",
    "PretrainedEncoder",
    "PretrainedRegressor",
    "Progress",
    "RecordingBatches",
    "WarmupCosine",
    "estimator_names",
    "make_estimator",
    "network_arguments",
    "pretrain_band_power",
]
