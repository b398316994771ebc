"""From an image of volumes to the series of each region."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._series import is_constant
from .._text import counted
from ..recording import check_bold
from .atlases import Atlas, load_atlas, onto_grid
from .confounds import load_confounds
from .images import image_name, open_image, reading
from .maskers import from_masker, is_masker

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = ["GLOBAL_SIGNALS", "extract_regions"]

logger = logging.getLogger(__name__)

#: Columns of the published tables besides the regions: the mean over the
#: brain, with the confounds regressed out and without.
GLOBAL_SIGNALS = ("global signal clean", "global signal raw")
#: How the published series were cleaned. Z-scores by the sample's standard
#: deviation, the only ones nilearn still makes, differ by a constant factor.
_CLEANING = {
    "detrend": True,
    "standardize": "zscore_sample",
    "standardize_confounds": True,
}
_LONGEST_TR = 20.0
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}


def extract_regions(
    img: str | os.PathLike | Nifti1Image | Sequence,
    atlas: object = "difumo64",
    *,
    labels: Sequence[str] | None = None,
    mask_img: str | os.PathLike | Nifti1Image | None = None,
    confounds: str | os.PathLike | pd.DataFrame | ArrayLike | None = None,
    global_signal: bool = False,
    tr: float | None = None,
    missing: str = "raise",
    data_dir: str | os.PathLike | None = None,
    verbose: int = 1,
) -> pd.DataFrame:
    """Extract the series of each region from an fMRI image, with nilearn.

    As published: the DiFuMo atlas of 64 regions, linear trends and
    standardised confounds regressed out, series standardised, no smoothing
    (NeuroBOLT, appendix D). For other settings give one of nilearn's maskers.

    Parameters
    ----------
    img : path | Nifti1Image | sequence of these
        Preprocessed volumes, 4-D. An image that lies on disk is read once.
    atlas : str | path | image | Mapping | masker | callable
        One of the following. Default ``"difumo64"``.

        - ``"difumo64"``, or 128, 256, 512 or 1024 regions, at 2 mm, fetched by
          nilearn at the first use;
        - an image of maps (4-D) or of labels (3-D, 0 is background), with
          `labels`;
        - what nilearn's ``fetch_atlas_*`` functions return;
        - a masker of nilearn, with its own settings. It is cloned, not
          fitted itself;
        - a callable that gets the image and returns a table or array of
          volumes x regions, which is used unchanged.
    labels : sequence of str | None
        Names of the regions: in the order of the maps, of the labels from the
        lowest, or of what masker or callable return. By default those that the atlas
        itself has.
    mask_img : path | Nifti1Image | None
        Voxels to use. A masker and a callable use their own masks: with them,
        it is for the global signal only. By default all voxels.
    confounds : path | DataFrame | array-like | None
        What :func:`load_confounds` understands. Volumes that it leaves out are
        left out of the result. A callable must regress confounds itself. Default None.
    global_signal : bool
        Add the mean over the mask, by default over nilearn's EPI mask, cleaned
        like the regions: ``global signal clean``, where confounds are given,
        and ``global signal raw``, without confounds. Default False.
    tr : float | None
        Repetition time in seconds. By default that of the image's header.
    missing : {"raise", "nan"}
        What to do with regions without a voxel that carries signal, because they
        lie outside the image or the mask, or the image is constant there: an error
        (default), or a column of NaN and a warning in the log.
        ``table.dropna(axis=1)`` then leaves them out; models need the same regions in
        all recordings.
    data_dir : path | None
        Where nilearn keeps atlases; its own folder by default.
    verbose : int
        nilearn's messages on the progress; 0 for none. Default 1.

    Returns
    -------
    DataFrame, shape (n_volumes, n_rois)
        float64, indexed by volume (counted from 0 as in the image).
        ``attrs["tr"]`` holds the repetition time, ``attrs["n_volumes"]`` the
        number of volumes of the image.

    Raises
    ------
    ValueError
        If the image is not 4-D, holds NaN or has no plausible repetition
        time; names and regions do not match; a region has no signal; or rows
        of confounds and volumes differ.
    FileNotFoundError
        If there is no such file.
    TypeError
        If `labels` is a text, not a sequence of names.
    AtlasError
        If DiFuMo cannot be fetched. The message says where to put it.

    See Also
    --------
    load_confounds : What can be regressed out.
    braindecode_bolt.datasets.BIDSEEGfMRI : Extracts the regions of a whole data set.

    Notes
    -----
    Trends, confounds and the standard deviation are those of the whole image.
    This is safe if whole recordings are either in training or in test. If recordings
    are cut in time, extract each part separately
    (``nilearn.image.index_img``).

    Examples
    --------
    >>> from braindecode_bolt.bold import extract_regions, load_confounds
    >>> image = "sub-01_task-rest_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz"
    >>> extract_regions(image, confounds=load_confounds(image))  # doctest: +SKIP
    """
    own = _check_arguments(atlas, mask_img, confounds, global_signal, missing)
    name = image_name(img)
    img = _open(img)
    tr = _repetition_time(img, tr)
    confounds = load_confounds(confounds, img.shape[3])
    cleaning = _regressors(confounds, img.shape[3])
    img = _in_memory(img)
    mask = _open_mask(mask_img, img)
    if own:
        table = from_masker(img, atlas, labels, cleaning)
    else:
        loaded = load_atlas(atlas, labels, data_dir, verbose).placed_on(img)
        present = _with_signal(loaded, img, mask, missing)
        masker = loaded.masker(present, mask, reports=False, verbose=verbose, **_CLEANING)
        values = masker.fit_transform(img, **cleaning)
        table = pd.DataFrame(values, columns=np.array(loaded.names)[present])
    if global_signal:
        signals = _global_signals(img, mask, cleaning)
        table = pd.concat([table, signals], axis=1)
    table = _checked(table, confounds, img.shape[3])
    if not own:
        # Regions without signal get their columns back, in their places.
        signals = table.columns[present.sum() :]
        table = table.reindex(columns=[*loaded.names, *signals])
    table.attrs.update(tr=tr, n_volumes=img.shape[3])
    logger.info("%s: %d volumes x %d regions, TR %g s", name, *table.shape, tr)
    return table


def _check_arguments(
    atlas: object, mask_img: object, confounds: object, global_signal: bool, missing: str
) -> bool:
    """Whether the atlas does the extraction itself."""
    if missing not in ("raise", "nan"):
        raise ValueError(f"missing must be 'raise' or 'nan', got {missing!r}.")
    own = is_masker(atlas) or callable(atlas)
    if own and mask_img is not None and not global_signal:
        raise ValueError(
            "A masker or callable does not use mask_img: give the mask to the masker, or "
            "apply it in the callable."
        )
    if own and not is_masker(atlas) and confounds is not None:
        raise ValueError(
            "A callable gets the image alone. Regress the confounds in it (for example "
            "with nilearn.signal.clean), or give a masker."
        )
    return own


def _open(img: str | os.PathLike | Nifti1Image | Sequence) -> Nifti1Image:
    name = image_name(img)
    if isinstance(img, str | os.PathLike):
        # nilearn takes wildcards, and a missing file for one that matches nothing.
        if not any(c in name for c in "*?[") and not Path(img).expanduser().exists():
            raise FileNotFoundError(f"There is no image {img}.")
    img = open_image(img)
    if len(img.shape) != 4 or img.shape[3] < 2:
        raise ValueError(
            f"{name} has the shape {img.shape}; expected a 4-D image of at least 2 volumes "
            "(x, y, z, volumes)."
        )
    if img.get_data_dtype().kind not in "biuf":
        raise ValueError(
            f"{name} holds {img.get_data_dtype()} values; expected real numbers. Take the "
            "magnitude of complex volumes."
        )
    return img


def _repetition_time(img: Nifti1Image, tr: float | None) -> float:
    zooms, unit = img.header.get_zooms(), "unknown"
    if hasattr(img.header, "get_xyzt_units"):
        unit = img.header.get_xyzt_units()[1]
    written = float(zooms[3]) * _SECONDS.get(unit, 1.0) if len(zooms) > 3 else 0.0
    given = tr is not None
    tr = float(tr) if given else written
    if not 0 < tr <= _LONGEST_TR:
        raise ValueError(
            f"{'tr is' if given else 'The header of the image gives a repetition time of'} "
            f"{tr:g} s; expected more than 0 and at most {_LONGEST_TR:g} s. Give the "
            "repetition time in seconds with the argument tr."
        )
    if given and 0 < written <= _LONGEST_TR and abs(tr - written) > 1e-3 * tr:
        logger.warning("tr is %g s, the image's header says %g s: tr is used", tr, written)
    elif not given and tr == 1.0 and unit == "unknown":
        logger.warning(
            "The header of the image gives a repetition time of 1 without a unit, as "
            "software does that does not know it. Give tr if it is something else."
        )
    return tr


def _in_memory(img: Nifti1Image) -> Nifti1Image:
    """Read the voxels, once for all that follows; the caller's image stays unread."""
    from nilearn.image import get_data

    img = copy.copy(img)
    with reading(image_name(img)):
        data = get_data(img)
    bad = [v for v in range(data.shape[3]) if not np.isfinite(data[..., v]).all()]
    if bad:
        wrong = (~np.isfinite(data[..., bad[0]])).sum()
        raise ValueError(
            f"The image holds NaN or infinite values in {len(bad)} of {data.shape[3]} "
            f"volumes, {wrong} voxels in the first of them (volume {bad[0]}). If they mark "
            "what is outside the brain, set them to 0 first: "
            "nilearn.image.clean_img(img, detrend=False, standardize=None, "
            "ensure_finite=True)."
        )
    return img


