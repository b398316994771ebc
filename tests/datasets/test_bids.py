"""BIDS data sets, made here with mne-bids and nibabel and read back."""

import json
import logging
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import mne
import nibabel
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath, write_raw_bids

from braindecode_bolt import create_bold_windows, prepare_bold, prepare_eeg
from braindecode_bolt.bold.atlases import AtlasError
from braindecode_bolt.datasets import (
    BIDSEEGfMRI,
    DataFolderError,
    EEGfMRIFolder,
    UnknownRegionError,
)
from braindecode_bolt.datasets import _regions as regions_module

TR, N_VOLUMES, FIRST = 2.0, 24, 20.0
ROIS = ["Thalamus", "Cuneus"]


def make_raw(seed, marker="R128", twice=False):
    """EEG of three electrodes and an ECG, with volume markers and a stimulus."""
    rng = np.random.default_rng(seed)
    names = ["Fz", "Cz", "Pz", "ECG"]
    info = mne.create_info(names, 200.0, ["eeg"] * 3 + ["ecg"])
    info["line_freq"] = 50
    data = 1e-5 * rng.standard_normal((4, round((FIRST + TR * N_VOLUMES) * 200)))
    raw = mne.io.RawArray(data, info, verbose="error")
    onsets = FIRST + TR * np.arange(N_VOLUMES)
    if twice:
        onsets = np.sort(np.concatenate([onsets, onsets[:9]]))
    markers = mne.Annotations(onsets, 0.0, marker)
    return raw.set_annotations(markers + mne.Annotations([5.0], [1.0], ["stimulus"]))


def write_eeg(root, subject, session="01", task="rest", run=None, **kwargs):
    path = BIDSPath(subject, session, task, run=run, root=root, datatype="eeg")
    raw = make_raw(int(subject), **kwargs)
    write_raw_bids(
        raw,
        path,
        format="BrainVision",
        allow_preload=True,
        overwrite=True,
        verbose="error",
    )
    return raw


def write_table(root, name, n_volumes=N_VOLUMES, seed=0, rois=ROIS):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.standard_normal((n_volumes, len(rois))), columns=rois)
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(file, sep="\t", index=False)
    return table


@pytest.fixture
def study(tmp_path):
    """Two subjects with EEG and tables of region series."""
    root = tmp_path / "study"
    eeg, bold = {}, {}
    for number, subject in enumerate(("01", "02")):
        eeg[subject] = write_eeg(root, subject)
        name = f"sub-{subject}_ses-01_task-rest_atlas-X_timeseries.tsv"
        folder = f"derivatives/xcpd/sub-{subject}/ses-01/func"
        bold[subject] = write_table(root, f"{folder}/{name}", seed=number)
    return root, eeg, bold


def test_eeg_and_tables_are_matched(study):
    root, eeg, bold = study
    # Not region series, though they end alike.
    write_table(root, "derivatives/x/sub-01_ses-01_task-rest_desc-confounds_timeseries.tsv")
    recordings = BIDSEEGfMRI(root).load()
    assert [recording.name for recording in recordings] == [
        "sub-01_ses-01_task-rest",
        "sub-02_ses-01_task-rest",
    ]
    for recording in recordings:
        assert not recording.raw.preload
        pd.testing.assert_frame_equal(
            recording.bold, bold[recording.subject], check_names=False
        )
        expected = (FIRST + TR * np.arange(N_VOLUMES)) * 200
        np.testing.assert_array_equal(recording.marker_samples(), expected)
        assert recording.raw.get_channel_types()[-1] == "ecg"
        prepared = prepare_eeg(recording)
        assert prepared.raw.ch_names == ["Fz", "Cz", "Pz"]
        np.testing.assert_allclose(
            prepared.raw.get_data(),
            eeg[recording.subject].get_data(["Fz", "Cz", "Pz"]),
            atol=1e-9,  # BrainVision as mne-bids writes it
        )


