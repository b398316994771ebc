"""One table of electrodes, bands and lags for every kind of model."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.utils.validation import check_is_fitted

from .._checks import check_number
from .._series import plain_name
from ..datasets._choosing import choose_regions, region_names
from ..linear import BANDS
from ..linear.bands import check_bands
from ..training import EEGRegressor
from ..windows.features import FeatureWindows
from ..windows.inputs import as_input
from .grid import AXES, Grid, centre_by_recording, choose_rows, take_windows
from .linear import is_linear, weights_on_grid
from .networks import gradient, integrated_gradients, occlusion

__all__ = ["METHODS", "explain"]

logger = logging.getLogger(__name__)

#: How the effect is found, and of how many windows by default.
METHODS = {
    "weights": None,
    "gradient": 128,
    "integrated_gradients": 32,
    "occlusion": 16,
    "pattern": None,
}
_DERIVED = {"gradient": gradient, "integrated_gradients": integrated_gradients}


def explain(
    estimator: Any,
    X: Any,
    method: str = "auto",
    *,
    bands: Mapping[str, tuple[float, float]] | None = None,
    segment_seconds: float = 1.0,
    by: Sequence[str] = AXES,
    roi_names: Sequence[str] | None = None,
    n_windows: int = 2000,
    n_attributed: int | None = None,
    rois: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Find the electrodes, bands and lags that drive the prediction of each region.

    Every kind of model gets the same table, so that models can be set side by side. It
    says two different things about each electrode, band and lag:

    - ``pattern``: how its log power varies with the predicted BOLD. This is the
      activation pattern of Haufe et al. [1]_, for features and predictions scaled to
      unit variance, which makes it their correlation (-1 to 1) within recordings. For a
      linear model, it equals the covariance of the features times the weights, over the
      standard deviations of features and prediction. **Look at patterns to learn
      where and in which band the signal is.**
    - ``effect``: how the prediction depends on it, everything else unchanged. Weights
      and gradients also cancel noise, so that an electrode with a large effect need not
      carry signal. **Look at effects over lags for the shape of the response**: a
      pattern is smeared over lags by the slow changes of power.

    Parameters
    ----------
    estimator : fitted regressor
        A linear model of :mod:`braindecode_bolt.linear`, an
        :class:`~braindecode_bolt.EEGRegressor`, or any other regressor of windows (of
        which only the pattern is found). A TransformedTargetRegressor of these, too.
    X : LazyWindows | FeatureWindows | array-like of shape (n_windows, n_chans, n_times)
        EEG in microvolts, at best of people who were not used in training.
    method : str, default "auto"
        How the effect is found. ``"weights"``: of linear models. ``"gradient"``: mean
        derivative of a network by the log power. ``"integrated_gradients"``: mean
        contribution to the prediction, against EEG that is zero [2]_ (needs captum:
        ``pip install braindecode-bolt[explain]``). ``"occlusion"``: mean loss of the
        prediction when a band of an electrode is filtered out for a segment; slow,
        since each cell needs a run of the network. Where neighbouring electrodes carry
        the same signal, remove it from all at once, by ``by=("band", "lag")``: a network
        that compares electrodes may find more of it if one of them lacks it.
        ``"pattern"``: no effect, the pattern only. ``"auto"``: weights, gradient or
        pattern, whichever suits the model.
    bands : mapping of str to (float, float) | None
        Bands in Hz, the upper end not included. By default delta to gamma.
    segment_seconds : float, default 1.0
        Length of the segments into which a window is divided, in seconds.
        Narrow bands need longer segments.
    by : sequence of {"electrode", "band", "lag"}, default AXES
        What to tell apart; AXES is all three. What is left out is taken together,
        and called ``"all"`` in the table (NaN for lags): the effects of all lags, for
        example, are added up, or all lags are occluded at once, and the pattern is that
        of their mean log power.
    roi_names : sequence of str | None
        Names of the regions. By default ``"0"``, ``"1"``, ...
    n_windows : int, default 2000
        Number of windows for patterns, taken evenly from all recordings.
    n_attributed : int | None
        Number of windows, of these, for the effects of networks. By default 128 for
        gradients, 32 for integrated gradients and 16 for occlusion.
    rois : "paper" | sequence of str | None
        Regions to explain, of `roi_names`: the seven of the paper, or names. By default
        all. Effects of networks take a time that grows with their number.

    Returns
    -------
    pandas.DataFrame
        A row per region, electrode, band and lag: ``region``, ``electrode``, ``band``,
        ``low`` and ``high`` (Hz; NaN if not known), ``lag`` (seconds from the middle of
        the segment to the volume), ``pattern`` (correlation), ``effect`` (see Notes)
        and ``method``. Positive: more power goes with, or leads to, a higher prediction.

    Raises
    ------
    ValueError
        If a method does not suit the model, bands are not pairs of increasing
        frequencies, a number is out of range, windows do not fit the model, there
        are not as many names as regions, or no region has a name of `rois`.
    TypeError
        If the model cannot predict, or a number is not one.
    NotFittedError
        If the model is not fitted; ``NotInitializedError`` of skorch if it is a network.
    ImportError
        If integrated gradients are asked for without captum.

    Notes
    -----
    The effect of weights and gradients is in standard deviations of the predicted BOLD
    per standard deviation of the log power (within recordings), so that weights of a
    linear model and gradients of a network compare. That of integrated gradients and
    occlusion is in standard deviations of the predicted BOLD.

    Each region is explained by itself. (With several regions Haufe et al. also divide
    by the covariance between predictions; predicted regions are often so strongly
    correlated that it has no inverse.)

    Weights of bands or lags that the model divides otherwise are added up by their
    overlap with the bands and segments asked for. Where a model predicts the same value
    for all windows, patterns and effects are NaN.

    References
    ----------
    .. [1] Haufe, S., et al. (2014). On the interpretation of weight vectors of linear
       models in multivariate neuroimaging. NeuroImage 87, 96-110. Equation 6.
    .. [2] Sundararajan, M., Taly, A., & Yan, Q. (2017). Axiomatic attribution for deep
       networks. ICML. Integrated gradients.

    Examples
    --------
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.explanation import explain
    >>> from braindecode_bolt.linear import LaggedBandPower
    >>> windows = create_bold_windows(SimulatedEEGfMRI(3, duration=120.0).load())
    >>> model = LaggedBandPower().fit(windows.X, windows.y)
    >>> table = explain(model, windows.X, roi_names=windows.roi_names)
    >>> thalamus = table[table["region"] == "Thalamus"]
    >>> thalamus.loc[thalamus["pattern"].idxmax(), "band"]
    'alpha'
    """
    check_number(n_windows, "n_windows", Integral, 2)
    check_number(segment_seconds, "segment_seconds", low=0, inclusive="neither")
    if n_attributed is not None:
        check_number(n_attributed, "n_attributed", Integral, 1)
    by = _check_by(by)
    model = _inner(estimator)
    method = _choose(method, model)
    if not isinstance(as_input(X).data, FeatureWindows):
        bands = dict(BANDS) if bands is None else check_bands(bands)
    sfreq = getattr(model, "sfreq", None)
    grid = Grid.of(X, bands, segment_seconds, n_windows, sfreq)
    predicted, spread = _predict(estimator, X, grid)
    names = _names(roi_names, len(spread))
    chosen = _positions(names, rois)
    names = [names[i] for i in chosen]
    predicted, spread = predicted[:, chosen], spread[chosen]
    constant = [name for name, s in zip(names, spread, strict=True) if np.isnan(s)]
    if constant:
        logger.warning(
            "There is nothing to explain in %s: the prediction is the same for all windows "
            "of a recording",
            ", ".join(constant),
        )
    pattern = _correlate(predicted / spread, grid.joined(by))
    effect = _effect(model, X, grid, method, n_attributed, by, chosen)
    if effect is None:
        effect = np.full_like(pattern, np.nan)
    elif model is estimator:
        effect = effect / spread[:, None, None, None]
    else:
        # The scale of the targets on which the model was trained.
        effect = effect / _predict(model, X, grid)[1][chosen, None, None, None]
    table = grid.table(names, {"pattern": pattern, "effect": effect}, by)
    return table.assign(method=method)


