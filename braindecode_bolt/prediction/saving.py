"""A predictor as a folder: predictor.json, arrays.safetensors, README.md."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors import numpy as tensors

from .. import __version__
from .._files import atomic_write, content_hash
from ..bold.atlases import load_atlas
from ..metrics import SubjectIntervals
from .errors import PredictorError
from .images import is_named
from .states import decode, encode

if TYPE_CHECKING:
    from .predictor import BOLDPredictor

__all__ = ["check_free", "load", "save"]

#: What the file says that it is, and the version of its layout.
KIND, VERSION = "braindecode-bolt predictor", 1
MAIN, ARRAYS, CARD = "predictor.json", "arrays.safetensors", "README.md"
#: The atlas, where it is no name that nilearn fetches.
ATLAS = "atlas.nii.gz"
#: Largest predictor.json, in bytes.
_MOST = 2**24
_DESCRIBED = (
    "window_seconds",
    "lag_seconds",
    "labels",
    "ch_names_",
    "roi_names_",
    "sfreq_",
    "tr_",
    "baseline_",
    "training_",
)


def save(predictor: BOLDPredictor, folder: str | Path, overwrite: bool = False) -> Path:
    """Save a fitted predictor; see :meth:`BOLDPredictor.save`."""
    from .card import model_card

    folder = Path(folder)
    check_free(folder, overwrite)
    arrays: dict[str, np.ndarray] = {}
    content = {name: encode(getattr(predictor, name), arrays) for name in _DESCRIBED}
    eeg = {k: v for k, v in predictor.eeg.items() if k != "cache_dir"}
    reference = eeg.get("reference")
    if reference is not None and not isinstance(reference, str):
        eeg["reference"] = list(reference)
    if eeg.get("channels") is not None:
        eeg["channels"] = predictor.ch_names_
    content |= {
        "eeg": encode(eeg, arrays),
        "bold": encode(predictor.bold, arrays),
        "target_mean": encode(predictor.target_mean_, arrays, "target_mean"),
        "target_scale": encode(predictor.target_scale_, arrays, "target_scale"),
        "regressor": encode(predictor.regressor_, arrays),
        "intervals": _or_none(predictor.intervals_, SubjectIntervals.to_dict),
        "scores": _or_none(
            predictor.scores_, lambda t: t.to_json(orient="split", double_precision=15)
        ),
        "atlas": predictor.atlas if is_named(predictor.atlas) else None,
    }
    own = predictor.atlas is not None and not is_named(predictor.atlas)
    atlas = load_atlas(predictor.atlas, predictor.labels, verbose=0) if own else None
    if atlas is not None:
        content["labels"] = list(atlas.names)
    with atomic_write(folder.with_name(folder.name + ".new")) as work:
        work.mkdir()
        (work / ARRAYS).write_bytes(tensors.save(arrays))
        files = [ARRAYS]
        if atlas is not None:
            atlas.img.to_filename(work / ATLAS)
            files.append(ATLAS)
        main = {
            "kind": KIND,
            "layout": VERSION,
            "written_by": __version__,
            "content": content,
            "files": {name: _hash(work / name) for name in files},
        }
        main["hash"] = content_hash(main)
        (work / MAIN).write_text(json.dumps(main, indent=1, allow_nan=False) + "\n")
        (work / CARD).write_text(model_card(predictor), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        work.rename(folder)
        work.mkdir()  # Taken away by atomic_write.
    shutil.rmtree(folder.with_name(folder.name + ".new"), ignore_errors=True)
    return folder


def _or_none(value: Any, convert: Any) -> Any:
    return None if value is None else convert(value)


def check_free(folder: Path, overwrite: bool) -> None:
    """Raise FileExistsError if a predictor cannot be saved here."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if overwrite and (folder / MAIN).is_file():
        return
    what = "holds something other than a predictor" if overwrite else "is not empty"
    advice = "" if overwrite else ", or overwrite=True if it holds a predictor"
    raise FileExistsError(f"{folder} {what}. Give another folder{advice}.")


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def load(
    cls: type[BOLDPredictor],
    folder: str | Path,
    device: str = "cpu",
    models: Sequence[type] = (),
) -> BOLDPredictor:
    """Load a predictor; see :meth:`BOLDPredictor.load`."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {folder}. A predictor is a folder that save has made."
        )
    main = _read_main(folder)
    arrays = _read_arrays(folder, main)
    content = main["content"]
    try:
        predictor = cls(
            eeg=decode(content["eeg"], arrays),
            bold=decode(content["bold"], arrays),
            window_seconds=content["window_seconds"],
            lag_seconds=content["lag_seconds"],
            atlas=_find_atlas(folder, main),
            labels=content["labels"],
        )
        for name in _DESCRIBED[3:]:
            setattr(predictor, name, decode(content[name], arrays))
        predictor.target_mean_ = decode(content["target_mean"], arrays)
        predictor.target_scale_ = decode(content["target_scale"], arrays)
        predictor.intervals_ = _or_none(content["intervals"], SubjectIntervals.from_dict)
        predictor.scores_ = _or_none(content["scores"], _scores)
        predictor.regressor_ = decode(content["regressor"], arrays, models, device)
        _check_sizes(predictor)
    except PredictorError as error:
        raise PredictorError(f"{folder}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise PredictorError(
            f"{folder} holds no predictor that can be used: {what}"
        ) from error
    predictor.model = predictor.regressor_
    return predictor


def _scores(text: Any) -> pd.DataFrame:
    table = json.loads(text)
    return pd.DataFrame(table["data"], table["index"], table["columns"])


def _find_atlas(folder: Path, main: dict[str, Any]) -> Any:
    named = main["content"]["atlas"]
    if named is not None:
        return named if is_named(named) else None
    if ATLAS not in main["files"]:
        return None
    file = folder / ATLAS
    if not file.is_file():
        raise PredictorError(f"it is incomplete: there is no {ATLAS}.")
    if _hash(file) != main["files"][ATLAS]:
        raise PredictorError(f"{ATLAS} was altered, cut short or damaged.")
    return str(file)


def _check_sizes(predictor: BOLDPredictor) -> None:
    regions = predictor.roi_names_
    if not (isinstance(regions, list) and isinstance(predictor.ch_names_, list)):
        raise ValueError("its regions or electrodes are no lists of names")
    for name in ("target_mean_", "target_scale_"):
        found = np.shape(getattr(predictor, name))
        if found != (len(regions),):
            raise ValueError(f"{name} has the shape {found} for {len(regions)} regions")
    if not hasattr(predictor.regressor_, "predict"):
        raise ValueError("its model cannot predict")


def _read_main(folder: Path) -> dict[str, Any]:
    file = folder / MAIN
    if not file.is_file():
        raise PredictorError(
            f"{folder} holds no {MAIN}, so it is no predictor, or it is incomplete."
        )
    try:
        if file.stat().st_size > _MOST:
            raise ValueError(f"it has more than {_MOST} bytes")
        main = json.loads(file.read_text(encoding="utf-8"))
        kind, layout, expected = main["kind"], main["layout"], main.pop("hash")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PredictorError(
            f"{file} is not the JSON of a predictor, or it was cut short: {error}"
        ) from error
    if kind != KIND:
        raise PredictorError(
            f"{file} is of another kind: {str(kind)[:80]!r}, not {KIND!r}."
        )
    if not isinstance(layout, int) or layout > VERSION:
        raise PredictorError(
            f"{folder} was written by braindecode-bolt {str(main.get('written_by'))[:40]}, "
            f"whose folders this version ({__version__}) cannot read. Install a newer one."
        )
    if content_hash(main) != expected:
        raise PredictorError(
            f"{file} was altered or damaged: its hash is wrong. Copy the folder again."
        )
    return main


def _read_arrays(folder: Path, main: dict[str, Any]) -> dict[str, np.ndarray]:
    file = folder / ARRAYS
    if not file.is_file():
        raise PredictorError(f"{folder} is incomplete: it has no {ARRAYS}.")
    # Read once, so that what is checked is what is loaded.
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != main.get("files", {}).get(ARRAYS):
        raise PredictorError(
            f"{file} was altered, cut short or damaged: its hash is wrong. Copy the folder "
            "again."
        )
    try:
        return tensors.load(content)
    except SafetensorError as error:
        raise PredictorError(f"{file} cannot be read: {error}") from error
