import logging

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.signal import get_window
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import nn

from braindecode_bolt import BOLDPredictor, EEGRegressor, create_bold_windows
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.datasets._choosing import PAPER_ROIS
from braindecode_bolt.datasets.coupling.responses import RATE, hrf_kernel
from braindecode_bolt.datasets.coupling.rhythms import BANDS as RHYTHMS
from braindecode_bolt.datasets.coupling.rhythms import COUPLING
from braindecode_bolt.explanation import (
    compare_randomised,
    explain,
    explain_predictor,
)
from braindecode_bolt.explanation.grid import Grid
from braindecode_bolt.explanation.networks import _evaluating
from braindecode_bolt.linear import (
    BANDS,
    LINEAR,
    AlphaHRF,
    BandPowerGP,
    LaggedBandPower,
    MeanBOLD,
)
from braindecode_bolt.training import make_estimator
from braindecode_bolt.windows import create_feature_windows

#: Arguments for windows that are shorter than usual.
SHORT = {"RidgeFingerprint": {"n_lags": 32}}
COLUMNS = ["region", "electrode", "band", "low", "high", "lag", "pattern", "effect"]
#: Where the simulated sources are: electrodes close to each.
NEAR = {
    "theta": {"Fp1", "Fp2", "F3", "F4"},
    "alpha": {"P3", "P4", "O1", "O2"},
    "beta": {"C4", "P4", "F4"},
}
#: Regions that follow one rhythm far more than the others.
FOLLOWS = {
    "Cuneus": "alpha",
    "Thalamus": "alpha",
    "global signal clean": "alpha",
    "Putamen": "beta",
    "Middle frontal gyrus anterior": "theta",
}


@pytest.fixture(scope="module")
def windows():
    recordings = SimulatedEEGfMRI(3, duration=120.0, snr=3.0).load()
    return create_bold_windows(recordings, window_seconds=10.0)


def check_finds_the_coupling(table, regions=FOLLOWS, seconds=1.6):
    """Band, sign, electrodes and response peak of each region."""
    for region in regions:
        rhythm, part = FOLLOWS[region], table[table["region"] == region]
        strongest = part.loc[part["pattern"].abs().idxmax()]
        assert strongest["band"] == rhythm, region
        assert strongest["electrode"] in NEAR[rhythm], region
        weight = COUPLING[region][0][list(RHYTHMS).index(rhythm)]
        assert np.sign(strongest["pattern"]) == np.sign(weight)
        of_rhythm = part[part["band"] == rhythm]
        response = of_rhythm.groupby("lag")["effect"].sum() * np.sign(weight)
        # The middle of what is above half of the peak: less noisy than the peak.
        upper = response[response > response.max() / 2]
        found = np.average(upper.index, weights=upper)
        kernel = hrf_kernel(region)
        above = np.flatnonzero(kernel > kernel.max() / 2)
        true = np.average(above / RATE, weights=kernel[above])
        assert found == pytest.approx(true, abs=seconds), region


@pytest.mark.parametrize("name", ["BandPowerGP", "RidgeFingerprint", "LaggedBandPower"])
def test_linear_models_show_source_band_and_response(coupled, name):
    model = make_estimator(name, **SHORT.get(name, {})).fit(coupled.X, coupled.y)
    check_finds_the_coupling(explain(model, coupled.X, roi_names=coupled.roi_names))


def test_a_network_shows_source_band_and_response(coupled, trained):
    table = explain(trained, coupled.X, roi_names=coupled.roi_names, n_attributed=192)
    assert set(table["method"]) == {"gradient"}
    check_finds_the_coupling(table, seconds=2.0)


def test_network_and_gaussian_process_agree(coupled, trained):
    model = BandPowerGP("classical").fit(coupled.X, coupled.y)
    ours, theirs = (
        explain(m, coupled.X, roi_names=coupled.roi_names) for m in (trained, model)
    )
    keys = ["region", "electrode", "band", "lag"]
    assert ours[keys].equals(theirs[keys])
    assert np.corrcoef(ours["pattern"], theirs["pattern"])[0, 1] > 0.9
    assert np.corrcoef(ours["effect"], theirs["effect"])[0, 1] > 0.4


