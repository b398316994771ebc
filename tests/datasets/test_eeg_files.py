"""Faults of EEG files: renamed, copied, without content, next to other files."""

import os
import shutil
from functools import partial

import mne
import numpy as np
import pandas as pd
import pybv
import pytest
from scipy.io import savemat

from braindecode_bolt.cli import main
from braindecode_bolt.datasets import (
    BIDSEEGfMRI,
    DataFolderError,
    EEGfMRIFolder,
    NeuroBOLTDataset,
    SemiSimulatedEEGfMRI,
)
from braindecode_bolt.datasets._files import find_eeg
from braindecode_bolt.datasets._reading import crashing_sets

N_VOLUMES, TR, SFREQ = 12, 2.0, 250


def write_vhdr(folder, name, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    data = 2e-5 * np.random.default_rng(seed).standard_normal((2, 30 * SFREQ))
    events = [
        {"onset": SFREQ + 500 * k, "duration": 1, "description": 128, "type": "Response"}
        for k in range(N_VOLUMES)
    ]
    pybv.write_brainvision(
        data=data,
        sfreq=SFREQ,
        ch_names=["Cz", "Pz"],
        fname_base=name,
        folder_out=str(folder),
        events=events,
        overwrite=True,
    )


def write_bold(file, seed=0, names=("A", "B")):
    file.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).standard_normal((N_VOLUMES, len(names)))
    pd.DataFrame(values, columns=list(names)).to_csv(file, sep="\t", index=False)


def as_folder(root, *runs):
    """Two runs of a subject, as a folder or in BIDS; give the place of the EEG."""
    for run in runs:
        write_vhdr(root / "sub-01", f"sub-01_run-{run}_eeg", run)
        write_bold(root / "sub-01" / f"sub-01_run-{run}_bold.tsv", run)
    return root / "sub-01", EEGfMRIFolder(root)


def as_bids(root, *runs):
    for run in runs:
        name = f"sub-01_task-rest_run-{run}"
        write_vhdr(root / "sub-01" / "eeg", f"{name}_eeg", run)
        write_bold(root / "sub-01" / "func" / f"{name}_timeseries.tsv", run)
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
    return root / "sub-01" / "eeg", BIDSEEGfMRI(root)


def as_simulated(root, *runs):
    for run in runs:
        write_vhdr(root, f"sub-01_run-{run}_eeg", run)
    return root, SemiSimulatedEEGfMRI(root)


LAYOUTS = pytest.mark.parametrize("layout", [as_folder, as_bids, as_simulated])


@LAYOUTS
@pytest.mark.parametrize("line", ["DataFile", "MarkerFile", "both"])
def test_a_header_of_another_run_is_refused(tmp_path, layout, line):
    folder, dataset = layout(tmp_path, 1, 2)
    first, second = sorted(folder.glob("*.vhdr"))
    text = second.read_text()
    for key in ("DataFile", "MarkerFile"):
        if line in (key, "both"):
            text = text.replace(f"{key}={second.stem}", f"{key}={first.stem}")
    second.write_text(text)
    kind = "marker file" if line == "MarkerFile" else "data file"
    with pytest.raises(
        DataFolderError, match=f"names the {kind} {first.stem}.*another rec"
    ):
        dataset.load()


@LAYOUTS
def test_markers_of_another_run_are_refused(tmp_path, layout):
    folder, dataset = layout(tmp_path, 1, 2)
    first, second = sorted(folder.glob("*.vmrk"))
    shutil.copy(first, second)
    with pytest.raises(DataFolderError, match=f"{second.name} belongs to {first.stem}.eeg"):
        dataset.load()


@pytest.mark.parametrize("lines", [("DataFile", "MarkerFile"), ("MarkerFile",)])
def test_a_renamed_recording_is_told_how_to_be_mended(tmp_path, lines):
    folder, dataset = as_folder(tmp_path, 1)
    header = folder / "sub-01_run-1_eeg.vhdr"
    for line in lines:
        header.write_text(
            header.read_text().replace(f"{line}={header.stem}", f"{line}=P01")
        )
    with pytest.raises(
        DataFolderError, match="is not there, while sub-01_run-1_eeg"
    ) as caught:
        dataset.load()
    assert "copyfile_brainvision" in str(caught.value)
    # What the message says.
    for line in lines:
        header.write_text(
            header.read_text().replace(f"{line}=P01", f"{line}={header.stem}")
        )
    assert len(dataset.load()) == 1


