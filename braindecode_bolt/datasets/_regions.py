"""Region series of preprocessed images, extracted once."""

from __future__ import annotations

import fnmatch
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from .. import bold
from .._files import atomic_write, content_hash
from ..bold import extract_regions, load_confounds

__all__ = ["RegionExtraction"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegionExtraction:
    """How region series are made of an image, and where they are kept.

    Parameters
    ----------
    atlas : object
        As for :func:`~braindecode_bolt.bold.extract_regions`.
    confounds : "fmriprep" | mapping | str | None
        fMRIPrep's, with arguments of nilearn's loader, or the pattern of a
        motion file beside the image.
    options : mapping
        Further arguments of :func:`~braindecode_bolt.bold.extract_regions`.
    tr : float | None
        Repetition time in seconds, if not that of the header.
    cache_dir : str | Path | None
        Where the series are kept; nowhere by default.
    """

    atlas: Any
    confounds: str | Mapping[str, Any] | None
    options: Mapping[str, Any]
    tr: float | None
    cache_dir: str | Path | None

    def __call__(self, image: Path) -> pd.DataFrame:
        """Give the series of an image.

        Parameters
        ----------
        image : Path
            Preprocessed, 4-D.

        Returns
        -------
        pandas.DataFrame, shape (n_volumes, n_rois)
            Indexed by volume; ``attrs`` holds ``tr`` and ``n_volumes``.
        """
        file = self._cache_file(image)
        cached = None if file is None else _read(file)
        if cached is not None:
            return cached
        source = self._confounds_of(image)
        more = self.confounds if isinstance(self.confounds, Mapping) else {}
        confounds = None if source is None else load_confounds(source, **more)
        table = extract_regions(
            image, self.atlas, confounds=confounds, tr=self.tr, **self.options
        )
        if file is not None:
            _write(table, file)
        return table

    def _confounds_of(self, image: Path) -> Path | None:
        if self.confounds is None:
            return None
        if self.confounds == "fmriprep" or isinstance(self.confounds, Mapping):
            return image
        # The same run: what comes before the first entity that describes a file.
        run = image.name.split("_space-")[0].split("_desc-")[0].split("_bold")[0]
        found = sorted(
            file
            for file in image.parent.iterdir()
            if file.name.startswith(f"{run}_")
            and fnmatch.fnmatch(file.name, self.confounds)
        )
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            raise ValueError(
                f"expected one file of confounds {run}{self.confounds} beside the image, "
                f"found {names}"
            )
        return found[0]

    def _cache_file(self, image: Path) -> Path | None:
        if self.cache_dir is None:
            return None
        files = [image]
        source = self._confounds_of(image)
        if source == image:
            files += sorted(image.parent.glob("*desc-confounds*"))
        elif source is not None:
            files.append(source)
        key = {
            "atlas": _identity(self.atlas),
            "confounds": self.confounds,
            "options": {name: _identity(value) for name, value in self.options.items()},
            "tr": self.tr,
            "versions": {"nilearn": version("nilearn"), "braindecode_bolt": _code()},
            "files": [_identity(file) for file in files],
        }
        try:
            digest = content_hash(key)[:16]
        except TypeError:
            logger.info(
                "%s: its region series are not kept in the cache, since the atlas or an "
                "argument is an object; give a name or a path",
                image.name,
            )
            return None
        stem = image.name.split(".")[0]
        return Path(self.cache_dir) / f"{stem}-{digest}_timeseries.json"


@cache
def _code() -> str:
    """Hash the source code that makes region series."""
    files = sorted(Path(bold.__file__).parent.glob("*.py"))
    return content_hash(file.read_bytes() for file in files)


def _identity(value: object) -> object:
    """Say which file is meant, where it is the path of one."""
    if not isinstance(value, str | Path):
        return value
    file = Path(value)
    if not file.is_file():
        return str(value)
    return [str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns]


def _write(table: pd.DataFrame, file: Path) -> None:
    content = {
        "tr": table.attrs["tr"],
        "n_volumes": table.attrs["n_volumes"],
        "volumes": table.index.tolist(),
        "columns": [str(column) for column in table.columns],
        # Written by Python, which gives every digit back.
        "series": table.to_numpy().T.tolist(),
    }
    with atomic_write(file) as unfinished:
        unfinished.write_text(json.dumps({**content, "hash": content_hash(content)}))


def _read(file: Path) -> pd.DataFrame | None:
    """Read series from the cache; None where they are not there or damaged."""
    try:
        content = json.loads(file.read_bytes())
        if content.pop("hash") != content_hash(content):
            raise ValueError("its values are not those that were written")
        table = pd.DataFrame(
            dict(zip(content["columns"], content["series"], strict=True)),
            index=pd.Index(content["volumes"], name="volume"),
        )
        table.attrs = {"tr": content["tr"], "n_volumes": content["n_volumes"]}
        return table
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        logger.warning(
            "%s is damaged (%s) and made again", file, f"{type(error).__name__}: {error}"
        )
        return None
