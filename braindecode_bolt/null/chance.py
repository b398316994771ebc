"""The null distribution of R: how large R is by chance."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .._text import counted
from ..metrics.series import paired, unit
from .methods import Blocks, Phases, Shifts, Surrogates

__all__ = ["NullR", "null_r"]

ALTERNATIVES = ("greater", "two-sided")
#: Number of surrogates computed together: 5 MB of phases for 567 volumes.
_AT_ONCE = 2048
#: Correlations of surrogates are float32; what is closer than this is a tie.
_TIE = 1e-5


@dataclass(frozen=True, repr=False)
class NullR:
    """R against its distribution under chance, see :func:`null_r`.

    Attributes
    ----------
    method, alternative : str
        As given.
    recordings : ndarray, shape (n_recordings,)
        Their labels, sorted.
    observed : ndarray, shape (n_rois,)
        Mean over recordings of the R of each.
    null : ndarray, shape (n_surrogates, n_rois)
        The same of surrogates, float32.
    p : ndarray, shape (n_rois,)
        ``(1 + number of surrogates that reach observed) / (1 + n_surrogates)``.
    observed_mean, p_mean : float
        Mean over regions, and its p.
    observed_per_recording, p_per_recording : ndarray, shape (n_recordings, n_rois)
        R of each recording, and its p among the surrogates of this recording.
    band : ndarray, shape (2, n_rois)
        Quantiles ``(1 - level) / 2`` and ``(1 + level) / 2`` of `null`.
    level : float
        As given.
    n_distinct : int | float
        How many different surrogates there are of all recordings together;
        infinity for phase randomisation.
    n_distinct_per_recording : tuple of int or float
        Of each recording. No p is smaller than 1 over 1 more than this.
    """

    method: str
    alternative: str
    recordings: np.ndarray
    observed: np.ndarray
    null: np.ndarray
    p: np.ndarray
    observed_mean: float
    p_mean: float
    observed_per_recording: np.ndarray
    p_per_recording: np.ndarray
    band: np.ndarray
    level: float
    n_distinct: int | float
    n_distinct_per_recording: tuple[int | float, ...]

    @property
    def n_surrogates(self) -> int:
        """Number of surrogates of all recordings together."""
        return len(self.null)

    def __repr__(self) -> str:  # noqa: D105
        return (
            f"<NullR {self.method}, {counted(len(self.recordings), 'recording')}, "
            f"{counted(len(self.observed), 'region')}, "
            f"{counted(self.n_surrogates, 'surrogate')}: mean R "
            f"{self.observed_mean:.3f}, p {self.p_mean:.2g}>"
        )


def null_r(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    recordings: ArrayLike | None = None,
    method: str = "phase",
    n_surrogates: int = 10_000,
    *,
    tr: float | None = None,
    block_seconds: float = 40.0,
    alternative: str = "greater",
    level: float = 0.95,
    random_state: int | np.random.Generator | None = 0,
) -> NullR:
    """Compare R with that of surrogates of the measured BOLD.

    BOLD and predictions are autocorrelated: 48 volumes hold far fewer than 48
    independent values, so R is often large by chance, and a p from Student's t
    is far too small. A surrogate has the autocorrelation of the measured BOLD
    and its correlations between regions, but is unrelated to the prediction. All
    regions of a recording are changed in the same way, recordings independently. The
    statistic is the paper's: the mean over recordings of the R of each.

    Their R is computed without making them, from the cross-spectrum, the
    cross-correlation, or the inner products of blocks.

    Surrogates assume that BOLD is stationary. Drifts, and responses to a task with the
    same timing in all subjects, can be predicted without the subject's EEG, and give a
    small p. Remove drifts from the BOLD (as nilearn does), and compare with
    :func:`~braindecode_bolt.null.wrong_subject`.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_volumes, n_rois) or (n_volumes,)
        Measured and predicted BOLD. The volumes of a recording are in the order of
        time, and are taken to follow each other without a gap. Predictions of several
        seeds may be given as (n_seeds, n_volumes, n_rois): R is then the mean over
        seeds, each surrogate being compared with all of them.
    recordings : array-like, shape (n_volumes,) | None
        The recording of each volume. By default all are of one.
    method : {"phase", "shift", "block"}
        :func:`phase_randomised` (default), :func:`circular_shifts` or
        :func:`block_permuted` BOLD.
    n_surrogates : int
        How many surrogates of all recordings together. Default 10,000. Where there
        are no more different ones, each is used once, with a warning.
    tr : float | None
        Repetition time in seconds; needed for ``"block"``, not used otherwise
        (default None).
    block_seconds : float
        Length of a block for ``"block"``, in seconds. Default 40.
    alternative : {"greater", "two-sided"}
        Count surrogates whose R is at least as large as the observed one (default),
        or at least as far from 0.
    level : float
        What part of the null distribution `band` holds. Default 0.95.
    random_state : int | numpy.random.Generator | None
        Seed. Default 0. Recordings, in the order of their labels, draw from
        ``numpy.random.default_rng(random_state).spawn(n_recordings)``.

    Returns
    -------
    NullR
        A region that is constant or not finite in a recording is left out of its
        mean over recordings, in `observed` and `null`; one that is so in all
        recordings has p NaN. Both are counted in one warning.

    Raises
    ------
    ValueError
        If shapes differ, a recording is too short, `method` or `alternative` is not
        known, or a number is not possible.

    See Also
    --------
    wrong_subject : Windows to train on, for what surrogates do not see.
    bootstrap_interval : Interval of the mean R over people.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.null import null_r
    >>> rng = np.random.default_rng(0)
    >>> from scipy.ndimage import gaussian_filter1d
    >>> measured = gaussian_filter1d(rng.standard_normal((300, 2)), 2, axis=0)
    >>> unrelated = gaussian_filter1d(rng.standard_normal(300), 2)
    >>> predicted = np.column_stack([measured[:, 0], unrelated])
    >>> null_r(measured, predicted, n_surrogates=999).p < 0.05
    array([ True, False])
    """
    true, pred = _paired_seeds(y_true, y_pred)
    _check(n_surrogates, alternative, level)
    make = _maker(method, tr, block_seconds)
    names, rows = _by_recording(recordings, len(true))
    parts = [
        _Part.of(name, true[of_it], pred[:, of_it], make)
        for name, of_it in zip(names, rows, strict=True)
    ]
    observed_r = np.array([part.observed for part in parts])
    n_distinct = tuple(part.surrogates.n_distinct for part in parts)
    _warn(np.isnan(observed_r), math.prod(n_distinct), n_surrogates)
    rngs = np.random.default_rng(random_state).spawn(len(parts))
    null, p_per_recording = _collect(parts, rngs, n_surrogates, alternative)
    n_defined = np.isfinite(observed_r).sum(axis=0)
    with np.errstate(invalid="ignore"):
        observed = np.nansum(observed_r, axis=0) / n_defined
        null /= n_defined.astype(np.float32)
    kept = n_defined > 0 if n_defined.any() else slice(None)
    observed_mean = observed[kept].mean()
    null_mean = null[:, kept].mean(axis=1, keepdims=True)
    return NullR(
        method=method,
        alternative=alternative,
        recordings=names,
        observed=observed,
        null=null,
        p=_p(null, observed, alternative),
        observed_mean=float(observed_mean),
        p_mean=float(_p(null_mean, observed_mean, alternative)[0]),
        observed_per_recording=observed_r,
        p_per_recording=p_per_recording,
        band=np.quantile(null, [(1 - level) / 2, (1 + level) / 2], axis=0),
        level=level,
        n_distinct=math.prod(n_distinct),
        n_distinct_per_recording=n_distinct,
    )


@dataclass(frozen=True)
class _Part:
    """One recording: its R, and what the R of its surrogates follows from."""

    observed: np.ndarray
    table: np.ndarray
    surrogates: Surrogates

    @classmethod
    def of(
        cls,
        name: str,
        true: np.ndarray,
        pred: np.ndarray,
        make: Callable[[int], Surrogates],
    ) -> _Part:
        try:
            surrogates = make(len(true))
        except ValueError as error:
            raise ValueError(f"Recording {name}: {error}") from None
        true, undefined = unit(true)
        seeds, without = zip(*(unit(of_seed) for of_seed in pred), strict=True)
        # R is linear in what has unit length: its mean over seeds is that of a mean.
        n_defined = len(seeds) - np.sum(without, axis=0)
        undefined = undefined | (n_defined == 0)
        mean = np.sum(seeds, axis=0) / np.maximum(n_defined, 1)
        r = np.clip((true * mean).sum(axis=0), -1.0, 1.0)
        observed = np.where(undefined, np.nan, r)
        return cls(observed, surrogates.table(mean, true), surrogates)


def _collect(
    parts: list[_Part], rngs: list[np.random.Generator], n_surrogates: int, alternative: str
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the R of surrogates over recordings, and give the p of each recording."""
    counts = [part.surrogates.n_distinct for part in parts]
    which = None
    if math.prod(counts) <= n_surrogates:
        n_surrogates = math.prod(counts)
        which = np.unravel_index(np.arange(n_surrogates), counts)
    total = np.zeros((n_surrogates, parts[0].table.shape[1]), np.float32)
    all_p = []
    for position, (part, rng) in enumerate(zip(parts, rngs, strict=True)):
        few = part.surrogates.n_distinct <= n_surrogates
        every = part.surrogates.every() if few else None
        n_reached = 0
        for start in range(0, n_surrogates, _AT_ONCE):
            rows = slice(start, min(start + _AT_ONCE, n_surrogates))
            if which is None:
                numbers = part.surrogates.draw(rng, rows.stop - start)
            else:
                numbers = every[which[position][rows]]
            r = part.surrogates.read(numbers, part.table)
            total[rows] += r
            n_reached += _n_reached(r, part.observed, alternative)
        p = (1 + n_reached) / (1 + n_surrogates)
        if few:
            # Each once, since those drawn repeat themselves.
            p = _p(part.surrogates.read(every, part.table), part.observed, alternative)
        all_p.append(np.where(np.isnan(part.observed), np.nan, p))
    return total, np.array(all_p)


