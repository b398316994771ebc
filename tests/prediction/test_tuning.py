import numpy as np
import pandas as pd
import pytest
import torch

from braindecode_bolt import BOLDPredictor, Recording
from braindecode_bolt.datasets import SimulatedEEGfMRI

from ..conftest import CH_NAMES


def others(rois, ch_names=CH_NAMES):
    simulated = SimulatedEEGfMRI(
        1, duration=60.0, ch_names=ch_names, rois=rois, random_state=9
    )
    return simulated.load()


def test_tuning_leaves_the_old_predictor_and_gives_a_new_one(fit, raw, tmp_path):
    predictor = fit("NeuroBOLT")
    before = predictor.predict(raw, 20.0)
    tuned = predictor.fine_tune(others(["Thalamus", "Cuneus"]), max_epochs=1)
    pd.testing.assert_frame_equal(predictor.predict(raw, 20.0), before)
    assert not np.allclose(tuned.predict(raw, 20.0), before)
    assert "3 recordings of 3 people" in tuned.training_["fine_tuned_from"]
    assert tuned.training_["recordings"] == 1 and tuned.scores_ is None
    loaded = BOLDPredictor.load(tuned.save(tmp_path / "tuned"))
    pd.testing.assert_frame_equal(loaded.predict(raw, 20.0), tuned.predict(raw, 20.0))
    assert "fine-tuned from" in (tmp_path / "tuned" / "README.md").read_text()


def test_known_regions_keep_their_weights_and_a_frozen_encoder_its_own(fit, raw, tmp_path):
    predictor = fit("NeuroBOLT")
    tuned = predictor.fine_tune(
        others(["Putamen", "Thalamus"]), freeze="encoder", lr=0.0, max_epochs=1
    )
    assert tuned.roi_names_ == ["Putamen", "Thalamus"]
    old, new = (p.regressor_.module_ for p in (predictor, tuned))
    place = predictor.roi_names_.index("Thalamus")
    assert torch.equal(new.final_layer.weight[1], old.final_layer.weight[place])
    further = predictor.fine_tune(others(["Putamen"]), freeze="encoder", max_epochs=1)
    state = further.regressor_.module_.state_dict()
    for name, value in predictor.regressor_.module_.state_dict().items():
        if not name.startswith("final_layer"):
            assert torch.equal(state[name], value), name
    assert all(p.requires_grad for p in further.regressor_.module_.parameters())
    further.save(tmp_path / "further")


def test_other_montages(fit, raw, caplog):
    recordings = others(["Thalamus", "Cuneus"], ["Oz", "Fz", "F3", "Pz"])
    tuned = fit("NeuroBOLT").fine_tune(recordings, max_epochs=1)
    assert tuned.ch_names_ == ["Fz", "Pz", "Oz"]
    assert "not there: Cz" in caplog.text
    assert tuned.predict(raw, 20.0).notna().all(axis=None)


def test_what_cannot_be_tuned(fit, as_read):
    with pytest.raises(TypeError, match="Only networks"):
        fit("BandPowerGP").fine_tune(as_read)
    with pytest.raises(ValueError, match="freeze must be"):
        fit("NeuroBOLT").fine_tune(as_read, freeze="all")
    names = {"Fz": "F1", "Cz": "F2", "Pz": "F3", "Oz": "F4"}
    other = Recording(as_read[0].raw.copy().rename_channels(names), "x")
    with pytest.raises(ValueError, match="none of the electrodes"):
        fit("NeuroBOLT").fine_tune([other])