def test_names_of_data_files_that_are_right(tmp_path):
    folder, dataset = as_folder(tmp_path, 1)
    header = folder / "sub-01_run-1_eeg.vhdr"
    # Another name is no fault where no other recording has it.
    (folder / "sub-01_run-1_eeg.eeg").rename(folder / "raw.eeg")
    header.write_text(header.read_text().replace(f"DataFile={header.stem}", "DataFile=raw"))
    marks = header.with_suffix(".vmrk")
    marks.write_text(marks.read_text().replace(f"DataFile={header.stem}", "DataFile=raw"))
    assert len(dataset.load()) == 1


def write_set(file, data_file=None, signal=None):
    """Write an EEGLAB file, with its data or without."""
    n_times = 30 * SFREQ if signal is None else signal.shape[1]
    events = [("R128", SFREQ + 500.0 * k + 1) for k in range(N_VOLUMES)]
    empty = np.zeros((0, 0))
    content = {
        "setname": "x",
        "nbchan": 2,
        "trials": 1,
        "pnts": n_times,
        "srate": float(SFREQ),
        "xmin": 0.0,
        "xmax": (n_times - 1) / SFREQ,
        "data": data_file if signal is None else signal,
        "event": np.array(events, dtype=[("type", object), ("latency", object)]),
        "chanlocs": np.array([("Cz",), ("Pz",)], dtype=[("labels", object)]),
        **dict.fromkeys(("icawinv", "icasphere", "icaweights", "icachansind"), empty),
        "epoch": empty,
        "ref": "common",
    }
    savemat(file, {"EEG": content}, appendmat=False)


def test_an_eeglab_header_of_another_run_is_refused(tmp_path):
    for run in (1, 2):
        stem = tmp_path / f"sub-01_run-{run}_eeg"
        signal = np.random.default_rng(run).standard_normal((2, 30 * SFREQ))
        signal.astype("f4").T.tofile(f"{stem}.fdt")
        write_set(f"{stem}.set", "sub-01_run-1_eeg.fdt")
        write_bold(tmp_path / f"sub-01_run-{run}_bold.tsv", run)
    with pytest.raises(DataFolderError, match="run-2_eeg.set names the data file sub-01"):
        EEGfMRIFolder(tmp_path).load()


@pytest.mark.parametrize("make", [os.link, os.symlink, shutil.copy])
def test_the_same_recording_under_two_names(tmp_path, make, caplog):
    rng = np.random.default_rng(0)
    raw = mne.io.RawArray(
        1e-5 * rng.standard_normal((2, 30 * SFREQ)),
        mne.create_info(["Cz", "Pz"], SFREQ, "eeg"),
        verbose="error",
    )
    raw.set_annotations(mne.Annotations(1 + TR * np.arange(N_VOLUMES), 0, "R128"))
    mne.export.export_raw(tmp_path / "sub-01_eeg.edf", raw, verbose="error")
    make(tmp_path / "sub-01_eeg.edf", tmp_path / "sub-02_eeg.edf")
    for subject in ("01", "02"):
        write_bold(tmp_path / f"sub-{subject}_bold.tsv", int(subject))
    if make is shutil.copy:
        assert len(EEGfMRIFolder(tmp_path).load()) == 2
        assert "sub-01_eeg.edf and sub-02_eeg.edf hold the same EEG" in caplog.text
    else:
        with pytest.raises(DataFolderError, match="read their EEG from the same file"):
            EEGfMRIFolder(tmp_path).load()


def test_different_recordings_are_no_reason_to_warn(tmp_path, caplog):
    assert len(as_folder(tmp_path, 1, 2)[1].load()) == 2
    assert "same EEG" not in caplog.text


