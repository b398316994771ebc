"""Linear models of BOLD, the baselines for networks."""

from sklearn.base import RegressorMixin

from .band_power import BandPower
from .bands import BANDS
from .gaussian_process import BandPowerGP
from .lagged import LaggedBandPower, RidgeFingerprint, SparseBandPower
from .penalties import GroupedRidge, GroupedSparseGroupLasso
from .priors import electrode_positions
from .readout import SmoothReadout
from .simple import AlphaHRF, MeanBOLD
from .standardising import PowerStatistics

#: Linear models by name.
LINEAR: dict[str, type[RegressorMixin]] = {
    model.__name__: model
    for model in (
        BandPowerGP,
        RidgeFingerprint,
        LaggedBandPower,
        SparseBandPower,
        AlphaHRF,
        MeanBOLD,
    )
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
    "SparseBandPower",
    "electrode_positions",
]
