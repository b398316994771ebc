import json

import numpy as np
import pytest
import torch
from braindecode.models import REVE, CBraMod
from torch import nn

from braindecode_bolt import BOLDFlow, BOLDNet, NeuroBOLT
from braindecode_bolt.eeg import ChannelNameError
from braindecode_bolt.models import CheckpointError
from braindecode_bolt.models._heads import FlowHead, GaussianHead, beta_nll

CH_NAMES = ["Fz", "Cz", "Pz", "Oz"]
LABRAM = {"encoder_args": {"num_layers": 1}, "spectral_depth": 1}
SMALL_REVE = {"depth": 1, "embed_dim": 32, "heads": 2, "head_dim": 16}
#: An encoder of every kind that is read out in its own way.
ENCODERS = {
    "REVE": SMALL_REVE,
    "CBraMod": {"n_layer": 1},
    "BIOT": {"num_layers": 1},
    "EEGPT": {"depth": 1, "embed_dim": 64},
    "LUNA": {"depth": 1},
    "EEGDINO": {"n_layer": 1},
    "SignalJEPA_Contextual": {},
    "EEGNet": {},
    "EEGConformer": {},
}


def build(n_outputs=3, n_times=800, **kwargs):
    torch.manual_seed(0)
    given = {"ch_names": CH_NAMES, "spectral_depth": 1, **kwargs}
    return BOLDNet(n_outputs, n_times=n_times, **given).eval()


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return 20 * torch.from_numpy(rng.standard_normal((5, 4, 800)).astype(np.float32))


def test_the_labram_encoder_with_spectra_and_a_point_head_is_neurobolt(x):
    published = NeuroBOLT(3, ch_names=CH_NAMES, n_times=800, num_layers=1, spectral_depth=1)
    model = build(**LABRAM)
    head = {"final_layer.weight": "final_layer.mean.weight"}
    head["final_layer.bias"] = "final_layer.mean.bias"
    state = published.state_dict().items()
    model.load_state_dict({head.get(name, name): weights for name, weights in state})
    assert torch.equal(model(x), published.eval()(x))
    part = ["Oz", "Cz"]
    assert torch.equal(model(x[:, :2], ch_names=part), published(x[:, :2], ch_names=part))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("pooling", ["mean", "attention"])
def test_encoders_of_braindecode(encoder, pooling, x):
    sizes = {"encoder_args": ENCODERS[encoder], "spectral": False, "embed_dim": 48}
    model = build(encoder=encoder.lower(), pooling=pooling, **sizes)
    features = model(x, return_features=True)["features"]
    assert features.shape == (5, 48) and features.std(dim=0).min() > 0
    assert model(x).shape == (5, 3)
    # Mean over windows of the batch must not enter: windows stand alone.
    np.testing.assert_allclose(
        model(x[1:2])[0].detach(), model(x)[1].detach(), rtol=1e-3, atol=1e-5
    )
    model.train()(x).sum().backward()
    grads = [p.grad for n, p in model.named_parameters() if n.startswith("encoder.")]
    assert sum(g is not None and bool(g.abs().sum() > 0) for g in grads) > 2


def test_spectra_alone_and_nothing_at_all(x):
    model = build(encoder=None)
    assert model.encoder is None and model(x).shape == (5, 3)
    with pytest.raises(ValueError, match="Choose an encoder, spectral=True, or both"):
        build(encoder=None, spectral=False)


def test_an_encoder_that_knows_places_predicts_from_a_part_of_the_channels(x):
    model = build(encoder="REVE", encoder_args=SMALL_REVE, spectral=False)
    order = [2, 0]
    part = model(x[:, order], ch_names=[CH_NAMES[i] for i in order])
    assert part.shape == (5, 3) and not torch.allclose(part, model(x))
    whole = [3, 2, 1, 0]
    again = model(x[:, whole], ch_names=[CH_NAMES[i] for i in whole])
    np.testing.assert_allclose(again.detach(), model(x).detach(), atol=1e-5)
    fixed = build(encoder="CBraMod", encoder_args={"n_layer": 1})
    with pytest.raises(ChannelNameError, match="CBraMod takes all 4 channels"):
        fixed(x[:, :2], ch_names=CH_NAMES[:2])


