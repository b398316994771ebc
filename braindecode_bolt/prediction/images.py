"""Predicted BOLD as volumes of the brain."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._series import plain_name
from .._text import counted
from ..bold.atlases import Atlas, load_atlas

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = ["as_image", "is_named", "regions_of_atlas"]

logger = logging.getLogger(__name__)

# From this size on, in bytes, the image is announced.
_ANNOUNCE = 1e9


def is_named(atlas: Any) -> bool:
    """Whether an atlas is one that is fetched by its name."""
    return isinstance(atlas, str) and re.fullmatch(r"difumo\d+", atlas) is not None


def regions_of_atlas(
    atlas: Any, labels: Sequence[str] | None, roi_names: Sequence[str]
) -> tuple[Atlas, list[int]]:
    """Find regions by name in an atlas.

    Parameters
    ----------
    atlas, labels
        As for :func:`~braindecode_bolt.bold.extract_regions`.
    roi_names : sequence of str
        The regions.

    Returns
    -------
    atlas : Atlas
    places : list of int
        Of each region among those of the atlas.

    Raises
    ------
    ValueError
        If there is no atlas, or it has not all regions.
    """
    if atlas is None:
        raise ValueError(
            "An image needs to know where the regions are. Give the model the atlas that "
            "the regions were extracted with, such as atlas='difumo64', or a file and the "
            "names of its regions (labels)."
        )
    loaded = load_atlas(atlas, labels, verbose=0)
    known = [plain_name(name) for name in loaded.names]
    missing = [name for name in roi_names if plain_name(name) not in known]
    if missing:
        more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
        others = ", ..." if len(known) > 8 else ""
        raise ValueError(
            f"The atlas has no region {', '.join(missing[:8])}{more}; its "
            f"{counted(len(known), 'region is', 'regions are')} "
            f"{', '.join(known[:8])}{others}. Give the atlas that the regions were "
            "extracted with, and the names of its regions (labels) in their order."
        )
    return loaded, [known.index(plain_name(name)) for name in roi_names]


def as_image(
    table: pd.DataFrame,
    atlas: Any,
    labels: Sequence[str] | None = None,
    voxel_mm: float | None = None,
) -> Nifti1Image:
    """Turn series of regions into volumes, with nilearn.

    Parameters
    ----------
    table : pandas.DataFrame, shape (n_times, n_rois)
        Indexed by seconds, at regular distances.
    atlas, labels
        As for :func:`~braindecode_bolt.bold.extract_regions`.
    voxel_mm : float | None
        Resample the atlas to voxels of this size. By default it is used as it is.

    Returns
    -------
    Nifti1Image, shape (x, y, z, n_times)
        On the grid of the atlas, float32: of maps, their sum weighted by the regions'
        values (the inverse transform of nilearn's maskers); of labels, each region filled
        with its value. Times without a prediction are 0. The header holds the
        repetition time and the time of the first volume (``toffset``).

    Raises
    ------
    ValueError
        If there is no atlas, it lacks regions, or times are not regular.
    """
    loaded, places = regions_of_atlas(atlas, labels, list(table.columns))
    times = table.index.to_numpy(float)
    steps = np.diff(times)
    if len(times) < 2 or not np.allclose(steps, steps[0], rtol=1e-3):
        raise ValueError(
            "An image needs at least two times at regular distances; give tr, not times."
        )
    img = loaded.img
    if voxel_mm is not None:
        from nilearn.image import resample_img

        maps = loaded.ids is None
        img = resample_img(
            img,
            target_affine=np.eye(3) * float(voxel_mm),
            interpolation="linear" if maps else "nearest",
            force_resample=True,
            copy_header=True,
        )
        loaded = Atlas(img, loaded.names, loaded.ids)
    size = 4 * np.prod(img.shape[:3], dtype=float) * len(times)
    if size > _ANNOUNCE:
        logger.warning(
            "The image of %d volumes takes %.1f GB; voxel_mm=4 makes it smaller",
            len(times),
            size / 1e9,
        )
    wanted = np.zeros(len(loaded.names), dtype=bool)
    wanted[places] = True
    # Columns in the order of the atlas, as the masker has them.
    values = table.to_numpy(np.float32)[:, np.argsort(places)]
    without = np.isnan(values).any(axis=1)
    if without.any():
        logger.warning("%d of %d volumes have no prediction: 0", without.sum(), len(times))
    masker = loaded.masker(wanted, None, standardize=None).fit()
    image = masker.inverse_transform(np.nan_to_num(values))
    image = type(image)(image.get_fdata(dtype=np.float32), image.affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((*image.header.get_zooms()[:3], float(steps[0])))
    image.header["toffset"] = times[0]
    return image
