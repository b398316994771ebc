"""Files of weights that are damaged, hostile or of another kind, on every way in."""

import io
import json
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

from braindecode_bolt import (
    BIOTBOLD,
    EEGRegressor,
    LabramBOLD,
    NeuroBOLT,
    load_published_weights,
)
from braindecode_bolt.models import CheckpointError

CH_NAMES = ["Fz", "Cz"]
MODELS = {
    NeuroBOLT: {"n_times": 400, "num_layers": 1, "spectral_depth": 1, "n_scales": 2},
    LabramBOLD: {"n_times": 400, "num_layers": 1},
    BIOTBOLD: {"n_times": 400, "num_layers": 1, "embed_dim": 8, "num_heads": 2},
}


def build(model_class=BIOTBOLD, **kwargs):
    torch.manual_seed(0)
    return model_class(2, ch_names=CH_NAMES, **MODELS[model_class], **kwargs)


def copied(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def equal(model, state):
    return all(torch.equal(value, state[n]) for n, value in model.state_dict().items())


def by_function(model_class, folder):
    return load_published_weights(build(model_class), folder)


def by_argument(model_class, folder):
    return build(model_class, pretrained=str(folder))


def by_from_pretrained(model_class, folder):
    return model_class.from_pretrained(folder)


def by_regressor(model_class, folder):
    arguments = {"pretrained": str(folder), "n_outputs": 2, "ch_names": CH_NAMES}
    arguments |= MODELS[model_class]
    named = {f"module__{name}": value for name, value in arguments.items()}
    return EEGRegressor(model_class, **named, verbose=0).initialize().module_


WAYS = [by_function, by_argument, by_from_pretrained, by_regressor]


def write(folder, state, kind, source=None):
    """Write weights as a folder of save_pretrained has them."""
    (source or build()).save_pretrained(folder)
    (folder / "pytorch_model.bin").unlink()
    (folder / "model.safetensors").unlink()
    if kind == "pth":
        torch.save(state, folder / "pytorch_model.bin")
    else:
        from safetensors.torch import save_file

        save_file(state, folder / "model.safetensors", {"format": "pt"})


def prefixed(state):
    return {f"module._orig_mod.{name}": value for name, value in state.items()}


def damaged(state, change):
    """Weights whose last entry, the last layer's weights, is changed."""
    return {**state, "final_layer.weight": change(state["final_layer.weight"])}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_both_formats_have_the_same_checks_on_every_way_in(
    tmp_path, model_class, kind, way
):
    trained = build(model_class)
    torch.nn.init.normal_(trained.final_layer.weight)
    write(tmp_path / "good", prefixed(trained.state_dict()), kind, trained)
    assert equal(way(model_class, tmp_path / "good"), trained.state_dict())
    broken = damaged(trained.state_dict(), lambda v: v * torch.nan)
    write(tmp_path / "nan", broken, kind, trained)
    with pytest.raises(CheckpointError, match="NaN, infinite or above .*final_layer"):
        way(model_class, tmp_path / "nan")
    partial = trained.state_dict()
    del partial["final_layer.bias"]
    write(tmp_path / "partial", partial, kind, trained)
    with pytest.raises(CheckpointError, match=r"missing \(1\): final_layer.bias"):
        way(model_class, tmp_path / "partial")


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.filterwarnings("ignore:.*quantize")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.to(torch.complex64), "not dense real numbers"),
        (lambda v: v.to_sparse(), "not dense real numbers"),
        (lambda v: v.to("meta"), "not dense real numbers"),
        (
            lambda v: torch.quantize_per_tensor(v, 0.1, 0, torch.qint8),
            "not dense real numbers",
        ),
        (lambda v: torch.nested.nested_tensor([v[0], v[1, :3]]), "not dense real numbers"),
        (lambda v: v[:1].expand(10**9, -1), "several are stored as one number"),
        (lambda v: v.double().fill_(1e300), "NaN, infinite or above"),
        (lambda v: v.fill_(2.0**100), "NaN, infinite or above"),
        (lambda v: torch.zeros_like(v, dtype=torch.int64), "is torch.int64, expected"),
        (lambda v: v.flatten(), "expected"),
        (lambda v: v[0, 0], "expected"),
    ],
    ids="complex sparse meta quantised nested expanded overflow huge int flat 0d".split(),
)
@pytest.mark.parametrize("as_file", [False, True])
def test_what_is_no_weight_leaves_the_model_unchanged(tmp_path, change, message, as_file):
    model = build()
    source = build()
    with torch.no_grad():
        for parameter in source.parameters():
            parameter.add_(1.0)
    state = damaged({n: v.clone() for n, v in source.state_dict().items()}, change)
    before = copied(model)
    if as_file:
        torch.save(state, tmp_path / "weights.pth")
        state = tmp_path / "weights.pth"
    with pytest.raises(CheckpointError, match=message):
        load_published_weights(model, state)
    assert equal(model, before)


