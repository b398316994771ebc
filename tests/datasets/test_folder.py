import mne
import numpy as np
import pandas as pd
import pytest

from braindecode_bolt import create_bold_windows, prepare_eeg
from braindecode_bolt.datasets import (
    DataFolderError,
    EEGfMRIFolder,
    UnknownRegionError,
)
from braindecode_bolt.datasets._names import entities_of


def write_eeg(raw, path):
    """Write EEG in the format of the ending, without what only FIF can carry."""
    raw = raw.copy()
    if path.suffix == ".fif":
        raw.save(path, verbose="error")
    elif path.suffix == ".vhdr":
        # The markers must be there as events: pybv writes annotations.
        mne.export.export_raw(path, raw, fmt="brainvision", verbose="error")
    else:
        mne.export.export_raw(path, raw, verbose="error")
    return path


@pytest.mark.parametrize("ending", [".edf", ".vhdr", ".fif"])
@pytest.mark.parametrize("table", [".tsv", ".csv"])
def test_eeg_of_any_format_with_a_table_beside_it(
    tmp_path, make_raw, make_bold, ending, table
):
    raw, bold = make_raw(20), make_bold(20)
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    write_eeg(raw, folder / f"sub-01_ses-a_task-rest_run-2_eeg{ending}")
    file = folder / f"sub-01_ses-a_task-rest_run-2_bold{table}"
    bold.to_csv(file, sep="\t" if table == ".tsv" else ",", index=False)
    (recording,) = EEGfMRIFolder(tmp_path).load()
    assert recording.name == "sub-01_ses-a_task-rest_run-2"
    np.testing.assert_allclose(recording.bold, bold)
    windows = create_bold_windows([prepare_eeg(recording)], 4.0)
    signal = raw.get_data()[:, round(6.0 * 200) : round(10.0 * 200)] * 1e6
    signal -= signal.mean(axis=1, keepdims=True)
    # EDF stores 16 bits.
    np.testing.assert_allclose(windows.X[0], signal, atol=0.02)


def test_bold_in_the_annotations_needs_no_table(tmp_path, make_recording):
    recording = make_recording()
    write_eeg(recording.raw, tmp_path / "sub-7_eeg.fif")
    (read,) = EEGfMRIFolder(tmp_path).load()
    pd.testing.assert_frame_equal(read.bold, recording.bold)
    for argument, value in (("marker", "R128"), ("dummy_volumes", 2), ("missing", "fill")):
        with pytest.raises(DataFolderError, match=f"leave out {argument}"):
            EEGfMRIFolder(tmp_path, **{argument: value}).load()
    # A table beside it must say the same.
    recording.bold.to_csv(tmp_path / "sub-7_bold.tsv", sep="\t")
    assert len(EEGfMRIFolder(tmp_path).load()) == 1
    (recording.bold + 1).to_csv(tmp_path / "sub-7_bold.tsv", sep="\t", index=False)
    with pytest.raises(DataFolderError, match="in the table beside it differ"):
        EEGfMRIFolder(tmp_path).load()


@pytest.mark.parametrize("crop", [0.0, 3.1])
def test_markers_may_stand_in_a_table(tmp_path, make_raw, make_bold, crop):
    raw, bold = make_raw(20, marker="nothing").crop(crop), make_bold(20)
    write_eeg(raw, tmp_path / "sub-1_eeg.fif")
    bold.to_csv(tmp_path / "sub-1_bold.csv", index=False)
    onsets = 5.0 + 2.0 * np.arange(20)
    volumes = pd.DataFrame({"onset": onsets})
    volumes.to_csv(tmp_path / "sub-1_volumes.tsv", sep="\t", index=False)
    (recording,) = EEGfMRIFolder(tmp_path).load()
    np.testing.assert_array_equal(recording.marker_samples(), np.round(onsets * 200))
    np.testing.assert_allclose(recording.bold, bold)

    (tmp_path / "sub-1_volumes.tsv").unlink()
    volumes.to_csv(tmp_path / "sub-1_volumes.csv", index=False)
    (same,) = EEGfMRIFolder(tmp_path).load()
    np.testing.assert_array_equal(same.marker_samples(), recording.marker_samples())

    (volumes + 100).to_csv(tmp_path / "sub-1_volumes.tsv", sep="\t", index=False)
    with pytest.raises(DataFolderError, match="Rename the one that should not be read"):
        EEGfMRIFolder(tmp_path).load()
    (tmp_path / "sub-1_volumes.csv").unlink()
    with pytest.raises(DataFolderError, match="20 volumes outside the EEG of"):
        EEGfMRIFolder(tmp_path).load()
    volumes.rename(columns={"onset": "time"}).to_csv(
        tmp_path / "sub-1_volumes.tsv", sep="\t", index=False
    )
    with pytest.raises(DataFolderError, match="needs a column 'onset'"):
        EEGfMRIFolder(tmp_path).load()


