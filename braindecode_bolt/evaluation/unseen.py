"""Whether the people of a test part were used to pre-train an encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..models import encoder_card
from ..training.pretext import eeg_hashes
from .plan import Plan

__all__ = ["check_unseen"]


def check_unseen(plan: Plan) -> None:
    """Raise if a model's encoder was pre-trained on EEG or people that it is tested on.

    Files of :meth:`~braindecode_bolt.training.PretrainedEncoder.save` list their
    recordings. The same EEG is recognised channel by channel, if it was prepared in the
    same way; people by their names, unless the file names their data set.

    Parameters
    ----------
    plan : Plan
        With its folds.

    Raises
    ------
    ValueError
        If so.
    """
    cards = {
        name: card
        for name, model in plan.models.items()
        for file in _files_of_weights(model)
        if (card := encoder_card(file))
    }
    for dataset, study in plan.studies.items() if cards else ():
        tested = np.concatenate([fold.test for fold in plan.folds[dataset]])
        windows = study.windows.X[np.unique(tested)]
        hashes = eeg_hashes(windows)
        table = windows.metadata.drop_duplicates("recording").set_index("recording")
        for name, card in cards.items():
            seen = {digest for entry in card["recordings"] for digest in entry["eeg"]}
            people = {str(entry.get("subject")) for entry in card["recordings"]}
            for recording, of_channels in hashes.items():
                title = study.names[recording]
                if seen.intersection(of_channels):
                    raise ValueError(
                        f"The encoder of {name} was pre-trained on the EEG of {title}, "
                        f"which is in the test part. Pre-train on other recordings."
                    )
                subject = str(table.loc[recording, "subject"])
                if not card.get("dataset") and subject in people:
                    raise ValueError(
                        f"The encoder of {name} was pre-trained on EEG of a person named "
                        f"{subject}, and {title} is in the test part. If they are two "
                        "people, pre-train with the name of the other data set "
                        "(dataset='...')."
                    )


def _files_of_weights(model: BaseEstimator) -> Iterator[str | Path]:
    parameters: dict[str, Any] = model.get_params(deep=True)
    for name, value in parameters.items():
        if name.split("__")[-1] == "pretrained" and isinstance(value, (str, Path)):
            yield value
