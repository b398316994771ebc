import logging

import mne
import numpy as np
import pandas as pd
import pytest
from braindecode.datasets import BaseConcatDataset, RawDataset
from braindecode.preprocessing import Preprocessor, preprocess

import braindecode_bolt.recording
from braindecode_bolt import (
    Recording,
    attach_bold,
    create_bold_windows,
    find_volume_markers,
    prepare_bold,
    prepare_eeg,
)
from braindecode_bolt.bold import repetition_time, volume_steps
from braindecode_bolt.datasets import simulate_bold
from braindecode_bolt.eeg import common_channels
from braindecode_bolt.eeg.artifacts import (
    mark_artifacts,
    residual_artifacts,
    residual_gradient,
)
from braindecode_bolt.markers import MarkerError, find_markers, joint_samples


def test_bold_comes_back_exactly(make_raw, make_bold):
    raw, bold = make_raw(575, first=0.0), make_bold(575, [f"ROI {i}’" for i in range(64)])
    recording = Recording(attach_bold(raw, bold), "01")
    pd.testing.assert_frame_equal(
        recording.bold, bold, check_names=False, check_index_type=False
    )
    assert all(not extras for extras in raw.annotations.extras)


def test_bold_survives_saving_cropping_and_resampling(make_recording, tmp_path):
    recording = make_recording(sfreq=250.0)
    file = tmp_path / "sub-01_eeg.fif"
    recording.raw.save(file, verbose="error")
    raw = mne.io.read_raw(file, preload=True, verbose="error")
    raw.crop(12.5).resample(200.0, verbose="error")
    kept = Recording(raw, "01").bold
    assert kept.index.tolist() == list(range(2, 20))
    pd.testing.assert_frame_equal(kept, recording.bold.loc[kept.index])


def test_bold_survives_concatenation(make_recording):
    parts = [make_recording(seed=seed) for seed in (1, 2)]
    raw = mne.concatenate_raws([part.raw.copy() for part in parts], verbose="error")
    both = Recording(raw, "01")
    expected = pd.concat([part.bold for part in parts])
    pd.testing.assert_frame_equal(both.bold, expected)


def test_braindecode_carries_recordings(make_recording):
    parts = [make_recording(subject=name, seed=int(name)) for name in ("01", "02")]
    datasets = [RawDataset(part.raw, {"subject": part.subject}) for part in parts]
    dataset = BaseConcatDataset(datasets)
    preprocess(dataset, [Preprocessor("resample", apply_on_array=False, sfreq=100.0)])
    windows = create_bold_windows(dataset, window_seconds=2.0)
    assert windows.groups.tolist() == ["01"] * 20 + ["02"] * 20
    np.testing.assert_array_equal(
        windows.y, np.concatenate([part.bold for part in parts]).astype(np.float32)
    )
    described = {"subject": "01", "site": "A", "session": np.nan, "task": None}
    told = create_bold_windows(
        BaseConcatDataset([RawDataset(parts[0].raw, described)]), 4.0
    )
    assert told.metadata["site"].tolist() == ["A"] * 20
    assert told.metadata[["session", "task"]].isna().all(axis=None)
    with pytest.raises(ValueError, match="'subject' in the description"):
        create_bold_windows(BaseConcatDataset([RawDataset(parts[0].raw, {"age": 3})]))


@pytest.mark.parametrize("n_rows", [19, 21])
def test_the_number_of_markers_must_be_that_of_volumes(make_raw, make_bold, n_rows):
    with pytest.raises(MarkerError, match=f"20 volume markers .* {n_rows} rows of BOLD"):
        attach_bold(make_raw(20), make_bold(n_rows))


def test_no_markers_is_an_error_that_says_what_there_is(make_raw, make_bold):
    with pytest.raises(MarkerError, match=r"It has 'stimulus' \(20\)"):
        attach_bold(make_raw(20, marker="stimulus"), make_bold(20))
    with pytest.raises(MarkerError, match="called R149"):
        attach_bold(make_raw(20), make_bold(20), marker="R149")


def test_two_kinds_of_markers_must_be_told_apart(make_raw, make_bold):
    raw = make_raw(20)
    raw.set_annotations(raw.annotations + mne.Annotations([0.5], 0.0, ["R149"]))
    with pytest.raises(MarkerError, match="R128, R149"):
        attach_bold(raw, make_bold(20))
    assert (
        Recording(attach_bold(raw, make_bold(20), marker="R128"), "01").bold.shape[0] == 20
    )


