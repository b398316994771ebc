"""Files of BrainVision that are empty or cut off, which MNE reads as shorter ones."""

from __future__ import annotations

import re
from pathlib import Path

from ._files import DataFolderError

__all__ = ["check_complete"]

#: Bytes per value, by the name in the header.
_BYTES = {"INT_16": 2, "UINT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4, "IEEE_FLOAT_64": 8}
_MARKER = re.compile(r"^Mk\d+=[^,\n]*,[^,\n]*,(\d+)", re.MULTILINE)
#: Type, description, position and size: what MNE reads of a marker.
_FIELDS = 4
#: Markers after the end of the data that may be there without harm: some software writes
#: where the recording ended.
_HARMLESS = 1


def check_complete(header: str, data: Path, markers: Path | None) -> None:
    """Raise if the data file of a recording does not go with its header and markers.

    Parameters
    ----------
    header : str
        Text of the header.
    data : Path
        The data file, which is there.
    markers : Path | None
        The marker file, if it is named and there.

    Raises
    ------
    DataFolderError
        If a file is empty, the data end within a sample, or markers lie after their end.
    """
    for file in (data, markers):
        if file is not None and not file.stat().st_size:
            raise DataFolderError(f"{file.name} is empty. Copy or export it again")
    number = _value(header, "NumberOfChannels")
    described = len(re.findall(r"^Ch\d+=", header, re.MULTILINE))
    if number.isdecimal() and described < int(number):
        raise DataFolderError(
            f"the header of {data.name} seems to be cut off: it describes {described} of "
            f"{number} channels. Copy or export it again"
        )
    if markers is not None:
        text = markers.read_bytes().decode("latin-1")
        for line in re.findall(r"^Mk\d+=.*$", text, re.MULTILINE):
            if line.count(",") < _FIELDS - 1:
                raise DataFolderError(
                    f"{markers.name} seems to be cut off: it has the line {line[:60]!r}. "
                    "Copy or export it again"
                )
    size = _BYTES.get(_value(header, "BinaryFormat").upper())
    if not number.isdecimal() or not int(number) or size is None:
        return  # Written as text, or a header that MNE refuses.
    samples, rest = divmod(data.stat().st_size, int(number) * size)
    if rest and not _value(header, "DataPoints"):
        raise DataFolderError(
            f"{data.name} seems to be cut off: its {data.stat().st_size} bytes are "
            f"{samples} samples of {number} channels and a part of one. Copy or export it "
            "again"
        )
    if markers is None:
        return
    at = [int(p) for p in _MARKER.findall(text)]
    after = [position for position in at if position > samples]
    if len(after) > _HARMLESS:
        raise DataFolderError(
            f"{data.name} seems to be cut off: {len(after)} of {len(at)} markers in "
            f"{markers.name} lie after its end at sample {samples}, the last at "
            f"{max(after)}. Copy or export it again"
        )


def _value(header: str, key: str) -> str:
    found = re.search(rf"^[ \t]*{key}[ \t]*=(.*)$", header, re.MULTILINE)
    return found[1].strip() if found else ""
