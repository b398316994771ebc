"""What every model must do; new models are added to MODELS."""

import copy
import inspect
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from braindecode.models.util import models_dict, models_mandatory_parameters
from torch import nn

from braindecode_bolt import EEGRegressor
from braindecode_bolt.models import NETWORKS
from braindecode_bolt.models._registry import register

CH_NAMES = ["Fz", "Cz", "Pz", "Oz"]
CHS_INFO = [{"ch_name": name, "kind": "eeg", "loc": np.zeros(12)} for name in CH_NAMES]
#: Small sizes of each model.
SIZES = {
    "NeuroBOLT": {"num_layers": 1, "spectral_depth": 1},
    "LabramBOLD": {"num_layers": 2},
    "BIOTBOLD": {"num_layers": 1, "embed_dim": 64},
    "BEIRA": {"n_feature_maps": 16, "n_filters": 8, "drop_prob": 0.1},
    "SirenED": {"n_feature_maps": 16, "hidden_sizes": (16, 8)},
    "FFCL": {"feature_maps": (8, 16), "hidden_size": 16},
    "CNNTransformer": {"feature_maps": (8, 16), "num_layers": 1},
    "STTransformer": {"num_layers": 1, "embed_dim": 64},
    "BOLDNet": {"encoder_args": {"num_layers": 1}, "spectral_depth": 1},
    "BOLDFlow": {
        "encoder_args": {"depth": 1, "embed_dim": 32, "heads": 2, "head_dim": 16},
        "embed_dim": 64,
        "spectral_depth": 1,
        "flow_width": 32,
        "flow_depth": 1,
        "n_steps": 4,
        "mix_windows": False,
    },
}
MODELS = {model: SIZES[name] for name, model in NETWORKS.items()}
BATCH_NORM = ("running_mean", "running_var", "num_batches_tracked")


def wake(model):
    """Fill a head that is close to zero as it is made."""
    for parameter in model.final_layer.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.3)


@pytest.fixture(params=MODELS, ids=lambda model: model.__name__)
def model_class(request):
    return request.param


@pytest.fixture
def build(model_class):
    def make(n_outputs=3, n_times=800, **kwargs):
        torch.manual_seed(0)
        given = {"ch_names": CH_NAMES, **MODELS[model_class], **kwargs}
        if "chs_info" in kwargs:
            del given["ch_names"]
        return model_class(n_outputs=n_outputs, n_times=n_times, **given).eval()

    return make


@pytest.fixture(scope="module")
def x():
    return 20 * torch.from_numpy(
        np.random.default_rng(0).standard_normal((5, 4, 800)).astype(np.float32)
    )


def test_output_has_a_row_per_window_and_a_column_per_region(build, x):
    for n_outputs in (1, 3, 64):
        assert build(n_outputs)(x).shape == (5, n_outputs)
    assert torch.isfinite(build()(x)).all()