def _open_mask(mask_img: object, img: Nifti1Image) -> Nifti1Image | None:
    from nilearn.image import get_data, new_img_like

    if mask_img is None:
        return None
    mask = open_image(mask_img, "The mask")
    with reading(image_name(mask_img, "The mask")):
        get_data(mask)
    mask = onto_grid(mask, img, "nearest")
    if len(mask.shape) != 3 or not np.any(get_data(mask)):
        raise ValueError(
            f"The mask has the shape {mask.shape} and {np.count_nonzero(get_data(mask))} "
            "voxels on the grid of the image; expected a 3-D mask in the image's space."
        )
    return new_img_like(mask, (get_data(mask) != 0).astype(np.uint8))


def _regressors(confounds: pd.DataFrame | None, n_volumes: int) -> dict[str, object]:
    """Confounds and volumes to keep as nilearn wants them."""
    if confounds is None:
        return {"confounds": None, "sample_mask": None}
    kept = confounds.index.to_numpy()
    # nilearn takes rows for all volumes, also for those it is told to leave out.
    rows = confounds.reindex(range(n_volumes), fill_value=0.0).to_numpy()
    return {
        "confounds": rows if rows.shape[1] else None,
        "sample_mask": None if len(kept) == n_volumes else kept,
    }


def _with_signal(
    atlas: Atlas, img: Nifti1Image, mask: Nifti1Image | None, missing: str
) -> np.ndarray:
    """Which regions have a voxel that varies."""
    from nilearn.image import get_data

    data = get_data(img)
    inside = ~is_constant(data, axis=-1)
    if mask is not None:
        inside &= get_data(mask) != 0
    coverage = atlas.coverage(inside)
    names = np.array(atlas.names)
    present = coverage > 0
    if not present.all():
        complaint = (
            f"{(~present).sum()} of {len(names)} regions have no voxel that carries "
            f"signal: {', '.join(names[~present][:8])}. They lie outside the image or the "
            "mask, or the image is constant there"
        )
        if missing == "raise" or not present.any():
            raise ValueError(
                f"{complaint}. Check that image and atlas are in the same space (DiFuMo: "
                "MNI152NLin6Asym); for an image that covers a part of the brain, use "
                "missing='nan' and leave these regions out of all recordings."
            )
        logger.warning("%s; their columns are NaN", complaint)
    partly = names[present & (coverage < 0.5)]
    if len(partly):
        logger.warning(
            "Less than half of the extent of %s carries signal: %s",
            counted(len(partly), "region"),
            ", ".join(partly),
        )
    return present