@pytest.mark.parametrize(
    ("subjects", "alike"),
    [(("a", "A"), True), (("1", "01"), True), (("0", "00"), True), (("1", "10"), False)],
)
def test_subjects_that_are_likely_the_same_are_warned_of(tmp_path, subjects, alike, caplog):
    for number, subject in enumerate(subjects):
        write_vhdr(tmp_path, f"sub-{subject}_eeg", number)
        write_bold(tmp_path / f"sub-{subject}_bold.tsv", number)
    assert len(EEGfMRIFolder(tmp_path).load()) == 2
    assert ("differ only in capitals, zeros or spaces" in caplog.text) == alike


COMPANIONS = [".dat", ".head", ".data", ".mat", ".png", ".md5", ".bak", ".log", ".txt"]


@LAYOUTS
def test_what_stands_beside_a_recording_is_ignored(tmp_path, layout):
    folder, dataset = layout(tmp_path, 1)
    (header,) = folder.glob("*.vhdr")
    for ending in COMPANIONS:
        header.with_suffix(ending).write_bytes(b"of a vendor's export")
        header.with_name(f"{header.name}{ending}").write_bytes(b"")
    assert len(dataset.load()) == 1


def test_only_headers_are_found(tmp_path):
    wanted = ["a.edf", "sub-1_eeg.set", "deep/b.vhdr", "sub-2_split-01_eeg.fif", "c.cdt"]
    others = ["a.tsv", "b.eeg", "b.vmrk", "sub-1_eeg.fdt", "sub-1_eeg.json", ".hidden.edf"]
    others += ["sub-2_split-02_eeg.fif", "notes.md", "sub-1_bold.tsv"]
    others += [f"sub-1_eeg{ending}" for ending in COMPANIONS]
    for name in (*wanted, *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = {path.relative_to(tmp_path).as_posix() for path in find_eeg(tmp_path)}
    assert found == set(wanted)
    with_reader = find_eeg(tmp_path, "nicolet")
    assert [path.name for path in with_reader] == ["sub-1_eeg.data"]


def test_one_of_two_copies_is_chosen_by_reader(tmp_path):
    folder, _ = as_folder(tmp_path, 1)
    file = folder / "sub-01_run-1_eeg.vhdr"
    raw = mne.io.read_raw(file, preload=True, verbose="error")
    mne.export.export_raw(file.with_suffix(".edf"), raw, verbose="error")
    with pytest.raises(DataFolderError, match="eeg.edf, .*eeg.vhdr. Choose .* reader="):
        EEGfMRIFolder(tmp_path).load()
    for reader in ("edf", "brainvision"):
        (recording,) = EEGfMRIFolder(tmp_path, reader=reader).load()
        assert type(recording.raw).__name__.lower().startswith(f"raw{reader}"[:8])


def test_the_reader_can_be_a_function(tmp_path):
    _, dataset = as_folder(tmp_path, 1)
    read = partial(mne.io.read_raw_brainvision, scale=2.0, verbose="error")
    (once,), (twice,) = dataset.load(), EEGfMRIFolder(tmp_path, reader=read).load()
    np.testing.assert_allclose(2 * once.raw.get_data(), twice.raw.get_data())
    with pytest.raises(ValueError, match="name of an EEG reader of MNE .*got 'word'"):
        EEGfMRIFolder(tmp_path, reader="word").load()


def test_formats_that_share_an_ending_name_the_argument(tmp_path):
    (tmp_path / "sub-01_eeg.cnt").write_bytes(b"x" * 2000)
    write_bold(tmp_path / "sub-01_bold.tsv")
    with pytest.raises(DataFolderError, match="give reader=.ant. or reader=.cnt."):
        EEGfMRIFolder(tmp_path).load()


@LAYOUTS
@pytest.mark.parametrize("pointer", [False, True])
@pytest.mark.parametrize("ending", [".vhdr", ".eeg", ".vmrk"])
def test_files_without_content_are_counted(tmp_path, layout, pointer, ending):
    """As git-annex leaves them until the content is fetched."""
    folder, dataset = layout(tmp_path, 1, 2)
    for file in folder.glob(f"*{ending}"):
        file.unlink()
        if pointer:
            file.write_text("/annex/objects/MD5E-s75030--0f1.eeg\n")
        else:
            file.symlink_to("../.git/annex/objects/x")
    with pytest.raises(
        DataFolderError, match="2 of the .* 'datalad get'.*sub-01"
    ) as caught:
        dataset.load()
    assert f"run-2_eeg{ending}" in str(caught.value)


def test_bold_without_content_is_not_absent(tmp_path):
    _, dataset = as_bids(tmp_path, 1, 2)
    for file in (tmp_path / "sub-01" / "func").iterdir():
        file.unlink()
        file.symlink_to("../.git/annex/objects/x")
    with pytest.raises(DataFolderError, match="2 of the 8 files needed.*_timeseries.tsv"):
        dataset.load()


def test_scans_of_the_release_without_content(tmp_path):
    for name in ("sub01-scan01.set", "sub01-scan01.fdt", "sub01-scan01_difumo64_roi.pkl"):
        (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(DataFolderError, match="3 of the 3 files needed"):
        NeuroBOLTDataset(tmp_path).load()


@LAYOUTS
@pytest.mark.parametrize("ending", [".vhdr", ".eeg", ".vmrk"])
def test_a_named_pipe_does_not_block(tmp_path, layout, ending):
    folder, dataset = layout(tmp_path, 1)
    (file,) = folder.glob(f"*{ending}")
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DataFolderError, match="is a named pipe or a device"):
        dataset.load()


@pytest.mark.parametrize("name", ["_bold.tsv", "_bold.json", "_volumes.tsv"])
def test_named_pipes_beside_the_eeg_do_not_block(tmp_path, name):
    folder, dataset = as_folder(tmp_path, 1)
    (folder / f"sub-01_run-1{name}").unlink(missing_ok=True)
    os.mkfifo(folder / f"sub-01_run-1{name}")
    with pytest.raises(ValueError, match="is a named pipe or a device|ordinary file"):
        dataset.load()


@pytest.mark.parametrize(
    ("layout", "reader"),
    [
        (as_folder, "mne.io.read_raw"),
        (as_bids, "braindecode_bolt.datasets._bids_eeg.read_raw_bids"),
        (as_folder, "braindecode_bolt.datasets._same_eeg._digest"),
    ],
)
def test_too_little_memory_is_no_damage(tmp_path, layout, reader, monkeypatch):
    _, dataset = layout(tmp_path, 1, 2)

    def fails(*_, **__):
        raise MemoryError

    monkeypatch.setattr(reader, fails)
    with pytest.raises(MemoryError):
        dataset.load()


@pytest.mark.parametrize("name", ["participants.tsv", "sub-01/eeg/sub-01_scans.tsv"])
def test_named_pipes_in_bids_do_not_block(tmp_path, name):
    _, dataset = as_bids(tmp_path, 1)
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataFolderError, match="is a named pipe or a device"):
        dataset.load()