def _inner(estimator: Any) -> Any:
    if not hasattr(estimator, "predict"):
        raise TypeError(
            f"explain needs a fitted regressor with the method predict, got a "
            f"{type(estimator).__name__}."
        )
    check_is_fitted(estimator)
    if isinstance(estimator, TransformedTargetRegressor):
        return _inner(estimator.regressor_)
    return estimator


def _choose(method: str, model: Any) -> str:
    """Check that a method suits a model, or choose one."""
    network, linear = isinstance(model, EEGRegressor), is_linear(model)
    possible = ["pattern"]
    if network:
        possible = [*_DERIVED, "occlusion", "pattern"]
    elif linear:
        possible = ["weights", "pattern"]
    if not isinstance(method, str):  # y, as other tools of scikit-learn take it.
        raise TypeError(
            f"method must be the name of one, got a {type(method).__name__}. explain looks "
            "at predictions and takes no BOLD."
        )
    if method == "auto":
        return possible[0]
    if method not in METHODS:
        raise ValueError(
            f"method must be one of auto, {', '.join(METHODS)}, got {method!r}."
        )
    if method not in possible:
        kind = "network" if network else "linear model" if linear else "model of this kind"
        raise ValueError(
            f"{method} cannot be found of {type(model).__name__}, a {kind}. Use one of "
            f"{', '.join(possible)}."
        )
    return method


