"""What the commands of the command line do."""

from __future__ import annotations

import json
import logging
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from tqdm import tqdm

from ._version import __version__
from .bold import prepare_bold, repetition_time
from .datasets import EEGfMRIFolder, SimulatedEEGfMRI, simulate_bold
from .datasets.folder import (
    DataFolderError,
    find_eeg,
    name_entities,
    read_eeg,
    read_table,
    table_suffix,
)
from .eeg import common_channels, prepare_eeg
from .evaluation import group_labels, iterate_folds
from .linear import BandPowerRidge
from .plotting import plot_r_per_region, plot_series
from .recording import TABLES, Recording
from .regressor import EEGRegressor
from .results import ResultsFolder, fingerprint_of
from .score_table import layout, summarise
from .windows import BOLDWindows, create_bold_windows

__all__ = ["run_evaluate", "run_simulate"]

logger = logging.getLogger(__name__)

#: NeuroBOLT for two cores, and as published.
_SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "module__num_layers": 2,
        "module__spectral_depth": 1,
        "lr": 1e-3,
        "max_epochs": 8,
    },
    "published": {"batch_size": 64},
}
_CAUTION = (
    "Nothing here was measured on people recorded with EEG and fMRI at the same time."
)


def run_evaluate(
    data: Path | None = None,
    marker: str | None = None,
    groups: str = "subject",
    channels: str | Sequence[str] | None = None,
    n_splits: int = 3,
    size: str = "small",
    epochs: int | None = None,
    pretrained: str | None = None,
    unknown_channels: str = "raise",
    precision: str = "float32",
    seed: int = 0,
    n_jobs: int = 1,
    device: str = "auto",
    out: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Cross-validate NeuroBOLT and ridge, print tables, write a results folder.

    Parameters
    ----------
    data : Path | None
        Folder of recordings; None simulates them.
    marker, groups, channels, n_splits, size, epochs : object
    pretrained, unknown_channels, precision, seed, n_jobs, device, out, overwrite : object
        As on the command line.

    Returns
    -------
    int
        Exit status: 0, or 130 after an interruption.

    Raises
    ------
    ValueError
        If data or arguments cannot be used.
    """
    windows, tr, simulated = _load_windows(data, marker, channels, seed)
    labels = group_labels(windows, groups)
    if n_jobs == 0:
        raise ValueError("--jobs must not be 0; -1 uses all processors.")
    _check_splits(n_splits, labels, groups)
    device = _choose_device(device)
    models = _models(
        size,
        epochs,
        module__pretrained=pretrained,
        # The regions are seldom those of the weights.
        module__new_head=pretrained is not None,
        module__unknown_channels=unknown_channels,
        precision=precision,
        random_state=seed,
        device=device,
        verbose=int(n_jobs == 1),
    )
    settings = {
        "groups": groups,
        "folds": n_splits,
        "size": size,
        "epochs": models["NeuroBOLT"].max_epochs,
        "pretrained": pretrained and str(pretrained),
        "unknown_channels": unknown_channels,
        "precision": precision,
        "seed": seed,
        "device": device,
    }
    folder = ResultsFolder(out, fingerprint_of(windows, settings), overwrite)
    _say_data(data, windows, tr)
    print(f"Folds: {n_splits}, by {groups}, of {len(np.unique(labels))}. Device: {device}.")
    print(f"Results: {folder.path}\n", flush=True)
    total = n_splits * len(models)
    try:
        _run_folds(folder, models, windows, labels, n_splits, n_jobs)
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. {len(folder.finished())} of {total} fits are finished and "
            f"kept in {folder.path}; the same command with --out {folder.path} goes on."
        )
        return 130
    scores = folder.scores()
    for model in models:
        print(f"\n{layout(scores, model)}")
    _write_results(folder, scores, windows, tr)
    print(
        f"\nWritten to {folder.path}: scores.tsv, summary.tsv, r_per_region.png, series.png"
    )
    if simulated:
        print(f"BOLD was simulated. {_CAUTION}")
    return 0


def _load_windows(
    data: Path | None,
    marker: str | None,
    channels: str | Sequence[str] | None,
    seed: int,
) -> tuple[BOLDWindows, float, bool]:
    if data is None:
        recordings = SimulatedEEGfMRI(random_state=seed).load()
    else:
        recordings = EEGfMRIFolder(data, marker).load()
    if channels == "common":
        channels = common_channels(recordings)
    tr = repetition_time(recordings[0])
    simulated = recordings[0].table("noiseless").shape[1] > 0

    def prepared() -> Iterator[Recording]:
        # One at a time: only the windows' float32 copies stay in memory.
        for recording in tqdm(recordings, "Preparing", leave=False, disable=None):
            yield prepare_bold(prepare_eeg(recording, channels=channels))

    return create_bold_windows(prepared()), tr, simulated


def _check_splits(n_splits: int, labels: np.ndarray, groups: str) -> None:
    n_groups = len(np.unique(labels))
    if not 2 <= n_splits <= n_groups:
        raise ValueError(
            f"--folds must lie between 2 and the number of {groups}s, {n_groups}; got "
            f"{n_splits}."
        )


def _choose_device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"--device {device} cannot be used: {reason}") from error
    return device


def _models(size: str, epochs: int | None, **arguments: Any) -> dict[str, BaseEstimator]:
    settings = {**_SIZES[size], **arguments}
    if epochs is not None:
        if epochs < 1:
            raise ValueError(f"--epochs must be at least 1, got {epochs}.")
        settings["max_epochs"] = epochs
    neurobolt = EEGRegressor("NeuroBOLT", callbacks__progress__leave=False, **settings)
    return {"NeuroBOLT": neurobolt, "ridge": BandPowerRidge()}


def _run_folds(
    folder: ResultsFolder,
    models: dict[str, BaseEstimator],
    windows: BOLDWindows,
    labels: np.ndarray,
    n_splits: int,
    n_jobs: int,
) -> None:
    done = folder.finished()
    total = n_splits * len(models)
    if done:
        print(f"{len(done)} of {total} fits are there already.", flush=True)
    results = iterate_folds(models, windows, labels, n_splits, n_jobs, skip=done)
    bar = tqdm(results, "Fits", total, initial=len(done), leave=False, disable=None)
    with _remembered_interrupt() as interrupted:
        for result in bar:
            if interrupted:
                raise KeyboardInterrupt
            folder.write(result)
            of_fold = result.scores
            bar.write(
                f"{result.model:<10} fold {result.fold}/{n_splits}: "
                f"R {of_fold['r'].mean():6.3f}, MSE {of_fold['mse'].mean():.3f}, "
                f"{of_fold['time'].iloc[0]:.0f} s"
            )
            # Into a pipe or a log file, too, as it happens.
            print(end="", flush=True)


@contextmanager
def _remembered_interrupt() -> Iterator[list[int]]:
    """Keep a note of Ctrl-C beside raising KeyboardInterrupt.

    Python drops an exception that strikes inside a destructor or a callback of
    C code (threadpoolctl has such), and the run would go on as if nothing had
    happened.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)