DAMAGE = {
    "crash": "os.abort()",
    "memory": "bytes(10**15)",
    "time": "signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(60)",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_does_not_take_python_along(tmp_path, monkeypatch, damage):
    for number in (1, 2, 3):
        signal = np.random.default_rng(number).standard_normal((2, 30 * SFREQ))
        write_set(tmp_path / f"sub-0{number}_eeg.set", signal=signal.astype("f4"))
        write_bold(tmp_path / f"sub-0{number}_bold.tsv", number)
    files = sorted(tmp_path.glob("*.set"))
    damaged = files[1]
    # What crashes SciPy depends on its version, so that it is made to.
    code = f"""
import os, signal, time, scipy.io
load = scipy.io.loadmat
def read(file, **options):
    if file == {str(damaged)!r}:
        {DAMAGE[damage]}
    return load(file, **options)
scipy.io.loadmat = read
"""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    assert crashing_sets(files) == {damaged}
    if damage == "crash":
        with pytest.raises(DataFolderError, match="1 of 3 .*\n- sub-02_eeg.set is damaged"):
            EEGfMRIFolder(tmp_path).load()


def test_intact_files_survive(tmp_path):
    write_set(tmp_path / "sub-01_eeg.set", "sub-01_eeg.fdt")
    assert crashing_sets([tmp_path / "sub-01_eeg.set"]) == set()


PATTERN = r"(?P<subject>p\d+)_(?P<run>\d+)"


def test_other_names_are_read_by_a_pattern(tmp_path, caplog):
    for run in (1, 2):
        write_vhdr(tmp_path, f"p07_{run}", run)
        write_bold(tmp_path / f"p07_{run}_bold.tsv", run)
    write_vhdr(tmp_path, "pilot")
    recordings = EEGfMRIFolder(tmp_path, pattern=PATTERN).load()
    assert [recording.name for recording in recordings] == [
        "sub-p07_run-1",
        "sub-p07_run-2",
    ]
    assert recordings[1].bold.shape == (N_VOLUMES, 2)
    assert "1 EEG file left out, whose names do not match" in caplog.text
    assert "pilot.vhdr" in caplog.text
    with pytest.raises(DataFolderError, match="3 EEG files: p07_1.vhdr.* or a pattern"):
        EEGfMRIFolder(tmp_path).load()
    with pytest.raises(DataFolderError, match="no BOLD: expected pilot_bold.tsv"):
        EEGfMRIFolder(tmp_path, pattern="(?P<subject>pilot)").load()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "is no regular expression"),
        (r"p\d+", r"must have the group \(\?P<subject>"),
        ("(?P<subject>.)(?P<subjekt>.*)", "may have the groups session, task and run"),
    ],
)
def test_patterns_without_meaning(tmp_path, pattern, message):
    write_vhdr(tmp_path, "p07_1")
    for dataset in (EEGfMRIFolder, SemiSimulatedEEGfMRI):
        with pytest.raises(DataFolderError, match=message):
            dataset(tmp_path, pattern=pattern).load()