@pytest.mark.parametrize(
    "marker", ["R128", "Response/R128", "Volume/V  1", "R149", "volume"]
)
def test_usual_markers_are_found_in_any_spelling(make_raw, make_bold, marker):
    recording = Recording(attach_bold(make_raw(5, marker=marker), make_bold(5)), "01")
    assert recording.bold.shape == (5, 2)


def test_a_table_that_is_no_bold_is_refused(make_raw, make_bold):
    raw, bold = make_raw(20), make_bold(20)
    broken = bold.copy()
    broken.loc[3, "B"] = np.nan
    with pytest.raises(
        ValueError, match="non-finite value, the first in volume 3, region 'B'"
    ):
        attach_bold(raw, broken)
    with pytest.raises(ValueError, match="names a region twice: A"):
        attach_bold(raw, bold.set_axis(["A", "A"], axis=1))
    with pytest.raises(ValueError, match="not real numbers: A"):
        attach_bold(raw, bold.astype({"A": str}))
    with pytest.raises(ValueError, match="is empty"):
        attach_bold(raw, bold.iloc[:, :0])
    with pytest.raises(ValueError, match="'noiseless' has the shape"):
        attach_bold(raw, bold, noiseless=bold.iloc[:5])
    with pytest.raises(ValueError, match="'noiseless' has other regions than bold"):
        attach_bold(raw, bold, noiseless=bold.iloc[:, ::-1])
    with pytest.raises(ValueError, match="names a region twice: Heschl's gyrus"):
        attach_bold(raw, bold.set_axis(["Heschl's gyrus", "Heschl’s gyrus"], axis=1))
    broken["B"] = np.nan
    with pytest.raises(ValueError, match=r"no value in 1 of 2 regions: B\. .*\(rois\)"):
        attach_bold(raw, broken)


def test_tables_of_a_simulation_may_spell_regions_otherwise(make_raw, make_bold):
    bold = make_bold(20, ["Heschl’s gyrus", "B"])
    straight = bold.set_axis(["Heschl's gyrus", "B"], axis=1)
    raw = attach_bold(make_raw(20), bold, noiseless=straight, noiseless_window=bold)
    np.testing.assert_allclose(Recording(raw, "01").ceiling, 1.0)


def test_a_recording_tells_its_name():
    assert Recording(None, "01", "a", "2", "rest").name == "sub-01_ses-a_task-rest_run-2"
    assert Recording(None, "7").name == "sub-7"
    assert Recording(None, "7", site="A").entities == {"subject": "7"}


def test_new_tables_leave_the_old_recording_alone(make_recording):
    recording = make_recording()
    before = recording.bold
    doubled = recording.with_tables({"bold": 2 * before})
    pd.testing.assert_frame_equal(doubled.bold, 2 * before)
    pd.testing.assert_frame_equal(recording.bold, before)
    # Neither may rows be left over, nor volumes.
    for rows in (before.iloc[:-1], pd.concat([before, before])):
        with pytest.raises(ValueError, match=f"'bold' has {len(rows)} rows; expected"):
            recording.with_tables({"bold": rows})
    with pytest.raises(ValueError, match="expected one of bold, noiseless"):
        recording.with_tables({"BOLD": before})


def test_a_raw_alone_is_not_enough(make_raw):
    with pytest.raises(TypeError, match=r"Recording\(raw, subject="):
        create_bold_windows(make_raw())
    wanted = (prepare_eeg, prepare_bold, mark_artifacts, residual_artifacts)
    for take in (*wanted, residual_gradient, repetition_time, volume_steps):
        with pytest.raises(TypeError, match=r"got RawArray. Wrap a Raw as Recording\(raw"):
            take(make_raw())
    with pytest.raises(TypeError, match="got RawArray among them"):
        common_channels([make_raw()])
    with pytest.raises(ValueError, match="no recordings"):
        common_channels([])


