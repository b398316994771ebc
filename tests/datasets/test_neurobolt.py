import os
import pickle
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat
from sklearn.model_selection import PredefinedSplit

from braindecode_bolt import create_bold_windows, prepare_eeg
from braindecode_bolt.datasets import (
    PAPER_ROIS,
    PUBLISHED_SPLIT,
    DataFolderError,
    DownloadError,
    EEGfMRIDataset,
    NeuroBOLTDataset,
    published_split,
)

# Lies beside the repository on the development machines.
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "neurobolt_difumo64"
SFREQ = 250
#: Samples between volumes.
STEP = 525
#: The sample of the first volume, counted from 0.
FIRST = 600
CH_NAMES = ["FP1", "CZ", "OZ", "EOG1", "EMG1", "ECG", "CWL1"]
REGIONS = [name.replace("'", "’") for name in PAPER_ROIS] + ["Caudate", "global signal raw"]


def struct(rows):
    """Make a MATLAB structure array from rows of values."""
    fields = [(name, object) for name in rows[0]]
    return np.array([tuple(row.values()) for row in rows], dtype=fields)


def write_set(path, signal, samples, ch_names=CH_NAMES, marker="R149", form="nested"):
    """Write EEGLAB's format: microvolts, float32, channel after channel per sample."""
    signal = np.asarray(signal, dtype="<f4")
    data = path.with_suffix(".fdt").name
    if form == "one file":
        data = signal
    else:
        path.with_suffix(".fdt").write_bytes(signal.T.tobytes())
    # Latencies count from 1.
    events = [{"type": marker, "latency": float(s + 1), "duration": 1.0} for s in samples]
    events.insert(1, {"type": "R  1", "latency": 13.0, "duration": 1.0})
    content = {
        "setname": path.stem,
        "nbchan": float(signal.shape[0]),
        "trials": 1.0,
        "pnts": float(signal.shape[1]),
        "srate": float(SFREQ),
        "xmin": 0.0,
        "xmax": (signal.shape[1] - 1) / SFREQ,
        "data": data,
        "chanlocs": struct([{"labels": name, "type": ""} for name in ch_names]),
        "event": struct(events),
    }
    savemat(path, {"EEG": content} if form == "nested" else content, appendmat=False)


def make_signal(n_volumes, seed=0):
    rng = np.random.default_rng(seed)
    n_times = FIRST + STEP * n_volumes
    return rng.normal(3.0, 30.0, (len(CH_NAMES), n_times)).astype("<f4")


def make_bold(n_volumes, seed=0):
    values = np.random.default_rng(seed).standard_normal((n_volumes, len(REGIONS)))
    columns = pd.Index(REGIONS, dtype=object, name="Difumo_names")
    return pd.DataFrame(values.astype("float32"), columns=columns)


@pytest.fixture
def make_scan(tmp_path):
    """Write the two files of a scan, where and as the release has them."""

    def make(scan, n_volumes=9, *, eeg="EEG_set", bold="fMRI_difumo64", **kwargs):
        seed = int(scan[3:5]) * 10 + int(scan[-1])
        signal, table = make_signal(n_volumes, seed), make_bold(n_volumes, seed)
        if eeg is not None:
            (tmp_path / eeg).mkdir(exist_ok=True, parents=True)
            samples = FIRST + STEP * np.arange(n_volumes)
            write_set(tmp_path / eeg / f"{scan}.set", signal, samples, **kwargs)
        if bold is not None:
            (tmp_path / bold).mkdir(exist_ok=True, parents=True)
            file = tmp_path / bold / f"{scan}_difumo64_roi.pkl"
            file.write_bytes(pickle.dumps(table))
        return signal, table

    return make


