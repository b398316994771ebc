"""Recordings of a command: read or simulated, prepared one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..datasets import SemiSimulatedEEGfMRI, SimulatedEEGfMRI, open_dataset
from ..eeg import common_channels, prepare_eeg
from ..recording import Recording

__all__ = ["Prepared", "load_recordings"]

#: Options of folders that need no BOLD.
_OF_COUPLING = ("pattern", "noise", "tr", "reader")


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
        Signal-to-noise ratio of BOLD that is simulated on top of the EEG of the
        folder. By default its own BOLD is read.
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

    Raises
    ------
    ValueError
        If options do not go with the kind of data.
    """
    kind = coupling_kind or "band-power"
    given = {name: value for name, value in options.items() if value is not None}
    if data is None:
        if given or coupling is not None:
            names = [*given, *([] if coupling is None else ["coupling"])]
            raise ValueError(
                f"Simulated recordings take no {_options(names)}; give a folder by --data."
            )
        return SimulatedEEGfMRI(random_state=seed, coupling=kind).load()
    if coupling is not None:
        wrong = [name for name in given if name not in _OF_COUPLING]
        if wrong:
            raise ValueError(
                f"With --coupling the BOLD is simulated and markers are made: leave out "
                f"{_options(wrong)}."
            )
        simulated = {"snr": coupling, "random_state": seed, "channels": channels}
        simulated |= {"montage": montage, "coupling": kind}
        return SemiSimulatedEEGfMRI(data, **simulated, **given).load()
    for_simulations = ["noise"] if "noise" in given else []
    for_simulations += ["coupling_kind"] if coupling_kind else []
    if for_simulations:
        verb = "is" if len(for_simulations) == 1 else "are"
        raise ValueError(
            f"{_options(for_simulations)} {verb} for simulated BOLD: use --coupling, too."
        )
    dataset = open_dataset(data, **given)
    if cache_dir is not None and hasattr(dataset, "cache_dir"):
        dataset.cache_dir = cache_dir
    if atlas is not None and hasattr(dataset, "atlas"):
        dataset.atlas = atlas
        dataset.extraction = {**dataset.extraction, "labels": labels}
    return dataset.load()


def _options(names: Sequence[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


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