def test_windows_do_not_influence_each_other(build, x):
    model = build()
    np.testing.assert_allclose(
        model(x)[2].detach(), model(x[2:3])[0].detach(), rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize(
    "time",
    [
        {"n_times": 800},
        {"n_times": 800, "sfreq": 200.0},
        {"n_times": 800, "input_window_seconds": 4.0},
        {"n_times": None, "sfreq": 200.0, "input_window_seconds": 4.0},
    ],
    ids=lambda time: "+".join(name for name, value in time.items() if value),
)
@pytest.mark.parametrize(
    "channels",
    [{"chs_info": CHS_INFO}, {"chs_info": CHS_INFO, "n_chans": 4}, {"n_chans": 4}],
)
def test_signal_parameters_may_be_given_in_any_way(build, x, time, channels):
    model = build(**time, **channels)
    assert (model.n_chans, model.n_times, model.n_outputs) == (4, 800, 3)
    assert model(x).shape == (5, 3)
    assert model.get_output_shape() == (1, 3)
    assert type(model).__name__ in str(model)


def test_models_are_registered_with_braindecode(model_class):
    assert models_dict[model_class.__name__] is model_class
    names = [entry[0] for entry in models_mandatory_parameters]
    assert names.count(model_class.__name__) == 1
    register(model_class)
    names = [entry[0] for entry in models_mandatory_parameters]
    assert names.count(model_class.__name__) == 1


def test_a_model_of_braindecode_is_never_replaced():
    theirs = models_dict["Labram"]
    with pytest.raises(ValueError, match="already has a model named Labram"):
        register(type("Labram", (nn.Module,), {}))
    assert models_dict["Labram"] is theirs


def test_the_last_layer_is_the_head(build):
    assert "final_layer" in [name for name, _ in build().named_children()][-2:]


def test_activation_and_dropout_can_be_chosen(build, model_class):
    parameters = inspect.signature(model_class).parameters
    activations = [name for name in parameters if "activation" in name]
    assert activations
    for activation in activations:
        default = parameters[activation].default
        model = build(**{activation: nn.SiLU})
        kinds = [type(module) for module in model.modules()]
        assert nn.SiLU in kinds
        # BEIRA rectifies, whatever its activation is.
        assert default not in kinds or kinds.count(default) < sum(
            isinstance(module, default) for module in build().modules()
        )
    assert any(
        isinstance(module, nn.Dropout) and module.p == 0.45
        for module in build(drop_prob=0.45).modules()
    )


def test_dropout_acts_in_training_only(build, x):
    # As made, the head is close to zero.
    model = build()
    wake(model)
    assert torch.equal(model(x), model(x))
    model.train()
    assert not torch.allclose(model(x), model(x))


def test_gradients_reach_every_parameter(build, x):
    model = build().train()
    wake(model)
    loss = model(x).square().sum()
    if getattr(model, "has_own_loss", False):
        features = model(x, return_features=True)["features"]
        loss = model.loss(features, torch.randn(5, model.n_volumes, 3))
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_the_last_layer_applied_to_the_features_gives_the_output(build, x):
    model = build()
    wake(model)
    out = model(x, return_features=True)
    assert set(out) == {"features", "cls_token"}
    activated = model.head_activation(out["features"])
    assert torch.equal(model.final_layer(activated), model(x))
    assert out["features"].std(dim=0).max() > 0, "they depend on the window"


def test_the_head_can_be_reset(build, x):
    model = build()
    before = model(x, return_features=True)["features"]
    model.reset_head(11)
    assert model.n_outputs == 11 and model(x).shape == (5, 11)
    assert model.get_config()["n_outputs"] == 11
    assert torch.equal(model(x, return_features=True)["features"], before)
    with pytest.raises(ValueError, match="positive"):
        model.reset_head(0)


def test_configuration_makes_the_same_model(build, model_class, x):
    model = build(chs_info=CHS_INFO, drop_prob=0.3, activation=nn.SiLU)
    with pytest.warns(UserWarning, match="_deserialize_chs_info"):
        again = model_class.from_config(model.get_config())
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.eval()(x), model(x))
    names = build(drop_prob=0.3)
    assert model_class.from_config(names.get_config()).get_config() == names.get_config()


def test_copies_and_pickles_are_equal(build, x):
    model = build()
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(copied(x), model(x))
        assert not copied.weights_changed


def test_weights_changed_tells_loaded_or_trained_weights(build):
    model = build()
    assert not model.weights_changed
    model.load_state_dict(build().state_dict())
    assert not model.weights_changed, "the same weights"
    with torch.no_grad():
        next(model.parameters()).add_(1e-3)
    assert model.weights_changed


def test_only_what_is_learned_is_saved(build):
    """Everything else follows from the arguments."""
    model = build()
    learned = {name for name, _ in model.named_parameters()}
    # Places of electrodes come with published weights.
    kept = (*BATCH_NORM, "encoder.places")
    saved = {n for n in model.state_dict() if not n.endswith(kept)}
    assert saved == learned


@pytest.mark.skipif(
    tuple(map(int, torch.__version__.split(".")[:2])) < (2, 7),
    reason="torch.export before 2.7 cannot trace the Fourier transform",
)
# torch about its own LSTM.
@pytest.mark.filterwarnings("ignore:The tensor attributes self.temporal._flat_weights")
def test_models_can_be_exported(build, x):
    model = build()
    batch = torch.export.Dim("batch", min=2, max=64)
    exported = torch.export.export(
        model, (x,), dynamic_shapes={"x": {0: batch}}, strict=False
    ).module()
    np.testing.assert_allclose(
        exported(x[:3]).detach(), model(x[:3]).detach(), rtol=1e-3, atol=1e-6
    )


@pytest.fixture
def changed(build):
    """A model whose weights are not as they were made."""
    model = build(ch_names=CH_NAMES, drop_prob=0.3, activation=nn.SiLU)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    return model


def test_a_folder_of_save_pretrained_makes_the_same_model(
    changed, model_class, x, tmp_path
):
    changed.save_pretrained(tmp_path)
    again = model_class.from_pretrained(tmp_path).eval()
    assert torch.equal(again(x), changed(x))
    assert again.ch_names == CH_NAMES and again.weights_changed


