"""Prepared EEG in files, so that it is prepared once and not held in memory."""

from __future__ import annotations

import glob
import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mne
import numpy as np

from .._files import atomic_write, content_hash
from .._version import __version__
from ..markers import joint_samples
from .units import MICROVOLTS

__all__ = ["CacheError", "CachedRaw", "cached_raw", "identity_of", "write_signal"]

logger = logging.getLogger(__name__)

# Layout of an entry; entries of another layout are made again.
_FORMAT = 2
# Not the endings of recordings, which are looked for by their endings.
_SIGNAL, _INFO, _ENTRY = "signal.npy", "channels.info", "entry.json"
# Samples that are read to recognise a recording, at so many places.
_PROBE, _N_PROBES = 16, 32


class CacheError(ValueError):
    """A cache folder or an entry in it that cannot be used."""


class CachedRaw(mne.io.BaseRaw):
    """Prepared EEG that stays in its file, as float32 microvolts.

    Behaves as any Raw object that is not loaded. MNE's own formats cannot replace it:
    FIF holds blocks of samples, which windows cannot be mapped from, and RawArray takes
    float64 only, twice the size.

    Parameters
    ----------
    folder : Path
        An entry of the cache.
    first_samp : int
        Number of the first sample. Default 0.
    """

    def __init__(self, folder: Path, first_samp: int = 0):
        info = mne.io.read_info(folder / _INFO, verbose="error")
        file = folder / _SIGNAL
        n_times = np.load(file, mmap_mode="r").shape[1]
        super().__init__(
            info,
            preload=False,
            first_samps=[first_samp],
            last_samps=[first_samp + n_times - 1],
            filenames=[file],
            # MNE passes samples counted from zero whatever the first is called.
            raw_extras=[{"first": first_samp, "n_times": n_times, "names": info.ch_names}],
            orig_format="single",
            verbose="error",
        )

    @property
    def signal(self) -> np.ndarray | None:
        """Microvolts, float32, shape (n_chans, n_samples), mapped from the file.

        None if this is no longer what is in the file: after cropping, picking,
        loading, projecting or joining.
        """
        extras = self._raw_extras
        untouched = (
            not self.preload
            and not self.proj
            and len(extras) == 1
            and self.first_samp == extras[0]["first"]
            and self.n_times == extras[0]["n_times"]
            and self.ch_names == extras[0]["names"]
        )
        return np.load(self.filenames[0], mmap_mode="r") if untouched else None

    def _read_segment_file(
        self,
        data: np.ndarray,
        idx: np.ndarray | slice,
        fi: int,
        start: int,
        stop: int,
        cals: np.ndarray,
        mult: np.ndarray | None,
    ) -> None:
        """Read samples into `data`, in volts, as MNE asks its readers to."""
        signal = np.load(self.filenames[fi], mmap_mode="r")
        first = self._raw_extras[fi]["first"]
        part = signal[:, start - first : stop - first]
        if mult is None:
            data[:] = part[idx]
            data *= cals / MICROVOLTS
        else:
            data[:] = mult @ (part.astype(float) / MICROVOLTS)


def identity_of(raw: mne.io.BaseRaw) -> dict[str, Any]:
    """Identify the data, without reading them if they are in files.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Any recording.

    Returns
    -------
    dict
        Names, sizes and modification times of its files, or a hash of the samples if
        they are in memory; which samples of the files it has; channels.
    """
    channels = raw.info["chs"]
    identity: dict[str, Any] = {
        # Of each of the files that were joined.
        "parts": [
            (int(first), int(last))
            for first, last in zip(raw._first_samps, raw._last_samps, strict=True)
        ],
        "sfreq": float(raw.info["sfreq"]),
        "channels": list(zip(raw.ch_names, raw.get_channel_types(), strict=True)),
        "bads": list(raw.info["bads"]),
        "positions": content_hash(np.array([channel["loc"] for channel in channels])),
        "joints": joint_samples(raw).tolist(),
        # Spans that MNE does not filter.
        "skipped": [
            (round(float(onset), 6), round(float(duration), 6))
            for onset, duration, description in zip(
                raw.annotations.onset - raw.first_time,
                raw.annotations.duration,
                raw.annotations.description,
                strict=True,
            )
            if description.upper().startswith("BAD_ACQ_SKIP")
        ],
        "projectors": [(proj["desc"], proj["active"]) for proj in raw.info["projs"]],
    }
    if raw.preload:
        # Channel by channel, since a copy of them all doubles the memory.
        rows = (raw.get_data([i]) for i in range(len(raw.ch_names)))
        identity["samples"] = content_hash(rows)
    else:
        files = [Path(name) for name in raw.filenames if name is not None]
        identity["files"] = sorted(
            {_of_file(beside) for file in files for beside in _same_stem(file)}
        )
        # Headers, calibrations and picks decide what the files' numbers mean.
        places = np.linspace(0, max(0, raw.n_times - _PROBE), _N_PROBES).astype(int)
        identity["probes"] = content_hash(
            raw.get_data(start=place, stop=place + _PROBE) for place in places
        )
    return identity


