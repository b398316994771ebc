"""Whether predicted connectivity is that of the person, not that of anybody."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._text import counted
from .series import unit

__all__ = ["Identification", "connectivity_similarity", "identify_subjects"]

#: Permutations that are closer than this are as good as the true pairing.
_TIE = 1e-12


@dataclass(frozen=True)
class Identification:
    """How well predicted connectivity finds its own person.

    Attributes
    ----------
    n_subjects : int
        People compared.
    accuracy : float
        Share of people whose predicted connectivity is most similar to their own
        measured one, among all people's (fingerprinting, [1]_). Ties count in part.
    chance : float
        ``1 / n_subjects``.
    accuracy_p : float
        How often pairs drawn at random are found as often.
    own, others : float
        Mean similarity of predicted connectivity to that of the same person, and to
        that of all others.
    pairing : float
        ``own - others``. 0 by chance.
    pairing_p : float
        How often pairs drawn at random are as similar.

    References
    ----------
    .. [1] Finn, E. S., et al. (2015). Functional connectome fingerprinting: identifying
       individuals using patterns of brain connectivity. Nature Neuroscience, 18,
       1664-1671. https://doi.org/10.1038/nn.4135
    """

    n_subjects: int
    accuracy: float
    chance: float
    accuracy_p: float
    own: float
    others: float
    pairing: float
    pairing_p: float


def connectivity_similarity(
    measured: Sequence[ArrayLike], predicted: Sequence[ArrayLike]
) -> np.ndarray:
    """Correlate the predicted connectivity of each person with the measured one of each.

    Parameters
    ----------
    measured, predicted : sequence of array-like, each of shape (n_rois, n_rois)
        A matrix of :func:`connectivity` per person, or a mean of several. Connections
        that are NaN in any of them are left out of all.

    Returns
    -------
    ndarray, shape (n_predicted, n_measured)
        Pearson correlation between the upper triangles without the diagonal. NaN where
        fewer than three connections are left, or all of a person's are the same.

    Raises
    ------
    ValueError
        If there is no matrix, or shapes differ.

    See Also
    --------
    connectivity_r : The same for one person's series.
    identify_subjects : What to do with the result.
    """
    stacks = [np.asarray(list(matrices), dtype=float) for matrices in (measured, predicted)]
    shapes = [stack.shape[1:] for stack in stacks]
    square = all(len(shape) == 2 and shape[0] == shape[1] for shape in shapes)
    if not square or shapes[0] != shapes[1]:
        raise ValueError(
            "Give matrices of connectivity, each of shape (n_rois, n_rois) with the same "
            f"regions, got shapes {stacks[0].shape} and {stacks[1].shape}."
        )
    rows, columns = np.triu_indices(shapes[0][0], k=1)
    flat = [stack[:, rows, columns] for stack in stacks]
    there = np.isfinite(np.concatenate(flat)).all(axis=0)
    result = np.full((len(flat[1]), len(flat[0])), np.nan)
    if there.sum() < 3:
        return result
    (true, true_undefined), (pred, pred_undefined) = (unit(f[:, there].T) for f in flat)
    defined = np.outer(~pred_undefined, ~true_undefined)
    return np.where(defined, np.clip(pred.T @ true, -1.0, 1.0), np.nan)


def identify_subjects(
    similarity: ArrayLike, n_permutations: int = 9_999, random_state: int = 0
) -> Identification:
    """Test whether predicted connectivity is more like its own person's than others'.

    Connectivity is much the same in everybody, so that a prediction that knows nothing
    of the person can have a high :func:`connectivity_r`. It cannot say who the person is:
    people are paired with predictions at random, and the true pairing must be better.

    Parameters
    ----------
    similarity : array-like, shape (n_subjects, n_subjects)
        Of :func:`connectivity_similarity`: predictions in rows, measured people in
        columns, the same people in the same order. People with NaN are left out, with
        a warning.
    n_permutations : int
        Random pairings. Where there are no more different ones (up to 7 people), each
        is used once. Default 9,999.
    random_state : int
        Seed. Default 0.

    Returns
    -------
    Identification
        NaN in all but the numbers of people with fewer than 2 people. With 2 or 3
        people no p is below 0.05.

    Raises
    ------
    ValueError
        If the matrix is not square, or `n_permutations` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.metrics import identify_subjects
    >>> similarity = 0.6 + 0.2 * np.eye(5)
    >>> found = identify_subjects(similarity)
    >>> found.accuracy, found.chance, round(found.pairing, 3)
    (1.0, 0.2, 0.2)
    """
    similarity = np.asarray(similarity, dtype=float)
    if similarity.ndim != 2 or similarity.shape[0] != similarity.shape[1]:
        raise ValueError(
            "similarity must have a row and a column for each person, got shape "
            f"{similarity.shape}."
        )
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be at least 1, got {n_permutations}.")
    similarity = _defined(similarity)
    number = len(similarity)
    if number < 2:
        return Identification(number, *[math.nan] * 7)
    pairings = _pairings(number, n_permutations, random_state)
    found = similarity >= similarity.max(axis=1, keepdims=True) - _TIE
    hits = found / found.sum(axis=1, keepdims=True)
    rows = np.arange(number)
    own = similarity.trace() / number
    others = (similarity.sum() - similarity.trace()) / (number * (number - 1))
    accuracy = hits.trace() / number
    return Identification(
        number,
        float(accuracy),
        1 / number,
        _p(hits[rows, pairings].mean(axis=1), accuracy),
        float(own),
        float(others),
        float(own - others),
        _p(similarity[rows, pairings].mean(axis=1), own),
    )


def _defined(similarity: np.ndarray) -> np.ndarray:
    """Leave out people without a defined similarity, those with most gaps first."""
    kept = np.arange(len(similarity))
    gaps = np.isnan(similarity)
    while gaps[np.ix_(kept, kept)].any():
        within = gaps[np.ix_(kept, kept)]
        kept = np.delete(kept, np.argmax(within.sum(axis=0) + within.sum(axis=1)))
    n_without = len(similarity) - len(kept)
    if n_without:
        warnings.warn(
            f"{counted(n_without, 'person is', 'people are')} left out: the measured or "
            "predicted connectivity is not defined.",
            stacklevel=3,
        )
    return similarity[np.ix_(kept, kept)]


def _pairings(number: int, n_permutations: int, random_state: int) -> np.ndarray:
    """Pairings to compare with, the true one among them, a row each."""
    if number <= 7 and math.factorial(number) <= n_permutations + 1:
        return np.array(list(itertools.permutations(range(number))))
    rng = np.random.default_rng(random_state)
    drawn = rng.permuted(np.tile(np.arange(number), (n_permutations, 1)), axis=1)
    return np.vstack([np.arange(number), drawn])


def _p(of_pairings: np.ndarray, observed: float) -> float:
    return float(np.mean(of_pairings >= observed - _TIE))