def test_occlusion_and_integrated_gradients_find_the_band(coupled, trained):
    """With all electrodes and lags taken together, with the sign of the coupling."""
    pytest.importorskip("captum")
    for method in ("occlusion", "integrated_gradients"):
        table = explain(
            trained,
            coupled.X,
            method,
            by=("band", "lag"),
            n_attributed=16,
            roi_names=coupled.roi_names,
        )
        assert set(table["method"]) == {method} and set(table["electrode"]) == {"all"}
        table = table[table["lag"].between(3, 7)]
        effects = table.groupby(["region", "band"])["effect"].sum().unstack()
        for region in ("Cuneus", "global signal clean", "Putamen"):
            strongest = effects.loc[region].abs().idxmax()
            assert strongest == FOLLOWS[region]
            weight = COUPLING[region][0][list(RHYTHMS).index(strongest)]
            assert np.sign(effects.loc[region, strongest]) == np.sign(weight)


def test_what_is_not_told_apart_is_taken_together(windows):
    model = LaggedBandPower().fit(windows.X, windows.y)
    every = explain(model, windows.X)
    for by in (("electrode",), ("band", "lag"), ()):
        table = explain(model, windows.X, by=by)
        assert len(table) == 7 * np.prod(
            [{"electrode": 10, "band": 5, "lag": 10}[a] for a in by]
        )
        sums = every.groupby(["region", *by], sort=False)["effect"].sum().to_numpy()
        np.testing.assert_allclose(table["effect"], sums, atol=1e-9)
        assert table["pattern"].abs().max() <= 1 + 1e-6
        if "band" not in by:
            assert set(table["band"]) == {"all"} and set(table["low"]) == {1.0}
    alpha = explain(model, windows.X, by="band", roi_names=windows.roi_names)
    alpha = alpha.set_index(["region", "band"])["pattern"]
    assert alpha["Thalamus"].idxmax() == "alpha"


@pytest.mark.parametrize("name", list(LINEAR))
def test_every_linear_model_has_the_same_table(windows, name, caplog):
    model = make_estimator(name, **SHORT.get(name, {})).fit(windows.X, windows.y)
    table = explain(model, windows.X, roi_names=windows.roi_names)
    assert list(table) == [*COLUMNS, "method"]
    assert len(table) == 7 * 10 * 5 * 10
    assert not table.duplicated(["region", "electrode", "band", "lag"]).any()
    assert sorted(set(table["lag"])) == pytest.approx(np.arange(10) + 0.5)
    assert (table["high"] > table["low"]).all() and set(table["method"]) == {"weights"}
    if name == "MeanBOLD":
        assert table[["pattern", "effect"]].isna().all(axis=None)
        assert "nothing to explain in Cuneus" in caplog.text
    else:
        assert table["pattern"].abs().max() <= 1 + 1e-6
        assert np.isfinite(table[["pattern", "effect"]]).all(axis=None)


def test_patterns_are_those_of_haufe(windows):
    """Covariance of features times weights, for a model whose features are the grid."""
    model = LaggedBandPower().fit(windows.X[:40], windows.y[:40])  # One recording.
    X = windows.X[:40]
    table = explain(model, X, segment_seconds=2.0)
    features = model.pipeline_[:-1].transform(X)
    weights = model.coef_.reshape(len(model.coef_), -1).T
    covariance = np.cov(features.T, bias=True)
    predicted = features @ weights
    expected = covariance @ weights / predicted.std(axis=0) / features.std(axis=0)[:, None]
    found = table["pattern"].to_numpy().reshape(7, -1).T
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_weights_keep_the_slope_of_the_prediction(windows):
    """Louder EEG in a recording: the sum of effects says what the prediction does."""
    X, y = np.asarray(windows.X), windows.y
    model = LaggedBandPower(sfreq=200.0).fit(X, y)
    table = explain(model, X, bands={"all": (1.0, 45.0)}, segment_seconds=10.0)
    grid = Grid.of(X, {"all": (1.0, 45.0)}, 10.0, 2000, 200.0)
    predicted = model.predict(X)
    per_log = table["effect"].to_numpy().reshape(7, 10) / grid.spread[:, 0]
    expected = (model.predict(X * np.e) - predicted) / predicted.std(axis=0)
    np.testing.assert_allclose(2 * per_log.sum(axis=1), expected[0], rtol=1e-3)


