from ._base import EEGfMRIDataset
from ._choosing import PAPER_ROIS, UnknownRegionError
from ._download import DownloadError, fetch_s3
from ._files import DataFolderError
from ._opening import open_dataset
from ._pickles import TablePickleError, UnsafePickleError, read_frame_pickle
from .bids import BIDSEEGfMRI
from .coupling.kinds import COUPLINGS
from .eeg_folder import read_eeg_folder
from .folder import EEGfMRIFolder
from .neurobolt import PUBLISHED_SPLIT, NeuroBOLTDataset, published_split
from .semisimulated import SemiSimulatedEEGfMRI, simulate_bold
from .simulated import SimulatedEEGfMRI

__all__ = [
    "COUPLINGS",
    "PAPER_ROIS",
    "PUBLISHED_SPLIT",
    "BIDSEEGfMRI",
    "DataFolderError",
    "DownloadError",
    "EEGfMRIDataset",
    "EEGfMRIFolder",
    "NeuroBOLTDataset",
    "SemiSimulatedEEGfMRI",
    "SimulatedEEGfMRI",
    "TablePickleError",
    "UnknownRegionError",
    "UnsafePickleError",
    "fetch_s3",
    "open_dataset",
    "published_split",
    "read_eeg_folder",
    "read_frame_pickle",
    "simulate_bold",
]
