"""Electrodes by normalised name, with positions, as braindecode's models want them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..eeg.channels import ChannelNameError, resolve_ch_names
from ._montage import _standard_positions

#: Where braindecode looks for the positions of REVE (a setting of MNE).
_REVE = "REVE_POSITIONS_PATH"
# REVE's embedding repeats after 1.8: head coordinates in units of 20 cm stay within 1.
_REVE_UNIT = 0.2


def positioned(chs_info: Sequence[dict]) -> list[dict[str, Any]]:
    """Give channels normalised names and, where it is known, a position.

    Parameters
    ----------
    chs_info : sequence of dict
        Channels as in ``mne.Info["chs"]``.

    Returns
    -------
    list of dict
        Copies. A channel without a position has that of its name in the 10-05 system.
    """
    standard = _standard_positions()
    channels = []
    for name, channel in zip(resolve_ch_names(chs_info, None), chs_info, strict=True):
        place = channel.get("loc")
        place = np.array([] if place is None else place[:3], dtype=float)
        known = len(place) == 3 and np.isfinite(place).all() and place.any()
        if not known and name.upper() in standard:
            place = standard[name.upper()]
        loc = np.zeros(12)
        loc[: len(place)] = np.nan_to_num(place)
        channels.append({**channel, "ch_name": name, "kind": "eeg", "loc": loc})
    return channels


def check_positions(channels: Sequence[dict], model: str) -> None:
    """Raise if a channel has no position.

    Parameters
    ----------
    channels : sequence of dict
        From :func:`positioned`.
    model : str
        Who needs them, for the message.

    Raises
    ------
    ChannelNameError
        If one has none.
    """
    lost = [ch["ch_name"] for ch in channels if not np.any(ch["loc"][:3])]
    if lost:
        raise ChannelNameError(
            f"{model} places electrodes by their position, and that of "
            f"{', '.join(lost)} is not known. Set a montage (Raw.set_montage), or leave "
            "the channels out."
        )


@contextmanager
def reve_positions(channels: Sequence[dict]) -> Iterator[None]:
    """Let braindecode's REVE find these electrodes, without a download.

    For a REVE that is trained from the start, any positions do; with published weights
    those of its own table must be used.

    Parameters
    ----------
    channels : sequence of dict
        From :func:`positioned`.
    """
    check_positions(channels, "REVE")
    table = {ch["ch_name"]: (ch["loc"][:3] / _REVE_UNIT).tolist() for ch in channels}
    before = os.environ.get(_REVE)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "reve_positions.json").write_text(json.dumps(table))
        os.environ[_REVE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[_REVE]
            else:
                os.environ[_REVE] = before