class _OneCell(nn.Module):
    """Twice the log power of one electrode, band and second; a known network."""

    def __init__(self, n_chans, n_times, n_outputs, sfreq, row, band, first, last):
        super().__init__()
        self.row, self.samples, self.n_outputs = row, slice(first, last), n_outputs
        frequency = torch.fft.rfftfreq(n_times, 1 / sfreq)
        mask = (frequency >= band[0]) & (frequency < band[1])
        self.register_buffer("mask", mask.float())
        taper = torch.as_tensor(get_window("hann", last - first), dtype=torch.float32)
        self.register_buffer("taper", taper)
        self.level = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        passed = torch.fft.irfft(torch.fft.rfft(x[:, self.row]) * self.mask, x.shape[-1])
        power = (passed[:, self.samples] * self.taper).square().mean(dim=-1)
        value = 2 * power.log() + self.level
        return torch.stack([value * (-1) ** k for k in range(self.n_outputs)], dim=1)


@pytest.fixture(scope="module")
def one_cell(windows):
    """A network of O1, alpha, 4 to 5 s before the volume; and its negative."""
    row = windows.ch_names.index("O1")
    module = _OneCell(10, 2000, 2, 200.0, row, BANDS["alpha"], 1000, 1200)
    regressor = EEGRegressor(module, lr=1e-9, max_epochs=1, verbose=0)
    return regressor.fit(windows.X, windows.y[:, :2])


def at(table, region, electrode="O1", band="alpha", lag=4.5):
    chosen = (table["region"] == region) & (table["electrode"] == electrode)
    chosen &= (table["band"] == band) & (table["lag"] == lag)
    return table[chosen].iloc[0]


def test_the_gradient_of_a_known_network(windows, one_cell):
    table = explain(one_cell, windows.X, n_attributed=500)
    cell, negative = at(table, "0"), at(table, "1")
    # One standard deviation of its log power moves the prediction by as much.
    assert cell["effect"] == pytest.approx(1.0, abs=0.15)
    assert negative["effect"] == pytest.approx(-cell["effect"])
    assert cell["pattern"] > 0.95
    others = table[(table["region"] == "0")].drop(cell.name)
    assert others["effect"].abs().max() < 0.1
    assert (others.loc[others["electrode"] != "O1", "effect"] == 0).all()


def test_occlusion_of_a_known_network(windows, one_cell):
    table = explain(one_cell, windows.X, "occlusion", n_attributed=2)
    of_first = table[table["region"] == "0"]
    strongest = of_first.loc[of_first["effect"].idxmax()]
    assert strongest[["electrode", "band", "lag"]].tolist() == ["O1", "alpha", 4.5]
    assert (of_first.loc[of_first["electrode"] != "O1", "effect"] == 0).all()


@pytest.mark.parametrize("method", ["gradient", "integrated_gradients", "occlusion"])
def test_some_regions_are_explained_as_among_all(coupled, trained, method):
    if method == "integrated_gradients":
        pytest.importorskip("captum")
    chosen = ["Thalamus", "Cuneus"]
    options = {"roi_names": coupled.roi_names, "n_attributed": 2, "segment_seconds": 6.0}
    options["n_windows"] = 50
    of_all = explain(trained, coupled.X, method, **options).set_index("region")
    of_some = explain(trained, coupled.X, method, rois=chosen, **options)
    assert list(of_some["region"].unique()) == chosen
    pd.testing.assert_frame_equal(
        of_some.set_index("region"), of_all.loc[chosen], rtol=1e-3, atol=1e-5
    )


def test_some_regions_of_a_scaled_linear_model(windows):
    model = TransformedTargetRegressor(LaggedBandPower(), transformer=StandardScaler())
    model.fit(windows.X, windows.y)
    options = {"roi_names": windows.roi_names}
    of_all = explain(model, windows.X, **options).set_index("region")
    of_some = explain(model, windows.X, rois="paper", **options).set_index("region")
    assert list(of_some.index.unique()) == list(PAPER_ROIS)
    pd.testing.assert_frame_equal(of_some, of_all.loc[list(PAPER_ROIS)])