def _say_data(data: Path | None, windows: BOLDWindows, tr: float) -> None:
    recordings = windows.metadata.drop_duplicates("recording")
    print(
        f"braindecode-bolt {__version__}\n"
        f"Data: {'simulated' if data is None else data}, {len(recordings)} recordings of "
        f"{recordings['subject'].nunique()} subjects, {len(windows.ch_names)} channels, "
        f"{len(windows.roi_names)} regions, repetition time {tr:g} s, {len(windows)} "
        f"windows of {windows.X.shape[-1] / windows.sfreq:g} s."
    )


def _write_results(
    folder: ResultsFolder, scores: pd.DataFrame, windows: BOLDWindows, tr: float
) -> None:
    folder.write_table(scores, "scores.tsv")
    folder.write_table(summarise(scores), "summary.tsv")
    folder.write_table(windows.left_out, "left_out.tsv")
    figures = {
        "r_per_region.png": plot_r_per_region(scores),
        "series.png": plot_series(folder.predictions(), scores, tr),
    }
    for name, figure in figures.items():
        figure.savefig(folder.path / name, dpi=130)


def run_simulate(
    eeg: Path,
    out: Path,
    pattern: str | None = None,
    channels: str | Sequence[str] | None = None,
    tr: float = 2.1,
    snr: float = 0.7,
    noise: Sequence[Path] | None = None,
    seed: int = 0,
) -> int:
    """Write a folder of recordings with simulated BOLD on real EEG.

    Parameters
    ----------
    eeg : Path
        Folder of EEG files.
    out : Path
        Folder to write; it must be empty or not exist.
    pattern, channels, tr, snr, noise, seed
        As on the command line.

    Returns
    -------
    int
        Exit status, 0.

    Raises
    ------
    DataFolderError
        If there is no EEG, a name does not tell who was recorded, or `out` is
        not empty.
    ValueError
        If data or arguments cannot be used.
    """
    files = find_eeg(eeg)
    if not files:
        raise DataFolderError(f"{eeg} holds no EEG file that MNE could read.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataFolderError(f"{out} exists and is not an empty folder; choose another.")
    if noise is not None and len(noise) < len(files):
        raise ValueError(
            f"{len(files)} EEG files need as many tables of noise, got {len(noise)}: "
            "recordings that share their noise would not be independent."
        )
    recordings = [
        Recording(read_eeg(file), **name_entities(file, pattern)) for file in files
    ]
    names = [recording.name for recording in recordings]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataFolderError(
            f"Several files are named {', '.join(twice)}; use --pattern to tell them apart."
        )
    if channels == "common":
        channels = common_channels(recordings)
    seeds = np.random.SeedSequence(seed).spawn(len(files))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as work:
        folder = Path(work) / "whole"
        folder.mkdir()
        for number, recording in enumerate(tqdm(recordings, "Simulating", disable=None)):
            prepared = prepare_eeg(recording, channels=channels)
            raw = simulate_bold(
                prepared.raw,
                tr=tr,
                snr=snr,
                noise=None if noise is None else read_table(noise[number]),
                random_state=np.random.default_rng(seeds[number]),
            )
            _write_recording(replace(prepared, raw=raw), folder)
        settings = {
            "eeg": [file.name for file in files],
            "tr": tr,
            "snr": snr,
            "seed": seed,
        }
        (folder / "simulation.json").write_text(json.dumps(settings, indent=2) + "\n")
        # All or nothing: half a folder would look like a small study.
        if out.exists():
            out.rmdir()
        folder.rename(out)
    print(
        f"{len(files)} recordings written to {out}.\n"
        f"Evaluate them: braindecode-bolt evaluate --data {out}"
    )
    return 0


def _write_recording(recording: Recording, out: Path) -> None:
    stem = out / recording.name
    recording.raw.save(f"{stem}_eeg.fif", verbose="error")
    for kind in TABLES:
        table = recording.table(kind)
        table.to_csv(f"{stem}{table_suffix(kind)}.tsv", sep="\t", float_format="%.9g")
    onsets = recording.marker_samples() / recording.raw.info["sfreq"]
    markers = pd.DataFrame({"volume": range(len(onsets)), "onset": onsets})
    markers.to_csv(f"{stem}_volumes.tsv", sep="\t", index=False)
