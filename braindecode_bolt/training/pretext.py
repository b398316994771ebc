"""What an encoder is pre-trained to tell of EEG: its band power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np
import torch
from torch import nn

from .._files import content_hash
from ..eeg.channels import match_channels
from ..linear import BandPower
from ..recording import Recording
from ..windows import BOLDWindows, EEGWindows, LazyWindows, create_eeg_windows
from ..windows.inputs import as_input

__all__ = ["PowerPretext", "as_pieces", "correlation", "eeg_hashes", "level_free"]

#: Length of the segments whose power is to be told, and how densely they are computed.
_SEGMENT_SECONDS, _STEP_SECONDS = 2.0, 0.5
#: Standardised power beyond this is clipped: artifacts are short and large.
_LARGEST = 3.0
_Windows = BOLDWindows | EEGWindows | LazyWindows


def as_pieces(data: Any, window_seconds: float, most: int) -> list[LazyWindows]:
    """Bring EEG into windows, a piece for recordings of the same channels.

    Parameters
    ----------
    data : recordings | windows | sequence of these
        As in :func:`pretrain_band_power`.
    window_seconds : float
        Length of the windows of recordings.
    most : int
        Windows of each recording, at regular distances.

    Returns
    -------
    list of LazyWindows
        In microvolts.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If there are no windows, or they cannot be in microvolts.
    """
    if isinstance(data, (*_Windows.__args__, Recording, mne.io.BaseRaw)):
        data = [data]
    if isinstance(data, np.ndarray) or not isinstance(data, Iterable):
        raise TypeError(
            "EEG to pre-train on must be recordings, Raw objects or windows of them, got "
            f"{type(data).__name__}."
        )
    pieces: list[LazyWindows] = []
    by_channels: dict[tuple[str, ...], list[Any]] = {}
    for item in getattr(data, "datasets", data):
        if isinstance(item, _Windows):
            pieces.append(item if isinstance(item, LazyWindows) else item.X)
            continue
        raw = item if isinstance(item, mne.io.BaseRaw) else getattr(item, "raw", None)
        if raw is None:
            raise TypeError(
                "EEG to pre-train on must be recordings, Raw objects or windows of them, "
                f"got {type(item).__name__} among them."
            )
        by_channels.setdefault(tuple(raw.ch_names), []).append(item)
    for items in by_channels.values():
        shortest = min(_duration(item) for item in items)
        step = np.clip((shortest - window_seconds) / most, 0.5, window_seconds)
        pieces.append(create_eeg_windows(items, window_seconds, float(step)).X)
    pieces = [_at_most(piece, most) for piece in pieces if len(piece)]
    if not pieces:
        raise ValueError("There is no EEG to pre-train on: give recordings or windows.")
    for piece in pieces:
        as_input(piece).check(None)
    return pieces


def _duration(item: Any) -> float:
    raw = item if isinstance(item, mne.io.BaseRaw) else item.raw
    return raw.n_times / raw.info["sfreq"]


def _at_most(windows: LazyWindows, most: int) -> LazyWindows:
    """Choose windows of each recording, at regular distances."""
    recordings = windows.metadata["recording"].to_numpy()
    rows = []
    for recording in np.unique(recordings):
        of = np.flatnonzero(recordings == recording)
        rows.append(of[np.linspace(0, len(of) - 1, min(most, len(of)), dtype=int)])
    return windows[np.concatenate(rows)]


def eeg_hashes(windows: LazyWindows) -> dict[int, list[str]]:
    """Hash the EEG of each recording, channel by channel.

    Parameters
    ----------
    windows : LazyWindows
        Of any recordings.

    Returns
    -------
    dict of int to list of str
        By recording; those of flat channels are left out.
    """
    return {
        recording: [
            content_hash(np.asarray(signal, np.float32))[:16]
            for signal in windows.signals[recording]
            if np.ptp(signal) > 0
        ]
        for recording in windows.metadata["recording"].unique().tolist()
    }


def level_free(power: torch.Tensor) -> torch.Tensor:
    """Subtract the mean of each electrode and band, (batch, electrode, second, band)."""
    return power - power.mean(dim=(0, 2), keepdim=True)


def correlation(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Mean over electrodes of the correlation of level-free power, (n_bands,)."""
    product = (ours * theirs).sum(dim=(0, 2))
    sizes = (ours.square().sum(dim=(0, 2)) * theirs.square().sum(dim=(0, 2))).sqrt()
    return (product / sizes).nanmean(dim=0)


