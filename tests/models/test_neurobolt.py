import numpy as np
import pytest
import torch
from braindecode.models import Labram
from braindecode.models.labram import LABRAM_CHANNEL_ORDER
from linear_attention_transformer import LinearAttentionTransformer
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from braindecode_bolt import NeuroBOLT
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.models import PUBLISHED_CHANNELS


@pytest.fixture(scope="module")
def published():
    torch.manual_seed(0)
    return NeuroBOLT(n_outputs=1, ch_names=PUBLISHED_CHANNELS, n_times=3200)


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    model = NeuroBOLT(2, ch_names=["Fz", "Cz", "Pz"], n_times=1600, num_layers=3)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    return model.eval()


@pytest.fixture(scope="module")
def x():
    return 20 * torch.randn(2, 3, 1600, generator=torch.Generator().manual_seed(0))


def test_number_of_parameters_is_the_published_one(published):
    assert sum(p.numel() for p in published.parameters()) == 7_906_985
    assert sum(p.numel() for p in published.spectral.parameters()) == 2_086_848


def test_initialisation_is_the_published_one(published):
    encoder, spectral = published.spatiotemporal, published.spectral
    for number, block in enumerate(encoder.blocks, start=1):
        shrunk = 0.02 / np.sqrt(2 * number)
        assert block.attn.proj.weight.std().item() == pytest.approx(shrunk, rel=0.03)
        assert block.mlp.fc2.weight.std().item() == pytest.approx(shrunk, rel=0.03)
        assert block.attn.qkv.weight.std().item() == pytest.approx(0.02, rel=0.03)
        assert (block.gamma_1 == 0.1).all() and (block.gamma_2 == 0.1).all()
        assert (block.mlp.fc1.bias == 0).all() and (block.norm1.weight == 1).all()
    for block in spectral.blocks:
        for weight in (block.attn.qkv.weight, block.attn.proj.weight, block.mlp.fc2.weight):
            assert weight.std().item() == pytest.approx(0.02, rel=0.03)
    for scale in spectral.scales:
        assert scale.frequency.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert (scale.window.bias == 0).all()
    assert encoder.position_embedding.std().item() == pytest.approx(0.02, rel=0.05)
    assert encoder.temporal_embedding.std().item() == pytest.approx(0.02, rel=0.1)
    assert spectral.channel_embedding.weight.std().item() == pytest.approx(1, rel=0.1)
    assert published.final_layer.weight.std().item() == pytest.approx(2e-5, rel=0.2)
    assert (published.final_layer.bias == 0).all()


def test_dropout_and_stochastic_depth_are_the_published_ones(published):
    drops = {
        name: module.p
        for name, module in published.named_modules()
        if isinstance(module, nn.Dropout) and module.p
    }
    expected = {"spatiotemporal.drop": 0.1, "spectral.drop": 0.1}
    for number in range(12):
        expected[f"spatiotemporal.blocks.{number}.drop.0"] = 0.1
    for number in range(4):
        expected[f"spectral.blocks.{number}.attn.drop"] = 0.2
    assert drops == expected
    depths = [block.drop[1].drop_prob for block in published.spatiotemporal.blocks]
    np.testing.assert_allclose(depths, np.linspace(0, 0.1, 12), rtol=1e-6)


def test_stochastic_depth_drops_both_parts_of_a_block():
    torch.manual_seed(0)
    block = make(drop_prob=0.0, drop_path_prob=0.5).spatiotemporal.blocks[-1].train()
    tokens = torch.randn(400, 3, 200)
    skipped = [(block(tokens) == tokens).all(dim=(1, 2)).float().mean() for _ in range(2)]
    assert sum(skipped) / 2 == pytest.approx(0.25, abs=0.04)


