"""The scale of the targets, learned together with the model."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._series import is_constant
from .._text import counted

__all__ = ["BOLDScaler"]


class BOLDScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide the BOLD of each region by a percentile of its absolute value.

    This is the last step of the published preparation (paper, section 3.2), as a
    target transformer. Inside scikit-learn's ``TransformedTargetRegressor``
    the scale is learned from the training targets of each fold, and
    predictions come back in the units of the recordings.

    Parameters
    ----------
    quantile : float
        Which quantile of ``|y|`` becomes 1. Above 0, at most 1. Default 0.95,
        as published.

    Attributes
    ----------
    scale_ : ndarray, shape (n_rois,)
        What each region is divided by.

    See Also
    --------
    prepare_bold_as_published : Divides by a percentile of the whole scan.

    References
    ----------
    Li, Y., Lou, A., Xu, Z., et al. (2024). NeuroBOLT: Resting-state EEG-to-fMRI
    Synthesis with Multi-dimensional Feature Mapping. NeurIPS 2024, section 3.2.

    Examples
    --------
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> from sklearn.linear_model import Ridge
    >>> from braindecode_bolt.bold import BOLDScaler
    >>> TransformedTargetRegressor(Ridge(), transformer=BOLDScaler())
    TransformedTargetRegressor(regressor=Ridge(), transformer=BOLDScaler())
    """

    def __init__(self, quantile: float = 0.95):
        self.quantile = quantile

    def fit(self, X: ArrayLike, y: None = None) -> BOLDScaler:
        """Learn the scale of each region.

        Parameters
        ----------
        X : array-like, shape (n_windows, n_rois)
            Training targets. Transformers call what they see ``X``.
        y : None
            Not used (default None).

        Returns
        -------
        BOLDScaler
            Itself.

        Raises
        ------
        ValueError
            If values are not finite, a region is constant, more of its values are 0
            than the quantile leaves, there is one window only, or `quantile` is out of
            range.
        """
        if not 0 < self.quantile <= 1:
            raise ValueError(
                f"quantile must be above 0 and at most 1, got {self.quantile!r}."
            )
        values = self._check(X, reset=True, ensure_min_samples=2)
        scale = np.quantile(np.abs(values), self.quantile, axis=0)
        flat = np.flatnonzero(is_constant(values) | (scale == 0))
        if len(flat):
            raise ValueError(
                f"The targets of {counted(len(flat), 'region')} have no scale, the first "
                f"in column {flat[0]} (counted from 0): it is constant, or the "
                f"{self.quantile:g} quantile of its absolute value is 0. Leave such "
                "regions out."
            )
        self.scale_ = scale
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Divide each region by its scale.

        Parameters
        ----------
        X : array-like, shape (n_windows, n_rois)
            Targets in the units of the recordings.

        Returns
        -------
        ndarray, shape (n_windows, n_rois)
            In training units, float32 where `X` is.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        ValueError
            If values are not finite, or the number of regions is another one.
        """
        check_is_fitted(self)
        values = self._check(X, reset=False)
        return values / self.scale_.astype(values.dtype)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Multiply each region by its scale.

        Parameters
        ----------
        X : array-like, shape (n_windows, n_rois)
            Predictions in training units.

        Returns
        -------
        ndarray, shape (n_windows, n_rois)
            In the units of the recordings, float32 where `X` is.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        ValueError
            If values are not finite, or the number of regions is another one.
        """
        check_is_fitted(self)
        values = self._check(X, reset=False)
        return values * self.scale_.astype(values.dtype)

    def _check(self, X: ArrayLike, reset: bool, **kwargs: int) -> np.ndarray:
        dtypes = (np.float64, np.float32)
        values = validate_data(
            self, X, reset=reset, dtype=dtypes, ensure_all_finite=False, **kwargs
        )
        bad = ~np.isfinite(values)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(
                f"The BOLD has {counted(bad.sum(), 'NaN or infinite value')}, the first in "
                f"row {row}, column {column} (counted from 0). Leave such volumes out."
            )
        return values

    def __sklearn_tags__(self):  # noqa: D105
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
