"""Recordings of a command: read or simulated, prepared one at a time."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bold.atlases import load_atlas
from ..datasets import SemiSimulatedEEGfMRI, SimulatedEEGfMRI, open_dataset
from ..eeg import common_channels, prepare_eeg
from ..recording import Recording
from .options import region_labels

__all__ = ["Prepared", "check_names_of_atlas", "load_recordings"]


def load_recordings(
    data: Path | None,
    options: Mapping[str, Any],
    cache_dir: Path | None = None,
    coupling: float | None = None,
    seed: int = 0,
    channels: str | Sequence[str] | None = None,
    montage: str | None = None,
    coupling_kind: str | None = None,
    atlas: str | None = None,
    labels: Sequence[str] | None = None,
) -> list[Recording]:
    """Open a folder of recordings, or simulate them.

    Parameters
    ----------
    data : Path | None
        The folder; None simulates recordings.
    options : mapping
        Arguments of the class of data sets; None is as if it were not given.
    cache_dir : Path | None
        Where extracted regions are kept.
    coupling : float | None
        Signal-to-noise ratio of BOLD that is simulated, also on top of the EEG of a
        folder. By default the folder's own BOLD is read, and without one it is 0.7.
    seed : int
        Seed of what is simulated.
    channels : str | sequence of str | None
        As on the command line; what is simulated follows these.
    montage : str | None
        Montage of dense nets, for EEG that gets simulated BOLD.
    coupling_kind : str | None
        What simulated BOLD follows. By default band power.
    atlas, labels : str, sequence of str | None
        Regions that images of a BIDS data set are averaged in, and their names.

    Returns
    -------
    list of Recording
    """
    kind = coupling_kind or "band-power"
    given = {name: value for name, value in options.items() if value is not None}
    if data is None:
        snr = {} if coupling is None else {"snr": coupling}
        return SimulatedEEGfMRI(random_state=seed, coupling=kind, **snr).load()
    if coupling is not None:
        simulated = {"snr": coupling, "random_state": seed, "channels": channels}
        simulated |= {"montage": montage, "coupling": kind}
        return SemiSimulatedEEGfMRI(data, **simulated, **given).load()
    dataset = open_dataset(data, **given)
    if cache_dir is not None and hasattr(dataset, "cache_dir"):
        dataset.cache_dir = cache_dir
    if atlas is not None and hasattr(dataset, "atlas"):
        dataset.atlas = atlas
        dataset.extraction = {**dataset.extraction, "labels": labels}
    return dataset.load()


def check_names_of_atlas(arguments: argparse.Namespace) -> None:
    """Load ``--atlas``, if it is given, before recordings that take longer.

    Raises
    ------
    ValueError
        If the file is no atlas, or has not as many regions as ``--labels`` names.
    AtlasError
        If it cannot be fetched.
    """
    if arguments.atlas is not None:
        load_atlas(arguments.atlas, region_labels(arguments), verbose=0)


@dataclass(frozen=True)
class Prepared:
    """Recordings whose EEG is prepared when they are asked for, one at a time.

    Attributes
    ----------
    recordings : sequence of Recording
        As read.
    channels : sequence of str | "common" | None
        As on the command line.
    arguments : mapping
        Further arguments of :func:`~braindecode_bolt.prepare_eeg`.
    """

    recordings: Sequence[Recording]
    channels: str | Sequence[str] | None
    arguments: Mapping[str, Any]

    def __len__(self) -> int:  # noqa: D105
        return len(self.recordings)

    def __iter__(self) -> Iterator[Recording]:  # noqa: D105
        channels = self.channels
        if channels == "common":
            of_sites = ("montage", "montage_distance_mm")
            given = {k: v for k, v in self.arguments.items() if k in of_sites}
            channels = common_channels(self.recordings, **given)
        for recording in self.recordings:
            yield prepare_eeg(recording, channels=channels, **self.arguments)