def test_the_spatiotemporal_encoder_is_braindecodes_labram(small, x):
    labram = Labram(
        n_outputs=2,
        n_chans=3,
        n_times=1600,
        num_layers=3,
        use_mean_pooling=True,
        init_values=0.1,
    ).eval()
    ours = small.spatiotemporal.state_dict()
    theirs = {}
    for name, value in ours.items():
        name = name.replace("patch_embed.", "patch_embed.temporal_conv.")
        name = name.replace("mlp.fc1", "mlp.0").replace("mlp.fc2", "mlp.2")
        theirs["fc_norm" + name[4:] if name.startswith("norm.") else name] = value
    time = labram.state_dict()["temporal_embedding"]
    time[:, : ours["temporal_embedding"].shape[1]] = ours["temporal_embedding"]
    theirs["temporal_embedding"] = time
    theirs |= {k: v for k, v in labram.state_dict().items() if k.startswith("final_layer")}
    labram.load_state_dict(theirs)
    rows = [LABRAM_CHANNEL_ORDER.index(name) + 1 for name in ("FZ", "CZ", "PZ")]
    expected = labram.forward_features(x / 100, torch.tensor([0, *rows]))
    pooled, cls_token = small.spatiotemporal(x / 100, torch.tensor(rows))
    np.testing.assert_allclose(pooled.detach(), expected.detach(), rtol=1e-5, atol=1e-5)
    tokens = labram.forward_features(
        x / 100, torch.tensor([0, *rows]), return_all_tokens=True
    )
    np.testing.assert_allclose(
        labram.fc_norm(cls_token).detach(), tokens[:, 0].detach(), rtol=1e-4, atol=1e-4
    )


def test_the_spectral_transformer_is_that_of_the_package(small, x):
    package = LinearAttentionTransformer(
        dim=200, heads=8, depth=4, max_seq_len=1024, attn_layer_dropout=0.2
    ).eval()
    state = {}
    for name, value in small.spectral.blocks.state_dict().items():
        number, part, *rest = name.split(".")
        layer = f"layers.layers.{number}"
        if part in ("norm1", "norm2"):
            state[f"{layer}.{int(part == 'norm2')}.norm.{rest[0]}"] = value
        elif part == "mlp":
            state[f"{layer}.1.fn.fn.w{rest[0][-1]}.{rest[1]}"] = value
        elif rest[0] == "qkv":
            for letter, weight in zip("qkv", value.chunk(3), strict=True):
                state[f"{layer}.0.fn.to_{letter}.weight"] = weight
        else:
            state[f"{layer}.0.fn.to_out.{rest[1]}"] = value
    package.load_state_dict(state)
    tokens = torch.randn(2, 48, 200, generator=torch.Generator().manual_seed(1))
    expected, ours = package(tokens), tokens
    for block in small.spectral.blocks:
        ours = block(ours, torch.arange(3))
    np.testing.assert_allclose(ours.detach(), expected.detach(), rtol=1e-4, atol=1e-4)