def _predict(estimator: Any, X: Any, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Predict the windows of a grid; centred, and the standard deviation of each region.

    It is NaN where the prediction is the same for all windows of a recording.
    """
    chosen = take_windows(as_input(X).data if isinstance(X, list) else X, grid.rows)
    predicted = np.asarray(estimator.predict(chosen), float).reshape(len(grid.rows), -1)
    largest = np.abs(predicted).max(axis=0)
    predicted = centre_by_recording(predicted, grid.recordings)
    spread = predicted.std(axis=0)
    return predicted, np.where(spread > 1e-6 * largest, spread, np.nan)


def _effect(
    model: Any,
    X: Any,
    grid: Grid,
    method: str,
    n_attributed: int | None,
    by: tuple[str, ...],
    chosen: list[int],
) -> np.ndarray | None:
    """Find the effect of each cell, or of cells taken together, on chosen regions."""
    if method == "pattern":
        return None
    if method == "weights":
        effect = weights_on_grid(model, X, grid)[chosen] * grid.spread[..., None]
        return grid.added_up(effect, by)
    number = METHODS[method] if n_attributed is None else n_attributed
    rows = grid.rows[choose_rows(grid.recordings, number, of_each=1)]
    if method == "occlusion":
        return occlusion(model, X, rows, grid, by, chosen)
    effect = _DERIVED[method](model, X, rows, grid, chosen)
    if method == "gradient":
        effect = effect * grid.spread[..., None]
    return grid.added_up(effect, by)


def _correlate(predicted: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Correlation of each prediction, of unit variance, with the power of each cell."""
    spread = power.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 0, spread, np.nan)
    covariance = np.tensordot(predicted, power, axes=(0, 0)) / len(predicted)
    return covariance / spread


def _check_by(by: Sequence[str]) -> tuple[str, ...]:
    by = (by,) if isinstance(by, str) else tuple(by)
    if not set(by) <= set(AXES):
        raise ValueError(f"by must be some of {', '.join(AXES)}, got {by!r}.")
    return by


def _positions(names: list[str], rois: str | Sequence[str] | None) -> list[int]:
    """Find the regions to explain."""
    if rois is None:
        return list(range(len(names)))
    of_model = [plain_name(name) for name in names]
    table = pd.DataFrame(columns=of_model)
    chosen = choose_regions(table, region_names(rois), "The model")
    return [of_model.index(name) for name in chosen]


def _names(roi_names: Sequence[str] | None, n_regions: int) -> list[str]:
    if roi_names is None:
        return [str(number) for number in range(n_regions)]
    names = [str(name) for name in roi_names]
    if len(names) != n_regions:
        raise ValueError(
            f"The model predicts {n_regions} regions, got {len(names)} roi_names."
        )
    return names
