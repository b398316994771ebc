import nibabel
import numpy as np
import pytest

from braindecode_bolt import BOLDPredictor
from braindecode_bolt.datasets import SimulatedEEGfMRI

from ..conftest import ROIS

NAMES = ["Cuneus", "Elsewhere", "Thalamus"]  # Another order, and one region more.


@pytest.fixture
def labels_img():
    data = np.zeros((4, 4, 4), np.int16)
    data[0], data[1], data[2] = 3, 5, 9
    return nibabel.Nifti1Image(data, np.diag([4.0, 4.0, 4.0, 1.0]))


@pytest.fixture
def maps_img():
    rng = np.random.default_rng(0)
    data = rng.random((4, 4, 4, 3)).astype(np.float32)
    return nibabel.Nifti1Image(data, np.diag([4.0, 4.0, 4.0, 1.0]))


def with_atlas(predictor, atlas, monkeypatch):
    monkeypatch.setattr(predictor, "atlas", atlas)
    monkeypatch.setattr(predictor, "labels", NAMES)
    return predictor


def test_regions_of_labels_are_filled(fit, raw, labels_img, monkeypatch):
    predictor = with_atlas(fit("LaggedBandPower"), labels_img, monkeypatch)
    table = predictor.predict(raw, tr=2.0)
    image = predictor.predict_image(raw, tr=2.0)
    assert image.shape == (4, 4, 4, len(table))
    np.testing.assert_allclose(image.affine, labels_img.affine)
    assert image.header.get_zooms() == (4.0, 4.0, 4.0, 2.0)
    assert image.header.get_xyzt_units() == ("mm", "sec")
    assert float(image.header["toffset"]) == table.index[0]
    volumes = image.get_fdata()
    for place, region in ((0, "Cuneus"), (2, "Thalamus")):
        expected = np.tile(table[region], (4, 4, 1))
        np.testing.assert_allclose(volumes[place], expected, rtol=1e-5)
    assert not volumes[1].any() and not volumes[3].any()


def test_maps_are_added_up(fit, raw, maps_img, monkeypatch):
    predictor = with_atlas(fit("LaggedBandPower"), maps_img, monkeypatch)
    table = predictor.predict(raw, tr=2.0)
    volumes = predictor.predict_image(raw, tr=2.0).get_fdata()
    weights = maps_img.get_fdata()[..., [NAMES.index(region) for region in ROIS]]
    np.testing.assert_allclose(volumes, weights @ table.to_numpy().T, rtol=1e-3, atol=1e-4)
    small = predictor.predict_image(raw, tr=2.0, voxel_mm=8.0)
    assert small.header.get_zooms()[:3] == (8.0, 8.0, 8.0)


def test_an_atlas_goes_with_the_saved_predictor(
    fit, raw, labels_img, monkeypatch, tmp_path
):
    predictor = with_atlas(fit("LaggedBandPower"), labels_img, monkeypatch)
    folder = predictor.save(tmp_path / "model")
    loaded = BOLDPredictor.load(folder)
    expected = predictor.predict_image(raw, tr=2.0).get_fdata()
    np.testing.assert_array_equal(loaded.predict_image(raw, 2.0).get_fdata(), expected)
    (folder / "atlas.nii.gz").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"atlas\.nii\.gz was altered"):
        BOLDPredictor.load(folder)
    (folder / "atlas.nii.gz").unlink()
    with pytest.raises(ValueError, match="incomplete"):
        BOLDPredictor.load(folder)


def test_an_image_needs_an_atlas_with_the_regions(fit, raw, labels_img, monkeypatch):
    predictor = fit("LaggedBandPower")
    with pytest.raises(ValueError, match="atlas='difumo64'"):
        predictor.predict_image(raw)
    with_atlas(predictor, labels_img, monkeypatch)
    predictor.labels = ["a", "b", "Thalamus"]
    with pytest.raises(ValueError, match=r"no region Cuneus; .* a, b, Thalamus\. Give"):
        predictor.predict_image(raw)


def test_an_atlas_without_the_regions_is_refused_before_the_fit(labels_img, monkeypatch):
    fits = []
    monkeypatch.setattr("braindecode_bolt.prediction.predictor.fit_model", fits.append)
    recordings = SimulatedEEGfMRI(1, duration=70.0, ch_names=["Cz", "Oz"]).load()
    predictor = BOLDPredictor("MeanBOLD", atlas=labels_img)
    with pytest.raises(ValueError, match="its 3 regions are label 3, label 5, label 9"):
        predictor.fit(recordings, progress=False)
    assert not fits
