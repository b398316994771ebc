"""Simulated EEG-fMRI with a known coupling."""

from __future__ import annotations

from collections.abc import Sequence

import mne
import numpy as np

from ..eeg.channels import ChannelNameError, normalize_channel_name
from ..eeg.prepare import SFREQ
from ..recording import Recording
from ._base import EEGfMRIDataset
from .coupling.bold import (
    check_simulation,
    components_of,
    couple,
    draw_noise,
    mark_volumes,
    standardise,
)
from .coupling.generated import Generator
from .coupling.kinds import Coupling, parse_coupling
from .coupling.rhythms import HEAD_CENTRE, ROIS, SOURCES, Person, draw_person, places_of

__all__ = ["SimulatedEEGfMRI"]

#: Electrodes of the simulated cap.
CH_NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")

_HEAD_RADIUS = 0.095
_N_BACKGROUND = 40
_BACKGROUND = 6e-6
_SENSOR_NOISE = 1e-6


class SimulatedEEGfMRI(EEGfMRIDataset):
    """Simulated simultaneous EEG-fMRI of several subjects, with a known ceiling.

    The amplitudes of theta, alpha and beta sources fluctuate slowly; MNE's sphere
    model projects them to the scalp, together with 1/f background activity from
    all over the head. The BOLD of each region is a weighted sum of the three
    amplitudes through the region's own haemodynamic response, plus
    autocorrelated noise. Subjects differ in where the sources lie and how strong they are.
    With another `coupling`, BOLD follows something else in the EEG, and the amplitudes
    fluctuate without any relation to it.

    Parameters
    ----------
    n_subjects : int
        Number of subjects. Default 6.
    duration : float
        Length of a run in seconds. Default 300.
    tr : float
        Repetition time in seconds. Default 2.1.
    ch_names : sequence of str | None
        Electrodes of the 10-05 system. By default ten of the 10-20 system.
    rois : sequence of str | None
        Regions. By default the seven of the paper; any other name gets its
        own weights and haemodynamic response, always the same.
    snr : float
        Variance of the coupled BOLD over that of the noise. Default 0.7; 0 is
        no coupling.
    random_state : int
        Seed. Default 0.
    n_runs : int
        Runs per subject. Default 1.
    window_seconds : float
        Window for which the second ceiling is stated, in seconds. Default 16.
    coupling : str
        What BOLD follows, and what differs between subjects: a name of
        ``datasets.COUPLINGS``, or several joined by ``+``, as for
        :func:`~braindecode_bolt.datasets.simulate_bold`, where each is described. The
        EEG is generated to contain it. Default ``"band-power"``.

    See Also
    --------
    SemiSimulatedEEGfMRI : Real EEG, with simulated BOLD.

    Examples
    --------
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recording = SimulatedEEGfMRI(n_subjects=1, duration=60.0).load()[0]
    >>> recording.bold.shape
    (28, 7)
    >>> recording.ceiling.columns.tolist()
    ['full', 'window']
    """

    def __init__(
        self,
        n_subjects: int = 6,
        duration: float = 300.0,
        tr: float = 2.1,
        ch_names: Sequence[str] | None = None,
        rois: Sequence[str] | None = None,
        snr: float = 0.7,
        random_state: int = 0,
        n_runs: int = 1,
        window_seconds: float = 16.0,
        coupling: str = "band-power",
    ):
        self.n_subjects = n_subjects
        self.duration = duration
        self.tr = tr
        self.ch_names = ch_names
        self.rois = rois
        self.snr = snr
        self.random_state = random_state
        self.n_runs = n_runs
        self.window_seconds = window_seconds
        self.coupling = coupling

    def load(self) -> list[Recording]:
        """Simulate the recordings.

        Returns
        -------
        list of Recording
            One per subject and run, at 200 Hz, with volume markers (``R128``)
            that carry the BOLD, and the BOLD without noise.

        Raises
        ------
        ValueError
            If an argument is out of range.
        ChannelNameError
            If an electrode has no position in the 10-05 system.
        """
        if callable(self.coupling):
            raise ValueError(
                "EEG cannot be generated from a function that measures it. Use "
                "simulate_bold or SemiSimulatedEEGfMRI, whose EEG is real."
            )
        coupling = parse_coupling(self.coupling)
        rois = list(ROIS if self.rois is None else self.rois)
        check_simulation(rois, self.tr, self.snr)
        if self.n_subjects < 1 or self.n_runs < 1 or self.duration < 2 * self.tr:
            raise ValueError(
                "n_subjects and n_runs must be at least 1 and duration at least two "
                f"repetition times, got {self.n_subjects}, {self.n_runs} and "
                f"{self.duration}."
            )
        info = _make_info(CH_NAMES if self.ch_names is None else self.ch_names)
        seeds = np.random.SeedSequence(self.random_state).spawn(self.n_subjects)
        width = len(str(self.n_subjects))
        recordings = []
        for number, seed in enumerate(seeds, start=1):
            # What is a person's own leaves all else as it is in other couplings.
            person = draw_person(np.random.default_rng(seed.spawn(1)[0]))
            rng = np.random.default_rng(seed)
            gains = _head(info, places_of(coupling, person), rng)
            for run in range(1, self.n_runs + 1):
                raw = self._simulate(info, gains, rois, coupling, person, rng)
                recordings.append(
                    Recording(
                        raw,
                        subject=f"{number:0{max(width, 2)}d}",
                        run=str(run) if self.n_runs > 1 else None,
                        task="simulated",
                    )
                )
        return recordings

    def _simulate(
        self,
        info: mne.Info,
        gains: tuple[np.ndarray, np.ndarray],
        rois: list[str],
        coupling: Coupling,
        person: Person,
        rng: np.random.Generator,
    ) -> mne.io.BaseRaw:
        generator = Generator(coupling, person, self.duration, rng)
        source_gains, background_gains = gains
        n_times = generator.sources.shape[1]
        background = _one_over_f((background_gains.shape[1], n_times), rng)
        data = source_gains @ generator.sources + background_gains @ background
        data += _SENSOR_NOISE * rng.standard_normal(data.shape)
        volume_times = np.arange(self.tr, self.duration, self.tr)
        tables = couple(
            components_of(generator.drivers, rois, coupling, person),
            volume_times,
            rois,
            self.snr,
            draw_noise(len(volume_times), len(rois), self.tr, coupling, rng),
            self.window_seconds,
        )
        raw = mne.io.RawArray(data, info.copy(), verbose="error")
        return mark_volumes(raw, volume_times, tables, self.coupling)