@pytest.mark.parametrize("form", ["nested", "flat", "one file"])
@pytest.mark.parametrize(
    "folders", [("EEG_set", "fMRI_difumo64"), (".", "."), ("a/b", ".")]
)
def test_a_scan_is_what_was_written(tmp_path, make_scan, form, folders):
    signal, table = make_scan("sub07-scan02", eeg=folders[0], bold=folders[1], form=form)
    dataset = NeuroBOLTDataset(tmp_path)
    assert isinstance(dataset, EEGfMRIDataset)
    (recording,) = dataset.load()
    assert recording.name == "sub-07_ses-02"
    assert not recording.raw.preload
    assert recording.raw.info["sfreq"] == SFREQ
    np.testing.assert_array_equal(recording.raw.get_data(), signal.astype(float) * 1e-6)
    np.testing.assert_array_equal(recording.marker_samples(), FIRST + STEP * np.arange(9))
    names = [name.replace("’", "'") for name in REGIONS]
    assert list(recording.bold.columns) == names
    np.testing.assert_array_equal(recording.bold, table.to_numpy(float))
    # Other events stay.
    assert (recording.raw.annotations.description == "R  1").sum() == 1


def test_windows_end_before_their_volume(tmp_path, make_scan):
    signal, table = make_scan("sub01-scan01")
    recordings = NeuroBOLTDataset(tmp_path, rois="paper").load()
    prepared = [prepare_eeg(recording, sfreq=SFREQ) for recording in recordings]
    windows = create_bold_windows(prepared, 4.0)
    assert windows.ch_names == ["Fp1", "Cz", "Oz"]
    assert windows.roi_names == list(PAPER_ROIS)
    # The first volume has 600 samples before it, a window 1,000.
    assert windows.metadata["volume"].tolist() == list(range(1, 9))
    for i, volume in enumerate(range(1, 9)):
        marker = FIRST + STEP * volume
        expected = signal[:3, marker - 1000 : marker].astype(float)
        expected -= expected.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(windows.X[i], expected, atol=1e-3)
        np.testing.assert_array_equal(windows.y[i], table.iloc[volume, :7])


def test_what_is_not_scalp_eeg_has_a_type_of_its_own(tmp_path, make_scan):
    make_scan("sub01-scan01")
    (recording,) = NeuroBOLTDataset(tmp_path).load()
    types = dict(zip(CH_NAMES, recording.raw.get_channel_types(), strict=True))
    assert types == {
        **{"FP1": "eeg", "CZ": "eeg", "OZ": "eeg"},
        **{"EOG1": "eog", "EMG1": "emg", "ECG": "ecg", "CWL1": "misc"},
    }


@pytest.mark.parametrize(
    ("rois", "expected"),
    [
        ("paper", list(PAPER_ROIS)),
        (["Heschl’s gyrus", "Cuneus"], ["Heschl's gyrus", "Cuneus"]),
        (["Heschl's gyrus"], ["Heschl's gyrus"]),
        (None, [*PAPER_ROIS, "Caudate", "global signal raw"]),
    ],
)
def test_regions_are_chosen_by_name(tmp_path, make_scan, rois, expected):
    _, table = make_scan("sub01-scan01")
    (recording,) = NeuroBOLTDataset(tmp_path, rois).load()
    assert list(recording.bold.columns) == expected
    for name in expected:
        np.testing.assert_array_equal(recording.bold[name], table[name.replace("'", "’")])


@pytest.mark.parametrize(
    ("rois", "expected"),
    [
        (
            ["Talamus", "cuneus"],
            r"no region 'Talamus' \(near: Thalamus.*'cuneus' \(near: Cun",
        ),
        (["Qqqq"], r"'Qqqq' \(near: nothing\). It has Cuneus, Heschl's gyrus"),
        ("Thalamus", "rois must be 'paper', a list"),
        ([], "different region names"),
        (["Heschl's gyrus", "Heschl’s gyrus"], "different region names"),
    ],
)
def test_regions_that_are_not_there(tmp_path, make_scan, rois, expected):
    make_scan("sub01-scan01")
    make_scan("sub02-scan01")
    with pytest.raises(ValueError, match=expected) as caught:
        NeuroBOLTDataset(tmp_path, rois).load()
    # Wrong for all scans alike: said once.
    assert len(str(caught.value).splitlines()) == 1


