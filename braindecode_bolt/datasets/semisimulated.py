"""BOLD with a known coupling on top of real EEG."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
from tqdm import tqdm

from .._text import counted
from ..eeg import common_channels, prepare_eeg
from ..markers.annotations import check_raw
from ..recording import Recording
from ._base import EEGfMRIDataset
from ._files import DataFolderError, Reader
from ._tables import read_table
from .coupling.bold import (
    check_simulation,
    components_of,
    couple,
    draw_noise,
    mark_volumes,
    standardise,
)
from .coupling.from_eeg import MEMORY, drivers_of
from .coupling.kinds import parse_coupling
from .coupling.rhythms import ROIS, draw_person
from .eeg_folder import find_eeg_files, read_eeg_folder

__all__ = ["SemiSimulatedEEGfMRI", "simulate_bold"]


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
    noise : sequence of str or Path | None
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
    coupling : str | callable
        What BOLD follows, as for :func:`simulate_bold`. Default ``"band-power"``. What
        is a person's own is the same in all recordings of a subject.

    See Also
    --------
    simulate_bold : The same for one recording.
    SimulatedEEGfMRI : Simulates the EEG, too.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SemiSimulatedEEGfMRI
    >>> dataset = SemiSimulatedEEGfMRI("eegmat", channels="common", snr=0.5)
    >>> recordings = dataset.load()  # doctest: +SKIP
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
    coupling: str | Callable[[mne.io.BaseRaw], Any] = "band-power"

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
        ChannelNameError
            If channels cannot be used, as :func:`~braindecode_bolt.prepare_eeg` says.
        ValueError
            If there is not a table of noise for each file, or an argument is out of
            range.
        """
        parse_coupling(self.coupling)
        return list(tqdm(self.iterate(), "Simulating", len(self.files()), disable=None))

    def files(self) -> list[Path]:
        """List the EEG files.

        Returns
        -------
        list of Path
            In the order in which :meth:`load` gives the recordings.

        Raises
        ------
        DataFolderError
            If there are none.
        """
        return find_eeg_files(self.data_dir, self.reader)

    def iterate(self) -> Iterator[Recording]:
        """Give the recordings of :meth:`load` one after the other.

        Yields
        ------
        Recording
            Each is made when it is asked for, so that one is in memory at a time.

        Raises
        ------
        DataFolderError, ChannelNameError, ValueError
            As :meth:`load`.
        """
        parse_coupling(self.coupling)
        files = self.files()
        self._check_noise(len(files))
        recordings = read_eeg_folder(self.data_dir, self.pattern, self.reader)
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
                coupling=self.coupling,
                person=zlib.crc32(f"{self.random_state} {recording.subject}".encode()),
            )
            yield replace(prepared, raw=raw)

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
    coupling: str | Callable[[mne.io.BaseRaw], Any] = "band-power",
    person: int | None = None,
) -> mne.io.BaseRaw:
    """Give a real EEG recording a BOLD signal that follows it in a known way.

    What BOLD follows is measured in the recording and goes through each region's
    haemodynamic response. The noise ceiling of the result is known: R of the BOLD with
    that before noise was added, from the whole response and from its part in the window.

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
        Variance of the coupled BOLD over that of the noise. Default 0.7; 0 is no
        coupling.
    noise : pandas.DataFrame, shape (at least n_volumes, at least n_rois) | None
        Real BOLD of another subject, sampled every `tr`, to serve as noise. A
        part of it is drawn; columns are matched by name, or else drawn. By
        default the noise is a first-order autoregressive process.
    window_seconds : float
        Window for which the second ceiling is stated, in seconds. Default 16.
    random_state : int | numpy.random.Generator
        Seed. Default 0.
    coupling : str | callable
        What BOLD follows: one of the names below, or several joined by ``+``
        (``"bursts+vigilance"``), each with the same share. Default ``"band-power"``. Or a
        function of yours: it takes the EEG (a Raw object) and gives an array of shape
        (n_samples,), what all regions follow, or (n_rois, n_samples). This is averaged
        over a second, standardised, and goes through each region's response.
    person : int | None
        Seed of what is a person's own in the couplings ``person-responses`` and
        ``person-electrodes``: recordings of one person get the same one. By default
        drawn by `random_state`.

    Returns
    -------
    mne.io.BaseRaw
        A copy with volume markers (``R128``) that carry
        the BOLD, and the BOLD without noise.

    Raises
    ------
    ValueError
        If the recording or `noise` is too short, an argument is out of range, or a
        function gives something else than such an array.
    ChannelNameError
        If no electrode has a known position.
    TypeError
        If `raw` is not a Raw object, but a Recording for example.

    See Also
    --------
    SemiSimulatedEEGfMRI : The same for a folder of EEG.
    SimulatedEEGfMRI : Simulates the EEG, too.

    Notes
    -----
    Couplings, and why BOLD might follow them:

    ``band-power``
        The log amplitudes of theta (frontal), alpha (occipital) and beta (central
        electrodes). Occipital BOLD falls and thalamic BOLD rises with alpha [1]_.
        Models of band power are made for this.
    ``bursts``
        The rate of theta bursts (frontal), alpha bursts (occipital) and spindles, 11 to
        16 Hz (central): intervals of at least two cycles in which the amplitude
        exceeds 1.5 times its median, similar to [2]_. Each counts the same, however
        large or long. BOLD rises with sleep spindles [3]_.
    ``cross-frequency``
        How closely gamma amplitude is locked to theta phase (frontal) and to alpha phase
        (occipital), and beta amplitude to the phase of the central alpha rhythm: the
        mean vector of [4]_, divided by the amplitude's size [5]_, in Hann windows of 2 s.
    ``alpha-frequency``
        The momentary frequency of occipital alpha (7 to 14 Hz), weighted by its power,
        in Hann windows of 2 s. The peak of alpha moves within persons [6]_.
    ``vigilance``
        A slow state: the log ratio of alpha and slower power over all electrodes [7]_,
        pushed towards two levels and smoothed backwards in time (15 s). The window
        holds a part of it only, and its ceiling takes this into account. Vigilance
        changes both EEG and BOLD [8]_.
    ``person-responses``
        Each person's responses are later or earlier (-1 to 2 s), and narrower or wider
        (up to a third): [9]_, [10]_.
    ``person-electrodes``
        The places where amplitudes are measured are drawn for each person, anywhere on
        the upper half of the head (not those of vigilance).
    ``mixture``
        All of these at once.
    ``perturbed``
        Another simulator, for checks whether a comparison of models depends on this one:
        amplitudes, not their logarithms, in other bands, at other electrodes, through
        gamma functions without undershoot [11]_; the noise is 1/f [12]_, unless `noise`
        is given.

    No published study has measured how much of BOLD each of these explains. They test
    models, not the brain.

    References
    ----------
    .. [1] Goldman, R. I. et al. (2002). Simultaneous EEG and fMRI of the alpha rhythm.
       NeuroReport 13.
    .. [2] Feingold, J. et al. (2015). Bursts of beta oscillation differentiate
       postperformance activity in the striatum and motor cortex of monkeys performing
       movement tasks. PNAS 112.
    .. [3] Schabus, M. et al. (2007). Hemodynamic cerebral correlates of sleep spindles
       during human non-rapid eye movement sleep. PNAS 104.
    .. [4] Canolty, R. T. et al. (2006). High gamma power is phase-locked to theta
       oscillations in human neocortex. Science 313.
    .. [5] Özkurt, T. E. & Schnitzler, A. (2011). A critical note on the definition of
       phase-amplitude cross-frequency coupling. J. Neurosci. Methods 201.
    .. [6] Haegens, S. et al. (2014). Inter- and intra-individual variability in alpha
       peak frequency. NeuroImage 92.
    .. [7] Wong, C. W. et al. (2013). The amplitude of the resting-state fMRI global
       signal is related to EEG vigilance measures. NeuroImage 83.
    .. [8] Olbrich, S. et al. (2009). EEG-vigilance and BOLD effect during simultaneous
       EEG/fMRI measurement. NeuroImage 45.
    .. [9] Aguirre, G. K., Zarahn, E. & D'Esposito, M. (1998). The variability of human,
       BOLD hemodynamic responses. NeuroImage 8.
    .. [10] Handwerker, D. A., Ollinger, J. M. & D'Esposito, M. (2004). Variation of BOLD
       hemodynamic responses across subjects and brain regions and their effects on
       statistical analyses. NeuroImage 21.
    .. [11] Boynton, G. M. et al. (1996). Linear systems analysis of functional magnetic
       resonance imaging in human V1. J. Neurosci. 16.
    .. [12] Zarahn, E., Aguirre, G. K. & D'Esposito, M. (1997). Empirical analyses of BOLD
       fMRI statistics. I. Spatially unsmoothed data collected under null-hypothesis
       conditions. NeuroImage 5.

    Examples
    --------
    >>> import mne, numpy as np
    >>> from braindecode_bolt import Recording
    >>> from braindecode_bolt.datasets import simulate_bold
    >>> info = mne.create_info(["Fz", "Cz", "Oz"], 200.0, "eeg").set_montage("colin27_1005")
    >>> noise = 2e-5 * np.random.default_rng(0).standard_normal((3, 24_000))
    >>> raw = simulate_bold(mne.io.RawArray(noise, info, verbose="error"), snr=1.0)
    >>> Recording(raw, subject="01").bold.shape  # 120 s, every 2.1 s
    (58, 7)
    """
    kind = parse_coupling(coupling)
    check_raw(raw)
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
        drawn = draw_noise(len(volume_times), len(rois), tr, kind, rng)
    else:
        drawn = _draw_noise(noise, len(volume_times), rois, rng)
    own = draw_person(rng if person is None else np.random.default_rng(person))
    drivers = drivers_of(raw, kind, own)
    components = components_of(drivers, rois, kind, own, MEMORY)
    tables = couple(components, volume_times, rois, snr, drawn, window_seconds)
    return mark_volumes(raw, volume_times, tables, coupling)


def _draw_noise(
    noise: pd.DataFrame, n_volumes: int, rois: list[str], rng: np.random.Generator
) -> np.ndarray:
    if len(noise) < n_volumes or noise.shape[1] < len(rois):
        raise ValueError(
            f"The BOLD given as noise has {counted(len(noise), 'volume')} x "
            f"{noise.shape[1]} regions; at least {n_volumes} x {len(rois)} are needed."
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
