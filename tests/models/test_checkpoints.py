import argparse
import json
import os
import pickle

import numpy as np
import pytest
import torch
from braindecode.models import Labram
from sklearn.base import clone

from braindecode_bolt import EEGRegressor, JoinedRegions, NeuroBOLT, load_published_weights
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.models import PUBLISHED_CHANNELS, CheckpointError

from . import golden

SHORT = golden.CASES["short5"]


def build(case, **kwargs):
    names = golden.PUBLISHED if case["n_chans_model"] == 26 else case["ch_names"]
    arguments = {
        "n_outputs": case["n_outputs"],
        "ch_names": names,
        "n_times": case["n_times"],
        "num_layers": case["num_layers"],
        "n_scales": case["win_level"] + 1,
        "input_scale": 1.0,
    }
    return NeuroBOLT(**{**arguments, **kwargs}).eval()


@pytest.mark.parametrize("case", golden.CASES.values(), ids=golden.CASES)
def test_outputs_are_those_of_the_published_network(case):
    """Within 1e-5, for all three shapes; representations too."""
    model = build(case)
    load_published_weights(model, golden.weights(case), ch_names=model.ch_names)
    x = golden.windows(case)
    with torch.inference_mode():
        output = model(x, ch_names=case["ch_names"])
        _, rows = model._rows(case["ch_names"])
        positions = model.positions[rows]
        r_st, _ = model.spatiotemporal(x, positions)
        r_sp = model.spectral(x, rows)
    np.testing.assert_allclose(output, case["output"], rtol=1e-5)
    assert [0, *positions.tolist()] == case["labram_position_index"]
    for ours, theirs in ((r_st, "r_st"), (r_sp, "r_sp")):
        np.testing.assert_allclose(
            ours[:, :6], case[f"{theirs}_head"], rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(ours.norm(dim=1), case[f"{theirs}_l2"], rtol=1e-5)


@pytest.fixture(scope="module")
def published():
    """Weights of a file of one region, as they were published."""
    return golden.weights(SHORT)


@pytest.fixture
def file(published, tmp_path):
    """A file as published: weights beside the state of the training."""
    path = tmp_path / "cuneus.pth"
    torch.save(
        {
            "model": published,
            "optimizer": {"state": {}, "param_groups": [{"lr": 3e-4}]},
            "epoch": 19,
            "args": argparse.Namespace(model="neurobolt", lr=3e-4, roi=["Cuneus"]),
        },
        path,
    )
    return path


@pytest.fixture
def labram_file(published, tmp_path):
    """A LaBraM file: the encoder as a student, and what pretraining needs besides."""
    encoder = {
        k: v for k, v in published.items() if not k.startswith(("mss_module", "head"))
    }
    encoder = {k: v for k, v in encoder.items() if not k.startswith("fc_norm")}
    state = {f"student.{name}": value for name, value in encoder.items()}
    state |= {
        "student.mask_token": torch.zeros(1, 1, 200),
        "student.norm.weight": torch.full((200,), 7.0),
        "student.norm.bias": torch.zeros(200),
        "student.lm_head.weight": torch.zeros(10, 200),
        "student.blocks.0.attn.relative_position_index": torch.zeros(3, dtype=torch.int64),
        "lm_head.weight": torch.zeros(10, 200),
        "logit_scale": torch.zeros(()),
    }
    path = tmp_path / "labram-base.pth"
    torch.save({"model": state}, path)
    return path


def encoders_agree(model, published):
    ours = model.spatiotemporal.state_dict()
    return torch.equal(ours["position_embedding"], published["pos_embed"]) and torch.equal(
        ours["blocks.0.mlp.fc2.weight"], published["blocks.0.mlp.fc2.weight"]
    )


def test_a_published_file_is_read_whole(file, published):
    model = build(SHORT)
    assert load_published_weights(model, file, ch_names=SHORT["ch_names"]) is model
    with torch.inference_mode():
        output = model(golden.windows(SHORT))
    np.testing.assert_allclose(output, SHORT["output"], rtol=1e-5)
    assert model.weights_changed


def test_files_saved_from_several_gpus_and_bare_state_dicts(published, tmp_path):
    for state in ({f"module.{k}": v for k, v in published.items()}, published):
        path = tmp_path / "weights.pt"
        torch.save(state, path)
        model = load_published_weights(build(SHORT), path, ch_names=SHORT["ch_names"])
        assert encoders_agree(model, published)


def test_channels_are_taken_by_name(published):
    """A model of a part of the file's channels equals the whole one on that part."""
    whole = load_published_weights(build(SHORT), published, ch_names=SHORT["ch_names"])
    part = build(SHORT, ch_names=["T8", "Cz"])
    load_published_weights(part, published, ch_names=SHORT["ch_names"])
    x = golden.windows(SHORT)[:, [3, 0]]
    with torch.inference_mode():
        np.testing.assert_allclose(
            part(x), whole(x, ch_names=["T8", "Cz"]), rtol=1e-5, atol=1e-6
        )
    with pytest.raises(ChannelNameError, match="The file of weights has no channel Fp1"):
        load_published_weights(
            build(SHORT, ch_names=["Fp1"]), published, ch_names=SHORT["ch_names"]
        )
    with pytest.raises(ChannelNameError, match="5 channels that they do not name"):
        load_published_weights(build(SHORT), published)
    with pytest.raises(ChannelNameError, match="2 names were given for the weights' 5"):
        load_published_weights(build(SHORT), published, ch_names=["Cz", "Pz"])


def test_26_rows_are_the_published_channels(caplog):
    case = golden.CASES["subset23"]
    model = build(case, ch_names=["T3", "Oz"])
    with caplog.at_level("INFO"):
        load_published_weights(model, golden.weights(case))
    assert "channel T3 is taken for T7" in caplog.text
    table = golden.weights(case)["mss_module.channel_tokens.weight"]
    rows = [PUBLISHED_CHANNELS.index(name) for name in ("T7", "OZ")]
    assert torch.equal(model.spectral.channel_embedding.weight, table[rows])


def test_what_does_not_fit_is_listed_and_nothing_is_loaded(published):
    model = build(SHORT, n_outputs=7, num_layers=2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    incomplete = {k: v for k, v in published.items() if k != "fc_norm.bias"}
    incomplete["surplus"] = torch.zeros(2)
    with pytest.raises(CheckpointError) as caught:
        load_published_weights(model, incomplete, ch_names=SHORT["ch_names"])
    message = str(caught.value)
    assert "spatiotemporal.blocks.1.norm1.weight" in message
    assert "spatiotemporal.norm.bias" in message and "missing (1" in message
    assert "unexpected (1): surplus" in message
    assert "final_layer.weight is (3, 200), expected (7, 200)" in message
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_head_differs_only_when_asked_for(published):
    model = build(SHORT, n_outputs=7)
    with pytest.raises(CheckpointError, match="use new_head=True"):
        load_published_weights(model, published, ch_names=SHORT["ch_names"])
    head = model.final_layer.weight.clone()
    load_published_weights(model, published, ch_names=SHORT["ch_names"], new_head=True)
    assert encoders_agree(model, published)
    assert torch.equal(model.final_layer.weight, head)


def test_labram_fills_the_spatiotemporal_encoder(labram_file, published, caplog):
    model = build(SHORT)
    with caplog.at_level("INFO"):
        load_published_weights(model, labram_file)
    assert encoders_agree(model, published)
    assert (model.spatiotemporal.norm.weight == 1).all(), "not LaBraM's last norm"
    assert (
        "kept as in the model: final_layer, spatiotemporal.norm, spectral." in caplog.text
    )
    state = torch.load(labram_file, weights_only=True)["model"]
    del state["student.cls_token"]
    with pytest.raises(CheckpointError, match=r"missing \(1\): spatiotemporal.cls_token"):
        load_published_weights(build(SHORT), state)


@pytest.mark.parametrize("pooling", [True, False])
def test_labram_of_braindecode(pooling):
    labram = Labram(
        n_outputs=4, n_chans=5, n_times=1600, num_layers=1, use_mean_pooling=pooling
    )
    torch.nn.init.normal_(labram.temporal_embedding)
    model = load_published_weights(build(SHORT), labram)
    ours, theirs = model.spatiotemporal, labram.state_dict()
    assert torch.equal(ours.position_embedding, theirs["position_embedding"])
    assert torch.equal(ours.temporal_embedding, theirs["temporal_embedding"][:, :8])
    assert torch.equal(ours.blocks[0].mlp.fc1.weight, theirs["blocks.0.mlp.0.weight"])


def test_a_window_longer_than_the_table_of_seconds_is_an_error(labram_file):
    model = build(SHORT, n_times=3600)
    with pytest.raises(CheckpointError, match=r"is \(1, 16, 200\), expected \(1, 18, 200"):
        load_published_weights(model, labram_file)


def test_fresh_rows_stay_as_they_are_made(labram_file, published):
    model = build(SHORT, ch_names=["Cz", "E17"], unknown_channels="fresh")
    fresh = model.spatiotemporal.fresh_embedding.clone()
    load_published_weights(model, labram_file)
    assert torch.equal(model.spatiotemporal.fresh_embedding, fresh)


def test_fresh_rows_go_by_name(published):
    both = {"unknown_channels": "fresh", "branches": "both"}
    model = build(SHORT, ch_names=["Cz", "E1", "E2"], **both)
    turned = build(SHORT, ch_names=["E2", "Cz", "E1"], **both)
    load_published_weights(turned, model)
    x = golden.windows(SHORT)[:, :3]
    torch.nn.init.normal_(turned.final_layer.weight)
    model.final_layer.load_state_dict(turned.final_layer.state_dict())
    with torch.inference_mode():
        np.testing.assert_allclose(turned(x[:, [2, 0, 1]]), model(x), rtol=1e-4, atol=1e-5)
    with pytest.raises(ChannelNameError, match="no channel E3"):
        load_published_weights(build(SHORT, ch_names=["Cz", "E3"], **both), model)


def test_models_that_do_not_look_at_all_channels_are_a_source(tmp_path):
    names = ["Cz", "E1", "Pz"]
    model = build(SHORT, ch_names=names, unknown_channels="drop")
    model.save_pretrained(tmp_path)
    for source in (model, str(tmp_path)):
        again = build(SHORT, ch_names=names, unknown_channels="drop")
        load_published_weights(again, source)
        table = model.spectral.channel_embedding.weight
        assert torch.equal(again.spectral.channel_embedding.weight, table)


@pytest.mark.parametrize(
    "setting",
    [{"input_scale": 100.0}, {"nonlinear_head": False}, {"spectral_num_heads": 2}],
    ids=lambda setting: next(iter(setting)),
)
def test_weights_of_a_network_that_computes_otherwise_are_refused(tmp_path, setting):
    build(SHORT).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=f"were trained with {next(iter(setting))}="):
        build(SHORT, pretrained=str(tmp_path), **setting)


@pytest.mark.parametrize("content", [b"[1]", b"null", b'{"ch_names": 5}', b"\xff\xfe"])
def test_a_config_that_is_none_is_an_error(tmp_path, published, content):
    torch.save(published, tmp_path / "weights.pth")
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"config\.json is not the JSON of a model"):
        load_published_weights(build(SHORT), tmp_path / "weights.pth")