def test_a_recording_is_no_raw(make_recording):
    recording = make_recording()
    said = "Expected an mne.io.Raw object, got Recording. Give its attribute raw"
    for take in (find_volume_markers, find_markers, joint_samples, simulate_bold):
        with pytest.raises(TypeError, match=said):
            take(recording)
    with pytest.raises(TypeError, match=said):
        attach_bold(recording, recording.bold)


# ------------------------------------------------------------- what is handed back


def _attached(raw, bold):
    return attach_bold(raw, bold)


def _annotated(raw, bold):
    return find_volume_markers(raw).annotate(raw)


def _with_tables(raw, bold):
    return Recording(attach_bold(raw, bold), "01").with_tables({"bold": bold}).raw


def _marked(raw, bold):
    return mark_artifacts(Recording(raw, "01"), flat=None).raw


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize("make", [_attached, _annotated, _with_tables, _marked])
def test_what_is_handed_back_shares_nothing_that_mne_changes(
    make, loaded, make_raw, make_bold, tmp_path
):
    file = tmp_path / "x_raw.fif"
    make_raw(20).save(file, verbose="error")
    raw = mne.io.read_raw(file, preload=loaded, verbose="error")
    before = raw.copy()
    given = make(raw, make_bold(20))
    assert given.preload == loaded
    changed = given.copy() if not loaded else given
    changed.load_data(verbose="error")
    changed.filter(1.0, 40.0, verbose="error").set_eeg_reference(verbose="error")
    given.info["bads"] = ["Cz"]
    given.annotations.append(1.0, 1.0, "BAD")
    given.rename_channels({"Cz": "Oz"}).pick(["Fz"]).resample(100.0, verbose="error")
    given.crop(3.0)
    assert raw.preload == loaded
    assert not mne.utils.object_diff(raw.info, before.info)
    assert raw.annotations == before.annotations
    assert [dict(e) for e in raw.annotations.extras] == [{}] * 20
    np.testing.assert_array_equal(raw.get_data(), before.get_data())


def test_changes_of_the_original_stay_there(make_raw, make_bold):
    raw = make_raw(20)
    recording = Recording(attach_bold(raw, make_bold(20)), "01")
    before = recording.raw.get_data()
    raw.filter(1.0, 40.0, verbose="error").pick(["Fz"])
    np.testing.assert_array_equal(recording.raw.get_data(), before)


# ------------------------------------------------------------- tables, time, subjects


def test_extras_are_read_once_for_all_tables(make_recording, monkeypatch):
    recording = make_recording()
    noiseless = recording.with_tables({"bold": recording.bold, "noiseless": recording.bold})
    tables = noiseless.tables()
    assert list(tables) == ["bold", "noiseless"]
    pd.testing.assert_frame_equal(tables["noiseless"], recording.bold)
    assert recording.table("noiseless").shape == (20, 0)
    calls = []
    read = braindecode_bolt.recording.read_tables
    monkeypatch.setattr(
        braindecode_bolt.recording,
        "read_tables",
        lambda *args: calls.append(args) or read(*args),
    )
    create_bold_windows([recording], 4.0)
    assert len(calls) == 1


def test_the_repetition_time_knows_volumes_that_were_left_out(make_recording):
    recording = make_recording(tr=2.1)
    assert recording.repetition_time == pytest.approx(2.1)
    bold = recording.bold.iloc[::2]
    scrubbed = attach_bold(recording.raw, bold, volumes=bold.index)
    extras = scrubbed.annotations.extras
    for index in range(1, 20, 2):
        extras[index].clear()
    assert Recording(scrubbed, "01").repetition_time == pytest.approx(2.1)
    assert np.isnan(make_recording(n_volumes=1).repetition_time)


@pytest.mark.parametrize(
    ("subjects", "alike"),
    [
        (("a", "A", "b"), "'A', 'a'"),
        (("1", "01", "2"), "'01', '1'"),
        (("a", "a ", "b"), "'a', 'a '"),
        (("10", "1", "100"), None),
        (("0", "00"), "'0', '00'"),
    ],
)
def test_subjects_of_nearly_the_same_label_are_warned_of(
    subjects, alike, make_recording, caplog
):
    recordings = [make_recording(subject=subject) for subject in subjects]
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        create_bold_windows(recordings, 4.0)
    expected = [f"The subjects {alike} are counted as 2"] if alike else []
    assert [r.getMessage()[: len(expected[0])] for r in caplog.records] == expected
