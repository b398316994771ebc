"""The work of ``braindecode-bolt predict``: load, read, predict, write."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from .._files import atomic_write
from .._text import counted
from ..datasets._reading import read_eeg
from ..prediction import BOLDPredictor
from ..prediction.images import as_image, regions_of_atlas
from .messages import in_options
from .models import choose_device
from .options import region_labels
from .own_models import import_own

__all__ = ["run_predict"]

#: Errors of a file; others are those of the program.
_OF_FILES = (ValueError, TypeError, OSError)


def run_predict(arguments: argparse.Namespace) -> int:
    """Predict the BOLD of files, and write tables.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of ``braindecode-bolt predict``.

    Returns
    -------
    int
        Exit status: 0, or 1 if a file could not be predicted.
    """
    own = [] if arguments.own is None else [import_own(arguments.own)]
    device = choose_device(arguments.device)
    predictor = BOLDPredictor.load(arguments.model, device, models=own)
    if arguments.atlas is not None:
        predictor.atlas, predictor.labels = arguments.atlas, region_labels(arguments)
    if arguments.interval is not None and predictor.intervals_ is None:
        raise ValueError(
            "This model has no intervals: train it with --cv, so that its errors on people "
            "who were left out are known."
        )
    if arguments.image:
        regions_of_atlas(predictor.atlas, predictor.labels, predictor.roi_names_)
    print(f"Model: {predictor!r}", flush=True)
    if predictor.training_["simulated"]:
        print("It was trained on simulated BOLD: what it predicts is no BOLD of people.")
    failed = 0
    for file in arguments.files:
        try:
            written = _predict_file(predictor, file, arguments)
        except _OF_FILES as error:
            if arguments.verbose:
                raise
            failed += 1
            print(f"{file}: {in_options(str(error))}", file=sys.stderr, flush=True)
        else:
            print(f"{file}: {written}", flush=True)
    if failed:
        print(
            f"{counted(failed, 'file')} of {len(arguments.files)} could not be predicted."
        )
    return 1 if failed else 0


def _predict_file(
    predictor: BOLDPredictor, file: Path, arguments: argparse.Namespace
) -> str:
    raw = read_eeg(file, arguments.reader)
    options: dict[str, Any] = {"missing": arguments.missing}
    if arguments.montage is not None:
        options["montage"] = None if arguments.montage == "none" else arguments.montage
    tables = {}
    if arguments.interval is not None:
        found = predictor.predict_interval(
            raw, arguments.tr, None, arguments.interval, **options
        )
        tables = dict(zip(("bold", "lower", "upper"), found, strict=True))
    else:
        tables["bold"] = predictor.predict(raw, arguments.tr, **options)
    stem = file.name.split(".")[0]
    names = []
    for kind, table in tables.items():
        names.append(f"{stem}_{kind}.tsv")
        _write(table, arguments.out / names[-1])
    if arguments.image:
        image = as_image(
            tables["bold"], predictor.atlas, predictor.labels, arguments.voxel_mm
        )
        names.append(f"{stem}_bold.nii.gz")
        with atomic_write(arguments.out / names[-1]) as work:
            # nibabel chooses the format by the ending.
            named = work.with_name(f"{work.name}.nii.gz")
            image.to_filename(named)
            named.rename(work)
    times = tables["bold"].index
    every = f", every {times[1] - times[0]:.4g} s," if len(times) > 1 else ""
    return (
        f"{counted(len(times), 'time')}{every} from {times[0]:.1f} to {times[-1]:.1f} s, "
        f"written to {arguments.out}: {', '.join(names)}"
    )


def _write(table: pd.DataFrame, file: Path) -> None:
    with atomic_write(file) as work:
        table.to_csv(work, sep="\t", na_rep="n/a", float_format="%.6g")
