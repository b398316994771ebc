"""The work of ``braindecode-bolt check``."""

from __future__ import annotations

import argparse
import dataclasses

from ..datasets._files import DataFolderError
from ..report import write_data_page
from ..windows import RecordingCheck, check_recordings
from .data_options import data_options
from .messages import in_options
from .options import channels, preparation, region_labels
from .recordings import check_names_of_atlas, load_recordings

__all__ = ["run_check"]


def run_check(arguments: argparse.Namespace) -> int:
    """Check recordings, print what was found and write the page.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed arguments of ``braindecode-bolt check``.

    Returns
    -------
    int
        Exit status: 0, or 1 if a recording cannot be used.

    Raises
    ------
    ValueError
        If no recording can be opened.
    """
    chosen, unopened = channels(arguments.channels), {}
    prepared = preparation(arguments)
    check_names_of_atlas(arguments)
    try:
        recordings = load_recordings(
            arguments.data,
            data_options(arguments),
            arguments.cache,
            arguments.coupling,
            channels=chosen,
            montage=arguments.montage,
            coupling_kind=arguments.coupling_kind,
            atlas=arguments.atlas,
            labels=region_labels(arguments),
        )
    except DataFolderError as error:
        if not error.recordings:
            raise
        recordings, unopened = error.recordings, error.problems
    if arguments.coupling is not None:
        # Electrodes were already renamed by the montage when BOLD was simulated.
        prepared["montage"] = None
    found = check_recordings(
        recordings,
        arguments.window,
        arguments.low_pass or None,
        chosen,
        cache_dir=arguments.cache,
        **prepared,
    )
    recordings = [
        dataclasses.replace(
            each,
            problem=in_options(each.problem),
            remarks=[in_options(remark) for remark in each.remarks],
        )
        for each in [
            *found.recordings,
            *(RecordingCheck(name, "", problem) for name, problem in unopened.items()),
        ]
    ]
    remarks = [in_options(text) for text in found.remarks]
    found = dataclasses.replace(found, recordings=recordings, remarks=remarks)
    print(f"\n{found}")
    path = write_data_page(found, arguments.out, f"EEG-fMRI data: {arguments.data}")
    print(f"\nWritten: {path}")
    return int(len(found.usable) < len(found.recordings))
