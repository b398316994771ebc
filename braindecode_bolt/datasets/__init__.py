"""Where recordings come from."""

from .folder import DataFolderError, EEGfMRIFolder
from .semisimulated import simulate_bold
from .simulated import SimulatedEEGfMRI

__all__ = ["DataFolderError", "EEGfMRIFolder", "SimulatedEEGfMRI", "simulate_bold"]
