import numpy as np
import pytest
from scipy.stats import pearsonr

from braindecode_bolt import create_bold_windows
from braindecode_bolt.metrics import noise_ceiling, pearson_r, recording_scores


def test_scores_are_per_recording_and_region(windows):
    rows = np.flatnonzero(windows.groups != "02")
    rng = np.random.default_rng(0)
    predicted = windows.y[rows] + rng.standard_normal((len(rows), 2))
    scores = recording_scores(windows, rows, predicted, np.array([2.0, 1.0]))
    assert len(scores) == 3 * 2
    one = scores[(scores["subject"] == "03") & (scores["region"] == "Cuneus")].iloc[0]
    mine = windows.groups[rows] == "03"
    true = windows.y[rows][mine]
    assert one["r"] == pytest.approx(pearsonr(true[:, 1], predicted[mine, 1]).statistic)
    first = scores[(scores["subject"] == "03") & (scores["region"] == "Thalamus")].iloc[0]
    assert first["mse"] == pytest.approx(np.mean((true - predicted[mine])[:, 0] ** 2) / 4)
    assert one["n_windows"] == mine.sum()


def test_the_control_scores_against_other_peoples_bold(windows):
    rows = np.flatnonzero(windows.groups == "01")
    scores = recording_scores(windows, rows, windows.y[rows], np.ones(2))
    np.testing.assert_allclose(scores["r"], 1, atol=1e-6)
    expected = np.mean(
        [
            pearson_r(windows.y[windows.groups == s], windows.y[rows])
            for s in ("02", "03", "04")
        ],
        axis=0,
    )
    np.testing.assert_allclose(scores["control_r"], expected)


def test_the_ceiling_is_that_of_the_volumes_with_windows(recordings, windows):
    ceiling = noise_ceiling(windows)
    assert len(ceiling) == 4 * 2
    for number, recording in enumerate(recordings):
        volumes = windows.metadata["volume"][windows.metadata["recording"] == number]
        bold = recording.bold.loc[volumes]
        of_recording = ceiling[ceiling["recording"] == number].set_index("region")
        for column, kind in (
            ("ceiling", "noiseless"),
            ("ceiling_window", "noiseless_window"),
        ):
            expected = bold.corrwith(recording.table(kind).loc[volumes])
            np.testing.assert_allclose(
                of_recording[column], expected[of_recording.index], 1e-4
            )


def test_real_data_have_no_known_ceiling(make_recording):
    windows = create_bold_windows([make_recording()], 4.0)
    assert noise_ceiling(windows).empty
    rows = np.arange(len(windows))
    scores = recording_scores(windows, rows, windows.y, np.ones(2))
    assert scores["control_r"].isna().all()


def test_two_volumes_in_common_are_no_control(make_recording):
    recordings = [make_recording(who, seed=int(who)) for who in ("01", "02")]
    recordings[0].raw.annotations.append(18.0, 40.0, "BAD")
    windows = create_bold_windows(recordings, 4.0)
    short = np.flatnonzero(windows.groups == "01")
    assert len(short) == 5
    scores = recording_scores(windows, short[:2], windows.y[short[:2]], np.ones(2))
    assert scores["control_r"].isna().all() and scores["r"].notna().all()