def _n_reached(null: np.ndarray, observed: np.ndarray, alternative: str) -> np.ndarray:
    if alternative == "two-sided":
        null, observed = np.abs(null), np.abs(observed)
    return (null >= observed - _TIE).sum(axis=0)


def _p(null: np.ndarray, observed: np.ndarray, alternative: str) -> np.ndarray:
    p = (1 + _n_reached(null, observed, alternative)) / (1 + len(null))
    return np.where(np.isnan(observed), np.nan, p)


def _paired_seeds(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes; predictions become (n_seeds, n_volumes, n_rois)."""
    pred = np.asarray(y_pred, dtype=float)
    if pred.ndim != 3:
        true, pred = paired(y_true, pred)
        return true, pred[None]
    pairs = [paired(y_true, of_seed) for of_seed in pred]
    if not pairs:
        raise ValueError("y_pred has the predictions of no seed.")
    return pairs[0][0], np.stack([of_seed for _, of_seed in pairs])


def _check(n_surrogates: int, alternative: str, level: float) -> None:
    if n_surrogates < 1:
        raise ValueError(f"n_surrogates must be at least 1, got {n_surrogates}.")
    if alternative not in ALTERNATIVES:
        raise ValueError(
            f"alternative must be one of {', '.join(ALTERNATIVES)}, got {alternative!r}."
        )
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}.")


def _maker(
    method: str, tr: float | None, block_seconds: float
) -> Callable[[int], Surrogates]:
    makers = {
        "phase": Phases,
        "shift": Shifts,
        "block": partial(Blocks, tr=tr, block_seconds=block_seconds),
    }
    if method not in makers:
        raise ValueError(f"method must be one of {', '.join(makers)}, got {method!r}.")
    return makers[method]


def _by_recording(
    recordings: ArrayLike | None, n_volumes: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    labels = np.zeros(n_volumes, int) if recordings is None else np.asarray(recordings)
    if labels.shape != (n_volumes,):
        raise ValueError(
            f"recordings must have one label for each of {n_volumes} volumes, got an array "
            f"of shape {labels.shape}."
        )
    names, numbers = np.unique(labels, return_inverse=True)
    return names, [np.flatnonzero(numbers == number) for number in range(len(names))]


def _warn(undefined: np.ndarray, n_distinct: int | float, n_surrogates: int) -> None:
    if undefined.any():
        warnings.warn(
            f"R is not defined for {undefined.sum()} of {undefined.size} recordings and "
            f"regions, and for {undefined.all(axis=0).sum()} of {undefined.shape[1]} "
            "regions in all recordings: the measured or the predicted series is constant "
            "or not finite. They are left out of means; their p is NaN.",
            stacklevel=3,
        )
    if n_distinct < n_surrogates:
        warnings.warn(
            f"There are only {n_distinct} different surrogates, {n_surrogates} were asked "
            f"for. Each is used once; no p is below {1 / (1 + n_distinct):.2g}. Use more "
            "recordings, or method='phase'.",
            stacklevel=3,
        )
