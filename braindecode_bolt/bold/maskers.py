"""Region series by maskers and callables that users give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import clone

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = ["from_masker", "is_masker"]


def is_masker(atlas: object) -> bool:
    """Tell nilearn's maskers from other atlases."""
    return hasattr(atlas, "fit_transform") and hasattr(atlas, "get_params")


def from_masker(
    img: Nifti1Image,
    atlas: object,
    labels: Sequence[str] | None,
    cleaning: dict[str, object],
) -> pd.DataFrame:
    """Extract region series by a masker or callable of the user.

    Parameters
    ----------
    img : Nifti1Image
        Volumes, 4-D.
    atlas : masker | callable
        As for :func:`~braindecode_bolt.bold.extract_regions`.
    labels : sequence of str | None
        Names of the series, in place of those of the masker.
    cleaning : dict
        ``confounds`` and ``sample_mask``, for the masker.

    Returns
    -------
    DataFrame, shape (n_volumes, n_rois)

    Raises
    ------
    ValueError
        If the series are not volumes x regions, or names do not fit the regions.
    """
    if is_masker(atlas):
        masker = clone(atlas)
        _check_names(masker)
        values = masker.fit_transform(img, **cleaning)
        n_rows = img.shape[3]
        if cleaning["sample_mask"] is not None:
            n_rows = len(cleaning["sample_mask"])
        # Label maskers know what each column is, after leaving regions out, too.
        names = list(getattr(masker, "region_names_", {}).values())
    else:
        values, n_rows = atlas(img), img.shape[3]
        names = list(values.columns) if isinstance(values, pd.DataFrame) else []
    shape = np.shape(values)
    if len(shape) != 2 or shape[0] != n_rows:
        raise ValueError(
            f"The atlas returned an array of the shape {shape}; expected {n_rows} volumes "
            "x regions."
        )
    names = list(labels) if labels is not None else names
    names = names or [f"region {i}" for i in range(shape[1])]
    if len(names) != shape[1]:
        raise ValueError(
            f"The atlas returned {shape[1]} series, but there are {len(names)} names. A "
            "masker leaves out regions without a voxel in the image; name those it keeps."
        )
    if isinstance(values, np.ma.MaskedArray):
        values = values.filled(np.nan)
    return pd.DataFrame(np.asarray(values), columns=names)


def _check_names(masker: object) -> None:
    """Raise if nilearn would shift, drop or make up names of regions."""
    from nilearn.image import get_data, load_img

    image, table = getattr(masker, "labels_img", None), getattr(masker, "lut", None)
    names = getattr(masker, "labels", None)
    if image is None or (names is None and table is None):
        return
    ids = set(np.unique(get_data(load_img(image))).tolist())
    regions = sorted(ids - {masker.background_label})
    if table is not None:
        if not isinstance(table, pd.DataFrame):
            table = pd.read_csv(table, sep=None, engine="python")
        without = [f"{i:g}" for i in regions if i not in set(table["index"])]
        if without:
            raise ValueError(
                f"The look-up table of the masker has no name for {len(without)} labels of "
                f"its image: {', '.join(without[:8])}. Add them, or remove the labels."
            )
        return
    named = [name for name in names if str(name).lower() != "background"]
    # nilearn puts the name of the background into its place only where there is one.
    shifted = len(named) < len(names) and masker.background_label not in ids
    if len(named) != len(regions) or shifted:
        raise ValueError(
            f"The masker has {len(named)} names for {len(regions)} labels"
            f"{', of which none is background' if shifted else ''}: nilearn would shift "
            "the names against the regions. Give the masker a name per label, from the "
            "lowest to the highest, and 'Background' only where the image has it; or a "
            "look-up table (lut)."
        )