def _same_stem(file: Path) -> list[Path]:
    """List a file and its headers: .vhdr and .vmrk of an .eeg, .set of an .fdt."""
    stem = file.name.split(".")[0]
    return [each for each in file.parent.glob(f"{glob.escape(stem)}.*") if each.is_file()]


def _of_file(file: Path) -> tuple[str, int, int]:
    return str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns


def cached_raw(
    cache_dir: str | Path,
    name: str,
    key: Mapping[str, Any],
    make: Callable[[], mne.io.BaseRaw],
) -> CachedRaw:
    """Open prepared EEG from the cache, preparing it if it is not there.

    An entry gets its name when it is complete: a killed process leaves none, and of two
    processes that make the same one the first wins. When an entry is opened, its
    checksums are compared.

    Parameters
    ----------
    cache_dir : str | Path
        Folder of the cache; it is made.
    name : str
        Readable part of the entry's name.
    key : mapping
        All that the result depends on, as JSON: another key, another entry.
        The versions of this package and of MNE are added.
    make : callable
        Prepares the EEG and gives a Raw object.

    Returns
    -------
    CachedRaw
        Without annotations.

    Raises
    ------
    CacheError
        If `cache_dir` is a file or no name, or an entry is damaged.
    OSError
        If the entry cannot be written, as on a full disk. Nothing is left of it.
    """
    cache_dir = Path(cache_dir).expanduser()
    if not cache_dir.name:
        raise CacheError(f"cache_dir must name a folder for the cache, got {cache_dir!r}.")
    if cache_dir.exists() and not cache_dir.is_dir():
        raise CacheError(f"The cache {cache_dir} is a file; expected a folder.")
    versions = {"format": _FORMAT, "braindecode_bolt": __version__, "mne": mne.__version__}
    key = {**key, "versions": versions}
    digest = content_hash(key)[:16]
    entry = cache_dir / f"{re.sub(r'[^A-Za-z0-9_-]', '', name)}-{digest}"
    if entry.exists():
        logger.debug("%s: prepared EEG is in %s", name, entry)
    else:
        _write(entry, key, make())
    return _open(entry)


def _open(entry: Path) -> CachedRaw:
    try:
        described = json.loads((entry / _ENTRY).read_text(encoding="utf-8"))
        checksum = described.pop("checksum")
        if checksum != content_hash(described):
            raise ValueError(f"{_ENTRY} was changed")
        for file, expected in described["files"].items():
            if _file_checksum(entry / file) != expected:
                raise ValueError(f"{file} was changed")
        return CachedRaw(entry, described["first_samp"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CacheError(
            f"The cache entry {entry} is damaged ({type(error).__name__}: {error}). Remove "
            "it; it will be made again."
        ) from error


def _write(entry: Path, key: Mapping[str, Any], raw: mne.io.BaseRaw) -> None:
    with naming_folder(entry.parent), atomic_write(entry) as work:
        work.mkdir()
        _fill(work, key, raw)


def _fill(folder: Path, key: Mapping[str, Any], raw: mne.io.BaseRaw) -> None:
    rows = (raw.get_data([i])[0] * MICROVOLTS for i in range(len(raw.ch_names)))
    write_signal(folder / _SIGNAL, rows, (len(raw.ch_names), int(raw.n_times)))
    info = raw.info.copy()
    for channel in info["chs"]:
        # What turned the numbers of the original file into volts.
        channel.update(cal=1.0, range=1.0)
    mne.io.write_info(folder / _INFO, info, verbose="error")
    described = {
        "key": key,
        "first_samp": int(raw.first_samp),
        "files": {file: _file_checksum(folder / file) for file in (_SIGNAL, _INFO)},
    }
    described["checksum"] = content_hash(described)
    (folder / _ENTRY).write_text(json.dumps(described, indent=1), encoding="utf-8")


def write_signal(file: Path, rows: Iterable[np.ndarray], shape: tuple[int, int]) -> None:
    """Write a recording into an ``.npy`` file, one channel after the other.

    Not through a memory map: on a full disk, writing to one ends the process.

    Parameters
    ----------
    file : Path
        The file.
    rows : iterable of ndarray, each of shape (n_samples,)
        The channels; they become float32.
    shape : tuple of int
        Numbers of channels and samples.

    Raises
    ------
    OSError
        If it cannot be written. Nothing is left of the file.
    """
    described = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)),
        "fortran_order": False,
        "shape": shape,
    }
    try:
        with file.open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, described)
            for row in rows:
                stream.write(np.ascontiguousarray(row, np.float32).data)
            stream.flush()
            # Some file systems find out only now that there is no room.
            os.fsync(stream.fileno())
    except BaseException:
        file.unlink(missing_ok=True)
        raise


@contextmanager
def naming_folder(folder: Path) -> Iterator[None]:
    """Name the folder in errors of writing; the system's name the file, or nothing."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"Prepared EEG could not be written ({error.strerror or error}). Make room, or "
            "choose another folder",
            str(folder),
        ) from error


def _file_checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
