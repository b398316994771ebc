"""Surrogates of BOLD: series with its statistics, but unrelated to the EEG in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..metrics.series import columns
from .methods import Blocks, Phases, Shifts, Surrogates

__all__ = ["block_permuted", "circular_shifts", "phase_randomised"]


def phase_randomised(
    series: ArrayLike, n_surrogates: int, random_state: int | np.random.Generator | None = 0
) -> np.ndarray:
    """Make surrogates by phase randomisation: stationary series of the same spectrum.

    Each region keeps its power spectrum, and regions keep their correlations with
    each other at all lags (as of a ring), since all get the same phases (Prichard
    and Theiler, 1994). The mean stays; with an even number of volumes the component
    at the Nyquist frequency gets a random sign.

    Parameters
    ----------
    series : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        BOLD of consecutive volumes of one recording, at least 5.
    n_surrogates : int
        How many to make.
    random_state : int | numpy.random.Generator | None
        Seed. Default 0.

    Returns
    -------
    ndarray, shape (n_surrogates, n_volumes, n_rois) or (n_surrogates, n_volumes)
        In the unit of `series`, and with one dimension more.

    Raises
    ------
    ValueError
        If `n_surrogates` is not positive, there are too few volumes, or values are
        not finite.

    See Also
    --------
    null_r : Compares R with that of surrogates, without making them.

    References
    ----------
    Prichard, D., & Theiler, J. (1994). Generating surrogate data for time series with
    several simultaneously measured variables. Physical Review Letters 73, 951-954.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.null import phase_randomised
    >>> bold = np.random.default_rng(0).standard_normal((100, 2))
    >>> surrogates = phase_randomised(bold, 5)
    >>> surrogates.shape
    (5, 100, 2)
    >>> spectrum = np.abs(np.fft.rfft(bold, axis=0))
    >>> np.allclose(np.abs(np.fft.rfft(surrogates[0], axis=0)), spectrum)
    True
    """
    return _made(Phases(len(series)), series, n_surrogates, random_state)


def circular_shifts(
    series: ArrayLike,
    n_surrogates: int,
    random_state: int | np.random.Generator | None = 0,
) -> np.ndarray:
    """Make surrogates by circular shifts in time.

    The series is unchanged, except where its end meets its beginning. There is one
    different surrogate less than there are volumes, and neighbours are nearly alike.

    Parameters
    ----------
    series : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        BOLD of consecutive volumes of one recording, at least 2.
    n_surrogates : int
        How many to make, drawn with replacement.
    random_state : int | numpy.random.Generator | None
        Seed. Default 0.

    Returns
    -------
    ndarray, shape (n_surrogates, n_volumes, n_rois) or (n_surrogates, n_volumes)
        In the unit of `series`, and with one dimension more.

    Raises
    ------
    ValueError
        If `n_surrogates` is not positive, there are too few volumes, or values are not
        finite.

    See Also
    --------
    null_r : Compares R with that of surrogates, without making them.
    """
    return _made(Shifts(len(series)), series, n_surrogates, random_state)


def block_permuted(
    series: ArrayLike,
    n_surrogates: int,
    tr: float,
    block_seconds: float = 40.0,
    random_state: int | np.random.Generator | None = 0,
) -> np.ndarray:
    """Make surrogates by permuting blocks of time.

    Values and their course within blocks are kept. What is slower than a block is not,
    and there are jumps where blocks meet.

    Parameters
    ----------
    series : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        BOLD of consecutive volumes of one recording.
    n_surrogates : int
        How many to make.
    tr : float
        Repetition time in seconds.
    block_seconds : float
        Length of a block, rounded to whole volumes. Default 40. A rest at the end is
        a shorter block.
    random_state : int | numpy.random.Generator | None
        Seed. Default 0.

    Returns
    -------
    ndarray, shape (n_surrogates, n_volumes, n_rois) or (n_surrogates, n_volumes)
        In the unit of `series`, and with one dimension more.

    Raises
    ------
    ValueError
        If `n_surrogates` is not positive, there are fewer than two blocks, values are
        not finite, or the times are not possible.

    See Also
    --------
    null_r : Compares R with that of surrogates, without making them.
    """
    blocks = Blocks(len(series), tr, block_seconds)
    return _made(blocks, series, n_surrogates, random_state)


def _made(
    method: Surrogates,
    series: ArrayLike,
    n_surrogates: int,
    random_state: int | np.random.Generator | None,
) -> np.ndarray:
    if n_surrogates < 1:
        raise ValueError(f"n_surrogates must be at least 1, got {n_surrogates}.")
    values = columns(series)
    bad = ~np.isfinite(values).all(axis=0)
    if bad.any():
        raise ValueError(
            f"{bad.sum()} of {len(bad)} series hold NaN or infinite values. Leave such "
            "regions out."
        )
    numbers = method.draw(np.random.default_rng(random_state), n_surrogates)
    made = method.apply(values, numbers)
    return made if np.ndim(series) == 2 else made[..., 0]
