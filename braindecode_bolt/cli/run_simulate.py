"""The work of ``braindecode-bolt simulate``: read, simulate, write."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from .._files import atomic_write
from .._text import counted
from ..datasets import DataFolderError, SemiSimulatedEEGfMRI
from ..datasets.folder import table_suffix
from ..recording import TABLES, Recording
from .options import channels

__all__ = ["run_simulate"]


def run_simulate(arguments: argparse.Namespace) -> int:
    """Write a folder of recordings with simulated BOLD on real EEG.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of ``braindecode-bolt simulate``.

    Returns
    -------
    int
        Exit status, 0.

    Raises
    ------
    DataFolderError
        If there is no EEG, a file name does not tell the subject, or ``--out`` is not
        empty.
    """
    out = arguments.out
    coupling = arguments.coupling_kind or "band-power"
    dataset = SemiSimulatedEEGfMRI(
        arguments.eeg,
        arguments.pattern,
        channels(arguments.channels),
        arguments.tr,
        arguments.snr,
        arguments.noise,
        arguments.seed,
        coupling=coupling,
    )
    files = dataset.files()
    _check_empty(out)
    # All or nothing: half a folder would look like a small study.
    with atomic_write(out) as folder:
        folder.mkdir()
        for recording in tqdm(dataset.iterate(), "Simulating", len(files), disable=None):
            _write_recording(recording, folder)
        settings = {
            "eeg": [file.name for file in files],
            "tr": arguments.tr,
            "snr": arguments.snr,
            "coupling": coupling,
            "seed": arguments.seed,
        }
        (folder / "simulation.json").write_text(json.dumps(settings, indent=2) + "\n")
        _check_empty(out)  # Another process may have written there meanwhile.
        if out.exists():
            out.rmdir()
    print(
        f"{counted(len(files), 'recording')} written to {out}.\n"
        f"Evaluate them: braindecode-bolt evaluate --data {out}"
    )
    return 0


def _check_empty(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataFolderError(f"{out} exists and is not an empty folder; choose another.")


def _write_recording(recording: Recording, out: Path) -> None:
    stem = out / recording.name
    recording.raw.save(f"{stem}_eeg.fif", verbose="error")
    for kind in TABLES:
        table = recording.table(kind)
        table.to_csv(f"{stem}{table_suffix(kind)}.tsv", sep="\t", float_format="%.9g")
    onsets = recording.marker_samples() / recording.raw.info["sfreq"]
    markers = pd.DataFrame({"volume": range(len(onsets)), "onset": onsets})
    markers.to_csv(f"{stem}_volumes.tsv", sep="\t", index=False)