@pytest.mark.parametrize("censored", [[3, 4], [0], [18, 19]])
@pytest.mark.parametrize("onsets", [True, False])
def test_censored_volumes_get_no_bold(tmp_path, make_raw, make_bold, censored, onsets):
    raw, bold = make_raw(20), make_bold(20)
    if onsets:
        pd.DataFrame({"onset": raw.annotations.onset}).to_csv(
            tmp_path / "sub-1_volumes.csv", index=False
        )
        raw.set_annotations(None)
    write_eeg(raw, tmp_path / "sub-1_eeg.fif")
    bold.loc[censored] = np.nan
    bold.to_csv(tmp_path / "sub-1_bold.tsv", sep="\t", index=False, na_rep="n/a")
    (recording,) = EEGfMRIFolder(tmp_path).load()
    kept = bold.drop(index=censored)
    np.testing.assert_array_equal(recording.bold, kept)
    assert recording.bold.index.tolist() == kept.index.tolist()
    expected = 2000 + 400 * kept.index.to_numpy()
    np.testing.assert_array_equal(recording.marker_samples(), expected)


def test_another_marker_can_be_named(tmp_path, make_raw, make_bold):
    write_eeg(make_raw(20, marker="scan"), tmp_path / "sub-1_eeg.fif")
    make_bold(20).to_csv(tmp_path / "sub-1_bold.csv", index=False)
    with pytest.raises(DataFolderError, match="has no volume markers"):
        EEGfMRIFolder(tmp_path).load()
    (recording,) = EEGfMRIFolder(tmp_path, marker="scan").load()
    assert recording.bold.shape == (20, 2)


def test_all_complaints_come_at_once(tmp_path, make_raw, make_bold):
    write_eeg(make_raw(20), tmp_path / "sub-1_eeg.fif")
    (tmp_path / "sub-2_eeg.edf").write_bytes(b"not an EDF file at all")
    write_eeg(make_raw(20), tmp_path / "sub-3_eeg.fif")
    make_bold(19).to_csv(tmp_path / "sub-3_bold.csv", index=False)
    write_eeg(make_raw(20), tmp_path / "sub-4_eeg.fif")
    (tmp_path / "sub-4_bold.tsv").write_text("A\tB\n1\tx\n")
    write_eeg(make_raw(20), tmp_path / "sub-5_eeg.fif")
    (tmp_path / "sub-5_bold.tsv").write_bytes(b"")
    with pytest.raises(DataFolderError) as caught:
        EEGfMRIFolder(tmp_path).load()
    message = str(caught.value)
    assert "5 of 5 recordings" in message
    assert "sub-1_eeg.fif: no BOLD: expected sub-1_bold.tsv or sub-1_bold.csv" in message
    assert "sub-2_eeg.edf: MNE cannot read sub-2_eeg.edf" in message
    assert "- sub-3_eeg.fif: found 20 volumes" in message
    assert "expected 19, the volumes of sub-3_bold.csv" in message
    assert "sub-4_bold.tsv has columns that are not numbers: B" in message
    assert "sub-5_bold.tsv is not a table: the file is empty" in message


