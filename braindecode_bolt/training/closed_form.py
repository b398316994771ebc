"""A head in closed form: a Gaussian process on the tokens of an encoder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

from .._checks import check_number
from ..eeg.channels import normalize_channel_name
from ..linear import PowerStatistics, SmoothReadout, electrode_positions
from ..linear.missing_electrodes import ElectrodeCovariance
from ..linear.priors import electrode_covariance

__all__ = ["HEADS", "ClosedFormHead", "make_head"]

logger = logging.getLogger(__name__)

#: Numbers of principal components that the evidence chooses from.
_SIZES = (4, 8, 16, 32)
#: Standardised features beyond this are clipped, as by PowerStatistics.
_LARGEST = 3.0


class ClosedFormHead(BaseEstimator):
    """Read BOLD out of an encoder's tokens by a smooth Gaussian process.

    For :class:`~braindecode_bolt.EEGRegressor`, in place of the mean over tokens and a
    linear layer. The encoder gives a token for each electrode and second of a window
    (``electrode_tokens``). Their principal components within recordings are standardised
    by electrode and recording, and read out by
    :class:`~braindecode_bolt.linear.SmoothReadout`: weights are smooth over electrodes and
    lags, noise is autocorrelated, regions are predicted together, and everything is
    chosen by evidence. With a frozen encoder this takes one pass over the windows.

    Parameters
    ----------
    n_features : int | "evidence", default "evidence"
        Principal components of the tokens that are used; ``"evidence"`` takes whichever of
        4, 8, 16 and 32 has the highest evidence. The components are of tokens minus their
        mean over time at each electrode of a recording.
    learn_encoder : bool, default False
        Whether the encoder learns, too, by the gradient of the evidence
        (:class:`~braindecode_bolt.training.Evidence`), for ``max_epochs`` of the
        regressor. Of all epochs and the encoder's weights at the start, the ones are
        kept whose read-out predicts the validation part best (mean squared error).
    standardise : {"recording", None}, default "recording"
        Whether features are brought to zero mean and unit variance by electrode within
        each recording, clipped at three standard deviations. This uses all windows of a
        recording that are predicted together (only their EEG); a single window or a
        short piece needs `calibration`, see :meth:`EEGRegressor.predict`.
    electrode_length : float | None
        Distance over which weights are alike, on a head of radius 1. This and all below
        as in :class:`~braindecode_bolt.linear.SmoothReadout`, and by default chosen by
        evidence.
    lag_length : float | None
        Time over which weights are alike, in seconds.
    lag_peak : float | None
        Lag at which weights are largest, in seconds.
    rho : float | None
        Autocorrelation of the noise from volume to volume, 0 to below 1.

    Attributes
    ----------
    readout_ : SmoothReadout
        The model of the features.
    components_ : ndarray, shape (n_token_features, n_features)
        Tokens are multiplied by it.
    ch_names_ : list of str
        Electrodes.
    lags_ : ndarray, shape (n_seconds,)
        Seconds from the middle of each token to the volume, decreasing.
    evidence_ : dict of int to float
        Log evidence by number of features, in nats.

    See Also
    --------
    braindecode_bolt.linear.BandPowerGP : The same read-out of band power instead of tokens.

    Examples
    --------
    >>> from braindecode_bolt import EEGRegressor, create_bold_windows
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> windows = create_bold_windows(SimulatedEEGfMRI(2, duration=60.0).load())
    >>> regressor = EEGRegressor(
    ...     "NeuroBOLT", module__num_layers=1, module__spectral_depth=1,
    ...     head="closed_form", verbose=0,
    ... ).fit(windows.X, windows.y)
    >>> mean, std = regressor.predict(windows.X, return_std=True)
    >>> mean.shape == std.shape == windows.y.shape
    True
    """

    def __init__(
        self,
        n_features: int | str = "evidence",
        learn_encoder: bool = False,
        standardise: str | None = "recording",
        electrode_length: float | None = None,
        lag_length: float | None = None,
        lag_peak: float | None = None,
        rho: float | None = None,
    ):
        self.n_features = n_features
        self.learn_encoder = learn_encoder
        self.standardise = standardise
        self.electrode_length = electrode_length
        self.lag_length = lag_length
        self.lag_peak = lag_peak
        self.rho = rho

    def check(self) -> None:
        """Check the arguments.

        Raises
        ------
        ValueError
            If one is out of range.
        TypeError
            If one is of the wrong type.
        """
        if self.n_features != "evidence":
            check_number(self.n_features, "n_features", Integral, 1)
        if self.standardise not in ("recording", None):
            raise ValueError(
                f'standardise must be "recording" or None, got {self.standardise!r}.'
            )

    def learn_components(
        self, tokens: Iterable[np.ndarray], ch_names: Sequence[str], lags: np.ndarray
    ) -> ClosedFormHead:
        """Find the principal components of tokens.

        Parameters
        ----------
        tokens : iterable of ndarray, (n_windows, n_electrodes, n_seconds, n_token_features)
            Windows of a recording each.
        ch_names : sequence of str
            Electrodes.
        lags : ndarray, shape (n_seconds,)
            Seconds from the middle of each token to the volume.

        Returns
        -------
        ClosedFormHead
            Itself.
        """
        within = 0.0
        for part in tokens:
            centred = part - part.mean(axis=(0, 2), keepdims=True)
            flat = centred.reshape(-1, centred.shape[-1]).astype(float)
            within = within + flat.T @ flat
        values, vectors = np.linalg.eigh(within)
        most = max(_SIZES) if self.n_features == "evidence" else self.n_features
        n = int(min(most, np.sum(values > 1e-10 * values[-1])))
        vectors = vectors[:, ::-1][:, :n]
        # The sign of an eigenvector is arbitrary; it must be the same on any machine.
        signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(n)])
        self.components_ = (vectors * signs).astype(np.float32)
        self.ch_names_ = [normalize_channel_name(name) for name in ch_names]
        self.lags_ = np.asarray(lags, float)
        return self

    def fit(
        self, features: np.ndarray, y: np.ndarray, recordings: np.ndarray, volumes: Any
    ) -> ClosedFormHead:
        """Choose priors and the number of components, and learn the weights.

        Parameters
        ----------
        features : ndarray, shape (n_windows, n_electrodes, n_components, n_seconds)
            Components of the tokens, as :meth:`project` gives them.
        y : ndarray, shape (n_windows, n_rois)
            BOLD.
        recordings : ndarray, shape (n_windows,)
            Recording of each window.
        volumes : ndarray of int, shape (n_windows,) | None
            Number of the volume of each window in its recording, as in
            :meth:`SmoothReadout.fit`.

        Returns
        -------
        ClosedFormHead
            Itself.
        """
        features = self.standardised(features, recordings)
        n_most = features.shape[2]
        sizes = [n_most]
        if self.n_features == "evidence":
            sizes = [size for size in _SIZES if size < n_most] + sizes
        self.evidence_ = {}
        for size in sizes:
            readout = self.make_readout().fit(features[:, :, :size], y, recordings, volumes)
            self.evidence_[size] = readout.evidence_
            if readout.evidence_ >= max(self.evidence_.values()):
                self.readout_, best = readout, size
        self.components_ = self.components_[:, :best]
        positions = self._positions()
        prior = np.eye(features.shape[1])
        if np.isfinite(positions).any():
            length = self.readout_.chosen_["electrode_length"]
            prior = electrode_covariance(positions, length)
        self.electrodes_ = ElectrodeCovariance(features[:, :, :best], prior)
        logger.debug("%d features of a token, by evidence: %s", best, self.evidence_)
        return self

    def make_readout(self, **given: float) -> SmoothReadout:
        """Make a read-out that is not fitted.

        Parameters
        ----------
        **given : float
            `electrode_length`, `lag_length`, `lag_peak` and `rho`: those that are given
            are not chosen by evidence.

        Returns
        -------
        SmoothReadout
            For the electrodes and lags of :meth:`learn_components`.
        """
        names = ("electrode_length", "lag_length", "lag_peak", "rho")
        arguments = {name: getattr(self, name) for name in names}
        arguments |= {name: given[name] for name in names if name in given}
        return SmoothReadout(self.lags_, self._positions(), None, **arguments)

    def _positions(self) -> np.ndarray:
        return electrode_positions(self.ch_names_)

    def project(self, tokens: torch.Tensor) -> torch.Tensor:
        """Turn tokens into features.

        Parameters
        ----------
        tokens : Tensor, shape (n_windows, n_electrodes, n_seconds, n_token_features)
            Tokens of the encoder.

        Returns
        -------
        Tensor, shape (n_windows, n_electrodes, n_components, n_seconds)
            Their principal components, float32.
        """
        components = torch.from_numpy(self.components_).to(tokens.device)
        return (tokens.float() @ components).transpose(2, 3)

    def statistics(
        self, features: np.ndarray, ch_names: Sequence[str] | None = None
    ) -> PowerStatistics:
        """Compute the statistics of the features of one recording.

        Parameters
        ----------
        features : ndarray, shape (n_windows, n_electrodes, n_components, n_seconds)
            Components of tokens.
        ch_names : sequence of str | None
            Electrodes. By default those of the fit.

        Returns
        -------
        PowerStatistics
            Mean and standard deviation by electrode and component.

        Raises
        ------
        ValueError
            If there is only one window.
        """
        names = [f"component {number + 1}" for number in range(features.shape[2])]
        return PowerStatistics.of(features, ch_names or self.ch_names_, names)

    def standardised(
        self,
        features: np.ndarray,
        recordings: np.ndarray,
        ch_names: Sequence[str] | None = None,
        calibration: PowerStatistics | None = None,
    ) -> np.ndarray:
        """Standardise features, by the statistics of their recordings or given ones.

        Parameters
        ----------
        features : ndarray, shape (n_windows, n_electrodes, n_components, n_seconds)
            Components of tokens.
        recordings : ndarray, shape (n_windows,)
            Their recordings.
        ch_names : sequence of str | None
            Electrodes. By default those of the fit.
        calibration : PowerStatistics | None
            Statistics to use instead of those of the recordings.

        Returns
        -------
        ndarray, shape (n_windows, n_electrodes, n_components, n_seconds)
            As they are if `standardise` is None.

        Raises
        ------
        ValueError
            If a recording has only one window and there is no `calibration`, or the
            calibration lacks an electrode.
        """
        if self.standardise is None:
            return features
        if calibration is not None:
            names = [f"component {number + 1}" for number in range(features.shape[2])]
            return calibration.part(ch_names or self.ch_names_, names).apply(features)
        features = features.copy()
        for recording in np.unique(recordings):
            rows = recordings == recording
            features[rows] = self.statistics(features[rows], ch_names).apply(features[rows])
        return features

    def standardised_tensor(
        self, features: torch.Tensor, recordings: np.ndarray
    ) -> torch.Tensor:
        """Do the same as :meth:`standardised` with a gradient, for whole recordings.

        Parameters
        ----------
        features : Tensor, shape (n_windows, n_electrodes, n_components, n_seconds)
            Components of tokens.
        recordings : ndarray, shape (n_windows,)
            Their recordings.

        Returns
        -------
        Tensor, shape (n_windows, n_electrodes, n_components, n_seconds)
            As they are if `standardise` is None.
        """
        if self.standardise is None:
            return features
        parts = torch.empty_like(features)
        for recording in np.unique(recordings):
            rows = torch.from_numpy(np.flatnonzero(recordings == recording))
            part = _scaled(features[rows]).clamp(-_LARGEST, _LARGEST)
            parts[rows] = _scaled(part)
        return parts

    def predict(
        self,
        features: np.ndarray,
        recordings: np.ndarray,
        ch_names: Sequence[str],
        calibration: PowerStatistics | None = None,
        return_std: bool = False,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Predict BOLD from features.

        Parameters
        ----------
        features : ndarray, shape (n_windows, n_electrodes, n_components, n_seconds)
            Components of tokens.
        recordings : ndarray, shape (n_windows,)
            Their recordings.
        ch_names : sequence of str
            Their electrodes: all of the fit or some, in any order.
        calibration : PowerStatistics | None
            Statistics of their recording.
        return_std : bool, default False
            Whether standard deviations are wanted.

        Returns
        -------
        mean : ndarray, shape (n_windows, n_rois)
            In the units of the BOLD of the fit.
        std : ndarray, shape (n_windows, n_rois) | None
            Only with `return_std`; in the same units, with what is not known of missing
            electrodes.

        Raises
        ------
        ValueError
            As in :meth:`standardised`, or if an electrode is not one of the fit.
        """
        names = [normalize_channel_name(name) for name in ch_names]
        features = self.standardised(features, recordings, names, calibration)
        there = [self.ch_names_.index(name) for name in names]
        if len(there) < len(self.ch_names_):
            missing = [name for name in self.ch_names_ if name not in names]
            logger.info(
                "Features at %s are not there and are expected from the other electrodes",
                ", ".join(missing),
            )
            features = self.electrodes_.complete(features, there)
        else:
            features = features[:, np.argsort(there)]
            there = sorted(there)
        if not return_std:
            return self.readout_.predict(features), None
        mean, std = self.readout_.predict(features, return_std=True)
        unknown = self.electrodes_.uncertainty(self.readout_.coef_, there)
        return mean, np.sqrt(std**2 + np.diag(unknown))


