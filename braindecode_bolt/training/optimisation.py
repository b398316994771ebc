"""How a network is trained: parameter groups, batches, seeds, precision."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import nn
from torch.utils.data import Sampler

__all__ = ["RecordingBatches"]


def optimizer_groups(
    module: nn.Module,
    parameters: Iterable[torch.nn.Parameter],
    layer_decay: float,
    lr: float,
    weight_decay: float | None,
) -> list[dict[str, Any]]:
    """Turn a model's parameter groups into those of an optimizer.

    Parameters
    ----------
    module : nn.Module
        With a method ``parameter_groups(layer_decay)``.
    parameters : iterable of Parameter
        All that is to be trained; what the model does not name (a criterion's
        parameters) makes a group at the full rate.
    layer_decay : float
        Factor of the learning rate from block to block.
    lr : float
        Learning rate at the top.
    weight_decay : float | None
        Weight decay of the groups that decay; None leaves it to the optimizer.

    Returns
    -------
    list of dict
    """
    groups = []
    named = set()
    for group in module.parameter_groups(layer_decay):
        named.update(id(parameter) for parameter in group["params"])
        options = {"params": group["params"], "lr": lr * group["lr_scale"]}
        if weight_decay is not None:
            options["weight_decay"] = weight_decay if group["decay"] else 0.0
        groups.append(options)
    rest = [parameter for parameter in parameters if id(parameter) not in named]
    return groups + ([{"params": rest, "lr": lr}] if rest else [])


class RecordingBatches(Sampler[list[int]]):
    """Batches of windows that are of one recording each.

    Parameters
    ----------
    recordings : ndarray, shape (n_windows,)
        Recording of each window.
    batch_size : int
        Most windows in a batch; the batches of a recording are about equally
        large. -1 takes a whole recording.
    shuffle : bool
        Mix the windows of each recording, and the batches. Otherwise windows
        keep their order, and a batch ends where the next recording begins.
    """

    #: Arguments of a DataLoader that it takes the place of.
    replaces = ("batch_size", "shuffle", "sampler", "drop_last")

    def __init__(self, recordings: np.ndarray, batch_size: int, shuffle: bool):
        self.shuffle = shuffle
        if shuffle:
            parts = [np.flatnonzero(recordings == r) for r in np.unique(recordings)]
        else:
            breaks = np.flatnonzero(recordings[1:] != recordings[:-1]) + 1
            parts = np.split(np.arange(len(recordings)), breaks)
        self._parts = parts
        self._n_batches = [
            1 if batch_size == -1 else math.ceil(len(part) / batch_size) for part in parts
        ]

    def __len__(self) -> int:  # noqa: D105
        return sum(self._n_batches)

    def __iter__(self) -> Iterator[list[int]]:  # noqa: D105
        batches = []
        for part, n_batches in zip(self._parts, self._n_batches, strict=True):
            if self.shuffle:
                part = part[torch.randperm(len(part)).numpy()]
            batches += np.array_split(part, n_batches)
        order = torch.randperm(len(batches)) if self.shuffle else range(len(batches))
        for number in order:
            yield batches[number].tolist()


@contextmanager
def seeded(
    random_state: int | np.random.RandomState | None, device: str | None
) -> Iterator[int | None]:
    """Draw from generators of our own, the global ones being restored after.

    Parameters
    ----------
    random_state : int | RandomState | None
        None draws from the global generators.
    device : str | None
        Where besides the CPU numbers are drawn.

    Yields
    ------
    int | None
        The seed.
    """
    if random_state is None:
        yield None
        return
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    device = torch.device(device or "cpu")
    accelerated = device.type != "cpu"
    with torch.random.fork_rng(
        devices=[device] if accelerated else [],
        device_type=device.type if accelerated else "cuda",
    ):
        torch.default_generator.manual_seed(seed)
        if accelerated:
            torch.get_device_module(device).manual_seed(seed)
        yield seed


_PRECISIONS = ("float32", "bfloat16")


def autocast(precision: str, device: str | None) -> torch.autocast:
    """Compute in the precision that was asked for.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        The precision.
    device : str | None
        Where it is computed.

    Returns
    -------
    torch.autocast
        A context manager.

    Raises
    ------
    ValueError
        If the precision is none of the two.
    """
    if precision not in _PRECISIONS:
        raise ValueError(
            f"precision must be one of {', '.join(_PRECISIONS)}, got {precision!r}."
        )
    kind = torch.device(device or "cpu").type
    return torch.autocast(kind, torch.bfloat16, enabled=precision == "bfloat16")


def to_float32(output: Any) -> Any:
    """Turn a bfloat16 output into float32, which NumPy has."""
    if isinstance(output, torch.Tensor) and output.dtype == torch.bfloat16:
        return output.float()
    return output


def in_shape_of(y_pred: torch.Tensor, y_true: torch.Tensor) -> torch.Tensor:
    """Give targets the shape of predictions, never broadcasting.

    Parameters
    ----------
    y_pred, y_true : Tensor
        Predictions and targets of a batch.

    Returns
    -------
    Tensor
        `y_true`, as a column where there is one output.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if y_true.ndim == 1 and y_pred.ndim == 2 and y_pred.shape[1] == 1:
        y_true = y_true.unsqueeze(1)
    if y_pred.shape != y_true.shape:
        raise ValueError(
            f"The model predicts {tuple(y_pred.shape[1:])} values per window, the "
            f"targets have {tuple(y_true.shape[1:])}. Build the model with n_outputs="
            f"{y_true.shape[-1] if y_true.ndim > 1 else 1}."
        )
    return y_true


def fused_where_possible(
    optimizer: type[torch.optim.Optimizer], kwargs: dict[str, Any], device: str | None
) -> dict[str, Any]:
    """Let Adam step in one pass over the parameters instead of a dozen.

    Parameters
    ----------
    optimizer : type of torch.optim.Optimizer
        The optimizer.
    kwargs : dict
        Its arguments; what the user chose stays.
    device : str | None
        Where the parameters are.

    Returns
    -------
    dict
        `kwargs`, with ``fused`` where torch has it.
    """
    chosen = {"foreach", "fused", "differentiable"} & set(kwargs)
    known = torch.device(device or "cpu").type in ("cpu", "cuda")
    if chosen or not known or optimizer not in (torch.optim.Adam, torch.optim.AdamW):
        return kwargs
    return {**kwargs, "fused": True}
