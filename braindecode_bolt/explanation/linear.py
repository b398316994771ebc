"""Weights of linear models, brought to the bands and lags of a grid."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..linear import AlphaHRF, BandPower, MeanBOLD
from ..linear.lagged import _LaggedPowerRegressor
from .grid import Grid, centre_by_recording, spread_of_power, take_windows

__all__ = ["is_linear", "weights_on_grid"]


@dataclass(frozen=True)
class _Weights:
    """Weights of a linear model, and what their features are.

    Attributes
    ----------
    values : ndarray, shape (n_regions, n_electrodes, n_bands, n_lags)
        The weights.
    band_power : BandPower
        Electrodes, bands and lags of the features.
    units : ndarray, that broadcasts to `values` without regions
        By what a feature is divided after the recordings are standardised.
    standardised : bool
        Whether log power is divided by its standard deviation in each recording.
    """

    values: np.ndarray
    band_power: BandPower
    units: np.ndarray
    standardised: bool


def is_linear(estimator: Any) -> bool:
    """Whether a model has weights of lagged log band power."""
    return isinstance(estimator, _LaggedPowerRegressor | AlphaHRF | MeanBOLD)


def weights_on_grid(estimator: Any, X: Any, grid: Grid) -> np.ndarray:
    """Give the slope of the prediction in the log power of each cell of a grid.

    If the power of an electrode rises in a band of the grid, so does the power in all
    bands of the model that lie within, and in part in those that overlap; likewise for
    lags. The slope is the sum of the model's weights, by share of overlap.

    Parameters
    ----------
    estimator : scikit-learn regressor
        Of :mod:`braindecode_bolt.linear`, fitted.
    X : windows
        EEG; tells how much the features vary that the model standardises.
    grid : Grid
        Electrodes, bands and lags.

    Returns
    -------
    ndarray, shape (n_regions, n_electrodes, n_bands, n_lags)
        Change of the predicted BOLD for a change of the log power by 1.
    """
    check_is_fitted(estimator)
    if isinstance(estimator, MeanBOLD):
        return np.zeros((len(estimator.mean_), *grid.power.shape[1:]))
    weights = _weights_of(estimator)
    own = weights.band_power
    slopes = weights.values / weights.units
    if weights.standardised:
        slopes = slopes / _own_spread(own, X, grid)[..., None]
    band_share = _shares(_band_edges(own), _band_edges(grid.band_power))
    lag_share = _shares(_lag_edges(own), _lag_edges(grid.band_power))
    slopes = np.einsum("rcbl,bk,lm->rckm", slopes, band_share, lag_share)
    on_grid = np.zeros((len(slopes), *grid.power.shape[1:]))
    for place, name in enumerate(own.ch_names_):
        # The Gaussian process can do without some electrodes.
        if name in grid.ch_names:
            on_grid[:, grid.ch_names.index(name)] = slopes[:, place]
    return on_grid


def _weights_of(estimator: Any) -> _Weights:
    if isinstance(estimator, AlphaHRF):
        power = estimator.power_
        used = np.isin(power.ch_names_, estimator.channels_) / len(estimator.channels_)
        values = np.einsum(
            "r,c,l->rcl", np.atleast_1d(estimator.coef_), used, estimator.hrf_
        )
        standardised = estimator.standardise is not None
        return _Weights(values[:, :, None], power, np.ones(1), standardised)
    standardised = estimator.standardise is not None
    if hasattr(estimator, "pipeline_"):
        power = estimator.pipeline_["power"]
        units = estimator.pipeline_["scaler"].scale_.reshape(estimator.coef_.shape[1:])
        return _Weights(estimator.coef_, power, units, standardised)
    return _Weights(estimator.coef_, estimator.power_, np.ones(1), standardised)


def _own_spread(own: BandPower, X: Any, grid: Grid) -> np.ndarray:
    """Give the standard deviation of the model's own features within recordings."""
    unchanged = copy.copy(own)
    unchanged.standardise = None
    present = [name for name in own.ch_names_ if name in grid.ch_names]
    named = own.named_ and grid.band_power.named_
    if named:
        unchanged.ch_names_ = present
    power = unchanged.transform(take_windows(X, grid.rows)).reshape(
        len(grid.rows), len(unchanged.ch_names_), len(own.bands_), len(own.lags_)
    )
    found = spread_of_power(centre_by_recording(power, grid.recordings), grid.recordings)
    if not named:
        return found
    spread = np.ones((len(own.ch_names_), len(own.bands_)))
    spread[[own.ch_names_.index(name) for name in present]] = found
    return np.where(spread > 0, spread, 1.0)


def _band_edges(power: BandPower) -> tuple[list[str], np.ndarray]:
    return list(power.bands_), np.array(list(power.bands_.values()), float)


def _lag_edges(power: BandPower) -> tuple[list[str], np.ndarray]:
    # Features of a table belong to the volume, without a length.
    half = 0.0 if power.given_ else power.n_segment_ / power.sfreq_ / 2
    edges = np.stack([power.lags_ - half, power.lags_ + half], axis=1)
    return [f"{lag:.6g}" for lag in power.lags_], edges


def _shares(own: tuple[list[str], np.ndarray], grid: tuple[list[str], np.ndarray]):
    """Share of each own interval that lies in each interval of the grid."""
    (own_names, own_edges), (names, edges) = own, grid
    low = np.maximum(own_edges[:, None, 0], edges[None, :, 0])
    high = np.minimum(own_edges[:, None, 1], edges[None, :, 1])
    width = (own_edges[:, 1] - own_edges[:, 0])[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.clip(high - low, 0, None) / width
    # Without known or with no width, an interval is found by its name.
    same = np.array(own_names)[:, None] == np.array(names)[None]
    return np.where(np.isfinite(shares), shares, same)