def test_what_cannot_be_built_says_why():
    for encoder, said in (
        ("SignalJEPA", "has no last layer"),
        ("VEMG2Pose", "electromyography"),
        ("Ridge", "'LaBraM' or a model of braindecode such as BIOT, CBraMod"),
        ("NeuroBOLT", "'LaBraM' or a model of braindecode"),
    ):
        with pytest.raises(ValueError, match=said):
            build(encoder=encoder)
    with pytest.raises(ValueError, match="CBraMod needs 200 Hz, whole seconds"):
        build(encoder="CBraMod", n_times=900, spectral=False)
    with pytest.raises(ValueError, match="head must be one of point, gaussian, flow"):
        build(head="ridge", **LABRAM)
    with pytest.raises(ValueError, match="no argument depth; it has num_layers"):
        build(encoder_args={"depth": 2})
    with pytest.raises(ValueError, match="n_volumes must be at least 1"):
        build(n_volumes=0, **LABRAM)


# Weights


@pytest.fixture
def reve_folder(tmp_path, monkeypatch):
    """A folder as REVE is published, and its table of places."""
    places = {name: [0.1 * i, 0.2, -0.1 * i] for i, name in enumerate([*CH_NAMES, "T7"])}
    table = tmp_path / "bank"
    table.mkdir()
    (table / "reve_positions.json").write_text(json.dumps(places))
    monkeypatch.setenv("REVE_POSITIONS_PATH", str(table))
    chs_info = [{"ch_name": name, "kind": "eeg"} for name in ("Fz", "T7")]
    published = REVE(
        n_outputs=2, n_chans=2, chs_info=chs_info, n_times=1000, sfreq=200.0, **SMALL_REVE
    )
    published.save_pretrained(tmp_path / "reve")
    return tmp_path / "reve", published, places


def test_published_weights_for_other_channels_and_windows(reve_folder, x, tmp_path):
    folder, published, places = reve_folder
    sizes = {"encoder": "REVE", "encoder_args": SMALL_REVE, "spectral": False}
    model = build(**sizes, encoder_weights=str(folder))
    theirs, ours = published.state_dict(), model.encoder.model.state_dict()
    names = [name for name in theirs if not name.startswith("final_layer")]
    assert names and all(torch.equal(theirs[name], ours[name]) for name in names)
    expected = torch.tensor([places[name] for name in CH_NAMES])
    assert torch.equal(model.encoder.places[0], expected)
    # Where it is loaded, neither the folder nor the table are needed.
    model.save_pretrained(tmp_path / "ours")
    folder.rename(tmp_path / "gone")
    again = BOLDNet.from_pretrained(tmp_path / "ours").eval()
    assert torch.equal(again(x), model(x))


def test_weights_that_do_not_fit(reve_folder):
    folder, *_ = reve_folder
    sizes = {"encoder": "REVE", "spectral": False, "encoder_weights": str(folder)}
    with pytest.raises(CheckpointError, match="do not fit the encoder REVE; nothing"):
        build(encoder_args={**SMALL_REVE, "embed_dim": 64}, **sizes)
    with pytest.raises(CheckpointError, match=r"missing: transformer\."):
        build(encoder_args={**SMALL_REVE, "depth": 2}, **sizes)
    with pytest.raises(ChannelNameError, match="no place for P9"):
        build(encoder_args=SMALL_REVE, ch_names=["Fz", "P9"], **sizes)


def test_weights_of_an_encoder_without_places(tmp_path, x):
    published = CBraMod(n_outputs=2, n_chans=3, n_times=1000, n_layer=1)
    published.save_pretrained(tmp_path)
    arguments = {"encoder_args": {"n_layer": 1}, "spectral": False}
    model = build(encoder="CBraMod", encoder_weights=str(tmp_path), **arguments)
    found = model.encoder.model.encoder.state_dict()
    for name, weights in published.encoder.state_dict().items():
        assert torch.equal(found[name], weights), name


def test_weights_of_labram(tmp_path):
    source = build(**LABRAM)
    neurobolt = NeuroBOLT(5, ch_names=CH_NAMES, n_times=800, num_layers=1, spectral_depth=1)
    neurobolt.save_pretrained(tmp_path)
    model = build(**LABRAM, encoder_weights=str(tmp_path))
    block = "spatiotemporal.blocks.0.attn.qkv.weight"
    loaded, before = model.state_dict()[block], source.state_dict()[block]
    assert torch.equal(loaded, neurobolt.state_dict()[block])
    assert not torch.equal(loaded, before)


