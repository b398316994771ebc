"""Linear models of BOLD, the baselines for networks."""

from sklearn.base import RegressorMixin

from .band_power import BandPower
from .bands import BANDS
from .lagged import LaggedBandPower, RidgeFingerprint, SparseBandPower
from .penalties import GroupedRidge, GroupedSparseGroupLasso
from .simple import AlphaHRF, MeanBOLD

#: Linear models by name.
LINEAR: dict[str, type[RegressorMixin]] = {
    model.__name__: model
    for model in (RidgeFingerprint, LaggedBandPower, SparseBandPower, AlphaHRF, MeanBOLD)
}

__all__ = [
    "BANDS",
    "LINEAR",
    "AlphaHRF",
    "BandPower",
    "GroupedRidge",
    "GroupedSparseGroupLasso",
    "LaggedBandPower",
    "MeanBOLD",
    "RidgeFingerprint",
    "SparseBandPower",
]
