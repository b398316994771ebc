import logging

import numpy as np
import pytest

from braindecode_bolt.datasets import PUBLISHED_SPLIT
from braindecode_bolt.splits import FixedValidation, PublishedSplit

from .simulated import lazy_windows, recording_table

SCANS = sorted(scan for scans in PUBLISHED_SPLIT.values() for scan in scans)


def scans(names, **columns):
    tables = [
        recording_table(np.arange(3), subject=name[3:5], session=name[-2:], **columns)
        for name in names
    ]
    return lazy_windows(tables)


def named(X, rows):
    table = X.metadata.iloc[rows]
    return set("sub" + table["subject"] + "-scan" + table["session"])


def test_all_scans_are_in_their_published_part(caplog):
    X = scans(SCANS)
    cv = PublishedSplit()
    assert cv.get_n_splits() == 1
    with caplog.at_level(logging.WARNING):
        ((train, test),) = cv.split(X)
    assert not caplog.text
    valid = cv.validation_rows(X, train)
    assert named(X, test) == set(PUBLISHED_SPLIT["test"])
    assert named(X, train[valid]) == set(PUBLISHED_SPLIT["validation"])
    assert named(X, np.delete(train, valid)) == set(PUBLISHED_SPLIT["train"])
    fitted, validated = FixedValidation(valid).split(X[train])
    assert (len(fitted), len(validated), len(test)) == (3 * 18, 3 * 5, 3 * 6)


@pytest.mark.parametrize(
    ("subject", "session", "run"),
    [("1", "1", None), ("sub-01", "scan01", "7"), ("01", None, "01")],
)
def test_scans_are_found_by_subject_and_session_or_run(subject, session, run):
    X = scans(["sub01-scan01", "sub07-scan02"])
    table = X.metadata.assign(session=X.metadata["session"].astype(object))
    table.loc[0:2, ["subject", "session", "run"]] = [subject, session, run]
    X = type(X)(X.signals, table, X.info)
    ((train, test),) = PublishedSplit().split(X)
    assert train.tolist() == [0, 1, 2] and test.tolist() == [3, 4, 5]
    assert PublishedSplit().validation_rows(X, train) is None


def test_missing_scans_are_counted(caplog):
    X = scans(["sub01-scan01", "sub06-scan01", "sub07-scan01", "sub07-scan02"])
    with caplog.at_level(logging.WARNING):
        ((train, test),) = PublishedSplit().split(X)
    assert (len(train), len(test)) == (6, 6)
    assert "25 of the 29 scans of the published split are missing" in caplog.text
    assert "validation: sub13-scan01, sub13-scan02, sub15-scan01, sub22" in caplog.text


@pytest.mark.parametrize(("there", "part"), [("train", "test"), ("test", "train")])
def test_a_missing_part_is_an_error(there, part):
    X = scans(PUBLISHED_SPLIT[there])
    complaint = (
        f"None of the .* {part} scans .* Found: {PUBLISHED_SPLIT[there][0]}.*Expected"
    )
    with pytest.raises(ValueError, match=complaint):
        next(PublishedSplit().split(X))


def test_unknown_recordings_are_an_error_or_left_out(caplog):
    X = scans(["sub01-scan01", "sub02-scan02", "sub07-scan01", "sub99-scan01"])
    with pytest.raises(
        ValueError, match="split: 2 .sub02-scan02, sub99-scan01.*ignore_unknown"
    ):
        next(PublishedSplit().split(X))
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        ((train, test),) = PublishedSplit(ignore_unknown=True).split(X)
    assert train.tolist() == [0, 1, 2] and test.tolist() == [6, 7, 8]
    assert "not in the published split: 2 (sub02-scan02, sub99-scan01)" in caplog.text
    unnamed = scans(["sub01-scan01"] * 2)
    with pytest.raises(ValueError, match="Two recordings are sub01-scan01: sub-01_ses-01"):
        next(PublishedSplit().split(unnamed))
    other = scans(["sub0x-scan01"])
    with pytest.raises(ValueError, match="sub-0x_ses-01_task-rest_run-1"):
        next(PublishedSplit().split(other))


def test_groups_of_arrays_name_the_scans():
    X, groups = np.zeros((4, 1, 9)), ["sub-01_scan-01", "sub07-scan02", "Sub6-scan1", "?"]
    with pytest.raises(ValueError, match=r"not in the published split: 1 \(\?\)"):
        next(PublishedSplit().split(X, groups=groups))
    cv = PublishedSplit(ignore_unknown=True)
    ((train, test),) = cv.split(X, groups=groups)
    assert train.tolist() == [0, 2] and test.tolist() == [1]
    assert cv.validation_rows(X, train, groups).tolist() == [1]