@pytest.mark.parametrize("name", ["spatiotemporal.temporal_embedding", "pos_embed"])
@pytest.mark.parametrize("value", [torch.zeros(()), torch.zeros(3)])
def test_embeddings_of_another_number_of_dimensions(name, value):
    model = build(NeuroBOLT)
    before = copied(model)
    state = {**model.state_dict(), name: value}
    if name == "pos_embed":
        state = {"pos_embed": value, "time_embed": value, "cls_token": value}
    for changed in (state, {f"student.{n}": v for n, v in state.items()}):
        with pytest.raises(CheckpointError):
            load_published_weights(model, changed)
        assert equal(model, before)


def test_a_name_that_stands_for_two_weights():
    state = {"pos_embed": torch.zeros(3), "position_embedding": torch.zeros(3)}
    with pytest.raises(CheckpointError, match="position_embedding twice"):
        load_published_weights(build(NeuroBOLT), state)


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_damaged_files_are_refused_or_harmless(tmp_path, kind):
    """Flipped bits and cuts: a typed error, or exactly the weights that were saved."""
    trained = build()
    trained.save_pretrained(tmp_path)
    name = {"pth": "pytorch_model.bin", "safetensors": "model.safetensors"}[kind]
    content = (tmp_path / name).read_bytes()
    path = tmp_path / f"damaged.{kind}"
    model, refused = build(), 0
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    before = copied(model)
    rng = np.random.default_rng(0)
    for number in range(100):
        changed = bytearray(content)
        place = rng.integers(len(content))
        if number % 4:
            changed[place] ^= 1 << rng.integers(8)
        else:
            del changed[place:]
        path.write_bytes(changed)
        try:
            load_published_weights(model, path)
        except CheckpointError as error:
            assert path.name in str(error)
            assert equal(model, before)
            refused += 1
        else:
            assert equal(model, trained.state_dict())
            model.load_state_dict(before)
    assert refused > 80


def archive(pickled=b"", n_zeros=0, compression=zipfile.ZIP_STORED):
    """A file as torch.save writes it, with this description of its tensors."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as zipped:
        zipped.writestr("w/data.pkl", pickled)
        zipped.writestr("w/byteorder", "little")
        zipped.writestr("w/version", "3\n")
        zipped.writestr("w/data/0", bytes(n_zeros))
    return file.getvalue()


class Huge:
    """Pickled as a call that makes a tensor of 4 GB."""

    def __reduce__(self):
        return torch.FloatTensor, (10**9,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive(b"]" * 2**21), "describes its tensors in 2097152 bytes"),
        (archive(b"", 10**8, zipfile.ZIP_DEFLATED), "is compressed"),
        (archive(pickle.dumps({"w": Huge()}, 2)), "w.pth"),
        (archive(b"(" * 10**4), "w.pth"),
    ],
    ids=["long description", "compressed", "call", "nested"],
)
def test_small_files_never_take_much_memory(tmp_path, content, message):
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=message):
        load_published_weights(build(), path)
    assert tracemalloc.get_traced_memory()[1] < 10**8
    tracemalloc.stop()


def test_files_of_old_versions_of_torch_are_refused(tmp_path):
    path = tmp_path / "w.pth"
    torch.save(build().state_dict(), path, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match="Files of torch before 1.6"):
        load_published_weights(build(), path)


@pytest.mark.parametrize(
    "config",
    [
        "[" * 100_000,
        "[" * 2_000_000,
        '{"ch_names": "Fz"}',
        '{"chs_info": {"a": 1}}',
        '{"chs_info": [[[]]]}',
        "[]",
        "\ud800",
    ],
    ids="nested large string dict lists list surrogate".split(),
)
@pytest.mark.parametrize("way", [by_function, by_from_pretrained])
def test_a_hostile_configuration_is_refused(tmp_path, config, way):
    build().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes(config.encode(errors="surrogatepass"))
    with pytest.raises(CheckpointError, match=r"config\.json is not the JSON"):
        way(BIOTBOLD, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"activation": "os.abort"},
        {"activation": "antigravity.anything"},
        {"activation": 3},
        {"activation": "torch.load"},
        {"num_layers": "three"},
        {"n_times": -5},
        {"num_layers": [[1]]},
        {"input_scale": "nan"},
    ],
    ids=str,
)
def test_arguments_of_a_configuration_cannot_name_anything(tmp_path, change):
    build().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="has activation=|can be built from"):
        BIOTBOLD.from_pretrained(tmp_path)
    if "activation" in change:
        with pytest.raises(CheckpointError, match="has activation="):
            BIOTBOLD.from_config(config)


def test_weights_changed_sees_permutations_and_signs():
    for change in (lambda w: -w, lambda w: w.flip(0)):
        model = build()
        assert not model.weights_changed
        with torch.no_grad():
            model.final_layer.weight.copy_(change(model.final_layer.weight))
        assert model.weights_changed
