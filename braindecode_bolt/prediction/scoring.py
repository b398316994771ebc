"""Scores of a predictor on recordings that have fMRI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._series import plain_name
from ..bold import prepare_bold
from ..recording import Recording, as_recordings
from .learning import over_recordings, scores_of_one

if TYPE_CHECKING:
    from .predictor import BOLDPredictor

__all__ = ["score"]


def score(
    predictor: BOLDPredictor, recordings: Iterable[Recording], arguments: dict[str, Any]
) -> pd.DataFrame:
    """Score predictions of recordings; see :meth:`BOLDPredictor.score`."""
    rows = []
    for recording in as_recordings(recordings):
        if not isinstance(recording, Recording):
            raise TypeError(
                f"Expected Recordings with BOLD, got {type(recording).__name__} among them."
            )
        prepared = prepare_bold(recording, **predictor.bold)
        measured = _of_regions(prepared.bold, predictor.roi_names_, recording)
        times = prepared.marker_samples() / recording.raw.info["sfreq"]
        predicted = predictor.predict(recording, times=times, **arguments).to_numpy()
        there = np.isfinite(predicted).all(axis=1)
        measured, predicted = measured.to_numpy(float)[there], predicted[there]
        errors = ((measured - predicted) / predictor.target_scale_) ** 2
        rows.append(scores_of_one(measured, predicted, errors))
    if not rows:
        raise ValueError("There are no recordings to score.")
    return over_recordings(rows, predictor.roi_names_)


def _of_regions(
    bold: pd.DataFrame, wanted: list[str], recording: Recording
) -> pd.DataFrame:
    """Columns of the regions that the model predicts, found by their plain names."""
    known = {plain_name(str(name)): name for name in bold.columns}
    missing = [name for name in wanted if plain_name(name) not in known]
    if missing:
        raise ValueError(
            f"{recording.name} has no BOLD of {', '.join(missing[:8])}, which the model "
            f"predicts; it has {', '.join(map(str, bold.columns[:8]))}"
            f"{', ...' if len(bold.columns) > 8 else ''}."
        )
    return bold[[known[plain_name(name)] for name in wanted]]
