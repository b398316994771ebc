"""From an image to the series of regions."""

import subprocess
import sys

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.maskers import NiftiLabelsMasker, NiftiMapsMasker
from nilearn.masking import compute_epi_mask
from scipy.signal import detrend

from braindecode_bolt.bold import extract_regions, load_confounds, prepare_series

from .conftest import (
    N_VOLUMES,
    NAMES,
    SHAPE,
    TR,
    cleaned,
    image,
    means,
    weighted,
)


@pytest.mark.parametrize("with_confounds", [False, True])
def test_labels_are_means_over_voxels(file, volumes, labels, motion, with_confounds):
    confounds = motion if with_confounds else None
    table = extract_regions(file, labels, labels=NAMES, confounds=confounds, verbose=0)
    assert list(table) == NAMES and table.dtypes.eq(np.float64).all()
    assert table.index.name == "volume" and list(table.index) == list(range(N_VOLUMES))
    assert table.attrs["tr"] == pytest.approx(TR)
    np.testing.assert_allclose(table, cleaned(means(volumes), confounds), atol=1e-4)
    assert prepare_series(table, table.attrs["tr"]).shape == table.shape


@pytest.mark.parametrize("with_confounds", [False, True])
def test_maps_are_fitted_to_the_voxels(file, volumes, maps, motion, with_confounds):
    confounds = motion if with_confounds else None
    table = extract_regions(file, maps, labels=NAMES, confounds=confounds, verbose=0)
    expected = cleaned(weighted(volumes, maps), confounds)
    np.testing.assert_allclose(table, expected, atol=5e-3)
    # What nilearn gives for the file, to the last bit.
    masker = NiftiMapsMasker(maps, detrend=True, standardize="zscore_sample", reports=False)
    np.testing.assert_array_equal(
        table, masker.fit_transform(str(file), confounds=confounds)
    )


def test_known_series_come_out(file, series, labels):
    table = extract_regions(str(file), labels, labels=NAMES, verbose=0)
    expected = series.apply(detrend)
    for name in NAMES:
        assert np.corrcoef(table[name], expected[name])[0, 1] > 0.999


def test_global_signals_over_a_mask(file, volumes, labels, motion):
    inside = labels.get_fdata() > 0
    mask = image(inside.astype(np.int8))
    table = extract_regions(
        file,
        labels,
        labels=NAMES,
        mask_img=mask,
        confounds=motion,
        global_signal=True,
        verbose=0,
    )
    assert list(table) == [*NAMES, "global signal clean", "global signal raw"]
    mean = volumes[inside].mean(axis=0, dtype=float)
    np.testing.assert_allclose(table["global signal raw"], cleaned(mean), atol=1e-4)
    expected = cleaned(mean, motion)
    np.testing.assert_allclose(table["global signal clean"], expected, atol=1e-4)
    # A masker has its own mask; this one is for the global signal then.
    masker = NiftiLabelsMasker(labels, standardize="zscore_sample", reports=False)
    own = extract_regions(file, masker, mask_img=mask, global_signal=True)
    np.testing.assert_array_equal(own["global signal raw"], table["global signal raw"])
    # Without confounds there is nothing to be clean of.
    assert "global signal clean" not in own


def test_the_global_signal_is_of_the_brain_by_default(tmp_path, labels):
    rng = np.random.default_rng(4)
    shape = (20, 20, 20)
    distance = np.sqrt(((np.indices(shape) - 9.5) ** 2).sum(axis=0))
    brain = distance < 7
    data = 20 + 3 * rng.standard_normal((*shape, N_VOLUMES))
    fluctuation = 10 * rng.standard_normal(N_VOLUMES).cumsum()
    data[brain] += 1000 + fluctuation
    img = image(data.astype(np.float32))
    atlas = image(np.where(brain, 1, 0).astype(np.int16))
    table = extract_regions(img, atlas, global_signal=True, verbose=0)
    inside = compute_epi_mask(img).get_fdata() > 0
    assert 0.5 * brain.sum() < inside.sum() < 1.5 * brain.sum()
    expected = cleaned(img.get_fdata()[inside].mean(axis=0))
    np.testing.assert_allclose(table["global signal raw"], expected, atol=1e-4)
    assert np.corrcoef(table["global signal raw"], detrend(fluctuation))[0, 1] > 0.99