def test_from_pretrained_for_other_regions(changed, model_class, x, tmp_path):
    changed.save_pretrained(tmp_path)
    again = model_class.from_pretrained(tmp_path, n_outputs=9).eval()
    assert again(x).shape == (5, 9)
    features = [m(x, return_features=True)["features"] for m in (again, changed)]
    assert torch.equal(*features)


def test_models_work_without_huggingface_hub():
    """As where it is not installed; tests run where it is."""
    code = f"""
import sys, warnings
sys.modules["huggingface_hub"] = None
import numpy as np, torch
from braindecode_bolt import EEGRegressor, models
x = torch.randn(3, 4, 800)
for name, sizes in {SIZES}.items():
    model = models.NETWORKS[name](2, ch_names={CH_NAMES}, n_times=800, **sizes)
    assert model.get_config()["n_times"] == 800
    again = type(model).from_config(model.get_config())
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.eval()(x), model.eval()(x))
    assert "from braindecode_bolt import" in type(model).__doc__
    net = EEGRegressor(model, max_epochs=1, verbose=0, train_split=None)
    assert net.fit(20 * x.numpy(), np.eye(3, 2)).predict(20 * x.numpy()).shape == (3, 2)
    for needs_it in (
        type(model).from_pretrained,
        model.save_pretrained,
        model.push_to_hub,
        lambda name, model=model: models.load_published_weights(model, name),
    ):
        try:
            needs_it("someone/model")
        except ImportError as error:
            assert "pip install 'braindecode-bolt[hub]'" in str(error)
        else:
            raise AssertionError("no ImportError")
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert child.returncode == 0, child.stderr


# About the Fourier transform, which is then computed by torch.
@pytest.mark.filterwarnings("ignore:Torchinductor does not support code generation")
# By torch's tracer, after an LSTM.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.slow
def test_models_can_be_compiled(build, x):
    model = build()
    compiled = torch.compile(model)
    np.testing.assert_allclose(
        compiled(x).detach(), model(x).detach(), rtol=1e-3, atol=1e-6
    )


def test_double_precision_and_autocast(build, x):
    model = build()
    exact = copy.deepcopy(model).double()(x.double())
    np.testing.assert_allclose(model(x).detach(), exact.detach(), rtol=1e-3, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(x, return_features=True)["features"]
    features = model(x, return_features=True)["features"]
    error = (rough - features).norm() / features.norm()
    assert error < 0.05


def test_wrong_shapes_are_errors(build, x):
    model = build()
    for wrong in (x[:, :3], x[:, :, :600], x[0]):
        with pytest.raises(ValueError, match=r"shape \(batch, 4, 800\)"):
            model(wrong)


@pytest.mark.parametrize("wrong", [{"sfreq": 0.0}, {"sfreq": -200.0}, {"n_times": 2}])
def test_impossible_signals_are_errors(build, wrong):
    with pytest.raises(ValueError, match="positive|needs windows|A window of|takes"):
        build(**wrong)


def test_the_regressor_trains_a_model_by_name(model_class, windows):
    """With a strong coupling it is better than the mean of the training BOLD."""
    arguments = {f"module__{name}": value for name, value in MODELS[model_class].items()}
    settings = {"lr": 1e-3, "max_epochs": 12, "batch_size": 8, "train_split": None}
    if model_class.__name__ == "BOLDFlow":
        settings |= {"lr": 3e-3, "max_epochs": 20}
    net = EEGRegressor(model_class.__name__, **arguments, **settings, verbose=0)
    test = windows.groups == "04"
    net.fit(windows.X[~test], windows.y[~test])
    error = np.mean((net.predict(windows.X[test]) - windows.y[test]) ** 2)
    of_mean = np.mean((windows.y[~test].mean(axis=0) - windows.y[test]) ** 2)
    assert error < 0.9 * of_mean


def test_docstrings_describe_each_parameter_and_cite_what_they_list(model_class):
    documentation = inspect.getdoc(model_class)
    sections = dict(re.findall(r"(?ms)^(\w+)\n-+\n(.*?)(?=^\w+\n-+$|\Z)", documentation))
    described = re.findall(r"(?m)^(\w+) : .+\n    \S", sections["Parameters"])
    assert described == list(inspect.signature(model_class).parameters)
    listed = re.findall(r"(?m)^\.\. \[(\w+)\]", sections["References"])
    assert set(listed) == set(re.findall(r"\[(\w+)\]_", documentation)) != set()
    assert f"from braindecode_bolt import {model_class.__name__}" in documentation
    assert "from braindecode.models import" not in documentation
