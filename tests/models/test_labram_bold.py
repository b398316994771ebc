import numpy as np
import pytest
import torch
from braindecode.models import Labram
from braindecode.models.labram import LABRAM_CHANNEL_ORDER
from torch import nn

from braindecode_bolt import LabramBOLD, NeuroBOLT, load_published_weights
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.models import PUBLISHED_CHANNELS, CheckpointError

from . import golden

CH_NAMES = ["Fz", "Cz", "Pz", "Oz"]


@pytest.fixture(scope="module")
def theirs():
    """braindecode's own, for all channels of LaBraM's table."""
    torch.manual_seed(0)
    return Labram(
        n_times=1600, n_outputs=2, n_chans=128, num_layers=2, use_mean_pooling=True
    ).eval()


def build(**kwargs):
    arguments = {"ch_names": CH_NAMES, "n_times": 1600, "num_layers": 2, **kwargs}
    return LabramBOLD(2, **arguments).eval()


@pytest.fixture(scope="module")
def x():
    return 20 * torch.randn(3, 4, 1600, generator=torch.Generator().manual_seed(0))


def test_number_of_parameters():
    """NeuroBOLT's, less the spectral encoder, with braindecode's row of no use."""
    model = LabramBOLD(1, ch_names=PUBLISHED_CHANNELS, n_times=3200)
    assert sum(p.numel() for p in model.parameters()) == 7_907_185 - 2_086_848


def test_it_computes_what_braindecodes_labram_does(theirs, x):
    model = load_published_weights(build(), theirs)
    index = torch.tensor(
        [0] + [LABRAM_CHANNEL_ORDER.index(n.upper()) + 1 for n in CH_NAMES]
    )
    with torch.inference_mode():
        expected = theirs.forward_features(x / 100, index)
        features = model(x, return_features=True)["features"]
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)
    with torch.inference_mode():
        swapped = model(x[:, [2, 0]], return_features=True, ch_names=["Pz", "Fz"])
        expected = theirs.forward_features(x[:, [2, 0]] / 100, index[[0, 3, 1]])
    torch.testing.assert_close(swapped["features"], expected, rtol=1e-5, atol=1e-5)


def test_it_is_neurobolts_spatiotemporal_encoder(x):
    """With the same weights, from a published file of LaBraM."""
    case = golden.CASES["short5"]
    state = {
        f"student.{name}": value
        for name, value in golden.weights(case).items()
        if not name.startswith(("mss_module", "head", "fc_norm"))
    }
    n_times, num_layers = case["n_times"], case["num_layers"]
    sizes = {"ch_names": CH_NAMES, "n_times": n_times, "num_layers": num_layers}
    torch.manual_seed(0)
    models = [
        load_published_weights(LabramBOLD(2, **sizes), state).eval(),
        load_published_weights(
            NeuroBOLT(2, branches="spatiotemporal", **sizes), state
        ).eval(),
    ]
    x = 20 * torch.randn(2, 4, n_times)
    with torch.inference_mode():
        ours, theirs = (model(x, return_features=True)["features"] for model in models)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_weights_load_in_full_or_not_at_all(theirs):
    model = build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = theirs.state_dict()
    del state["blocks.1.attn.qkv.weight"]
    with pytest.raises(CheckpointError, match="missing .*encoder.blocks.1.attn.qkv"):
        load_published_weights(model, state)
    assert all(torch.equal(value, before[n]) for n, value in model.state_dict().items())
    with pytest.raises(CheckpointError, match="temporal_embedding is"):
        load_published_weights(build(n_times=3200), theirs)
    own = build(drop_prob=0.0)
    load_published_weights(own, model)
    assert all(torch.equal(value, before[n]) for n, value in own.state_dict().items())


def test_pretrained_survives_the_regressor(theirs, windows, tmp_path):
    from braindecode_bolt import EEGRegressor

    torch.save(theirs.state_dict(), tmp_path / "labram.pth")
    net = EEGRegressor(
        "LabramBOLD",
        module__num_layers=2,
        module__pretrained=str(tmp_path / "labram.pth"),
        lr=0.0,
        max_epochs=1,
        verbose=0,
    ).fit(windows.X[::8], windows.y[::8])
    rows = net.module_.encoder.position_embedding
    assert torch.equal(rows, theirs.position_embedding)


