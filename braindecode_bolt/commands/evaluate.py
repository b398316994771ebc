"""The command that cross-validates models."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from tqdm import tqdm

from .._version import __version__
from ..bold import prepare_bold, repetition_time
from ..datasets import SimulatedEEGfMRI, open_dataset
from ..eeg import common_channels, prepare_eeg
from ..evaluation import group_labels, iterate_folds
from ..linear import LaggedBandPower
from ..plotting import plot_r_per_region, plot_series
from ..recording import Recording
from ..regressor import EEGRegressor
from ..results import ResultsFolder, fingerprint_of
from ..score_table import layout, summarise
from ..windows import BOLDWindows, create_bold_windows

__all__ = ["run_evaluate"]

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
    options: Mapping[str, Any] | None = None,
    high_pass: float | None = None,
    reference: str | Sequence[str] | None = None,
    cache_dir: Path | None = None,
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
    options : mapping | None
        How to read the folder: ``kind`` and arguments of the class of data
        sets (:func:`~braindecode_bolt.datasets.open_dataset`).
    high_pass, reference, cache_dir : object
        As for :func:`~braindecode_bolt.prepare_eeg`.
    groups, channels, n_splits, size, epochs : object
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
    recordings = _load(data, dict(options or {}), cache_dir, seed)
    tr = repetition_time(recordings[0])
    simulated = recordings[0].table("noiseless").shape[1] > 0
    if channels == "common":
        channels = common_channels(recordings)
    preparation = {
        "channels": channels,
        "high_pass": high_pass,
        "reference": reference,
        "cache_dir": cache_dir,
    }
    windows = create_bold_windows(_Prepared(recordings, preparation))
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
        "preparation": {
            key: str(value)
            for key, value in {
                **(options or {}),
                "high_pass": high_pass,
                "reference": reference,
            }.items()
            if value is not None
        },
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


def _load(
    data: Path | None, options: dict[str, Any], cache_dir: Path | None, seed: int
) -> list[Recording]:
    if data is None:
        given = [name for name, value in options.items() if value is not None]
        if given:
            raise ValueError(
                f"Simulated recordings take no {', '.join(given)}; give a folder by --data."
            )
        return SimulatedEEGfMRI(random_state=seed).load()
    dataset = open_dataset(data, **options)
    if cache_dir is not None and hasattr(dataset, "cache_dir"):
        dataset.cache_dir = cache_dir
    return dataset.load()


@dataclass(frozen=True)
class _Prepared:
    """Recordings that are prepared one at a time: only their windows stay in memory."""

    recordings: Sequence[Recording]
    arguments: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.recordings)

    def __iter__(self) -> Iterator[Recording]:
        for recording in self.recordings:
            yield prepare_bold(prepare_eeg(recording, **self.arguments))


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
    return {"NeuroBOLT": neurobolt, "ridge": LaggedBandPower()}


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
