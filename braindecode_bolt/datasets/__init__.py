"""Where recordings come from."""

from ._base import EEGfMRIDataset
from ._files import DataFolderError
from ._opening import open_dataset
from .bids import BIDSEEGfMRI
from .folder import EEGfMRIFolder
from .neurobolt import PAPER_ROIS, PUBLISHED_SPLIT, NeuroBOLTDataset, published_split
from .semisimulated import simulate_bold
from .simulated import SimulatedEEGfMRI

__all__ = [
    "PAPER_ROIS",
    "PUBLISHED_SPLIT",
    "BIDSEEGfMRI",
    "DataFolderError",
    "EEGfMRIDataset",
    "EEGfMRIFolder",
    "NeuroBOLTDataset",
    "SimulatedEEGfMRI",
    "open_dataset",
    "published_split",
    "simulate_bold",
]
