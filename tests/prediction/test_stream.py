import numpy as np
import pandas as pd
import pytest

from braindecode_bolt import BOLDStream
from braindecode_bolt.prediction.causal import CausalPreparation


def pushed(stream, raw, lengths):
    tables, start, data = [], 0, raw.get_data()
    while start < raw.n_times:
        stop = start + lengths[len(tables) % len(lengths)]
        tables.append(stream.push(data[:, start:stop]))
        start = stop
    return pd.concat(tables)


@pytest.mark.parametrize("name", ["BandPowerGP", "LaggedBandPower", "NeuroBOLT"])
def test_a_stream_predicts_what_the_whole_recording_predicts(name, fit, raw):
    predictor = fit(name)
    calibration = predictor.calibrate(raw)
    stream = BOLDStream(predictor, raw.info, tr=2.0, calibration=calibration)
    found = pushed(stream, raw, [7, 400, 1000, 33])
    expected = predictor.predict(raw, tr=2.0)
    np.testing.assert_allclose(found.index, expected.index)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert stream.latency == 0
    stream.reset()
    again = pushed(stream, raw, [200])
    np.testing.assert_allclose(again, found, rtol=1e-3, atol=1e-4)


def test_a_prediction_comes_with_the_last_sample_of_its_window(fit, raw):
    stream = BOLDStream(fit("LaggedBandPower"), raw, tr=2.0)
    data = raw.get_data()
    # The window of 8 s ends at 4 s.
    assert not len(stream.push(data[:, :799]))
    assert stream.push(data[:, 799:800]).index.tolist() == [8.0]
    for second in range(4, 10):
        stream.push(data[:, 200 * second : 200 * second + 200])
    assert stream._buffer.shape[1] < 1000


@pytest.mark.parametrize("eeg", [{"high_pass": 0.5}, {"reference": "average"}])
def test_filters_do_not_depend_on_the_length_of_chunks(eeg, fit, raw, monkeypatch):
    predictor = fit("LaggedBandPower")
    monkeypatch.setattr(predictor, "eeg", eeg)
    fast = raw.copy().resample(1000.0, verbose="error")
    found = [
        pushed(BOLDStream(predictor, fast, tr=2.0), fast, lengths)
        for lengths in ([100], [13, 4000, 501])
    ]
    pd.testing.assert_frame_equal(*found, rtol=1e-5)
    # Of band power, hardly anything is lost by filters that only look back.
    expected = predictor.predict(fast, tr=2.0).loc[found[0].index]
    r = [np.corrcoef(found[0][name], expected[name])[0, 1] for name in expected]
    assert min(r) > 0.98
    assert BOLDStream(predictor, fast).latency == pytest.approx(0.04)


def test_resampling_keeps_times():
    times = np.arange(5000) / 1000.0
    wave = np.sin(2 * np.pi * 10 * times)[None]
    prepare = CausalPreparation(1000.0, 200.0, 1)
    found = np.concatenate([prepare(wave[:, i : i + 37]) for i in range(0, 5000, 37)], 1)
    assert found.shape[1] == 1000 - 8
    np.testing.assert_allclose(found[0, 20:], wave[0, ::5][20:992], atol=0.01)


def test_some_electrodes_do_where_the_model_can(fit, raw):
    part = raw.copy().drop_channels(["Pz"])
    predictor = fit("NeuroBOLT")
    found = pushed(BOLDStream(predictor, part, tr=10.0), part, [500])
    np.testing.assert_allclose(
        found, predictor.predict(part, tr=10.0), rtol=1e-3, atol=1e-4
    )


def test_wrong_arguments(fit, raw):
    with pytest.raises(ValueError, match=r"calibration=predictor\.calibrate"):
        BOLDStream(fit("BandPowerGP"), raw)
    predictor = fit("LaggedBandPower")
    with pytest.raises(ValueError, match="multiple of 200 Hz"):
        BOLDStream(predictor, raw.copy().resample(250.0, verbose="error"))
    with pytest.raises(ValueError, match="cannot interpolate"):
        BOLDStream(predictor, raw, missing="interpolate")
    stream = BOLDStream(predictor, raw)
    with pytest.raises(ValueError, match="Expected 4 channels"):
        stream.push(np.zeros((3, 10)))
    with pytest.raises(ValueError, match="NaN or infinite"):
        stream.push(np.full((4, 10), np.nan))
