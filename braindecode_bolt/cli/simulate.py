"""The command that puts simulated BOLD on real EEG."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ..datasets import DataFolderError, SemiSimulatedEEGfMRI
from ..datasets.folder import table_suffix
from ..recording import TABLES, Recording

__all__ = ["run_simulate"]


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
    dataset = SemiSimulatedEEGfMRI(eeg, pattern, channels, tr, snr, noise, seed)
    files = dataset.files()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataFolderError(f"{out} exists and is not an empty folder; choose another.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as work:
        folder = Path(work) / "whole"
        folder.mkdir()
        for recording in tqdm(dataset.iterate(), "Simulating", len(files), disable=None):
            _write_recording(recording, folder)
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
