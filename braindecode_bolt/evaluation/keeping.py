"""Keeping the fitted models of folds as predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler

from ..prediction import BOLDPredictor
from ..windows.create import BOLDWindows
from ..windows.lazy import LazyWindows
from .plan import FitTask, Targets

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["MODELS", "ModelKeeper"]

#: Folder of the models in a results folder.
MODELS = "models"


@dataclass(frozen=True)
class ModelKeeper:
    """Writes the model of a fold as a folder of :class:`BOLDPredictor`.

    Attributes
    ----------
    folder : Path
        Where the models are put.
    eeg : mapping
        Arguments of :func:`~braindecode_bolt.prepare_eeg` with which the EEG was prepared.
    low_pass : float | None
        Of the BOLD.
    roi_names : list of str
        Regions that the model predicts.
    tr : sequence of float
        Repetition times of the recordings.
    simulated : bool, default False
        Whether the BOLD was simulated.
    """

    folder: Path
    eeg: Mapping[str, Any]
    low_pass: float | None
    roi_names: list[str]
    tr: Sequence[float] = field(default_factory=list)
    simulated: bool = False

    @classmethod
    def of(cls, plan: Plan, task: FitTask, folder: Path, eeg: Mapping[str, Any]):
        """Make the keeper of a task; None for controls, whose EEG cannot know the BOLD."""
        if task.control:
            return None
        study = plan.studies[task.dataset]
        simulated = study.windows.noiseless is not None
        regions = plan.regions(task)
        return cls(folder / MODELS, eeg, study.low_pass, regions, study.tr, simulated)

    def keep(
        self,
        task: FitTask,
        model: BaseEstimator,
        scaler: StandardScaler,
        X: LazyWindows,
        targets: Targets,
        predicted: np.ndarray,
    ) -> Path:
        """Write the model of a fold, with its scores on the test part.

        Raises
        ------
        TypeError, ValueError
            If such a model cannot be saved.
        """
        parts = []
        for rows, y in ((targets.train, targets.y_train), (targets.test, targets.y_test)):
            known = y if self.simulated else None
            parts.append(BOLDWindows(X[rows], y, self.roi_names, pd.DataFrame(), known))
        train, test = parts
        predictor = BOLDPredictor.from_fitted(
            model,
            train,
            scaler.mean_,
            scaler.scale_,
            tr=self.tr,
            eeg=self.eeg,
            bold={"low_pass": self.low_pass},
            tested=(test, predicted),
        )
        # A fit that was killed after this and is repeated replaces its model.
        return predictor.save(self.folder / task.file_name(), overwrite=True)
