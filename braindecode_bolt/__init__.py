"""Predict the BOLD signal of brain regions from scalp EEG."""

import warnings

with warnings.catch_warnings():
    # braindecode 1.8 under MNE 1.13 (see setup.cfg); nothing that users can mend.
    warnings.filterwarnings("ignore", "Montage name", FutureWarning)
    import braindecode.models  # noqa: F401

from ._version import __version__
from .bold import prepare_bold
from .eeg import prepare_eeg
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
from .regressor import EEGRegressor
from .splits import ValidationSplit
from .volumes import find_volume_markers
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
    "__version__",
    "attach_bold",
    "create_bold_windows",
    "find_volume_markers",
    "load_published_weights",
    "prepare_bold",
    "prepare_eeg",
]
