import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import AlphaHRF, BandPowerGP, LaggedBandPower, RidgeFingerprint
from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.null import constant_eeg, null_r, wrong_subject
from braindecode_bolt.splits import GapSplit, LeaveOneOut
from braindecode_bolt.windows import FeatureWindows, create_feature_windows

NAMES = ["Oz:alpha", "Oz:theta", "Fz:alpha", "Fz:theta"]


def make_table(subject="01", n=90, seed=0, **more):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, 4))
    bold = np.convolve(values[:, 0], [0.0, 0.3, 1.0, 0.6])[:n]
    noise = 0.5 * rng.standard_normal((2, n))
    table = pd.DataFrame(values, columns=NAMES)
    return table.assign(
        subject=subject,
        volume=np.arange(n) + 2,
        Thalamus=bold + noise[0],
        Cuneus=-bold + noise[1],
        **more,
    )


@pytest.fixture(scope="module")
def tables():
    return [make_table(f"{number:02}", seed=number) for number in range(1, 5)]


@pytest.fixture(scope="module")
def windows(tables):
    return create_feature_windows(
        tables, ["Thalamus", "Cuneus"], tr=2.0, n_lags=6, bands={"alpha": (8, 13)}
    )


def test_each_window_holds_the_volumes_up_to_its_own(windows, tables):
    assert windows.X.shape == (4 * 85, 4, 6)
    assert windows.roi_names == ["Thalamus", "Cuneus"] and windows.ch_names == NAMES
    np.testing.assert_allclose(windows.X[0], tables[0][NAMES][:6].T, rtol=1e-6)
    assert windows.metadata["volume"].iloc[0] == 7
    np.testing.assert_allclose(
        windows.y[0], tables[0][windows.roi_names].iloc[5], rtol=1e-6
    )
    assert windows.left_out["no_full_window"].tolist() == [5] * 4
    by_electrode = windows.X[:3].by_electrode()
    assert by_electrode.shape == (3, 2, 2, 6)
    np.testing.assert_array_equal(by_electrode[:, 0, 0], np.asarray(windows.X[:3])[:, 0])
    assert isinstance(windows.X[[3, 4]], FeatureWindows)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=12, max_size=40),
    st.integers(1, 4),
    st.randoms(),
)
def test_no_window_reaches_over_what_is_missing(kinds, n_lags, shuffled):
    """Volumes are there (0), miss a value (1), or are not there (2)."""
    table = make_table(n=len(kinds))
    kinds = np.array(kinds)
    table.loc[kinds == 1, "Oz:alpha"] = np.nan
    table = table[kinds != 2]
    expected = [
        t + 2
        for t in range(n_lags - 1, len(kinds))
        if (kinds[t - n_lags + 1 : t + 1] == 0).all()
    ]
    order = np.array(shuffled.sample(range(len(table)), len(table)), dtype=int)
    if not expected:
        with pytest.raises(ValueError, match="No volume has features|constant|no tables"):
            create_feature_windows(
                table.iloc[order], "Thalamus", NAMES, tr=2, n_lags=n_lags
            )
        return
    windows = create_feature_windows(
        table.iloc[order], "Thalamus", NAMES, tr=2, n_lags=n_lags
    )
    assert windows.metadata["volume"].tolist() == expected
    assert np.isfinite(np.asarray(windows.X)).all()
    counts = windows.left_out.iloc[0]
    assert (
        counts["volumes"]
        == len(table)
        == counts[["windows", "no_full_window", "missing_values"]].sum()
    )


@pytest.mark.parametrize(
    "model", [BandPowerGP(), LaggedBandPower(), AlphaHRF()], ids=lambda m: type(m).__name__
)
def test_linear_models_take_them(model, windows):
    train = windows.groups != "04"
    model.fit(windows.X[train], windows.y[train])
    predicted = model.predict(windows.X[~train])
    least = 0.3 if isinstance(model, AlphaHRF) else 0.75
    assert pearson_r(windows.y[~train], predicted).mean() > least
    if isinstance(model, AlphaHRF):
        return
    assert model.coef_.shape == (2, 2, 2, 6)
    assert model.lags_.tolist() == [10, 8, 6, 4, 2, 0]
    weights = model.weights(windows.roi_names)["Thalamus"].abs()
    assert weights.idxmax() == ("Oz", "alpha", 4.0)


def test_uncertainty_and_missing_electrodes(windows, tables):
    model = BandPowerGP().fit(windows.X, windows.y)
    fewer = create_feature_windows(tables, windows.roi_names, NAMES[2:], tr=2.0, n_lags=6)
    _, std = model.predict(windows.X, return_std=True)
    _, more = model.predict(fewer.X, return_std=True)
    assert (more > std).all()


