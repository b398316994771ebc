"""Scores in the form that scikit-learn's ``scoring=`` takes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import MetadataRequest

from ..splits import recording_labels
from .series import correlate, paired

#: A label that no recording of known windows has.
_UNKNOWN = -1


class RecordingScorer:
    """Mean over recordings and regions of the R of each recording.

    The paper's definition of R, as a score for ``scoring=`` of
    ``cross_val_score``, ``cross_validate`` and ``GridSearchCV``. Its one instance
    is ``braindecode_bolt.metrics.pearson_per_recording``.

    Windows of :func:`~braindecode_bolt.create_bold_windows` and braindecode's
    data sets know their recordings. For plain arrays they are given as ``groups``.
    scikit-learn cuts what a scorer gets into folds only where metadata routing is
    on::

        sklearn.set_config(enable_metadata_routing=True)
        cross_val_score(
            model, X, y, cv=GroupKFold(3), params={"groups": recordings},
            scoring=pearson_per_recording,
        )

    The splitter reads the same ``groups``. Where it keeps subjects with several
    recordings together, give the recordings another name::

        scoring = pearson_per_recording.set_score_request(groups="recordings")
        params = {"groups": subjects, "recordings": recordings}

    A model whose ``fit`` takes ``groups`` may want to be told whether it gets them:
    ``model.set_fit_request(groups=True)``, or False.

    Without routing, ``groups=`` of ``cross_val_score`` reaches the splitter only,
    and ``functools.partial(pearson_per_recording, groups=recordings)`` fits all
    windows, not those of a fold.

    Parameters
    ----------
    groups : bool | str | None
        What scikit-learn's metadata routing is asked for, see
        :meth:`set_score_request`. Default True.

    See Also
    --------
    pearson_pooled : R over the windows of all recordings together.
    pearson_r : R of each region, of two arrays.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from braindecode_bolt import create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.linear import BandPower
    >>> from braindecode_bolt.metrics import pearson_per_recording
    >>> windows = create_bold_windows(SimulatedEEGfMRI(3, duration=120.0).load())
    >>> folds = {"groups": windows.groups, "cv": GroupKFold(3)}
    >>> score = {"scoring": pearson_per_recording}
    >>> model = make_pipeline(BandPower(), Ridge())
    >>> cross_val_score(model, windows.X, windows.y, **folds, **score).shape
    (3,)
    """

    def __init__(self, groups: bool | str | None = True):
        self.groups = groups

    def __call__(
        self, estimator: BaseEstimator, X: Any, y: ArrayLike, groups: Any = None
    ) -> float:
        """Score predictions.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : LazyWindows | BaseConcatDataset | array-like
            Windows to predict.
        y : array-like, shape (n_windows,) or (n_windows, n_rois)
            Their BOLD.
        groups : array-like, shape (n_windows,) | None
            The recording of each window. Not looked at where `X` knows it.

        Returns
        -------
        float
            Recordings and regions without a defined R (a constant prediction) are
            left out of the mean, with a warning. NaN where none is defined.

        Raises
        ------
        ValueError
            If `X` does not know its recordings and there are no `groups`, or not one
            for each window.
        """
        labels = _labels(X, groups)
        true, pred = _predict(estimator, X, y)
        r = [correlate(true[rows], pred[rows]) for rows in _rows(labels)]
        return _mean(np.array(r), "recordings and regions")

    def set_score_request(self, *, groups: bool | str | None) -> RecordingScorer:
        """Say what to ask of scikit-learn's metadata routing.

        Parameters
        ----------
        groups : bool | str | None
            True for the metadata called ``groups`` (the default of
            ``pearson_per_recording``), another name for those called so, False for
            none, None for an error where they are given.

        Returns
        -------
        RecordingScorer
            A new one; this one is not changed.
        """
        return type(self)(groups)

    def get_metadata_routing(self) -> MetadataRequest:
        """Tell scikit-learn what this scorer asks for.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRequest
            With ``groups``, by the name that :meth:`set_score_request` gave it.
        """
        request = MetadataRequest(owner=type(self).__name__)
        request.score.add_request(param="groups", alias=self.groups)
        return request

    def __repr__(self) -> str:  # noqa: D105
        asked = "" if self.groups is True else f".set_score_request(groups={self.groups!r})"
        return f"pearson_per_recording{asked}"


#: The instance to use.
pearson_per_recording = RecordingScorer()


def pearson_pooled(estimator: BaseEstimator, X: Any, y: ArrayLike) -> float:
    """Mean over regions of the R over all windows together.

    A score for ``scoring=`` of scikit-learn. It is not the paper's R: differences
    between recordings in level and scale count, so that it can be higher or lower
    than ``pearson_per_recording``.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : LazyWindows | BaseConcatDataset | array-like
        Windows to predict.
    y : array-like, shape (n_windows,) or (n_windows, n_rois)
        Their BOLD.

    Returns
    -------
    float
        Regions without a defined R are left out of the mean, with a warning.
        NaN where none is defined.

    Raises
    ------
    ValueError
        If `y` and the predictions differ in shape.

    See Also
    --------
    pearson_per_recording : Mean of the R of each recording, as in the paper.
    """
    return _mean(correlate(*_predict(estimator, X, y)), "regions")


def _predict(
    estimator: BaseEstimator, X: Any, y: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    predicted = np.asarray(estimator.predict(X))
    return paired(y, predicted.reshape(len(predicted), -1))


def _labels(X: Any, groups: Any) -> np.ndarray:
    labels = recording_labels(X, np.full(len(X), _UNKNOWN))
    if not (labels == _UNKNOWN).any():
        return labels
    if groups is None:
        raise ValueError(
            f"X ({type(X).__name__}) does not say which recording its windows are from. "
            "Give windows of create_bold_windows; or set_config("
            "enable_metadata_routing=True) and params={'groups': recordings} in "
            "cross-validation; or groups=recordings to the scorer; or score with "
            "pearson_pooled."
        )
    groups = np.asarray(groups)
    if groups.shape != (len(X),):
        raise ValueError(
            f"groups must name the recording of each of {len(X)} windows, got an array of "
            f"shape {groups.shape}. In cross-validation pass them as params={{'groups': "
            "recordings}, with metadata routing, so that they are cut into folds too."
        )
    return groups


def _rows(labels: np.ndarray) -> list[np.ndarray]:
    """Rows of each recording, in the order of their names."""
    names, numbers = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(numbers == number) for number in range(len(names))]


def _mean(r: np.ndarray, of: str) -> float:
    undefined = np.isnan(r)
    if undefined.any():
        warnings.warn(
            f"R is not defined for {undefined.sum()} of {undefined.size} {of}, which are "
            "left out of the mean: the measured or the predicted series is constant or "
            "not finite.",
            stacklevel=3,
        )
    return float(np.mean(r[~undefined])) if not undefined.all() else np.nan