def test_folders_without_recordings(tmp_path, make_raw):
    with pytest.raises(DataFolderError, match="There is no folder"):
        EEGfMRIFolder(tmp_path / "nowhere").load()
    with pytest.raises(DataFolderError, match="It has no EEG file"):
        EEGfMRIFolder(tmp_path).load()
    write_eeg(make_raw(3), tmp_path / "Subject00_1_eeg.fif")
    with pytest.raises(
        DataFolderError, match="1 EEG file: Subject00_1_eeg.fif; .* or a pattern"
    ):
        EEGfMRIFolder(tmp_path).load()


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("S001R04.edf", None, {"subject": "S001", "run": "04"}),
        ("Subject07_1.edf", None, {"subject": "Subject07", "run": "1"}),
        ("sub-5_run-2_eeg.vhdr", None, {"subject": "5", "run": "2"}),
        (
            "p3-b.edf",
            r"(?P<subject>p\d)-(?P<session>\w)",
            {"subject": "p3", "session": "b"},
        ),
        ("p_3.edf", r"(?P<subject>p_\d)", {"subject": "p3"}),
    ],
)
def test_names_say_who_was_recorded(tmp_path, name, pattern, expected):
    assert entities_of([tmp_path / name], pattern) == {tmp_path / name: expected}


@pytest.mark.parametrize("pattern", [None, r"x(?P<subject>\d)"])
def test_names_that_do_not_say_it(tmp_path, pattern):
    assert entities_of([tmp_path / "rest_1.edf"], pattern) == {}


def test_markers_written_twice_are_mended(tmp_path, make_raw, make_bold):
    raw = make_raw(20)
    raw.annotations.append(raw.annotations.onset[4:], 0.0, "R128")
    write_eeg(raw, tmp_path / "sub-1_eeg.fif")
    make_bold(20).to_csv(tmp_path / "sub-1_bold.csv", index=False)
    (recording,) = EEGfMRIFolder(tmp_path).load()
    np.testing.assert_array_equal(recording.marker_samples(), 2000 + 400 * np.arange(20))
    np.testing.assert_allclose(recording.bold, make_bold(20))


def test_dummy_volumes_are_skipped(tmp_path, make_raw, make_bold):
    write_eeg(make_raw(20), tmp_path / "sub-1_eeg.fif")
    make_bold(17).to_csv(tmp_path / "sub-1_bold.csv", index=False)
    with pytest.raises(DataFolderError, match="dummy_volumes=3"):
        EEGfMRIFolder(tmp_path).load()
    (recording,) = EEGfMRIFolder(tmp_path, dummy_volumes=3).load()
    np.testing.assert_array_equal(recording.marker_samples(), 3200 + 400 * np.arange(17))
    assert recording.bold.index.tolist() == list(range(17))


def test_rows_go_to_the_volumes_they_name(tmp_path, make_raw, make_bold):
    write_eeg(make_raw(20), tmp_path / "sub-1_eeg.fif")
    bold = make_bold(20).rename_axis("volume").drop(index=[0, 1, 7])
    bold.to_csv(tmp_path / "sub-1_bold.tsv", sep="\t")
    (recording,) = EEGfMRIFolder(tmp_path).load()
    pd.testing.assert_frame_equal(recording.bold, bold)
    np.testing.assert_array_equal(
        recording.marker_samples(), 2000 + 400 * bold.index.to_numpy()
    )


@pytest.mark.parametrize("volumes", [[0, 1, 1], [2, 1, 0], [0.5, 1, 2], ["a", "b", "c"]])
def test_volumes_must_ascend(volumes, tmp_path, make_raw, make_bold):
    write_eeg(make_raw(20), tmp_path / "sub-1_eeg.fif")
    bold = make_bold(3).assign(volume=volumes)
    bold.to_csv(tmp_path / "sub-1_bold.tsv", sep="\t", index=False)
    with pytest.raises(DataFolderError, match="'volume' must hold integers that ascend"):
        EEGfMRIFolder(tmp_path).load()


def test_what_is_there_twice_is_an_error(tmp_path, make_raw, make_bold):
    for folder in (tmp_path, tmp_path / "copy"):
        folder.mkdir(exist_ok=True)
        write_eeg(make_raw(20), folder / "sub-1_eeg.fif")
        make_bold(20).to_csv(folder / "sub-1_bold.tsv", sep="\t", index=False)
    with pytest.raises(
        DataFolderError, match="sub-1 has copy.sub-1_eeg.fif, sub-1_eeg.fif. Choose"
    ):
        EEGfMRIFolder(tmp_path).load()


