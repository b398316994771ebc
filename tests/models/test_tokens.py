import numpy as np
import pytest
import torch

from braindecode_bolt.models import NETWORKS
from braindecode_bolt.models._tokens import seconds_of_steps

from .test_protocol import CH_NAMES, MODELS

WITH_TOKENS = [model for model in MODELS if model.has_electrode_tokens]


@pytest.fixture(params=WITH_TOKENS, ids=lambda model: model.__name__)
def model(request):
    torch.manual_seed(0)
    sizes = MODELS[request.param]
    return request.param(n_outputs=3, n_times=1600, ch_names=CH_NAMES, **sizes).eval()


@pytest.fixture(scope="module")
def x():
    return 20 * torch.randn(2, 4, 1600, generator=torch.Generator().manual_seed(0))


def test_these_networks_have_tokens():
    assert {m.__name__ for m in WITH_TOKENS} == {"NeuroBOLT", "LabramBOLD", "BIOTBOLD"}


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {m.__name__ for m in WITH_TOKENS}))
def test_networks_without_tokens_say_so(name, x):
    model = NETWORKS[name](
        n_outputs=1, n_times=1600, ch_names=CH_NAMES, **MODELS[NETWORKS[name]]
    )
    with pytest.raises(TypeError, match=f"{name} mixes the electrodes.*NeuroBOLT"):
        model.electrode_tokens(x)


def test_tokens_are_by_electrode_and_second(model, x):
    tokens = model.electrode_tokens(x)
    assert tokens.shape == (2, 4, 8, model.n_token_features)
    assert model.token_lags.tolist() == [7.5, 6.5, 5.5, 4.5, 3.5, 2.5, 1.5, 0.5]
    assert model.token_ch_names() == CH_NAMES


def test_part_of_the_channels_in_any_order(model, x):
    names = ["oz", "EEG Fz"]
    tokens = model.electrode_tokens(x[:, [3, 0]], ch_names=names)
    assert tokens.shape[1] == 2
    assert model.token_ch_names(names) == names
    whole = model.electrode_tokens(x)
    turned = model.electrode_tokens(x.flip(1), ch_names=CH_NAMES[::-1])
    np.testing.assert_allclose(turned.detach().flip(1), whole.detach(), atol=2e-5)


def test_a_token_depends_most_on_its_electrode_and_second(model, x):
    changed = x.clone()
    changed[0, 2, 1000:1200] *= 2  # Pz, the sixth second
    difference = model.electrode_tokens(changed)[0] - model.electrode_tokens(x)[0]
    size = difference.norm(dim=-1)
    assert size.argmax().item() == 2 * 8 + 5
    other = model.electrode_tokens(changed)[1] - model.electrode_tokens(x)[1]
    assert other.abs().max() < 1e-5


def test_channels_that_the_model_does_not_use_have_no_tokens(x):
    model = NETWORKS["NeuroBOLT"](
        n_outputs=1,
        n_times=1600,
        ch_names=["Fz", "X1", "Pz", "Oz"],
        unknown_channels="drop",
        **MODELS[NETWORKS["NeuroBOLT"]],
    ).eval()
    assert model.electrode_tokens(x).shape[1] == 3
    assert model.token_ch_names() == ["Fz", "Pz", "Oz"]
    assert model.token_ch_names(["X1", "Oz"]) == ["Oz"]


@pytest.mark.parametrize("branches", ["spatiotemporal", "spectral"])
def test_branches_have_their_own_tokens(branches, x):
    kwargs = {"n_outputs": 1, "n_times": 1600, "ch_names": CH_NAMES, "branches": branches}
    model = NETWORKS["NeuroBOLT"](**kwargs, **MODELS[NETWORKS["NeuroBOLT"]]).eval()
    assert model.electrode_tokens(x).shape[-1] == model.n_token_features == 200


def test_mean_over_tokens_is_what_the_head_reads(x):
    kwargs = {"n_outputs": 1, "n_times": 1600, "ch_names": CH_NAMES}
    model = NETWORKS["NeuroBOLT"](
        **kwargs, branches="spectral", **MODELS[NETWORKS["NeuroBOLT"]]
    ).eval()
    features = model(x, return_features=True)["features"]
    mean = model.electrode_tokens(x).mean(dim=(1, 2))
    np.testing.assert_allclose(mean.detach(), features.detach(), atol=1e-5)


def test_seconds_of_overlapping_steps():
    # Spectra of a second every half second, in a window of 2.5 s.
    weights = seconds_of_steps(np.array([0, 100, 200, 300]), 200, 200.0, 500)
    np.testing.assert_allclose(
        weights, [[0.25, 0.5, 0.25, 0], [0, 0, 1 / 3, 2 / 3]], atol=1e-6
    )


def test_seconds_that_no_step_covers_take_the_nearest():
    weights = seconds_of_steps(np.array([0, 600]), 200, 200.0, 1000)
    assert weights.argmax(dim=1).tolist() == [0, 0, 1, 1, 1]
    assert (weights.sum(dim=1) == 1).all()