def test_weights_that_are_not_finite_are_an_error(published):
    bad = {**published, "cls_token": torch.full((1, 1, 200), torch.nan)}
    with pytest.raises(CheckpointError, match="NaN, infinite or above .*: cls_token"):
        load_published_weights(build(SHORT), bad, ch_names=SHORT["ch_names"])


def test_pretrained_at_construction_survives_clone_and_pickle(labram_file, published):
    regressor = EEGRegressor(
        "NeuroBOLT",
        module__pretrained=str(labram_file),
        module__num_layers=1,
        module__n_scales=3,
        module__ch_names=["Cz", "Pz"],
        module__n_outputs=2,
        module__n_times=1600,
        verbose=0,
    )
    for copied in (regressor, clone(regressor), pickle.loads(pickle.dumps(regressor))):
        assert encoders_agree(copied.initialize().module_, published)
    model = regressor.module_
    assert not model.weights_changed, "an instance may still be merged with arguments"
    assert NeuroBOLT.from_config(model.get_config()).get_config() == model.get_config()


def test_pretrained_with_a_new_head(file, published, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"ch_names": SHORT["ch_names"]}))
    model = build(SHORT, n_outputs=64, pretrained=str(file), new_head=True)
    assert encoders_agree(model, published) and model.n_outputs == 64
    with pytest.raises(CheckpointError, match="new_head=True"):
        build(SHORT, n_outputs=64, pretrained=str(file))


