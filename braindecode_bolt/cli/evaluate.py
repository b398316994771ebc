"""The command that evaluates models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from sklearn.base import BaseEstimator

from .._version import __version__
from ..bold.targets import LOW_PASS
from ..evaluation import Evaluation, Study, evaluate
from ..evaluation.checks import check_choices
from ..evaluation.protocols import PROTOCOLS, ProtocolError, make_protocol
from ..evaluation.store import new_folder, write_table
from ..evaluation.study import counted
from ..models import NETWORKS
from ..models.checkpoints import read_weights
from ..plotting import plot_r_per_region, plot_series
from ..report import write_report
from ..report.score_table import layout
from ..training.estimators import estimator_names, make_estimator
from .recordings import Prepared, load_recordings

__all__ = ["run_evaluate"]

#: What is compared where nothing is said.
DEFAULT_MODELS = ("NeuroBOLT", "LaggedBandPower")
#: How networks are trained where nothing is said: for two cores, and as published.
_TRAINING: dict[str, dict[str, Any]] = {
    "small": {"lr": 1e-3, "max_epochs": 8},
    "published": {"batch_size": 64},
}
#: Networks that take published weights.
_WITH_WEIGHTS = ("NeuroBOLT", "LabramBOLD", "BIOTBOLD")
#: Surrogates for which the memory is enough.
_MOST_SURROGATES = 1_000_000
_CAUTION = (
    "Nothing here was measured on people recorded with EEG and fMRI at the same time."
)


def run_evaluate(
    data: Path | None = None,
    options: Mapping[str, Any] | None = None,
    coupling: float | None = None,
    high_pass: float | None = None,
    low_pass: float = LOW_PASS,
    reference: str | Sequence[str] | None = None,
    cache_dir: Path | None = None,
    channels: str | Sequence[str] | None = None,
    models: Sequence[str] = DEFAULT_MODELS,
    protocol: str = "subjects",
    n_splits: int = 3,
    source: str | None = None,
    target: str | None = None,
    seeds: Sequence[int] = (0,),
    controls: Sequence[str] = (),
    separate_regions: bool = False,
    size: str = "small",
    epochs: int | None = None,
    pretrained: str | None = None,
    unknown_channels: str = "raise",
    precision: str = "float32",
    n_surrogates: int = 10_000,
    n_jobs: int = 1,
    device: str = "auto",
    out: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Evaluate models, print tables, write a results folder and a report.

    Parameters
    ----------
    data : Path | None
        Folder of recordings; None simulates them.
    options : mapping | None
        How to read the folder: ``kind`` and arguments of the class of data
        sets (:func:`~braindecode_bolt.datasets.open_dataset`).
    coupling : float | None
        Signal-to-noise ratio of BOLD that is simulated on top of the folder's EEG.
    high_pass, reference, cache_dir : object
        As for :func:`~braindecode_bolt.prepare_eeg`.
    low_pass : float
        Edge of the filter of the BOLD in Hz; 0 for none.
    channels, models, protocol, n_splits, source, target, seeds, controls : object
    separate_regions, size, epochs, pretrained, unknown_channels, precision : object
    n_surrogates, n_jobs, device, out, overwrite : object
        As on the command line.

    Returns
    -------
    int
        Exit status: 0, 1 where a fit failed, or 130 after an interruption.

    Raises
    ------
    ValueError
        If data or arguments cannot be used.
    """
    # What needs no data is checked before they are read, which may take long.
    _check_numbers(n_jobs, n_surrogates, low_pass)
    make_protocol(protocol, n_splits, source, target)
    device = _choose_device(device)
    arguments = {
        "pretrained": pretrained,
        "unknown_channels": unknown_channels,
        "precision": precision,
        "device": device,
        "verbose": int(n_jobs == 1),
    }
    estimators = _make_models(models, size, epochs, arguments)
    check_choices(estimators, seeds, controls)
    if data is not None and data.is_file():
        raise ValueError(f"--data takes a folder of recordings, and {data} is a file.")
    recordings = load_recordings(
        data, options or {}, cache_dir, coupling, seeds[0], channels
    )
    preparation = {"high_pass": high_pass, "reference": reference}
    study = Study.of(
        Prepared(recordings, channels, {**preparation, "cache_dir": cache_dir}),
        low_pass=low_pass or None,
    )
    simulated = study.windows.noiseless is not None
    name = "simulated" if data is None else data.resolve().name
    folder = new_folder() if out is None else out
    _say_data(name if data is None else str(data), study, protocol, device)
    print(f"Results: {folder}\n", flush=True)
    try:
        found = evaluate(
            estimators,
            {name: study},
            protocol,
            n_splits=n_splits,
            source=source,
            target=target,
            seeds=seeds,
            controls=controls,
            regions="separately" if separate_regions else "together",
            n_jobs=n_jobs,
            out=folder,
            overwrite=overwrite,
            settings={
                "preparation": _described({**(options or {}), **preparation}),
                "coupling": coupling,
                "size": size,
            },
        )
    except ProtocolError as error:
        raise ValueError(error.on_command_line) from error
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. What is finished is kept in {folder}; the same command with "
            f"--out {folder} resumes."
        )
        return 130
    return _report(found, study, simulated, n_surrogates)


