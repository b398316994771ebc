"""The cache of region series."""

import json

import nibabel
import numpy as np
import pandas as pd
import pytest

from braindecode_bolt import bold
from braindecode_bolt.datasets import _regions
from braindecode_bolt.datasets._regions import RegionExtraction


@pytest.fixture
def image(tmp_path):
    """Two regions of one voxel each, and an atlas of three."""
    rng = np.random.default_rng(0)
    data = np.zeros((4, 4, 4, 30), np.float32)
    data[1, 1, 1], data[2, 2, 2] = 100 + rng.standard_normal((2, 30))
    labels = np.zeros((4, 4, 4), np.int16)
    labels[1, 1, 1], labels[2, 2, 2], labels[3, 3, 3] = 1, 2, 3
    img = nibabel.Nifti1Image(data, np.eye(4))
    img.header.set_zooms((1, 1, 1, 2.0))
    img.header.set_xyzt_units("mm", "sec")
    nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), tmp_path / "atlas.nii.gz")
    nibabel.save(img, tmp_path / "sub-01_bold.nii.gz")
    return tmp_path / "sub-01_bold.nii.gz"


@pytest.fixture
def extract(image, tmp_path):
    def extract():
        options = {"missing": "nan", "verbose": 0}
        atlas, cache = tmp_path / "atlas.nii.gz", tmp_path / "cache"
        return RegionExtraction(atlas, None, options, None, cache)(image)

    return extract


def entries(tmp_path):
    return sorted((tmp_path / "cache").iterdir())


def test_series_come_back_exactly(extract, tmp_path, monkeypatch):
    first = extract()
    assert len(entries(tmp_path)) == 1
    monkeypatch.setattr(_regions, "extract_regions", None)
    again = extract()
    pd.testing.assert_frame_equal(again, first, check_exact=True)
    assert again.attrs == first.attrs == {"tr": 2.0, "n_volumes": 30}
    assert again["label 3"].isna().all()


def test_another_nilearn_or_other_code_extracts_again(extract, tmp_path, monkeypatch):
    extract()
    monkeypatch.setattr(_regions, "version", lambda package: f"{package} 99")
    extract()
    assert len(entries(tmp_path)) == 2
    changed = tmp_path / "code"
    changed.mkdir()
    (changed / "regions.py").write_text("# corrected")
    monkeypatch.setattr(bold, "__file__", str(changed / "__init__.py"))
    _regions._code.cache_clear()
    try:
        extract()
    finally:
        _regions._code.cache_clear()
    assert len(entries(tmp_path)) == 3


def flipped(text):
    """Change one digit of one value."""
    place = text.index("0.", text.index("series")) + 3
    return text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-10],
        lambda text: "",
        lambda text: "[]",
        lambda text: "{}",
        lambda text: "[" * 100_000,
        lambda text: json.dumps({**json.loads(text), "tr": 2.5}),
        flipped,
    ],
    ids=["cut off", "empty", "list", "dict", "brackets", "time", "digit"],
)
def test_a_damaged_entry_is_made_again(extract, tmp_path, damage, caplog):
    first = extract()
    (entry,) = entries(tmp_path)
    whole = entry.read_text()
    entry.write_text(damage(whole))
    assert entry.read_text() != whole
    pd.testing.assert_frame_equal(extract(), first, check_exact=True)
    assert f"{entry} is damaged" in caplog.text
    assert entry.read_text() == whole
