import os
import subprocess
import sys
import time

import numpy as np
import pytest

from braindecode_bolt._files import atomic_write, content_hash


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "new folder" / "table.tsv"
    with atomic_write(target) as work:
        work.write_text("one")
        assert not target.exists()
    assert target.read_text() == "one"
    with atomic_write(target) as work:
        work.write_text("two")
        assert target.read_text() == "one"
    assert target.read_text() == "two"
    assert listed(target.parent) == ["table.tsv"]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path):
    target = tmp_path / "table.tsv"
    target.write_text("old")
    with pytest.raises(OSError, match="disk full"), atomic_write(target) as work:
        work.write_text("half")
        raise OSError("disk full")
    with pytest.raises(FileNotFoundError), atomic_write(target):
        pass  # nothing was written
    assert target.read_text() == "old" and listed(tmp_path) == ["table.tsv"]


def test_a_folder_is_made_once(tmp_path):
    target = tmp_path / "entry"
    for text in ("first", "second"):
        with atomic_write(target) as work:
            work.mkdir()
            (work / "file").write_text(text)
    assert (target / "file").read_text() == "first"
    with pytest.raises(ValueError, match="no"), atomic_write(tmp_path / "other") as work:
        work.mkdir()
        (work / "file").write_text("half")
        raise ValueError("no")
    assert listed(tmp_path) == ["entry"]


def test_long_names_are_written(tmp_path):
    target = tmp_path / ("ü" * 120 + ".tsv")
    with atomic_write(target) as work:
        work.write_text("x")
    assert target.read_text() == "x"


def age(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def test_files_of_a_killed_process_are_removed(tmp_path, caplog):
    code = (
        "import os, sys; from braindecode_bolt._files import atomic_write\n"
        "with atomic_write(sys.argv[1]) as work:\n"
        "    work.write_text('half'); os._exit(9)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "killed")])
    assert run.returncode == 9
    (left,) = tmp_path.iterdir()
    caplog.set_level("INFO")
    # It was written to a moment ago, then two minutes ago.
    for seconds, there in ((0, True), (120, False)):
        age(left, seconds)
        with atomic_write(tmp_path / "next") as work:
            work.write_text("x")
        assert left.exists() == there
    assert "an interrupted process left" in caplog.text
    assert listed(tmp_path) == ["next"]


def test_files_of_a_living_process_stay(tmp_path):
    """Those of this machine, and for a day those of another machine."""
    with atomic_write(tmp_path / "slow") as work:
        work.write_text("half")
        owner = work.name.split(".")[-2][:16]
        elsewhere = tmp_path / work.name.replace(owner, "f" * 16)
        elsewhere.write_text("half")
        for seconds, there in ((3600, True), (25 * 3600, False)):
            age(work, 3600)
            age(elsewhere, seconds)
            with atomic_write(tmp_path / "next") as other:
                other.write_text("x")
            assert work.exists() and elsewhere.exists() == there


def test_hashes_tell_contents_apart():
    array = np.arange(6.0)
    contents = [
        (),
        ("a",),
        (b"a",),
        ("a", "b"),
        ("ab",),
        (["a", "b"],),
        (1,),
        (True,),
        (None,),
        (array,),
        (array.astype("f4"),),
        (array.reshape(2, 3),),
        (array[:3], array[3:]),
        (array[:0],),
        (array.tobytes(),),
    ]
    hashes = [content_hash(*parts) for parts in contents]
    assert len(set(hashes)) == len(hashes)
    assert all(len(text) == 64 for text in hashes)


def test_hashes_are_the_same_everywhere():
    assert content_hash("a", np.arange(3, dtype="<f4")) == (
        "fa0d5bcec5b720ab919651cff910cd9dfdb7d9fd350ab5c58871b1401f8cf4fe"
    )
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    rows = np.arange(12.0).reshape(3, 4)
    assert content_hash(row for row in rows) == content_hash(*rows)
    # The order in memory is no content.
    assert content_hash(np.asfortranarray(rows)) == content_hash(rows)


@pytest.mark.parametrize("part", [object(), np.array([None]), {1: object()}, {"a", "b"}])
def test_what_has_no_hash_is_refused(part):
    with pytest.raises(TypeError):
        content_hash(part)
