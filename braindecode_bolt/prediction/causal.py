"""Preparing EEG as it comes, sample by sample, without looking ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import butter, firwin, lfilter, sosfilt, sosfilt_zi

__all__ = ["CausalPreparation"]

#: Length of the anti-alias filter in periods of the new rate, on each side.
_REACH = 8


class CausalPreparation:
    """Resample, high-pass and re-reference chunks of EEG; state is kept between them.

    - Resampling by a whole factor: a symmetric FIR low-pass, then every n-th sample. Its
      delay is known and taken from the times, so samples come late but are not shifted.
    - High-pass: a Butterworth filter of the second order, forward only. It shifts phases
      near its edge, unlike the zero-phase filter of
      :func:`~braindecode_bolt.prepare_eeg`.
    - Reference: the mean of channels is subtracted.

    Parameters
    ----------
    rate, sfreq : float
        Sampling rate of the chunks, and of the result, in Hz.
    n_chans : int
        Channels.
    high_pass : float | None
        Edge in Hz.
    reference : sequence of int | None
        Rows whose mean is subtracted.

    Raises
    ------
    ValueError
        If `rate` is no multiple of `sfreq`.
    """

    def __init__(
        self,
        rate: float,
        sfreq: float,
        n_chans: int,
        high_pass: float | None = None,
        reference: Sequence[int] | None = None,
    ):
        factor = round(rate / sfreq)
        if factor < 1 or abs(rate / sfreq - factor) > 1e-9:
            raise ValueError(
                f"A stream at {rate:g} Hz cannot be brought to {sfreq:g} Hz as it comes: "
                f"the rate must be a multiple of {sfreq:g} Hz. Set the amplifier to one."
            )
        self.factor, self.n_chans = factor, n_chans
        self.taps = None
        if factor > 1:
            length = 2 * _REACH * factor + 1
            self.taps = firwin(length, 0.9 / factor)
        self.sos = None
        if high_pass is not None:
            self.sos = butter(2, high_pass, "highpass", fs=sfreq, output="sos")
        self.reference = None if reference is None else list(reference)
        self.reset()

    @property
    def delay(self) -> int:
        """Samples of the stream by which results are late."""
        return 0 if self.taps is None else _REACH * self.factor

    def reset(self) -> None:
        """Forget the past, as after an interruption."""
        self._seen = 0
        self._fir: np.ndarray | None = None
        self._iir: np.ndarray | None = None

    def __call__(self, chunk: np.ndarray) -> np.ndarray:
        """Prepare the next samples.

        Parameters
        ----------
        chunk : ndarray, shape (n_chans, n_samples)

        Returns
        -------
        ndarray, shape (n_chans, n_new)
            The samples that are ready; all in all, sample k is that at ``k * factor``.
        """
        values = self._decimated(np.asarray(chunk, float))
        if self.sos is not None and values.shape[1]:
            if self._iir is None:
                # As if the first value had always been there.
                self._iir = sosfilt_zi(self.sos)[:, None] * values[None, :, :1]
            values, self._iir = sosfilt(self.sos, values, axis=1, zi=self._iir)
        if self.reference is not None:
            values = values - values[self.reference].mean(axis=0)
        return values

    def _decimated(self, chunk: np.ndarray) -> np.ndarray:
        if self.taps is None or not chunk.shape[1]:
            return chunk
        if self._fir is None:
            first = np.repeat(chunk[:, :1], len(self.taps) - 1, axis=1)
            _, self._fir = lfilter(self.taps, 1.0, first, zi=np.zeros_like(first))
        filtered, self._fir = lfilter(self.taps, 1.0, chunk, zi=self._fir)
        # Place k * factor of the stream is in the middle of the filter `delay` later.
        places = np.arange(self._seen, self._seen + chunk.shape[1]) - self.delay
        self._seen += chunk.shape[1]
        return filtered[:, (places >= 0) & (places % self.factor == 0)]
