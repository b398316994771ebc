"""Public data sets from S3 buckets and from the Hugging Face Hub."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from .._files import atomic_write

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
    states, are kept, so that an interrupted download resumes. A file replaces an
    older one only when it is complete and its checksum is right.

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
        How many more times to try after a failure, for each file. Default 2.

    Returns
    -------
    list of Path
        The files that match, in the order of their names.

    Raises
    ------
    DownloadError
        If the server cannot be reached, no file matches, a file arrives
        incomplete or with another checksum or cannot be written, or a name would
        lead out of `data_dir`.

    See Also
    --------
    BIDSEEGfMRI.download : A data set of OpenNeuro, by its accession number.

    Examples
    --------
    >>> from braindecode_bolt.datasets import fetch_s3
    >>> openneuro = "https://s3.amazonaws.com/openneuro.org"
    >>> fetch_s3(openneuro, "ds003768", "ds003768", ["sub-01/eeg/*"])  # doctest: +SKIP
    """
    from tqdm.auto import tqdm

    prefix = prefix.strip("/") + "/"
    bucket_url = bucket_url.rstrip("/")
    data_dir = Path(data_dir)
    with _session(retries) as session:
        listed = {
            file.key.removeprefix(prefix): file
            for file in _list(session, bucket_url, prefix)
            if not file.key.endswith("/")
        }
        names = _choose(sorted(listed), patterns, f"{bucket_url}/{prefix}")
        targets = {name: _target(data_dir, name) for name in names}
        total = sum(listed[name].size for name in names)
        logger.info(
            "%d files of %.3g GB in %s/%s", len(names), total / 1e9, bucket_url, prefix
        )
        with tqdm(
            total=total, desc=data_dir.name, unit="B", unit_scale=True, disable=None
        ) as bar:
            for number, name in enumerate(names):
                url = f"{bucket_url}/{quote(listed[name].key)}"
                try:
                    _fetch(session, url, listed[name], targets[name], retries, bar)
                except OSError as error:
                    raise DownloadError(
                        f"{name}: {error}. {number} of {len(names)} files are in "
                        f"{data_dir} and will be kept: check the connection and the "
                        "folder, then run the same again."
                    ) from error
    return list(targets.values())


def fetch_hub(
    source: str, data_dir: str | Path, patterns: Sequence[str], revision: str | None = None
) -> None:
    """Download files of a data set from the Hugging Face Hub.

    Files that are there already are kept, and an interrupted download resumes, as
    huggingface_hub does it.

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
        any(part in ("", ".", "..") or len(part.encode()) > 255 for part in parts)
        or re.search(r'[\x00-\x1f\\:*?"<>|]', name)
        or not target.resolve().is_relative_to(data_dir.resolve())
    ):
        raise DownloadError(
            f"The server has a file {name[:300]!r}, which is no plain path below "
            f"{data_dir}. Nothing was downloaded. Leave it out by the patterns, if you "
            "trust the rest."
        )
    return target


def _fetch(session, url: str, file: _RemoteFile, target: Path, retries: int, bar) -> None:
    """Download one file, unless it is there with the right size and checksum."""
    if _is_complete(target, file):
        bar.update(file.size)
        return
    before = bar.n
    for left in reversed(range(retries + 1)):
        try:
            with atomic_write(target) as work:
                _receive(session, url, file, work, bar)
            return
        except DownloadError:
            bar.update(before - bar.n)
            if not left:
                raise


def _is_complete(target: Path, file: _RemoteFile) -> bool:
    if not target.is_file():
        return False
    found = target.stat().st_size
    if found != file.size:
        logger.warning(
            "%s has %d bytes, expected %d: fetched again", target, found, file.size
        )
        return False
    if file.md5:
        with target.open("rb") as content:
            found = hashlib.file_digest(content, _md5).hexdigest()
        if found != file.md5:
            logger.warning("%s has another checksum than expected: fetched again", target)
            return False
    return True


def _md5():
    # The server's choice; nothing is kept safe by it.
    return hashlib.md5(usedforsecurity=False)


def _receive(session, url: str, file: _RemoteFile, work: Path, bar) -> None:
    """Write what the server gives, and check size and checksum."""
    import requests

    digest, size = _md5(), 0
    try:
        with (
            session.get(url, timeout=_TIMEOUT, stream=True) as response,
            work.open("wb") as content,
        ):
            response.raise_for_status()
            for chunk in response.iter_content(_CHUNK):
                size += len(chunk)
                if size > file.size:
                    break
                content.write(chunk)
                digest.update(chunk)
                bar.update(len(chunk))
    except requests.RequestException as error:
        raise DownloadError(f"the server does not give it ({error})") from error
    if size != file.size:
        raise DownloadError(f"it arrived damaged ({size} bytes instead of {file.size})")
    if file.md5 and digest.hexdigest() != file.md5:
        raise DownloadError("it arrived damaged (its checksum is not the server's)")


@contextmanager
def _session(retries: int) -> Iterator:
    """Open a connection that tries again after a failure of the server."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    adapter = HTTPAdapter(
        max_retries=Retry(retries, backoff_factor=1, status_forcelist=(500, 502, 503, 504))
    )
    with requests.Session() as session:
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        yield session


def _list(session, bucket_url: str, prefix: str) -> Iterator[_RemoteFile]:
    """List the files of a folder, page by page (ListObjectsV2)."""
    import requests

    query = {"list-type": "2", "prefix": prefix}
    seen: set[str] = set()
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
            raise ValueError("it is not complete, but does not say where the rest is")
        wrong = [f.key for f in files if not f.key.startswith(prefix) or f.size < 0]
        if wrong:
            raise ValueError(f"it has {wrong[0][:80]!r}")
    except (ValueError, ElementTree.ParseError) as error:
        raise DownloadError(
            f"{bucket_url} answers, but not with the listing of {prefix} in an S3 bucket: "
            f"{error}. Check the address."
        ) from error
    return files, token
