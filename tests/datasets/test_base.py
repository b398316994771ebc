"""What every data set can do: braindecode and MOABB take its recordings."""

import mne
import numpy as np
import pandas as pd
import pytest
from braindecode.preprocessing import Preprocessor, preprocess

from braindecode_bolt import Recording, attach_bold, create_bold_windows
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.datasets._base import EEGfMRIDataset
from braindecode_bolt.markers import MarkerError, add_markers


@pytest.fixture(scope="module")
def dataset():
    return SimulatedEEGfMRI(n_subjects=2, n_runs=2, duration=40.0)


def test_braindecode_gets_the_same_windows(dataset):
    there = dataset.to_braindecode()
    assert there.description["subject"].tolist() == ["01", "01", "02", "02"]
    assert there.description["run"].tolist() == ["1", "2", "1", "2"]
    windows, direct = create_bold_windows(there), create_bold_windows(dataset.load())
    np.testing.assert_array_equal(windows.X, direct.X)
    np.testing.assert_array_equal(windows.y, direct.y)
    pd.testing.assert_frame_equal(windows.metadata, direct.metadata)


def test_bold_survives_braindecodes_preprocess(dataset):
    steps = [
        Preprocessor("filter", apply_on_array=False, l_freq=0.5, h_freq=None),
        Preprocessor("resample", apply_on_array=False, sfreq=100.0),
    ]
    with mne.use_log_level("error"):
        there = preprocess(dataset.to_braindecode(), steps, n_jobs=1)
    windows = create_bold_windows(there)
    assert windows.sfreq == 100.0
    np.testing.assert_array_equal(windows.y, create_bold_windows(dataset.load()).y)


def test_moabb_gets_eeg_and_bold(dataset):
    there = dataset.to_moabb()
    assert there.subject_labels == {1: "01", 2: "02"}
    assert there.subject_list == [1, 2]
    data = there.get_data([2])
    runs = data[2]["0"]
    assert list(runs) == ["0tasksimulatedrun1", "1tasksimulatedrun2"]
    expected = [r for r in dataset.load() if r.subject == "02"]
    for raw, recording in zip(runs.values(), expected, strict=True):
        np.testing.assert_array_equal(raw.get_data(), recording.raw.get_data())
        given = Recording(raw, subject="02")
        pd.testing.assert_frame_equal(given.bold, recording.bold)
        np.testing.assert_array_equal(given.marker_samples(), recording.marker_samples())
    assert there.data_path(1) == []


class _Differing(EEGfMRIDataset):
    def load(self):
        info = mne.create_info(["Cz"], 100.0, "eeg")
        bold = pd.DataFrame({"roi": [1.0, 2.0]})
        recordings = []
        for marker in ("R128", "R149"):
            raw = mne.io.RawArray(np.zeros((1, 1000)), info, verbose="error")
            raw = attach_bold(add_markers(raw, [1.0, 2.0], marker), bold)
            recordings.append(Recording(raw, subject=marker))
        return recordings


def test_moabb_needs_one_name_for_all_markers():
    with pytest.raises(MarkerError, match="R128, R149"):
        _Differing().to_moabb()
