import logging
import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from braindecode_bolt import LazyWindows, Recording, create_bold_windows
from braindecode_bolt.eeg import check_signal
from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import BandPower, MeanBOLD
from braindecode_bolt.metrics import noise_ceiling
from braindecode_bolt.null import constant_eeg, wrong_subject

RIDGE = {"ridge": make_pipeline(BandPower(), StandardScaler(), Ridge(1000.0))}


@pytest.fixture
def three(make_recording):
    """Three subjects; one with two runs, one with fewer volumes, one with a bad span."""
    recordings = [
        make_recording("01", run="1", seed=1),
        make_recording("01", run="2", seed=2, n_volumes=24),
        make_recording("02", run="1", seed=3, n_volumes=14),
        make_recording("03", run="1", seed=4),
    ]
    recordings[3].raw.annotations.append(20.0, 3.0, "BAD")
    return create_bold_windows(recordings, 4.0)


def unchanged(windows, before):
    for field in fields(windows):
        value, old = getattr(windows, field.name), getattr(before, field.name)
        if field.name == "X":
            np.testing.assert_array_equal(np.asarray(value), np.asarray(old))
            assert value.metadata.equals(old.metadata)
        elif field.name == "left_out":
            assert value.equals(old)
        elif value is not None:
            np.testing.assert_array_equal(value, old)


def check_wrong_subject(windows, control):
    """Every row: the BOLD of its own volume, the EEG of a volume of another subject."""
    assert len(control) == len(control.y) == len(control.metadata)
    table = windows.metadata.reset_index(drop=True)
    rows = table.reset_index().set_index(["recording", "volume"])["index"]
    names = list(windows.left_out["recording"])
    eeg_of = control.left_out["eeg_of"]
    for number, window in enumerate(control.metadata.itertuples()):
        own = rows[window.recording, window.volume]
        np.testing.assert_array_equal(control.y[number], windows.y[own])
        assert table["subject"][own] == window.subject
        donor = names.index(eeg_of[window.recording])
        source = rows[donor, window.volume]
        assert table["subject"][source] != window.subject
        np.testing.assert_array_equal(control.X[number], windows.X[source])


def test_each_subject_has_the_eeg_of_another_subject(three, caplog):
    before = pickle.loads(pickle.dumps(three))
    with caplog.at_level(logging.INFO, "braindecode_bolt"):
        control = wrong_subject(three)
    check_wrong_subject(three, control)
    unchanged(three, before)
    left_out = control.left_out
    assert (left_out["windows"] + left_out["no_donor_window"]).equals(
        three.left_out["windows"]
    )
    n_lost = len(three) - len(control)
    assert n_lost > 0 and left_out["no_donor_window"].sum() == n_lost
    assert f"left out: {n_lost} whose donor has no window" in caplog.text
    assert control.roi_names == three.roi_names and control.ch_names == three.ch_names
    assert control.X.baseline == three.X.baseline
    check_wrong_subject(three, pickle.loads(pickle.dumps(control)))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=9), st.integers(0, 99))
def test_no_subject_gives_to_itself_and_each_to_one(windows, subjects, seed):
    if len(set(subjects)) < 2:
        subjects = [0, 1]
    signals = [np.full((4, 10), number, np.float32) for number in range(len(subjects))]
    metadata = windows.metadata.iloc[np.zeros(len(subjects), int)].assign(
        recording=np.arange(len(subjects)),
        subject=[f"s{subject}" for subject in subjects],
        volume=7,
        start=0,
        stop=10,
    )
    left_out = metadata[["subject"]].reset_index(drop=True)
    left_out["recording"] = [f"recording {number}" for number in range(len(subjects))]
    X = LazyWindows(signals, metadata, windows.X.info, None)
    n_rows = len(subjects)
    control = wrong_subject(
        replace(windows, X=X, y=windows.y[:n_rows], left_out=left_out), random_state=seed
    )
    donors = {}
    for row in range(n_rows):
        giver = subjects[int(control.X[row][0, 0])]
        donors.setdefault(subjects[row], set()).add(giver)
    assert all(len(givers) == 1 and who not in givers for who, givers in donors.items())
    assert {giver for givers in donors.values() for giver in givers} == set(subjects)


def test_seeds_repeat_and_differ(windows):
    names = [tuple(wrong_subject(windows, seed).left_out["eeg_of"]) for seed in range(9)]
    assert names[0] == tuple(wrong_subject(windows, 0).left_out["eeg_of"])
    assert len(set(names)) > 1


def test_what_is_known_of_simulated_bold_stays(windows):
    control = wrong_subject(windows)
    assert len(control) == len(windows)
    for name in ("y", "noiseless", "noiseless_window"):
        np.testing.assert_array_equal(getattr(control, name), getattr(windows, name))
    assert noise_ceiling(control).equals(noise_ceiling(windows))


