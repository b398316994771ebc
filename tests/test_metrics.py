import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import pearsonr

from braindecode_bolt import create_bold_windows
from braindecode_bolt.metrics import noise_ceiling, pearson_r, recording_scores


@given(
    arrays(float, (12, 3), elements=st.floats(-1e3, 1e3)),
    arrays(float, (12, 3), elements=st.floats(-1e3, 1e3)),
)
def test_r_agrees_with_scipy(true, predicted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        r = pearson_r(true, predicted)
        expected = [
            pearsonr(t, p).statistic for t, p in zip(true.T, predicted.T, strict=True)
        ]
    defined = np.isfinite(r)
    np.testing.assert_allclose(r[defined], np.array(expected)[defined], atol=1e-6)
    spread = np.minimum(np.ptp(true, axis=0), np.ptp(predicted, axis=0))
    assert defined[spread > 1].all() and not defined[spread == 0].any()


def test_a_constant_prediction_is_nan_with_a_warning():
    true = np.random.default_rng(0).standard_normal((20, 2))
    with pytest.warns(UserWarning, match="not defined for 1 of 2 regions"):
        r = pearson_r(true, np.column_stack([true[:, 0], np.full(20, 0.1)]))
    assert r[0] == pytest.approx(1) and np.isnan(r[1])


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="Shapes differ"):
        pearson_r(np.zeros((3, 2)), np.zeros((3, 1)))


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
