"""Writing files completely or not at all, and hashes of content."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import socket
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

__all__ = ["atomic_write", "content_hash"]

logger = logging.getLogger(__name__)

# Leftovers of killed processes are removed after this many seconds without a change:
# of processes on this machine, and of those on other machines, which may be alive.
_QUIET_SECONDS, _STALE_SECONDS = 60, 24 * 3600
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{32}\.unfinished")


@contextmanager
def atomic_write(target: str | Path) -> Iterator[Path]:
    """Write a file or folder next to its final place, and move it when it is complete.

    If the body raises, nothing is left behind, and what was at `target` stays. Files
    that killed processes left in the same folder are removed: those of this machine
    after a minute, others after a day.

    Parameters
    ----------
    target : str | Path
        The file or folder to write. Its parent folder is made if it is missing. An
        existing file is replaced. An existing folder is kept, and the new one dropped,
        so that two processes can make the same folder.

    Yields
    ------
    Path
        Where to write. It does not exist yet; make a file or a folder of it.

    Raises
    ------
    OSError
        If the place cannot be written to.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    # File systems allow 255 bytes.
    start = target.name.encode()[:180].decode(errors="ignore")
    work = target.with_name(f".{start}.{_owner()}{uuid.uuid4().hex[:16]}.unfinished")
    try:
        yield work
        try:
            os.replace(work, target)
        except OSError:
            if not (work.is_dir() and target.is_dir()):
                raise
    finally:
        _remove(work)


def _sweep(folder: Path) -> None:
    for path in folder.glob(".*.unfinished"):
        if not _UNFINISHED.fullmatch(path.name):
            continue
        # Its process may finish meanwhile.
        with suppress(OSError):
            inside = path.iterdir() if path.is_dir() else ()
            changed = max(each.stat().st_mtime for each in (path, *inside))
            quiet = time.time() - changed
            owner = path.name.split(".")[-2][:16]
            if quiet > _STALE_SECONDS or (quiet > _QUIET_SECONDS and _is_dead(owner)):
                logger.info("Removing %s, which an interrupted process left", path)
                _remove(path)


def _owner() -> str:
    """Say in 16 digits which process of which machine writes."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}{os.getpid():08x}"


def _is_dead(owner: str) -> bool:
    """Whether a process of this machine has ended; False if that cannot be told."""
    if os.name != "posix" or owner[:8] != _owner()[:8]:
        return False
    try:
        os.kill(int(owner[8:], 16), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def content_hash(*parts: object) -> str:
    """Hash content: the same for the same values, in every process and on every system.

    Parameters
    ----------
    *parts : ndarray | bytes | str | iterator | JSON-able
        What to hash, in this order. Arrays count with their type and shape; other
        objects as JSON, mappings whatever the order of their keys. An iterator of
        parts is read one by one, so that they need not be in memory together.

    Returns
    -------
    str
        64 hexadecimal digits (SHA-256).

    Raises
    ------
    TypeError
        If a part is none of these, such as an array of objects.
    """
    digest = hashlib.sha256()
    _update(digest, parts)
    return digest.hexdigest()


def _update(digest, parts) -> None:
    for part in parts:
        if isinstance(part, Iterator):
            _update(digest, part)
            continue
        if isinstance(part, np.ndarray):
            if part.dtype.kind not in "biufcSU":
                raise TypeError(f"An array of {part.dtype} has no hash of its content.")
            header, content = f"{part.dtype.str}{part.shape}", np.ascontiguousarray(part)
            content = content.view(np.uint8) if content.size else b""
        elif isinstance(part, bytes):
            header, content = "bytes", part
        else:
            text = json.dumps(part, sort_keys=True)
            header, content = "json", text.encode()
        # Kind and length go first, so that no two lists of parts read the same.
        size = memoryview(content).nbytes
        digest.update(f"{header} {size}\n".encode())
        digest.update(content)
