import logging

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from braindecode_bolt import (
    BOLDPredictor,
    EEGRegressor,
    Recording,
    create_bold_windows,
    make_estimator,
    prepare_bold,
    prepare_eeg,
)
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.linear import LINEAR
from braindecode_bolt.metrics import pearson_r
from braindecode_bolt.prediction import running

from ..conftest import ROIS, WINDOW
from .conftest import tiny_network

MODELS = [*LINEAR, "NeuroBOLT"]


@pytest.mark.parametrize("name", ["LaggedBandPower", "NeuroBOLT"])
def test_it_predicts_what_the_steps_done_by_hand_predict(name, fit, as_read):
    model = tiny_network() if name == "NeuroBOLT" else make_estimator(name)
    recordings = [prepare_bold(recording) for recording in as_read]
    train = create_bold_windows(recordings[:3], WINDOW, 4.0)
    test = create_bold_windows(recordings[3:], WINDOW, 4.0)
    scaler = StandardScaler().fit(train.y)
    y = scaler.transform(train.y).astype(np.float32)
    expected = scaler.inverse_transform(clone(model).fit(train.X, y).predict(test.X))
    times = test.metadata["stop"] / test.sfreq + 4.0
    raw = as_read[3].raw.copy().set_annotations(None)
    found = fit(name).predict(raw, times=times)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert found.columns.tolist() == ROIS
    np.testing.assert_array_equal(found.index, times)


def test_times_are_multiples_of_the_repetition_time(fit, raw):
    predictor = fit("LaggedBandPower")
    table = predictor.predict(raw)
    assert predictor.tr_ == pytest.approx(2.1)
    np.testing.assert_allclose(table.index, 2.1 * np.arange(4, 4 + len(table)))
    assert table.index[0] >= WINDOW + 4.0 > table.index[0] - 2.1
    assert raw.times[-1] + 4.0 - table.index[-1] < 2.1
    every = predictor.predict(raw, tr=1.0)
    np.testing.assert_allclose(every.index, np.arange(8, 105))


@pytest.mark.parametrize("name", MODELS)
def test_predictions_do_not_depend_on_the_times_that_are_asked_for(name, fit, raw):
    predictor = fit(name)
    whole = predictor.predict(raw, tr=2.0)
    one = predictor.predict(raw, times=whole.index[[20]])
    np.testing.assert_allclose(one, whole.iloc[[20]], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["BandPowerGP", "AlphaHRF", "LaggedBandPower", "NeuroBOLT"]
)
@pytest.mark.parametrize("eeg", [{}, {"high_pass": 0.5, "reference": "average"}])
def test_pieces_give_what_the_whole_gives(name, eeg, fit, raw, monkeypatch):
    predictor = fit(name)
    monkeypatch.setattr(predictor, "eeg", eeg)
    long = mne.concatenate_raws([raw.copy(), raw.copy()], verbose="error")
    long.set_annotations(
        mne.Annotations([50.0, 120.0], [1.0, 0.0], ["BAD", "EDGE boundary"])
    )
    whole = predictor.predict(long, tr=2.0)
    monkeypatch.setattr(running, "_AT_ONCE", 1)
    monkeypatch.setattr(running, "_SHORTEST", 33.0)
    pieces = predictor.predict(long, tr=2.0, progress=False)
    assert pieces.attrs["left_out"] == whole.attrs["left_out"]
    assert pieces.attrs["left_out"].keys() == {"touches_bad", "crosses_joint"}
    np.testing.assert_array_equal(pieces.isna(), whole.isna())
    np.testing.assert_allclose(pieces, whole, rtol=1e-3, atol=1e-4)


def test_pieces_are_nearly_the_whole_where_the_rate_changes(fit, raw, monkeypatch):
    predictor = fit("BandPowerGP")
    fast = raw.copy().resample(250.0, verbose="error")
    whole = predictor.predict(fast)
    monkeypatch.setattr(running, "_AT_ONCE", 1)
    monkeypatch.setattr(running, "_SHORTEST", 33.0)
    pieces = predictor.predict(fast, progress=False)
    assert np.abs(pieces - whole).to_numpy().max() < 0.01 * whole.to_numpy().std()


def test_a_part_that_cannot_be_prepared_costs_only_its_times(fit, raw, monkeypatch, caplog):
    raw.load_data()
    raw._data[0, 66 * 200 :] = 0.0  # An electrode came off.
    monkeypatch.setattr(running, "_AT_ONCE", 1)
    monkeypatch.setattr(running, "_SHORTEST", 33.0)
    from braindecode_bolt.prediction import preparation

    monkeypatch.setattr(preparation, "_MARGIN", 0.0)
    found = fit("LaggedBandPower").predict(raw, tr=2.0, progress=False)
    assert found.attrs["left_out"] == {"not_prepared": int(found.isna().all(axis=1).sum())}
    assert found.loc[:66].notna().all(axis=None) and found.loc[90:].isna().all(axis=None)
    assert "channel Fz is flat" in caplog.text


