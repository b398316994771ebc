"""The work of ``braindecode-bolt evaluate``: read, prepare, evaluate, print, write."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from .._text import counted
from ..evaluation import (
    PROTOCOLS,
    Evaluation,
    Study,
    evaluate,
)
from ..evaluation.store import new_folder
from ..prediction.images import regions_of_atlas
from .data_options import data_options
from .models import choose_device, make_models
from .options import channels, preparation, region_labels
from .recordings import Prepared, check_names_of_atlas, load_recordings
from .run_pretrain import with_pretraining
from .run_report import print_and_write

__all__ = ["run_evaluate"]


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Evaluate models, print tables, write a results folder and a report.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of ``braindecode-bolt evaluate``.

    Returns
    -------
    int
        Exit status: 0, 1 if a fit failed, or 130 after Ctrl-C.

    Raises
    ------
    ValueError
        If data or arguments cannot be used.
    """
    # Reading data may take long: all that can be checked without them comes first.
    device = choose_device(arguments.device)
    estimators = make_models(arguments, device)
    name = "simulated" if arguments.data is None else arguments.data.resolve().name
    options = data_options(arguments)
    prepared = preparation(arguments)
    check_names_of_atlas(arguments)
    study = _read(arguments, options, prepared)
    brain = {"atlas": arguments.atlas, "labels": region_labels(arguments)}
    if arguments.atlas is not None:  # An unknown region is told before the fits.
        regions_of_atlas(**brain, roi_names=study.windows.roi_names)
    folder = new_folder() if arguments.out is None else arguments.out
    estimators = with_pretraining(estimators, arguments, prepared, folder)
    _print_data(
        name if arguments.data is None else str(arguments.data),
        study,
        arguments.protocol,
        device,
    )
    print(f"Results: {folder}\n", flush=True)
    try:
        found = evaluate(
            estimators,
            {name: study},
            arguments.protocol,
            n_splits=arguments.folds,
            source=arguments.source,
            target=arguments.target,
            seeds=arguments.seeds,
            controls=arguments.controls,
            regions="separately" if arguments.separate_regions else "together",
            n_jobs=arguments.jobs,
            out=folder,
            overwrite=arguments.overwrite,
            command=getattr(arguments, "command_line", ""),
            keep_models={**prepared, "channels": study.windows.ch_names}
            if arguments.keep_models
            else None,
            settings={
                "preparation": _described({**options, **prepared}),
                "coupling": arguments.coupling,
                "coupling_kind": arguments.coupling_kind,
                "size": arguments.size,
            },
        )
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. Finished fits are kept in {folder}. To resume, run the same "
            f"command with --out {folder}."
        )
        return 130
    simulated = study.windows.noiseless is not None
    return _report(found, simulated, arguments.surrogates, brain)


def _read(
    arguments: argparse.Namespace, options: Mapping[str, Any], prepared: Mapping[str, Any]
) -> Study:
    chosen = channels(arguments.channels)
    recordings = load_recordings(
        arguments.data,
        options,
        arguments.cache,
        arguments.coupling,
        arguments.seeds[0],
        chosen,
        arguments.montage,
        arguments.coupling_kind,
        arguments.atlas,
        region_labels(arguments),
    )
    if arguments.coupling is not None:
        # Electrodes were already renamed by the montage when BOLD was simulated.
        prepared = {**prepared, "montage": None}
    read = Prepared(recordings, chosen, {**prepared, "cache_dir": arguments.cache})
    return Study.of(read, arguments.window, low_pass=arguments.low_pass or None)


def _described(options: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in options.items() if value is not None}


def _print_data(name: str, study: Study, protocol: str, device: str) -> None:
    windows = study.windows
    recordings = windows.metadata.drop_duplicates("recording")
    print(
        f"Data: {name}, {counted(len(recordings), 'recording')} of "
        f"{counted(recordings['subject'].nunique(), 'subject')}, "
        f"{counted(len(windows.ch_names), 'channel')}, "
        f"{counted(len(windows.roi_names), 'region')}, repetition time {study.tr[0]:g} s, "
        f"{len(windows)} windows of {windows.X.shape[-1] / windows.sfreq:g} s.\n"
        f"Protocol: {protocol} ({PROTOCOLS[protocol].summary}). Device: {device}."
    )


def _report(
    found: Evaluation, simulated: bool, n_surrogates: int, brain: Mapping[str, Any]
) -> int:
    """Print tables, write tables, figures and the report; 1 if a fit failed."""
    failed = _failures(found)
    if not len(found.scores):
        print(failed)
        return 1
    print_and_write(found, found.folder, n_surrogates, **brain)
    if simulated:
        print(
            "The BOLD was simulated. These scores do not say how well BOLD can be "
            "predicted\nin subjects whose EEG and fMRI were recorded together."
        )
    if failed:
        print(f"\n{failed}")
        return 1
    return 0


def _failures(found: Evaluation) -> str:
    """Say how many fits failed, and why the first did; empty if none did."""
    if not len(found.failures):
        return ""
    first = found.failures.iloc[0]
    reason = first["error"]
    return (
        f"{counted(len(found.failures), 'fit')} failed; the scores are without "
        f"{'it' if len(found.failures) == 1 else 'them'}. To try again, run the same "
        f"command with --out {found.folder}.\nAll errors: "
        f"{found.folder / 'failures.tsv'}. The first:\n"
        f"  {first['model']}, fold {first['fold']}: {reason}"
    )