def test_windows_are_those_of_mne_epochs(study):
    root, eeg, bold = study
    recording = prepare_bold(prepare_eeg(BIDSEEGfMRI(root, subjects=["02"]).load()[0]))
    windows = create_bold_windows([recording], 4.0)
    raw = eeg["02"].copy().pick("eeg")
    events, _ = mne.events_from_annotations(raw, regexp="R128", verbose="error")
    epochs = mne.Epochs(
        raw, events, tmin=-4.0, tmax=-0.005, baseline=(None, None), verbose="error"
    )
    expected = epochs.get_data() * 1e6
    np.testing.assert_allclose(windows.X, expected, atol=1e-2)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"subjects": ["02"]}, ["sub-02_ses-01_task-rest"]),
        ({"subjects": [2], "tasks": ["task-rest"]}, ["sub-02_ses-01_task-rest"]),
        ({"subjects": ["2"], "tasks": ["rest"]}, ["sub-02_ses-01_task-rest"]),
        ({"sessions": ["01"], "rois": ["Cuneus"]}, None),
    ],
)
def test_some_can_be_chosen(study, selection, expected):
    recordings = BIDSEEGfMRI(study[0], **selection).load()
    if expected is None:
        assert [list(r.bold) for r in recordings] == [["Cuneus"], ["Cuneus"]]
    else:
        assert [recording.name for recording in recordings] == expected


def test_sites_are_those_of_participants(study, caplog):
    root = study[0]
    assert {r.site for r in BIDSEEGfMRI(root).load()} == {None}
    file = root / "participants.tsv"
    table = pd.read_csv(file, sep="\t", dtype=str)
    table.assign(Site=["A", None]).to_csv(file, sep="\t", index=False, na_rep="n/a")
    assert [r.site for r in BIDSEEGfMRI(root).load()] == ["A", None]
    assert BIDSEEGfMRI(root).load()[0].name == "sub-01_ses-01_task-rest"
    both = pd.concat([table.assign(site="A"), table.iloc[:1].assign(site="B")])
    both.to_csv(file, sep="\t", index=False, na_rep="n/a")
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        assert [r.site for r in BIDSEEGfMRI(root).load()] == [None, "A"]
    assert "more than one site for 1 subjects, and none is used for them: 01" in caplog.text
    for rows in ("sub-01\tA\tB\nsub-02\n", "sub-01\tA\nsub-02\tB\tC\n"):
        file.write_text(f"participant_id\tsite\n{rows}")
        with pytest.raises(
            DataFolderError,
            match="participants.tsv (is not a table|has 3 values in a row but 2)",
        ):
            BIDSEEGfMRI(root).load()
    file.unlink()
    file.symlink_to(root / "annex")
    assert [r.site for r in BIDSEEGfMRI(root).load()] == [None, None]
    assert "participants.tsv is a link to a file that is not there" in caplog.text


def test_runs_agree_whatever_zeros_are_in_front(tmp_path):
    write_eeg(tmp_path, "01", run="1")
    table = write_table(tmp_path / "der", "sub-01_ses-01_task-rest_run-01_timeseries.tsv")
    (recording,) = BIDSEEGfMRI(tmp_path, derivatives=tmp_path / "der").load()
    np.testing.assert_allclose(recording.bold, table)


def test_what_has_no_partner_is_left_out_and_logged(study, caplog):
    root, _, _ = study
    write_eeg(root, "03")
    write_table(root, "derivatives/xcpd/sub-09_ses-01_task-rest_timeseries.tsv")
    assert len(BIDSEEGfMRI(root).load()) == 2
    assert "1 run with EEG only left out: sub-03_ses-01_task-rest" in caplog.text
    assert "1 run with BOLD only left out: sub-09_ses-01_task-rest" in caplog.text


def test_markers_of_the_eeg_file_where_events_have_none(study):
    root, _, bold = study
    events = root / "sub-01/ses-01/eeg/sub-01_ses-01_task-rest_events.tsv"
    events.write_text("onset\tduration\ttrial_type\n5.0\t1.0\tstimulus\n")
    # mne-bids numbers the events that it writes into BrainVision files.
    recording = BIDSEEGfMRI(root, subjects=["01"], marker="S 1").load()[0]
    np.testing.assert_allclose(recording.bold, bold["01"])


