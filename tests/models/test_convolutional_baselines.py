"""BEIRA, SirenED, FFCL, CNNTransformer and STTransformer, each by what it is."""

import numpy as np
import pytest
import torch
from torch import nn

from braindecode_bolt import BEIRA, FFCL, CNNTransformer, SirenED, STTransformer
from braindecode_bolt.models._convolutional import ResidualBlock, magnitude_spectra


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_spectra_are_those_of_torch():
    x = torch.randn(2, 3, 800)
    expected = torch.stft(
        x[1, 2], 200, 50, window=torch.ones(200), center=False, return_complex=True
    ).abs()
    torch.testing.assert_close(
        magnitude_spectra(x, 200, 50)[1, 2], expected, rtol=1e-4, atol=1e-4
    )


class TestBEIRA:
    def test_number_of_parameters_is_the_published_one(self):
        """For 30 channels at 100 Hz: 245,057, of which 22,753 are the decoder's."""
        model = BEIRA(1, 30, n_times=2048, sfreq=100.0)
        decoder = (128 * 32 * 3 + 64) + 2 * (32 * 32 * 5 + 64) + 33
        assert count(model.envelopes) + count(model.encoder) == 245_057 - decoder

    @pytest.mark.parametrize(
        ("sfreq", "kernel_size", "kernels", "pools"),
        [
            (100.0, 51, (3, 5, 5, 3), (8, 8, 4)),
            (200.0, 101, (5, 9, 5, 3), (16, 8, 4)),
            (250.0, 127, (7, 13, 5, 3), (20, 8, 4)),
        ],
    )
    def test_kernels_keep_their_duration(self, sfreq, kernel_size, kernels, pools):
        model = BEIRA(1, 4, n_times=int(16 * sfreq), sfreq=sfreq)
        assert model.envelopes[2].kernel_size == (kernel_size,)
        assert tuple(block.conv.kernel_size[0] for block in model.encoder) == kernels
        assert model.encoder.pools == pools
        assert abs(kernel_size / sfreq - 0.51) < 0.006

    def test_envelopes_rectify(self):
        """A rhythm and its opposite have the same envelope."""
        model = BEIRA(1, 2, n_times=800, n_feature_maps=8).eval()
        model.envelopes[0].bias.data.zero_()
        # A filter that lets everything through, then one that averages.
        model.envelopes[2].weight.data.zero_()[..., 50] = 1
        model.envelopes[5].weight.data.fill_(1 / 101)
        model.envelopes[5].bias.data.zero_()
        t = torch.arange(800) / 200
        amplitude = torch.where(t < 2, 1.0, 3.0)
        x = (amplitude * torch.sin(2 * np.pi * 10 * t)).repeat(1, 2, 1)
        ahead, behind = (model.envelopes(sign * x) for sign in (1, -1))
        torch.testing.assert_close(
            ahead[..., 100:300], behind[..., 100:300], rtol=0.1, atol=0
        )
        ratio = ahead[..., 600] / ahead[..., 200]
        torch.testing.assert_close(ratio, torch.full_like(ratio, 3.0), rtol=0.05, atol=0)

    def test_pooling(self):
        flat = BEIRA(2, 4, n_times=3200, n_feature_maps=8)
        assert flat.final_layer.in_features == 8 * (3200 // 512)
        mean = BEIRA(2, 4, n_times=3200, n_feature_maps=8, pooling="mean")
        assert mean.final_layer.in_features == 8
        with pytest.raises(ValueError, match="pooling must be one of flatten, mean"):
            BEIRA(2, 4, n_times=3200, pooling="max")

    def test_a_window_too_short(self):
        for model in (BEIRA, SirenED):
            with pytest.raises(ValueError, match="windows of at least 512 samples"):
                model(1, 4, n_times=500)


class TestSirenED:
    def test_initialisation_is_that_of_siren(self):
        torch.manual_seed(0)
        model = SirenED(1, 40, n_times=800, frequency=20.0)
        first, second, _ = model.siren
        assert first.linear.weight.abs().max() <= 1 / 40
        limit = np.sqrt(6 / 64) / 20
        assert 0.95 * limit < second.linear.weight.abs().max() <= limit

    def test_sines_act_at_each_sample_by_itself(self):
        model = SirenED(1, 3, n_times=800).eval()
        x = torch.randn(1, 3, 800)
        order = torch.randperm(800)
        torch.testing.assert_close(
            model.siren(x)[..., order], model.siren(x[..., order]), rtol=1e-4, atol=1e-4
        )
        assert model.siren(x).abs().max() <= 1

    def test_sizes(self):
        model = SirenED(2, 3, n_times=800, hidden_sizes=(5, 7), n_feature_maps=8)
        assert [layer.linear.out_channels for layer in model.siren] == [5, 7]
        for sizes in ((), (4, 0)):
            with pytest.raises(ValueError, match="must be at least 1"):
                SirenED(2, 3, n_times=800, hidden_sizes=sizes)


@pytest.mark.parametrize("model", [FFCL, CNNTransformer])
def test_spectrogram_blocks_work_on_any_length(model):
    for n_times in (200 if model is FFCL else 400, 1000, 3200):
        net = model(2, 3, n_times=n_times, feature_maps=(4, 8, 8, 16)).eval()
        assert net(torch.randn(2, 3, n_times)).shape == (2, 2)
    at_500 = model(2, 3, n_times=2000, sfreq=500.0, feature_maps=(4, 8))
    assert (at_500.spectral.n_fft, at_500.spectral.hop) == (
        500 if model is FFCL else 400,
        25,
    )


def poison_memory():
    """Leave NaN in memory that torch uses next."""
    del [torch.full((4**n,), torch.nan) for n in range(4, 11)][:]


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_narrow_spectrograms_in_bfloat16(width):
    """torch's strided convolution gives NaN there, on processors with AMX."""
    torch.manual_seed(0)
    block = ResidualBlock(4, 8, 0.0, nn.ReLU).eval()
    image = torch.randn(25, 4, 81, width)
    expected = block(image)
    expected.square().sum().backward()
    exact = block.conv1.weight.grad.clone()
    for _ in range(3):
        block.zero_grad()
        poison_memory()
        with torch.autocast("cpu", torch.bfloat16):
            rough = block(image)
        poison_memory()
        rough.float().square().sum().backward()
        assert rough.shape == expected.shape
        assert (rough - expected).norm() < 0.02 * expected.norm()
        assert (block.conv1.weight.grad - exact).norm() < 0.1 * exact.norm()


def test_ffcl_lstm_sees_the_end_of_the_window_last():
    model = FFCL(2, 3, n_times=810, feature_maps=(4, 8), hidden_size=8).eval()
    assert model.temporal.input_size == 3 * 20 and model.temporal.num_layers == 2
    x = torch.randn(1, 3, 810)
    changed = x.clone()
    changed[..., :10] += 100
    image, last = model(x, return_features=True)["features"].split([8, 8], dim=1)
    image_2, last_2 = model(changed, return_features=True)["features"].split([8, 8], dim=1)
    assert torch.equal(last, last_2) and not torch.equal(image, image_2)


def test_cnn_transformer_knows_the_order_of_its_segments():
    torch.manual_seed(0)
    model = CNNTransformer(2, 3, n_times=1000, feature_maps=(4, 8), num_layers=1).eval()
    nn.init.normal_(model.final_layer.weight)
    x = 100 * torch.randn(2, 3, 1000)
    swapped = torch.cat([x[..., 800:], x[..., 200:800], x[..., :200]], dim=-1)
    assert not torch.allclose(model(x), model(swapped), atol=1e-4)
    assert model.segment == 200
    with pytest.raises(ValueError, match="windows of at least 250 samples"):
        CNNTransformer(2, 3, n_times=240)


def test_st_transformer_mixes_channels_that_go_together():
    torch.manual_seed(0)
    model = STTransformer(2, 3, n_times=800, embed_dim=32).eval()
    x = torch.randn(1, 3, 800)
    changed = x.clone()
    changed[:, 0] += torch.randn(800)
    mixed = (model.spatial(x) - model.spatial(changed))[:, 1:]
    assert mixed.abs().max() > 1e-3
    assert model.tokens[0].stride == (8,) and model.tokens[0].kernel_size == (15,)
    slow = STTransformer(2, 3, n_times=800, sfreq=100.0, embed_dim=32)
    assert slow.tokens[0].stride == (4,) and slow.tokens[0].kernel_size == (7,)
    with pytest.raises(ValueError, match=r"at least 127 samples \(0.635 s\), got 100"):
        STTransformer(2, 3, n_times=100)


@pytest.mark.parametrize("model", [BEIRA, SirenED, FFCL, CNNTransformer, STTransformer])
def test_channels_need_no_names(model):
    net = model(2, 3, n_times=800)
    assert net.ch_names is None and net.sfreq == 200
    with pytest.raises(ValueError, match="n_chans"):
        model(2, n_times=800)
    with pytest.raises(ValueError, match="n_chans is 4, but 3 channels are named"):
        model(2, 4, n_times=800, ch_names=["Fz", "Cz", "Pz"])
    with pytest.raises(ValueError, match="input_scale must be positive"):
        model(2, 3, n_times=800, input_scale=-1.0)
    with pytest.raises(ValueError, match="n_outputs must be at least 1"):
        model(0, 3, n_times=800)