def test_a_folder_of_save_pretrained_is_a_source(published, tmp_path):
    """Its config.json names the channels, and forgets where the weights were from."""
    trained = load_published_weights(build(SHORT), published, ch_names=SHORT["ch_names"])
    trained.save_pretrained(tmp_path / "first")
    part = build(SHORT, ch_names=["Pz", "Cz"], pretrained=str(tmp_path / "first"))
    x = golden.windows(SHORT)[:, [4, 0]]
    with torch.inference_mode():
        expected = trained(x, ch_names=["Pz", "Cz"])
        np.testing.assert_allclose(part(x), expected, rtol=1e-5, atol=1e-6)
    part.save_pretrained(tmp_path / "second")
    (tmp_path / "first").rename(tmp_path / "moved")
    again = NeuroBOLT.from_pretrained(tmp_path / "second").eval()
    assert torch.equal(again(x), part(x))
    (tmp_path / "second" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_published_weights(part, tmp_path / "second")


def test_the_hub_is_asked_for_what_is_no_file(published, tmp_path, monkeypatch):
    """Without a network: the download is replaced, names are passed on to it."""
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    build(SHORT).save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").unlink()
    asked = []

    def download(repository, name):
        asked.append((repository, name))
        if repository == "gone/away":
            raise LocalEntryNotFoundError("no network")
        if not (tmp_path / name).exists():
            raise EntryNotFoundError(f"no {name}")
        return str(tmp_path / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    build(SHORT, pretrained="someone/neurobolt")
    assert asked == [
        ("someone/neurobolt", "model.safetensors"),
        ("someone/neurobolt", "config.json"),
    ]
    torch.save({"model": published}, tmp_path / "cuneus.pth")
    build(SHORT, pretrained="someone/neurobolt/cuneus.pth")
    assert ("someone/neurobolt", "cuneus.pth") in asked
    with pytest.raises(FileNotFoundError, match="could not be downloaded from the Hugging"):
        build(SHORT, pretrained="gone/away")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no model\.safetensors or"):
        build(SHORT, pretrained="someone/neurobolt")


class Malicious:
    def __reduce__(self):
        return os.system, ("touch executed",)


def test_nothing_in_a_file_is_executed(tmp_path, monkeypatch, published):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": published, "epoch": Malicious()}, "weights.pth")
    with pytest.raises(CheckpointError, match="could run code"):
        load_published_weights(build(SHORT), "weights.pth")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"no weights", b"PK\x03\x04"])
