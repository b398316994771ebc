"""Public data sets from S3 buckets and from the Hugging Face Hub."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

__all__ = ["DownloadError", "fetch_hub", "fetch_s3"]

logger = logging.getLogger(__name__)

#: Seconds without an answer after which a server is given up.
_TIMEOUT = 60
#: Bytes read at a time.
_CHUNK = 2**20
#: Bytes that one page of a listing can have: 1,000 names of 1,024 characters.
_LARGEST_PAGE = 2**24


class DownloadError(OSError):
    """Files that cannot be downloaded."""


@dataclass(frozen=True)
class _RemoteFile:
    """A file in a bucket."""

    key: str
    size: int
    etag: str

    @property
    def md5(self) -> str | None:
        """Its checksum, where the ETag is one: files sent in parts have another."""
        return self.etag if re.fullmatch("[0-9a-f]{32}", self.etag) else None


def fetch_s3(
    bucket_url: str,
    prefix: str,
    data_dir: str | Path,
    patterns: Sequence[str] = ("*",),
    *,
    retries: int = 2,
) -> list[Path]:
    """Download files from a public S3 bucket.

    Files that are there already, with the size and the checksum that the server
    states, are kept; so a download that was interrupted goes on where it ended. A
    file gets its name when it is complete and its checksum is right; a process that
    is killed leaves a temporary file (``tmp...``) beside it.

    Parameters
    ----------
    bucket_url : str
        Address of the bucket: ``"https://s3.amazonaws.com/openneuro.org"``,
        ``"https://s3.amazonaws.com/fcp-indi"``.
    prefix : str
        Folder in the bucket: ``"ds003768"``,
        ``"data/Projects/NATVIEW_EEGFMRI"``.
    data_dir : str | Path
        Where the content of that folder goes. It is made where it is missing.
    patterns : sequence of str
        Which files, as glob patterns of the path below `prefix`
        (``"sub-01/*_eeg.*"``); ``*`` stands for slashes as well. By default all.
    retries : int
        How many more times to try after a failure, for each file.

    Returns
    -------
    list of Path
        The files that match, in the order of their names.

    Raises
    ------
    DownloadError
        If the server cannot be reached, no file matches, a file arrives
        incomplete or with another checksum, or a name would lead out of
        `data_dir`.
    """
    import pooch
    from tqdm.auto import tqdm

    prefix = prefix.strip("/") + "/"
    bucket_url = bucket_url.rstrip("/")
    data_dir = Path(data_dir)
    listed = {
        file.key.removeprefix(prefix): file
        for file in _list(bucket_url, prefix, retries)
        if not file.key.endswith("/")
    }
    names = _choose(sorted(listed), patterns, f"{bucket_url}/{prefix}")
    targets = {name: _target(data_dir, name) for name in names}
    total = sum(listed[name].size for name in names)
    logger.info("%d files of %.3g GB in %s/%s", len(names), total / 1e9, bucket_url, prefix)
    level = pooch.get_logger().level
    # Its line per file would break the bar.
    pooch.get_logger().setLevel(logging.WARNING)
    bar = tqdm(total=total, desc=data_dir.name, unit="B", unit_scale=True, disable=None)
    try:
        with bar:
            for number, name in enumerate(names):
                file = listed[name]
                if _is_complete(targets[name], file):
                    bar.update(file.size)
                    continue
                try:
                    _fetch(bucket_url, file, targets[name], retries, bar)
                except DownloadError as error:
                    raise DownloadError(
                        f"{name}: {error}. {number} of {len(names)} files are in "
                        f"{data_dir} and will be kept: check the connection, then run "
                        "the same again."
                    ) from error
    finally:
        pooch.get_logger().setLevel(level)
    return list(targets.values())


def fetch_hub(
    source: str, data_dir: str | Path, patterns: Sequence[str], revision: str | None = None
) -> None:
    """Download files of a data set from the Hugging Face Hub.

    Files that are there already are kept, and an interrupted download goes on:
    both are what huggingface_hub does.

    Parameters
    ----------
    source : str
        Name of the data set repository: ``"owner/name"``.
    data_dir : str | Path
        Where the files go. It is made where it is missing.
    patterns : sequence of str
        Which files, as glob patterns of the path in the repository.
    revision : str | None
        Branch, tag or commit. By default the newest.

    Raises
    ------
    DownloadError
        If the repository cannot be read.
    ImportError
        If huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.utils import (
            HfHubHTTPError,
            HFValidationError,
            LocalEntryNotFoundError,
            OfflineModeIsEnabled,
        )
    except ImportError as error:
        raise ImportError(
            "Downloading from the Hugging Face Hub needs huggingface_hub: pip install "
            "'braindecode-bolt[hub]'. Or download the files by other means and put them "
            f"into {data_dir}."
        ) from error
    data_dir = Path(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    known = (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )
    try:
        snapshot_download(
            source,
            repo_type="dataset",
            revision=revision,
            local_dir=data_dir,
            allow_patterns=list(patterns),
        )
    except known as error:
        raise DownloadError(
            f"The data set {source!r} cannot be downloaded from the Hugging Face Hub: "
            f"{error} Check its name, the connection and, if it is not public, your login "
            "(hf auth login), then run the same again: complete files are kept."
        ) from error


def _choose(names: Sequence[str], patterns: Sequence[str], where: str) -> list[str]:
    if isinstance(patterns, str):
        patterns = (patterns,)
    chosen: set[str] = set()
    for pattern in patterns:
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            logger.warning("no file in %s matches %r", where, pattern)
        chosen.update(matching)
    if not chosen:
        raise DownloadError(
            f"None of the {len(names)} files in {where} matches "
            f"{', '.join(map(repr, patterns))}; there are {', '.join(names[:5]) or 'none'}"
            f"{', ...' if len(names) > 5 else ''}. Check the folder and the patterns."
        )
    return sorted(chosen)


def _target(data_dir: Path, name: str) -> Path:
    """Say where a file goes; a server must not choose a place outside."""
    parts = name.split("/")
    target = data_dir.joinpath(*parts)
    if (
        any(part in ("", ".", "..") for part in parts)
        or re.search(r'[\x00-\x1f\\:*?"<>|]', name)
        or not target.resolve().is_relative_to(data_dir.resolve())
    ):
        raise DownloadError(
            f"The server has a file {name!r}, which is no plain path below {data_dir}. "
            "Nothing was downloaded. Leave it out by the patterns, if you trust the rest."
        )
    return target


def _is_complete(target: Path, file: _RemoteFile) -> bool:
    import pooch

    if not target.is_file():
        return False
    found = target.stat().st_size
    if found != file.size:
        logger.warning(
            "%s has %d bytes, expected %d: fetched again", target, found, file.size
        )
        return False
    if file.md5 and pooch.file_hash(str(target), alg="md5") != file.md5:
        logger.warning("%s has another checksum than expected: fetched again", target)
        return False
    return True


def _fetch(bucket_url: str, file: _RemoteFile, target: Path, retries: int, bar) -> None:
    """Download one file, over one that is not complete."""
    import pooch
    import requests

    cache = pooch.create(
        target.parent,
        base_url="",
        registry={target.name: f"md5:{file.md5}" if file.md5 else None},
        urls={target.name: f"{bucket_url}/{quote(file.key)}"},
        retry_if_failed=retries,
    )
    # Without a checksum, pooch would keep what is there.
    target.unlink(missing_ok=True)
    try:
        cache.fetch(target.name, downloader=_Downloader(file.size, bar))
    except requests.RequestException as error:
        raise DownloadError(f"the server does not give it ({error})") from error
    except ValueError as error:
        raise DownloadError(f"it arrived damaged ({error})") from error


class _Downloader:
    """Fetches a file for pooch, shows its bytes in the bar of all files, counts them."""

    def __init__(self, size: int, bar) -> None:
        self.size = size
        self.bar = bar
        self.shown = 0
        self.total = size

    def __call__(self, url: str, output_file: str, pooch) -> None:
        from pooch import HTTPDownloader

        self.reset()
        responses: list[Any] = []
        fetch = HTTPDownloader(
            progressbar=self,
            chunk_size=_CHUNK,
            timeout=_TIMEOUT,
            hooks={"response": lambda response, **_: responses.append(response)},
        )
        try:
            fetch(url, output_file, pooch)
        finally:
            # pooch leaves a connection that broke open.
            for response in responses:
                response.close()
        found = os.path.getsize(output_file)
        if found != self.size:
            raise ValueError(f"{found} bytes instead of {self.size}")

    # What pooch asks of a progress bar.
    def update(self, n: int) -> None:
        n = min(n, self.size - self.shown)
        self.shown += n
        self.bar.update(n)

    def reset(self) -> None:
        self.bar.update(-self.shown)
        self.shown = 0

    def close(self) -> None:
        pass


def _list(bucket_url: str, prefix: str, retries: int) -> Iterator[_RemoteFile]:
    """List the files of a folder, page by page (ListObjectsV2)."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    adapter = HTTPAdapter(
        max_retries=Retry(retries, backoff_factor=1, status_forcelist=(500, 502, 503, 504))
    )
    query = {"list-type": "2", "prefix": prefix}
    seen: set[str] = set()
    with requests.Session() as session:
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        while True:
            try:
                page = _read_page(session, bucket_url, query)
            except requests.RequestException as error:
                raise DownloadError(
                    f"{bucket_url} does not list {prefix} ({error}). Check the connection "
                    "and the address, then run the same again."
                ) from error
            files, token = _parse_page(page, bucket_url, prefix)
            yield from files
            if token is None:
                return
            if token in seen:
                raise DownloadError(f"{bucket_url} lists {prefix} without an end.")
            seen.add(token)
            query["continuation-token"] = token


def _read_page(session, bucket_url: str, query: dict[str, str]) -> bytes:
    with session.get(bucket_url, params=query, timeout=_TIMEOUT, stream=True) as response:
        response.raise_for_status()
        page = b""
        for chunk in response.iter_content(_CHUNK):
            page += chunk
            if len(page) > _LARGEST_PAGE:
                raise DownloadError(
                    f"A page of the listing of {bucket_url} has more than "
                    f"{_LARGEST_PAGE} bytes; expected at most 1,000 files."
                )
    return page


def _parse_page(
    page: bytes, bucket_url: str, prefix: str
) -> tuple[list[_RemoteFile], str | None]:
    """Read the files and the continuation token from a page of a listing."""
    try:
        text = page.decode()
        # Entities can blow a small page up; listings have none.
        if "<!" in text:
            raise ValueError("it declares a document type")
        root = ElementTree.fromstring(text)
        if not root.tag.endswith("ListBucketResult"):
            raise ValueError(f"it is a {root.tag[:80]}")
        files = [
            _RemoteFile(
                key=item.findtext("{*}Key", ""),
                size=int(item.findtext("{*}Size", "")),
                etag=item.findtext("{*}ETag", "").strip('"').lower(),
            )
            for item in root.iterfind("{*}Contents")
        ]
        more = root.findtext("{*}IsTruncated", "false").strip() == "true"
        token = root.findtext("{*}NextContinuationToken") if more else None
        if more and not token:
            raise ValueError("it goes on, but does not say where")
        strangers = [file.key for file in files if not file.key.startswith(prefix)]
        if strangers:
            raise ValueError(f"it has {strangers[0][:80]!r}")
    except (ValueError, ElementTree.ParseError) as error:
        raise DownloadError(
            f"{bucket_url} answers, but not with the listing of {prefix} in an S3 bucket: "
            f"{error}. Check the address."
        ) from error
    return files, token
