import json
from dataclasses import replace

import mne
import numpy as np
import pytest
import torch

from braindecode_bolt import NeuroBOLT, create_bold_windows
from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.models import BEIRA, NETWORKS, CheckpointError, encoder_card
from braindecode_bolt.training import pretrain_band_power

SMALL = {
    "NeuroBOLT": {
        "embed_dim": 16,
        "num_heads": 2,
        "spectral_num_heads": 2,
        "num_layers": 1,
        "spectral_depth": 1,
        "mix_windows": False,
    },
    "LabramBOLD": {"num_layers": 1},
    "BIOTBOLD": {"num_layers": 1, "embed_dim": 16},
}
QUICK = {"n_steps": 4, "window_seconds": 4.0, "windows_per_recording": 8, "progress": False}


@pytest.fixture(scope="module")
def recordings():
    return SimulatedEEGfMRI(2, duration=60.0).load()


@pytest.fixture(scope="module")
def pretrained(recordings):
    return pretrain_band_power(
        "NeuroBOLT", recordings, model_arguments=SMALL["NeuroBOLT"], **QUICK
    )


@pytest.mark.parametrize("name", SMALL)
def test_every_network_with_tokens_can_be_pretrained_and_loaded(name, recordings, tmp_path):
    found = pretrain_band_power(name, recordings, model_arguments=SMALL[name], **QUICK)
    assert len(found.losses) == 4 and np.isfinite(found.losses).all()
    file = found.save(tmp_path / "weights.safetensors")
    names = found.model.ch_names[::-1]
    model = NETWORKS[name](
        n_outputs=3, n_times=800, ch_names=names, pretrained=str(file), **SMALL[name]
    ).eval()
    x = 20 * torch.randn(2, len(names), 800)
    np.testing.assert_allclose(
        model.electrode_tokens(x).detach(),
        found.model.electrode_tokens(x, ch_names=names).detach(),
        atol=1e-4,
    )
    # Longer windows, and a channel that was not pre-trained on.
    longer = NETWORKS[name](
        n_outputs=1, n_times=1600, ch_names=["Cz", "FT9"], pretrained=file, **SMALL[name]
    )
    assert torch.isfinite(longer(torch.randn(1, 2, 1600))).all()


def test_it_learns_band_power_of_people_it_has_not_seen():
    people = SimulatedEEGfMRI(3, duration=90.0).load()
    arguments = {**SMALL["NeuroBOLT"], "embed_dim": 32, "branches": "spectral"}
    quick = {**QUICK, "window_seconds": 8.0, "windows_per_recording": 60, "lr": 5e-3}
    learned, started = (
        pretrain_band_power(
            "NeuroBOLT", people[:2], model_arguments=arguments, **{**quick, "n_steps": n}
        )
        for n in (200, 1)
    )
    r, r_of_start = learned.correlations(people[2]), started.correlations(people[2])
    assert list(r) == ["delta", "theta", "alpha", "beta", "gamma"]
    assert min(r.values()) > 0.45
    assert np.mean(list(r.values())) > np.mean(list(r_of_start.values())) + 0.2
    assert learned.losses[-20:].mean() < 0.6 * learned.losses[:20].mean()


def test_same_seed_same_weights_and_the_instance_is_not_changed(recordings):
    names = recordings[0].raw.ch_names
    torch.manual_seed(0)
    names = [n for n in names if n in create_bold_windows(recordings[:1]).ch_names]
    model = NeuroBOLT(7, ch_names=names, n_times=800, **SMALL["NeuroBOLT"])
    before = [p.clone() for p in model.parameters()]
    state = torch.random.get_rng_state()
    first, second = (pretrain_band_power(model, recordings, **QUICK) for _ in range(2))
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(map(torch.equal, before, model.parameters()))
    assert not model.weights_changed and first.model.weights_changed
    assert all(map(torch.equal, first.model.parameters(), second.model.parameters()))
    assert torch.equal(first.model.final_layer.weight, model.final_layer.weight)
    other = pretrain_band_power(model, recordings, random_state=1, **QUICK)
    assert not np.array_equal(first.losses, other.losses)


def test_recordings_of_different_channels(recordings):
    raw = recordings[1].raw.copy()
    raw.drop_channels([raw.ch_names[0], raw.ch_names[2]])
    both = [recordings[0], replace(recordings[1], raw=raw)]
    found = pretrain_band_power(
        "NeuroBOLT", both, model_arguments=SMALL["NeuroBOLT"], most_channels=4, **QUICK
    )
    sizes = [entry["channels"] for entry in found.card["recordings"]]
    assert sizes[0] == sizes[1] + 2 == len(found.model.ch_names)


