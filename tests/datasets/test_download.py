import hashlib
import os
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import numpy as np
import pytest
import requests

from braindecode_bolt.datasets._download import DownloadError, fetch_s3

CONTENT = {
    "ds1/participants.tsv": b"participant_id\n",
    "ds1/sub-01/eeg/sub-01_eeg.edf": np.random.default_rng(0).bytes(300_000),
    "ds1/sub-01/func/sub-01_bold.nii.gz": b"",
    "ds1/sub-02/eeg/sub-02_task-rest & 5%41#+1_eeg.edf": b"two",
    "ds1/sub-03/eeg/sub-03_eeg.edf": b"three",
    "ds10/another.tsv": b"of another data set",
}
NAMES = sorted(key.removeprefix("ds1/") for key in CONTENT if key.startswith("ds1/"))


class Bucket(BaseHTTPRequestHandler):
    """Lists and gives files as S3 does."""

    def do_GET(self):
        address = urlsplit(self.path)
        if "list-type" in (query := parse_qs(address.query)):
            self.server.pages += 1
            self.answer(self.server.listing or self.list(query))
            return
        key = unquote(address.path).removeprefix("/bucket/")
        self.server.asked.append(key)
        spoil = self.server.spoil.get(key)
        content = self.server.content[key]
        if spoil == "missing":
            self.send_error(404)
        elif spoil == "once" and self.server.asked.count(key) == 1:
            self.send_error(503)
        elif spoil == "cut":
            self.answer(content[:-1], len(content))
        elif spoil == "short":
            self.answer(content[:-1])
        elif spoil == "other":
            self.answer(b"x" * len(content))
        elif spoil == "stall":
            self.answer(content[: len(content) // 2], len(content), stall=True)
        else:
            self.answer(content)

    def list(self, query):
        assert query["list-type"] == ["2"]
        (prefix,) = query["prefix"]
        keys = sorted(key for key in self.server.content if key.startswith(prefix))
        start = int(query.get("continuation-token", ["page 0"])[0].removeprefix("page "))
        stop = start + self.server.page_size
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key>"
            f"<Size>{len(self.server.content[key])}</Size>"
            f"<ETag>&quot;{self.etag(key)}&quot;</ETag></Contents>"
            for key in keys[start:stop]
        )
        more = "true" if stop < len(keys) else "false"
        token = f"<NextContinuationToken>page {stop}</NextContinuationToken>"
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{more}</IsTruncated>{token if stop < len(keys) else ''}{items}"
            "</ListBucketResult>"
        ).encode()

    def etag(self, key):
        digest = hashlib.md5(self.server.content[key]).hexdigest()
        return f"{digest}-2" if key in self.server.in_parts else digest

    def answer(self, content, length=None, stall=False):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        if stall:
            self.server.stalled.set()
            self.server.go_on.wait(30)

    def log_message(self, *args):
        pass


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    server.content, server.spoil, server.in_parts = dict(CONTENT), {}, set()
    server.asked, server.pages, server.page_size, server.listing = [], 0, 2, None
    server.stalled, server.go_on = threading.Event(), threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/bucket"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


