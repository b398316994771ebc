"""Distributions of people's errors, and the widths that cover people left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._text import counted
from .series import columns, paired

__all__ = ["as_spread", "by_person", "distributions", "half_widths", "scores_of"]

#: Thresholds at which the distributions of errors are compared.
_N_THRESHOLDS = 1000
#: What part of the level a left-out person counts as covered at least.
_LEAST = 0.5


def scores_of(y_true: ArrayLike, y_pred: ArrayLike, spread: ArrayLike | None) -> np.ndarray:
    """Absolute errors, in units of the spread if there is one."""
    true, pred = paired(y_true, y_pred)
    for name, values in (("measured", true), ("predicted", pred)):
        broken = ~np.isfinite(values)
        if broken.any():
            found = counted(broken.sum(), "value is", "values are")
            raise ValueError(f"{found} not finite in the {name} BOLD. Leave them out.")
    return np.abs(true - pred) / as_spread(spread, pred)


def as_spread(spread: ArrayLike | None, pred: np.ndarray) -> np.ndarray:
    """Check a spread; ones if there is none."""
    if spread is None:
        return np.ones((1, 1))
    spread = columns(spread, "The spread")
    if spread.shape != pred.shape:
        raise ValueError(
            f"The spread must have the shape of the predictions {pred.shape}, got "
            f"{spread.shape}."
        )
    if not (np.isfinite(spread) & (spread > 0)).all():
        raise ValueError("The spread must be finite and above 0 everywhere.")
    return spread


def by_person(subjects: ArrayLike, scores: np.ndarray) -> list[np.ndarray]:
    """Sorted errors of each person, in the order of their labels."""
    labels = np.asarray(subjects)
    if labels.shape != (len(scores),):
        raise ValueError(
            f"subjects must have one label for each of {len(scores)} volumes, got an array "
            f"of shape {labels.shape}."
        )
    names, numbers = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            "Intervals for people who were not seen take errors on at least 2 people, got "
            f"{len(names)}."
        )
    return [np.sort(scores[numbers == number], axis=0) for number in range(len(names))]


def distributions(people: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Tabulate each person's distribution of errors on common thresholds.

    Returns thresholds, shape (n_thresholds, n_rois), which divide the mean of the
    distributions evenly, and what part of each person's errors is no larger, shape
    (n_people, n_thresholds, n_rois).
    """
    weights = np.concatenate([np.full(len(of_one), 1 / len(of_one)) for of_one in people])
    together = np.concatenate(people)
    order = np.argsort(together, axis=0, kind="stable")
    cumulative = np.cumsum(weights[order], axis=0) / len(people)
    wanted = np.arange(1, _N_THRESHOLDS + 1) / _N_THRESHOLDS
    n_rois = together.shape[1]
    errors = np.empty((_N_THRESHOLDS, n_rois))
    within = np.empty((len(people), _N_THRESHOLDS, n_rois))
    for roi in range(n_rois):
        place = np.searchsorted(cumulative[:, roi], wanted - 1e-12)
        place = np.minimum(place, len(together) - 1)
        errors[:, roi] = together[order[place, roi], roi]
        for number, of_one in enumerate(people):
            below = np.searchsorted(of_one[:, roi], errors[:, roi], side="right")
            within[number, :, roi] = below / len(of_one)
    return errors, within


def half_widths(
    errors: np.ndarray, within: np.ndarray, levels: np.ndarray, method: str
) -> np.ndarray:
    """Width for each level and region, shape (n_levels, n_rois)."""
    n_people, n_thresholds, n_rois = within.shape
    mean = within.mean(axis=0)
    widths = np.empty((len(levels), n_rois))
    for roi in range(n_rois):
        if method == "conformal":
            wanted = levels * (n_people + 1) / n_people
        else:
            wanted = _corrected(within[:, :, roi], mean[:, roi], levels)
        place = np.searchsorted(mean[:, roi], wanted - 1e-9)
        found = errors[np.minimum(place, n_thresholds - 1), roi]
        widths[:, roi] = np.where(wanted > 1 + 1e-9, np.inf, found)
    return widths


def _corrected(within: np.ndarray, mean: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Levels at which the others' errors cover a left-out person at `levels`, on average.

    A level that the others never reach becomes 1: the largest error known. A person who is
    covered far less than the level counts as covered in part.
    """
    n_people, n_thresholds = within.shape
    tried = np.arange(n_thresholds + 1) / n_thresholds
    covered = np.zeros(len(tried))
    for of_one in within:
        others = (n_people * mean - of_one) / (n_people - 1)
        place = np.searchsorted(others, tried - 1e-9)
        here = of_one[np.minimum(place, n_thresholds - 1)]
        covered += np.maximum(here, _LEAST * tried)
    # Rounding must not turn the order round.
    covered = np.maximum.accumulate(covered / n_people)
    place = np.searchsorted(covered, levels - 1e-9)
    return tried[np.minimum(place, n_thresholds)]
