"""Standardising log power by the statistics of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["PowerStatistics", "standardise_recordings"]

#: Standardised power beyond this is clipped: artifacts are short and large.
LARGEST = 3.0


@dataclass(frozen=True)
class PowerStatistics:
    """Mean and standard deviation of log power per electrode and band of a recording.

    They are computed from EEG alone, without BOLD. With those of a calibration stretch,
    single windows or a short piece of the same recording can be standardised.

    Attributes
    ----------
    ch_names : tuple of str
        Electrodes.
    band_names : tuple of str
        Bands.
    mean : ndarray, shape (n_electrodes, n_bands)
        Mean of log power (log of squared microvolts per Hz).
    std : ndarray, shape (n_electrodes, n_bands)
        Its standard deviation; 1 where power is constant.
    clipped_mean : ndarray, shape (n_electrodes, n_bands)
        Mean of log power after standardisation and clipping to three standard deviations.
    clipped_std : ndarray, shape (n_electrodes, n_bands)
        Standard deviation of the same.

    Examples
    --------
    >>> import numpy as np
    >>> from braindecode_bolt.linear import PowerStatistics
    >>> power = np.random.default_rng(0).normal(3.0, 2.0, size=(50, 2, 1, 8))
    >>> found = PowerStatistics.of(power, ["O1", "O2"], ["alpha"])
    >>> bool(abs(found.apply(power).mean()) < 1e-6), found.part(["O2"], ["alpha"]).ch_names
    (True, ('O2',))
    """

    ch_names: tuple[str, ...]
    band_names: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray
    clipped_mean: np.ndarray
    clipped_std: np.ndarray

    @classmethod
    def of(
        cls, power: np.ndarray, ch_names: Sequence[str], band_names: Sequence[str]
    ) -> PowerStatistics:
        """Compute the statistics from the windows of a recording.

        Parameters
        ----------
        power : ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
            Log power.
        ch_names : sequence of str
            Names of the electrodes.
        band_names : sequence of str
            Names of the bands.

        Returns
        -------
        PowerStatistics
            Over windows and lags.

        Raises
        ------
        ValueError
            If there is a single window.
        """
        if len(power) < 2:
            raise ValueError(
                "A recording has a single window here, which cannot be standardised by "
                "itself. Predict a recording as a whole, give windows of the same "
                "recording as calibration, or use standardise=None."
            )
        mean, std = _mean_and_std(power)
        clipped = _standardised(power, mean, std).clip(-LARGEST, LARGEST)
        return cls(tuple(ch_names), tuple(band_names), mean, std, *_mean_and_std(clipped))

    def apply(self, power: np.ndarray) -> np.ndarray:
        """Standardise, clip, and standardise again.

        Parameters
        ----------
        power : ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
            Log power of the same electrodes and bands.

        Returns
        -------
        ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
            Of zero mean and unit variance over the windows of :meth:`of`; float32.
        """
        once = _standardised(power, self.mean, self.std).clip(-LARGEST, LARGEST)
        return _standardised(once, self.clipped_mean, self.clipped_std)

    def centre(self, power: np.ndarray) -> np.ndarray:
        """Standardise without clipping, as :class:`BandPower` does.

        Parameters
        ----------
        power : ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
            Log power of the same electrodes and bands.

        Returns
        -------
        ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
            Of zero mean and unit variance over the windows of :meth:`of`; float32.
        """
        return _standardised(power, self.mean, self.std)

    def part(self, ch_names: Sequence[str], band_names: Sequence[str]) -> PowerStatistics:
        """Choose electrodes and bands.

        Parameters
        ----------
        ch_names : sequence of str
            Electrodes that are wanted, in this order.
        band_names : sequence of str
            Bands that are wanted, in this order.

        Returns
        -------
        PowerStatistics
            Of these alone.

        Raises
        ------
        ValueError
            If there are no statistics of one of them.
        """
        missing = [
            name
            for wanted, known in ((ch_names, self.ch_names), (band_names, self.band_names))
            for name in wanted
            if name not in known
        ]
        if missing:
            raise ValueError(
                f"There are no statistics of {', '.join(missing)}. Take them from "
                "windows of the same recording, with the same model."
            )
        rows = [self.ch_names.index(name) for name in ch_names]
        columns = [self.band_names.index(name) for name in band_names]
        tables = (self.mean, self.std, self.clipped_mean, self.clipped_std)
        return PowerStatistics(
            tuple(ch_names),
            tuple(band_names),
            *(table[np.ix_(rows, columns)] for table in tables),
        )


def _mean_and_std(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    std = power.std(axis=(0, 3), dtype=np.float64)
    mean = power.mean(axis=(0, 3), dtype=np.float64)
    # Constant power becomes zero, not rounding errors.
    return mean, np.where(std > 1e-6 * np.maximum(np.abs(mean), 1.0), std, 1.0)


def _standardised(power: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    scaled = (power - mean[..., None]) / std[..., None]
    return scaled.astype(np.float32)


def standardise_recordings(power: np.ndarray, recordings: np.ndarray) -> None:
    """Standardise the log power of each recording by itself, in place.

    Parameters
    ----------
    power : ndarray, shape (n_windows, n_electrodes, n_bands, n_lags)
        Log power.
    recordings : ndarray, shape (n_windows,)
        Which recording each window is of.

    Raises
    ------
    ValueError
        If there is a single window of a recording.
    """
    for recording in np.unique(recordings):
        rows = recordings == recording
        part = power[rows]
        if len(part) < 2:
            raise ValueError(
                "There is a single window of a recording, which cannot be standardised by "
                "itself. Transform a recording as a whole, or use standardise=None."
            )
        centred = part - part.mean(axis=(0, 3), keepdims=True)
        spread = centred.std(axis=(0, 3), keepdims=True)
        power[rows] = centred / np.where(spread > 0, spread, 1)
