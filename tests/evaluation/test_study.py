import logging

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor

from braindecode_bolt import Recording, attach_bold, create_bold_windows, prepare_bold
from braindecode_bolt.bold import prepare_series
from braindecode_bolt.evaluation import Study, evaluate
from braindecode_bolt.splits import GapKFold, GapSplit, GroupSplit


def test_windows_are_those_of_prepared_recordings(raw_recordings, study):
    prepared = [prepare_bold(recording) for recording in raw_recordings]
    expected = create_bold_windows(prepared, 4.0, lag_seconds=4.0)
    np.testing.assert_array_equal(study.windows.y, expected.y)
    np.testing.assert_array_equal(study.windows.X, expected.X)
    assert study.names == [recording.name for recording in raw_recordings]
    np.testing.assert_allclose(study.tr, 2.1)
    assert Study.of(study) is study


def test_recordings_may_come_from_a_generator(raw_recordings, study):
    class Twice:
        def __len__(self):
            return len(raw_recordings)

        def __iter__(self):
            return iter(raw_recordings)

    found = Study.of(Twice(), 4.0, 4.0)
    np.testing.assert_array_equal(found.windows.y, study.windows.y)


def test_bold_of_whole_recordings_is_taken_as_it_is(study):
    for train, test in GroupSplit("subject", 2).split(study.windows.X):
        assert study.parted([train, test]) is study.windows


@pytest.mark.parametrize(
    "splitter",
    [GapSplit(recordings="together"), GapKFold(3, recordings="together"), GapSplit()],
    ids=["together", "k-fold", "each"],
)
def test_nothing_passes_from_one_part_to_another(long_study, splitter, monkeypatch):
    """Other BOLD in the test part and the gap changes nothing in training."""
    X = long_study.windows.X
    for train, test in splitter.split(X):
        valid = splitter.validation_rows(X, train)
        parts = [train, test]
        if valid is not None:
            parts = [np.delete(train, valid), train[valid], test]
        plain = long_study.parted(parts)
        changed = _with_other_bold(long_study, np.concatenate(parts[:-1]))
        again = changed.parted(parts)
        for rows in parts[:-1]:
            np.testing.assert_array_equal(plain.y[rows], again.y[rows])
        assert not np.allclose(plain.y[test], again.y[test])
        # The whole recording's filter would have carried it over.
        if valid is not None:
            whole = long_study.windows.y[parts[0]]
            assert not np.allclose(plain.y[parts[0]], whole)
        gap = np.setdiff1d(np.arange(len(X)), np.concatenate(parts))
        in_torn = np.isin(
            X.metadata["recording"].to_numpy()[gap],
            X.metadata["recording"].to_numpy()[test],
        )
        assert np.isnan(plain.y[gap[in_torn]]).all()


def _with_other_bold(study, kept):
    """Change the BOLD of all volumes that have no window among the kept ones."""
    metadata = study.windows.metadata.iloc[kept]
    bold = []
    for recording, tables in enumerate(study.bold):
        volumes = metadata.loc[metadata["recording"] == recording, "volume"]
        table = tables["bold"].copy()
        # Between the first and last volume of a part all belong to it.
        other = ~table.index.isin(volumes)
        rng = np.random.default_rng(recording)
        table.loc[other] = 100 * rng.standard_normal((other.sum(), table.shape[1]))
        bold.append({**tables, "bold": table})
    return Study(study.windows, bold, study.tr, study.low_pass)


def test_parts_are_centred_and_filtered_by_themselves(long_study):
    train, test = next(iter(GapSplit().split(long_study.windows.X)))
    windows = long_study.parted([train, test])
    np.testing.assert_allclose(windows.y[test].mean(axis=0), 0, atol=1e-5)
    assert windows.noiseless is not None
    assert np.isfinite(windows.noiseless[test]).all()


def test_windows_alone_cannot_be_prepared_again(long_study, caplog):
    alone = Study.of(long_study.windows)
    np.testing.assert_allclose(alone.tr, 2.1)
    train, test = next(iter(GapSplit().split(alone.windows.X)))
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        assert alone.parted([train, test]) is alone.windows
    assert "Give evaluate the recordings themselves" in caplog.text