def test_two_tables_for_one_recording_are_an_error(tmp_path, make_raw, make_bold):
    write_eeg(make_raw(20), tmp_path / "sub-1_eeg.fif")
    make_bold(20).to_csv(tmp_path / "sub-1_bold.tsv", sep="\t", index=False)
    make_bold(20, seed=1).to_csv(tmp_path / "sub-1_bold.csv", index=False)
    with pytest.raises(DataFolderError, match="sub-1_bold.tsv and sub-1_bold.csv"):
        EEGfMRIFolder(tmp_path).load()


def test_files_with_other_names_are_reported(tmp_path, make_raw, make_bold, caplog):
    write_eeg(make_raw(20), tmp_path / "sub-1_eeg.fif")
    make_bold(20).to_csv(tmp_path / "sub-1_bold.tsv", sep="\t", index=False)
    write_eeg(make_raw(20), tmp_path / "pilot_raw.fif")
    assert len(EEGfMRIFolder(tmp_path).load()) == 1
    assert "1 EEG file left out, whose names do not follow sub-..._eeg" in caplog.text
    assert "pilot_raw.fif" in caplog.text


@pytest.mark.parametrize("carried", [True, False])
def test_regions_can_be_chosen(carried, tmp_path, make_recording, make_raw, make_bold):
    rois = ("Heschl’s gyrus", "Cuneus", "Putamen")
    if carried:
        raw = make_recording(rois=rois).raw
        bold = make_recording(rois=rois).bold
    else:
        raw, bold = make_raw(), make_bold(rois=rois)
        bold.to_csv(tmp_path / "sub-1_bold.tsv", sep="\t", index=False)
    write_eeg(raw, tmp_path / "sub-1_eeg.fif")
    chosen = ["Putamen", "Heschl's gyrus"]
    (recording,) = EEGfMRIFolder(tmp_path, rois=chosen).load()
    assert list(recording.bold) == chosen
    np.testing.assert_array_equal(recording.bold, bold[["Putamen", "Heschl’s gyrus"]])
    with pytest.raises(UnknownRegionError, match="'Putmen' .near: Putamen"):
        EEGfMRIFolder(tmp_path, rois=["Putmen"]).load()


def test_one_marker_twice_and_another_lost_are_not_even(tmp_path, make_raw, make_bold):
    raw = make_raw(20)
    onsets = np.delete(np.append(raw.annotations.onset, 10.004), 7)
    raw.set_annotations(mne.Annotations(np.sort(onsets), 0.0, "R128"))
    write_eeg(raw, tmp_path / "sub-1_eeg.fif")
    make_bold(20).to_csv(tmp_path / "sub-1_bold.csv", index=False)
    with pytest.raises(DataFolderError, match="volume 7, expected at 24"):
        EEGfMRIFolder(tmp_path).load()


def test_rows_without_a_value_are_volumes_without_bold(tmp_path, make_raw, make_bold):
    write_eeg(make_raw(20), tmp_path / "sub-1_eeg.fif")
    bold = make_bold(20)
    bold.iloc[[0, 5, 19]] = np.nan
    bold.to_csv(tmp_path / "sub-1_bold.tsv", sep="\t", index=False, na_rep="n/a")
    (recording,) = EEGfMRIFolder(tmp_path).load()
    expected = bold.dropna().rename_axis("volume")
    pd.testing.assert_frame_equal(recording.bold, expected)
    samples = recording.marker_samples()
    np.testing.assert_array_equal(samples, 2000 + 400 * expected.index.to_numpy())
    # How many volumes there are is known all the same.
    bold.iloc[:-1].to_csv(tmp_path / "sub-1_bold.tsv", sep="\t", index=False, na_rep="n/a")
    with pytest.raises(DataFolderError, match="expected 19, the volumes of sub-1_bold.tsv"):
        EEGfMRIFolder(tmp_path).load()


