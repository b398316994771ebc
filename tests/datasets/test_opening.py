"""Folders are recognised by what is in them."""

import pytest

from braindecode_bolt.datasets import (
    BIDSEEGfMRI,
    DataFolderError,
    EEGfMRIFolder,
    NeuroBOLTDataset,
    open_dataset,
)


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("fMRI_difumo64/sub01-scan01_difumo64_roi.pkl", NeuroBOLTDataset),
        ("sub22-scan02_difumo64_roi.pkl", NeuroBOLTDataset),
        ("dataset_description.json", BIDSEEGfMRI),
        ("sub-01_eeg.edf", EEGfMRIFolder),
        ("model.pkl", EEGfMRIFolder),
    ],
)
def test_the_kind_is_recognised(tmp_path, file, kind):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("")
    dataset = open_dataset(tmp_path, rois=["Cuneus"], marker=None)
    assert type(dataset) is kind
    assert dataset.rois == ["Cuneus"]
    # Whatever it looks like, what is said counts.
    assert type(open_dataset(tmp_path, "bids", tasks=["rest"])) is BIDSEEGfMRI


def test_errors_say_what_was_expected(tmp_path):
    with pytest.raises(DataFolderError, match="There is no folder"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="one of neurobolt, bids, folder, got 'eeg'"):
        open_dataset(tmp_path, "eeg")
    with pytest.raises(ValueError, match="'folder' takes no tasks; it takes marker, tr,"):
        open_dataset(tmp_path, tasks=["rest"], tr=2.0)
