"""One HTML page on recordings before training."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

from .._files import atomic_write
from .._version import __version__
from ..plotting import plot_recording
from ..windows import DataCheck, RecordingCheck
from ..windows.checking import REASONS
from .page import encode_figure, render

__all__ = ["write_data_page"]


def write_data_page(
    check: DataCheck, path: str | Path, title: str = "EEG-fMRI data"
) -> Path:
    """Write what a check found as one HTML page with pictures.

    Parameters
    ----------
    check : DataCheck
        Of :func:`~braindecode_bolt.windows.check_recordings`.
    path : str | Path
        The file to write. It needs no network.
    title : str, default "EEG-fMRI data"
        Title of the page.

    Returns
    -------
    Path
        The file.
    """
    content = {
        "title": title,
        "date": f"{datetime.now():%d %B %Y, %H:%M}",
        "version": __version__,
        "verdict": check.verdict(),
        "complete": len(check.usable) == len(check.recordings),
        "remarks": check.remarks,
        "recordings": [_section(each) for each in check.recordings],
    }
    html = render("data_page.html", content, short=_short)
    path = Path(path)
    with atomic_write(path) as unfinished:
        unfinished.write_text(html, encoding="utf-8", errors="backslashreplace")
    return path


def _section(found: RecordingCheck) -> dict[str, Any]:
    artifacts = []
    if found.artifacts is not None:
        artifacts = found.artifacts.reset_index().to_dict("records")
    return {
        "found": found,
        "left_out": [
            (REASONS[k], number) for k, number in found.left_out.items() if number
        ],
        "artifacts": artifacts,
        # Of what could not be opened there is nothing to draw.
        "figure": encode_figure(plot_recording(found)) if found.n_channels else None,
    }


def _short(number: float, digits: int = 3) -> str:
    return "–" if number is None or math.isnan(number) else f"{number:.{digits}g}"