def test_rates_fall_towards_the_input():
    groups = build(num_layers=3).parameter_groups(0.5)
    scale = {name: g["lr_scale"] for g in groups for name in g["names"]}
    assert scale["final_layer.weight"] == scale["encoder.fc_norm.weight"] == 1
    assert scale["encoder.blocks.2.attn.qkv.weight"] == 0.5
    assert scale["encoder.blocks.0.attn.qkv.weight"] == 0.125
    assert scale["encoder.patch_embed.temporal_conv.conv1.weight"] == 0.0625
    assert scale["encoder.position_embedding"] == 0.0625
    decay = {name: g["decay"] for g in groups for name in g["names"]}
    assert decay["encoder.blocks.0.mlp.0.weight"]
    assert not decay["encoder.position_embedding"] and not decay["final_layer.bias"]


def test_predictions_begin_at_zero_and_rows_are_as_published():
    model = build()
    assert model.final_layer.weight.std().item() == pytest.approx(2e-5, rel=0.3)
    assert model.encoder.position_embedding.std().item() == pytest.approx(0.02, rel=0.1)
    assert isinstance(model.head_activation, nn.Identity)


def test_channels_without_a_row():
    with pytest.raises(ChannelNameError, match="no row for AFp1"):
        build(ch_names=["Cz", "AFp1"])
    dropped = build(ch_names=["Cz", "AFp1"], unknown_channels="drop")
    x = torch.randn(2, 2, 1600)
    changed = x.clone()
    changed[:, 1] += 5
    assert torch.equal(dropped(x), dropped(changed))
    nearest = build(ch_names=["Cz", "AFp1"], unknown_channels="nearest")
    assert not torch.equal(
        *(nearest(w, return_features=True)["features"] for w in (x, changed))
    )
    with pytest.raises(ValueError, match="must be one of raise, drop, nearest"):
        build(unknown_channels="fresh")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ch_names": None, "n_chans": 4}, "needs to know its channels by name"),
        ({"sfreq": 250.0}, "LabramBOLD takes EEG at 200 Hz, got 250 Hz"),
        ({"n_times": 700}, "does not hold whole patches of 200 samples"),
        ({"num_heads": 7}, "num_heads must divide 200"),
        ({"input_scale": 0.0}, "input_scale must be positive"),
        ({"embedding_std": -1.0}, "embedding_std must be positive"),
    ],
)
def test_arguments_are_checked(wrong, message):
    with pytest.raises(ValueError, match=message):
        build(**wrong)


def test_gradients_match_braindecodes(theirs, x):
    """Wrapping changes nothing about training either."""
    model = load_published_weights(build(drop_prob=0.0, drop_path_prob=0.0), theirs)
    index = torch.tensor(
        [0] + [LABRAM_CHANNEL_ORDER.index(n.upper()) + 1 for n in CH_NAMES]
    )
    theirs.zero_grad()
    theirs.forward_features(x / 100, index).square().sum().backward()
    model(x, return_features=True)["features"].square().sum().backward()
    ours = dict(model.encoder.named_parameters())
    for name in ("blocks.0.attn.qkv.weight", "patch_embed.temporal_conv.conv1.weight"):
        np.testing.assert_allclose(
            ours[name].grad,
            dict(theirs.named_parameters())[name].grad,
            rtol=1e-3,
            atol=1e-4,
        )


@pytest.mark.parametrize("std", [0.02, 1.0])
def test_embeddings_have_the_standard_deviation_asked_for(std):
    torch.manual_seed(0)
    encoder = LabramBOLD(
        1, ch_names=["Fz"], n_times=1600, num_layers=1, embedding_std=std
    ).encoder
    for embedding in (encoder.position_embedding, encoder.temporal_embedding):
        assert embedding.std().item() == pytest.approx(std, rel=0.1)
