"""Explaining a saved predictor with recordings as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from ..eeg import prepare_eeg
from ..prediction import BOLDPredictor
from ..prediction.running import shared_electrodes
from ..recording import Recording, as_recordings
from ..windows import create_eeg_windows
from .explaining import explain

__all__ = ["explain_predictor"]

#: Time from one window to the next where the repetition time is not known, in seconds.
_STEP = 2.0


def explain_predictor(
    predictor: BOLDPredictor,
    recordings: Iterable[Recording],
    method: str = "auto",
    **arguments: Any,
) -> pd.DataFrame:
    """Find the electrodes, bands and lags that drive each region of a predictor.

    Parameters
    ----------
    predictor : BOLDPredictor
        Fitted, or loaded from a folder.
    recordings : iterable of Recording
        EEG as read, of people who were not used in training, if possible. It is
        prepared here as that of the training was. Neither markers nor BOLD are needed.
        Models that predict from some of their electrodes (BandPowerGP, NeuroBOLT,
        LabramBOLD) are explained with those that all recordings have; weights are those
        of the whole model.
    method : str, default "auto"
        How the effect is found, as in :func:`explain`.
    **arguments : Any
        Further ones of :func:`explain`.

    Returns
    -------
    pandas.DataFrame
        As of :func:`explain`.

    Raises
    ------
    NotFittedError
        If the predictor is not fitted.
    ChannelNameError
        If a recording lacks an electrode of a predictor that needs all, or the
        recordings have none in common.
    ValueError
        As from :func:`explain`, or if the EEG of a recording cannot be prepared.
    TypeError
        As from :func:`explain`.
    ImportError
        If integrated gradients are asked for without captum.

    See Also
    --------
    explain : The same for any model and windows.

    Examples
    --------
    >>> from braindecode_bolt import BOLDPredictor
    >>> from braindecode_bolt.datasets import SimulatedEEGfMRI
    >>> from braindecode_bolt.explanation import explain_predictor
    >>> recordings = SimulatedEEGfMRI(3, duration=120.0).load()
    >>> predictor = BOLDPredictor("LaggedBandPower").fit(recordings[:2])
    >>> table = explain_predictor(predictor, recordings[2:])
    >>> table.columns.tolist()[:4]
    ['region', 'electrode', 'band', 'low']
    """
    predictor._check_fitted()
    recordings = list(as_recordings(recordings))
    eeg = dict(predictor.eeg)
    eeg["channels"] = shared_electrodes(
        predictor.regressor_, predictor.ch_names_, recordings, eeg
    )

    def prepared() -> Iterator[Recording]:
        for recording in recordings:
            yield prepare_eeg(recording, **eeg)

    step = predictor.tr_ if np.isfinite(predictor.tr_) else _STEP
    windows = create_eeg_windows(
        prepared(),
        predictor.window_seconds,
        step,
        lag_seconds=predictor.lag_seconds,
        baseline=predictor.baseline_,
    )
    arguments.setdefault("roi_names", predictor.roi_names_)
    return explain(predictor.regressor_, windows.X, method, **arguments)
