import numpy as np
import pytest
import torch
from braindecode.models import Labram
from braindecode.models.labram import LABRAM_CHANNEL_ORDER
from linear_attention_transformer import LinearAttentionTransformer
from torch import nn

from braindecode_bolt import NeuroBOLT
from braindecode_bolt.channels import ChannelNameError
from braindecode_bolt.models._spectral import position_code

VANDERBILT = (
    "FP1 FP2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 P7 P8 "
    "FPZ FZ CZ PZ POZ OZ FT9 FT10 TP9 TP10"
).split()


@pytest.fixture(scope="module")
def published():
    torch.manual_seed(0)
    return NeuroBOLT(n_outputs=1, ch_names=VANDERBILT, n_times=3200)


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
        expected[f"spatiotemporal.blocks.{number}.attn.drop"] = 0.1
        expected[f"spatiotemporal.blocks.{number}.mlp.drop"] = 0.1
    for number in range(4):
        expected[f"spectral.blocks.{number}.attn.drop"] = 0.2
    assert drops == expected
    depths = [
        getattr(block.drop_path, "drop_prob", 0.0)
        for block in published.spatiotemporal.blocks
    ]
    np.testing.assert_allclose(depths, np.linspace(0, 0.1, 12), rtol=1e-6)


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
        ours = block(ours)
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


def test_position_code_interleaves_sine_and_cosine():
    code = position_code(7, 6)
    for position in range(7):
        for i in range(3):
            angle = position / 10000 ** (2 * i / 6)
            assert code[position, 2 * i].item() == pytest.approx(np.sin(angle), abs=1e-6)
            assert code[position, 2 * i + 1].item() == pytest.approx(
                np.cos(angle), abs=1e-6
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
