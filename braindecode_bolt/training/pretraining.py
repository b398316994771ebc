"""Pre-training of encoders on EEG without fMRI: from raw windows to band power."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from .. import __version__
from .._checks import check_number
from .._text import counted
from ..linear import BANDS
from ..models import save_encoder
from .callbacks import HIDE_IN_FILES
from .networks import build_module
from .pretext import PowerPretext, as_pieces, correlation, level_free
from .randomness import seeded

__all__ = ["PretrainedEncoder", "pretrain_band_power"]

logger = logging.getLogger(__name__)

#: Share of the training in which the learning rate rises.
_WARMUP = 0.1
#: Standard deviation of the logarithm of the factors that channels are multiplied with.
_GAIN_STD = 0.5


@dataclass(frozen=True, repr=False)
class PretrainedEncoder:
    """A network whose encoder has learned the band power of EEG.

    Made by :func:`pretrain_band_power`.

    Attributes
    ----------
    model : nn.Module
        In evaluation mode, on the CPU. Its last layer has learned nothing.
    readout : nn.Linear
        From a token to the log power of each band.
    losses : ndarray, shape (n_steps,)
        Mean squared error of each step, on standardised power.
    card : dict
        On which recordings and how it was trained; JSON-able.
    """

    model: nn.Module
    readout: nn.Linear
    losses: np.ndarray
    card: dict[str, Any]

    def save(self, file: str | Path) -> Path:
        """Write the encoder and its card, for the `pretrained` of its class.

        Parameters
        ----------
        file : str | Path
            Ends with ``.safetensors``; a copy of the card to read is written beside
            it (``.json``).

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ValueError
            If the file has another ending.
        """
        return save_encoder(self.model, file, self.card)

    def correlations(self, data: Any, windows_per_recording: int = 100) -> dict[str, float]:
        """Correlate predicted with true log power, for EEG that was not trained on.

        Parameters
        ----------
        data : recordings | EEGWindows | BOLDWindows | LazyWindows | sequence of these
            EEG, as in :func:`pretrain_band_power`.
        windows_per_recording : int, default 100
            Windows of each recording that are used, at regular distances.

        Returns
        -------
        dict of str to float
            By band: the mean over recordings and electrodes of the correlation (Pearson)
            over windows and seconds.

        Raises
        ------
        ValueError
            If there are no windows, they have another rate or length than the network
            takes, or they cannot be in microvolts.
        TypeError
            If `data` is something else.
        ChannelNameError
            If the network lacks a channel of the data.
        """
        bands = {name: tuple(band) for name, band in self.card["bands"].items()}
        found, both = [], (self.model, self.readout)
        for piece in as_pieces(data, _seconds(self.model), windows_per_recording):
            pretext = PowerPretext.of(piece, self.model, bands)
            for rows in pretext.by_recording():
                parts = np.array_split(rows, -(-len(rows) // 16))
                channels, gains = np.arange(piece.shape[1]), np.float32(1)
                with torch.inference_mode():
                    pairs = [
                        _predict(*both, pretext, part, channels, gains, "cpu")
                        for part in parts
                    ]
                predicted, true = (torch.cat(part) for part in zip(*pairs, strict=True))
                found.append(correlation(level_free(predicted), level_free(true)))
        return dict(zip(bands, torch.stack(found).mean(dim=0).tolist(), strict=True))

    def __repr__(self) -> str:  # noqa: D105
        n_recordings = counted(len(self.card["recordings"]), "recording")
        return f"<PretrainedEncoder {type(self.model).__name__}, {n_recordings}>"


def pretrain_band_power(
    model: str | type[nn.Module] | nn.Module,
    data: Any,
    *,
    model_arguments: Mapping[str, Any] | None = None,
    window_seconds: float = 16.0,
    bands: Mapping[str, tuple[float, float]] | None = None,
    n_steps: int = 600,
    max_seconds: float | None = None,
    windows_per_recording: int = 100,
    batch_size: int = 8,
    most_channels: int = 24,
    lr: float = 1e-3,
    weight_decay: float = 0.01,
    random_state: int | None = 12345,
    device: str | None = None,
    progress: bool = True,
    dataset: str = "",
    notes: str = "",
) -> PretrainedEncoder:
    """Train an encoder on EEG alone, to give log band power by electrode and second.

    BOLD follows the power of the EEG's rhythms, and a network that is trained on a few
    hundred volumes of BOLD has to find this out by itself. Here it learns it first, from
    any EEG: a linear layer on its tokens (``electrode_tokens``) must give the log power
    of each band in the two seconds around each token. Power is standardised by
    recording, electrode and band, and clipped at three standard deviations. A batch is
    from one recording, and its mean power by electrode and band is subtracted from
    targets and predictions: how strong a rhythm is on average depends on skull and
    amplifier, and cannot be seen in a window. The channels of each batch are multiplied
    with random factors, which changes nothing but this mean, so that the encoder works
    at other amplitudes, too.

    Parameters
    ----------
    model : str | type of nn.Module | nn.Module
        A network with tokens by electrode and second: NeuroBOLT, LabramBOLD, BIOTBOLD.
        By name or class it is made for all channels of the data; an instance is copied.
    data : recordings | EEGWindows | BOLDWindows | LazyWindows | sequence of these
        EEG of any people with any channels that the model knows: prepared recordings or
        Raw objects (:func:`~braindecode_bolt.prepare_eeg`), or windows of them. No window
        touches a BAD annotation or a joint.
    model_arguments : mapping | None
        Arguments of a model given by name or class.
    window_seconds : float, default 16.0
        Length of the windows of recordings in seconds, for a model given by name or class.
    bands : mapping of str to (float, float) | None
        Bands in Hz. By default delta to gamma (1 to 45 Hz).
    n_steps : int, default 600
        Number of batches.
    max_seconds : float | None
        Stop after so many seconds of training, if `n_steps` are not done by then. The
        result then depends on the speed of the machine. Default None.
    windows_per_recording : int, default 100
        Windows of each recording that are used, at regular distances: so many, or all if
        there are fewer.
    batch_size : int, default 8
        Windows per batch, at most.
    most_channels : int, default 24
        If a recording has more channels, each batch has so many of them, chosen at
        random (for models that take a part of their channels by name).
    lr : float, default 1e-3
        Highest learning rate, of AdamW; it rises over a tenth of the steps and falls
        along a cosine.
    weight_decay : float, default 0.01
        That of AdamW.
    random_state : int | None, default 12345
        Seed of the initial weights (by name or class), the order of the windows and
        dropout. None uses the global generators.
    device : str | None
        Where to train. Default: the CPU.
    progress : bool, default True
        Show a progress bar in terminals and notebooks.
    dataset : str, default ""
        Name of the data set, for the card. Without, people with the same names in other
        data are taken for the same people, and no evaluation tests on them.
    notes : str, default ""
        Kept in the card, such as source and licence of the EEG.

    Returns
    -------
    PretrainedEncoder
        With the trained copy as ``model``, and ``save``.

    Raises
    ------
    ValueError
        If the model has no such tokens, there are no windows, the EEG cannot be in
        microvolts, a model given as an instance was made for another rate or length, or an
        argument is out of range.
    TypeError
        If `data` or an argument is not of the right type.
    ChannelNameError
        If a model given as an instance lacks a channel of the data.
    FloatingPointError
        If training diverges.

    See Also
    --------
    PretrainedRegressor : Pre-trains inside each fit, so that cross-validation stays clean.
    braindecode_bolt.models.save_encoder : Writes the result to a file.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.training import pretrain_band_power
    >>> recordings = SimulatedEEGfMRI(n_subjects=2, duration=60.0).load()
    >>> small = {"embed_dim": 16, "num_layers": 1, "num_heads": 4, "spectral_num_heads": 4}
    >>> found = pretrain_band_power(
    ...     "NeuroBOLT", recordings, model_arguments=small, n_steps=2, progress=False
    ... )
    >>> found
    <PretrainedEncoder NeuroBOLT, 2 recordings>
    """
    for name, number in (
        ("n_steps", n_steps),
        ("windows_per_recording", windows_per_recording),
        ("batch_size", batch_size),
        ("most_channels", most_channels),
    ):
        check_number(number, name, Integral, 1)
    check_number(lr, "lr", low=0)
    check_number(weight_decay, "weight_decay", low=0)
    if max_seconds is not None:
        check_number(max_seconds, "max_seconds", low=0, inclusive="neither")
    if isinstance(model, nn.Module):
        _check_tokens(model)
        window_seconds = _seconds(model)
    pieces = as_pieces(data, window_seconds, windows_per_recording)
    with seeded(random_state, device) as seed:
        if isinstance(model, nn.Module):
            network = copy.deepcopy(model)
        else:
            network = _made_for(pieces, model, dict(model_arguments or {}))
        chosen = dict(BANDS if bands is None else bands)
        pretexts = [PowerPretext.of(piece, network, chosen) for piece in pieces]
        readout = nn.Linear(network.n_token_features, len(chosen))
        begin = time.perf_counter()
        losses = _train(
            network,
            readout,
            _Batches(pretexts, batch_size, most_channels, np.random.default_rng(seed)),
            _Clock(n_steps, max_seconds),
            (lr, weight_decay),
            device or "cpu",
            progress,
        )
    card = {
        "task": "log band power by electrode and second",
        "model": type(network).__name__,
        "bands": {name: list(band) for name, band in chosen.items()},
        "recordings": [entry for pretext in pretexts for entry in pretext.origin()],
        "training": {
            "steps": len(losses),
            "batch_size": batch_size,
            "lr": lr,
            "weight_decay": weight_decay,
            "random_state": random_state,
            "seconds": round(time.perf_counter() - begin, 1),
            "mean_squared_error": float(np.mean(losses[-50:])),
        },
        "versions": {"braindecode_bolt": __version__, "torch": torch.__version__},
        "dataset": dataset,
        "notes": notes,
    }
    logger.info(
        "Pre-trained on %s in %d steps: mean squared error %.2f at the start, %.2f at the "
        "end",
        counted(len(card["recordings"]), "recording"),
        len(losses),
        np.mean(losses[:10]),
        np.mean(losses[-50:]),
    )
    return PretrainedEncoder(network, readout.eval(), losses, card)


def _check_tokens(model: Any) -> None:
    if not getattr(model, "has_electrode_tokens", False):
        name = getattr(model, "__name__", type(model).__name__)
        raise ValueError(
            f"{name} has no tokens by electrode and second, so it cannot be pre-trained on "
            "band power. NeuroBOLT, LabramBOLD and BIOTBOLD have them."
        )


def _seconds(model: nn.Module) -> float:
    return model.n_times / model.sfreq


def _made_for(
    pieces: Sequence[Any], model: str | type[nn.Module], arguments: dict[str, Any]
) -> nn.Module:
    """Build a network for all channels of the data."""
    channels: dict[str, dict] = {}
    for piece in pieces:
        for name, channel in zip(piece.ch_names, piece.info["chs"], strict=True):
            channels.setdefault(name, channel)
    inferred = {
        "n_outputs": 1,
        "n_times": pieces[0].shape[-1],
        "sfreq": pieces[0].sfreq,
        "chs_info": list(channels.values()),
    }
    network = build_module(model, arguments, inferred)
    _check_tokens(network)
    return network


class _Clock:
    """How far training is, by steps or by seconds, from 0 to 1."""

    def __init__(self, n_steps: int, max_seconds: float | None):
        self.n_steps, self.max_seconds = n_steps, max_seconds
        self.begin, self.step = time.perf_counter(), 0

    @property
    def share(self) -> float:
        by_time = 0.0
        if self.max_seconds is not None:
            by_time = (time.perf_counter() - self.begin) / self.max_seconds
        return max(self.step / self.n_steps, by_time)

    @property
    def rate(self) -> float:
        """Factor of the learning rate."""
        share = self.share
        if share < _WARMUP:
            return (share + 1 / self.n_steps) / (_WARMUP + 1 / self.n_steps)
        return 0.5 * (1 + np.cos(np.pi * (share - _WARMUP) / (1 - _WARMUP)))


@dataclass
class _Batches:
    """Batches of one recording each, in random order, without end."""

    pretexts: Sequence[PowerPretext]
    batch_size: int
    most_channels: int
    rng: np.random.Generator

    def __iter__(self) -> Iterator[tuple[PowerPretext, np.ndarray, np.ndarray, np.ndarray]]:
        """Yield a pretext, rows of its windows, channels, and factors of these."""
        while True:
            batches = []
            for pretext in self.pretexts:
                for rows in pretext.by_recording():
                    shuffled = self.rng.permutation(rows)
                    n_batches = max(1, len(rows) // self.batch_size)
                    parts = np.array_split(shuffled, n_batches)
                    batches += [(pretext, part[: self.batch_size]) for part in parts]
            for number in self.rng.permutation(len(batches)):
                pretext, rows = batches[number]
                channels = self._channels(pretext)
                gains = np.exp(_GAIN_STD * self.rng.standard_normal((len(channels), 1)))
                yield pretext, rows, channels, gains.astype(np.float32)

    def _channels(self, pretext: PowerPretext) -> np.ndarray:
        n_chans = pretext.windows.shape[1]
        if pretext.ch_names is None or n_chans <= self.most_channels:
            return np.arange(n_chans)
        return np.sort(self.rng.permutation(n_chans)[: self.most_channels])


def _train(
    network: nn.Module,
    readout: nn.Module,
    batches: _Batches,
    clock: _Clock,
    rates: tuple[float, float],
    device: str,
    progress: bool,
) -> np.ndarray:
    lr, weight_decay = rates
    both = nn.ModuleList([network, readout]).to(device).train()
    # The last layer is not trained here.
    head = {id(parameter) for parameter in network.final_layer.parameters()}
    parameters = [p for p in both.parameters() if id(p) not in head]
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay)
    losses: list[float] = []
    bar = tqdm(
        desc="Pre-training",
        total=clock.n_steps,
        unit="step",
        leave=False,
        disable=HIDE_IN_FILES if progress else True,
    )
    with bar:
        for batch in batches:
            if clock.share >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = lr * clock.rate
            predicted, wanted = _predict(network, readout, *batch, device)
            loss = (level_free(predicted) - level_free(wanted)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            losses.append(loss.item())
            if not np.isfinite(losses[-1]):
                raise FloatingPointError(
                    f"Pre-training diverged at step {len(losses)}. Choose a lower lr."
                )
            clock.step += 1
            bar.update()
            bar.set_postfix(loss=f"{np.mean(losses[-20:]):.2f}", refresh=False)
    both.cpu().eval()
    return np.array(losses)


def _predict(
    network: nn.Module,
    readout: nn.Module,
    pretext: PowerPretext,
    rows: np.ndarray,
    channels: np.ndarray,
    gains: np.ndarray | np.float32,
    device: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Predicted and true power of a batch, (batch, electrode, second, band)."""
    x = np.asarray(pretext.windows[rows])[:, channels] * gains
    power, names = pretext.power[rows][:, channels], None
    if pretext.ch_names is not None:
        names = [pretext.ch_names[number] for number in channels]
        # Channels that the model does not use have no tokens.
        used = network.token_ch_names(names)
        power = power[:, [names.index(name) for name in used]]
    tokens = network.electrode_tokens(torch.from_numpy(x).to(device), ch_names=names)
    return readout(tokens), torch.from_numpy(power).to(device)
