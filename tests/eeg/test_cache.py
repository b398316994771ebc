"""Prepared EEG on disk: the same values, made once, whole or not at all."""

import copy
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, cross_val_score

from braindecode_bolt import (
    Recording,
    create_bold_windows,
    prepare_bold,
    prepare_eeg,
)
from braindecode_bolt.eeg.cache import CachedRaw, CacheError, cached_raw, identity_of
from braindecode_bolt.linear import LaggedBandPower


@pytest.fixture
def raw(make_raw):
    return make_raw(20, ch_names=("Fz", "Cz", "Pz"))


@pytest.fixture
def cached(raw, tmp_path):
    return cached_raw(tmp_path, "sub-01", {"a": 1}, lambda: raw)


def entries(folder):
    """What a user of the cache can see in it."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def test_it_gives_back_what_was_prepared(raw, cached):
    assert isinstance(cached, CachedRaw)
    assert not cached.preload
    assert cached.ch_names == raw.ch_names
    assert cached.first_samp == raw.first_samp
    # Kept as float32 microvolts.
    np.testing.assert_allclose(cached.get_data(), raw.get_data(), rtol=1e-6)
    signal_ = cached.signal
    assert isinstance(signal_, np.memmap) and not signal_.flags.writeable
    np.testing.assert_array_equal(signal_, (raw.get_data() * 1e6).astype(np.float32))


@pytest.mark.parametrize(
    ("picks", "start", "stop"),
    [(None, 0, None), ([2, 0], 10, 50), (["Cz"], 0, 1), ("eeg", 7900, 8000)],
)
def test_parts_are_read_as_of_any_raw(raw, cached, picks, start, stop):
    expected = raw.get_data(picks, start, stop)
    np.testing.assert_allclose(cached.get_data(picks, start, stop), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.crop(1.0, 20.0),
        lambda raw: raw.pick(["Pz", "Fz"]),
        lambda raw: raw.crop(1.0, 20.0).pick(["Pz"]).load_data(verbose="error"),
        lambda raw: raw.load_data(verbose="error").filter(1.0, None, verbose="error"),
        lambda raw: raw.load_data(verbose="error").resample(100.0, verbose="error"),
        lambda raw: mne.concatenate_raws([raw, raw.copy().crop(3.0)]),
        lambda raw: mne.set_eeg_reference(
            raw.load_data(verbose="error"), "average", projection=False, verbose="error"
        )[0],
        lambda raw: raw.set_eeg_reference(projection=True, verbose="error").apply_proj(
            verbose="error"
        ),
    ],
)
def test_what_mne_does_to_it_is_as_to_any_raw(raw, cached, change):
    """And the file is not taken for the result."""
    expected, got = change(raw.copy()), change(cached.copy())
    np.testing.assert_allclose(got.get_data(), expected.get_data(), rtol=1e-5, atol=1e-12)
    assert getattr(got, "signal", None) is None
    assert cached.signal is not None


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: x.copy()])
def test_copies_stay_on_disk(cached, copied):
    assert isinstance(copied(cached).signal, np.memmap)


def test_it_can_be_pickled(cached):
    content = pickle.dumps(cached)
    assert len(content) < cached.signal.nbytes / 2
    np.testing.assert_array_equal(pickle.loads(content).signal, cached.signal)


def test_it_can_be_saved(cached, tmp_path):
    cached.save(tmp_path / "copy_raw.fif", verbose="error")
    saved = mne.io.read_raw_fif(tmp_path / "copy_raw.fif", verbose="error")
    np.testing.assert_allclose(saved.get_data(), cached.get_data(), rtol=1e-6)


def test_it_is_made_once(raw, tmp_path):
    made = []

    def make():
        made.append(1)
        return raw

    for _ in range(3):
        cached_raw(tmp_path, "sub-01", {"a": 1}, make)
    assert len(made) == 1
    cached_raw(tmp_path, "sub-01", {"a": 2}, make)
    assert len(made) == 2
    assert len(entries(tmp_path)) == 2


def test_a_failure_leaves_nothing_behind(tmp_path):
    def make():
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        cached_raw(tmp_path / "cache", "sub-01", {}, make)
    assert not (tmp_path / "cache").exists()


def test_a_failure_while_writing_leaves_nothing_behind(raw, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(mne.io, "write_info", full)
    with pytest.raises(OSError, match="No space left"):
        cached_raw(tmp_path, "sub-01", {}, lambda: raw)
    assert not list(tmp_path.iterdir())


def half(file):
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[-len(content) // 3] ^= 4
    file.write_bytes(content)


def become_a_folder(file):
    file.unlink()
    file.mkdir()


def rewrite(change):
    def damage(file):
        np.save(file.with_suffix(".other.npy"), change(np.load(file)))
        file.with_suffix(".other.npy").replace(file)

    return damage


DAMAGE = {
    "half": half,
    "flipped bit": flip_a_bit,
    "empty": lambda file: file.write_bytes(b""),
    "missing": lambda file: file.unlink(),
    "folder": become_a_folder,
    "other text": lambda file: file.write_text("[1, 2]"),
    "null": lambda file: file.write_text("null"),
    "other dtype": rewrite(lambda signal: signal.astype(float)),
    "other shape": rewrite(lambda signal: signal.T),
    "other values": rewrite(lambda signal: 2 * signal),
}
OF_ARRAYS = ("other dtype", "other shape", "other values")


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("file", ["signal.npy", "channels.info", "entry.json"])
def test_a_damaged_entry_is_reported(raw, tmp_path, file, kind):
    if kind in OF_ARRAYS and file != "signal.npy":
        pytest.skip("not an array")
    cached_raw(tmp_path, "sub-01", {}, lambda: raw)
    (entry,) = entries(tmp_path)
    DAMAGE[kind](entry / file)
    with pytest.raises(CacheError, match=f"{entry.name} is damaged.*Remove it"):
        cached_raw(tmp_path, "sub-01", {}, lambda: raw)


def test_markers_cannot_be_moved_by_an_edited_entry(raw, tmp_path):
    cached_raw(tmp_path, "sub-01", {}, lambda: raw)
    (entry,) = entries(tmp_path)
    file = entry / "entry.json"
    text = file.read_text().replace('"first_samp": 0', '"first_samp": 1')
    assert text != file.read_text()
    file.write_text(text)
    with pytest.raises(CacheError, match="entry.json was changed"):
        cached_raw(tmp_path, "sub-01", {}, lambda: raw)


def test_a_file_in_the_place_of_an_entry_is_reported(raw, tmp_path):
    cached_raw(tmp_path, "sub-01", {}, lambda: raw)
    (entry,) = entries(tmp_path)
    shutil.rmtree(entry)
    entry.write_text("")
    with pytest.raises(CacheError, match="is damaged"):
        cached_raw(tmp_path, "sub-01", {}, lambda: raw)


def test_a_full_disk_is_an_error_that_names_the_folder(raw, tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="could not be written.*Make room") as caught:
            cached_raw(tmp_path / "cache", "sub-01", {}, lambda: raw)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_the_cache_must_be_a_folder(raw, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="is a file"):
        cached_raw(tmp_path / "file", "sub-01", {}, lambda: raw)


def test_two_at_the_same_time_make_one_entry(raw, tmp_path):
    together = threading.Barrier(2)
    results = []

    def make():
        together.wait()
        return raw

    def run():
        results.append(cached_raw(tmp_path, "sub-01", {}, make).get_data())

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    np.testing.assert_array_equal(*results)
    assert len(list(tmp_path.iterdir())) == 1


_CHILD = """
import sys, time
from pathlib import Path
import mne, numpy as np
from braindecode_bolt.eeg.cache import cached_raw
info = mne.create_info(["Cz"], 100.0, "eeg")
raw = mne.io.RawArray(np.ones((1, 1000)), info, verbose="error")
write_info = mne.io.write_info
def slow(*args, **kwargs):
    write_info(*args, **kwargs)
    print("half-way", flush=True)
    time.sleep(60)