def test_spectra_are_magnitudes_of_rectangular_windows(small):
    """A sine shows in one bin of each scale, at its amplitude times half the length."""
    times = np.arange(1600) / 200
    wave = torch.from_numpy(3 * np.sin(2 * np.pi * 20 * times)).float().expand(1, 3, -1)
    for scale in small.spectral.scales:
        length = scale.n_samples
        scale.frequency.weight.data.zero_()
        scale.frequency.weight.data[0, 20 * length // 200] = 1.0
        scale.frequency.bias.data.zero_()
        embedded = scale.frequency(torch.fft.rfft(wave.unflatten(-1, (-1, length))).abs())
        expected = np.full((1, 3, 1600 // length), 3 * length / 2)
        np.testing.assert_allclose(embedded[..., 0].detach(), expected, rtol=1e-4)
        through = scale(wave)[..., 0]
        np.testing.assert_allclose(
            through.detach(), scale.window(embedded[..., 0]).detach(), rtol=1e-4, atol=1e-4
        )


def test_tokens_know_their_channel_and_time(small, x):
    """Exchanging channels or seconds changes the result; naming them undoes it."""
    plain = small(x)
    swapped = x[:, [1, 0, 2]]
    assert not torch.allclose(small(swapped), plain, atol=1e-4)
    named = small(swapped, ch_names=["Cz", "Fz", "Pz"])
    np.testing.assert_allclose(named.detach(), plain.detach(), rtol=1e-4, atol=1e-5)
    moved = torch.cat([x[..., 800:], x[..., :800]], dim=-1)
    assert not torch.allclose(small(moved), plain, atol=1e-4)


def test_a_part_of_the_channels_can_be_named(small, x):
    part = small(x[:, [2, 0]], ch_names=["PZ", "EEG Fz-REF"])
    assert part.shape == (2, 2) and torch.isfinite(part).all()
    with pytest.raises(ChannelNameError, match="no channel Oz; it was made for Fz, Cz, Pz"):
        small(x, ch_names=["Fz", "Cz", "Oz"])
    with pytest.raises(ValueError, match=r"shape \(batch, 2, 1600\)"):
        small(x, ch_names=["Fz", "Cz"])


def test_input_scale_divides(small, x):
    scaled = NeuroBOLT(
        2, ch_names=["Fz", "Cz", "Pz"], n_times=1600, num_layers=3, input_scale=1.0
    ).eval()
    scaled.load_state_dict(small.state_dict())
    np.testing.assert_allclose(
        scaled(x / 100).detach(), small(x).detach(), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("std", [0.02, 1.0])
def test_embeddings_have_the_standard_deviation_asked_for(std):
    torch.manual_seed(0)
    model = NeuroBOLT(1, ch_names=["Fz"], n_times=1600, num_layers=1, embedding_std=std)
    encoder = model.spatiotemporal
    for embedding in (encoder.position_embedding, encoder.temporal_embedding):
        assert embedding.std().item() == pytest.approx(std, rel=0.1)
    assert encoder.cls_token.std().item() == pytest.approx(0.02, rel=0.2)
    assert model.get_config()["embedding_std"] == std


def test_more_than_32_channels_work():
    names = LABRAM_CHANNEL_ORDER[:64]
    model = NeuroBOLT(3, ch_names=names, n_times=800, num_layers=1, spectral_depth=1)
    assert model.eval()(torch.randn(1, 64, 800)).shape == (1, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sfreq": 250.0}, "takes EEG at 200 Hz, got 250 Hz"),
        ({"input_window_seconds": 3.2}, "takes EEG at 200 Hz, got 250 Hz"),
        ({"n_times": 700}, "A window of 700 samples does not hold whole patches"),
        ({"n_times": 600}, "whole spectral windows of 800 samples"),
        ({"n_scales": 0}, "n_scales must be at least 1"),
        ({"num_heads": 7}, "num_heads must divide 200, got 7"),
        ({"spectral_num_heads": 0}, "spectral_num_heads must divide 200, got 0"),
        ({"branches": "neither"}, "branches must be one of both, spatiotemporal, spectral"),
        ({"attention": "full"}, "attention must be one of linear, linformer, got 'full'"),
        ({"attention_rank": 0}, "attention_rank must be at least 1"),
        ({"n_outputs": 0}, "n_outputs must be at least 1"),
        ({"num_layers": 0}, "num_layers must be at least 1"),
        ({"spectral_depth": -1}, "spectral_depth must be at least 1"),
        ({"unknown_channels": "guess"}, "unknown_channels must be one of raise, drop"),
        ({"input_scale": 0.0}, "input_scale must be positive, got 0"),
        ({"embedding_std": 0.0}, "embedding_std must be positive, got 0"),
        ({"ch_names": "Fz"}, "ch_names must be a list of names"),
        ({"n_chans": 3}, "n_chans is 3, but 2 channels are named"),
        ({"ch_names": ["Fz", "E1"]}, "no row for E1"),
        ({"ch_names": ["Fz", "FZ"]}, "several channels are named Fz"),
        ({"ch_names": None}, "needs to know its channels by name"),
        ({"chs_info": [{"ch_name": "Oz"}, {"ch_name": "Cz"}]}, "name different channels"),
    ],
)
def test_arguments_are_checked(arguments, message):
    valid = {"n_outputs": 1, "ch_names": ["Fz", "Cz"], "n_times": 800}
    with pytest.raises(ValueError, match=message):
        NeuroBOLT(**{**valid, **arguments})


def test_fewer_scales_allow_other_lengths():
    model = NeuroBOLT(1, ch_names=["Cz"], n_times=600, n_scales=2, num_layers=1)
    assert model.eval()(torch.randn(2, 1, 600)).shape == (2, 1)


def make(**kwargs):
    torch.manual_seed(0)
    arguments = {"n_outputs": 2, "ch_names": ["Fz", "Cz", "Pz"], "n_times": 1600}
    arguments |= {"num_layers": 2, "spectral_depth": 2}
    model = NeuroBOLT(**{**arguments, **kwargs}).eval()
    nn.init.normal_(model.final_layer.weight)
    return model


@pytest.mark.parametrize("n_times", [800, 2400, 4000])
def test_windows_of_other_lengths_work(n_times):
    model = make(n_times=n_times)
    assert model(torch.randn(1, 3, n_times)).shape == (1, 2)
    assert model.spatiotemporal.temporal_embedding.shape == (1, n_times // 200, 200)


def test_each_branch_works_alone_and_both_add_up(x):
    both, temporal, spectral = (
        make(branches=branches) for branches in ("both", "spatiotemporal", "spectral")
    )
    temporal.load_state_dict(both.state_dict(), strict=False)
    spectral.load_state_dict(both.state_dict(), strict=False)
    features = [m(x, return_features=True)["features"] for m in (both, temporal, spectral)]
    np.testing.assert_allclose(
        features[0].detach(), (features[1] + features[2]).detach(), rtol=1e-5, atol=1e-5
    )
    for model in (temporal, spectral):
        # The head belongs to neither.
        head = sum(p.numel() for p in model.final_layer.parameters())
        named = {id(p) for group in model.parameter_groups() for p in group["params"]}
        assert named == {id(p) for p in model.parameters()}
        assert sum(p.numel() for p in model.parameters()) > head
    assert spectral(x, return_features=True)["cls_token"] is None


def test_the_spectral_branch_alone_takes_any_channel_name(x):
    model = make(branches="spectral", ch_names=["E1", "E2", "E3"])
    part = model(x[:, [2]], ch_names=["E3"])
    assert part.shape == (2, 2)


def test_the_nonlinearity_before_the_head_can_be_left_out(x):
    with_it, without = make(), make(nonlinear_head=False)
    without.load_state_dict(with_it.state_dict())
    features = with_it(x, return_features=True)["features"]
    head = with_it.final_layer
    np.testing.assert_allclose(
        with_it(x).detach(), head(nn.functional.gelu(features)).detach(), rtol=1e-5
    )
    np.testing.assert_allclose(without(x).detach(), head(features).detach(), rtol=1e-5)


def test_low_rank_attention_is_equation_7(x):
    model = make(attention="linformer", attention_rank=5)
    attention = model.spectral.blocks[0].attn
    tokens = torch.randn(2, 48, 200, generator=torch.Generator().manual_seed(0))
    e, f = (mix.flatten(1) for mix in (attention.key_mixture, attention.value_mixture))
    assert e.shape == (5, 48)
    w_q, w_k, w_v = attention.qkv.weight.chunk(3)
    heads = []
    for head in range(8):
        rows = slice(25 * head, 25 * (head + 1))
        q, k, v = (
            tokens @ w_q[rows].T,
            e @ (tokens @ w_k[rows].T),
            f @ (tokens @ w_v[rows].T),
        )
        weights = torch.softmax(q @ k.transpose(1, 2) / 25**0.5, dim=-1)
        assert weights.shape == (2, 48, 5)
        heads.append(weights @ v)
    expected = attention.proj(torch.cat(heads, dim=-1))
    np.testing.assert_allclose(
        attention(tokens, torch.arange(3)).detach(), expected.detach(), atol=1e-5
    )
    assert model(x).shape == (2, 2)
    assert model(x[:, [2, 0]], ch_names=["Pz", "Fz"]).shape == (2, 2)


def test_the_number_of_channels_limits_neither_attention():
    for attention in ("linear", "linformer"):
        model = make(ch_names=LABRAM_CHANNEL_ORDER[:60], attention=attention)
        assert model(torch.randn(1, 60, 1600)).shape == (1, 2)


UNKNOWN = ["Fz", "AFF1h", "Pz", "E17"]


def test_electrodes_without_a_row_can_be_left_out(x, caplog):
    x = torch.cat([x, x[:, :1]], dim=1)
    model = make(ch_names=UNKNOWN, unknown_channels="drop")
    assert "does not use AFF1h, E17" in caplog.text
    known = make(ch_names=["Fz", "Pz"])
    known.load_state_dict(model.state_dict())
    np.testing.assert_allclose(model(x).detach(), known(x[:, [0, 2]]).detach(), rtol=1e-5)
    part = model(x[:, [3, 2]], ch_names=["E17", "Pz"])
    np.testing.assert_allclose(
        part.detach(), known(x[:, [2]], ch_names=["Pz"]).detach(), rtol=1e-5
    )
    with pytest.raises(ChannelNameError, match="uses none of the channels E17"):
        model(x[:, [3]], ch_names=["E17"])
    with pytest.raises(ChannelNameError, match="No channel is left"):
        make(ch_names=["E1", "E2"], unknown_channels="drop")


def test_electrodes_without_a_row_can_take_the_nearest_one(caplog):
    """AFF1h lies between AF1, F1, AFz and Fz; E17 was digitised next to Oz."""
    oz = np.array([0.0, -0.115, 0.0])
    chs_info = [{"ch_name": name, "loc": np.zeros(12)} for name in UNKNOWN]
    chs_info[3]["loc"][:3] = 1.3 * oz
    model = make(ch_names=None, chs_info=chs_info, unknown_channels="nearest")
    rows = [LABRAM_CHANNEL_ORDER[row - 1] for row in model.positions.tolist()]
    assert rows[0] == "FZ" and rows[2] == "PZ"
    assert rows[1] in ("AF1", "F1", "AFZ", "FZ") and rows[3] in ("OZ", "IZ")
    assert "AFF1h shares the row of the nearest electrode" in caplog.text
    with pytest.raises(ChannelNameError, match="position of E17 is not known"):
        make(ch_names=UNKNOWN, unknown_channels="nearest")


def test_electrodes_without_a_row_can_get_one_that_is_trained(x):
    x = torch.cat([x, x[:, :1]], dim=1)
    model = make(ch_names=UNKNOWN, unknown_channels="fresh").train()
    fresh = model.spatiotemporal.fresh_embedding
    assert fresh.shape == (1, 2, 200) and fresh.std().item() == pytest.approx(0.02, rel=0.2)
    model(x).square().sum().backward()
    assert fresh.grad.abs().sum(dim=-1).min() > 0
    (group,) = [g for g in model.parameter_groups() if any(p is fresh for p in g["params"])]
    assert (group["lr_scale"], group["decay"]) == (1.0, False)


def test_the_error_for_unknown_electrodes_offers_the_choices():
    with pytest.raises(ChannelNameError, match="no row for AFF1h, E17") as caught:
        make(ch_names=UNKNOWN)
    for choice in ("drop", "nearest", "fresh"):
        assert f"'{choice}'" in str(caught.value)


def test_one_network_for_many_regions_costs_about_one_for_one():
    arithmetic = {}
    for n_outputs in (1, 64):
        model = make(n_outputs=n_outputs).train()
        with FlopCounterMode(display=False) as counter:
            model(torch.randn(4, 3, 1600)).square().sum().backward()
        arithmetic[n_outputs] = counter.get_total_flops()
    assert arithmetic[1] <= arithmetic[64] < 1.01 * arithmetic[1]
    sizes = [sum(p.numel() for p in make(n_outputs=n).parameters()) for n in (1, 64)]
    assert sizes[1] - sizes[0] == 63 * 201


def test_attention_is_in_float32_when_training_in_bfloat16(x):
    """Predictions and gradients of the two ways agree within rounding."""
    model = make(drop_prob=0.0, drop_path_prob=0.0, branches="spatiotemporal").train()
    target = model(x).detach()
    model.zero_grad()
    (model(x) - target + 1).sum().backward()
    exact = model.spatiotemporal.blocks[0].attn.qkv.weight.grad.clone()
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(x)
    (rough - target + 1).sum().backward()
    gradient = model.spatiotemporal.blocks[0].attn.qkv.weight.grad
    assert (gradient - exact).norm() < 0.1 * exact.norm()
    assert (rough - target).norm() < 0.05 * target.norm()


SMALL = {"num_layers": 1, "spectral_depth": 1, "num_heads": 4, "spectral_num_heads": 4}


def test_width_can_be_chosen(x):
    model = NeuroBOLT(2, ch_names=["Fz", "Cz", "Pz"], n_times=1600, embed_dim=32, **SMALL)
    assert model(x).shape == (2, 2)
    assert model.final_layer.in_features == 32
    widest = max(max(p.shape) for n, p in model.named_parameters() if "blocks" in n)
    assert widest == 4 * 32
    with pytest.raises(ValueError, match="num_heads must divide 30"):
        NeuroBOLT(2, ch_names=["Fz"], n_times=1600, embed_dim=30, **SMALL)


def test_tokens_of_unmixed_windows_fit_any_length():
    sizes = {"branches": "spectral", "mix_windows": False, **SMALL}
    short = NeuroBOLT(2, ch_names=["Fz", "Cz"], n_times=800, **sizes)
    long = NeuroBOLT(2, ch_names=["Fz", "Cz"], n_times=3200, **sizes)
    long.load_state_dict(short.state_dict())
    torch.manual_seed(0)
    x = torch.randn(2, 2, 800)
    once = sum(scale(x) for scale in short.spectral.scales)
    twice = sum(scale(torch.cat([x, x], -1)) for scale in long.spectral.scales)
    np.testing.assert_allclose(twice[:, :, 8:].detach(), once.detach(), atol=1e-5)
