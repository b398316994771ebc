"""Whether windows are like those that a model was made for and trained on."""

from __future__ import annotations

import logging
from typing import Any

from torch import nn

from .._checks import check_lag
from ..eeg.channels import ChannelNameError, match_channels
from ..windows.inputs import Input
from .networks import takes_ch_names

logger = logging.getLogger(__name__)


def check_windows(regressor: Any, source: Input) -> None:
    """Raise if windows differ from those that a regressor was trained on.

    Parameters
    ----------
    regressor : EEGRegressor
        A fitted one.
    source : Input
        Windows to predict, or to continue training on.

    Raises
    ------
    ChannelNameError
        If they have other channels.
    ValueError
        If they have another sampling rate, lag or baseline.
    """
    module = regressor.module_
    known = getattr(regressor, "ch_names_", None) or getattr(module, "ch_names", None)
    check_channels(module, known, source)
    check_sfreq(module, source)
    check_lag(getattr(regressor, "lag_seconds_", None), source.lag_seconds)
    kept_mean = getattr(regressor, "baseline_", "window") is None
    if kept_mean and source.baseline == "window":
        raise ValueError(
            "The model was trained on windows that keep their mean (baseline=None), and "
            "the mean of these windows was subtracted. Use create_bold_windows(..., "
            "baseline=None), or Epochs made with baseline=None."
        )


def check_module(module: nn.Module, source: Input) -> None:
    """Raise if a module was made for other channels, samples, rates or targets."""
    sizes = {**source.signal_args(), "n_outputs": source.n_outputs}
    expected = {name: _signal_property(module, name) for name in sizes}
    if takes_ch_names(module) and source.ch_names is not None:
        expected["n_chans"] = None  # Some of the channels are enough, found by name.
    for name, what in (("n_chans", "channels"), ("n_times", "samples")):
        if expected[name] not in (None, sizes[name]):
            raise ValueError(
                f"The module was made for windows of {expected[name]} {what} ({name}), X "
                f"has {sizes[name]}."
            )
    check_sfreq(module, source)
    if expected["n_outputs"] not in (None, sizes["n_outputs"]):
        raise ValueError(
            f"The module has n_outputs={expected['n_outputs']}, but y has "
            f"{sizes['n_outputs']} columns."
        )
    check_channels(module, getattr(module, "ch_names", None), source)


def check_sfreq(module: nn.Module, source: Input) -> None:
    """Raise if windows and module are known to have different sampling rates."""
    expected = _signal_property(module, "sfreq")
    given = None if source.info is None else float(source.info["sfreq"])
    if expected is not None and given is not None and abs(given - expected) > 1e-3:
        raise ValueError(
            f"The module was made for windows at {expected:g} Hz, X is sampled at "
            f"{given:g} Hz. Use prepare_eeg to resample."
        )


def check_channels(module: nn.Module, known: list[str] | None, source: Input) -> None:
    """Raise if a module knows other channels than the windows have.

    Parameters
    ----------
    module : nn.Module
        The model.
    known : list of str | None
        Channels that it was made for or trained on.
    source : Input
        The windows.

    Raises
    ------
    ChannelNameError
        If the channels differ or, for a module whose forward takes channel names, if
        it does not know one of them.
    """
    names = source.ch_names
    if names is None or known is None or list(known) == names:
        return
    if not takes_ch_names(module):
        raise ChannelNameError(
            f"The model was made for the channels {', '.join(known)}; the windows have "
            f"{', '.join(names)}. It takes the same channels in the same order only."
        )
    match_channels(names, getattr(module, "ch_names", known), "The model")
    if len(names) < len(known):
        logger.info("%d of the model's %d channels are there", len(names), len(known))


def _signal_property(module: nn.Module, name: str) -> int | float | None:
    try:
        value = getattr(module, name, None)
    except ValueError:  # braindecode: not specified, cannot be inferred
        return None
    return value if isinstance(value, (int, float)) else None