# Heads


def test_beta_nll_is_the_likelihood_and_its_best_spread_is_the_error():
    mean, target = torch.zeros(1000), 3 * torch.randn(1000)
    spread = torch.full((), 2.0)
    normal = torch.distributions.Normal(mean, spread)
    expected = -normal.log_prob(target) - 0.5 * np.log(2 * np.pi)
    loss = beta_nll(mean, spread, target, 0.0)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    spreads = torch.linspace(1, 6, 101)
    losses = [beta_nll(mean, s, target, 0.0).mean() for s in spreads]
    assert abs(spreads[int(np.argmin(losses))] - target.std()) < 0.1


@pytest.mark.parametrize("head", ["point", "gaussian", "flow"])
def test_unknown_volumes_do_not_enter_the_loss(head, x):
    small = {"head_args": {"width": 16, "depth": 1, "n_steps": 2}} if head == "flow" else {}
    model = build(head=head, n_volumes=3, **LABRAM, **small)
    features = model(x, return_features=True)["features"].detach()
    target = torch.randn(5, 3, 3)

    def loss(target):
        torch.manual_seed(1)
        return model.loss(features, target)

    for volume in (0, 1):
        holes = target.clone()
        holes[2, volume] = torch.nan
        assert torch.isfinite(loss(holes)) and loss(holes) != loss(target)
    assert loss(torch.full_like(target, torch.nan)) == 0


def fitted_head(head, steps=400):
    """A head trained on targets whose spread depends on the features."""
    torch.manual_seed(0)
    z = torch.randn(2000, 2)
    spread = torch.where(z[:, :1] > 0, 1.5, 0.3).unsqueeze(1)
    mean = torch.stack([z[:, 1], -z[:, 1]], dim=1).unsqueeze(1)
    shared = torch.randn(2000, 1, 1)
    target = mean + spread * shared
    optimizer = torch.optim.Adam(head.parameters(), lr=5e-3)
    head.train()
    for _ in range(steps):
        rows = torch.randint(len(z), (256,))
        optimizer.zero_grad()
        head.loss(z[rows], target[rows]).backward()
        optimizer.step()
    return head.eval(), z[:400], mean[:400], spread[:400]


def test_a_gaussian_head_learns_mean_and_spread():
    head, z, mean, spread = fitted_head(GaussianHead(2, 2, 1, hidden=(32,), drop_prob=0.0))
    with torch.no_grad():
        found, found_spread = head.distribution(z)
    assert np.corrcoef(found.flatten(), mean.flatten())[0, 1] > 0.98
    assert np.corrcoef(found_spread[:, :, 0].flatten(), spread.flatten())[0, 1] > 0.8
    noise = torch.zeros(400, 1, 2)
    assert torch.equal(head.draw(z, noise), head.point(z))


def test_a_flow_head_learns_that_regions_vary_together():
    """Which a Gaussian head with independent regions cannot."""
    flow = FlowHead(2, 2, 1, width=32, depth=2, n_steps=20, drop_prob=0.0)
    head, z, mean, spread = fitted_head(flow, 800)
    with torch.no_grad():
        draws = torch.stack([head.draw(z, torch.randn(400, 1, 2)) for _ in range(30)])
        point = head.point(z)
    assert np.corrcoef(draws.mean(0).flatten(), mean.flatten())[0, 1] > 0.9
    assert np.corrcoef(point.flatten(), mean.flatten())[0, 1] > 0.9
    residual = (draws - mean)[:, :, 0]
    together = np.corrcoef(residual[..., 0].flatten(), residual[..., 1].flatten())[0, 1]
    assert together > 0.7
    wide, narrow = (residual[:, spread[:, 0, 0] == s].std() for s in (1.5, 0.3))
    assert wide > 2 * narrow


def test_bold_flow_has_the_published_size():
    names = "Fp1 Fp2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T7 T8 P7 P8 Fz Cz Pz Oz FC1 FC2".split()
    model = BOLDFlow(64, ch_names=[*names, "CP1", "CP2", "FC5", "FC6"], n_times=6400)
    millions = sum(p.numel() for p in model.parameters()) / 1e6
    assert 94 < millions < 97, "about 96 M, as published"
    assert model.final_layer.n_volumes == 4 and model.final_layer.n_steps == 50
    assert isinstance(model.head_activation, nn.GELU)
