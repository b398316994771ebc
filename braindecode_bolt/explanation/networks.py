"""What networks use: gradients, integrated gradients and occlusion."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from ..linear import PowerStatistics
from ..linear.standardising import LARGEST
from ..training import ClosedFormHead, EEGRegressor
from ..windows.inputs import as_input
from .grid import AXES, Grid, take_windows

__all__ = ["gradient", "integrated_gradients", "occlusion"]

#: Windows that are run together.
_BATCH = 32
#: Steps of the path of integrated gradients.
_STEPS = 16


def components(windows: np.ndarray, sfreq: float, bands: np.ndarray) -> np.ndarray:
    """Divide windows into frequency bands and the rest; their sum is the window.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        EEG.
    sfreq : float
        Sampling rate in Hz.
    bands : ndarray, shape (n_bands, 2)
        Bands in Hz, the upper end not included.

    Returns
    -------
    ndarray, shape (n_windows, n_bands + 1, n_chans, n_times)
        The last one is what lies in no band. float32.
    """
    n_times = windows.shape[-1]
    spectrum = np.fft.rfft(windows)
    frequency = np.fft.rfftfreq(n_times, 1 / sfreq)
    inside = [(low <= frequency) & (frequency < high) for low, high in bands]
    parts = [np.fft.irfft(spectrum * mask, n_times) for mask in inside]
    parts.append(windows - np.sum(parts, axis=0))
    return np.stack(parts, axis=1).astype(np.float32)


def gradient(
    regressor: EEGRegressor,
    X: Any,
    rows: np.ndarray,
    grid: Grid,
    regions: Sequence[int] | None = None,
) -> np.ndarray:
    """Mean slope of the prediction in the log power of each cell of a grid.

    The derivative by the log power of an electrode's signal in a band and a segment is
    half the sum, over the samples of the segment, of the band-passed signal times the
    gradient of the prediction.

    Parameters
    ----------
    regressor : EEGRegressor
        Fitted.
    X : windows
        EEG.
    rows : ndarray of int
        Windows to average over.
    grid : Grid
        Electrodes, bands and lags.
    regions : sequence of int | None
        Outputs of the network that are looked at. By default all.

    Returns
    -------
    ndarray, shape (n_regions, n_electrodes, n_bands, n_lags)
        Change of the predicted BOLD for a change of the log power by 1.
    """
    total: Any = 0.0
    with _evaluating(regressor, X, grid, regions) as network:
        for recording, windows, parts in _batches(X, rows, grid):
            forward = network(recording)
            x = torch.as_tensor(windows, device=regressor.device).requires_grad_(True)
            predicted = forward(x)
            slopes = [
                torch.autograd.grad(predicted[:, region].sum(), x, retain_graph=True)[0]
                for region in range(predicted.shape[1])
            ]
            for_each = np.stack([slope.cpu().numpy() for slope in slopes])
            total = total + np.stack(
                [
                    np.einsum(
                        "rnct,nkct->rck",
                        for_each[..., samples],
                        parts[:, :-1, :, samples],
                        optimize=True,
                    )
                    for samples in grid.segments()
                ],
                axis=-1,
            )
    return total / (2 * len(rows))


def integrated_gradients(
    regressor: EEGRegressor,
    X: Any,
    rows: np.ndarray,
    grid: Grid,
    regions: Sequence[int] | None = None,
) -> np.ndarray:
    """Mean contribution of each cell of a grid to the prediction, against silence.

    Integrated gradients of :mod:`braindecode.visualization` (captum), of the signal of
    each band. They add up to the prediction minus that for EEG that is zero, but for
    what lies in no band or segment.

    Parameters
    ----------
    regressor, X, rows, grid, regions
        As in :func:`gradient`.

    Returns
    -------
    ndarray, shape (n_regions, n_electrodes, n_bands, n_lags)
        In units of the predicted BOLD.

    Raises
    ------
    ImportError
        If captum is not installed.
    """
    from braindecode.visualization import integrated_gradients as of_captum

    total: Any = 0.0
    with _evaluating(regressor, X, grid, regions) as network:
        # captum runs all steps of the path at once.
        for recording, _, parts in _batches(X, rows, grid, max(1, _BATCH // _STEPS)):
            forward = network(recording)
            module = _OfComponents(forward)
            x = torch.as_tensor(parts, device=regressor.device)
            n_regions = forward(x[:1].sum(dim=1)).shape[1]
            shares = [of_captum(module, x, r, steps=_STEPS) for r in range(n_regions)]
            # Regions, windows, bands, electrodes, samples.
            found = np.stack([share.float().cpu().numpy() for share in shares])[:, :, :-1]
            total = total + np.stack(
                [found[..., s].sum(axis=(1, -1)).swapaxes(1, 2) for s in grid.segments()],
                axis=-1,
            )
    return total / len(rows)


def occlusion(
    regressor: EEGRegressor,
    X: Any,
    rows: np.ndarray,
    grid: Grid,
    by: Sequence[str] = AXES,
    regions: Sequence[int] | None = None,
) -> np.ndarray:
    """Mean loss of the prediction when a cell of a grid is removed from the EEG.

    One electrode loses one band (by a band-stop filter) in one segment; every other
    cell stays. Cells that are not told apart are removed together.

    Parameters
    ----------
    regressor, X, rows, grid, regions
        As in :func:`gradient`.
    by : sequence of {"electrode", "band", "lag"}, default AXES
        What is told apart.

    Returns
    -------
    ndarray, shape (n_regions, n_electrodes, n_bands, n_lags)
        Prediction of the whole window minus that without the cell, in units of the
        predicted BOLD. Axes that are not told apart have length 1.
    """
    total: Any = 0.0
    segments = grid.segments()
    full = (len(grid.ch_names), len(grid.bands), len(segments))
    # Each axis as a list of the sets that are removed together.
    sets = [
        [[i] for i in range(n)] if axis in by else [list(range(n))]
        for n, axis in zip(full, AXES, strict=True)
    ]
    cells = list(itertools.product(*sets))
    with _evaluating(regressor, X, grid, regions) as network, torch.no_grad():
        for recording, window, parts in _batches(X, rows, grid, 1):
            forward = network(recording)
            whole = forward(torch.as_tensor(window, device=regressor.device))
            found = []
            for first in range(0, len(cells), _BATCH):
                some = cells[first : first + _BATCH]
                occluded = np.repeat(window, len(some), axis=0)
                for place, (electrodes, bands, lags) in enumerate(some):
                    removed = parts[0, bands].sum(axis=0)
                    for samples in (segments[lag] for lag in lags):
                        of_segment = removed[electrodes, samples]
                        occluded[place, electrodes, samples] -= of_segment
                found.append(forward(torch.as_tensor(occluded, device=regressor.device)))
            lost = (whole - torch.cat(found)).cpu().numpy()
            total = total + lost.T.reshape(-1, *map(len, sets))
    return total / len(rows)


class _OfComponents(nn.Module):
    """A network of the bands of EEG; captum wants a module."""

    def __init__(self, forward: Any):
        super().__init__()
        self.of_sum = forward

    def forward(self, parts: torch.Tensor) -> torch.Tensor:
        return self.of_sum(parts.sum(dim=1))


@contextmanager
def _evaluating(
    regressor: EEGRegressor, X: Any, grid: Grid, regions: Sequence[int] | None = None
) -> Iterator[Any]:
    """Give the network without dropout: a function of windows, for each recording."""
    names, module = as_input(X).ch_names, regressor.module_
    trained = module.training
    head = None
    if getattr(regressor, "head_", None) is not None:
        head = _HeadOfRecordings(regressor, X, grid)
    module.eval()
    regressor.predicted_ch_names_ = names or getattr(regressor, "ch_names_", None)

    def network(recording: Any) -> Callable[[torch.Tensor], torch.Tensor]:
        def forward(x: torch.Tensor) -> torch.Tensor:
            output = regressor.infer(x).float()
            if head is not None:
                output = head(output, recording)
            output = output.reshape(len(output), -1)
            return output if regions is None else output[:, list(regions)]

        return forward

    try:
        yield network
    finally:
        module.train(trained)
        del regressor.predicted_ch_names_


class _HeadOfRecordings:
    """A closed-form head on the features of windows, with a gradient.

    Features are standardised by the windows of the grid, recording by recording, as they
    are where the regressor predicts these windows. Those of electrodes that are not there
    are expected from the others.
    """

    def __init__(self, regressor: EEGRegressor, X: Any, grid: Grid):
        self.head = regressor.head_
        names = regressor._token_names(as_input(X).ch_names)
        self.weights, self.level = _of_electrodes(
            self.head, [self.head.ch_names_.index(name) for name in names]
        )
        self.statistics = {}
        for recording in np.unique(grid.recordings) if self.head.standardise else ():
            some = take_windows(X, grid.rows[grid.recordings == recording])
            self.statistics[recording] = regressor.statistics(some)

    def __call__(self, features: torch.Tensor, recording: Any) -> torch.Tensor:
        if self.head.standardise:
            features = _standardised(features, self.statistics[recording])
        weights, level = (
            torch.as_tensor(values, dtype=features.dtype, device=features.device)
            for values in (self.weights, self.level)
        )
        # Windows, electrodes, features, lags; regions.
        return torch.einsum("nefl,refl->nr", features, weights) + level


def _of_electrodes(
    head: ClosedFormHead, there: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and level of a head for some of its electrodes, in this order."""
    coef, known = head.readout_.coef_.astype(float), head.electrodes_
    missing = [place for place in range(coef.shape[1]) if place not in there]
    weights, level = coef[:, there], head.readout_.intercept_.astype(float)
    for band, expect in enumerate(known.expectations(there)):
        left, mean = coef[:, missing, band], known.mean[:, band]
        weights[:, :, band] += np.einsum("rml,mt->rtl", left, expect)
        level = level + left.sum(axis=2) @ (mean[missing] - expect @ mean[there])
    return weights, level


def _standardised(features: torch.Tensor, found: PowerStatistics) -> torch.Tensor:
    """Do what `found.apply` does, with a gradient."""
    tables = (found.mean, found.std, found.clipped_mean, found.clipped_std)
    mean, std, clipped_mean, clipped_std = (
        torch.as_tensor(table, dtype=features.dtype, device=features.device)[..., None]
        for table in tables
    )
    once = ((features - mean) / std).clamp(-LARGEST, LARGEST)
    return (once - clipped_mean) / clipped_std


def _batches(
    X: Any, rows: np.ndarray, grid: Grid, size: int = _BATCH
) -> Iterator[tuple[Any, np.ndarray, np.ndarray]]:
    """Give a recording, some of its windows, and their components."""
    data = as_input(X).data
    recordings = grid.recordings[np.searchsorted(grid.rows, rows)]
    for recording in np.unique(recordings):
        of = rows[recordings == recording]
        for first in range(0, len(of), size):
            windows = [np.asarray(data[int(row)]) for row in of[first : first + size]]
            windows = np.stack(windows).astype(np.float32)
            # The mean belongs to no band; networks trained on windows subtract it anyway.
            parts = components(windows, grid.band_power.sfreq_, grid.edges)
            yield recording, windows, parts
