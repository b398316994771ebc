"""Linear models of BOLD: what a network has to be better than."""

from collections.abc import Callable
from functools import partial

from sklearn.base import RegressorMixin

from .band_power import BandPower
from .bands import BANDS
from .gaussian_process import BandPowerGP
from .lagged import LaggedBandPower, RidgeFingerprint
from .penalties import GroupedRidge, GroupedSparseGroupLasso
from .priors import electrode_positions
from .readout import SmoothReadout
from .simple import AlphaHRF, MeanBOLD
from .standardising import PowerStatistics

#: Linear models by name.
LINEAR: dict[str, Callable[..., RegressorMixin]] = {
    "BandPowerGP": BandPowerGP,
    "RidgeFingerprint": RidgeFingerprint,
    "LaggedBandPower": LaggedBandPower,
    "SparseBandPower": partial(LaggedBandPower, "sparse_group_lasso"),
    "AlphaHRF": AlphaHRF,
    "MeanBOLD": MeanBOLD,
}

__all__ = [
    "BANDS",
    "LINEAR",
    "AlphaHRF",
    "BandPower",
    "BandPowerGP",
    "GroupedRidge",
    "GroupedSparseGroupLasso",
    "LaggedBandPower",
    "MeanBOLD",
    "PowerStatistics",
    "RidgeFingerprint",
    "SmoothReadout",
    "electrode_positions",
]