def test_markers_written_twice_and_dummies(tmp_path):
    write_eeg(tmp_path, "01", twice=True)
    table = write_table(tmp_path, "der/sub-01_ses-01_task-rest_bold.tsv", N_VOLUMES - 3)
    with pytest.raises(DataFolderError, match="dummy_volumes=3"):
        BIDSEEGfMRI(tmp_path).load()
    (recording,) = BIDSEEGfMRI(tmp_path, dummy_volumes=3, tr=TR).load()
    np.testing.assert_allclose(recording.bold, table)
    expected = (FIRST + TR * np.arange(3, N_VOLUMES)) * 200
    np.testing.assert_array_equal(recording.marker_samples(), expected)


def test_several_tables_need_a_choice(study):
    root, _, _ = study
    write_table(
        root, "derivatives/b/sub-01_ses-01_task-rest_atlas-Y_timeseries.tsv", seed=9
    )
    with pytest.raises(
        DataFolderError,
        match="1 run of 2 with several files of BOLD.*atlas-[XY]_timeseries.tsv, sub",
    ):
        BIDSEEGfMRI(root).load()
    assert len(BIDSEEGfMRI(root, bold="*_atlas-X_timeseries.tsv").load()) == 2


def test_complaints_are_collected(study):
    root, _, _ = study
    write_table(
        root,
        "derivatives/xcpd/sub-01/ses-01/func/"
        "sub-01_ses-01_task-rest_atlas-X_timeseries.tsv",
        20,
    )
    (root / "sub-02/ses-01/eeg/sub-02_ses-01_task-rest_eeg.vhdr").write_text("broken")
    with pytest.raises(DataFolderError) as caught:
        BIDSEEGfMRI(root).load()
    message = str(caught.value)
    assert "2 of 2 recordings" in message
    assert "sub-01_ses-01_task-rest_eeg.vhdr:" in message
    assert "expected 20, the volumes of sub-01_ses-01_task-rest_atlas-X_time" in message
    assert "mne-bids cannot read sub-02_ses-01_task-rest_eeg.vhdr" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"root": "nowhere"}, "There is no folder nowhere"),
        ({"derivatives": "nowhere"}, "There is no folder nowhere"),
        ({"bold": "*_desc-preproc_bold.nii.gz"}, "holds no BOLD called"),
        ({"subjects": ["01", "77"]}, "has no subjects 77; it has 1, 2"),
        ({"tasks": ["sleep"]}, "has no tasks sleep; it has rest"),
        ({"runs": ["1"]}, "has no runs 1; it has none"),
    ],
)
def test_errors_say_what_is_there(study, arguments, message):
    with pytest.raises(DataFolderError, match=message):
        BIDSEEGfMRI(**{"root": study[0], **arguments}).load()


@pytest.mark.parametrize("argument", ["subjects", "sessions", "tasks", "runs"])
def test_a_label_is_not_a_list(study, argument):
    with pytest.raises(ValueError, match=f"{argument} must be a list of labels, got '12'"):
        BIDSEEGfMRI(study[0], **{argument: "12"}).load()


def test_rows_go_to_the_volumes_they_name(tmp_path):
    write_eeg(tmp_path, "01")
    name = "sub-01_ses-01_task-rest_timeseries.tsv"
    table = write_table(tmp_path, name).rename_axis("volume").drop(index=[0, 9, 10])
    table.to_csv(tmp_path / name, sep="\t")
    (recording,) = BIDSEEGfMRI(tmp_path).load()
    pd.testing.assert_frame_equal(recording.bold, table)
    expected = (FIRST + TR * table.index.to_numpy()) * 200
    np.testing.assert_array_equal(recording.marker_samples(), expected)


@pytest.mark.parametrize("dataset", [BIDSEEGfMRI, EEGfMRIFolder])
def test_a_recording_in_several_files_is_one(tmp_path, dataset):
    raw = make_raw(1).pick("eeg").resample(2000.0)
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    stem = folder / "sub-01_task-rest_eeg.fif"
    raw.save(stem, split_size="2MB", split_naming="bids", verbose="error")
    assert (folder / "sub-01_task-rest_split-02_eeg.fif").exists()
    table = write_table(folder, "sub-01_task-rest_bold.tsv")
    (recording,) = dataset(tmp_path).load()
    assert recording.raw.n_times == raw.n_times
    np.testing.assert_allclose(recording.bold, table)


