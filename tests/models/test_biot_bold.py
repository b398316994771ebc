import logging
import warnings

import pytest
import torch
from braindecode.models import BIOT

from braindecode_bolt import BIOTBOLD, load_published_weights
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.models import PUBLISHED_CHANNELS, CheckpointError

SMALL = {"n_times": 800, "embed_dim": 32, "num_layers": 2, "num_heads": 4}
CH_NAMES = ["Fz", "Cz", "Pz"]


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    model = BIOT(n_outputs=2, n_chans=3, n_times=800, sfreq=200, embed_dim=32, num_heads=4)
    return model.eval()


@pytest.fixture(scope="module")
def x():
    return 20 * torch.randn(4, 3, 800, generator=torch.Generator().manual_seed(0))


def build(**kwargs):
    return BIOTBOLD(2, ch_names=CH_NAMES, **{**SMALL, "num_layers": 4, **kwargs}).eval()


def test_number_of_parameters_is_the_published_one():
    model = BIOTBOLD(1, ch_names=PUBLISHED_CHANNELS, n_times=3200)
    assert sum(p.numel() for p in model.parameters()) == 3_188_993


# Of torch.stft, about the rectangular window that BIOT has.
@pytest.mark.filterwarnings("ignore:A window was not provided")
def test_all_channels_at_once_are_as_one_after_the_other(theirs, x):
    model = build()
    theirs.encoder.channel_tokens.weight.data.normal_()
    model.encoder.load_state_dict(theirs.encoder.state_dict(), strict=False)
    scaled = x / 100
    with torch.inference_mode():
        expected = theirs.encoder(scaled)
        torch.testing.assert_close(
            model(x, return_features=True)["features"], expected, rtol=1e-5, atol=1e-6
        )


@pytest.mark.filterwarnings("ignore:A window was not provided")
def test_gradients_agree_with_braindecodes_encoder(theirs, x):
    model = build()
    model.encoder.load_state_dict(theirs.encoder.state_dict(), strict=False)
    theirs.zero_grad()
    theirs.encoder(x / 100).square().sum().backward()
    model(x, return_features=True)["features"].square().sum().backward()
    expected = dict(theirs.encoder.named_parameters())
    for name, parameter in model.encoder.named_parameters():
        torch.testing.assert_close(
            parameter.grad, expected[name].grad, rtol=1e-3, atol=1e-5
        )


def test_a_part_of_the_channels_by_name(x):
    model = build()
    torch.nn.init.normal_(model.final_layer.weight)
    reordered = model(x[:, [2, 0, 1]], ch_names=["Pz", "Fz", "Cz"])
    torch.testing.assert_close(reordered, model(x), rtol=1e-4, atol=1e-5)
    assert model(x[:, :1], ch_names=["EEG FZ"]).shape == (4, 2)
    with pytest.raises(ChannelNameError, match="has no channel Oz"):
        model(x[:, :1], ch_names=["Oz"])
    unnamed = BIOTBOLD(2, n_chans=3, **SMALL)
    assert unnamed(x).shape == (4, 2)
    with pytest.raises(ChannelNameError, match="made without the names"):
        unnamed(x[:, :1], ch_names=["Fz"])


def test_spectra_keep_their_duration():
    fast = BIOTBOLD(1, n_chans=3, n_times=2000, sfreq=500.0, embed_dim=32, num_layers=1)
    assert (fast.n_fft, fast.hop) == (500, 250)
    assert fast.encoder.patch_embedding.projection.in_features == 251


def test_published_weights_fill_the_encoder(theirs, caplog):
    model = build()
    head = model.final_layer.weight.clone()
    with caplog.at_level(logging.WARNING, "braindecode_bolt"):
        load_published_weights(model, theirs)
    assert "channel embedding of the weights (3 channels) is not used" in caplog.text
    projection = model.encoder.patch_embedding.projection.weight
    assert torch.equal(projection, theirs.encoder.patch_embedding.projection.weight)
    assert torch.equal(model.final_layer.weight, head)
    tokens = theirs.encoder.channel_tokens.weight
    assert not torch.equal(model.encoder.channel_tokens.weight, tokens)


def test_channel_rows_go_by_name_where_they_are_named(theirs):
    model = load_published_weights(build(), theirs, ch_names=["Pz", "Cz", "Fz"])
    tokens = theirs.encoder.channel_tokens.weight
    assert torch.equal(model.encoder.channel_tokens.weight, tokens[[2, 1, 0]])


def test_the_original_naming(theirs):
    """BIOT's own files name the encoder's weights without its name."""
    state = theirs.encoder.state_dict() | {"index": torch.arange(3)}
    model = load_published_weights(build(), state)
    norm = model.encoder.transformer.state_dict()
    for name, value in theirs.encoder.transformer.state_dict().items():
        assert torch.equal(norm[name], value)
    del state["patch_embedding.projection.bias"]
    with pytest.raises(CheckpointError, match="missing .*projection.bias"):
        load_published_weights(build(), state)


def test_its_own_weights_load_in_full():
    trained = build()
    torch.nn.init.normal_(trained.final_layer.weight)
    again = load_published_weights(build(), trained.state_dict())
    assert all(
        torch.equal(v, trained.state_dict()[n]) for n, v in again.state_dict().items()
    )
    other = BIOTBOLD(5, ch_names=CH_NAMES, **{**SMALL, "num_layers": 4})
    with pytest.raises(CheckpointError, match="use new_head=True"):
        load_published_weights(other, trained)
    load_published_weights(other, trained, new_head=True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_times": 199}, "takes windows of 1 s to 1000 hops of 0.5 s, got 0.995 s"),
        ({"n_times": 201_000}, "takes windows of 1 s to 1000 hops"),
        ({"num_heads": 5}, "num_heads must divide 32"),
        ({"num_layers": 0}, "num_layers must be at least 1"),
        ({"hop_seconds": 0.0}, "hop_seconds must be positive"),
    ],
)
def test_arguments_are_checked(wrong, message):
    with pytest.raises(ValueError, match=message):
        build(**wrong)


def test_warnings_about_intended_settings_are_hidden():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BIOTBOLD(1, n_chans=40, n_times=1000, sfreq=100.0, embed_dim=32, num_layers=1)