def test_labels_are_never_merged(tmp_path):
    for name in ("ö1_1", "ä1_2"):
        write_vhdr(tmp_path, name)
    pattern = r"(?P<subject>\w+)_(?P<run>\d)"
    with pytest.raises(DataFolderError, match="labels 'ä1' and 'ö1' differ only in"):
        EEGfMRIFolder(tmp_path, pattern=pattern).load()
    with pytest.raises(DataFolderError, match="has no letter or digit"):
        EEGfMRIFolder(tmp_path, pattern="(?P<subject>[öä])1.*").load()


HOSTILE = ["..", "<script>alert(1)</script>"[:8], "a,b", "x" * 230, "=1+1", "a\rb", "a b"]


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_names_of_subjects_stay_in_the_folder(tmp_path, label):
    home = tmp_path / "home"
    eeg, out = home / "eeg", home / "out"
    eeg.mkdir(parents=True)
    raw = mne.io.RawArray(
        1e-5 * np.random.default_rng(0).standard_normal((2, 2000)),
        mne.create_info(["Cz", "Pz"], 200.0, "eeg"),
        verbose="error",
    )
    raw.save(eeg / f"{label}_x.fif", verbose="error")
    arguments = ["simulate", "--eeg", str(eeg), "--out", str(out)]
    status = main([*arguments, "--pattern", "(?P<subject>(.|\\s)*)_x"])
    assert (status == 0) == out.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"home"}
    assert {path.name for path in home.iterdir()} <= {"eeg", "out"}


def test_one_subject_with_a_table_does_not_hide_images(tmp_path, caplog):
    """Images serve most runs, so that tables of one are not used."""
    _, dataset = as_bids(tmp_path, 1)
    for run in (2, 3):
        name = f"sub-01_task-rest_run-{run}"
        write_vhdr(tmp_path / "sub-01" / "eeg", f"{name}_eeg", run)
        image = tmp_path / "sub-01" / "func" / f"{name}_desc-preproc_bold.nii.gz"
        image.write_bytes(b"no image, which is what the error shows")
    with pytest.raises(DataFolderError) as caught:
        dataset.load()
    assert "run-2_eeg.vhdr" in str(caught.value) and "run-3_eeg" in str(caught.value)
    assert "2 of 3 runs with EEG have" in caplog.text
    assert "left out: sub-1_task-rest_run-1" in caplog.text
    assert "EEG only" not in caplog.text


