from . import (
    bold,
    datasets,
    eeg,
    evaluation,
    linear,
    markers,
    metrics,
    models,
    null,
    plotting,
    report,
    splits,
    training,
    windows,
)
from .bold import prepare_bold
from .eeg import prepare_eeg
from .markers import find_volume_markers
from .models import (
    BEIRA,
    BIOTBOLD,
    FFCL,
    CNNTransformer,
    JoinedRegions,
    LabramBOLD,
    NeuroBOLT,
    SirenED,
    STTransformer,
    load_published_weights,
)
from .recording import Recording, attach_bold
from .splits import ValidationSplit
from .training import EEGRegressor, make_estimator
from .windows import BOLDWindows, LazyWindows, create_bold_windows

__all__ = [
    "BEIRA",
    "BIOTBOLD",
    "BOLDWindows",
    "CNNTransformer",
    "EEGRegressor",
    "FFCL",
    "JoinedRegions",
    "LabramBOLD",
    "LazyWindows",
    "NeuroBOLT",
    "Recording",
    "STTransformer",
    "SirenED",
    "ValidationSplit",
    "attach_bold",
    "bold",
    "create_bold_windows",
    "datasets",
    "eeg",
    "evaluation",
    "find_volume_markers",
    "linear",
    "load_published_weights",
    "make_estimator",
    "markers",
    "metrics",
    "models",
    "null",
    "plotting",
    "prepare_bold",
    "prepare_eeg",
    "report",
    "splits",
    "training",
    "windows",
]
