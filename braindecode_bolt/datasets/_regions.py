"""Region series of preprocessed images, extracted once."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .._version import __version__
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
        if file is not None and file.exists():
            return _read(file)
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
            "version": __version__,
            "files": [_identity(file) for file in files],
        }
        try:
            text = json.dumps(key, sort_keys=True)
        except TypeError:
            logger.info(
                "%s: not kept in the cache, since the atlas or an argument is no name or "
                "path but an object",
                image.name,
            )
            return None
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        stem = image.name.split(".")[0]
        return Path(self.cache_dir) / f"{stem}-{digest}_timeseries.json"


def _identity(value: object) -> object:
    """Say which file is meant, where it is the path of one."""
    if not isinstance(value, str | Path):
        return value
    file = Path(value)
    if not file.is_file():
        return str(value)
    return [str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns]


def _write(table: pd.DataFrame, file: Path) -> None:
    """Write under another name first: a file that is there is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    work = file.with_name(f".{file.name}-{uuid.uuid4().hex}")
    content = {
        "tr": table.attrs["tr"],
        "n_volumes": table.attrs["n_volumes"],
        "volumes": table.index.tolist(),
        "columns": [str(column) for column in table.columns],
        # Written by Python, which gives every digit back.
        "series": table.to_numpy().T.tolist(),
    }
    work.write_text(json.dumps(content))
    work.replace(file)


def _read(file: Path) -> pd.DataFrame:
    content = json.loads(file.read_text())
    table = pd.DataFrame(
        dict(zip(content["columns"], content["series"], strict=True)),
        index=pd.Index(content["volumes"], name="volume"),
    )
    table.attrs = {"tr": content["tr"], "n_volumes": content["n_volumes"]}
    return table
