"""Linear models of BOLD: what a network has to be better than."""

from collections.abc import Callable
from functools import partial

from sklearn.base import RegressorMixin

from .band_power import BandPower
from .bands import BANDS
from .lagged import LaggedBandPower, RidgeFingerprint
from .penalties import GroupedRidge, GroupedSparseGroupLasso
from .simple import AlphaHRF, MeanBOLD

#: Linear models by name.
LINEAR: dict[str, Callable[..., RegressorMixin]] = {
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
    "GroupedRidge",
    "GroupedSparseGroupLasso",
    "LaggedBandPower",
    "MeanBOLD",
    "RidgeFingerprint",
]
