"""Predictors on the Hugging Face Hub."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .saving import ARRAYS, CARD, MAIN

if TYPE_CHECKING:
    from .predictor import BOLDPredictor

__all__ = ["download", "upload"]

logger = logging.getLogger(__name__)

_FILES = [MAIN, ARRAYS, "atlas.nii.gz", CARD]


def _hub(what: str) -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            f"{what} needs huggingface_hub: pip install 'braindecode-bolt[hub]'. Without "
            "it, save the predictor and copy the folder."
        ) from error
    return huggingface_hub


def upload(predictor: BOLDPredictor, repository: str, private: bool, token: Any) -> str:
    """Upload a predictor; see :meth:`BOLDPredictor.push_to_hub`."""
    api = _hub("push_to_hub").HfApi(token=token)
    with tempfile.TemporaryDirectory() as work:
        folder = predictor.save(Path(work) / "predictor")
        api.create_repo(repository, private=private, exist_ok=True)
        if api.file_exists(repository, CARD):
            (folder / CARD).unlink()
            logger.info("%s has a model card, which is kept.", repository)
        api.upload_folder(repo_id=repository, folder_path=str(folder))
    return f"https://huggingface.co/{repository}"


def download(repository: str, revision: str | None, token: Any) -> Path:
    """Download the files of a predictor, and no others."""
    snapshot = _hub("from_pretrained").snapshot_download
    found = snapshot(repository, revision=revision, token=token, allow_patterns=_FILES)
    return Path(found)