def test_an_unknown_region_is_one_error(study):
    with pytest.raises(UnknownRegionError, match="no region 'Cuneos' .near: Cuneus"):
        BIDSEEGfMRI(study[0], rois=["Cuneos"]).load()


@pytest.fixture
def images(tmp_path):
    """EEG, and an image of two regions with a motion confound, as fMRIPrep has them."""
    root, prep = tmp_path / "study", tmp_path / "fmriprep"
    write_eeg(root, "01")
    rng = np.random.default_rng(3)
    labels = np.zeros((8, 8, 6), np.int16)
    labels[1:4, 1:7, 1:5], labels[4:7, 1:7, 1:5] = 1, 2
    series = rng.standard_normal((2, N_VOLUMES))
    motion = rng.standard_normal((N_VOLUMES, 6))
    data = 1000 + 5 * rng.standard_normal((*labels.shape, N_VOLUMES))
    for label in (1, 2):
        data[labels == label] += 50 * series[label - 1] + 80 * motion[:, 0]
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    image = nibabel.Nifti1Image(data.astype(np.float32), affine)
    image.header.set_zooms((3.0, 3.0, 3.0, TR))
    image.header.set_xyzt_units("mm", "sec")
    folder = prep / "sub-01/ses-01/func"
    folder.mkdir(parents=True)
    stem = "sub-01_ses-01_task-rest"
    bold = folder / f"{stem}_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz"
    nibabel.save(image, bold)
    names = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
    confounds = folder / f"{stem}_desc-confounds_timeseries"
    pd.DataFrame(motion, columns=names).to_csv(f"{confounds}.tsv", sep="\t", index=False)
    (folder / f"{confounds.name}.json").write_text(json.dumps({}))
    np.savetxt(folder / f"{stem}_motion.1D", motion)
    atlas = tmp_path / "atlas.nii.gz"
    nibabel.save(nibabel.Nifti1Image(labels, affine), atlas)
    arguments = {
        "root": root,
        "derivatives": prep,
        "atlas": str(atlas),
        "extraction": {"labels": ROIS, "verbose": 0},
    }
    return arguments, series, motion, bold


@pytest.mark.parametrize("confounds", ["fmriprep", "*_motion.1D", {"strategy": ["motion"]}])
def test_regions_are_extracted_from_images(images, confounds):
    arguments, series, motion, _ = images
    (recording,) = BIDSEEGfMRI(**arguments, confounds=confounds).load()
    assert list(recording.bold) == ROIS
    # What is left of the region's own series once trend and motion are out.
    nuisance = np.column_stack([np.ones(N_VOLUMES), np.arange(N_VOLUMES), motion])
    for label, roi in enumerate(ROIS):
        own = series[label] - nuisance @ np.linalg.lstsq(nuisance, series[label])[0]
        if not isinstance(confounds, dict):  # nilearn's "full" motion has 24
            assert np.corrcoef(recording.bold[roi], own)[0, 1] > 0.99
        assert abs(np.corrcoef(recording.bold[roi], motion[:, 0])[0, 1]) < 1e-3


def test_the_global_signal_is_made_where_it_is_named(images):
    arguments, *_ = images
    # As bright outside of the brain as in it: nilearn could not find the brain.
    arguments["extraction"]["mask_img"] = arguments["atlas"]
    rois = ["global signal clean", "Cuneus"]
    (recording,) = BIDSEEGfMRI(**arguments, rois=rois).load()
    assert list(recording.bold) == rois


def test_a_region_without_signal_matters_where_it_was_asked_for(images, tmp_path):
    arguments, *_ = images
    atlas = nibabel.load(arguments["atlas"])
    only_first = (np.asarray(atlas.dataobj) == 1).astype(np.int8)
    mask = tmp_path / "mask.nii.gz"
    nibabel.save(nibabel.Nifti1Image(only_first, atlas.affine), mask)
    arguments["extraction"]["mask_img"] = str(mask)
    (recording,) = BIDSEEGfMRI(**arguments, rois=ROIS[:1]).load()
    assert list(recording.bold) == ROIS[:1]
    with pytest.raises(DataFolderError, match=f"no value in 1 of 2 regions: {ROIS[1]}"):
        BIDSEEGfMRI(**arguments, rois=ROIS).load()
    with pytest.raises(DataFolderError, match=f"1 of 2 regions have no voxel.*{ROIS[1]}"):
        BIDSEEGfMRI(**arguments).load()