def test_spellings_order_and_further_channels_do_not_matter(fit, raw):
    predictor = fit("NeuroBOLT")
    expected = predictor.predict(raw)
    other = raw.copy().reorder_channels(["Oz", "Fz", "Cz", "Pz"])
    other.rename_channels({"Oz": "EEG OZ-REF", "Fz": "fz"})
    ecg = mne.io.RawArray(
        1e-3 * np.ones((1, raw.n_times)), mne.create_info(["ECG"], 200.0, "ecg"), verbose=0
    )
    other.load_data().add_channels([ecg], force_update_info=True)
    pd.testing.assert_frame_equal(predictor.predict(other), expected)
    of_recording = predictor.predict(Recording(raw, "x"))
    pd.testing.assert_frame_equal(of_recording, expected)


@pytest.mark.parametrize("name", ["BandPowerGP", "NeuroBOLT"])
def test_some_electrodes_do_where_the_model_can(name, fit, raw, caplog):
    part = raw.copy().drop_channels(["Pz"])
    found = fit(name).predict(part)
    assert found.notna().all(axis=None)
    assert "lacks 1 electrode of the 4 that the model was trained on" in caplog.text
    assert "left to the model: Pz" in caplog.text
    marked = raw.copy()
    marked.info["bads"] = ["Pz"]
    np.testing.assert_allclose(fit(name).predict(marked), found)
    with pytest.raises(ChannelNameError, match="lacks 1 electrode"):
        fit(name).predict(part, missing="raise")


def test_missing_electrodes_are_interpolated_on_request(fit, raw):
    predictor = fit("LaggedBandPower")
    part = raw.copy().drop_channels(["Pz"])
    with pytest.raises(ChannelNameError, match="use missing='interpolate'"):
        predictor.predict(part)
    found = predictor.predict(part, missing="interpolate")
    montage = mne.channels.make_standard_montage("colin27_1005")
    marked = raw.copy().load_data().set_montage(montage, match_case=False)
    marked.info["bads"] = ["Pz"]
    expected = predictor.predict(marked.interpolate_bads(verbose="error"))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    with pytest.raises(ChannelNameError, match="cannot be interpolated"):
        predictor.predict(raw.copy().pick(["Fz", "Cz"]), missing="interpolate")
    with pytest.raises(ChannelNameError, match="none of the 4 electrodes"):
        predictor.predict(
            raw.copy().rename_channels(dict(Fz="F1", Cz="F2", Pz="F3", Oz="F4"))
        )


def test_scores_are_those_of_people_left_out(fit):
    predictor = fit("BandPowerGP", cv=3)
    assert predictor.scores_["region"].tolist() == ROIS
    # The thalamus follows the alpha rhythm in the simulation.
    assert 0.4 < predictor.scores_.loc[0, "r"] < 0.95
    assert predictor.training_["tested_subjects"] == 3
    assert fit("BandPowerGP").scores_ is None
    mean = fit("MeanBOLD", cv=3).scores_
    assert mean["r"].isna().all() and (mean["mse"] > 0.9).all()


def test_scores_of_recordings_with_fmri(fit, as_read):
    predictor = fit("LaggedBandPower")
    found = predictor.score(as_read[3:], progress=False)
    assert list(found.columns) == ["region", "r", "r_sd", "mse"]
    windows = create_bold_windows(
        [prepare_bold(prepare_eeg(as_read[3]))], WINDOW, lag_seconds=4.0
    )
    predicted = predictor.regressor_.predict(windows.X)
    r = pearson_r(windows.y, predicted)
    np.testing.assert_allclose(found["r"], r, rtol=1e-3)
    scale, mean = predictor.target_scale_, predictor.target_mean_
    errors = ((windows.y - predicted * scale - mean) / scale) ** 2
    np.testing.assert_allclose(found["mse"], errors.mean(axis=0), rtol=1e-3)
    twice = predictor.score([as_read[3], as_read[3]], progress=False)
    np.testing.assert_allclose(twice["r"], found["r"])
    assert (twice["r_sd"] < 1e-9).all()


def test_recordings_that_cannot_be_scored(fit, as_read):
    predictor = fit("LaggedBandPower")
    bold = as_read[3].bold.rename(columns={ROIS[0]: "Amygdala"})
    with pytest.raises(ValueError, match=f"no BOLD of {ROIS[0]}"):
        predictor.score([as_read[3].with_tables({"bold": bold})])
    with pytest.raises(ValueError, match="no recordings to score"):
        predictor.score([])
    with pytest.raises(TypeError, match="got str among them"):
        predictor.score(["sub-01.edf"])


@pytest.mark.filterwarnings("ignore:With 3 people")
@pytest.mark.parametrize("name", ["BandPowerGP", "LaggedBandPower"])
def test_intervals_and_standard_deviations(name, fit, raw):
    predictor = fit(name, cv=3)
    assert predictor.intervals_.uses_spread_ == (name == "BandPowerGP")
    mean, lower, upper = predictor.predict_interval(raw, level=0.9)
    _, narrow, _ = predictor.predict_interval(raw, level=0.5)
    assert (lower < narrow).all(axis=None) and (narrow < mean).all(axis=None)
    np.testing.assert_allclose((lower + upper) / 2, mean)
    same, std = predictor.predict(raw, return_std=True)
    np.testing.assert_allclose(same, mean)
    assert (std > 0).all(axis=None)
    assert np.allclose(std, std.iloc[0]) == (name == "LaggedBandPower")


