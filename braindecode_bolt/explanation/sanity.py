"""Whether an explanation depends on what the network has learned."""

from __future__ import annotations

import copy
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from .._checks import check_number
from ..training import EEGRegressor
from ..training.randomness import seeded
from .explaining import explain

__all__ = ["compare_randomised"]


def compare_randomised(
    regressor: EEGRegressor,
    X: Any,
    n_levels: int = 4,
    random_state: int = 0,
    **arguments: Any,
) -> pd.DataFrame:
    """Compare the explanation of a network with that of the network randomised.

    From the output to the input, the layers get random weights
    (:func:`braindecode.visualization.cascading_layer_reset`). The explanation must
    change: one that does not shows the architecture or the data, not what was learned
    [1]_.

    Parameters
    ----------
    regressor : EEGRegressor
        A fitted network. It is not changed.
    X : LazyWindows | array-like of shape (n_windows, n_chans, n_times)
        EEG in microvolts.
    n_levels : int, default 4
        At how many depths to compare, at least 1, the last of them with all layers random.
    random_state : int, default 0
        Seed of the random weights.
    **arguments : Any
        Of :func:`explain`.

    Returns
    -------
    pandas.DataFrame
        A row per depth: ``layer`` (the last that was randomised; ``""``: none),
        ``n_layers``, and the Spearman correlation of ``pattern`` and ``effect`` with
        those of the trained network, mean of the regions. NaN where the randomised
        network predicts a constant.

    Raises
    ------
    TypeError
        If it is not a network, or `n_levels` is no whole number.
    ValueError
        If no layer can be randomised, `n_levels` is less than 1, or as from
        :func:`explain`.

    References
    ----------
    .. [1] Adebayo, J., et al. (2018). Sanity checks for saliency maps. NeurIPS.
    """
    from braindecode.visualization import cascading_layer_reset

    if not isinstance(regressor, EEGRegressor):
        raise TypeError(
            f"Only networks have layers to randomise, got a {type(regressor).__name__}."
        )
    check_number(n_levels, "n_levels", Integral, 1)
    trained = explain(regressor, X, **arguments)
    n_layers = sum(1 for _ in _resettable(regressor))
    if not n_layers:
        raise ValueError("The network has no layer whose weights can be randomised.")
    depths = np.unique(np.linspace(1, n_layers, n_levels + 1, dtype=int)[1:])
    rows = [{"layer": "", "n_layers": 0, **_similarity(trained, trained)}]
    with seeded(random_state, regressor.device):
        levels = cascading_layer_reset(regressor.module_)
        for number, (layer, module) in enumerate(levels, start=1):
            if number not in depths:
                continue
            randomised = copy.copy(regressor)
            randomised.module_ = module
            found = _similarity(trained, explain(randomised, X, **arguments))
            rows.append({"layer": layer, "n_layers": number, **found})
    return pd.DataFrame(rows)


def _resettable(regressor: EEGRegressor) -> Any:
    for module in list(regressor.module_.modules())[1:]:
        if callable(getattr(module, "reset_parameters", None)):
            yield module


def _similarity(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, float]:
    found = {}
    for value in ("pattern", "effect"):
        of_regions = []
        for region, part in first.groupby("region", sort=False):
            other = second.loc[second["region"] == region, value].to_numpy()
            ours = part[value].to_numpy()
            defined = np.isfinite(ours).all() and np.isfinite(other).all()
            of_regions.append(spearmanr(ours, other).statistic if defined else np.nan)
        found[value] = float(np.mean(of_regions))
    return found
