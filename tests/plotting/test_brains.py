import html
import logging
import re

import nibabel
import numpy as np
import pandas as pd
import pytest

from braindecode_bolt.plotting import (
    plot_glass_brain,
    plot_surface,
    region_centres,
    region_image,
    view_brain,
)

from .test_plotting import drawn

CENTRES = np.array([[-40.0, -20.0, 50.0], [40.0, -20.0, 50.0], [10.0, -80.0, 10.0]])
NAMES = ["Motor left", "Motor right", "Heschl's gyrus"]
R = {"Motor left": 0.3, "Motor right": -0.1, "Heschl’s gyrus": 0.5}


def make_atlas(kind):
    """Three balls of 16 mm, as labels or as maps."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = [-90, -126, -72]
    voxels = np.stack(np.indices((46, 55, 46)), axis=-1) @ affine[:3, :3] + affine[:3, 3]
    squared = ((voxels[..., None, :] - CENTRES) ** 2).sum(axis=-1)
    if kind == "maps":
        data = np.exp(-squared / (2 * 9.0**2)).astype(np.float32)
        return nibabel.Nifti1Image(data, affine)
    labels = np.where(squared.min(axis=-1) < 16.0**2, squared.argmin(axis=-1) + 1, 0)
    return nibabel.Nifti1Image(labels.astype(np.int32), affine)


@pytest.mark.parametrize("kind", ["labels", "maps"])
def test_regions_get_their_values(kind):
    atlas = make_atlas(kind)
    image = region_image(R, atlas, NAMES)
    data = image.get_fdata()
    assert image.shape == atlas.shape[:3]
    assert set(np.unique(data).round(3)) == {-0.1, 0.0, 0.3, 0.5}
    for centre, value in zip(CENTRES, R.values(), strict=True):
        at = np.linalg.inv(atlas.affine) @ [*centre, 1.0]
        assert data[tuple(at[:3].round().astype(int))] == pytest.approx(value)
    centres = region_centres(atlas, NAMES)
    assert centres.index.tolist() == NAMES
    np.testing.assert_allclose(centres, CENTRES, atol=3)


def test_regions_without_a_value_or_a_place(caplog):
    caplog.set_level(logging.WARNING)
    atlas = make_atlas("labels")
    image = region_image(
        {"Motor left": np.nan, "Motor right": 1, "Amygdala": 2}, atlas, NAMES
    )
    assert set(np.unique(image.get_fdata())) == {0, 1}
    assert "The atlas has no Amygdala: 1 region not drawn" in caplog.text
    with pytest.raises(ValueError, match="none of the regions Amygdala; it has Motor left"):
        region_image({"Amygdala": 1}, atlas, NAMES)


def test_glass_brain_of_an_atlas_and_of_coordinates():
    figure = drawn(plot_glass_brain(R, make_atlas("labels"), NAMES))
    images = [image for axes in figure.axes for image in axes.images]
    assert images and {image.get_clim() for image in images} == {(-0.5, 0.5)}
    values = np.concatenate([np.ma.compressed(image.get_array()) for image in images])
    for value in R.values():
        assert np.isclose(values, value, atol=1e-3).any()
    places = pd.DataFrame(CENTRES, NAMES, ["x", "y", "z"])
    figure = drawn(plot_glass_brain(R, coordinates=places, label="R of $a$"))
    dots = [mark for axes in figure.axes for mark in axes.collections]
    # From the back and from above, all three are seen.
    colours = [mark.get_facecolor() for mark in dots if len(mark.get_offsets()) == 3]
    assert len(colours) == 2
    red, _, blue = colours[0][:, :3].T
    assert red[0] > blue[0] and blue[1] > red[1] and red[2] > blue[2]
    assert figure.texts[-1].get_text() == r"Colours: R of \$a\$"


def test_surface_shows_the_cortex():
    figure = drawn(plot_surface(R, make_atlas("labels"), NAMES))
    assert len(figure.axes) == 5
    colours = [axes.collections[0].get_facecolor() for axes in figure.axes[:4]]
    # Red on the left, blue on the right, seen from outside.
    redder = [np.max(c[:, 0] - c[:, 2]) for c in colours]
    bluer = [np.max(c[:, 2] - c[:, 0]) for c in colours]
    assert redder[0] > 0.2 and bluer[0] < 0.05 < bluer[3]


@pytest.mark.parametrize("kind", ["atlas", "coordinates", "volume"])
def test_interactive_views_need_no_network(tmp_path, kind):
    atlas = make_atlas("labels")
    if kind == "atlas":
        view = view_brain(R, atlas, NAMES, title="R")
    elif kind == "coordinates":
        view = view_brain(R, coordinates=region_centres(atlas, NAMES))
    else:
        view = view_brain(region_image(R, atlas, NAMES))
    view.save_as_html(tmp_path / "view.html")
    page = html.unescape((tmp_path / "view.html").read_text(encoding="utf-8"))
    loaded = re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=[^>]*>", page)
    assert not [tag for tag in loaded if "//" in tag.split("base64")[0]]
    assert "<script" in page
    if kind == "coordinates":
        assert "Motor right: -0.10" in page


def test_where_regions_are_must_be_known():
    atlas = make_atlas("labels")
    with pytest.raises(ValueError, match="Give an atlas, or coordinates"):
        plot_glass_brain(R)
    with pytest.raises(ValueError, match="need an atlas"):
        plot_surface(R)
    with pytest.raises(ValueError, match="not both"):
        plot_glass_brain(R, atlas, NAMES, region_centres(atlas, NAMES))
    with pytest.raises(ValueError, match="coordinates has no column z"):
        view_brain(R, coordinates=pd.DataFrame({"x": [1], "y": [2]}))
    four = nibabel.Nifti1Image(np.zeros((4, 4, 4, 2), np.float32), np.eye(4))
    with pytest.raises(ValueError, match="Take one volume of it"):
        plot_glass_brain(four)


@pytest.mark.parametrize("offset", [0.0, 500.0])
def test_an_atlas_of_a_part_of_the_brain_is_drawn(offset):
    """A slab, and one far away from the cortex: nilearn fails at vertices outside."""
    labels = np.zeros((12, 12, 12), np.int16)
    labels[2:5, 3:9, 4:8], labels[7:10, 3:9, 4:8] = 1, 2
    affine = np.diag([8.0, 8.0, 8.0, 1.0])
    affine[:3, 3] = -44.0 + offset
    atlas = nibabel.Nifti1Image(labels, affine)
    figure = drawn(plot_surface({"left": 0.2, "right": 0.4}, atlas, ["left", "right"]))
    assert len(figure.axes) == 5
