"""BOLD with a known coupling on top of real EEG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from scipy.signal import butter, hilbert, sosfiltfilt
from tqdm import tqdm

from .._text import counted
from ..eeg import common_channels, prepare_eeg
from ..eeg.channels import ChannelNameError
from ..markers import stretches
from ..recording import Recording
from ._base import EEGfMRIDataset, open_all
from ._coupling import (
    BANDS,
    RATE,
    ROIS,
    SOURCES,
    autocorrelated_noise,
    check_simulation,
    couple,
    mark_volumes,
    standardise,
)
from ._files import DataFolderError, Reader, files_of, find_eeg, listed
from ._names import described, entities_of
from ._reading import read_eeg
from ._tables import read_table

__all__ = ["SemiSimulatedEEGfMRI", "simulate_bold"]

# Amplitudes are not measured in shorter parts of a recording, in seconds.
_SHORTEST = 1.0


@dataclass
class SemiSimulatedEEGfMRI(EEGfMRIDataset):
    """Any EEG, with a BOLD signal whose coupling to it is known.

    Each recording is prepared (:func:`~braindecode_bolt.prepare_eeg`) and given BOLD
    by :func:`simulate_bold`. R of models can be compared with the noise ceiling.

    Parameters
    ----------
    data_dir : str | Path
        A folder of EEG files that MNE reads; it is searched at any depth.
    pattern : str | None
        What the names of the files mean: a regular expression with the group
        ``subject`` and, if they occur, ``session``, ``task`` and ``run``, which
        matches the whole name, with or without the ending. By default names of
        BIDS, and of PhysioNet's eegmmidb and eegmat.
    channels : sequence of str | "common" | None
        Channels to use, those that all recordings have, or all (default).
    tr : float
        Repetition time in seconds. Default 2.1.
    snr : float
        Variance of the coupled BOLD over that of the noise. Default 0.7; 0 is no
        coupling.
    noise : sequence of Path | None
        Real BOLD to serve as noise: a table (``.tsv``, ``.csv``, or ``.pkl`` of the
        NeuroBOLT release) for each EEG file in turn. By default autoregressive
        noise.
    random_state : int
        Seed. Default 0.
    reader : str | callable | None
        MNE's reader of the EEG, as for :class:`EEGfMRIFolder`. By default what the
        ending says.
    montage : str | None
        Montage of a dense net whose electrodes are to be named by their positions, as
        in :func:`~braindecode_bolt.prepare_eeg`. By default none.
    """

    data_dir: str | Path
    pattern: str | None = None
    channels: str | Sequence[str] | None = None
    tr: float = 2.1
    snr: float = 0.7
    noise: Sequence[str | Path] | None = None
    random_state: int = 0
    reader: Reader | None = None
    montage: str | None = None

    def load(self) -> list[Recording]:
        """Read the EEG and simulate BOLD.

        Returns
        -------
        list of Recording
            At 200 Hz, with volume markers (``R128``) that carry the BOLD, and the
            BOLD without noise.

        Raises
        ------
        DataFolderError
            If there is no EEG, a name does not say the subject, files cannot be
            read, or several are the same recording.
        ValueError
            If there is not a table of noise for each file, or an argument is out of
            range.
        """
        return list(tqdm(self.iterate(), "Simulating", len(self.files()), disable=None))

    def files(self) -> list[Path]:
        """List the EEG files.

        Returns
        -------
        list of Path

        Raises
        ------
        DataFolderError
            If there are none.
        """
        files = find_eeg(self.data_dir, self.reader)
        if not files:
            raise DataFolderError(f"{self.data_dir} holds no EEG file that MNE could read.")
        return files

    def iterate(self) -> Iterator[Recording]:
        """Give the recordings of :meth:`load` one after the other.

        Yields
        ------
        Recording
        """
        files = self.files()
        self._check_noise(len(files))
        recordings = self._open(files)
        channels = self.channels
        if channels == "common":
            channels = common_channels(recordings, self.montage)
        seeds = np.random.SeedSequence(self.random_state).spawn(len(files))
        for number, recording in enumerate(recordings):
            prepared = prepare_eeg(recording, channels=channels, montage=self.montage)
            raw = simulate_bold(
                prepared.raw,
                tr=self.tr,
                snr=self.snr,
                noise=None if self.noise is None else _read_noise(self.noise[number]),
                random_state=np.random.default_rng(seeds[number]),
            )
            yield replace(prepared, raw=raw)

    def _open(self, files: list[Path]) -> list[Recording]:
        entities = entities_of(files, self.pattern)
        nameless = [file.name for file in files if file not in entities]
        if nameless:
            by = "" if self.pattern is None else f" by {self.pattern!r}"
            raise DataFolderError(
                f"The names of {len(nameless)} of {counted(len(files), 'EEG file')} do not "
                f"say the subject{by}: {listed(nameless)}. Expected BIDS names "
                "(sub-01_run-1_eeg.edf), or a pattern such as "
                r"'(?P<subject>p\d+)_(?P<run>\d+)'."
            )
        by_name: dict[str, list[Path]] = {}
        for file in files:
            by_name.setdefault(described(entities[file]), []).append(file)
        for name, same in by_name.items():
            if len(same) > 1:
                raise DataFolderError(
                    f"{counted(len(same), 'file')} are named {name}: {listed(same)}. Give "
                    "a pattern that tells them apart, a folder inside, or a reader."
                )
        return open_all(
            {str(file): file for file in files},
            lambda file: Recording(read_eeg(file, self.reader), **entities[file]),
            self.data_dir,
            {str(file): files_of(file) for file in files},
        )

    def _check_noise(self, n_files: int) -> None:
        if self.noise is None:
            return
        n_tables = len({Path(table).resolve() for table in self.noise})
        if not n_files == len(self.noise) == n_tables:
            raise ValueError(
                f"{n_files} EEG files need as many tables of noise, one for each in turn; "
                f"got {len(self.noise)}, {n_tables} of them different. Recordings that "
                "share their noise would not be independent."
            )


def _read_noise(table: str | Path) -> pd.DataFrame:
    table = Path(table)
    noise = read_table(table)
    if noise.attrs.get("n_volumes", len(noise)) != len(noise):
        raise DataFolderError(f"{table.name} lacks volumes; noise needs all of them.")
    return noise


def simulate_bold(
    raw: mne.io.BaseRaw,
    tr: float = 2.1,
    rois: Sequence[str] | None = None,
    snr: float = 0.7,
    noise: pd.DataFrame | None = None,
    window_seconds: float = 16.0,
    random_state: int | np.random.Generator = 0,
) -> mne.io.BaseRaw:
    """Give a real EEG recording a BOLD signal that follows its rhythms.

    The amplitudes of theta (frontal), alpha (occipital) and beta (central
    electrodes) in the recording go through the same coupling as in
    :class:`SimulatedEEGfMRI`. The noise ceiling of the result is known.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG with standard channel names (:func:`~braindecode_bolt.prepare_eeg`).
        It is not changed.
    tr : float
        Repetition time in seconds. Default 2.1. Volumes are marked from the
        first sample on, also across joints of the recording; there, the BOLD
        begins anew, without a response to the EEG before.
    rois : sequence of str | None
        Regions. By default the seven of the paper.
    snr : float
        Variance of the coupled BOLD over that of the noise. Default 0.7.
    noise : pandas.DataFrame, shape (at least n_volumes, at least n_rois) | None
        Real BOLD of another subject, sampled every `tr`, to serve as noise. A
        part of it is drawn; columns are matched by name, or else drawn. By
        default the noise is a first-order autoregressive process.
    window_seconds : float
        Window for which the second ceiling is stated. Default 16.
    random_state : int | numpy.random.Generator
        Seed.

    Returns
    -------
    mne.io.BaseRaw
        A copy with volume markers (``R128``) that carry
        the BOLD, and the BOLD without noise.

    Raises
    ------
    ValueError
        If the recording or `noise` is too short, or an argument is out of
        range.
    ChannelNameError
        If no electrode has a known position.
    """
    rois = list(ROIS if rois is None else rois)
    check_simulation(rois, tr, snr)
    rng = np.random.default_rng(random_state)
    volume_times = np.arange(0.0, raw.times[-1], tr)
    if len(volume_times) < 2:
        raise ValueError(
            f"The recording lasts {raw.times[-1]:.1f} s; at least two volumes of {tr:g} s "
            "are needed."
        )
    if noise is None:
        drawn = autocorrelated_noise(len(volume_times), len(rois), tr, rng)
    else:
        drawn = _draw_noise(noise, len(volume_times), rois, rng)
    parts = stretches(raw)
    pieces = [_band_amplitudes(raw, start, stop) for start, stop in parts]
    amplitudes = np.log(np.concatenate(pieces, axis=1))
    unknown = np.isnan(amplitudes)
    amplitudes[unknown] = np.broadcast_to(
        np.nanmean(amplitudes, axis=1, keepdims=True), amplitudes.shape
    )[unknown]
    # An artifact must not become the only event of the run.
    amplitudes = standardise(np.clip(standardise(amplitudes), -3, 3))
    ends = np.cumsum([piece.shape[1] for piece in pieces])[:-1]
    starts = [start / raw.info["sfreq"] for start, _ in parts]
    divided = list(zip(starts, np.split(amplitudes, ends, axis=1), strict=True))
    tables = couple(divided, volume_times, rois, snr, drawn, window_seconds)
    return mark_volumes(raw, volume_times, tables)


def _band_amplitudes(raw: mne.io.BaseRaw, start: int, stop: int) -> np.ndarray:
    """Amplitude of each rhythm near its site, shape (n_bands, n_samples) at RATE.

    Of one part of the recording, which is filtered by itself. NaN if it is too short.
    """
    sfreq = raw.info["sfreq"]
    positions = raw.get_montage()
    places = {} if positions is None else positions.get_positions()["ch_pos"]
    known = {ch: xyz for ch, xyz in places.items() if np.isfinite(xyz).all()}
    if not known:
        raise ChannelNameError(
            "No electrode has a position. Use prepare_eeg, which sets those of the 10-05 "
            "system."
        )
    times = np.arange(stop - start) / sfreq
    at = np.arange(int(times[-1] * RATE) + 1) / RATE
    if times[-1] < _SHORTEST:
        return np.full((len(SOURCES), len(at)), np.nan)
    amplitudes = []
    for band, (place, _) in SOURCES.items():
        distance = {ch: np.linalg.norm(xyz - np.array(place)) for ch, xyz in known.items()}
        nearest = sorted(distance, key=distance.get)[:3]
        sos = butter(3, BANDS[band], btype="bandpass", fs=sfreq, output="sos")
        signal = sosfiltfilt(sos, raw.get_data(nearest, start, stop))
        envelope = np.abs(hilbert(signal)).mean(axis=0)
        # Down to about 1 Hz before the rate falls to RATE.
        smooth = sosfiltfilt(butter(2, 1.0, fs=sfreq, output="sos"), envelope)
        smooth = np.maximum(smooth, 1e-3 * np.median(envelope))
        amplitudes.append(np.interp(at, times, smooth))
    return np.stack(amplitudes)


def _draw_noise(
    noise: pd.DataFrame, n_volumes: int, rois: list[str], rng: np.random.Generator
) -> np.ndarray:
    if len(noise) < n_volumes or noise.shape[1] < len(rois):
        raise ValueError(
            f"The BOLD given as noise has {noise.shape[0]} volumes x {noise.shape[1]} "
            f"regions; at least {n_volumes} x {len(rois)} are needed."
        )
    if set(rois) <= set(noise.columns):
        chosen = noise[rois]
    else:
        columns = rng.choice(noise.shape[1], len(rois), replace=False)
        chosen = noise.iloc[:, columns]
    first = rng.integers(len(noise) - n_volumes + 1)
    series = chosen.to_numpy(dtype=float)[first : first + n_volumes]
    if not np.isfinite(series).all() or (series.std(axis=0) == 0).any():
        raise ValueError("The BOLD given as noise is constant or not finite in a region.")
    return standardise(series.T).T