def test_windows_of_raw_objects_and_of_bold_are_the_same_kind_of_data(recordings):
    kwargs = {"model_arguments": SMALL["NeuroBOLT"], **QUICK}
    of_raw = pretrain_band_power("NeuroBOLT", [r.raw for r in recordings], **kwargs)
    of_recordings = pretrain_band_power("NeuroBOLT", recordings, **kwargs)
    assert np.array_equal(of_raw.losses, of_recordings.losses)
    windows = create_bold_windows(recordings, window_seconds=4.0)
    of_windows = pretrain_band_power("NeuroBOLT", windows, **kwargs)
    assert of_windows.model.n_times == 800
    subjects = [entry["subject"] for entry in of_windows.card["recordings"]]
    assert subjects == [recording.subject for recording in recordings]


def test_bad_stretches_are_not_used(recordings):
    raw = recordings[0].raw.copy()
    raw.load_data()
    broken = raw.get_data()
    broken[:, 2000:4000] = 1e-3 * np.random.default_rng(0).standard_normal((1, 2000))
    changed = mne.io.RawArray(broken, raw.info, verbose="error")
    kwargs = {"model_arguments": SMALL["NeuroBOLT"], **QUICK}
    found = []
    for one in (raw, changed):
        one.set_annotations(mne.Annotations(10.0, 10.0, "BAD_movement"))
        found.append(pretrain_band_power("NeuroBOLT", one, **kwargs).losses)
    assert np.array_equal(*found)


def test_a_flat_channel_is_an_error_or_harmless(recordings):
    raw = recordings[0].raw.copy().load_data()
    raw.apply_function(lambda x: 0 * x, picks=[0])
    with pytest.raises(ValueError, match="flat|constant"):
        pretrain_band_power("NeuroBOLT", raw, model_arguments=SMALL["NeuroBOLT"], **QUICK)


def test_time_limit(recordings):
    limited = {**QUICK, "n_steps": 10_000, "max_seconds": 0.5}
    found = pretrain_band_power(
        "NeuroBOLT", recordings, model_arguments=SMALL["NeuroBOLT"], **limited
    )
    assert 1 <= len(found.losses) < 10_000


def test_card_tells_data_and_training(pretrained, tmp_path):
    file = pretrained.save(tmp_path / "weights.safetensors")
    card = encoder_card(file)
    assert card == json.loads(file.with_suffix(".json").read_text())
    assert card["model"] == "NeuroBOLT"
    assert card["config"]["embed_dim"] == 16
    assert card["bands"]["alpha"] == [8.0, 13.0]
    assert card["training"]["steps"] == 4
    assert len(card["recordings"]) == 2
    assert len(card["recordings"][0]["eeg"]) == len(card["config"]["ch_names"])
    assert encoder_card(tmp_path / "nothing.safetensors") == {}


def test_weights_for_another_size_or_setting_are_refused(pretrained, tmp_path):
    file = pretrained.save(tmp_path / "weights.safetensors")
    kwargs = {"n_outputs": 1, "ch_names": ["Cz", "Pz"], "n_times": 800, "pretrained": file}
    with pytest.raises(CheckpointError, match="Build the model with the sizes"):
        NeuroBOLT(**kwargs, **{**SMALL["NeuroBOLT"], "embed_dim": 32})
    with pytest.raises(CheckpointError, match="input_scale=100"):
        NeuroBOLT(**kwargs, **SMALL["NeuroBOLT"], input_scale=50.0)


def test_damaged_file_is_refused(pretrained, tmp_path):
    file = pretrained.save(tmp_path / "weights.safetensors")
    content = bytearray(file.read_bytes())
    content[-5] ^= 255
    file.write_bytes(content)
    with pytest.raises(CheckpointError):
        NeuroBOLT(1, ch_names=["Cz"], n_times=800, pretrained=file, **SMALL["NeuroBOLT"])
    file.write_bytes(content[:50])
    with pytest.raises(CheckpointError, match="damaged"):
        encoder_card(file)


def test_models_and_data_that_do_not_fit(recordings, tmp_path, pretrained):
    with pytest.raises(ValueError, match="BEIRA has no tokens.*NeuroBOLT"):
        pretrain_band_power(BEIRA(1, n_chans=4, n_times=800), recordings, **QUICK)
    with pytest.raises(ValueError, match="BEIRA has no tokens"):
        pretrain_band_power("BEIRA", recordings, **QUICK)
    with pytest.raises(TypeError, match="got str among them"):
        pretrain_band_power("NeuroBOLT", ["a.edf"], **QUICK)
    with pytest.raises(ValueError, match="no EEG"):
        pretrain_band_power("NeuroBOLT", [], **QUICK)
    with pytest.raises(ValueError, match="n_steps"):
        pretrain_band_power("NeuroBOLT", recordings, **{**QUICK, "n_steps": 0})
    with pytest.raises(ValueError, match=".safetensors file"):
        pretrained.save(tmp_path / "weights.pt")
    raw = recordings[0].raw.copy().resample(100, verbose="error")
    with pytest.raises(ValueError, match="prepare_eeg"):
        pretrain_band_power(pretrained.model, raw, **QUICK)