def test_files_that_are_no_weights(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"weights\.pth"):
        load_published_weights(build(SHORT), path)


def test_other_sources_that_cannot_be_read(tmp_path):
    with pytest.raises(CheckpointError, match="The mapping holds no weights"):
        load_published_weights(build(SHORT), {"epoch": 3})
    with pytest.raises(CheckpointError, match="holds no weights; expected model.safetens"):
        load_published_weights(build(SHORT), tmp_path)
    with pytest.raises(FileNotFoundError, match="neither a file, nor a folder"):
        load_published_weights(build(SHORT), "no such file.pth")
    torch.save({"model": golden.weights(SHORT)}, tmp_path / "weights.pth")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json is not the JSON of a model"):
        load_published_weights(build(SHORT), tmp_path / "weights.pth")


def test_models_of_one_region_are_joined(published):
    cuneus = load_published_weights(build(SHORT), published, ch_names=SHORT["ch_names"])
    other = build(SHORT, n_outputs=1)
    torch.nn.init.normal_(other.final_layer.weight)
    joined = JoinedRegions({"Cuneus": cuneus, "Putamen": other})
    assert joined.roi_names == ["Cuneus"] * 3 + ["Putamen"] and joined.n_outputs == 4
    x = golden.windows(SHORT)
    net = EEGRegressor(joined, check_input=False).initialize()
    with torch.inference_mode():
        expected = torch.cat([cuneus(x), other(x)], dim=1)
    np.testing.assert_allclose(net.predict(x.numpy()), expected, rtol=1e-5)


def test_only_models_of_one_kind_of_window_are_joined():
    model = build(SHORT)
    for other, message in (
        (build(SHORT, ch_names=SHORT["ch_names"][::-1]), "differ in their channels"),
        (build(SHORT, ch_names=["Cz"]), "differ in n_chans"),
        (build(SHORT, n_times=800), "differ in n_times"),
    ):
        with pytest.raises(ValueError, match=message):
            JoinedRegions([model, other])
    with pytest.raises(ValueError, match="no models to join"):
        JoinedRegions([])
