"""Values of regions on pictures of the brain, by nilearn; no network is needed."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from nibabel.affines import apply_affine

from .._series import plain_name
from .._text import counted
from ..bold.atlases import Atlas, load_atlas
from ._style import literal

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = [
    "plot_glass_brain",
    "plot_surface",
    "region_centres",
    "region_image",
    "view_brain",
]

logger = logging.getLogger(__name__)

#: A voxel belongs to a map of regions above this share of the largest weight.
_SHARE = 0.2
_CMAP = "RdBu_r"
#: Voxels around the cortex that are added to an image that does not cover it.
_MARGIN = 2


def region_centres(atlas: Any, labels: Sequence[str] | None = None) -> pd.DataFrame:
    """Find the centre of each region of an atlas.

    Parameters
    ----------
    atlas : str | path | image | Mapping
        As for :func:`braindecode_bolt.bold.extract_regions`.
    labels : sequence of str | None
        Names of the atlas's regions, in its order. By default its own.

    Returns
    -------
    pandas.DataFrame, shape (n_regions, 3)
        ``x``, ``y``, ``z`` in millimetres, in the space of the atlas. By nilearn's
        ``find_probabilistic_atlas_cut_coords`` or ``find_parcellation_cut_coords``; of a
        region with two parts, the centre of the larger one.

    Raises
    ------
    ValueError
        If the atlas cannot be used, or has another number of regions than `labels`.
    """
    from nilearn.plotting import (
        find_parcellation_cut_coords,
        find_probabilistic_atlas_cut_coords,
    )

    found = _atlas(atlas, labels)
    if found.ids is None:
        centres = find_probabilistic_atlas_cut_coords(found.img)
    else:
        centres, ids = find_parcellation_cut_coords(found.img, return_label_names=True)
        order = {int(number): place for place, number in enumerate(ids)}
        centres = np.asarray(centres)[[order[int(number)] for number in found.ids]]
    return pd.DataFrame(np.asarray(centres), found.names, ["x", "y", "z"])


def region_image(
    values: Mapping[str, float] | pd.Series, atlas: Any, labels: Sequence[str] | None = None
) -> Nifti1Image:
    """Put a value of each region into an image.

    Parameters
    ----------
    values : mapping of str to float | pandas.Series
        A value for each region, by its name in the atlas. Regions with NaN are left
        empty. Names that the atlas does not have are logged.
    atlas : str | path | image | Mapping
        Where the regions are, as for :func:`region_centres`.
    labels : sequence of str | None
        Names of the atlas's regions, in its order. By default its own.

    Returns
    -------
    Nifti1Image, shape (x, y, z)
        In each voxel the value of the region it belongs to (of maps: the one with the
        largest weight, if above a fifth of that map's largest); 0 elsewhere.

    Raises
    ------
    ValueError
        If the atlas has none of the regions.
    """
    from nilearn.image import get_data, new_img_like

    found = _atlas(atlas, labels)
    values = _known(values, found.names, "The atlas")
    data = np.nan_to_num(get_data(found.img))
    filled = np.zeros(data.shape[:3], np.float32)
    by_name = values.dropna()
    if found.ids is not None:
        for number, name in zip(found.ids, found.names, strict=True):
            if name in by_name:
                filled[data == number] = by_name[name]
        return new_img_like(found.img, filled)
    places = [place for place, name in enumerate(found.names) if name in by_name]
    largest = np.full(data.shape[:3], _SHARE)
    for place in places:
        weights = data[..., place]
        share = weights / weights.max() if weights.max() > 0 else weights
        inside = share > largest
        filled[inside], largest[inside] = by_name[found.names[place]], share[inside]
    return new_img_like(found.img, filled)


def plot_glass_brain(
    values: Any,
    atlas: Any = None,
    labels: Sequence[str] | None = None,
    coordinates: pd.DataFrame | None = None,
    label: str = "Pearson R",
) -> Figure:
    """Draw values of regions, or an image, on a glass brain.

    Parameters
    ----------
    values : mapping of str to float | pandas.Series | Nifti1Image
        A value of each region, such as R, or a volume, such as predicted BOLD.
    atlas : str | path | image | Mapping | None
        Where the regions are, as for :func:`region_centres`: regions are filled.
    labels : sequence of str | None
        Names of the atlas's regions, in its order. By default its own.
    coordinates : pandas.DataFrame | None
        Without an atlas: ``x``, ``y``, ``z`` of each region in millimetres (MNI), which
        are drawn as dots.
    label : str, default "Pearson R"
        What the values are.

    Returns
    -------
    matplotlib.figure.Figure
        Views from the left, the back, the right and above; a colour scale that is
        symmetric about zero.

    Raises
    ------
    ValueError
        If neither or both of atlas and coordinates are given, they have none of the
        regions, coordinates lacks a column, or an image is not of three dimensions.

    Examples
    --------
    >>> import pandas as pd
    >>> from braindecode_bolt.plotting import plot_glass_brain
    >>> places = pd.DataFrame({"x": [8], "y": [-17], "z": [6]}, index=["Thalamus"])
    >>> figure = plot_glass_brain({"Thalamus": 0.4}, coordinates=places)
    """
    from nilearn import plotting

    figure = Figure(figsize=(7.6, 2.4))
    shared = {"display_mode": "lyrz", "figure": figure, "colorbar": True}
    if _is_image(values) or atlas is not None:
        img = _image_of(values, atlas, labels, coordinates)
        limit = _limit(img.get_fdata())
        plotting.plot_glass_brain(
            img, plot_abs=False, vmin=-limit, vmax=limit, cmap=_CMAP, threshold=0, **shared
        )
    else:
        places, values = _placed(values, coordinates)
        limit = _limit(values.to_numpy())
        plotting.plot_markers(
            values.to_numpy(),
            places,
            node_size=45,
            node_cmap=_CMAP,
            node_vmin=-limit,
            node_vmax=limit,
            alpha=0.9,
            node_kwargs={"edgecolors": "#2e2e2e", "linewidths": 0.4},
            **shared,
        )
    figure.text(0.01, 0.02, f"Colours: {literal(label)}", fontsize=8)
    return figure


def plot_surface(
    values: Any,
    atlas: Any = None,
    labels: Sequence[str] | None = None,
    label: str = "Pearson R",
) -> Figure:
    """Draw values of regions, or an image, on the cortical surface.

    Parameters
    ----------
    values : mapping of str to float | pandas.Series | Nifti1Image
        A value of each region, or a volume, as for :func:`plot_glass_brain`.
    atlas : str | path | image | Mapping | None
        Where the regions are, as for :func:`region_centres`. Needed for
        values of regions.
    labels : sequence of str | None
        Names of the atlas's regions, in its order. By default its own.
    label : str, default "Pearson R"
        What the values are.

    Returns
    -------
    matplotlib.figure.Figure
        Both hemispheres of fsaverage5 (inflated; part of nilearn) from outside and
        inside. Regions below the cortex are not seen.

    Raises
    ------
    ValueError
        If there is no atlas, it has none of the regions, or an image is not of three
        dimensions.

    See Also
    --------
    plot_glass_brain : Shows regions below the cortex, too.
    """
    from nilearn import datasets, plotting, surface

    img = _image_of(values, atlas, labels, None)
    limit = _limit(img.get_fdata())
    pial, inflated = (
        datasets.load_fsaverage("fsaverage5")[kind] for kind in ("pial", "inflated")
    )
    depth = datasets.load_fsaverage_data("fsaverage5", data_type="sulcal")
    img = _covering(img, np.vstack([part.coordinates for part in pial.parts.values()]))
    figure = Figure(figsize=(7.6, 2.2))
    grid = figure.subplots(
        1,
        4,
        subplot_kw={"projection": "3d"},
        gridspec_kw={"left": 0, "right": 0.88, "top": 1, "bottom": 0, "wspace": 0},
    )
    sides = (("left", "lateral"), ("left", "medial"), ("right", "medial"))
    for axes, (side, view) in zip(grid, (*sides, ("right", "lateral")), strict=True):
        # Of labels and filled regions, the nearest voxel: no new values between them.
        texture = surface.vol_to_surf(
            img, pial.parts[side], interpolation="nearest_most_frequent"
        )
        with warnings.catch_warnings():
            # Of regions below the cortex, or of one side, nothing may be seen.
            warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
            plotting.plot_surf_stat_map(
                inflated.parts[side],
                np.where(texture == 0, np.nan, texture),
                bg_map=depth.data.parts[side],
                hemi=side,
                view=view,
                axes=axes,
                figure=figure,
                cmap=_CMAP,
                vmin=-limit,
                vmax=limit,
                colorbar=False,
            )
    bar = ScalarMappable(Normalize(-limit, limit), _CMAP)
    room = figure.add_axes([0.885, 0.2, 0.014, 0.6])
    figure.colorbar(bar, cax=room).set_label(label, fontsize=8)
    room.tick_params(labelsize=8)
    return figure


def _covering(img: Nifti1Image, points: np.ndarray) -> Nifti1Image:
    """Add empty voxels, so that all points lie inside the image.

    nilearn fails at points outside, and an image may hold a part of the brain only.
    """
    from nilearn.image import new_img_like

    places = apply_affine(np.linalg.inv(img.affine), points)
    before = np.maximum(0, -np.floor(places.min(axis=0)).astype(int) + _MARGIN)
    end = np.ceil(places.max(axis=0)).astype(int) + _MARGIN
    after = np.maximum(0, end - np.array(img.shape[:3]) + 1)
    if not (before.any() or after.any()):
        return img
    data = np.pad(img.get_fdata(), np.column_stack([before, after]))
    affine = img.affine.copy()
    affine[:3, 3] = apply_affine(img.affine, -before)
    return new_img_like(img, data, affine)


def view_brain(
    values: Any,
    atlas: Any = None,
    labels: Sequence[str] | None = None,
    coordinates: pd.DataFrame | None = None,
    title: str | None = None,
) -> Any:
    """Make an interactive view of the brain as a web page.

    Parameters
    ----------
    values : mapping of str to float | pandas.Series | Nifti1Image
        A value of each region, or a volume, as for :func:`plot_glass_brain`.
    atlas : str | path | image | Mapping | None
        Where the regions are, as for :func:`region_centres`.
    labels : sequence of str | None
        Names of the atlas's regions, in its order. By default its own.
    coordinates : pandas.DataFrame | None
        Without an atlas: ``x``, ``y``, ``z`` of each region in millimetres (MNI).
    title : str | None
        Title of the view.

    Returns
    -------
    nilearn view
        Shown in a notebook; ``save_as_html(path)`` writes it. The page needs no
        network. Slices of an image that can be moved, or dots in three dimensions.

    Raises
    ------
    ValueError
        As for :func:`plot_glass_brain`.
    """
    from nilearn import plotting

    if _is_image(values) or atlas is not None:
        img = _image_of(values, atlas, labels, coordinates)
        with warnings.catch_warnings():
            # NumPy's, of nilearn's own template.
            warnings.filterwarnings("ignore", ".*'partition' will ignore the 'mask'")
            view = plotting.view_img(img, cmap=_CMAP, threshold=1e-6, title=title)
        return _without_icon(view)
    places, values = _placed(values, coordinates)
    limit = _limit(values.to_numpy())
    scale = Normalize(-limit, limit)
    colours = [to_hex(colormaps[_CMAP](scale(value))) for value in values]
    named = [f"{name}: {value:.2f}" for name, value in values.items()]
    view = plotting.view_markers(
        places, marker_color=colours, marker_size=10, marker_labels=named, title=title
    )
    return _without_icon(view)


def _without_icon(view: Any) -> Any:
    """Remove the icon of the page, which nilearn would fetch from the network."""
    view.html = re.sub(r"<link rel=.icon.[^>]*>", "", view.html)
    return view


def _atlas(atlas: Any, labels: Sequence[str] | None) -> Atlas:
    return atlas if isinstance(atlas, Atlas) else load_atlas(atlas, labels, verbose=0)


def _is_image(values: Any) -> bool:
    return hasattr(values, "get_fdata") or isinstance(values, str | os.PathLike)


def _image_of(values: Any, atlas: Any, labels: Any, coordinates: Any) -> Nifti1Image:
    if _is_image(values):
        from nilearn.image import load_img

        img = load_img(values)
        if len(img.shape) != 3:
            raise ValueError(
                f"The image has the shape {img.shape}. Take one volume of it: "
                "nilearn.image.index_img(img, number)."
            )
        return img
    if atlas is None:
        raise ValueError("Values of regions need an atlas, which says where they are.")
    if coordinates is not None:
        raise ValueError("Give an atlas or coordinates, not both.")
    return region_image(values, atlas, labels)


def _placed(values: Any, coordinates: pd.DataFrame | None) -> tuple[np.ndarray, pd.Series]:
    if coordinates is None:
        raise ValueError(
            "Where the regions are is not known. Give an atlas, or coordinates: a table "
            "with the columns x, y, z and a row per region."
        )
    missing = [axis for axis in "xyz" if axis not in coordinates]
    if missing:
        raise ValueError(f"coordinates has no column {', '.join(missing)}.")
    coordinates = coordinates.rename(index=str)
    values = _known(values, list(coordinates.index), "The table of coordinates").dropna()
    return coordinates.loc[values.index, ["x", "y", "z"]].to_numpy(float), values


def _known(values: Any, names: list[str], where: str) -> pd.Series:
    """Give the values of known regions by the names that they have there."""
    by_plain = {plain_name(name): name for name in names}
    values = pd.Series(values, dtype=float)
    found = {name: by_plain.get(plain_name(str(name))) for name in values.index}
    unknown = [str(name) for name, there in found.items() if there is None]
    if len(unknown) == len(values):
        raise ValueError(
            f"{where} has none of the regions {', '.join(unknown[:5])}; it has "
            f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}."
        )
    if unknown:
        logger.warning(
            "%s has no %s: %s not drawn",
            where,
            ", ".join(unknown),
            counted(len(unknown), "region"),
        )
    kept = [name for name, there in found.items() if there is not None]
    return values[kept].rename(index=found)


def _limit(values: np.ndarray) -> float:
    found = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    return found if found > 0 else 1.0