mne.io.write_info = slow
cached_raw(Path(sys.argv[1]), "sub-01", {}, lambda: raw)
"""


def test_a_process_killed_half_way_leaves_no_entry(raw, tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _CHILD, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "half-way\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".") and not entries(tmp_path)
    cached = cached_raw(tmp_path, "sub-01", {}, lambda: raw)
    np.testing.assert_allclose(cached.get_data(), raw.get_data(), rtol=1e-6)
    # It has just been written to.
    assert left.exists()
    age(left, 120)
    cached_raw(tmp_path, "sub-02", {}, lambda: raw)
    assert not left.exists()


def age(folder, seconds):
    then = time.time() - seconds
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.crop(1.0),
        lambda raw: raw.pick(["Fz", "Pz"]),
        lambda raw: raw.rename_channels({"Fz": "F3"}),
        lambda raw: raw.set_channel_types({"Fz": "eog"}, verbose="error"),
        lambda raw: raw.info["bads"].append("Cz"),
        lambda raw: raw.set_montage("colin27_1020", verbose="error"),
        lambda raw: raw.set_eeg_reference(projection=True, verbose="error"),
        lambda raw: raw.apply_function(lambda x: x * 2),
    ],
)
def test_what_makes_another_recording(raw, tmp_path, change):
    """In memory; of what the file says the next test tells."""
    before = identity_of(raw)
    assert identity_of(raw.copy()) == before
    change(raw)
    assert identity_of(raw) != before
    json.dumps(identity_of(raw))


@pytest.mark.parametrize("ending", ["edf", "vhdr", "fif"])
def test_units_are_those_of_any_format(raw, tmp_path, ending):
    """Files hold integers or microvolts, with their own calibrations."""
    file = tmp_path / f"x_raw.{ending}"
    if ending == "fif":
        raw.save(file, fmt="single", verbose="error")
    else:
        mne.export.export_raw(file, raw, verbose="error")
    opened = mne.io.read_raw(file, verbose="error")
    recording = Recording(opened, "01")
    expected = prepare_eeg(recording).raw.get_data()
    for _ in range(2):
        again = prepare_eeg(recording, cache_dir=tmp_path / "cache").raw
        np.testing.assert_allclose(again.get_data(), expected, rtol=1e-6)
        np.testing.assert_allclose(
            again.copy().crop(2.0).load_data().get_data(),
            expected[:, 400:],
            rtol=1e-6,
        )


def test_a_changed_header_is_another_recording(raw, tmp_path):
    file = tmp_path / "x.vhdr"
    mne.export.export_raw(file, raw, verbose="error")
    before = prepare_eeg(
        Recording(mne.io.read_raw(file, verbose="error"), "01"), cache_dir=tmp_path / "c"
    )
    resolution = re.compile(r"^(Ch\d+=\w+,,)([\d.e-]+)", re.MULTILINE)
    text, n = resolution.subn(lambda m: f"{m[1]}{2 * float(m[2])}", file.read_text())
    assert n == 3
    file.write_text(text)
    after = prepare_eeg(
        Recording(mne.io.read_raw(file, verbose="error"), "01"), cache_dir=tmp_path / "c"
    )
    np.testing.assert_allclose(after.raw.get_data(), 2 * before.raw.get_data(), rtol=1e-6)


@pytest.mark.parametrize("description", ["boundary", "New Segment/", "EDGE"])
def test_a_joint_makes_another_entry(description, raw, tmp_path):
    before = prepare_eeg(Recording(raw, "01"), cache_dir=tmp_path)
    joined = raw.copy()
    joined.annotations.append(raw.first_time + 5.0, 0.0, description)
    after = prepare_eeg(Recording(joined, "01"), cache_dir=tmp_path)
    again = prepare_eeg(Recording(joined, "01"), cache_dir=tmp_path)
    assert before.raw.filenames != after.raw.filenames == again.raw.filenames


def test_parts_and_picks_of_one_file_are_told_apart(raw, tmp_path):
    file = tmp_path / "x_raw.fif"
    raw.save(file, verbose="error")

    def opened():
        return mne.io.read_raw_fif(file, verbose="error")

    def joined(start):
        return mne.concatenate_raws(
            [opened().crop(0, 10), opened().crop(start, start + 5)], verbose="error"
        )

    swapped = opened().pick(["Fz", "Cz"]).rename_channels({"Fz": "Cz", "Cz": "Fz"})
    variants = [
        joined(20),
        joined(30),
        opened().pick(["Fz", "Cz"]).reorder_channels(["Cz", "Fz"]),
        swapped,
    ]
    identities = [json.dumps(identity_of(variant)) for variant in variants]
    assert len(set(identities)) == 4


def test_a_file_is_known_by_what_it_is(raw, tmp_path):
    file = tmp_path / "x_raw.fif"
    raw.save(file, verbose="error")
    opened = mne.io.read_raw_fif(file, verbose="error")
    before = identity_of(opened)
    assert identity_of(mne.io.read_raw_fif(file, verbose="error")) == before
    assert "samples" not in before
    os.utime(file, (1, 1))
    assert identity_of(opened) != before


def prepared(recording, **arguments):
    return prepare_bold(prepare_eeg(recording, **arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"sfreq": 150.0},
        {"channels": ["Cz", "Fz"]},
        {"high_pass": 1.0},
        {"reference": "average"},
        {"reference": ["Pz"]},
    ],
)
def test_windows_are_the_same_from_the_cache(make_recording, tmp_path, arguments):
    recording = make_recording(ch_names=("Fz", "Cz", "Pz"), sfreq=250.0, n_volumes=40)
    expected = create_bold_windows([prepared(recording, **arguments)], 4.0)
    for _ in range(2):
        again = prepared(recording, cache_dir=tmp_path, **arguments)
        assert isinstance(again.raw, CachedRaw)
        windows = create_bold_windows([again], 4.0)
        assert isinstance(windows.X.signals[0], np.memmap)
        np.testing.assert_array_equal(windows.X, expected.X)
        np.testing.assert_array_equal(windows.y, expected.y)
        pd.testing.assert_frame_equal(windows.metadata, expected.metadata)
    assert len(entries(tmp_path)) == 1


def test_every_argument_has_its_own_entry(make_recording, tmp_path):
    recording = make_recording(ch_names=("Fz", "Cz", "Pz"), n_volumes=40)
    for arguments in (
        {},
        {"sfreq": 150.0},
        {"channels": ["Cz", "Fz"]},
        {"channels": ["Fz", "Cz"]},
        {"high_pass": 1.0},
        {"reference": "average"},
        {"reference": ["Pz"]},
    ):
        prepared(recording, cache_dir=tmp_path, **arguments)
    other = make_recording(ch_names=("Fz", "Cz", "Pz"), n_volumes=40, seed=1)
    prepared(other, cache_dir=tmp_path)
    assert len(entries(tmp_path)) == 8


def test_it_is_not_prepared_again(make_recording, tmp_path, monkeypatch):
    recording = make_recording(sfreq=250.0)
    prepare_eeg(recording, cache_dir=tmp_path)
    monkeypatch.setattr(mne.io.BaseRaw, "resample", None)
    prepare_eeg(recording, cache_dir=tmp_path)
    with pytest.raises(TypeError):
        prepare_eeg(recording)


def test_volume_markers_come_from_the_recording(make_recording, tmp_path):
    """BOLD that has changed since is not hidden by what is in the cache."""
    first, second = make_recording(), make_recording(rois=("C",))
    prepare_eeg(first, cache_dir=tmp_path)
    again = prepare_eeg(second, cache_dir=tmp_path)
    assert len(entries(tmp_path)) == 1
    pd.testing.assert_frame_equal(again.bold, second.bold)


def test_cached_windows_in_two_processes(make_recording, tmp_path):
    def windows(**arguments):
        recordings = [
            prepared(make_recording(f"0{i}", seed=i, n_volumes=40), **arguments)
            for i in range(4)
        ]
        return create_bold_windows(recordings, 4.0)

    there, here = windows(cache_dir=tmp_path), windows()
    copied = pickle.loads(pickle.dumps(there.X[5:9]))
    assert isinstance(copied.signals[0], np.memmap)
    np.testing.assert_array_equal(copied, here.X[5:9])
    cv = {"cv": GroupKFold(2), "scoring": "neg_mean_squared_error"}
    scores = [
        cross_val_score(LaggedBandPower(), w.X, w.y, groups=w.groups, n_jobs=n_jobs, **cv)
        for w, n_jobs in ((there, 2), (there, 1), (here, 1))
    ]
    np.testing.assert_allclose(scores[0], scores[2])
    np.testing.assert_allclose(scores[1], scores[2])


def test_home_is_understood_and_no_name_is_not(raw, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    cached = cached_raw("~/cache", "sub-01", {}, lambda: raw)
    assert cached.filenames[0].is_relative_to(tmp_path / "cache")
    with pytest.raises(CacheError, match="must name a folder"):
        cached_raw("", "sub-01", {}, lambda: raw)
