"""The work of ``braindecode-bolt train``: read, fit, save."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from .._text import counted
from ..prediction import BOLDPredictor
from ..prediction.networks import check_config
from ..prediction.saving import check_free
from .data_options import data_options
from .models import choose_device, make_models
from .options import channels, preparation, region_labels
from .recordings import check_names_of_atlas, load_recordings

__all__ = ["run_train"]


def run_train(arguments: argparse.Namespace) -> int:
    """Train a model and save it.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of ``braindecode-bolt train``.

    Returns
    -------
    int
        Exit status, 0.
    """
    check_free(arguments.out, arguments.overwrite)
    device = choose_device(arguments.device)
    (model,) = make_models(arguments, device).values()
    check_config(getattr(model, "module", None))  # Before the fit, not after it.
    if "random_state" in model.get_params():
        model.set_params(random_state=arguments.seed)
    chosen = channels(arguments.channels)
    check_names_of_atlas(arguments)
    recordings = load_recordings(
        arguments.data,
        data_options(arguments),
        arguments.cache,
        arguments.coupling,
        arguments.seed,
        chosen,
        arguments.montage,
        arguments.coupling_kind,
        arguments.atlas,
        region_labels(arguments),
    )
    predictor = BOLDPredictor(
        model,
        _eeg(arguments, chosen),
        {"low_pass": arguments.low_pass or None},
        window_seconds=arguments.window,
        atlas=arguments.atlas,
        labels=region_labels(arguments),
    )
    people = len({recording.subject for recording in recordings})
    cv: int | None = arguments.cv or None
    if cv is not None and people < 2:
        print("One person only: the model cannot be tested on others (--cv 0 says so).")
        cv = None
    print(
        f"Training {predictor._name} on {counted(len(recordings), 'recording')} of "
        f"{counted(people, 'person', 'people')} ...",
        flush=True,
    )
    predictor.fit(recordings, cv)
    predictor.save(arguments.out, arguments.overwrite)
    _say(predictor, arguments)
    return 0


def _eeg(arguments: argparse.Namespace, chosen: Any) -> dict[str, Any]:
    options = preparation(arguments) | {"channels": chosen, "cache_dir": arguments.cache}
    if arguments.coupling is not None:
        # Electrodes were already renamed when BOLD was simulated.
        options["montage"] = None
    return {name: value for name, value in options.items() if value is not None}


def _say(predictor: BOLDPredictor, arguments: argparse.Namespace) -> None:
    if predictor.scores_ is not None:
        table = predictor.scores_.sort_values("r", ascending=False)
        print(
            f"\nOn {counted(predictor.training_['tested_subjects'], 'person', 'people')} "
            f"left out in {counted(predictor.training_['test_folds'], 'fold')} "
            "(Pearson R, mean over recordings):"
        )
        for row in table.head(10).itertuples():
            r = "undefined" if np.isnan(row.r) else f"{row.r:.2f}"
            print(f"  {row.region:40} {r}")
        if len(table) > 10:
            print(f"  ... and {len(table) - 10} more, in README.md")
    if predictor.training_["simulated"]:
        print(
            "The BOLD was simulated. These scores do not say how well BOLD can be "
            "predicted\nin people whose EEG and fMRI were recorded together."
        )
    print(
        f"\nSaved in {arguments.out}. Predict with: braindecode-bolt predict "
        f"{arguments.out} FILES --out FOLDER"
    )