def test_scans_are_chosen_by_subject_and_split(tmp_path, make_scan):
    for scan in ("sub01-scan01", "sub01-scan02", "sub07-scan01", "sub07-scan02"):
        make_scan(scan)

    def names(**kwargs):
        return [r.name for r in NeuroBOLTDataset(tmp_path, **kwargs).load()]

    assert names() == ["sub-01_ses-01", "sub-01_ses-02", "sub-07_ses-01", "sub-07_ses-02"]
    for subjects in (["07"], [7], ["sub07"], np.array([7])):
        assert names(subjects=subjects) == ["sub-07_ses-01", "sub-07_ses-02"]
    assert names(split="train", subjects=[1]) == ["sub-01_ses-01"]
    assert names(split="test", incomplete="skip") == ["sub-07_ses-01", "sub-07_ses-02"]
    with pytest.raises(
        DataFolderError, match="no scan of subject 02, 09; there are sub01-s"
    ):
        names(subjects=["02", "07", "09"])
    with pytest.raises(DataFolderError, match="no scan of subject 01 in the split 'test'"):
        names(subjects=["01"], split="test")
    for wrong in ("07", [], ["seven"]):
        with pytest.raises(ValueError, match="subjects must be a list of"):
            names(subjects=wrong)
    with pytest.raises(ValueError, match="split must be one of train, validation, test"):
        names(split="val")
    with pytest.raises(ValueError, match="incomplete must be"):
        names(incomplete="ignore")


def test_scans_without_eeg_or_bold(tmp_path, make_scan, caplog):
    make_scan("sub07-scan01")
    make_scan("sub07-scan02", eeg=None)
    make_scan("sub11-scan01", bold=None)
    with pytest.raises(DataFolderError) as caught:
        NeuroBOLTDataset(tmp_path).load()
    message = str(caught.value)
    assert "2 of 3 scans" in message
    assert message.endswith("sub07-scan02: no EEG, sub11-scan01: no BOLD.")
    assert "incomplete='skip'" in message
    with pytest.raises(DataFolderError, match="5 of 6 scans") as caught:
        NeuroBOLTDataset(tmp_path, split="test").load()
    assert "sub21-scan01: no EEG and no BOLD" in str(caught.value)

    caplog.clear()
    for split, left_out in ((None, 2), ("test", 5)):
        recordings = NeuroBOLTDataset(tmp_path, split=split, incomplete="skip").load()
        assert [recording.name for recording in recordings] == ["sub-07_ses-01"]
        assert f"{left_out} of {left_out + 1} scans" in caplog.text
    assert "sub07-scan02: no EEG, sub11-scan01: no BOLD" in caplog.text


@pytest.mark.parametrize("incomplete", ["raise", "skip"])
def test_folders_without_scans(tmp_path, make_scan, incomplete):
    with pytest.raises(DataFolderError, match="There is no folder"):
        NeuroBOLTDataset(tmp_path / "nowhere", incomplete=incomplete).load()
    with pytest.raises(DataFolderError, match="expected sub01-.* there is no scan"):
        NeuroBOLTDataset(tmp_path, incomplete=incomplete).load()
    make_scan("sub01-scan01", eeg=None)
    with pytest.raises(DataFolderError, match="sub01-scan01: no EEG"):
        NeuroBOLTDataset(tmp_path, incomplete=incomplete).load()


def test_names_may_have_more_behind_the_scan(tmp_path, make_scan):
    make_scan("sub01-scan01", eeg=".", bold=".", form="one file")
    (tmp_path / "sub01-scan01.set").rename(tmp_path / "sub01-scan01_eeg_clean.set")
    # Neither hidden files nor other files are taken for scans.
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "sub02-scan01.set").touch()
    for name in (
        "._sub01-scan01.set",
        "sub03-scan01.txt",
        "xsub04-scan01.set",
        "notes.pkl",
    ):
        (tmp_path / name).touch()
    assert [r.name for r in NeuroBOLTDataset(tmp_path).load()] == ["sub-01_ses-01"]


def test_two_files_for_one_scan(tmp_path, make_scan):
    make_scan("sub01-scan01")
    make_scan("sub01-scan01", eeg=None, bold="older")
    make_scan("sub02-scan01")
    with pytest.raises(DataFolderError, match="holds 1 file more than once") as caught:
        NeuroBOLTDataset(tmp_path).load()
    files = ["fMRI_difumo64", "older"]
    files = [os.path.join(folder, "sub01-scan01_difumo64_roi.pkl") for folder in files]
    assert f"sub01-scan01 (BOLD) in {files[0]} and {files[1]}." in str(caught.value)