def _make_info(ch_names: Sequence[str]) -> mne.Info:
    names = [normalize_channel_name(name) for name in ch_names]
    info = mne.create_info(names, SFREQ, "eeg")
    montage = mne.channels.make_standard_montage("colin27_1005")
    missing = [name for name in names if name not in montage.ch_names]
    if missing:
        raise ChannelNameError(
            f"No position is known for {', '.join(missing)}; the simulation needs "
            "electrodes of the 10-05 system."
        )
    return info.set_montage(montage)


def _head(
    info: mne.Info, origins: dict[str, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a subject: gains from the rhythms and the background to the scalp."""
    n_sources = len(SOURCES)
    places = np.array([origins[rhythm] for rhythm in SOURCES])
    places = places + 0.005 * rng.standard_normal(places.shape)
    directions = rng.standard_normal((_N_BACKGROUND, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    depth = rng.uniform(0.3, 0.8, (_N_BACKGROUND, 1)) * _HEAD_RADIUS
    places = np.concatenate([places, np.array(HEAD_CENTRE) + depth * directions])
    orientations = places - np.array(HEAD_CENTRE)
    orientations += 0.02 * rng.standard_normal(orientations.shape)
    orientations /= np.linalg.norm(orientations, axis=1, keepdims=True)
    gains = _forward(info, places, orientations)
    strength = np.array([scalp for _, scalp in SOURCES.values()])
    strength = strength * np.exp(0.2 * rng.standard_normal(n_sources))
    rhythms = gains[:, :n_sources] / np.abs(gains[:, :n_sources]).max(axis=0) * strength
    background = gains[:, n_sources:]
    background *= _BACKGROUND / np.sqrt((background**2).sum(axis=1).mean())
    return rhythms, background


def _forward(info: mne.Info, places: np.ndarray, orientations: np.ndarray) -> np.ndarray:
    """Potentials at the electrodes for unit dipoles, by MNE's sphere model."""
    sphere = mne.make_sphere_model(
        r0=HEAD_CENTRE, head_radius=_HEAD_RADIUS, verbose="error"
    )
    dipoles = mne.Dipole(
        np.arange(len(places)) / SFREQ,
        places,
        np.full(len(places), 1e-8),
        orientations,
        np.full(len(places), 100.0),
    )
    forward, _ = mne.make_forward_dipole(dipoles, sphere, info, verbose="error")
    return forward["sol"]["data"]


def _one_over_f(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with frequency, of unit variance, flat below 0.5 Hz."""
    frequency = np.fft.rfftfreq(shape[1], 1 / SFREQ)
    spectrum = np.fft.rfft(rng.standard_normal(shape))
    shaped = spectrum / np.sqrt(np.maximum(frequency, 0.5))
    return standardise(np.fft.irfft(shaped, shape[1]))