def files_in(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize("prefix", ["ds1", "/ds1/"])
@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_a_folder_comes_as_it_is(bucket, tmp_path, prefix, page_size):
    bucket.page_size = page_size
    found = fetch_s3(bucket.url, prefix, tmp_path / "new" / "data")
    assert bucket.pages == -(-5 // page_size)
    assert [
        path.relative_to(tmp_path / "new" / "data").as_posix() for path in found
    ] == NAMES
    assert files_in(tmp_path / "new" / "data") == NAMES
    for path, name in zip(found, NAMES, strict=True):
        assert path.read_bytes() == CONTENT[f"ds1/{name}"]


def test_files_are_chosen_by_patterns(bucket, tmp_path, caplog):
    fetch_s3(bucket.url, "ds1", tmp_path, ["sub-0[12]/*_eeg.*", "*.tsv", "sub-09/*"])
    assert files_in(tmp_path) == [
        "participants.tsv",
        "sub-01/eeg/sub-01_eeg.edf",
        "sub-02/eeg/sub-02_task-rest & 5%41#+1_eeg.edf",
    ]
    assert "matches 'sub-09/*'" in caplog.text
    assert len(fetch_s3(bucket.url, "ds1", tmp_path, "*.tsv")) == 1
    with pytest.raises(
        DownloadError, match="None of the 5 files .* participants.tsv, sub-01"
    ):
        fetch_s3(bucket.url, "ds1", tmp_path, ["*.mat"])
    with pytest.raises(DownloadError, match="None of the 0 files"):
        fetch_s3(bucket.url, "ds2", tmp_path)


@pytest.mark.parametrize("in_parts", [False, True])
def test_what_is_there_is_kept(bucket, tmp_path, in_parts, caplog):
    bucket.in_parts = set(CONTENT) if in_parts else set()
    fetch_s3(bucket.url, "ds1", tmp_path)
    assert len(bucket.asked) == 5
    kept = tmp_path / "sub-03/eeg/sub-03_eeg.edf"
    before = kept.stat().st_mtime_ns
    (tmp_path / "participants.tsv").write_bytes(b"shorter")
    (tmp_path / "sub-02/eeg/sub-02_task-rest & 5%41#+1_eeg.edf").unlink()
    bucket.asked.clear()
    caplog.clear()
    fetch_s3(bucket.url, "ds1", tmp_path)
    again = ["ds1/participants.tsv", "ds1/sub-02/eeg/sub-02_task-rest & 5%41#+1_eeg.edf"]
    assert bucket.asked == again
    assert kept.stat().st_mtime_ns == before
    assert "participants.tsv has 7 bytes, expected 15: fetched again" in caplog.text
    assert files_in(tmp_path) == NAMES


def test_same_size_but_another_checksum_is_fetched_again(bucket, tmp_path, caplog):
    (tmp_path / "participants.tsv").write_bytes(b"participant_IT\n")
    (path,) = fetch_s3(bucket.url, "ds1", tmp_path, ["*.tsv"])
    assert path.read_bytes() == CONTENT["ds1/participants.tsv"]
    assert "another checksum than expected" in caplog.text


@pytest.mark.parametrize(
    ("spoil", "in_parts", "expected"),
    [
        ("missing", False, "the server does not give it .404"),
        ("cut", False, "the server does not give it"),
        ("cut", True, "the server does not give it"),
        ("short", False, "it arrived damaged .299999 bytes instead of 300000"),
        ("short", True, "it arrived damaged .299999 bytes instead of 300000"),
        ("other", False, "it arrived damaged .its checksum"),
    ],
)
def test_failures_name_the_file_and_leave_nothing_behind(
    bucket, tmp_path, monkeypatch, spoil, in_parts, expected
):
    get, opened = requests.Session.get, []

    def remember(*args, **kwargs):
        opened.append(get(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr("requests.Session.get", remember)
    key = "ds1/sub-01/eeg/sub-01_eeg.edf"
    bucket.spoil[key] = spoil
    bucket.in_parts = {key} if in_parts else set()
    with pytest.raises(DownloadError, match=expected) as caught:
        fetch_s3(bucket.url, "ds1", tmp_path, retries=0)
    assert str(caught.value).startswith("sub-01/eeg/sub-01_eeg.edf: ")
    assert "1 of 5 files are in" in str(caught.value)
    assert "run the same again" in str(caught.value)
    assert files_in(tmp_path) == ["participants.tsv"]
    # No connection is left open.
    assert opened and all(response.raw.closed for response in opened)
    # The next run asks for what is missing only.
    bucket.spoil.clear()
    bucket.asked.clear()
    fetch_s3(bucket.url, "ds1", tmp_path)
    assert bucket.asked == [f"ds1/{name}" for name in NAMES[1:]]
    assert files_in(tmp_path) == NAMES


def test_a_second_try(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *args: None)
    bucket.spoil["ds1/participants.tsv"] = "once"
    fetch_s3(bucket.url, "ds1", tmp_path, ["*.tsv"], retries=1)
    assert bucket.asked == ["ds1/participants.tsv"] * 2
    assert files_in(tmp_path) == ["participants.tsv"]


def test_a_killed_download_resumes(bucket, tmp_path):
    bucket.spoil["ds1/sub-01/eeg/sub-01_eeg.edf"] = "stall"
    code = f"""
        from braindecode_bolt.datasets import fetch_s3
        fetch_s3({bucket.url!r}, "ds1", {str(tmp_path)!r})
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "NO_PROXY": "*"},
        stderr=subprocess.DEVNULL,
    )
    try:
        assert bucket.stalled.wait(30)
    finally:
        process.kill()
        process.wait()
    target = tmp_path / "sub-01/eeg/sub-01_eeg.edf"
    assert target.parent.is_dir()
    assert not target.exists()
    bucket.spoil.clear()
    bucket.asked.clear()
    found = fetch_s3(bucket.url, "ds1", tmp_path)
    assert bucket.asked == [f"ds1/{name}" for name in NAMES[1:]]
    assert target.read_bytes() == CONTENT["ds1/sub-01/eeg/sub-01_eeg.edf"]
    assert len(found) == 5


@pytest.mark.parametrize(
    "key",
    [
        "../../x",
        "a/../../../x",
        "/x",
        "a//x",
        "a/./x",
        "..\\x",
        "C:x",
        "C:\\x",
        "a\nb",
        "..",
    ],
)
def test_a_server_does_not_choose_places_outside(bucket, tmp_path, key):
    bucket.content[f"ds1/{key}"] = b"evil"
    data_dir = tmp_path / "deep" / "down" / "data"
    with pytest.raises(DownloadError, match="no plain path below"):
        fetch_s3(bucket.url, "ds1", data_dir)
    assert bucket.asked == []
    assert files_in(tmp_path) == []
    # It does not hinder the other files.
    fetch_s3(bucket.url, "ds1", data_dir, ["*.tsv"])
    assert files_in(tmp_path) == ["deep/down/data/participants.tsv"]


@pytest.mark.skipif(os.name == "nt", reason="making links needs a permission there")
def test_links_in_the_folder_do_not_lead_out(bucket, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "sub-01").symlink_to(outside)
    with pytest.raises(DownloadError, match="no plain path below"):
        fetch_s3(bucket.url, "ds1", data_dir)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        (b"<html>Welcome</html>", "but not with the listing of ds1/ .* it is a html"),
        (b"not XML <", "but not with the listing"),
        (b"\xff\xfe<\x00", "but not with the listing"),
        (
            b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult>&b;</ListBucketResult>',
            "it declares a document type",
        ),
        (
            b"<ListBucketResult><Contents><Key>ds1/a</Key></Contents></ListBucketResult>",
            "but not with the listing",
        ),
        (
            b"<ListBucketResult><Contents><Key>b</Key><Size>1</Size></Contents>"
            b"</ListBucketResult>",
            "it has 'b'",
        ),
        (
            b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "does not say where",
        ),
        (
            b"<ListBucketResult><IsTruncated>true</IsTruncated>"
            b"<NextContinuationToken>a</NextContinuationToken></ListBucketResult>",
            "without an end",
        ),
    ],
)
def test_listings_that_are_none(bucket, tmp_path, listing, expected):
    bucket.listing = listing
    with pytest.raises(DownloadError, match=expected):
        fetch_s3(bucket.url, "ds1", tmp_path)
    assert files_in(tmp_path) == []


def test_a_listing_of_any_size_is_not_read(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr("braindecode_bolt.datasets._download._LARGEST_PAGE", 1000)
    bucket.listing = b"<ListBucketResult>" + b" " * 10**6
    with pytest.raises(DownloadError, match="more than 1000 bytes"):
        fetch_s3(bucket.url, "ds1", tmp_path)


def test_no_server(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(DownloadError, match=r"does not list ds1/.*Check the connection"):
        fetch_s3("http://127.0.0.1:9/bucket", "ds1", tmp_path, retries=0)


def test_the_bar_counts_all_bytes(bucket, tmp_path, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, total, **kwargs):
            self.total, self.n = total, 0
            bars.append(self)

        def update(self, n):
            self.n += n

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    expected = sum(len(CONTENT[f"ds1/{name}"]) for name in NAMES)
    for _ in range(2):
        fetch_s3(bucket.url, "ds1", tmp_path)
        assert (bars[-1].n, bars[-1].total) == (expected, expected)


def test_an_older_file_stays_until_the_new_one_is_complete(bucket, tmp_path):
    old = tmp_path / "participants.tsv"
    for in_parts in ((), ("ds1/participants.tsv",)):
        bucket.in_parts = set(in_parts)
        old.write_bytes(b"of my own")
        bucket.spoil["ds1/participants.tsv"] = "cut"
        with pytest.raises(DownloadError, match="the server does not give it"):
            fetch_s3(bucket.url, "ds1", tmp_path, ["*.tsv"], retries=0)
        assert old.read_bytes() == b"of my own"
        bucket.spoil.clear()
        fetch_s3(bucket.url, "ds1", tmp_path, ["*.tsv"])
        assert old.read_bytes() == CONTENT["ds1/participants.tsv"]
        assert files_in(tmp_path) == ["participants.tsv"]


def test_names_that_cannot_be_written_are_named(bucket, tmp_path):
    bucket.content |= {"ds1/a": b"file", "ds1/a/b": b"in a folder of that name"}
    with pytest.raises(DownloadError, match="^a/b: .*run the same again"):
        fetch_s3(bucket.url, "ds1", tmp_path, ["a*"], retries=0)
    bucket.content |= {"ds1/" + "x" * 300: b""}
    with pytest.raises(DownloadError, match="no plain path below"):
        fetch_s3(bucket.url, "ds1", tmp_path, ["x*"], retries=0)