def _check_numbers(n_jobs: int, n_surrogates: int, low_pass: float) -> None:
    if n_jobs == 0:
        raise ValueError("--jobs must not be 0; -1 uses all processors.")
    if not 1 <= n_surrogates <= _MOST_SURROGATES:
        raise ValueError(
            f"--surrogates must lie between 1 and {_MOST_SURROGATES:,}, got {n_surrogates}."
        )
    if not low_pass >= 0:
        raise ValueError(f"--low-pass must not be negative; 0 is none. Got {low_pass:g}.")


def _described(options: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in options.items() if value is not None}


def _choose_device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"--device {device} cannot be used: {reason}") from error
    return device


def _make_models(
    names: Sequence[str], size: str, epochs: int | None, arguments: Mapping[str, Any]
) -> dict[str, BaseEstimator]:
    """Make models by name, each with those arguments that it takes."""
    settings = {**_TRAINING[size], "callbacks__progress__leave": False}
    if epochs is not None:
        if epochs < 1:
            raise ValueError(f"--epochs must be at least 1, got {epochs}.")
        settings["max_epochs"] = epochs
    settings |= {name: arguments[name] for name in ("precision", "device", "verbose")}
    by_name = {known.lower(): known for known in estimator_names()}
    made = {}
    for name in dict.fromkeys(names):
        known = by_name.get(name.lower(), name)
        mine = dict(settings)
        if known in ("NeuroBOLT", "LabramBOLD"):
            mine["module__unknown_channels"] = arguments["unknown_channels"]
        if known in _WITH_WEIGHTS:
            mine["module__pretrained"] = arguments["pretrained"]
            # The regions are seldom those of the weights.
            mine["module__new_head"] = arguments["pretrained"] is not None
        made[known] = make_estimator(known, size, **(mine if known in NETWORKS else {}))
    if not made:
        raise ValueError(f"--models names none; there are {', '.join(estimator_names())}.")
    if arguments["unknown_channels"] == "fresh" and "LabramBOLD" in made:
        raise ValueError("--unknown-channels fresh is for NeuroBOLT, not for LabramBOLD.")
    if arguments["pretrained"] is not None:
        if size != "published":
            raise ValueError("--pretrained needs --size published, as the weights are.")
        if not set(made) & set(_WITH_WEIGHTS):
            raise ValueError(f"--pretrained is for {', '.join(_WITH_WEIGHTS)}.")
        read_weights(arguments["pretrained"])  # What cannot be read is said at once.
    return made


def _say_data(name: str, study: Study, protocol: str, device: str) -> None:
    windows = study.windows
    recordings = windows.metadata.drop_duplicates("recording")
    print(
        f"braindecode-bolt {__version__}\n"
        f"Data: {name}, {counted(len(recordings), 'recording')} of "
        f"{counted(recordings['subject'].nunique(), 'subject')}, "
        f"{counted(len(windows.ch_names), 'channel')}, "
        f"{counted(len(windows.roi_names), 'region')}, repetition time {study.tr[0]:g} s, "
        f"{len(windows)} windows of {windows.X.shape[-1] / windows.sfreq:g} s.\n"
        f"Protocol: {protocol} ({PROTOCOLS[protocol].summary}). Device: {device}."
    )


def _report(found: Evaluation, study: Study, simulated: bool, n_surrogates: int) -> int:
    """Print and write what was found; 1 where a fit failed."""
    failed = _said_failures(found)
    if not len(found.scores):
        print(failed)
        return 1
    summary = found.summary(n_surrogates=n_surrogates)
    print(f"\n{layout(summary)}")
    comparison = found.compare()
    write_table(summary, found.folder / "summary.tsv")
    write_table(comparison, found.folder / "comparison.tsv")
    figures = {
        "r_per_region.png": plot_r_per_region(found.scores, summary),
        "series.png": plot_series(found.predictions, found.scores, study.tr[0]),
    }
    for name, figure in figures.items():
        figure.savefig(found.folder / name, dpi=130)
    write_report(found, found.folder / "report.html", summary, comparison)
    print(
        f"\nWritten to {found.folder}: report.html, scores.tsv, summary.tsv, "
        "comparison.tsv, predictions.tsv, r_per_region.png, series.png"
    )
    if simulated:
        print(f"BOLD was simulated. {_CAUTION}")
    if failed:
        print(f"\n{failed}")
        return 1
    return 0


def _said_failures(found: Evaluation) -> str:
    if not len(found.failures):
        return ""
    first = found.failures.iloc[0]
    reason = first["error"].splitlines()[0]
    return (
        f"{counted(len(found.failures), 'fit')} failed, not counted in these "
        f"numbers; the same command tries again. Errors are in {found.folder / 'failures.tsv'}. The "
        f"first:\n  {first['model']}, fold {first['fold']}: {reason}"
    )
