"""Prepared EEG in files, so that it need not be prepared twice nor held in memory."""

from __future__ import annotations

import glob
import hashlib
import json
import logging
import re
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mne
import numpy as np

from .._version import __version__
from ..markers import joint_samples
from .units import MICROVOLTS

__all__ = ["CacheError", "CachedRaw", "cached_raw", "identity_of"]

logger = logging.getLogger(__name__)

# No endings that files of recordings have, which are looked for by their endings.
_SIGNAL, _INFO, _KEY = "signal.npy", "channels.info", "key.json"
# Samples that are read to know a recording, at so many places.
_PROBE, _N_PROBES = 16, 32
# What a killed process left behind is removed after this many seconds.
_STALE = 24 * 3600


class CacheError(ValueError):
    """A cache folder that cannot be used."""


class CachedRaw(mne.io.BaseRaw):
    """Prepared EEG that stays in its file, as float32 microvolts.

    Behaves as any Raw object that is not loaded; :attr:`signal` is the whole
    recording as a memory map.

    Parameters
    ----------
    folder : Path
        An entry of the cache.
    """

    def __init__(self, folder: Path):
        info = mne.io.read_info(folder / _INFO, verbose="error")
        first = json.loads((folder / _KEY).read_text())["first_samp"]
        file = folder / _SIGNAL
        n_times = np.load(file, mmap_mode="r").shape[1]
        super().__init__(
            info,
            preload=False,
            first_samps=[first],
            last_samps=[first + n_times - 1],
            filenames=[file],
            # MNE passes samples counted from zero whatever the first is called.
            raw_extras=[{"first": first, "n_times": n_times, "names": info["ch_names"]}],
            orig_format="single",
            verbose="error",
        )

    @property
    def signal(self) -> np.ndarray | None:
        """Microvolts, float32, shape (n_chans, n_samples), mapped from the file.

        None where this is no longer what is in the file: after cropping,
        picking, loading, projecting or joining.
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
    """Say which data these are, without reading them where they are in files.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Any recording.

    Returns
    -------
    dict
        Names, sizes and times of change of its files, or a hash of the samples
        where they are in memory; what it covers of them; channels.
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
        "positions": _digest(np.array([channel["loc"] for channel in channels])),
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
        identity["samples"] = _digest(*rows)
    else:
        files = [Path(name) for name in raw.filenames if name is not None]
        identity["files"] = sorted(
            {_of_file(beside) for file in files for beside in _same_stem(file)}
        )
        # Headers, calibrations and picks decide what the files' numbers mean.
        places = np.linspace(0, max(0, raw.n_times - _PROBE), _N_PROBES).astype(int)
        identity["probes"] = _digest(
            *(raw.get_data(start=place, stop=place + _PROBE) for place in places)
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

    An entry appears under its name when it is complete: a process that is
    killed leaves none, and of two that make the same one the first wins.

    Parameters
    ----------
    cache_dir : str | Path
        Folder of the cache; it is made.
    name : str
        What the entry is called, for people.
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
    """
    cache_dir = Path(cache_dir).expanduser()
    if not cache_dir.name:
        raise CacheError(f"cache_dir must name a folder for the cache, got {cache_dir!r}.")
    if cache_dir.exists() and not cache_dir.is_dir():
        raise CacheError(f"The cache {cache_dir} is a file; expected a folder.")
    key = {**key, "versions": {"braindecode_bolt": __version__, "mne": mne.__version__}}
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    entry = cache_dir / f"{re.sub(r'[^A-Za-z0-9_-]', '', name)}-{digest}"
    if entry.is_dir():
        logger.debug("%s: prepared EEG is in %s", name, entry)
    else:
        _write(entry, key, make())
    try:
        return CachedRaw(entry)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise CacheError(
            f"The cache entry {entry} is damaged ({type(error).__name__}: {error}). Remove "
            "that folder; it will be made again."
        ) from error


def _write(entry: Path, key: Mapping[str, Any], raw: mne.io.BaseRaw) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(entry.parent)
    work = entry.parent / f".{entry.name}-{uuid.uuid4().hex}"
    work.mkdir()
    try:
        signal = np.lib.format.open_memmap(
            work / _SIGNAL, "w+", np.float32, (len(raw.ch_names), int(raw.n_times))
        )
        for position in range(len(raw.ch_names)):
            signal[position] = raw.get_data([position])[0] * MICROVOLTS
        signal.flush()
        del signal
        info = raw.info.copy()
        for channel in info["chs"]:
            # What turned the numbers of the original file into volts.
            channel.update(cal=1.0, range=1.0)
        mne.io.write_info(work / _INFO, info, verbose="error")
        described = {**key, "first_samp": int(raw.first_samp)}
        (work / _KEY).write_text(json.dumps(described, indent=1))
        try:
            work.rename(entry)
        except OSError:
            # Another process has made it meanwhile, of the same EEG.
            if not entry.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _remove_stale(cache_dir: Path) -> None:
    for left in cache_dir.glob(".*-" + "[0-9a-f]" * 32):
        try:
            age = time.time() - left.stat().st_mtime
        except FileNotFoundError:
            # Its process has just finished.
            continue
        if age > _STALE:
            logger.info("Removing %s, which an interrupted process left", left)
            shutil.rmtree(left, ignore_errors=True)


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