def test_a_part_too_short_for_the_filter_is_named(study):
    rows = np.flatnonzero(study.windows.metadata["recording"] == 0)
    with pytest.raises(
        ValueError, match="sub-01.*too short for this protocol.*volumes 42 to 51.* 19"
    ):
        study.parted([rows[:30], rows[-10:]])


def test_the_fingerprint_tells_data_apart(raw_recordings, study):
    assert Study.of(raw_recordings, 4.0, 4.0).fingerprint() == study.fingerprint()
    others = [
        Study.of(raw_recordings, 4.0),
        Study.of(raw_recordings, 4.0, 4.0, low_pass=None),
        Study.of(raw_recordings[:3], 4.0, 4.0),
        Study.of(study.windows),
    ]
    prints = {other.fingerprint() for other in others} | {study.fingerprint()}
    assert len(prints) == 5


def test_it_wants_recordings():
    with pytest.raises(TypeError, match="Expected recordings, windows .* got int"):
        Study.of(3)


@pytest.fixture
def scrubbed(make_raw, make_bold):
    """Two recordings that lack volumes, and spell a region in two ways."""
    raw = make_raw(140, tr=2.0, first=0.0, duration=282.0)
    recordings = []
    for subject, rois in (("01", ["A", "Heschl's gyrus"]), ("02", ["Heschl’s gyrus", "A"])):
        kept = np.delete(np.arange(140), [0, 20, 21, 22, 70, 100 + int(subject)])
        table = make_bold(140, rois, seed=int(subject)).loc[kept]
        recordings.append(Recording(attach_bold(raw, table, volumes=kept), subject))
    return recordings


def test_scrubbed_recordings_are_cut_in_time(scrubbed):
    study = Study.of(scrubbed, window_seconds=4.0)
    assert study.windows.roi_names == ["A", "Heschl's gyrus"]
    metadata = study.windows.metadata
    recording, volume = metadata["recording"].to_numpy(), metadata["volume"].to_numpy()
    parts = [np.flatnonzero(volume < 60), np.flatnonzero(volume >= 65)]
    windows = study.parted(parts)
    for number, (first, last) in [(0, (2, 59)), (1, (2, 59)), (0, (65, 139))]:
        rows = (recording == number) & (volume >= first) & (volume <= last)
        table = scrubbed[number].bold.loc[first:last]
        expected = prepare_series(table, 2.0).iloc[:, :: 1 if number == 0 else -1]
        np.testing.assert_allclose(windows.y[rows], expected, atol=1e-6)


def test_pauses_are_kept_to_in_parts(make_raw, make_bold):
    raw = make_raw(140, tr=2.0, first=0.0, duration=300.0)
    raw.annotations.onset[90:] += 7.0
    recording = Recording(attach_bold(raw, make_bold(140)), "01")
    study = Study.of([recording], window_seconds=4.0)
    volume = study.windows.metadata["volume"].to_numpy()
    windows = study.parted([np.flatnonzero(volume < 40), np.flatnonzero(volume >= 45)])
    for first, last in ((45, 89), (90, 139)):
        expected = prepare_series(recording.bold.loc[first:last], 2.0)
        rows = (volume >= first) & (volume <= last)
        np.testing.assert_allclose(windows.y[rows], expected, atol=1e-6)


def test_scrubbed_recordings_can_be_evaluated(scrubbed):
    """The low-pass filter included, between subjects and within recordings."""
    for protocol in (GroupSplit("subject", 2), GapSplit(train_size=0.7, test_size=0.3)):
        result = evaluate(
            {"mean": DummyRegressor()},
            {"scrubbed": Study.of(scrubbed, window_seconds=4.0)},
            protocol,
        )
        assert not len(result.failures)


def test_the_same_eeg_under_two_names_is_warned_about(study, make_recording, caplog):
    recordings = [make_recording(subject, seed=1) for subject in ("01", "02")]
    splitter = GroupSplit(n_splits=2)
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        twice = Study.of(recordings, 4.0, low_pass=None)
        evaluate({"dummy": DummyRegressor()}, twice, splitter)
    assert "sub-01, sub-02 hold the same EEG" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        evaluate({"dummy": DummyRegressor()}, study, splitter)
    assert "the same EEG" not in caplog.text
