"""Models of braindecode itself: what they need beyond their arguments."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from .. import _catalogue
from ..eeg.channels import ChannelNameError
from ._positions import check_positions, positioned, reve_positions

#: What braindecode's models raise for windows that they cannot take.
WRONG_WINDOWS = (ValueError, RuntimeError, AssertionError, IndexError, TypeError)


def entry_of(model: type[nn.Module] | nn.Module) -> _catalogue.Entry | None:
    """Find the line of the catalogue of a model of braindecode.

    Parameters
    ----------
    model : type of nn.Module | nn.Module
        Any network.

    Returns
    -------
    Entry | None
        None if the network is not braindecode's, but ours or the user's.
    """
    kind = model if isinstance(model, type) else type(model)
    if not kind.__module__.startswith("braindecode.models."):
        return None
    return _catalogue.BRAINDECODE.get(kind.__name__, _catalogue.Entry("unknown"))


def build_theirs(
    model: type[nn.Module], inferred: dict[str, Any], given: dict[str, Any]
) -> nn.Module:
    """Build a model of braindecode for some windows.

    Parameters
    ----------
    model : type of nn.Module
        Its class.
    inferred : dict
        Signal parameters known from the data.
    given : dict
        Arguments that the user chose; they go before all others.

    Returns
    -------
    nn.Module
        With random weights.

    Raises
    ------
    ValueError
        If it cannot be built for such windows, with what it needs.
    """
    name, entry = model.__name__, entry_of(model)
    if entry.cannot:
        raise ValueError(
            f"{name} of braindecode cannot predict BOLD: {entry.cannot}. (An instance of "
            "it is used as it is.)"
        )
    accepted = inspect.signature(model).parameters
    kwargs = {**inferred, **given}
    if kwargs.get("chs_info") is not None:
        channels = kwargs["chs_info"] = positioned(kwargs["chs_info"])
        if "with a position" in entry.needs:
            check_positions(channels, name)
    kwargs = {**_adapted(name, kwargs), **kwargs}
    channels = kwargs.get("chs_info")
    standing_in = name == "REVE" and channels is not None
    try:
        with (
            warnings.catch_warnings(),
            reve_positions(channels) if standing_in else nullcontext(),
        ):
            # About defaults of theirs, and names of channels, which forward is given.
            warnings.simplefilter("ignore", DeprecationWarning)
            for message in ("Labram chs_info does not match", "enable_nested_tensor"):
                warnings.filterwarnings("ignore", message)
            return model(**{k: v for k, v in kwargs.items() if k in accepted or k in given})
    except ChannelNameError:
        raise
    except WRONG_WINDOWS as error:
        raise explained(model, kwargs.get("n_chans"), kwargs, error) from error


def _adapted(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Give arguments that depend on the channels or the rate."""
    n_chans = kwargs.get("n_chans") or len(kwargs.get("chs_info") or ())
    if name == "EEGDINO" and n_chans > 19:
        return {"n_channel_embeddings": n_chans}
    if name == "STEEGFormer":
        # By name it would download its table of electrodes, which matters only to
        # published weights.
        return {"chan_pos_idx": list(range(n_chans))}
    if name == "USleep":
        return {"ensure_odd_conv_size": True}
    if name == "EMG2QwertyNet":
        return {"num_bands": 1, "electrodes_per_band": n_chans}
    return {}


def explained(
    model: type[nn.Module] | nn.Module,
    n_chans: int | None,
    signal: dict[str, Any],
    error: Exception,
) -> Exception:
    """Make an error that says what a model needs, and what it was given.

    Parameters
    ----------
    model : type of nn.Module | nn.Module
        A model of braindecode.
    n_chans : int | None
        Channels of the windows.
    signal : dict
        With ``n_times`` and ``sfreq``, where they are known.
    error : Exception
        What the model raised.

    Returns
    -------
    ValueError
        To be raised.
    """
    kind = model if isinstance(model, type) else type(model)
    entry = entry_of(kind)
    rate = "" if signal.get("sfreq") is None else f" at {signal['sfreq']:g} Hz"
    windows = f"{n_chans} channels x {signal.get('n_times')} samples{rate}"
    needs = f" {kind.__name__} needs {entry.needs}." if entry.needs else ""
    return ValueError(
        f"braindecode's {kind.__name__} cannot take windows of {windows}.{needs} It says: "
        f"{error}"
    )


@contextmanager
def in_words(module: nn.Module, x: Any) -> Iterator[None]:
    """Say what one of braindecode's models needs when it refuses windows.

    Parameters
    ----------
    module : nn.Module
        Any network; errors of others than braindecode's are left alone.
    x : Tensor, shape (batch, n_chans, n_times)
        The windows.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except WRONG_WINDOWS as error:
        if entry_of(module) is None or getattr(x, "ndim", 0) != 3:
            raise
        signal = {"n_times": x.shape[2], "sfreq": getattr(module, "_sfreq", None)}
        raise explained(module, x.shape[1], signal, error) from error
