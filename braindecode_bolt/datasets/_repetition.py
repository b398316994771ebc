"""What files beside the BOLD say about the repetition time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import nibabel

from ._files import DataFolderError, check_regular

__all__ = ["in_header", "in_sidecars"]

_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
#: Bytes that a sidecar file may have.
_LARGEST = 2**20


def in_sidecars(files: Iterable[Path]) -> dict[str, float]:
    """Read ``RepetitionTime`` from JSON files.

    Parameters
    ----------
    files : iterable of Path
        Sidecar files, the nearest to the BOLD first. They need not exist.

    Returns
    -------
    dict of str to float
        Seconds by the name of the file: the first that states it, or nothing.

    Raises
    ------
    DataFolderError
        If one is not JSON, or its repetition time is not a positive number.
    """
    for file in files:
        check_regular(file)
        if not file.is_file():
            continue
        try:
            if file.stat().st_size > _LARGEST:
                raise ValueError(f"it has more than {_LARGEST} bytes")
            content = json.loads(file.read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise DataFolderError(f"{file.name} is not a JSON sidecar: {error}") from error
        tr = content.get("RepetitionTime") if isinstance(content, dict) else None
        if tr is None:
            continue
        if isinstance(tr, bool) or not isinstance(tr, int | float) or not 0 < tr < 1e3:
            raise DataFolderError(
                f"{file.name} gives the RepetitionTime {str(tr)[:40]!r}; expected seconds"
            )
        return {file.name: float(tr)}
    return {}


def in_header(image: Path) -> dict[str, float]:
    """Read the repetition time from the header of an image, where it is there.

    Parameters
    ----------
    image : Path
        4-D NIfTI.

    Returns
    -------
    dict of str to float
        Seconds by what says so; empty where the header does not.
    """
    try:
        header = nibabel.load(image).header
        tr = float(header.get_zooms()[3]) * _SECONDS.get(header.get_xyzt_units()[1], 1.0)
    except MemoryError:
        raise
    except Exception:  # nibabel's errors have no common type; reading it says what it is.
        return {}
    return {f"the header of {image.name}": tr} if 0 < tr < 1e3 else {}