def test_one_of_several_eeg_files_is_chosen_by_name(tmp_path):
    folder, dataset = as_bids(tmp_path, 1)
    write_vhdr(folder, "sub-01_task-rest_acq-clean_run-1_eeg", 5)
    with pytest.raises(DataFolderError, match="several files of EEG.*as eeg="):
        dataset.load()
    (recording,) = BIDSEEGfMRI(tmp_path, eeg="*_acq-clean_*").load()
    assert "acq-clean" in str(recording.raw.filenames[0])


@pytest.mark.parametrize("layout", [as_folder, as_bids])
@pytest.mark.parametrize("beside", ["1.5", "-1", '"2"', "true", "[" * 10**5])
def test_the_repetition_time_beside_the_bold_is_read(tmp_path, layout, beside):
    _, dataset = layout(tmp_path, 1)
    (bold,) = tmp_path.rglob("*.tsv")
    name = bold.name.replace("_timeseries.tsv", "_bold.json").replace(".tsv", ".json")
    for tr in ("2.0", beside):
        bold.with_name(name).write_text(f'{{"RepetitionTime": {tr}}}')
        if tr == "2.0":
            assert len(dataset.load()) == 1
    with pytest.raises(DataFolderError, match=f"1.5 s by {name}|{name} (gives|is not)"):
        dataset.load()


@pytest.mark.parametrize("layout", [as_folder, as_bids])
def test_options_of_markers_are_arguments(tmp_path, layout):
    _, dataset = layout(tmp_path, 1)
    (bold,) = tmp_path.rglob("*.tsv")
    table = pd.read_csv(bold, sep="\t")
    table.iloc[:-2].to_csv(bold, sep="\t", index=False)
    with pytest.raises(DataFolderError, match="extra='drop_last'"):
        dataset.load()
    again = type(dataset)(tmp_path, extra="drop_last", marker=["R128", "R149"], tr=TR)
    assert again.load()[0].bold.shape == (N_VOLUMES - 2, 2)
    with pytest.raises(DataFolderError, match="does not fit"):
        type(dataset)(tmp_path, extra="drop_last", tr=1.9).load()
    with pytest.raises(ValueError, match="missing must be"):
        type(dataset)(tmp_path, missing="invent").load()


def test_data_sets_take_every_option_of_markers(tmp_path):
    from dataclasses import fields

    from braindecode_bolt.markers import MarkerOptions

    options = {field.name: field.default for field in fields(MarkerOptions)}
    for kind in (EEGfMRIFolder, BIDSEEGfMRI, NeuroBOLTDataset):
        taken = {field.name: field.default for field in fields(kind)}
        assert options.items() <= taken.items()


def test_tables_say_how_many_rows_they_have(tmp_path):
    folder, dataset = as_folder(tmp_path, 1)
    table = pd.read_csv(folder / "sub-01_run-1_bold.tsv", sep="\t")
    pd.concat([table] * 2).to_csv(folder / "sub-01_run-1_bold.tsv", sep="\t", index=False)
    with pytest.raises(DataFolderError, match="expected 24, the volumes of sub-") as caught:
        dataset.load()
    # The cause is the last that is read: no page follows it.
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------ incomplete files


@LAYOUTS
@pytest.mark.parametrize(
    ("ending", "kept", "message"),
    [
        (".eeg", 0, r"\.eeg is empty"),
        (".vmrk", 0, r"\.vmrk is empty"),
        (".vmrk", b"Mk3=Resp", r"\.vmrk seems to be cut off: it has the line 'Mk"),
        (
            ".vhdr",
            b"Ch1=Cz,",
            r"header of .*\.eeg seems to be cut off: it describes 1 of 2 chan",
        ),
        (".eeg", 3001, r"\.eeg seems to be cut off: its 3001 bytes are 375 samples of 2"),
        (
            ".eeg",
            16_000,
            r"\.eeg seems to be cut off: \d+ of \d+ markers .* at sample 2000",
        ),
    ],
)
def test_brainvision_files_that_were_cut_off(tmp_path, layout, ending, kept, message):
    _, dataset = layout(tmp_path, 1)
    (file,) = tmp_path.rglob(f"*{ending}")
    content = file.read_bytes()
    if isinstance(kept, bytes):  # Up to this text.
        kept = content.index(kept) + len(kept)
    file.write_bytes(content[:kept])
    with pytest.raises(DataFolderError, match=message):
        dataset.load()
