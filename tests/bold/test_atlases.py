"""Regions from atlases of every kind, under their names."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nilearn.image import index_img
from nilearn.maskers import NiftiLabelsMasker, NiftiMapsMasker
from sklearn.utils import Bunch

from braindecode_bolt.bold import AtlasError, extract_regions

from .conftest import (
    AFFINE,
    BLOCKS,
    N_VOLUMES,
    NAMES,
    SHAPE,
    cleaned,
    image,
    means,
    weighted,
)


def difumo(folder, size=64):
    """Write a DiFuMo of blocks as nilearn keeps it."""
    data = np.zeros((*SHAPE, size), np.float32)
    for i in range(size):
        x, y, z = np.unravel_index(i, (4, 4, 4))
        block = np.s_[3 * x : 3 * x + 3, 3 * y : 3 * y + 3, 3 * z : 3 * z + 3, i]
        data[block] = 1 + np.random.default_rng(i).random((3, 3, 3))
    names = [f"Region {i}" for i in range(size)]
    names[44] = "Heschl’s gyrus"
    table = pd.DataFrame({"Component": range(1, size + 1), "Difumo_names": names})
    table["Yeo_networks7"], table["GM"] = "Vis", 0.5
    home = folder / "difumo_atlases"
    (home / str(size) / "2mm").mkdir(parents=True)
    image(data).to_filename(home / str(size) / "2mm" / "maps.nii.gz")
    table.to_csv(home / str(size) / f"labels_{size}_dictionary.csv", index=False)
    (home / "README.md").write_text("DiFuMo")
    return data, names


def test_difumo_is_the_default(tmp_path):
    maps, names = difumo(tmp_path)
    rng = np.random.default_rng(3)
    true = rng.standard_normal((N_VOLUMES, 64)).cumsum(axis=0)
    data = (500 + np.einsum("xyzr,tr->xyzt", maps, true)).astype(np.float32)
    table = extract_regions(image(data), data_dir=tmp_path, verbose=0)
    assert list(table) == names and table.shape == (N_VOLUMES, 64)
    np.testing.assert_allclose(table, cleaned(weighted(data, image(maps))), atol=1e-2)
    np.testing.assert_allclose(table, cleaned(true), atol=1e-2)


def test_an_atlas_that_cannot_be_fetched_says_where_to_put_it(file, tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise ConnectionError("Failed to resolve 'osf.io'")

    monkeypatch.setattr("requests.Session.send", offline)
    monkeypatch.setattr("requests.Session.request", offline)
    home = tmp_path / "nilearn"
    for data_dir in (home, None):
        monkeypatch.setenv("NILEARN_DATA", str(home))
        with pytest.raises(
            AtlasError, match="cannot be fetched .there is no connect.* atlas="
        ) as caught:
            extract_regions(file, data_dir=data_dir, verbose=0)
        assert str(home / "difumo_atlases" / "64" / "2mm" / "maps.nii.gz") in str(
            caught.value
        )
    # Following it helps.
    difumo(tmp_path)
    named = [line.strip() for line in str(caught.value).splitlines() if "  " in line[:2]]
    for target in map(Path, named):
        source = tmp_path / target.relative_to(home)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    table = extract_regions(file, data_dir=home, missing="nan", verbose=0)
    assert table.shape == (N_VOLUMES, 64)


def test_difumo_has_some_sizes_only(file, tmp_path):
    with pytest.raises(
        ValueError, match="DiFuMo has 64, 128, 256, 512, 1024 regions, not 65"
    ):
        extract_regions(file, "difumo65", data_dir=tmp_path)
    with pytest.raises(FileNotFoundError, match="known names are 'difumo64'"):
        extract_regions(file, "aal")


@pytest.mark.parametrize("kind", ["labels", "maps"])
def test_an_atlas_of_another_grid_is_brought_onto_the_image(file, labels, maps, kind):
    atlas = {"labels": labels, "maps": maps}[kind]
    # Twice as fine, and between the voxels of the image.
    fine = np.repeat(np.repeat(np.repeat(atlas.get_fdata(), 2, 0), 2, 1), 2, 2)
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    affine[:3, 3] = -16.5 - 1.95
    fine = image(fine.astype(np.float32), affine)
    table = extract_regions(file, fine, labels=NAMES, verbose=0)
    settings = {"detrend": True, "standardize": "zscore_sample", "reports": False}
    masker = NiftiLabelsMasker if kind == "labels" else NiftiMapsMasker
    expected = masker(fine, **settings).fit_transform(str(file))
    np.testing.assert_array_equal(table, expected)
    same_grid = extract_regions(file, atlas, labels=NAMES, verbose=0)
    for name in NAMES:
        assert np.corrcoef(table[name], same_grid[name])[0, 1] > 0.97


def lost_in_resampling(labels):
    """A fine atlas in which the second region falls between the voxels of the image."""
    fine = np.repeat(np.repeat(np.repeat(labels.get_fdata(), 3, 0), 3, 1), 3, 2)
    fine[fine == 5] = 0
    fine[3 * 3 + 2, 8 * 3 + 2, 5 * 3 + 2] = 5
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -16.5 - 1
    return image(fine.astype(np.int16), affine)


def one_dark(volumes):
    dark = volumes.copy()
    dark[BLOCKS["Heschl’s gyrus"]] = 7.0
    return image(dark)


def all_but_one(labels):
    return image(np.where(labels.get_fdata() == 5, 0, 1).astype(np.int8))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        # Weights are interpolated, so that none is lost in resampling.
        ("labels", "resampled"),
        ("labels", "masked"),
        ("labels", "dark"),
        ("maps", "masked"),
        ("maps", "dark"),
        ("maps", "no weight"),
    ],
)
def test_a_region_without_signal_never_shifts_the_names(volumes, labels, kind, why, caplog):
    atlas, img, mask = labels, image(volumes), None
    if kind == "maps":
        weights = np.stack([labels.get_fdata() == i for i in (2, 5, 7, 30)], axis=-1)
        weights[..., 1] &= why != "no weight"
        atlas = image(weights.astype(np.float32))
    elif why == "resampled":
        atlas = lost_in_resampling(labels)
    if why == "masked":
        mask = all_but_one(labels)
    elif why == "dark":
        img = one_dark(volumes)
    given = {"labels": NAMES, "mask_img": mask, "global_signal": True, "verbose": 0}
    with pytest.raises(ValueError, match="1 of 4 regions have no voxel .* Heschl’s gyrus"):
        extract_regions(img, atlas, **given)
    table = extract_regions(img, atlas, missing="nan", **given)
    assert list(table) == [*NAMES, "global signal raw"]
    assert table["Heschl’s gyrus"].isna().all()
    assert "1 of 4 regions have no voxel that carries signal: Heschl’s gyrus" in caplog.text
    others = ["Thalamus", "Cuneus", "Putamen"]
    expected = pd.DataFrame(cleaned(means(volumes)), columns=NAMES)[others]
    np.testing.assert_allclose(table[others], expected, atol=1e-3)
    assert list(table.dropna(axis=1)) == [*others, "global signal raw"]


@pytest.mark.parametrize("kind", ["labels", "maps"])
def test_only_voxels_in_the_mask_count(volumes, labels, maps, motion, kind):
    # The upper half of the brain has another course.
    other = volumes.copy()
    other[..., 6:, :] += 30 * motion[:, 0].astype(np.float32)
    lower = np.zeros(SHAPE, np.int8)
    lower[..., :6] = 1
    atlas = {"labels": labels, "maps": maps}[kind]
    given = {"labels": NAMES, "mask_img": image(lower), "verbose": 0}
    table = extract_regions(image(other), atlas, **given)
    # A mask on another grid is brought onto that of the image.
    fine = np.repeat(np.repeat(np.repeat(lower, 3, 0), 3, 1), 3, 2)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -16.5 - 1
    again = extract_regions(
        image(other), atlas, **given | {"mask_img": image(fine, affine)}
    )
    pd.testing.assert_frame_equal(again, table)
    if kind == "labels":
        blocks = [(x, y, slice(2, 6)) for x, y, _ in BLOCKS.values()]
        expected = np.stack(
            [volumes[b].mean(axis=(0, 1, 2), dtype=float) for b in blocks], 1
        )
    else:
        below = image(maps.get_fdata()[..., :6, :])
        expected = weighted(volumes[..., :6, :], below)
    np.testing.assert_allclose(table, cleaned(expected), atol=1e-2)


def test_a_region_that_is_covered_in_part_is_named_in_the_log(volumes, labels, caplog):
    partly = volumes.copy()
    partly[7:10, 2:5, 4:10] = 0
    table = extract_regions(image(partly), labels, labels=NAMES, verbose=0)
    assert "Less than half of the extent of 1 region carries signal: Cuneus" in caplog.text
    assert table.notna().all(axis=None)


def test_an_image_in_another_space_is_an_error(volumes, labels):
    # Beside the atlas, and where the atlas is empty.
    for distance, message in ((500, "lies outside the image"), (30, "4 of 4 regions have")):
        away = AFFINE.copy()
        away[:3, 3] += distance
        for missing in ("raise", "nan"):
            with pytest.raises(ValueError, match=f"{message}.* in the same space"):
                extract_regions(image(volumes, away), labels, missing=missing, verbose=0)


def bunch(labels, kind):
    if kind == "look-up table":
        lut = pd.DataFrame(
            {"index": [0, 2, 5, 7, 30, 99], "name": ["Background", *NAMES, "x"]}
        )
        # Its labels alone would be one too many.
        return Bunch(maps=labels, labels=lut["name"].to_list(), lut=lut)
    if kind == "background":
        return Bunch(maps=labels, labels=["Background", *NAMES])
    if kind == "table":
        return Bunch(maps=labels, labels=pd.DataFrame({"name": NAMES, "id": range(4)}))
    return {"maps": labels, "labels": np.array(NAMES)}


@pytest.mark.parametrize("kind", ["look-up table", "background", "table", "array"])
def test_atlases_as_nilearn_fetches_them(file, labels, kind):
    table = extract_regions(file, bunch(labels, kind), verbose=0)
    assert list(table) == NAMES
    expected = extract_regions(file, labels, labels=NAMES, verbose=0)
    pd.testing.assert_frame_equal(table, expected)


def test_names_may_be_given_for_the_atlas_or_left_out(file, labels, maps, tmp_path):
    other = ["a", "b", "c", "d"]
    atlas = bunch(labels, "look-up table")
    assert list(extract_regions(file, atlas, labels=other, verbose=0)) == other
    labels.to_filename(tmp_path / "labels.nii.gz")
    table = extract_regions(file, tmp_path / "labels.nii.gz", verbose=0)
    assert list(table) == ["label 2", "label 5", "label 7", "label 30"]
    assert list(extract_regions(file, maps, verbose=0)) == [f"map {i}" for i in range(4)]
    named = {"labels": ["Background", *NAMES], "verbose": 0}
    assert list(extract_regions(file, maps, **named)) == NAMES


def test_one_region_may_be_a_mask_or_a_map(file, volumes, labels, maps):
    block = (labels.get_fdata() == 2).astype(np.float32)
    expected = cleaned(means(volumes))[:, :1]
    for data in (block, block[..., np.newaxis]):
        table = extract_regions(file, image(data), labels=["Thalamus"], verbose=0)
        np.testing.assert_allclose(table, expected, atol=1e-4)
    one = index_img(maps, 0)
    table = extract_regions(file, one, labels=["Thalamus"], verbose=0)
    expected = cleaned(weighted(volumes, index_img(maps, [0])))
    np.testing.assert_allclose(table, expected, atol=5e-3)


def without_label(labels):
    lut = pd.DataFrame({"index": [2, 5, 7], "name": NAMES[:3]})
    return Bunch(maps=labels, labels=NAMES, lut=lut)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda a, m: (a, NAMES[:3]), ValueError, "4 labels besides 0, but 3 names"),
        (lambda a, m: (a, [*NAMES, "x"]), ValueError, "4 labels besides 0, but 5 names"),
        (lambda a, m: (m, NAMES[:3]), ValueError, "has 4 maps, but 3 names"),
        (lambda a, m: (a, ["A", "A", "B", "C"]), ValueError, "several regions alike: A"),
        (lambda a, m: (a, "ABCD"), TypeError, "sequence of names, got the text 'ABCD'"),
        (lambda a, m: (without_label(a), None), ValueError, "no name for the labels 30"),
        (lambda a, m: ({"labels": NAMES}, None), TypeError, "needs 'maps'"),
        (
            lambda a, m: (Bunch(maps=a, labels=pd.DataFrame({"x": NAMES})), None),
            ValueError,
            "has the columns x; expected one called difumo_names or name",
        ),
        (
            lambda a, m: (image(np.zeros(SHAPE, np.int16)), None),
            ValueError,
            "0 everywhere: it holds no region",
        ),
        (lambda a, m: (3, None), TypeError, "Niimg|image|NiftiLike"),
    ],
)
def test_atlases_that_make_no_sense(file, labels, maps, change, error, message):
    atlas, names = change(labels, maps)
    with pytest.raises(error, match=message):
        extract_regions(file, atlas, labels=names, verbose=0)


@pytest.mark.parametrize("kind", ["labels", "maps"])
def test_a_masker_has_its_own_settings_and_stays_as_it_was(
    file, volumes, labels, maps, motion, kind
):
    settings = {"standardize": None, "detrend": False, "reports": False}
    if kind == "labels":
        masker = NiftiLabelsMasker(labels, ["Background", *NAMES], **settings)
        table = extract_regions(file, masker)
        expected = means(volumes)
    else:
        masker = NiftiMapsMasker(maps, **settings)
        assert list(extract_regions(file, masker)) == [f"region {i}" for i in range(4)]
        table = extract_regions(file, masker, labels=NAMES)
        expected = weighted(volumes, maps)
    assert list(table) == NAMES
    np.testing.assert_allclose(table, expected, rtol=1e-4)
    assert not masker.__sklearn_is_fitted__()
    regressed = extract_regions(file, masker, labels=NAMES, confounds=motion)
    beta = np.linalg.lstsq(motion - motion.mean(0), expected, rcond=None)[0]
    rest = expected - (motion - motion.mean(0)) @ beta
    np.testing.assert_allclose(regressed, rest, rtol=1e-4)


def test_a_masker_that_leaves_regions_out_does_not_shift_names(volumes, labels):
    atlas = lost_in_resampling(labels)
    masker = NiftiLabelsMasker(atlas, NAMES, standardize="zscore_sample", reports=False)
    with pytest.warns(UserWarning, match="labels were removed"):
        table = extract_regions(image(volumes), masker)
    assert list(table) == ["Thalamus", "Cuneus", "Putamen"]
    expected = means(volumes)[:, [0, 2, 3]]
    for name, values in zip(table, expected.T, strict=True):
        assert np.corrcoef(table[name], values)[0, 1] > 0.999
    with (
        pytest.warns(UserWarning, match="labels were removed"),
        pytest.raises(ValueError, match="returned 3 series, but there are 4 names"),
    ):
        extract_regions(image(volumes), masker, labels=NAMES)


def test_a_callable_decides_by_itself(file, volumes):
    def measured(img):
        return pd.DataFrame(means(img.get_fdata()), columns=NAMES)

    table = extract_regions(file, measured)
    np.testing.assert_allclose(table, means(volumes), rtol=1e-6)
    assert list(table) == NAMES and table.index.name == "volume"
    renamed = extract_regions(
        file, lambda img: measured(img).to_numpy(), labels=list("abcd")
    )
    np.testing.assert_array_equal(renamed, table)
    assert list(renamed) == list("abcd")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda img: np.zeros((59, 2)),
            r"the shape \(59, 2\); expected 60 volumes x regions",
        ),
        (lambda img: np.zeros(60), r"the shape \(60,\); expected 60 volumes"),
        (lambda img: np.ones((60, 2)), "2 of 2 regions are constant: region 0, region 1"),
        (lambda img: np.full((60, 1), np.nan), "no value in 1 of 1 regions: region 0"),
    ],
)
def test_what_a_callable_must_return(file, call, message):
    with pytest.raises(ValueError, match=message):
        extract_regions(file, call)


def test_arguments_that_would_not_be_used_are_errors(file, labels, motion):
    mask = all_but_one(labels)
    masker = NiftiLabelsMasker(labels, reports=False)
    with pytest.raises(ValueError, match="does not use mask_img"):
        extract_regions(file, masker, mask_img=mask)
    with pytest.raises(ValueError, match="A callable gets the image alone"):
        extract_regions(file, lambda img: None, confounds=motion)
    with pytest.raises(ValueError, match="missing must be 'raise' or 'nan', got 'drop'"):
        extract_regions(file, labels, missing="drop")