def test_evaluate_takes_them(windows, tmp_path):
    found = evaluate(
        ["BandPowerGP", "LaggedBandPower", "MeanBOLD"],
        windows,
        LeaveOneOut("subject"),
        controls=("wrong_subject", "constant_eeg"),
        out=tmp_path / "results",
        progress=False,
    )
    assert found.failures.empty
    scores = found.scores.groupby("pipeline")["score"].mean()
    assert scores["BandPowerGP"] > 0.75
    assert abs(scores["BandPowerGP (wrong subject)"]) < 0.3
    from braindecode_bolt.report import write_report

    assert write_report(found, tmp_path / "report.html").stat().st_size > 10_000


def test_controls_splits_and_nulls_take_them(windows):
    assert isinstance(wrong_subject(windows).X, FeatureWindows)
    constant = constant_eeg(windows).X
    assert isinstance(constant, FeatureWindows)
    np.testing.assert_array_equal(constant[0], constant[-1])
    (train, test), *_ = GapSplit(train_size=0.6, test_size=0.4).split(windows.X)
    model = LaggedBandPower().fit(windows.X[train], windows.y[train])
    rows = windows.metadata["recording"].to_numpy()[test]
    null = null_r(windows.y[test], model.predict(windows.X[test]), rows, n_surrogates=200)
    assert null.p_mean < 0.01


def test_features_without_electrodes(tables):
    renamed = [table.rename(columns={"Oz:alpha": "alpha"}) for table in tables]
    windows = create_feature_windows(renamed, "Thalamus", ["alpha"], tr=2.0)
    model = BandPowerGP().fit(windows.X, windows.y)
    assert model.ch_names_ == ["EEG"] and model.band_names_ == ["alpha"]


def test_models_of_eeg_and_of_features_are_told_apart(windows, tables):
    model = LaggedBandPower().fit(windows.X, windows.y)
    with pytest.raises(ValueError, match="Fitted on windows of a table of features, got"):
        model.predict(20 * np.random.default_rng(0).standard_normal((3, 4, 6)))
    with pytest.raises(ValueError, match="The features have no band gamma"):
        LaggedBandPower(bands={"gamma": (30, 45)}).fit(windows.X, windows.y)
    with pytest.raises(ValueError, match="n_lags must lie between 1 and 6, as many vol"):
        RidgeFingerprint().fit(windows.X, windows.y)
    short = create_feature_windows(tables, windows.roi_names, tr=2.0, n_lags=3)
    with pytest.raises(ValueError, match="at 6 volumes, got such of"):
        model.predict(short.X)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, {"tr": 0}, "tr must be a positive number"),
        ({}, {"n_lags": 0}, "n_lags must be a whole number from 1"),
        ({}, {"n_lags": 91}, "No volume has features of all 91"),
        ({}, {"targets": "Putamen"}, "have no column Putamen; they have"),
        ({}, {"features": "Oz:alpha"}, "features must be a list of columns"),
        ({}, {"features": NAMES[:3]}, "There is no Fz:theta"),
        ({}, {"features": ["Thalamus"]}, "must be named once"),
        ({}, {"targets": []}, "targets must be different columns"),
        ({"volume": 3}, {}, "sub-01 has volume 3 twice"),
        ({"volume": 0.5}, {}, "must hold the number of each volume"),
        ({"Thalamus": 1.0}, {}, "Thalamus is constant in sub-01"),
        ({"Oz:alpha": -np.inf}, {}, "infinite values in Oz:alpha"),
    ],
)
def test_tables_are_checked(change, arguments, message):
    table = make_table().assign(**change)
    arguments = {"targets": ["Thalamus", "Cuneus"], "tr": 2.0, "n_lags": 6, **arguments}
    with pytest.raises(ValueError, match=message):
        create_feature_windows(table, **arguments)


def test_what_is_no_number_is_said():
    with pytest.raises(TypeError, match="Column Oz:alpha must hold numbers"):
        create_feature_windows(
            make_table().assign(**{"Oz:alpha": "loud"}), "Thalamus", ["Oz:alpha"], tr=2
        )


def test_recordings_of_one_subject(tables):
    twice = [make_table(session=str(n), run=n, seed=n) for n in (1, 2)]
    windows = create_feature_windows(pd.concat(twice), "Thalamus", NAMES, tr=2.0)
    assert windows.left_out["recording"].tolist() == [
        "sub-01_ses-1_run-1",
        "sub-01_ses-2_run-2",
    ]
    assert windows.metadata["recording"].nunique() == 2