def test_volumes_that_confounds_leave_out_are_left_out(file, volumes, labels, motion):
    kept = [v for v in range(N_VOLUMES) if v not in (0, 1, 30)]
    confounds = pd.DataFrame(motion[kept], index=pd.Index(kept, name="volume"))
    given = {"labels": NAMES, "confounds": confounds, "global_signal": True}
    mask = image((labels.get_fdata() > 0).astype(np.int8))
    table = extract_regions(file, labels, mask_img=mask, verbose=0, **given)
    assert list(table.index) == kept
    assert table.attrs["n_volumes"] == N_VOLUMES
    # A trend over the volumes that remain, as nilearn has it.
    expected = cleaned(means(volumes)[kept], motion[kept])
    np.testing.assert_allclose(table[NAMES], expected, atol=1e-4)
    mean = volumes[labels.get_fdata() > 0].mean(axis=0, dtype=float)[kept]
    np.testing.assert_allclose(
        table["global signal clean"], cleaned(mean, motion[kept]), atol=1e-4
    )
    np.testing.assert_allclose(table["global signal raw"], cleaned(mean), atol=1e-4)
    masker = NiftiLabelsMasker(labels, NAMES, standardize="zscore_sample", detrend=True)
    own = extract_regions(file, masker, confounds=confounds)
    np.testing.assert_allclose(own, table[NAMES], atol=1e-9)


def test_confounds_of_fmriprep_beside_the_image(file, volumes, labels, motion):
    axes = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
    table = pd.DataFrame(motion, columns=axes)
    stem = file.name.removesuffix("_desc-preproc_bold.nii.gz")
    beside = file.with_name(f"{stem}_desc-confounds_timeseries.tsv")
    table.to_csv(beside, sep="\t", index=False)
    beside.with_suffix(".json").write_text("{}")
    expected = cleaned(means(volumes), motion)
    for confounds in (load_confounds(file), file, beside):
        found = extract_regions(file, labels, labels=NAMES, confounds=confounds, verbose=0)
        np.testing.assert_allclose(found, expected, atol=1e-4)
    with pytest.raises(ValueError, match="of 60 volumes, the image has 59"):
        short = image(volumes[..., 1:])
        extract_regions(short, labels, labels=NAMES, confounds=beside, verbose=0)


@pytest.mark.parametrize(
    ("written", "unit", "given", "expected"),
    [
        (2.1, "sec", None, 2.1),
        (2100.0, "msec", None, 2.1),
        (2.1, "unknown", None, 2.1),
        (0.0, "sec", 2.1, 2.1),
        (3.0, "sec", 2.1, 2.1),
        (1.0, "unknown", None, 1.0),
    ],
)
def test_the_repetition_time(volumes, labels, written, unit, given, expected, caplog):
    img = image(volumes, tr=written, unit=unit)
    table = extract_regions(img, labels, tr=given, verbose=0)
    assert table.attrs["tr"] == pytest.approx(expected)
    assert ("header says 3 s: tr is used" in caplog.text) == (written == 3.0)
    assert ("as software does that does not know it" in caplog.text) == (written == 1.0)


@pytest.mark.parametrize(
    ("written", "given", "message"),
    [
        (0.0, None, "header of the image gives a repetition time of 0 s"),
        (2100.0, None, "repetition time of 2100 s; .* with the argument tr"),
        (2.1, 2100, "tr is 2100 s; expected more than 0 and at most 20 s"),
        (2.1, -1, "tr is -1 s"),
        (2.1, np.nan, "tr is nan s"),
    ],
)
def test_a_repetition_time_that_cannot_be(volumes, labels, written, given, message):
    img = image(volumes, tr=written, unit="unknown")
    with pytest.raises(ValueError, match=message):
        extract_regions(img, labels, tr=given, verbose=0)


def test_images_that_cannot_be_used(volumes, labels, tmp_path):
    with pytest.raises(ValueError, match=r"shape \(12, 12, 12\); expected a 4-D image"):
        extract_regions(image(volumes[..., 0]), labels)
    with pytest.raises(ValueError, match="at least 2 volumes"):
        extract_regions(image(volumes[..., :1]), labels)
    with pytest.raises(FileNotFoundError, match="There is no image .*none.nii.gz"):
        extract_regions(tmp_path / "none.nii.gz", labels)
    broken = volumes.copy()
    broken[0, 0, :2, 7:9] = np.nan
    with pytest.raises(ValueError, match=r"in 2 of 60 volumes, 2 voxels .* \(volume 7\)"):
        extract_regions(image(broken), labels)
    empty = image(np.zeros(SHAPE, np.int8))
    with pytest.raises(ValueError, match="0 voxels on the grid of the image"):
        extract_regions(image(volumes), labels, mask_img=empty)


def test_volumes_may_be_images_of_their_own(volumes, labels, tmp_path):
    files = []
    for v in range(N_VOLUMES):
        files.append(tmp_path / f"volume-{v:03d}.nii.gz")
        image(volumes[..., v]).to_filename(files[-1])
    table = extract_regions(files, labels, labels=NAMES, tr=TR, verbose=0)
    np.testing.assert_allclose(table, cleaned(means(volumes)), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float64])
