"""Surrogates of BOLD: series with its statistics, but unrelated to the EEG in time.

Each surrogate follows from a row of random numbers. They give the surrogate itself
(`apply`) or, faster, its correlation with a prediction: a linear function (`read`) of a
table of the two series (`table`) that is made once.
"""

from __future__ import annotations

import itertools
import math
from typing import Protocol

import numpy as np
from scipy.fft import irfft, rfft
from scipy.sparse import csr_array

from .._text import counted


class Surrogates(Protocol):
    """What the methods have in common.

    Attributes
    ----------
    n_distinct : int | float
        How many different surrogates there are.
    """

    n_distinct: int | float

    def draw(self, rng: np.random.Generator, n_surrogates: int) -> np.ndarray:
        """Draw random numbers; in two halves they are the same as at once."""

    def every(self) -> np.ndarray:
        """Give the numbers of every surrogate, where `n_distinct` is finite."""

    def apply(self, series: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Make surrogates, shape (n_surrogates, n_volumes, n_rois)."""

    def table(self, pred: np.ndarray, true: np.ndarray) -> np.ndarray:
        """Prepare two series of mean 0 for `read`, shape (n_entries, n_rois)."""

    def read(self, numbers: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Inner products with surrogates, shape (n_surrogates, n_rois)."""


class Phases:
    """Phase randomisation: random phases at all frequencies, the same for all regions.

    Parameters
    ----------
    n_volumes : int
        Length of the series.
    """

    n_distinct = math.inf

    def __init__(self, n_volumes: int):
        if n_volumes < 5:
            raise ValueError(
                f"Phase randomisation needs at least 5 volumes, got {n_volumes}."
            )
        self.n_volumes = n_volumes

    def draw(self, rng: np.random.Generator, n_surrogates: int) -> np.ndarray:
        """Phases in radians, shape (n_surrogates, n_volumes // 2)."""
        uniform = rng.random((n_surrogates, self.n_volumes // 2), dtype=np.float32)
        if self.n_volumes % 2 == 0:
            # At the Nyquist frequency a real series has only its sign.
            uniform[:, -1] = np.where(uniform[:, -1] < 0.5, 0.0, 0.5)
        return uniform * np.float32(2 * np.pi)

    def apply(self, series: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Shift the phase of every frequency but 0."""
        turns = np.ones((len(numbers), self.n_volumes // 2 + 1, 1), complex)
        turns[:, 1:, 0] = np.exp(1j * numbers.astype(float))
        return irfft(rfft(series, axis=0) * turns, self.n_volumes, axis=1)

    def table(self, pred: np.ndarray, true: np.ndarray) -> np.ndarray:
        """Real and imaginary parts of the cross-spectrum, as Parseval weighs them."""
        cross = (np.conj(rfft(pred, axis=0)) * rfft(true, axis=0))[1:] * 2 / self.n_volumes
        if self.n_volumes % 2 == 0:
            cross[-1] /= 2
        return np.concatenate([cross.real, -cross.imag]).astype(np.float32)

    def read(self, numbers: np.ndarray, table: np.ndarray) -> np.ndarray:  # noqa: D102
        n_frequencies = numbers.shape[1]
        turns = np.empty((len(numbers), 2 * n_frequencies), np.float32)
        np.cos(numbers, out=turns[:, :n_frequencies])
        np.sin(numbers, out=turns[:, n_frequencies:])
        return turns @ table


class Shifts:
    """Circular shifts in time, by any number of volumes but none.

    Parameters
    ----------
    n_volumes : int
        Length of the series.
    """

    def __init__(self, n_volumes: int):
        if n_volumes < 2:
            raise ValueError(f"Circular shifts need at least 2 volumes, got {n_volumes}.")
        self.n_volumes = n_volumes
        self._shifts = np.arange(1, n_volumes)
        self.n_distinct = len(self._shifts)

    def draw(self, rng: np.random.Generator, n_surrogates: int) -> np.ndarray:
        """Shifts in volumes, shape (n_surrogates,)."""
        return rng.choice(self._shifts, n_surrogates)

    def every(self) -> np.ndarray:  # noqa: D102
        return self._shifts

    def apply(self, series: np.ndarray, numbers: np.ndarray) -> np.ndarray:  # noqa: D102
        volumes = np.arange(self.n_volumes)
        return series[(volumes - numbers[:, None]) % self.n_volumes]

    def table(self, pred: np.ndarray, true: np.ndarray) -> np.ndarray:
        """Cross-correlation at all shifts."""
        cross = rfft(pred, axis=0) * np.conj(rfft(true, axis=0))
        return irfft(cross, self.n_volumes, axis=0).astype(np.float32)

    def read(self, numbers: np.ndarray, table: np.ndarray) -> np.ndarray:  # noqa: D102
        return table[numbers]


class Blocks:
    """Blocks of the series in another order; a rest at the end is a shorter block.

    Parameters
    ----------
    n_volumes : int
        Length of the series.
    tr : float
        Repetition time in seconds.
    block_seconds : float
        Length of a block.
    """

    def __init__(self, n_volumes: int, tr: float, block_seconds: float):
        if tr is None or not 0 < tr < math.inf:
            raise ValueError(
                "tr must be the repetition time in seconds, since block_seconds is in "
                f"seconds; got {tr}."
            )
        if not 0 <= block_seconds < math.inf:
            raise ValueError(
                f"block_seconds must be seconds, not negative, got {block_seconds}."
            )
        self._length = max(1, round(block_seconds / tr))
        self._n_full, self._rest = divmod(n_volumes, self._length)
        if self._n_full < 2:
            raise ValueError(
                f"{n_volumes} volumes hold {counted(self._n_full, 'block')} of "
                f"{self._length} volumes ({block_seconds:g} s), at least 2 are needed. "
                "Make block_seconds shorter."
            )
        self.n_volumes = n_volumes
        self._n_blocks = self._n_full + (self._rest > 0)
        self.n_distinct = math.factorial(self._n_blocks)

    def draw(self, rng: np.random.Generator, n_surrogates: int) -> np.ndarray:
        """Orders of the blocks, shape (n_surrogates, n_blocks)."""
        orders = np.tile(np.arange(self._n_blocks), (n_surrogates, 1))
        return rng.permuted(orders, axis=1)

    def every(self) -> np.ndarray:  # noqa: D102
        return np.array(list(itertools.permutations(range(self._n_blocks))))

    def apply(self, series: np.ndarray, numbers: np.ndarray) -> np.ndarray:  # noqa: D102
        blocks = np.split(
            np.arange(self.n_volumes), np.arange(1, self._n_blocks) * self._length
        )
        orders = [np.concatenate([blocks[block] for block in order]) for order in numbers]
        return series[np.array(orders)]

    def table(self, pred: np.ndarray, true: np.ndarray) -> np.ndarray:
        """Inner products of each block with each place it can come to.

        Places of full blocks before the short one, then those after it, which begin
        later by its length, then the places of the short one.
        """
        length, n_full, rest = self._length, self._n_full, self._rest
        end = n_full * length
        blocks = true[:end].reshape(n_full, length, -1).transpose(2, 1, 0)
        products = []
        for start in (0, rest):
            places = pred[start : start + end].reshape(n_full, length, -1)
            product = places.transpose(2, 0, 1) @ blocks
            products.append(product.reshape(len(product), -1).T)
        starts = np.arange(n_full + 1) * length
        places = pred[starts[:, None] + np.arange(rest)]
        products.append((places * true[end:]).sum(axis=1))
        return np.concatenate(products).astype(np.float32)

    def read(self, numbers: np.ndarray, table: np.ndarray) -> np.ndarray:  # noqa: D102
        n_full, n_blocks = self._n_full, self._n_blocks
        positions = np.arange(n_blocks)
        short = numbers == n_full
        after = np.cumsum(short, axis=1)
        entries = (after * n_full + positions - after) * n_full + numbers
        entries = np.where(short, 2 * n_full**2 + positions, entries)
        ends = np.arange(len(numbers) + 1) * n_blocks
        ones = np.ones(entries.size, np.float32)
        shape = (len(numbers), len(table))
        return csr_array((ones, entries.ravel(), ends), shape) @ table