def test_integrated_gradients_add_up(windows, trained, coupled):
    """To the prediction minus that of silence, without what lies outside the bands."""
    pytest.importorskip("captum")
    bands = {"low": (0.01, 10.0), "high": (10.0, 51.0)}
    X = coupled.X[:12]
    table = explain(trained, X, "integrated_gradients", bands=bands, n_attributed=12)
    predicted = trained.predict(X)
    silent = trained.set_params(check_input=False).predict(np.zeros_like(np.asarray(X)))
    trained.set_params(check_input=True)
    found = table.groupby("region")["effect"].sum() * predicted.std(axis=0)
    expected = (predicted - silent).mean(axis=0)
    np.testing.assert_allclose(found, expected, atol=0.1 * np.abs(expected).max())


def test_explaining_changes_nothing(coupled, trained):
    before = trained.predict(coupled.X[:20])
    state = {k: v.clone() for k, v in trained.module_.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    compare_randomised(trained, coupled.X, 1, n_windows=100, n_attributed=10)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(state[k], v) for k, v in trained.module_.state_dict().items())
    np.testing.assert_array_equal(trained.predict(coupled.X[:20]), before)


def test_a_randomised_network_has_another_explanation(coupled, trained):
    table = compare_randomised(trained, coupled.X, 2, n_windows=200, n_attributed=16)
    assert table["n_layers"].tolist() == [0, 2, 4]
    assert table.loc[0, "layer"] == "" and table.loc[0, "effect"] == pytest.approx(1)
    assert table.loc[1:, "effect"].abs().max() < 0.4
    with pytest.raises(TypeError, match="Only networks have layers"):
        compare_randomised(MeanBOLD(), coupled.X)
    with pytest.raises(TypeError, match="n_levels must be an instance of int"):
        compare_randomised(trained, coupled.X, 2.5)


@pytest.fixture(scope="module")
def read_out(windows):
    """A small network whose encoder is read out in closed form."""
    regressor = make_estimator(
        "NeuroBOLT",
        "small",
        module__pretrained=None,
        module__n_scales=2,
        module__num_layers=1,
        module__embed_dim=16,
        module__num_heads=2,
        module__spectral_num_heads=2,
        head="closed_form",
        verbose=0,
    )
    return regressor.fit(windows.X, windows.y)


@pytest.mark.parametrize("method", ["gradient", "occlusion"])
def test_a_head_in_closed_form_is_explained_as_it_predicts(windows, read_out, method):
    X = windows.X[:30]
    table = explain(read_out, X, method, n_attributed=2, by=("band",))
    assert table["region"].nunique() == windows.y.shape[1]
    assert np.isfinite(table["effect"]).all() and table["effect"].abs().max() > 0


@pytest.mark.parametrize("electrodes", [range(10), [6, 2, 9, 4, 0]])
def test_a_head_in_closed_form_with_a_gradient(windows, read_out, electrodes):
    """The network that is explained is the one that predicts, also without electrodes."""
    data = np.asarray(windows.X[:30])[:, electrodes] / 1e6
    info = mne.pick_info(windows.X.info, electrodes, verbose="error")
    epochs = mne.EpochsArray(data, info, verbose="error")
    grid = Grid.of(epochs, BANDS, 1.0, 30, None)
    x = torch.as_tensor(data * 1e6, dtype=torch.float32).requires_grad_(True)
    with _evaluating(read_out, epochs, grid) as network:
        found = network(grid.recordings[0])(x)
        found.sum().backward()
    np.testing.assert_allclose(found.detach(), read_out.predict(epochs), atol=1e-4)
    assert x.grad.abs().sum(dim=(0, 2)).min() > 0


def test_a_predictor_that_is_not_fitted_is_not_explained():
    with pytest.raises(NotFittedError, match="call fit or load first"):
        explain_predictor(BOLDPredictor("AlphaHRF"), [])