def test_any_type_of_numbers(volumes, labels, dtype):
    scaled = (volumes - volumes.min()) / np.ptp(volumes) * 250
    table = extract_regions(image(scaled.astype(dtype)), labels, labels=NAMES, verbose=0)
    expected = cleaned(means(scaled.astype(dtype)))
    np.testing.assert_allclose(table, expected, atol=1e-4)


def test_the_image_is_read_once_and_left_as_it_was(file, labels, maps, motion, monkeypatch):
    reads = []
    read = nib.arrayproxy.ArrayProxy.__array__

    def counted(proxy, *args, **kwargs):
        reads.append(proxy.shape)
        return read(proxy, *args, **kwargs)

    monkeypatch.setattr(nib.arrayproxy.ArrayProxy, "__array__", counted)
    img = nib.load(file)
    mask = image((labels.get_fdata() > 0).astype(np.int8))
    for source in (img, file):
        reads.clear()
        extract_regions(
            source,
            maps,
            labels=NAMES,
            mask_img=mask,
            confounds=motion,
            global_signal=True,
            verbose=0,
        )
        assert reads.count((*SHAPE, N_VOLUMES)) == 1
    assert not img.in_memory


def test_progress_is_shown_unless_switched_off(file, labels, capsys):
    extract_regions(file, labels, verbose=0)
    assert capsys.readouterr().out == ""
    extract_regions(file, labels)
    assert "Extracting region signals" in capsys.readouterr().out


def test_nilearn_is_imported_when_it_is_used():
    code = "import sys, braindecode_bolt.bold; print('nilearn' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "False", run.stderr


@pytest.mark.filterwarnings("ignore:Too many names")
def test_a_masker_whose_names_are_shifted_is_refused(file, labels):
    """As nilearn names regions where no voxel is background."""
    data = np.asarray(labels.dataobj)
    full = nib.Nifti1Image(np.where(data == 0, 2, data), labels.affine)
    masker = NiftiLabelsMasker(
        full, labels=["Background", *NAMES], standardize=None, reports=False
    )
    with pytest.raises(ValueError, match="4 names for 4 labels, of which none is backgr"):
        extract_regions(file, masker, verbose=0)
    masker.labels = NAMES
    table = extract_regions(file, masker, verbose=0)
    assert list(table) == NAMES


@pytest.mark.parametrize("names", [["none", *NAMES], [*NAMES, "more"], NAMES[:3]])
@pytest.mark.parametrize("background", [True, False])
def test_a_masker_with_more_or_fewer_names_than_regions_is_refused(
    file, labels, names, background
):
    """nilearn drops the last ones, or calls regions unknown."""
    given = ["Background", *names] if background else list(names)
    masker = NiftiLabelsMasker(labels, labels=given, reports=False)
    message = f"has {len(names)} names for 4 labels: nilearn would shift"
    with pytest.raises(ValueError, match=message):
        extract_regions(file, masker, verbose=0)


@pytest.mark.parametrize("n_names", [3, 5])
def test_maps_of_a_masker_need_a_name_each(file, maps, n_names):
    masker = NiftiMapsMasker(maps, standardize=None, reports=False)
    with pytest.raises(ValueError, match=f"4 series, but there are {n_names} names"):
        extract_regions(file, masker, labels=list("abcde")[:n_names], verbose=0)


def test_the_look_up_table_of_a_masker_names_every_label(file, volumes, labels, tmp_path):
    lut = pd.DataFrame({"index": [0, 2, 5, 7, 30], "name": ["Background", *NAMES]})
    for order in (slice(None), slice(None, None, -1)):
        masker = NiftiLabelsMasker(labels, lut=lut[order], standardize=None, reports=False)
        table = extract_regions(file, masker, verbose=0)
        np.testing.assert_allclose(table[NAMES], means(volumes), rtol=1e-5)
    lut.iloc[:4].to_csv(tmp_path / "lut.tsv", sep="\t", index=False)
    for short in (lut.iloc[:4], tmp_path / "lut.tsv"):
        masker = NiftiLabelsMasker(labels, lut=short, reports=False)
        with pytest.raises(ValueError, match="has no name for 1 labels of its image: 30"):
            extract_regions(file, masker, verbose=0)


def test_complex_images_and_series_are_refused(file, volumes, labels):
    with pytest.raises(ValueError, match="holds complex64 values; .* Take the magnitude"):
        extract_regions(image(volumes.astype(np.complex64)), labels)
    noise = np.random.default_rng(0).standard_normal((N_VOLUMES, 2))
    with pytest.raises(ValueError, match=r"not real numbers: region 0 \(complex128\)"):
        extract_regions(file, lambda img: noise * 1j)
    with pytest.raises(ValueError, match="missing or non-finite value"):
        extract_regions(file, lambda img: np.ma.masked_greater(noise, 1))