def test_a_model_on_the_wrong_eeg_is_at_chance(windows):
    scores = evaluate(RIDGE, windows, n_splits=2, controls=["wrong_subject"]).scores
    r = scores.groupby("control")["score"].mean()
    assert r["wrong_subject"] < 0.2 < 0.4 < r[""]


def test_one_subject_is_not_enough(make_recording):
    windows = create_bold_windows([make_recording(run=run) for run in "12"], 4.0)
    with pytest.raises(ValueError, match=r"All 2 recordings are of one subject \(01\)"):
        wrong_subject(windows)


def test_volumes_in_common_are_needed(make_recording, caplog):
    recordings = [make_recording(who, seed=int(who)) for who in ("01", "02", "03")]
    for recording, (begin, duration) in zip(
        recordings, [(0, 30), (30, 30), (30, 30)], strict=True
    ):
        recording.raw.annotations.append(begin, duration, "BAD")
    windows = create_bold_windows(recordings[:2], 4.0)
    with pytest.raises(ValueError, match="no volumes in common"):
        wrong_subject(windows)
    windows = create_bold_windows(recordings, 4.0)
    control = wrong_subject(windows)
    assert "has no volume in common with its donor" in caplog.text
    assert 0 < len(control) < len(windows)


def test_all_windows_are_the_same(three):
    before = pickle.loads(pickle.dumps(three))
    control = constant_eeg(three, window=5)
    assert isinstance(control.X, LazyWindows) and control.X.shape == three.X.shape
    np.testing.assert_array_equal(
        np.asarray(control.X), np.broadcast_to(three.X[5], three.X.shape)
    )
    part = control.X[np.array([3, 8])]
    np.testing.assert_array_equal(part[1], three.X[5])
    columns = ["recording", "subject", "session", "run", "volume"]
    assert control.metadata[columns].equals(three.metadata[columns])
    assert part.metadata[columns].equals(three.X[np.array([3, 8])].metadata[columns])
    np.testing.assert_array_equal(control.y, three.y)
    check_signal(np.asarray(control.X), "X")
    # A window is the reader's own.
    control.X[0][...] = 0
    control.y[...] = 0
    np.testing.assert_array_equal(control.X[0], three.X[5])
    unchanged(three, before)


def test_constant_eeg_holds_one_window_and_nothing_else(windows):
    control = constant_eeg(windows)
    signals = [signal.tobytes() for signal in control.X.signals]
    assert len(set(signals)) == 1 and len(signals[0]) == windows.X[0].nbytes
    without = len(pickle.dumps(replace_signals(control.X)))
    assert len(pickle.dumps(control.X)) < without + 2 * windows.X[0].nbytes
    copied = pickle.loads(pickle.dumps(control.X))
    np.testing.assert_array_equal(copied[-1], control.X[0])


def replace_signals(X):
    signals = [signal[:, :0] for signal in X.signals]
    return LazyWindows(signals, X.metadata, X.info)


def test_a_model_on_constant_eeg_predicts_the_mean(windows):
    models = {**RIDGE, "mean": MeanBOLD()}
    scores = evaluate(models, windows, n_splits=2, controls=["constant_eeg"]).scores
    rows = scores[scores["pipeline"].isin(["ridge (constant EEG)", "mean"])]
    assert len(rows) == 2 * 2 * 4 and rows["score"].isna().all()
    ridge, mean = (part["mse"] for _, part in rows.groupby("model", sort=False))
    np.testing.assert_allclose(ridge, mean, rtol=1e-4)


def test_constant_eeg_as_braindecode_holds_it(three):
    dataset = constant_eeg(three).to_braindecode()
    assert len(dataset) == len(three)
    for number in (0, len(three) - 1):
        window, target = dataset[number][:2]
        np.testing.assert_allclose(window, three.X[0], atol=1e-4)
        np.testing.assert_array_equal(target, three.y[number])


def test_the_window_must_exist(three):
    with pytest.raises(IndexError, match="does not exist"):
        constant_eeg(three, window=len(three))


def test_recordings_without_windows_are_no_donors(make_recording):
    recordings = [make_recording(who, seed=int(who)) for who in ("01", "02", "03")]
    recordings[1].raw.annotations.append(0.0, 100.0, "BAD")
    windows = create_bold_windows(recordings, 4.0)
    left_out = wrong_subject(windows).left_out
    assert list(left_out["windows"]) == [*windows.left_out["windows"]]
    assert left_out["eeg_of"].isna().tolist() == [False, True, False]
    assert isinstance(recordings[0], Recording)
