"""Which rows of LaBraM's channel embedding the channels of a montage have."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from braindecode.models.labram import LABRAM_CHANNEL_ORDER

from ..eeg.channels import ChannelNameError
from ._checks import check_choice

logger = logging.getLogger(__name__)

#: Rows of LaBraM's channel embedding: one for the CLS token, one per electrode.
N_ROWS = len(LABRAM_CHANNEL_ORDER) + 1
CHOICES = ("raise", "drop", "nearest", "fresh")


@dataclass(frozen=True)
class Montage:
    """Channels of the windows, and which of them a model uses.

    Attributes
    ----------
    names : list of str
        All channels of the windows, normalised.
    inputs : list of int
        Positions in `names` of the channels that are used.
    rows : list of int
        Row of each used channel in the channel embedding; from 129 on, rows
        beyond LaBraM's.
    n_fresh : int
        Number of rows beyond LaBraM's.
    """

    names: list[str]
    inputs: list[int]
    rows: list[int]
    n_fresh: int

    @staticmethod
    def unknown(names: Sequence[str]) -> list[str]:
        """List the normalised names that LaBraM's channel embedding has no row for."""
        return [name for name in names if name.upper() not in _labram_rows()]

    @classmethod
    def of(
        cls,
        names: list[str],
        chs_info: Sequence[dict] | None = None,
        unknown_channels: str = "raise",
    ) -> Montage:
        """Find the rows of the channels.

        Parameters
        ----------
        names : list of str
            Channel names, normalised.
        chs_info : sequence of dict | None
            Their positions, where they are known (``loc``, head coordinates).
        unknown_channels : {"raise", "drop", "nearest", "fresh"}, default "raise"
            What to do with channels that LaBraM's channel embedding has no row for.

        Returns
        -------
        Montage

        Raises
        ------
        ChannelNameError
            If there are such channels and `unknown_channels` is ``"raise"``, if no
            channel is left, or if a position is needed and not known.
        ValueError
            If `unknown_channels` is none of the choices.
        """
        check_choice("unknown_channels", unknown_channels, CHOICES)
        known = _labram_rows()
        rows = {name: known[name.upper()] for name in names if name.upper() in known}
        unknown = cls.unknown(names)
        if unknown and unknown_channels == "raise":
            raise ChannelNameError(
                f"LaBraM's channel embedding has no row for {', '.join(unknown)}; it has "
                f"rows for {len(known)} electrodes of the 10-10 system. Leave these "
                "channels out, or choose unknown_channels='drop' (the model does not use "
                "them), 'nearest' (they share the row of the nearest electrode) or, in "
                "NeuroBOLT, 'fresh' (each gets a new row, to be trained)."
            )
        n_fresh = 0
        if unknown and unknown_channels == "nearest":
            rows |= _nearest_rows(unknown, names, chs_info)
        elif unknown and unknown_channels == "fresh":
            n_fresh = len(unknown)
            rows |= {name: N_ROWS + number for number, name in enumerate(unknown)}
        elif unknown:
            logger.warning("The model does not use %s", ", ".join(unknown))
        if not rows:
            raise ChannelNameError(
                f"No channel is left: LaBraM's channel embedding has no row for any of "
                f"{', '.join(names)}."
            )
        inputs = [index for index, name in enumerate(names) if name in rows]
        return cls(names, inputs, [rows[names[index]] for index in inputs], n_fresh)


@cache
def _labram_rows() -> dict[str, int]:
    return {name.upper(): row for row, name in enumerate(LABRAM_CHANNEL_ORDER, start=1)}


def _nearest_rows(
    unknown: list[str], names: list[str], chs_info: Sequence[dict] | None
) -> dict[str, int]:
    electrodes, directions = _labram_directions()
    standard = _standard_positions()
    found, lost = {}, []
    for name in unknown:
        place = standard.get(name.upper())
        if chs_info is not None:
            loc = chs_info[names.index(name)].get("loc")
            loc = np.asarray([] if loc is None else loc[:3], dtype=float)
            if len(loc) == 3 and np.isfinite(loc).all() and loc.any():
                place = loc
        if place is None:
            lost.append(name)
            continue
        # By direction: heads and templates differ in size.
        nearest = int(np.argmax(directions @ (place / np.linalg.norm(place))))
        found[name] = _labram_rows()[electrodes[nearest]]
        logger.warning(
            "%s shares the row of the nearest electrode, %s", name, electrodes[nearest]
        )
    if lost:
        raise ChannelNameError(
            f"The position of {', '.join(lost)} is not known, so no nearest electrode can "
            "be found. Set a montage (Raw.set_montage) and give chs_info, or choose "
            "unknown_channels='drop' or 'fresh'."
        )
    return found


@cache
def _standard_positions() -> dict[str, np.ndarray]:
    """Positions of the 10-05 system in head coordinates, by upper-case name."""
    import mne

    montage = mne.channels.make_standard_montage("colin27_1005")
    info = mne.create_info(montage.ch_names, 1.0, "eeg")
    info.set_montage(montage)
    return {ch["ch_name"].upper(): ch["loc"][:3] for ch in info["chs"]}


@cache
def _labram_directions() -> tuple[list[str], np.ndarray]:
    standard = _standard_positions()
    electrodes = [name for name in _labram_rows() if name in standard]
    places = np.array([standard[name] for name in electrodes])
    return electrodes, places / np.linalg.norm(places, axis=1, keepdims=True)
