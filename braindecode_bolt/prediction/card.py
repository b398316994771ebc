"""The model card: what is known of a predictor, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._text import counted

if TYPE_CHECKING:
    from .predictor import BOLDPredictor

__all__ = ["model_card"]


def model_card(predictor: BOLDPredictor) -> str:
    """Write the model card of a fitted predictor.

    Parameters
    ----------
    predictor : BOLDPredictor
        A fitted one.

    Returns
    -------
    str
        Markdown, with the header of the Hugging Face Hub. Only what is known is in it.
    """
    known = predictor.training_
    parts = [
        "---\nlibrary_name: braindecode-bolt\ntags:\n- eeg\n- fmri\n- bold\n"
        "- neuroscience\n- regression\n---",
        f"# {predictor._name}: BOLD of {counted(len(predictor.roi_names_), 'region')} from "
        "EEG",
        _usage(),
        _training(predictor),
        _scores(predictor),
        _preparation(predictor),
        "## Regions\n\n" + ", ".join(predictor.roi_names_) + ".",
        "## Electrodes\n\n" + ", ".join(predictor.ch_names_) + ".",
        "## Versions\n\n"
        + "\n".join(f"- {name} {number}" for name, number in known["versions"].items()),
    ]
    return "\n\n".join(parts) + "\n"


def _usage() -> str:
    return (
        "Predicted BOLD of brain regions is an estimate from scalp EEG. It is no "
        "measurement of blood oxygenation, and no basis for medical decisions.\n\n"
        "```python\nimport mne\nfrom braindecode_bolt import BOLDPredictor\n\n"
        'predictor = BOLDPredictor.load("this-folder")\n'
        'table = predictor.predict(mne.io.read_raw("eeg.edf"), tr=2.0)\n```'
    )


def _training(predictor: BOLDPredictor) -> str:
    known = predictor.training_
    lines = [
        f"- {counted(known['recordings'], 'recording')} of "
        f"{counted(known['subjects'], 'person', 'people')}, {known['eeg_minutes']:g} "
        f"minutes of EEG, {counted(known['windows'], 'window')}"
    ]
    if known["simulated"]:
        lines.append(
            "- **The BOLD was simulated.** Nothing is known about EEG and fMRI that were "
            "recorded together."
        )
    lines += [f"- tasks: {', '.join(known['tasks'])}"] if known["tasks"] else []
    lines += [f"- sites: {', '.join(known['sites'])}"] if known["sites"] else []
    if np.isfinite(predictor.tr_):
        lines.append(f"- repetition time {predictor.tr_:g} s")
    if known.get("fine_tuned_from"):
        lines.append(f"- fine-tuned from {known['fine_tuned_from']}")
    return "## Training\n\n" + "\n".join(lines)


def _scores(predictor: BOLDPredictor) -> str:
    if predictor.scores_ is None:
        return (
            "## On people not seen\n\nNot known: the model was not tested on people who "
            "were left out of training."
        )
    known, rows = predictor.training_, []
    for row in predictor.scores_.itertuples():
        r = "undefined" if np.isnan(row.r) else f"{row.r:.2f}"
        rows.append(f"| {row.region} | {r} | {row.mse:.2f} |")
    return (
        "## On people not seen\n\n"
        f"Cross-validated over {counted(known['tested_subjects'], 'person', 'people')} in "
        f"{counted(known['test_folds'], 'fold')}: models like this one, each tested on "
        "people who were left out of its training. Pearson R is the mean over recordings; "
        "the mean squared error is in variances of the training BOLD (1: no better than "
        "the mean).\n\n| region | R | MSE |\n|---|---|---|\n" + "\n".join(rows)
    )


def _preparation(predictor: BOLDPredictor) -> str:
    eeg = predictor.eeg
    edge = eeg.get("high_pass")
    reference = eeg.get("reference")
    if reference is not None and not isinstance(reference, str):
        reference = ", ".join(reference)
    low_pass = predictor.bold.get("low_pass")
    lag = (
        f", {predictor.lag_seconds:g} s before the volume" if predictor.lag_seconds else ""
    )
    lines = [
        f"- EEG: {predictor.sfreq_:g} Hz; high-pass "
        f"{'none' if edge is None else f'{edge:g} Hz'}; reference "
        f"{'as recorded' if reference is None else reference}",
        f"- windows of {predictor.window_seconds:g} s{lag}",
        f"- BOLD: low-pass {'none' if low_pass is None else f'{low_pass:g} Hz'}, centred",
    ]
    return "## Preparation\n\n" + "\n".join(lines)