def _global_signals(
    img: Nifti1Image, mask: Nifti1Image | None, cleaning: dict[str, object]
) -> pd.DataFrame:
    from nilearn.image import get_data
    from nilearn.masking import compute_epi_mask
    from nilearn.signal import clean

    inside = get_data(compute_epi_mask(img) if mask is None else mask) != 0
    data = get_data(img)
    # Volume by volume: the voxels of the brain at once would be a second image.
    means = [data[..., v][inside].mean(dtype=float) for v in range(data.shape[3])]
    raw = np.array(means)[:, np.newaxis]
    signals = {}
    if cleaning["confounds"] is not None:
        signals[GLOBAL_SIGNALS[0]] = clean(raw, **_CLEANING, **cleaning)[:, 0]
    without = cleaning | {"confounds": None}
    signals[GLOBAL_SIGNALS[1]] = clean(raw, **_CLEANING, **without)[:, 0]
    return pd.DataFrame(signals)


def _checked(
    table: pd.DataFrame, confounds: pd.DataFrame | None, n_volumes: int
) -> pd.DataFrame:
    volumes = range(n_volumes) if confounds is None else confounds.index
    table = table.set_axis(pd.Index(volumes, name="volume"), axis=0)
    check_bold(table, "The table of regions")
    table = table.astype(float)
    constant = table.columns[is_constant(table)]
    if len(constant):
        raise ValueError(
            f"{len(constant)} of {table.shape[1]} regions are constant: "
            f"{', '.join(map(str, constant[:8]))}. Leave them out of the atlas."
        )
    return table
