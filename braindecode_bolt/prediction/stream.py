"""Predictions from EEG as it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mne
import numpy as np
import pandas as pd

from .._checks import check_number
from ..recording import Recording
from .causal import CausalPreparation
from .cutting import windows_at
from .predictor import BOLDPredictor
from .preparation import Preparation
from .running import Run, needs_calibration, takes_part

__all__ = ["BOLDStream"]


class BOLDStream:
    """Predict BOLD from chunks of EEG as they come.

    Where the preparation of the predictor looks into the future (its high-pass is
    zero-phase, resampling uses the whole recording), a stream cannot: its high-pass is a
    Butterworth filter of the second order that runs forward only, and resampling, by a
    whole factor, a short symmetric low-pass, which makes results late by 8 samples of the
    new rate (40 ms at 200 Hz). With neither, predictions are those of
    :meth:`BOLDPredictor.predict`. A high-pass that only runs forward shifts slow
    rhythms in time and leaves their power the same, so models of band power are hardly
    affected; networks may be.

    BAD spans are not known in a stream: predictions are made from whatever comes.

    Parameters
    ----------
    predictor : BOLDPredictor
        A fitted one.
    info : mne.Info | mne.io.BaseRaw
        Channels and sampling rate of the stream, such as
        ``mne_lsl.stream.StreamLSL.info``.
    tr : float | None
        Time between predictions in seconds. By default the repetition time of training.
    calibration : PowerStatistics | mne.io.BaseRaw | None
        For models that standardise by the recording (BandPowerGP): what
        :meth:`BOLDPredictor.calibrate` gives for some minutes of the same person, or
        these minutes. They are prepared in the ordinary way.
    montage : str | None, default "trained"
        As in :meth:`BOLDPredictor.predict`: the net of the stream, where it is another than
        that of training.
    missing : {"auto", "raise"}, default "auto"
        What to do if electrodes of training are missing: leave it to a model that can do
        with a part of them, else an error; or always an error.

    Attributes
    ----------
    latency : float
        Seconds by which filters make predictions late.

    Raises
    ------
    NotFittedError
        If the predictor is not fitted.
    ChannelNameError
        If electrodes are missing and the model needs them.
    ValueError
        If the model needs a calibration, the rate of the stream is no multiple of the
        model's, electrodes would have to be interpolated, or `tr` is not above 0 (or not
        known from training).

    See Also
    --------
    BOLDPredictor.predict : Predicts a whole recording.

    Examples
    --------
    >>> from braindecode_bolt import BOLDPredictor, BOLDStream
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> recordings = SimulatedEEGfMRI(3, duration=60.0).load()
    >>> predictor = BOLDPredictor("LaggedBandPower").fit(recordings[:2])
    >>> raw = recordings[2].raw
    >>> stream = BOLDStream(predictor, raw.info, tr=2.0)
    >>> found = [stream.push(raw[:, i : i + 100][0]) for i in range(0, raw.n_times, 100)]
    >>> sum(map(len, found))
    23
    """

    def __init__(
        self,
        predictor: BOLDPredictor,
        info: mne.Info | mne.io.BaseRaw,
        tr: float | None = None,
        calibration: Any = None,
        montage: str | None = "trained",
        missing: str = "auto",
    ):
        predictor._check_fitted()
        self.predictor = predictor
        self.tr = predictor.tr_ if tr is None else tr
        check_number(self.tr, "tr", low=0, inclusive="neither")
        if missing == "interpolate":
            raise ValueError(
                "A stream cannot interpolate electrodes; give missing='auto' or 'raise'."
            )
        info = getattr(info, "info", info)
        regressor = predictor.regressor_
        if needs_calibration(regressor) and calibration is None:
            raise ValueError(
                f"{predictor._name} standardises by the recording, which a stream does not "
                "know yet: give calibration=predictor.calibrate(raw), of some minutes of "
                "the same person and cap."
            )
        if isinstance(calibration, mne.io.BaseRaw | Recording):
            calibration = predictor.calibrate(calibration, montage=montage)
        eeg = dict(predictor.eeg)
        if montage != "trained":
            eeg["montage"] = montage
        # A second of nothing tells which channels are which.
        silent = mne.io.RawArray(
            np.zeros((len(info["ch_names"]), 2)), info, verbose="error"
        )
        recording = Recording(silent, "stream")
        found = Preparation.of(
            recording, predictor.ch_names_, eeg, takes_part(regressor), missing
        )
        self._recording, self._names = recording, found.ch_names
        extra = _reference(eeg.get("reference"), list(found.chosen), info)
        self._picks = [info["ch_names"].index(n) for n in (*found.chosen, *extra)]
        reference = None
        if eeg.get("reference") == "average":
            reference = range(len(found.chosen))
        elif eeg.get("reference") is not None:
            names = [*found.chosen, *extra]
            reference = [names.index(n) for n in _named(eeg["reference"], info)]
        self._prepare = CausalPreparation(
            float(info["sfreq"]),
            predictor.sfreq_,
            len(self._picks),
            eeg.get("high_pass"),
            reference,
        )
        self._n_stream = len(info["ch_names"])
        made = mne.create_info(self._names, predictor.sfreq_, "eeg")
        self._run = Run(
            regressor,
            found,
            predictor.window_seconds,
            predictor.lag_seconds,
            predictor.baseline_,
            progress=False,
            calibration=calibration,
        )
        self._info = made
        self.reset()

    @property
    def latency(self) -> float:
        """Seconds by which filters make predictions late."""
        return self._prepare.delay / (self.predictor.sfreq_ * self._prepare.factor)

    def reset(self, time: float = 0.0) -> None:
        """Begin anew, as after an interruption of the stream.

        Parameters
        ----------
        time : float, default 0.0
            Seconds at which the next sample stands, from 0 on.

        Raises
        ------
        ValueError
            If it is negative.
        TypeError
            If it is not a number.
        """
        check_number(time, "time", low=0)
        self._prepare.reset()
        self._begin = float(time)
        self._buffer = np.empty((len(self._names), 0))
        self._dropped = 0  # Samples that are no longer in the buffer.
        seconds = self.predictor.window_seconds + self.predictor.lag_seconds
        self._next = int(np.ceil((self._begin + seconds) / self.tr - 1e-9))

    def push(self, chunk: np.ndarray) -> pd.DataFrame:
        """Take the next samples, and predict what they make possible.

        Parameters
        ----------
        chunk : ndarray, shape (n_chans, n_samples)
            EEG in volts, of any length, with the channels of the stream in their order.

        Returns
        -------
        pandas.DataFrame, shape (n_times, n_rois)
            In the units of the training BOLD, indexed by seconds from the first sample;
            often empty.

        Raises
        ------
        ValueError
            If the chunk has another number of channels, or values that are not finite.
        """
        chunk = np.asarray(chunk, float)
        if chunk.ndim != 2 or len(chunk) != self._n_stream:
            raise ValueError(
                f"Expected {self._n_stream} channels x samples, got shape {chunk.shape}."
            )
        chunk = chunk[self._picks]
        if not np.isfinite(chunk).all():
            raise ValueError(
                "The chunk holds NaN or infinite values. After an interruption, call "
                "reset(time=...)."
            )
        new = self._prepare(chunk)[: len(self._names)]
        self._buffer = np.concatenate([self._buffer, new], axis=1)
        sfreq = self.predictor.sfreq_
        lag = self.predictor.lag_seconds
        there = self._begin + (self._dropped + self._buffer.shape[1]) / sfreq
        # Windows end at the last sample before their time.
        last = int(np.floor((there + lag) / self.tr + 1e-9))
        times = self.tr * np.arange(self._next, last + 1)
        ready = np.round((times - self._begin) * sfreq) - round(lag * sfreq)
        times = times[ready <= self._dropped + self._buffer.shape[1]]
        if not len(times):
            return self.predictor._table(
                np.empty((0, len(self.predictor.roi_names_))), times
            )
        self._next += len(times)
        table = self._predict(times)
        self._forget()
        return table

    def _predict(self, times: np.ndarray) -> pd.DataFrame:
        raw = mne.io.RawArray(self._buffer, self._info, verbose="error")
        offset = self._begin + self._dropped / self.predictor.sfreq_
        X, reason = windows_at(
            raw,
            times - offset,
            self.predictor.window_seconds,
            self.predictor.lag_seconds,
            self.predictor.baseline_,
            self._recording,
        )
        values = np.full((len(times), len(self.predictor.roi_names_)), np.nan)
        if X is not None:
            found = self._run._of_windows(X, False)[0]
            values[reason == ""] = self.predictor._scaled(found)
        return self.predictor._table(values, times)

    def _forget(self) -> None:
        """Drop what no later window needs."""
        sfreq = self.predictor.sfreq_
        seconds = self.predictor.window_seconds + self.predictor.lag_seconds
        first = int(np.floor((self.tr * self._next - self._begin - seconds) * sfreq)) - 2
        number = max(0, min(first - self._dropped, self._buffer.shape[1]))
        self._buffer = self._buffer[:, number:]
        self._dropped += number


def _named(reference: str | Sequence[str], info: mne.Info) -> list[str]:
    """Find the reference electrodes among the channels of the stream."""
    from ..eeg.channels import match_channels, normalize_channel_name

    names = [reference] if isinstance(reference, str) else list(reference)
    available = [normalize_channel_name(name) for name in info["ch_names"]]
    places = match_channels(names, available, "The stream")
    return [info["ch_names"][place] for place in places]


def _reference(reference: Any, chosen: Sequence[str], info: mne.Info) -> list[str]:
    """List reference electrodes that are not among those of the model."""
    if reference in (None, "average"):
        return []
    return [name for name in _named(reference, info) if name not in chosen]