# ------------------------------------------------------------ what to do about it


def test_a_pattern_that_matches_a_part_is_completed_in_the_message(
    tmp_path, make_raw, make_bold
):
    write_eeg(make_raw(20), tmp_path / "VP01_rest1_CBC.vhdr")
    make_bold(20).to_csv(tmp_path / "VP01_rest1_CBC_bold.csv", index=False)
    with pytest.raises(DataFolderError) as caught:
        EEGfMRIFolder(tmp_path, pattern=r"(?P<subject>\d+)_(?P<run>rest\d)").load()
    message = str(caught.value)
    assert "finds '01_rest1' in 'VP01_rest1_CBC'" in message
    advice = message.partition("pattern='")[2].removesuffix("'.")
    (recording,) = EEGfMRIFolder(tmp_path, pattern=advice).load()
    assert (recording.subject, recording.run) == ("01", "rest1")


@pytest.mark.parametrize("name", ["VP01_rest1", "anna"])
def test_a_pattern_is_proposed_that_reads_the_files(tmp_path, make_raw, make_bold, name):
    write_eeg(make_raw(20), tmp_path / f"{name}.vhdr")
    make_bold(20).to_csv(tmp_path / f"{name}_bold.csv", index=False)
    with pytest.raises(DataFolderError) as caught:
        EEGfMRIFolder(tmp_path).load()
    advice = str(caught.value).partition("pattern='")[2].removesuffix("'.")
    (recording,) = EEGfMRIFolder(tmp_path, pattern=advice).load()
    assert recording.subject == name.split("_")[0]


def test_a_table_of_a_similar_name_is_named(tmp_path, make_raw, make_bold):
    write_eeg(make_raw(20), tmp_path / "VP01_rest1_CBC.vhdr")
    make_bold(20).to_csv(tmp_path / "VP01_rest1_bold.csv", index=False)
    dataset = EEGfMRIFolder(tmp_path, pattern=r"(?P<subject>VP\d+)_.*")
    with pytest.raises(
        DataFolderError, match="There is VP01_rest1_bold.csv: rename the table"
    ):
        dataset.load()


def test_a_part_of_a_bids_data_set_is_recognised(tmp_path, make_raw):
    (tmp_path / "dataset_description.json").write_text("{}")
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    write_eeg(make_raw(20), folder / "sub-01_task-rest_eeg.vhdr")
    with pytest.raises(
        DataFolderError, match="part of the BIDS data set .*: give that fol"
    ):
        EEGfMRIFolder(tmp_path / "sub-01").load()


def test_eeg_that_began_late_is_read_on_request(tmp_path, make_raw, make_bold):
    raw, bold = make_raw(20), make_bold(20)
    recording_of = raw.annotations.onset
    late = raw.copy().crop(recording_of[3] - 0.5, None)
    write_eeg(late, tmp_path / "sub-01_eeg.vhdr")
    bold.to_csv(tmp_path / "sub-01_bold.csv", index=False)
    with pytest.raises(DataFolderError, match="seems to have begun after the fMRI"):
        EEGfMRIFolder(tmp_path).load()
    (recording,) = EEGfMRIFolder(tmp_path, uncovered="drop").load()
    np.testing.assert_allclose(recording.bold, bold.iloc[3:])


def test_some_subjects_only(tmp_path, make_raw, make_bold):
    for subject in ("01", "02", "A"):
        write_eeg(make_raw(20), tmp_path / f"sub-{subject}_eeg.fif")
        make_bold(20).to_csv(tmp_path / f"sub-{subject}_bold.csv", index=False)
    (tmp_path / "sub-02_bold.csv").write_text("")  # Not read, so that it is no error.
    found = EEGfMRIFolder(tmp_path, subjects=["sub-01", "A"]).load()
    assert [recording.subject for recording in found] == ["01", "A"]
    with pytest.raises(DataFolderError, match="has no subjects 7; it has 01, 02, A"):
        EEGfMRIFolder(tmp_path, subjects=["7"]).load()
    with pytest.raises(ValueError, match="subjects must be a list"):
        EEGfMRIFolder(tmp_path, subjects="01").load()
