import numpy as np
import pytest

from braindecode_bolt import BOLDPredictor, EEGRegressor, Recording
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.explanation import explain_predictor

NAMES, OTHERS = ["Fz", "Cz", "Pz", "Oz"], ["F3", "C3", "P3", "O1"]


@pytest.fixture(scope="module")
def recordings():
    return SimulatedEEGfMRI(3, duration=120.0, ch_names=NAMES).load()


def without(recording, *names):
    return Recording(recording.raw.copy().drop_channels(names), recording.subject)


@pytest.fixture(scope="module", params=["BandPowerGP", "LabramBOLD"])
def predictor(request, recordings):
    if request.param == "BandPowerGP":
        return BOLDPredictor("BandPowerGP").fit(recordings[:2], progress=False)
    model = EEGRegressor("LabramBOLD", module__num_layers=1, max_epochs=1, verbose=0)
    return BOLDPredictor(model, window_seconds=4.0).fit(recordings[:2], progress=False)


def test_a_part_of_the_electrodes_is_enough_for_some(predictor, recordings, caplog):
    table = explain_predictor(predictor, recordings[2:], rois=["Thalamus"])
    assert list(table["electrode"].unique()) == NAMES
    less = [without(recordings[1], "Cz"), without(recordings[2], "Fz")]
    table = explain_predictor(predictor, less, rois=["Thalamus"])
    assert list(table["electrode"].unique()) == ["Pz", "Oz"]
    assert np.isfinite(table["pattern"]).all() and np.isfinite(table["effect"]).all()
    assert "Using 2 of the model's 4 electrodes; not there: Fz, Cz" in (caplog.text)
    raw = recordings[2].raw.copy().rename_channels(dict(zip(NAMES, OTHERS, strict=True)))
    with pytest.raises(ChannelNameError, match="none of the electrodes of the model"):
        explain_predictor(predictor, [Recording(raw, "03")])


def test_other_models_need_all(recordings):
    predictor = BOLDPredictor("LaggedBandPower").fit(recordings[:2], progress=False)
    with pytest.raises(ChannelNameError, match="Cz"):
        explain_predictor(predictor, [without(recordings[2], "Cz")])