def test_a_calibration_stretch_takes_the_place_of_the_whole_recording(fit, raw):
    predictor = fit("AlphaHRF")
    whole, short = predictor.predict(raw), raw.copy().crop(0.0, 30.0)
    statistics = predictor.calibrate(raw)
    expected = whole.loc[:30.0]
    for calibration in (statistics, raw):
        found = predictor.predict(short, times=expected.index, calibration=calibration)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    alone = predictor.predict(short, times=expected.index)
    assert not np.allclose(alone, expected, rtol=1e-3)
    network = fit("NeuroBOLT")
    assert network.calibrate(raw) is None
    with pytest.raises(ValueError, match="calibration was given"):
        network.predict(raw, calibration=raw)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"tr": 2.0, "times": [20.0]}, ValueError, "tr or times, not both"),
        ({"tr": 0.0}, ValueError, "tr"),
        ({"times": []}, ValueError, "list of finite numbers"),
        ({"times": [1.0]}, ValueError, "none of 1 time has a window"),
        ({"tr": 1000.0}, ValueError, "no window"),
        ({"missing": "drop"}, ValueError, "missing must be"),
        ({"return_std": True}, ValueError, "Fit it with cv=5"),
    ],
)
def test_wrong_arguments_of_predict(fit, raw, arguments, error, said):
    with pytest.raises(error, match=said):
        fit("LaggedBandPower").predict(raw, **arguments)


def test_wrong_arguments(fit, raw, as_read, tmp_path):
    with pytest.raises(TypeError, match="eeg has no option 'filter'"):
        BOLDPredictor(eeg={"filter": 1.0})
    with pytest.raises(NotFittedError, match="not fitted"):
        BOLDPredictor().predict(raw)
    with pytest.raises(ValueError, match="at least 2"):
        BOLDPredictor("MeanBOLD", window_seconds=4.0).fit(as_read[:1], cv=2)
    with pytest.raises(TypeError, match="Expected an mne.io.Raw"):
        fit("MeanBOLD").predict("file.edf")
    with pytest.raises(TypeError, match="got RawArray among them"):
        BOLDPredictor("MeanBOLD").fit([raw])
    with pytest.raises(ValueError, match="no intervals"):
        fit("LaggedBandPower").predict_interval(raw)


def test_common_channels_and_what_is_left_out_is_logged(as_read, raw, caplog):
    fewer = [Recording(as_read[0].raw.copy().drop_channels("Cz"), "a"), as_read[1]]
    predictor = BOLDPredictor("MeanBOLD", {"channels": "common"}, window_seconds=4.0)
    assert predictor.fit(fewer).ch_names_ == ["Fz", "Pz", "Oz"]
    raw.set_annotations(mne.Annotations([20.0], [10.0], ["BAD"]))
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        table = predictor.predict(raw, tr=2.0)
    assert table.attrs["left_out"] == {"touches_bad": 6}
    assert "no prediction at 6 of 49 times: 6 with a BAD annotation" in caplog.text


@pytest.mark.parametrize("head", ["gaussian", "flow"])
def test_a_head_with_a_spread_gives_its_own_standard_deviations(as_read, raw, head):
    sizes = {"encoder": None, "n_scales": 1, "spectral_depth": 1, "embed_dim": 16}
    sizes |= {"spectral_num_heads": 2, "head": head}
    if head == "flow":
        sizes["head_args"] = {"width": 8, "depth": 1, "n_steps": 2}
    arguments = {f"module__{name}": value for name, value in sizes.items()}
    model = EEGRegressor("BOLDNet", max_epochs=1, n_draws=4, verbose=0, **arguments)
    predictor = BOLDPredictor(model, window_seconds=WINDOW)
    predictor.fit(as_read[:3], progress=False)
    mean, std = predictor.predict(raw, return_std=True)
    np.testing.assert_allclose(mean, predictor.predict(raw), rtol=1e-5)
    # The scale is that of the BOLD, and the spread is not one number for all volumes.
    assert (std.to_numpy() > 0).all() and (std.std() > 0).all()


@pytest.mark.parametrize("n_regions", [1, 3])
def test_a_model_of_other_regions_is_refused(as_read, raw, n_regions):
    """One column would otherwise be taken for all regions."""
    windows = create_bold_windows(map(prepare_bold, as_read[:3]), WINDOW, 4.0)
    y = np.column_stack([windows.y, windows.y])[:, :n_regions]
    model = make_estimator("LaggedBandPower").fit(windows.X, y)
    predictor = BOLDPredictor.from_fitted(model, windows, tr=2.1)
    with pytest.raises(
        ValueError, match=f"predicts {n_regions} regions?, the predictor has 2"
    ):
        predictor.predict(raw, tr=2.1, progress=False)