def test_all_complaints_come_at_once(tmp_path, make_scan):
    eeg, bold = tmp_path / "EEG_set", tmp_path / "fMRI_difumo64"
    for number in range(1, 10):
        make_scan(f"sub0{number}-scan01")
    (eeg / "sub02-scan01.fdt").write_bytes((eeg / "sub02-scan01.fdt").read_bytes()[:-100])
    (eeg / "sub03-scan01.fdt").unlink()
    (eeg / "sub04-scan01.set").write_bytes(b"no MATLAB file")
    made = tmp_path / "made"
    attack = f"cos\nmkdir\n(S{str(made)!r}\ntR.".encode()
    (bold / "sub05-scan01_difumo64_roi.pkl").write_bytes(attack)
    (bold / "sub06-scan01_difumo64_roi.pkl").write_bytes(pickle.dumps(make_bold(8)))
    spoilt = make_bold(9)
    spoilt.iloc[3, 2] = np.nan
    (bold / "sub07-scan01_difumo64_roi.pkl").write_bytes(pickle.dumps(spoilt))
    samples = np.delete(FIRST + STEP * np.arange(9), 4)
    write_set(eeg / "sub08-scan01.set", make_signal(9), samples)
    write_set(eeg / "sub09-scan01.set", make_signal(9), [], marker="R149")
    with pytest.raises(DataFolderError) as caught:
        NeuroBOLTDataset(tmp_path).load()
    message = str(caught.value)
    assert "8 of 9 recordings" in message
    n_bytes = 4 * len(CH_NAMES) * (FIRST + 9 * STEP)
    for expected in (
        f"- sub02-scan01.fdt has {n_bytes - 100} bytes, expected {n_bytes} ",
        "- sub03-scan01: MNE cannot read sub03-scan01.set (FileNotFoundError",
        "- sub04-scan01: MNE cannot read sub04-scan01.set",
        "- sub05-scan01_difumo64_roi.pkl asks for os.mkdir",
        "- sub06-scan01.fdt: found 9 volumes",
        "- sub07-scan01_difumo64_roi.pkl has 1 missing or non-finite value",
        "- sub08-scan01.fdt: 1 marker is missing among 9 volumes",
        "- sub09-scan01.fdt has no volume markers",
    ):
        assert expected in message
    assert not made.exists()


def test_markers_are_mended(tmp_path, make_scan):
    signal, table = make_scan("sub01-scan01")
    samples = FIRST + STEP * np.arange(9)
    twice = np.sort(np.concatenate([samples, samples[2:5]]))
    twice[-1] += 1  # a sample late
    write_set(tmp_path / "EEG_set" / "sub01-scan01.set", signal, twice)
    (recording,) = NeuroBOLTDataset(tmp_path).load()
    np.testing.assert_array_equal(recording.marker_samples(), samples)
    np.testing.assert_array_equal(recording.bold, table.to_numpy(float))

    write_set(tmp_path / "EEG_set" / "sub01-scan01.set", signal, np.delete(samples, 4))
    with pytest.raises(DataFolderError, match="missing='fill'"):
        NeuroBOLTDataset(tmp_path).load()
    (recording,) = NeuroBOLTDataset(tmp_path, missing="fill").load()
    np.testing.assert_array_equal(recording.marker_samples(), samples)


def test_the_published_split():
    sizes = {part: len(scans) for part, scans in PUBLISHED_SPLIT.items()}
    assert sizes == {"train": 18, "validation": 5, "test": 6}
    subjects = [{scan[:5] for scan in scans} for scans in PUBLISHED_SPLIT.values()]
    assert len(set.union(*subjects)) == sum(map(len, subjects)) == 22
    assert len(set().union(*PUBLISHED_SPLIT.values())) == 29