def test_regions_scaled_inside_the_model_have_the_same_effect(windows):
    plain = LaggedBandPower().fit(windows.X, windows.y)
    scaled = TransformedTargetRegressor(LaggedBandPower(), transformer=StandardScaler())
    scaled.fit(windows.X, 100 * windows.y)
    first, second = (explain(model, windows.X) for model in (plain, scaled))
    for column in ("pattern", "effect"):
        np.testing.assert_allclose(first[column], second[column], atol=2e-3)


def test_other_regressors_have_a_pattern_only(windows):
    flatten = FunctionTransformer(lambda x: np.asarray(x).std(axis=-1))
    model = make_pipeline(flatten, Ridge()).fit(windows.X, windows.y)
    table = explain(model, windows.X)
    assert set(table["method"]) == {"pattern"} and table["effect"].isna().all()
    assert np.isfinite(table["pattern"]).all()
    with pytest.raises(ValueError, match="occlusion cannot be found of Pipeline"):
        explain(model, windows.X, "occlusion")


def test_tables_of_features(caplog):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((200, 4))
    table = {name: values[:, k] for k, name in enumerate(("Oz:a", "Oz:b", "Pz:a", "Pz:b"))}
    bold = np.roll(values[:, 1], 3) + 0.1 * rng.standard_normal(200)
    frame = pd.DataFrame({**table, "V1": bold, "subject": "1", "volume": range(200)})
    made = create_feature_windows(frame, "V1", tr=2.0, n_lags=6)
    model = BandPowerGP(standardise=None).fit(made.X, made.y)
    found = explain(model, made.X, roi_names=["V1"])
    assert len(found) == 2 * 2 * 6 and found["low"].isna().all()
    for value in ("pattern", "effect"):
        best = found.loc[found[value].idxmax()]
        assert best[["electrode", "band", "lag"]].tolist() == ["Oz", "b", 6.0]
        assert best[value] > 0.8


def test_one_region_without_a_column(windows):
    model = AlphaHRF().fit(windows.X, windows.y[:, 0])
    table = explain(model, windows.X, roi_names=["Cuneus"])
    assert set(table["region"]) == {"Cuneus"}
    assert set(table.loc[table["effect"] != 0, "band"]) == {"alpha"}
    used = set(table.loc[table["effect"] != 0, "electrode"])
    assert used == {"P3", "P4", "O1", "O2"}


def test_a_part_of_the_windows_is_enough(windows):
    model = LaggedBandPower().fit(windows.X, windows.y)
    every, some = (explain(model, windows.X, n_windows=n) for n in (1000, 70))
    assert np.corrcoef(every["pattern"], some["pattern"])[0, 1] > 0.9
    with pytest.raises(ValueError, match="n_windows"):
        explain(model, windows.X, n_windows=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "shap"}, "method must be one of auto, weights, gradient"),
        ({"method": "gradient"}, "gradient cannot be found of LaggedBandPower, a linear"),
        ({"roi_names": ["a"]}, "predicts 7 regions, got 1 roi_names"),
        ({"bands": {"alpha": (13, 8)}}, "must increase"),
        ({"bands": {"narrow": (8.2, 8.6)}}, "Use longer segments or other bands"),
        ({"by": ("channel",)}, "by must be some of electrode, band, lag"),
        ({"segment_seconds": 0}, "segment_seconds"),
        ({"rois": ["Thalamus"]}, "has no region 'Thalamus'"),
        ({"rois": "thalamus"}, "rois must be 'paper', a list of names or None"),
        ({"segment_seconds": 60.0}, "does not fit a window"),
    ],
)
def test_wrong_arguments(windows, arguments, message):
    model = LaggedBandPower().fit(windows.X, windows.y)
    with pytest.raises(ValueError, match=message):
        explain(model, windows.X, **arguments)


def test_what_cannot_be_explained(windows, caplog):
    caplog.set_level(logging.WARNING)
    with pytest.raises(TypeError, match="needs a fitted regressor"):
        explain(StandardScaler(), windows.X)
    model = LaggedBandPower().fit(windows.X, windows.y)
    with pytest.raises(
        TypeError, match="method must be .* got a ndarray. .* takes no BOLD"
    ):
        explain(model, windows.X, windows.y)
    with pytest.raises(ValueError, match="5 channels|of \\(10, 2000\\)"):
        explain(model, np.asarray(windows.X)[:, :5])