def _scaled(features: torch.Tensor) -> torch.Tensor:
    """Bring the features of each electrode to zero mean and unit variance."""
    variance, mean = torch.var_mean(features, dim=(0, 3), keepdim=True, correction=0)
    # The square root has no gradient at zero.
    return (features - mean) / torch.sqrt(variance.clamp_min(1e-12))


#: Heads by name; None is the network's own last layer.
HEADS: dict[str, Callable[[], ClosedFormHead | None]] = {
    "linear": lambda: None,
    "closed_form": ClosedFormHead,
    "evidence": lambda: ClosedFormHead(learn_encoder=True),
}


def make_head(head: str | ClosedFormHead | None) -> ClosedFormHead | None:
    """Make a head that is not fitted, from its name or a template.

    Parameters
    ----------
    head : {"linear", "closed_form", "evidence"} | ClosedFormHead | None
        The argument of :class:`~braindecode_bolt.EEGRegressor`.

    Returns
    -------
    ClosedFormHead | None
        None for the network's own last layer.

    Raises
    ------
    ValueError
        If there is no such head, or an argument of it is out of range.
    TypeError
        If it is neither a name nor a ClosedFormHead.
    """
    if head is None:
        return None
    if isinstance(head, str):
        if head not in HEADS:
            raise ValueError(
                f"head must be one of {', '.join(HEADS)} or a ClosedFormHead, got {head!r}."
            )
        return HEADS[head]()
    if not isinstance(head, ClosedFormHead):
        raise TypeError(
            f"head must be one of {', '.join(HEADS)} or a ClosedFormHead, got "
            f"{type(head).__name__}."
        )
    made = type(head)(**head.get_params())
    made.check()
    return made