def test_each_window_knows_its_part(tmp_path, make_scan):
    for scan in ("sub01-scan01", "sub06-scan01", "sub07-scan02"):
        make_scan(scan)
    recordings = [prepare_eeg(r, SFREQ) for r in NeuroBOLTDataset(tmp_path).load()]
    windows = create_bold_windows(recordings, 4.0)
    part = published_split(windows.metadata)
    expected = {"01": "train", "06": "validation", "07": "test"}
    assert part.tolist() == [expected[subject] for subject in windows.groups]
    cv = PredefinedSplit(np.where(part == "test", 0, -1))
    ((train, test),) = cv.split(windows.X, windows.y)
    assert set(windows.groups[train]) == {"01", "06"}
    assert set(windows.groups[test]) == {"07"}
    others = pd.DataFrame({"subject": ["01", "01"], "session": ["01", "02"]})
    with pytest.raises(ValueError, match="1 scans are in no part.*: sub01-scan02"):
        published_split(others)


def test_braindecode_gets_the_same(tmp_path, make_scan):
    _, table = make_scan("sub01-scan01")
    concat = NeuroBOLTDataset(tmp_path).to_braindecode()
    (dataset,) = concat.datasets
    assert dict(dataset.description) == {"subject": "01", "session": "01"}
    windows = create_bold_windows(concat, 2.0)
    np.testing.assert_array_equal(windows.y, table)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published tables are not here")
def test_the_published_tables(tmp_path):
    scans = ("sub01-scan01", "sub07-scan02")
    for scan in scans:
        shutil.copy(PUBLISHED / f"{scan}_difumo64_roi.pkl", tmp_path)
        samples = FIRST + STEP * np.arange(575)
        write_set(tmp_path / f"{scan}.set", make_signal(575)[:2], samples, ["CZ", "PZ"])
    recordings = NeuroBOLTDataset(tmp_path, rois="paper").load()
    for recording, scan in zip(recordings, scans, strict=True):
        expected = pd.read_pickle(PUBLISHED / f"{scan}_difumo64_roi.pkl")
        assert recording.bold.shape == (575, 7)
        for name in PAPER_ROIS:
            np.testing.assert_array_equal(
                recording.bold[name], expected[name.replace("'", "’")]
            )
    assert NeuroBOLTDataset(tmp_path).load()[0].bold.shape == (575, 66)


@pytest.fixture
def hub(tmp_path, monkeypatch, make_scan):
    """Put a folder in the place of the Hugging Face Hub; give the calls."""
    pytest.importorskip("huggingface_hub")
    store = tmp_path / "hub"
    for scan in ("sub01-scan01", "sub07-scan01", "sub07-scan02"):
        make_scan(scan, eeg="hub/EEG_set", bold="hub/fMRI_difumo64")
    (store / "README.md").touch()
    calls = []

    def download(repo_id, *, repo_type, revision, local_dir, allow_patterns):
        calls.append((repo_id, repo_type, revision))
        for file in store.rglob("*"):
            name = file.relative_to(store).as_posix()
            if file.is_file() and any(fnmatch(name, pattern) for pattern in allow_patterns):
                target = Path(local_dir) / name
                target.parent.mkdir(exist_ok=True, parents=True)
                shutil.copy(file, target)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return calls


@pytest.mark.parametrize(
    ("kwargs", "n_scans"),
    [
        ({}, 3),
        ({"subjects": [7]}, 2),
        ({"subjects": ["07"], "split": "test"}, 2),
        ({"split": "train", "incomplete": "skip"}, 1),
    ],
)
def test_downloads_what_is_asked_for(tmp_path, hub, kwargs, n_scans):
    dataset = NeuroBOLTDataset(tmp_path / "new" / "data", **kwargs)
    assert len(dataset.download("someone/data", revision="v1").load()) == n_scans
    assert hub == [("someone/data", "dataset", "v1")]
    files = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert len(files) == 3 * n_scans


def test_downloads_that_fail(tmp_path, hub, monkeypatch):
    with pytest.raises(DownloadError, match=r"holds none of the files \*sub09-scan\*"):
        NeuroBOLTDataset(tmp_path / "new", subjects=[9]).download("someone/data")
    monkeypatch.undo()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        DownloadError, match="'no name/at/all' cannot be .* run the same again"
    ):
        NeuroBOLTDataset(tmp_path / "new").download("no name/at/all")


def test_downloads_need_huggingface_hub(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'braindecode-bolt\[hub\]'"):
        NeuroBOLTDataset(tmp_path).download("someone/data")