@dataclass(frozen=True, repr=False)
class PowerPretext:
    """Windows, and the power that the tokens of their seconds shall tell.

    Attributes
    ----------
    windows : LazyWindows
    ch_names : list of str | None
        Their channels, spelled as in the model; None in a model without names.
    power : ndarray, shape (n_windows, n_chans, n_seconds, n_bands)
        Standardised log power, for all channels and the seconds of the model's tokens.
    """

    windows: LazyWindows
    ch_names: list[str] | None
    power: np.ndarray

    @classmethod
    def of(
        cls,
        windows: LazyWindows,
        model: nn.Module,
        bands: Mapping[str, tuple[float, float]],
    ) -> PowerPretext:
        """Compute the power that belongs to the tokens of a model.

        Parameters
        ----------
        windows : LazyWindows
            At the sampling rate and of the length that the model takes.
        model : nn.Module
            Has tokens by electrode and second.
        bands : mapping of str to (float, float)
            In Hz.

        Returns
        -------
        PowerPretext

        Raises
        ------
        ValueError
            If the model was made for another rate, length or number of channels.
        """
        _check_fit(windows, model)
        band_power = BandPower(bands, _SEGMENT_SECONDS, _STEP_SECONDS).fit(windows)
        lags = band_power.lags_ - (windows.lag_seconds or 0.0)
        # The segment around the middle of a second; at both ends one inside the window.
        wanted = model.token_lags.clip(lags.min(), lags.max())
        columns = np.abs(lags - wanted[:, None]).argmin(axis=1)
        shape = (len(windows), windows.shape[1], len(band_power.bands_), len(lags))
        power = band_power.transform(windows).reshape(shape)[..., columns]
        names = None
        if model.ch_names is not None:
            rows = match_channels(windows.ch_names, model.ch_names, "The model")
            names = [model.ch_names[row] for row in rows]
        recordings = windows.metadata["recording"].to_numpy()
        for recording in np.unique(recordings):
            rows = recordings == recording
            power[rows] = _standardised(power[rows])
        return cls(windows, names, np.ascontiguousarray(np.swapaxes(power, 2, 3)))

    def by_recording(self) -> list[np.ndarray]:
        """Rows of each recording."""
        recordings = self.windows.metadata["recording"].to_numpy()
        return [np.flatnonzero(recordings == number) for number in np.unique(recordings)]

    def origin(self) -> list[dict[str, Any]]:
        """Say where the windows are from, for a card; JSON-able."""
        hashes = eeg_hashes(self.windows)
        table = self.windows.metadata
        entries = []
        for recording, of_channels in hashes.items():
            rows = table[table["recording"] == recording]
            entity = rows.iloc[0]
            named = ("subject", "session", "task", "run")
            names = {k: entity[k] for k in named if k in rows and entity[k] == entity[k]}
            entries.append(
                {
                    **{k: str(v) for k, v in names.items() if v is not None},
                    "windows": len(rows),
                    "channels": self.windows.shape[1],
                    "eeg": of_channels,
                }
            )
        return entries


def _check_fit(windows: LazyWindows, model: nn.Module) -> None:
    if abs(windows.sfreq - model.sfreq) > 1e-3:
        raise ValueError(
            f"The model was made for windows at {model.sfreq:g} Hz, the EEG is sampled at "
            f"{windows.sfreq:g} Hz. Use prepare_eeg to resample."
        )
    if windows.shape[-1] != model.n_times:
        raise ValueError(
            f"The model was made for windows of {model.n_times} samples, these have "
            f"{windows.shape[-1]}."
        )
    if model.ch_names is None and windows.shape[1] != model.n_chans:
        raise ValueError(
            f"The model was made for {model.n_chans} channels without names, the EEG has "
            f"{windows.shape[1]}. Build the model with ch_names."
        )


def _standardised(power: np.ndarray) -> np.ndarray:
    """Bring the power of a recording, (windows, electrodes, bands, seconds), to one scale.

    A flat channel becomes zero.
    """
    centred = power - power.mean(axis=(0, 3), keepdims=True)
    spread = centred.std(axis=(0, 3), keepdims=True)
    scaled = np.divide(centred, spread, where=spread > 1e-4, out=np.zeros_like(centred))
    return scaled.clip(-_LARGEST, _LARGEST)