def test_without_confounds_motion_stays(images):
    arguments, _, motion, _ = images
    (recording,) = BIDSEEGfMRI(**arguments, confounds=None).load()
    assert np.corrcoef(recording.bold["Cuneus"], motion[:, 0])[0, 1] > 0.5


def _not_again(*args, **kwargs):
    raise AssertionError("extracted again")


def test_extraction_is_done_once(images, tmp_path, monkeypatch, caplog):
    arguments, _, _, bold = images
    arguments["cache_dir"] = tmp_path / "cache"
    first = BIDSEEGfMRI(**arguments).load()[0].bold
    with monkeypatch.context() as patch:
        patch.setattr(regions_module, "extract_regions", _not_again)
        again = BIDSEEGfMRI(**arguments).load()[0].bold
        pd.testing.assert_frame_equal(again, first, check_exact=True)
        with pytest.raises(AssertionError):
            BIDSEEGfMRI(**{**arguments, "confounds": None}).load()
    # Another image under the same name.
    data = nibabel.load(bold)
    changed = data.get_fdata() + np.random.default_rng(0).standard_normal(data.shape)
    nibabel.save(nibabel.Nifti1Image(changed, data.affine, data.header), bold)
    assert not np.allclose(BIDSEEGfMRI(**arguments).load()[0].bold, first)
    # Another atlas under the same name.
    before = BIDSEEGfMRI(**arguments).load()[0].bold
    atlas = nibabel.load(arguments["atlas"])
    labels = np.roll(np.asarray(atlas.dataobj), 1, axis=0)
    nibabel.save(nibabel.Nifti1Image(labels, atlas.affine), arguments["atlas"])
    assert not np.allclose(BIDSEEGfMRI(**arguments).load()[0].bold, before)
    # An object has no name that says what it is.
    arguments["atlas"] = nibabel.load(arguments["atlas"])
    with caplog.at_level(logging.INFO):
        BIDSEEGfMRI(**arguments).load()
    assert "not kept in the cache" in caplog.text


def test_the_header_and_the_markers_must_agree(images):
    arguments, *_ = images
    with pytest.raises(DataFolderError, match="2.5"):
        BIDSEEGfMRI(**arguments, tr=2.5).load()


def test_a_missing_confounds_file_is_an_error(images):
    arguments, _, _, bold = images
    for file in bold.parent.glob("*_motion.1D"):
        file.unlink()
    with pytest.raises(DataFolderError, match="expected one file of confounds"):
        BIDSEEGfMRI(**arguments, confounds="*_motion.1D").load()


def test_corrected_eeg_from_another_folder(study, tmp_path):
    root, _, bold = study
    corrected = tmp_path / "corrected"
    write_eeg(corrected, "01")
    shutil.rmtree(root / "sub-01")
    (recording,) = BIDSEEGfMRI(root, eeg_root=corrected).load()
    np.testing.assert_allclose(recording.bold, bold["01"])


FILES = [
    "dataset_description.json",
    "README",
    "participants.tsv",
    "task-rest_bold.json",
    "sub-01/eeg/sub-01_task-rest_run-1_eeg.vhdr",
    "sub-01/eeg/sub-01_task-sleep_run-1_eeg.eeg",
    "sub-01/func/sub-01_task-rest_run-1_bold.nii.gz",
    "sub-01/anat/sub-01_T1w.nii.gz",
    "sub-01/ses-02/eeg/sub-01_ses-02_task-rest_eeg.set",
    "sub-02/eeg/sub-02_task-rest_run-1_eeg.vhdr",
    "derivatives/fmriprep/sub-01/func/sub-01_task-rest_desc-preproc_bold.nii.gz",
]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6, 8, 9]),
        ({"subjects": ["01"]}, [0, 1, 2, 3, 4, 5, 6, 8]),
        ({"subjects": ["01"], "tasks": ["rest"]}, [0, 1, 2, 3, 4, 6, 8]),
        ({"sessions": ["02"]}, [0, 1, 2, 3, 8]),
    ],
)
def test_what_is_asked_for_is_downloaded(monkeypatch, arguments, expected):
    asked = {}

    def fetch(bucket, prefix, folder, patterns):
        asked.update(bucket=bucket, prefix=prefix, folder=folder)
        asked["files"] = [f for f in FILES if any(fnmatchcase(f, p) for p in patterns)]

    monkeypatch.setattr("braindecode_bolt.datasets.bids.fetch_s3", fetch)
    dataset = BIDSEEGfMRI("here", **arguments)
    assert dataset.download("ds003768") is dataset
    assert asked == {
        "bucket": "https://s3.amazonaws.com/openneuro.org",
        "prefix": "ds003768",
        "folder": "here",
        "files": [FILES[i] for i in expected],
    }
    dataset.download(("https://a.org/b", "c/d"), ["derivatives/*"])
    assert (asked["bucket"], asked["prefix"]) == ("https://a.org/b", "c/d")
    assert asked["files"] == FILES[-1:]


