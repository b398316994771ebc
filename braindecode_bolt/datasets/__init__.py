"""Where recordings come from."""

from .simulated import SimulatedEEGfMRI, simulate_bold

__all__ = ["SimulatedEEGfMRI", "simulate_bold"]
