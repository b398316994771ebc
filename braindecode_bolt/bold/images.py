"""Reading images: what is wrong with a file is said with its name."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nibabel.filebasedimages import ImageFileError

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = ["image_name", "open_image", "reading"]

#: What nibabel, nilearn and the decompression raise on files that are no intact image.
_DAMAGED = (ImageFileError, EOFError, zlib.error, OSError)


def image_name(image: Any, what: str = "The image") -> str:
    """Name an image in a message: its file, if it has one."""
    if isinstance(image, str | os.PathLike):
        return Path(image).name
    file = image.get_filename() if hasattr(image, "get_filename") else None
    return Path(file).name if file else what


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Raise ValueError, with the name of the file, if it is no intact image."""
    try:
        yield
    except FileNotFoundError:
        raise
    except _DAMAGED as error:
        text = " ".join(str(error).split())[:300]
        raise ValueError(
            f"{name} cannot be read ({type(error).__name__}: {text}); expected an intact "
            "NIfTI image. It may be empty or cut off: copy or make it again."
        ) from error


def open_image(image: Any, what: str = "The image") -> Nifti1Image:
    """Open an image, or a file of one, with nilearn."""
    from nilearn.image import load_img

    with reading(image_name(image, what)):
        return load_img(image)
