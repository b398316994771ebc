"""Prediction intervals of BOLD, from the errors on people who were not trained on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import NotFittedError

from .._checks import check_number
from .._text import counted
from .series import columns
from .widths import as_spread, by_person, distributions, half_widths, scores_of

__all__ = ["SubjectIntervals", "held_out_intervals"]

METHODS = ("leave-one-out", "conformal")
#: Levels whose widths are kept; those between them are interpolated.
_LEVELS = np.append(np.arange(1, 100) / 100, 0.995)


class SubjectIntervals:
    """Intervals around predicted BOLD that hold for people who were not seen.

    The volumes of a person have errors in common: some people are noisier, and errors
    are autocorrelated. What can be taken as exchangeable are people, not volumes. So
    each person's errors count as one distribution, people weigh the same whatever
    their number of volumes, and the width is chosen by how well it covers people who
    were left out. It is one number per region, or this number times the model's own
    spread.

    Parameters
    ----------
    method : {"leave-one-out", "conformal"}
        ``"leave-one-out"`` (default): the quantile of the mean of the people's
        distributions of absolute errors, at the level at which the same quantile of
        all others covers each left-out person's volumes as wanted, on average over
        people. This is the pooled distribution of [1]_, corrected for the number of
        people. A left-out person counts as covered to at least half the level, so that
        one bad scan does not make the intervals of all others useless. Close to the
        level also with few people, but not guaranteed.

        ``"conformal"``: hierarchical conformal prediction [2]_. A volume of a new
        person lies in the interval with at least the wanted probability, whatever
        the distribution, if people are exchangeable. With few people who are alike
        it covers more than wanted. There is no such interval (it is infinite) for
        levels above ``n / (n + 1)`` with ``n`` people.

    Attributes
    ----------
    n_subjects_ : int
        People whose errors were used.
    n_rois_ : int
        Regions.
    uses_spread_ : bool
        Whether widths are multiples of the model's own spread.
    highest_promised_ : float
        ``n / (n + 1)``: the highest level that any method can guarantee for a new
        person without further assumptions. 0.857 for 6 people.
    levels_ : ndarray, shape (n_levels,)
        Levels whose widths are known, 0.01 to 0.995.
    half_widths_ : ndarray, shape (n_levels, n_rois)
        Half of each interval's width, in units of BOLD or of the spread. Infinite
        where there is no interval.

    Raises
    ------
    ValueError
        If `method` is not known.

    Notes
    -----
    The level holds on average over people. A person who is far noisier than those
    known is covered less, and this cannot be seen from EEG unless the model's spread
    shows it. If such a person is among those known, the intervals of all others get
    somewhat wider. Figures by number of people are printed by ``benchmarks/coverage.py``.

    References
    ----------
    .. [1] Dunn, R., Wasserman, L., & Ramdas, A. (2023). Distribution-free prediction
       sets for two-layer hierarchical models. Journal of the American Statistical
       Association, 118, 2491-2502. https://doi.org/10.1080/01621459.2022.2060112
    .. [2] Lee, Y., Barber, R. F., & Willett, R. (2023). Distribution-free inference with
       hierarchical data. https://arxiv.org/abs/2306.06342

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.metrics import SubjectIntervals
    >>> rng = np.random.default_rng(0)
    >>> subjects = np.repeat(np.arange(20), 100)
    >>> predicted = rng.standard_normal((2000, 3))
    >>> measured = predicted + rng.standard_normal((2000, 3))
    >>> intervals = SubjectIntervals().fit(measured, predicted, subjects)
    >>> lower, upper = intervals.interval(np.zeros((1, 3)), level=0.9)
    >>> np.round((upper - lower) / 2, 1)
    array([[1.7, 1.6, 1.6]])
    """

    def __init__(self, method: str = "leave-one-out"):
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
        self.method = method

    def fit(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        subjects: ArrayLike,
        spread: ArrayLike | None = None,
    ) -> SubjectIntervals:
        """Learn widths from errors on people the model was not trained on.

        Parameters
        ----------
        y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
            Measured BOLD, and BOLD predicted by models that had not seen the person:
            the test parts of a cross-validation over subjects. In the same units.
        subjects : array-like, shape (n_volumes,)
            The person of each volume.
        spread : array-like, of the shape of `y_pred` | None
            The model's own spread of each prediction, above 0: standard deviation of a
            Gaussian process, of an ensemble, of draws. None (default): all volumes of
            a region get the same width.

        Returns
        -------
        SubjectIntervals
            Itself.

        Raises
        ------
        ValueError
            If shapes differ, values are not finite, a spread is not above 0, or there
            are fewer than 2 people.
        """
        scores = scores_of(y_true, y_pred, spread)
        people = by_person(subjects, scores)
        self._learn(*distributions(people), spread is not None)
        return self

    def _learn(self, errors: np.ndarray, within: np.ndarray, uses_spread: bool) -> None:
        self.n_subjects_, _, self.n_rois_ = within.shape
        self.uses_spread_ = uses_spread
        self.levels_ = _LEVELS.copy()
        self.half_widths_ = half_widths(errors, within, _LEVELS, self.method)

    @property
    def highest_promised_(self) -> float:
        """The highest level that any method can guarantee: ``n / (n + 1)``."""
        return self.n_subjects_ / (self.n_subjects_ + 1)

    def half_width(self, level: float = 0.9) -> np.ndarray:
        """Give half of the width of each region's interval.

        Parameters
        ----------
        level : float
            What part of a new person's volumes lies in the interval, on average over
            people: 0.01 to 0.995. Default 0.9.

        Returns
        -------
        ndarray, shape (n_rois,)
            In units of BOLD, or of the spread. Infinite where the conformal method has
            no interval.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        ValueError
            If `level` is out of range.
        TypeError
            If `level` is not a number.

        Warns
        -----
        UserWarning
            If `level` is above `highest_promised_`.
        """
        self._check_fitted()
        check_number(level, "level", low=float(_LEVELS[0]), high=float(_LEVELS[-1]))
        if level > self.highest_promised_:
            conformal = self.method == "conformal"
            warnings.warn(
                f"With {counted(self.n_subjects_, 'person', 'people')}, no interval can be "
                f"guaranteed to hold {100 * level:.3g}% of a new person's volumes; the "
                f"most is {100 * self.highest_promised_:.3g}%. The interval is "
                + ("infinite." if conformal else "an estimate."),
                stacklevel=2,
            )
        place = np.searchsorted(self.levels_, level - 1e-9)
        if abs(self.levels_[place] - level) < 1e-9:
            return self.half_widths_[place].copy()
        low, high = self.levels_[place - 1], self.levels_[place]
        part = (level - low) / (high - low)
        below, above = self.half_widths_[place - 1], self.half_widths_[place]
        return np.where(np.isfinite(above), (1 - part) * below + part * above, np.inf)

    def interval(
        self, y_pred: ArrayLike, level: float = 0.9, spread: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give the interval of each predicted value.

        Parameters
        ----------
        y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
            Predicted BOLD of a new person, in the units of :meth:`fit`.
        level : float
            As in :meth:`half_width`. Default 0.9.
        spread : array-like, of the shape of `y_pred` | None
            The model's own spread, if :meth:`fit` had it. Default None.

        Returns
        -------
        lower, upper : ndarray, of the shape of `y_pred`
            In the units of `y_pred`.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        ValueError
            If the number of regions is another one, a spread is missing or given
            where :meth:`fit` had none, or `level` is out of range.
        TypeError
            If `level` is not a number.

        Warns
        -----
        UserWarning
            If `level` is above `highest_promised_`.
        """
        self._check_fitted()
        shape = np.shape(y_pred)
        pred = columns(y_pred, "The predicted BOLD")
        if pred.shape[1] != self.n_rois_:
            raise ValueError(
                f"The intervals are of {counted(self.n_rois_, 'region')}, the predictions "
                f"of {pred.shape[1]}."
            )
        if (spread is not None) != self.uses_spread_:
            had = "with" if self.uses_spread_ else "without"
            given = "none is given" if spread is None else "one is given"
            raise ValueError(f"The intervals were fitted {had} a spread, and {given}.")
        width = self.half_width(level) * as_spread(spread, pred)
        return (pred - width).reshape(shape), (pred + width).reshape(shape)

    def to_dict(self) -> dict[str, Any]:
        """Give all that :meth:`from_dict` needs, as plain numbers, lists and text.

        No person's errors are in it, but widths by level and region.

        Returns
        -------
        dict
            JSON-able.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        """
        self._check_fitted()
        widths = [
            [float(f"{width:.6g}") if np.isfinite(width) else None for width in row]
            for row in self.half_widths_
        ]
        return {
            "method": self.method,
            "n_subjects": int(self.n_subjects_),
            "uses_spread": bool(self.uses_spread_),
            "levels": self.levels_.tolist(),
            "half_widths": widths,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> SubjectIntervals:
        """Make intervals of what :meth:`to_dict` gave.

        Parameters
        ----------
        content : mapping
            It may come from a file that is not trusted.

        Returns
        -------
        SubjectIntervals
            Fitted.

        Raises
        ------
        ValueError
            If something is missing or is not what it should be.
        """
        try:
            intervals = cls(content["method"])
            n_subjects, uses_spread = content["n_subjects"], content["uses_spread"]
            levels = np.array(content["levels"], float)
            rows = [
                [np.inf if w is None else w for w in row] for row in content["half_widths"]
            ]
            widths = np.array(rows, float)
            if type(n_subjects) is not int or n_subjects < 2:
                raise ValueError(f"{n_subjects!r} people")
            if type(uses_spread) is not bool:
                raise ValueError(f"uses_spread is {uses_spread!r}")
            if not np.array_equal(levels, _LEVELS):
                raise ValueError("other levels")
            if widths.ndim != 2 or len(widths) != len(levels) or not widths.shape[1]:
                raise ValueError(f"half widths of shape {widths.shape}")
            same = widths[1:] == widths[:-1]  # Also where both are infinite.
            if not (widths >= 0).all() or not (same | (widths[1:] > widths[:-1])).all():
                raise ValueError("half widths that are negative or shrink with the level")
        except (KeyError, TypeError, ValueError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ValueError(
                f"These are not the intervals of SubjectIntervals.to_dict(): {what}."
            ) from error
        intervals.n_subjects_, intervals.uses_spread_ = n_subjects, uses_spread
        intervals.n_rois_, intervals.levels_ = widths.shape[1], levels
        intervals.half_widths_ = widths
        return intervals

    def _check_fitted(self) -> None:
        if not hasattr(self, "half_widths_"):
            raise NotFittedError("These intervals are not fitted: call fit first.")

    def __repr__(self) -> str:  # noqa: D105
        if not hasattr(self, "half_widths_"):
            return f"SubjectIntervals({self.method!r})"
        return (
            f"<SubjectIntervals {self.method}, {counted(self.n_rois_, 'region')}, from "
            f"{counted(self.n_subjects_, 'person', 'people')}>"
        )


def held_out_intervals(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    subjects: ArrayLike,
    level: float = 0.9,
    method: str = "leave-one-out",
) -> np.ndarray:
    """Half widths for each person, learned from all other people.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured BOLD, and predictions of models that had not seen the person.
    subjects : array-like, shape (n_volumes,)
        The person of each volume; at least 3 people.
    level : float
        Default 0.9.
    method : str
        As in :class:`SubjectIntervals`.

    Returns
    -------
    ndarray, of the shape of the BOLD
        Half the width of each volume's interval. A person's own errors have no part in
        it.

    Raises
    ------
    ValueError
        If shapes differ, values are not finite, or there are fewer than 3 people.
    """
    scores = scores_of(y_true, y_pred, None)
    names, numbers = np.unique(np.asarray(subjects), return_inverse=True)
    if len(names) < 3:
        raise ValueError(
            f"Intervals that leave a person out take at least 3 people, got {len(names)}."
        )
    errors, within = distributions(by_person(subjects, scores))
    levels = np.array([level], float)
    widths = np.stack(
        [
            half_widths(errors, np.delete(within, person, axis=0), levels, method)[0]
            for person in range(len(names))
        ]
    )
    return widths[numbers].reshape(np.shape(y_true))
