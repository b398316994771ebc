"""``braindecode-bolt simulate``: BOLD with a known coupling on top of real EEG."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .data_options import COUPLING_LIST, add_coupling_option, add_pattern_options
from .options import add_channel_option, channels, say_loading

if TYPE_CHECKING:
    from ..recording import Recording

NAME = "simulate"
SUMMARY = "add simulated BOLD with a known coupling to real EEG"
DESCRIPTION = f"""\
Add a BOLD signal with a known coupling to real EEG.

Each EEG file is prepared (standard channel names, 200 Hz) and gets volume markers and
BOLD that follows the amplitudes of its theta, alpha and beta rhythms, or another
coupling. The command writes FIF files whose markers carry the BOLD, and tables. The
folder can be given to `braindecode-bolt evaluate --data`.

couplings, and what BOLD follows:
{COUPLING_LIST}
"""
EPILOG = None


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add = command.add_argument
    add("--seed", type=int, default=0, help="seed (default: 0)")
    add("--eeg", type=Path, required=True, metavar="FOLDER", help="EEG files")
    add("--out", type=Path, required=True, metavar="FOLDER", help="folder to write")
    add_channel_option(add)
    add("--tr", type=float, default=2.1, help="repetition time in seconds (default: 2.1)")
    add(
        "--snr",
        type=float,
        default=0.7,
        help="variance of the coupled BOLD over that of the noise (default: 0.7)",
    )
    add_coupling_option(add)
    add_pattern_options(add)


def run(arguments: argparse.Namespace) -> int:
    """Write a folder of recordings with simulated BOLD on real EEG.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of the command.

    Returns
    -------
    int
        Exit status, 0.

    Raises
    ------
    DataFolderError
        If there is no EEG, a file name does not tell the subject, or ``--out`` is not
        empty.
    ValueError
        If data or arguments cannot be used.
    """
    say_loading()
    from tqdm import tqdm

    from ..datasets import DataFolderError, SemiSimulatedEEGfMRI

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
            "tr": arguments.tr,
            "snr": arguments.snr,
            "coupling": coupling,
            "seed": arguments.seed,
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
    import pandas as pd

    from ..datasets.folder import table_suffix
    from ..recording import TABLES

    stem = out / recording.name
    recording.raw.save(f"{stem}_eeg.fif", verbose="error")
    for kind in TABLES:
        table = recording.table(kind)
        table.to_csv(f"{stem}{table_suffix(kind)}.tsv", sep="\t", float_format="%.9g")
    onsets = recording.marker_samples() / recording.raw.info["sfreq"]
    markers = pd.DataFrame({"volume": range(len(onsets)), "onset": onsets})
    markers.to_csv(f"{stem}_volumes.tsv", sep="\t", index=False)