@pytest.mark.parametrize("source", ["natview", "ds37", "https://openneuro.org/ds003768"])
def test_sources_must_be_known(source):
    with pytest.raises(ValueError, match="accession number of OpenNeuro"):
        BIDSEEGfMRI("here").download(source)


# ------------------------------------------------------------------- wrong folders


def test_the_folder_of_fmriprep_alone_is_told_from_the_data_set(images):
    arguments, *_ = images
    prep = arguments["derivatives"]
    with pytest.raises(
        DataFolderError, match="holds no EEG where BIDS has it.*derivatives="
    ):
        BIDSEEGfMRI(prep).load()


def test_other_labels_of_people_are_shown_as_they_are_written(tmp_path):
    write_eeg(tmp_path, "01")
    write_table(tmp_path, "derivatives/sub-S1_ses-01_task-rest_timeseries.tsv")
    with pytest.raises(DataFolderError) as caught:
        BIDSEEGfMRI(tmp_path).load()
    message = str(caught.value)
    assert "EEG: 1 (sub-01_ses-01_task-rest); BOLD: 1 (sub-S1_ses-01_task-rest)" in message
    assert "One person needs the same label in both" in message


@pytest.mark.parametrize("kept", [0, 1000])
def test_images_that_were_cut_off(images, kept):
    arguments, _, _, bold = images
    bold.write_bytes(bold.read_bytes()[:kept])
    with pytest.raises(
        DataFolderError, match="preproc_bold.nii.gz cannot be read .*cut off"
    ):
        BIDSEEGfMRI(**arguments).load()


def test_nilearn_is_quiet_and_the_image_is_named(images, capfd, caplog):
    arguments, _, _, bold = images
    del arguments["extraction"]["verbose"]
    with caplog.at_level("INFO"):
        BIDSEEGfMRI(**arguments).load()
    assert "Masker" not in capfd.readouterr().out
    assert f"{bold.name}: {N_VOLUMES} volumes x 2 regions" in caplog.text


def test_an_atlas_that_cannot_be_fetched_is_asked_for_once(images, monkeypatch):
    asked = []

    def fetch(*args, **kwargs):
        asked.append(args)
        raise AtlasError("cannot be fetched")

    monkeypatch.setattr("braindecode_bolt.datasets._regions.extract_regions", fetch)
    arguments, *_ = images
    folder = Path(arguments["root"])
    write_eeg(folder, "02")
    func = arguments["derivatives"] / "sub-01/ses-01/func"
    for file in list(func.iterdir()):
        if "confounds" in file.name or "preproc" in file.name:
            other = Path(str(file).replace("sub-01", "sub-02"))
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes(file.read_bytes())
    with pytest.raises(AtlasError):
        BIDSEEGfMRI(**arguments).load()
    assert len(asked) == 1


def test_confounds_that_were_cut_off_are_named(images):
    arguments, _, _, bold = images
    (table,) = bold.parent.glob("*confounds_timeseries.tsv")
    table.write_text("\n".join(table.read_text().splitlines()[:10]) + "\n")
    with pytest.raises(DataFolderError, match=f"{bold.name} has confounds of 9 volumes"):
        BIDSEEGfMRI(**arguments).load()
