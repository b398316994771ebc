"""Atlases: images of regions and their names, resampled to the grid of an image."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .images import image_name, open_image, reading

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image
    from nilearn.maskers import NiftiLabelsMasker, NiftiMapsMasker

__all__ = ["Atlas", "AtlasError", "load_atlas", "onto_grid"]

_DIFUMO_SIZES = (64, 128, 256, 512, 1024)
#: Columns in which nilearn's atlases keep names, where labels are a table.
_NAME_COLUMNS = ("difumo_names", "name")


class AtlasError(OSError):
    """An atlas that cannot be fetched."""


@dataclass(frozen=True)
class Atlas:
    """Regions of the brain.

    Raises ValueError where two regions have the same name.

    Attributes
    ----------
    img : Nifti1Image
        Weights of each region, shape (x, y, z, n_rois), or labels, (x, y, z).
    names : list of str
        The regions, in the order of the maps or of `ids`.
    ids : ndarray | None
        The label of each region, ascending; None for maps.
    """

    img: Nifti1Image
    names: list[str]
    ids: np.ndarray | None = None

    def __post_init__(self):  # noqa: D105
        names = pd.Index(self.names)
        if names.has_duplicates:
            twice = ", ".join(names[names.duplicated()].unique()[:8])
            raise ValueError(
                f"The atlas names several regions alike: {twice}. Give names that tell "
                "them apart with the argument labels."
            )

    def placed_on(self, img: Nifti1Image) -> Atlas:
        """Resample the regions onto the grid of an image.

        Parameters
        ----------
        img : Nifti1Image
            The image.

        Returns
        -------
        Atlas
            Of the same regions, some of which may have no voxel.
        """
        interpolation = "linear" if self.ids is None else "nearest"
        return Atlas(onto_grid(self.img, img, interpolation), self.names, self.ids)

    def coverage(self, inside: np.ndarray) -> np.ndarray:
        """Measure how much of each region lies on some voxels.

        Parameters
        ----------
        inside : ndarray of bool, shape (x, y, z)
            The voxels.

        Returns
        -------
        ndarray, shape (n_rois,)
            Share of the weight, or of the voxels, of the region; 0 for a
            region without any.
        """
        from nilearn.image import get_data

        data = np.nan_to_num(get_data(self.img))
        if self.ids is None:
            share = np.abs(data[inside]).sum(axis=0, dtype=float)
            whole = np.abs(data).sum(axis=(0, 1, 2), dtype=float)
        else:
            share = np.array([(data[inside] == i).sum() for i in self.ids], dtype=float)
            whole = np.array([(data == i).sum() for i in self.ids], dtype=float)
        return np.divide(share, whole, out=np.zeros_like(share), where=whole > 0)

    def masker(
        self, regions: np.ndarray, mask: Nifti1Image | None, **settings: object
    ) -> NiftiMapsMasker | NiftiLabelsMasker:
        """Make nilearn's masker for some of the regions.

        Parameters
        ----------
        regions : ndarray of bool, shape (n_rois,)
            Which regions; all must have voxels in the mask.
        mask : Nifti1Image | None
            The voxels to use, on the same grid; None for all.
        **settings
            Further arguments of the masker.

        Returns
        -------
        nilearn masker
            It gives one series per region, in the order of :attr:`names`:
            regions without voxels, which it would leave out, are not in it.
        """
        from nilearn.image import get_data, index_img, new_img_like
        from nilearn.maskers import NiftiLabelsMasker, NiftiMapsMasker

        settings["mask_img"] = mask
        if self.ids is None:
            # A copy of the maps is large, and mostly not needed.
            img = self.img if regions.all() else index_img(self.img, regions)
            return NiftiMapsMasker(img, **settings)
        data = get_data(self.img)
        labels = np.where(np.isin(data, self.ids[regions]), data, 0)
        return NiftiLabelsMasker(new_img_like(self.img, labels), **settings)


def load_atlas(
    atlas: object,
    labels: Sequence[str] | None = None,
    data_dir: str | os.PathLike | None = None,
    verbose: int = 1,
) -> Atlas:
    """Load an atlas by name, from a file or an image, or as nilearn fetches it.

    Parameters
    ----------
    atlas : str | path | image | Mapping
        ``"difumo64"`` (or 128, 256, 512, 1024; 2 mm; fetched by nilearn), an
        image of maps or of labels, or what nilearn's ``fetch_atlas_*`` return.
    labels : sequence of str | None
        Names of the regions, in the order of the maps, or of the labels from
        the lowest; a first name ``"Background"`` is passed over.
    data_dir : path | None
        Where nilearn keeps atlases it has fetched.
    verbose : int
        0 keeps nilearn silent.

    Returns
    -------
    Atlas

    Raises
    ------
    ValueError
        If names and regions do not match.
    FileNotFoundError
        If there is no such file.
    AtlasError
        If DiFuMo cannot be fetched. The message says where to put it.
    TypeError
        If it is none of these.
    """
    from nilearn.image import get_data, new_img_like

    named = re.fullmatch(r"difumo(\d+)", atlas) if isinstance(atlas, str) else None
    if named:
        atlas = _fetch_difumo(int(named[1]), data_dir, verbose)
    table = None
    if isinstance(atlas, Mapping):
        atlas, labels, table = _unpack(atlas, labels)
    if isinstance(atlas, str | os.PathLike) and not os.path.exists(
        os.path.expanduser(atlas)
    ):
        sizes = ", ".join(f"'difumo{size}'" for size in _DIFUMO_SIZES)
        raise FileNotFoundError(
            f"There is no atlas {str(atlas)!r}: it is no file, and the known names are "
            f"{sizes}. Fetch others with nilearn.datasets.fetch_atlas_* and give what that "
            "returns."
        )
    name = image_name(atlas, "The atlas")
    img = open_image(atlas, name)
    n_maps = img.shape[3] if len(img.shape) == 4 else 1
    if n_maps == 1:
        with reading(name):
            data = np.nan_to_num(get_data(img)).reshape(img.shape[:3])
        if np.array_equal(data, data.round()):
            return _labels_atlas(img, data.astype(np.int32), labels, table)
        img = new_img_like(img, data[..., np.newaxis])
    names = [f"map {i}" for i in range(n_maps)] if labels is None else _as_names(labels)
    if len(names) == n_maps + 1 and names[0].lower() == "background":
        names = names[1:]
    if len(names) != n_maps:
        raise ValueError(
            f"The atlas has {n_maps} maps, but {len(names)} names were given. Give one "
            "name per map, in their order."
        )
    return Atlas(img, names)


def onto_grid(img: Nifti1Image, target: Nifti1Image, interpolation: str) -> Nifti1Image:
    """Resample an image onto the grid of another.

    Parameters
    ----------
    img, target : Nifti1Image
        The image, and the one with the grid.
    interpolation : {"linear", "nearest"}
        For weights or for labels.

    Returns
    -------
    Nifti1Image
        `img` itself where the grids are the same.

    Raises
    ------
    ValueError
        If the two have no voxel in common.
    """
    from nilearn.image import resample_img
    from nilearn.image.resampling import BoundingBoxError

    same_shape = img.shape[:3] == target.shape[:3]
    if same_shape and np.allclose(img.affine, target.affine):
        return img
    try:
        with warnings.catch_warnings():
            # nilearn takes maps of ones and zeros for labels; here they are weights.
            warnings.filterwarnings("ignore", "Resampling binary images", UserWarning)
            return resample_img(
                img,
                target_affine=target.affine,
                target_shape=target.shape[:3],
                interpolation=interpolation,
                force_resample=True,
                copy_header=True,
            )
    except BoundingBoxError as error:
        raise ValueError(
            "The atlas or mask lies outside the image: they have no voxel in common. Check "
            "that both are in the same space (DiFuMo: MNI152NLin6Asym)."
        ) from error


def _fetch_difumo(
    size: int, data_dir: str | os.PathLike | None, verbose: int
) -> Mapping[str, object]:
    from nilearn.datasets import fetch_atlas_difumo, get_data_dirs

    if size not in _DIFUMO_SIZES:
        raise ValueError(
            f"DiFuMo has {', '.join(map(str, _DIFUMO_SIZES))} regions, not {size}."
        )
    try:
        return fetch_atlas_difumo(
            dimension=size, resolution_mm=2, data_dir=data_dir, verbose=verbose
        )
    except OSError as error:
        folder = Path(get_data_dirs(data_dir)[0]).resolve() / "difumo_atlases"
        raise AtlasError(
            f"The DiFuMo atlas of {size} regions cannot be fetched ({_cause(error)}). Give "
            "an atlas that is here, as atlas='my_atlas.nii.gz' with the names of its "
            "regions (labels), or bring DiFuMo here: on a machine "
            f"with a connection, nilearn.datasets.fetch_atlas_difumo(dimension={size}, "
            "resolution_mm=2) fetches it and tells where it is. Copy the files to\n"
            f"  {folder / str(size) / '2mm' / 'maps.nii.gz'}\n"
            f"  {folder / str(size) / f'labels_{size}_dictionary.csv'}\n"
            f"  {folder / 'README.md'}\n"
            "The environment variable NILEARN_DATA names another folder in place of "
            f"{folder.parent}."
        ) from error


def _cause(error: Exception) -> str:
    """Say in a few words why nothing could be fetched."""
    text = " ".join(str(error).split())
    if "resolve" in text or "connection" in text.lower():
        return "there is no connection to its server"
    return text[:200]


def _unpack(
    bunch: Mapping[str, object], labels: Sequence[str] | None
) -> tuple[object, Sequence[str] | None, pd.DataFrame | None]:
    """Get image, names and look-up table from an atlas of nilearn."""
    if "maps" not in bunch:
        raise TypeError(
            "An atlas given as a mapping needs 'maps', as those of nilearn's "
            f"fetch_atlas_*; found {', '.join(map(str, bunch)) or 'nothing'}."
        )
    table = bunch.get("lut")
    if labels is None:
        labels = bunch.get("labels")
    else:
        table = None
    return bunch["maps"], labels, table if isinstance(table, pd.DataFrame) else None


def _labels_atlas(
    img: Nifti1Image,
    data: np.ndarray,
    labels: Sequence[str] | None,
    table: pd.DataFrame | None,
) -> Atlas:
    from nilearn.image import new_img_like

    ids = np.setdiff1d(data, [0])
    if not len(ids):
        raise ValueError("The image of labels is 0 everywhere: it holds no region.")
    return Atlas(new_img_like(img, data), _label_names(ids, labels, table), ids)


def _label_names(
    ids: np.ndarray, labels: Sequence[str] | None, table: pd.DataFrame | None
) -> list[str]:
    if table is not None:
        known = dict(
            zip(table["index"].astype(int), table["name"].astype(str), strict=True)
        )
        unknown = [str(i) for i in ids if i not in known]
        if unknown:
            raise ValueError(
                f"The look-up table of the atlas has no name for the labels "
                f"{', '.join(unknown[:8])}. Give the names with the argument labels."
            )
        return [known[i] for i in ids]
    if labels is None:
        return [f"label {i}" for i in ids]
    names = _as_names(labels)
    if len(names) == len(ids) + 1 and names[0].lower() == "background":
        names = names[1:]
    if len(names) != len(ids):
        raise ValueError(
            f"The image has {len(ids)} labels besides 0, but {len(names)} names were "
            "given. Give one name per label, from the lowest to the highest."
        )
    return names


def _as_names(labels: Sequence[str] | pd.DataFrame) -> list[str]:
    if isinstance(labels, pd.DataFrame):
        column = next((name for name in _NAME_COLUMNS if name in labels), None)
        if column is None:
            raise ValueError(
                f"The table of labels has the columns {', '.join(map(str, labels))}; "
                f"expected one called {' or '.join(_NAME_COLUMNS)}. Give a list."
            )
        labels = labels[column]
    if isinstance(labels, str):
        raise TypeError(f"labels must be a sequence of names, got the text {labels!r}.")
    return [str(label) for label in labels]
